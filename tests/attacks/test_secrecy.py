"""What fresh randomness can destroy, and what an attacker who tries all of it gets back."""

import random

import numpy as np
import pytest
from charts import legend, numbers, texts

from dan_bench.attacks.fresh import Growth
from dan_bench.attacks.recovery import Dictionary, Digest, Rehearsal, logit
from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.controls.ciphers import OneTimePad, SeededRandom, Shake256, XorStoredKey
from dan_bench.data.noise import NoiseRows
from dan_bench.interfaces import Data, EnumerableNoise, RunRecord
from dan_bench.metrics.destruction import shannon_bound
from dan_bench.metrics.entropy import effective_dimensions, joint_bits, shannon_bits
from dan_bench.pipeline.evaluate import Measures, measure
from dan_bench.pipeline.plan import plan
from dan_bench.pipeline.run import run
from dan_bench.report.figures.secrecy import secrecy
from dan_bench.results.record import Store, key_of

WIDTH = 36
BUDGET = Growth(first_steps=4, most_steps=8, batch_size=100, lr=1e-3, weight_decay=0.01)
DICTIONARY = Dictionary(candidates=64, queries=32, hidden=16, features=8, budget=BUDGET)


class Digits:
    """The middle of MNIST's digits, every row another one."""

    shape = (6, 6)

    def __init__(self, mnist, rows=500):
        order = np.random.default_rng(0)
        self._rows = {}
        for split in ("test", "attack"):
            middle = mnist.load(split).rows.reshape(-1, 28, 28)[:9000, 11:17, 11:17]
            different = np.unique(middle.reshape(-1, WIDTH), axis=0)
            self._rows[split] = order.permutation(different)[:rows]

    def load(self, split):
        return Data(self._rows[split])


def recovered(degenerator, source, attack=DICTIONARY, seed=0):
    measures = Measures(500, 500, {}, None, None, {"attack": attack})
    return measure(degenerator, source, measures, seed, lambda _: None).metrics["attack_recovered"]


# Shannon's bound


@pytest.mark.parametrize(
    ("noise", "information", "percent"),
    [(0, 10, 0), (10, 10, 100), (5, 10, 50), (16, 10, 100), (1, 3, 100 / 3), (6272, 10, 100)],
)
def test_as_many_percent_are_destroyed_at_most_as_bits_were_put_in(noise, information, percent):
    assert shannon_bound(noise, information) == pytest.approx(percent)


@pytest.mark.parametrize(("noise", "information"), [(-1, 10), (3, 0)])
def test_the_bound_refuses_what_is_no_information(noise, information):
    with pytest.raises(ValueError, match="bits="):
        shannon_bound(noise, information)


class Rotate:
    """Adds `bits` fresh bits to the number of a candidate: the cipher that reaches the bound."""

    def __init__(self, bits):
        self.noise_bits = float(bits)
        self._fresh = NoiseRows(0, "fresh", 1)

    def __call__(self, data, rows):
        return data + (self._fresh[rows] >> (8 - int(self.noise_bits)))

    def under(self, data, randomness):
        return data + np.uint8(randomness)


class Numbers:
    """256 rows that hold their own number: 8 bits, and no redundancy."""

    shape = (1, 1)

    def load(self, split):
        return Data(np.arange(256, dtype=np.uint8)[:, None])


@pytest.mark.parametrize("bits", [1, 2, 4, 7])
def test_an_optimal_attacker_of_an_ideal_cipher_is_at_shannons_bound(bits):
    attack = Dictionary(256, 256, hidden=1, features=1, budget=BUDGET)
    measures = Measures(256, 256, {}, None, None, {"dictionary": attack})
    found = measure(Rotate(bits), Numbers(), measures, 0, lambda _: None).metrics
    assert found["percent_destroyed"].value == pytest.approx(shannon_bound(bits, 8), abs=1e-9)


# trying every seed


def test_the_pad_is_pythons_random_under_the_rows_fresh_seed():
    control = SeededRandom(WIDTH, seed=0, seed_bits=16)
    rows = np.array([5, 0, 900_000])
    made = control(np.zeros((3, WIDTH), dtype=np.uint8), rows)
    for row, seed in zip(made, control.seeds(rows), strict=True):
        assert row.tobytes() == random.Random(int(seed)).randbytes(WIDTH)
        assert np.array_equal(control.under(np.zeros((1, WIDTH), np.uint8), int(seed))[0], row)


@pytest.mark.parametrize("bits", [1, 5, 16])
def test_seeds_are_uniform_on_all_that_their_bits_allow(bits):
    seeds = SeededRandom(WIDTH, 0, bits).seeds(np.arange(20_000))
    assert 0 <= seeds.min() <= seeds.max() < 2**bits
    counts = np.bincount(seeds >> max(0, bits - 5), minlength=2 ** min(bits, 5))
    expected = len(seeds) / len(counts)
    chi_square = np.square(counts - expected).sum() / expected
    assert chi_square < len(counts) + 6 * np.sqrt(2 * len(counts))  # far less than 1 in 10,000


def test_brute_force_names_every_row_of_16_fresh_bits_that_look_like_noise(mnist):
    source, control = Digits(mnist, 1000), SeededRandom(WIDTH, seed=0, seed_bits=16)
    data = source.load("test").rows
    sample, noise = control(data, np.arange(1000)), OneTimePad(WIDTH, 0)(data, np.arange(1000))
    for metric in (shannon_bits, joint_bits, effective_dimensions):
        assert metric(sample).value == pytest.approx(metric(noise).value, rel=0.01), metric
    found = recovered(control, source)
    assert found.details["named"] == 1
    assert found.value == pytest.approx(1, abs=1e-9)


def test_what_is_more_than_the_limit_is_not_tried(mnist):
    class Noted(SeededRandom):
        asked = 0

        def under(self, data, randomness):
            Noted.asked += 1
            return super().under(data, randomness)

    source = Digits(mnist)
    small = Dictionary(64, 32, 16, 8, BUDGET, enumerable_bits=6)
    assert recovered(Noted(WIDTH, 0, seed_bits=6), source, small).value == pytest.approx(1)
    assert Noted.asked == 64
    assert recovered(Noted(WIDTH, 0, seed_bits=7), source, small).low == 0
    assert Noted.asked == 64


def test_only_what_can_be_assumed_is_tried():
    assert isinstance(SeededRandom(WIDTH, 0, 4), EnumerableNoise)
    assert not isinstance(OneTimePad(WIDTH, 0), EnumerableNoise)


@pytest.mark.parametrize("control", [Shake256, XorStoredKey])
def test_what_has_no_fresh_randomness_is_not_destroyed(mnist, control):
    assert recovered(control(WIDTH, 0), Digits(mnist)).value == pytest.approx(1)


@pytest.mark.parametrize("width", [1, 7, 8, 36])
def test_equal_rows_have_equal_digests_and_others_do_not(width):
    digest = Digest(width, np.random.default_rng(0))
    rows = np.random.default_rng(1).integers(0, 256, (200, width), dtype=np.uint8)
    equal = (rows[:, None] == rows[None]).all(axis=2)
    digests = digest(rows)
    assert np.array_equal(digests[:, None] == digests[None], equal)


# the rehearsal


class OneNumber:
    """Every byte turned by one and the same fresh angle: 8 bits for the whole row."""

    noise_bits = 8.0

    def __init__(self):
        self._fresh = NoiseRows(0, "fresh", 1)

    def __call__(self, data, rows):
        return data + self._fresh[rows]


REHEARSAL = Rehearsal(candidates=64, queries=64, draws=32)


def test_a_rehearsal_finds_what_a_few_draws_come_near(mnist):
    assert recovered(OneNumber(), Digits(mnist), REHEARSAL).low > 0.5


def test_a_rehearsal_finds_nothing_under_a_one_time_pad(mnist):
    """False alarm 1/40."""
    assert recovered(OneTimePad(WIDTH, 0), Digits(mnist), REHEARSAL).low == 0


def test_a_rehearsal_never_runs_a_row_under_attack_again(mnist):
    asked = []

    class Noted(OneTimePad):
        def __call__(self, data, rows):
            asked.append(rows)
            return super().__call__(data, rows)

    recovered(Noted(WIDTH, 0), Digits(mnist), REHEARSAL)
    rows = np.concatenate(asked)
    assert len(rows) == len(set(rows)) == 500 + 500 + 2 * 64 * 32


@pytest.mark.parametrize(("below", "rehearsed"), [(None, True), (9, True), (8, False)])
def test_more_randomness_than_is_worth_it_is_not_rehearsed(mnist, below, rehearsed):
    asked = []

    class Noted(OneNumber):
        def __call__(self, data, rows):
            asked.append(len(rows))
            return super().__call__(data, rows)

    attack = Rehearsal(candidates=64, queries=64, draws=2, below_bits=below)
    assert (recovered(Noted(), Digits(mnist), attack) is not None) == rehearsed
    assert len(asked) == (4 if rehearsed else 2)  # the challenge and the attacker's own pairs


def test_a_logit_gives_the_weights_that_made_the_choices():
    """5,000 choices among 8, made by the model itself: standard errors are below 0.03."""
    stream, weights = np.random.default_rng(0), np.array([1.5, -0.5])
    evidence = stream.normal(size=(5000, 8, 2))
    chosen = (evidence @ weights + stream.gumbel(size=(5000, 8))).argmax(axis=1)
    assert logit(evidence, chosen) == pytest.approx(weights, abs=0.1)


# the experiment and its figure

SMALL = [
    "+experiment=secrecy",
    "evaluation.samples=1000",
    "evaluation.known=1000",
    "evaluation.c2st=null",
    "~evaluation.attacks.label",
    "~evaluation.attacks.reconstruction",
    "evaluation.candidates=64",
    "evaluation.attacks.dictionary.budget.most_steps=32",
    "evaluation.attacks.dictionary.queries=16",
    "evaluation.attacks.rehearsal.queries=64",
    "evaluation.attacks.rehearsal.draws=4",
    "trainer.max_steps=5",
    "logger=none",
]


def test_the_figure_draws_what_real_runs_left(tmp_path, mnist):
    where = [f"runtime.results={tmp_path}", f"runtime.datasets={mnist.root}"]
    for model in (["model=shake256"], ["model=one_time_pad"], ["noise_dim=0"], ["noise_dim=4"]):
        record = run(configure([*SMALL, *where, *model]), "test")
        assert record.status == "done", record.traceback
    records, _ = Store(tmp_path).all()
    drawn = secrecy(records, Store(tmp_path))
    assert drawn.keys == sorted(record.key for record in records)
    spec = drawn.chart.to_dict()
    assert {"shake256", "one_time_pad"} <= set(legend(spec))
    assert any(said.startswith("Shannon's bound:\n6 bits") for said in texts(spec))
    rows = numbers(spec)
    network = rows[rows["method"] == "dan torus nonsaturating"]
    assert network["fresh bits"].tolist() == [0, 64]
    assert network["destroyed"].iloc[0] == pytest.approx(0, abs=1e-6)


def test_there_is_no_figure_of_runs_that_faced_other_attacks(tmp_path):
    config = {"model": {"name": "x", "kind": "control"}, "seed": 0}
    record = RunRecord(key_of(config), "done", config, costs={"noise_bits": 0.0})
    assert secrecy([record], Store(tmp_path)) is None


@pytest.mark.parametrize("bits", [0, 33])
def test_seeds_of_no_bits_or_too_many_are_refused(bits):
    with pytest.raises(ConfigError, match=f"seed_bits={bits}"):
        plan(configure(["model=seeded_random16", f"model.seed_bits={bits}"]))
