"""Accumulators: the same as the metric functions, whatever the batches, and over processes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributed, multiprocessing

from dan_bench.metrics.entropy import effective_dimensions, shannon_bits
from dan_bench.models.accumulators import EffectiveDimensions, ShannonBits

WIDTH = 7
SAMPLE = np.random.default_rng(0).integers(0, 200, (600, WIDTH), dtype=np.uint8)
SAMPLE[:, 3] = SAMPLE[:, 2]
MAKE = {"bits": ShannonBits, "dimensions": lambda: EffectiveDimensions(WIDTH)}
FUNCTIONS = {"bits": shannon_bits, "dimensions": effective_dimensions}


@pytest.mark.parametrize("name", MAKE)
@given(cuts=st.lists(st.integers(0, 600), max_size=5))
@settings(max_examples=20)
def test_any_batches_give_what_the_function_gives(name, cuts):
    metric = MAKE[name]()
    for part in np.split(SAMPLE, sorted(cuts)):
        metric.update(torch.from_numpy(part))
    assert float(metric.compute()) == pytest.approx(FUNCTIONS[name](SAMPLE).value, rel=1e-12)


def test_sums_are_exact_at_the_largest_bytes():
    """127.5^2 times 256 rows is just below 2^24 quarters, where float32 stops counting them."""
    metric = EffectiveDimensions(2)
    metric.update(torch.full((1000, 2), 255, dtype=torch.uint8))
    assert metric.products.unique().tolist() == [1000 * 127.5**2]
    assert float(metric.compute()) == 0


@pytest.mark.parametrize("name", MAKE)
def test_reset_forgets(name):
    metric = MAKE[name]()
    metric.update(torch.zeros((50, WIDTH), dtype=torch.uint8))
    metric.reset()
    metric.update(torch.from_numpy(SAMPLE))
    assert float(metric.compute()) == pytest.approx(FUNCTIONS[name](SAMPLE).value, rel=1e-12)


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("wrong", [torch.zeros(3, WIDTH), torch.zeros(3, dtype=torch.uint8)])
def test_what_is_no_sample_is_refused(name, wrong):
    with pytest.raises(TypeError, match="B x d"):
        MAKE[name]().update(wrong)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_nothing_has_no_value():
    with pytest.raises(ValueError, match="no bytes"):
        ShannonBits().compute()
    with pytest.raises(ValueError, match="at least 3 rows"):
        EffectiveDimensions(WIDTH).compute()


def work(rank, folder):
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    mine = torch.from_numpy(SAMPLE[rank::2] if rank else SAMPLE[::2][:250])
    found = []
    for make in MAKE.values():
        metric = make()
        metric.update(mine)
        found.append(float(metric.compute()))
    np.save(f"{folder}/{rank}.npy", found)
    distributed.destroy_process_group()


def test_two_processes_agree_with_one(tmp_path):
    multiprocessing.spawn(work, (str(tmp_path),), nprocs=2)
    whole = np.concatenate([SAMPLE[::2][:250], SAMPLE[1::2]])
    expected = [FUNCTIONS[name](whole).value for name in MAKE]
    for rank in (0, 1):
        assert np.load(tmp_path / f"{rank}.npy") == pytest.approx(expected, rel=1e-12)
