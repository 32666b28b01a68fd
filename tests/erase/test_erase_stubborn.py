"""Files that once could not be erased at all: grown, replaced, with bad blocks, vast and sparse."""

import contextlib
import errno
import math
import os
import shutil
import subprocess

import pytest
from erasing import content, failing_write, files_of, plant
from file_systems import run

import dan_bench.erase.direct as direct
import dan_bench.erase.eraser as eraser
import dan_bench.erase.overwrite as overwriting
import dan_bench.erase.small as small
from dan_bench.erase import FastNoise, Outcome, erase, plan_erasure
from dan_bench.erase.filesystem import extents

BLOCK = 4096


@pytest.fixture
def tree(tmp_path):
    return plant(tmp_path)


@pytest.fixture(params=["together", "streamed"])
def path_taken(request, monkeypatch):
    if request.param == "streamed":
        monkeypatch.setattr(eraser, "SMALL", 0)
    return request.param


def begin_and_die(victim, journal):
    """Have an attempt that was killed just before its noise was put on the device."""
    child = os.fork()
    if child == 0:
        small.sync = os.fdatasync = lambda *_: os._exit(9)
        erase(plan_erasure([victim]), FastNoise(), journal=journal)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("more", [1, 500, 3728, 5000])
def test_a_log_that_grew_since_it_was_begun_is_erased_as_it_is_now(
    tree, tmp_path, path_taken, more
):
    victim, journal = tree / "inner" / "of 70000", tmp_path / "journal"
    begin_and_die(victim, journal)
    os.truncate(victim, 70_000)
    with victim.open("ab") as file:
        file.write(b"x" * more)
    (result,) = erase(plan_erasure([victim]), FastNoise(), journal=journal).files
    assert (result.status, result.read_back) == ("overwritten", True)
    assert "interrupted" in result.survey.unverified[0]
    assert result.size == victim.stat().st_size
    # a file that ends where the slack did is taken for one that the slack made longer
    assert result.size == 70_000 + (0 if 70_000 + more == 73_728 else more)
    assert b"xx" * 20 not in victim.read_bytes()


@pytest.mark.parametrize("size", [10, 70_000, 100_000])
def test_a_file_that_took_the_place_of_one_that_was_begun_is_erased(
    tree, tmp_path, path_taken, size
):
    victim, journal = tree / "inner" / "of 70000", tmp_path / "journal"
    begin_and_die(victim, journal)
    victim.unlink()  # its inode may be given to the next
    victim.write_bytes(content(3, size))
    report = erase(plan_erasure([victim]), FastNoise(), journal=journal)
    (result,) = [result for result in report.files if result.size == size and not result.error]
    assert (result.status, result.read_back) == ("overwritten", True)
    for other in report.files:
        if other is not result:
            assert other.status == "failed"
            assert "not there now" in other.error


def test_a_vast_sparse_file_takes_as_long_as_its_data(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        for at in (0, 7 << 40, (15 << 40) - 5000):
            file.seek(at)
            file.write(content(1, 5000))
    if path.stat().st_blocks > 1000:
        pytest.skip("no sparse files on this file system")
    plan = plan_erasure([path])
    told = []
    (result,) = erase(plan, FastNoise(), progress=told.append, digest_key=b"key").files
    assert (result.status, result.read_back) == ("overwritten", True)
    assert result.survey.data <= 3 * 2 * BLOCK
    assert sum(told) == result.written
    assert result.written <= plan.held <= 2 * result.written
    assert len(result.digest) == 64


def test_what_cannot_be_told_of_the_progress_stops_nothing(tree):
    def full(_):
        told.append(None)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    told = []
    report = erase(plan_erasure([tree]), FastNoise(), progress=full)
    assert {result.status for result in report.files} == {"overwritten"}
    assert len(told) == 1


def test_a_digest_is_made_under_the_key_given_and_never_without(tree):
    before = files_of(tree)
    digests = [
        {r.path: r.digest for r in erase(plan_erasure([tree]), Zeros(), digest_key=key).files}
        for key in (b"one", b"one", b"two", None)
    ]
    assert before.keys() == {type(next(iter(before)))(path) for path in digests[0]}
    largest = max(digests[0], key=os.path.getsize)
    assert digests[0][largest] != digests[1][largest] != digests[2][largest]
    assert set(digests[3].values()) == {None}


class Zeros(FastNoise):
    """In place of noise, so that two erasures have the same original."""

    def fill(self, original, offset, n):
        return bytes(n)


# bad blocks


def test_an_error_that_does_not_last_is_gone_past(tree, monkeypatch, path_taken):
    failing_write(monkeypatch, errno.EIO)
    report = erase(plan_erasure([tree]), FastNoise())
    assert {(r.status, r.bad) for r in report.files} == {("overwritten", ())}


def test_a_block_that_could_not_be_read_before_is_named_and_not_vouched_for(
    tree, monkeypatch, path_taken
):
    """The device may have put a spare block in its place, which took the noise."""

    def read(handle, n, at):
        if os.fstat(handle).st_ino == inode and at < 4 * BLOCK and at + n > 3 * BLOCK:
            raise OSError(errno.EIO, "bad block")
        return real(handle, n, at)

    victim, real = tree / "inner" / "of 70000", os.pread
    inode = victim.stat().st_ino
    monkeypatch.setattr(os, "pread", read)
    (result,) = erase(plan_erasure([victim]), FastNoise()).files
    assert (result.status, result.read_back) == ("partly", True)
    assert result.bad == ((3 * BLOCK, 4 * BLOCK),)
    assert "4096 bytes could not be read before" in result.survey.unverified[-1]
    assert not result.vouched
    assert result.survey.compared == 70_000
    assert result.survey.destroyed.value < 100 * (1 - 3000 / 70_000)
    assert result.survey.destroyed.details["seen"] > 99


@pytest.fixture
def damaged(tmp_path):
    """A disk of which the test says what blocks are bad: a map of 4 KiB blocks (dmsetup)."""
    if os.geteuid() != 0 or shutil.which("dmsetup") is None:
        pytest.skip("device mapper is for root, with dmsetup")
    image, root = tmp_path / "image", tmp_path / "mounted"
    root.mkdir()
    with image.open("xb") as file:
        file.truncate(64 << 20)
    run("mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
    name = f"dan-bench-test-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        found = subprocess.run(
            ["losetup", "--find", "--show", image], capture_output=True, text=True
        )
        if found.returncode:
            pytest.skip(f"no loop device here: {found.stderr.strip()}")
        loop = found.stdout.strip()
        stack.callback(run, "losetup", "-d", loop)

        def table(bad):
            """One line for each stretch; the bad sectors answer with an error."""
            lines, at, end = [], 0, (64 << 20) // 512
            for block in [*sorted(bad), None]:
                start = end if block is None else block * 8
                if at < start:
                    lines.append(f"{at} {start - at} linear {loop} {at}")
                if block is not None:
                    lines.append(f"{start} 8 error")
                at = start + 8
            return "\n".join(lines)

        made = subprocess.run(
            ["dmsetup", "create", name, "--noudevsync"], input=table([]), text=True,
            capture_output=True,
        )  # fmt: skip
        if made.returncode:
            pytest.skip(f"no device mapper here: {made.stderr.strip()}")
        stack.callback(run, "dmsetup", "remove", "--noudevsync", "--retry", name)
        run("mount", f"/dev/mapper/{name}", root)
        stack.callback(run, "umount", root)

        def spoil(bad):
            with contextlib.suppress(OSError):
                os.sync()
            run("dmsetup", "suspend", name)
            subprocess.run(["dmsetup", "load", name], input=table(bad), text=True, check=True)
            run("dmsetup", "resume", "--noudevsync", name)
            run("sysctl", "-q", "vm.drop_caches=1")

        yield root, spoil
        spoil([])


@pytest.mark.parametrize("size", [20 * BLOCK, 3 << 20], ids=["small", "large"])
def test_bad_blocks_are_named_and_all_others_overwritten(damaged, size):
    root, spoil = damaged
    victim, other = root / "file", root / "other"
    for path in victim, other:
        path.write_bytes(content(1, size))
    os.sync()
    with victim.open("rb") as file:
        (extent, *_) = extents(file.fileno())
    first = extent.physical // BLOCK
    spoil([first + 3, first + 7, first + 8])
    plan = plan_erasure([victim, other])
    report = erase(plan, FastNoise())
    results = {os.path.basename(result.path): result for result in report.files}
    assert results["other"].status == "overwritten"
    result = results["file"]
    assert result.status == "partly"
    assert result.bad == ((3 * BLOCK, 4 * BLOCK), (7 * BLOCK, 9 * BLOCK))
    assert "12288 to 16384" in result.error
    assert result.read_back is True
    assert result.survey.destroyed.value < 100
    assert result.survey.destroyed.high > 100 * (1 - 3 * BLOCK / size) - 1
    spoil([])
    old, now = content(1, size), victim.read_bytes()
    blocks = [
        at // BLOCK for at in range(0, size, BLOCK) if old[at : at + BLOCK] == now[at : at + BLOCK]
    ]
    assert blocks == [3, 7, 8]


@pytest.mark.parametrize("size", [20_000, 2_000_000], ids=["small", "large"])
def test_a_block_that_refused_the_noise_is_in_doubt_whatever_it_reads_as(
    tmp_path, monkeypatch, size
):
    victim = tmp_path / "file"
    victim.write_bytes(content(1, size))

    def pwrite(handle, data, offset):
        low, high = max(8192, offset), min(12_288, offset + len(data))
        if os.fstat(handle).st_ino == victim.stat().st_ino and low < high:
            zeroed = bytearray(data)
            zeroed[low - offset : high - offset] = bytes(high - low)
            real(handle, zeroed, offset)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(handle, data, offset)

    real = os.pwrite
    monkeypatch.setattr(overwriting.os, "pwrite", pwrite)
    (result,) = erase(plan_erasure([victim]), FastNoise()).files
    assert result.status == "partly"
    assert result.bad == ((8192, 12_288),)
    by_chance = 100 * math.sqrt(size / 256) / size  # bytes of noise that equal the old ones
    assert result.survey.destroyed.value == pytest.approx(
        100 * (1 - 4096 / size), abs=6 * by_chance
    )


@pytest.mark.parametrize("size", [20_000, 2_000_000], ids=["small", "large"])
def test_bytes_in_another_file_are_not_in_doubt_as_well(tmp_path, monkeypatch, size):
    """An editor saves the same content by renaming, and the erased file cannot be read again."""
    victim, saved = tmp_path / "file", tmp_path / "saved"
    victim.write_bytes(content(1, size))
    inode = victim.stat().st_ino

    class Saving(FastNoise):
        def fill(self, *arguments):
            if victim.stat().st_ino == inode:
                saved.write_bytes(content(1, size))
                os.replace(saved, victim)
            return super().fill(*arguments)

    def read(self, n, start):
        if os.fstat(self._handle).st_ino == inode != victim.stat().st_ino:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return reads[type(self)](self, n, start)

    reads = {kind: kind.read for kind in (direct.DeviceReader, direct.EmptiedCache)}
    for kind in reads:
        monkeypatch.setattr(kind, "read", read)
    report = erase(plan_erasure([victim]), Saving())
    (result,) = report.files
    assert result.status == "failed"
    assert "another file has taken its place" in result.error
    assert result.survey.destroyed.value == 0
    assert report.outcome is not Outcome.DONE


@pytest.fixture
def full_beneath(tmp_path):
    """A disk whose image lies in a full tmpfs: what has a hole beneath cannot be written."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    beneath, root = tmp_path / "beneath", tmp_path / "mounted"
    beneath.mkdir()
    root.mkdir()
    with contextlib.ExitStack() as stack:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", beneath]).returncode:
            pytest.skip("tmpfs cannot be mounted here")
        stack.callback(run, "umount", beneath)
        image = beneath / "image"
        image.write_bytes(bytes(32 << 20))
        run("mkfs.ext4", "-q", "-b", "4096", "-E", "nodiscard,lazy_itable_init=0", image)
        if subprocess.run(["mount", "-o", "loop,nodiscard", image, root]).returncode:
            pytest.skip("no loop mount here")
        stack.callback(run, "umount", root)

        def spoil(blocks):
            run("fallocate", "--length", 32 << 20, image)  # what was zeroed through the loop device
            for block in blocks:
                where = ("--offset", block * BLOCK, "--length", BLOCK)
                run("fallocate", "--punch-hole", "--keep-size", *where, image)
            with contextlib.suppress(OSError), (beneath / "fill").open("wb", 0) as file:
                while True:
                    file.write(bytes(BLOCK))

        yield root, spoil
        (beneath / "fill").unlink(missing_ok=True)


@pytest.mark.parametrize("size", [20 * BLOCK, 3 << 20], ids=["small", "large"])
def test_blocks_that_cannot_be_written_are_named_and_all_others_overwritten(full_beneath, size):
    root, spoil = full_beneath
    victim, other = root / "file", root / "other"
    for path in victim, other:
        path.write_bytes(content(1, size))
    os.sync()
    with victim.open("rb") as file:
        (extent, *_) = extents(file.fileno())
    first = extent.physical // BLOCK
    spoil([first + 3, first + 7, first + 8])
    report = erase(plan_erasure([victim, other]), FastNoise())
    results = {os.path.basename(result.path): result for result in report.files}
    assert (results["other"].status, results["other"].read_back) == ("overwritten", True)
    result = results["file"]
    assert (result.status, result.read_back) == ("partly", True)
    assert result.bad == ((3 * BLOCK, 4 * BLOCK), (7 * BLOCK, 9 * BLOCK))
    assert "bytes 12288 to 16384, 28672 to 36864" in result.error
    assert result.survey.destroyed.value < 100
    assert report.outcome is not Outcome.DONE
