"""Files that are written whole, and that others may read as they may read any file beside them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dan_bench.files import whole
from dan_bench.interfaces import RunRecord
from dan_bench.results.cache import NAME, CachedStore
from dan_bench.results.record import Store, key_of

CONFIG = {"model": {"name": "dan"}}


@pytest.fixture(params=[0o022, 0o027, 0o002], ids=oct)
def readable(request: pytest.FixtureRequest) -> Iterator[int]:
    """A umask, and the permissions that it leaves a new file."""
    before = os.umask(request.param)
    yield 0o666 & ~request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_record_is_as_readable_as_what_lies_beside_it(tmp_path: Path, readable: int) -> None:
    store = Store(tmp_path)
    path = store.put(RunRecord(key_of(CONFIG), "done", CONFIG))
    (path.parent / "samples.png").write_bytes(b"")
    assert mode(path) == mode(path.parent / "samples.png") == readable


def test_so_is_the_cache_of_the_records(
    tmp_path: Path, readable: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dan_bench.results.cache.LEAST", 1)
    monkeypatch.setattr("dan_bench.results.cache.SETTLED", -60)
    Store(tmp_path).put(RunRecord(key_of(CONFIG), "done", CONFIG))
    CachedStore(tmp_path).all()
    assert mode(tmp_path / "runs" / NAME) == readable


def test_a_file_that_is_not_finished_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text("before")

    def cut_off() -> None:
        with whole(path) as file:
            file.write(b"half")
            assert path.read_text() == "before"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        cut_off()
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]
    with whole(path) as file:
        file.write(b"after")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["after"]
