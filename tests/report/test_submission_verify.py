"""A submission's runs, run again: what an honest one shows, and each way of cheating."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import yaml
from submissions import carry_out, forge, install, of_model, shifted, submit, verify

from dan_bench.config.compose import configure
from dan_bench.config.schema import CONF
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report import submission
from dan_bench.report.__main__ import main as report
from dan_bench.report.submission import opened
from dan_bench.report.verify import (
    claims,
    differences,
    drawn,
    prediction_interval,
    same_program,
)
from dan_bench.results.archive import Archive, publish
from dan_bench.results.provenance import code_digest
from dan_bench.results.record import Store, key_of


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Five seeds of a model of `theirs_v`, and a leaderboard with a control that leaks."""
    root = tmp_path_factory.mktemp("verify")
    target = install(root / "code", "theirs_v")
    carry_out(root / "results", *of_model(target))
    carry_out(root / "known", "model=identity")
    publish(root / "known", root / "board")
    return root


@pytest.fixture
def folder(runs, tmp_path):
    assert submit(runs / "results", tmp_path) == 0
    return tmp_path / "theirs"


def seed_that_draws(folder, key):
    """What a verifier's luck would be."""
    records = opened(folder)[1]
    return next(str(s) for s in range(1000) if drawn(records, 0.05, s)[0].key == key)


def forge_digests(folder):
    """Have the submission and its records name the code that lies there now."""
    digest, old = code_digest(folder / "code", "theirs_v"), opened(folder)[0].code["theirs_v"]
    about = folder / "submission.json"
    about.write_text(about.read_text().replace(old, digest))
    forge(folder, lambda r: replace(r, provenance=r.provenance | {"code": {"theirs_v": digest}}))


def test_an_honest_submission_is_verified_without_secrets(folder, runs, capsys, monkeypatch):
    monkeypatch.setenv("TOKEN", "of the verifier's")
    assert verify(folder, "--results", str(runs / "board")) == 0
    said = capsys.readouterr().out
    assert "run again: 1 of 5, drawn by --seed" in said
    assert "bit for bit the same" in said
    assert "\nverified\n" in said
    assert "among 3 rows" in said or "among 2 rows" in said


def test_one_forged_number_is_found_where_its_run_is_drawn(folder, capsys):
    key = opened(folder)[1][2].key
    forge(folder, lambda r: shifted(r, 0.01) if r.key == key else r)
    assert verify(folder, "--seed", seed_that_draws(folder, key)) == 1
    said = capsys.readouterr().out
    assert "missed with a chance of 80%" in said
    assert f"{key}: shannon_bits is " in said


def test_the_config_of_another_run_under_a_key_of_its_own(folder, capsys):
    """As if a short training had been as good as a long one."""

    def short(record):
        trainer = record.config["trainer"] | {"max_steps": 2}
        config = record.config | {"trainer": trainer}
        return replace(record, config=config, key=key_of(config))

    forge(folder, short)
    assert verify(folder) == 1
    assert "shannon_bits is " in capsys.readouterr().out


def test_records_of_other_code_with_every_digest_forged(folder, capsys):
    path = folder / "code" / "theirs_v.py"
    path.write_text(path.read_text().replace("data + network(noise)", "0.5 * data"))
    forge_digests(folder)
    assert verify(folder) == 1
    assert "shannon_bits is " in capsys.readouterr().out


def test_another_data_set_by_the_name_of_one_in_the_leaderboard(folder, runs, capsys):
    def easier(record):
        config = record.config | {"data": record.config["data"] | {"test_size": 65}}
        return replace(record, config=config, key=key_of(config))

    forge(folder, easier)
    assert verify(folder, "--results", str(runs / "board")) == 1
    assert "its data are not what the leaderboard calls danoise" in capsys.readouterr().out


def test_a_config_that_says_where_to_write(folder, tmp_path, capsys):
    where = f"runtime.results={tmp_path / 'elsewhere'}"
    runtime = configure([where]).runtime.model_dump(mode="json")

    def led_away(record):
        config = record.config | {"runtime": runtime}
        return replace(record, config=config, key=key_of(config))

    forge(folder, led_away)
    assert verify(folder) == 1
    assert "another config" in capsys.readouterr().out
    assert not (tmp_path / "elsewhere").exists()


def test_verifying_leaves_the_folder_as_it_was(folder):
    before = sorted(folder.rglob("*"))
    assert verify(folder) == 0
    assert sorted(folder.rglob("*")) == before


def test_code_that_does_not_run(folder, capsys):
    path = folder / "code" / "theirs_v.py"
    path.write_text("raise ImportError('no')\n")
    forge_digests(folder)
    assert verify(folder) == 1
    assert "it left no record" in capsys.readouterr().out


def test_the_runs_are_drawn_evenly_and_by_the_seed_alone(folder):
    records = opened(folder)[1]
    shuffled = random.Random(0).sample(records, len(records))
    assert drawn(records, 0.4, 7) == drawn(shuffled, 0.4, 7)
    assert [len(drawn(records, share, 0)) for share in (0.01, 0.2, 0.21, 1)] == [1, 1, 2, 5]
    counts = Counter(drawn(records, 0.05, seed)[0].key for seed in range(2000))
    # 400 +- 18 each
    assert all(300 < count < 500 for count in counts.values())
    assert len(counts) == 5


# --- other versions or machines -------------------------------------------------------------------


def of(value: float, machine: str = "a", **interval: float) -> RunRecord:
    estimate = Estimate(value, **interval)
    return RunRecord("k", "done", {}, {"m": estimate}, provenance={"machine": machine})


def test_the_prediction_interval_is_the_one_of_the_formula():
    # mean 2, s = 1, t(2, 0.975) = 4.302653
    low, high = prediction_interval([1, 2, 3], 0.05)
    assert (low, high) == pytest.approx(
        (2 - 4.302653 * (4 / 3) ** 0.5, 2 + 4.302653 * (4 / 3) ** 0.5)
    )


def test_an_honest_run_is_refused_as_seldom_as_promised_and_a_forged_one_is_not():
    """Of 5 seeds and one more: false alarms at 1 %, and a mean shifted by 10 s is mostly seen."""
    random_ = np.random.default_rng(0)
    alarms = seen = 0
    for _ in range(4000):
        seeds = random_.normal(size=5)
        peers = [of(x) for x in seeds]
        alarms += bool(differences(peers[0], of(random_.normal(), "b"), peers)[1])
        forged = [of(x + 10) for x in seeds]
        seen += bool(differences(forged[0], of(random_.normal(), "b"), forged)[1])
    # binomial: 40 +- 6.3
    assert 20 < alarms < 65
    assert seen > 3400


def test_on_the_same_machine_the_last_bit_counts():
    value = 7.5
    other = np.nextafter(value, 8)
    assert differences(of(value), of(value), [of(value)])[1] == []
    assert differences(of(value), of(float(other)), [of(value), of(7.0)])[1]
    how, found = differences(of(value), of(float(other), "b"), [of(value), of(7.0)])
    assert found == []
    assert "prediction interval" in how


def test_a_wide_interval_in_the_record_hides_nothing():
    forged = of(9.0, low=-1e9, high=1e9)
    peers = [forged, *(of(9.0 + 0.01 * i) for i in range(4))]
    assert differences(forged, of(5.0, "b"), peers)[1]
    # but what the verifier measured on few rows may be as uncertain as it says
    assert not differences(forged, of(8.9, "b", low=8.0, high=9.5), peers)[1]


def test_a_metric_that_is_there_in_one_alone_is_a_difference():
    nothing = RunRecord("k", "done", {}, {"m": None}, provenance={"machine": "b"})
    assert differences(of(1.0), nothing, [of(1.0), of(1.1)])[1]
    assert differences(nothing, of(1.0), [nothing, nothing])[1]


def test_metrics_without_a_value_make_no_interval_wider():
    """Each would take a share of the level."""
    padded = [
        replace(r, metrics=r.metrics | {f"m{i}": None for i in range(10_000)})
        for r in (of(9.0 + 0.01 * i) for i in range(5))
    ]
    assert differences(padded[0], of(8.5, "b"), padded)[1]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"commit": None}, {"commit": None}, True),
        ({"commit": None, "python": "3.11"}, {"commit": None, "python": "3.12"}, False),
        ({"commit": None}, {"commit": "HEAD"}, False),
        ({"commit": "--output=x"}, {"commit": "HEAD"}, False),
        ({"commit": "0" * 40}, {"commit": "1" * 40}, False),
    ],
)
def test_the_same_program_is_the_same_versions_and_code(one, other, same):
    records = [RunRecord("k", "done", {}, provenance=of) for of in (one, other)]
    assert same_program(*records) is same


# --- ranks ----------------------------------------------------------------------------------------


def board(tmp_path, runs, shift: float, spread: float):
    """The leaderboard of ten rows' worth of real runs, with theirs moved: its tables' cells."""
    mine = [
        shifted(r, shift - r.metrics["shannon_bits"].value + spread * (r.config["seed"] - 2))
        for r in Store(runs / "results").all()[0]
    ]
    known = [
        shifted(r, 7.5 - r.metrics["shannon_bits"].value + 0.01 * (r.config["seed"] - 2))
        for r in Archive(runs / "board").all()[0]
    ]
    (table,) = claims([*known, *mine], {r.key for r in mine})
    (row,) = table.rows
    return row[2]


@pytest.mark.parametrize(
    ("mean", "spread", "said"),
    [
        (7.3, 0.01, "yes: behind identity, p < 0.01"),
        (7.49, 0.01, "no: not told from identity"),
        (7.7, 0.01, "yes: ahead of identity, p < 0.01"),
        (7.51, 0.01, "no: not told from identity"),
        # Welch's t = 0.02 / sqrt(2 * 0.0158^2 / 5) = 2.0
        (7.52, 0.01, "no: not told from identity"),
        # t = 3.99 with 8 degrees of freedom: p = 0.004
        (7.54, 0.01, "yes: ahead of identity, p < 0.01"),
        # t = 3.0: p = 0.017, which is below 5 % and not below 1 %
        (7.53, 0.01, "no: not told from identity"),
    ],
)
def test_a_rank_is_claimed_at_one_per_cent(tmp_path, runs, mean, spread, said):
    assert board(tmp_path, runs, mean, spread) == said


def test_submissions_stand_in_the_leaderboard_beside_what_is_published(folder, runs, capsys):
    capsys.readouterr()
    words = ["--results", str(runs / "board"), "--with", str(folder), "--format", "markdown"]
    assert report(words) == 0
    said = capsys.readouterr().out
    assert "| identity |" in said
    assert "| additive torus nonsaturating |" in said


def test_the_seeds_are_those_of_the_reference():
    grids = yaml.safe_load((CONF / "sweep" / "reference.yaml").read_text())["grids"]
    seeds = ",".join(map(str, range(submission.SEEDS)))
    assert {grid["seed"] for grid in grids} == {seeds}
