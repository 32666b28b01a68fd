"""No claim is refuted: file systems with files of every kind, against a search of the images."""

import contextlib
import importlib
import os
import sys
from pathlib import Path

import pytest
from file_systems import doubts_of

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
matrix = importlib.import_module("erase_matrix")

VOUCHED_FOR = ("ext2", "ext4", "xfs", "btrfs, nodatacow", "ext4 in a file on ext4")
NEVER = ("btrfs", "ext4, data=journal", "ext4 in a file on btrfs", "ext4 in a cloned file on xfs")
NEVER_LOOKED_INTO = ("overlay on ext4", "ext4 in a file on tmpfs", "ntfs (ntfs-3g)")


@pytest.fixture
def examine(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    if reasons := doubts_of(tmp_path):
        pytest.skip(f"no claim can be made of a file system in a file here: {reasons[0]}")

    def of(name, kinds=tuple(matrix.KINDS), fill=False):
        try:
            return matrix.examine(matrix.SETUPS[name], tmp_path / "it", kinds, fill)
        except matrix.Unavailable as error:
            pytest.skip(str(error))

    return of


def check(name, cases):
    """No refuted claim; and no doubt where there need be none, nor a claim where there may not."""
    for kind, case in cases.items():
        if isinstance(case, str):
            continue
        said = matrix.verdict(kind, case)
        assert not said.startswith("REFUTED"), (name, kind)
        if name in NEVER or name in NEVER_LOOKED_INTO:
            assert not case.claimed, (name, kind)
        elif name in VOUCHED_FOR and kind in matrix.ORDINARY:
            assert case.claimed, (name, kind, case.reasons)


@pytest.mark.parametrize("name", ["ext4", "xfs", "ext4 in a cloned file on xfs"])
def test_no_claim_is_refuted(examine, name):
    cases = examine(name)
    check(name, cases)
    searched = [case for case in cases.values() if not isinstance(case, str)]
    assert len(searched) >= 7
    assert any(case.left for case in searched)  # the search finds what there is


@pytest.mark.slow
@pytest.mark.parametrize("name", matrix.SETUPS)
def test_no_claim_is_refuted_on_any_file_system(examine, name):
    check(name, examine(name, fill=True))


def test_earlier_places_are_reached_through_the_free_space(examine):
    cases = examine("ext4", ["punched", "renamed over"], fill=True)
    assert any(case.left for case in cases.values())
    assert [case.after for case in cases.values()] == [0, 0]


def test_what_is_missing_is_said_and_no_file_system_left_mounted(tmp_path):
    def broken(folder, held):
        matrix.run("no-such-program")

    with pytest.raises(matrix.Unavailable, match="no-such-program is not installed"):
        matrix.examine(broken, tmp_path / "it")
    with contextlib.suppress(FileNotFoundError):
        assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
