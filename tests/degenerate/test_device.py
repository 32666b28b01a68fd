"""What the certificate says files lie on: from the file system down to the disk."""

import os

import pytest
from file_systems import maker

from dan_bench.degenerate.device import devices
from dan_bench.degenerate.form import DeviceForm
from dan_bench.erase.handles import locate


@pytest.fixture
def make(tmp_path):
    with maker(tmp_path) as of:
        yield of


def _file(root):
    (root / "file").write_bytes(b"data")
    return root / "file"


@pytest.mark.parametrize("kind", ["ext4", "btrfs"])
def test_below_a_loop_device_comes_the_file_system_of_its_image(make, kind):
    made = make(kind)
    _, file = locate(_file(made.root))
    (found,) = devices([(file.mount, file.status.st_dev)])
    assert (found["file_system"], found["mounted_at"]) == (kind, str(made.root))
    loop, below, *disks = found["layers"]
    assert (loop["kind"], loop["about"]) == ("loop", str(made.image))
    assert loop["bytes"] == made.image.stat().st_size
    assert below["kind"] == "file system"
    assert os.path.ismount(below["about"])
    assert all(of["kind"] in ("disk", "partition", "device mapper", "md") for of in disks)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A /sys with a SATA disk that holds an enciphered partition, an NVMe and a USB disk."""
    files = {
        "devices/pci0000:00/ata1/host0/block/sda": {
            "device/vendor": "ATA     ",
            "device/model": "WDC WD40EFRX-68N ",
            "device/vpd_pg80": "\0\x80\0\x0cWD-WCC7K1234",
            "device/wwid": "naa.50014ee2b1234567",
            "queue/rotational": "1",
            "size": "7814037168",
        },
        "devices/pci0000:00/ata1/host0/block/sda/sda2": {"partition": "2", "size": "2048"},
        "devices/virtual/block/dm-0": {
            "dm/name": "crypt\nhome",
            "size": "2016",
            "queue/rotational": "1",
        },
        "devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1": {
            "device/model": "Samsung SSD 980",
            "device/serial": "S64DNX0",
            "wwid": "eui.002538",
            "queue/rotational": "0",
            "size": "16",
        },
        "devices/pci0000:00/usb2/2-1/host6/block/sdb": {
            "device/vendor": "SanDisk",
            "queue/rotational": "1",
            "size": "no number",
        },
    }
    root = tmp_path / "sys"
    for place, inside in files.items():
        for name, text in inside.items():
            path = root / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("latin-1"))
    (root / "devices/virtual/block/dm-0/slaves").mkdir()
    (root / "devices/virtual/block/dm-0/slaves/sda2").symlink_to(
        root / "devices/pci0000:00/ata1/host0/block/sda/sda2"
    )
    places = [*files]
    numbers = {"8:0": 0, "8:2": 1, "253:0": 2, "259:0": 3, "8:16": 4}
    (root / "dev/block").mkdir(parents=True)
    for number, place in numbers.items():
        (root / "dev/block" / number).symlink_to(root / places[place])
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "30 1 253:0 / /home\\040of\\040ann rw - ext4 /dev/mapper/crypt rw\n"
        "31 1 259:0 / / rw shared:1 - xfs /dev/nvme0n1 rw\n"
        "32 1 8:16 / /media rw - vfat /dev/sdb rw\n"
        "33 1 0:99 / /net rw - nfs4 server:/x rw\n"
        "34 1 77:7 / /gone rw - ext4 /dev/gone rw\n"
    )
    monkeypatch.setattr("dan_bench.erase.devices.SYS", root)
    monkeypatch.setattr("dan_bench.erase.devices.MOUNTS", mounts)


def of(major, minor, mount):
    (found,) = devices([(mount, os.makedev(major, minor))])
    DeviceForm.model_validate(found)
    return found


def test_make_model_and_serial_are_those_of_the_disk_below(machine):
    found = of(253, 0, 30)
    assert found["mounted_at"] == "/home of ann"
    mapper, partition, disk = found["layers"]
    assert (mapper["kind"], mapper["about"]) == ("device mapper", "crypt\nhome")
    assert (partition["kind"], partition["bytes"]) == ("partition", 2048 * 512)
    assert "model" not in partition
    assert disk == {
        "name": "sda",
        "kind": "disk",
        "vendor": "ATA",
        "model": "WDC WD40EFRX-68N",
        "serial": "WD-WCC7K1234",
        "wwid": "naa.50014ee2b1234567",
        "medium": "rotational",
        "transport": "ATA",
        "bytes": 7814037168 * 512,
    }


def test_other_buses_and_media(machine):
    (nvme,) = of(259, 0, 31)["layers"]
    assert (nvme["serial"], nvme["medium"]) == ("S64DNX0", "not rotational")
    assert (nvme["transport"], nvme["wwid"]) == ("NVMe", "eui.002538")
    (usb,) = of(8, 16, 32)["layers"]
    assert (usb["transport"], usb["vendor"]) == ("usb", "SanDisk")
    assert "bytes" not in usb


def test_what_cannot_be_seen_is_left_out(machine):
    assert of(0, 99, 33)["layers"] == []
    assert of(77, 7, 34)["layers"] == []
    assert of(5, 5, None)["file_system"] == "not known"


def test_without_proc_nothing_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr("dan_bench.erase.devices.MOUNTS", tmp_path / "none")
    assert of(8, 0, 1)["file_system"] == "not known"
