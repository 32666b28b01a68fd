"""What is said of an erasure, against what a search of the raw device finds.

File systems in image files, mounted here and nowhere else. A file of marked records is dealt with
in some way, the file system is unmounted, and its image is searched for the marks.
"""

import contextlib
import os
import secrets
import shutil

import pytest
from file_systems import RECORDS, maker, marked, run

from dan_bench.erase import Evidence, FastNoise, Outcome, erase, plan_erasure
from dan_bench.erase.filesystem import extents


@pytest.fixture
def make(tmp_path):
    with maker(tmp_path) as of:
        yield of


def noise_of(path):
    return secrets.token_bytes(path.stat().st_size)


def in_place(path):
    noise = noise_of(path)
    with path.open("r+b") as file:
        file.write(noise)
        os.fsync(file.fileno())


def half_in_place(path):
    noise = noise_of(path)
    with path.open("r+b") as file:
        file.write(noise[: len(noise) // 2])


def shred(path):
    if shutil.which("shred") is None:
        pytest.skip("shred is not installed")
    run("shred", "-n1", "-x", path)


def ours(path):
    assert erase(plan_erasure([path]), FastNoise()).outcome in (Outcome.DONE, Outcome.DOUBTED)


def rewrite(path):
    noise = noise_of(path)
    with path.open("wb") as file:
        file.write(noise)
        os.fsync(file.fileno())


def rename_over(path):
    new = path.with_name("new")
    with new.open("xb") as file:
        file.write(noise_of(path))
        os.fsync(file.fileno())
    os.replace(new, path)


def zero_range(path):
    run("fallocate", "--zero-range", "--offset", "0", "--length", path.stat().st_size, path)


def collapse(path):
    """Take away the first half: the second half lies where the first lay, in its own blocks."""
    half = str(path.stat().st_size // 8192 * 4096)
    run("fallocate", "--collapse-range", "--offset", "0", "--length", half, path)


WAYS = {
    "erase": (ours, 100),
    "written in place": (in_place, 100),
    "shred": (shred, 100),
    "half in place, not synced": (half_in_place, 50),
    "unlink": (os.unlink, 0),
    "truncate and rewrite": (rewrite, 0),
    "replace by rename": (rename_over, 0),
}
BY_RANGES = {"zeroed by fallocate": zero_range, "first half cut out": collapse}


def surveyed(system, path, act):
    """Deal with a file; return its survey, and the share that the image still holds."""
    token = marked(path)
    with Evidence.open([path]) as evidence:
        act(path)
        (survey,) = evidence.survey()
    return survey, system.search(token)


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
@pytest.mark.parametrize("way", WAYS)
def test_the_raw_device_agrees(make, kind, way):
    system = make(kind)
    act, expected = WAYS[way]
    survey, left = surveyed(system, system.root / "file", act)
    assert survey.compared == survey.data == RECORDS * 128
    assert survey.destroyed.value == pytest.approx(expected, abs=0.1)
    assert 100 * (1 - left) == pytest.approx(expected, abs=0.1)
    if expected == 0:
        assert survey.destroyed.value == 0
    if way != "truncate and rewrite":
        assert survey.unverified == ()
        assert survey.destroyed.high == pytest.approx(expected, abs=0.5)
    else:
        assert "other blocks" in survey.unverified[0]


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
@pytest.mark.parametrize("way", BY_RANGES)
def test_ranges_that_read_otherwise_are_still_on_the_device(make, kind, way):
    system = make(kind)
    survey, left = surveyed(system, system.root / "file", BY_RANGES[way])
    assert survey.destroyed.value == 0
    assert "other blocks" in survey.unverified[0]
    assert left == 1


@pytest.mark.parametrize("way", WAYS)
def test_copy_on_write_is_never_claimed(make, way):
    system = make("btrfs", options="loop,nodiscard")
    act, _ = WAYS[way]
    survey, left = surveyed(system, system.root / "file", act)
    assert survey.destroyed.value == 0
    assert "copy on write" in survey.unverified[0]
    assert left == 1


def test_copy_on_write_that_is_switched_off_is_verified_by_its_extents(make):
    system = make("btrfs", options="loop,nodiscard,nodatacow")
    survey, left = surveyed(system, system.root / "file", ours)
    assert survey.unverified == ()
    assert survey.destroyed.value > 99.9
    assert left == 0


def test_a_snapshot_keeps_what_is_overwritten(make):
    system = make("btrfs", options="loop,nodiscard,nodatacow")
    token = marked(system.root / "file")
    run("btrfs", "subvolume", "snapshot", system.root, system.root / "snapshot")
    (result,) = erase(plan_erasure([system.root / "file"]), FastNoise()).files
    assert result.survey.destroyed.value == 0
    assert "shared" in " ".join(result.survey.unverified)
    assert system.search(token) == 1


@pytest.mark.parametrize("how", ["mounted so", "by the superblock", "the file alone"])
def test_journaled_data_are_never_claimed(make, how):
    """mountinfo does not show data=journal where it is the superblock's default."""
    system = make("ext4", options="loop,data=journal" if how == "mounted so" else "loop")
    if how == "by the superblock":
        system.unmount()
        run("tune2fs", "-o", "journal_data", system.image)
        system.mount()
    if how == "the file alone":  # as chattr +j does, which takes rights that root may not have
        (system.root / "file").touch()
        system.unmount()
        run("debugfs", "-w", "-R", "set_inode_field /file flags 0x84000", system.image)
        system.mount("loop,nodelalloc")  # else the flag is set and does nothing
    token = marked(system.root / "file")
    plan = plan_erasure([system.root / "file"])
    assert any("journal" in r.text for r in plan.warnings) == (how != "the file alone")
    (result,) = erase(plan, FastNoise()).files
    assert result.status == "overwritten"
    assert result.read_back is True
    assert "data=journal" in result.survey.unverified[0]
    assert result.survey.destroyed.value == 0
    assert result.survey.destroyed.high > 99.9
    assert system.search(token) > 0.9


def test_a_clone_keeps_what_is_overwritten(make):
    system = make("xfs", mkfs=["-m", "reflink=1"])
    token = marked(system.root / "file")
    run("cp", "--reflink=always", system.root / "file", system.root / "clone")
    (result,) = erase(plan_erasure([system.root / "file"]), FastNoise()).files
    assert result.survey.destroyed.value == 0
    assert "shared" in result.survey.unverified[0]
    assert system.search(token) == 1


def test_data_inside_the_inode_are_never_claimed(make):
    system = make("ext4", mkfs=["-O", "inline_data"])
    (system.root / "file").write_bytes(b"a small secret, in the inode")
    (result,) = erase(plan_erasure([system.root / "file"]), FastNoise()).files
    assert result.status == "overwritten"
    assert result.written == 28
    assert result.survey.destroyed.value == 0
    assert "inline" in result.survey.unverified[0]
    assert b"secret" not in (system.root / "file").read_bytes()


@pytest.mark.parametrize("act", [True, False], ids=["erase", "control"])
def test_zeroed_ranges_are_overwritten_too(make, act):
    """On ext4 a range zeroed by fallocate reads as zeros, and its blocks still hold the data."""
    system = make("ext4")
    path = system.root / "file"
    token = marked(path)
    run("fallocate", "--zero-range", "--offset", "0", "--length", "262144", path)
    os.sync()
    assert path.read_bytes()[:262144] == bytes(262144)
    if act:
        assert erase(plan_erasure([path]), FastNoise()).outcome in (Outcome.DONE, Outcome.DOUBTED)
    assert system.search(token) == (0 if act else 1)


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
@pytest.mark.parametrize("act", [True, False], ids=["erase", "control"])
def test_the_slack_of_the_last_block_is_overwritten(make, kind, act):
    """Old bytes behind a file's end, put there through the image: no file shows them."""
    system = make(kind)
    path, mark = system.root / "file", secrets.token_bytes(64)
    path.write_bytes(secrets.token_bytes(5000))
    with path.open("rb") as file:
        (extent, *_) = extents(file.fileno())
    system.unmount()
    with system.image.open("r+b") as raw:
        raw.seek(extent.physical + 5000 + 100)
        raw.write(mark)
    system.mount()
    if act:
        (result,) = erase(plan_erasure([path]), FastNoise()).files
        assert result.written == 8192
        assert path.stat().st_size == 5000
        assert path.stat().st_blocks == 16
    assert any(mark in data for data in system.raw()) is not act


def test_a_full_disk_is_reported_and_the_rest_goes_on(make):
    """Overwriting a clone needs new blocks, and there are none."""
    system = make("xfs", mkfs=["-m", "reflink=1"])
    marked(system.root / "clone of")
    token = marked(system.root / "own")
    run("cp", "--reflink=always", system.root / "clone of", system.root / "clone")
    with contextlib.suppress(OSError), (system.root / "fill").open("xb") as file:
        while True:
            file.write(bytes(1 << 20))
            file.flush()
    with contextlib.suppress(OSError), (system.root / "fill more").open("xb", 0) as file:
        while True:
            file.write(bytes(4096))
    plan = plan_erasure([system.root / "clone", system.root / "own"])
    clone, own = erase(plan, FastNoise()).files
    assert clone.status == "failed"
    assert clone.error == os.strerror(28)
    assert clone.survey.destroyed.value < 1
    assert own.status == "overwritten"
    assert own.survey.destroyed.value > 99.9
    assert system.search(token) == 0


def test_a_file_system_that_is_read_only_is_reported(make):
    system = make("ext4")
    token = marked(system.root / "file")
    run("mount", "-o", "remount,ro", system.root)
    plan = plan_erasure([system.root / "file"])
    assert "cannot be written" in plan.warnings[-1].text
    (result,) = erase(plan, FastNoise()).files
    assert result.error == os.strerror(30)
    assert system.search(token) == 1
