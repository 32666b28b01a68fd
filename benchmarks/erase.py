"""How fast are files overwritten? Our noise against `shred -n1 -x`, in place, to the device.

    python benchmarks/erase.py [--size MIB] [--folder FOLDER] [--repeats N]

All ways overwrite one and the same file, in turn, the order changing from repeat to repeat; each
ends when the device has it (fdatasync). shred does not read back, so our reading back is timed by
itself. Plain writes of one large buffer, over and over, are the ceiling: of zeros, and of noise,
since there are devices that make less of zeros.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable

from dan_bench.erase import FastNoise, erase, plan_erasure
from dan_bench.erase.filesystem import data_spans
from dan_bench.erase.overwrite import BEHIND, PIECE, read_back

OURS, SHRED = "dan_bench.erase", "shred -n1 -x"
ZEROS, REPEATED = "zeros (ceiling)", "one buffer of noise"
READ = "reading back (SHA-256)"


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
    """Overwrite with our noise, without reading back."""
    report = erase(plan_erasure([path]), FastNoise(), evidence=False, verify=False)
    assert report.complete, report.files


def read(path: str, size: int) -> None:
    """Read the file from the device and hash it, as erase does with verify=True."""
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


def main() -> None:
    """Make a file in a fresh folder, compare, and remove both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024, help="of the file, in MiB")
    parser.add_argument("--folder", help="on the file system to be measured; default: temporary")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    if chosen.size < 1 or chosen.repeats < 1:
        parser.error("--size and --repeats must be at least 1")
    with tempfile.TemporaryDirectory(prefix="dan_bench-erase-", dir=chosen.folder) as folder:
        path = os.path.join(os.path.realpath(folder), "file")
        with open(path, "xb"):
            pass
        compare(path, chosen.size << 20, chosen.repeats)


if __name__ == "__main__":
    main()
