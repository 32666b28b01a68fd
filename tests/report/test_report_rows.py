"""From records to rows: what is averaged, what is ranked, and what a row is called."""

import numpy as np
import pytest
from small_sweep import DAN, SEEDS, config, labels, row, small_sweep

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report import table
from dan_bench.report.leaderboard import Row, averages, leaderboard
from dan_bench.results.record import key_of
from dan_bench.results.select import natural
from dan_bench.statistics import t_interval

T_975_2 = 4.302652729911275  # Student's t with two degrees of freedom, from a printed table


@pytest.fixture
def rows() -> list[Row]:
    return leaderboard(small_sweep())


def test_controls_stand_first_then_the_untrained_then_the_trained(rows: list[Row]) -> None:
    assert [row.section for row in rows] == sorted(row.section for row in rows)
    assert labels(rows, "danoise") == [
        "identity",
        "python_random",
        "untrained sigmoid",
        "dan sigmoid nonsaturating",
        "dan torus nonsaturating",
    ]
    for section in ("danoise", "mnist"):
        kinds = [row.kind for row in rows if row.section == section]
        assert kinds == sorted(kinds, key=("control", "untrained", "learned").index)


def test_a_cell_is_the_mean_and_the_t_interval_over_seeds(rows: list[Row]) -> None:
    # values 7.4, 7.5, 7.6: mean 7.5, standard deviation (ddof = 1) 0.1
    cell = row(rows, "danoise", "dan torus nonsaturating").cells["joint_bits"].estimate
    half = T_975_2 * 0.1 / 3**0.5
    assert cell.n == 3
    assert (cell.value, cell.low, cell.high) == pytest.approx((7.5, 7.5 - half, 7.5 + half))
    assert "7.50 ± 0.25" in table(small_sweep(), metrics=["joint_bits"])


def test_a_share_recovered_is_shown_in_percent(rows: list[Row]) -> None:
    cell = row(rows, "mnist", "untrained sigmoid").cells["label_recovered"].estimate
    assert cell.value == pytest.approx(50)
    assert cell.high == pytest.approx(50 + T_975_2 * 0.1 / 3**0.5)


def test_one_run_keeps_the_interval_that_it_came_with(rows: list[Row]) -> None:
    (alone,) = [row for row in rows if row.seeds == 1]
    assert alone.cells["joint_bits"].estimate == Estimate(7.25, 7.0, 7.5, n=1)


def test_ranks_are_by_test_and_counted_within_a_section(
    rows: list[Row],
) -> None:
    def ranks(metric: str) -> dict[str, int | None]:
        return {row.label: row.cells[metric].rank for row in rows if row.section == "danoise"}

    # half-widths: 0.025 for python_random, 0 for identity, 0.25 for the rest
    assert ranks("joint_bits") == {
        "python_random": 1,
        "dan torus nonsaturating": 2,
        "dan sigmoid nonsaturating": 3,
        "identity": 4,
        "untrained sigmoid": 5,
    }
    # 80.0 and 79.8, each within 0.25 of the other
    assert ranks("percent_destroyed") == {
        "python_random": 1,
        "dan torus nonsaturating": 2,
        "dan sigmoid nonsaturating": 3,
        "untrained sigmoid": 3,
        "identity": 5,
    }


def test_a_metric_that_no_one_knows_the_better_side_of_has_no_rank(rows: list[Row]) -> None:
    (cell,) = [row.cells["other_metric"] for row in rows if "other_metric" in row.cells]
    assert cell.rank is None


def test_runs_that_differ_in_more_than_the_seed_are_not_averaged(rows: list[Row]) -> None:
    found = [label for label in labels(rows, "mnist") if label.startswith("dan")]
    assert found == [
        "dan sigmoid nonsaturating trainer.max_steps=100",
        "dan sigmoid nonsaturating trainer.max_steps=200",
        "dan torus nonsaturating noise_dim=0",
        "dan torus nonsaturating noise_dim=16",
    ]
    assert row(rows, "mnist", found[0]).cells["joint_bits"].estimate.value == pytest.approx(5.0)
    assert row(rows, "mnist", found[1]).cells["joint_bits"].estimate.value == pytest.approx(5.2)


def test_runs_that_differ_in_the_seed_alone_are_one_row_whatever_seed_their_data_has() -> None:
    values = config(DAN, "danoise", 0)
    fixed = {**values, "data": {**values["data"], "seed": 0}}  # data.seed=0 seed=0,1,2
    configs = [{**fixed, "seed": seed} for seed in SEEDS]
    runs = [RunRecord(key_of(c), "done", c, {"joint_bits": Estimate(7.0)}) for c in configs]
    assert [(row.label, row.seeds) for row in leaderboard(runs)] == [
        ("dan sigmoid nonsaturating", 3)
    ]


def test_runs_on_different_noise_are_not_averaged() -> None:
    runs = []
    for noise in (7, 8):
        values = config(DAN, "danoise", 0)
        values["data"] = {**values["data"], "seed": noise}
        for seed in SEEDS:
            scientific = {**values, "seed": seed}
            runs.append(RunRecord(key_of(scientific), "done", scientific, {"a": Estimate(noise)}))
    found = leaderboard(runs)
    assert [(row.seeds, row.cells["a"].estimate.value) for row in found] == [(3, 7), (3, 8)]
    assert [row.label.rsplit(" ", 1)[1] for row in found] == ["data.seed=7", "data.seed=8"]


def test_many_means_at_once_are_each_the_t_interval_to_the_last_bit() -> None:
    draw = np.random.default_rng(0)
    groups = [
        [RunRecord("", "done", {}, {"a": Estimate(v)}) for v in draw.normal(size=n).tolist()]
        for n in range(2, 40)
        for _ in range(5)
    ]
    for runs, found in zip(groups, averages(groups, "a"), strict=True):
        assert found == t_interval([run.metrics["a"].value for run in runs])  # type: ignore[union-attr]
    assert averages([[], groups[0]], "b") == [None, None]


def test_ideal_noise_looks_like_noise_by_definition() -> None:
    values = config(DAN, "mnist", 0)
    values["evaluation"] = {**values["evaluation"], "samples": 10_000}
    metrics = {"shannon_bits": Estimate(7.0, n=7_840_000), "joint_bits": Estimate(7.0)}
    (ideal, row) = leaderboard([RunRecord(key_of(values), "done", values, metrics)])
    assert [verdict.word for verdict in ideal.verdicts.values()] == ["yes", "X", "X"]
    assert [verdict.word for verdict in row.verdicts.values()] == ["no", "X", "X"]


def test_failed_runs_are_no_part_of_any_row(rows: list[Row]) -> None:
    assert {row.seeds for row in rows if row.section == "danoise"} == {3}


def test_settings_are_in_the_order_of_their_numbers():
    labels = [
        "noise_dim=0",
        "noise_dim=2",
        "noise_dim=16",
        "noise_dim=784",
        "scale=1.0",
        "²=1",
        "٣",
    ]
    assert sorted(labels, key=natural) == labels
