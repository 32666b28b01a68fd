"""What a figure is: a chart, its caption, and the runs that it was drawn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dan_bench.interfaces import Estimate, Results, RunRecord
from dan_bench.markup import spans
from dan_bench.results.select import OLD, is_old

DEFAULT_DATA = "mnist"
"""Data set of the default config: it is shown where a figure has room for one only."""


@dataclass(frozen=True)
class Figure:
    """One figure."""

    chart: Any
    """Of altair; colours and fonts come from the theme that it is rendered in."""
    caption: str
    runs: tuple[RunRecord, ...]
    n: str
    """How much data each number rests on, as `10,000 held-out rows`."""

    @property
    def keys(self) -> list[str]:
        """Run keys, sorted."""
        return sorted({run.key for run in self.runs})

    @property
    def seeds(self) -> str:
        """Seeds of the runs in spans, as `seeds 0-4, 7`."""
        return seeds_of(self.runs)

    @property
    def basis(self) -> str:
        """N, seeds and number of runs, as `N = 10,000 held-out rows; seeds 0-4; 190 runs`."""
        count = len(self.keys)
        return f"N = {self.n}; {self.seeds}; {count:,} {'run' if count == 1 else 'runs'}"

    @property
    def description(self) -> str:
        """Caption, basis and run keys, as they are written into the files."""
        return f"{self.caption} {self.basis}. Run keys: {' '.join(self.keys)}."


Draw = Callable[[Sequence[RunRecord], Results], Figure | None]


def seeds_of(runs: Sequence[RunRecord]) -> str:
    """Return the seeds of runs in spans, as `seeds 0-4, 7`."""
    seeds = sorted({int(run.config["seed"]) for run in runs})
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(spans(seeds))}"


def rows_of(runs: Sequence[RunRecord]) -> str:
    """Return how many held-out rows the metrics of runs were taken on."""
    sizes = sorted({int(run.config["evaluation"]["samples"]) for run in runs})
    return f"{' or '.join(f'{size:,}' for size in sizes)} held-out rows"


def measured(run: RunRecord, metric: str) -> Estimate:
    """Return a metric of a run that is drawn because it has it."""
    found = run.metrics[metric]
    assert found is not None
    return found


def one_data_set(names: Sequence[str]) -> tuple[str, str]:
    """Return the data set to show where there is room for one, and a sentence on the others."""
    first, *others = sorted(set(names), key=lambda name: (name != DEFAULT_DATA, name))
    return first, not_shown("Other data sets are not shown", others)


def not_shown(what: str, names: Sequence[str]) -> str:
    """Return a sentence on what there was no room for; empty where there was."""
    return f"{what}: {', '.join(names)}." if names else ""


def attackers(runs: Sequence[RunRecord]) -> str:
    """Return a sentence on runs that were attacked by the old set; empty where none was."""
    return f"Some of it was {OLD}." if any(map(is_old, runs)) else ""


def joined(*sentences: str) -> str:
    """Return sentences one after the other, without those that are empty."""
    return " ".join(sentence for sentence in sentences if sentence)
