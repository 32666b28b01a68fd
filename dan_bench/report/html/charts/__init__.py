"""The figures, each interactive: drawn in the browser from numbers that the page carries."""

from collections.abc import Callable, Sequence

from dan_bench.interfaces import Results
from dan_bench.report.html.charts.collapse import collapse
from dan_bench.report.html.charts.convergence import convergence
from dan_bench.report.html.charts.dial import dial
from dan_bench.report.html.charts.figure import Figure
from dan_bench.report.html.charts.robust import robust
from dan_bench.report.html.charts.saturation import saturation
from dan_bench.report.html.charts.secrecy import secrecy
from dan_bench.report.html.subjects import MethodSummary

Draw = Callable[[Sequence[MethodSummary], Results], list[Figure]]

# A figure that the records hold nothing for is no figure: what makes such records is named
CHARTS: dict[str, tuple[Draw, str]] = {
    "where collapse hides": (collapse, "evaluation=default"),
    "%_dd against fresh randomness": (secrecy, "+experiment=secrecy"),
    "EntropyDAN's dial": (dial, "+experiment=dial"),
    "convergence to the known optimum": (convergence, "model=dan"),
    "saturation": (saturation, "+experiment=saturation"),
    "a network fooled, or a person too": (robust, "+experiment=robust_classifier"),
}


def figures(
    subjects: Sequence[MethodSummary], store: Results
) -> tuple[list[Figure], dict[str, str]]:
    """Return the figures that there are, and for each of the others what makes its records."""
    drawn: list[Figure] = []
    missing: dict[str, str] = {}
    for name, (draw, preset) in CHARTS.items():
        found = draw(subjects, store)
        drawn += found
        if not found:
            missing[name] = preset
    return drawn, missing
