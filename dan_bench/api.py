"""The public Python interface beyond plain functions: attacks, records, figures and runs in a line.

Reached as attributes of the package, `import dan_bench as db`; see docs/api.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dan_bench.cli import InputError
from dan_bench.interfaces import Bytes, Case, Data, Estimate, Pairs, RunRecord

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

ATTACKS = ("reconstruction", "dictionary")


class WrappedFunction:
    """A function from bytes to bytes as a degenerator."""

    def __init__(self, function: Callable[[Bytes], Bytes], noise_bits: float) -> None:
        self._function = function
        self.noise_bits = noise_bits

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Call the function; `rows` mean nothing to it."""
        made = np.array(self._function(data), order="C")  # the function may fill its buffer anew
        if made.dtype != np.uint8 or made.shape != data.shape:
            raise InputError(
                f"the function made {made.dtype} of shape {made.shape} from uint8 "
                f"of shape {data.shape}; it must return as many bytes as it is given"
            )
        return made


def attack(
    function: Callable[[Bytes], Bytes],
    data: Bytes,
    *,
    labels: ArrayLike | None = None,
    shape: tuple[int, ...] | None = None,
    attacks: Sequence[str] = ATTACKS,
    noise_bits: float = math.inf,
    seed: int = 0,
) -> dict[str, Estimate | None]:
    """Attack a function of your own that is to destroy data: what can be recovered?

    Half of the data are the attackers' own, to learn from: they call the function on them as often
    as they like. The other half is under attack.

    Args:
        function: from N x d bytes to N x d bytes, row by row.
        data: N x d uint8, rows of one population; the dictionary attack needs N >= 2048.
        labels: of the rows, whole numbers, which the attack `label` recovers.
        shape: of a row, such as (28, 28), whose product is d; default (d,).
        attacks: names of parts of `evaluation.attacks`: label, reconstruction, dictionary,
            rehearsal.
        noise_bits: fresh random bits that the function spends on a row. With 0 it is deterministic,
            and the dictionary attack simply runs it on every candidate.
        seed: of the attackers' randomness.

    Returns:
        For each attack the share recovered, in [0, 1], as `NAME_recovered`, None where there is
        nothing of the kind to recover; and `percent_destroyed`, an upper bound of %_dd, by the best
        of the attackers (DESIGN: %_dd = 100 (1 - the largest share)).

    Raises:
        InputError: data, labels, shape or attacks cannot be used.
    """
    from dan_bench.attacks.fresh import FreshPairs, held_out
    from dan_bench.config.build import build
    from dan_bench.config.compose import configure
    from dan_bench.metrics.destruction import percent_destroyed
    from dan_bench.statistics import CONFIDENCE, array_of

    data = array_of(data, "data must be N x d uint8")
    if data.dtype != np.uint8 or data.ndim != 2:
        raise InputError(f"data must be N x d uint8, not {data.dtype} of shape {data.shape}")
    shape = (data.shape[1],) if shape is None else shape
    if min(shape, default=0) < 1 or math.prod(shape) != data.shape[1]:
        raise InputError(f"shape={shape}: lengths whose product is {data.shape[1]}, as a row has")
    if not noise_bits >= 0:
        raise InputError(f"noise_bits={noise_bits}: a number of bits from 0 on; inf if unknown")
    numbers = None if labels is None else _numbered(labels, len(data))
    parts = configure(["model=python_random", "data=danoise"]).evaluation.attacks
    unknown = [name for name in attacks if name not in parts]
    if unknown or not attacks:
        raise InputError(f"attacks={list(attacks)}: there are {', '.join(parts)}")
    built = {name: build(parts[name], f"evaluation.attacks.{name}") for name in attacks}
    half = len(data) // 2
    for name, one in built.items():
        if half < one.needs_rows():
            raise InputError(f"{len(data)} rows: {name} needs at least {2 * one.needs_rows()}")
    degenerator = WrappedFunction(function, noise_bits)

    def pairs(rows: NDArray[np.int64]) -> Pairs:
        of_rows = None if numbers is None else numbers[rows]
        return Pairs(data[rows], degenerator(data[rows], rows), rows, of_rows)

    order = np.random.default_rng(seed).permutation(len(data))
    auxiliary, challenge = pairs(order[half:]), pairs(order[:half])
    confidence = 1 - (1 - CONFIDENCE) / len(built)
    own = Data(auxiliary.inputs, auxiliary.labels)
    # the function is only ever given half of the data at once, in case that it was made for so many
    fresh = FreshPairs(degenerator, own, held_out(len(own), len(own)), seed, chunk=len(own))
    case = Case(degenerator, auxiliary, challenge, shape, seed, confidence, fresh)
    found = {name: one(case) for name, one in built.items()}
    known = {name: share for name, share in found.items() if share is not None}
    return {
        **{f"{name}_recovered": share for name, share in found.items()},
        "percent_destroyed": percent_destroyed(known) if known else None,
    }


def _numbered(labels: ArrayLike, rows: int) -> NDArray[np.int64]:
    """Number the classes that labels name from 0 on."""
    from dan_bench.statistics import array_of

    given = array_of(labels, f"labels must be {rows} whole numbers, one a row")
    if given.shape != (rows,) or given.dtype.kind not in "biu":
        raise InputError(
            f"labels must be {rows} whole numbers, one a row, not {given.dtype} of "
            f"shape {given.shape}"
        )
    classes, numbers = np.unique(given, return_inverse=True)
    if len(classes) < 2:
        raise InputError("all labels are equal: there is nothing to recover")
    return numbers.astype(np.int64)


def records(results: str | Path = "results") -> pd.DataFrame:
    """Return the records of a results folder, published or growing, as a tidy frame.

    Returns:
        One row for each metric of each run: key, status, the settings of its config under dotted
        names, metric, value, low, high, n.
    """
    from dan_bench.report.runs import tidy
    from dan_bench.results.archive import open_results

    return tidy(open_results(Path(results)).all()[0])


def figure(name: str, results: str | Path = "results") -> Any:
    """Return a figure of the catalogue, drawn from a results folder, as a chart of altair.

    Args:
        name: as `python -m dan_bench.report figures --list` has it.
        results: a results folder, published or growing.

    Raises:
        InputError: there is no such figure, or the records do not hold it.
    """
    from dan_bench.report.figures.catalogue import figures
    from dan_bench.report.figures.style import themed
    from dan_bench.results.archive import open_results
    from dan_bench.results.where import listed

    (name,) = listed("figure", name, figures())
    entry = figures()[name]
    there = open_results(Path(results))
    done = [record for record in there.all()[0] if record.status == "done"]
    drawn = entry.draw(done, there)
    if drawn is None:
        raise InputError(f"{results} has no records of {name}; made by `{entry.command}`")
    return themed(drawn.chart, drawn.basis)


def run(*overrides: str) -> RunRecord:
    """Train and measure one run, as `python -m dan_bench.train OVERRIDE ...` does.

    Returns:
        Its record; a run that was done before is not done again.

    Raises:
        ConfigError: the config was refused, before any work.
    """
    from dan_bench.config.compose import configure
    from dan_bench.pipeline.run import run as carry_out

    return carry_out(configure(overrides), group="api")
