"""What the entries of a certificate add up to, and the chain of hashes over them."""

import hashlib
from typing import Any

from dan_bench.degenerate.form import compact
from dan_bench.degenerate.source import ENOUGH
from dan_bench.degenerate.text import Shown

EVERY = 1000
"""Files between two hashes of the chain that are kept."""
SHOWN = 50
"""Exceptional files of each status that the text lists."""
UNIT = 10_000
"""Percentages are held in whole numbers of 1 / 10,000."""
STATUSES = ("overwritten", "partly", "failed", "left alone", "passed over")
NUMBERS = ("bytes", "read_back", "removed", "doubted")

Entry = list[Any]
"""Name, bytes, number of the outcome, %_dd on disk at least and at most, and maybe particulars."""


class Sums:
    """What the entries add up to: while they are written, and when they are checked.

    Args:
        sources: as the document has them.
        remove: whether the files were to be removed.
    """

    def __init__(self, sources: list[dict[str, Any]], remove: bool) -> None:
        self.counts: dict[int, int] = {}
        """Files of each outcome."""
        self.shown: list[Shown] = []
        """The first exceptional files of each status."""
        self.exceptional = 0
        self._sources: list[tuple[int, int | None]] = [
            (_whole(of["at_least"]), None if of["at_most"] is None else _whole(of["at_most"]))
            for of in sources
        ]
        self._remove = remove
        self._listed: dict[str, int] = {}
        self._of: dict[str, int] = dict.fromkeys((*STATUSES, *NUMBERS), 0)
        self._weight = 0
        self._disk = self._gone = (0, 0)
        self._unknown = self._not_vouched = False

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
        usual = done and not outcome["doubts"] and outcome["read_back"] is True
        if not usual or outcome["error"]:
            self.exceptional += 1
            self._listed[status] = self._listed.get(status, 0) + 1
            if self._listed[status] <= SHOWN:
                self.shown.append(Shown(folder, entry, outcome))
        removed = outcome["removed"] or not self._remove
        if status != "passed over" and not (usual and removed and particulars.get("compared") != 0):
            self._not_vouched = True
        if size is None or particulars.get("same_as") is not None:
            return
        of["bytes"] += size if done else 0
        data = particulars.get("data")
        weight = size if data is None else data
        least, most = self._sources[outcome["source"]]
        ends = (0, 100 * UNIT) if low is None else (_whole(low), _whole(high))
        self._weight += weight
        self._disk = self._disk[0] + weight * ends[0], self._disk[1] + weight * ends[1]
        above = ends[1] if most is None else min(ends[1], most)
        self._gone = self._gone[0] + weight * ends[0] * least, self._gone[1] + weight * above
        self._unknown |= most is None
        self._not_vouched |= least < ENOUGH * UNIT

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
        return {
            **{name.replace(" ", "_"): count for name, count in of.items()},
            "on_disk": disk,
            "destroyed": gone,
            "vouched": of["overwritten"] > 0 and not self._not_vouched,
        }


class Chain:
    """The hashes of the head, of each file after it, and of the rest; see `ChainForm`."""

    def __init__(self, head: dict[str, Any]) -> None:
        self.now = hashlib.sha256(compact(head)).hexdigest()
        self.links: list[str] = []
        self._files = 0

    def add(self, folder: bytes, entry: bytes) -> None:
        """Take the next file, both parts as compact JSON."""
        self._take(b"[%b,%b]" % (folder, entry))
        self._files += 1
        if self._files % EVERY == 0:
            self.links.append(self.now)

    def end(self, outcomes: list[dict[str, Any]], total: dict[str, Any]) -> dict[str, Any]:
        """Return the chain, as the document has it."""
        self._take(compact([outcomes, total, self.links]))
        return {"every": EVERY, "links": self.links, "head": self.now}

    def _take(self, value: bytes) -> None:
        self.now = hashlib.sha256(self.now.encode() + value).hexdigest()


def _whole(percent: float) -> int:
    """Percent as a whole number of units, which it was rounded to."""
    return round(percent * UNIT)
