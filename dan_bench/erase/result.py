"""What an erasure reports."""

from dataclasses import dataclass
from typing import Any, Literal

from dan_bench.erase.evidence import Survey
from dan_bench.erase.plan import Remark
from dan_bench.interfaces import Estimate
from dan_bench.metrics.destruction import pooled_destruction


@dataclass(frozen=True)
class FileResult:
    """What was done to one file."""

    path: str
    size: int
    status: Literal["overwritten", "failed"]
    """Overwritten: every byte that it holds a block for, as far as the device's word goes; and
    read back as written, where that was asked for."""
    written: int
    """Bytes, the slack of the last block among them. A failed file may have lost as many."""
    read_back: bool | None = None
    """Whether the device gave back what was written; None where it was not asked or did not come
    to it."""
    survey: Survey | None = None
    """What was looked for by evidence; None where none was taken."""
    error: str | None = None
    removed: bool = False
    earlier: bool = False
    """Finished by an earlier attempt, and not touched since."""
    same_as: str | None = None
    """The other name under which the same file is reported."""


@dataclass(frozen=True)
class ErasureReport:
    """What was done to all files of a plan."""

    noise: str
    files: tuple[FileResult, ...]
    refused: tuple[Remark, ...]

    @property
    def complete(self) -> bool:
        """Whether every file was overwritten; what the plan had refused is not counted."""
        return all(file.status == "overwritten" for file in self.files)

    @property
    def destroyed(self) -> Estimate | None:
        """%_dd of all data together; None where there was none.

        A file of which nothing could be compared counts as 0 to 100.
        """
        surveys = [file.survey for file in self.files if file.survey is not None]
        measured = [(survey.destroyed, survey.data) for survey in surveys]
        unmeasured = [
            (None, file.size) for file in self.files if file.survey is None and file.same_as is None
        ]
        parts = measured + unmeasured
        return pooled_destruction(parts) if any(size for _, size in parts) else None


def result_of_json(values: dict[str, Any]) -> FileResult:
    """Return the result of which `dataclasses.asdict` made these values, by way of JSON."""
    survey = values["survey"]
    if survey is not None:
        destroyed = survey["destroyed"]
        survey = Survey(
            **{
                **survey,
                "destroyed": None if destroyed is None else Estimate(**destroyed),
                "unverified": tuple(survey["unverified"]),
            }
        )
    return FileResult(**{**values, "survey": survey})
