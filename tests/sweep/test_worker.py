"""The output of a run, in its log."""

from pathlib import Path

import pytest
from sweeps import SMALL

from dan_bench.config.compose import configure
from dan_bench.results.claim import acquire
from dan_bench.results.record import key_of
from dan_bench.sweep import worker
from dan_bench.sweep.executor import Task, folder_of


@pytest.mark.parametrize(
    ("number", "at_work", "kept"), [(1, False, False), (2, False, True), (1, True, True)]
)
def test_the_log_is_begun_anew_where_nobody_is_at_work_on_the_run(
    number: int, at_work: bool, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sweep's run may be, whose output it is; this one only waits for it."""
    config = configure([*SMALL, "logger=none", f"runtime.results={tmp_path}"])
    key = key_of(config.scientific())
    folder, keeping = folder_of(key, config), list[bool]()
    folder.mkdir(parents=True)
    claim = acquire(folder, pytest.fail)
    if not at_work:
        claim.let_go()
    monkeypatch.setattr(worker, "run", lambda *_: None)
    monkeypatch.setattr(worker, "redirect", lambda _, keep: keeping.append(keep))
    worker.work(Task({key: config}, "", number))
    assert keeping == [kept]
    if at_work:
        claim.let_go()
