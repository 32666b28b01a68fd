"""Entropy of what a conditioning component puts out: SP 800-90B, section 3.1.5.

The formula of 3.1.5.1.2 is evaluated without cancellation, in 160 decimal digits, for any number of
bits: powers of two are never written out. Names and numbers are those of NIST's tool,
ea_conditioning.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from typing import Any

from dan_bench.interfaces import StageCallback
from dan_bench.randomness.min_entropy import Estimates, Estimators, MinEntropyAssessment, assess
from dan_bench.randomness.min_entropy.counting import most_common_value
from dan_bench.randomness.min_entropy.symbols import Stream, as_symbols, bit_string

DIGITS = 160
SMALL = Decimal("1e-60")
"""Below it two terms of a series are exact to more digits than are ever shown."""
ROUNDING = Decimal("1e-140")
"""Share of an entropy that is nothing but rounding at so many digits."""
FULL = Decimal("0.999")
"""Share of n_out that a component that is not vetted may claim at most (3.1.5.2)."""
MARGIN = 64
"""Bits that h_in must exceed n_out by for full entropy (FIPS 140-3 IG D.K, resolution 19)."""
MOST_BITS = (1 << 32) - 1

Number = int | float | str | Decimal


@dataclass(frozen=True)
class ConditionedOutput:
    """Entropy of the output of a conditioning component, in bits an output.

    `n_in`, `n_out` and `nw` are bits: of the input, of the output, and of the narrowest place
    within (at most n_in). `h_in` is the entropy of the input. `output_entropy` is that of the
    formula, below each of n_out, nw and h_in; `h_out` is what may be claimed: the same if the
    component is vetted, else the least of it, 0.999 n_out and h' n_out. `limit` names which.

    `epsilon_exponent` is -log2 of 1 - output_entropy / n_out, the distance from full entropy;
    `h_in_exponent` and `nw_exponent` are the same for h_in and nw. `full_entropy` is whether a
    vetted component's output counts as full entropy by FIPS 140-3 IG D.K, resolution 19: above
    0.999 n_out, and h_in at least n_out + 64 (and its security strength at least n_out, which is
    not known here).

    The floats are the nearest ones, so that an output_entropy may read n_out where it is a little
    less; `exact` holds h_out and output_entropy as decimals of 40 digits.
    """

    vetted: bool
    n_in: int
    n_out: int
    nw: int
    h_in: float
    h_prime: float | None
    output_entropy: float
    h_out: float
    limit: str
    epsilon_exponent: float
    h_in_exponent: float
    nw_exponent: float
    full_entropy: bool
    exact: dict[str, Decimal] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary of all of them, without h_prime if the component is vetted."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "exact"}
        if self.vetted:
            del found["h_prime"]
        return found | {f"{name}_digits": str(value) for name, value in self.exact.items()}


def conditioned_output(
    n_in: int, n_out: int, nw: int, h_in: Number, *, vetted: bool, h_prime: Number | None = None
) -> ConditionedOutput:
    """Entropy of the output of a conditioning component (SP 800-90B, 3.1.5.1.2 and 3.1.5.2).

    Args:
        n_in: bits of the input, 1 or more.
        n_out: bits of the output, 1 or more.
        nw: narrowest internal width in bits, 1 or more; above n_in it counts as n_in (Appendix E).
        h_in: entropy of the input, in (0, n_in] bits: samples times the assessed entropy of each.
        vetted: whether the component is one of section 3.1.5.1.1.
        h_prime: h', the entropy a bit of a conditioned data set (`conditioned_entropy`), in (0, 1];
            for a component that is not vetted, and only for that.

    Raises:
        ValueError: a number is out of its range, or h_prime is missing or not wanted.
    """
    for name, bits in (("n_in", n_in), ("n_out", n_out), ("nw", nw)):
        if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= MOST_BITS:
            raise ValueError(f"{name} must be a whole number of bits, 1 to 2^32 - 1, got {bits}")
    h = _within("h_in", h_in, n_in, "n_in")
    if vetted and h_prime is not None:
        raise ValueError("h_prime is for a component that is not vetted")
    if not vetted and h_prime is None:
        raise ValueError("a component that is not vetted needs h_prime, of its output's data set")
    share = None if h_prime is None else _within("h_prime", h_prime, 1, "one bit a bit")
    nw = min(nw, n_in)
    with localcontext(Context(prec=DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN)):
        entropy, below = output_entropy(n_in, min(n_out, nw), h)
        exponents = {name: _exponent(below(Decimal(of)), of) for name, of in
                     (("epsilon", n_out), ("h_in", h), ("nw", nw))}  # fmt: skip
        limits = {"output entropy": entropy}
        if share is not None:
            limits |= {"0.999 n_out": FULL * n_out, "h' n_out": share * n_out}
        limit = min(limits, key=lambda name: limits[name])
        full = vetted and entropy > FULL * n_out and h >= n_out + MARGIN
    rounded = Context(prec=40, Emax=MAX_EMAX, Emin=MIN_EMIN).plus
    return ConditionedOutput(
        vetted=vetted,
        n_in=n_in,
        n_out=n_out,
        nw=nw,
        h_in=float(h),
        h_prime=None if share is None else float(share),
        output_entropy=float(entropy),
        h_out=float(limits[limit]),
        limit=limit,
        epsilon_exponent=exponents["epsilon"],
        h_in_exponent=exponents["h_in"],
        nw_exponent=exponents["nw"],
        full_entropy=full,
        exact={"output_entropy": rounded(entropy), "h_out": rounded(limits[limit])},
    )


def output_entropy(n_in: int, n: int, h: Decimal) -> tuple[Decimal, Callable[[Decimal], Decimal]]:
    """Return Output_Entropy for n = min(n_out, nw), and a function that gives x - Output_Entropy.

    The document's psi and omega are 2^-n F (1 + r) with one factor F = (1 - 2^-h) / (1 - 2^-n_in)
    and, for psi, r = 2^(n - h) / F; for omega, r = sqrt(2 n ln 2 / 2^(n_in - n)). The larger
    counts, at most 1. Differences from n and from h are what remains of logarithms near 0, so that
    the function has all its digits where they are as small as 2^-65536. The context must be wide.
    """
    ln2 = Decimal(2).ln()
    missing, spread = -_expm1(-h * ln2), -_expm1(-n_in * ln2)
    if h < 1:
        log_f = missing.ln() - spread.ln()
    else:  # both may be near 1, and are known better by what they lack of it
        log_f = _log1p(-_power(-h)) - _log1p(-_power(Decimal(-n_in)))
    by_psi = _power(n - h) * spread / missing
    by_omega = (2 * n * ln2 * _power(Decimal(n - n_in))).sqrt()
    from_n = (log_f + _log1p(max(by_psi, by_omega))) / ln2  # n - Output_Entropy
    from_h = _log1p(1 / by_psi) / ln2 if by_psi >= by_omega else h - n + from_n
    entropy = h - from_h if by_psi >= by_omega else n - from_n
    if entropy <= h * ROUNDING:  # a probability of 1, or a bound above it
        return Decimal(0), lambda x: x

    def below(x: Decimal) -> Decimal:
        if x == h:
            return from_h
        return x - n + from_n

    return entropy, below


def conditioned_entropy(
    data: Stream,
    bits_per_symbol: int | None = None,
    *,
    iid: bool = False,
    workers: int = 1,
    on_progress: StageCallback | None = None,
) -> MinEntropyAssessment:
    """Assess a conditioned data set: `assessed` is h', its min-entropy a bit (SP 800-90B, 3.1.5.2).

    The data set counts as a string of bits, whatever the width of an output: all ten estimators,
    or on the IID track the most common value.

    Args:
        data: symbols, 1,000,000 or more as the document asks.
        bits_per_symbol: 1 to 8; None for as many as the largest symbol takes, as in NIST's tool.
        iid: whether the source was assessed on the IID track.
        workers: threads that share the estimators.
        on_progress: called with the name of each estimator as it begins.
    """
    symbols = as_symbols(data, 8)
    if bits_per_symbol is None:
        bits_per_symbol = max(1, int(symbols.max()).bit_length())
    bits = bit_string(as_symbols(symbols, bits_per_symbol), bits_per_symbol)
    if iid:
        h = most_common_value(bits, 2)
        return MinEntropyAssessment(
            h, h, None, Estimators(Estimates(most_common_value=h), Estimates())
        )
    return assess(bits, 1, workers=workers, on_progress=on_progress)


def _within(name: str, value: Number, most: int, said: str) -> Decimal:
    """Return a number as it was written, in (0, most]; ValueError if it is none."""
    try:
        number = Decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None
    if not (number.is_finite() and 0 < number <= most):
        raise ValueError(f"{name} must be above 0 and at most {most} ({said}), got {value}")
    return number


def _power(exponent: Decimal) -> Decimal:
    return Decimal(2) ** exponent


def _log1p(x: Decimal) -> Decimal:
    """ln(1 + x), to all digits where x is small."""
    return x - x * x / 2 if abs(x) < SMALL else (1 + x).ln()


def _expm1(x: Decimal) -> Decimal:
    """e^x - 1, to all digits where x is small."""
    return x + x * x / 2 if abs(x) < SMALL else x.exp() - 1


def _exponent(below: Decimal, of: Decimal | int) -> float:
    """-log2 of a difference's share of a number."""
    return max(0.0, float(-(below / of).ln() / Decimal(2).ln()))
