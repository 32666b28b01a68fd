"""After the paper's Figure 2: the entropy of the universe, against deep learning's."""

import math
from collections.abc import Sequence

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures import style
from dan_bench.report.figures.drawn import DrawnFigure, basis, rows_of

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
    "name any more (at most {gone:.3g}). At this rate the universe is caught up with after "
    "10^{more:.0f} sweeps. The axis is logarithmic, for reasons of space."
)


def universe(records: Sequence[RunRecord], _: Results) -> DrawnFigure | None:
    """Draw published estimates, and what the records add up to."""
    learned = [
        r for r in records
        if r.status == "done" and r.config["model"]["kind"] == "learned"
        and r.metrics.get("shannon_bits") is not None
    ]  # fmt: skip
    made = sum(map(bits_made, learned))
    if made <= 0:
        return None
    gone = sum(map(bits_gone, learned))
    found = {name: tuple(x / math.log(2) for x in of) for name, of in UNIVERSE.items()}
    found["made by networks here"] = (made, 0.0, 0.0)
    if gone > 0:
        found["destroyed by networks here"] = (gone, 0.0, 0.0)
    figure, axes = style.canvas(1, 1, 2.4)
    panel = axes[0, 0]
    for i, (name, (bits, less, more)) in enumerate(found.items()):
        ours = name not in UNIVERSE
        colour = style.colour(1 if ours else 0)
        panel.plot([1, bits], [i, i], color=colour, lw=1, ls="-" if ours else "--")
        panel.errorbar(bits, i, xerr=[[less], [more]], fmt="s" if ours else "o", color=colour)
        panel.text(bits * 1e2, i, said(bits), va="center", fontsize=7)
    panel.set_yticks(range(len(found)), list(found))
    panel.tick_params(axis="y", labelcolor=style.theme().ink, length=0)
    panel.invert_yaxis()
    panel.grid(visible=False, axis="y")
    panel.set(xscale="log", xlim=(1, 1e138), xlabel="entropy (bits)")
    n = rows_of(learned)
    style.note(figure, basis(learned, n))
    ahead = math.log10(UNIVERSE["observable universe"][0] / math.log(2) / made)
    caption = CAPTION.format(made=made, gone=gone, more=ahead)
    return DrawnFigure(figure, caption, tuple(learned), n)


def said(bits: float) -> str:
    """Return a number as mantissa and power of ten."""
    power = math.floor(math.log10(bits))
    return f"{bits / 10**power:.1f} $\\times$ $10^{{{power}}}$"


def bits_made(run: RunRecord) -> float:
    """Entropy of all bytes of a run's sample, taken one by one."""
    found = run.metrics["shannon_bits"]
    assert found is not None
    return found.value * (found.n or 0)


def bits_gone(run: RunRecord) -> float:
    """Bits that name a row among the candidates, as many as the best attacker could not tell."""
    named, share = (run.metrics.get(m) for m in ("dictionary_recovered", "percent_destroyed"))
    if named is None or share is None:
        return 0.0
    rows = int(run.config["evaluation"]["samples"])
    return rows * named.details.get("of_bits", 0.0) * share.value / 100
