"""`python -m dan_bench.report show | compare | export`: single runs, and every number."""

import dataclasses
import io

import pandas as pd
import pytest

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.__main__ import COMMANDS, main
from dan_bench.report.runs import tidy
from dan_bench.results.record import Store, key_of


def record(seed, lr=0.1, **changes):
    config = {
        "model": {"name": "dan", "kind": "learned", "sizes": [3, 4]},
        "data": {"name": "mnist"},
        "output": "sigmoid",
        "noise_dim": 16,
        "seed": seed,
        "optimizer": {"lr": lr},
        "evaluation": {"samples": 10},
    }
    metrics = {
        "joint_bits": Estimate(7.123456789, 7.0, 7.25, 10, {"marginal_bits": 7.5}),
        "label_recovered": None,
    }
    made = RunRecord(key_of(config), "done", config, metrics, {"seconds": 1.5}, {"commit": "abc"})
    return dataclasses.replace(made, **changes)


@pytest.fixture
def results(tmp_path):
    store = Store(tmp_path)
    for one in (record(0), record(1, lr=0.2)):
        store.put(one)
    store.put(record(2, status="failed", metrics={}, traceback="ValueError: on purpose"))
    return tmp_path


def told(capsys, *arguments):
    code = main(list(map(str, arguments)))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_show_holds_all_that_the_record_holds(results, capsys):
    code, out, _ = told(capsys, "show", record(0).key[:5], "--results", results)
    assert code == 0
    for words in ("7.12346 [7, 7.25]  N = 10", "joint_bits.marginal_bits", "7.5", "X", "seconds"):
        assert words in out
    for words in ("model.sizes", "[3, 4]", "optimizer.lr", "commit", "abc"):
        assert words in out


def test_show_of_a_failed_run_has_its_traceback(results, capsys):
    _, out, _ = told(capsys, "show", record(2).key, "--results", results)
    assert "failed" in out
    assert "ValueError: on purpose" in out


def test_compare_names_what_differs_and_nothing_else(results, capsys):
    one, other = record(0), record(1, lr=0.2)
    code, out, _ = told(capsys, "compare", one.key, other.key, "--results", results)
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["seed", "0", "1"] in lines
    assert ["optimizer.lr", "0.1", "0.2"] in lines
    assert "model.name" not in out
    assert "joint_bits" in out


@pytest.mark.parametrize(
    "arguments", [["show", "zzzz"], ["show", ""], ["compare", "zzzz", "yyyy"]], ids=str
)
def test_a_run_that_is_none_or_several_is_refused_with_the_keys_there_are(
    results, capsys, arguments
):
    code, _, err = told(capsys, *arguments, "--results", results)
    assert code == 2
    assert record(0).key in err


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_export_gives_every_number_back_unrounded(results, capsys, ending, tmp_path):
    path = tmp_path / f"all.{ending}"
    assert told(capsys, "export", path, "--results", results)[0] == 0
    frame = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    of = frame[(frame["key"] == record(0).key) & (frame["metric"] == "joint_bits")].iloc[0]
    assert (of["value"], of["low"], of["high"], of["n"]) == (7.123456789, 7.0, 7.25, 10)
    assert str(of["optimizer.lr"]) == "0.1"
    assert set(frame["status"]) == {"done", "failed"}


def test_export_holds_details_costs_provenance_and_errors():
    frame = tidy([record(0), record(2, status="failed", metrics={}, traceback="ValueError: no")])
    detail = frame[frame["metric"] == "joint_bits.marginal_bits"].iloc[0]
    assert (detail["value"], detail["cost.seconds"]) == (7.5, 1.5)
    assert detail["provenance.commit"] == "abc"
    assert frame[frame["status"] == "failed"]["error"].tolist() == ["ValueError: no"]


def test_runs_are_listed_filtered_and_sorted(results, capsys):
    _, out, _ = told(capsys, "runs", "--results", results, "--format", "csv")
    rows = pd.read_csv(io.StringIO(out))
    assert sorted(rows["key"]) == sorted(one.key for one in (record(0), record(1, 0.2), record(2)))
    assert sorted(rows["status"]) == ["done", "done", "failed"]
    assert rows["subject"].unique().tolist() == ["mnist dan sigmoid"]

    def keys(*more):
        code, out, err = told(capsys, "runs", "--keys", "--results", results, *more)
        assert code == 0, err
        return out.split()

    assert keys("--status", "failed") == [record(2).key]
    assert keys("--where", "optimizer.lr=0.2") == [record(1, 0.2).key]
    by_seed = [record(0).key, record(1, 0.2).key, record(2).key]
    assert keys("--sort", "seed") == by_seed
    assert keys("--sort", "seed", "--reverse") == by_seed[::-1]
    assert keys("--sort", "joint_bits")[-1] == record(2).key  # of which there is none
    assert keys("--sort", "joint_bits", "--reverse")[-1] == record(2).key
    code, _, err = told(capsys, "runs", "--sort", "joint_bit", "--results", results)
    assert code == 2
    assert "meant perhaps: joint_bits" in err


def test_the_table_is_sorted_by_a_metric_the_best_first(tmp_path, capsys):
    store = Store(tmp_path)
    for bits, lr in ((6.5, 0.1), (7.5, 0.2), (7.0, 0.3)):
        store.put(record(0, lr=lr, metrics={"joint_bits": Estimate(bits)}))
    arguments = ["--results", str(tmp_path), "--format", "markdown", "--sort", "joint_bits"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    places = [out.index(f"| {bits}") for bits in (7.5, 7, 6.5)]
    assert places == sorted(places)


def test_messages_about_folders_name_them_in_full(tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    for command in (["runs"], [], ["export", "all.csv"], ["table1"]):
        assert main([*command, "--results", "empty"]) == 2
        assert f" {tmp_path / 'empty'}" in capsys.readouterr().err


def test_a_tidy_frame_has_a_row_for_each_metric_and_one_for_a_failure():
    frame = tidy([record(0), record(2, status="failed", metrics={})])
    assert frame["metric"].isna().tolist() == [False, False, False, True]
    assert frame["value"].isna().tolist() == [False, False, True, True]


def test_export_refuses_other_endings_and_an_empty_folder(results, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["export", str(tmp_path / "all.xls"), "--results", str(results)])
    assert ended.value.code == 2
    empty = tmp_path / "empty"
    assert told(capsys, "export", tmp_path / "all.csv", "--results", empty)[0] == 2


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in out] == []


def test_the_table_is_what_no_command_and_leaderboard_print(results, capsys):
    bare = told(capsys, "--results", results)
    assert bare[0] == 0
    assert bare[1] == told(capsys, "leaderboard", "--results", results)[1]


BOUNDS = {
    "naming": 99.95,
    "label": 99.8,
    "bits": 0.0075,
    "naming_bits": 0.005,
    "named": 0.0021,
    "candidates": 1024.0,
    "told_apart": 0.53,
    "r_squared": 0.04,
}


def bracketed(seed, details, rising=0.0):
    metrics = {
        "certified_destroyed": Estimate(min(details.values(), default=0.0), details=details),
        "percent_destroyed": Estimate(99.9, 99.8, 100.0),
        "label_recovered": Estimate(0.001, details={"still_rising": rising}),
        "dictionary_recovered": Estimate(0.0, details={"still_rising": 0.0}),
    }
    made = record(seed, metrics=metrics)
    made.config["evaluation"]["certificate"] = {"candidates": 1024} if details else None
    return dataclasses.replace(made, key=key_of(made.config))


def test_certificates_are_put_in_words(tmp_path, capsys):
    certain, open_ended = bracketed(0, BOUNDS), bracketed(1, {}, rising=1.0)
    for one in (certain, open_ended):
        Store(tmp_path).put(one)
    _, out, _ = told(capsys, "show", certain.key, "--results", tmp_path)
    words = dict(line.strip().split("  ", 1) for line in out.splitlines() if "  " in line.strip())
    said = {name: value.strip() for name, value in words.items()}
    assert said["one name of"] == "1,024 candidates"
    assert said["leaks of the whole input at most"] == "0.0075 bits"
    assert said["of its label destroyed at least"] == "99.8 %"
    assert said["inputs that anybody names at most"] == "0.2100%"
    assert said["two inputs are told apart at most"] == "53.0000% of the time; 50 % is guessing"
    assert said["reconstructed at most"] == "R^2 = 0.04"
    assert "finite precision (Mironov 2012)" in out
    assert "still rising at" not in out
    _, out, _ = told(capsys, "show", open_ended.key, "--results", tmp_path)
    assert "0: no certificate" in out
    assert "Mironov" not in out
    _, out, _ = told(capsys, "compare", certain.key, open_ended.key, "--results", tmp_path)
    (line,) = [line.split("  ") for line in out.splitlines() if line.startswith("still rising")]
    assert [cell.strip() for cell in line if cell] == ["still rising at their cap", "X", "label"]
    assert "99.9 [99.8, 100]" in out


def test_with_a_failed_run_gives_way_to_the_one_that_a_gpu_finished(results, tmp_path, capsys):
    other = tmp_path / "other"
    Store(other).put(
        dataclasses.replace(record(2), provenance={"commit": "abc", "device": "cuda: H100"})
    )
    table = ["--format", "csv", "--metrics", "joint_bits"]
    assert "1 failed" in told(capsys, "--results", results, *table)[2]
    for first, second in ((results, other), (other, results)):
        code, out, err = told(capsys, "--results", first, "--with", second, *table)
        assert (code, err) == (0, "")
        assert out.count("dan") == 3
