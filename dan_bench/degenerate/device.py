"""Which devices files lie on: what the kernel says of them in /sys and /proc/self/mountinfo."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dan_bench.degenerate.form import path_text
from dan_bench.erase.devices import of_source
from dan_bench.erase.filesystem import FileSystems
from dan_bench.erase.status import mount_id

SYS = Path("/sys/dev/block")
MOUNTS = Path("/proc/self/mountinfo")
DEEPEST = 16
"""Layers that are followed downwards; a loop on a file on a loop has few."""
IN_MEMORY = ("tmpfs", "ramfs")
SECTOR = 512


@dataclass(frozen=True)
class MountedAt:
    """A line of /proc/self/mountinfo (proc(5)), as far as it is needed here."""

    kind: str
    place: str
    source: str
    device: int


def devices(found: Iterable[tuple[int, int | None]]) -> list[dict[str, Any]]:
    """Return each file system that files lie on, with the layers below, as `DeviceForm` has it.

    Args:
        found: st_dev and mount id of each file; None where that is not known.
    """
    mounts, systems = _mounts(), FileSystems()
    listed = []
    for device, mount in dict.fromkeys(found):
        at = mounts.get(mount) if mount is not None else None
        at = at or next((m for m in mounts.values() if m.device == device), None)
        listed.append(
            {
                "file_system": "not known" if at is None else at.kind,
                "mounted_at": "" if at is None else path_text(at.place),
                "layers": [] if at is None else list(_below(at, mounts, DEEPEST)),
                "remarks": list(dict.fromkeys(systems.of(mount, device).remarks)),
            }
        )
    return listed


def _below(at: MountedAt, mounts: dict[int, MountedAt], depth: int) -> Iterator[dict[str, Any]]:
    """Yield the layers below a file system."""
    if at.kind in IN_MEMORY:
        yield {"name": at.kind, "kind": "file system", "medium": "memory"}
        return
    # btrfs and its like have no device of their own number
    for device in [at.device] if os.major(at.device) else of_source(at.source, at.kind):
        yield from _layers(SYS / f"{os.major(device)}:{os.minor(device)}", mounts, depth)


def _layers(node: Path, mounts: dict[int, MountedAt], depth: int) -> Iterator[dict[str, Any]]:
    """Yield a block device and all below it, down to the disks or the file that it is made of."""
    if depth == 0:
        return
    try:
        node = node.resolve(strict=True)
    except OSError:
        return
    yield _layer(node)
    backing = _read(node / "loop" / "backing_file")
    if backing is not None:
        try:
            handle = os.open(backing, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            at = mounts.get(mount_id(handle) or 0)
        finally:
            os.close(handle)
        if at is not None:
            yield {"name": at.kind, "kind": "file system", "about": path_text(at.place)}
            yield from _below(at, mounts, depth - 1)
        return
    below = sorted((node / "slaves").glob("*")) if (node / "slaves").is_dir() else []
    if (node / "partition").exists():
        below = [node.parent]
    for inner in below:
        yield from _layers(inner, mounts, depth - 1)


def _layer(node: Path) -> dict[str, Any]:
    """Return what /sys says of one block device, as `LayerForm` has it, without what it does not.

    Its serial is where SCSI, NVMe, MMC or virtio has it; root alone may read SCSI's.
    """
    kinds = {"partition": "partition", "loop": "loop", "dm": "device mapper"}
    kinds |= {"md": "md", "bcache": "bcache"}
    kind = next((name for part, name in kinds.items() if (node / part).exists()), "disk")
    of = node / "device"
    rotational = _read(node / "queue" / "rotational")
    medium = {"0": "not rotational", "1": "rotational"}.get(rotational or "")
    if node.name.startswith(("zram", "ram")):
        medium = "memory"
    size = _read(node / "size") or ""
    entries = {
        "name": node.name,
        "kind": kind,
        "vendor": _read(of / "vendor") or _read(of / "manfid"),
        "model": _read(of / "model") or _read(of / "name"),
        "serial": _read(of / "serial") or _read(node / "serial") or _page_80(of / "vpd_pg80"),
        "wwid": _read(node / "wwid") or _read(of / "wwid") or _read(node / "md" / "uuid"),
        "medium": medium,
        "transport": _transport(str(node)) if kind == "disk" else None,
        "bytes": int(size) * SECTOR if size.isdecimal() else None,
        "about": _read(node / "loop" / "backing_file") or _read(node / "dm" / "name"),
    }
    return {name: value for name, value in entries.items() if value is not None}


def _transport(place: str) -> str | None:
    """Return by what bus a disk hangs on the machine, from its place in /sys/devices."""
    found = re.findall(r"/(usb|nvme|virtio|mmc|ata|session|rport|vmbus)[-_:0-9]", place)
    names = {"session": "iSCSI", "rport": "Fibre Channel", "ata": "ATA", "nvme": "NVMe"}
    return names.get(found[0], found[0]) if found else None


def _page_80(path: Path) -> str | None:
    """Return the serial number on a SCSI device's page 80h."""
    try:
        return path.read_bytes()[4:].decode("ascii", "replace").strip("\0 ") or None
    except OSError:
        return None


def _read(path: Path) -> str | None:
    """Return what a file of /sys says, if it says anything."""
    try:
        text = path.read_bytes()
    except OSError:
        return None
    return text.decode("utf-8", "backslashreplace").strip("\0 \n") or None


def _mounts() -> dict[int, MountedAt]:
    """Return all mounts by their id; none where there is no /proc."""
    found = {}
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return {}
    for line in lines:
        before, after = line.split(" - ", 1)
        number, _, device, _, place = before.split(" ")[:5]
        major, minor = map(int, device.split(":"))
        kind, source = map(_unescaped, after.split(" ")[:2])
        found[int(number)] = MountedAt(kind, _unescaped(place), source, os.makedev(major, minor))
    return found


def _unescaped(text: str) -> str:
    """Return a name as it was before blanks in it were written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
