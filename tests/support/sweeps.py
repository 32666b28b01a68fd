"""Sweeps on real command lines, in a folder of their own.

Training that fails or stops half-way comes from `obstacles.py`, a model such as any user could
bring, with a config of its own: before its 25th step it reads a file and does what that file says.
It passes every check that is made before work begins, as such faults do.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dan_bench.interfaces import RunRecord
from dan_bench.results.record import Store

REPOSITORY = Path(__file__).resolve().parents[2]
OBSTACLES = """
import os
import socket
import time
from pathlib import Path

import torch

from dan_bench.models.module import AdversarialModule
from dan_bench.models.networks import mlp


class Obstructed(AdversarialModule):
    def __init__(self, setting, *, obstacle: Path):
        self.obstacle = obstacle
        super().__init__(setting)

    def make_degenerator(self):
        return mlp([self.setting.width + self.setting.noise_dim, 16, self.setting.width])

    def make_discriminator(self):
        return mlp([self.output.views * self.setting.width, 16, 1])

    def inputs(self, data, noise):
        return torch.cat([data, noise], dim=1)

    def learn(self, batch):
        with self.obstacle.with_suffix(".steps").open("a") as steps:
            steps.write(f"{self.step}\\n")
        if self.step == 24:
            meet(self.obstacle)
        if self.obstacle.name == "crawl" and self.obstacle.exists():
            time.sleep(2)
        super().learn(batch)


def meet(obstacle):
    order = obstacle.read_text() if obstacle.exists() else ""
    if order == "fail":
        raise RuntimeError("the disk is on fire")
    if order == "gpus":
        raise RuntimeError("GPUs " + os.environ.get("CUDA_VISIBLE_DEVICES", "of this machine"))
    if order == "call":  # nothing is sent: a connected UDP socket is only an address in the kernel
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))
    if order == "wait":
        draft = obstacle.with_suffix(".draft")
        draft.write_text(str(os.getpid()))
        draft.rename(obstacle.with_suffix(".pid"))
        while obstacle.exists():
            time.sleep(0.05)
"""
OBSTRUCTED_YAML = """
name: obstructed
kind: learned
_target_: obstacles.Obstructed
obstacle: clear
"""
SMALL = [
    "data=danoise",
    "data.shape=[6,6]",
    "noise_dim=8",
    "trainer.batch_size=8",
    "trainer.max_steps=30",
    "evaluation.samples=1000",
    "evaluation.known=300",
    "evaluation.candidates=64",
    "runtime.log_every=5",
]
LONG = 240  # seconds after which something hangs, by `patience`; a sweep takes ten


@dataclass
class Workplace:
    """A folder to launch in, with the obstacles beside it."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "obstacles.py").write_text(OBSTACLES)
        (self.folder / "conf" / "model").mkdir(parents=True)
        (self.folder / "conf" / "model" / "obstructed.yaml").write_text(OBSTRUCTED_YAML)

    @property
    def obstructed(self) -> list[str]:
        """Overrides of a small run with the user's own model."""
        return [f"hydra.searchpath=[file://{self.folder / 'conf'}]", "model=obstructed", *SMALL]

    @property
    def store(self) -> Store:
        return Store(self.folder / "results")

    @contextmanager
    def started(
        self, *arguments: str, before: tuple[str, ...] = (), progress: str = "auto"
    ) -> Iterator[subprocess.Popen[str]]:
        """A running command line; at the end nothing of it is left, whatever happened."""
        command = [*before, sys.executable, "-m", "dan_bench.train", *arguments]
        command += [f"runtime.datasets={REPOSITORY / 'datasets'}", f"runtime.progress={progress}"]
        path = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            for pid in session(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.communicate()

    def train(
        self, *arguments: str, before: tuple[str, ...] = (), progress: str = "auto"
    ) -> tuple[int, str, str]:
        """Launch and wait; exit code, stdout, stderr."""
        with self.started(*arguments, before=before, progress=progress) as process:
            out, err = ended(process)
        return process.returncode, out, err

    def by_obstacle(self) -> dict[str, RunRecord]:
        records, damaged = self.store.all()
        assert not damaged
        return {record.config["model"]["obstacle"]: record for record in records}

    def written(self, record: RunRecord) -> dict[str, int]:
        """When each file of a run was last written."""
        folder = self.store.folder(record.key)
        return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def patience(seconds: float = LONG) -> Callable[[], bool]:
    """Return what says whether to wait on, by a clock that slows down as the machine is loaded.

    Where four processes want each core, everything takes four times as long, and nothing hangs.
    """
    left, before = seconds, time.monotonic()

    def goes_on() -> bool:
        nonlocal left, before
        share = len(os.sched_getaffinity(0)) / max(os.getloadavg()[0], 1e-3)
        now = time.monotonic()
        left, before = left - (now - before) * min(1.0, share), now
        return left > 0

    return goes_on


def ended(process: subprocess.Popen[str], seconds: float = LONG) -> tuple[str, str]:
    """Wait for the end of a command; stdout, stderr."""
    goes_on = patience(seconds)
    while True:
        try:
            return process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            if not goes_on():
                raise


def until(happened: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Poll; give up where it takes too long or where the process that should do it has ended."""
    goes_on = patience()
    while not happened():
        assert goes_on()
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.05)


def session(leader: int) -> dict[int, str]:
    """Living processes of a session, by process id, with their state; a zombie is dead."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = stat.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        state, _, _, of = rest.split()[:4]
        if int(of) == leader and state not in "ZX":
            found[int(stat.parent.name)] = state
    return found
