"""The form of a certificate: what `docs/certificate.schema.json` is made from, and checked by.

Names of files are texts in which a backslash is doubled and a byte that is not UTF-8 is `\\xNN`.
Times are UTC, as ISO 8601 has them. Percentages have four decimals, lower ends rounded down and
upper ends rounded up.
"""

import json
import os
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

KIND: Literal["dan_bench certificate of erasure, version 2"] = (
    "dan_bench certificate of erasure, version 2"
)

Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Percent = Annotated[float, Field(ge=0, le=100)]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")]


class Form(BaseModel):
    """A part of the document: nothing else may be in it, and no number but a finite one."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Ends(Form):
    """%_dd from below and from above."""

    at_least: Percent
    at_most: Percent | None = Field(description="None where it was not measured.")


class SourceForm(Ends):
    """What files were overwritten with."""

    name: str
    made_from_data: bool
    reason: str = Field(description="Why so much of the data is gone from its noise.")


class LayerForm(Form):
    """One layer below a file system, down to the device."""

    name: str
    kind: Literal["partition", "disk", "loop", "device mapper", "md", "bcache", "file system"]
    vendor: str | None = None
    model: str | None = None
    serial: str | None = None
    wwid: str | None = None
    medium: Literal["rotational", "not rotational", "memory"] | None = None
    transport: str | None = None
    bytes: Count | None = None
    about: str | None = Field(None, description="Its backing file, or what device mapper calls it.")


class DeviceForm(Form):
    """A file system that files lay on, and all that it lies on, outermost first."""

    file_system: str
    mounted_at: str
    layers: list[LayerForm]
    remarks: list[str] = Field(description="What of it no search of the device can show.")


class FreeSpaceForm(Form):
    """What was free on a file system, filled with noise after the files were erased."""

    folder: str = Field(description="Any folder on it.")
    bytes: Count = Field(description="Of noise that were written.")
    left: Count = Field(description="Bytes still free when no file could get any more.")
    read_back: bool = Field(description="Whether the device gave back what was written.")
    doubts: list[str] = Field(description="Why old data may be left in what was free, or beside.")


class OutcomeForm(Form):
    """What became of files; each of the texts may hold a `{}` for each of a file's `n`."""

    status: Literal["overwritten", "partly", "failed", "left alone", "passed over"] = Field(
        description="Partly: all but the bytes in a file's `bad`. Passed over: what has no data of "
        "its own, such as a link."
    )
    source: Count | None = Field(description="Number of what it was overwritten with.")
    read_back: bool | None = Field(description="Whether the device gave back what was written.")
    removed: bool
    earlier: bool = Field(description="Whether an earlier attempt had finished it.")
    doubts: list[str] = Field(description="Why the old data may survive unseen.")
    error: str | None
    count: Count = Field(description="Files of this outcome.")


class Particulars(Form):
    """What is said of a file only where it is not as usual."""

    data: Count | None = Field(None, description="Bytes outside of holes, where not all.")
    compared: Count | None = Field(None, description="Bytes compared, where not all the data.")
    n: list[Count] | None = Field(None, description="The numbers in the outcome's texts, in order.")
    same_as: str | None = Field(None, description="The other name by which it is listed.")
    bad: list[tuple[Count, Count]] | None = Field(
        None, description="Bytes that could not be read or written, from and to."
    )
    digest: Hash | None = Field(None, description="HMAC-SHA-256 of the original, if asked for.")


Usual = tuple[str, Count | None, Count, Percent | None, Percent | None]
Unusual = tuple[str, Count | None, Count, Percent | None, Percent | None, Particulars]


class FolderForm(Form):
    """Files of one folder, in the order in which they were listed."""

    folder: str
    files: list[Usual | Unusual] = Field(
        description="Each is: its name; its bytes (null: not known); the number of its outcome; "
        "%_dd on disk, at least and at most (null: not compared); and particulars, if any."
    )


class TotalForm(Form):
    """Sums over all entries; each of them can be computed from the entries again."""

    overwritten: Count
    partly: Count
    failed: Count
    left_alone: Count
    passed_over: Count
    bytes: Count = Field(description="Of the files overwritten, each file counted once.")
    read_back: Count
    removed: Count
    doubted: Count
    on_disk: Ends | None = Field(description="%_dd of what can be read from the disk.")
    destroyed: Ends | None = Field(
        description="%_dd, of what can be read and of what the noise leaves: the headline."
    )
    vouched: bool = Field(
        description="Whether all that was named was overwritten (and removed, if asked), read back "
        "and compared, nothing of it is in doubt, and the noise leaves less than 1 %."
    )


class ChainForm(Form):
    """Each hash is SHA-256 of the one before and of what comes next, as compact ASCII JSON.

    The first is of all that stands before `folders`; then comes one for each file, of its folder
    and its entry; the last, `head`, is of `outcomes`, `total` and `links`.
    """

    every: Literal[1000]
    links: list[Hash] = Field(description="The hash after each thousand files.")
    head: Hash


class Document(Form):
    """A certificate of erasure."""

    kind: Literal["dan_bench certificate of erasure, version 2"]
    claim: str
    not_known: list[str]
    method: str
    verification: str
    tool: str
    host: str
    operator: str | None
    contact: str | None
    paths: list[str]
    remove: bool
    attempts: list[tuple[Time, Time]] = Field(min_length=1)
    sources: list[SourceForm] = Field(min_length=1)
    devices: list[DeviceForm]
    free_space: list[FreeSpaceForm]
    folders: list[FolderForm]
    outcomes: list[OutcomeForm]
    total: TotalForm
    chain: ChainForm


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Document.model_json_schema(),
    }


def path_text(path: str) -> str:
    """Return a file's name as certificates have it."""
    if path.isascii() and "\\" not in path:
        return path
    return os.fsencode(path).replace(b"\\", rb"\\").decode("utf-8", "backslashreplace")


def compact(value: Any) -> bytes:
    """Return the text that is hashed."""
    return ENCODER.encode(value).encode()


ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True, allow_nan=False)
