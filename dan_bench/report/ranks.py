"""Ranks of methods that were measured alike, and intervals within what is possible."""

from collections import defaultdict
from collections.abc import Sequence

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics import catalogue
from dan_bench.metrics.baseline import Baseline
from dan_bench.results.select import Method, written
from dan_bench.statistics import ranks_by_test, within


def settle(
    methods: Sequence[Method], estimates: Sequence[dict[str, Estimate]], metrics: Sequence[str]
) -> dict[tuple[int, str], int]:
    """Return ranks by (row, metric), and keep the intervals of the estimates within the possible.

    Only what was measured alike is ranked together; see `ranks_by_test`.
    """
    ranks: dict[tuple[int, str], int] = {}
    alike: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    texts: dict[int, str] = {}  # many records share one object
    for i, run in enumerate(method.runs[0] for method in methods):
        evaluation = run.config["evaluation"]
        how = texts.get(id(evaluation)) or texts.setdefault(id(evaluation), written(evaluation))
        alike[run.config["data"]["name"], run.schema_version, how].append(i)
    for members in alike.values():
        size = size_of([run for i in members for run in methods[i].runs])
        for metric in metrics:
            rows = [i for i in members if metric in estimates[i]]
            found = [estimates[i][metric] for i in rows]
            entry, law = catalogue.metric(metric), law_of(metric, size)
            band = () if law is None else law.interval
            if entry.higher_is_better is not None:
                places = ranks_by_test(found, entry.higher_is_better, band or None)
                ranks |= {(i, metric): place for i, place in zip(rows, places, strict=True)}
            ends = [entry.scale * end for end in entry.limits if end is not None]
            if len(ends) == 2:  # noise itself may lie beyond the end: bits are corrected for bias
                low, high = min(*ends, *band), max(*ends, *band)
                for i, estimate in zip(rows, found, strict=True):
                    estimates[i][metric] = within(estimate, low, high)
    return ranks


def size_of(runs: Sequence[RunRecord]) -> catalogue.SampleSize | None:
    """Return the size of the samples that the runs were measured on; None if of several sizes."""
    sizes = {
        (run.config["evaluation"]["samples"], estimate.n)
        for run in runs
        if (estimate := run.metrics.get("shannon_bits")) is not None and estimate.n is not None
    }
    if len(sizes) != 1:
        return None
    ((rows, of_bytes),) = sizes
    return catalogue.SampleSize(rows, of_bytes // rows)


def law_of(metric: str, size: catalogue.SampleSize | None) -> Baseline | None:
    """Return what ideal noise of that size scores; None where that is not known."""
    law = catalogue.metric(metric).law
    return None if law is None or size is None else law(size)
