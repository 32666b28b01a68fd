"""Clusters of Ray's on this machine, of nodes that can be killed, and all that is left of them.

Every process of a cluster or a sweep, however far down, is known by a mark in its environment.
"""

import os
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

import pytest
from sweeps import REPOSITORY, Workplace

MARK = "DAN_BENCH_TEST"
PORT = 25_379  # Ray's workers take 10002 to 19999


def marked(mark: str) -> dict[int, str]:
    """Living processes with a mark, and what they are called; it can be that of several nodes."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            if f"{MARK}={mark}".encode() in environment:  # empty where it is a zombie
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def kill(mark: str, named: str = "") -> int:
    """Kill the marked processes that are called so, as a power cut would; return how many."""
    pids = [pid for pid, name in marked(mark).items() if named in name]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(pids)


@dataclass
class RayNodes:
    """A cluster whose nodes are started one by one."""

    place: Workplace
    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{PORT}"

    def start(self, name: str, *options: str) -> str:
        """Start a node, the first one as the head; return its mark."""
        first = not marked(self.mark)
        joined = ["--head", f"--port={PORT}", f"--temp-dir={self.folder}"]
        command = [str(Path(sys.executable).with_name("ray")), "start", "--disable-usage-stats"]
        command += joined if first else [f"--address={self.address}"]
        command += ["--include-dashboard=false"] if first else []
        path = os.pathsep.join([str(self.place.folder), os.environ.get("PYTHONPATH", "")])
        subprocess.run(
            [*command, "--node-ip-address=127.0.0.1", "--object-store-memory=80000000", *options],
            cwd=REPOSITORY,
            env={
                **os.environ,
                "PYTHONPATH": path,
                "RAY_AUTH_MODE": "disabled",
                MARK: f"{self.mark}-{name}",
            },
            check=True,
            capture_output=True,
            timeout=600,
        )
        return f"{self.mark}-{name}"

    @property
    def joined(self) -> list[str]:
        """Overrides of a sweep that runs there."""
        return ["runtime.executor=ray", f"runtime.ray.address={self.address}"]


@contextmanager
def ray_nodes(place: Workplace, patch: pytest.MonkeyPatch) -> Iterator[RayNodes]:
    """A cluster without nodes; at the end nothing of it is left, whatever happened."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # a socket's path is short
    patch.setenv("RAY_AUTH_MODE", "disabled")
    nodes = RayNodes(place, folder)
    try:
        yield nodes
    finally:
        kill(nodes.mark)
        rmtree(folder, ignore_errors=True)
