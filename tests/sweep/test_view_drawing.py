"""Curves, bars and words of the screen."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dan_bench.sweep.board import duration, speed
from dan_bench.sweep.view.drawing import BLOCKS, cells, clock, cut, short, shorten, sparkline


def test_a_sparkline_is_the_whole_curve_and_ends_with_its_latest_value() -> None:
    assert sparkline([], 8, 0, 1) == ""
    assert sparkline([0.0, 0.5, 1.0], 8, 0, 1) == "▁▅█"
    assert sparkline([i / 800 for i in range(800)], 8, 0, 1) == BLOCKS
    assert sparkline([i / 800 for i in range(800)], 8, None, None) == BLOCKS
    assert sparkline([3.0, 3.0], 8, None, None) == "▁▁"
    assert sparkline([-1.0, 0.4, 7.0], 8, 0, 1) == "▁▄█"
    assert sparkline([None, math.nan, 1.0, math.inf], 8, 0, 1) == "··█·"


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([sys.float_info.max, -sys.float_info.max], 2, "█▁"),
        ([sys.float_info.max] * 7 + [0.0], 2, "█▁"),
        ([5e-324, 0.0], 2, "▁▁"),
    ],
)
def test_a_sparkline_takes_every_float(values: list[float], width: int, expected: str) -> None:
    assert sparkline(values, width, None, None) == expected


@given(st.lists(st.none() | st.floats(), max_size=50), st.integers(1, 20))
def test_a_sparkline_never_is_wider_than_its_place(values: list[float | None], width: int) -> None:
    assert len(sparkline(values, width, None, None)) == min(width, len(values))


@given(st.lists(st.floats(0, 1), max_size=5), st.integers(1, 60))
def test_the_parts_of_a_bar_fit_in_it(shares: list[float], width: int) -> None:
    found = cells(shares, width)
    assert all(count >= 0 for count in found)
    assert sum(found) <= width
    assert sum(found) == pytest.approx(min(width, sum(shares) * width), abs=1)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (37, "dan torus nonsaturating mnist seed=0"),
        (30, "dan torus … mnist seed=0"),
        (20, "dan torus … seed=0"),
        (10, "dan torus…"),
        (1, "…"),
    ],
)
def test_of_a_title_the_middle_is_left_out(width: int, expected: str) -> None:
    assert shorten("dan torus nonsaturating mnist seed=0", width) == expected.ljust(width)


@given(st.text(max_size=40), st.integers(1, 30))
def test_what_is_cut_fits(text: str, width: int) -> None:
    for found in (shorten(text, width), cut(text, width)):
        assert cell_len(found) == width


def test_numbers_and_times_as_they_are_shown() -> None:
    values = (0.0, 6.04e-4, 0.0305, 0.9996, 7.9998, 62.34, 99.998, 100.0, 1234.5, -1.386, math.nan)
    assert [short(value) for value in values] == [
        *("0.000", "6e-04", "0.030", "1.000", "8.000", "62.34", "100.00", "100.0", "1234"),
        *("-1.386", "nan"),
    ]
    assert [clock(t) for t in (0, 59.6, 754, 39662)] == ["0:00", "1:00", "12:34", "11:01:02"]
    assert [duration(t) for t in (5, 724, 39662)] == ["5 s", "12 min 04 s", "11 h 01 min"]
    assert [speed(x) for x in (0.25, 9.94, 62.4)] == ["0.2", "9.9", "62"]
