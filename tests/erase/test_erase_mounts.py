"""No mount is crossed unless told, and nothing is claimed where there are no blocks to look at."""

import contextlib
import os
import subprocess

import pytest
from file_systems import maker, marked, run

from dan_bench.erase import ErasureRefused, FastNoise, Outcome, erase, plan_erasure


@pytest.fixture
def make(tmp_path):
    with maker(tmp_path) as of:
        yield of


# mounts below what is to be erased


@pytest.fixture
def bind(tmp_path):
    """Mount a folder or file at a second place, as long as the test runs."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    with contextlib.ExitStack() as stack:

        def mount(source, target):
            done = subprocess.run(["mount", "--bind", source, target], capture_output=True)
            if done.returncode != 0:
                pytest.skip("no bind mounts here")
            stack.callback(run, "umount", target)

        yield mount


def test_no_mount_is_crossed_unless_told(make):
    system = make("ext4")
    (system.root / "canary").write_bytes(b"canary")
    above = system.root.parent
    plan = plan_erasure([above])
    assert [os.path.basename(file.path) for file in plan.files] == ["image"]
    (reason,) = [r.text for r in plan.refused if r.path == str(system.root)]
    assert "another mount" in reason
    assert plan_erasure([system.root]).files
    told = plan_erasure([above], cross_mounts=True)
    assert any(os.path.basename(file.path) == "canary" for file in told.files)


def test_no_bind_mount_of_the_same_file_system_is_crossed_unless_told(tmp_path, bind):
    outside, root = tmp_path / "outside", tmp_path / "root"
    for folder in (outside / "inner", root / "of a folder"):
        folder.mkdir(parents=True)
    (outside / "inner" / "canary").write_bytes(b"canary")
    (outside / "file").write_bytes(b"canary")
    (root / "of a file").touch()
    bind(outside, root / "of a folder")
    bind(outside / "file", root / "of a file")
    plan = plan_erasure([root])
    assert plan.files == ()
    assert all("another mount" in r.text for r in plan.refused)
    assert len(plan.refused) == 2
    told = plan_erasure([root], cross_mounts=True)
    assert len(told.files) == 2  # of which one is mounted twice
    assert sum("covers" in r.text for r in told.refused) == 2


@pytest.mark.parametrize("removed", [False, True])
def test_a_file_mounted_again_is_one_file_and_what_a_mount_covers_is_in_doubt(
    tmp_path, bind, removed
):
    root = tmp_path / "root"
    for folder in (root / "a", root / "b"):
        folder.mkdir(parents=True)
    (root / "a" / "file").write_bytes(b"canary")
    (root / "b" / "covered").write_bytes(b"canary")
    bind(root / "a", root / "b")
    plan = plan_erasure([root], cross_mounts=True)
    report = erase(plan, FastNoise(), remove=removed)
    (result,) = report.files
    assert (result.status, result.removed) == ("overwritten", removed)
    texts = {os.path.relpath(of.path, root): of.text for of in report.refused}
    assert "mounted again" in texts.pop("a/file", texts.pop("b/file", ""))
    assert "covers" in texts.pop("b")
    assert not texts
    assert report.outcome is Outcome.DOUBTED


def test_what_is_mounted_between_look_and_opening_is_not_touched(tmp_path, bind):
    outside, root = tmp_path / "outside", tmp_path / "root"
    for folder in (outside, root / "inner"):
        folder.mkdir(parents=True)
    for path in (root / "inner" / "file", root / "file"):
        path.write_bytes(b"mine")
    (outside / "file").write_bytes(b"canary")
    plan = plan_erasure([root])
    bind(outside, root / "inner")
    bind(root / "file", root / "file")  # the very same file, by way of another mount
    report = erase(plan, FastNoise())
    assert {result.status for result in report.files} == {"failed"}
    assert (outside / "file").read_bytes() == b"canary"


def test_a_bind_mount_does_not_hide_what_is_protected(tmp_path, bind, monkeypatch):
    home, place = tmp_path / "home", tmp_path / "root" / "elsewhere"
    (home / "photos").mkdir(parents=True)
    place.mkdir(parents=True)
    (home / "photos" / "canary").write_bytes(b"canary")
    monkeypatch.setenv("HOME", str(home))
    bind(home, place)
    with pytest.raises(ErasureRefused, match="home folder"):
        plan_erasure([place])
    plan = plan_erasure([tmp_path / "root"], cross_mounts=True)
    assert plan.files == ()
    assert [r.text for r in plan.refused] == ["the home folder"]


@pytest.mark.parametrize("kind", ["tmpfs", "overlay"])
def test_file_systems_without_blocks_of_their_own_are_never_claimed(tmp_path, kind):
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    root = tmp_path / "mounted"
    layers = [tmp_path / name for name in ("lower", "upper", "work")]
    for folder in (root, *layers):
        folder.mkdir()
    token = marked(layers[0] / "file")
    options = "lowerdir={},upperdir={},workdir={}".format(*layers)
    how = ["-o", options] if kind == "overlay" else []
    if subprocess.run(["mount", "-t", kind, *how, kind, root], capture_output=True).returncode:
        pytest.skip(f"{kind} cannot be mounted here")
    try:
        if kind == "tmpfs":
            marked(root / "file")
        plan = plan_erasure([root / "file"])
        assert any(kind in remark.text for remark in plan.warnings)
        (result,) = erase(plan, FastNoise()).files
        assert result.status == "overwritten"
        assert result.survey.destroyed.value == 0
        assert kind in result.survey.unverified[0]
        assert result.survey.destroyed.high > 99.9
    finally:
        run("umount", root)
    if kind == "overlay":
        assert token in (layers[0] / "file").read_bytes()
