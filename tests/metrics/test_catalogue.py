"""The catalogue: its rows, the laws that it judges by, and rows of other packages."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from html_records import fill
from scipy import stats

from dan_bench.interfaces import Estimate
from dan_bench.metrics.catalogue import (
    CURVES,
    METRICS,
    SampleSize,
    best_classifier,
    curve,
    g_test,
    headlines,
    largest_half_normal,
    metric,
    metrics,
)
from dan_bench.metrics.entropy import bit_bias, shannon_bits

SIZE = SampleSize(rows=20, width=1000)


@pytest.mark.parametrize("judge", [g_test, largest_half_normal])
def test_the_laws_of_noise_hold_for_noise_and_catch_a_bias(judge):
    metric = shannon_bits if judge is g_test else bit_bias
    random = np.random.default_rng(1)
    draw = [random.integers(0, 256, (20, 1000), dtype=np.uint8) for _ in range(400)]
    p = np.array([judge(metric(sample), SIZE) for sample in draw])
    # 400 draws at a level of 0.05: 20 expected, and 9 to 34 in all but one case of a thousand
    assert 9 <= (p < 0.05).sum() <= 34
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    biased = draw[0] | (random.random(draw[0].shape) < 0.2).astype(np.uint8)
    assert judge(metric(biased), SIZE) < 1e-6


def test_the_law_of_classifiers_is_binomial():
    found = best_classifier(Estimate(0.6, n=100, details={"mlp": 0.6}), SIZE)
    assert found == pytest.approx(stats.binom.sf(59, 100, 0.5))
    two = {"mlp": 0.6, "mlp_low": 0.5, "mlp_high": 0.7, "convnet": 0.5}
    assert best_classifier(Estimate(0.6, n=100, details=two), SIZE) == pytest.approx(2 * found)


def test_names_and_headings_are_unambiguous():
    for rows in (METRICS, CURVES):
        assert len({row.name for row in rows}) == len(rows)
    assert len({row.heading for row in METRICS}) == len(METRICS)
    assert list(metrics())[: len(METRICS)] == [row.name for row in METRICS]


def test_every_ranked_metric_says_what_is_best_and_every_judged_one_is_of_noise():
    for row in METRICS:
        assert row.ideal is None or row.higher_is_better is not None, row
        assert row.judge is None or row.question == "noise", row
        low, high = row.limits
        assert row.ideal is None or (low is None or low <= row.ideal)
        assert row.ideal is None or high is None or row.ideal <= high * max(1, row.scale)


def test_what_has_no_row_is_shown_by_its_name_unranked():
    for row in (metric("mine"), curve("mine")):
        assert (row.heading, row.axis, row.higher_is_better, row.judge) == (
            "mine",
            "mine",
            None,
            None,
        )


def test_headlines_come_in_their_order():
    assert [row.name for row in headlines()] == [
        "effective_dimensions",
        "c2st_accuracy",
        "certified_destroyed",
        "percent_destroyed",
        "joint_bits",
    ]
    assert headlines(CURVES)[0].name == "effective_dimensions"


def other_package(folder: Path, row: str) -> dict[str, str]:
    """Install a package of one module with an entry point; return the environment to use."""
    (folder / "theirs.py").write_text(f"from dan_bench.metrics import catalogue\nROW = {row}\n")
    about = folder / "theirs-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[dan_bench.metrics]\nmine = theirs:ROW\n")
    return {**os.environ, "PYTHONPATH": str(folder)}


def run_in_root(
    program: list[str], environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        program,
        cwd=Path(__file__).resolve().parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_row_of_another_package_joins_by_its_entry_point(tmp_path: Path):
    row = "catalogue.MetricEntry('mine', 'my metric', higher_is_better=True)"
    program = "from dan_bench.metrics.catalogue import metric; print(metric('mine').heading)"
    ended = run_in_root([sys.executable, "-c", program], other_package(tmp_path, row))
    assert (ended.stdout, ended.returncode) == ("my metric\n", 0), ended.stderr


@pytest.mark.parametrize(
    ("row", "why"), [("'my metric'", "it must be a dan_bench"), ("1 / 0", "ZeroDivisionError")]
)
def test_an_entry_point_that_is_no_row_is_refused_in_one_line(tmp_path: Path, row: str, why: str):
    program = [sys.executable, "-m", "dan_bench.report", "--results", str(tmp_path / "results")]
    fill(tmp_path / "results")
    ended = run_in_root(program, other_package(tmp_path, row))
    (said,) = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert "mine = theirs:ROW" in said
    assert why in said


def test_a_heading_is_of_one_column(tmp_path: Path):
    row = "catalogue.MetricEntry('mine', 'at most %_dd')"
    program = (
        "from dan_bench.report.leaderboard import heading; "
        "print(heading('percent_destroyed'), heading('mine'))"
    )
    ended = run_in_root([sys.executable, "-c", program], other_package(tmp_path, row))
    assert ended.stdout == "at most %_dd mine\n", ended.stderr
