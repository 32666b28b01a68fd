"""`assess --ais31 a|b|irn|all`: the procedures of AIS 20/31 on the beginning of a stream."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from dan_bench.assess.reading import Layout, ReadCallback, symbols_of
from dan_bench.cli import FAILED, OK, REFUSED
from dan_bench.interfaces import StageCallback
from dan_bench.randomness.ais31 import (
    Ais31Procedure,
    BasicTest,
    TooFewBits,
    bits_of_a,
    procedure_a,
    procedure_b,
    t_irn,
)
from dan_bench.randomness.ais31.procedures import IRN_BITS, USUAL_B
from dan_bench.randomness.sp800_22.result import Bits
from dan_bench.tables import Column, Table, one_line, shown_width, terminal_lines

PROCEDURES = {"a": "A", "b": "B", "irn": "T_irn"}
"""What each is called in a report."""
BLOCK = 1 << 20
SHOWN = 8
MEANING = {
    "T0": "words of 48 bits come again: the source repeats itself",
    "T1": "ones and zeros are not equally many",
    "T2": "some groups of four bits come more often than others, or all too evenly",
    "T3": "runs of equal bits are too many or too few of some length",
    "T4": "a bit was stuck for 34 times or longer",
    "T5": "bits depend on bits a fixed number of places before",
    "T6a": "the bias exceeds 0.025",
    "T6b": "a bit depends on the one before it by more than 0.02",
    "T7a": "a bit depends on the one two places before it",
    "T7b": "a bit depends on the one three places before it",
    "T8": "Coron's entropy is at most 7.976 bits a byte",
    "T3 MultiMMC": "what follows the last bits can be guessed (Markov models of up to 16 bits)",
    "T4 LZ78Y": "what follows the last bits can be guessed (a dictionary of them)",
}
"""What it means where a test fails, by name without the context of T7."""

Ran = Ais31Procedure | TooFewBits


def run(
    names: Sequence[str],
    layout: Layout,
    which: str,
    progress: StageCallback,
    reading: ReadCallback,
) -> tuple[str, dict[str, Any], int]:
    """Run a procedure, or all, on the first bits of a stream; each begins with the first bit.

    Returns:
        The report as text and as built-in types, and the exit code: 0 where all passed, 1 where one
        failed, 2 where the stream is too short for one and none failed.

    Raises:
        UnusableInput: it cannot be read.
    """
    chosen = list(PROCEDURES) if which == "all" else [which]
    width = len(layout.lanes) or layout.bits
    most = {"a": sum(bits_of_a(width)), "b": USUAL_B, "irn": IRN_BITS}
    wanted = -(-2 * max(most[name] for name in chosen) // width)
    limit = wanted if layout.limit is None else min(wanted, layout.limit)
    blocks = list(symbols_of(names, replace(layout, limit=limit), BLOCK, reading))
    symbols = np.concatenate(blocks)
    bits = bits_of(symbols, width)
    ran: dict[str, Ran] = {}
    for name in chosen:
        try:
            if name == "a":
                ran["A"] = procedure_a(bits, width, progress)
            else:
                ran[PROCEDURES[name]] = (procedure_b if name == "b" else t_irn)(bits, progress)
        except TooFewBits as error:
            ran[PROCEDURES[name]] = error
    verdicts = {one.verdict if isinstance(one, Ais31Procedure) else "" for one in ran.values()}
    code = FAILED if "failed" in verdicts else OK if verdicts == {"passed"} else REFUSED
    name = " + ".join(names)
    return _text(name, len(symbols), width, ran), _json(name, len(symbols), width, ran), code


def bits_of(symbols: np.ndarray[Any, np.dtype[Any]], width: int) -> Bits:
    """Return the bits of symbols of that width, the highest of each first."""
    if width == 8:
        return np.unpackbits(symbols.astype(np.uint8, copy=False))
    places = np.arange(width - 1, -1, -1, dtype=symbols.dtype)
    found: Bits = ((symbols[:, None] >> places) & 1).astype(np.uint8).ravel()
    return found


def _text(name: str, symbols: int, width: int, ran: dict[str, Ran]) -> str:
    lines = [f"{one_line(name)}: the first {symbols:,} symbols of {width} bits, AIS 20/31"]
    for procedure, found in ran.items():
        if isinstance(found, TooFewBits):
            lines += ["", f"{procedure}: too short: {found}"]
            continue
        title = "suite" if procedure == "T_irn" else "procedure"
        lines += ["", f"{title} {procedure} of version {found.version}", ""]
        for number, one in enumerate(found.rounds):
            if number:
                lines += ["", "repetition", ""]
            lines += terminal_lines(_table(one.tests), shown_width())
            if one.failed:
                lines += ["", *_failures(one.tests)]
        lines += ["", f"{procedure}: {found.verdict}" + (f": {found.needs}" if found.needs else "")]
    return "\n".join(lines) + "\n"


def _table(tests: Sequence[BasicTest]) -> Table:
    headings = [Column("test", "left"), Column("run"), Column("failed"), Column("values")]
    headings.append(Column("passes", "left"))
    rows = []
    for name in dict.fromkeys(test.name for test in tests):
        of = [test for test in tests if test.name == name]
        least, most = min(test.value for test in of), max(test.value for test in of)
        values = _number(least) if least == most else f"{_number(least)} to {_number(most)}"
        failed = sum(not test.passed for test in of)
        rows.append([name, f"{len(of)}", f"{failed}", values, _passes(of[0])])
    return Table(headings, [tuple(row) for row in rows])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:.6g}"


def _passes(test: BasicTest) -> str:
    if test.low is not None and test.high is not None:
        return f"between {_number(test.low)} and {_number(test.high)}"
    return f"above {test.low}" if test.high is None else f"up to {_number(test.high)}"


def _failures(tests: Sequence[BasicTest]) -> list[str]:
    """What each failed test means, and in which of the 257 sequences the first of them failed."""
    places: Counter[str] = Counter()
    where: dict[str, list[int]] = {}
    for test in tests:
        places[test.name] += 1
        if not test.passed:
            where.setdefault(test.name, []).append(places[test.name])
    lines = []
    for name, numbers in where.items():
        said = MEANING.get(name) or MEANING[name.split()[0]]
        listed = ", ".join(map(str, numbers[:SHOWN])) + (" ..." if len(numbers) > SHOWN else "")
        lines.append(f"  {name}: {said}" + (f" (sequence {listed})" if places[name] > 1 else ""))
    return lines


def _json(name: str, symbols: int, width: int, ran: dict[str, Ran]) -> dict[str, Any]:
    """Return what docs/ais31.md documents: built-in types, floats unrounded."""
    procedures: dict[str, Any] = {}
    for procedure, found in ran.items():
        if isinstance(found, TooFewBits):
            procedures[procedure] = {"verdict": "too short", "needs": str(found)}
            continue
        procedures[procedure] = {
            "version": found.version,
            "verdict": found.verdict,
            **({"needs": found.needs} if found.needs else {}),
            "bits": found.bits,
            "rounds": [
                {
                    "bits": one.bits,
                    "failed": len(one.failed),
                    "tests": [
                        {k: v for k, v in asdict(test).items() if v not in (None, {})}
                        for test in one.tests
                    ],
                }
                for one in found.rounds
            ],
        }
    return {"file": name, "symbols": symbols, "bits_per_symbol": width, "ais31": procedures}
