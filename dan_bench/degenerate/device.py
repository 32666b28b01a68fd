"""Which devices files lie on: what the kernel says of them in /sys and /proc/self/mountinfo."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dan_bench.degenerate.form import path_text
from dan_bench.erase.devices import IN_MEMORY, Mount, folder_of, walk
from dan_bench.erase.filesystem import FileSystems
from dan_bench.erase.status import mount_id
from dan_bench.files import lent

DEEPEST = 16
"""File systems that are followed downwards; a loop on a file on a loop has few."""
SECTOR = 512


def devices(found: Iterable[tuple[int | None, int]]) -> list[dict[str, Any]]:
    """Return each file system that files lie on, with the layers below, as `DeviceForm` has it.

    Args:
        found: mount id (None where that is not known) and st_dev of each.
    """
    systems = FileSystems()
    mounts = systems.mounts
    listed = []
    for mount, device in dict.fromkeys(found):
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


def _below(at: Mount, mounts: dict[int, Mount], depth: int) -> Iterator[dict[str, Any]]:
    """Yield the layers below a file system, down to the disks and through files of loop devices."""
    if at.kind in IN_MEMORY:
        yield {"name": at.kind, "kind": "file system", "medium": "memory"}
        return
    for folder in (of for device in at.devices for of in walk(folder_of(device)) if of.exists()):
        yield _layer(folder)
        backing = _read(folder / "loop" / "backing_file")
        within = _mount_of(backing, mounts) if backing is not None and depth else None
        if within is not None:
            yield {"name": within.kind, "kind": "file system", "about": path_text(within.place)}
            yield from _below(within, mounts, depth - 1)


def _mount_of(path: str, mounts: dict[int, Mount]) -> Mount | None:
    """Return the mount that a file lies on; None where it cannot be found."""
    try:
        with lent(os.open(path, os.O_PATH | os.O_CLOEXEC)) as handle:
            return mounts.get(mount_id(handle) or 0)
    except OSError:
        return None


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
