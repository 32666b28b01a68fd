"""The ten estimators by name, what each needs, and a notice while they are being compiled."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from numba.core import event
from numba.core.dispatcher import Dispatcher

from dan_bench.randomness.min_entropy.counting import (
    collision,
    compression,
    markov,
    most_common_value,
)
from dan_bench.randomness.min_entropy.lz78y import lz78y
from dan_bench.randomness.min_entropy.multi_mmc import multi_mmc
from dan_bench.randomness.min_entropy.prediction import lag, multi_mcw
from dan_bench.randomness.min_entropy.symbols import Symbols
from dan_bench.randomness.min_entropy.tuples import tuples

COMPILING = "compiling, once on this machine"
EVERY = 5.0
"""Seconds between two lines that say how far it is."""


@dataclass(frozen=True)
class Estimator:
    """One function for one or two estimates, which are None where data was too little for it.

    `least` is how many symbols it needs in any case, `needs` says what else of each estimate.
    """

    names: tuple[str, ...]
    least: int
    function: Callable[[Symbols, int], tuple[float | None, ...]]
    needs: tuple[str, ...] = ("",)
    bits_only: bool = False


ESTIMATORS = (
    Estimator(
        ("t_tuple", "lrs"),
        2,
        tuples,
        (
            "needs a symbol that occurs 35 times",
            "needs a repeated tuple of a length at which none occurs 35 times",
        ),
    ),
    Estimator(("multi_mmc",), 4, lambda s, k: (multi_mmc(s, k),)),
    Estimator(("lz78y",), 19, lambda s, k: (lz78y(s, k),)),
    Estimator(("multi_mcw",), 4096, lambda s, k: (multi_mcw(s, k),)),
    Estimator(("lag",), 3, lambda s, k: (lag(s, k),)),
    Estimator(("most_common_value",), 2, lambda s, k: (most_common_value(s, k),)),
    Estimator(
        ("collision",),
        4,
        lambda s, _: (collision(s),),
        ("needs two collisions, which take 6 bits at most",),
        bits_only=True,
    ),
    Estimator(("markov",), 2, lambda s, _: (markov(s),), bits_only=True),
    Estimator(("compression",), 6012, lambda s, _: (compression(s),), bits_only=True),
)


def applicable(alphabet: int) -> list[Estimator]:
    """Return the estimators for an alphabet of this size, the slowest first."""
    return [e for e in ESTIMATORS if alphabet <= 2 or not e.bits_only]


def run(estimator: Estimator, symbols: Symbols, alphabet: int) -> dict[str, float | str]:
    """Estimates of one estimator by name; a missing one is replaced by what it would need."""
    if len(symbols) < estimator.least:
        reason = f"needs {estimator.least} symbols, got {len(symbols)}"
        return dict.fromkeys(estimator.names, reason)
    found = estimator.function(symbols, alphabet)
    return {
        name: needs if value is None else value
        for name, needs, value in zip(estimator.names, estimator.needs, found, strict=True)
    }


class _Progress(event.Listener):
    """Says how far compiling is: at the first function, and then every few seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._begun: set[int] = set()
        self._start = self._said = 0.0

    def on_start(self, event: Any) -> None:
        now, known = time.monotonic(), _functions()
        first, done = not self._start, len(self._begun)
        self._begun |= {id(event.data["dispatcher"])} & known  # those of numba's own are many
        if first:
            self._start = now
        elif now < self._said + EVERY:
            return
        self._said = now
        self._say(f"{COMPILING}: {done} of {len(known)} functions, {now - self._start:.0f} s")

    def on_end(self, event: Any) -> None:
        pass


def _functions() -> set[int]:
    """Return the functions in what is loaded: those of other commands are not, nor compiled."""
    modules = [m for name, m in list(sys.modules.items()) if name.startswith("dan_bench.")]
    found = (value for module in modules for value in vars(module).values())
    return {id(one) for one in found if isinstance(one, Dispatcher)}


@contextmanager
def compiling(say: Callable[[str], None]) -> Iterator[None]:
    """Call `say` with how far it is if anything within is compiled, not read from the disk."""
    with event.install_listener("numba:compile", _Progress(say)):
        yield
