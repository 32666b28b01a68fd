"""Tests of randomness as metrics of a sample: linear complexity and SP 800-22.

The samples are fixed, so that no test fails by chance.
"""

import random
import subprocess
import sys

import numpy as np
import pytest

from dan_bench.metrics.linearity import linear_complexity
from dan_bench.metrics.sp800_22 import STREAM_BYTES, sp800_22_worst
from dan_bench.randomness.linearity import BITS
from dan_bench.randomness.sp800_22 import sp800_22_many, unpack
from dan_bench.statistics import SampleTooSmall

# linear complexity


@pytest.mark.parametrize("d", [1, 3, 784])
def test_linear_complexity_reads_the_rows_as_one_stream(d):
    n = -(-4 * BITS // d) + 5
    stream = np.frombuffer(random.Random(4).randbytes(n * d), dtype=np.uint8)
    found = linear_complexity(stream.reshape(n, d))
    assert found.details["complexity"] == 19937
    assert found.details["p_value"] == 2.0**-126
    assert found.value == pytest.approx(19937 / (20000 + 4 / 18), rel=1e-12)
    assert (found.n, found.details["bits"]) == (40000, 40000)


def test_the_linear_complexity_of_noise_is_one():
    sample = np.random.default_rng(1).integers(0, 256, (300, 784), dtype=np.uint8)
    kept = sample.copy()
    found = linear_complexity(sample)
    assert found.value == pytest.approx(1, abs=1e-3)
    assert found.details["p_value"] > 1e-3
    assert linear_complexity(np.asfortranarray(sample)) == found
    assert np.array_equal(sample, kept)


@pytest.mark.parametrize(("d", "least"), [(1, 256), (100, 3), (784, 1)])
def test_linear_complexity_says_how_many_rows_it_needs(d, least):
    assert linear_complexity.needs_rows(d) == least
    linear_complexity(np.zeros((least, d), dtype=np.uint8))
    with pytest.raises(SampleTooSmall):
        linear_complexity(np.zeros((least - 1, d), dtype=np.uint8))


# SP 800-22


def noise(rows, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, 784), dtype=np.uint8)


def test_a_sample_is_cut_into_streams_of_a_megabit():
    sample = noise(1200)
    kept = sample.copy()
    found = sp800_22_worst(sample, limit_streams=5)
    assert np.array_equal(sample, kept)
    streams = sample.tobytes()
    many = sp800_22_many(
        unpack(streams[i * STREAM_BYTES : (i + 1) * STREAM_BYTES]) for i in range(5)
    )
    assert found.n == 5
    assert found.value == many.families[many.worst].worst.proportion
    assert found.details["p_value"] == many.p_value
    assert found.details["serial_proportion"] == many.families["serial"].pooled.proportion
    assert found.details["p_value"] > 0.01


def test_a_texture_that_repeats_has_a_worst_family_of_zero():
    found = sp800_22_worst(np.tile(noise(40), (12, 1)))
    assert found.n == 3
    assert found.value == 0
    assert found.details["p_value"] < 0.01


def test_a_small_sample_is_cut_into_three_shorter_streams():
    sample = noise(300)
    found = sp800_22_worst(sample)
    third = sample.size // 3
    streams = sample.ravel()[: 3 * third].reshape(3, third)
    many = sp800_22_many(unpack(stream) for stream in streams)
    assert found.n == 3
    assert found.details["p_value"] == many.p_value


def test_a_sample_of_fewer_than_three_streams_is_refused():
    assert sp800_22_worst.needs_rows(784) == 5
    with pytest.raises(SampleTooSmall, match="5 rows"):
        sp800_22_worst(noise(4))
    with pytest.raises(ValueError, match="at least 3, got 2"):
        sp800_22_worst(noise(480), limit_streams=2)


def test_importing_the_tests_imports_no_compiler():
    program = (
        "import sys, dan_bench.metrics.sp800_22; "
        "assert not {'numba', 'torch', 'scipy.fft', 'scipy.stats'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
