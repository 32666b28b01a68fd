"""Attackers that learn from fresh noise in every batch, until twice as much of it helps no more."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import mul

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from dan_bench.attacks.training import (
    FeatureMap,
    Loss,
    circle,
    explained,
    line,
    seeded,
    train_epochs,
)
from dan_bench.data.batches import VisitingOrder
from dan_bench.interfaces import Bytes, Case, Data, Degenerator, Pairs

FIRST_ROW = 1 << 40
"""Number of the stream's first row: far beyond those that are attacked or made by anybody else."""
CHUNK = 4096
"""Rows that are degenerated at a time."""
KEPT_BYTES = 1 << 27
"""Of outputs that are kept, so that the next attacker need not make them again."""
VALIDATION_SHARE, VALIDATION_ROWS = 0.1, 4096
CONVERGED = 0.01
"""A doubling that recovers less than this share more was the last."""


class FreshPairs:
    """Pairs of the attacker's own, without end: no two of them share their fresh randomness.

    Pair j is row `FIRST_ROW` + j. The inputs go through the attacker's data again and again, each
    time in another order.

    Args:
        degenerator: under attack.
        data: the attacker's own.
        held_out: rows at the beginning of `data` that are left out, for validation.
        seed: of the run.
        chunk: rows that are degenerated at a time; nothing depends on it but speed.
    """

    def __init__(
        self, degenerator: Degenerator, data: Data, held_out: int, seed: int, chunk: int = CHUNK
    ) -> None:
        self.held_out, self.inputs = held_out, len(data) - held_out
        self._degenerator, self._data, self._chunk = degenerator, data, chunk
        self._kept: dict[int, Bytes] = {}
        self._latest: tuple[int, Bytes] | None = None
        self._order = VisitingOrder(data, self.inputs, seed, "attack/order")

    def take(self, start: int, count: int) -> Pairs:
        """Return the pairs `start` to `start` + `count`."""
        places = np.arange(start, start + count)
        chosen = self._chosen(places)
        chunks = range(start // self._chunk, (start + count - 1) // self._chunk + 1)
        outputs = [
            self._outputs(number)[
                max(0, start - number * self._chunk) : start + count - number * self._chunk
            ]
            for number in chunks
        ]
        labels = None if self._data.labels is None else self._data.labels[chosen]
        made = outputs[0] if len(outputs) == 1 else np.concatenate(outputs)
        return Pairs(self._data.rows[chosen], made, FIRST_ROW + places, labels)

    def _outputs(self, number: int) -> Bytes:
        """Outputs of one chunk: of an early one as they were kept, or made anew."""
        if number in self._kept:
            return self._kept[number]
        if self._latest is None or self._latest[0] != number:
            places = number * self._chunk + np.arange(self._chunk)
            inputs = self._data.rows[self._chosen(places)]
            self._latest = number, self._degenerator(inputs, FIRST_ROW + places)
        made = self._latest[1]
        if (number + 1) * made.nbytes <= KEPT_BYTES:
            self._kept[number] = made
        return made

    def _chosen(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of the data that those pairs are made from."""
        return self.held_out + self._order(places)


def held_out(known: int, there_are: int) -> int:
    """Return how many of the attacker's own pairs are for validation: a tenth of his data.

    Args:
        known: pairs that were made of the first rows of the data.
        there_are: rows of the data.
    """
    return max(1, min(known, VALIDATION_ROWS, int(VALIDATION_SHARE * there_are)))


@dataclass(frozen=True)
class Growth:
    """What an attacker may spend: so many steps, and twice as many for as long as that helps.

    Args:
        first_steps: after which it is looked at for the first time.
        most_steps: the cap; a doubling that would exceed it is not begun.
        batch_size: fresh pairs a step.
        lr: learning rate of AdamW.
        weight_decay: of AdamW.
    """

    first_steps: PositiveInt
    most_steps: PositiveInt
    batch_size: PositiveInt
    lr: PositiveFloat
    weight_decay: NonNegativeFloat

    def __post_init__(self) -> None:
        if self.most_steps < self.first_steps:
            raise ValueError(
                f"most_steps={self.most_steps} is less than first_steps={self.first_steps}"
            )


class Sight:
    """How an attacker sees inputs and outputs: as features, centred on those of some pairs."""

    def __init__(self, views: Callable[[Tensor], Tensor], pairs: Pairs, device: str) -> None:
        self.inputs = FeatureMap(pairs.inputs, views, device)
        self.outputs = FeatureMap(pairs.outputs, views, device)


@dataclass(frozen=True)
class Goal:
    """What an attacker learns to answer.

    Args:
        make: returns the network for rows of so many features.
        batch: from what it sees of some pairs to the tensors that `loss` compares, on its device.
        loss: mean over a batch.
        worth: loss of who knows nothing; that of who knows everything is 0.
        group: rows that are validated together, where the loss depends on it.
    """

    make: Callable[[int], nn.Module]
    batch: Callable[[Sight, Pairs], Sequence[Tensor]]
    loss: Loss
    worth: float
    group: int = 1000


@dataclass(frozen=True)
class Learned:
    """A trained attacker.

    Args:
        network: frozen, on the device where it was trained.
        sight: what it sees.
        validation: pairs that it never learned from.
        details: for the record: `steps` and `examples` that it took, `still_rising` (1 where the
            last doubling before the cap recovered a point more, or none was allowed), `circle` (1
            where it sees bytes on the circle), and `share@N`, what of the validation pairs was
            recovered after N examples, its curve.
    """

    network: nn.Module
    sight: Sight
    validation: Pairs
    details: dict[str, float]


def learn(goal: Goal, case: Case, budget: Growth, name: str) -> Learned:
    """Train an attacker on fresh pairs until it converged, or its budget is spent.

    One network sees bytes on the line. Another, whose steps cost twice as much, sees them on the
    circle, and takes half as many steps at first; the one that recovers more of the attacker's own
    validation pairs by then goes on. The result is a function of the case and of (seed, name).

    Raises:
        FloatingPointError: the training diverged.
    """
    validation = case.auxiliary.part(slice(case.fresh.held_out))
    with explained(name, budget.lr):
        on_line, on_circle = (
            Learner(goal, Sight(views, validation, case.device), case, validation, budget, name)
            for views in (line, circle)
        )
        on_line.advance(budget.first_steps)
        rising = 2 * on_line.steps > budget.most_steps or on_line.double()
        on_circle.advance(budget.first_steps)
        ahead = on_line
        if on_circle.best > on_line.best:
            ahead, rising = on_circle, True
        while rising and ahead.best < 1 - CONVERGED and 2 * ahead.steps <= budget.most_steps:
            rising = ahead.double()
    details = {
        "steps": float(ahead.steps),
        "examples": float(ahead.steps * ahead.batch_size),
        "still_rising": float(rising and ahead.best < 1 - CONVERGED),
        "circle": float(ahead is on_circle),
    }
    curve = {f"share@{examples}": max(0.0, share) for examples, share in ahead.curve.items()}
    return Learned(ahead.result(), ahead.sight, validation, details | curve)


class Learner:
    """A network in training, whose averaged weights are what counts.

    The average gives the later steps their weight, and needs no schedule that knows the end: with
    t steps done the newest weights enter with 4 / (t + 3) (Shamir & Zhang 2013, "Stochastic
    gradient descent for non-smooth optimization", polynomial-decay averaging with eta = 3).
    """

    def __init__(
        self,
        goal: Goal,
        sight: Sight,
        case: Case,
        validation: Pairs,
        budget: Growth,
        name: str,
    ) -> None:
        self.sight, self._goal, self._stream = sight, goal, case.fresh
        self.batch_size = min(budget.batch_size, case.fresh.inputs)
        with seeded(case.seed, name):
            self._network = goal.make(sight.outputs.width).to(case.device)
        self._averaged = copy.deepcopy(self._network).requires_grad_(False).eval()
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(), lr=budget.lr, weight_decay=budget.weight_decay, fused=True
        )
        self._validation = [
            (len(part.rows), goal.batch(sight, part)) for part in self._groups(validation)
        ]
        self.steps = 0
        self.curve: dict[int, float] = {}
        """Share of the validation pairs recovered, by the examples seen; negative is misled."""
        self.best = -math.inf
        self._kept = self._averaged.state_dict()

    def _groups(self, pairs: Pairs) -> Iterator[Pairs]:
        """Whole groups, or one that is smaller."""
        group = min(self._goal.group, len(pairs.rows))
        for start in range(0, len(pairs.rows) - group + 1, group):
            yield pairs.part(slice(start, start + group))

    def advance(self, steps: int) -> None:
        """Train on so many batches more, and see what has been recovered by then."""
        size, first = self.batch_size, self.steps
        batches = (
            self._goal.batch(self.sight, self._stream.take(step * size, size))
            for step in range(first, first + steps)
        )

        @torch.no_grad()
        def average(step: int, _: int, __: Tensor) -> None:
            weight = 4 / (first + step + 3)
            for mean, new in zip(
                self._averaged.parameters(), self._network.parameters(), strict=True
            ):
                mean.lerp_(new, weight)

        train_epochs(
            self._network, batches, self._goal.loss, self._optimizer, 1, lambda _: True, average
        )
        self.steps += steps
        share = self._recovered()
        self.curve[self.steps * size] = share
        if share > self.best:
            self.best, self._kept = share, copy.deepcopy(self._averaged.state_dict())

    def double(self) -> bool:
        """Take as many steps again; return whether that recovered a point more."""
        before = self.best
        self.advance(self.steps)
        return self.best - before >= CONVERGED

    @torch.no_grad()
    def _recovered(self) -> float:
        """Share of what there was that the averaged network recovers from the validation pairs."""
        rows = [count for count, _ in self._validation]
        losses = [self._goal.loss(self._averaged, *batch) for _, batch in self._validation]
        loss: float = sum(map(mul, rows, torch.stack(losses).tolist()))
        if not math.isfinite(loss):
            raise FloatingPointError(f"its validation loss is {loss}")
        return 1 - loss / sum(rows) / self._goal.worth

    def result(self) -> nn.Module:
        """Return the network that recovered most."""
        self._averaged.load_state_dict(self._kept)
        return self._averaged
