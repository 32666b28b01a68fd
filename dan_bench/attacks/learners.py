"""Small networks that attackers train, and the one loop that trains them."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from dan_bench.interfaces import Bytes
from dan_bench.rng import derive

VIEWS = 3
VALIDATION_SHARE = 0.1
SOLVED = 1e-3
"""Validation loss, in nats or as a share of the variance, below which nothing is left to learn."""

Loss = Callable[[Tensor], Tensor]
"""From row numbers to the mean loss over those rows."""


@dataclass(frozen=True)
class Budget:
    """What an attacker may spend.

    Args:
        epochs: most passes over what it learns from.
        patience: passes without a better validation loss after which it stops.
        batch_size: rows a step.
        lr: learning rate of AdamW.
        weight_decay: of AdamW.
    """

    epochs: PositiveInt
    patience: PositiveInt
    batch_size: PositiveInt
    lr: PositiveFloat
    weight_decay: float


def views(rows: Bytes) -> Tensor:
    """Bytes as (2y - 1, sin 2 pi y, cos 2 pi y), n x 3d.

    The pair on the circle shows what lies across the wrap from 255 to 0.
    """
    y = torch.from_numpy(rows).to(torch.float32).add_(0.5).div_(256)
    turn = 2 * math.pi * y
    return torch.cat([2 * y - 1, turn.sin(), turn.cos()], dim=1)


class FeatureMap:
    """How an attacker looks at bytes: their views, centred on those that it learns from.

    Without the centring, what all rows have in common (the black of a digit's background) kills
    the hidden units: a decoder then recovers nothing even from the data themselves.
    """

    def __init__(self, learned_from: Bytes) -> None:
        self._mean = views(learned_from).mean(dim=0)

    def __call__(self, rows: Bytes) -> Tensor:
        """Return n x 3d numbers."""
        return views(rows).sub_(self._mean)


def seeded(seed: int, name: str, make: Callable[[], nn.Module]) -> nn.Module:
    """Make a network whose initial weights are a function of (seed, name) alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, name))
        return make()


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Module:
    """One hidden layer."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def convnet(shape: tuple[int, ...], channels: int, outputs: int) -> nn.Module:
    """Two strided convolutions over the picture, the views as channels, and a linear end.

    A row without a shape of its own is one line of a picture.
    """
    height, width, *rest = shape if len(shape) > 1 else (1, *shape)
    depth = math.prod(rest)
    order = nn.Sequential(
        nn.Unflatten(1, (VIEWS, height, width, depth)), ChannelsFirst(), nn.Flatten(1, 2)
    )
    small = math.ceil(height / 4) * math.ceil(width / 4)
    return nn.Sequential(
        order,
        nn.Conv2d(VIEWS * depth, channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * channels * small, outputs),
    )


class ChannelsFirst(nn.Module):
    """N x views x H x W x depth to N x views x depth x H x W."""

    def forward(self, x: Tensor) -> Tensor:
        """Move the last axis before the picture's two."""
        return x.permute(0, 1, 4, 2, 3)


def fit(network: nn.Module, loss: Loss, rows: int, budget: Budget, seed: int, name: str) -> None:
    """Train in place on `rows` rows, keeping the weights with the least validation loss.

    A tenth of the rows is kept for validation. An attacker that learns nothing stops after
    `patience` passes and is left with the weights that misled it least.
    """
    order = torch.Generator().manual_seed(derive(seed, f"{name}/order"))
    shuffled = torch.randperm(rows, generator=order)
    held = max(1, int(VALIDATION_SHARE * rows))
    validation, training = shuffled[:held], shuffled[held:]
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=budget.lr, weight_decay=budget.weight_decay, fused=True
    )
    best, kept, stale = math.inf, copy.deepcopy(network.state_dict()), 0
    for _ in range(budget.epochs):
        network.train()
        shuffle = training[torch.randperm(len(training), generator=order)]
        for batch in shuffle.split(budget.batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss(batch).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            parts = validation.split(budget.batch_size)
            reached = sum(float(loss(part)) * len(part) for part in parts) / held
        if not math.isfinite(reached):
            raise FloatingPointError(
                f"the attacker {name} diverged: its validation loss is {reached}; lower its "
                f"budget.lr={budget.lr}"
            )
        if reached < best:
            best, kept, stale = reached, copy.deepcopy(network.state_dict()), 0
        else:
            stale += 1
        if stale >= budget.patience or best < SOLVED:
            break
    network.load_state_dict(kept)
    network.eval()


@torch.no_grad()
def answers(
    network: nn.Module, inputs: Tensor
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the network's outputs on all inputs, as float64."""
    return torch.cat([network(part) for part in inputs.split(1000)]).double().numpy()
