"""Attacks and the two-sample test on references whose answer is known.

Bounds are the metrics' own intervals; where a test draws, its false-alarm probability is given.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import stats

import dan_bench.models.frozen
from dan_bench.attacks.distinguish import C2st
from dan_bench.attacks.fresh import Growth
from dan_bench.attacks.recovery import Dictionary, Label, Reconstruction
from dan_bench.attacks.training import Budget
from dan_bench.controls.ciphers import Identity, OneTimePad, Shake256, Shuffle, XorStoredKey
from dan_bench.controls.generators import Pcg64, PythonRandom, Urandom
from dan_bench.data.noise import NoiseRows
from dan_bench.interfaces import Data
from dan_bench.models.dan import DAN
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.pipeline.evaluate import Measures, measure

N, WIDTH = 2000, 784
BUDGET = Growth(first_steps=32, most_steps=128, batch_size=256, lr=8e-3, weight_decay=0.01)
DICTIONARY = Dictionary(candidates=200, queries=50, hidden=64, features=32, budget=BUDGET)
ATTACKS = {
    "label": Label(hidden=64, budget=BUDGET),
    "reconstruction": Reconstruction(hidden=64, budget=BUDGET),
    "dictionary": DICTIONARY,
}


def attacked(degenerator, source, attacks=ATTACKS, samples=N, known=N, seed=0):
    measures = Measures(samples, known, {}, None, None, attacks)
    return measure(degenerator, source, measures, seed, lambda _: None).metrics


def leaves(degenerator, source, name):
    """The share that one attack recovers."""
    return attacked(degenerator, source, {name: ATTACKS[name]})[f"{name}_recovered"]


# is it gone?


@pytest.mark.parametrize("control", [Identity, Shake256, Shuffle, XorStoredKey])
def test_what_a_dictionary_finds_is_not_destroyed_at_all(mnist, control):
    found = attacked(control(WIDTH, 0), mnist, {"dictionary": DICTIONARY})
    assert found["percent_destroyed"].value == pytest.approx(0, abs=1e-6)
    assert found["percent_destroyed"].high == pytest.approx(0, abs=1e-6)
    assert found["dictionary_recovered"].details["named"] == 1
    assert found["dictionary_recovered"].n == 50


@pytest.mark.parametrize("control", [OneTimePad, PythonRandom, Pcg64])
def test_what_shannon_says_is_gone_is_destroyed(mnist, control):
    """Each of three intervals lies above 0 with probability 1/120 at most: 1/40 together."""
    found = attacked(control(WIDTH, 0), mnist)
    destroyed = found["percent_destroyed"]
    assert destroyed.low <= 100 <= destroyed.high
    assert destroyed.value > 99
    assert destroyed.n == N


@pytest.mark.parametrize("control", [Identity, Shuffle])
@pytest.mark.parametrize("name", ["label", "reconstruction"])
def test_label_and_picture_come_back_from_what_hides_nothing(mnist, control, name):
    assert leaves(control(WIDTH, 0), mnist, name).low > 0.5


def test_all_attacks_together_count_by_the_best(mnist):
    found = attacked(Identity(WIDTH, 0), mnist)
    assert found["percent_destroyed"].value == pytest.approx(0, abs=1e-6)
    shares = {name: found[f"{name}_recovered"].value for name in ATTACKS}
    percent = {name: 100 * share for name, share in shares.items()}
    assert found["percent_destroyed"].details == percent


@dataclass
class LowNoise:
    """Noise on the low `bits` bits of each byte; the rest is what it was."""

    bits: int
    seed: int = 0

    def __post_init__(self):
        self.noise_bits = float(self.bits * WIDTH)
        self._noise = NoiseRows(self.seed, "fresh", WIDTH)

    def __call__(self, data, rows):
        return data ^ (self._noise[rows] & (2**self.bits - 1))


def test_a_critic_learns_what_a_leaky_random_degenerator_leaves(mnist):
    found = leaves(LowNoise(bits=4), mnist, "dictionary")
    assert found.n == N  # learned: every row among candidates, not a few queries
    assert found.low > 0.3


def test_a_critic_learns_nothing_where_nothing_is_left(mnist):
    """All eight bits are noise; false alarm 1/40."""
    assert leaves(LowNoise(bits=8), mnist, "dictionary").low == 0


@dataclass
class Faint:
    """A source of pictures that differ by little: 16 greys around the middle."""

    inner: object
    shape: tuple[int, ...] = (28, 28)

    def load(self, split):
        data = self.inner.load(split)
        return Data(120 + data.rows[:N] // 16, data.labels[:N])


def test_faint_pictures_come_back_as_well_as_bright_ones(mnist):
    """The share recovered has no unit: a sixteenth of the contrast is the same information."""
    assert leaves(Identity(WIDTH, 0), Faint(mnist), "reconstruction").low > 0.3


def test_data_without_labels_has_no_label_to_recover(mnist):
    class Unlabelled:
        shape = (28, 28)

        def load(self, split):
            return Data(mnist.load(split).rows[:500])

    attacks = {"label": ATTACKS["label"]}
    found = attacked(Identity(WIDTH, 0), Unlabelled(), attacks, samples=500, known=500)
    assert found == {"percent_destroyed": None, "label_recovered": None}


def test_attacks_give_the_same_bits_again_whatever_came_before(mnist):
    once = attacked(LowNoise(bits=6), mnist)
    torch.manual_seed(77)
    torch.rand(5)
    np.random.seed(5)  # noqa: NPY002
    assert attacked(LowNoise(bits=6), mnist) == once
    assert attacked(LowNoise(bits=6), mnist, dict(reversed(ATTACKS.items()))) == once


def test_another_seed_makes_other_attackers(mnist):
    once, other = (
        attacked(LowNoise(bits=6), mnist, {"label": ATTACKS["label"]}, seed=seed) for seed in (0, 1)
    )
    assert once["label_recovered"].value != other["label_recovered"].value


# is it noise?

SHAPE, SMALL = (8, 8), 64
C2ST = C2st(
    hidden=32,
    channels=4,
    budget=Budget(epochs=8, patience=2, batch_size=100, lr=3e-3, weight_decay=0.01),
)


def uniform(seed, n, d):
    return np.random.default_rng(seed).integers(0, 256, (n, d), dtype=np.uint8)


@pytest.mark.parametrize("every", [2, 4])
def test_a_known_mixture_is_told_apart_as_well_as_can_be(every):
    """A share e of the rows is all zeros, in both halves: at best 1/2 + e/2 are told apart."""
    sample = uniform(1, N, SMALL)
    sample[::every] = 0
    found = C2ST(sample, uniform(2, N, SMALL), SHAPE, seed=0)
    assert found.low <= 1 / 2 + 1 / every / 2 <= found.high
    assert found.low > 1 / 2
    assert found.n == N


def test_ideal_noise_raises_no_more_alarms_than_the_interval_allows():
    """Of 30 ideal samples 5 % may miss 1/2; more than this by chance with probability 1e-4."""
    small = C2st(
        hidden=8,
        channels=2,
        budget=Budget(epochs=3, patience=2, batch_size=50, lr=1e-2, weight_decay=0.0),
    )
    found = [
        small(uniform([seed, 0], 400, 16), uniform([seed, 1], 400, 16), (4, 4), seed)
        for seed in range(30)
    ]
    missed = sum(not e.low <= 1 / 2 <= e.high for e in found)
    assert missed <= stats.binom.isf(1e-4, 30, 0.05)
    assert all(e.n == 400 for e in found)


@pytest.mark.parametrize("column", [0, 5, 15])
def test_one_biased_byte_column_is_caught(column):
    sample = uniform(1, N, 16)
    sample[:, column] //= 2
    found = C2ST(sample, uniform(2, N, 16), (4, 4), seed=0)
    assert found.low > 0.6
    # a byte below 128 is the sample's, or the noise's half of the time: 3/4 at best
    assert found.value <= stats.binom.isf(0.5e-6, N, 3 / 4) / N


@pytest.mark.parametrize("control", [PythonRandom, Urandom, Pcg64, OneTimePad, Shake256])
def test_a_control_that_is_noise_passes_for_it(control):
    """False alarm 1/20 each over seeds, and the seed is fixed; 1e-6 for Urandom, which has none."""
    data = np.arange(N * SMALL).reshape(N, SMALL).astype(np.uint8)
    data[:, :2] = np.arange(N).astype("<u2").view(np.uint8).reshape(N, 2)  # no two rows are equal
    sample = control(SMALL, 0)(data, np.arange(N))
    found = C2ST(sample, uniform(2, N, SMALL), SHAPE, seed=0)
    if control is Urandom:
        assert found.value <= stats.binom.isf(0.5e-6, N, 0.5) / N
    else:
        assert found.low <= 1 / 2 <= found.high


def test_the_better_classifier_counts_and_both_are_told():
    sample = uniform(1, N, 16)
    sample[:, 3] //= 2
    found = C2ST(sample, uniform(2, N, 16), (4, 4), seed=0)
    names = {"mlp", "convnet"}
    ends = {f"{name}_{end}" for name in names for end in ("low", "high")}
    assert set(found.details) == names | ends
    assert found.value == max(found.details[name] for name in names)


def test_the_two_sample_test_gives_the_same_bits_again():
    sample, noise = uniform(1, 600, 16) // 2, uniform(2, 600, 16)
    once = C2ST(sample, noise, (4, 4), seed=3)
    torch.rand(7)
    assert C2ST(sample, noise, (4, 4), seed=3) == once


@pytest.mark.parametrize("shape", [(5, 7), (4, 4, 3), (1, 9)])
@pytest.mark.parametrize("n", [101, 200])
def test_odd_shapes_and_numbers_work(shape, n):
    d = int(np.prod(shape))
    found = C2ST(uniform(1, n, d) // 4, uniform(2, n, d), shape, seed=0)
    assert found.n == 2 * (n - n // 2)
    assert found.low > 0.5


# a frozen network


def frozen(output, noise_dim):
    setting = Hyperparameters(
        width=WIDTH,
        data_mean=0.13,
        noise_dim=noise_dim,
        output=output,
        objective=Nonsaturating(),
    )
    torch.manual_seed(0)
    module = DAN(
        setting,
        degenerator_hidden=(32,),
        discriminator_hidden=(8,),
        input="data_and_noise",
        scale=8.0,
    )
    return module.inference(seed=0)


@pytest.mark.parametrize("output", ["sigmoid", "torus"])
@pytest.mark.parametrize("noise_dim", [0, 40])
def test_a_frozen_networks_answer_depends_on_the_row_alone(mnist, monkeypatch, output, noise_dim):
    """Not on chunks, order or company. Rounding may move a byte in ten thousand by one."""
    degenerator = frozen(output, noise_dim)
    rows = np.arange(700) * 3
    data = mnist.load("test").rows[rows]
    whole = degenerator(data, rows)

    def differ(other):
        by = (other.astype(int) - whole) % 256
        assert set(np.unique(by)) <= {0, 1, 255}
        return (by != 0).mean()

    for chunk in (1, 64, 10**6):
        monkeypatch.setattr(dan_bench.models.frozen, "CHUNK", chunk)
        assert differ(degenerator(data, rows)) <= 1e-4
    order = np.random.default_rng(0).permutation(700)
    back = np.empty_like(whole)
    back[order] = degenerator(data[order], rows[order])
    assert differ(back) <= 1e-4
    assert np.array_equal(degenerator(data[:0], rows[:0]), whole[:0])


def test_fresh_noise_is_of_the_row_number(mnist):
    degenerator = frozen("torus", 40)
    data = mnist.load("test").rows[np.zeros(2, dtype=np.int64)]
    one, other = degenerator(data, np.array([5, 6]))
    assert (one != other).mean() > 0.5
    assert degenerator.noise_bits == 16 * 40
    assert frozen("torus", 0).noise_bits == 0


def test_a_network_without_fresh_noise_is_undone_by_a_dictionary(mnist):
    """However random its output looks: Shannon's bound is 0 bits."""
    found = attacked(frozen("torus", 0), mnist, {"dictionary": DICTIONARY})
    assert found["percent_destroyed"].value == pytest.approx(0, abs=1e-6)
