"""How near training is to the end point that theory knows, seen on what is held out of it.

At that point p_d is uniform, no discriminator is right more often than one time in two, and
V(D, G) = -log 4 (Goodfellow et al. 2014, theorem 1; the paper's Theorem 1).
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus
from torchmetrics import Metric

from dan_bench.data.batches import Batch, Batches, as_bytes
from dan_bench.interfaces import Data
from dan_bench.models.accumulators import EffectiveDimensions, ShannonBits
from dan_bench.models.module import AdversarialModule, Hyperparameters, accuracy
from dan_bench.objectives import on_both
from dan_bench.rng import derive

ROWS = 256
WIDEST = 1024


def value(on_real: Tensor, on_fake: Tensor) -> float:
    """V(D, G) = E log D(real) + E log(1 - D(fake)) in nats, with D = sigmoid of the logits.

    At most -log 4 + 2 JSD(p_real, p_fake), with equality for the best D (there, equation 6).
    """
    return -float(softplus(-on_real).mean() + softplus(on_fake).mean())


def once(metric: Metric, made: Tensor) -> float:
    """Value of a metric on these numbers alone."""
    metric.update(torch.from_numpy(as_bytes(made)))
    found = float(metric.compute())
    metric.reset()
    return found


class Convergence:
    """A module's listener: adds these to its curves at every logging step.

    - `value_function`: V(D, G), where the objective's discriminator is a probability's logit;
      -log 4 = -1.386 at the end point;
    - `held_out_accuracy` of the discriminator; 1/2;
    - `uniform_distance_bits`: KL divergence of the law of one byte from the uniform law; 0;
    - `effective_dimensions`, as a share of those of noise; 1 (rows of at most 1,024 numbers);
    - `data_distance`: mean |degenerated - original| in [0, 1] (the paper's Proposition 2).

    Args:
        data: held out of training; 256 rows of it are used.
        setting: the module's.
        seed: of the run.
    """

    def __init__(self, data: Data, setting: Hyperparameters, seed: int) -> None:
        rows = min(ROWS, len(data))
        streams = derive(seed, "convergence")  # none of them is one that is trained on
        self._held = Batches(data, setting.width, setting.noise_dim, rows, 1, streams).at(0)
        self._bits = ShannonBits()
        # a d x d matrix each time
        wide = setting.width > WIDEST or rows < 3
        self._dimensions = None if wide else EffectiveDimensions(setting.width)

    @torch.no_grad()
    def __call__(self, module: AdversarialModule, _: Batch) -> None:
        """Look, if this is a logging step."""
        if module.step % module.setting.log_every != 0:
            return
        held, objective = self._held.to(module.device, module.dtype), module.setting.objective
        fake = module.fake(held)
        on_real, on_fake = on_both(module.critic, module.real(held), fake)
        made = module.samples_in(fake)
        point = {
            "held_out_accuracy": accuracy(objective, on_real, on_fake),
            "uniform_distance_bits": 8 - once(self._bits, made),
            "data_distance": (made - held.data[: len(made)]).abs().mean().item(),
        }
        if self._dimensions is not None:
            point["effective_dimensions"] = once(self._dimensions, made)
        if objective.boundary == 0:
            point["value_function"] = value(on_real, on_fake)
        module.note(point)
