"""The tables of `python -m dan_bench.assess` on a terminal and in a pipe."""

import sys

import numpy as np
import pytest

from dan_bench.assess.assessment import Assessment, assess
from dan_bench.assess.reading import Stream, Window
from dan_bench.assess.render import table
from dan_bench.randomness.tally import Tally


def assessed(symbols: np.ndarray) -> Assessment:
    tally = Tally()
    tally.add(symbols)
    return assess(Stream("stream", tally, [Window(0, symbols)]))


@pytest.fixture(scope="module")
def noise() -> Assessment:
    return assessed(np.random.default_rng(1).integers(0, 256, 3000, dtype=np.uint8))


def table_lines(text: str) -> list[str]:
    """The lines of both tables: all but the head and the verdict."""
    return text.partition("\n\n")[2].rpartition("\n\n")[0].splitlines()


@pytest.mark.parametrize("columns", [80, 100])
def test_tables_fit_the_terminal(noise, columns, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    found = table_lines(table(noise))
    assert max(map(len, found)) <= columns
    assert sum(line.startswith("SP 800-22") for line in found) == 15


def test_in_a_pipe_each_family_has_one_line(noise, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    found = table_lines(table(noise))
    for finding in noise.findings:
        (line,) = [line for line in found if line.startswith(finding.family + " ")]
        assert line.endswith("ok") or f"not judged, needs {finding.needs}" in line


def test_a_column_without_a_number_is_left_out():
    constant = table_lines(table(assessed(np.zeros(3000, np.uint8))))
    assert any(line.startswith("SP 800-90B") for line in constant)
    assert not any("bitstring" in line for line in constant)
