"""After the paper's Figure 2: the entropy of the universe, against deep learning's."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures.figure import Figure, attackers, joined, measured, rows_of
from dan_bench.report.figures.style import interval, marks, numbers

UNIVERSE = {
    "cosmic event horizon": (2.6e122, 0.3e122, 0.3e122),
    "observable universe": (3.1e104, 1.7e104, 3.0e104),
    "within the event horizon": (1.2e103, 0.7e103, 1.1e103),
}
"""In units of k, with how far it may be less or more (Egan & Lineweaver 2010, abstract)."""
CAPTION = (
    "The paper's Figure 2: the entropy of the universe against deep learning's, in bits. The "
    "universe is from Egan & Lineweaver 2010 (A larger estimate of the entropy of the universe, "
    "ApJ 710, 1825), S/k over ln 2, bars its uncertainty. Deep learning is from these records: all "
    "that came out of their trained networks (rows x bytes x bits of entropy a byte, summed over "
    "runs: {made:.3g} bits), and of that which went in, the bits that the best attacker could not "
    "name any more (at most {gone:.3g}) and those that nobody can (at least {certain:.3g}). At "
    "this rate the universe is caught up with after 10^{more:.0f} sweeps. The axis is "
    "logarithmic, for reasons of space."
)


def universe(records: Sequence[RunRecord], _: Results) -> Figure | None:
    """Draw published estimates, and what the records add up to."""
    learned = [
        r for r in records
        if r.status == "done" and r.config["model"]["kind"] == "learned"
        and r.metrics.get("shannon_bits") is not None
    ]  # fmt: skip
    made = sum(map(bits_made, learned))
    if made <= 0:
        return None
    gone = sum(bits_gone(run, "percent_destroyed") for run in learned)
    certain = sum(bits_gone(run, "certified_destroyed") for run in learned)
    rows = [row(name, "universe", *(x / math.log(2) for x in of)) for name, of in UNIVERSE.items()]
    rows.append(row("made by networks here", "networks", made))
    for said, bits in (("destroyed here at most", gone), ("destroyed here at least", certain)):
        rows += [row(said, "networks", bits)] if bits > 0 else []
    kinds = ["universe", "networks"]
    x = alt.X(
        "bits:Q",
        title="entropy (bits)",
        scale=alt.Scale(type="log", domain=[1, 1e138], nice=False),
        axis=alt.Axis(values=[10.0**k for k in range(0, 139, 20)], format=".0e"),
    )
    y = alt.Y("what:N", title=None, sort=None, axis=alt.Axis(labelLimit=200, ticks=False))
    base = alt.Chart().encode(x=x, y=y)
    text = base.mark_text(style="said", align="left", dx=9).encode(text="said:N")
    stem = interval(base, kinds, x=alt.X("one:Q"), x2="bits:Q")
    width = interval(base, kinds, x=alt.X("bits low:Q"), x2="bits high:Q")
    points = marks(base, kinds, alt.value(45)).encode(
        stroke=alt.Stroke("method:N", scale=alt.Scale(domain=kinds), legend=None),
        shape=alt.Shape("method:N", legend=None),
    )
    chart = alt.layer(stem, width, points, text, data=numbers(rows))
    ahead = math.log10(UNIVERSE["observable universe"][0] / math.log(2) / made)
    caption = CAPTION.format(made=made, gone=gone, certain=certain, more=ahead)
    chart = chart.properties(width=480, height=34 * len(rows))
    return Figure(chart, joined(caption, attackers(learned)), tuple(learned), rows_of(learned))


def row(what: str, kind: str, bits: float, less: float = 0.0, more: float = 0.0) -> dict[str, Any]:
    """Return what is drawn of one entropy."""
    power = math.floor(math.log10(bits))
    said = f"{bits / 10**power:.1f} x 10^{power}"
    ends = {"bits": float(bits), "bits low": float(bits - less), "bits high": float(bits + more)}
    return {"what": what, "method": kind, **ends, "one": 1, "said": said}


def bits_made(run: RunRecord) -> float:
    """Return the entropy of all bytes of a run's sample, taken one by one."""
    found = measured(run, "shannon_bits")
    return found.value * (found.n or 0)


def bits_gone(run: RunRecord, metric: str) -> float:
    """Return the bits that name a row among the candidates, times one end of %_dd."""
    named, share = (run.metrics.get(m) for m in ("dictionary_recovered", metric))
    if named is None or share is None:
        return 0.0
    rows = int(run.config["evaluation"]["samples"])
    return rows * named.details.get("of_bits", 0.0) * share.value / 100
