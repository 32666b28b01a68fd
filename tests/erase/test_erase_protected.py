"""What is refused before anything is asked, by whatever name; and who else uses a file."""

import contextlib
import mmap
import os
import subprocess
import sys
import tempfile

import pytest

from dan_bench.erase import ErasureRefused, plan_erasure, protected
from dan_bench.erase.devices import Mount
from dan_bench.erase.users import in_use


def refusal(path, **allowed):
    with pytest.raises(ErasureRefused) as caught:
        plan_erasure([path], **allowed)
    return str(caught.value)


@pytest.fixture
def bind(tmp_path):
    """Mount a folder at a second place, as long as the test runs."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    with contextlib.ExitStack() as stack:

        def mount(source, target):
            target.mkdir()
            done = subprocess.run(["mount", "--bind", source, target], capture_output=True)
            if done.returncode != 0:
                pytest.skip("no bind mounts here")
            stack.callback(subprocess.run, ["umount", target], check=True)
            return target

        yield mount


@pytest.mark.parametrize(
    "name",
    [
        *("/proc", "/sys", "/dev", "/etc", "/boot", "/usr", "/usr/bin", "/etc/passwd"),
        *("/proc/self", "/proc/meminfo", "/var", "/var/lib", "/run", "/etc/ssl", "/usr/lib"),
    ],
)
def test_the_systems_folders_are_refused_with_all_in_them(name):
    real = os.path.realpath(name)
    if not os.path.exists(real):
        pytest.skip(f"there is no {name}")
    assert "--anyway" in refusal(real)
    if os.path.isdir(real):
        assert "--anyway" in refusal(f"{real}/../{os.path.basename(real)}/")


def test_a_folder_of_the_system_is_refused_by_another_name(bind, tmp_path):
    assert "/etc" in refusal(bind("/etc", tmp_path / "harmless"))


def test_a_folder_of_the_system_below_another_is_left_alone(bind, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "mine").write_text("mine")
    bind("/etc", root / "harmless")
    plan = plan_erasure([root], cross_mounts=True)
    assert [file.path for file in plan.files] == [str(root / "mine")]
    assert [(r.path, "/etc" in r.text) for r in plan.refused] == [(str(root / "harmless"), True)]


def test_said_twice_the_system_is_listed():
    assert plan_erasure(["/proc/sys/kernel/random"], anyway=True).roots


def test_shared_memory_is_no_part_of_the_system():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        assert plan_erasure([folder]).files == ()


@pytest.mark.parametrize(
    ("kind", "device", "allowed"),
    [
        *(("ext4", os.makedev(8, 1), True), ("fuseblk", os.makedev(8, 1), True)),
        *((kind, 40, True) for kind in ("tmpfs", "btrfs", "zfs", "overlay")),
        *((kind, 40, False) for kind in ("proc", "cgroup2", "nfs4", "fuse.sshfs", "9p", "devpts")),
    ],
)
def test_a_file_system_must_be_of_a_disk_or_tmpfs(kind, device, allowed):
    why = protected.why_on_no_disk(7, device, {7: Mount(kind, frozenset())})
    assert (why is None) is allowed
    assert why is None or kind in why


@pytest.mark.parametrize("spelling", ["{}/", "{}/.", "{}/../file", "{}//"])
def test_a_file_written_as_a_folder_is_refused(tmp_path, spelling):
    (tmp_path / "file").write_text("mine")
    assert "Not a directory" in refusal(spelling.format(tmp_path / "file"))


def test_what_an_earlier_attempt_removed_is_allowed_to_be_gone(tmp_path):
    (tmp_path / "there").write_text("mine")
    paths = [tmp_path / "there", tmp_path / "gone"]
    with pytest.raises(ErasureRefused):
        plan_erasure(paths)
    plan = plan_erasure(paths, may_be_gone=True)
    assert plan.gone == (str(tmp_path / "gone"),)
    assert plan.paths == (str(tmp_path / "there"), str(tmp_path / "gone"))


# our own files, by whatever name


@pytest.fixture
def root(tmp_path):
    made = tmp_path / "root"
    (made / "inner" / "most").mkdir(parents=True)
    (made / "inner" / "file").write_text("mine")
    return made


@pytest.mark.parametrize("within", [".", "inner", "inner/most"])
def test_a_path_in_what_is_erased_is_refused_through_a_bind_mount(root, bind, tmp_path, within):
    other = bind(root / within, tmp_path / "other")
    plan = plan_erasure([root])
    for name in ("journal", "not/yet/made"):
        with pytest.raises(ErasureRefused, match="by another name"):
            plan.refuse_inside(other / name, "the journal")
    plan.refuse_inside(tmp_path / "journal", "the journal")


def test_a_path_is_refused_where_the_bind_mount_is_what_is_erased(root, bind, tmp_path):
    plan = plan_erasure([bind(root, tmp_path / "other")])
    with pytest.raises(ErasureRefused, match="by another name"):
        plan.refuse_inside(root / "inner" / "journal", "the journal")


def test_a_second_name_of_an_erased_file_is_refused(root, tmp_path):
    os.link(root / "inner" / "file", tmp_path / "journal")
    plan = plan_erasure([root], hard_links=True)
    with pytest.raises(ErasureRefused, match="is a file that is to be erased"):
        plan.refuse_inside(tmp_path / "journal", "the journal")


# who else uses a file

HOLD = """
import mmap, sys
file = open(sys.argv[1], "r+b")
held = file if sys.argv[2] == "open" else mmap.mmap(file.fileno(), 0)
if sys.argv[2] == "mapped": file.close()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["open", "mapped"])
def test_a_file_in_use_by_another_process_is_named(root, how):
    path = root / "inner" / "file"
    (root / "quiet").write_text("mine")
    plan = plan_erasure([root])
    assert not [r for r in in_use(plan.files) if r.path != "/proc"]
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        (used,) = [r for r in in_use(plan.files) if r.path != "/proc"]
        assert used.path == str(path)
        assert str(process.pid) in used.text
        process.stdin.close()


def test_ones_own_process_is_not_named(root):
    with (root / "inner" / "file").open("r+b") as file, mmap.mmap(file.fileno(), 0):
        assert not [r for r in in_use(plan_erasure([root]).files) if r.path != "/proc"]
