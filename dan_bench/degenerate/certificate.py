"""The certificate of an erasure: as JSON, whose form is `form.Document`, and as text for people."""

import hashlib
import json
import math
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from dan_bench.degenerate.form import KIND, compact, path_text
from dan_bench.degenerate.source import ENOUGH
from dan_bench.degenerate.text import Shown, text_of
from dan_bench.erase import ErasureReport, FileResult
from dan_bench.files import whole
from dan_bench.interfaces import Destruction, Estimate

CLAIM = (
    "The most that this can claim is Clear, as NIST SP 800-88 Rev. 2 defines it: the data cannot "
    "be had back through the interfaces of the device. At most is what the attacks known here "
    "leave; attacks only get better."
)
NOT_KNOWN = (
    "earlier places of the same data, which no file leads to any more: where an editor saved a new "
    "file and renamed it over the old one, where a file was cut, had a hole punched or was moved",
    "data that lay among the file system's own because the file was small, before it grew",
    "snapshots that were deleted, and the journal and free blocks of the file system",
    "blocks that the device has put out of service, or keeps in reserve (flash)",
    "copies elsewhere: backups, other machines, swap, thumbnails, indexes, caches",
    "names, dates and attributes of the files",
)
METHOD = "Clear, by overwriting once, in place, every byte that a file holds a block for"
VERIFICATION = (
    "full: each file is read back whole, past the page cache, and compared with what was written; "
    "%_dd on disk: its old bytes, kept enciphered, or a random sample of them if it is large, are "
    "looked for afterwards (95 % intervals)"
)
EVERY = 1000
"""Files between two hashes of the chain that are kept."""
SHOWN = 100
"""Exceptional files that the text lists."""
UNIT = 10_000
"""Percentages are held in whole numbers of 1 / 10,000."""
NUMBER = re.compile(r"(?<![\w.{-])\d{1,18}(?![\w.}-])")
"""A number that stands alone in a text, as in "4096 of 8192 bytes"."""

NUMBERS = ("bytes", "read_back", "removed", "doubted")

Entry = list[Any]
"""Name, bytes, number of the outcome, %_dd on disk at least and at most, and maybe particulars."""


@dataclass(frozen=True)
class Certificate:
    """One erasure.

    Args:
        paths: what was named.
        began: of the attempt that ended it, and `ended`.
        report: what was done.
        destroys: what is gone from the noise that was written.
        made_from_data: whether that noise was made from the data.
        devices: what the files lay on, as `device.devices` returns it.
        remove: whether they were to be removed.
        operator, contact: who did it, and where to reach them, in the user's own words.
    """

    paths: tuple[str, ...]
    began: datetime
    ended: datetime
    report: ErasureReport
    destroys: Destruction
    made_from_data: bool = False
    devices: tuple[dict[str, Any], ...] = ()
    remove: bool = False
    operator: str | None = None
    contact: str | None = None

    def head(self) -> dict[str, Any]:
        """Return all that stands before the files."""
        source = {
            "at_least": _down(self.destroys.at_least) / UNIT,
            "at_most": None if self.destroys.at_most is None else _up(self.destroys.at_most) / UNIT,
            "name": _clean(self.report.noise),
            "made_from_data": self.made_from_data,
            "reason": _clean(self.destroys.reason),
        }
        return {
            "kind": KIND,
            "claim": CLAIM,
            "not_known": list(NOT_KNOWN),
            "method": METHOD,
            "verification": VERIFICATION,
            "tool": f"dan_bench {_version()}, Python {platform.python_version()}, "
            f"{platform.system()} {platform.release()}",
            "host": _clean(platform.node()),
            "operator": None if self.operator is None else _clean(self.operator),
            "contact": None if self.contact is None else _clean(self.contact),
            "paths": [path_text(path) for path in self.paths],
            "remove": self.remove,
            "attempts": [
                [f"{t.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+00:00" for t in (self.began, self.ended)]
            ],
            "sources": [source],
            "devices": list(self.devices),
        }


class Sums:
    """What the entries add up to: while they are written, and when they are checked.

    Args:
        sources: as the document has them.
    """

    def __init__(self, sources: list[dict[str, Any]]) -> None:
        self.counts: dict[int, int] = {}
        """Files of each outcome."""
        self.shown: list[Shown] = []
        """The first exceptional files."""
        self.exceptional = 0
        self._sources = sources
        names = (*("overwritten", "failed", "left alone"), *NUMBERS)
        self._of: dict[str, int] = dict.fromkeys(names, 0)
        self._weight = 0
        self._disk = self._gone = (0, 0)
        self._unknown = self._leaky = False

    def add(self, folder: str, entry: Entry, outcome: dict[str, Any]) -> None:
        """Count one file."""
        _, size, number, low, high, *rest = entry
        particulars: dict[str, Any] = rest[0] if rest else {}
        of, status = self._of, outcome["status"]
        self.counts[number] = self.counts.get(number, 0) + 1
        of[status] += 1
        done = status == "overwritten"
        of["read_back"] += done and outcome["read_back"] is True
        of["removed"] += outcome["removed"]
        of["doubted"] += bool(outcome["doubts"])
        if not done or outcome["doubts"] or outcome["error"] or outcome["read_back"] is not True:
            self.exceptional += 1
            if len(self.shown) < SHOWN:
                self.shown.append(Shown(folder, entry, outcome))
        if status == "left alone" or particulars.get("same_as") is not None:
            return
        of["bytes"] += size if done else 0
        data = particulars.get("data")
        weight = size if data is None else data
        least, most = self._of_source(outcome["source"])
        ends = (0, 100 * UNIT) if low is None else (round(low * UNIT), round(high * UNIT))
        self._weight += weight
        self._disk = self._disk[0] + weight * ends[0], self._disk[1] + weight * ends[1]
        above = ends[1] if most is None else min(ends[1], most)
        self._gone = self._gone[0] + weight * ends[0] * least, self._gone[1] + weight * above
        self._unknown |= most is None
        self._leaky |= least < ENOUGH * UNIT

    def _of_source(self, number: int | None) -> tuple[int, int | None]:
        """What is gone from the noise, at least and at most."""
        if number is None:
            return 0, 100 * UNIT
        source = self._sources[number]
        most = source["at_most"]
        return round(source["at_least"] * UNIT), None if most is None else round(most * UNIT)

    def total(self) -> dict[str, Any]:
        """Return the sums, as `TotalForm` has them.

        What is certainly gone is a product: of what was overwritten, what its noise does not tell.
        What may be gone is the lesser of both.
        """
        of, n = self._of, self._weight
        disk = gone = None
        if n:
            disk = {
                "at_least": self._disk[0] // n / UNIT,
                "at_most": -(-self._disk[1] // n) / UNIT,
            }
            gone = {
                "at_least": self._gone[0] // (n * 100 * UNIT) / UNIT,
                "at_most": None if self._unknown else -(-self._gone[1] // n) / UNIT,
            }
        done = of["overwritten"]
        return {
            "overwritten": done,
            "failed": of["failed"],
            "left_alone": of["left alone"],
            **{name: of[name] for name in NUMBERS},
            "on_disk": disk,
            "destroyed": gone,
            "vouched": 0 < done == of["read_back"]
            and not (of["failed"] or of["doubted"] or self._leaky),
        }


class Chain:
    """The hashes of the head, of each file after it, and of the rest; see `ChainForm`."""

    def __init__(self, head: dict[str, Any]) -> None:
        self.now = hashlib.sha256(compact(head)).hexdigest()
        self.links: list[str] = []
        self._files = 0

    def add(self, folder: str, entry: Entry) -> None:
        """Take the next file."""
        self._take([folder, entry])
        self._files += 1
        if self._files % EVERY == 0:
            self.links.append(self.now)

    def end(self, outcomes: list[dict[str, Any]], total: dict[str, Any]) -> dict[str, Any]:
        """Return the chain, as the document has it."""
        self._take([outcomes, total, self.links])
        return {"every": EVERY, "links": self.links, "head": self.now}

    def _take(self, value: Any) -> None:
        self.now = hashlib.sha256(self.now.encode() + compact(value)).hexdigest()


class Outcomes:
    """The distinct outcomes, and the entries that refer to them."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self._numbers: dict[bytes, int] = {}

    def entries(self, report: ErasureReport) -> Iterator[tuple[str, Entry]]:
        """Yield the folder and the entry of each file, then of all that was left alone."""
        for file in report.files:
            yield self._entry(file)
        for remark in report.refused:
            folder, name = os.path.split(remark.path)
            numbers: list[int] = []
            number = self._number("left alone", numbers, error=remark.text)
            rest = [{"n": numbers}] if numbers else []
            yield path_text(folder), [path_text(name), None, number, None, None, *rest]

    def _entry(self, file: FileResult) -> tuple[str, Entry]:
        folder, name = os.path.split(file.path)
        numbers: list[int] = []
        survey = file.survey
        number = self._number(
            file.status,
            numbers,
            source=0,
            read_back=file.read_back,
            removed=file.removed,
            earlier=file.earlier,
            doubts=() if survey is None else survey.unverified,
            error=file.error,
        )
        particulars: dict[str, Any] = {}
        if survey is not None and survey.data != file.size:
            particulars["data"] = survey.data
        if survey is not None and survey.compared != survey.data:
            particulars["compared"] = survey.compared
        if numbers:
            particulars["n"] = numbers
        if file.same_as is not None:
            particulars["same_as"] = path_text(file.same_as)
        low, high = _ends(None if survey is None else survey.destroyed)
        rest = [particulars] if particulars else []
        return path_text(folder), [path_text(name), file.size, number, low, high, *rest]

    def _number(
        self,
        status: str,
        numbers: list[int],
        *,
        source: int | None = None,
        read_back: bool | None = None,
        removed: bool = False,
        earlier: bool = False,
        doubts: tuple[str, ...] = (),
        error: str | None = None,
    ) -> int:
        """Return the number of an outcome; numbers in its texts are taken out of them."""
        outcome = {
            "status": status,
            "source": source,
            "read_back": read_back,
            "removed": removed,
            "earlier": earlier,
            "doubts": [_template(doubt, numbers) for doubt in doubts],
            "error": None if error is None else _template(error, numbers),
        }
        number = self._numbers.setdefault(compact(outcome), len(self.listed))
        if number == len(self.listed):
            self.listed.append(outcome)
        return number


def write_json(certificate: Certificate, file: BinaryIO) -> tuple[dict[str, Any], Sums]:
    """Write the document, a line for each file; return it without its files, and their sums."""
    head = certificate.head()
    chain, sums, outcomes = Chain(head), Sums(head["sources"]), Outcomes()
    file.write(b"{\n")
    for name, value in head.items():
        file.write(f' "{name}": {json.dumps(value)},\n'.encode())
    file.write(b' "folders": [')
    between = b"\n"
    for folder, of in groupby(outcomes.entries(certificate.report), key=lambda pair: pair[0]):
        file.write(between + f'  {{"folder": {json.dumps(folder)}, "files": [\n'.encode())
        comma = ""
        for _, entry in of:
            chain.add(folder, entry)
            sums.add(folder, entry, outcomes.listed[entry[2]])
            file.write(f"{comma}{json.dumps(entry, separators=(',', ':'))}".encode())
            comma = ",\n"
        file.write(b"\n  ]}")
        between = b",\n"
    file.write(b"\n ],\n")
    listed = [of | {"count": sums.counts[i]} for i, of in enumerate(outcomes.listed)]
    total = sums.total()
    rest = {"outcomes": listed, "total": total, "chain": chain.end(listed, total)}
    parts = (f' "{name}": {json.dumps(value)}' for name, value in rest.items())
    file.write((",\n".join(parts) + "\n}\n").encode())
    return head | rest, sums


def write(certificate: Certificate, path: Path) -> tuple[list[Path], dict[str, Any]]:
    """Write PATH (JSON) and a .txt beside it, each whole or not; return both, and the sums."""
    beside = path.with_suffix(".txt")
    with whole(path) as file:
        document, sums = write_json(certificate, file)
    with whole(beside) as file:
        file.write(text_of(document, sums.shown, sums.exceptional))
    return [path, beside], document["total"]


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


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


def _template(text: str, numbers: list[int]) -> str:
    """Take the numbers out of a text, so that there are few texts, however many files."""
    text = _clean(text)
    if "{}" in text:
        return text.replace("{}", "{ }")
    numbers += map(int, NUMBER.findall(text))
    return NUMBER.sub("{}", text)


def _clean(text: str) -> str:
    """Return a text that is Unicode."""
    return text.encode("utf-8", "backslashreplace").decode()


def _version() -> str:
    try:
        return version("dan-bench")
    except PackageNotFoundError:
        return "not installed"
