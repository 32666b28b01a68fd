"""The three verdicts: their laws, on noise and on what is none, and their words."""

import pytest
from html_records import D, N, measured, old, run

from dan_bench.interfaces import Estimate
from dan_bench.report.figures.grid import short_names
from dan_bench.report.leaderboard import over_seeds
from dan_bench.report.verdicts import gone_from_disk, gone_from_output, looks_like_noise


def test_noise_looks_like_noise_and_collapse_does_not_though_its_entropy_is_perfect():
    noise = [run(seed=seed) for seed in range(5)]
    assert looks_like_noise(noise).word == "yes"
    collapsed = run(seed=5, metrics=measured(8.0, 0.9))
    found = looks_like_noise([collapsed])
    assert found.word == "no"
    assert "c2st_accuracy" in found.reason
    mixed = looks_like_noise([*noise, collapsed])
    assert mixed.word == "5 of 6"
    assert mixed.score == pytest.approx(5 / 6)


def test_what_was_not_measured_is_no_yes_but_may_be_a_no():
    entropy_alone = {"shannon_bits": Estimate(8.0, n=N * D), "c2st_accuracy": None}
    assert looks_like_noise([run(metrics=entropy_alone)]).word == "X"
    low = {"shannon_bits": Estimate(7.0, n=N * D)}
    assert looks_like_noise([run(metrics=low)]).word == "no"
    for judge in (gone_from_output, gone_from_disk):
        assert judge([run(metrics=low)]).word == "X"
        assert judge([]).score is None


@pytest.mark.parametrize(
    ("span", "word"),
    [
        ((100.0, 99.6, 100.0), "yes"),
        ((99.5, 99.0, 100.0), "yes"),
        ((99.5, 98.999, 100.0), "unclear"),
        ((98.0, 97.0, 99.0), "unclear"),
        ((98.0, 97.0, 98.999), "no"),
        ((0.0, 0.0, 0.0), "no"),
    ],
)
def test_from_the_disk_is_gone_what_lies_above_99_percent_and_from_the_output_it_is_hidden(
    span, word
):
    value, low, high = span
    on_disk = {"disk_destroyed": Estimate(value, low, high)}
    assert gone_from_disk([run(metrics=on_disk)]).word == word
    hidden = "hidden" if word == "yes" else word
    for certain in (None, 0.0, 98.999):
        assert gone_from_output([run(metrics=bracketed(certain, span))]).word == hidden


def bracketed(certain, left=(100.0, 99.9, 100.0), **more):
    """A run's metrics, with what is certainly destroyed and what attackers left."""
    certificate = None if certain is None else Estimate(certain, certain, certain, N)
    return measured(destroyed=left) | {"certified_destroyed": certificate} | more


ALL, NONE, HALF = (100.0, 99.9, 100.0), (0.0, 0.0, 0.0), (99.0, 98.0, 100.0)
BLIND = {"dictionary_recovered": None}


@pytest.mark.parametrize(
    ("metrics", "word"),
    [
        (bracketed(99.0), "gone"),
        (bracketed(98.999), "hidden"),
        (bracketed(100.0, HALF), "gone"),  # attackers were too few to tell, and need not
        (bracketed(99.0, **BLIND), "gone"),
        (bracketed(99.0, percent_destroyed=None), "gone"),
        (bracketed(100.0, NONE), "unclear"),  # an attacker refuted the certificate
        (bracketed(100.0, (99.2, 99.1, 99.3)), "unclear"),  # so did this one, if by less
        (bracketed(100.0, (99.8, 99.6, 99.95)), "gone"),  # within what chance explains
        (bracketed(98.999, HALF), "unclear"),
        (bracketed(98.999, NONE), "no"),
        (bracketed(None, **BLIND), "X"),
        (bracketed(0.0, **BLIND), "X"),
        (bracketed(0.0, NONE, **BLIND), "no"),
        (bracketed(0.0, percent_destroyed=None), "X"),
    ],
)
def test_gone_is_certified_and_hidden_is_what_no_attack_found(metrics, word):
    assert gone_from_output([run(metrics=metrics)]).word == word


def test_runs_of_the_old_schema_are_never_gone_and_say_who_attacked_them():
    for metrics, word in [(measured(), "hidden"), (bracketed(100.0), "hidden")]:
        found = gone_from_output([old(run(metrics=metrics))])
        assert found.word == word
        assert found.reason.endswith("attacked by the old set (schema 1)")
    assert "old" not in gone_from_output([run(metrics=measured())]).reason


def test_where_runs_disagree_the_best_word_is_counted():
    of = {"gone": bracketed(99.9), "hidden": bracketed(0.0), "no": bracketed(0.0, NONE)}
    of |= {"unclear": bracketed(0.0, HALF)}

    def word(*names):
        return gone_from_output([run(seed=i, metrics=of[n]) for i, n in enumerate(names)]).word

    assert word("gone", "gone") == "gone"
    assert word("gone", "hidden", "gone", "no", "gone") == "gone 3 of 5"
    assert word("hidden", "no", "unclear") == "hidden 1 of 3"
    assert word("unclear", "no") == "unclear"
    scores = [gone_from_output([run(metrics=of[name])]).score for name in of]
    assert scores[0] > scores[1] > scores[3] > scores[2] == 0


def test_a_run_that_was_certified_less_counts_though_nobody_attacked_it():
    certain = (99.9, 98.5, 98.9)
    metrics = [bracketed(of, percent_destroyed=None, **BLIND) for of in certain]
    found = gone_from_output([run(seed=i, metrics=of) for i, of in enumerate(metrics)])
    assert (found.word, found.runs) == ("gone 1 of 3", 3)
    assert gone_from_output([run(metrics=metrics[1])]).word == "X"


def test_a_certificate_that_an_attack_refuted_is_named():
    for certain, left, said in [
        (80.0, (50.0, 49.0, 51.0), True),
        (100.0, (99.2, 99.1, 99.3), True),
        (99.0, ALL, False),
        (100.0, (99.8, 99.6, 99.95), False),
    ]:
        reason = gone_from_output([run(metrics=bracketed(certain, left))]).reason
        assert ("less than is certified" in reason) == said


@pytest.mark.parametrize(
    ("noise_bits", "kind", "bits", "word"),
    [
        (8 * D, "learned", 0.01, "gone"),
        (8 * D - 1, "learned", 0.01, "hidden"),
        (16, "untrained", 0.01, "hidden"),
        (16, "learned", 0.0, "gone"),  # it ignores its input
        (16, "control", 0.01, "gone"),  # its law is known
    ],
)
def test_noise_with_fewer_bits_than_the_output_certifies_nothing(noise_bits, kind, bits, word):
    found = bracketed(99.9)
    found |= {"certified_destroyed": Estimate(99.9, 99.9, 99.9, N, {"bits": bits, "naming": 99.9})}
    found |= {"shannon_bits": Estimate(8.0, n=N * D)}
    record = run("x", kind, metrics=found, costs={"noise_bits": noise_bits})
    assert gone_from_output([record]).word == word
    for metric in ("certified_destroyed", "certified_destroyed.naming"):
        told = over_seeds([record], metric)
        assert (told.value if told else 0) == (99.9 if word == "gone" else 0)


def test_the_reason_has_both_ends():
    runs = [run(seed=i, metrics=bracketed(certain)) for i, certain in enumerate((99.9, 99.75))]
    reason = gone_from_output(runs).reason
    assert reason == "at least 99.75 %_dd; at most within [99.9, 100] %_dd"


def test_short_names_stay_apart():
    labels = ["dan a.lr=1 b.lr=1 c=none", "dan a.lr=2", "dan b.lr=2"]
    assert list(short_names(labels).values()) == ["dan lr=1", "dan a.lr=2", "dan b.lr=2"]
