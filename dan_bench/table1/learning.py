"""The training of Table 1's classifiers, and what it leaves to believe it by."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from dan_bench.attacks.training import Loss, train_epochs
from dan_bench.config.build import bind
from dan_bench.config.schema import Part
from dan_bench.interfaces import Estimate, Progress
from dan_bench.rng import derive
from dan_bench.statistics import binomial_interval
from dan_bench.table1.entry import RunContext, TrainingResult

Hits = Callable[[nn.Module, Tensor, Tensor], dict[str, Tensor]]
"""From a network, inputs and their classes to which of them it got right, by question."""


@dataclass(frozen=True)
class Learning:
    """How a network is trained.

    Args:
        epochs: passes over the training set.
        batch_size: samples a step.
        optimizer: what makes the optimiser from the network's parameters.
        milestones: passes after which the learning rate falls to a tenth.
    """

    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: Part
    milestones: tuple[PositiveInt, ...] = ()


def learn(
    network: nn.Module,
    training: Dataset[Any],
    held_out: Dataset[Any],
    loss: Loss,
    hits: Hits,
    learning: Learning,
    context: RunContext,
) -> TrainingResult:
    """Train a network in place, and ask it about what is held out after every pass.

    Returns:
        Held-out scores after the last pass with exact binomial intervals, and the curves: `step`,
        `epoch` and `loss` of every step, with `held_out_...` of each question at a pass's end.

    Raises:
        FloatingPointError: the loss or a weight is no longer finite.
    """
    started = time.perf_counter()
    order = torch.Generator().manual_seed(derive(context.seed, "table1/order"))
    size = min(learning.batch_size, len(training))  # type: ignore[arg-type]
    batches = DataLoader(training, size, shuffle=True, generator=order, drop_last=True)
    network.to(context.device)
    optimizer = bind(learning.optimizer, "optimizer", {"params"})(params=network.parameters())
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(learning.milestones))
    epochs, steps = learning.epochs, learning.epochs * len(batches)
    curves: list[dict[str, float]] = []
    scores: dict[str, Estimate] = {}

    def after_step(step: int, epoch: int, loss: Tensor) -> None:
        value = loss.item()
        curves.append({"step": step, "epoch": epoch, "loss": value})
        doing = f"training, epoch {epoch} of {epochs}, loss {value:.3f}"
        context.progress(Progress(doing, step, steps))

    def after_epoch(_: int) -> None:
        schedule.step()
        scores.update(examined(network, held_out, hits, size, context.device))
        curves[-1] |= {f"held_out_{name}": score.value for name, score in scores.items()}

    context.progress(Progress("training", 0, steps))
    train_epochs(network, batches, loss, optimizer, epochs, after_epoch, after_step)
    costs = {
        "training_seconds": time.perf_counter() - started,
        "steps": float(steps),
        "parameters": float(sum(p.numel() for p in network.parameters())),
        "training_samples": float(len(training)),  # type: ignore[arg-type]
    }
    return TrainingResult(scores, curves, costs)


@torch.no_grad()
def examined(
    network: nn.Module, held_out: Dataset[Any], hits: Hits, size: int, device: str
) -> dict[str, Estimate]:
    """Return the share of held-out samples that the network gets right, for each question."""
    network.eval()
    right: dict[str, int] = {}
    total = 0
    for x, y in DataLoader(held_out, size):
        total += len(y)
        for name, hit in hits(network, x.to(device), y.to(device)).items():
            right[name] = right.get(name, 0) + int(hit.sum())
    return {name: binomial_interval(count, total) for name, count in right.items()}


def right_class(network: nn.Module, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """Return for which inputs the largest logit is that of their class."""
    return {"accuracy": network(x).argmax(dim=1) == y}
