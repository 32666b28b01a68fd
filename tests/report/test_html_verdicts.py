"""The three verdicts: their laws, on noise and on what is none, and their words."""

import pytest
from html_records import D, N, measured, run

from dan_bench.interfaces import Estimate
from dan_bench.report.html.subjects import short_names
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
        ((99.5, 98.0, 100.0), "unclear"),
        ((0.0, 0.0, 0.0), "no"),
        ((55.0, 50.0, 60.0), "no"),
    ],
)
def test_gone_is_where_the_whole_interval_lies_above_99_percent(span, word):
    assert gone_from_output([run(metrics=measured(destroyed=span))]).word == word
    value, low, high = span
    on_disk = {"disk_destroyed": Estimate(value, low, high)}
    assert gone_from_disk([run(metrics=on_disk)]).word == word


def test_without_a_dictionary_attack_nothing_is_called_gone():
    blind = measured() | {"dictionary_recovered": None}
    assert gone_from_output([run(metrics=blind)]).word == "X"
    kept = measured(destroyed=(50.0, 45.0, 55.0)) | {"dictionary_recovered": None}
    assert gone_from_output([run(metrics=kept)]).word == "no"


def test_short_names_stay_apart():
    labels = ["dan a.lr=1 b.lr=1 c=none", "dan a.lr=2", "dan b.lr=2"]
    assert list(short_names(labels).values()) == ["dan lr=1", "dan a.lr=2", "dan b.lr=2"]
