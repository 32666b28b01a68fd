"""What the command writes: opened before the first byte is overwritten, and never over a file."""

import errno
import hashlib
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from dan_bench import cli
from dan_bench.erase import ErasurePlan, ErasureRefused
from dan_bench.files import Closing

NO_TMPFILE = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.ENOSYS)
NO_ROOM_TO_RESERVE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
PER_FILE_IN_JOURNAL = 500
"""Bytes that a journal may take for a file, beside its path."""
FIXED, PER_FILE = 1 << 18, 100
"""Bytes that are reserved for a certificate, beside its files' names."""


class Draft:
    """A file that has no name yet: it is gone if the program ends before it is published.

    Where the file system has no nameless files (O_TMPFILE), it has a hidden name until then.

    Args:
        folder: to be published in.
        room: bytes that are reserved, so that a full disk shows before anything is done.

    Raises:
        OSError: nothing can be written there, or there is no room.
    """

    def __init__(self, folder: Path, room: int) -> None:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        self._folder = os.open(folder, flags)
        self._hidden: str | None = None
        self._handle = -1
        try:
            self._handle = self._opened(folder)
            try:
                os.posix_fallocate(self._handle, 0, room)
            except OSError as error:
                if error.errno not in NO_ROOM_TO_RESERVE:
                    raise OSError(error.errno, error.strerror, str(folder)) from error
        except BaseException:
            self.close()
            raise

    def _opened(self, where: Path) -> int:
        flags = os.O_RDWR | os.O_CLOEXEC
        try:
            handle = os.open(".", flags | os.O_TMPFILE, 0o666, dir_fd=self._folder)
            if os.path.exists(f"/proc/self/fd/{handle}"):  # by which it gets its name
                return handle
            os.close(handle)
        except OSError as error:
            if error.errno not in NO_TMPFILE:
                raise
        self._hidden = f".{secrets.token_hex(16)}.part"
        flags |= os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            return os.open(self._hidden, flags, 0o666, dir_fd=self._folder)
        except OSError as error:
            self._hidden = None
            raise type(error)(error.errno, error.strerror, str(where)) from error

    def writer(self) -> BinaryIO:
        """Return a file to write all of it with; it must be closed before anything is published."""
        return open(self._handle, "wb", closefd=False)

    def content(self) -> bytes:
        """Return what was written."""
        end = os.lseek(self._handle, 0, os.SEEK_CUR)
        return os.pread(self._handle, end, 0)

    def finish(self) -> None:
        """Give back the room that was not needed, and wait until it is on the device."""
        os.ftruncate(self._handle, os.lseek(self._handle, 0, os.SEEK_CUR))
        os.fsync(self._handle)

    def publish(self, name: str) -> None:
        """Give it a name.

        Raises:
            FileExistsError: the name is taken, by whatever.
        """
        if self._hidden is None:
            os.link(f"/proc/self/fd/{self._handle}", name, dst_dir_fd=self._folder)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(name, flags, dir_fd=self._folder))
        os.rename(self._hidden, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._hidden = None

    def withdraw(self, name: str) -> None:
        """Take back the name that `publish` gave; it is hidden until it has another."""
        self._hidden = f".{secrets.token_hex(16)}.part"
        os.rename(name, self._hidden, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def sync_folder(self) -> None:
        """Wait until the name is on the device."""
        os.fsync(self._folder)

    def close(self) -> None:
        """Let go of it: without a name, it is gone."""
        if self._hidden is not None:
            with suppress(OSError):
                os.unlink(self._hidden, dir_fd=self._folder)
            self._hidden = None
        for handle in (self._handle, self._folder):
            if handle >= 0:
                os.close(handle)
        self._handle = self._folder = -1


class Outputs(Closing):
    """A certificate's files: published together, under names that are not taken.

    Args:
        path: of the JSON file; the others have its name with another ending.
        signed: whether there is a signature too.
        room: bytes that are reserved for the JSON file.

    Raises:
        OSError: one of them cannot be written.
    """

    def __init__(self, path: Path, signed: bool, room: int) -> None:
        self._path = path
        self._endings = endings(path, signed)
        self._drafts: list[Draft] = []
        try:
            for ending in self._endings:
                most = room if ending == path.suffix else FIXED
                self._drafts.append(Draft(path.absolute().parent, most))
        except BaseException:
            self.close()
            raise
        self.json, self.text, *_ = self._drafts
        self.signature = self._drafts[2] if signed else None

    def publish(self) -> list[Path]:
        """Give the files their names, with a number where those are taken; return their paths.

        Raises:
            OSError: that cannot be done.
        """
        for draft in self._drafts:
            draft.finish()
        number = 1
        while not self._published(stem := self._path.stem + f"-{number}" * (number > 1)):
            number += 1
        self._drafts[0].sync_folder()
        return [self._path.with_name(stem + ending) for ending in self._endings]

    def _published(self, stem: str) -> bool:
        """Name all files or none; the JSON file last: where it is, the others are."""
        if any(os.path.lexists(self._path.with_name(stem + of)) for of in self._endings):
            return False
        named = list(zip(self._drafts, self._endings, strict=True))
        for i, (draft, ending) in reversed([*enumerate(named)]):
            try:
                draft.publish(stem + ending)
            except FileExistsError:
                for other, taken_back in named[i + 1 :]:
                    other.withdraw(stem + taken_back)
                return False
        return True

    def close(self) -> None:
        """Let go of what was not published."""
        for draft in self._drafts:
            draft.close()


def endings(path: Path, signed: bool) -> list[str]:
    """Return how the names of a certificate's files end: JSON, text and, if signed, signature."""
    return [path.suffix, ".txt", *([f"{path.suffix}.sig"] if signed else [])]


def open_outputs(path: Path | None, plan: ErasurePlan, signed: bool, resumed: bool) -> Outputs:
    """Open the files of a certificate; arguments and errors are those of `certificate_place`."""
    names = sum(len(os.fsencode(file.parts[-1])) + PER_FILE for file in plan.files)
    return Outputs(certificate_place(path, plan, signed, resumed), signed, FIXED + names)


def certificate_place(path: Path | None, plan: ErasurePlan, signed: bool, resumed: bool) -> Path:
    """Return where a certificate goes; opens and makes nothing.

    Args:
        path: as the user named it; None: one by the time, in the working folder.
        plan: what is to be erased; no output may lie in it.
        signed: whether there is a signature too.
        resumed: whether an earlier attempt may have published it and been killed then; it is left
            there, and this one gets a number.

    Raises:
        ErasureRefused: it lies in what is to be erased, or would take the place of a file.
        OSError: it cannot be written.
    """
    place = path or Path(f"certificate-{datetime.now(UTC):%Y%m%d-%H%M%S}.json")
    if why := cli.unwritable(place, (".json",)):
        raise ErasureRefused(f"--certificate {place}: {why}")
    for ending in endings(place, signed):
        file = place.with_name(place.stem + ending)
        plan.refuse_inside(file.absolute(), "the certificate")
        with suppress(FileNotFoundError):
            os.lstat(file)  # an OSError says that there can be none of this name
            if path is not None and not resumed:
                raise ErasureRefused(
                    f"--certificate {place}: {file} is there already, and no file is replaced; "
                    "name another"
                )
    return place


def journal_path(paths: list[str]) -> Path:
    """Return the journal of these paths: always the same, so that the next run finds it."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    named = "\0".join(sorted({os.path.abspath(path) for path in paths}))
    name = hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return state / "dan_bench" / f"erasure-{name}.journal"


def check_journal(path: Path, plan: ErasurePlan) -> None:
    """Refuse a journal that lies in what is to be erased, or cannot be written; make its folder.

    Raises:
        ErasureRefused, OSError: so.
    """
    plan.refuse_inside(path.absolute(), "the journal")
    folder = path.absolute().parent
    if why := cli.unusable(folder) or ("that is a folder" if path.is_dir() else ""):
        raise ErasureRefused(f"--journal {path}: {why}")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    of = os.statvfs(folder)
    needed = sum(len(os.fsencode(file.path)) + PER_FILE_IN_JOURNAL for file in plan.files)
    if of.f_blocks and of.f_bavail * of.f_frsize < needed:
        raise ErasureRefused(
            f"--journal {path}: it may take {needed:,} bytes, which {folder} lacks"
        )
