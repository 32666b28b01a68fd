"""Critics that are any function, and the objectives that face them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dan_bench.models.outputs import OUTPUTS
from dan_bench.objectives.guide import Guide
from dan_bench.objectives.hinge import Hinge
from dan_bench.objectives.least_squares import LeastSquares
from dan_bench.objectives.minimax import Minimax
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.objectives.relativistic import Relativistic
from dan_bench.objectives.wgan_gp import WganGp

ABSOLUTE = [Minimax(), Nonsaturating(), LeastSquares(), Hinge()]
RELATIVE = [WganGp(), Relativistic(), Guide()]
ALL = ABSOLUTE + RELATIVE


@dataclass(frozen=True)
class On:
    """A critic that is any function, in the space of an output."""

    function: Callable[[Tensor], Tensor]
    output: str = "sigmoid"

    def __call__(self, y):
        return self.function(y)

    def displacement(self, start, end):
        return OUTPUTS[self.output].displacement(start, end)


logits = On(lambda y: y[:, 0])
"""A critic whose answer is the sample."""


def column(values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


def mean(values):
    values = list(values)
    return sum(values) / len(values)
