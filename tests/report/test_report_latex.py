"""LaTeX tables: they compile, without a warning of anything that does not fit."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from small_sweep import CONTROL, DAN, config, part, records, small_sweep

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics import catalogue
from dan_bench.report import table, table1
from dan_bench.results.record import key_of
from dan_bench.tables import (
    GAP,
    LATEX_HEIGHT,
    LATEX_WIDTH,
    Column,
    Table,
    escape_latex,
    latex,
    split,
    stack,
)

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="no pdflatex: `make tools` installs it"
)
AWKWARD = r"50 % of_a & b # c $d {e} f^2 ~g \h ± 1 < 2 > 3 | é " + "\N{SNOWMAN}"
STRANGE = ("[0pt]", "*", "mine|v2", "two\nlines", "`a--b`", "=1+1", "日本", "β", "Łódź «ąđ» ÐÞ")
EVERYTHING = dict.fromkeys(catalogue.metrics(), 0.5)


def compiled(folder: Path, body: str) -> tuple[str, int]:
    """Compile a document; return pdflatex's log and the number of pages."""
    preamble = r"\documentclass{article}\usepackage{booktabs}\usepackage{graphicx}"
    source = f"{preamble}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (folder / "tables.tex").write_text(source)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = (folder / "tables.log").read_text(errors="replace")
    assert ended.returncode == 0, log[-2000:]
    (pages,) = re.findall(r"Output written on tables\.pdf \((\d+) page", log)
    return log, int(pages)


def wide_sweep() -> list[RunRecord]:
    """All metrics, long names and more subjects than fit on a page."""
    runs: list[RunRecord] = []
    for name in ("python_random", "weird_^name"):
        control: dict[str, Any] = {**CONTROL, **part("controls.X", name=name)}
        runs += records(config(control, "mnist", 0), **EVERYTHING)
    for rate in range(60):
        optimizer = {"degenerator": {"lr": 0.001 * (rate + 1)}}
        runs += records(config(DAN, "mnist", 0, "torus", optimizer=optimizer), **EVERYTHING)
    return runs


def table_1() -> list[table1.EntryRow]:
    values = {"preset": "quick", "subject": "dan", "seed": 0}
    counts = {"files": 4, "gone": 3, "replaced": 0, "unverified": 1}
    doubtful = Estimate(50.0, 0.0, 100.0, 9, counts)
    metrics: dict[str, Estimate | None] = {table1.TRAINING: doubtful, table1.ALBUM: doubtful}
    about = {"title": AWKWARD, "notes": [f"note {AWKWARD}"], "unverified": [AWKWARD]}
    return table1.rows_of([RunRecord(key_of(values), "done", values, metrics, {}, about)])


def written(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]
) -> str:
    columns = [Column(heading, "left" if i == 0 else "right") for i, heading in enumerate(headings)]
    return latex([Table(columns, rows, title, notes=notes)])


@needs_latex
@pytest.mark.parametrize("what", ["small sweep", "wide sweep", "table 1", "awkward", "strange"])
def test_it_compiles_and_everything_fits(tmp_path: Path, what: str) -> None:
    body = {
        "small sweep": lambda: table(small_sweep(), "latex"),
        "wide sweep": lambda: table(wide_sweep(), "latex"),
        "table 1": lambda: table1.render(table_1(), "latex"),
        "awkward": lambda: written(
            AWKWARD, [AWKWARD, "a b"], [[AWKWARD, "1"], ["x" * 300, "2"]], [AWKWARD]
        ),
        "strange": lambda: written(
            STRANGE[0], STRANGE, [[name] * len(STRANGE) for name in STRANGE], STRANGE
        ),
    }[what]()
    log, pages = compiled(tmp_path, body)
    assert pages >= 1
    for complaint in ("Overfull", "Float too large", "Missing character", "Undefined control"):
        assert complaint not in log


def test_a_table_too_wide_is_split_and_each_part_names_its_rows() -> None:
    text = table(wide_sweep(), "latex")
    parts = text.split(r"\begin{table}")[1:]
    assert len(parts) > 4
    for one in parts:
        assert r"\shortstack[l]{subject}" in one
        lines = [line for line in one.splitlines() if line.endswith(r"\\")]
        assert len(lines) <= LATEX_HEIGHT + 1
    assert sum("continued" in one for one in parts) == len(parts) - 1
    assert text.count("looks like") == 2  # once for each page of rows


def test_every_column_is_in_one_part_and_each_part_fits() -> None:
    widths = [30, 12, 20, 50, 120, 3, 3, 60]
    parts = split(widths, LATEX_WIDTH)
    assert sorted(i for part in parts for i in part[1:]) == list(range(1, 8))
    for columns in parts:
        assert columns[0] == 0
        assert len(columns) == 2 or sum(widths[i] + GAP for i in columns) - GAP <= LATEX_WIDTH
    assert split([5], LATEX_WIDTH) == [[0]]


def test_a_heading_stands_in_two_lines_as_narrow_as_they_may_be() -> None:
    assert stack("joint") == ["joint"]
    assert stack("gone from disk") == ["gone from", "disk"]
    assert stack("%_dd of D's checkpoint") == ["%_dd of D's", "checkpoint"]


def test_every_special_character_is_written_out() -> None:
    bare = re.sub(r"\\[a-z]+\{\}|\\[%_&#${}]|\$\\pm\$", "", escape_latex(AWKWARD))
    assert not set(bare) & set(r"%_&#${}^~\±<>|")
    assert "U+2603" in bare  # the snowman
    assert "é" in bare


def test_names_that_latex_cannot_print_stay_apart() -> None:
    assert escape_latex("日本") == "".join(
        rf"\textless{{}}U+{code}\textgreater{{}}" for code in ("65E5", "672C")
    )
    names = [*STRANGE, "中国", "two lines", "a-b"]
    assert len({escape_latex(name) for name in names}) == len(names)
