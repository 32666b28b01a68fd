"""What a figure is: the drawing, what is said of it, and the runs that it was drawn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dan_bench.interfaces import Results, RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class DrawnFigure:
    """One figure."""

    figure: "Figure"
    caption: str
    """What is seen."""
    runs: tuple[RunRecord, ...]
    n: str
    """How much data each number rests on, as `10,000 held-out rows`."""

    @property
    def keys(self) -> list[str]:
        """Of the runs, in order."""
        return sorted({run.key for run in self.runs})

    @property
    def seeds(self) -> str:
        """Of the runs, as `seeds 0-4`."""
        return seeds_of(self.runs)

    @property
    def basis(self) -> str:
        """N, seeds and how many runs, in one line."""
        return basis(self.runs, self.n)

    @property
    def description(self) -> str:
        """All of it, as it is written into the files."""
        return f"{self.caption} {self.basis}. Run keys: {' '.join(self.keys)}."


Draw = Callable[[Sequence[RunRecord], Results], DrawnFigure | None]


def basis(runs: Sequence[RunRecord], n: str) -> str:
    """Return what a figure rests on, as `N = 10,000 held-out rows; seeds 0-4; 190 runs`."""
    count = len({run.key for run in runs})
    return f"N = {n}; {seeds_of(runs)}; {count:,} {'run' if count == 1 else 'runs'}"


def seeds_of(runs: Sequence[RunRecord]) -> str:
    """Return the seeds of runs: spans of them, as `seeds 0-4, 7`."""
    seeds = sorted({int(run.config["seed"]) for run in runs})
    spans: list[list[int]] = []
    for seed in seeds:
        if spans and seed == spans[-1][-1] + 1:
            spans[-1].append(seed)
        else:
            spans.append([seed])
    said = ", ".join(f"{s[0]}-{s[-1]}" if len(s) > 1 else f"{s[0]}" for s in spans)
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {said}"


def rows_of(runs: Sequence[RunRecord]) -> str:
    """Return how many held-out rows the metrics of runs were taken on."""
    sizes = sorted({int(run.config["evaluation"]["samples"]) for run in runs})
    return f"{' or '.join(f'{size:,}' for size in sizes)} held-out rows"
