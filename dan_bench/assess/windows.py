"""A stream assessed in many windows as they are read, and one p-value a family over all of them."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Literal

import numpy as np
from scipy import special

from dan_bench.assess.assessment import (
    WORKERS,
    Assessment,
    FamilyResult,
    Pieces,
    WindowEvidence,
    WindowResult,
    assess,
    of_pieces,
    of_tally,
    of_windows,
)
from dan_bench.assess.reading import WINDOW, Stream, Window, windows_of
from dan_bench.interfaces import Bytes, StageCallback
from dan_bench.randomness.iid import iid_tests
from dan_bench.randomness.min_entropy.symbols import Stream as Symbols
from dan_bench.randomness.min_entropy.symbols import as_symbols
from dan_bench.randomness.tally import Tally

Asked = int | Literal["all"]
Choice = Callable[[Iterable[Bytes], int], list[Window]]
"""Takes all blocks of a stream and the size of a window, and returns the windows that are kept."""

SLACK = 1.25
"""How much more often than they say p-values of ideal windows may be small, family by family: they
are asymptotic, and what is nothing in one window adds up over a thousand."""
SLACK_OF = {"SP 800-22 dft": 1.6}
"""Its variance is 5 % short (Pareschi, Rovatti & Setti 2012)."""


def fisher(p_values: Sequence[float], slack: float = SLACK) -> float:
    """Chance that p-values are as small together (Fisher 1932): of a weak defect in all of them.

    Holds for p-values that are small up to `slack` times as often as they say, and for those that
    are small more rarely: discrete ones, and those corrected by Bonferroni's rule.
    """
    logs = np.log(np.clip(slack * np.asarray(p_values, dtype=np.float64), 1e-300, 1.0))
    return float(special.gammaincc(len(logs), -logs.sum()))


def combined(family: str, found: Sequence[FamilyResult], places: Sequence[int]) -> FamilyResult:
    """Return what a family found in several windows as one: the oddest, and the chance of all.

    Half of the level is for one window that is odd (the least p-value, times their number), half
    for a defect in many of them (`fisher`). `places` is where each begins, in symbols.
    """
    judged = [(one, at) for one, at in zip(found, places, strict=True) if one.p_value is not None]
    if not judged:
        return found[0]
    p_values = [one.p_value or 0.0 for one, _ in judged]
    worst, at = judged[int(np.argmin(p_values))]
    if len(judged) == 1:
        return worst
    one_odd = min(1.0, len(p_values) * min(p_values))
    all_odd = fisher(p_values, SLACK_OF.get(family, SLACK))
    where = f"window at {at:,}" if one_odd <= all_odd else "all windows together"
    detail = f"{worst.detail}, {where}" if worst.detail else where
    p_value = min(1.0, 2 * min(one_odd, all_odd))
    return FamilyResult(family, p_value, worst.value, worst.low, worst.high, detail)


class WindowedAssessment:
    """Takes windows in order, assesses some at a time, and keeps p-values and the worst window.

    A context, within which its threads live.
    """

    def __init__(
        self, bits: int, progress: StageCallback = lambda _: None, workers: int = WORKERS
    ) -> None:
        self._bits, self._progress, self._workers = bits, progress, workers
        self._pool = ThreadPoolExecutor(workers)
        self._stopped = Event()
        self._running: deque[Future[tuple[list[FamilyResult], WindowResult]]] = deque()
        self._pieces = Pieces(bits)
        self._found: list[list[FamilyResult]] = []
        self._seen: list[WindowEvidence] = []
        self._worst: WindowResult | None = None
        self.of: int | None = None
        """How many windows there will be, where that is known."""

    def __enter__(self) -> "WindowedAssessment":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stopped.set()  # after a Ctrl-C, windows are left at their next test
        self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def add(self, window: Window) -> None:
        """Take the next window; waits while as many are being assessed as there are workers."""
        if len(self._running) >= self._workers:
            self._collect()
        self._running.append(self._pool.submit(self._assessed, window))
        self._pieces.add(window.symbols)

    def _assessed(self, window: Window) -> tuple[list[FamilyResult], WindowResult]:
        def go_on(_: str) -> None:
            if self._stopped.is_set():
                raise CancelledError

        findings, results = of_windows([window], self._bits, go_on, workers=1)
        return findings, results[0]

    def _collect(self) -> None:
        findings, result = self._running.popleft().result()
        p_values = {f.family: f.p_value for f in findings if f.p_value is not None}
        window = result.window
        self._seen.append(WindowEvidence(window.offset, len(window.symbols), p_values))
        self._found.append(findings)
        if self._worst is None or result.min_entropy.assessed < self._worst.min_entropy.assessed:
            self._worst = result
        of = f" of {self.of}" if self.of else ""
        self._progress(f"assessed {len(self._seen)}{of} windows")

    def ended(self, stream: Stream, iid: bool = False) -> Assessment:
        """Return the assessment of all windows taken, and of the counts of the whole stream."""
        while self._running:
            self._collect()
        places = [one.offset for one in self._seen]
        findings = of_tally(stream.tally, self._bits)
        for row in zip(*self._found, strict=True):
            findings.append(combined(row[0].family, row, places))
        self._progress("spacings and gaps")
        findings += of_pieces(self._pieces, self._bits)
        tested = None
        if iid:
            first, workers = stream.windows[0].symbols, self._workers
            tested = iid_tests(first, self._bits, on_progress=self._progress, workers=workers)
        worst = [self._worst] if self._worst else []
        return Assessment(stream, self._bits, findings, worst, tested, self._seen)


def assess_windows(
    read: Callable[[Choice], Stream],
    asked: Asked,
    bits: int,
    iid: bool = False,
    progress: StageCallback = lambda _: None,
) -> Assessment:
    """Assess a stream in so many evenly spaced windows, or in all as they are read.

    `read` keeps the windows chosen; with `iid` the first is tested for the IID track too.
    """
    with WindowedAssessment(bits, progress) as windowed:
        if asked == "all":
            return windowed.ended(read(every(windowed.add)), iid)
        stream = read(evenly(asked))
        windowed.of = len(stream.windows)
        for window in stream.windows:
            windowed.add(window)
        return windowed.ended(stream, iid)


def assess_symbols(
    symbols: Symbols, bits_per_symbol: int = 8, windows: Asked | None = None, iid: bool = False
) -> Assessment:
    """Assess an array as the command line assesses a file.

    Args:
        symbols: bytes, or a 1-D array of integers in [0, 2^bits_per_symbol), up to 2^30 bits.
        bits_per_symbol: 1 to 8.
        windows: of 1,048,576 symbols; how many evenly spaced ones are looked at, or `all`. None: up
            to three.
        iid: whether the first is tested for the IID track too (SP 800-90B, section 5).
    """
    data, tally = as_symbols(symbols, bits_per_symbol), Tally()

    def read(choose: Choice) -> Stream:
        tally.add(data)
        blocks = (data[at : at + WINDOW] for at in range(0, len(data), WINDOW))
        return Stream("array", tally, choose(blocks, WINDOW), bits=bits_per_symbol)

    if windows is None:
        return assess(read(windows_of), bits_per_symbol, iid)
    if windows != "all" and not (isinstance(windows, int) and windows >= 1):
        raise ValueError(f"windows={windows}: must be at least 1, or 'all'")
    return assess_windows(read, windows, bits_per_symbol, iid)


# which windows


def every(add: Callable[[Window], None]) -> Choice:
    """Return what hands every block of a stream to `add` as a window, and keeps the first."""

    def taken(blocks: Iterable[Bytes], size: int) -> list[Window]:
        first: list[Window] = []
        for number, block in enumerate(blocks):
            window = Window(number * size, block)
            first = first or [window]
            add(window)
        return first

    return taken


def evenly(count: int) -> Choice:
    """Return what keeps `count` windows of a stream, evenly spaced; all where it has no more.

    Its length need not be known: every 2^k-th block is held, and where there are too many of them
    every other one is let go, so that at most twice as many are held as are asked for.
    """

    def kept(blocks: Iterable[Bytes], size: int) -> list[Window]:
        held: list[Window] = []
        last, step = None, 1
        for number, block in enumerate(blocks):
            last = Window(number * size, block)
            if number % step == 0:
                held.append(last)
            if len(held) > 2 * count:
                held, step = held[::2], 2 * step
        if last is not None and held[-1].offset < last.offset and len(last.symbols) == size:
            held.append(last)
        if len(held) <= count:
            return held
        spread = np.linspace(0, len(held) - 1, count)
        return [held[math.floor(place + 0.5)] for place in spread]

    return kept
