"""From records to rows: one row a subject, one cell a metric, over the training seeds."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from scipy import special

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics.baseline import baseline
from dan_bench.report.columns import column
from dan_bench.report.verdicts import OF_IDEAL, VERDICTS, Verdict
from dan_bench.results.pooling import lacking, refuse
from dan_bench.results.record import whole_numbers
from dan_bench.results.values import natural
from dan_bench.statistics import CONFIDENCE, shared_ranks

IDEAL = "ideal noise"
MOST_NAMED = 4
"""Differences within one part of the config (as its evaluation) that a row's name spells out."""
AXES = ("data", "model", "output", "objective")
"""What names a row; further differences between configs are added where they tell rows apart."""


@dataclass(frozen=True)
class Cell:
    """A metric of a row: mean and interval over seeds, and the rank within the section."""

    estimate: Estimate
    rank: int | None


@dataclass(frozen=True)
class Row:
    """One subject."""

    axes: dict[str, str]
    """Values of the axes that name it; `data` is the section that it stands in."""
    kind: str
    seeds: int
    samples: tuple[int, ...]
    cells: dict[str, Cell]
    verdicts: dict[str, Verdict]
    """One for each of `VERDICTS`."""

    @property
    def section(self) -> str:
        """The data set."""
        return self.axes.get("data", "all data")

    @property
    def label(self) -> str:
        """All axes but the data set."""
        return " ".join(v for axis, v in self.axes.items() if axis != "data" and v)


def leaderboard(
    records: Sequence[RunRecord],
    metrics: Sequence[str] | None = None,
    group_by: Sequence[str] | None = None,
) -> list[Row]:
    """Group the successful records into rows.

    Args:
        records: whatever was read; failed runs are left out.
        metrics: which metrics, in this order; default all there are, the known ones first.
        group_by: axes that name a row. Default: runs are one row where their configs differ in
            nothing but the seed.

    Returns:
        Rows by data set; within one, controls first, then untrained networks, then models. Only
        those that were measured alike are ranked against each other.

    Raises:
        InputError: the axes would make a row of runs that differ in more than the seed.
    """
    done = [record for record in records if record.status == "done"]
    if group_by:
        refuse(group_by, missing_axes(done, group_by))
    groups: dict[tuple[tuple[str, str], ...], list[RunRecord]] = defaultdict(list)
    for axes, record in zip(name_rows(done, group_by), done, strict=True):
        groups[tuple(axes.items())].append(record)
    kinds = ("control", "untrained", "learned")
    named = [(dict(key), runs) for key, runs in groups.items()]
    named.sort(
        key=lambda item: (
            item[0].get("data", ""),
            kinds.index(item[1][0].config["model"]["kind"]),
            [natural(value) for value in item[0].values()],
        )
    )
    wanted = list(metrics) if metrics else known_first(done)
    estimates: list[dict[str, Estimate]] = [{} for _ in named]
    for name in wanted:
        for of, found in zip(estimates, averages([runs for _, runs in named], name), strict=True):
            if found is not None:
                of[name] = found
    sections = [axes.get("data") for axes, _ in named]
    ranks = rank(estimates, [measured_on(runs[0]) for _, runs in named], wanted)
    rows = [
        Row(
            axes,
            runs[0].config["model"]["kind"],
            len({run.config["seed"] for run in runs}),
            tuple(sorted({run.config["evaluation"]["samples"] for run in runs})),
            {name: Cell(cell, ranks.get((i, name))) for name, cell in estimates[i].items()},
            {name: judge(runs) for name, judge in VERDICTS.items()},
        )
        for i, (axes, runs) in enumerate(named)
    ]
    ideals = {
        section: row
        for section in dict.fromkeys(sections)
        if (
            row := ideal(
                section,
                [run for (axes, runs) in named if axes.get("data") == section for run in runs],
                wanted,
            )
        )
    }
    return [
        row
        for section, members in groupby(rows, key=lambda row: row.axes.get("data"))
        for row in [*([ideals[section]] if section in ideals else []), *members]
    ]


def ideal(section: str | None, runs: Sequence[RunRecord], metrics: Sequence[str]) -> Row | None:
    """Return what true noise of the runs' size shows: median, and where 95 % of it lies.

    None where the runs are of several sizes, or of one that the table of baselines has not.
    """
    sizes = {
        (run.config["evaluation"]["samples"], estimate.n)
        for run in runs
        if (estimate := run.metrics.get("shannon_bits")) is not None and estimate.n is not None
    }
    if len(sizes) != 1:
        return None
    ((samples, of_bytes),) = sizes
    laws = {name: baseline(f"rows/{of_bytes // samples}/{name}", samples) for name in metrics}
    if "min_entropy_bits" in laws:
        laws["min_entropy_bits"] = baseline("min_entropy/8/assessed", min(of_bytes, 1_000_000))
    cells = {
        name: Cell(Estimate(law.median, *law.interval, n=law.streams), None)
        for name, law in laws.items()
        if law is not None
    }
    axes = {"model": IDEAL} if section is None else {"data": section, "model": IDEAL}
    return Row(axes, "baseline", 0, (samples,), cells, OF_IDEAL) if cells else None


def known_first(records: Sequence[RunRecord]) -> list[str]:
    """Return the metrics of the records, those with a heading first and in its order."""
    from dan_bench.report.columns import COLUMNS

    there = {name for record in records for name in record.metrics}
    return [name for name in COLUMNS if name in there] + sorted(there - set(COLUMNS))


def over_seeds(runs: Sequence[RunRecord], metric: str) -> Estimate | None:
    """Mean and t interval over runs; a single run keeps the interval that it came with.

    A metric's details are metrics too: `c2st_accuracy.mlp`.
    """
    return averages([runs], metric)[0]


def averages(groups: Sequence[Sequence[RunRecord]], metric: str) -> list[Estimate | None]:
    """Return `over_seeds` of each group: all groups of a size at once, since there may be many."""
    scale = column(metric).scale
    of_run = look_up if "." in metric else lambda run, name: run.metrics.get(name)
    averaged: list[Estimate | None] = [None] * len(groups)
    of_size: dict[int, list[tuple[int, list[float]]]] = defaultdict(list)
    for i, runs in enumerate(groups):
        found = [estimate for run in runs if (estimate := of_run(run, metric)) is not None]
        if len(found) == 1:
            one = found[0]
            low, high = (None if end is None else scale * end for end in (one.low, one.high))
            averaged[i] = Estimate(scale * one.value, low, high, n=1)
        elif found:
            of_size[len(found)].append((i, [scale * estimate.value for estimate in found]))
    for size, members in of_size.items():
        values = np.array([numbers for _, numbers in members], dtype=np.float64)
        means = values.mean(axis=1)
        t = special.stdtrit(size - 1, (1 + CONFIDENCE) / 2)
        halves = t * values.std(axis=1, ddof=1) / np.sqrt(size)
        ends = np.stack([means, means - halves, means + halves], axis=1).tolist()
        for (i, _), (mean, low, high) in zip(members, ends, strict=True):
            averaged[i] = Estimate(mean, low, high, n=size)
    return averaged


def look_up(run: RunRecord, metric: str) -> Estimate | None:
    """Return a metric of a run, or a detail of one; a metric's own name may hold a dot."""
    name, _, detail = metric.partition(".")
    estimate = run.metrics.get(name)
    if metric in run.metrics or estimate is None:
        return run.metrics.get(metric)
    return Estimate(estimate.details[detail], n=estimate.n) if detail in estimate.details else None


def rank(
    estimates: Sequence[dict[str, Estimate]], sections: Sequence[object], metrics: Sequence[str]
) -> dict[tuple[int, str], int]:
    """Ranks within each section, by (row, metric); shared where intervals overlap.

    Args:
        estimates: of each row, by metric.
        sections: of each row; equal for those that are ranked against each other.
        metrics: those to rank by.
    """
    ranks: dict[tuple[int, str], int] = {}
    for section in set(sections):
        for metric in metrics:
            better = column(metric).higher_is_better
            rows = [i for i, of in enumerate(sections) if of == section and metric in estimates[i]]
            if better is not None:
                found = shared_ranks([estimates[i][metric] for i in rows], better)
                ranks |= {(i, metric): place for i, place in zip(rows, found, strict=True)}
    return ranks


def name_rows(records: Sequence[RunRecord], group_by: Sequence[str] | None) -> list[dict[str, str]]:
    """Return for each record the axes that name its row."""
    whole = flattened(record.config for record in records)
    if group_by:
        return [{axis: value(f, axis) for axis in group_by} for f in whole]
    flat = without_seeds(whole)
    subjects = {id(f): f for f in flat}  # runs of one subject share theirs
    names = {
        i: {axis: value(f, axis) for axis in AXES if value(f, axis)} for i, f in subjects.items()
    }
    alike: dict[str, list[int]] = defaultdict(list)
    for i, axes in names.items():
        alike[str(axes)].append(i)
    for rows in alike.values():
        everything = {key for i in rows for key in subjects[i]}
        differ = [
            key for key in sorted(everything) if len({subjects[i].get(key, "") for i in rows}) > 1
        ]
        parts = Counter(key.split(".")[0] for key in differ)
        for i in rows:
            of = subjects[i]
            for part, count in parts.items():
                keys = [key for key in differ if key.split(".")[0] == part]
                if count > MOST_NAMED:
                    names[i][part] = f"{part} {fingerprint([of.get(key) for key in keys])}"
                    continue
                names[i] |= {key: f"{key}={of.get(key, 'none')}" for key in keys}
    return [names[id(f)] for f in flat]


def missing_axes(records: Sequence[RunRecord], group_by: Sequence[str]) -> list[str]:
    """Return the axes without which a row would pool runs that differ in more than the seed."""
    subjects = without_seeds(flattened(record.config for record in records))
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    for axes, subject in zip(name_rows(records, group_by), subjects, strict=True):
        rows[str(axes)].append(subject)
    return lacking(list(rows.values()), AXES)


def measured_on(run: RunRecord) -> tuple[str, str]:
    """Return the data set, and a text that tells how a run was measured."""
    return run.config["data"]["name"], json.dumps(run.config["evaluation"], sort_keys=True)


def fingerprint(values: Sequence[Any]) -> str:
    """Four digits that tell one set of values from another."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:4]


def value(flat: dict[str, str], axis: str) -> str:
    """Return the value of an axis: a part is known by its name."""
    return flat.get(f"{axis}.name", flat.get(axis, ""))


def without_seeds(flat: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Return flat configs without the run's seed, and without a data set's that follows it.

    DANOISE has the run's seed unless it is given one. Where all runs that differ in nothing else
    have data of their own seed, the data are part of what is averaged over. What is equal is
    returned as one object.
    """
    bare = [{**f} for f in flat]
    keys = []
    follows: dict[tuple[tuple[str, ...], ...], bool] = defaultdict(lambda: True)
    for f, rest in zip(flat, bare, strict=True):
        rest.pop("seed", None)
        rest.pop("data.seed", None)
        keys.append((tuple(rest), tuple(rest.values())))
        follows[keys[-1]] &= f.get("data.seed", f["seed"]) == f["seed"]
    first: dict[tuple[tuple[str, ...], ...], dict[str, str]] = {}
    return [
        first.setdefault(key, rest)
        if follows[key]
        else first.setdefault((*key, (f["data.seed"],)), {**rest, "data.seed": f["data.seed"]})
        for f, rest, key in zip(flat, bare, keys, strict=True)
    ]


def flattened(configs: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Return `flatten` of each; a part that many share as one object is gone through once.

    What is one setting is one text: 1 and 1.0 are written as whichever comes first.
    """
    texts: dict[tuple[str, str], str] = {}

    def written(part: Any, name: str) -> dict[str, str]:
        same = flatten(whole_numbers(part), name)
        return {n: texts.setdefault((n, same[n]), t) for n, t in flatten(part, name).items()}

    known: dict[tuple[str, int], tuple[Any, dict[str, str]]] = {}
    found = []
    for config in configs:
        flat: dict[str, str] = {}
        for name, part in config.items():
            if not isinstance(part, dict):
                flat |= written(part, name)
                continue
            if (name, id(part)) not in known:
                # the part itself is kept too, so that its id stays its own
                known[name, id(part)] = part, written(part, name)
            flat |= known[name, id(part)][1]
        found.append(flat)
    return found


def flatten(values: Any, prefix: str = "") -> dict[str, str]:
    """Nested containers to dotted names and texts."""
    if not isinstance(values, dict):
        return {prefix: str(values)}
    flat: dict[str, str] = {}
    for name, inner in values.items():
        flat |= flatten(inner, f"{prefix}.{name}" if prefix else name)
    return flat
