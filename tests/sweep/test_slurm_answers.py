"""What is made of the answers of Slurm's commands, which stand-ins give here; no cluster."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
from sweeps import SMALL

from dan_bench.cli import InputError
from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError, RunConfig
from dan_bench.results.record import key_of
from dan_bench.sweep import slurm
from dan_bench.sweep.executor import Cause, Ending, Task
from dan_bench.sweep.slurm import (
    SlurmHandle,
    SlurmJobs,
    SlurmRow,
    ending_of,
    of_exit_code,
    open_executor,
)


class Commands:
    """Stand-ins for Slurm's commands: each prints a file, where there is one, or fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("sbatch", "srun", "squeue", "scontrol", "sacct", "scancel"):
            script = folder / name
            script.write_text(
                f'#!/bin/sh\necho "$@" >>{folder}/{name}.asked\nexec cat {folder}/{name}.says\n'
            )
            script.chmod(0o755)

    def say(self, **answers: str) -> None:
        for name, text in answers.items():
            (self.folder / f"{name}.says").write_text(text)

    def asked(self, name: str) -> str:
        path = self.folder / f"{name}.asked"
        return path.read_text() if path.is_file() else ""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "ASK_SECONDS", 0.0)
    monkeypatch.setattr(slurm, "UNKNOWN_SECONDS", 0.0)
    return Commands(folder)


def run_of(folder: Path, seed: int = 0) -> dict[str, RunConfig]:
    config = configure([*SMALL, "logger=none", f"runtime.results={folder}", f"seed={seed}"])
    return {key_of(config.scientific()): config}


def left(folder: Path, name: str, *keys: str) -> None:
    """An array that an earlier sweep has submitted."""
    (folder / "slurm" / name).mkdir(parents=True)
    (folder / "slurm" / name / "keys.json").write_text(json.dumps([[key] for key in keys]))


def over(executor: SlurmJobs, handle: SlurmHandle) -> Ending:
    end = time.monotonic() + 20
    while (ending := executor.poll(handle)) is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    return ending


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ("COMPLETED", "ended"),
        ("CANCELLED", "cancelled"),
        ("TIMEOUT", "timed_out"),
        ("OUT_OF_MEMORY", "out_of_memory"),
        ("PREEMPTED", "preempted"),
        ("NODE_FAIL", "lost"),
    ],
)
def test_a_state_is_a_cause(state: str, cause: Cause) -> None:
    ending = ending_of(SlurmRow("7_1", state, "n2", "None"))
    assert ending is not None
    assert ending.cause == cause
    assert ending.detail == ("" if cause == "ended" else "job 7_1 on node n2")


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "REQUEUED", "COMPLETING", "SUSPENDED"])
def test_a_job_that_is_not_over_has_no_ending(state: str) -> None:
    assert ending_of(SlurmRow("7_1", state, "", "Priority")) is None


@pytest.mark.parametrize(
    ("code", "cause", "words"),
    [
        ("1:0", "crashed", "exit code 1"),
        ("0:9", "killed", "signal SIGKILL"),
        ("139:0", "killed", "signal SIGSEGV"),
        ("75:0", "timed_out", "no further"),
        ("", "crashed", "job 7"),
    ],
)
def test_an_exit_code_tells_what_made_a_job_fail(code: str, cause: Cause, words: str) -> None:
    ending = of_exit_code(code, "job 7")
    assert ending.cause == cause
    assert words in ending.detail


def test_a_job_that_cannot_be_launched_is_given_up_and_can_be_tried_again(
    commands: Commands,
) -> None:
    commands.say(scancel="")
    ending = ending_of(SlurmRow("7_1", "PENDING", "", "launch failed requeued held"))
    assert ending is not None
    assert ending.cause == "lost"
    assert commands.asked("scancel") == "7_1\n"


def test_a_sweep_that_is_launched_again_waits_for_what_runs(
    tmp_path: Path, commands: Commands
) -> None:
    (key,) = runs = run_of(tmp_path)
    left(tmp_path, "dan-bench-1", "another", key)
    commands.say(squeue="5|0|dan-bench-1|CANCELLED||None\n5|1|dan-bench-1|RUNNING|n1|None\n")
    executor = SlurmJobs(runs[key])
    handle = executor.submit(Task(runs, ""))
    executor.wait(0)
    assert executor.poll(handle) is None
    commands.say(squeue="5|1|dan-bench-1|COMPLETED|n1|None\n")
    assert over(executor, handle).cause == "ended"
    assert commands.asked("sbatch") == ""
    executor.close()
    assert not (tmp_path / "slurm" / "dan-bench-1").exists()


@pytest.mark.parametrize(("accounting", "cause"), [(True, "cancelled"), (False, "lost")])
def test_a_job_that_slurm_forgot_is_asked_of_its_accounting_and_never_waited_for(
    accounting: bool, cause: Cause, tmp_path: Path, commands: Commands
) -> None:
    (key,) = runs = run_of(tmp_path)
    left(tmp_path, "dan-bench-1", key)
    commands.say(squeue="5|N/A|dan-bench-1|PENDING||Priority\n")
    executor = SlurmJobs(runs[key])
    handle = executor.submit(Task(runs, ""))
    assert executor.poll(handle) is None
    if accounting:
        commands.say(sacct="5|CANCELLED by 0|0:0|None assigned\n")
    commands.say(squeue="")
    assert over(executor, handle).cause == cause


def test_a_queue_that_does_not_answer_ends_no_job(
    tmp_path: Path, commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    (key,) = runs = run_of(tmp_path)
    left(tmp_path, "dan-bench-1", key)
    commands.say(squeue="5|N/A|dan-bench-1|RUNNING|n1|None\n")
    executor = SlurmJobs(runs[key])
    handle = executor.submit(Task(runs, ""))
    (commands.folder / "squeue.says").unlink()
    assert [executor.poll(handle) for _ in range(3)] == [None] * 3
    assert capsys.readouterr().err.count("squeue does not answer") == 1
    with pytest.raises(InputError, match="squeue does not answer"):
        SlurmJobs(runs[key]).submit(Task(runs, ""))


def test_a_retry_is_a_new_job(tmp_path: Path, commands: Commands) -> None:
    (key,) = runs = run_of(tmp_path)
    left(tmp_path, "dan-bench-1", key)
    commands.say(squeue="5|N/A|dan-bench-1|RUNNING|n1|None\n", sbatch="Submitted batch job 6\n")
    executor = SlurmJobs(runs[key])
    executor.submit(Task(runs, "", number=2))
    executor.wait(0)
    assert ".sh" in commands.asked("sbatch")


def test_a_machine_without_slurm_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    with pytest.raises(InputError, match=r"there is no sbatch here.*runtime\.executor=local"):
        open_executor(run_of(tmp_path))


def test_a_job_has_time_to_work_before_it_is_told_to_stop() -> None:
    with pytest.raises(ConfigError, match="must be longer by a minute"):
        configure(["logger=none", "runtime.slurm.time=2", "runtime.slurm.signal_delay=90"])
