"""The published grid: what it is made of, and that what is published is complete and is said."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from html_records import fill, run

from dan_bench import reference
from dan_bench.config.compose import configure, expand
from dan_bench.interfaces import Estimate
from dan_bench.reference import GridPart, main, publish, status
from dan_bench.results.archive import open_results
from dan_bench.results.record import Store, key_of

REPOSITORY = Path(__file__).resolve().parents[1]


def test_expanding_is_what_a_sweep_would_run():
    configs = expand(["+experiment=algorithm1", "seed=5,7", "trainer.max_steps=3"])
    alone = [
        configure(["+experiment=algorithm1", f"seed={seed}", "trainer.max_steps=3"])
        for seed in (5, 7)
    ]
    assert configs == alone


def test_the_parts_are_experiments_and_sweeps_that_are_there():
    for name in reference.PARTS:
        kind, _, choice = name.removeprefix("+").partition("=")
        assert (REPOSITORY / "conf" / kind / f"{choice}.yaml").is_file(), name


def test_a_subject_is_complete_when_all_of_its_seeds_are():
    part = GridPart("x", {"a0": 0, "a1": 0, "b0": 1, "c0": 2, "c1": 2})
    assert part.complete({"a0", "b0", "c0", "c1", "other"}) == {"b0", "c0", "c1"}
    assert status([part], {"a0", "b0", "c0", "c1"}) == [("x", 3, 4, 5)]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A part of which one subject lacks a seed, published."""
    results = tmp_path_factory.mktemp("reference")
    runs = fill(results)
    store = Store(results)
    lonely = run("lonely", "learned", 0)
    store.put(lonely)
    planned = {r.key: f"{r.config['model']['name']} {r.config.get('noise_dim')}" for r in runs}
    planned |= {lonely.key: "lonely", "missing": "lonely"}
    folder = publish(results, [GridPart("+sweep=reference", planned)])
    return folder, {r.key for r in runs}, lonely


def test_what_is_published_is_what_is_complete(published):
    folder, complete, lonely = published
    records, damaged = open_results(folder).all()
    assert damaged == {}
    assert {record.key for record in records} == complete
    assert lonely.key not in complete
    assert "lonely" not in (folder / "leaderboard.md").read_text()


def test_it_says_where_it_comes_from_and_what_is_missing(published):
    folder, complete, _ = published
    said = (folder / "README.md").read_text()
    assert f"| `+sweep=reference` | {len(complete) + 2} | {len(complete)} | not yet |" in said
    assert "c0ffee" * 6 in said
    assert folder.name == "2026-11-25_c0ffeec"
    for link in re.findall(r"\]\(([^)]+)\)", said):
        assert (folder / link).exists(), link


def test_tables_and_figures_come_from_the_archive_alone(published, tmp_path):
    folder, *_ = published
    command = [sys.executable, "-m", "dan_bench.report", "--results", str(folder)]
    printed = subprocess.run(
        [*command, "--format", "markdown"], capture_output=True, text=True, check=True
    ).stdout
    assert printed == (folder / "leaderboard.md").read_text()
    assert (folder / "figures" / "collapse.svg").is_file()
    assert (folder / "figures" / "collapse-dark.svg").is_file()
    assert "# " in (folder / "findings.md").read_text()


def test_nothing_complete_is_nothing_published(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "plan", lambda: [GridPart("x", {"a": 0})])
    store = Store(tmp_path)
    store.put(run("dan", "learned", 0, {"shannon_bits": Estimate(8.0, n=100)}))
    assert main(["--publish", "--results", str(tmp_path)]) == 2
    assert "make reference" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert main(["--status", "--results", str(tmp_path)]) == 0
    assert "0 of    1 runs done" in capsys.readouterr().out


# What is in the repository

COMMITTED = sorted(REPOSITORY.glob("results/*/records.parquet"))


def test_what_is_published_lies_beside_the_runs_of_a_sweep_and_not_among_them():
    """An archive in results/ itself would bar `make sweep` from reading its own runs."""
    assert COMMITTED
    assert not (REPOSITORY / "results" / "records.parquet").exists()


@pytest.mark.parametrize("records", COMMITTED, ids=[path.parent.name for path in COMMITTED])
def test_the_committed_reference_is_small_and_its_keys_are_its_configs(records):
    folder = records.parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 3_000_000
    found, damaged = open_results(folder).all()
    assert damaged == {}
    assert found
    for record in found:
        config = json.loads(json.dumps(record.config))
        assert key_of(config, record.schema_version) == record.key


@pytest.mark.parametrize("records", COMMITTED, ids=[path.parent.name for path in COMMITTED])
def test_the_committed_tables_are_printed_from_the_committed_records(records):
    folder = records.parent
    command = [sys.executable, "-m", "dan_bench.report"]
    for name, more in {
        "leaderboard.md": ["--format", "markdown"],
        "findings.md": ["findings", "--format", "markdown"],
        "table1.md": ["table1", "--format", "markdown"],
    }.items():
        head, rest = (more[:1], more[1:]) if not more[0].startswith("-") else ([], more)
        printed = subprocess.run(
            [*command, *head, "--results", str(folder), *rest],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        # what findings.md says of where it was read from is the only thing that may differ
        assert printed.replace(str(folder), "") == (folder / name).read_text().replace(
            f"results/{folder.name}", ""
        )


def block(text: str, beginning: str, end: str) -> str:
    """What stands between two lines of a page."""
    return text.split(f"\n{beginning}\n")[1].split(f"\n{end}\n")[0]


@pytest.mark.skipif(not COMMITTED, reason="no reference is committed")
def test_the_readme_s_table_and_figures_come_from_the_latest_reference():
    readme = (REPOSITORY / "README.md").read_text()
    folder = f"results/{COMMITTED[-1].parent.name}/"
    named = re.findall(r"results/\d{4}-\d\d-\d\d_\w+/", readme)
    assert set(named) == {folder}
    assert f"{folder}figures/finding.svg" in readme
    (line,) = re.findall(r"(?m)^\.venv/bin/python (-m dan_bench\.report headline .*)$", readme)
    printed = subprocess.run(
        [sys.executable, *shlex.split(line)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    sentences, _, first = printed.partition("\n\n")
    assert sentences == block(readme, "<!-- finding -->", "<!-- /finding -->")
    assert first.strip() == block(readme, "<!-- table -->", "<!-- /table -->").strip()
    assert first.count("\n| ") == 2 + 8
    for name in ("finding.svg", "finding-dark.svg"):
        assert (REPOSITORY / folder / "figures" / name).stat().st_size < 100_000


@pytest.mark.skipif(not COMMITTED, reason="no reference is committed")
def test_what_is_undecided_in_the_findings_is_so_in_the_reproduction_map():
    judged = (COMMITTED[-1].parent / "findings.md").read_text()
    undecided = re.findall(r"(?m)^\| \[[^\n]*\]\(#([\w-]+)\) \|.*\| undecided \|$", judged)
    assert undecided
    rows = (REPOSITORY / "docs" / "reproduction.md").read_text().splitlines()
    for claim in undecided:
        said = [row for row in rows if f"`{claim}`" in row]
        assert said, claim
        assert all("undecided" in row for row in said), claim
