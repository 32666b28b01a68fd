"""What is erased and how, and what is refused. All of it in folders that the tests make."""

import os
import pwd
import socket
import subprocess
import sys

import numpy as np
import pytest
from base_install import run_code
from erasing import SIZES, Constant, contents, files_of, plant
from hypothesis import given, settings
from hypothesis import strategies as st

import dan_bench.erase.overwrite as overwriting
from dan_bench.erase import (
    GENERATORS,
    ErasureRefused,
    Evidence,
    FastNoise,
    Outcome,
    erase,
    plan_erasure,
)


@pytest.fixture
def tree(tmp_path):
    return plant(tmp_path)


# the plan


def test_the_plan_lists_what_would_be_lost_and_touches_nothing(tree):
    before = files_of(tree)
    plan = plan_erasure([tree])
    assert {file.path for file in plan.files} == set(map(str, before))
    assert plan.size == sum(SIZES)
    assert plan.refused == ()
    assert files_of(tree) == before


def test_overlapping_paths_are_listed_once(tree):
    plan = plan_erasure([tree, tree / "inner", tree / "inner" / "of 1", f"{tree}/"])
    assert len(plan.files) == len(SIZES)


def test_a_single_file_can_be_named(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree / "inner" / "of 1")
    plan = plan_erasure([tree / "inner" / "of 1"])
    assert [file.path for file in plan.files] == [str(tree / "inner" / "of 1")]


def test_an_empty_folder_is_an_empty_plan(tmp_path):
    (tmp_path / "empty").mkdir()
    report = erase(plan_erasure([tmp_path / "empty"]), FastNoise())
    assert report.files == ()


def test_what_is_no_file_is_left_alone_with_the_reason(tree):
    (tree / "link").symlink_to(tree.parent / "beside")
    (tree / "loop").symlink_to(tree)
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(tree / "socket"))
    reasons = {os.path.basename(r.path): r.text for r in plan_erasure([tree]).refused}
    assert reasons.keys() == {"link", "loop", "fifo", "socket"}
    assert "link" in reasons["link"]
    assert "FIFO" in reasons["fifo"]
    assert "socket" in reasons["socket"]


@pytest.mark.skipif(os.geteuid() != 0, reason="device nodes are made by root")
def test_device_nodes_are_refused(tree):
    os.mknod(tree / "null", 0o600 | 0o020000, os.makedev(1, 3))
    os.mknod(tree / "loop", 0o600 | 0o060000, os.makedev(7, 0))
    refused = plan_erasure([tree]).refused
    assert {(os.path.basename(r.path), r.text) for r in refused} == {
        ("null", "a device node"),
        ("loop", "a device node"),
    }
    with pytest.raises(ErasureRefused, match="device node"):
        plan_erasure([tree / "null"])


def test_other_names_are_counted_and_taken_in_only_when_told(tree, tmp_path):
    os.link(tree / "inner" / "of 1", tmp_path / "second")
    os.link(tree / "inner" / "of 1", tree / "third")
    plan = plan_erasure([tree])
    assert {r.path for r in plan.refused} == {str(tree / "inner" / "of 1"), str(tree / "third")}
    assert all("3 hard links" in r.text and "2 other names" in r.text for r in plan.refused)
    plan = plan_erasure([tree], hard_links=True)
    assert plan.refused == ()
    assert sum("2 other names" in r.text for r in plan.warnings) == 2


# what is refused as a whole


def refusal(path, **allowed):
    with pytest.raises(ErasureRefused) as caught:
        plan_erasure([path], **allowed)
    return str(caught.value)


def test_the_root_and_home_and_all_above_are_refused(tmp_path, monkeypatch):
    home = tmp_path / "homes" / "me"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for allowed in ({}, {"cross_mounts": True, "hard_links": True}):
        assert "root of the file system" in refusal("/", **allowed)
        assert "the home folder" in refusal(home, **allowed)
        assert "above the home folder" in refusal(home.parent, **allowed)
    (home / "photos").mkdir()
    assert plan_erasure([home / "photos"]).files == ()


def test_the_home_of_the_user_who_is_logged_in_is_refused_whatever_the_environment_says(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    home = os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir)
    assert home in refusal(home)


def test_the_working_folder_and_all_above_are_refused(tree, monkeypatch):
    monkeypatch.chdir(tree / "inner")
    assert "the working folder" in refusal(".")
    assert "above the working folder" in refusal("..")
    assert "above the working folder" in refusal(tree)
    assert len(plan_erasure(["most"]).files) == 2


def test_the_package_is_refused_with_all_above_and_below():
    import dan_bench

    package = os.path.dirname(os.path.realpath(dan_bench.__file__))
    for inside in (package, f"{package}/erase", f"{package}/erase/plan.py"):
        assert "dan_bench itself" in refusal(inside)
    assert refusal(os.path.dirname(package))


def test_a_path_through_a_link_is_refused_with_the_real_one(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    (tmp_path / "deep").symlink_to(tree / "inner")
    for path in (tmp_path / "link", tmp_path / "link" / "inner", f"{tmp_path}/deep/../of 0"):
        assert "symbolic link" in refusal(path)
    assert repr(str(tree)) in refusal(tmp_path / "link")


@pytest.mark.parametrize("name", ["nothing", "beside/inner", "a\0b"])
def test_a_wrong_path_is_a_clear_message(tree, name):
    assert refusal(tree / name)


def test_nothing_named_is_refused():
    with pytest.raises(ErasureRefused, match="name at least one"):
        plan_erasure([])


def test_one_refused_path_stops_all(tree):
    before = files_of(tree)
    with pytest.raises(ErasureRefused):
        plan_erasure([tree, "/"])
    assert files_of(tree) == before


# overwriting


def test_every_byte_is_overwritten_and_nothing_else_changes(tree):
    before = {file.path: os.stat(file.path) for file in plan_erasure([tree]).files}
    report = erase(plan_erasure([tree]), Constant())
    assert report.outcome is Outcome.DONE
    assert len(report.files) == len(SIZES)
    for result in report.files:
        then, now = before[result.path], os.stat(result.path)
        for same in ("st_size", "st_blocks", "st_mode", "st_ino", "st_mtime_ns", "st_nlink"):
            assert getattr(then, same) == getattr(now, same)
        after = contents(result.path)
        assert after == b"\xaa" * result.size
        assert result.status == "overwritten"
        assert result.read_back is True
        assert result.survey.fate == "there"
    assert (tree.parent / "beside").read_bytes() == b"not yours"


@pytest.mark.parametrize("name", GENERATORS)
def test_each_generator_leaves_nothing_that_is_not_coincidence(tree, name):
    before = files_of(tree)
    report = erase(plan_erasure([tree]), GENERATORS[name]())
    assert report.outcome is Outcome.DONE
    for path, old in before.items():
        now = path.read_bytes()
        same = sum(a == b for a, b in zip(old, now, strict=True))
        assert same <= len(old) / 256 + 6 * (len(old) / 256) ** 0.5 + 1
    largest = (tree / "of 4194309").read_bytes()
    counts = np.bincount(np.frombuffer(largest, np.uint8), minlength=256)
    assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() < 400  # chi-square, 255 freedoms


def test_two_runs_never_use_the_same_noise():
    for make in GENERATORS.values():
        assert bytes(make().fill(None, 0, 64)) != bytes(make().fill(None, 0, 64))
        source = make()
        assert bytes(source.fill(None, 0, 64)) != bytes(source.fill(None, 64, 64))


@given(n=st.integers(0, 100))
def test_generators_give_as_many_bytes_as_asked(n):
    for make in GENERATORS.values():
        assert memoryview(make().fill(None, 0, n)).nbytes == n


def test_a_source_is_shown_each_original_byte_once_and_in_order(tree, monkeypatch):
    monkeypatch.setattr(overwriting, "PIECE", 1000)
    old = (tree / "inner" / "most" / "of 4097").read_bytes()
    noise = Constant(needs_original=True)
    assert erase(plan_erasure([tree / "inner" / "most" / "of 4097"]), noise).outcome == 0
    offsets = [offset for offset, _ in noise.seen]
    assert offsets == sorted(offsets)
    assert b"".join(piece for _, piece in noise.seen)[:4097] == old


@pytest.mark.parametrize("excess", [-1, 1])
def test_a_source_that_miscounts_stops_the_run(tree, excess):
    with pytest.raises(ValueError, match="was asked for"):
        erase(plan_erasure([tree]), Constant(excess=excess))


def test_progress_tells_every_byte(tree):
    told = []
    report = erase(plan_erasure([tree]), FastNoise(), progress=told.append)
    assert sum(told) == sum(result.written for result in report.files)


def test_holes_stay_holes_and_the_data_between_them_is_overwritten(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        for at in (0, 1 << 20, 3 << 20):
            file.seek(at)
            file.write(b"data" * 2048)
        file.truncate(64 << 20)
    blocks = path.stat().st_blocks
    if blocks * 512 > 32 << 20:
        pytest.skip("no sparse files on this file system")
    plan = plan_erasure([path])
    assert "holes" in plan.warnings[-1].text
    (result,) = erase(plan, FastNoise()).files
    assert result.status == "overwritten"
    assert result.survey.data <= 3 * (64 << 10)
    assert path.stat().st_blocks == blocks
    assert b"data" not in path.read_bytes()


def test_a_file_is_removed_only_when_asked_and_after_it_was_surveyed(tree):
    with Evidence.open([tree]) as evidence:
        report = erase(plan_erasure([tree]), FastNoise(), remove=True)
        assert {survey.fate for survey in evidence.survey()} == {"gone"}
    assert report.outcome is Outcome.DONE
    assert all(result.removed for result in report.files)
    assert all(result.survey.fate == "there" for result in report.files)
    assert files_of(tree) == {}
    assert (tree / "inner" / "most").is_dir()
    assert (tree.parent / "beside").read_bytes() == b"not yours"


def test_all_names_of_a_file_are_dealt_with_as_one(tree):
    os.link(tree / "inner/most/of 511", tree / "second")
    plan = plan_erasure([tree], hard_links=True)
    report = erase(plan, FastNoise(), remove=True)
    names = {result.path: result for result in report.files}
    pair = [names[str(tree / "second")], names[str(tree / "inner/most/of 511")]]
    assert {result.same_as for result in pair} == {None, pair[0].path}
    assert files_of(tree) == {}


@settings(max_examples=30)
@given(st.binary(max_size=3000))
def test_any_content_is_erased(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(data)
    (result,) = erase(plan_erasure([path]), Constant()).files
    assert result.status == "overwritten"
    assert path.read_bytes() == b"\xaa" * len(data)


def test_the_library_imports_nothing_heavy():
    heavy = {"torch", "pandas", "pytorch_lightning", "hydra"}
    check = f"import dan_bench.erase, sys; print({heavy} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("set()\n", "")


def test_the_base_installation_is_enough(tree):
    code = (
        "from dan_bench.erase import FastNoise, erase, plan_erasure\n"
        "print(erase(plan_erasure([sys.argv[1]]), FastNoise()).outcome.name)"
    )
    ended = run_code(code, str(tree), cwd=tree.parent)
    assert (ended.stdout, ended.stderr) == ("DONE\n", "")
