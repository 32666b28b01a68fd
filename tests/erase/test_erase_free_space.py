"""Free space: what was given up is overwritten, and nothing but free space is touched."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from erasing import Constant
from file_systems import maker, marked, run

from dan_bench.erase import ErasureRefused, FastNoise
from dan_bench.erase.direct import DeviceReader
from dan_bench.erase.free_space import fill_free_space


@pytest.fixture
def make(tmp_path):
    with maker(tmp_path) as of:
        yield of


def of_loop(doubts):
    """Those that are not of the image's own place."""
    return [doubt for doubt in doubts if "loop device" not in doubt]


@pytest.mark.parametrize("way", ["unlinked", "punched", "renamed over"])
def test_what_was_given_up_is_overwritten(make, way):
    system = make("ext4")
    path = system.root / "file"
    token = marked(path)
    if way == "unlinked":
        path.unlink()
    elif way == "punched":
        run("fallocate", "--punch-hole", "--offset", 0, "--length", path.stat().st_size, path)
    else:
        path.with_name("new").write_bytes(b"new")
        os.replace(path.with_name("new"), path)
    os.sync()
    assert system.search(token) == 1
    system.mount()
    free = os.statvfs(system.root).f_bfree
    kept = (system.root / "kept").write_bytes(b"kept") and system.root / "kept"
    counted = []
    result = fill_free_space(system.root, FastNoise(), counted.append)
    assert kept.read_bytes() == b"kept"
    assert result.read_back
    assert of_loop(result.doubts) == []
    assert result.left == 0
    assert result.written == sum(counted) > 0.9 * free * os.statvfs(system.root).f_frsize
    assert os.statvfs(system.root).f_bfree >= free - 1
    assert set(os.listdir(system.root)) <= {"file", "kept", "lost+found"}
    assert system.search(token) == 0


def test_what_is_kept_back_is_given_back(make):
    system = make("ext4")
    device = system.root.stat().st_dev
    name = os.readlink(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").split("/")[-1]
    tunable = Path(f"/sys/fs/ext4/{name}/reserved_clusters")
    before = tunable.read_text()
    assert int(before) > 0
    fill_free_space(system.root, FastNoise())
    assert tunable.read_text() == before


def test_what_a_user_does_not_get_is_counted(make, monkeypatch):
    """Not root, as far as the reserve goes."""
    system = make("ext4")
    monkeypatch.setattr("dan_bench.erase.free_space.Path.write_text", refuse)
    result = fill_free_space(system.root, FastNoise())
    assert result.left > 1 << 20
    (doubt,) = of_loop(result.doubts)
    assert f"{result.left} bytes stay free" in doubt


def refuse(*_):
    raise PermissionError(13, "Permission denied")


def test_a_source_that_wants_an_original_is_given_zeros(make):
    system = make("ext4")
    with (system.root / "most").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 40 << 20)
    noise = Constant(needs_original=True)
    assert fill_free_space(system.root, noise).read_back
    assert all(original == bytes(len(original)) for _, original in noise.seen)


def test_a_device_that_drops_what_is_written_is_found_out(make, monkeypatch):
    system = make("ext4")
    real = DeviceReader.read

    def other(self, n, start):
        piece = real(self, n, start)
        if piece and start == 0:
            piece[0] ^= 1
        return piece

    monkeypatch.setattr(DeviceReader, "read", other)
    result = fill_free_space(system.root, FastNoise())
    assert not result.read_back
    assert "does not give back" in result.doubts[-1]


def test_memory_is_not_filled(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        with pytest.raises(ErasureRefused, match="tmpfs"):
            fill_free_space(tmp_path, FastNoise())
        assert os.statvfs(tmp_path).f_bfree == os.statvfs(tmp_path).f_blocks
    finally:
        run("umount", tmp_path)


FILL = """
import sys
from pathlib import Path
from dan_bench.erase import FastNoise
from dan_bench.erase.free_space import fill_free_space
fill_free_space(sys.argv[1], FastNoise(), lambda n: print(n, flush=True))
"""


def test_a_kill_leaves_nothing_behind(make):
    system = make("ext4")
    free = os.statvfs(system.root).f_bfree
    with subprocess.Popen(
        [sys.executable, "-c", FILL, system.root], stdout=subprocess.PIPE, text=True
    ) as filling:
        for _ in range(8):
            filling.stdout.readline()
        assert os.statvfs(system.root).f_bfree < free
        filling.send_signal(signal.SIGKILL)
    os.sync()
    assert os.listdir(system.root) == ["lost+found"]
    assert os.statvfs(system.root).f_bfree == free
