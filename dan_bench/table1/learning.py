"""The one loop that trains Table 1's classifiers, and what it leaves to believe it by."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from dan_bench.config.schema import Part, bind
from dan_bench.interfaces import Estimate, Progress
from dan_bench.rng import derive
from dan_bench.statistics import binomial_interval
from dan_bench.table1.subject import RunContext, TrainingResult

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""From a network, a batch of inputs and their classes to the mean loss."""
Hits = Callable[[nn.Module, Tensor, Tensor], dict[str, Tensor]]
"""From the same to which of them the network got right, by the name of the question."""


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


@contextmanager
def seeded(seed: int, name: str) -> Iterator[None]:
    """Make all that torch draws inside (weights, dropout, augmentation) one stream of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, f"table1/{name}"))
        yield


def learn(
    network: nn.Module,
    training: Dataset[Any],
    held_out: Dataset[Any],
    loss: Loss,
    hits: Hits,
    learning: Learning,
    given: RunContext,
) -> TrainingResult:
    """Train a network in place, and ask it about what is held out after every pass.

    Returns:
        Held-out scores after the last pass with exact binomial intervals, and the curves: `step`,
        `epoch` and `loss` of every step, with `held_out_...` of each question at a pass's end.

    Raises:
        FloatingPointError: the loss or a weight is no longer finite.
    """
    started = time.perf_counter()
    order = torch.Generator().manual_seed(derive(given.seed, "table1/order"))
    size = min(learning.batch_size, len(training))  # type: ignore[arg-type]
    batches = DataLoader(training, size, shuffle=True, generator=order, drop_last=True)
    network.to(given.device)
    make: partial[torch.optim.Optimizer] = bind(
        learning.optimizer, "optimizer", frozenset({"params"})
    )
    optimizer = make(params=network.parameters())
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(learning.milestones))
    steps = learning.epochs * len(batches)
    curves: list[dict[str, float]] = []
    scores: dict[str, Estimate] = {}
    given.tell(Progress("training", 0, steps))
    for epoch in range(1, learning.epochs + 1):
        network.train()
        for x, y in batches:
            of_batch = loss(network, x.to(given.device), y.to(given.device))
            optimizer.zero_grad(set_to_none=True)
            of_batch.backward()
            optimizer.step()
            reached = float(of_batch.detach())
            if not math.isfinite(reached):
                raise FloatingPointError(f"the loss is {reached} after {len(curves) + 1} steps")
            curves.append({"step": len(curves) + 1, "epoch": epoch, "loss": reached})
            doing = f"training, epoch {epoch} of {learning.epochs}, loss {reached:.3f}"
            given.tell(Progress(doing, len(curves), steps))
        schedule.step()
        if not all(weight.isfinite().all() for weight in network.state_dict().values()):
            raise FloatingPointError(f"a weight is not finite after {len(curves)} steps")
        scores = examined(network, held_out, hits, size, given.device)
        curves[-1] |= {f"held_out_{name}": score.value for name, score in scores.items()}
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
