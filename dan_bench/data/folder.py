"""Your own files or pictures as a data set. They are read, never written."""

import hashlib
import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dan_bench.interfaces import Bytes, Data, Shape, Split, dimension
from dan_bench.rng import generator

OF_THE_SYSTEM = ("thumbs.db", "ehthumbs.db", "desktop.ini")
"""Files that Windows leaves in folders; those of macOS are hidden."""

DECODING = b"pictures as a person sees them"
"""Names the way in which pictures become bytes: another way is another data set, and has runs of
its own."""


@dataclass(frozen=True)
class Folder:
    """Every regular file under `root` as rows of bytes; hidden files and links are left out.

    `pictures` decodes each file as a person sees it (`dan_bench.data.decode`), makes it grey (or
    RGB where the shape has a third number, 3) and resizes it to `shape`; folders directly under
    `root` are its labels where there are at least two and no file beside them.
    `bytes` cuts each file into rows, the last one filled up with zeros, and has no labels.
    """

    root: Path
    shape: Shape
    kind: Literal["pictures", "bytes"]
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        colours = self.shape[2:]
        if self.kind == "pictures" and (len(self.shape) < 2 or colours not in ((), (1,), (3,))):
            raise ValueError(
                f"shape={list(self.shape)}: a picture has the shape [rows,columns], "
                "[rows,columns,1] (grey) or [rows,columns,3] (RGB); for rows of bytes of any "
                "shape there is data.kind=bytes"
            )

    def prepare(self) -> str:
        """Read everything; return how much there is, what was left out and what was converted.

        Raises:
            FileNotFoundError: there is no such folder, or nothing in it.
            ValueError: a file is no picture that can be read.
        """
        files, skipped = self._found
        _, _, notes = self._read
        said = [f"folder: {len(files)} files under {self.root}"]
        said += [f"left out {listed(skipped)}"] if skipped else []
        said += [f"pictures {listed(notes)}"] if notes else []
        return "; ".join(said)

    def files(self) -> list[Path]:
        """The files, in the order of their names."""
        return self._found[0]

    def identify(self) -> str:
        """SHA-256 over names, contents and how pictures are decoded: in a run's key, for a path."""
        total = hashlib.sha256()
        if self.kind == "pictures":
            total.update(DECODING)
        for path in self.files():
            total.update(str(path.relative_to(self.root)).encode(errors="surrogateescape") + b"\0")
            total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()

    def load(self, split: Split) -> Data:
        """One split; the division into splits depends on the contents alone."""
        rows, labels, _ = self._read
        held_out = round(self.test_fraction * len(rows))
        if not 0 < held_out < len(rows):
            raise ValueError(
                f"data.root={self.root} makes {len(rows)} rows, of which data.test_fraction="
                f"{self.test_fraction} holds out {held_out}: both splits need at least one"
            )
        order = generator(len(rows), "folder/split").permutation(len(rows))
        chosen = order[:held_out] if split == "test" else order[held_out:]
        return Data(rows[chosen], None if labels is None else labels[chosen])

    @cached_property
    def _found(self) -> tuple[list[Path], Counter[str]]:
        return find(Path(self.root))

    @cached_property
    def _read(self) -> tuple[Bytes, NDArray[np.int64] | None, Counter[str]]:
        """Rows, labels and notes of everything; decoded once."""
        return self._pictures() if self.kind == "pictures" else (self._bytes(), None, Counter())

    def _bytes(self) -> Bytes:
        width = dimension(self.shape)
        pieces = []
        for path in self.files():
            content = np.fromfile(path, dtype=np.uint8)
            pieces.append(np.pad(content, (0, -len(content) % width)).reshape(-1, width))
        return np.concatenate(pieces)

    def _pictures(self) -> tuple[Bytes, NDArray[np.int64] | None, Counter[str]]:
        from dan_bench.data.decode import Mode, decode

        mode: Mode = "RGB" if self.shape[2:] == (3,) else "L"
        notes: Counter[str] = Counter()
        rows = np.empty((len(self.files()), dimension(self.shape)), dtype=np.uint8)
        for row, path in zip(rows, self.files(), strict=True):
            picture, noted = decode(path, mode, (self.shape[1], self.shape[0]))
            row[:] = picture.reshape(-1)
            notes.update(noted)
        places = [path.relative_to(self.root).parts for path in self.files()]
        classes = [place[0] for place in places]
        names = sorted(set(classes))
        labelled = len(names) >= 2 and all(len(place) > 1 for place in places)
        labels = np.array([names.index(name) for name in classes]) if labelled else None
        return rows, labels, notes


def find(root: Path) -> tuple[list[Path], Counter[str]]:
    """Return the files under a folder in the order of their names, and count what is left out.

    Raises:
        FileNotFoundError: there is no such folder, or nothing in it.
        OSError: a folder in it cannot be read.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"data.root={root} is not a folder; name one with data.root=DIR")
    files: list[Path] = []
    skipped: Counter[str] = Counter()

    def fail(error: OSError) -> NoReturn:
        raise error

    for place, folders, names in os.walk(root, onerror=fail):
        for name in [*folders, *names]:
            path = Path(place, name)
            if name.startswith("."):
                skipped["hidden"] += 1
            elif path.is_symlink():
                skipped["links"] += 1
            elif name.lower() in OF_THE_SYSTEM:
                skipped["Thumbs.db or desktop.ini"] += 1
            elif path.is_file():
                files.append(path)
            elif not path.is_dir():
                skipped["neither file nor folder"] += 1
        folders[:] = [name for name in folders if not name.startswith(".")]
    if not files:
        also = f" but what is left out: {listed(skipped)}" if skipped else ""
        raise FileNotFoundError(f"data.root={root} holds no files{also}")
    return sorted(files), skipped


def listed(counts: Counter[str]) -> str:
    """Write counts as a list: `hidden: 2, links: 1`."""
    return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))
