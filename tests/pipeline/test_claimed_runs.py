"""A run that two processes want: one does it, and the other has its record."""

import json
import os
import threading
import time
from dataclasses import replace

import pytest
from tiny_runs import SMALL

from dan_bench.config.compose import configure
from dan_bench.models.dan import DAN
from dan_bench.pipeline.run import run
from dan_bench.results.claim import this_process
from dan_bench.results.record import Store

LOGGED = [*SMALL, "runtime.log_every=2"]


def taken_over(folder):
    """As if another machine had found that this process gives no sign of life."""
    owner = vars(this_process()) | {"host": "elsewhere", "place": "another"}
    (folder / ".claim.2").write_text(json.dumps(owner))


@pytest.mark.parametrize("step", [11, 20])
def test_who_was_taken_over_gives_way_to_the_new_owner(step, tmp_path, monkeypatch):
    """It comes back from standing still in the middle, or right before it writes its record."""
    other = run(configure([*LOGGED, f"runtime.results={tmp_path / 'other'}"]), "test")
    store = Store(tmp_path / "shared")
    folder, learn, told = store.folder(other.key), DAN.learn, []
    theirs = replace(other, provenance=other.provenance | {"of": "the new owner"})
    learned = []

    def learning(module, batch):
        learned.append(module.step)
        if module.step == step - 1:
            taken_over(folder)
        learn(module, batch)

    def ends_some_time():
        while not any("waiting for" in progress.doing for progress in told):
            time.sleep(0.01)
        store.put(theirs)
        os.utime(folder / ".claim.2", (0, 0))

    monkeypatch.setattr(DAN, "learn", learning)
    new_owner = threading.Thread(target=ends_some_time, daemon=True)
    new_owner.start()
    record = run(configure([*LOGGED, f"runtime.results={tmp_path / 'shared'}"]), "", told.append)
    new_owner.join()
    assert record == theirs
    assert store.get(other.key, other.config) == theirs
    assert learned[-1] <= step  # the next sign of how far it is finds out
    (warning,) = [progress.warning for progress in told if progress.warning]
    assert "taken over" in warning
    (who,) = {p.doing.split(",")[0] for p in told if "waiting for" in p.doing}
    assert who == f"waiting for elsewhere:{os.getpid()}"


def test_what_is_let_go_while_it_fails_is_free(tmp_path):
    config = configure([*SMALL, f"runtime.results={tmp_path}", "optimizer.degenerator.lr=1e30"])
    assert run(config, "test").status == "failed"
    told = []
    assert run(config, "test", told.append).status == "failed"
    assert not any("waiting" in progress.doing for progress in told)
