"""What is made on an accelerator: Philox, and batches that are the CPU's but for their noise."""

import numpy as np
import pytest
import torch
from gpu_copies import GPU, Copies
from scipy import stats
from torch._subclasses import FakeTensorMode

from dan_bench.data import batches as module
from dan_bench.data.batches import CHUNK_STEPS, Batches
from dan_bench.data.device import DeviceNoise, philox
from dan_bench.data.noise import Danoise, FreshNoise, quantiles
from dan_bench.interfaces import Data

CPU = torch.device("cpu")
ROWS = np.random.default_rng(0).integers(0, 256, (50, 6), dtype=np.uint8)
LABELLED = Data(ROWS, np.arange(50) % 10)
FALSE_ALARM = 1e-4


# Philox

# Random123 1.14, tests/kat_vectors: counter, key, result
KNOWN_ANSWERS = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN_ANSWERS)
def test_philox_gives_the_known_answers_of_its_authors(counter, key, result):
    words = philox([torch.tensor([word]) for word in counter], key[0] | key[1] << 32)
    assert [int(word) for word in words] == result


def in_python(counter, key):
    """The paper's definition, on integers without end."""
    for turn in range(10):
        high = [0xD2511F53 * counter[0] >> 32, 0xCD9E8D57 * counter[2] >> 32]
        low = [0xD2511F53 * counter[0] % 2**32, 0xCD9E8D57 * counter[2] % 2**32]
        first, second = (
            (part + turn * step) % 2**32
            for part, step in zip(key, (0x9E3779B9, 0xBB67AE85), strict=True)
        )
        counter = [high[1] ^ counter[1] ^ first, low[1], high[0] ^ counter[3] ^ second, low[0]]
    return counter


def test_philox_is_its_definition_for_any_words():
    words = np.random.default_rng(1).integers(0, 2**32, (200, 6))
    words[:40] |= 0xFFFF0000  # products whose highest bit is set
    for *counter, first, second in words.tolist():
        found = philox([torch.tensor(word) for word in counter], first | second << 32)
        assert [int(word) for word in found] == in_python(counter, [first, second])


# noise


def noise(rows, law="gaussian", dim=11, seed=3, stream="s"):
    return DeviceNoise(seed, stream, dim, law, CPU)(torch.as_tensor(rows))


def test_a_row_is_the_same_whatever_it_is_asked_for_with():
    rows = np.array([5, 0, 2**32 - 1, 2**32, 2**61 + 3, 5])
    together = noise(rows)
    assert together.shape == (6, 11)
    assert together.dtype == torch.float32
    for place, row in enumerate(rows):
        assert torch.equal(noise([row])[0], together[place])
    assert torch.equal(noise(rows[::-1].copy()), together.flip(0))
    assert len(together.unique(dim=0)) == 5
    assert torch.equal(noise(rows, dim=3), together[:, :3])
    assert noise(rows, dim=0).shape == (6, 0)


@pytest.mark.parametrize("law", ["gaussian", "uniform"])
def test_noise_of_a_device_has_the_law_of_the_cpus(law):
    """Every one of the 65,536 quantiles is as likely as any other: all moments follow."""
    numbers = noise(np.arange(2**14), law, dim=256).flatten().double().numpy()
    table = quantiles(law).astype(np.float64)
    places = table.searchsorted(numbers)
    assert np.array_equal(table[places], numbers)
    counts = np.bincount(places, minlength=1 << 16)
    squared = stats.chisquare(counts).statistic
    least, most = stats.chi2.interval(1 - FALSE_ALARM, (1 << 16) - 1)
    assert least < squared < most
    for power in (1, 2):
        moments = table**power
        off = (numbers**power).mean() - moments.mean()
        assert abs(off) < stats.norm.isf(FALSE_ALARM / 2) * moments.std() / len(numbers) ** 0.5
    assert table.mean() == pytest.approx(0, abs=1e-6)
    assert table.var() == pytest.approx(1, abs=1e-4)


def test_neither_numbers_of_a_row_nor_rows_nor_streams_nor_seeds_are_correlated():
    """Each correlation is normal with deviation 1 / sqrt(n)."""
    here = noise(np.arange(1000), dim=100)
    others = [
        here.roll(1, 0),
        here.roll(1, 1),
        noise(np.arange(2**32, 2**32 + 1000), dim=100),
        noise(np.arange(1000), dim=100, seed=4),
        noise(np.arange(1000), dim=100, stream="t"),
        torch.from_numpy(FreshNoise(3, "s", 100, "gaussian")(np.arange(1000))),
    ]
    most = stats.norm.isf(FALSE_ALARM / 2 / len(others))
    for other in others:
        assert abs((here * other).mean()) * here.numel() ** 0.5 < most


# batches


def both(data, steps=30, size=32, **changed):
    """Batches of the CPU, and those that a device makes."""
    here, there = (Batches(data, 6, 4, size, steps, seed=5, **changed) for _ in range(2))
    there.make_on(CPU)
    return here, there


@pytest.mark.parametrize("held", [0, 1 << 26])
@pytest.mark.parametrize("data", [LABELLED, Danoise(0, 50, 50, (6,)).load("train")])
def test_batches_of_a_device_are_those_of_the_cpu_but_for_the_noise(data, held, monkeypatch):
    monkeypatch.setattr(module, "HELD_BYTES", held)
    here, there = both(data)
    for step, (own, made) in enumerate(zip(here, there, strict=True)):
        for name in ("data", "target", "labels"):
            assert torch.equal(getattr(own, name), getattr(made, name)), name
            assert getattr(own, name).dtype == getattr(made, name).dtype
        assert np.array_equal(here.visited(step), there.visited(step))
        rows = torch.arange(32 * step, 32 * (step + 1))
        assert torch.equal(made.noise, DeviceNoise(5, "train/fresh", 4, "gaussian", CPU)(rows))
        assert not torch.equal(made.noise, own.noise)


def test_batches_of_a_device_are_a_function_of_the_step():
    through = list(both(LABELLED)[1])
    resumed = both(LABELLED, start=13)[1]
    for step, batch in enumerate(resumed, start=13):
        assert all(map(torch.equal, batch, through[step]))
    assert all(map(torch.equal, both(LABELLED)[1].at(9), through[9]))


def test_data_that_change_on_the_way_are_read_when_a_device_uses_them():
    rows = ROWS.copy()

    class Changing:
        def __len__(self):
            return len(rows)

        def __getitem__(self, wanted):
            return rows[wanted]

    there = both(Data(Changing()), live=True)[1]
    before = there.at(0).data
    rows[:] = 255 - rows
    assert torch.allclose(there.at(0).data, 1 - before)


@pytest.mark.parametrize("held", [0, 1 << 26])
def test_making_batches_never_waits_for_a_gpu(held, monkeypatch):
    """With tensors that claim to be on one, of which no number can be looked at.

    Copies do not wait if they say so and come from memory that is pinned.
    """
    monkeypatch.setattr(module, "HELD_BYTES", held)
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: pinned.append(0) or self)
    with FakeTensorMode(allow_non_fake_inputs=True):
        batches = Batches(LABELLED, 6, 4, 32, 30, seed=5)
        batches.make_on(GPU)
        pinned.clear()
        with Copies() as copies:
            _, made = batches._draw(0)
    assert [part.device for part in made] == [GPU] * 4
    assert [part.shape for part in made[:3]] == [(CHUNK_STEPS, 32, n) for n in (6, 6, 4)]
    assert copies.waiting == [False] * 3  # target, labels, and data or which of them
    assert len(pinned) == 3
