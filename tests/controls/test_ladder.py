"""The ladder of known truth: the truth itself, and that the bracket holds it."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from charts import legend, numbers
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dan_bench.attacks.certificate import LeakCertificate
from dan_bench.attacks.fbleau import Fbleau
from dan_bench.attacks.fresh import FreshPairs, Growth
from dan_bench.attacks.likelihood import Counts, Likelihood, Truth
from dan_bench.attacks.recovery import Dictionary
from dan_bench.config.compose import configure
from dan_bench.config.schema import CONF, ConfigError
from dan_bench.controls.ladder import RUNGS, Channel
from dan_bench.data.symbols import Symbols, alphabet
from dan_bench.interfaces import Case, Certified, Data, EnumerableNoise, KnownLaw, Pairs
from dan_bench.pipeline.evaluate import Measures, measure
from dan_bench.pipeline.plan import check
from dan_bench.pipeline.run import run
from dan_bench.report.figures.ladder import ladder
from dan_bench.results.record import Store
from dan_bench.statistics import entropy_bits

K = 16
SYMBOLS = alphabet(K, 1)
GRIDS = yaml.safe_load((CONF / "experiment" / "ladder.yaml").read_text())["hydra"]["sweeper"][
    "grids"
]


def of_experiment():
    """Law, strength and width of every rung that the experiment runs."""
    return [
        (law, float(strength), grid.get("data.width", 1))
        for grid in GRIDS
        for law in grid["model.law"].split(",")
        for strength in str(grid["model.strength"]).split(",")
    ]


EXPERIMENT = of_experiment()
NARROW = [rung[:2] for rung in EXPERIMENT if rung[2] == 1]
EXACT = ("identity", "constant", "quantiser", "shake256", "pad", "erasure", "binary_symmetric")


def entropy(*shares):
    return -sum(p * math.log2(p) for p in shares if p)


# the truth


def test_the_ladder_has_twenty_rungs_and_more():
    assert len(EXPERIMENT) == len(set(EXPERIMENT)) >= 20
    assert {law for law, _, _ in EXPERIMENT} == set(RUNGS)


@pytest.mark.parametrize(
    ("law", "strength", "bits"),
    [
        ("identity", 1, 4),
        ("constant", 1, 0),
        *[("pad", k, 4 - k) for k in (1, 2, 3, 4)],
        ("pad", 8, 0),
        *[("quantiser", q, math.log2(q)) for q in (2, 4, 8)],
        *[("erasure", e, 4 * (1 - e)) for e in (0.1, 0.5, 0.99)],
        *[("binary_symmetric", p, 4 * (1 - entropy(p, 1 - p))) for p in (0.01, 0.11, 0.4)],
        ("binary_symmetric", 0.5, 0),
    ],
)
def test_what_has_a_closed_form_has_it(law, strength, bits):
    channel = Channel(1, 0, law, strength)
    assert channel.information(SYMBOLS) == pytest.approx(bits, abs=1e-12)
    assert channel.leak_bound(SYMBOLS) == pytest.approx(bits, abs=1e-12)


@pytest.mark.parametrize("correlation", [0.3, 0.6, 0.9])
def test_a_copula_of_all_bytes_says_what_two_normal_numbers_say(correlation):
    """-1/2 log2(1 - correlation^2), and never more: bytes are functions of the numbers."""
    found = Channel(1, 0, "copula", correlation).information(
        np.arange(256, dtype=np.uint8)[:, None]
    )
    exact = -math.log2(1 - correlation**2) / 2
    assert exact * 0.98 < found < exact


def test_noise_on_two_bytes_says_twice_what_it_says_of_one():
    grid, one = alphabet(16, 2), alphabet(4, 1)
    for law, strength in (("gaussian", 0.3), ("geometric", 0.9), ("wrapped_gaussian", 0.1)):
        both = Channel(2, 0, law, strength).information(grid)
        assert both == pytest.approx(2 * Channel(1, 0, law, strength).information(one), rel=1e-9)


def test_copulas_of_two_bytes_mix_them_and_keep_the_information_of_a_turn():
    """A turned normal pair is a normal pair: twice as much, but for the grid of 8 x 8."""
    channel, grid = Channel(2, 0, "copula", 0.5), alphabet(64, 2)
    assert 0.85 < channel.information(grid) / -math.log2(1 - 0.5**2) < 1
    every = np.stack(np.divmod(np.arange(1 << 16), 256), axis=1).astype(np.uint8)
    law = np.exp(channel.log_likelihood(grid[:2], every)).reshape(
        256, 256, 2
    )  # second byte differs
    for axis in (0, 1):
        assert np.abs(np.diff(law.sum(axis=axis))).sum() > 0.1


@pytest.mark.parametrize(("law", "strength"), NARROW)
def test_outputs_follow_the_law(law, strength):
    """Chi-square of 20,000 outputs of one symbol; a false alarm in 10,000 for each rung."""
    n, symbol = 20_000, SYMBOLS[5:6]
    channel = Channel(1, 3, law, strength)
    outputs = channel(np.repeat(symbol, n, axis=0), np.arange(n))[:, 0]
    every = np.arange(256, dtype=np.uint8)[:, None]
    expected = n * np.exp(channel.log_likelihood(symbol, every)[:, 0])
    assert expected.sum() == pytest.approx(n)
    counts = np.bincount(outputs, minlength=256)
    assert counts[expected == 0].sum() == 0
    order = np.argsort(-expected)
    cells = np.cumsum(expected[order]) // 50  # of 50 expected outputs at least
    grouped = [np.bincount(cells.astype(int), of[order]) for of in (counts, expected)]
    made, wanted = (of[grouped[1] > 20] for of in grouped)
    chi_square = np.square(made - wanted) @ (1 / wanted)
    assert stats.chi2.sf(chi_square, max(1, len(made) - 1)) > 1e-4


@pytest.mark.parametrize(("law", "strength"), NARROW)
def test_the_truth_is_what_simulation_says(law, strength):
    """Plug-in information of 160,000 pairs, bias taken off: within 0.02 of 4 bits."""
    inputs = Symbols(1, K, 160_000, K).load("test").rows
    channel = Channel(1, 1, law, strength)
    outputs = channel(inputs, np.arange(len(inputs)))
    symbols = inputs[:, 0].astype(np.int64) // 16
    joint = np.bincount(256 * symbols + outputs[:, 0], minlength=256 * K)
    found = (
        entropy_bits(joint.reshape(K, 256).sum(axis=0))
        + entropy_bits(joint.reshape(K, 256).sum(axis=1))
        - entropy_bits(joint)
    )
    assert found == pytest.approx(channel.information(SYMBOLS), abs=0.02)


def test_inputs_that_come_twice_count_twice():
    twice = np.concatenate([SYMBOLS[:1]] * 3 + [SYMBOLS[1:2]])
    channel = Channel(1, 0, "erasure", 0.5)
    assert channel.information(twice) == pytest.approx(entropy(0.75, 0.25) / 2)
    assert channel.leak_bound(twice) == pytest.approx(entropy(0.75, 0.25) / 2)


# the certificate


@pytest.mark.parametrize(("law", "strength", "width"), EXPERIMENT)
def test_no_certificate_promises_more_than_the_truth(law, strength, width):
    channel, symbols = Channel(width, 0, law, strength), alphabet(K, width)
    truth, stated = channel.information(symbols), channel.leak_bound(symbols)
    assert stated >= truth - 1e-9
    if law in EXACT:
        assert stated == pytest.approx(truth, abs=1e-9)
    assert math.isinf(stated) == (law in ("short_key", "permutations", "geometric"))


@given(
    st.sampled_from([rung for rung in NARROW if rung[0] != "constant"]),
    st.lists(st.integers(0, 255), min_size=1, max_size=12),
)
def test_nor_does_it_for_any_inputs(rung, values):
    inputs = np.array(values, dtype=np.uint8)[:, None]
    channel = Channel(1, 0, *rung)
    assert channel.leak_bound(inputs) >= channel.information(inputs) - 1e-9


def test_two_inputs_are_told_apart_as_their_laws_say():
    assert Channel(1, 0, "erasure", 0.3).pair_bound(SYMBOLS) == pytest.approx(0.7)
    assert Channel(1, 0, "pad", 8).pair_bound(SYMBOLS) == 0
    assert Channel(1, 0, "pad", 1).pair_bound(SYMBOLS) == 1
    ends = np.array([[0], [255]], dtype=np.uint8)
    expected = math.erf(255 / 256 / 2 / math.sqrt(2))  # two normal laws, seen by the byte
    assert Channel(1, 0, "gaussian", 1.0).pair_bound(ends) == pytest.approx(expected, rel=0.01)


# the attacks and the bracket


def measures(samples=1024, known=2048, certificate=None, **attacks):
    return Measures(samples, known, {}, None, certificate, attacks, {"true_destroyed": Truth(K)})


def bracket(rung, seed, width=1):
    attacks = {"likelihood": Likelihood(K), "counts": Counts(K)}
    found = measure(
        Channel(width, seed, *rung),
        Symbols(seed, 2048, 1024, K, width),
        measures(certificate=LeakCertificate(K), **attacks),
        seed,
        lambda _: None,
    ).metrics
    return found["certified_destroyed"], found["true_destroyed"].value, found["percent_destroyed"]


def test_the_truth_lies_inside_the_bracket():
    """The short form of benchmarks/ladder.py: 6 repetitions of each rung, of whom an interval at
    97.5 % misses 6 in all; where a certificate is stated, half a width is sampling error."""
    inside, total = 0, 0
    for law, strength, width in EXPERIMENT:
        widths = []
        for seed in range(6 if width == 1 else 2):
            at_least, truth, at_most = bracket((law, strength), seed, width)
            assert at_least.value <= truth + 1e-6
            inside += truth <= at_most.high + 1e-6
            total += 1
            widths.append(at_most.high - at_least.value)
        if at_least.details:
            assert np.median(widths) < 7, law  # 5 with the 4,096 outputs of the experiment
    assert inside >= 0.95 * total


def test_a_bracket_can_miss_the_truth():
    """Where the certificate promises too much, or an attack claims too much: not always inside."""

    class Boastful(Channel):
        def leak_bound(self, inputs):
            return self.information(inputs) / 2

    found = LeakCertificate(K)(Boastful(1, 0, "erasure", 0.5), pairs(Channel(1, 0, "erasure", 0.5)))
    assert found.value == pytest.approx(75) != 50


def pairs(channel, seed=0, n=1024):
    inputs = Symbols(seed, n, n, K).load("test").rows
    return Pairs(inputs, channel(inputs, np.arange(n)), np.arange(n))


def test_trying_every_key_recovers_what_the_law_does():
    """The suite's own dictionary attack, with each symbol a candidate."""
    attack = Dictionary(K, K, 1, 1, Growth(1, 1, 8, 1e-3, 0.0))
    for law, strength in (("pad", 1), ("pad", 2), ("pad", 3), ("short_key", 2)):
        source, channel = Symbols(0, K, K, K), Channel(1, 0, law, strength)
        found = measure(channel, source, measures(K, K, dictionary=attack), 0, lambda _: None)
        truth = found.metrics["true_destroyed"].value
        assert found.metrics["percent_destroyed"].value == pytest.approx(truth, abs=1e-6)


def case_of(channel, seed, n=1024):
    own = Symbols(seed, n, n, K).load("attack").rows
    auxiliary = Pairs(own, channel(own, n + np.arange(n)), n + np.arange(n))
    fresh = FreshPairs(channel, Data(own), n // 10, seed)
    return Case(channel, auxiliary, pairs(channel, seed, n), (1, 1), seed, 0.95, fresh)


def test_counts_find_nothing_where_there_is_nothing():
    """80 one-time pads; at the level of 95 % a lower end is above 0 two times, in the mean."""
    alarms = sum(Counts(K)(case_of(Channel(1, s, "pad", 8), s)).low > 0 for s in range(80))
    assert alarms <= 8  # 7 in 10,000 at 2.5 %


@pytest.mark.parametrize(("law", "strength"), [("erasure", 0.5), ("pad", 2), ("shake256", 1)])
def test_counts_find_what_is_there(law, strength):
    channel = Channel(1, 0, law, strength)
    found = Counts(K)(case_of(channel, 0, 4096))
    assert found.low - 0.02 <= channel.information(SYMBOLS) / 4 <= found.high + 0.02


def test_an_attack_on_sets_that_differ_is_refused():
    channel = Channel(1, 0, "pad", 2)
    case = case_of(channel, 0)
    case.challenge.inputs[0] = case.challenge.inputs[1]
    with pytest.raises(ValueError, match=r"data\.size=16"):
        Likelihood(K)(case)


def test_a_law_that_is_not_known_is_no_ground_for_an_attack():
    class Unknown:
        noise_bits = 8.0

        def __call__(self, data, rows):
            return data

    assert Likelihood(K)(case_of(Unknown(), 0)) is None
    assert Truth(K)(case_of(Unknown(), 0), None) is None
    channel = Channel(1, 0, "pad", 1)
    for protocol in (KnownLaw, Certified, EnumerableNoise):
        assert isinstance(channel, protocol)


FBLEAU = os.environ.get("DAN_BENCH_FBLEAU", "")


@pytest.mark.skipif(not FBLEAU, reason="DAN_BENCH_FBLEAU names no interpreter that has fbleau")
def test_fbleau_estimates_how_often_an_input_is_named():
    """Right where nothing was erased, and by chance elsewhere: 1/2 + 1/2 of 1/16."""
    found = Fbleau(Path(FBLEAU), K)(case_of(Channel(1, 0, "binary_symmetric", 0.05), 0), None)
    assert found.details["named"] == pytest.approx(0.95**4, abs=0.05)
    assert found.value >= 100 * (
        1 - Channel(1, 0, "binary_symmetric", 0.05).information(SYMBOLS) / 4
    )


def test_fbleau_without_its_interpreter_is_refused():
    with pytest.raises(ValueError, match="no such interpreter"):
        Fbleau(Path("/nowhere/python3.7"), K).check((1, 1))


# the data


@pytest.mark.parametrize(("size", "width"), [(16, 1), (64, 1), (2, 1), (16, 2), (64, 2)])
def test_every_set_of_an_alphabet_holds_all_of_it(size, width):
    source = Symbols(0, 5 * size, 3 * size, size, width)
    for split, sets in (("train", 5), ("test", 3), ("attack", 5)):
        rows = source.load(split).rows
        assert rows.shape == (sets * size, width)
        for part in np.split(rows, sets):
            assert len(np.unique(part, axis=0)) == size
    assert (np.unique(rows, axis=0) == alphabet(size, width)).all()
    assert (source.load("train").rows != source.load("attack").rows).any()


@pytest.mark.parametrize(("size", "width"), [(3, 1), (1, 1), (256, 1), (8, 2)])
def test_an_alphabet_that_is_no_grid_is_refused(size, width):
    with pytest.raises(ValueError, match=f"size={size}"):
        alphabet(size, width)


# the experiment and its figure

LADDER = ["+experiment=ladder", "logger=none", "evaluation.samples=512", "evaluation.known=512"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["model=channel", "data=danoise"], "try data=symbols"),
        ([*LADDER, "model.law=nonsense"], "law=nonsense"),
        ([*LADDER, "model.strength=1.5"], "strength=1.5"),
        ([*LADDER, "model.law=pad", "model.strength=2.5"], "strength=2.5: whole"),
        ([*LADDER, "model.law=quantiser", "model.strength=7.5"], "strength=7.5: whole"),
        ([*LADDER, "model.law=permutations", "model.strength=5"], "strength=5.0.*powers of two"),
        ([*LADDER, "data.size=5"], "size=5"),
    ],
)
def test_what_is_no_rung_is_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        check([configure(changes)])


def test_how_many_candidates_there_are_is_set_in_one_place():
    said = configure([*LADDER, "evaluation.candidates=8"]).evaluation.model_dump(mode="json")
    parts = [said["certificate"], *said["attacks"].values(), *said["comparisons"].values()]
    assert [of["candidates"] for of in parts] == [8] * len(parts)


def test_the_figure_draws_the_truth_beside_the_bracket(tmp_path):
    where = f"runtime.results={tmp_path}"
    rungs = [
        ("pad", 2, 1),
        ("pad", 8, 2),
        ("erasure", 0.9, 1),
        ("geometric", 0.95, 1),
        ("pad", 8, 1),
    ]
    for law, strength, width in rungs:
        for seed in (0, 1):
            changes = [f"model.law={law}", f"model.strength={strength}", f"data.width={width}"]
            record = run(configure([*LADDER, where, f"seed={seed}", *changes]), "test")
            assert record.status == "done", record.traceback
    records, _ = Store(tmp_path).all()
    figure = ladder(records, Store(tmp_path))
    assert len(figure.keys) == 10
    assert "The truth lies inside in 10 of 10 runs" in figure.caption
    drawn = numbers(figure.chart.to_dict())
    assert legend(figure.chart.to_dict()) == ["at least to at most", "pairs alone"]
    bars = drawn[drawn["method"] == "at least to at most"].set_index("rung")
    assert bars["true"].to_dict() == pytest.approx(
        {
            "pad 2": 50,
            "pad 8, width=2": 50,
            "geometric 0.95": 61.3,
            "erasure 0.9": 90,
            "pad 8, width=1": 100,
        },
        abs=0.01,
    )
    assert list(bars["true"]) == sorted(bars["true"])
    assert bars["value"]["geometric 0.95"] == 0
    assert bars["value"]["erasure 0.9"] == pytest.approx(90, abs=0.01)
    assert (bars["end"] > bars["true"] - 0.01).all()


def test_there_is_no_figure_where_the_truth_is_not_known(tmp_path):
    assert ladder([], Store(tmp_path)) is None
