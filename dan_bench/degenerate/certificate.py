"""The certificate of an erasure: as JSON, whose form is `form.Document`, and as text for people."""

import json
import math
import os
import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, BinaryIO

from dan_bench.degenerate.form import KIND, compact, path_text
from dan_bench.degenerate.source import of_earlier
from dan_bench.degenerate.sums import UNIT, Chain, Entry, Sums
from dan_bench.degenerate.text import text_of
from dan_bench.erase import ErasureReport, FileResult
from dan_bench.erase.free_space import NOT_FREE, FreeSpaceResult
from dan_bench.interfaces import Estimate, NoiseSource
from dan_bench.results.provenance import tool

CLAIM = (
    "The most that this can claim is Clear, as NIST SP 800-88 Rev. 2 defines it: the data cannot "
    "be had back through the interfaces of the device. At most is what the attacks known here "
    "leave; attacks only get better."
)
NOT_KNOWN = (
    "earlier places of the same data, which no file leads to any more: where an editor saved a new "
    "file and renamed it over the old one, where a file was cut, had a hole punched or was moved",
    "data that lay among the file system's own because the file was small, before it grew",
    "snapshots that were deleted, and the free blocks of the file system",
    "blocks that the device has put out of service, or keeps in reserve (flash)",
    "copies elsewhere: backups, other machines, swap, thumbnails, indexes, caches",
    "names and dates of the files, which directories and the file system's journal keep",
)
METHOD = "Clear, by overwriting once, in place, every byte that a file holds a block for"
VERIFICATION = (
    "full: each file is read back whole, past the page cache, and compared with what was written; "
    "%_dd on disk: its old bytes, kept enciphered, or a random sample of them if it is large, are "
    "looked for afterwards (95 % intervals)"
)
NUMBER = re.compile(r"(?<![\w.{-])\d{1,18}(?![\w.}-])")
"""A number that stands alone in a text, as in "4096 of 8192 bytes"."""

OUTCOME = ("status", "source", "read_back", "removed", "earlier", "doubts", "error")


@dataclass(frozen=True)
class Certificate:
    """One erasure.

    Args:
        paths: what was named.
        report: what was done, and when.
        noise: what the last attempt wrote.
        devices: what the files lay on, as `device.devices` returns it.
        filled: what became of the free space, where that was asked for.
        operator, contact: who did it, and where to reach them, in the user's own words.
    """

    paths: tuple[str, ...]
    report: ErasureReport
    noise: NoiseSource
    devices: Sequence[dict[str, Any]] = ()
    filled: tuple[FreeSpaceResult, ...] = ()
    operator: str | None = None
    contact: str | None = None

    @cached_property
    def noises(self) -> dict[str, int]:
        """All that files were overwritten with, by name, with their numbers in the document."""
        names = [attempt.noise for attempt in self.report.attempts]
        names += [file.noise for file in self.report.files]
        return {name: number for number, name in enumerate(dict.fromkeys(names))}

    def head(self) -> dict[str, Any]:
        """Return all that stands before the files."""
        return {
            "kind": KIND,
            "claim": CLAIM,
            "not_known": list(NOT_KNOWN),
            "method": METHOD,
            "verification": VERIFICATION,
            "tool": f"{tool()}, Python {platform.python_version()}, "
            f"{platform.system()} {platform.release()}",
            "host": _clean(platform.node()),
            "operator": None if self.operator is None else _clean(self.operator),
            "contact": None if self.contact is None else _clean(self.contact),
            "paths": [path_text(path) for path in self.paths],
            "remove": self.report.removal,
            "attempts": [[_time(of.began), _time(of.ended)] for of in self.report.attempts],
            "sources": [self._source(name) for name in self.noises],
            "devices": list(self.devices),
            "free_space": [
                {
                    "folder": path_text(of.folder),
                    "bytes": of.written,
                    "left": of.left,
                    "read_back": of.read_back,
                    "doubts": [*of.doubts, NOT_FREE],
                }
                for of in self.filled
            ],
        }

    def _source(self, name: str) -> dict[str, Any]:
        """What files were overwritten with, as `SourceForm` has it."""
        made_from_data, destroys = self.noise.needs_original, self.noise.destroys
        if name != self.noise.name:
            made_from_data, destroys = of_earlier(name)
        most = destroys.at_most
        return {
            "at_least": _down(destroys.at_least) / UNIT,
            "at_most": None if most is None else _up(most) / UNIT,
            "name": _clean(name),
            "made_from_data": made_from_data,
            "reason": _clean(destroys.reason),
        }


class Outcomes:
    """The distinct outcomes, and the entries that refer to them.

    Args:
        noises: all that files were overwritten with, by name, with their numbers.
    """

    def __init__(self, noises: dict[str, int]) -> None:
        self._noises = noises
        self.listed: list[dict[str, Any]] = []
        self._numbers: dict[tuple[Any, ...], int] = {}

    def entries(self, report: ErasureReport) -> Iterator[tuple[str, Entry]]:
        """Yield the folder and the entry of each file, then of all that was left alone."""
        for file in report.files:
            yield self._entry(file)
        for remark in report.refused:
            folder, name = os.path.split(remark.path)
            number, numbers = self._number(
                "left alone" if remark.holds_data else "passed over", error=remark.text
            )
            rest = [{"n": numbers}] if numbers else []
            yield path_text(folder), [path_text(name), None, number, None, None, *rest]

    def _entry(self, file: FileResult) -> tuple[str, Entry]:
        folder, name = os.path.split(file.path)
        survey = file.survey
        number, numbers = self._number(
            file.status,
            self._noises[file.noise],
            file.read_back,
            file.removed,
            file.earlier,
            () if survey is None else survey.unverified,
            file.error,
        )
        if survey is None:
            data, compared = None, 0 if file.same_as is None else None
        else:
            data = None if survey.data == file.size else survey.data
            compared = None if survey.compared == survey.data else survey.compared
        particulars = {
            "data": data,
            "compared": compared,
            "n": numbers or None,
            "same_as": None if file.same_as is None else path_text(file.same_as),
            "bad": [list(span) for span in file.bad] or None,
            "digest": file.digest,
        }
        said = {name: value for name, value in particulars.items() if value is not None}
        low, high = _ends(None if survey is None else survey.destroyed)
        rest = [said] if said else []
        return path_text(folder), [path_text(name), file.size, number, low, high, *rest]

    def _number(
        self,
        status: str,
        source: int | None = None,
        read_back: bool | None = None,
        removed: bool = False,
        earlier: bool = False,
        doubts: tuple[str, ...] = (),
        error: str | None = None,
    ) -> tuple[int, list[int]]:
        """Return the number of an outcome, and the numbers that were taken out of its texts."""
        found = [_template(doubt) for doubt in doubts]
        why, of_error = (None, ()) if error is None else _template(error)
        templates = tuple(template for template, _ in found)
        numbers = [n for _, of in found for n in of] + [*of_error]
        key = status, source, read_back, removed, earlier, templates, why
        number = self._numbers.setdefault(key, len(self.listed))
        if number == len(self.listed):
            outcome = dict(zip(OUTCOME, key, strict=True))
            self.listed.append(outcome | {"doubts": list(templates)})
        return number, numbers


def write_json(certificate: Certificate, file: BinaryIO) -> tuple[dict[str, Any], Sums]:
    """Write the document, a line for each file; return it without its files, and their sums."""
    head = certificate.head()
    chain, sums, outcomes = (
        Chain(head),
        Sums(head["sources"], head["remove"]),
        Outcomes(certificate.noises),
    )
    file.write(b"{\n")
    for name, value in head.items():
        file.write(f' "{name}": {json.dumps(value)},\n'.encode())
    file.write(b' "folders": [')
    between = b"\n"
    for folder, of in groupby(outcomes.entries(certificate.report), key=itemgetter(0)):
        folder_text, comma = compact(folder), b""
        file.write(between + b'  {"folder": %b, "files": [\n' % folder_text)
        for _, entry in of:
            text = compact(entry)
            chain.add(folder_text, text)
            sums.add(folder, entry, outcomes.listed[entry[2]])
            file.write(comma + text)
            comma = b",\n"
        file.write(b"\n  ]}")
        between = b",\n"
    file.write(b"\n ],\n")
    listed = [of | {"count": sums.counts[i]} for i, of in enumerate(outcomes.listed)]
    total = sums.total()
    rest = {"outcomes": listed, "total": total, "chain": chain.end(listed, total)}
    parts = (f' "{name}": {json.dumps(value)}' for name, value in rest.items())
    file.write((",\n".join(parts) + "\n}\n").encode())
    return head | rest, sums


def write(certificate: Certificate, file: BinaryIO, beside: BinaryIO) -> dict[str, Any]:
    """Write the document, and its text into a file beside it; return the sums."""
    document, sums = write_json(certificate, file)
    beside.write(text_of(document, sums.shown, sums.exceptional))
    total: dict[str, Any] = document["total"]
    return total


def _time(seconds: float) -> str:
    """Seconds since 1970 as a time."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _ends(destroyed: Estimate | None) -> tuple[float | None, float | None]:
    """Both ends of %_dd, rounded outwards."""
    if destroyed is None:
        return None, None
    low, high = (destroyed.value if e is None else e for e in (destroyed.low, destroyed.high))
    return _down(low) / UNIT, _up(high) / UNIT


def _down(percent: float) -> int:
    return math.floor(round(percent * UNIT, 4))


def _up(percent: float) -> int:
    return math.ceil(round(percent * UNIT, 4))


@lru_cache(1024)
def _template(text: str) -> tuple[str, tuple[int, ...]]:
    """Take the numbers out of a text, so that there are few texts, however many files."""
    text = _clean(text).replace("{}", "{ }")
    return NUMBER.sub("{}", text), tuple(map(int, NUMBER.findall(text)))


def _clean(text: str) -> str:
    """Return a text that is Unicode."""
    return text.encode("utf-8", "backslashreplace").decode()
