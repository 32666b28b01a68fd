"""How near training is to the end point known from theory, measured on held-out data.

At that point p_d is uniform, no discriminator is right more often than one time in two, and
V(D, G) = -log 4 (Goodfellow et al. 2014, theorem 1; the paper's Theorem 1).
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from dan_bench.data.batches import Batch, Batches, as_bytes
from dan_bench.interfaces import Bytes, Data
from dan_bench.metrics.entropy import expected_dimensions, shannon_bits
from dan_bench.models.module import AdversarialModule
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives import accuracy, on_both
from dan_bench.rng import derive

ROWS = 256
WIDEST = 1024
"""Widest rows whose effective dimensions are logged: they take a d x d matrix each time."""
MIDDLE = 127.5


def value(on_real: Tensor, on_fake: Tensor) -> float:
    """V(D, G) = E log D(real) + E log(1 - D(fake)) in nats, with D = sigmoid of the logits.

    At most -log 4 + 2 JSD(p_real, p_fake), with equality for the best D (there, equation 6).
    """
    return -float(softplus(-on_real).mean() + softplus(on_fake).mean())


def effective_dimensions(sample: Bytes) -> float:
    """Return `metrics.entropy.effective_dimensions` of at most 256 rows, in half of its time."""
    # products of bytes less 127.5 are quarters, and sums of 256 of them exact in float32
    centred = torch.from_numpy(sample).float().sub_(MIDDLE)
    products, total = (centred.T @ centred).double(), centred.sum(dim=0).double()
    n = len(sample)
    # |P - t t'/n|^2 without the matrix: two passes over P instead of six
    trace = products.trace() - total @ total / n
    flat = products.flatten()
    squares = flat @ flat - 2 / n * (total @ products @ total) + (total @ total / n) ** 2
    return float(trace.square() / squares / expected_dimensions(n, len(total)) if trace > 0 else 0)


class Convergence:
    """A module's callback: adds these to its curves at every logging step.

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
        self._held = Batches(
            data, setting.width, setting.noise_dim, rows, 1, streams, noise=setting.noise
        ).at(0)
        self._has_dimensions = rows >= 3 and setting.width <= WIDEST

    @torch.no_grad()
    def __call__(self, module: AdversarialModule, _: Batch) -> None:
        """Measure, if this is a logging step."""
        if module.step % module.setting.log_every != 0:
            return
        held, objective = self._held.to(module.device, module.dtype), module.setting.objective
        fake = module.fake(held)
        on_real, on_fake = on_both(module.critic, module.real(held), fake)
        samples = module.samples_in(fake)
        sample = as_bytes(samples)
        point = {
            "held_out_accuracy": accuracy(objective, on_real, on_fake),
            "uniform_distance_bits": 8 - shannon_bits(sample).value,
            "data_distance": (samples - held.data[: len(samples)]).abs().mean().item(),
        }
        if self._has_dimensions:
            point["effective_dimensions"] = effective_dimensions(sample)
        if objective.boundary == 0:
            point["value_function"] = value(on_real, on_fake)
        module.note(point)
