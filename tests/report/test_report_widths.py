"""The leaderboard on terminals of several widths: no line is longer, and every row can be read."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len
from small_sweep import small_sweep

from dan_bench.interfaces import RunRecord
from dan_bench.report import table
from dan_bench.report.__main__ import main
from dan_bench.report.leaderboard import boards
from dan_bench.report.verdicts import VERDICTS
from dan_bench.results.archive import open_results
from dan_bench.tables import text as text_of

PUBLISHED = sorted(Path(__file__).parents[2].glob("results/*/records.parquet"))[-1].parent


@pytest.fixture(scope="module")
def published() -> list[RunRecord]:
    records, damaged = open_results(PUBLISHED).all()
    assert not damaged
    return records


def logical_rows(text: str) -> list[list[str]]:
    """The rows of all tables: cells by the columns that the headings stand in, lines joined."""
    lines = text.splitlines()
    rows = []
    for k, line in enumerate(lines):
        if not re.fullmatch(r"-+", line):
            continue
        end = next(i for i in range(k, len(lines) + 1) if i == len(lines) or not lines[i])
        body = [one.ljust(len(line)) for one in lines[k + 1 : end]]
        # columns are apart where two spaces stand in every line
        gaps = [i for i in range(len(line)) if all(one[i] == " " for one in body)]
        edges = [0, *(i + 1 for i in gaps if i - 1 in gaps and i + 1 not in gaps), len(line)]
        cells = [[one[a:b].strip() for a, b in pairwise(edges)] for one in body]
        for row in cells:
            if row[1]:  # the verdict stands on the first line of a row, and there alone
                rows.append(row)
            else:
                rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], row, strict=True)]
    return rows


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("sweep", ["published", "golden"])
def test_no_line_is_longer_and_every_row_can_be_read(
    width: int, sweep: str, published: list[RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    records = published if sweep == "published" else small_sweep()
    text = table(records)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "--metrics all" in text
    assert "--wide" in text
    expected = [row for board in boards(records) for row in board.rows]
    found = logical_rows(text)
    # a name too long for a line is broken within
    assert [row[0].replace(" ", "") for row in found] == [
        row.label.replace(" ", "") for row in expected
    ]
    words = [[row.verdicts[name].word for name in VERDICTS] for row in expected]
    assert [row[1:4] for row in found] == words
    number = r"X|-?\d+(\.\d+)?( ± \d+(\.\d+)?)?( \(\d+\))?\^?|\d+"
    for row in found:
        assert len(row) >= 5
        assert all(re.fullmatch(number, cell) for cell in row[4:]), row


def test_all_metrics_are_shown_when_asked_for(
    published: list[RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = table(published, metrics="all")
    assert max(map(cell_len, text.splitlines())) <= 100
    assert "--metrics all" not in text
    wide = table(published, wide=True)
    assert max(map(len, wide.splitlines())) > 200
    for board in boards(published):
        for row in board.rows:
            (cells, *_) = [line for line in wide.splitlines() if line.startswith(f"{row.label} ")]
            assert cells
            for cell in row.cells.values():
                value, *interval = text_of(cell).split(" ± ")
                assert value in text
                assert not interval or f"± {interval[0]}" in text
                assert text_of(cell) in wide


def test_the_flags_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--results", str(PUBLISHED)]
    assert main([*given, "--metrics", "all"]) == 0
    everything = capsys.readouterr().out
    assert main([*given, "--wide"]) == 0
    wide = capsys.readouterr().out
    assert main(given) == 0
    brief = capsys.readouterr().out
    for metric in ("SP 800-22,", "reconstr."):
        assert metric in everything
        assert metric in wide
        assert metric not in brief
    assert len(brief) < len(everything)
