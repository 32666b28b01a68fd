"""kill -9 at random, of the driver, of workers and of their fork server: nothing is lost by it."""

import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from sweeps import Workplace, session, until
from tiny_runs import SMALL

JOBS = [
    *[override for override in SMALL if "max_steps" not in override],
    "model=dan,gan",
    "trainer.max_steps=400",
    "runtime.log_every=20",
    "runtime.checkpoint_every=20",
    "runtime.snapshots=[0,1,30,100,250]",
    "runtime.workers=2",
    "runtime.retries=1000",
]


NO_RESULTS = ("log.txt", "record.json", "progress.json", ".claim.")
"""Beginnings of names. What was told of progress stays where the driver is killed between a run's
record and clearing up after it."""


def processes(leader: int) -> dict[str, list[int]]:
    """The living processes of a sweep: its driver, the fork server, and workers."""
    found, parents = defaultdict(list), {}
    for pid in session(leader):
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            line = Path(f"/proc/{pid}/cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[pid] = int(words[1])
        if pid == leader:
            found["driver"].append(pid)
        elif "forkserver" in line:
            found["server"].append(pid)
    servers = set(found["server"])
    found["worker"] = [pid for pid in servers if parents[pid] in servers]
    found["server"] = [pid for pid in servers if parents[pid] not in servers]
    return {kind: pids for kind, pids in found.items() if pids}


def done(place: Workplace) -> dict[str, tuple[int, int]]:
    """Each record of success, by key, and what is another where it is written again."""
    found = {}
    for record in place.store.all()[0]:
        if record.status == "done":
            of = (place.store.folder(record.key) / "record.json").stat()
            found[record.key] = (of.st_ino, of.st_mtime_ns)
    return found


def contents(place: Workplace) -> dict[str, bytes]:
    """What all runs left, byte by byte, but for logs, claims, and what records say of time."""
    return {
        str(path.relative_to(place.store.runs)): path.read_bytes()
        for path in sorted(place.store.runs.glob("*/*"))
        if not path.name.startswith(NO_RESULTS)
    }


def disturbed(place: Workplace, arguments: list[str], draw: random.Random) -> Iterator[str]:
    """Yield the kind of each process that was killed; who takes no more has the rest done."""
    while True:
        with place.started(*arguments) as process:
            while process.poll() is None:
                kind = draw.choice(["driver", "server", "worker", "worker"])
                while process.poll() is None and kind not in processes(process.pid):
                    time.sleep(0.02)  # a driver that was started again imports torch first
                time.sleep(draw.uniform(0.0, 1.0))
                there = processes(process.pid).get(kind, [])
                if process.poll() is not None:
                    break
                if not there:
                    continue
                with suppress(ProcessLookupError):
                    os.kill(draw.choice(there), signal.SIGKILL)
                    yield kind
                if kind == "driver":
                    until(lambda pid=process.pid: not session(pid))  # they end with it
                    break
            if process.wait() == 0:
                return


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_whatever_is_killed_the_sweep_ends_as_if_nothing_had_been(
    tmp_path: Path, kills: int
) -> None:
    (tmp_path / "calm").mkdir()
    (tmp_path / "chaos").mkdir()
    calm, chaos = Workplace(tmp_path / "calm"), Workplace(tmp_path / "chaos")
    draw, killed = random.Random(0), defaultdict(int)
    for seed in count():  # a further sweep where one is over before there were enough
        arguments = ["-m", *JOBS, f"seed={seed}"]
        code, _, err = calm.train(*arguments)
        assert code == 0, err
        seen: dict[str, tuple[int, int]] = done(chaos)
        for kind in disturbed(chaos, arguments, draw):
            killed[kind] += 1
            now = done(chaos)
            assert seen.items() <= now.items()  # no record of success is written again
            seen = now
            if sum(killed.values()) >= kills:
                break
        code, out, err = chaos.train(*arguments)
        assert code == 0, err
        assert f"2 jobs: {2 - int(out.split(' done before, ')[1][0])} done before" in out
        assert seen.items() <= done(chaos).items()
        assert chaos.store.all()[1] == {}
        if sum(killed.values()) >= kills:
            break
    assert set(killed) == {"driver", "server", "worker"}
    assert contents(chaos) == contents(calm)
    undisturbed = {record.key: record for record in calm.store.all()[0]}
    for record in chaos.store.all()[0]:
        other = undisturbed.pop(record.key)
        assert (record.status, record.config, record.metrics) == (
            "done",
            other.config,
            other.metrics,
        )
    assert not undisturbed
