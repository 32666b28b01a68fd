"""Options that say what the bytes of a file stand for, and what they come to together."""

import argparse
import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dan_bench.assess.reading import Layout

MOST_BITS = 16
OF_SOURCES = ("--entropy-source", "--restart", "--conditioning", "--health")
"""Options with a command line of their own."""


def source_option(arguments: list[str]) -> str | None:
    """Return which of the options is among the arguments, or None."""
    names = {argument.partition("=")[0] for argument in arguments}
    return next((option for option in OF_SOURCES if option in names), None)


def add_reading_options(made: argparse.ArgumentParser) -> None:
    """Add them to the command line's parser."""
    made.add_argument(
        "--format",
        dest="form",
        default="raw",
        metavar="FORMAT",
        help="what the bytes stand for: raw (one symbol a byte: the default), bits (eight a byte, "
        "the highest first), text (ascii01, hex, base64, decimal, float, csv:COLUMN) or words of "
        "16, 32 or 64 bits (u16le, u16be, u32le ...)",
    )
    made.add_argument("--form", dest="formerly", help=argparse.SUPPRESS)
    made.add_argument(
        "--bits",
        type=int,
        choices=range(1, MOST_BITS + 1),
        metavar="N",
        help="bits of a symbol, 1 to 16: each byte, word or number holds one and nothing else "
        "(default: the lowest 8); more than 8 are mapped down to the 8 that carry most",
    )
    made.add_argument(
        "--lane",
        metavar="BITS",
        help="assess these bits of each value, 0 the lowest, such as 0 or 0-3 or 0,2,8-11",
    )
    made.add_argument("--skip", type=int, default=0, metavar="BYTES", help="leave out a header")
    made.add_argument("--limit", type=int, metavar="BYTES", help="assess no more than that")
    made.add_argument(
        "--together", action="store_true", help="take all files for one stream, in their order"
    )
    made.add_argument(
        "--segment",
        type=int,
        metavar="SYMBOLS",
        help="compare segments of that many symbols: does the source drift?",
    )
    made.add_argument(
        "--advise",
        action="store_true",
        help="only say which bits of a value carry entropy, and which repeat others",
    )


def layout_of(asked: argparse.Namespace, command: argparse.ArgumentParser) -> "Layout":
    """Return how to read the files; a command line that makes no sense ends with what it should be.

    `asked.form` becomes the form's present name.
    """
    if asked.limit is not None and asked.limit < 1:
        command.error(f"--limit {asked.limit}: must be at least 1 byte")
    if asked.skip < 0:
        command.error(f"--skip {asked.skip}: must not be negative")
    if asked.files.count("-") > 1:
        command.error("standard input can be read once only")

    from dan_bench.assess.forms import FORMERLY, form_of  # numpy, which --help does without
    from dan_bench.assess.reading import Layout

    strict, asked.bits = asked.bits is not None, asked.bits or 8
    if asked.formerly is not None:
        asked.form = FORMERLY.get(asked.formerly, asked.formerly)
    try:
        width = form_of(asked.form).width or asked.bits
    except ValueError as error:
        command.error(f"--format {asked.form}: {error}")
    if asked.bits > width:
        command.error(f"--bits {asked.bits}: --format {asked.form} has values of {width} bits")
    try:
        lanes = () if asked.lane is None else lanes_of(asked.lane, width)
    except ValueError as error:
        command.error(f"--lane {asked.lane}: {error}")
    return Layout(asked.bits, asked.form, lanes, asked.skip, asked.limit, strict)


def lanes_of(text: str, width: int) -> tuple[int, ...]:
    """Return the bits that a text such as `0,2,8-11` names, in ascending order.

    Raises:
        ValueError: it names none, one twice, one that a value of `width` bits does not have, or
            more than 16.
    """
    if not re.fullmatch(r"[0-9]{1,3}(-[0-9]{1,3})?(,[0-9]{1,3}(-[0-9]{1,3})?)*", text):
        raise ValueError("bits of a value, 0 the lowest, such as 0 or 0-3 or 0,2,8-11")
    found: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    if not found or len(set(found)) < len(found):
        raise ValueError("each bit once, the lower end of a range first")
    if max(found) >= width:
        raise ValueError(f"a value has {width} bits, 0 to {width - 1}")
    if len(found) > MOST_BITS:
        raise ValueError(f"{len(found)} bits: at most {MOST_BITS} make a symbol")
    return tuple(sorted(found))


def probability(text: str) -> float:
    """Return a probability, which may be written as a power: 2^-30."""
    base, caret, exponent = text.replace("**", "^").partition("^")
    try:
        return math.pow(float(base), float(exponent)) if caret else float(base)
    except OverflowError as error:
        raise ValueError from error
