"""Tables on a terminal: whatever the width, nothing is lost and no line is longer."""

import json

import pytest
from rich.cells import cell_len

from dan_bench.interfaces import Estimate
from dan_bench.tables import Bold, Cell, Column, Link, Table, render, terminal, terminal_lines

NAMES = ("identity", "dan sigmoid nonsaturating trainer.max_steps=1200", "日本" * 20, "x" * 70)


def estimate(value: float, rank: int | None = None) -> Cell:
    return Cell(Estimate(value, value - 0.02, value + 0.02), rank)


def wide(metrics: int = 6, optional: bool = False) -> Table:
    columns = [Column("subject", "left"), Column("looks like noise", "center")]
    columns += [Column(f"metric number {i}", optional=optional) for i in range(metrics)]
    rows = [[name, "unclear", *[estimate(7.5, 12)] * metrics] for name in NAMES]
    return Table(columns, rows, "mnist", "N = 2000 " * 20, notes=["said below " * 20])


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
def test_no_line_is_longer_than_the_terminal(width):
    lines = terminal([wide()], width).splitlines()
    assert max(map(cell_len, lines)) <= width


def test_a_table_too_wide_is_split_and_each_part_names_its_rows():
    text = "\n".join(terminal_lines(wide(), 80))
    assert text.count("identity") == text.count("subject") > 1
    words = text.split()
    for i in range(6):
        assert words.count(str(i)) == 1  # of the heading
    assert text.count("7.500") == 6 * len(NAMES)
    assert text.count("± 0.020 (12)") == 6 * len(NAMES)


def test_what_fits_stands_on_one_line_each():
    lines = terminal_lines(wide(2), 200)
    assert len(lines) == 3 + 1 + len(NAMES)  # a heading of three words, the rule, the rows
    assert "7.500 ± 0.020 (12)" in lines[4]


def test_without_a_width_every_row_is_one_line():
    lines = terminal_lines(wide(20))
    assert len(lines) == 4 + len(NAMES)
    assert sum("7.500 ± 0.020 (12)" in line for line in lines) == len(NAMES)


def test_optional_columns_go_before_an_interval_is_folded_or_the_table_is_split():
    lines = terminal_lines(wide(6, optional=True), 80)
    text = "\n".join(lines)
    assert text.count("subject") == 1
    assert text.count("7.500 ± 0.020 (12)") == 2 * len(NAMES)


def test_texts_are_folded_at_spaces_and_within_long_names_and_keep_all_of_their_signs():
    columns = [Column("", "left"), Column("", "left")]
    setting = "optimizer.degenerator.betas=0.5"
    lines = terminal_lines(Table(columns, [("a " * 40, "b" * 90), (setting, "")]), 40)
    assert max(map(cell_len, lines)) <= 40
    assert ("".join(lines).count("a "), "".join(lines).count("b")) == (40, 90 + 1)
    assert [line.strip() for line in lines[-2:]] == ["optimizer.degenerator.", "betas=0.5"]


def test_links_and_bold_cells_are_plain_on_a_terminal():
    table = Table([Column("a", "left"), Column("b")], [[Link("name_", "here"), Bold("100")]])
    assert "[name\\_](#here) | **100**" in render("markdown", [table])
    assert "name_  100" in render("table", [table])
    assert r"name\_ & \textbf{100}" in render("latex", [table])


def test_an_absent_cell_is_an_x_in_every_format():
    table = Table([Column("a", "left"), Column("b")], [["row", None]])
    for form in ("table", "markdown", "latex"):
        assert "X" in render(form, [table])


def test_a_part_is_named_once_above_its_tables():
    tables = [Table([Column("a", "left")], [["row"]], title, part="part one") for title in "xy"]
    for form in ("table", "markdown"):
        assert render(form, tables).count("part one") == 1


def test_cells_of_csv_and_json_have_the_names_of_all():
    cells = [{"a": 1}, {"a": 2, "b": None}]
    assert render("csv", [], cells) == "a,b\n1,\n2,\n"
    assert json.loads(render("json", [], cells)) == cells
