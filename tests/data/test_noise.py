"""DANOISE is Python's random, bit for bit; batches are a function of the step."""

import random
import tracemalloc
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dan_bench.data.batches import Batches, as_bytes, as_unit
from dan_bench.data.noise import BLOCK_ROWS, Danoise, FreshNoise, NoiseRows, fast_bytes, randbytes
from dan_bench.interfaces import Data
from dan_bench.rng import derive

SEEDS = [0, 1, -1, -(2**70), 2**32 - 1, 2**32, 2**32 + 1, 2**64 - 1, 2**64, 2**64 + 12345, 3**90]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6, 7, 2500, 2501, 2502, 2503])
def test_randbytes_is_pythons_random(seed, n):
    assert randbytes(seed, n).tobytes() == random.Random(seed).randbytes(n)


@settings(max_examples=100, derandomize=True)
@given(seed=st.integers(-(2**130), 2**130), n=st.integers(0, 5000))
def test_randbytes_is_pythons_random_for_any_seed_and_length(seed, n):
    assert randbytes(seed, n).tobytes() == random.Random(seed).randbytes(n)


def test_a_negative_length_is_refused():
    with pytest.raises(ValueError, match="-1"):
        randbytes(0, -1)


@pytest.mark.parametrize("block", [0, 1, 7, 2**40])
def test_a_block_is_the_stream_that_the_docstring_names(block):
    width = 5
    rows = NoiseRows(3, "some stream", width)
    expected = random.Random(derive(3, f"some stream/{block}")).randbytes(1024 * width)
    assert rows.block(block).shape == (1024, width)
    assert rows.block(block).tobytes() == expected
    assert rows[block * 1024 + np.arange(1024)].tobytes() == expected


def test_a_row_is_the_same_read_alone_in_any_order_and_across_blocks():
    wanted = np.array([5 * BLOCK_ROWS, 0, BLOCK_ROWS - 1, BLOCK_ROWS, 0, 3 * BLOCK_ROWS + 17, 1])
    together = NoiseRows(1, "s", 7)[wanted]
    alone = [NoiseRows(1, "s", 7)[np.array([row])][0] for row in wanted]
    backwards = NoiseRows(1, "s", 7)[wanted[::-1]][::-1]
    held = NoiseRows(1, "s", 7)
    held[np.array([4 * BLOCK_ROWS])]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)
    assert np.array_equal(together, held[wanted])
    assert np.array_equal(together[1], together[4])


def test_what_a_reader_does_to_its_rows_does_not_change_the_stream():
    rows = NoiseRows(0, "s", 4)
    first = rows[np.arange(3)]
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(rows[np.arange(3)], kept)


def test_no_two_streams_or_seeds_share_more_bytes_than_chance():
    """Equal places are binomial(n, 1/256); false alarm 1e-4 over all pairs together."""
    danoise = Danoise(seed=0, train_size=1000, test_size=1000, shape=(10, 10))
    batches = Batches(danoise.load("train"), 100, 50, 10, 1, seed=0)
    names = ["fresh", "key", "c2st/noise", "danoise/attack"]
    streams = [
        danoise.load("train").rows,
        danoise.load("test").rows,
        batches.target,
        NoiseRows(0, "train/fresh", 100, draw=fast_bytes),
        NoiseRows(1, "danoise/train", 100),
        *(NoiseRows(0, name, 100) for name in names),
    ]
    seen = [stream[np.arange(500)].ravel()[:50000] for stream in streams]
    pairs = list(combinations(seen, 2))
    least, most = stats.binom.interval(1 - 1e-4 / len(pairs), 50000, 1 / 256)
    assert all(least <= (a == b).sum() <= most for a, b in pairs)


def test_the_attack_split_of_danoise_is_never_its_test_split():
    """Same bound as above, for the whole data sets, whichever stream the attackers read."""
    danoise = Danoise(seed=5, train_size=600, test_size=600, shape=(100,))
    rows = np.arange(600)
    held = danoise.load("test").rows[rows]
    for split in ("train", "attack"):
        equal = (danoise.load(split).rows[rows] == held).sum()
        least, most = stats.binom.interval(1 - 1e-5, held.size, 1 / 256)
        assert least <= equal <= most


def test_a_huge_row_number_takes_the_memory_of_a_few_blocks():
    width = 784
    rows = NoiseRows(0, "huge", width)
    tracemalloc.start()
    row = rows[np.array([2**61 + 3, 2**62 - 1])]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * BLOCK_ROWS * width
    number, place = divmod(2**61 + 3, BLOCK_ROWS)
    expected = random.Random(derive(0, f"huge/{number}")).randbytes(BLOCK_ROWS * width)
    assert row[0].tobytes() == expected[place * width : (place + 1) * width]


@pytest.mark.parametrize("wanted", [[-1], [10], [0, 10], [-1, 0]])
def test_a_row_outside_is_an_index_error(wanted):
    with pytest.raises(IndexError, match="of 10"):
        NoiseRows(0, "s", 4, size=10)[np.array(wanted)]


def test_no_rows_are_no_rows():
    assert NoiseRows(0, "s", 4)[np.array([], dtype=np.int64)].shape == (0, 4)


def test_uniform_lies_in_the_open_interval_and_is_two_bytes_a_number():
    rows = NoiseRows(0, "s", 400)
    u = rows.uniform(np.arange(2000))
    raw = rows[np.arange(2000)].astype(int)
    assert u.shape == (2000, 200)
    assert u.dtype == np.float32
    assert 0 < u.min() < u.max() < 1
    assert np.array_equal(u, ((raw[:, ::2] + 256 * raw[:, 1::2]) + 0.5) / 65536)


def test_uniform_stays_in_the_open_interval_at_both_ends():
    rows = NoiseRows(0, "s", 4)
    rows._held = (0, np.tile(np.array([0, 0, 255, 255], dtype=np.uint8), (BLOCK_ROWS, 1)))
    assert rows.uniform(np.array([0])).tolist() == [[0.5 / 65536, 65535.5 / 65536]]


def test_uniform_is_uniform():
    """Kolmogorov-Smirnov on 200,000 numbers; false alarm 1e-4."""
    u = NoiseRows(0, "ks", 400).uniform(np.arange(1000)).ravel()
    assert stats.kstest(u.astype(np.float64), "uniform").pvalue > 1e-4


LAWS = {"gaussian": stats.norm(), "uniform": stats.uniform(-(3**0.5), 2 * 3**0.5)}


@pytest.mark.parametrize("law", LAWS)
def test_fresh_noise_follows_its_law(law):
    """Kolmogorov-Smirnov on 200,000 numbers; false alarm 1e-4. Mean and mean square: 4 errors."""
    noise = FreshNoise(0, "fresh", 200, law)(np.arange(1000)).astype(np.float64).ravel()
    assert stats.kstest(noise, LAWS[law].cdf).pvalue > 1e-4
    assert abs(noise.mean()) < 4 / noise.size**0.5
    fourth = float(LAWS[law].moment(4))
    assert abs(np.square(noise).mean() - 1) < 4 * ((fourth - 1) / noise.size) ** 0.5


def test_fresh_noise_is_a_function_of_the_row_and_two_bytes_a_number():
    fresh = FreshNoise(3, "s", 5, "gaussian")
    rows = NoiseRows(3, "s", 10, draw=fast_bytes)
    wanted = np.array([7, 2000, 7])
    words = rows[wanted].view("<u2").astype(np.float64)
    assert fresh(wanted).dtype == np.float32
    assert np.allclose(fresh(wanted), stats.norm.ppf((words + 0.5) / 65536), atol=1e-6)
    assert np.array_equal(fresh(wanted)[1:2], fresh(wanted[1:2]))
    assert FreshNoise(3, "s", 0, "gaussian")(wanted).shape == (3, 0)


@given(seed=st.integers(0, 2**64 - 1), n=st.integers(0, 50))
def test_fast_bytes_are_a_prefix_of_one_stream(seed, n):
    assert len(fast_bytes(seed, n)) == n
    assert np.array_equal(fast_bytes(seed, n), fast_bytes(seed, 50)[:n])


def test_every_byte_survives_as_unit_and_quantising():
    every = np.arange(256, dtype=np.uint8).reshape(4, 64)
    kept = every.copy()
    assert np.array_equal(as_bytes(as_unit(every)), every)
    assert np.array_equal(every, kept)


def numbered(size):
    """Data whose row i says i."""
    number = np.arange(size)
    return Data(np.stack([number % 256, number // 256], axis=1).astype(np.uint8))


def numbers(data):
    low, high = as_bytes(data).astype(int).T
    return low + 256 * high


@pytest.mark.parametrize("size", [100, 320])
def test_a_batch_is_a_function_of_its_step(size):
    def make(**start):
        return Batches(numbered(size), 2, 3, batch_size=32, steps=30, seed=4, **start)

    through = list(make())
    assert len(through) == len(make()) == 30
    for step in (29, 3, 4, 0, 17):
        for a, b in zip(make().at(step), through[step], strict=True):
            assert torch.equal(a, b)
    late = list(make(start=11))
    assert len(late) == len(make(start=11)) == 19
    for one, other in zip(late, through[11:], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_batches_of_danoise_are_a_function_of_their_step_too():
    data = Danoise(seed=0, train_size=100, test_size=10, shape=(2, 3)).load("train")
    through = list(Batches(data, 6, 2, 32, 12, seed=0))
    alone = Batches(data, 6, 2, 32, 12, seed=0).at(9)
    assert all(torch.equal(a, b) for a, b in zip(alone, through[9], strict=True))
    read = np.concatenate([as_bytes(batch.data) for batch in through])[:100]
    assert np.array_equal(read, data.rows[np.arange(100)])


def test_every_epoch_visits_every_row_once_in_an_order_of_its_own():
    size, batch_size = 300, 32  # epochs end in the midst of batches
    steps = 4 * size // batch_size
    batches = Batches(numbered(size), 2, 0, batch_size, steps, seed=0)
    visited = np.concatenate([numbers(batch.data) for batch in batches])
    epochs = [visited[i : i + size] for i in range(0, 3 * size, size)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(size))
    assert all(not np.array_equal(a, b) for a, b in combinations(epochs, 2))
    other = Batches(numbered(size), 2, 0, batch_size, steps, seed=1)
    assert not np.array_equal(numbers(other.at(0).data), numbers(batches.at(0).data))


def test_target_and_fresh_noise_are_never_used_twice():
    """Rows of 16 bytes: two of 960 are equal by chance with probability below 1e-33."""
    batches = list(Batches(numbered(50), 8, 8, 32, 30, seed=0))
    for part in ("target", "noise"):
        rows = torch.cat([getattr(batch, part) for batch in batches])
        assert len(rows.unique(dim=0)) == len(rows) == 960


def test_no_noise_is_a_tensor_of_no_columns():
    batch = Batches(numbered(50), 2, 0, 32, 1, seed=0).at(0)
    assert batch.noise.shape == (32, 0)
    assert batch.data.shape == batch.target.shape == (32, 2)
