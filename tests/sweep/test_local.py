"""Processes on this machine, and their deaths."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from sweeps import LONG, REPOSITORY, Workplace, ended, until


def killed(place: Workplace, process: object, seen: str = "") -> str:
    """Kill the worker that waits, once another than `seen` does; return its process id."""
    pid = place.folder / "wait.pid"
    until(lambda: pid.exists() and pid.read_text() != seen, process)  # type: ignore[arg-type]
    found = pid.read_text()
    os.kill(int(found), signal.SIGKILL)
    return found


def test_a_killed_run_is_tried_again_and_its_record_does_not_show_it(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    (tmp_path / "wait").write_text("wait")
    arguments = [*place.obstructed, "logger=none", "model.obstacle=wait"]
    with place.started(*arguments) as process:
        seen = killed(place, process)
        until(lambda: (tmp_path / "wait.pid").read_text() != seen, process)
        (tmp_path / "wait").unlink()
        out, err = ended(process)
    assert process.returncode == 0, err
    assert "killed (signal SIGKILL); tried again, 1 of 1" in err
    assert "1 done, 1 run, 0 failed" in out
    record = place.by_obstacle()["wait"]
    assert record.status == "done"
    assert not {"cause", "tries"} & record.provenance.keys()


def test_a_run_that_is_killed_each_time_fails_and_says_how_often(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    (tmp_path / "wait").write_text("wait")
    with place.started(*place.obstructed, "logger=none", "model.obstacle=wait") as process:
        killed(place, process, killed(place, process))
        out, _ = ended(process)
    assert process.returncode == 1
    assert "0 done, 1 run, 1 failed" in out
    record = place.by_obstacle()["wait"]
    assert (record.provenance["cause"], record.provenance["tries"]) == ("killed", 2)
    assert "killed (signal SIGKILL), in the last of 2 tries" in (record.traceback or "")
    names = {path.name for path in place.store.folder(record.key).iterdir()}
    assert not [name for name in names if name.startswith("progress")]


SPREAD = """
import sys

from dan_bench.config.compose import configure
from dan_bench.results.record import key_of
from dan_bench.sweep.executor import Task
from dan_bench.sweep.local import LocalProcesses


def main():
    here, going = LocalProcesses(1, 3, gpus=["2", "5"]), []
    for seed in range(3):
        config = configure([*sys.argv[1:], f"seed={seed}"])
        going.append(here.submit(Task({key_of(config.scientific()): config}, "group")))
    while going:
        here.wait(1)
        going = [process for process in going if here.poll(process) is None]


if __name__ == "__main__":
    main()
"""


def test_processes_are_spread_over_the_gpus_and_each_is_shown_one(tmp_path: Path) -> None:
    """Without a GPU: a run fails here, and says which it was shown."""
    place = Workplace(tmp_path)
    (tmp_path / "spread.py").write_text(SPREAD)
    (tmp_path / "say").write_text("gpus")
    command = [sys.executable, "spread.py", *place.obstructed, "logger=none", "model.obstacle=say"]
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, check=True, timeout=LONG
    )
    told = {
        record.config["seed"]: (record.traceback or "").strip().rpartition("\n")[2]
        for record in place.store.all()[0]
    }
    assert told == {seed: f"RuntimeError: GPUs {gpu}" for seed, gpu in enumerate("252")}
