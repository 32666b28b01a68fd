"""Processes on this machine, and their deaths."""

import os
import signal
from pathlib import Path

from sweeps import LONG, Workplace, until


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
        out, err = process.communicate(timeout=LONG)
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
        out, _ = process.communicate(timeout=LONG)
    assert process.returncode == 1
    assert "0 done, 1 run, 1 failed" in out
    record = place.by_obstacle()["wait"]
    assert (record.provenance["cause"], record.provenance["tries"]) == ("killed", 2)
    assert "killed (signal SIGKILL), in the last of 2 tries" in (record.traceback or "")
    names = {path.name for path in place.store.folder(record.key).iterdir()}
    assert not [name for name in names if name.startswith("progress")]
