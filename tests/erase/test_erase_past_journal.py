"""Copies of data in a journal that no mount option tells of any more."""

import os
import secrets
import subprocess

import numpy as np
import pytest
from file_systems import maker, marked
from hypothesis import given
from hypothesis import strategies as st

from dan_bench.erase import FastNoise, erase, plan_erasure
from dan_bench.erase.past_journal import SEARCH, SECTOR, fingerprints, held


@pytest.fixture
def make(tmp_path):
    with maker(tmp_path) as of:
        yield of


@given(
    sectors=st.lists(st.binary(min_size=SECTOR, max_size=SECTOR), unique=True, max_size=20),
    wanted=st.integers(0, 20),
)
def test_sectors_are_found_by_their_fingerprints(sectors, wanted):
    sectors = [sector[:8] + bytes([i + 1]) + sector[9:] for i, sector in enumerate(sectors)]
    there, absent = sectors[:wanted], sectors[wanted:]
    prints = np.unique(fingerprints(b"".join(there)))
    assert held(prints, b"".join(there)) == len(there)
    assert held(prints, b"".join(absent)) == 0


def test_the_last_sector_is_compared_as_the_journal_has_it_with_zeros_behind():
    prints = np.unique(fingerprints(b"secret and more".ljust(SECTOR, b"\0")))
    assert held(prints, b"secret and more") == 1
    assert held(prints, b"secret and less") == 0


def test_the_first_word_is_not_compared_since_the_journal_may_change_it():
    sector = secrets.token_bytes(SECTOR)
    prints = fingerprints(sector)
    assert held(prints, bytes(4) + sector[4:]) == 1


@pytest.mark.parametrize("kind", ["ext4 without extents", "ext4", "ext4 of 1 KiB"])
def test_what_was_written_while_data_were_journaled_is_found_in_the_journal(make, kind):
    mkfs = {
        "ext4": [],
        "ext4 of 1 KiB": ["-b", "1024"],
        "ext4 without extents": ["-O", "^extents,^64bit"],
    }[kind]
    system = make("ext4", mkfs=mkfs, options="loop,data=journal")
    token = marked(system.root / "then")
    system.unmount()
    system.mount()
    fresh = marked(system.root / "now")
    (then,) = erase(plan_erasure([system.root / "then"]), FastNoise()).files
    (now,) = erase(plan_erasure([system.root / "now"]), FastNoise()).files
    assert "data=journal" in then.survey.unverified[0]
    assert then.survey.destroyed.value == 0
    assert now.survey.unverified == ()
    assert now.survey.destroyed.value > 99.9
    system.unmount()
    assert system.search(token) > 0.9
    assert system.search(fresh) == 0


@pytest.mark.parametrize("options", ["loop,noload", "loop"])
def test_a_journal_is_searched_that_the_mount_does_not_use_or_tell_of(make, options):
    system = make("ext4", mkfs=["-t", "ext3", "-O", "^extents,^64bit,^flex_bg"])
    system.unmount()
    system.mount("loop,data=journal")
    token = marked(system.root / "file")
    system.unmount()
    if options == "loop":
        options = "loop -t ext2"
    done = subprocess.run(
        ["mount", "-o", *options.split(), system.image, system.root], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("not mounted like this here")
    system.mounted = True
    (result,) = erase(plan_erasure([system.root / "file"]), FastNoise()).files
    assert "data=journal" in result.survey.unverified[0]
    assert system.search(token) > 0.9


def test_a_few_bytes_left_in_the_journal_are_found(make):
    system = make("ext4", options="loop,data=journal")
    (system.root / "pin").write_bytes(b"pin: 4711, and nothing else")
    os.sync()
    system.unmount()
    system.mount()
    (result,) = erase(plan_erasure([system.root / "pin"]), FastNoise()).files
    assert "data=journal" in result.survey.unverified[0]
    assert any(b"pin: 4711" in data for data in system.raw())


def test_a_journal_that_cannot_be_searched_is_in_doubt(make, monkeypatch):
    system = make("ext4")
    marked(system.root / "file")
    monkeypatch.setattr(SEARCH, "of", lambda *_, **__: "Operation not permitted")
    (result,) = erase(plan_erasure([system.root / "file"]), FastNoise()).files
    assert "could not be searched (Operation not permitted)" in result.survey.unverified[0]
    assert result.survey.destroyed.value == 0


def test_a_journal_is_searched_again_after_a_mount(make):
    """The same device, and the same process: what was known of its journal is out of date."""
    system = make("ext4")
    marked(system.root / "before")
    (before,) = erase(plan_erasure([system.root / "before"]), FastNoise()).files
    assert before.survey.unverified == ()
    system.unmount()
    system.mount("loop,data=journal")
    marked(system.root / "then")
    system.unmount()
    system.mount()
    (then,) = erase(plan_erasure([system.root / "then"]), FastNoise()).files
    assert "data=journal" in then.survey.unverified[0]


def test_without_a_journal_there_is_nothing_to_search(make, monkeypatch):
    system = make("ext4", mkfs=["-O", "^has_journal"])
    marked(system.root / "file")
    monkeypatch.setattr(SEARCH, "of", None)
    (result,) = erase(plan_erasure([system.root / "file"]), FastNoise()).files
    assert result.survey.unverified == ()
