"""`--free-space`: filled after the files, asked for by name, certified with its own doubts."""

import json
import os

import pytest
from file_systems import maker, marked

from dan_bench.degenerate import free_space
from dan_bench.degenerate.__main__ import main
from dan_bench.degenerate.verify import verify
from dan_bench.erase import ErasureRefused, Outcome
from dan_bench.erase.free_space import FreeSpaceResult


@pytest.fixture
def system(tmp_path, monkeypatch):
    (tmp_path / "at").mkdir()
    monkeypatch.chdir(tmp_path / "at")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with maker(tmp_path) as make:
        yield make("ext4")


def options(system):
    return [str(system.root / "file"), "--free-space", str(system.root), "--yes"]


def test_what_an_editor_left_is_overwritten_and_certified(system, tmp_path, capsys):
    token = marked(system.root / "file")
    (system.root / "new").write_bytes(b"what the editor saved")
    os.replace(system.root / "new", system.root / "file")
    os.sync()
    code = main([*options(system), "--certificate", str(tmp_path / "at" / "done.json")])
    assert code == Outcome.DOUBTED  # it lies in the file of a loop device
    (of,) = json.loads((tmp_path / "at" / "done.json").read_text())["free_space"]
    assert of["bytes"] > 40 << 20
    assert of["read_back"]
    assert of["left"] == 0
    assert any("loop device" in doubt for doubt in of["doubts"])
    assert f"{of['bytes']:,} bytes of noise" in (tmp_path / "at" / "done.txt").read_text()
    assert f"{of['bytes']:,} bytes of noise" in capsys.readouterr().out
    verify(tmp_path / "at" / "done.json", None)
    assert system.search(token) == 0


def test_the_exit_code_is_0_only_if_nothing_is_in_doubt(system, monkeypatch):
    (system.root / "file").write_bytes(b"a secret")
    monkeypatch.setattr(
        free_space, "fill_free_space", lambda *_: FreeSpaceResult("/", 9, 0, True, ())
    )
    assert main(options(system)) == Outcome.DONE


def test_what_goes_wrong_costs_no_certificate(system, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    (system.root / "file").write_bytes(b"a secret")
    monkeypatch.setattr(free_space, "fill_free_space", fail)
    assert main([*options(system), "--certificate", "done.json"]) == Outcome.DOUBTED
    (of,) = json.loads((tmp_path / "at" / "done.json").read_text())["free_space"]
    assert "Input/output error" in of["doubts"][0]


def test_a_dry_run_fills_nothing(system, capsys):
    (system.root / "file").write_bytes(b"a secret")
    free = os.statvfs(system.root).f_bfree
    assert main([*options(system)[:3], "--dry-run"]) == Outcome.DONE
    assert f"{free * 4096:,} bytes on the file system" in capsys.readouterr().out
    assert (system.root / "file").read_bytes() == b"a secret"


def test_the_root_file_system_is_filled_only_where_it_is_named(tmp_path):
    if os.stat(tmp_path).st_dev != os.stat("/").st_dev:
        pytest.skip("the temporary folder is on a file system of its own")
    with pytest.raises(ErasureRefused, match=r"--free-space / fills it|not known to be"):
        free_space.check([tmp_path])


@pytest.mark.parametrize("folder", ["/proc", "/no/such/folder"])
def test_what_is_on_no_disk_is_refused_before_anything_is_touched(system, folder, capsys):
    (system.root / "file").write_bytes(b"a secret")
    assert main([str(system.root / "file"), "--free-space", folder, "--yes"]) == Outcome.REFUSED
    assert (system.root / "file").read_bytes() == b"a secret"
    assert "nothing was touched" in capsys.readouterr().err


def test_flash_is_said_before_the_question(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(
        "dan_bench.erase.filesystem.judge_devices",
        lambda _, found: found.remarks.append("sda: rotational=0, so that it is flash"),
    )
    monkeypatch.setattr("dan_bench.erase.filesystem.IN_PLACE", Everything())
    (tmp_path / "file").write_bytes(b"a secret")
    assert main([str(tmp_path / "file"), "--dry-run"]) == Outcome.DONE
    assert "rotational=0" in capsys.readouterr().out


class Everything:
    """Whatever the temporary folder lies on."""

    def __contains__(self, kind):
        return True
