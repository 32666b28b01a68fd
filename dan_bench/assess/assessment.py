"""Every family of tests on one stream, each with the chance that true noise is as odd."""

import math
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from dan_bench.assess.reading import Stream, Window
from dan_bench.interfaces import Bytes, StageCallback
from dan_bench.metrics import baseline
from dan_bench.randomness import gaps, mt19937, spacings, spectrum, tally
from dan_bench.randomness.bit_lags import strongest_bit_lag, strongest_bit_lag_of_noise
from dan_bench.randomness.iid import IidAssessment, iid_tests
from dan_bench.randomness.lanes import lane_search
from dan_bench.randomness.linearity import LEAST_BITS, LinearComplexity, linear_complexity_test
from dan_bench.randomness.min_entropy import MinEntropyAssessment
from dan_bench.randomness.min_entropy import assess as min_entropy
from dan_bench.randomness.min_entropy.symbols import packed
from dan_bench.randomness.sp800_22 import Battery, sp800_22
from dan_bench.randomness.xorshift import names_xorshift

LEVEL = 0.01
"""Chance that a file of true noise is rejected, over all families together."""
WORKERS = 2
"""Threads."""
TAILS = (0.025, 0.975)
"""95 % of ideal streams lie between these quantiles."""


@dataclass(frozen=True)
class FamilyResult:
    """What one family found.

    `p_value` is the chance that true noise is at least as odd, corrected for the family's own
    sub-tests and for the windows; None where it could not be judged, and `needs` says why. `low`
    and `high` are where the value lies for 95 % of ideal streams.
    """

    family: str
    p_value: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    detail: str = ""
    needs: str = ""


@dataclass(frozen=True)
class WindowResult:
    """What the slower tests found in one window."""

    window: Window
    min_entropy: MinEntropyAssessment
    battery: Battery
    complexity: LinearComplexity | None


@dataclass(frozen=True)
class WindowEvidence:
    """One of many windows: where it begins and how long it is, and each family's p-value."""

    offset: int
    length: int
    p_values: dict[str, float]


@dataclass(frozen=True)
class Assessment:
    """One stream, assessed."""

    stream: Stream
    bits_per_symbol: int
    findings: list[FamilyResult]
    windows: list[WindowResult]
    iid: IidAssessment | None
    seen: Sequence[WindowEvidence] = ()
    """Every window, where there were many; `windows` then holds the one with least min-entropy."""

    @property
    def level(self) -> float:
        """Of each family, so that all together have `LEVEL` (Bonferroni)."""
        return LEVEL / max(1, sum(f.p_value is not None for f in self.findings))

    @property
    def against(self) -> list[FamilyResult]:
        """Families that speak against noise, the most certain first."""
        found = [f for f in self.findings if f.p_value is not None and f.p_value < self.level]
        return sorted(found, key=lambda f: f.p_value or 0.0)

    @property
    def verdict(self) -> str:
        """The outcome of all families together."""
        if self.against:
            return "not noise"
        judged = any(f.p_value is not None for f in self.findings)
        return "nothing speaks against noise" if judged else "too short to say"

    @property
    def worst(self) -> WindowResult:
        """The window with the least min-entropy."""
        return min(self.windows, key=lambda one: one.min_entropy.assessed)


class Pieces:
    """What adds up over a stream: equal spacings and gaps, counted in pieces of 16 MiB."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._held: list[Bytes] = []
        self._repeats: list[list[spacings.Repeats]] = []
        self._gaps: dict[gaps.WordLane, gaps.GapCounts] = {}

    def add(self, symbols: Bytes) -> None:
        """Take what follows; what came before it is counted where both are more than a piece."""
        part = packed(symbols, self._bits)
        if self._held and sum(map(len, self._held)) + len(part) > spacings.PIECE:
            self._count()
        self._held.append(part)

    def _count(self) -> None:
        if not self._held:
            return
        piece, self._held = np.concatenate(self._held), []
        self._repeats.append(spacings.spacings_of(piece))
        for found in gaps.gaps_of(piece):
            so_far = self._gaps.get(found.lane)
            self._gaps[found.lane] = found if so_far is None else so_far + found

    def counted(self) -> tuple[list[spacings.Repeats], list[gaps.GapCounts]]:
        """Return the sums; either is empty where too little was added."""
        self._count()
        return spacings.added(self._repeats), list(self._gaps.values())


def assess(
    stream: Stream, bits: int = 8, iid: bool = False, progress: StageCallback = lambda _: None
) -> Assessment:
    """Assess a stream of symbols of `bits` bits, with `iid` by the IID track's tests too.

    `progress` is called with the name of each part as it begins.
    """
    progress("counts")
    findings = of_tally(stream.tally, bits)
    found, windows = of_windows(stream.windows, bits, progress)
    pieces = Pieces(bits)
    for window in stream.windows:
        pieces.add(window.symbols)
    progress("spacings and gaps")
    findings += [*found, *of_pieces(pieces, bits)]
    tested = None
    if iid:
        first = stream.windows[0].symbols
        tested = iid_tests(first, bits, on_progress=progress, workers=WORKERS)
    return Assessment(stream, bits, findings, windows, tested)


def of_windows(
    windows: Sequence[Window],
    bits: int,
    progress: StageCallback = lambda _: None,
    workers: int = WORKERS,
) -> tuple[list[FamilyResult], list[WindowResult]]:
    """Judge all that is looked at in windows, and return it with what each window gave."""
    progress("repetition")
    findings = [of_lags(windows), of_lines(windows)]
    progress("bit correlation")
    findings.append(of_bit_lags(windows, bits))
    results = [assess_window(window, bits, progress, workers) for window in windows]
    findings.append(of_min_entropy(results, bits))
    findings += of_batteries([one.battery for one in results])
    findings.append(of_complexity(windows, bits))
    findings.append(of_python(windows, bits))
    return findings, results


def assess_window(window: Window, bits: int, progress: StageCallback, workers: int) -> WindowResult:
    """Run the slower tests on one window."""

    def stage(name: str) -> None:
        progress(f"SP 800-90B {name}")

    entropy = min_entropy(window.symbols, bits, workers=workers, on_progress=stage)
    progress("SP 800-22")
    # the highest bit of each symbol first
    battery = sp800_22(np.unpackbits(window.symbols[:, None], axis=1)[:, 8 - bits :].ravel())
    progress("linear complexity")
    complexity, width = None, word_bytes(bits)
    if len(window.symbols) >= LEAST_BITS * width:
        complexity = linear_complexity_test(window.symbols << np.uint8(8 - bits), width)
    return WindowResult(window, entropy, battery, complexity)


def noise_like(stream: Stream, generator: str, bits: int) -> Stream:
    """Return as much output of `python_random`, freshly seeded, or of `urandom`.

    Its windows have the lengths and places of the stream's; its counts are of those windows.
    """
    draw = os.urandom if generator == "urandom" else random.Random(os.urandom(32)).randbytes
    counts, windows = tally.Tally(), []
    for window in stream.windows:
        drawn = np.frombuffer(draw(len(window.symbols)), dtype=np.uint8) >> np.uint8(8 - bits)
        counts.add(drawn)
        windows.append(Window(window.offset, drawn))
    return Stream(generator, counts, windows)


# families


def of_tally(counted: tally.Tally, bits: int) -> list[FamilyResult]:
    """Judge the counts of the whole stream: symbols, pairs of neighbours, bits."""
    found = []
    symbols, pairs = counted.symbols[: 1 << bits], counted.pairs_of(bits)
    for family, counts, width in (("symbol counts", symbols, 1), ("pair counts", pairs, 2)):
        cells = len(counts)
        ends = [tally.uniformity_of_noise(cells, level) for level in TAILS]
        needs = f"{tally.LEAST_EXPECTED * cells * width:,} symbols"
        found.append(_judged(family, tally.uniformity(counts), ends, "chi-square / df", needs))
    ends = [tally.expected_bias(counted.n, bits, level) for level in TAILS]
    balance, needs = tally.bit_balance(symbols, bits), f"{tally.LEAST_SYMBOLS} symbols"
    return [*found, _judged("bit balance", balance, ends, "largest |P(1) - 1/2|", needs)]


def _judged(
    family: str, found: tuple[float, float] | None, ends: list[float], detail: str, needs: str
) -> FamilyResult:
    if found is None:
        return FamilyResult(family, needs=needs)
    (value, p_value), (low, high) = found, ends
    return FamilyResult(family, p_value, value, low, high, detail)


def of_lags(windows: Sequence[Window]) -> FamilyResult:
    """Judge the correlation of each window with itself."""

    def peak(symbols: Bytes) -> spectrum.Peak:
        return spectrum.strongest_lag(spectrum.autocorrelation(symbols), len(symbols))

    detail = "standard deviations, at lag {:,}"
    return _of_peaks("autocorrelation", windows, peak, spectrum.strongest_lag_of_noise, detail)


def of_lines(windows: Sequence[Window]) -> FamilyResult:
    """Judge the spectrum of each window."""
    peak, of_noise = spectrum.line_of, spectrum.strongest_line_of_noise
    return _of_peaks("spectrum", windows, peak, of_noise, "mean powers, at {:,} cycles")


def _of_peaks(
    family: str,
    windows: Sequence[Window],
    peak: Callable[[Bytes], spectrum.Peak],
    of_noise: Callable[[int, float], float],
    detail: str,
) -> FamilyResult:
    """The oddest of several windows' peaks, corrected for their number; a constant has none."""
    n = len(windows[0].symbols)
    if n < spectrum.LEAST:
        return FamilyResult(family, needs=f"{spectrum.LEAST} symbols")
    peaks = [peak(w.symbols) for w in windows if w.symbols.min() < w.symbols.max()]
    if not peaks:
        return FamilyResult(family, needs="symbols that differ")
    oddest = min(peaks, key=lambda peak: peak.p_value)
    p_value = min(1.0, len(peaks) * oddest.p_value)
    low, high = (of_noise(n, level) for level in TAILS)
    return FamilyResult(family, p_value, abs(oddest.value), low, high, detail.format(oddest.place))


def of_bit_lags(windows: Sequence[Window], bits: int) -> FamilyResult:
    """Judge the correlation of the bits of each window, at all lags."""
    family, n = "bit correlation", len(windows[0].symbols)
    if n < spectrum.LEAST:
        return FamilyResult(family, needs=f"{spectrum.LEAST} symbols")
    found = [
        strongest_bit_lag(w.symbols, bits) for w in windows if w.symbols.min() < w.symbols.max()
    ]
    if not found:
        return FamilyResult(family, needs="symbols that differ")
    oddest = min(found, key=lambda one: one.p_value)
    p_value = min(1.0, len(found) * oddest.p_value)
    low, high = (strongest_bit_lag_of_noise(oddest.lags, level) for level in TAILS)
    detail = f"standard deviations, at lag {oddest.place:,} of {oddest.lags:,} bits"
    return FamilyResult(family, p_value, abs(oddest.value), low, high, detail)


def of_min_entropy(windows: Sequence[WindowResult], bits: int) -> FamilyResult:
    """Judge the least min-entropy of the windows against ideal streams of their length."""
    family, detail = "min-entropy", "bits a symbol, SP 800-90B"
    n, value = len(windows[0].window.symbols), min(one.min_entropy.assessed for one in windows)
    law = baseline.of_min_entropy(bits, "assessed", n)
    if law is None:
        needs = f"{baseline.longer(f'min_entropy/{bits}/assessed', n):,} symbols"
        return FamilyResult(family, value=value, detail=detail, needs=needs)
    p_value = min(1.0, len(windows) * law.p_low(value))
    return FamilyResult(family, p_value, value, *law.interval, detail)


def of_batteries(batteries: Sequence[Battery]) -> list[FamilyResult]:
    """Judge the fifteen tests of SP 800-22, each by the worst of the windows."""
    found = []
    for name in batteries[0].tests:
        outcomes = [battery.tests[name] for battery in batteries]
        ran = [o for o in outcomes if o.family_p_value is not None]
        family = f"SP 800-22 {name}"
        if not ran:
            needs = (outcomes[0].reason or "more bits").removeprefix("needs ")
            found.append(FamilyResult(family, needs=needs))
            continue
        worst = min(ran, key=lambda o: o.family_p_value or 0.0)
        k, least = len(worst.p_values), worst.p_values.index(min(worst.p_values))
        detail = f"least of {k} p-values" if k > 1 else "p-value"
        if worst.sub_tests:
            detail += f", {worst.sub_tests[least]}"
        p_value = min(1.0, len(ran) * (worst.family_p_value or 0.0))
        low, high = (1 - (1 - q) ** (1 / k) for q in TAILS)  # of the least of k independent ones
        found.append(FamilyResult(family, p_value, worst.p_values[least], low, high, detail))
    return found


def word_bytes(bits: int) -> int:
    """Return how many symbols give one top bit: bytes are read as words of 32 bits."""
    return 4 if bits == 8 else 1


def of_complexity(windows: Sequence[Window], bits: int) -> FamilyResult:
    """Judge the lane in which a shift register foretells most, of the worst window."""
    family, long = "linear complexity", [w for w in windows if len(w.symbols) >= LEAST_BITS]
    if not long:
        return FamilyResult(family, needs=f"{LEAST_BITS} symbols")
    ran = [(lane_search(w.symbols, bits), w) for w in long]
    worst, window = min(ran, key=lambda one: one[0].p_value)
    p_value, lane = min(1.0, len(ran) * worst.p_value), worst.lane
    unit = "byte" if bits == 8 else "symbol"
    detail = (
        f"bits foretold: complexity {lane.complexity:,} of the {lane.place} {lane.bits:,} of "
        f"bit {lane.bit} of {unit} {lane.symbol} of {lane.symbols}"
    )
    if bits == 8 and p_value < LEVEL and (named := names_xorshift(window.symbols)).name:
        detail += f"; {named.name}, whose state gives the last {named.verified:,} words"
    return FamilyResult(family, p_value, float(lane.foretold), worst.low, worst.high, detail)


def of_python(windows: Sequence[Window], bits: int) -> FamilyResult:
    """Judge whether a window is output of MT19937 (Python's random) or MT19937-64."""
    if bits != 8 or len(windows[0].symbols) < mt19937.NEEDED_BYTES:
        return FamilyResult("MT19937", needs=f"{mt19937.NEEDED_BYTES:,} symbols of 8 bits")
    least = mt19937.LEAST_DIFFERENT
    different = [mt19937.different_words(window.symbols) for window in windows]
    if max(different) < least:
        needs = f"{least} different words of 32 bits among {mt19937.STATE_WORDS}"
        return FamilyResult("MT19937", needs=f"{needs}, got {max(different)}")
    judged = zip(windows, different, strict=True)
    named = [mt19937.names_mt19937(w.symbols) for w, words in judged if words >= least]
    best = min(named, key=lambda one: one.p_value)
    # one relation among so many is a coincidence, and no name
    p_value = min(1.0, len(named) * best.p_value) if best.is_mt19937 else 1.0
    detail = f"{best.predicted:,} of {best.of:,} bytes predicted"
    if best.is_mt19937:
        detail += f", {best.generator}, {best.order}-endian"
    return FamilyResult("MT19937", p_value, best.predicted / max(1, best.of), 0, 0, detail)


def of_pieces(pieces: Pieces, bits: int) -> list[FamilyResult]:
    """Judge what adds up over all that was looked at: equal spacings, and gaps."""
    repeats, counted = pieces.counted()
    found = [
        FamilyResult("birthday spacings", needs=f"{spacings.LEAST_BYTES * 8 // bits:,} symbols")
    ]
    if repeats:
        test = spacings.BirthdaySpacings(tuple(repeats))
        oddest, p_value = test.oddest, test.p_value
        low, high = (float(special.pdtrik(level, oddest.expected)) for level in TAILS)
        detail = f"equal spacings of {oddest.reading}"
        span = math.floor(max(0.0, low)), math.ceil(high)
        found = [FamilyResult("birthday spacings", p_value, oddest.found, *span, detail)]
    if not counted:
        return [*found, FamilyResult("gaps", needs=f"{gaps.LEAST_BYTES * 8 // bits:,} symbols")]
    gap = gaps.judged(counted)
    low, high = (1 - (1 - q) ** (1 / len(counted)) for q in TAILS)
    detail = f"least of {len(counted)} p-values, {gap.where}"
    return [*found, FamilyResult("gaps", gap.p_value, gap.least, low, high, detail)]
