"""Killed at any instant: the same command finishes, certifies, and leaves nothing lying about."""

import os
import random
import shutil
import subprocess
import tempfile

import numpy as np
import pytest
from erasing import content, finished
from file_systems import maker, run
from killing import CHANGING, command, killed_at, small_batches

from dan_bench.erase import pending
from dan_bench.erase.records import read
from dan_bench.metrics.destruction import share_left

SIZES = (5, 4096, 4096, 5000, 12_000, 70_000, 300_000)
CALLS = 150
"""Of the 380 to 600 changing ones that a whole run makes: it takes several attempts, and each may
get further, since a batch makes 100 at most."""


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """A tree, a folder for the journal and one for temporary files, and nothing else."""
    for name in ("root", "state", "temporary"):
        (tmp_path / name).mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path


def planted(root, rng, n):
    originals = {}
    for i in range(n):
        folder = root / f"folder {i % 3}"
        folder.mkdir(exist_ok=True)
        path = folder / f"{i}"
        path.write_bytes(content(i, rng.choice(SIZES)))
        originals[str(path)] = path.read_bytes()
    return originals


def check_what_is_claimed(journal, originals):
    """Whatever the journal calls done is gone from the file, though the run was killed."""
    with journal.open("rb") as file:
        told = read(file.fileno(), str(journal))
    for (path, _), done in told.done.items():
        assert done.result.status == "overwritten"
        if os.path.exists(path):
            now = np.fromfile(path, np.uint8)
            old = np.frombuffer(originals[path], np.uint8)
            if len(now) != len(old):  # about to be removed, and cut to nothing
                assert len(now) == 0
            elif len(old) > 5:
                assert share_left(int((now == old).sum()), len(old)) < 0.02


def kill_and_check(scene, seed, remove):
    """Kill the command until it ends by itself; return how often that was."""
    rng = random.Random(seed)
    root, journal = scene / "root", scene / "state" / "journal"
    originals = planted(root, rng, 30)
    kills, killed = 0, True
    while killed:
        killed = killed_at(rng.randrange(1, CALLS), [root], journal, CHANGING, remove=remove)
        kills += killed
        assert os.listdir(scene / "temporary") == []
        assert set(os.listdir(scene / "state")) <= {"journal"}
        if journal.exists():
            check_what_is_claimed(journal, originals)
    with pytest.MonkeyPatch.context() as patched:
        for module, name in small_batches.changed:
            patched.setattr(module, name, getattr(module, name))
        small_batches()
        report = command([root], journal, remove=remove)
    results = {result.path: result for result in report.files}
    assert results.keys() == originals.keys()
    assert len(report.files) == len(originals)
    for path, result in results.items():
        assert result.status == "overwritten", result
        assert result.size == len(originals[path])
        assert result.removed is remove
        assert os.path.exists(path) is not remove
        if not remove:
            assert os.path.getsize(path) == len(originals[path])
    left = [name for _, _, names in os.walk(root) for name in names]
    assert len(left) == (0 if remove else len(originals))
    assert os.listdir(scene / "temporary") == []
    assert len(report.attempts) == len({attempt.number for attempt in report.attempts})
    return kills


@pytest.mark.parametrize("remove", [False, True])
def test_a_killed_run_goes_on_and_claims_nothing_that_is_not_so(scene, remove):
    assert kill_and_check(scene, 1, remove) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("remove", [False, True])
def test_a_hundred_killed_runs_go_on(scene, remove):
    kills = seed = 0
    while kills < 100:
        shutil.rmtree(scene / "root")
        (scene / "root").mkdir()
        (scene / "state" / "journal").unlink(missing_ok=True)
        seed += 1
        kills += kill_and_check(scene, 1000 + seed, remove)
    print(f"{kills} kills of {seed} runs")


@pytest.mark.parametrize("remove", [False, True])
def test_a_single_file_is_finished_from_wherever_it_was_killed(scene, remove):
    """Every system call in turn; the file's own path may be gone when the command is run again."""
    victim, journal = scene / "root" / "file", scene / "state" / "journal"
    number, killed = 1, True
    while killed:
        victim.write_bytes(content(1, 5000))
        killed = killed_at(number, [victim], journal, remove=remove)
        report = command([victim], journal, remove=remove)
        (result,) = report.files
        assert (result.status, result.path, result.size) == ("overwritten", str(victim), 5000)
        assert result.removed is remove
        assert os.listdir(scene / "root") == ([] if remove else ["file"])
        assert finished(pending(journal, [victim]))
        journal.unlink()
        number += 1
    assert number > 15


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_a_journal_outlives_a_remount(scene, kind):
    """The device's number is another one then, as after every boot."""
    with maker(scene) as make:
        system = make(kind)
        for i in range(3):
            (system.root / f"{i}").write_bytes(content(i, 5000))
        journal = scene / "state" / "journal"
        before = os.stat(system.root).st_dev
        command([system.root], journal)
        system.unmount()
        (scene / "other").write_bytes(bytes(1 << 20))
        done = subprocess.run(
            ["losetup", "--find", "--show", scene / "other"], capture_output=True, text=True
        )
        try:
            system.mount()
            report = command([system.root], journal)
        finally:
            if done.returncode == 0:
                run("losetup", "-d", done.stdout.strip())
        assert len(report.files) == 3
        assert all(result.earlier for result in report.files)
        assert os.stat(system.root).st_dev != before or kind == "btrfs" or done.returncode
