"""Test procedures A and B of AIS 20/31 version 2.0 (2011), and the suite of version 3.0 (2024)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from dan_bench.interfaces import StageCallback
from dan_bench.randomness.ais31 import basic
from dan_bench.randomness.ais31.basic import BasicTest, TooFewBits
from dan_bench.randomness.sp800_22.result import Bits, as_bits

SEQUENCES = 257
LEAST_B = 6_968_480
"""Bits that procedure B takes at least; how many it takes depends on them."""
USUAL_B = 7_200_000
"""Bits within which an ideal stream completes it; what BSI's implementation reads."""
PREDICTED_BITS = 1_000_000
LEAST_PREDICTION = 0.95
IRN_BITS = 2 * basic.SEQUENCE + 2 * PREDICTED_BITS

Verdict = Literal["passed", "failed", "undecided"]


@dataclass(frozen=True)
class Ais31Round:
    """One run of a procedure: its tests in their order, and how many bits they took."""

    tests: tuple[BasicTest, ...]
    bits: int

    @property
    def failed(self) -> tuple[BasicTest, ...]:
        """The tests that did not pass."""
        return tuple(test for test in self.tests if not test.passed)


@dataclass(frozen=True)
class Ais31Procedure:
    """A procedure with its repetition, where one was due.

    `verdict` is `undecided` where a repetition is due and the stream too short for it: `needs` says
    what for.
    """

    name: str
    version: str
    verdict: Verdict
    rounds: tuple[Ais31Round, ...]
    needs: str = ""

    @property
    def bits(self) -> int:
        """How many bits were taken."""
        return sum(one.bits for one in self.rounds)


def bits_of_a(width: int) -> tuple[int, int]:
    """Return how many bits procedure A takes for T0, and for T1 to T5.

    `width` is that of an internal random number, 1 to 256 bits.
    """
    if not 1 <= width <= 256:
        raise ValueError(f"width={width}: an internal random number has 1 to 256 bits")
    disjoint = -(-basic.DISJOINT_BITS // width) * width * basic.DISJOINT_WORDS
    block = -(-basic.SEQUENCE // width) * width
    return disjoint, -(-SEQUENCES // (width + 1)) * (block + width * basic.SEQUENCE)


def procedure_a(
    bits: ArrayLike, width: int = 8, on_progress: StageCallback = lambda _: None
) -> Ais31Procedure:
    """Run test procedure A: T0 once, T1 to T5 on 257 sequences, 1,286 tests (2.4.4.1).

    The sequences are, in turn, 20,000 bits as they come, and each single bit of 20,000 internal
    random numbers. Where exactly one test fails, all are run once more on the bits that follow, and
    must pass; two or more failures are one too many.

    Args:
        bits: of the internal random numbers, the first that was drawn first.
        width: bits of an internal random number.
        on_progress: called with the name of each part as it begins.

    Raises:
        TooFewBits: there are not enough for the first run.
    """
    disjoint, sequences = bits_of_a(width)

    def once(left: Bits) -> Ais31Round:
        if len(left) < disjoint + sequences:
            raise TooFewBits(
                f"procedure A takes {disjoint + sequences:,} bits for internal random numbers of "
                f"{width} bits, got {len(left):,}"
            )
        on_progress("AIS 31 T0")
        words = left[:disjoint].reshape(basic.DISJOINT_WORDS, -1)[:, : basic.DISJOINT_BITS]
        found = [basic.disjointness(words)]
        on_progress("AIS 31 T1 to T5")
        tests = (basic.monobit, basic.poker, basic.runs, basic.long_run, basic.autocorrelation)
        for sequence in sequences_of_a(left[disjoint:], width):
            found += [test(sequence) for test in tests]
        return Ais31Round(tuple(found), disjoint + sequences)

    return _repeated("A", "2.0 (2011)", as_bits(bits), once)


def sequences_of_a(bits: Bits, width: int) -> list[Bits]:
    """Return the 257 sequences of T1 to T5: a block, then each bit of 20,000 numbers, and so on."""
    found: list[Bits] = []
    place, block = 0, -(-basic.SEQUENCE // width) * width
    while len(found) < SEQUENCES:
        found.append(bits[place : place + basic.SEQUENCE])
        numbers = bits[place + block : place + block + width * basic.SEQUENCE].reshape(-1, width)
        found += [numbers[:, lane] for lane in range(width)]
        place += block + width * basic.SEQUENCE
    return found[:SEQUENCES]


def procedure_b(bits: ArrayLike, on_progress: StageCallback = lambda _: None) -> Ais31Procedure:
    """Run test procedure B: T6a, T6b, T7a, T7b and T8, nine tests of raw random numbers (2.4.4.2).

    Where exactly one fails, all are run once more on the bits that follow, and must pass.

    Raises:
        TooFewBits: there are not enough for the first run; how many it takes depends on the bits.
    """

    def once(left: Bits) -> Ais31Round:
        if len(left) < LEAST_B:
            raise TooFewBits(
                f"procedure B takes about {USUAL_B:,} bits and {LEAST_B:,} at least, "
                f"got {len(left):,}"
            )
        place = basic.TUPLES
        on_progress("AIS 31 T6 and T7")
        found = [basic.uniformity(left[:place])]
        test, used = basic.transition(left[place:])
        found.append(test)
        place += used
        for order in (2, 3):
            tests, used = basic.homogeneity(left[place:], order)
            found += tests
            place += used
        on_progress("AIS 31 T8")
        end = place + basic.ENTROPY_BITS
        if len(left) < end:
            raise TooFewBits(f"procedure B takes {end:,} bits of this stream, got {len(left):,}")
        found.append(basic.entropy(left[place:end]))
        return Ais31Round(tuple(found), end)

    return _repeated("B", "2.0 (2011)", as_bits(bits), once)


def t_irn(bits: ArrayLike, on_progress: StageCallback = lambda _: None) -> Ais31Procedure:
    """Run T_irn, the black-box suite of version 3.0 (2024), on 2,040,000 bits.

    T1 and T2 as in version 2.0, on 20,000 bits each; T3 and T4 are the MultiMMC and the LZ78Y
    prediction estimate of SP 800-90B on 1,000,000 bits each, at least 0.95 bits a bit. A suite that
    fails is run once more on the bits that follow, and must pass.

    Raises:
        TooFewBits: there are fewer.
    """
    from dan_bench.randomness.min_entropy.lz78y import lz78y  # compiles, or reads what was
    from dan_bench.randomness.min_entropy.multi_mmc import multi_mmc

    def once(left: Bits) -> Ais31Round:
        if len(left) < IRN_BITS:
            raise TooFewBits(f"T_irn takes {IRN_BITS:,} bits, got {len(left):,}")
        n, start = basic.SEQUENCE, 2 * basic.SEQUENCE
        found = [basic.monobit(left[:n]), basic.poker(left[n:start])]
        for name, of in (("T3 MultiMMC", multi_mmc), ("T4 LZ78Y", lz78y)):
            on_progress(f"AIS 31 {name}")
            value = min(1.0, of(left[start : start + PREDICTED_BITS].copy(), 2))
            found.append(BasicTest(name, value >= LEAST_PREDICTION, value, LEAST_PREDICTION))
            start += PREDICTED_BITS
        return Ais31Round(tuple(found), IRN_BITS)

    return _repeated("T_irn", "3.0 (2024)", as_bits(bits), once, most_failed=4)


def _repeated(
    name: str,
    version: str,
    bits: Bits,
    once: Callable[[Bits], Ais31Round],
    most_failed: int = 1,
) -> Ais31Procedure:
    """Run a procedure, and once more where at least one but no more than `most_failed` failed."""
    first = once(bits)
    if not first.failed:
        return Ais31Procedure(name, version, "passed", (first,))
    if len(first.failed) > most_failed:
        return Ais31Procedure(name, version, "failed", (first,))
    try:
        second = once(bits[first.bits :])
    except TooFewBits as error:
        needs = f"a repetition is due, since {first.failed[0].name} failed, and {error}"
        return Ais31Procedure(name, version, "undecided", (first,), needs)
    verdict: Verdict = "failed" if second.failed else "passed"
    return Ais31Procedure(name, version, verdict, (first, second))
