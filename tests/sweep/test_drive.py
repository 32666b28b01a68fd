"""The loop of a sweep, with an executor whose tasks are over as the test says."""

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sweeps import SMALL

from dan_bench.config.compose import configure
from dan_bench.config.schema import RunConfig
from dan_bench.interfaces import Progress, RunRecord
from dan_bench.results.record import Store, key_of
from dan_bench.sweep import drive
from dan_bench.sweep.drive import carry_out
from dan_bench.sweep.executor import AGAIN, Cause, Ending, Task, executor_for, folder_of
from dan_bench.sweep.progress import NAME, Reporter
from dan_bench.sweep.view import Quiet

Deed = Callable[[Task], Ending | None]


class Scripted:
    """An executor: at each submission of a task the next deed is done, and says how it was over."""

    def __init__(self, deeds: Sequence[Deed], slots: int = 1) -> None:
        self.slots, self.deeds = slots, list(deeds)
        self.tasks: list[Task] = []
        self.cancelled: list[int] = []

    def submit(self, task: Task) -> int:
        self.tasks.append(task)
        return len(self.tasks) - 1

    def poll(self, handle: int) -> Ending | None:
        return self.deeds[handle](self.tasks[handle])

    def wait(self, seconds: float) -> None: ...

    def cancel(self, handle: int) -> None:
        self.cancelled.append(handle)

    def close(self) -> None: ...


def run_of(folder: Path, *overrides: str) -> dict[str, RunConfig]:
    config = configure([*SMALL, "logger=none", f"runtime.results={folder}", *overrides])
    return {key_of(config.scientific()): config}


def leave(status: str) -> Deed:
    """The run comes to its own end."""

    def deed(task: Task) -> Ending:
        for key, config in task.configs.items():
            why = None if status == "done" else "Traceback:\nValueError: its own"
            record = RunRecord(key, status, config.scientific(), traceback=why)  # type: ignore[arg-type]
            Store(config.runtime.results).put(record)
        return Ending("ended")

    return deed


def over(cause: Cause, detail: str = "") -> Deed:
    return lambda _: Ending(cause, detail)


def only(folder: Path) -> RunRecord:
    (record,), damaged = Store(folder).all()
    assert not damaged
    return record


@pytest.mark.parametrize("cause", AGAIN)
def test_what_may_do_better_is_tried_again_and_said(
    cause: Cause, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    executor = Scripted([over(cause, "node n2 died"), leave("done")])
    carry_out(run_of(tmp_path), "", executor, Quiet())
    assert [task.number for task in executor.tasks] == [1, 2]
    assert only(tmp_path).status == "done"
    said = capsys.readouterr().err
    assert f"{cause.replace('_', ' ')} (node n2 died); tried again, 1 of 1" in said


def test_a_run_is_tried_as_often_as_it_may_be_and_its_record_says_why_it_failed(
    tmp_path: Path,
) -> None:
    executor = Scripted([over("killed"), over("lost"), over("out_of_memory", "of 2 GB")])
    carry_out(run_of(tmp_path, "runtime.retries=2"), "", executor, Quiet())
    record = only(tmp_path)
    assert record.status == "failed"
    assert (record.provenance["cause"], record.provenance["tries"]) == ("out_of_memory", 3)
    assert (record.traceback or "").endswith("out of memory (of 2 GB), in the last of 3 tries.")


@pytest.mark.parametrize("cause", ["crashed", "cancelled", "timed_out", "ended"])
def test_what_would_do_no_better_is_not_tried_again(cause: Cause, tmp_path: Path) -> None:
    carry_out(run_of(tmp_path), "", Scripted([over(cause)]), Quiet())
    record = only(tmp_path)
    assert (record.status, record.provenance["tries"]) == ("failed", 1)
    assert cause.replace("_", " ") in (record.traceback or "")


def test_an_exception_of_the_run_itself_is_not_tried_again(tmp_path: Path) -> None:
    carry_out(run_of(tmp_path), "", Scripted([leave("failed")]), Quiet())
    assert (only(tmp_path).traceback or "").endswith("ValueError: its own")


def test_a_time_out_that_saved_a_checkpoint_is_tried_again(tmp_path: Path) -> None:
    def further(task: Task) -> Ending:
        (folder_of(*next(iter(task.configs.items()))) / "last.ckpt").write_bytes(b"more")
        return Ending("timed_out")

    (key,) = runs = run_of(tmp_path)
    Store(tmp_path).folder(key).mkdir(parents=True)
    carry_out(runs, "", Scripted([further, leave("done")]), Quiet())
    assert only(tmp_path).status == "done"


def test_a_failure_of_an_earlier_sweep_is_no_outcome_of_this_one(tmp_path: Path) -> None:
    runs = run_of(tmp_path, "runtime.retries=0")
    carry_out(runs, "", Scripted([leave("failed")]), Quiet())
    carry_out(runs, "", Scripted([over("killed", "signal SIGSEGV")]), Quiet())
    assert "SIGSEGV" in (only(tmp_path).traceback or "")


def test_what_another_sweep_ended_meanwhile_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a moment to say where a failure comes from."""
    configs = run_of(tmp_path, "runtime.retries=0")
    ((key, config),) = configs.items()

    def slowly() -> dict[str, str]:
        Store(tmp_path).put(RunRecord(key, "done", config.scientific()))
        return {}

    monkeypatch.setattr(drive, "provenance", slowly)
    carry_out(configs, "", Scripted([lambda _: Ending("killed")]), Quiet())
    (record,) = Store(tmp_path).all()[0]
    assert record.status == "done"


def test_no_more_tasks_are_handed_over_than_there_are_slots(tmp_path: Path) -> None:
    runs = {k: c for n in range(5) for k, c in run_of(tmp_path, f"seed={n}").items()}
    going: list[Task] = []
    most = []

    def deed(task: Task) -> Ending | None:
        if task not in going:
            going.append(task)
            return None
        most.append(len(going))
        going.remove(task)
        return leave("done")(task)

    carry_out(runs, "", Scripted([deed] * 5, slots=2), Quiet())
    assert max(most) == 2
    assert len(Store(tmp_path).all()[0]) == 5


def test_a_task_of_several_runs_tries_only_those_again_that_have_no_record(tmp_path: Path) -> None:
    from dan_bench.sweep.drive import Driver, new_job

    runs = {k: c for n in range(3) for k, c in run_of(tmp_path, f"seed={n}").items()}
    first = next(iter(runs))

    def one_of_three(task: Task) -> Ending:
        leave("done")(Task({first: runs[first]}, ""))
        return Ending("preempted")

    executor = Scripted([one_of_three, leave("done")])
    jobs = [new_job(n, key, config) for n, (key, config) in enumerate(runs.items(), 1)]
    driver = Driver(runs, jobs, executor, Quiet())
    driver.waiting.append(Task(runs, ""))
    driver.drive()
    assert [list(task.configs) for task in executor.tasks] == [list(runs), list(runs)[1:]]
    assert {job.state for job in jobs} == {"done"}


@pytest.mark.parametrize("cause", ["killed", "crashed"])
def test_of_several_runs_one_that_failed_by_itself_keeps_its_reason(
    cause: Cause, tmp_path: Path
) -> None:
    """Whatever becomes of the process afterwards; it is not tried again with the others."""
    words = [["runtime.seeds_per_process=2", f"seed={n}"] for n in range(2)]
    runs = {k: c for two in words for k, c in run_of(tmp_path, *two).items()}
    first, second = runs

    def first_fails(task: Task) -> Ending:
        leave("failed")(Task({first: runs[first]}, ""))
        return Ending(cause)

    executor = Scripted([first_fails, leave("done")])
    carry_out(runs, "", executor, Quiet())
    expected = [[first, second], [second]] if cause == "killed" else [[first, second]]
    assert [list(task.configs) for task in executor.tasks] == expected
    record = Store(tmp_path).get(first, runs[first].scientific())
    assert record is not None
    assert (record.traceback or "").endswith("ValueError: its own")


def test_warnings_arrive_and_no_progress_file_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (key,) = runs = run_of(tmp_path)
    folder = Store(tmp_path).folder(key)

    def tells(task: Task) -> Ending:
        folder.mkdir(parents=True)
        reporter = Reporter(folder)
        reporter(Progress("data"))
        reporter(Progress("training", 1, 30, warning="the cable is hot"))
        assert (folder / NAME).is_file()
        return leave("done")(task) or Ending("lost")

    carry_out(runs, "", Scripted([tells]), Quiet())
    assert "the cable is hot" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["record.json"]


def test_what_an_earlier_process_told_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (key,) = runs = run_of(tmp_path)
    folder = Store(tmp_path).folder(key)
    folder.mkdir(parents=True)
    Reporter(folder)(Progress("training", 29, 30, warning="long ago"))
    carry_out(runs, "", Scripted([leave("done")]), Quiet())
    assert capsys.readouterr().err == ""


def test_interrupted_it_cancels_what_was_begun(tmp_path: Path) -> None:
    runs = {k: c for n in range(3) for k, c in run_of(tmp_path, f"seed={n}").items()}

    def interrupt(_: Task) -> Ending:
        raise KeyboardInterrupt

    executor = Scripted([interrupt, interrupt], slots=2)
    with pytest.raises(KeyboardInterrupt):
        carry_out(runs, "", executor, Quiet())
    assert executor.cancelled == [0, 1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_ctrl_c_that_a_destructor_swallowed_is_not_lost(tmp_path: Path) -> None:
    class Swallowing:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    polled: list[Task] = []

    def running(task: Task) -> Ending | None:
        polled.append(task)
        Swallowing()
        return Ending("ended") if len(polled) > 2 else None

    executor = Scripted([running])
    with pytest.raises(KeyboardInterrupt):
        carry_out(run_of(tmp_path), "", executor, Quiet())
    assert len(polled) == 1
    assert executor.cancelled == [0]


def test_a_record_that_cannot_be_written_fails_one_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = {k: c for n in range(2) for k, c in run_of(tmp_path, f"seed={n}").items()}
    put = Store.put

    def full(store: Store, record: RunRecord) -> Path:
        if record.status == "failed":
            raise OSError(28, "No space left on device")
        return put(store, record)

    monkeypatch.setattr(Store, "put", full)
    carry_out(runs, "", Scripted([over("crashed", "exit code 3"), leave("done")]), Quiet())
    assert only(tmp_path).status == "done"
    said = capsys.readouterr().err
    assert "no record: No space left on device" in said
    assert "exit code 3" in said


def test_this_machine_carries_out_what_nothing_else_is_asked_to(tmp_path: Path) -> None:
    executor = executor_for(run_of(tmp_path, "runtime.workers=3"))
    assert type(executor).__module__ == "dan_bench.sweep.local"
    assert executor.slots == 3
    executor.close()
