"""Sweeps on Ray: a cluster of this machine's, one of two nodes, and the deaths of what runs there.

Run by `make test-ray`, which installs Ray.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import pytest
from docs_blocks import commands, page
from ray_nodes import MARK, RayNodes, kill, marked, ray_nodes
from sweeps import REPOSITORY, SMALL, Workplace, ended, patience, until

from dan_bench.interfaces import RunRecord

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*fork.*")]
LOCALLY = ["runtime.executor=ray", "runtime.workers=2"]


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """That of a sweep which starts a cluster; nothing of it is left at the end."""
    name = f"{os.getpid()}-{time.time_ns()}"
    monkeypatch.setenv(MARK, name)
    yield name
    kill(name)


@pytest.fixture
def nodes(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Iterator[RayNodes]:
    with ray_nodes(place, monkeypatch) as cluster:
        yield cluster


def waiting(place: Workplace, *names: str) -> list[str]:
    """Have runs wait half-way; the overrides that make them."""
    for name in names:
        (place.folder / name).write_text("wait")
    return ["-m", *place.obstructed, "logger=none", f"model.obstacle={','.join(names)}"]


def waits(place: Workplace, name: str, not_in: tuple[str, ...] = ()) -> str:
    """The process of a run, once it waits, if it is another than these."""
    path = place.folder / f"{name}.pid"
    return path.read_text() if path.exists() and path.read_text() not in not_in else ""


def results(record: RunRecord) -> tuple[object, ...]:
    return record.key, record.status, record.config, record.metrics


def test_a_cluster_of_this_machine_leaves_the_records_of_a_local_sweep(
    place: Workplace, tmp_path: Path, mark: str
) -> None:
    arguments = ["-m", "model=dan,identity", "seed=0,1", *SMALL, "logger=csv"]
    code, out, err = place.train(*arguments, *LOCALLY, progress="json")
    assert code == 0, err
    assert err == ""
    assert [json.loads(line) for line in out.splitlines()]  # nothing of Ray's is among them
    until(lambda: not marked(mark))
    there = {record.key: record for record in place.store.all()[0]}
    (tmp_path / "results").rename(tmp_path / "of_ray")
    assert place.train(*arguments)[0] == 0
    here = {record.key: record for record in place.store.all()[0]}
    assert len(here) == 4
    assert {key: results(one) for key, one in there.items()} == {
        key: results(one) for key, one in here.items()
    }
    for key in here:
        names = {path.name for path in place.store.folder(key).iterdir()}
        assert {path.name for path in (tmp_path / "of_ray" / "runs" / key).iterdir()} == names


def test_what_is_killed_is_tried_again_be_it_the_run_or_the_worker_of_ray(
    place: Workplace, mark: str
) -> None:
    arguments = [*waiting(place, "wait"), *LOCALLY, "runtime.retries=2"]
    with place.started(*arguments) as process:
        until(lambda: bool(waits(place, "wait")), process)
        first = waits(place, "wait")
        os.kill(int(first), signal.SIGKILL)
        until(lambda: bool(waits(place, "wait", (first,))), process)
        second = waits(place, "wait", (first,))
        assert kill(mark, "ray::carry") == 1
        until(lambda: bool(waits(place, "wait", (first, second))), process)
        assert not Path(f"/proc/{second}").exists()  # it died with the worker
        (place.folder / "wait").unlink()
        out, err = ended(process)
    assert process.returncode == 0, err
    assert "killed (signal SIGKILL); tried again, 1 of 2" in err
    assert "lost (its Ray worker died); tried again, 2 of 2" in err
    assert "1 done, 1 run, 0 failed" in out
    assert "raylet" not in out + err


def test_the_exception_of_a_run_is_its_record_and_is_not_tried_again(
    place: Workplace, mark: str
) -> None:
    (place.folder / "fail").write_text("fail")
    code, out, err = place.train(
        "-m", *place.obstructed, "logger=none", "model.obstacle=fail,clear", *LOCALLY
    )
    assert code == 1
    assert "tried again" not in err
    assert "1 done, 2 run, 1 failed" in out
    assert "the disk is on fire" in (place.by_obstacle()["fail"].traceback or "")


def test_the_run_of_a_dead_node_moves_to_the_other(place: Workplace, nodes: RayNodes) -> None:
    nodes.start("head", "--num-cpus=1")
    second = nodes.start("second", "--num-cpus=1")
    with place.started(*waiting(place, "left", "right"), *nodes.joined) as process:
        until(lambda: all(waits(place, name) for name in ("left", "right")), process)
        seen = {name: waits(place, name) for name in ("left", "right")}
        (moved,) = [name for name, pid in seen.items() if int(pid) in marked(second)]
        assert kill(second) > 3
        (place.folder / ("left" if moved == "right" else "right")).unlink()
        until(lambda: bool(waits(place, moved, (seen[moved],))), process)
        (place.folder / moved).unlink()
        out, err = ended(process)
    assert process.returncode == 0, err
    assert "lost (its node died); tried again, 1 of 1" in err
    assert "2 done, 2 run, 0 failed" in out
    assert "raylet" not in out + err


def test_four_runs_share_a_gpu_at_a_quarter_each(place: Workplace, nodes: RayNodes) -> None:
    """As Ray counts them: the GPU is a number on a node, and no run asks for it."""
    head = nodes.start("head", "--num-cpus=8", "--num-gpus=1")
    names = [f"wait{number}" for number in range(5)]
    arguments = [*waiting(place, *names), *nodes.joined, "runtime.ray.num_gpus=0.25"]
    with place.started(*arguments, "runtime.ray.num_cpus=0.5") as process:
        until(lambda: sum(bool(waits(place, name)) for name in names) == 4, process)
        (last,) = [name for name in names if not waits(place, name)]
        time.sleep(5)
        assert not waits(place, last)
        (place.folder / last).write_text("gpus")  # it will fail, and say what it was shown
        for name in set(names) - {last}:
            (place.folder / name).unlink()
        out, _ = ended(process)
    assert "4 done, 5 run, 1 failed" in out
    assert "GPUs 0" in (place.by_obstacle()[last].traceback or "")
    assert marked(head)  # the cluster is not ours to stop


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_nothing_of_its_own_cluster_outlives_the_sweep(
    how: signal.Signals, place: Workplace, mark: str
) -> None:
    with place.started(*waiting(place, "wait", "wait2"), *LOCALLY) as process:
        until(lambda: all(waits(place, name) for name in ("wait", "wait2")), process)
        assert len(marked(mark)) > 5
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
        else:
            process.kill()
        out, err = ended(process)
        until(lambda: not marked(mark))
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert err == "interrupted: finished runs are kept; the same command does the rest\n"
        assert "raylet" not in out


def test_an_interrupted_sweep_leaves_a_cluster_of_others_as_it_was(
    place: Workplace, nodes: RayNodes
) -> None:
    head = nodes.start("head", "--num-cpus=2")
    before = set(marked(head))
    with place.started(*waiting(place, "wait"), *nodes.joined) as process:
        until(lambda: bool(waits(place, "wait")), process)
        run = int(waits(place, "wait"))
        os.killpg(process.pid, signal.SIGINT)
        ended(process)
        assert process.returncode == 130
        until(lambda: not Path(f"/proc/{run}").exists())
    assert before <= set(marked(head))


def refused(place: Workplace, *arguments: str) -> str:
    at_once = patience(60)
    code, out, err = place.train(*SMALL, "logger=none", "runtime.executor=ray", *arguments)
    assert (code, out) == (2, ""), err
    assert at_once()
    assert not list((place.folder / "results").glob("runs/*/*"))
    return err


def test_a_cluster_that_is_not_there_is_refused_at_once(place: Workplace) -> None:
    assert "HOST:PORT" in refused(place, "runtime.ray.address=127.0.0.1:9")
    assert "HOST:PORT" in refused(place, "runtime.ray.address=nonsense")


def test_what_no_node_has_is_refused(place: Workplace, nodes: RayNodes) -> None:
    nodes.start("head", "--num-cpus=2", "--num-gpus=0")
    said = refused(place, *nodes.joined, "runtime.ray.num_gpus=1")
    assert "no node of the cluster has what a run needs, 1 CPU, 1 GPU" in said
    assert "runtime.workers=N" in said


def test_a_gpu_that_is_not_asked_of_ray_is_refused(place: Workplace) -> None:
    assert "runtime.ray.num_gpus=1" in refused(place, "runtime.accelerator=gpu")


def test_the_commands_of_the_documentation_do_what_they_say(
    place: Workplace, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for name, value in {"RAY_TMPDIR": folder, "HOME": folder, "PATH": path}.items():
        monkeypatch.setenv(name, value)
    (block,) = (b for b in page(REPOSITORY / "docs" / "scale.md").blocks if b.section == "Ray")
    head, other, sweep = (command.text for command in commands(block))
    for text in (head, other.replace("HEAD", "127.0.0.1")):
        subprocess.run(shlex.split(text), check=True, cwd=place.folder, capture_output=True)
    words = shlex.split(sweep.replace("+sweep=default", "seed=0,1"))
    assert words[:4] == ["python", "-m", "dan_bench.train", "-m"]
    code, out, err = place.train("-m", *words[4:], *SMALL, "logger=none")
    kill(mark)
    rmtree(folder)
    assert code == 0, err
    assert "2 done, 2 run, 0 failed" in out
