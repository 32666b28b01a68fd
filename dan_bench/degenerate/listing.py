"""What would be lost, before; what was done and what was left alone, after."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from dan_bench.degenerate.source import in_words
from dan_bench.erase import ErasurePlan, ErasureReport, Remark
from dan_bench.interfaces import NoiseSource

KIND = "dan_bench listing of an erasure, version 1"
SHOWN = 40
"""Lines of a kind, unless all are asked for."""
REASONS = 12


def digest_of(plan: ErasurePlan) -> str:
    """Return what names exactly these files, in this state: path, inode, size and time of each."""
    found = hashlib.sha256()
    for file in sorted(plan.files, key=lambda file: file.path):
        of = file.status
        found.update(repr((file.path, of.st_ino, of.st_size, of.st_mtime_ns)).encode())
    return found.hexdigest()[:16]


def listing(plan: ErasurePlan, noise: NoiseSource, remove: bool, everything: bool) -> str:
    """Return what would be lost, what would be left alone, and the warnings to read before."""
    most = None if everything else SHOWN
    files = (f"{file.status.st_size:>15,}  {file.path!r}" for file in plan.files)
    return "\n".join(
        [
            *_first(files, len(plan.files), most, f"{'':15}  "),
            f"{plan.size:>15,}  bytes in {len(plan.files):,} files would be overwritten"
            + (" and removed" if remove else ""),
            f"with: {noise.name}",
            f"gone from that noise: {in_words(noise.destroys)} ({noise.destroys.reason})",
            f"listing: {digest_of(plan)}",
            *_remarks("left alone", plan.refused, most),
            *_remarks("WARNING", plan.warnings, most),
        ]
    )


def to_json(plan: ErasurePlan, noise: NoiseSource, remove: bool) -> str:
    """Return all of the same for programs to read; of a path that is not Unicode, surrogates."""
    return json.dumps(
        {
            "kind": KIND,
            "listing": digest_of(plan),
            "paths": plan.paths,
            "noise": noise.name,
            "remove": remove,
            "bytes": plan.size,
            "files": [{"path": f.path, "size": f.status.st_size} for f in plan.files],
            "left_alone": list(map(asdict, plan.refused)),
            "warnings": list(map(asdict, plan.warnings)),
        },
        indent=1,
    )


def summary(report: ErasureReport, destroyed: str, folders: int) -> Iterator[str]:
    """Yield the last lines: sums of what was done, of what cannot be vouched for, and why.

    Args:
        report: of the erasure.
        destroyed: %_dd in words.
        folders: how many were removed.
    """
    files = report.files
    done = sum(file.status == "overwritten" for file in files)
    yield f"{done:,} of {len(files):,} files overwritten: {destroyed}"
    vouched = sum(file.status == "overwritten" and file.vouched for file in files)
    yield f"{vouched:,} of them read back as written, and in no doubt"
    if report.removal:
        removed = sum(file.removed for file in files)
        yield f"{removed:,} of {len(files):,} files removed, and {folders:,} folders"
    doubts = Counter(reason for file in files if file.survey for reason in file.survey.unverified)
    yield from _counted("UNVERIFIED", doubts)
    yield from _counted("LEFT ALONE", Counter(r.text for r in report.refused if r.holds_data))
    yield from _counted("passed over", Counter(r.text for r in report.refused if not r.holds_data))


def _counted(what: str, reasons: Counter[str]) -> Iterator[str]:
    """A line for each reason, the most frequent first, with the number of its files."""
    for reason, number in reasons.most_common(REASONS):
        yield f"{what}: {number:,}: {reason}"
    if len(reasons) > REASONS:
        rest = sum(reasons.values()) - sum(n for _, n in reasons.most_common(REASONS))
        yield f"{what}: {rest:,}: for other reasons"


def _remarks(what: str, remarks: tuple[Remark, ...], most: int | None) -> Iterator[str]:
    lines = (f"{what}: {remark.path!r}: {remark.text}" for remark in remarks)
    yield from _first(lines, len(remarks), most, f"{what}: ")


def _first(lines: Iterable[str], total: int, most: int | None, before: str) -> Iterator[str]:
    """The first lines, and how many there are more."""
    for i, line in enumerate(lines):
        if i == most:
            yield f"{before}... and {total - i:,} more (--list shows all)"
            return
        yield line
