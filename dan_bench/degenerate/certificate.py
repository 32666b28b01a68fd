"""The certificate of an erasure: as JSON, and as text for people to read."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dan_bench.erase import ErasureReport, FileResult
from dan_bench.files import whole
from dan_bench.interfaces import Estimate

KIND = "dan_bench certificate of erasure, version 1"
CLAIM = (
    "The most that this can claim is Clear, as NIST SP 800-88 Rev. 2 defines it: the data cannot "
    "be had back through the interfaces of the device. Copies elsewhere, snapshots, spare blocks "
    "of the device and backups were not looked for. %_dd is an upper bound: attacks only get "
    "better."
)
READ_BACK = {True: "read back as written", False: "NOT what was written", None: "not read back"}


@dataclass(frozen=True)
class Certificate:
    """One erasure."""

    paths: tuple[str, ...]
    began: datetime
    ended: datetime
    report: ErasureReport

    def to_json(self) -> dict[str, Any]:
        """Return it as built-in types."""
        return {
            "kind": KIND,
            "claim": CLAIM,
            "paths": list(self.paths),
            "began": self.began.isoformat(timespec="seconds"),
            "ended": self.ended.isoformat(timespec="seconds"),
            "noise": self.report.noise,
            "complete": self.report.complete,
            "percent_destroyed": _span(self.report.destroyed),
            "files": [_entry(file) for file in self.report.files],
            "left_alone": [asdict(remark) for remark in self.report.refused],
        }

    def to_text(self) -> str:
        """Return it as text, one paragraph a file."""
        files = self.report.files
        done = [file for file in files if file.status == "overwritten"]
        lines = [
            "Certificate of erasure",
            "",
            *(f"path:      {path!r}" for path in self.paths),
            f"began:     {self.began:%Y-%m-%d %H:%M:%S %Z}",
            f"ended:     {self.ended:%Y-%m-%d %H:%M:%S %Z}",
            f"noise:     {self.report.noise}",
            f"files:     {len(done)} of {len(files)} overwritten, "
            f"{sum(f.size for f in done):,} bytes; "
            f"{sum(f.read_back is True for f in files)} read back as written; "
            f"{sum(f.removed for f in files)} removed",
            f"destroyed: {destroyed_text(self.report.destroyed)}",
            "",
        ]
        for file in files:
            earlier = ", by an earlier attempt" if file.earlier else ""
            lines.append(
                f"{file.path!r}: {file.status}, {file.size:,} bytes, "
                f"{READ_BACK[file.read_back]}{earlier}"
            )
            if file.survey is not None:
                lines.append(f"  {destroyed_text(file.survey.destroyed)}")
                lines += [f"  UNVERIFIED: {reason}" for reason in file.survey.unverified]
            if file.error:
                lines.append(f"  ERROR: {file.error}")
        for remark in self.report.refused:
            lines.append(f"{remark.path!r}: left alone, {remark.text}")
        return "\n".join([*lines, "", CLAIM, ""])


def destroyed_text(estimate: Estimate | None) -> str:
    """Return %_dd in words."""
    if estimate is None:
        return "%_dd could not be measured"
    low, high = (estimate.value if end is None else end for end in (estimate.low, estimate.high))
    return f"{estimate.value:.4f} %_dd (95 % interval {low:.4f} to {high:.4f})"


def write(certificate: Certificate, path: Path) -> list[Path]:
    """Write PATH (JSON) and PATH with the suffix .txt, each atomically; return both."""
    written = []
    for target, text in (
        (path, json.dumps(certificate.to_json(), indent=1) + "\n"),
        (path.with_suffix(".txt"), certificate.to_text()),
    ):
        with whole(target) as file:
            file.write(text.encode(errors="backslashreplace"))
        written.append(target)
    return written


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def _entry(file: FileResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "path": file.path,
        "size": file.size,
        "status": file.status,
        "read_back": file.read_back,
        "removed": file.removed,
        "error": file.error,
        "finished_earlier": file.earlier,
        "same_as": file.same_as,
    }
    if file.survey is not None:
        entry |= {
            "bytes_compared": file.survey.compared,
            "percent_destroyed": _span(file.survey.destroyed),
            "unverified": list(file.survey.unverified),
        }
    return entry


def _span(estimate: Estimate | None) -> dict[str, float | None] | None:
    """A value and its interval."""
    if estimate is None:
        return None
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
