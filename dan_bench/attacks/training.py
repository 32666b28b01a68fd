"""The training loop of every learned attacker, classifier and control, and their small networks."""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from dan_bench.data.device import sent
from dan_bench.data.grids import Fold
from dan_bench.interfaces import Bytes
from dan_bench.rng import derive

VIEWS = 3
VALIDATION_SHARE = 0.1
SOLVED = 1e-3
"""Validation loss, in nats or as a share of the variance, below which training stops."""

Loss = Callable[..., Tensor]
"""From a network and the tensors of one batch to the mean loss over the batch."""


@contextmanager
def seeded(seed: int, name: str) -> Iterator[None]:
    """Make all that torch draws inside (weights, dropout) a function of (seed, name) alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, name))
        yield


def train_epochs(
    network: nn.Module,
    batches: Iterable[Sequence[Tensor]],
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    after_epoch: Callable[[int], bool | None],
    after_step: Callable[[int, int, Tensor], None] | None = None,
) -> None:
    """Train a network in place.

    Args:
        network: on the device where it is to be trained; batches are moved there.
        batches: of one epoch; iterated anew for each, so that it may shuffle.
        loss: what is minimised.
        optimizer: of the network's parameters.
        epochs: how many at most.
        after_epoch: called with the number of the epoch, from 1, and the network in evaluation
            mode; training ends where it returns True.
        after_step: called with the number of the step and of the epoch, from 1, and the loss.

    Raises:
        FloatingPointError: the loss or a weight is no longer finite; on an accelerator, where to
            look at a number is to wait, at the end of the epoch.
    """

    def check(loss: Tensor) -> None:
        if not math.isfinite(reached := loss.item()):
            raise FloatingPointError(f"the loss is {reached} after {step} steps")

    device, step = next(network.parameters()).device, 0
    for epoch in range(1, epochs + 1):
        network.train()
        total = torch.zeros((), device=device)
        for batch in batches:
            value = loss(network, *(part.to(device) for part in batch))
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            step += 1
            total += value.detach()
            if value.is_cpu:
                check(value)
            if after_step is not None:
                after_step(step, epoch, value.detach())
        check(total)
        finite = [weight.isfinite().all() for weight in network.state_dict().values()]
        if not torch.stack(finite).all():
            raise FloatingPointError(f"a weight is not finite after {step} steps")
        network.eval()
        if after_epoch(epoch):
            break


@contextmanager
def explained(name: str, lr: float) -> Iterator[None]:
    """Say whose training it was that diverged inside, and what to do."""
    try:
        yield
    except FloatingPointError as error:
        raise FloatingPointError(
            f"the attacker {name} diverged: {error}; lower its budget.lr={lr}"
        ) from error


@dataclass(frozen=True)
class Budget:
    """What may be spent on training with a fixed set of examples.

    Args:
        epochs: passes over the examples, at most.
        patience: epochs without a better validation loss after which it stops.
        batch_size: rows a step.
        lr: learning rate of AdamW.
        weight_decay: of AdamW.
    """

    epochs: PositiveInt
    patience: PositiveInt
    batch_size: PositiveInt
    lr: PositiveFloat
    weight_decay: NonNegativeFloat


@dataclass(frozen=True)
class ShuffledBatches:
    """The chosen rows of some tensors in batches, in a new random order on every iteration."""

    examples: Sequence[Tensor]
    rows: Tensor
    size: int
    order: torch.Generator

    def __iter__(self) -> Iterator[list[Tensor]]:
        shuffled = self.rows[torch.randperm(len(self.rows), generator=self.order)]
        shuffled = shuffled.to(self.examples[0].device)
        return ([part[rows] for part in self.examples] for rows in shuffled.split(self.size))


def fit(
    make: Callable[[], nn.Module],
    examples: Sequence[Tensor],
    loss: Loss,
    budget: Budget,
    seed: int,
    name: str,
    device: str = "cpu",
) -> nn.Module:
    """Train a fresh network and return it with the weights of the least validation loss.

    A tenth of the examples is kept for validation. An attacker that learns nothing stops after
    `patience` epochs and keeps the weights that misled it least. The result is a function of the
    examples and of (seed, name).

    Args:
        make: returns the network.
        examples: tensors with one row an example: inputs, and whatever `loss` compares with.
        loss: takes the network and a batch of each of `examples`.
        budget: epochs, patience and the optimiser's hyperparameters.
        seed: of the run.
        name: of the attacker; names its random streams and stands in messages.
        device: where it is trained, and stays.

    Raises:
        FloatingPointError: the training diverged.
    """
    with seeded(seed, name):
        network = make().to(device)
    examples = [part.to(device) for part in examples]
    order = torch.Generator().manual_seed(derive(seed, f"{name}/order"))
    shuffled = torch.randperm(len(examples[0]), generator=order)
    held_out = max(1, int(VALIDATION_SHARE * len(shuffled)))
    validation = [part[shuffled[:held_out]].split(budget.batch_size) for part in examples]
    batches = ShuffledBatches(examples, shuffled[held_out:], budget.batch_size, order)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=budget.lr, weight_decay=budget.weight_decay, fused=True
    )
    best, kept, stale = math.inf, copy.deepcopy(network.state_dict()), 0

    @torch.no_grad()
    def validate(_: int) -> bool:
        nonlocal best, kept, stale
        losses = torch.stack([loss(network, *b) for b in zip(*validation, strict=True)]).tolist()
        each = zip(losses, validation[0], strict=True)
        reached = sum(value * len(part) for value, part in each) / held_out
        if not math.isfinite(reached):
            raise FloatingPointError(f"its validation loss is {reached}")
        stale += 1
        if reached < best:
            best, kept, stale = reached, copy.deepcopy(network.state_dict()), 0
        return stale >= budget.patience or best < SOLVED

    with explained(name, budget.lr):
        train_epochs(network, batches, loss, optimizer, budget.epochs, validate)
    network.load_state_dict(kept)
    return network.eval().requires_grad_(False)


def classification(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the labels under the network's logits."""
    return cross_entropy(network(inputs), labels)


@torch.no_grad()
def predict(
    network: nn.Module, inputs: Tensor
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the network's outputs for all inputs, computed where it is, as float64."""
    device = next(network.parameters()).device
    outputs = [network(part.to(device)) for part in inputs.split(1000)]
    return torch.cat(outputs).cpu().double().numpy()


def line(rows: Tensor) -> Tensor:
    """Bytes as numbers between -1 and 1, n x d."""
    return rows.to(torch.float32).add_(0.5).div_(128).sub_(1)


def circle(rows: Tensor) -> Tensor:
    """Bytes as points of the circle, n x 2d: all sines first.

    It shows what lies across the wrap from 255 to 0.
    """
    n, d = rows.shape
    return write_circle(rows, torch.empty(n, 2 * d, device=rows.device))


def write_circle(rows: Tensor, into: Tensor) -> Tensor:
    """Write them to `into`, and return it: to join sines and cosines would take longer."""
    turn = rows.to(torch.float32).add_(0.5).mul_(2 * math.pi / 256)
    sines, cosines = into.chunk(2, dim=1)
    torch.sin(turn, out=sines)
    torch.cos(turn, out=cosines)
    return into


def views(rows: Tensor) -> Tensor:
    """Bytes on the line and on the circle, n x 3d."""
    n, d = rows.shape
    seen = torch.empty(n, 3 * d, device=rows.device)
    seen[:, :d] = line(rows)
    write_circle(rows, seen[:, d:])
    return seen


class FeatureMap:
    """How an attacker sees bytes: their views, centred on those of some rows.

    Without the centring, what all rows have in common (the black of a digit's background) kills
    the hidden units: a decoder then recovers nothing even from the data themselves.

    Bytes are sent to the device, and the features are made there.
    """

    def __init__(
        self, rows: Bytes, views: Callable[[Tensor], Tensor] = views, device: str = "cpu"
    ) -> None:
        self._views, self._device = views, device
        self._mean = views(sent(rows, device)).mean(dim=0)
        self.width = len(self._mean)
        """Numbers a row."""

    def __call__(self, rows: Bytes) -> Tensor:
        """Return n x width numbers."""
        return self._views(sent(rows, self._device)).sub_(self._mean)


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Module:
    """A perceptron with one hidden layer."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def convnet(
    shape: tuple[int, ...], channels: int, outputs: int, *, views: int = VIEWS, kernel: int = 3
) -> nn.Module:
    """Two strided convolutions over the picture, the views as channels, and a linear end.

    A row without a shape of its own is one line of a picture.
    """
    planes = Fold(shape if len(shape) > 1 else (1, *shape), side=1)
    small = math.ceil(planes.rows / 4) * math.ceil(planes.columns / 4)
    return nn.Sequential(
        planes,
        nn.Conv2d(views * planes.colours, channels, kernel, stride=2, padding=kernel // 2),
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * channels * small, outputs),
    )
