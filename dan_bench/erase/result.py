"""What an erasure reports. All of it is kept small: there may be 100,000 files."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from dan_bench.erase.filesystem import Span
from dan_bench.erase.plan import Remark
from dan_bench.interfaces import Estimate

Fate = Literal["there", "replaced", "gone"]
Status = Literal["overwritten", "partly", "failed"]


@dataclass(frozen=True, slots=True)
class Survey:
    """What became of one file's data."""

    path: str
    size: int
    """Of the file, before."""
    data: int
    """Bytes of it outside of holes."""
    compared: int
    """Bytes that were kept and compared; fewer than `data` where it was sampled."""
    fate: Fate
    """What its path leads to: the same file, another one, or nothing."""
    destroyed: Estimate | None
    """%_dd, of which the value and the lower end are guaranteed; None where nothing could be
    compared, for want of data or for a reason in `unverified`."""
    unverified: tuple[str, ...]
    """Why the old data may survive unseen; empty where there is no known reason."""


@dataclass(slots=True)
class Attempt:
    """One run of the command, of which a killed erasure takes several."""

    number: int
    """From 1."""
    noise: str
    """Name of its generator."""
    began: float
    """Seconds since 1970, UTC."""
    ended: float
    """When it last noted what it had done; of a killed one, that is the last that is known."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """What was done to one file."""

    path: str
    size: int
    status: Status
    """Overwritten: every byte that it holds a block for, as far as the device can be trusted; and
    read back as written. Partly: all of them but those in `bad`."""
    written: int
    """Bytes, including the slack of the last block. A failed file may have lost as many."""
    attempt: Attempt
    """The one that did it: where it is not the last, the file was not touched since."""
    read_back: bool | None = None
    """Whether the device gave back what was written; None where it was not read back."""
    survey: Survey | None = None
    """What the evidence showed; None where none was taken."""
    error: str | None = None
    removed: bool = False
    earlier: bool = False
    """Finished by an earlier attempt, and not touched since."""
    same_as: str | None = None
    """The other name under which the same file is reported."""
    bad: tuple[Span, ...] = ()
    """Bytes that could not be read or written (bad blocks); all others were gone on with."""
    digest: str | None = None
    """HMAC-SHA256 of the original's data, under the key that the caller gave; None without one,
    and where an interrupted attempt had not noted it. See `dan_bench.erase.overwrite.digest_of`."""

    @property
    def vouched(self) -> bool:
        """Whether it was read back as written, and no way is known for old data to survive."""
        seen = self.survey is not None and not self.survey.unverified
        return self.read_back is True and (seen or self.same_as is not None)

    @property
    def noise(self) -> str:
        """Name of the generator that overwrote this file."""
        return self.attempt.noise


class Outcome(IntEnum):
    """How an erasure ended, in one word: the judgement that the report and the command share.

    The value is the command's exit code; where several hold, the first of this order counts.
    """

    REFUSED = 2
    """Something named is not to be erased, or an output cannot be written: nothing was touched."""
    NOTHING = 4
    """There was nothing to overwrite, or nobody said yes: nothing was touched."""
    FAILED = 1
    """Some file was not overwritten, or not removed although that was asked for."""
    DOUBTED = 3
    """All of it was done, but not all can be vouched for, or something with data was left alone."""
    DONE = 0
    """All that was named was overwritten, verified and, if asked for, removed."""


@dataclass(frozen=True)
class ErasureReport:
    """What was done to all files of a plan."""

    files: tuple[FileResult, ...]
    refused: tuple[Remark, ...]
    """Left alone, each with the reason; what appeared while the erasure ran, too."""
    attempts: tuple[Attempt, ...] = ()
    """All that a journal tells of; the last is the one that reports."""
    removal: bool = False
    """Whether the files were to be removed too."""

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        for file in self.files:
            if file.status != "overwritten" or (self.removal and not file.removed):
                return Outcome.FAILED
        left = any(remark.holds_data for remark in self.refused)
        vouched = all(file.vouched for file in self.files)
        return Outcome.DONE if vouched and not left else Outcome.DOUBTED
