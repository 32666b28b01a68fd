"""What a run tells of itself through a file, and all that such a file may turn out to be."""

import json
import math
import os
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from dan_bench.interfaces import Progress
from dan_bench.results.claim import start_of, this_process
from dan_bench.sweep.progress import KEPT, MOST_BYTES, NAME, ProgressReader, Reporter, forget


def told(reader: ProgressReader) -> list[Progress]:
    return [progress for _, progress in reader.news()]


def test_a_report_is_read_as_it_was_made_and_once(tmp_path: Path) -> None:
    reporter, reader = Reporter(tmp_path), ProgressReader(tmp_path)
    assert told(reader) == []
    made = Progress("training", 5, 30, ("bits", 7.5), "slow disk")
    reporter(made)
    assert told(reader) == [made]
    assert told(reader) == []
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_no_activity_and_no_warning_is_lost_on_a_late_reader(tmp_path: Path) -> None:
    reporter, reader = Reporter(tmp_path), ProgressReader(tmp_path)
    for step in range(1000):
        reporter(Progress("training", step, 1000, warning="half" if step == 500 else ""))
    reporter(Progress("c2st"))
    reporter(Progress("label"))
    found = told(reader)
    assert [one.warning for one in found if one.warning] == ["half"]
    assert [one.doing for one in found[-3:]] == ["training", "c2st", "label"]
    assert found[-3].step == 999, "the last step is told before what comes after it"


def test_the_last_steps_are_told_however_soon_the_run_ends(tmp_path: Path) -> None:
    reporter, reader = Reporter(tmp_path), ProgressReader(tmp_path)
    for step in range(3):
        reporter(Progress("training", step, 2, ("bits", float(step))))
    reporter.flush()
    assert told(reader)[-1] == Progress("training", 2, 2, ("bits", 2.0))


def test_steps_cost_no_file_each(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path)
    reporter(Progress("training", 0, 10_000))
    written = (tmp_path / NAME).stat().st_mtime_ns
    started = time.perf_counter()
    for step in range(10_000):
        reporter(Progress("training", step, 10_000))
    seconds = time.perf_counter() - started
    assert seconds < 1, "100 microseconds a report, of which there is one in 50 steps of 10 ms"
    assert (tmp_path / NAME).stat().st_mtime_ns - written < seconds * 1e9 + 1e8


def test_a_number_that_is_none_arrives_too(tmp_path: Path) -> None:
    Reporter(tmp_path)(Progress("training", 1, 2, ("loss", math.nan)))
    (only,) = told(ProgressReader(tmp_path))
    assert only.metric is not None
    assert math.isnan(only.metric[1])


def test_another_process_that_begins_again_is_read_from_its_first_report(tmp_path: Path) -> None:
    reader = ProgressReader(tmp_path)
    first = Reporter(tmp_path)
    for doing in ("starting", "data", "training"):
        first(Progress(doing))
    assert len(told(reader)) == 3
    second = Reporter(tmp_path)
    second(Progress("starting"))
    assert told(reader) == [Progress("starting")]


WHOLE = {"host": "a", "pid": 1, "began": 0.0, "reports": [[1, 0.0, ["data", 0, 0, None, ""]]]}
FOREIGN: dict[str, bytes] = {
    "empty": b"",
    "torn": json.dumps(WHOLE).encode()[:-20],
    "no JSON": b"\x80\x81\x00",
    "another object": b'{"key": 1}',
    "a list": b"[[[[]]]]",
    "deep": b"[" * 100_000,
    "a negative number": json.dumps({**WHOLE, "pid": -1}).encode(),
    "a text for a step": json.dumps(WHOLE).replace('["data", 0', '["data", "0"').encode(),
    "too many reports": json.dumps({**WHOLE, "reports": WHOLE["reports"] * (KEPT + 1)}).encode(),  # type: ignore[operator]
    "huge": json.dumps(WHOLE).encode() + b" " * MOST_BYTES,
    **{
        f"a time of {at}": json.dumps(WHOLE).replace("[[1, 0.0", f"[[1, {at}").encode()
        for at in ("NaN", "Infinity", "-Infinity", "1e308")
    },
    **{
        f"steps {steps[:20]}": json.dumps(WHOLE).replace("0, 0, null", f"{steps}, null").encode()
        for steps in (f"{10**400}, 1", f"1, {10**400}", "-1, 5", "1, -5")
    },
    "control sequences": json.dumps(WHOLE).replace("data", "\\u001b[2J").encode(),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_file_of_something_else_tells_nothing_and_the_next_one_does(
    content: bytes, tmp_path: Path
) -> None:
    reader = ProgressReader(tmp_path)
    (tmp_path / NAME).write_bytes(content)
    assert told(reader) == []
    Reporter(tmp_path)(Progress("data"))
    assert told(reader) == [Progress("data")]


def test_a_sound_one_of_the_same_making_is_read(tmp_path: Path) -> None:
    """What lets the test above fail."""
    (tmp_path / NAME).write_text(json.dumps(WHOLE))
    assert told(ProgressReader(tmp_path)) == [Progress("data")]


def test_what_is_no_file_is_neither_waited_for_nor_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(json.dumps(WHOLE))
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink(elsewhere, path)):
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        make(folder / NAME)
        assert told(ProgressReader(folder)) == []


def test_nobody_ever_reads_half_a_file(tmp_path: Path) -> None:
    reporter, reader = Reporter(tmp_path), ProgressReader(tmp_path)
    found: list[Progress] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            found.extend(told(reader))

    thread = threading.Thread(target=read)
    thread.start()
    for step in range(1, 501):
        reporter(Progress(f"{step} " + "x" * (step % 50), step))
    done.set()
    thread.join()
    found.extend(told(reader))
    assert [one.step for one in found] == sorted(one.step for one in found)
    assert found[-1].step == 500


def test_a_run_that_cannot_tell_goes_on(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path / "gone")
    reporter(Progress("data"))
    (tmp_path / "gone").mkdir()
    reporter(Progress("training"))
    assert told(ProgressReader(tmp_path / "gone"))[-1] == Progress("training")


def held_by_the_parent(folder: Path) -> Path:
    """The claim of another living process; deleted, it is let go."""
    parent = replace(this_process(), pid=os.getppid(), started=start_of(os.getppid()))
    path = folder / ".claim.1"
    path.write_text(json.dumps(asdict(parent)))
    return path


def test_who_waits_for_a_run_leaves_alone_what_its_owner_tells(tmp_path: Path) -> None:
    owner, owners_reader = Reporter(tmp_path, "first"), ProgressReader(tmp_path, "first")
    owner(Progress("training", 1, 2, warning="hot"))
    claim = held_by_the_parent(tmp_path)
    was = (tmp_path / NAME).read_bytes()
    second, reader = Reporter(tmp_path, "second"), ProgressReader(tmp_path, "second")
    reader.news()
    second(Progress("waiting for a:7"))
    assert (tmp_path / NAME).read_bytes() == was
    assert told(reader) == [Progress("waiting for a:7")]
    assert [one.warning for one in told(owners_reader)] == ["hot"]
    forget(tmp_path, "second")
    assert (tmp_path / NAME).read_bytes() == was
    second(Progress("waiting for a:8"))
    claim.unlink()
    second(Progress("training", 1, 2))
    assert told(owners_reader)[-1] == Progress("training", 1, 2)
    assert told(reader) == [Progress("waiting for a:8"), Progress("training", 1, 2)]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    owner(Progress("training", 2, 2))
    owner.flush()
    assert told(owners_reader) == [Progress("training", 2, 2)], "its warning has been read"


def test_what_is_forgotten_leaves_nothing_of_it_and_all_the_rest(tmp_path: Path) -> None:
    for name in (NAME, f"{NAME}.77.tmp", "record.json"):
        (tmp_path / name).touch()
    forget(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
    forget(tmp_path / "missing")
