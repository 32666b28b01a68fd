"""What is logged of how near training is to theory's end point, against closed forms."""

import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from dan_bench.callbacks.convergence import ROWS, Convergence, effective_dimensions, value
from dan_bench.config.compose import configure
from dan_bench.data.batches import Batches
from dan_bench.interfaces import Data
from dan_bench.metrics import entropy
from dan_bench.models.dan import DAN
from dan_bench.models.outputs import DiscriminatorCritic
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.least_squares import LeastSquares
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store, key_of

WIDTH = 16
ROWS_OF_DATA = np.random.default_rng(0).integers(0, 256, (300, WIDTH), dtype=np.uint8)


class Says(nn.Module):
    """A network of one answer, whatever it is shown."""

    def __init__(self, answer, width):
        super().__init__()
        self.answer, self.width = answer, width

    def forward(self, x):
        return torch.full((len(x), self.width), float(self.answer))


class NoiseIn(nn.Module):
    """A network that hands on the last of its inputs: the fresh noise, of variance 1."""

    def forward(self, x):
        return x[:, -WIDTH:] / (2 * math.sqrt(3)) + 0.5


def dan(objective=None, output="sigmoid", **setting):
    torch.manual_seed(0)
    adam = partial(torch.optim.Adam, lr=1e-2)
    optimizers = {"degenerator": adam, "discriminator": adam}
    return DAN(
        Hyperparameters(
            WIDTH,
            0.5,
            WIDTH,
            output,
            objective or Nonsaturating(),
            optimizers,
            log_every=5,
            **setting,
        ),
        degenerator_hidden=(32,),
        discriminator_hidden=(32,),
        input="data_and_noise",
        scale=1.0,
    )


def noted(module, step=5):
    module.step = step
    module.curves.append({"step": float(step)})
    Convergence(Data(ROWS_OF_DATA), module.setting, seed=0)(module, None)
    return module.curves[-1]


@pytest.mark.parametrize(("rows", "width"), [(3, 7), (256, 7), (256, 300)])
def test_its_effective_dimensions_are_those_of_the_metric(rows, width):
    sample = np.random.default_rng(rows).integers(0, 200, (rows, width), dtype=np.uint8)
    sample[:, 3] = sample[:, 2]
    expected = entropy.effective_dimensions(sample).value
    assert effective_dimensions(sample) == pytest.approx(expected, rel=1e-12)


def test_its_sums_are_exact_at_the_largest_bytes():
    """127.5^2 times 256 rows is just below 2^24 quarters, where float32 stops counting them."""
    assert effective_dimensions(np.full((256, 2), 255, dtype=np.uint8)) == 0


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [(0, 0, -math.log(4)), (100, -100, 0), (1, 1, -math.log1p(math.e) - math.log1p(1 / math.e))],
)
def test_value_is_goodfellows(real, fake, expected):
    logits = [torch.full((7,), float(x)) for x in (real, fake)]
    assert value(*logits) == pytest.approx(expected, abs=1e-6)


def test_an_undecided_discriminator_is_at_the_end_point():
    module = dan()
    module.critic = DiscriminatorCritic(module.output, Says(0, 1))
    point = noted(module)
    assert point["value_function"] == pytest.approx(-math.log(4), abs=1e-6)
    assert point["held_out_accuracy"] == 0.5


def test_a_constant_degenerator_is_as_far_from_uniform_as_can_be():
    module = dan()
    module.degenerator = Says(0, WIDTH)  # sigmoid(0) = 1/2
    point = noted(module)
    held = Convergence(Data(ROWS_OF_DATA), module.setting, seed=0)._held
    assert held.data.shape == (ROWS, WIDTH)
    assert point["uniform_distance_bits"] == pytest.approx(8, abs=1e-9)
    assert point["data_distance"] == pytest.approx((held.data - 0.5).abs().mean().item(), abs=1e-6)


def test_a_degenerator_that_is_uniform_is_at_no_distance():
    """KL of 4,096 bytes, corrected for bias: its standard deviation is 0.0040 bits."""
    module = dan(output="torus", noise="uniform")
    module.degenerator = NoiseIn()
    point = noted(module)
    assert abs(point["uniform_distance_bits"]) < 4 * 0.0040
    assert point["data_distance"] == pytest.approx(1 / 3, abs=0.02)  # two uniform numbers


def test_it_looks_at_logging_steps_only_and_alters_no_training():
    watched, alone = dan(), dan()
    watched.callbacks.append(Convergence(Data(ROWS_OF_DATA), watched.setting, seed=0))
    for module in (watched, alone):
        fit(module, Batches(Data(ROWS_OF_DATA), WIDTH, WIDTH, 10, 23, seed=0))
    assert [set(point) for point in watched.curves] == [set(watched.curves[0])] * 4
    both = zip(watched.parameters(), alone.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in both)


def test_a_discriminator_that_is_no_probability_has_no_value():
    assert "value_function" in noted(dan())
    assert "value_function" not in noted(dan(LeastSquares()))


def test_every_run_keeps_it_in_its_curves(tmp_path):
    config = configure(
        [
            *["data=danoise", "data.shape=[4,4]", "data.train_size=200", "data.test_size=200"],
            *["noise_dim=16", "trainer.max_steps=20", "trainer.batch_size=8", "logger=none"],
            *["evaluation=minimal", "evaluation.samples=100", "evaluation.known=100"],
            *["runtime.log_every=5", f"runtime.results={tmp_path}"],
        ]
    )
    run(config, "group")
    folder = Store(tmp_path).folder(key_of(config.scientific()))
    curves = pd.read_parquet(folder / "curves.parquet")
    assert curves["step"].tolist() == [5, 10, 15, 20]
    for name in ("value_function", "held_out_accuracy", "uniform_distance_bits", "data_distance"):
        assert curves[name].notna().all()
