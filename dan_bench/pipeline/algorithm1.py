"""Algorithm 1 of the paper, from the data to nothing, on the run's own scratch copies.

Ten steps: (1) a scratch folder; (2) the original data into it, as files; (3) DANOISE, as files;
(4) evidence of the originals; (5) the networks trained on the noise, which is the run itself;
(6) the cool-down; (7) the originals overwritten by what the degenerator makes of them; (8) the
discriminator's checkpoint written, (9) and overwritten by /dev/urandom (Proposition 1); (10) all
of it looked for.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dan_bench.data.noise import NoiseRows
from dan_bench.erase import ErasurePlan, Evidence, Survey, UrandomNoise, erase, plan_erasure
from dan_bench.interfaces import (
    Buffer,
    Bytes,
    Data,
    Degenerator,
    Destruction,
    Estimate,
    NoiseSource,
    Progress,
    ProgressCallback,
)
from dan_bench.metrics.destruction import pooled_destruction

ROWS_A_FILE = 100
SCRATCH = "scratch"
"""The folder within that of the run."""
FIRST_ROW = 1 << 40
"""Rows whose fresh randomness no attack and no metric asks for."""
NOT_MEASURED = Destruction(0.0, None, "what the network leaves of its input was not measured")


@dataclass
class NetworkNoise:
    """A source of noise: outputs of a degenerator, on the very bytes that they replace.

    A piece of a file is cut into rows of the network's width, the last one filled up with zeros.
    No row's fresh randomness is ever used twice.

    Args:
        degenerator: the network.
        width: bytes of one of its rows.
        name: as the certificate names it.
        row: number of the next row.
        destroys: what its run measured of what it leaves.
    """

    degenerator: Degenerator
    width: int
    name: str
    row: int = 0
    destroys: Destruction = NOT_MEASURED
    needs_original: bool = field(default=True, init=False)

    def fill(self, original: Buffer | None, offset: int, n: int) -> Buffer:
        """Degenerate n bytes."""
        assert original is not None
        rows = np.zeros((-(-n // self.width), self.width), dtype=np.uint8)
        rows.ravel()[:n] = np.frombuffer(original, dtype=np.uint8, count=n)
        numbers = self.row + np.arange(len(rows))
        self.row += len(rows)
        return self.degenerator(rows, numbers).ravel()[:n].data


@dataclass
class Algorithm1:
    """The steps around a run's training, in a scratch folder of its own.

    Args:
        folder: of the run; the scratch folder is made in it, and nothing outside it is touched.
        progress: called as each step begins, with its name.
    """

    folder: Path
    progress: ProgressCallback
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each step took."""

    @contextmanager
    def step(self, number: int, name: str) -> Iterator[None]:
        """Time a step."""
        self.progress(Progress(f"algorithm 1, step {number}: {name}"))
        start = time.perf_counter()
        yield
        self.seconds[f"algorithm1_{number:02d}_{name.replace(' ', '_')}"] = (
            time.perf_counter() - start
        )

    def before(self, data: Data, rows: int, seed: int) -> None:
        """Steps 1 to 4: copies of the first `rows` rows, and as much noise, as files."""
        self.scratch = self.folder / SCRATCH
        self.original, self.noise = self.scratch / "original", self.scratch / "danoise"
        with self.step(1, "scratch folder"):
            if self.scratch.exists():  # of an attempt that was cut off
                shutil.rmtree(self.scratch)
            self.original.mkdir(parents=True)
            self.noise.mkdir()
        with self.step(2, "original data"):
            copied = data.rows[np.arange(min(rows, len(data)))]
            write_files(self.original, copied)
        with self.step(3, "DANOISE"):
            noise = NoiseRows(seed, "algorithm1/noise", copied.shape[1])
            write_files(self.noise, noise[np.arange(len(copied))])
        with self.step(4, "evidence"):
            self.evidence = Evidence.open([self.original])
        self.width = copied.shape[1]

    def after(
        self, degenerator: Degenerator, discriminator: nn.Module, cool_down: float
    ) -> dict[str, Estimate | None]:
        """Steps 6 to 10 (step 5 is the training); the scratch folder is gone afterwards.

        Returns:
            %_dd of the original data on disk, and of the discriminator's checkpoint.
        """
        with self.step(6, "cool down"):
            time.sleep(cool_down)
        with self.step(7, "overwrite the original data"):
            noise = NetworkNoise(degenerator, self.width, "degenerator", FIRST_ROW)
            overwrite(plan_erasure([self.original]), noise)
        checkpoint = self.scratch / "discriminator.pt"
        with self.step(8, "write the discriminator"):
            torch.save(discriminator.state_dict(), checkpoint)
            os.sync()
            of_checkpoint = Evidence.open([checkpoint])
        with self.step(9, "overwrite the discriminator"):
            overwrite(plan_erasure([checkpoint]), UrandomNoise())
        with self.step(10, "look for it"), self.evidence, of_checkpoint:
            found: dict[str, Estimate | None] = {
                "disk_destroyed": pooled(self.evidence.survey()),
                "checkpoint_destroyed": pooled(of_checkpoint.survey()),
            }
        shutil.rmtree(self.scratch)
        return found


def write_files(folder: Path, rows: Bytes) -> None:
    """Write rows as files of a hundred, and wait for the device."""
    for start in range(0, len(rows), ROWS_A_FILE):
        path = folder / f"{start:06d}.bin"
        with path.open("wb") as file:
            file.write(rows[start : start + ROWS_A_FILE].tobytes())
            file.flush()
            os.fsync(file.fileno())


def overwrite(
    intended: ErasurePlan, noise: NoiseSource, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Overwrite files of a scratch folder.

    Args:
        intended: the files.
        noise: what they are overwritten by.
        progress: called with the number of bytes since the last call.

    Raises:
        OSError: some file could not be overwritten.
    """
    report = erase(intended, noise, evidence=False, progress=progress)
    failed = [f"{file.path}: {file.error}" for file in report.files if file.status == "failed"]
    failed += [f"{remark.path}: {remark.text}" for remark in report.refused]
    if failed:
        raise OSError("not overwritten:\n  " + "\n  ".join(failed))


def pooled(surveys: list[Survey]) -> Estimate:
    """%_dd of all files together; details count the files that could not be verified."""
    found = pooled_destruction([(survey.destroyed, survey.data) for survey in surveys])
    doubted = sum(bool(survey.unverified) for survey in surveys)
    details = {"files": float(len(surveys)), "unverified_files": float(doubted)}
    return Estimate(found.value, found.low, found.high, found.n, details)
