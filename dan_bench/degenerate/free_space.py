"""`--free-space FOLDER`: when the files are done, what is free on a file system is filled."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from dan_bench import cli
from dan_bench.degenerate.terminal import progress_bar
from dan_bench.erase import ErasureRefused, FastNoise
from dan_bench.erase.free_space import NOT_FREE, FreeSpaceResult, check_free_space, fill_free_space


def check(folders: Sequence[Path]) -> None:
    """Refuse what is not filled, before anything is touched.

    Raises:
        ErasureRefused: a folder is not there, is on no disk, or on the root file system without
            being its root: that is filled only where it is named.
    """
    for folder in folders:
        try:
            check_free_space(folder)
            if os.stat(folder).st_dev == os.stat("/").st_dev and os.path.realpath(folder) != "/":
                raise ErasureRefused(
                    f"{str(folder)!r} is on the root file system, on which every program lives: "
                    "--free-space / fills it if you mean that"
                )
        except OSError as error:
            raise ErasureRefused(f"--free-space: {cli.explained(error)}") from error


def listed(folders: Sequence[Path]) -> Iterator[str]:
    """Yield a line for each, to be read before anything is done."""
    for folder in folders:
        status = os.statvfs(folder)
        yield (
            f"free space: {status.f_bfree * status.f_frsize:,} bytes on the file system of "
            f"{str(folder)!r} will be filled; until then nobody else has room there"
        )


def filled(folders: Sequence[Path]) -> tuple[FreeSpaceResult, ...]:
    """Fill the free space of each file system; whatever goes wrong is in its result."""
    results = []
    for folder in folders:
        status = os.statvfs(folder)
        with progress_bar(status.f_bfree * status.f_frsize) as progress:
            try:
                results.append(fill_free_space(folder, FastNoise(), progress))
            except OSError as error:
                doubt = f"the free space could not be filled: {cli.explained(error)}"
                results.append(FreeSpaceResult(os.path.realpath(folder), 0, 0, False, (doubt,)))
    return tuple(results)


def summed_up(results: Sequence[FreeSpaceResult]) -> Iterator[str]:
    """Yield what became of it."""
    for of in results:
        yield f"free space: {of.written:,} bytes of noise, {of.folder!r}; {of.left:,} left free"
        yield from (f"UNVERIFIED: {doubt}" for doubt in of.doubts)
    if results:
        yield NOT_FREE
