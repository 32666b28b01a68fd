"""Mounts, and block devices down to the real ones: what files lie on, and is it in place?"""

import fcntl
import os
import re
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dan_bench.files import lent

SYS = Path("/sys")
MOUNTS = Path("/proc/self/mountinfo")
IN_MEMORY = ("tmpfs", "ramfs")

LOOP_STATUS = 0x4C05  # LOOP_GET_STATUS64: linux/loop.h
LOOP_FILE = struct.Struct("=QQ216x")

IN_PLACE_LEVELS = ("linear", "raid0", "raid1", "raid4", "raid5", "raid6", "raid10")
IN_PLACE_MAPS = re.compile(r"CRYPT-(LUKS1|LUKS2|PLAIN)-|LVM-\w{64}$|(part\d+-)?mpath-")
"""UUIDs of device mapper devices that pass writes on (linux/dm-ioctl.h). Those parts of a volume
that belong to a snapshot, a thin pool, a cache or VDO have a suffix, and lie among the slaves."""
IN_VIRTUAL_MACHINES = re.compile(r"/(virtio\d|vbd-|VMBUS)")
VIRTUAL_MODELS = re.compile("QEMU|VBOX|VMware|Virtual", re.IGNORECASE)


@dataclass(frozen=True)
class Mount:
    """A mounted file system, as /proc/self/mountinfo lists it (proc(5))."""

    kind: str
    options: frozenset[str]
    source: str = ""
    """What is mounted: the path of a device, for those that have one."""
    place: str = ""
    """Where it is mounted."""
    device: int = 0
    """st_dev of its files; of btrfs and its like, no device's number."""

    @property
    def devices(self) -> list[int]:
        """Return the numbers of the devices that it lies on, as far as they are known."""
        if os.major(self.device):
            return [self.device]
        return of_source(self.source, self.kind)


def mounted() -> dict[int, Mount]:
    """Return all mounts by their id; none where there is no /proc."""
    found = {}
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return {}
    for line in lines:
        before, after = line.split(" - ", 1)
        number, _, device, _, place = map(_unescaped, before.split(" ")[:5])
        kind, source, options = map(_unescaped, after.split(" ")[:3])
        numbers = map(int, device.split(":"))
        found[int(number)] = Mount(
            kind, frozenset(options.split(",")), source, place, os.makedev(*numbers)
        )
    return found


def _unescaped(text: str) -> str:
    """Return a name as it was before blanks in it were written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


@dataclass
class DeviceStack:
    """What lies below a file system."""

    devices: list[str] = field(default_factory=list)
    """Names of all block devices, the uppermost first; those below a loop device's file too."""
    doubts: list[str] = field(default_factory=list)
    """Why old data may outlive an overwrite, and be found on a device."""
    remarks: list[str] = field(default_factory=list)
    """What no search of a device shows: that the medium is flash, or that of a virtual machine."""
    files: list[tuple[str, str]] = field(default_factory=list)
    """Loop devices, each with the file that it lies in."""


def folder_of(device: int) -> Path:
    """Return the folder in /sys of a block device (st_dev or st_rdev), whose name it has."""
    return (SYS / "dev/block" / f"{os.major(device)}:{os.minor(device)}").resolve()


def walk(folder: Path) -> Iterator[Path]:
    """Yield the folder of a block device, then those of all that it is made of, down to the disks.

    Below a partition lies its disk; below a loop device nothing, since its file is of another file
    system. A device that /sys does not list has a folder that is not there.
    """
    yield folder
    is_partition = (folder / "partition").exists()
    below = [folder.parent] if is_partition else sorted((folder / "slaves").glob("*"))
    for inner in below:
        yield from walk(inner.resolve())


def judge_devices(device: int, found: DeviceStack) -> None:
    """Judge a block device (st_dev or st_rdev) and all below it; a partition counts as its disk."""
    for folder in walk(folder_of(device)):
        name = folder.name.replace("!", "/")
        if not folder.exists():
            found.doubts.append(
                f"block device {name} is not listed in /sys: what it is is not known"
            )
        elif name not in found.devices and not (folder / "partition").exists():
            found.devices.append(name)
            _judge(name, folder, found)


def of_source(source: str, kind: str) -> list[int]:
    """Return the devices of a file system that has no number of its own, such as btrfs.

    Args:
        source: what is mounted, as mountinfo has it: the path of a device.
        kind: of file system.
    """
    try:
        status = os.stat(source)
    except OSError:
        return []
    if not stat.S_ISBLK(status.st_mode):
        return []
    if kind == "btrfs":
        for folder in SYS.glob(f"fs/btrfs/*/devices/{folder_of(status.st_rdev).name}"):
            numbers = [(member / "dev").read_text() for member in folder.parent.iterdir()]
            return [os.makedev(*map(int, number.split(":"))) for number in numbers]
    return [status.st_rdev]


@contextmanager
def loop_file(name: str, path: str) -> Iterator[int]:
    """Lend a handle of the file of a loop device, to look at it.

    Raises:
        OSError: it cannot be opened, or it is another file than the device's.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with lent(os.open(path, flags)) as handle:
        if not _is_loop_file(handle, name):
            raise FileNotFoundError(2, "another file has its name")
        yield handle


def _is_loop_file(handle: int, name: str) -> bool:
    """Whether a loop device lies in this file, as far as one may ask the device."""
    status = bytearray(LOOP_FILE.size)
    try:
        device = os.open(f"/dev/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:  # whoever may read the file but not the device takes /sys's word
        return True
    with lent(device):
        fcntl.ioctl(device, LOOP_STATUS, status, True)
    its = os.fstat(handle)
    return LOOP_FILE.unpack(status) == (its.st_dev, its.st_ino)


def _judge(name: str, folder: Path, found: DeviceStack) -> None:
    """Add what is to be said of one device."""
    if (folder / "loop").exists():
        found.files.append((name, _text(folder / "loop/backing_file")))
    elif (folder / "dm").exists():
        uuid = _text(folder / "dm/uuid")
        if not IN_PLACE_MAPS.match(uuid):
            title, kind = _text(folder / "dm/name"), uuid or "no UUID"
            found.doubts.append(
                f"{name} ({title}, {kind}): this kind of device mapper device is not known to "
                "write in place"
            )
    elif (folder / "md").exists():
        found.doubts += _of_array(name, folder / "md")
    elif name.startswith("bcache"):
        found.doubts.append(f"{name} is a cache (bcache), which may keep old data")
    elif "/devices/virtual/" in str(folder) and "/nvme-subsystem/" not in str(folder):
        found.doubts.append(f"{name} is no hardware, and is not known to write in place")
    else:
        found.remarks += _of_medium(name, folder)


def _of_array(name: str, folder: Path) -> list[str]:
    level, policy = _text(folder / "level"), _text(folder / "consistency_policy")
    doubts = []
    if level not in IN_PLACE_LEVELS:
        doubts.append(f"{name} is an array (md, {level or 'of unknown level'})")
    if policy in ("journal", "ppl"):
        doubts.append(f"{name} is an array (md) with a journal, which holds copies ({policy})")
    if _text(folder / "degraded") not in ("", "0"):
        doubts.append(f"{name} is a degraded array (md): the lost disk keeps its old data")
    return doubts


def _of_medium(name: str, folder: Path) -> list[str]:
    rotational = _text(folder / "queue/rotational")
    model = " ".join(filter(None, (_text(folder / "device" / of) for of in ("vendor", "model"))))
    remarks = []
    if rotational != "1":
        remarks.append(
            f"{name}{model and f' ({model})'}: rotational={rotational or 'unknown'}, so that the "
            "medium is flash, or not known to be magnetic; its controller may keep old copies "
            "that no read shows"
        )
    if IN_VIRTUAL_MACHINES.search(str(folder)) or VIRTUAL_MODELS.search(model):
        remarks.append(
            f"{name} is the disk of a virtual machine: its medium, and what its host keeps of old "
            "data, cannot be seen from here"
        )
    return remarks


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape").strip()
    except OSError:
        return ""
