"""Files fetched from whoever has them, and accepted only if their MD5 sums are the right ones."""

import gzip
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from dan_bench.cli import InputError

Server = Callable[[Path, Collection[str]], None]
"""Puts files of those names, or each as NAME.gz, into a folder; raises where it cannot."""


class DataUnavailable(InputError):
    """No source could serve the data set; the message says what each one answered."""


def what_is_wrong(folder: Path, md5: Mapping[str, str]) -> str:
    """Return what keeps the files in `folder` from being the right ones, or an empty text."""
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
        servers: returns whom to ask, in this order; called only if files are missing.

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
