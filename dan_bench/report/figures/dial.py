"""EntropyDAN's dial: the entropy that it was asked for, and the entropy that came out."""

from collections import defaultdict
from collections.abc import Sequence

from dan_bench.interfaces import Estimate, Results, RunRecord
from dan_bench.report.figures import style
from dan_bench.report.figures.drawn import DrawnFigure, basis, rows_of
from dan_bench.report.figures.points import span
from dan_bench.results.select import group_methods
from dan_bench.statistics import t_interval

METRICS = {"shannon_bits": "byte entropy (bits)", "joint_bits": "joint entropy (bits a byte)"}
CAPTION = (
    "EntropyDAN's dial: noise in the strength that the user ordered. Asked is for a trueness t, "
    "and the dashed line, 8t bits, is what was ordered; drawn is what was served, byte by byte "
    "(left) and with all bytes of a row together (right). Bars are 95 % t intervals over training "
    "seeds, and mostly narrower than the marks. A network before its first step serves whatever "
    "it has."
)


def dial(records: Sequence[RunRecord], _: Results) -> DrawnFigure | None:
    """Draw measured entropies over requested trueness, beside 8t."""
    turned = [record for record in records if record.metrics.get("dial") is not None]
    if not turned:
        return None
    groups = by_subject(turned)
    figure, panels = style.canvas(1, len(METRICS), 3, sharey=True)
    for panel, (metric, label) in zip(panels[0], METRICS.items(), strict=True):
        panel.plot([0, 1], [0, 8], color=style.theme().ink, lw=1, ls="--", label="8t, as ordered")
        for i, (name, runs) in enumerate(sorted(groups.items())):
            asked, estimates = zip(*settings(runs, metric), strict=True)
            panel.errorbar(
                asked,
                [e.value for e in estimates],
                yerr=list(zip(*(span(e) for e in estimates), strict=True)),
                marker=style.marker(i),
                ls=style.dash(i),
                ms=4,
                lw=1.2,
                color=style.colour(i),
                label=name,
            )
        panel.set(xlabel="trueness asked for, t", title=label, ylim=(-0.3, 8.5))
    style.legend(panels[0, 0], loc="lower right")
    n = rows_of(turned)
    style.note(figure, basis(turned, n))
    return DrawnFigure(figure, CAPTION, tuple(turned), n)


def by_subject(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Return the runs of each subject, by a name as short as tells them apart."""
    methods = group_methods(records)
    axes = [method.axes for method in methods]
    several = len({of.get("data") for of in axes}) > 1
    short = [
        " ".join(of[axis] for axis in ("data", "model", "output")[not several :] if axis in of)
        for of in axes
    ]
    full = [" ".join(of.values()) for of in axes]
    names = short if len({*short}) == len({*full}) else full
    return {name: list(method.runs) for name, method in zip(names, methods, strict=True)}


def settings(runs: Sequence[RunRecord], metric: str) -> list[tuple[float, Estimate]]:
    """Each setting of the dial and what was measured there, over the runs."""
    found: dict[float, list[float]] = defaultdict(list)
    for run in runs:
        estimate = run.metrics["dial"]
        assert estimate is not None
        for name, bits in estimate.details.items():
            of, _, asked = name.partition("@")
            if of == metric:
                found[float(asked)].append(bits)
    return [(asked, t_interval(bits)) for asked, bits in sorted(found.items())]
