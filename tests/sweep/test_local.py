"""Processes on this machine, and their deaths."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sweeps import LONG, REPOSITORY, Workplace, ended, until

from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.pipeline.plan import plan
from dan_bench.sweep.local import cores, open_executor, visible_gpus


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


@pytest.mark.parametrize(
    ("named", "words", "slots", "gpus"),
    [
        (None, ["accelerator=gpu"], 3, ["0", "1", "2"]),
        ("4,GPU-6a,7", ["accelerator=auto", "threads=2"], 3, ["4", "GPU-6a", "7"]),
        ("4,5,6,nothing,8", ["accelerator=gpu"], 3, ["4", "5", "6"]),
        ("4,5,6", ["accelerator=gpu", "workers=12"], 12, ["4", "5", "6"]),
        (None, ["accelerator=cpu"], cores(), ["0", "1", "2"]),
    ],
)
def test_workers_are_counted_by_gpu_and_not_by_core(
    named: str | None,
    words: list[str],
    slots: int,
    gpus: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dan_bench.sweep.local.start_server", lambda _: None)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == gpus
    config = configure(["data=danoise", *(f"runtime.{word}" for word in words)])
    assert open_executor({"key": config}).slots == slots


def test_a_gpu_that_is_not_there_is_refused_before_any_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("torch.accelerator.is_available", lambda: False)
    words = ["data=danoise", "runtime.accelerator=gpu", f"runtime.results={tmp_path}"]
    with pytest.raises(ConfigError, match=r"runtime.accelerator=gpu: .*type cpu or auto"):
        plan(configure(words))
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_workers_are_forked_with_has_asked_for_a_gpu() -> None:
    """CUDA cannot be used in the fork of a process that has counted its devices."""
    asked = (
        "import torch\n"
        "def refuse(*_): raise RuntimeError('asked for a GPU')\n"
        "for name in ('_cuda_init', '_cuda_getDeviceCount', '_accelerator_getDeviceIndex'):\n"
        "    setattr(torch._C, name, refuse)\n"
        "torch.cuda.device_count = torch.accelerator.is_available = refuse\n"
        "import dan_bench.sweep.worker, dan_bench.randomness.min_entropy.estimators\n"
    )
    subprocess.run([sys.executable, "-c", asked], check=True, cwd=REPOSITORY, timeout=LONG)
