"""What an erasure claims, against what a search of the raw device finds: file systems x files.

    python benchmarks/erase_matrix.py [--setups PART ...] [--folder FOLDER] [--list]

Makes file systems in image files and mounts them, which takes root. Into each go files of every
kind, filled with marks of 32 bytes, one in every 512. Each file is erased by itself, and the claim
is noted: is there anything that could not be verified? Then the images are searched for the marks,
those too that an image lies in. At last the free space is filled, and the search is done again.

    held       claimed, and no mark was found
    REFUTED    claimed, and marks were found: the number of them
    doubted    not claimed; and the number of marks that were found
    earlier    claimed for the place where the data lie now, and marks were found in earlier places,
               which every certificate says are not searched; and how many are left where the free
               space is filled

The exit code is 1 where a claim was refuted.
"""

import argparse
import contextlib
import mmap
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from erase_setups import HELD, SETUPS, Maker, Place, Unavailable, run

from dan_bench.erase import ErasureRefused, FastNoise, FileResult, erase, plan_erasure
from dan_bench.erase.devices import mounted
from dan_bench.erase.filesystem import beyond_end, data_spans, extents
from dan_bench.erase.free_space import fill_free_space
from dan_bench.erase.status import mount_id

RECORD = 512
RUN = secrets.token_hex(5).encode()
MARK = re.compile(RUN + rb"([0-9a-f]{10})(\d{12})")
SEARCHED = 16 << 20
N_BYTES = re.compile(r"\d+ bytes")
LAYER = re.compile(r"loop\d+ lies in the file '[^']*': ")


def marks(token: bytes, n: int, first: int = 0) -> bytes:
    """Return n bytes with a mark in every record."""
    records = -(-n // RECORD)
    made = [RUN + token + b"%012d" % (first + i) + os.urandom(RECORD - 32) for i in range(records)]
    return b"".join(made)[:n]


def search(images: Sequence[Path]) -> dict[bytes, set[int]]:
    """Return the marks that are found in images, by the token of their file."""
    found: dict[bytes, set[int]] = {}
    for image in images:
        with image.open("rb", buffering=0) as raw:
            for start, end in data_spans(raw.fileno(), image.stat().st_size):
                for at in range(start, end, SEARCHED):
                    data = os.pread(raw.fileno(), min(SEARCHED + 32, end - at), at)
                    for token, number in MARK.findall(data):
                        found.setdefault(token, set()).add(int(number))
    return found


# files


@dataclass
class Case:
    """A file to be erased, and what became of it."""

    path: Path
    token: bytes = field(default_factory=lambda: secrets.token_hex(5).encode())
    claimed: bool = False
    reasons: tuple[str, ...] = ()
    left: int = 0
    after: int = 0
    """Marks that are left where the free space was filled."""


def write(path: Path, data: bytes, at: int = 0) -> None:
    """Write data to the device."""
    with path.open("r+b" if path.exists() else "xb") as file:
        file.seek(at)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def small(case: Case, _: Place) -> None:
    """Not a whole block."""
    write(case.path, marks(case.token, 3000))


def large(case: Case, _: Place) -> None:
    """Many extents, or one long one."""
    write(case.path, marks(case.token, 3 << 20))


def sparse(case: Case, _: Place) -> None:
    """With a hole of 8 MiB."""
    write(case.path, marks(case.token, 1 << 18))
    write(case.path, marks(case.token, 1 << 18, 512), 8 << 20)


def tiny(case: Case, _: Place) -> None:
    """Small enough to lie in the inode, where there is such a thing."""
    write(case.path, marks(case.token, 120))


def beyond(case: Case, place: Place) -> None:
    """Blocks put aside behind the end, with marks of whoever had them before."""
    write(case.path, os.urandom(9000))
    run("fallocate", "--keep-size", "--offset", 9000, "--length", 1 << 17, case.path)
    if len(place.images) != 1 or place.source != place.images[0]:
        raise Unavailable("the blocks' place in the image is not known")
    with case.path.open("rb") as file:
        found = extents(file.fileno())
        behind = beyond_end(9000, os.fstatvfs(file.fileno()).f_frsize, found)
    if not behind or not found:
        raise Unavailable("no blocks behind the end of a file")
    if kind_of(place) == "btrfs":
        raise Unavailable("btrfs gives logical addresses")
    place.unmount()
    with place.images[0].open("r+b") as raw:
        for extent in found:
            if extent.logical + extent.length > behind[0][0]:
                skip = max(0, behind[0][0] - extent.logical)
                raw.seek(extent.physical + skip)
                raw.write(marks(case.token, extent.length - skip))
    place.mount()


def attribute(case: Case, _: Place) -> None:
    """Marks in an extended attribute alone."""
    write(case.path, os.urandom(3000))
    os.setxattr(case.path, "user.secret", marks(case.token, 900))
    os.sync()


def stream(case: Case, place: Place) -> None:
    """Marks in a named stream alone."""
    write(case.path, os.urandom(3000))
    if kind_of(place) != "fuseblk":
        raise Unavailable("no named streams")
    write(case.path.with_name(f"{case.path.name}:stream"), marks(case.token, 3000))


def once_journaled(case: Case, place: Place) -> None:
    """Written while the file system journaled data, and erased when it no longer does."""
    if kind_of(place) not in ("ext3", "ext4") or "data=journal" in " ".join(place.how):
        raise Unavailable("it has no data=journal, or always")
    place.unmount()
    how = [word.replace("loop", "loop,data=journal") for word in place.how]
    try:
        place.mount(*how)
        write(case.path, marks(case.token, 1 << 16))
        os.sync()
        place.unmount()
    finally:
        place.mount()


def once_journaled_itself(case: Case, place: Place) -> None:
    """Its own data were journaled for a while (chattr +j), which nothing shows any more."""
    if "nodelalloc" not in " ".join(place.how):
        raise Unavailable("chattr +j does nothing without nodelalloc")
    case.path.touch()
    journal = "set_inode_field /{} flags {}"  # chattr takes a right that root may not have
    name, image = case.path.name, place.images[0]
    place.unmount()
    run("debugfs", "-w", "-R", journal.format(name, "0x84000"), image)
    place.mount()
    write(case.path, marks(case.token, 1 << 16))
    place.unmount()
    run("debugfs", "-w", "-R", journal.format(name, "0x80000"), image)
    place.mount()


def grown(case: Case, _: Place) -> None:
    """First a few bytes, which may lie in the inode, then more."""
    write(case.path, marks(case.token, 120))
    os.sync()
    write(case.path, os.urandom(50_000))


def punched(case: Case, _: Place) -> None:
    """A hole is punched where marks were."""
    write(case.path, marks(case.token, 1 << 18))
    os.sync()
    run("fallocate", "--punch-hole", "--offset", 1 << 16, "--length", 1 << 17, case.path)


def renamed_over(case: Case, _: Place) -> None:
    """As an editor saves: a new file takes the name."""
    write(case.path, marks(case.token, 1 << 17))
    new = case.path.with_name("new")
    write(new, os.urandom(1 << 17))
    os.replace(new, case.path)


def cloned(case: Case, _: Place) -> None:
    """Another file shares the extents."""
    write(case.path, marks(case.token, 1 << 17))
    run("cp", "--reflink=always", case.path, case.path.with_name("a clone"))


def locked(case: Case, _: Place) -> None:
    """Mapped by somebody, so that the page cache is not dropped."""
    write(case.path, marks(case.token, 1 << 17))
    with case.path.open("r+b") as file:
        HELD.append(mmap.mmap(file.fileno(), 0))


ORDINARY = {"small": small, "large": large, "sparse": sparse, "120 bytes": tiny, "mapped": locked}
SPECIAL = {
    "behind the end": beyond,
    "attribute": attribute,
    "stream": stream,
    "once journaled": once_journaled,
    "once chattr +j": once_journaled_itself,
    "cloned": cloned,
}
EARLIER = {"grown": grown, "renamed over": renamed_over, "punched": punched}
KINDS = SPECIAL | ORDINARY | EARLIER


def write_all(place: Place, kinds: Sequence[str]) -> dict[str, Case | str]:
    """Write a file of each kind; of those that cannot be, return why."""
    cases: dict[str, Case | str] = {}
    for kind in kinds:
        case = Case(place.root / kind.replace(" ", "-"))
        try:
            KINDS[kind](case, place)
            cases[kind] = case
        except (Unavailable, OSError) as error:
            cases[kind] = str(error)
            case.path.unlink(missing_ok=True)
    return cases


def kind_of(place: Place) -> str:
    """Return the kind of file system that is mounted."""
    handle = os.open(place.root, os.O_RDONLY)
    try:
        return mounted()[mount_id(handle) or 0].kind
    finally:
        os.close(handle)


def examine(
    make: Maker, folder: Path, kinds: Sequence[str] = tuple(KINDS), fill: bool = True
) -> dict[str, Case | str]:
    """Make a set-up, erase a file of each kind in it, and search the images.

    Raises:
        Unavailable: this machine has not got what the set-up needs.
    """
    with contextlib.ExitStack() as held:
        place = make(folder, held)
        held.callback(HELD.clear)  # nothing is unmounted before the mappings are gone
        cases = write_all(place, kinds)
        os.sync()
        place.between()
        files = [case for case in cases.values() if isinstance(case, Case)]
        for case in files:
            (result,) = erase(plan_erasure([case.path]), FastNoise()).files
            case.claimed, case.reasons = is_claimed(result)
        HELD.clear()
        _search(place, files, "left")
        if fill and any(case.left for case in files):
            with contextlib.suppress(ErasureRefused):
                fill_free_space(place.root, FastNoise())
        _search(place, files, "after")
    return cases


def is_claimed(result: FileResult) -> tuple[bool, tuple[str, ...]]:
    """Return whether a file is said to be erased with nothing unverified, and what is not."""
    survey = result.survey
    assert survey is not None, result
    claimed = result.status == "overwritten" and result.read_back is True and not survey.unverified
    return claimed, survey.unverified + ((result.error,) if result.error else ())


def _search(place: Place, files: Sequence[Case], what: str) -> None:
    place.unmount()
    os.sync()
    found = search(place.images)
    for case in files:
        setattr(case, what, len(found.get(case.token, ())))
    place.mount()


def verdict(kind: str, case: Case) -> str:
    """Return what a cell of the table says."""
    if not case.claimed:
        return f"doubted, {case.left}" if case.left else "doubted, 0"
    if not case.left:
        return "held"
    if kind in EARLIER:
        return f"earlier, {case.left}; {case.after}"
    return f"REFUTED, {case.left}"


def rows(
    setups: Sequence[str], folder: Path
) -> Iterator[tuple[str, dict[str, Case | str] | Unavailable]]:
    """Yield what was found in each set-up."""
    for i, name in enumerate(setups):
        try:
            yield name, examine(SETUPS[name], folder / str(i))
        except Unavailable as error:
            yield name, error
        shutil.rmtree(folder / str(i), ignore_errors=True)


def table(setups: Sequence[str], folder: Path) -> int:
    """Print the table; return how many claims were refuted."""
    refuted = doubted = held = 0
    reasons: Counter[str] = Counter()
    print("| file system | " + " | ".join(KINDS) + " |")
    print("| --- " * (len(KINDS) + 1) + "|")
    absent = []
    for name, found in rows(setups, folder):
        if isinstance(found, Unavailable):
            absent.append(f"not there: {name} ({found})")
            continue
        cells = []
        for kind in KINDS:
            case = found[kind]
            if isinstance(case, str):
                cells.append("")
                continue
            cells.append(verdict(kind, case))
            refuted += cells[-1].startswith("REFUTED")
            held += case.claimed
            doubted += not case.claimed
            reasons.update({LAYER.sub("", N_BYTES.sub("N bytes", text)) for text in case.reasons})
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print()
    print("\n".join(absent))
    print(f"{held} claims, {refuted} refuted; {doubted} files were doubted:")
    for reason, files in reasons.most_common():
        print(f"{files:5d}  {reason}")
    return refuted


def main() -> None:
    """Go through the matrix."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--setups", nargs="+", help="only those whose name has one of these parts")
    parser.add_argument("--folder", help="where the images go; default: the temporary folder")
    parser.add_argument("--list", action="store_true", help="name the set-ups and files, and end")
    chosen = parser.parse_args()
    setups = [n for n in SETUPS if not chosen.setups or any(part in n for part in chosen.setups)]
    if chosen.list:
        print("file systems:", *setups, "files:", *KINDS, sep="\n  ")
        return
    if os.geteuid() != 0:
        sys.exit("erase_matrix: only root mounts file systems; run it with sudo")
    with tempfile.TemporaryDirectory(prefix="erase-matrix-", dir=chosen.folder) as folder:
        sys.exit(1 if table(setups, Path(os.path.realpath(folder))) else 0)


if __name__ == "__main__":
    main()
