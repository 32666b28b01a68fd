"""Your own files or pictures as a data set. They are read, never written."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dan_bench.data.source import Bytes, Data, Split, dimension
from dan_bench.streams import generator


@dataclass(frozen=True)
class Folder:
    """Every regular file under `root`, hidden ones and links left out, as rows of bytes.

    `pictures` decodes each file, makes it grey (or RGB where the shape ends in 3) and resizes
    it to `shape`; folders directly under `root` are its labels where there are at least two and
    no file beside them.
    `bytes` cuts each file into rows, the last one filled up with zeros, and has no labels.
    """

    root: Path
    shape: tuple[int, ...]
    kind: Literal["pictures", "bytes"]
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    fingerprint: str | None = None

    def prepare(self) -> str:
        """Look whether the folder is there and holds files.

        Raises:
            FileNotFoundError: there is no such folder, or nothing in it.
        """
        return f"folder: {len(self.files())} files under {self.root}"

    def files(self) -> list[Path]:
        """The files, in the order of their names."""
        root = Path(self.root)
        if not root.is_dir():
            raise FileNotFoundError(
                f"data.root={root} is not a folder; name one with data.root=DIR"
            )
        found = sorted(
            path
            for path in root.rglob("*")
            if path.is_file()
            and not path.is_symlink()
            and not any(part.startswith(".") for part in path.relative_to(root).parts)
        )
        if not found:
            raise FileNotFoundError(f"data.root={root} holds no files")
        return found

    def identify(self) -> str:
        """SHA-256 over names and contents: what the key of a run holds instead of a path."""
        total = hashlib.sha256()
        for path in self.files():
            total.update(str(path.relative_to(self.root)).encode(errors="surrogateescape") + b"\0")
            total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()

    def load(self, split: Split) -> Data:
        """One split; the division into splits depends on the contents alone."""
        rows, labels = self._pictures() if self.kind == "pictures" else (self._bytes(), None)
        held_out = round(self.test_fraction * len(rows))
        if not 0 < held_out < len(rows):
            raise ValueError(
                f"data.root={self.root} makes {len(rows)} rows, of which data.test_fraction="
                f"{self.test_fraction} holds out {held_out}: both splits need at least one"
            )
        order = generator(len(rows), "folder/split").permutation(len(rows))
        chosen = order[:held_out] if split == "test" else order[held_out:]
        return Data(rows[chosen], None if labels is None else labels[chosen])

    def _bytes(self) -> Bytes:
        width = dimension(self.shape)
        pieces = []
        for path in self.files():
            content = np.fromfile(path, dtype=np.uint8)
            pieces.append(np.pad(content, (0, -len(content) % width)).reshape(-1, width))
        return np.concatenate(pieces)

    def _pictures(self) -> tuple[Bytes, NDArray[np.int64] | None]:
        from PIL import Image

        if len(self.shape) not in (2, 3):
            raise ValueError(f"data.shape={list(self.shape)}: a picture needs rows, columns[, 3]")
        mode = "RGB" if self.shape[-1] == 3 else "L"
        files = self.files()
        pictures = []
        for path in files:
            try:
                with Image.open(path) as picture:
                    small = picture.convert(mode).resize((self.shape[1], self.shape[0]))
            except (OSError, SyntaxError, Image.DecompressionBombError) as error:
                raise ValueError(
                    f"{path} is no picture that can be read ({error}); "
                    "remove it, or take the files as they are with data.kind=bytes"
                ) from error
            pictures.append(np.asarray(small, dtype=np.uint8).reshape(-1))
        places = [path.relative_to(self.root).parts for path in files]
        classes = [place[0] for place in places]
        names = sorted(set(classes))
        labelled = len(names) >= 2 and all(len(place) > 1 for place in places)
        labels = np.array([names.index(name) for name in classes]) if labelled else None
        return np.stack(pictures), labels
