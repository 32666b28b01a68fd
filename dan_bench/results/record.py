"""Records of runs, which are read and written here and nowhere else.

One folder a run, `<results>/runs/<key>/`. `record.json` is written last and in one piece: a folder
without it is a run that never ended.
"""

import hashlib
import json
import marshal
import math
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from pydantic_core import from_json

from dan_bench.cli import InputError
from dan_bench.config.schema import RunConfig, as_stated
from dan_bench.files import sync, whole
from dan_bench.interfaces import SCHEMA_VERSION, Estimate, RunRecord
from dan_bench.results.claim import RunClaim, claimed
from dan_bench.results.reading import DAMAGES, read_array, read_curves, reason, shown

if TYPE_CHECKING:
    import pandas as pd


class DamagedRecord(ValueError):
    """A record that cannot be trusted; the message says why."""


class ForeignRecord(InputError):
    """The folder of a key holds the record of another config."""


READABLE = (1, SCHEMA_VERSION)
"""Schema versions of records that can be read. Those of version 1 were attacked by other attackers,
have no certificate, and their networks were fed uniform noise."""


def key_of(config: dict[str, Any], version: int = SCHEMA_VERSION) -> str:
    """Return the key of a scientific config: 64 bits of SHA-256 over its canonical JSON."""
    return digest(canonical([version, config]))


def canonical(value: Any) -> str:
    """Return the JSON that is the same for all ways of writing a setting."""
    plain = whole_numbers(value)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """Return 64 bits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def keys_of(configs: Sequence[RunConfig]) -> list[str]:
    """Return the key of what is scientific in each config; what they share is written once."""
    texts: dict[tuple[Any, ...], str] = {}
    keys = []
    for config in configs:
        named = []
        for name, part in sorted(config.scientific_parts().items()):
            hashed = isinstance(part, str | int | float)
            known = (name, type(part), part if hashed else id(part))
            if known not in texts:
                texts[known] = f"{canonical(name)}:{canonical(as_stated(name, part))}"
            named.append(texts[known])
        keys.append(digest(f"[{SCHEMA_VERSION},{{{','.join(named)}}}]"))
    return keys


class SharedParts:
    """Parts of many configs: those that are equal become one object, and are hashed once."""

    def __init__(self) -> None:
        self._parts: dict[bytes, Any] = {}
        self._texts: dict[tuple[str, bytes], str] = {}

    def key_of(self, config: dict[str, Any], version: int) -> str:
        """Return what `key_of` does, and set the parts of a config to what others have too."""
        named = []
        for name, part in sorted(config.items()):
            as_bytes = marshal.dumps(part, 0)  # the fastest text that tells 1 from 1.0
            config[name] = self._parts.setdefault(as_bytes, part)
            text = self._texts.get((name, as_bytes))
            if text is None:
                text = f"{canonical(name)}:{canonical(part)}"
                self._texts[name, as_bytes] = text
            named.append(text)
        return digest(f"[{version},{{{','.join(named)}}}]")

    def share(self, values: dict[str, Any]) -> None:
        """Set the parts of any mapping to what others have too."""
        for name, part in values.items():
            values[name] = self._parts.setdefault(marshal.dumps(part, 0), part)


def whole_numbers(value: Any) -> Any:
    """Return nested containers with 1.0 written as 1, which is the same setting."""
    if isinstance(value, dict):
        return {name: whole_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [whole_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Store:
    """The records under one results folder.

    Args:
        results: the folder.
        part: the folder in it that holds a folder a run.
    """

    def __init__(self, results: Path, part: str = "runs") -> None:
        self.runs = Path(results) / part

    def folder(self, key: str) -> Path:
        """Return the folder of a run's files."""
        return self.runs / key

    def get(self, key: str, config: dict[str, Any]) -> RunRecord | None:
        """Return the record of `key`, or None where there is none or a damaged one.

        Raises:
            ForeignRecord: the stored config is not `config`.
        """
        try:
            record = read(self.folder(key) / "record.json")
        except (FileNotFoundError, DamagedRecord):
            return None
        if whole_numbers(record.config) != whole_numbers(config):
            raise ForeignRecord(
                f"{self.folder(key)} holds a run of another config under the same key; "
                "move that folder away and run again"
            )
        return record

    def put(self, record: RunRecord) -> Path:
        """Write record.json, atomically; what else belongs to the run must be there already.

        What it says is there is on the device before it is, whenever the power goes.
        """
        folder = self.folder(record.key)
        folder.mkdir(parents=True, exist_ok=True)
        if record.status == "done":
            for path in filter(Path.is_file, folder.iterdir()):
                sync(path)
        with whole(folder / "record.json") as file:
            file.write(json.dumps(asdict(record), indent=1, allow_nan=False).encode())
        return folder / "record.json"

    def all(self) -> tuple[list[RunRecord], dict[Path, str]]:
        """Return every good record, by key, and what is wrong with each of the others."""
        good, damaged = [], {}
        for path in sorted(self.runs.glob("*/record.json")):
            try:
                good.append(read(path))
            except DamagedRecord as error:
                damaged[path] = str(error)
        return good, damaged

    def curves(self, key: str) -> "pd.DataFrame | None":
        """Return a run's curves, one row a logging step; None where it left none.

        Raises:
            InputError: they are damaged.
        """
        path = self.folder(key) / "curves.parquet"
        return read_curves(path) if path.is_file() else None

    def array(self, key: str, name: str) -> NDArray[Any] | None:
        """Return an array that a run left, without reading it all; None where it left none.

        Args:
            key: of the run.
            name: `samples` or `inputs`, n x d bytes; or `snapshots`, `snapshot_steps` (see
                `dan_bench.callbacks.samples`).

        Raises:
            InputError: it is damaged.
        """
        path = f"{self.runs}/{key}/{name}.npy"  # of ten thousand runs most have none
        return read_array(Path(path)) if os.path.isfile(path) else None

    @contextmanager
    def claim(
        self, key: str, waiting: Callable[[str], None] = lambda _: None
    ) -> Iterator[RunClaim]:
        """Hold a run, alone: wait for it, and let it go at the end.

        Args:
            key: of the run.
            waiting: told whom it waits for, again and again.

        Raises:
            InputError: there is a link in its folder, by which files elsewhere would be written, or
                a pipe or device, which would be waited for.
        """
        folder = self.folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        for path in (folder, *folder.iterdir()):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:  # whoever holds it is at work there
                continue
            if stat.S_ISLNK(mode):
                raise InputError(f"{shown(str(path))} is a link: a run writes nothing elsewhere")
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise InputError(f"{shown(str(path))} is no regular file")
        with claimed(folder, waiting) as claim:
            for draft in folder.glob("*.tmp"):  # of a process that was killed
                draft.unlink(missing_ok=True)
            yield claim


# --- reading what anybody may have written --------------------------------------------------------

MOST_BYTES = 1 << 22
"""Of one record.json; the largest of ours have a hundredth of it."""


NUMBERS = ("value", "low", "high", "n")


def all_finite(numbers: Iterable[Any]) -> bool:
    """Return whether it is certain that all are finite numbers, as those of honest records are."""
    try:
        return math.isfinite(sum(numbers))  # a sum is finite only if all of its terms are
    except (TypeError, OverflowError):
        return False


def finite(numbers: Mapping[str, Any]) -> None:
    """Raise `DamagedRecord` where a number is none, or not finite."""
    for name, number in numbers.items():
        if not isinstance(number, int | float) or not math.isfinite(number):
            raise DamagedRecord(f"{name!r} is {str(number)[:100]!r}, which is no finite number")


def numeric(estimate: Estimate) -> None:
    """Raise `DamagedRecord` for an estimate of anything but finite numbers."""
    e, parts = estimate, vars(estimate)
    ends = [part for part in (e.low, e.high, e.n) if part is not None]
    if not all_finite((e.value, *ends, *e.details.values())):
        finite({n: parts[n] for n in NUMBERS if parts[n] is not None or n == "value"})
        finite(e.details)
    if (e.low is None) != (e.high is None):
        raise DamagedRecord("an interval with one end")


def read(path: Path, shared: SharedParts | None = None) -> RunRecord:
    """Read one record.

    Args:
        path: of its file.
        shared: parts of the records that were read before, which it then has in common with them.

    Raises:
        FileNotFoundError: there is none.
        DamagedRecord: it is not JSON, not of this schema, or its config is not what its key names.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
            raise DamagedRecord(f"no record: no file, or one of more than {MOST_BYTES:,} bytes")
        values = parsed(path.read_bytes())
        version = values["schema_version"]
        if version not in READABLE:
            raise DamagedRecord(
                f"schema version {str(version)[:20]!r}, this program reads {READABLE}"
            )
        values["metrics"] = {
            name: None if estimate is None else Estimate(**estimate)
            for name, estimate in values["metrics"].items()
        }
        record = sound(RunRecord(**values))
        shared = SharedParts() if shared is None else shared
        shared.share(record.provenance)
        named = {record.key, path.parent.name, shared.key_of(record.config, version)}
    except (FileNotFoundError, DamagedRecord):
        raise
    except DAMAGES as error:
        raise DamagedRecord(f"not a record: {reason(error)}") from error
    if len(named) != 1:
        raise DamagedRecord("its config is not the one that its key was made from")
    return record


def parsed(content: bytes) -> Any:
    """Return what `json.loads` does, faster; an error is json's."""
    try:
        return from_json(content)
    except ValueError:  # it knows no half of a surrogate pair, and no depth of more than 200
        return json.loads(content.decode())


def sound(record: RunRecord) -> RunRecord:
    """Return a record of which each part is of its kind.

    Raises:
        DamagedRecord or another of `DAMAGES`: one is not.
    """
    if record.status not in ("done", "failed"):
        raise DamagedRecord(f"unknown status {record.status!r}")
    texts = isinstance(record.key, str) and isinstance(record.traceback, str | None)
    if not texts or not all(isinstance(part, dict) for part in (record.config, record.provenance)):
        raise DamagedRecord("its key, config, provenance or traceback is of another kind")
    for estimate in record.metrics.values():
        if estimate is not None:
            numeric(estimate)
    if not all_finite(record.costs.values()):
        finite(record.costs)
    return record


NAMED = {
    "control": ("model", "data"),
    "untrained": ("model", "data"),
    "learned": ("model", "data", "objective"),
}
"""Kinds of methods, and the parts of their configs that go by a name."""


def described(record: RunRecord, known: set[object] | None = None) -> RunRecord:
    """Return a record whose config has what every table and figure looks up.

    Args:
        record: a sound one.
        known: names that were looked at before, and ids of parts that were and are still there, to
            which its own are added: many records share them.

    Raises:
        DamagedRecord: it has not, or has a text that no terminal should be shown.
    """
    config = record.config
    try:
        if "subject" in config:  # of Table 1
            about = record.provenance
            names = [config["subject"], config["preset"], about.get("title", "")]
            names += [*about.get("notes", []), *about.get("unverified", [])]
            counts = [config["seed"], about.get("position", 0)]
        else:
            parts = NAMED[config["model"]["kind"]]
            names = [config[part]["name"] for part in parts if part in config]
            names += [config["model"]["name"], config["data"]["name"]]
            counts = [config["seed"], config["evaluation"]["samples"]]
            if config["model"]["kind"] != "control":
                names, counts = [*names, config["output"]], [*counts, config["noise_dim"]]
    except DAMAGES as error:
        raise DamagedRecord(f"its config is not that of a run: {reason(error)}") from error
    for name in names:
        if not isinstance(name, str):
            raise DamagedRecord(f"its config has {str(name)[:100]!r} for a name")
    for count in counts:
        if not isinstance(count, int) or not 0 <= count < 1 << 63:
            raise DamagedRecord(f"its config has {str(count)[:100]!r} for a whole number")
    known = set() if known is None else known
    texts = [*config, *record.provenance, *record.metrics, *record.costs]
    for found in record.metrics.values():
        texts += found.details if found else ()
    all_names, inner = tuple(texts), [*config.values(), *record.provenance.values()]
    new = [part for part in inner if id(part) not in known]
    for part in [texts, *new] if all_names not in known else new:
        if "\\" in repr(part):  # as all that cannot be printed has there
            printable(part)
    known.update([all_names, *map(id, new)])
    failure = "no traceback" if record.traceback is None else record.traceback.expandtabs()
    lines = failure.split("\n")
    if failure.strip() and all(map(str.isprintable, lines)):
        return record
    return replace(record, traceback="\n".join(map(shown, lines)).strip() or "no traceback")


def printable(value: Any) -> None:
    """Raise `DamagedRecord` for a text in nested containers that no terminal should be shown."""
    if isinstance(value, str):
        if not value.isprintable():
            raise DamagedRecord(f"{shown(value)[:100]!r} has signs that cannot be printed")
    elif isinstance(value, dict):
        for name, inner in value.items():
            printable(name)
            printable(inner)
    elif isinstance(value, list):
        for inner in value:
            printable(inner)
