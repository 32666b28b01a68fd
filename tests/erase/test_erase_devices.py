"""Devices below a file system, followed down a /sys that is made for it and down the real one."""

import contextlib
import os

import pytest
from file_systems import FileSystem, maker, marked, run

from dan_bench.erase import FastNoise, erase, plan_erasure
from dan_bench.erase.devices import DeviceStack, judge_devices
from dan_bench.erase.filesystem import FileSystems

VG_AND_LV = "ab" * 32
PCI = "devices/pci0000:00/0000:00:1f.2/ata1/host0/block"
VIRTUAL = "devices/virtual/block"


class Sys:
    """A /sys with the block devices that a test puts there; numbers are given in order."""

    def __init__(self, root):
        self.root = root
        self.numbers = {}
        (root / "dev/block").mkdir(parents=True)

    def add(self, place, name, files=(), below=()):
        folder = self.root / place / name
        folder.mkdir(parents=True)
        self.numbers[name] = os.makedev(8, len(self.numbers))
        number = f"8:{len(self.numbers) - 1}"
        (self.root / "dev/block" / number).symlink_to(folder)
        for path, text in {"dev": number, **dict(files)}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text + "\n")
        for slave in below:
            (folder / "slaves").mkdir(exist_ok=True)
            (found,) = self.root.glob(f"devices/**/{slave}")
            (folder / "slaves" / slave).symlink_to(found)
        return self

    def disk(self, name="sda", rotational="1", place=PCI, **device):
        files = {f"device/{key}": text for key, text in device.items()}
        return self.add(place, name, {"queue/rotational": rotational, **files})

    def stack(self, name):
        return judged(self.numbers[name])


def judged(device):
    found = DeviceStack()
    judge_devices(device, found)
    return found


@pytest.fixture
def sys(tmp_path, monkeypatch):
    monkeypatch.setattr("dan_bench.erase.devices.SYS", tmp_path / "sys")
    return Sys(tmp_path / "sys")


def test_a_partition_of_a_magnetic_disk_has_no_remark(sys):
    sys.disk().add(f"{PCI}/sda", "sda1", {"partition": "1"})
    found = sys.stack("sda1")
    assert (found.devices, found.doubts, found.remarks) == (["sda"], [], [])


@pytest.mark.parametrize("rotational", ["0", ""])
def test_flash_is_a_remark_with_its_model(sys, rotational):
    found = sys.disk(rotational=rotational, model="Swift 9").stack("sda")
    assert found.doubts == []
    (remark,) = found.remarks
    assert "rotational=" + (rotational or "unknown") in remark
    assert "Swift 9" in remark


@pytest.mark.parametrize(
    ("place", "device"),
    [("devices/pci0000:00/virtio1/block", {}), (PCI, {"vendor": "QEMU", "model": "HARDDISK"})],
)
def test_the_disk_of_a_virtual_machine_is_a_remark_whatever_it_says(sys, place, device):
    found = sys.disk(place=place, **device).stack("sda")
    assert found.doubts == []
    assert "virtual machine" in found.remarks[0]


def mapped(sys, uuid, name="dm-0", below=("sda",)):
    return sys.add(VIRTUAL, name, {"dm/uuid": uuid, "dm/name": "a name"}, below)


@pytest.mark.parametrize(
    "uuid", [f"LVM-{VG_AND_LV}", "CRYPT-LUKS2-1234-home", "mpath-3600", "part2-mpath-3600"]
)
def test_maps_that_pass_writes_on_lead_to_their_disks(sys, uuid):
    sys.disk(rotational="0")
    found = mapped(sys, uuid).stack("dm-0")
    assert found.doubts == []
    assert found.devices == ["dm-0", "sda"]
    assert "rotational=0" in found.remarks[0]


@pytest.mark.parametrize("uuid", ["", "VDO-12", "CRYPT-SUBDEV-12", "stratis-1-thin"])
def test_maps_of_other_kinds_are_in_doubt(sys, uuid):
    sys.disk()
    (doubt,) = mapped(sys, uuid).stack("dm-0").doubts
    assert "a name" in doubt
    assert (uuid or "no UUID") in doubt


@pytest.mark.parametrize("suffix", ["-tpool", "-cow", "-real", "-cdata", "-vpool"])
def test_a_thin_volume_or_snapshot_shows_by_what_it_lies_on(sys, suffix):
    """The volume's own UUID is like any other's; its pool's, or its snapshot's, is below it."""
    sys.disk()
    mapped(sys, f"LVM-{VG_AND_LV}{suffix}", "dm-1")
    found = mapped(sys, f"LVM-{VG_AND_LV}", "dm-0", below=["dm-1"]).stack("dm-0")
    assert len(found.doubts) == 1
    assert suffix in found.doubts[0]


@pytest.mark.parametrize(
    ("files", "doubt"),
    [
        ({"level": "raid1", "degraded": "0", "consistency_policy": "bitmap"}, None),
        ({"level": "raid1", "degraded": "1"}, "lost disk"),
        ({"level": "raid5", "consistency_policy": "journal"}, "journal"),
        ({"level": "raid5", "consistency_policy": "ppl"}, "journal"),
        ({"level": "container"}, "container"),
    ],
)
def test_arrays(sys, files, doubt):
    sys.disk().disk("sdb")
    sys.add(VIRTUAL, "md0", {f"md/{key}": text for key, text in files.items()}, ["sda", "sdb"])
    found = sys.stack("md0")
    assert found.devices == ["md0", "sda", "sdb"]
    assert [doubt in text for text in found.doubts] == ([True] if doubt else [])


@pytest.mark.parametrize("name", ["bcache0", "zram0", "nbd3", "zd16", "drbd0"])
def test_what_is_no_hardware_is_in_doubt(sys, name):
    sys.disk()
    found = sys.add(VIRTUAL, name, below=["sda"]).stack(name)
    assert name in found.doubts[0]


def test_a_disk_of_several_paths_is_hardware(sys):
    place = "devices/virtual/nvme-subsystem/nvme-subsys0"
    assert sys.disk("nvme0n1", "0", place).stack("nvme0n1").doubts == []


def test_a_device_that_is_not_listed_is_in_doubt(sys):
    (doubt,) = judged(os.makedev(9, 9)).doubts
    assert "9:9" in doubt


# loop devices


@pytest.fixture
def make(tmp_path):
    with maker(tmp_path) as of:
        yield of


def test_a_loop_device_whose_file_has_another_name_now_is_in_doubt(make):
    system = make("ext4")
    token = marked(system.root / "file")
    moved = system.image.with_name("moved")
    system.image.rename(moved)
    system.image.write_bytes(b"not the device's")
    (result,) = erase(plan_erasure([system.root / "file"]), FastNoise()).files
    # /sys follows the rename, or does not: either way, the impostor is not taken for the image
    if result.survey.unverified:
        assert "cannot be looked at" in result.survey.unverified[0]
    system.unmount()
    moved.replace(system.image)
    assert system.search(token) == 0


def test_a_loop_device_whose_file_is_deleted_is_in_doubt(make):
    system = make("ext4")
    marked(system.root / "file")
    system.image.unlink()
    (result,) = erase(plan_erasure([system.root / "file"]), FastNoise()).files
    assert result.status == "overwritten"
    assert "cannot be looked at" in result.survey.unverified[0]
    assert result.survey.destroyed.value == 0


def test_a_clone_of_the_image_keeps_what_is_overwritten_inside(make):
    outer = make("xfs", mkfs=["-m", "reflink=1"])
    with contextlib.closing(FileSystem(outer.root, "ext4")) as inner:
        token = marked(inner.root / "file")
        os.sync()
        run("cp", "--reflink=always", inner.image, outer.root / "clone")
        plan = plan_erasure([inner.root / "file"])
        assert any("shared" in remark.text for remark in plan.warnings)
        (result,) = erase(plan, FastNoise()).files
        assert result.survey.destroyed.value == 0
        assert "shared" in result.survey.unverified[0]
    assert token in (outer.root / "clone").read_bytes()


def test_the_layers_are_named_from_the_top_to_the_disk(make):
    system = make("ext4")
    (system.root / "file").write_bytes(b"x")
    (found,) = plan_erasure([system.root / "file"]).files
    of = FileSystems().of(found.mount, found.status.st_dev)
    assert of.kind == "ext4"
    assert of.devices[0].startswith("loop")
    assert len(of.devices) > 1
    assert of.doubts == []
