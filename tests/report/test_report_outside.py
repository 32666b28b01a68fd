"""A metric and a figure of another package are treated as ours, wherever results are shown."""

import sys

import pytest
from charts import numbers
from html_records import measured, run
from outside_package import FIGURE, METRIC, install

import dan_bench as db
from dan_bench.cli import InputError
from dan_bench.interfaces import Estimate
from dan_bench.loggers import workspace
from dan_bench.loggers.files import outcome_of
from dan_bench.metrics.catalogue import metrics
from dan_bench.report.__main__ import main
from dan_bench.report.figures.catalogue import CATALOGUE, figures
from dan_bench.report.leaderboard import boards
from dan_bench.report.verdicts import looks_like_noise, p_values
from dan_bench.results.record import Store

P = {"dan": 0.5, "gan": 1e-9}


@pytest.fixture
def records(tmp_path, monkeypatch):
    """Two runs that differ in that metric alone, and the package that announces it."""
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", METRIC | FIGURE)
    monkeypatch.syspath_prepend(tmp_path / "site")
    for cached in (metrics, figures):
        cached.cache_clear()
    runs = [run(name, metrics=measured() | {"mine": Estimate(p)}) for name, p in P.items()]
    for one in runs:
        Store(tmp_path).put(one)
    yield runs
    sys.modules.pop("theirs", None)
    for cached in (metrics, figures):
        cached.cache_clear()


def test_a_metric_is_ranked_judged_and_named_everywhere(records, tmp_path, capsys):
    (board,) = boards(records)
    rows = {row.axes.get("model"): row for row in board.rows if row.runs}
    assert {name: row.cells["mine"].rank for name, row in rows.items()} == {"dan": 1, "gan": 2}
    words = {name: row.verdicts["looks like noise"].word for name, row in rows.items()}
    assert words == {"dan": "yes", "gan": "no"}
    assert [p_values(one)["mine"] for one in records] == list(P.values())
    assert "mine, p = 1e-09" in looks_like_noise(records[1:]).reason
    assert main(["--results", str(tmp_path), "--metrics", "mine"]) == 0
    assert "my metric" in capsys.readouterr().out
    titles = [panel.title for panel in workspace.final("noise")]
    assert "My metric (furlongs); ideal 1" in titles
    assert [outcome_of(one)["mine"] for one in records] == list(P.values())


def test_a_figure_is_listed_drawn_and_on_the_page(records, tmp_path, capsys):
    assert list(figures()) == [*CATALOGUE, "drawn"]
    where = ["--results", str(tmp_path)]
    assert main(["figures", "--list", *where]) == 0
    assert "my figure" in capsys.readouterr().out
    assert main(["figures", "--only", "drawn", "--theme", "light", *where]) == 0
    assert "My metric (furlongs)" in (tmp_path / "figures" / "drawn.svg").read_text()
    assert main(["html", *where]) == 0
    page = (tmp_path / "report.html").read_text()
    assert 'id="figure-drawn"' in page
    assert "my metric</button>" in page
    drawn = numbers(db.figure("drawn", tmp_path).to_dict())
    assert dict(zip(drawn["method"], drawn["mine"], strict=True)) == {
        "dan torus": P["dan"],
        "gan torus": P["gan"],
    }


def test_a_name_of_ours_cannot_be_taken(records, tmp_path):
    (entries,) = (tmp_path / "site").glob("*.dist-info/entry_points.txt")
    entries.write_text("[dan_bench.figures]\ncollapse = theirs:FIGURE\n")
    figures.cache_clear()
    assert figures()["collapse"] is CATALOGUE["collapse"]
    with pytest.raises(InputError, match="drawn"):
        db.figure("drawn", tmp_path)
