"""How fast are files overwritten? Our noise against `shred -n1 -x`, in place, to the device.

    python benchmarks/erase.py [--size MIB] [--files N] [--folder FOLDER] [--repeats N]

One large file: all ways overwrite one and the same file, in turn, the order changing from repeat to
repeat; each ends when the device has it (fdatasync). shred does not read back, so our reading back
is timed by itself. Plain writes of one large buffer, over and over, are the ceiling: of zeros, and
of noise, since there are devices that make less of zeros.

Many small files, of 4 KiB, 1,000 a folder, on ext4 in memory (a loop device over tmpfs, which takes
root; else in FOLDER): shred over all of them against a whole process of ours, from the start of the
interpreter to its end, with the plan, the journal, reading back and the comparison with what was
there. The most memory that each had is from wait4(2).
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from dan_bench.erase import FastNoise
from dan_bench.erase.filesystem import data_spans, extents
from dan_bench.erase.overwrite import BEHIND, PIECE, Blocks, Overwriter, read_back

OURS, SHRED = "dan_bench.erase", "shred -n1 -x"
ZEROS, REPEATED = "zeros (ceiling)", "one buffer of noise"
READ = "reading back (SHA-256)"
RAM = "/dev/shm"
# a process of its own, and a small one: what it had in memory counts as its child's too
WATCH = """
import os, sys, time
start = time.perf_counter()
child = os.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(child, 0)
seconds = time.perf_counter() - start
print(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""
PROGRAM = """
import sys
from dan_bench.erase import FastNoise, erase, plan_erasure
report = erase(plan_erasure([sys.argv[1]]), FastNoise(), journal=sys.argv[2])
assert len(report.files) == int(sys.argv[3])
assert all(file.status == "overwritten" and file.read_back for file in report.files)
assert all(file.survey is not None and file.survey.compared == 4096 for file in report.files)
"""


def write(path: str, size: int, piece: bytes) -> None:
    """Overwrite a file with one piece, over and over, and wait for the device."""
    handle = os.open(path, os.O_WRONLY)
    try:
        for start in range(0, size, len(piece)):
            n = os.pwrite(handle, memoryview(piece)[: size - start], start)
            behind = min(start, BEHIND)
            os.posix_fadvise(handle, start - behind, behind + n, os.POSIX_FADV_DONTNEED)
        os.fdatasync(handle)
    finally:
        os.close(handle)


def overwrite(path: str) -> None:
    """Overwrite with our noise, hashed on the way as `erase` does it, without reading back."""
    with closing(Overwriter(FastNoise(), lambda _: None)) as writer, open(path, "r+b") as file:
        handle = file.fileno()
        writer.overwrite(handle, Blocks.of(handle, os.path.getsize(path), extents(handle)))


def read(path: str, size: int) -> None:
    """Read the file from the device and hash it, as `erase` does."""
    handle = os.open(path, os.O_RDONLY)
    try:
        read_back(handle, data_spans(handle, size))
    finally:
        os.close(handle)


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(path: str, size: int, repeats: int) -> None:
    """Time all ways on one file and print them."""
    shred = shutil.which("shred")
    if shred is None:
        raise SystemExit("shred is not installed (GNU coreutils); nothing to compare with")
    noise = os.urandom(PIECE)
    ways: dict[str, Callable[[], object]] = {
        SHRED: lambda: subprocess.run([shred, "-n1", "-x", path], check=True),
        OURS: lambda: overwrite(path),
        ZEROS: lambda: write(path, size, bytes(PIECE)),
        REPEATED: lambda: write(path, size, noise),
        READ: lambda: read(path, size),
    }
    write(path, size, noise)  # allocates the blocks: all that follows is in place
    times: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats):
        names = list(ways)
        for name in names[repeat % len(names) :] + names[: repeat % len(names)]:
            times[name].append(seconds(ways[name]))
    print(f"{size / 2**20:.0f} MiB, {repeats} alternating repeats; x is of shred's speed")
    for name, found in times.items():
        least, middle = min(found), statistics.median(found)
        paired = statistics.median(a / b for a, b in zip(times[SHRED], found, strict=True))
        print(
            f"{name:24s} best {size / least / 1e6:6.0f} MB/s ({min(times[SHRED]) / least:4.2f} x)"
            f"   median {size / middle / 1e6:6.0f} MB/s ({paired:4.2f} x, paired)"
        )


@contextmanager
def ext4_in_memory(files: int) -> Iterator[Path]:
    """Lend the folder of an ext4 file system that lies in memory, with room for so many files."""
    with tempfile.TemporaryDirectory(prefix="dan_bench-erase-", dir=RAM) as folder:
        image, mounted = Path(folder, "image"), Path(folder, "mounted")
        mounted.mkdir()
        with image.open("xb") as file:
            file.truncate((64 << 20) + files * 6144)
        inodes = ["-N", str(files + files // 100 + 1000)]
        lazy = ["-E", "lazy_itable_init=0,lazy_journal_init=0"]
        subprocess.run(["mkfs.ext4", "-q", *lazy, *inodes, image], check=True)
        subprocess.run(["mount", "-o", "loop", image, mounted], check=True)
        try:
            yield mounted
        finally:
            subprocess.run(["umount", mounted], check=True)


def process(command: list[str], given: bytes = b"") -> tuple[float, float, float]:
    """Run a command; return its seconds, those of a processor, and the MiB that it had at most."""
    watched = [sys.executable, "-I", "-S", "-c", WATCH, *command]
    ended = subprocess.run(watched, input=given, stderr=subprocess.PIPE, check=True)
    seconds, processor, kibibytes = ended.stderr.split()[-3:]
    return float(seconds), float(processor), int(kibibytes) / 1024


def compare_many(folder: Path, files: int, repeats: int) -> None:
    """Time both over many small files, in turn, and print the ratio."""
    root, state = folder / "files", folder / "state"
    root.mkdir()
    state.mkdir(mode=0o700)
    paths = []
    for i in range(files):
        inside = root / f"{i // 1000:04d}"
        if i % 1000 == 0:
            inside.mkdir()
        paths.append(inside / f"file{i:06d}")
        paths[-1].write_bytes(os.urandom(4096))
    os.sync()
    listed = b"\0".join(os.fsencode(path) for path in paths)
    shred: list[tuple[float, float, float]] = []
    ours: list[tuple[float, float, float]] = []
    for repeat in range(repeats):
        for way in ("shred", "ours") if repeat % 2 == 0 else ("ours", "shred"):
            if way == "shred":
                shred.append(process(["xargs", "-0", "shred", "-n1", "-x"], listed))
            else:
                journal = state / str(repeat)
                argv = [str(root), str(journal), str(files)]
                ours.append(process([sys.executable, "-c", PROGRAM, *argv]))
                journal.unlink()
    print(f"{files:,} files of 4 KiB, {repeats} alternating repeats; load {os.getloadavg()[0]:.1f}")
    for name, found in ((SHRED, shred), (OURS, ours)):
        print(
            f"{name:24s} best {min(t for t, _, _ in found):6.1f} s   median "
            f"{statistics.median(t for t, _, _ in found):6.1f} s   processor "
            f"{min(t for _, t, _ in found):6.1f} s   at most {max(m for _, _, m in found):4.0f} MiB"
        )
    ratios = [a[0] / b[0] for a, b in zip(ours, shred, strict=True)]
    best = min(t for t, _, _ in ours) / min(t for t, _, _ in shred)
    print(f"ours takes {best:.2f} x shred's time at best, {statistics.median(ratios):.2f} x paired")


def main() -> None:
    """Make files in a fresh folder, compare, and remove them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024, help="of the file, in MiB; 0: leave out")
    parser.add_argument("--files", type=int, default=100_000, help="small ones; 0: leave out")
    parser.add_argument("--folder", help="on the file system to be measured; default: temporary")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    if min(chosen.size, chosen.files) < 0 or chosen.repeats < 1:
        parser.error("--size and --files must not be negative, and --repeats at least 1")
    with tempfile.TemporaryDirectory(prefix="dan_bench-erase-", dir=chosen.folder) as folder:
        real = Path(os.path.realpath(folder))
        if chosen.size:
            (real / "file").touch()
            compare(str(real / "file"), chosen.size << 20, chosen.repeats)
        if chosen.files and chosen.folder is None and os.geteuid() == 0:
            with ext4_in_memory(chosen.files) as mounted:
                compare_many(mounted, chosen.files, chosen.repeats)
        elif chosen.files:
            compare_many(real, chosen.files, chosen.repeats)


if __name__ == "__main__":
    main()
