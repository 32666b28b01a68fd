"""Emptied folders, names on raw devices, and what a second walk finds."""

import os
import secrets
import time

import pytest
from file_systems import maker

from dan_bench.erase import FastNoise, erase, plan_erasure
from dan_bench.erase.afterwards import names_left, remove_folders, second_look


@pytest.fixture
def make(tmp_path):
    with maker(tmp_path) as of:
        yield of


@pytest.fixture
def root(tmp_path):
    made = tmp_path / "root"
    (made / "inner" / "most").mkdir(parents=True)
    (made / "empty").mkdir()
    for name in ("one", "inner/two", "inner/most/three"):
        (made / name).write_bytes(b"data" * 1000)
    (tmp_path / "beside").mkdir()
    return made


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# folders


def test_emptied_folders_are_removed_the_named_one_too(root):
    plan = plan_erasure([root])
    erase(plan, FastNoise(), remove=True)
    assert remove_folders(plan.folders) == (4, ())
    assert everything(root.parent) == ["beside"]


def test_what_is_not_empty_stays_with_all_above_it(root):
    (root / "inner" / "link").symlink_to(root.parent / "beside")
    plan = plan_erasure([root])
    erase(plan, FastNoise(), remove=True)
    removed, kept = remove_folders(plan.folders)
    assert removed == 2
    assert [(r.path, r.text, r.holds_data) for r in kept] == [
        (str(root / "inner"), "folder not removed: not empty", False),
        (str(root), "folder not removed: not empty", False),
    ]
    assert everything(root) == ["inner", "inner/link"]


def test_a_folder_or_link_that_took_a_place_stays(root):
    plan = plan_erasure([root])
    erase(plan, FastNoise(), remove=True)
    (root / "empty").rename(root.parent / "elsewhere")
    (root / "empty").mkdir()
    (root / "inner" / "most").rmdir()
    (root / "inner" / "most").symlink_to(root.parent / "beside")
    removed, kept = remove_folders(plan.folders)
    assert removed == 0
    assert {r.path for r in kept if r.holds_data} == {
        str(root / "empty"),
        str(root / "inner" / "most"),
    }
    assert (root.parent / "beside").is_dir()


def test_folders_that_are_gone_already_are_none_to_be_removed(root):
    plan = plan_erasure([root])
    erase(plan, FastNoise(), remove=True)
    (root / "empty").rmdir()
    assert remove_folders(plan.folders) == (3, ())


# names on the raw device


def names_on_device(system, removed_by):
    """Make files, remove them, and return how many of their names the raw device still has."""
    token = secrets.token_hex(8)
    folder = system.root / "folder"
    folder.mkdir()
    for i in range(20):
        (folder / f"{token}{i:04d}").write_bytes(b"data")
    os.sync()
    left = removed_by(folder)
    system.unmount()
    seen = b"".join(system.raw())
    return sum(f"{token}{i:04d}".encode() in seen for i in range(20)), left


def ours(folder):
    plan = plan_erasure([folder])
    report = erase(plan, FastNoise(), remove=True)
    assert all(result.removed for result in report.files)
    return names_left(plan)


def with_renames(folder):
    """Remove them as `shred -u` does: by ever shorter names, each waited for."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        for name in os.listdir(folder):
            for length in range(len(name), 0, -1):
                os.rename(name, "0" * length, src_dir_fd=handle, dst_dir_fd=handle)
                os.fsync(handle)
                name = "0" * length
            os.unlink(name, dir_fd=handle)
    finally:
        os.close(handle)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_where_names_survive_it_is_said(make, kind):
    seen, left = names_on_device(make(kind), ours)
    assert seen > 0
    assert len(left) == 1
    assert kind in left[0]


def test_where_nothing_is_said_no_name_survives(make):
    assert names_on_device(make("ext4", mkfs=("-O", "^has_journal")), ours) == (0, ())


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_renames_would_not_help_there(make, kind):
    assert names_on_device(make(kind), with_renames)[0] > 0


# the second walk


def looked(root, meanwhile, **how):
    plan = plan_erasure([root], hard_links=False)
    began = time.time_ns()
    report = erase(plan, FastNoise(), **how)
    time.sleep(0.02)  # coarse clocks
    meanwhile()
    return {
        (os.path.basename(r.path), r.text.split(" (")[0], r.holds_data)
        for r in second_look(plan, report.files, began)
    }


def test_quiet_trees_have_nothing_new(root):
    (root / "link").symlink_to("one")
    os.link(root / "one", root / "inner" / "one more")
    assert looked(root, lambda: None) == set()
    assert looked(root, lambda: None, remove=True) == set()


APPEARED = "appeared while the erasure ran"


def test_what_appears_is_found(root):
    def meanwhile():
        (root / "new").write_text("new")
        (root / "later").mkdir()
        (root / "later" / "in it").write_text("new")
        (root / "link").symlink_to("new")
        os.rename(root / "inner" / "two", root / "moved")
        (root / "inner" / "two").write_text("took its place")

    assert looked(root, meanwhile) == {
        ("new", APPEARED, True),
        ("in it", APPEARED, True),
        ("link", APPEARED, False),
        ("moved", APPEARED, True),
        ("two", APPEARED, True),
    }


def test_what_is_written_again_is_found(root):
    def meanwhile():
        with (root / "one").open("r+b") as file:
            file.write(b"data again")
        with (root / "inner" / "two").open("ab") as file:
            file.write(b"data again")

    again = "was written to after it was overwritten"
    assert looked(root, meanwhile) == {("one", again, True), ("two", again, True)}


def test_a_removed_name_that_is_there_again_is_found(root):
    def meanwhile():
        (root / "one").write_text("again")

    assert looked(root, meanwhile, remove=True) == {("one", APPEARED, True)}
    single = root / "one"
    assert looked(single, meanwhile, remove=True) == {("one", APPEARED, True)}
