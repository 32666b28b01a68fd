"""Is it the form of a file, not its source, that is no noise? Then how it is to be read.

Each hint rests on what less than one ideal stream in 2^28 shows.
"""

import codecs
import math
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dan_bench.assess.forms import BASE64, DIGITS, HEXADECIMAL, LETTERS, MARK, SEPARATORS
from dan_bench.interfaces import Bytes

Counts = NDArray[np.int64]

EVIDENCE = 32
"""Binary digits of evidence that a hint needs."""

NEARLY_ALL = 0.99
"""Share of equal bytes above which they are no samples, whatever their width."""

BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
WHOLE = re.compile(rb"[+-]?[0-9]{1,20}")

HEADERS: tuple[tuple[bytes, str, str], ...] = (
    (rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]", "gzip", "gzip -dc"),
    (rb"BZh[1-9]\x31\x41\x59\x26\x53\x59", "bzip2", "bzip2 -dc"),
    (rb"\xfd7zXZ\x00", "xz", "xz -dc"),
    (rb"\x28\xb5\x2f\xfd", "Zstandard", "zstd -dc"),
    (rb"PK\x03\x04", "ZIP", "unzip -p"),
    (rb"7z\xbc\xaf\x27\x1c", "7-Zip", "7z e -so"),
    (rb"\x89PNG\r\n\x1a\n", "PNG", ""),
    (rb"\xff\xd8\xff(\xe0..JFIF|\xe1..Exif|\xdb\x00)", "JPEG", ""),
    (rb"GIF8[79]a", "GIF", ""),
    (rb"II\*\x00|MM\x00\*", "TIFF", ""),
    (rb"%PDF-", "PDF", ""),
    (rb"\x7fELF", "ELF", ""),
    (rb"\x89HDF\r\n\x1a\n", "HDF5", ""),
    (rb"SQLite format 3\x00", "SQLite", ""),
    (rb"fLaC", "FLAC", ""),
    (rb"OggS", "Ogg", ""),
)


def hint_of(head: Bytes, counts: Counts, bits: int) -> str:
    """Return what form a stream has and which option reads it; nothing where none is recognised.

    `head` are the first bytes, `counts` of each byte in all of it, `bits` what one is taken for.
    """
    total = int(counts.sum())
    complete = total == len(head)
    begins = head[:512].tobytes()
    # four bytes are too little evidence where each holds a symbol of fewer than eight bits
    whole_bytes = bits == 8 or bool(counts[1 << bits :].any())
    if whole_bytes and (found := _array(begins) or _sound(begins) or _header(begins)):
        return found
    if begins.startswith(MARK) and total > len(MARK):
        head, counts = head[len(MARK) :], counts.copy()
        counts[list(MARK)] -= 1
    if counts.max() > NEARLY_ALL * counts.sum():
        return ""
    found = _text(head.tobytes(), counts, complete, bits)
    return found or _words(head) or _narrow(counts, bits)


# headers


def _array(begins: bytes) -> str:
    """NumPy's .npy, whose header says how long it is and what follows."""
    found = re.match(rb"\x93NUMPY(?:\x01.(..)|[\x02\x03].(....))", begins, re.DOTALL)
    if not found:
        return ""
    skip = found.end() + int.from_bytes(found[1] or found[2], "little")
    of = re.search(rb"'descr': '([<>|])([a-z])([0-9]+)'", begins)
    if of and of[2] in b"iub":
        form = _word_option(int(of[3]), "be" if of[1] == b">" else "le")
        return f"a NumPy array of integers: --skip {skip}{form} leaves its header out"
    return f"a NumPy array, of no integers: --skip {skip} leaves its header out"


def _sound(begins: bytes) -> str:
    """WAV: where its samples begin, and how many bytes each has."""
    if not re.match(rb"RIFF.{4}WAVE", begins, re.DOTALL):
        return ""
    data = re.search(rb"fmt .{4}.{14}(..).*?data.{4}", begins, re.DOTALL)
    if not data:
        return "a WAV file: --skip BYTES leaves its header out"
    form = _word_option(int.from_bytes(data[1], "little") // 8, "le")
    return f"a WAV file: --skip {data.end()}{form} leaves its header out"


def _word_option(width: int, order: str) -> str:
    return f" --format u{8 * width}{order}" if width in (2, 4, 8) else ""


def _header(begins: bytes) -> str:
    for pattern, kind, command in HEADERS:
        if re.match(pattern, begins, re.DOTALL):
            unpack = f", and {command} FILE unpacks the rest" if command else ""
            return f"it begins like a {kind} file: --skip BYTES leaves a header out{unpack}"
    return ""


# text


def _text(data: bytes, counts: Counts, complete: bool, bits: int) -> str:
    """Noise that was written as text, or any text; `complete` is whether `data` is all of it."""
    if _made_of(counts, b"01", SEPARATORS, bits):
        return "zeros and ones as text: --format ascii01 reads eight as a byte (--bits 1: one each)"
    signs = SEPARATORS + b"+-"
    tokens = data.translate(bytes.maketrans(b",;", b"  ")).split()
    tokens = tokens if complete else tokens[:-1]  # the last one may be cut off
    if _made_of(counts, DIGITS, signs, bits) and (found := _integers(tokens)):
        return found
    if _made_of(counts, DIGITS, signs + b".eE", bits) and (found := _fractions(tokens)):
        return found
    letters = counts[list(b"abcdefABCDEF")].any()  # digits alone are decimal ones
    if letters and _made_of(counts, HEXADECIMAL, SEPARATORS + b":", bits):
        return "hexadecimal text: --format hex reads two digits as a byte"
    if _is_base64(data, counts, complete, bits):
        return "base64 text: --format base64 reads four characters as three bytes"
    if _is_text(data, counts, bits):
        return "UTF-8 text: --format ascii01, hex, base64, decimal or float reads noise in text"
    return ""


def _made_of(counts: Counts, alphabet: bytes, separators: bytes, bits: int) -> bool:
    """Whether there are only these bytes, and more of them than chance would have."""
    total, allowed = int(counts.sum()), alphabet + separators
    if not counts[list(alphabet)].any() or total != int(counts[list(allowed)].sum()):
        return False
    return total * _evidence(sum(byte < 1 << bits for byte in allowed), bits) >= EVIDENCE


def _evidence(allowed: int, bits: int) -> float:
    """The evidence in one symbol that it is among so many of the 2^bits that there are."""
    return bits - math.log2(allowed)


def _integers(tokens: list[bytes]) -> str:
    """Whole numbers; one alone is a string of digits."""
    if len(tokens) < 2 or not all(map(WHOLE.fullmatch, tokens)):
        return ""
    values = [int(token) for token in tokens]
    low, high = min(values), max(values)
    fits = max(high.bit_length(), 1)
    if low < 0 or fits > 8:
        option = "--format decimal reads the lowest 8 bits of each"
    else:
        narrow = f" --bits {fits}" if fits < 8 else ""
        option = f"--format decimal{narrow} reads each as a symbol"
    return f"decimal numbers as text, {low} to {high}: {option}"


def _fractions(tokens: list[bytes]) -> str:
    try:
        values = [float(token) for token in tokens]
    except ValueError:
        return ""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    if low >= 0 and high < 1:
        return "numbers in [0, 1) as text: --format float reads the first 8 bits of each"
    between = f"{low:g} to {high:g}"
    return f"decimal fractions as text, {between}: scaled to [0, 1), --format float reads them"


def _is_base64(data: bytes, counts: Counts, complete: bool, bits: int) -> bool:
    """Whether there are groups of four in lines of one length, of small and capital letters."""
    if not _made_of(counts, BASE64, b"\r\n", bits):
        return False
    lines = data.split() if complete else data.split()[:-1] or [data[: len(data) // 4 * 4]]
    lengths = [len(line) for line in lines]
    same = len(set(lengths[:-1])) <= 1 and lengths[-1] <= lengths[0]
    # words have no digits: the chance that so many characters of base64 have none
    enough = counts[list(DIGITS)].any() or len(data) * math.log2(64 / 54) < EVIDENCE
    fours = not any(length % 4 for length in lengths)
    plain = all(map(BASE64_LINE.fullmatch, lines))
    both = counts[list(LETTERS[:26])].any() and counts[list(LETTERS[26:])].any()
    return bool(same and fours and plain and enough and both)


def _is_text(data: bytes, counts: Counts, bits: int) -> bool:
    """Whether it is UTF-8 without control characters.

    Over the lengths of a character, a byte of noise continues a text with a chance below 2^-1.1.
    """
    controls = set(range(32)) - set(b"\t\n\v\f\r\b\x1b") | {127}
    if counts[list(controls)].any():
        return False
    allowed = sum(byte not in controls for byte in range(1 << bits))
    if len(data) * (1.1 if bits == 8 else _evidence(allowed, bits)) < EVIDENCE:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


# binary numbers


def _narrow(counts: Counts, bits: int) -> str:
    """Bytes that all hold fewer bits than they are taken for."""
    top = int(np.flatnonzero(counts)[-1]).bit_length()
    if not 0 < top < bits or int(counts.sum()) * (bits - top) < EVIDENCE:
        return ""
    one = "one bit a byte" if top == 1 else f"no byte is above {(1 << top) - 1}"
    return f"{one}: --bits {top} takes each for a symbol of {top} bit{'s' * (top > 1)}"


def _words(head: Bytes) -> str:
    """Words of several bytes, of which the high ones vary less than the low ones.

    Wide words come first: the numbers below 4096 in 32 bits are words of 16 bits, too, of which
    every other one is zero.
    """
    tests: tuple[tuple[int, Callable[[list[int]], bool]], ...] = (
        *((8, _upper_half_idle), (4, _upper_half_idle)),
        *((2, _top_idler), (4, _top_idler), (8, _top_idler)),
    )
    for width, test in tests:
        words = head[: len(head) // width * width].reshape(-1, width)
        if len(words) < 2:
            continue
        idle = [_idle_bits(words[:, place]) for place in range(width)]
        for ends, order, step in (("little", "le", 1), ("big", "be", -1)):
            places = idle[::step]
            evidence = (len(words) - 1) * (max(places) - min(places))
            low = np.bincount(words[:, ::step][:, 0])
            if evidence < EVIDENCE or not test(places) or low.max() > NEARLY_ALL * len(words):
                continue
            used = max(1, 8 - places[0])
            fewer = f" --bits {used}" if used < 8 else ""
            lowest = f"lowest {used}" if used > 1 else "lowest"
            return (
                f"words of {8 * width} bits, {ends}-endian, whose high bits hardly vary: "
                f"--format u{8 * width}{order}{fewer} reads the {lowest} of each"
            )
    return ""


def _idle_bits(column: Bytes) -> int:
    """How many of the highest bits are the same in all bytes, or the same as the bit below."""
    constant = int(np.bitwise_or.reduce(column) ^ np.bitwise_and.reduce(column))
    copies = int(np.bitwise_or.reduce(column ^ (column << np.uint8(1))))
    return max(8 - constant.bit_length(), 8 - copies.bit_length())


def _upper_half_idle(places: list[int]) -> bool:
    """Whether the high half holds nothing but a sign, and the lowest byte something."""
    half = len(places) // 2
    return min(places[half:]) >= 7 > places[0]


def _top_idler(places: list[int]) -> bool:
    """Whether the highest byte varies less than all others."""
    return places[-1] > max(places[:-1])
