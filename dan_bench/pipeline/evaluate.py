"""Is it noise, and is it gone? Runs every metric and every attack on one frozen degenerator."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from dan_bench.attacks.certificate import LeakCertificate
from dan_bench.attacks.distinguish import C2st
from dan_bench.attacks.fresh import FreshPairs, held_out
from dan_bench.data.noise import NoiseRows
from dan_bench.interfaces import (
    Attack,
    Bytes,
    Case,
    Comparison,
    Data,
    Dataset,
    Degenerator,
    Estimate,
    Pairs,
    Progress,
    ProgressCallback,
    dimension,
)
from dan_bench.metrics.destruction import percent_destroyed
from dan_bench.statistics import CONFIDENCE

Metric = Callable[[Bytes], Estimate]


@dataclass(frozen=True)
class Measures:
    """What is measured, with its budgets."""

    samples: int
    known: int
    metrics: Mapping[str, Metric]
    c2st: C2st | None
    certificate: LeakCertificate | None
    attacks: Mapping[str, Attack]
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Metrics that need more rows than there are, by the names of records, and how many."""


@dataclass(frozen=True)
class Measurement:
    """What came out."""

    metrics: dict[str, Estimate | None]
    sample: Bytes
    inputs: Bytes
    seconds: dict[str, float]


def measure(
    degenerator: Degenerator,
    source: Dataset,
    measures: Measures,
    seed: int,
    progress: ProgressCallback,
    device: str = "cpu",
) -> Measurement:
    """Degenerate held-out data and measure the sample.

    Args:
        degenerator: the frozen network or control.
        source: the data set.
        measures: what to measure.
        seed: of the run; every attacker's stream derives from it.
        progress: called as each part begins, with its name.
        device: where attackers and classifiers are trained, as torch calls it.

    Raises:
        FloatingPointError: an output of the network or a metric is not finite.
    """
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        progress(Progress(name))
        start = time.perf_counter()
        result = work()
        seconds[name] = time.perf_counter() - start
        return result

    def attacked() -> Pairs:
        return pairs(degenerator, source.load("test"), np.arange(measures.samples), first_row=0)

    challenge: Pairs = timed("degenerate", attacked)
    found: dict[str, Estimate | None] = {}
    for name, metric in measures.metrics.items():
        found[name] = timed(name, partial(metric, challenge.outputs))
    if measures.c2st is not None:
        c2st = measures.c2st
        rows = NoiseRows(seed, "c2st/noise", dimension(source.shape))
        noise = rows[np.arange(measures.samples)]
        found["c2st_accuracy"] = timed(
            "c2st_accuracy", lambda: c2st(challenge.outputs, noise, source.shape, seed, device)
        )
    if measures.certificate is not None:
        certify = partial(measures.certificate, degenerator, challenge)
        found["certified_destroyed"] = timed("certificate", certify)
    if measures.attacks or measures.comparisons:
        made = partial(case_of, degenerator, source, measures, challenge, seed)
        case = replace(timed("attackers' data", made), device=device)
    for name, comparison in measures.comparisons.items():
        found[name] = timed(name, partial(comparison, case, source.load("train")))
    if measures.attacks:
        each = replace(case, confidence=1 - (1 - CONFIDENCE) / len(measures.attacks))
        recovered = {
            name: timed(name, partial(attack, each)) for name, attack in measures.attacks.items()
        }
        shares = {name: share for name, share in recovered.items() if share is not None}
        found["percent_destroyed"] = percent_destroyed(shares) if shares else None
        found |= {f"{name}_recovered": share for name, share in recovered.items()}
    for name, estimate in found.items():
        check_finite(name, estimate)
    return Measurement(found, challenge.outputs, challenge.inputs, seconds)


def case_of(
    degenerator: Degenerator, source: Dataset, measures: Measures, challenge: Pairs, seed: int
) -> Case:
    """Return all that attackers are given, who degenerate their own data behind the held-out rows.

    Args:
        degenerator: what is attacked.
        source: the data set.
        measures: how many pairs an attacker makes at first.
        challenge: the rows under attack, numbered from 0.
        seed: of the run.
    """
    own = source.load("attack")
    known = min(measures.known, len(own))
    auxiliary = pairs(degenerator, own, np.arange(known), first_row=measures.samples)
    fresh = FreshPairs(degenerator, own, held_out(known, len(own)), seed)
    return Case(degenerator, auxiliary, challenge, source.shape, seed, CONFIDENCE, fresh)


def check_finite(name: str, estimate: Estimate | None) -> None:
    """Raise a FloatingPointError where a metric, an end of its interval or a detail is not finite.

    What is not finite can be neither averaged over seeds nor ranked.
    """
    if estimate is None:
        return
    numbers = {"": estimate.value, ".low": estimate.low, ".high": estimate.high}
    numbers |= {f".{detail}": number for detail, number in estimate.details.items()}
    for part, number in numbers.items():
        if number is not None and not math.isfinite(number):
            raise FloatingPointError(f"the metric {name}{part} is {number}")


def pairs(
    degenerator: Degenerator, data: Data, chosen: np.ndarray[Any, Any], first_row: int
) -> Pairs:
    """Degenerate the chosen rows of `data` as rows number `first_row` and on."""
    inputs = data.rows[chosen]
    rows = first_row + np.arange(len(chosen))
    labels = None if data.labels is None else data.labels[chosen]
    return Pairs(inputs, degenerator(inputs, rows), rows, labels)
