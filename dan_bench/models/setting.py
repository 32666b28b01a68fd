"""What a model is told of the run that it is part of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch.optim import Optimizer

from dan_bench.interfaces import NoiseLaw, Objective

REMEDY = "lower the learning rates (optimizer.*.lr) or model.scale, or set trainer.gradient_clip"
"""What to do about a network that diverged, or began so."""


@dataclass(frozen=True)
class Hyperparameters:
    """What a model needs to know of the run that it is part of."""

    width: int
    """Numbers in one sample, d."""
    data_mean: float
    """Mean of the data in (0, 1). Networks are given the data centred: a constant that all inputs
    share otherwise drowns the noise."""
    noise_dim: int
    """Fresh random numbers given to the degenerator a sample."""
    output: str
    objective: Objective
    optimizers: Mapping[str, Callable[..., Optimizer]] = field(default_factory=dict)
    """What makes the optimiser of `degenerator` and of `discriminator` from its parameters."""
    discriminator_steps: int = 1
    freeze_degenerator: bool = False
    gradient_clip: float | None = None
    ema_decay: float = 0.0
    log_every: int = 50
    log_gradients: bool = False
    """Whether the degenerator's gradients are logged too, at the cost of a backward pass."""
    noise: NoiseLaw = "gaussian"
    """Law of the fresh random numbers."""
    shape: tuple[int, ...] = ()
    """Shape of one sample, whose product is d: rows, columns and colours of a picture."""
