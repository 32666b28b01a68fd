"""A sweep on a real Slurm cluster of two nodes, through all that happens to jobs there.

`make test-slurm` installs what it needs; without that, or without root, it is skipped.
"""

import json
import os
import shlex
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from docs_blocks import commands, page
from slurm import SlurmCluster, missing, slurm_cluster
from sweeps import REPOSITORY, SMALL, Workplace, ended, session, until

from dan_bench.config.compose import configure
from dan_bench.interfaces import RunRecord
from dan_bench.results.record import key_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.slurm,
    pytest.mark.skipif(bool(missing()), reason=missing() or "Slurm is here"),
]

OBSTACLES = ("node", "cancel", "crawl", "late", "a", "b", "c", "d")
"""What happens to the job of that name; the last four are left alone."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # sockets have short names
    try:
        with slurm_cluster(folder) as up:
            yield up
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Survived:
    """What was seen of the sweep on the way, and at its end."""

    place: Workplace
    cancelled: RunRecord | None = None
    said_of_cancelled: str = ""
    """What the first driver said, which was killed."""
    records_without_driver: int = 0
    arrays: dict[str, int] = field(default_factory=dict)
    """Number of jobs, by array."""
    ended: tuple[int, str, str] = (0, "", "")
    queue: str = ""

    def steps(self, obstacle: str) -> list[int]:
        text = (self.place.folder / f"{obstacle}.steps").read_text()
        return [int(line) for line in text.split()]

    @property
    def now(self) -> dict[str, RunRecord]:
        return self.place.by_obstacle()


class Jobs:
    """The jobs of a sweep as the cluster has them."""

    def __init__(self, cluster: SlurmCluster, place: Workplace) -> None:
        self._cluster, self._place = cluster, place

    def of(self, obstacle: str) -> tuple[str, str]:
        """Job and node of an obstacle."""
        (folder,) = (self._place.folder / "results" / "slurm").glob("dan-bench-*")
        configs = [key for (key,) in json.loads((folder / "keys.json").read_text())]
        index = configs.index(self._key(obstacle))
        form = "--format=%F_%K|%N"
        for line in self._cluster.call("squeue", "-h", "-r", form).splitlines():
            job, _, node = line.partition("|")
            if job.endswith(f"_{index}"):
                return job, node
        raise AssertionError(self._cluster.said())

    def _key(self, obstacle: str) -> str:
        """The run whose progress file names the process that waits."""
        pid = int((self._place.folder / f"{obstacle}.pid").read_text())
        for path in self._place.store.runs.glob("*/progress.json"):
            if json.loads(path.read_text())["pid"] == pid:
                return path.parent.name
        raise AssertionError(f"no run of process {pid}")


def log_of(place: Workplace, obstacle: str) -> str:
    """The output of an obstacle's run, which may not be done yet."""
    config = configure([*place.obstructed, "logger=none", f"model.obstacle={obstacle}"])
    return (place.store.folder(key_of(config.scientific())) / "log.txt").read_text()


def arguments(place: Workplace) -> list[str]:
    return [
        *("-m", *place.obstructed, "logger=none", f"model.obstacle={','.join(OBSTACLES)}"),
        *("runtime.executor=slurm", "runtime.checkpoint_every=10", "runtime.slurm.time=10"),
        *("runtime.slurm.signal_delay=10", "runtime.slurm.memory=1"),
    ]


@pytest.fixture(scope="module")
def survived(cluster: SlurmCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survived]:
    place = Workplace(tmp_path_factory.mktemp("slurm"))
    found, jobs = Survived(place), Jobs(cluster, place)
    for obstacle in ("node", "cancel", "crawl", "late"):
        (place.folder / obstacle).write_text("crawl" if obstacle == "crawl" else "wait")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SLURM_CONF", str(cluster.conf))
        try:
            carry_out(found, jobs, cluster)
        except BaseException:
            print(cluster.said())
            raise
        yield found


def carry_out(found: Survived, jobs: Jobs, cluster: SlurmCluster) -> None:
    place = found.place
    with place.started(*arguments(place), progress="plain") as driver:
        for obstacle in ("node", "cancel", "late"):
            until((place.folder / f"{obstacle}.pid").exists, driver)
        until((place.folder / "crawl.steps").exists, driver)
        slow, (victim, node) = of_crawl(jobs, cluster), jobs.of("node")
        cluster.call("scontrol", "update", f"JobId={slow}", "TimeLimit=1")
        for path in (place.folder / "results" / "slurm").glob("*/keys.json"):
            found.arrays[path.parent.name] = len(json.loads(path.read_text()))
        cluster.call("scancel", jobs.of("cancel")[0])
        until(lambda: "cancel" in place.by_obstacle(), driver)
        found.cancelled = place.by_obstacle()["cancel"]
        cluster.kill_node(node)
        (place.folder / "node").unlink()
        (place.folder / "cancel").unlink()
        before = len(place.by_obstacle())
        os.kill(driver.pid, signal.SIGKILL)
        until(lambda: not session(driver.pid))
    cluster.until(lambda: len(place.by_obstacle()) > before, 240)
    found.records_without_driver = len(place.by_obstacle()) - before
    cluster.until(lambda: "down" in cluster.call("sinfo", "-h", "-n", node, "-o", "%T"), 120)
    cluster.start_node(node)
    with place.started(*arguments(place), progress="plain") as driver:
        time.sleep(10)  # the run that waits is there, and is not begun a second time
        (place.folder / "late").unlink()
        until(lambda: "Requeued job" in log_of(place, "crawl"), driver)
        (place.folder / "crawl").unlink()
        out, err = ended(driver, 400)
    found.ended = driver.returncode, out, err
    found.queue = cluster.call("squeue", "--states=all", "--array")
    assert victim


def of_crawl(jobs: Jobs, cluster: SlurmCluster) -> str:
    """The job that crawls: the one of the first four that no other obstacle has."""
    others = {jobs.of(obstacle)[0] for obstacle in ("node", "cancel", "late")}
    running = cluster.call("squeue", "-h", "-r", "-t", "RUNNING", "--format=%F_%K").split()
    (only,) = set(running) - others
    return only


def test_jobs_are_submitted_as_one_array(survived: Survived) -> None:
    assert list(survived.arrays.values()) == [len(OBSTACLES)]


def test_a_job_that_somebody_cancelled_is_recorded_as_cancelled_and_not_tried_again(
    survived: Survived,
) -> None:
    record = survived.cancelled
    assert record is not None
    assert record.status == "failed"
    assert (record.provenance["cause"], record.provenance["tries"]) == ("cancelled", 1)


def test_jobs_go_on_without_their_driver_and_leave_their_records(survived: Survived) -> None:
    assert survived.records_without_driver > 0


def test_a_relaunch_waits_for_what_runs_and_every_job_is_done_once(survived: Survived) -> None:
    code, out, err = survived.ended
    assert code == 0, err + out + survived.queue
    assert {record.status for record in survived.now.values()} == {"done"}
    for obstacle in ("a", "b", "c", "d", "late"):
        assert survived.steps(obstacle) == [*range(30)], obstacle


def test_a_job_whose_node_died_goes_on_elsewhere_from_its_checkpoint(survived: Survived) -> None:
    assert survived.steps("node") == [*range(25), *range(20, 30)]


def test_a_job_at_its_time_limit_saves_is_queued_again_and_goes_on(survived: Survived) -> None:
    log = log_of(survived.place, "crawl")
    assert "Caught signal SIGUSR2" in log
    assert "Requeued job" in log
    assert survived.steps("crawl") == [*range(30)], "no step is lost, and none is taken twice"


def test_nothing_is_left_but_the_results(survived: Survived, cluster: SlurmCluster) -> None:
    assert cluster.call("squeue", "-h", "-r") == ""
    assert not list(survived.place.store.runs.glob("*/progress*"))


def test_records_are_those_of_a_local_sweep(
    survived: Survived, tmp_path_factory: pytest.TempPathFactory
) -> None:
    local = Workplace(tmp_path_factory.mktemp("local"))
    same = [one for one in arguments(local) if not one.startswith(("runtime.ex", "runtime.slurm"))]
    code, _, err = local.train(*same)
    assert code == 0, err
    there = local.by_obstacle()
    assert there.keys() == survived.now.keys() == set(OBSTACLES)
    for obstacle, record in survived.now.items():
        other = there[obstacle]
        assert (record.key, record.config) == (other.key, other.config)
        assert record.metrics == other.metrics
        for name in ("samples.npy", "inputs.npy", "curves.parquet", "weights.pt"):
            ours, theirs = (
                store.folder(record.key) / name for store in (survived.place.store, local.store)
            )
            if name.endswith(".npy"):
                assert np.array_equal(np.load(ours), np.load(theirs))
            elif name == "curves.parquet":
                assert ours.read_bytes() == theirs.read_bytes()


@pytest.fixture
def place(cluster: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("SLURM_CONF", str(cluster.conf))
    return Workplace(tmp_path)


def test_ctrl_c_cancels_the_jobs(cluster: SlurmCluster, place: Workplace) -> None:
    (place.folder / "late").write_text("wait")
    one = [*place.obstructed, "logger=none", "model.obstacle=late", "runtime.executor=slurm"]
    with place.started(*one) as driver:
        until((place.folder / "late.pid").exists, driver)
        os.kill(driver.pid, signal.SIGINT)
        ended(driver, 60)
    assert driver.returncode == 130
    cluster.until(lambda: cluster.call("squeue", "-h", "-r") == "")


def test_what_slurm_does_not_take_is_refused_in_its_own_words(place: Workplace) -> None:
    one = [*place.obstructed, "logger=none", "runtime.executor=slurm"]
    code, _, err = place.train(*one, "runtime.slurm.partition=nowhere")
    assert code == 2
    assert "Slurm refuses these jobs" in err
    assert "invalid partition specified: nowhere" in err
    assert not list((place.folder / "results" / "slurm").iterdir())


def test_the_commands_of_the_page_on_scale(cluster: SlurmCluster, place: Workplace) -> None:
    (block,) = (b for b in page(REPOSITORY / "docs" / "scale.md").blocks if b.section == "Slurm")
    _, sweep, queue = (command.text for command in commands(block))
    words = shlex.split(sweep.replace("PARTITION", "all").replace("seed=0,1,2", "seed=0"))
    assert words[:4] == ["python", "-m", "dan_bench.train", "-m"]
    code, out, err = place.train("-m", *words[4:], *SMALL, "logger=none")
    assert code == 0, err
    assert "2 done, 2 run, 0 failed" in out
    assert "JOBID" in cluster.call(*shlex.split(queue))
