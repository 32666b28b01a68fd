"""Nothing else is ever lost: hostile trees, with canaries outside of them.

Every tree lies in a folder of its own that the test makes, and so do the canaries.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from swapping import Swapper

from dan_bench.erase import FastNoise, erase, handles, plan_erasure, status
from dan_bench.erase.filesystem import inode_flags

SETFLAGS = 0x40086602  # FS_IOC_SETFLAGS, FS_IMMUTABLE_FL and FS_APPEND_FL: linux/fs.h
IMMUTABLE, APPEND_ONLY = 0x10, 0x20
CANARY = b"canary " * 1000

NAMES = st.one_of(
    st.sampled_from(
        [b"a", b"b", b"line\nbreak", b"-rf", b"\xff\xfe", b"...", b" ", b"*", b"\x1b[31m"]
    ),
    st.binary(min_size=1, max_size=20)
    .map(lambda name: name.translate(None, b"/\0"))
    .filter(lambda name: name not in (b"", b".", b"..")),
    st.text(min_size=1, max_size=40)
    .map(lambda name: name.encode("utf-8", "surrogatepass").translate(None, b"/\0"))
    .filter(lambda name: name not in (b"", b".", b"..")),
)
LEAVES = (
    "file", "file", "file", "empty", "large", "sparse", "read-only", "immutable", "append-only",
    "link to a canary", "link to the canaries", "link up", "link to itself", "relative link out",
    "hard link to a canary", "FIFO", "socket", "device",
)  # fmt: skip
TREES = st.recursive(
    st.dictionaries(NAMES, st.sampled_from(LEAVES), max_size=8),
    lambda inner: st.dictionaries(NAMES, st.one_of(st.sampled_from(LEAVES), inner), max_size=5),
    max_leaves=6,
)
DEPTHS = st.sampled_from([0, 0, 0, 0, 1, 70])


class CanaryLost(AssertionError):
    """Something changed outside of what was to be erased."""


@dataclass
class Scene:
    """A tree to be erased, and what must not change."""

    base: Path
    root: Path = field(init=False)
    outside: Path = field(init=False)
    mine: list[bytes] = field(default_factory=list)
    """Plain files that must be overwritten, by their path."""
    attributes: list[bytes] = field(default_factory=list)

    def __post_init__(self):
        self.root, self.outside = self.base / "root", self.base / "outside"
        self.root.mkdir(parents=True)
        (self.outside / "inner").mkdir(parents=True)
        for name in ("one", "two", "inner/three"):
            (self.outside / name).write_bytes(CANARY)

    def canaries(self):
        """Return everything that can be said of what lies outside."""
        return {
            path: (path.read_bytes() if path.is_file() else None, os.lstat(path).st_mode,
                   os.lstat(path).st_size, os.lstat(path).st_mtime_ns)
            for path in sorted(self.outside.rglob("*"))
        }  # fmt: skip

    def build(self, tree, depth):
        """Make a tree, `depth` levels of long names below the root, past what a path may hold."""
        folder = os.open(self.root, os.O_RDONLY)
        path = os.fsencode(self.root)
        try:
            for _ in range(depth):
                folder, path = self._enter(folder, path, b"d" * 100)
            self._fill(folder, path, tree)
        finally:
            os.close(folder)

    def _enter(self, folder, path, name):
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        return inner, path + b"/" + name

    def _fill(self, folder, path, tree):
        for name, what in tree.items():
            whole = path + b"/" + name
            if isinstance(what, dict):
                inner, _ = self._enter(os.dup(folder), path, name)
                try:
                    self._fill(inner, whole, what)
                finally:
                    os.close(inner)
            else:
                self._leaf(folder, whole, name, what)

    def _leaf(self, folder, whole, name, what):
        out = os.fsencode(self.outside)
        links = {
            "link to a canary": out + b"/one",
            "link to the canaries": out,
            "link up": b"..",
            "link to itself": name,
            "relative link out": b"../" * (whole.count(b"/") - out.count(b"/")) + b"outside",
        }
        if what in links:
            os.symlink(links[what], name, dir_fd=folder)
        elif what == "hard link to a canary":
            os.link(out + b"/two", name, dst_dir_fd=folder)
        elif what == "FIFO":
            os.mkfifo(name, dir_fd=folder)
        elif what == "socket":
            with socket.socket(socket.AF_UNIX) as one, contextlib.suppress(OSError):
                one.bind(b"/proc/self/fd/%d/%b" % (folder, name))
        elif what == "device":
            with contextlib.suppress(PermissionError):
                os.mknod(name, stat.S_IFCHR | 0o600, os.makedev(1, 3), dir_fd=folder)
        else:
            self._file(folder, whole, name, what)

    def _file(self, folder, whole, name, what):
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        handle = os.open(name, flags, 0o444 if what == "read-only" else 0o644, dir_fd=folder)
        try:
            if what == "sparse":
                os.pwrite(handle, CANARY, 1 << 20)
                os.ftruncate(handle, 3 << 20)
            elif what != "empty":
                os.write(handle, CANARY * (40 if what == "large" else 1))
            if what in ("immutable", "append-only"):
                flag = IMMUTABLE if what == "immutable" else APPEND_ONLY
                if set_flag(handle, flag):
                    self.attributes.append(whole)
                    return
        finally:
            os.close(handle)
        if what != "empty" and (what != "read-only" or os.geteuid() == 0):
            self.mine.append(whole)


def set_flag(handle, flag):
    """Set an attribute, or take all away (0); whether that was allowed."""
    try:
        now = inode_flags(handle)
        fcntl.ioctl(handle, SETFLAGS, struct.pack("=Q", now | flag if flag else now & ~0x30))
    except OSError:
        return False
    return True


def read_long(path, base):
    """Read a file whose path may be longer than the kernel takes in one piece."""
    folder = os.open(base, os.O_RDONLY)
    *folders, name = os.path.relpath(path, os.fsencode(base)).split(b"/")
    for part in folders:
        inner = os.open(part, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        os.close(folder)
        folder = inner
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        return os.read(handle, 1 << 23)
    finally:
        os.close(handle)


def clear(base):
    """Take away a scene, immutable files and all."""
    for _, folders, names, folder in os.fwalk(base):
        for name in names:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
                if inode_flags(handle) & (IMMUTABLE | APPEND_ONLY):
                    set_flag(handle, 0)
                os.close(handle)
        del folders
    shutil.rmtree(base)


@contextlib.contextmanager
def scene(folder):
    made = Scene(folder / secrets.token_hex(8))
    try:
        yield made
    finally:
        clear(made.base)


@pytest.fixture(scope="module")
def swapper():
    made = Swapper()
    yield made
    made.close()


def trial(folder, tree, depth, swapper=None, **allowed):
    """Erase one tree: no canary may change, and whatever is ours and quiet must be overwritten."""
    with scene(folder) as made:
        made.build(tree, depth)
        before = made.canaries()
        mine = {path: read_long(path, made.base) for path in made.mine}
        with contextlib.nullcontext() if swapper is None else swapper.at_work(made):
            plan = plan_erasure([made.root], **allowed)
            report = erase(plan, FastNoise())
        if made.canaries() != before:
            raise CanaryLost
        outcome = {os.fsencode(result.path): result for result in report.files}
        for path, old in mine.items():
            done = path in outcome and outcome[path].status == "overwritten"
            assert done or swapper is not None
            now = read_long(path, made.base)
            assert len(now) == len(old)
            assert (CANARY[:100] not in now) or not done
        for path in made.attributes:
            assert outcome[path].status == "failed" if path in outcome else swapper
        return sum(result.written for result in report.files)


def hostile(examples, **more):
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        **more,
    )


@hostile(60)
@given(tree=TREES, depth=DEPTHS)
def test_no_canary_is_touched(tmp_path_factory, tree, depth):
    trial(tmp_path_factory.getbasetemp(), tree, depth)


@hostile(40)
@given(tree=TREES, depth=DEPTHS)
def test_no_canary_is_touched_while_things_are_swapped_for_links(
    tmp_path_factory, swapper, tree, depth
):
    trial(tmp_path_factory.getbasetemp(), tree, depth, swapper)


@pytest.mark.slow
@hostile(1000)
@given(tree=TREES, depth=DEPTHS)
def test_no_canary_is_touched_in_a_thousand_trees(tmp_path_factory, tree, depth):
    trial(tmp_path_factory.getbasetemp(), tree, depth)


@pytest.mark.slow
@hostile(1000)
@given(tree=TREES, depth=DEPTHS)
def test_no_canary_is_touched_in_a_thousand_trees_that_are_swapped(
    tmp_path_factory, swapper, tree, depth
):
    trial(tmp_path_factory.getbasetemp(), tree, depth, swapper)


def test_the_swapping_process_really_swaps(tmp_path, swapper):
    """Of 20 files and 5 folders some are lost to it in the walk.

    Whether a swap falls between two steps of one erasure is up to the scheduler,
    so that it is tried until one does.
    """
    tree = {b"folder %d" % i: dict.fromkeys([b"a", b"b", b"c", b"d"], "file") for i in range(5)}
    met = 0
    for _ in range(1000):
        with scene(tmp_path) as made:
            made.build(tree, 0)
            with swapper.at_work(made):
                plan = plan_erasure([made.root])
                report = erase(plan, FastNoise())
        assert swapper.swaps >= 25
        met += len(plan.refused) + sum(r.status == "failed" for r in report.files)
        if met:
            break
    assert met


def test_wide_and_deep_trees(tmp_path):
    wide = {b"%d" % i: "file" if i % 20 == 0 else "link to a canary" for i in range(1000)}
    assert trial(tmp_path, wide, 0) > 0
    assert trial(tmp_path, {b"a": "file"}, 300) > 0


# mutation checks: with a guard removed, the tests above do not hold


# no link that leads to a loop: without the guard, the walk would go round for ever
LEADING_OUT = st.sampled_from(["file", "large", "link to a canary", "link to the canaries"])
OTHER_NAMES = st.sampled_from(["file", "sparse", "hard link to a canary"])


def trees_of(leaves):
    return st.dictionaries(NAMES, st.one_of(leaves, st.dictionaries(NAMES, leaves)), min_size=1)


def without_a_guard(folder, leaves, **allowed):
    @hostile(20, phases=[Phase.generate])
    @given(tree=trees_of(leaves))
    def run(tree):
        trial(folder, tree, 0, **allowed)

    run()


def test_it_would_be_seen_if_links_were_followed(tmp_path, monkeypatch):
    without_a_guard(tmp_path, LEADING_OUT)
    monkeypatch.setattr(handles, "NOFOLLOW", 0)
    monkeypatch.setattr(status, "NO_LINK", 0)
    with pytest.raises(CanaryLost):
        without_a_guard(tmp_path, LEADING_OUT)


def test_it_would_be_seen_if_hard_links_were_not_counted(tmp_path):
    without_a_guard(tmp_path, OTHER_NAMES)
    with pytest.raises(CanaryLost):
        without_a_guard(tmp_path, OTHER_NAMES, hard_links=True)
