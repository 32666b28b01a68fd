"""`assess --advise` and `--segment`: which bits of a value to assess; where a stream changes."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from dan_bench.assess.assessment import FamilyResult
from dan_bench.assess.forms import form_of
from dan_bench.assess.reading import Layout, ReadCallback, UnusableInput, values_of
from dan_bench.markup import spans
from dan_bench.randomness.bit_selection import SAMPLES, LaneReport, lane_report
from dan_bench.randomness.segments import STATISTICS, SegmentReport
from dan_bench.tables import Column, Table, one_line, shown_width, terminal_lines

MOST_ROWS = 32
DEPENDS = 0.01
"""Chance, over all pairs of independent lanes, below which two are said to depend."""


def advise(
    names: Sequence[str], layout: Layout, reading: ReadCallback
) -> tuple[str, dict[str, Any]]:
    """Report on each bit of the first 131,072 values, as text and as built-in types.

    Raises:
        UnusableInput: they cannot be read, or are fewer than two.
    """
    width = form_of(layout.form).width or layout.bits
    limit = min(SAMPLES, layout.limit or SAMPLES)
    values = np.concatenate(
        list(values_of(names, replace(layout, limit=limit, strict=False), reading))
    )
    if len(values) < 2:
        raise UnusableInput(
            f"{' + '.join(map(one_line, names))} holds one value: too few to compare"
        )
    report = lane_report(values[:limit], width)
    name = " + ".join(names)
    return _advice(name, report, width), {
        "file": name,
        "values": report.samples,
        "lanes": [{k: v for k, v in asdict(one).items() if v is not None} for one in report.lanes],
        "advised": list(report.advised),
    }


def lanes_text(lanes: Sequence[int]) -> str:
    """Return lanes as `--lane` takes them, such as 0-3,7."""
    return ",".join(spans(lanes))


def _advice(name: str, report: LaneReport, width: int) -> str:
    headings = [Column(head) for head in ("bit", "ones", "min-entropy", "most shared", "with")]
    headings.append(Column("", "left"))
    rows = []
    for one in reversed(report.lanes):
        said = "advised" if one.lane in report.advised else ""
        if one.ones in (0, 1):
            said = f"always {one.ones:.0f}"
        elif one.xor_of:
            said = f"always bit {one.xor_of[0]}, or its opposite"
            if len(one.xor_of) > 1:
                said = f"always the XOR of bits {lanes_text(one.xor_of)}, or its opposite"
        elif one.p_value < DEPENDS:
            said = f"{said}, depends on bit {one.partner}".removeprefix(", ")
        partner = "-" if one.partner is None else f"{one.partner}"
        cells = (f"{one.lane}", f"{one.ones:.4f}", f"{one.min_entropy:.4f}", f"{one.shared:.2g}")
        rows.append((*cells, partner, said))
    lines = [
        f"{one_line(name)}: the bits of {report.samples:,} values of {width} bits, 0 the lowest",
        "",
        *terminal_lines(Table(headings, rows), shown_width()),
        "",
    ]
    if not report.advised:
        return "\n".join([*lines, "no bit carries entropy"]) + "\n"
    return "\n".join([*lines, f"advice: --lane {lanes_text(report.advised)}"]) + "\n"


# segments


def of_segments(report: SegmentReport) -> FamilyResult:
    """Judge the segments as a family: how many are outside of a band."""
    outside = report.outside
    detail = f"of {len(report.segments):,} outside of a band"
    if outside:
        places = ", ".join(f"{one.offset:,}" for one in outside[:3])
        detail += f": at {places}" + (" ..." if len(outside) > 3 else "")
    return FamilyResult("segments", report.p_value, len(outside), 0, 0, detail)


def segment_table(report: SegmentReport) -> str:
    """Return the segments as text: all of a few, those outside of a band of many."""
    shown = report.segments if len(report.segments) <= MOST_ROWS else report.outside[:MOST_ROWS]
    headings = [Column("segment at"), *(Column(name) for name in STATISTICS)]
    headings.append(Column("outside", "left"))
    rows = [
        (
            f"{one.offset:,}",
            *(f"{getattr(one, name):.5f}" for name in STATISTICS),
            ", ".join(one.outside),
        )
        for one in shown
    ]
    for end, place in (("band, from", 0), ("band, to", 1)):
        rows.append((end, *(f"{report.bands[name][place]:.5f}" for name in STATISTICS), ""))
    number = len(report.outside)
    left = f"; {report.left_over:,} symbols at the end are left out" if report.left_over else ""
    said = (
        f"{len(report.segments):,} segments of {report.size:,} symbols, {number:,} outside of a "
        f"band: 99 % of streams of independent symbols have none{left}"
    )
    return "\n".join([said, "", *terminal_lines(Table(headings, rows), shown_width())]) + "\n"


def segments_json(report: SegmentReport) -> dict[str, Any]:
    """Return them as built-in types."""
    return {
        "size": report.size,
        "p_value": report.p_value,
        "bands": {name: list(band) for name, band in report.bands.items()},
        "left_over": report.left_over,
        "segments": [{**asdict(one), "outside": list(one.outside)} for one in report.segments],
    }
