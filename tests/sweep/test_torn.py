"""Full disks, results that are read-only, and Ctrl-C: said in a line, and nothing is torn."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sweeps import SMALL, Workplace, ended, patience, session
from tiny_runs import SMALL as TINY

from dan_bench.results.cache import CachedStore


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory, of a size of its own."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root mounts")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


ONE_AT_A_TIME = ["logger=none", "runtime.workers=1", "runtime.checkpoint_every=5"]


@pytest.mark.parametrize(
    ("model", "what"),
    [
        ("dan", "checkpoint"),  # 30 MB of weights and moments
        ("untrained", "weights"),
    ],
)
def test_a_run_that_fills_the_disk_fails_alone(place: Workplace, model: str, what: str) -> None:
    with mounted(place.folder / "results", "size=3m"):
        shapes = "data.shape=[40,40],[6,6]"  # the first is too large
        small = [override for override in TINY if not override.startswith("data.shape")]
        arguments = ["-m", f"model={model}", *small, shapes, *ONE_AT_A_TIME]
        code, out, err = place.train(*arguments)
        assert code == 1, err
        assert "Traceback" not in out + err
        assert "2 jobs: 0 done before, 2 to run" in out
        assert "1 done, 2 run, 1 failed" in out
        records, damaged = place.store.all()
        assert not damaged
        by_shape = {record.config["data"]["shape"][0]: record for record in records}
        assert by_shape[6].status == "done"
        assert by_shape[40].status == "failed"
        assert by_shape[40].traceback is not None
        left = {path.name for path in place.store.folder(by_shape[40].key).iterdir()}
        assert not any(name.endswith(".tmp") for name in left), what
        assert (place.folder / "results" / "report.md").is_file()


def test_where_no_record_can_be_written_the_sweep_says_so_and_goes_on(place: Workplace) -> None:
    """Nothing at all can be: no log, no progress, no claim; and then there is room again."""
    with mounted(place.folder / "results", "size=1m"):
        filler = place.folder / "results" / "filler"
        (place.folder / "results" / "runs").mkdir()
        with filler.open("wb", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(4096))
                except OSError:
                    break
        arguments = ["-m", "model=python_random", *SMALL, "seed=0,1", *ONE_AT_A_TIME]
        code, out, err = place.train(*arguments)
        assert code == 1
        assert "Traceback" not in out + err
        assert "No space left on device" in err
        assert err.count("no record") == 2
        assert "0 done, 2 run" in out
        assert place.store.all() == ([], {})
        filler.unlink()
        code, out, err = place.train(*arguments)
        assert code == 0, err
        assert "2 done, 2 run, 0 failed" in out


@pytest.mark.parametrize("sweep", [[], ["-m"]])
def test_results_that_are_read_only_are_refused(place: Workplace, sweep: list[str]) -> None:
    with mounted(place.folder / "results", "size=1m"):
        (place.folder / "results" / "runs").mkdir()
        remount = ["mount", "-o", "remount,ro", str(place.folder / "results")]
        subprocess.run(remount, check=True)
        code, out, err = place.train(*sweep, "model=python_random", *SMALL, "logger=none")
    assert code == 2
    assert "Traceback" not in out + err
    assert "is not writable" in err


@pytest.mark.parametrize("delay", [0.15, 0.4, 0.8, 1.5, 3.0])
def test_ctrl_c_in_the_first_seconds_is_heard(place: Workplace, delay: float) -> None:
    """As a terminal sends it: to every process, whatever each of them is importing."""
    arguments = ["-m", "model=dan", *SMALL, "seed=0,1", "logger=none"]
    with place.started(*arguments) as process:
        while not started(process.pid):
            time.sleep(0.01)
        time.sleep(delay)
        for pid in session(process.pid):
            os.kill(pid, signal.SIGINT)
        out, err = ended(process, 60)
        assert process.returncode == 130, err
        assert "Traceback" not in out + err
        until_gone(process.pid)
    assert place.store.all() == ([], {})


def started(pid: int) -> bool:
    """Whether a program has read its first module of ours: before, Python itself is starting."""
    try:
        return "dan_bench" in Path(f"/proc/{pid}/cmdline").read_text() and any(
            "_ctypes" in line or "resource" in line or "lib-dynload" in line
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines()
        )
    except OSError:
        return False


def until_gone(leader: int) -> None:
    goes_on = patience(30)
    while session(leader):
        assert goes_on(), session(leader)
        time.sleep(0.05)


@pytest.mark.parametrize(
    "name",
    ["snapshots.npy", "snapshot_steps.npy", "samples.npy", "inputs.npy", "curves.parquet"],
)
def test_a_report_on_torn_files_says_so_or_goes_on(place: Workplace, name: str) -> None:
    code, _, err = place.train("model=dan", *SMALL, "logger=none")
    assert code == 0, err
    (record,) = CachedStore(place.folder / "results").all()[0]
    folder = place.store.folder(record.key)
    torn = folder / name
    os.truncate(torn, torn.stat().st_size // 2)
    for command in ([], ["html", "--out", "page.html"], ["figures", "--out", "figures"]):
        line = [sys.executable, "-m", "dan_bench.report", *command]
        report = subprocess.run(
            line, cwd=place.folder, capture_output=True, text=True, timeout=240, check=False
        )
        assert "Traceback" not in report.stderr
        assert report.returncode in (0, 2)
        assert report.returncode == 0 or torn.name in report.stderr
    code, _, err = place.train("model=dan", *SMALL, "logger=none")  # a record is a record
    assert code == 0, err
    assert np.isfinite(record.costs["seconds"])
