"""Every family of tests on one stream, each with the chance that true noise looks as odd."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dan_bench.assess.reading import Stream, Window
from dan_bench.interfaces import StageCallback
from dan_bench.metrics import baseline
from dan_bench.randomness import spectrum
from dan_bench.randomness.iid import IidAssessment, iid_tests
from dan_bench.randomness.linearity import LEAST_BITS, LinearComplexity, linear_complexity_test
from dan_bench.randomness.min_entropy import MinEntropyAssessment
from dan_bench.randomness.min_entropy import assess as min_entropy
from dan_bench.randomness.mt19937 import (
    LEAST_DIFFERENT,
    NEEDED_BYTES,
    STATE_WORDS,
    different_words,
    names_mt19937,
)
from dan_bench.randomness.sp800_22 import Battery, sp800_22
from dan_bench.randomness.tally import (
    LEAST_EXPECTED,
    LEAST_SYMBOLS,
    Tally,
    bit_balance,
    expected_bias,
    uniformity,
    uniformity_of_noise,
)

LEVEL = 0.01
"""Chance that a file of true noise is told to be none, over all families together."""
TAILS = (0.025, 0.975)
"""95 % of ideal streams lie between these quantiles."""


@dataclass(frozen=True)
class FamilyResult:
    """What one family found.

    `p_value` is the chance that true noise looks at least as odd, corrected for the family's own
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
class Assessment:
    """One stream, assessed."""

    stream: Stream
    bits_per_symbol: int
    findings: list[FamilyResult]
    looked: list[WindowResult]
    iid: IidAssessment | None

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
        """In words."""
        if self.against:
            return "not noise"
        judged = any(f.p_value is not None for f in self.findings)
        return "nothing speaks against noise" if judged else "too short to say"


def assess(
    stream: Stream, bits: int = 8, iid: bool = False, tell: StageCallback = lambda _: None
) -> Assessment:
    """Assess a stream of symbols of `bits` bits.

    Args:
        stream: what was read.
        bits: of a symbol.
        iid: whether the tests of the IID track are run too (SP 800-90B, section 5).
        tell: called with the name of each part as it begins.
    """
    tell("counts")
    findings = of_tally(stream.tally, bits)
    tell("repetition")
    findings += [of_lags(stream.windows), of_lines(stream.windows)]
    looked = [look(window, bits, tell) for window in stream.windows]
    findings.append(of_min_entropy(looked, bits))
    findings += of_batteries([one.battery for one in looked])
    findings.append(of_complexity(looked, bits))
    findings.append(of_python(stream.windows, bits))
    tested = iid_tests(stream.windows[0].symbols, bits, on_progress=tell) if iid else None
    return Assessment(stream, bits, findings, looked, tested)


def look(window: Window, bits: int, tell: StageCallback) -> WindowResult:
    """Run the slower tests on one window."""
    entropy = min_entropy(
        window.symbols, bits, workers=2, on_progress=lambda s: tell(f"SP 800-90B {s}")
    )
    tell("SP 800-22")
    battery = sp800_22(bits_of(window.symbols, bits))
    tell("linear complexity")
    return WindowResult(window, entropy, battery, complexity_of(window.symbols, bits))


def bits_of(symbols: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Bit string of symbols, the highest bit of each first."""
    return np.unpackbits(symbols[:, None], axis=1)[:, 8 - bits :].ravel()


def of_tally(tally: Tally, bits: int) -> list[FamilyResult]:
    """Counts of the whole stream: symbols, pairs of neighbours, bits."""
    found = []
    for family, counts, symbols in (
        ("symbol counts", tally.symbols[: 1 << bits], 1),
        ("pair counts", tally.pairs_of(bits), 2),
    ):
        result, cells = uniformity(counts), len(counts)
        if result is None:
            found.append(
                FamilyResult(family, needs=f"{LEAST_EXPECTED * cells * symbols:,} symbols")
            )
        else:
            value, p_value = result
            low, high = (uniformity_of_noise(cells, level) for level in TAILS)
            found.append(FamilyResult(family, p_value, value, low, high, "chi-square / df"))
    balance = bit_balance(tally.symbols[: 1 << bits], bits)
    if balance is None:
        found.append(FamilyResult("bit balance", needs=f"{LEAST_SYMBOLS} symbols"))
    else:
        value, p_value = balance
        low, high = (expected_bias(tally.n, bits, level) for level in TAILS)
        found.append(FamilyResult("bit balance", p_value, value, low, high, "largest |P(1) - 1/2|"))
    return found


def of_lags(windows: list[Window]) -> FamilyResult:
    """Correlation of each window with itself."""
    said = "standard deviations, at lag {:,}"
    return of_peaks("autocorrelation", windows, lag_of, spectrum.strongest_lag_of_noise, said)


def of_lines(windows: list[Window]) -> FamilyResult:
    """Spectrum of each window."""
    said = "mean powers, at {:,} cycles"
    return of_peaks("spectrum", windows, spectrum.line_of, spectrum.strongest_line_of_noise, said)


def lag_of(symbols: NDArray[np.uint8]) -> spectrum.Peak:
    """Strongest correlation of symbols with themselves."""
    return spectrum.strongest_lag(spectrum.autocorrelation(symbols), len(symbols))


def of_peaks(
    family: str,
    windows: list[Window],
    peak: Callable[[NDArray[np.uint8]], spectrum.Peak],
    of_noise: Callable[[int, float], float],
    said: str,
) -> FamilyResult:
    """Return the oddest of several windows' peaks, corrected for their number.

    A constant window has none.
    """
    n = len(windows[0].symbols)
    if n < spectrum.LEAST:
        return FamilyResult(family, needs=f"{spectrum.LEAST} symbols")
    symbols = [window.symbols for window in windows]
    peaks = [peak(one) for one in symbols if one.min() < one.max()]
    if not peaks:
        return FamilyResult(family, needs="symbols that differ")
    oddest = min(peaks, key=lambda peak: peak.p_value)
    p_value = min(1.0, len(peaks) * oddest.p_value)
    low, high = (of_noise(n, level) for level in TAILS)
    return FamilyResult(family, p_value, abs(oddest.value), low, high, said.format(oddest.place))


def of_min_entropy(looked: list[WindowResult], bits: int) -> FamilyResult:
    """Assessed min-entropy of the worst window, against ideal streams of its length."""
    worst = min(looked, key=lambda one: one.min_entropy.assessed)
    n, value = len(worst.window.symbols), worst.min_entropy.assessed
    law = baseline.of_min_entropy(bits, "assessed", n)
    said = "bits a symbol, SP 800-90B"
    if law is None:
        needs = f"{baseline.longer(f'min_entropy/{bits}/assessed', n):,} symbols"
        return FamilyResult("min-entropy", value=value, detail=said, needs=needs)
    low, high = law.interval
    p_value = min(1.0, len(looked) * law.p_low(value))
    return FamilyResult("min-entropy", p_value, value, low, high, said)


def of_batteries(batteries: list[Battery]) -> list[FamilyResult]:
    """The fifteen tests of SP 800-22, the worst of the windows for each."""
    found = []
    for name in batteries[0].tests:
        outcomes = [battery.tests[name] for battery in batteries]
        ran = [o for o in outcomes if o.family_p_value is not None]
        family = f"SP 800-22 {name}"
        if not ran:
            found.append(
                FamilyResult(
                    family, needs=(outcomes[0].reason or "more bits").removeprefix("needs ")
                )
            )
            continue
        worst = min(ran, key=lambda o: o.family_p_value or 0.0)
        least = worst.p_values.index(min(worst.p_values))
        said = f"least of {len(worst.p_values)} p-values" if len(worst.p_values) > 1 else "p-value"
        if worst.sub_tests:
            said += f", {worst.sub_tests[least]}"
        p_value = min(1.0, len(ran) * (worst.family_p_value or 0.0))
        # of the least of k independent p-values
        low, high = (1 - (1 - q) ** (1 / len(worst.p_values)) for q in TAILS)
        found.append(FamilyResult(family, p_value, worst.p_values[least], low, high, said))
    return found


def complexity_of(symbols: NDArray[np.uint8], bits: int) -> LinearComplexity | None:
    """Linear complexity of the top bits; of symbols below 8 bits, of each one's top bit."""
    width = word_bytes(bits)
    if len(symbols) < LEAST_BITS * width:
        return None
    return linear_complexity_test(symbols << np.uint8(8 - bits), width)


def word_bytes(bits: int) -> int:
    """Return how many symbols give one top bit: bytes are read as words of 32 bits."""
    return 4 if bits == 8 else 1


def of_complexity(looked: list[WindowResult], bits: int) -> FamilyResult:
    """Linear complexity of the top bits of the worst window."""
    ran = [one.complexity for one in looked if one.complexity is not None]
    if not ran:
        return FamilyResult("linear complexity", needs=f"{LEAST_BITS * word_bytes(bits)} symbols")
    worst = min(ran, key=lambda one: one.p_value)
    expected = worst.expected
    p_value = min(1.0, len(ran) * worst.p_value)
    said = f"of {worst.bits:,} top bits"
    # 31 in 32 ideal streams lie within three of the mean
    return FamilyResult(
        "linear complexity",
        p_value,
        float(worst.complexity),
        math.floor(expected) - 3.0,
        math.ceil(expected) + 3.0,
        said,
    )


def of_python(windows: list[Window], bits: int) -> FamilyResult:
    """Whether a window is what Python's random would put out, which 624 words of it foretell."""
    if bits != 8 or len(windows[0].symbols) < NEEDED_BYTES:
        return FamilyResult("MT19937", needs=f"{NEEDED_BYTES:,} symbols of 8 bits")
    different = [different_words(window.symbols) for window in windows]
    if max(different) < LEAST_DIFFERENT:
        needs = f"{LEAST_DIFFERENT} different words of 32 bits among {STATE_WORDS}"
        return FamilyResult("MT19937", needs=f"{needs}, got {max(different)}")
    judged = zip(windows, different, strict=True)
    named = [names_mt19937(w.symbols) for w, words in judged if words >= LEAST_DIFFERENT]
    best = max(named, key=lambda one: one.predicted)
    caught = any(one.is_mt19937 for one in named)
    said = f"{best.predicted:,} of {best.of:,} bytes foretold"
    return FamilyResult(
        "MT19937", 0.0 if caught else 1.0, best.predicted / max(1, best.of), 0, 0, said
    )
