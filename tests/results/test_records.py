"""Records: written whole or not at all, and believed only where they prove what they are."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.results.record import SCHEMA_VERSION, ForeignRecord, Store, key_of

CONFIG: dict[str, Any] = {"model": {"name": "dan"}, "shape": [28, 28], "lr": 1e-3, "clip": None}
KEY = key_of(CONFIG)
RECORD = RunRecord(
    KEY,
    "done",
    CONFIG,
    {
        "joint_bits": Estimate(7.1, 7.0, 7.2, n=3, details={"marginal_bits": 7.9}),
        "third": Estimate(1 / 3),
        "label_recovered": None,
    },
    {"seconds": 0.1 + 0.2},
    {"commit": None, "packages": {"torch": "2"}},
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_what_is_put_is_what_is_got(store: Store) -> None:
    path = store.put(RECORD)
    assert path == store.folder(KEY) / "record.json"
    assert store.get(KEY, CONFIG) == RECORD
    assert store.all() == ([RECORD], {})


def test_a_failed_run_keeps_its_traceback(store: Store) -> None:
    failed = RunRecord(KEY, "failed", CONFIG, traceback="Traceback ...\nValueError: no")
    store.put(failed)
    assert store.get(KEY, CONFIG) == failed


def test_there_is_nothing_where_nothing_was_put(store: Store) -> None:
    assert store.get(KEY, CONFIG) is None
    assert store.all() == ([], {})


def test_all_records_come_in_the_order_of_their_keys(store: Store) -> None:
    configs = [{"seed": seed} for seed in range(20)]
    for config in configs:
        store.put(RunRecord(key_of(config), "done", config))
    good, damaged = store.all()
    assert [record.key for record in good] == sorted(key_of(config) for config in configs)
    assert not damaged


def test_the_key_does_not_depend_on_the_order_of_names() -> None:
    assert key_of(dict(reversed(CONFIG.items()))) == KEY
    assert key_of({**CONFIG, "lr": 2e-3}) != KEY


def test_a_put_that_dies_leaves_the_old_record(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(RECORD)

    def die(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", die)
    with pytest.raises(OSError, match="no space"):
        store.put(replace(RECORD, costs={"seconds": 9.0}))
    assert store.all() == ([RECORD], {})


def test_a_first_put_that_is_killed_leaves_no_record(store: Store) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from dan_bench.results.record import RunRecord, Store, key_of\n"
        "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Store(Path(sys.argv[1])).put(RunRecord(key_of({}), 'done', {}))\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(store.runs.parent)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(store.folder(key_of({})).iterdir())  # the draft: it had begun to write
    assert store.all() == ([], {})
    assert store.get(key_of({}), {}) is None


def test_a_number_that_json_does_not_know_is_not_written(store: Store) -> None:
    store.put(RECORD)
    with pytest.raises(ValueError, match="JSON"):
        store.put(replace(RECORD, costs={"seconds": float("nan")}))
    assert store.all() == ([RECORD], {})


def edited(**changes: Any) -> Callable[[str], str]:
    return lambda text: json.dumps({**json.loads(text), **changes})


def without(name: str) -> Callable[[str], str]:
    return lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != name})


DAMAGE: dict[str, tuple[Callable[[str], str], str]] = {
    "truncated": (lambda text: text[: len(text) // 2], "JSON"),
    "empty": (lambda _: "", "JSON"),
    "not an object": (lambda _: "[1, 2]", "not a record"),
    "another schema": (edited(schema_version=SCHEMA_VERSION + 1), str(SCHEMA_VERSION + 1)),
    "no schema": (without("schema_version"), "schema_version"),
    "an edited config": (edited(config={**CONFIG, "lr": 1.0}), "config"),
    "another key": (edited(key="0" * 16), "key"),
    "an unknown status": (edited(status="finished"), "finished"),
    "no config": (without("config"), "config"),
    "no metrics": (without("metrics"), "metrics"),
    "no key": (without("key"), "key"),
    "an unknown field": (edited(notes="fine"), "notes"),
    "a metric that is no estimate": (edited(metrics={"joint_bits": 7.9}), "not a record"),
    "an estimate without a value": (edited(metrics={"joint_bits": {"low": 7.9}}), "value"),
    "a value that is no number": (edited(metrics={"joint_bits": {"value": "high"}}), "value"),
}


@pytest.mark.parametrize(("damage", "word"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_record_is_named_and_not_believed(
    store: Store, damage: Callable[[str], str], word: str
) -> None:
    other = RunRecord(key_of({}), "done", {})
    store.put(other)
    path = store.put(RECORD)
    path.write_text(damage(path.read_text()))
    good, damaged = store.all()
    assert good == [other]
    assert list(damaged) == [path]
    assert word in damaged[path]
    assert store.get(KEY, CONFIG) is None


def test_bytes_that_are_no_text_are_damage(store: Store) -> None:
    path = store.put(RECORD)
    path.write_bytes(b"\xff\xfe\x00" * 40)
    assert store.all()[0] == []
    assert list(store.all()[1]) == [path]


def test_a_record_in_a_folder_of_another_name_is_damaged(store: Store) -> None:
    store.put(RECORD)
    store.folder(KEY).rename(store.folder("0" * 16))
    good, damaged = store.all()
    assert good == []
    assert list(damaged) == [store.folder("0" * 16) / "record.json"]


def test_a_damaged_record_can_be_replaced(store: Store) -> None:
    path = store.put(RECORD)
    path.write_text("{")
    store.put(RECORD)
    assert store.all() == ([RECORD], {})


def test_a_folder_without_a_record_is_a_run_that_never_ended(store: Store) -> None:
    folder = store.folder(KEY)
    folder.mkdir(parents=True)
    (folder / "samples.npy").write_bytes(b"half of it")
    (folder / "draft.tmp").write_text('{"key":')
    assert store.get(KEY, CONFIG) is None
    assert store.all() == ([], {})


def test_another_config_under_the_same_key_is_an_error(store: Store) -> None:
    store.put(RECORD)
    with pytest.raises(ForeignRecord, match=KEY):
        store.get(KEY, {**CONFIG, "lr": 1.0})


CLAIM = """
import sys
from pathlib import Path
from dan_bench.results.record import Store
print("asking", flush=True)
with Store(Path(sys.argv[1])).claim("some-key"):
    print("holding", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def claimant(results: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that asks for the claim and, once it has it, keeps it until told."""
    command = [sys.executable, "-c", CLAIM, str(results)]
    # without a buffer: select() must see what has not been read yet
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, bufsize=0) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"asking\n"
        try:
            yield process
        finally:
            process.kill()


def holds(process: subprocess.Popen[bytes], within: float) -> bool:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], within)
    return bool(readable) and process.stdout.readline() == b"holding\n"


def test_a_claim_keeps_other_processes_out_until_it_is_let_go(tmp_path: Path) -> None:
    with claimant(tmp_path) as first:
        assert holds(first, within=60)
        with claimant(tmp_path) as second:
            assert not holds(second, within=0.5)
            first.communicate(b"let go\n")
            assert holds(second, within=60)


def test_a_claim_ends_with_the_death_of_its_holder(tmp_path: Path) -> None:
    with claimant(tmp_path) as first:
        assert holds(first, within=60)
        with claimant(tmp_path) as second:
            assert not holds(second, within=0.5)
            os.kill(first.pid, signal.SIGKILL)
            assert holds(second, within=60)


def test_claims_of_different_runs_do_not_wait_for_each_other(store: Store) -> None:
    with store.claim("one"), store.claim("other"):
        assert store.folder("one").is_dir()
        assert store.folder("other").is_dir()


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_record_is_readable_by_whom_the_umask_lets(store: Store, mask: int, mode: int) -> None:
    """A group that shares the results shares the records too; its neighbours are no different."""
    before = os.umask(mask)
    try:
        path = store.put(RECORD)
        (path.parent / "neighbour").touch()
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == (path.parent / "neighbour").stat().st_mode & 0o777 == mode
