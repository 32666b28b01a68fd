"""A journal's lines, taken for nothing that they have not been shown to be."""

import json
import zlib
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, Field, Strict, TypeAdapter, ValidationError

from dan_bench.erase.handles import ErasureRefused
from dan_bench.erase.result import Attempt, Fate, FileResult, Status, Survey
from dan_bench.interfaces import Estimate

KIND = "dan_bench erasure journal, version 2"
BEGINNING = json.dumps({"kind": KIND}, separators=(",", ":")).encode("ascii")[:-1]
LONGEST = 64 << 20
"""Bytes of a line: of up to some hundreds of files, each with a path of up to some thousands."""
OTHER = (
    "delete it if you know it to be yours (what it had finished is then overwritten once more), "
    "or name another file"
)

Key = tuple[str, int]
"""Path and inode. Device numbers are left out: they change when a file system is mounted again."""


class DamagedJournal(ValueError):
    """A line is not what was written."""


def whole_path(path: str) -> str:
    """Return a path that begins at the root."""
    if not path.startswith("/") or "\0" in path:
        raise DamagedJournal(f"no whole path: {path!r}")
    return path


def hidden_name(value: str) -> str:
    """Return the name of a hidden file: of no other folder, and of no other form."""
    if len(value) != 33 or value[0] != "." or set(value[1:]) - set("0123456789abcdef"):
        raise DamagedJournal(f"no name of a hidden file: {value!r}")
    return value


# each of its very type, and a number in range: nothing is converted. Names may hold surrogates
Text = Annotated[str, Strict()]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict(), Field(gt=-(1 << 64), lt=1 << 64)]
Percent = Annotated[float, Strict(), Field(ge=0, le=100)]
End = Percent | None
Seconds = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
PathText = Annotated[str, Strict(), AfterValidator(whole_path)]
HiddenName = Annotated[str, Strict(), AfterValidator(hidden_name)]


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


class ResultForm(BaseModel):
    """What of a result is not told by its line's key; what has its default is not written."""

    size: Whole
    status: Status
    written: Whole
    attempt: Whole
    read_back: Flag | None = None
    error: Text | None = None
    removed: Flag = False
    same_as: Text | None = None
    digest: Text | None = None
    bad: tuple[tuple[Whole, Whole], ...] = ()
    survey: tuple[Whole, Whole, Whole, Fate] | None = None
    doubts: tuple[Text, ...] | None = None  # a survey has some, or says that it has none
    destroyed: tuple[Percent, End, End, Whole | None, End] | None = None
    """Value, low, high, n, and what was seen."""


SPARSE = ("read_back", "error", "removed", "same_as", "digest", "bad")
"""Fields that a result and its form have by one name, and that have a default."""


def values_of(result: FileResult) -> dict[str, Any]:
    """Return what `ResultForm` has of a result, without what has its default."""
    values: dict[str, Any] = {
        "size": result.size,
        "status": result.status,
        "written": result.written,
        "attempt": result.attempt.number,
    }
    for name in SPARSE:
        if (value := getattr(result, name)) != ResultForm.model_fields[name].default:
            values[name] = value
    if (survey := result.survey) is not None:
        values["survey"] = [survey.size, survey.data, survey.compared, survey.fate]
        values["doubts"] = survey.unverified
        if (of := survey.destroyed) is not None:
            values["destroyed"] = [of.value, of.low, of.high, of.n, of.details.get("seen")]
    return values


def result_of(form: ResultForm, path: str, attempts: list[Attempt]) -> FileResult:
    """Return the result that `values_of` made these values of."""
    if not 1 <= form.attempt <= len(attempts):
        raise DamagedJournal(f"attempt {form.attempt} of {len(attempts)}")
    if form.survey is not None and form.doubts is None:
        raise DamagedJournal("a survey without its doubts")
    destroyed = survey = None
    if form.destroyed is not None:
        value, low, high, n, seen = form.destroyed
        destroyed = Estimate(value, low, high, n, {} if seen is None else {"seen": seen})
    if form.survey is not None:
        survey = Survey(path, *form.survey, destroyed, form.doubts or ())
    return FileResult(
        path,
        form.size,
        form.status,
        form.written,
        attempts[form.attempt - 1],
        survey=survey,
        earlier=True,
        **{name: getattr(form, name) for name in SPARSE},
    )


class HeaderLine(BaseModel):
    """The first line: whose journal it is."""

    kind: Literal["dan_bench erasure journal, version 2"]
    roots: list[Text]
    options: dict[Text, Flag]


class AttemptLine(BaseModel):
    """An attempt begins."""

    e: Literal["attempt"]
    t: Seconds
    noise: Text
    files: Whole


class FilesLine(BaseModel):
    """What happened to files: a row of `ROWS` for each."""

    e: Literal["begun", "done", "hidden", "removed"]
    t: Seconds
    f: list[Any]


LINE = TypeAdapter[AttemptLine | FilesLine](
    Annotated[AttemptLine | FilesLine, Field(discriminator="e")]
)
Born = Whole | None
ROWS: dict[str, TypeAdapter[Any]] = {
    "begun": TypeAdapter(
        list[tuple[PathText, Whole, Text, Born, Whole, Whole, Whole, Whole, Text | None]]
    ),
    "done": TypeAdapter(list[tuple[PathText, Whole, Text, Born, Whole, Whole, ResultForm]]),
    "hidden": TypeAdapter(list[tuple[PathText, Whole, HiddenName]]),
    "removed": TypeAdapter(list[tuple[PathText, Whole]]),
}
"""Path and inode, and the fields of `Begun` or `Done`, or the name that a file has got."""


def first_fault(error: ValidationError) -> str:
    """Return the first thing that is wrong, in one line: where, and what would be right."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"])) or "the whole of it"
    return f"{where}: {first['msg']}"


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

    def take(self, line: bytes) -> None:
        """Take in one line, if it is what was written, in its place.

        Raises:
            DamagedJournal, ValueError, RecursionError: it is not.
        """
        content = line[9:]
        check = zlib.crc32(content, self.check)
        if line[:9] != b"%08x " % check:
            raise DamagedJournal("its check sum is wrong")
        values = json.loads(content)
        if self.header is None:
            self.header = HeaderLine.model_validate(values).model_dump(exclude={"kind"})
        else:
            self._load(LINE.validate_python(values))
        self.check = check
        self.end += len(line)

    def _load(self, line: AttemptLine | FilesLine) -> None:
        if isinstance(line, AttemptLine):
            self.attempts.append(Attempt(len(self.attempts) + 1, line.noise, line.t, line.t))
            self.planned = max(self.planned, line.files)
            return
        if not self.attempts:
            raise DamagedJournal("no attempt was begun")
        self.attempts[-1].ended = line.t
        for path, inode, *values in ROWS[line.e].validate_python(line.f):
            self._load_file(line.e, (path, inode), values)

    def _load_file(self, event: str, key: Key, values: list[Any]) -> None:
        if event == "begun":
            self.begun[key] = Begun(*values)
        elif event == "done":
            values[-1] = result_of(values[-1], key[0], self.attempts)
            self.done[key] = Done(*values)
            self.begun.pop(key, None)
            self.hidden.pop(key, None)
        elif key not in self.done:
            raise DamagedJournal(f"{event!r} of a file that was not finished")
        elif event == "hidden":
            (self.hidden[key],) = values
        else:
            done = self.done[key]
            self.done[key] = done._replace(result=replace(done.result, removed=True))
            self.hidden.pop(key, None)


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
                why = first_fault(error) if isinstance(error, ValidationError) else error
                raise ErasureRefused(
                    f"{path!r} {what} (line {number + 1}: {why}); {OTHER}"
                ) from error
    return told
