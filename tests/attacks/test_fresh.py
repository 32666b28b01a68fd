"""Learned attackers and the fresh pairs that they learn from, on references of known answer."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from dan_bench.attacks.fresh import (
    CONVERGED,
    FIRST_ROW,
    VALIDATION_ROWS,
    FreshPairs,
    Growth,
    held_out,
)
from dan_bench.attacks.recovery import Dictionary, Label, Reconstruction
from dan_bench.attacks.training import Budget, FeatureMap, classification, fit, perceptron, predict
from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.controls.ciphers import Identity, OneTimePad
from dan_bench.controls.generators import PythonRandom
from dan_bench.data.noise import FreshNoise, NoiseRows
from dan_bench.interfaces import Data
from dan_bench.metrics.recovery import label_information
from dan_bench.pipeline.evaluate import Measures, measure
from dan_bench.pipeline.plan import check

WIDTH, KNOWN, SAMPLES = 16, 400, 500
GROWTH = Growth(first_steps=16, most_steps=64, batch_size=100, lr=8e-3, weight_decay=0.01)


@dataclass
class Gaussians:
    """Rows of bytes around the middle, independent; the label says if the first one is bright."""

    rows: int = 4000
    spread: float = 30.0
    shape: tuple[int, ...] = (4, 4)

    def load(self, split):
        stream = np.random.default_rng([len(split), 7])
        rows = stream.normal(128, self.spread, (self.rows, WIDTH))
        rows = np.clip(np.rint(rows), 0, 255).astype(np.uint8)
        return Data(rows, (rows[:, 0] > 128).astype(np.int64))


@dataclass
class Additive:
    """Gaussian noise of its own for every byte, added and cut off at the ends."""

    deviation: float
    noise_bits: float = 1e4
    at_once: int | None = None

    def __call__(self, data, rows):
        if self.at_once is not None:
            parts = range(0, len(data), self.at_once)
            whole = Additive(self.deviation)
            cut = [slice(i, i + self.at_once) for i in parts]
            return np.concatenate([whole(data[part], rows[part]) for part in cut])
        noise = FreshNoise(0, "fresh", WIDTH, "gaussian")(rows)
        return np.clip(np.rint(data + self.deviation * noise), 0, 255).astype(np.uint8)


def recovered(degenerator, attack, source=None, seed=0, known=KNOWN, samples=SAMPLES):
    measures = Measures(samples, known, {}, None, None, {"attack": attack})
    source = Gaussians() if source is None else source
    return measure(degenerator, source, measures, seed, lambda _: None).metrics["attack_recovered"]


def dictionary(candidates=50, budget=GROWTH):
    return Dictionary(candidates, queries=20, hidden=32, features=16, budget=budget)


ATTACKS = {
    "label": Label(hidden=32, budget=GROWTH),
    "reconstruction": Reconstruction(hidden=32, budget=GROWTH),
    "dictionary": dictionary(),
}


# the stream


@pytest.mark.parametrize("chunk", [7, 64, 10_000])
def test_pairs_do_not_depend_on_how_many_are_made_at_once(chunk):
    data = Gaussians(rows=300).load("attack")
    degenerator = OneTimePad(WIDTH, 0)
    whole = FreshPairs(degenerator, data, 30, seed=0).take(0, 900)
    stream = FreshPairs(degenerator, data, 30, seed=0, chunk=chunk)
    for start, count in ((400, 1), (0, 150), (150, 650), (899, 1), (3, 200)):
        part = stream.take(start, count)
        for name in ("inputs", "outputs", "rows", "labels"):
            wanted = getattr(whole, name)[start : start + count]
            assert np.array_equal(getattr(part, name), wanted), name
    assert np.array_equal(whole.outputs, degenerator(whole.inputs, whole.rows))
    assert np.array_equal(whole.labels, whole.inputs[:, 0] > 128)


@pytest.mark.parametrize("kind", ["array", "noise"])
def test_all_inputs_come_once_an_epoch_but_those_that_validate(kind):
    rows = NoiseRows(0, "rows", WIDTH, 300)
    data = Data(rows if kind == "noise" else rows[np.arange(300)])
    seen = FreshPairs(Identity(WIDTH, 0), data, 40, seed=0).take(0, 520).inputs
    wanted = np.unique(rows[np.arange(40, 300)], axis=0)
    epochs = seen[:260], seen[260:]
    for epoch in epochs:
        assert np.array_equal(np.unique(epoch, axis=0), wanted)
    assert np.array_equal(*epochs) == (kind == "noise")  # which has no order to learn


def test_what_is_kept_is_bounded_and_what_is_not_is_made_again(monkeypatch):
    monkeypatch.setattr("dan_bench.attacks.fresh.KEPT_BYTES", 250 * WIDTH)
    asked = []

    class Noted(OneTimePad):
        def __call__(self, data, rows):
            asked.append(len(rows))
            return super().__call__(data, rows)

    stream = FreshPairs(Noted(WIDTH, 0), Gaussians(300).load("attack"), 30, seed=0, chunk=100)
    first = stream.take(0, 500)
    again = stream.take(0, 500)
    assert np.array_equal(first.outputs, again.outputs)
    assert asked == [100] * (5 + 3)


@pytest.mark.parametrize(
    ("known", "there_are", "rows"),
    [(10_000, 60_000, VALIDATION_ROWS), (500, 60_000, 500), (1000, 2000, 200), (1, 2, 1)],
)
def test_a_tenth_of_the_data_validates_at_most(known, there_are, rows):
    assert held_out(known, there_are) == rows


@pytest.mark.parametrize("name", ATTACKS)
def test_no_row_under_attack_is_ever_run_again_and_none_is_used_twice(name):
    """Under a pad, a shared row of noise would give the input away."""
    asked = []

    class Noted(OneTimePad):
        def __call__(self, data, rows):
            asked.append(rows)
            return super().__call__(data, rows)

    recovered(Noted(WIDTH, 0), ATTACKS[name])
    held, known, *fresh = asked
    assert np.array_equal(held, np.arange(SAMPLES))
    assert np.array_equal(known, SAMPLES + np.arange(KNOWN))
    fresh = np.concatenate(fresh)
    assert len(fresh) == len(np.unique(fresh)) >= 32 * 100
    assert fresh.min() >= FIRST_ROW > known.max()


def test_attackers_share_what_was_made():
    asked = []

    class Noted(OneTimePad):
        def __call__(self, data, rows):
            asked.append(rows)
            return super().__call__(data, rows)

    measures = Measures(SAMPLES, KNOWN, {}, None, None, ATTACKS)
    measure(Noted(WIDTH, 0), Gaussians(), measures, 0, lambda _: None)
    rows = np.concatenate(asked)
    assert len(rows) == len(np.unique(rows))


# when it stops


def test_an_attacker_that_finds_all_or_nothing_stops_long_before_its_cap():
    long = Growth(first_steps=16, most_steps=1 << 20, batch_size=100, lr=8e-3, weight_decay=0.01)
    for degenerator, share in ((PythonRandom(WIDTH, 0), 0.0), (Additive(5.0), 0.8)):
        found = recovered(degenerator, Reconstruction(hidden=32, budget=long))
        assert found.value >= share
        assert found.details["still_rising"] == 0
        assert found.details["steps"] < 2000
        curve = curve_of(found)
        steps = sorted(curve)
        assert all(b == 2 * a for a, b in itertools.pairwise(steps))
        assert curve[steps[-1]] - max(curve[step] for step in steps[:-1]) < CONVERGED
        assert steps[0] == 1600
        assert steps[-1] == found.details["examples"] == 100 * found.details["steps"]


def test_an_attacker_at_its_cap_says_that_it_was_still_rising():
    slow = Growth(first_steps=8, most_steps=33, batch_size=50, lr=8e-3, weight_decay=0.0)
    found = recovered(Additive(5.0), Reconstruction(hidden=32, budget=slow))
    assert found.details["still_rising"] == 1
    assert found.details["steps"] == 32  # the next doubling would pass 33
    curve = curve_of(found)
    assert sorted(curve) == [400, 800, 1600]
    assert curve[1600] - curve[800] >= CONVERGED


def curve_of(found):
    return {
        int(name.removeprefix("share@")): share
        for name, share in found.details.items()
        if name.startswith("share@")
    }


def test_a_cap_below_the_first_look_is_refused():
    with pytest.raises(ValueError, match="most_steps=3 is less than first_steps=4"):
        Growth(first_steps=4, most_steps=3, batch_size=1, lr=1e-3, weight_decay=0.0)


def test_a_negative_decay_is_refused_before_anything_is_run():
    for part in ("attacks.label", "c2st"):
        name = f"evaluation.{part}.budget.weight_decay"
        with pytest.raises(ConfigError, match=f"{name}=-1"):
            check([configure(["data=danoise", f"{name}=-1", "logger=none"])])


def test_a_training_that_diverges_names_the_attacker_and_the_cure():
    wild = Growth(first_steps=8, most_steps=8, batch_size=50, lr=1e38, weight_decay=0.0)
    with pytest.raises(
        FloatingPointError, match=r"label diverged: .*; lower its budget\.lr=1e\+38"
    ):
        recovered(Additive(5.0), Label(hidden=8, budget=wild))


# what it finds


@pytest.mark.parametrize("name", ["label", "reconstruction"])
def test_nothing_is_hidden_by_the_identity(name):
    assert recovered(Identity(WIDTH, 0), ATTACKS[name]).low > 0.8


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_found_in_pythons_random(name, seed):
    """False alarm 1/40 for each of nine."""
    found = recovered(PythonRandom(WIDTH, seed), ATTACKS[name], seed=seed)
    assert found.low == 0
    assert found.value < 0.02


def test_false_alarms_are_no_more_than_the_interval_allows():
    """Of 40 attacks on noise 1 in 40 may find something; more than 5 with probability 1e-3."""
    short = Growth(first_steps=4, most_steps=8, batch_size=100, lr=8e-3, weight_decay=0.01)
    attack = dictionary(20, short)
    found = [recovered(PythonRandom(WIDTH, s), attack, seed=s, samples=200) for s in range(40)]
    assert sum(one.low > 0 for one in found) <= 5


@pytest.mark.parametrize("deviation", [15.0, 30.0, 60.0])
def test_a_linear_gaussian_channel_is_inverted_as_well_as_can_be(deviation):
    """R^2 is S / (S + N) at best, for data and noise of variance S and N; none does better."""
    long = Growth(first_steps=32, most_steps=512, batch_size=200, lr=8e-3, weight_decay=0.01)
    found = recovered(Additive(deviation), Reconstruction(hidden=64, budget=long), samples=2000)
    best = 30**2 / (30**2 + deviation**2)
    assert found.low <= best + 0.02  # the ends cut off a little of the noise
    assert found.value > 0.9 * best


def test_a_wrap_is_seen_across():
    """Every byte turned by one of its own, a little: 255 and 0 are neighbours."""

    class Turned(Additive):
        def __call__(self, data, rows):
            noise = FreshNoise(0, "fresh", WIDTH, "gaussian")(rows)
            return (data.astype(int) + 128 + np.rint(4 * noise).astype(int)).astype(np.uint8)

    long = Growth(first_steps=64, most_steps=256, batch_size=200, lr=8e-3, weight_decay=0.01)
    found = recovered(Turned(0.0), Reconstruction(hidden=32, budget=long))
    assert found.low > 0.7
    assert found.details["circle"] == 1


@dataclass
class Few:
    """A few digits of MNIST for the attacker, and more that are attacked."""

    inner: object
    rows: int
    attacked: int
    shape: tuple[int, ...] = (28, 28)

    def load(self, split):
        data = self.inner.load(split)
        rows = self.attacked if split == "test" else self.rows
        return Data(data.rows[:rows], data.labels[:rows])


class TopBit:
    """Noise on the seven low bits of every byte: a bit of each is as it was."""

    noise_bits = 7.0 * 784

    def __init__(self):
        self._noise = NoiseRows(0, "fresh", 784)

    def __call__(self, data, rows):
        return data ^ (self._noise[rows] & 127)


def test_fresh_noise_beats_fixed_pairs_of_the_same_inputs(mnist):
    """Fixed pairs are fitted to their noise; 1,000 inputs with fresh noise are not."""
    few, degenerator = Few(mnist, 1000, 4000), TopBit()
    budget = Growth(first_steps=32, most_steps=128, batch_size=250, lr=8e-3, weight_decay=0.01)
    fresh = recovered(degenerator, Label(64, budget), few, known=1000, samples=4000)
    data, test = few.load("attack"), few.load("test")
    outputs = degenerator(data.rows, 4000 + np.arange(1000))
    features = FeatureMap(outputs)
    network = fit(
        lambda: perceptron(features.width, 64, 10),
        (features(outputs), torch.from_numpy(data.labels)),
        classification,
        Budget(epochs=50, patience=3, batch_size=100, lr=1e-3, weight_decay=0.01),
        0,
        "fixed",
    )
    logits = predict(network, features(degenerator(test.rows, np.arange(4000))))
    told = torch.from_numpy(logits).log_softmax(dim=1).numpy()
    fixed = label_information(told, test.labels)
    assert fresh.low > fixed.high


@pytest.mark.parametrize("name", ATTACKS)
def test_the_same_seed_finds_the_same_bits_whatever_came_before(name):
    once = recovered(Additive(20.0), ATTACKS[name])
    torch.manual_seed(5)
    torch.rand(3)
    assert recovered(Additive(20.0), ATTACKS[name]) == once
    assert recovered(Additive(20.0, at_once=64), ATTACKS[name]) == once
    assert recovered(Additive(20.0), ATTACKS[name], seed=1) != once
