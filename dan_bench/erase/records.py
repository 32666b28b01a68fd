"""A journal's lines, taken for nothing that they have not been shown to be."""

import json
import math
import zlib
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from dan_bench.erase.handles import ErasureRefused
from dan_bench.erase.result import Attempt, FileResult, Survey
from dan_bench.interfaces import Estimate

KIND = "dan_bench erasure journal, version 2"
BEGINNING = json.dumps({"kind": KIND}, separators=(",", ":")).encode("ascii")[:-1]
LONGEST = 64 << 20
"""Bytes of a line: of up to some hundreds of files, each with a path of up to some thousands."""
OTHER = (
    "delete it if you know it to be yours (what it had finished is then overwritten once more), "
    "or name another file"
)

FATES = ("there", "replaced", "gone")
STATES = ("overwritten", "partly", "failed")
MOST = 1 << 64


Key = tuple[str, int]
"""Path and inode. Device numbers are left out: they change when a file system is mounted again."""


class Begun(NamedTuple):
    """A file as it was just before its first byte was overwritten."""

    file_system: str
    birth_ns: int | None
    size: int
    end: int
    """To where its slack reaches: the size that it may have for a moment."""
    accessed_ns: int
    modified_ns: int
    digest: str | None


class Done(NamedTuple):
    """A file as it was left."""

    file_system: str
    birth_ns: int | None
    changed_ns: int
    """The time of its last change of any kind."""
    modified_ns: int
    result: FileResult


class DamagedJournal(ValueError):
    """A line is not what was written."""


class Fields:
    """The fields of a JSON object, each of the type that it is asked for as.

    Raises:
        DamagedJournal: it is not that, or a field is missing or of another type.
    """

    def __init__(self, values: object) -> None:
        if not isinstance(values, dict):
            raise DamagedJournal("no object")
        self._values: dict[str, Any] = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str, *kinds: type | None) -> Any:
        """Return a value of one of these very types; None stands for null."""
        value = self._values.get(name, Fields)
        return checked(value, kinds)

    def text(self, name: str) -> str:
        """Return a string."""
        return str(self.get(name, str))

    def texts(self, name: str) -> list[str]:
        """Return a list of strings."""
        return [checked(value, (str,)) for value in self.get(name, list)]

    def flags(self, name: str) -> dict[str, bool]:
        """Return an object of true and false."""
        return {key: checked(value, (bool,)) for key, value in self.get(name, dict).items()}

    def whole(self, name: str) -> int:
        """Return a whole number from 0."""
        value: int = checked(self.get(name, int), (int,))
        return value

    def seconds(self, name: str) -> float:
        """Return a time, or another finite number from 0."""
        value = float(self.get(name, float, int))
        if not (math.isfinite(value) and value >= 0):
            raise DamagedJournal(f"{name} is {value}")
        return value

    def row(self, name: str, *kinds: type | tuple[type | None, ...]) -> list[Any]:
        """Return a list of as many values as there are kinds, each of its kind."""
        return row_of(self.get(name, list), *kinds)


def row_of(values: list[object], *kinds: type | tuple[type | None, ...]) -> list[Any]:
    """Return values if there are as many as kinds, each of its kind."""
    if len(values) != len(kinds):
        raise DamagedJournal(f"{len(values)} values in place of {len(kinds)}")
    return [
        checked(value, kind if isinstance(kind, tuple) else (kind,))
        for value, kind in zip(values, kinds, strict=True)
    ]


def key_from(path: str, inode: int) -> Key:
    """Return a key, of a whole path."""
    if not path.startswith("/") or "\0" in path:
        raise DamagedJournal(f"no whole path: {path!r}")
    return path, inode


def hidden_name(value: str) -> str:
    """Return the name of a hidden file: of no other folder, and of no other form."""
    if len(value) != 33 or value[0] != "." or set(value[1:]) - set("0123456789abcdef"):
        raise DamagedJournal(f"no name of a hidden file: {value!r}")
    return value


def checked(value: object, kinds: tuple[type | None, ...]) -> Any:
    """Return a value if it is of one of these very types; a number only if it is in range."""
    kind = None if value is None else type(value)
    if kind not in kinds:
        raise DamagedJournal("a field is missing or of another type")
    if isinstance(value, int) and not -MOST < value < MOST:
        raise DamagedJournal(f"{value} is out of range")
    return value


SPARSE = {"read_back": bool, "error": str, "removed": bool, "same_as": str, "digest": str}
"""Fields that are written only where they differ from the default, with their types; `bad` too."""
DEFAULTS = {field.name: field.default for field in fields(FileResult)}


def values_of(result: FileResult) -> dict[str, Any]:
    """Return what of a result is not told by its line's key, and differs from the default."""
    values: dict[str, Any] = {
        "size": result.size,
        "status": result.status,
        "written": result.written,
        "attempt": result.attempt.number,
    }
    for name in (*SPARSE, "bad"):
        if (value := getattr(result, name)) != DEFAULTS[name]:
            values[name] = value
    survey = result.survey
    if survey is not None:
        values["survey"] = [survey.size, survey.data, survey.compared, survey.fate]
        values["doubts"] = survey.unverified
        found = survey.destroyed
        if found is not None:
            values["destroyed"] = [
                found.value,
                found.low,
                found.high,
                found.n,
                found.details.get("seen"),
            ]
    return values


def result_of(line: Fields, path: str, attempts: list[Attempt]) -> FileResult:
    """Return the result that `values_of` made these values of."""
    number = line.whole("attempt")
    if not 1 <= number <= len(attempts):
        raise DamagedJournal(f"attempt {number} of {len(attempts)}")
    status = line.text("status")
    if status not in STATES:
        raise DamagedJournal(f"status {status!r}")
    spans = line.get("bad", list) if "bad" in line else []
    return FileResult(
        path,
        line.whole("size"),
        status,  # type: ignore[arg-type]
        line.whole("written"),
        attempts[number - 1],
        survey=_survey_of(line, path) if "survey" in line else None,
        earlier=True,
        bad=tuple((a, b) for a, b in (row_of(checked(span, (list,)), int, int) for span in spans)),
        **{name: line.get(name, kind) for name, kind in SPARSE.items() if name in line},
    )


def _survey_of(line: Fields, path: str) -> Survey:
    size, data, compared, fate = line.row("survey", int, int, int, str)
    if fate not in FATES:
        raise DamagedJournal(f"fate {fate!r}")
    destroyed = None
    if "destroyed" in line:
        real = (float, int, None)
        row = line.row("destroyed", (float, int), real, real, (int, None), real)
        value, low, high, n, seen = row
        if not all(0 <= end <= 100 for end in (value, low, high, seen) if end is not None):
            raise DamagedJournal("%_dd beyond 0 to 100")
        destroyed = Estimate(value, low, high, n, {} if seen is None else {"seen": seen})
    doubts = tuple(line.texts("doubts"))
    return Survey(path, size, data, compared, fate, destroyed, doubts)


@dataclass
class JournalState:
    """What a journal tells."""

    header: dict[str, Any] | None = None
    """Roots and options of its command; None while it is empty."""
    attempts: list[Attempt] = field(default_factory=list)
    planned: int = 0
    """Files that were to be erased."""
    begun: dict[Key, Begun] = field(default_factory=dict)
    """Files that may have lost a part of their data."""
    done: dict[Key, Done] = field(default_factory=dict)
    hidden: dict[Key, str] = field(default_factory=dict)
    """The names that files had got, on the way to being removed."""
    end: int = 0
    """Where the last whole line ends."""
    check: int = 0
    """The check sum of all lines so far."""

    @property
    def results(self) -> list[FileResult]:
        """Of the files that were finished, those included that were removed."""
        return [done.result for done in self.done.values()]

    @property
    def finished(self) -> bool:
        """Whether nothing but the certificate is left to be done."""
        return len(self.done) >= self.planned and not self.begun

    def take(self, line: bytes) -> None:
        """Take in one line, if it is what was written, in its place.

        Raises:
            DamagedJournal, ValueError, RecursionError: it is not.
        """
        content = line[9:]
        check = zlib.crc32(content, self.check)
        if line[:9] != b"%08x " % check:
            raise DamagedJournal("its check sum is wrong")
        self._load(Fields(json.loads(content)))
        self.check = check
        self.end += len(line)

    def _load(self, line: Fields) -> None:
        if self.header is None:
            if line.text("kind") != KIND:
                raise DamagedJournal("another kind, or version, of file")
            self.header = {"roots": line.texts("roots"), "options": line.flags("options")}
            return
        event = line.text("e")
        if event == "attempt":
            began = line.seconds("t")
            noise = line.text("noise")
            self.attempts.append(Attempt(len(self.attempts) + 1, noise, began, began))
            self.planned = max(self.planned, line.whole("files"))
        elif self.attempts:
            self.attempts[-1].ended = line.seconds("t")
            for row in line.get("f", list):
                self._load_file(event, row)
        else:
            raise DamagedJournal("no attempt was begun")

    def _load_file(self, event: str, row: object) -> None:
        whole_row: list[object] = checked(row, (list,))
        (path, inode), values = row_of(whole_row[:2], str, int), whole_row[2:]
        key = key_from(path, inode)
        if event == "begun":
            whole = row_of(values, str, (int, None), int, int, int, int, (str, None))
            self.begun[key] = Begun(*whole)
        elif event == "done":
            where, birth, *times, found = row_of(values, str, (int, None), int, int, dict)
            result = result_of(Fields(found), path, self.attempts)
            self.done[key] = Done(where, birth, times[0], times[1], result)
            self.begun.pop(key, None)
            self.hidden.pop(key, None)
        elif event == "hidden" and key in self.done:
            self.hidden[key] = hidden_name(*row_of(values, str))
        elif event == "removed" and key in self.done:
            done = self.done[key]
            self.done[key] = done._replace(result=replace(done.result, removed=True))
            self.hidden.pop(key, None)
        else:
            raise DamagedJournal(f"{event!r} of a file that was not finished")


def read(handle: int, path: str) -> JournalState:
    """Return what a journal tells, up to its last whole line.

    A first line that was cut short counts as nothing, if it is that of a journal.

    Args:
        handle: of the journal.
        path: for messages.

    Raises:
        ErasureRefused: it is damaged, or no journal.
    """
    told = JournalState()
    with open(handle, "rb", closefd=False) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST), b"")):
            cut_short = not line.endswith(b"\n") and len(line) < LONGEST
            if cut_short and (number or line[9:].startswith(BEGINNING)):
                break
            try:
                told.take(line)
            except (ValueError, RecursionError) as error:
                what = "is damaged" if number else "is no erasure journal, or damaged"
                raise ErasureRefused(
                    f"{path!r} {what} (line {number + 1}: {error}); {OTHER}"
                ) from error
    return told
