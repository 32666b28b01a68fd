"""Scratch folders with copies of everything that an entry may touch."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dan_bench.cli import InputError


class Workspace:
    """The folders of one entry; they and nothing else are written to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.training = root / "training"
        """The training set as files, evidence of which is taken."""
        self.held_out = root / "held_out"
        """What is not trained on."""
        self.album = root / "album"
        """The family photo album beside it: a copy, whatever becomes of it."""
        self.originals = (self.training, self.album)
        """The original data, both columns' folders: what destroys data is given these."""
        self.work = root / "work"
        """For whatever an entry wants to write."""


@contextmanager
def scratch(parent: Path) -> Iterator[Workspace]:
    """Make a new workspace below `parent`, lend it, and remove it with all that is in it."""
    with temporary_folder(parent, "table1-") as root:
        place = Workspace(root)
        for folder in (place.training, place.held_out, place.album, place.work):
            folder.mkdir()
        yield place


@contextmanager
def temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a new folder below `parent`, lend it, and remove it with all that is in it."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent.resolve()))
    made = folder.lstat()
    try:
        yield folder
    finally:
        # an entry can do as it likes: what lies there by now may be another folder
        if folder.exists() and os.path.samestat(made, folder.lstat()):
            shutil.rmtree(folder)


def refuse_overlap(folder: Path, scratch_parent: Path, flag: str) -> None:
    """Refuse a folder of the user's that a scratch folder would lie in, or the other way round.

    Raises:
        InputError: they overlap.
    """
    theirs, ours = folder.resolve(), scratch_parent.resolve()
    if theirs == ours or theirs in ours.parents or ours in theirs.parents:
        raise InputError(
            f"{flag}={folder} and the scratch folder {ours} lie in one another; "
            "name a scratch folder elsewhere with --scratch DIR"
        )


def regular_files(root: Path, flag: str) -> list[Path]:
    """Return every regular file below `root` in order of its name; links and hidden ones are none.

    Raises:
        ValueError: there is no such folder, or no file in it.
    """
    if not root.is_dir():
        raise ValueError(f"{flag}={root} is not a folder")
    found = [
        path
        for path in root.rglob("*")
        if stat.S_ISREG(path.lstat().st_mode)
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
    if not found:
        raise ValueError(f"{flag}={root} holds no files")
    return sorted(found)


def copy_files(files: Sequence[Path], root: Path, target: Path) -> None:
    """Copy files below `root` to the same places below `target`; the originals are only read.

    Byte for byte by reading and writing: a copy that shares its blocks with the original would
    have evidence of the original in it.
    """
    for path in files:
        copy = target / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as original, copy.open("xb") as file:
            shutil.copyfileobj(original, file, 1 << 20)
