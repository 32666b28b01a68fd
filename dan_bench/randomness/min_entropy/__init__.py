"""Min-entropy of a source that need not be IID: SP 800-90B, section 6.3.

`assess` runs the ten estimators on symbols of 1 to 8 bits and on their bit string. Names, cases
and numbers are those of NIST's tool, ea_non_iid. The estimators are compiled at their first use
and kept on disk; until then this package imports numpy alone.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from typing import Any

from dan_bench.interfaces import StageCallback
from dan_bench.randomness.min_entropy.symbols import Stream, as_symbols, bit_string, rank

__all__ = ["Estimates", "Estimators", "MinEntropyAssessment", "assess"]


@dataclass(frozen=True)
class Estimates:
    """Min-entropy by each estimator, in bits a symbol; None where it was not run."""

    most_common_value: float | None = None
    collision: float | None = None
    markov: float | None = None
    compression: float | None = None
    t_tuple: float | None = None
    lrs: float | None = None
    multi_mcw: float | None = None
    lag: float | None = None
    multi_mmc: float | None = None
    lz78y: float | None = None

    def present(self) -> dict[str, float]:
        """Return those that were run."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class Estimators:
    """Estimates on the symbols as they are, and on the bits that they consist of."""

    literal: Estimates
    bitstring: Estimates


@dataclass(frozen=True)
class MinEntropyAssessment:
    """Min-entropy of a stream, in bits a symbol; `h_bitstring` in bits a bit.

    `h_original` is the least estimate on the symbols and at most their width, `h_bitstring` the
    least on the bits and at most 1, `assessed` the lesser of h_original and width x h_bitstring.

    As in NIST's tool the bits are assessed only if there are more than two distinct symbols.
    Otherwise `h_bitstring` is None, `assessed` is h_original, and the symbols themselves are the
    bit string: collision, Markov and compression, which are for bits only, are among the literal
    estimates. A stream of one symbol has no entropy.

    `skipped` says of each estimator that had too little data what it needs, under names such as
    "literal.multi_mcw"; the others stand without it.
    """

    assessed: float
    h_original: float
    h_bitstring: float | None
    estimators: Estimators
    skipped: dict[str, str] = field(default_factory=dict)

    def by_name(self) -> dict[str, float]:
        """Return all numbers but `assessed` by name, each estimate as `TRACK.NAME`."""
        found = {"h_original": self.h_original}
        if self.h_bitstring is not None:
            found["h_bitstring"] = self.h_bitstring
        for track in ("literal", "bitstring"):
            estimates = getattr(self.estimators, track).present()
            found |= {f"{track}.{name}": value for name, value in estimates.items()}
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries of the same names, with what is absent left out."""
        found: dict[str, Any] = {"assessed": self.assessed, "h_original": self.h_original}
        if self.h_bitstring is not None:
            found["h_bitstring"] = self.h_bitstring
        found["estimators"] = {
            "literal": self.estimators.literal.present(),
            "bitstring": self.estimators.bitstring.present(),
        }
        if self.skipped:
            found["skipped"] = dict(self.skipped)
        return found


def assess(
    symbols: Stream,
    bits_per_symbol: int = 8,
    *,
    bitstring: bool = True,
    workers: int = 1,
    on_progress: StageCallback | None = None,
) -> MinEntropyAssessment:
    """Assess the min-entropy of a stream without assuming that it is IID (SP 800-90B, 6.3).

    `symbols` are bytes, or a one-dimensional array of integers in [0, 2^bits_per_symbol), one or
    more; they are not changed. Their bit string has the highest bit of each symbol first.

    `on_progress` is called with the name of each estimator as it begins, and every few seconds with
    how far compiling is, where they have to be compiled first (without it, that line goes to
    standard error). With `workers` above 1 that many threads share the estimators; the values are
    the same. Without `bitstring` the symbols alone are looked at, as restart tests do.

    Memory is some 150 times the symbols; a stream of more than 2^30 bits is refused.

    An ideal source does not reach `bits_per_symbol`: each estimate is the end of a 99 % interval,
    and the least of up to seventeen counts.
    """
    if workers < 1:
        raise ValueError(f"workers must be 1 or more, got {workers}")
    stream = as_symbols(symbols, bits_per_symbol)
    # numba and all that it compiles is imported by whoever assesses, not by the package
    from dan_bench.randomness.min_entropy import estimators

    ranked, alphabet = rank(stream)
    tracks = {"literal": (ranked, alphabet)}
    if alphabet > 2 and bitstring:
        tracks["bitstring"] = (bit_string(stream, bits_per_symbol), 2)
    tasks = [
        (track, estimator)
        for track in reversed(tracks)
        for estimator in estimators.applicable(tracks[track][1])
    ]

    def run(task: tuple[str, estimators.Estimator]) -> dict[str, float | str]:
        track, estimator = task
        if on_progress:
            on_progress(f"{track}: {', '.join(estimator.names)}")
        return estimators.run(estimator, *tracks[track])

    def say_compiling(how_far: str) -> None:
        if on_progress:
            on_progress(how_far)
        else:
            print(how_far, file=sys.stderr, flush=True)

    with estimators.compiling(say_compiling), ThreadPoolExecutor(workers) as pool:
        outcomes = list(pool.map(run, tasks) if workers > 1 else map(run, tasks))
    values: dict[str, dict[str, float]] = {"literal": {}, "bitstring": {}}
    skipped: dict[str, str] = {}
    for (track, _), outcome in zip(tasks, outcomes, strict=True):
        for name, found in outcome.items():
            if isinstance(found, str):
                skipped[f"{track}.{name}"] = found
            else:
                values[track][name] = found
    h_original = min([bits_per_symbol * float(alphabet > 1), *values["literal"].values()])
    h_bitstring = min([1.0, *values["bitstring"].values()]) if "bitstring" in tracks else None
    return MinEntropyAssessment(
        assessed=min(h_original, bits_per_symbol * (1.0 if h_bitstring is None else h_bitstring)),
        h_original=h_original,
        h_bitstring=h_bitstring,
        estimators=Estimators(Estimates(**values["literal"]), Estimates(**values["bitstring"])),
        skipped=skipped,
    )
