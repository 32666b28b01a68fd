"""A run that was killed and taken up again is one wandb run, with the whole of its curves."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from logged_runs import history_of, inspect, of_type
from sweeps import Workplace, session, until
from wandb_server import serving

from dan_bench.loggers import offline

KEY = "0123456789abcdef"


def made(results: Path, name: str, ended: bool = False) -> Path:
    home = offline.folder(results) / name
    home.mkdir(parents=True)
    (home / "run-x.wandb").touch()
    if ended:
        (home / offline.ENDED).touch()
    return home


def test_an_attempt_that_was_cut_off_is_gone_on_with(tmp_path: Path) -> None:
    made(tmp_path, f"offline-run-20260101_000000-{KEY}-aaaaaa", ended=True)
    made(tmp_path, f"offline-run-20260102_000000-{KEY}-bbbbbb")
    made(tmp_path, "offline-run-20260103_000000-fedcba9876543210-cccccc")
    assert offline.id_of(tmp_path, KEY) == f"{KEY}-bbbbbb"
    left = {path.name for path in offline.folder(tmp_path).iterdir()}
    assert f"cut-off-offline-run-20260102_000000-{KEY}-bbbbbb" in left
    assert len(offline.runs(tmp_path)) == 2  # it is not uploaded, and nothing is lost


def test_an_attempt_from_scratch_is_another_run(tmp_path: Path) -> None:
    """As after a failure: that run has ended, and said why."""
    made(tmp_path, f"offline-run-20260101_000000-{KEY}-aaaaaa", ended=True)
    ids = {offline.id_of(tmp_path, KEY) for _ in range(3)}
    assert len(ids) == 3
    assert all(one.startswith(f"{KEY}-") and len(one) == len(KEY) + 7 for one in ids)
    assert f"{KEY}-aaaaaa" not in ids


def test_online_the_folder_stays_and_the_id_is_the_same(tmp_path: Path) -> None:
    made(tmp_path, f"run-20260102_000000-{KEY}-bbbbbb")
    assert offline.id_of(tmp_path, KEY) == f"{KEY}-bbbbbb"
    assert offline.id_of(tmp_path, KEY) == f"{KEY}-bbbbbb"


def test_a_killed_run_is_one_wandb_run(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    arguments = [*place.obstructed, "logger=wandb", "model.obstacle=wait"]
    arguments += ["runtime.checkpoint_every=10"]
    (tmp_path / "wait").write_text("wait")
    with place.started(*arguments) as process:
        until((tmp_path / "wait.pid").exists, process)
        (cut_off,) = (tmp_path / "results" / "wandb").glob("offline-run-*")
        for pid in session(process.pid):
            os.kill(pid, signal.SIGKILL)
    (tmp_path / "wait").unlink()
    code, _, err = place.train(*arguments)
    assert code == 0, err
    (home,) = (tmp_path / "results" / "wandb").glob("offline-run-*")
    records = inspect(next(home.glob("run-*.wandb")))
    (opened,) = of_type(records, "run")
    assert opened["run_id"] == cut_off.name.split("-", 3)[3]
    steps = [row["step"] for row in history_of(records, "train/discriminator_loss")]
    assert steps == [5, 10, 15, 20, 25, 30]
    assert (home / offline.ENDED).exists()
    with serving() as (server, account):
        # a process of its own: wandb remembers the account that it first looked for
        command = [sys.executable, "-m", "dan_bench.dashboard", "sync"]
        command += ["--results", str(tmp_path / "results")]
        assert subprocess.run(command, env=os.environ | account, check=False).returncode == 0
    runs = {name: count for name, count in server.runs.items() if not name.startswith("tables-")}
    assert runs == {opened["run_id"]: 1}
