"""Extended attributes and named streams: named, never claimed, and overwritten before they go."""

import os

import pytest
from file_systems import maker

from dan_bench.erase import FastNoise, Outcome, erase, plan_erasure
from dan_bench.erase.attributes import (
    attribute_names,
    erase_attributes,
    stream_names,
    why_attributes_doubted,
)


@pytest.fixture
def make(tmp_path):
    with maker(tmp_path) as of:
        yield of


@pytest.fixture
def opened(make):
    path = make("ext4").root / "file"
    path.write_bytes(b"its data")
    handle = os.open(path, os.O_RDWR)
    yield path, handle
    os.close(handle)


def test_attributes_are_named_and_in_doubt_by_themselves(opened):
    path, _ = opened
    os.setxattr(path, "user.secret", b"a secret")
    (result,) = erase(plan_erasure([path]), FastNoise()).files
    (doubt,) = result.survey.unverified
    assert "'user.secret'" in doubt
    assert result.survey.destroyed.value > 74  # of 8 bytes, two may be as they were
    assert os.listxattr(path) == []


def test_what_is_left_of_attributes_is_in_doubt(opened, monkeypatch):
    path, _ = opened
    os.setxattr(path, "user.secret", b"a secret")
    monkeypatch.setattr("dan_bench.erase.attributes.os.setxattr", refuse)
    (result,) = erase(plan_erasure([path]), FastNoise()).files
    assert "was not erased" in result.survey.unverified[1]
    (unseen,) = erase(plan_erasure([path]), FastNoise(), evidence=False).files
    assert unseen.status == "failed"
    assert "was not erased" in unseen.error


def refuse(*_):
    raise PermissionError(1, "Operation not permitted")


def test_access_lists_and_labels_are_no_data(opened):
    path, handle = opened
    access = (
        b"\x02\0\0\0\x01\0\6\0\xff\xff\xff\xff\x04\0\4\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff"
    )
    os.setxattr(path, "system.posix_acl_access", access)
    os.setxattr(path, "security.apparmor", b"unclassified")
    assert attribute_names(handle) == []
    assert why_attributes_doubted(handle) == ()


def test_a_label_of_no_known_kind_may_be_data(opened):
    path, handle = opened
    os.setxattr(path, "security.secret", b"a secret")
    assert "'security.secret'" in why_attributes_doubted(handle)[0]
    assert erase_attributes(handle) == ()
    assert os.listxattr(path) == []


def test_more_attributes_than_can_be_listed_are_in_doubt(make):
    path = make("xfs").root / "file"
    path.write_bytes(b"its data")
    for i in range(300):
        os.setxattr(path, f"user.{i:0240}", b"a secret")
    (result,) = erase(plan_erasure([path]), FastNoise()).files
    assert any("cannot be listed" in doubt for doubt in result.survey.unverified)


def test_attributes_of_folders_are_left_alone_and_said_to_be(make):
    folder = make("ext4").root / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_bytes(b"its data")
    for one in folder, folder / "inner":
        os.setxattr(one, "user.secret", b"a secret")
    report = erase(plan_erasure([folder]), FastNoise())
    assert [of.path for of in report.refused] == [str(folder), str(folder / "inner")]
    assert all("user.secret" in of.text for of in report.refused)
    assert report.outcome is Outcome.DOUBTED


@pytest.mark.parametrize("n", [0, 5, 90, 3000])
def test_values_are_overwritten_and_removed(opened, n, monkeypatch):
    path, handle = opened
    os.setxattr(path, "user.secret", b"s" * n)
    written = []
    real = os.setxattr

    def spy(handle, name, value, flags):
        written.append(value)
        real(handle, name, value, flags)

    monkeypatch.setattr("dan_bench.erase.attributes.os.setxattr", spy)
    assert erase_attributes(handle) == ()
    assert os.listxattr(path) == []
    assert [len(value) for value in written] == ([n] if n else [])
    assert b"s" * max(n, 1) not in written


def test_an_attribute_that_cannot_be_written_is_named(opened, monkeypatch):
    path, handle = opened
    os.setxattr(path, "user.secret", b"a secret")
    monkeypatch.setattr("dan_bench.erase.attributes.os.setxattr", refuse)
    (failed,) = erase_attributes(handle)
    assert "'user.secret' was not erased: Operation not permitted" in failed


def test_streams_are_named(opened, monkeypatch):
    """As NTFS-3G lists them."""
    _, handle = opened
    monkeypatch.setattr(
        "dan_bench.erase.attributes.os.getxattr", lambda *_: b"Zone.Identifier\0notes\0"
    )
    assert stream_names(handle) == ["Zone.Identifier", "notes"]
    assert "'notes' is not erased" in why_attributes_doubted(handle)[-1]
