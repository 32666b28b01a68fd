"""Hydra's own settings: those that would change nothing are refused, with what to type instead."""

import sys
from pathlib import Path

import pytest

from dan_bench.train import main

REFUSED: dict[str, tuple[list[str], str]] = {
    "a sweeper": (["-m", "hydra/sweeper=basic", "seed=0,1,2"], "leave it out"),
    "a sweeper without -m": (["hydra/sweeper=basic"], "leave it out"),
    "the sweeper's own": (["-m", "+hydra.sweeper.params.seed='0,1'"], "-m sweeps over"),
    "a launcher": (["-m", "hydra/launcher=joblib", "seed=0,1"], "runtime.workers=N"),
    "another launcher": (["-m", "hydra/launcher=submitit_local"], "runtime.workers=N"),
    "the default, asked for": (["hydra/launcher=basic"], "runtime.workers=N"),
    "the launcher's own": (["-m", "+hydra.launcher.n_jobs=2"], "runtime.workers=N"),
    "a folder": (["hydra.run.dir=elsewhere"], "runtime.results=DIR"),
    "a folder of a sweep": (["-m", "hydra.sweep.dir=elsewhere"], "runtime.results=DIR"),
    "a folder to work in": (["hydra.job.chdir=true"], "leave it out"),
    "logging": (["hydra/job_logging=default"], "runtime.progress"),
    "more words": (["hydra.verbose=true"], "hydra.searchpath"),
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train"])
    return tmp_path


@pytest.mark.parametrize(("arguments", "instead"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_have_no_effect_is_refused(
    arguments: list[str], instead: str, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "data=danoise"]) == 2
    said = capfd.readouterr()
    asked = next(each for each in arguments if "hydra" in each)
    assert said.out == ""
    assert said.err.startswith(f"{asked} has no effect here: ")
    assert instead in said.err
    assert list(place.iterdir()) == []


def test_a_launcher_in_a_file_is_refused_too(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (place / "mine.yaml").write_text(
        "defaults: [config, {override hydra/launcher: mine}]\nhydra: {launcher: {n_jobs: 2}}\n"
    )
    (place / "hydra" / "launcher").mkdir(parents=True)
    (place / "hydra" / "launcher" / "mine.yaml").write_text("_target_: mine.Launcher\nn_jobs: 1\n")
    assert main(["--config-dir", str(place), "--config-name", "mine", "-m", "seed=0,1"]) == 2
    assert "runtime.workers=N" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["hydra/sweeper=grids"],
        ["hydra.searchpath=[]"],
        ["-m", "hydra.sweeper.grids=[{seed: '1,2'}]"],
        ["hydra.mode=MULTIRUN", "seed=1,2"],
    ],
    ids=" ".join,
)
def test_what_is_honoured_is_taken(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []

    def carry_out(configs: list[object]) -> int:
        seeds.extend(config.seed for config in configs)  # type: ignore[attr-defined]
        return 0

    monkeypatch.setattr("dan_bench.sweep.jobs.carry_out", carry_out)
    assert main([*arguments, "data=danoise", "logger=none"]) == 0
    assert seeds == ([1, 2] if len(arguments) == 2 else [0])
