"""Hydra's own settings: each does what it says, or is refused with what to type instead."""

import subprocess
import sys
from functools import reduce
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from dan_bench.config.command_line import configs_of
from dan_bench.config.launchers import LAUNCHERS
from dan_bench.results.record import key_of
from dan_bench.train import main

REFUSED: dict[str, tuple[list[str], str]] = {
    "a search": (["-m", "hydra/sweeper=optuna", "seed=0,1,2"], "it can be basic or grids"),
    "a search without -m": (["hydra/sweeper=ax"], "choose from `python -m dan_bench.report`"),
    "the search's own": (["-m", "hydra.sweeper.n_trials=9", "seed=0,1"], "params, max_batch_size"),
    "batches": (
        ["-m", "hydra/sweeper=basic", "hydra.sweeper.max_batch_size=2", "seed=0,1"],
        "runtime.workers=N",
    ),
    "an interval": (["-m", "seed=interval(0,3)"], "does not support"),
    "grids without -m": (["+sweep=default"], "add -m"),
    "axes without -m": (["hydra/sweeper=basic", "+hydra.sweeper.params.seed='0,1'"], "add -m"),
    "an unknown launcher": (["-m", "hydra/launcher=rq", "seed=0,1"], "submitit_local"),
    "several launchers": (["-m", "hydra/launcher=joblib,basic"], "hydra/launcher=joblib,basic"),
    "no launcher": (["~hydra/launcher"], "type hydra/launcher=NAME"),
    "null": (["hydra/launcher=null"], "type hydra/launcher=NAME"),
    "no settings of a launcher": (["hydra.launcher=null"], "type hydra/launcher=NAME"),
    "a launcher for its settings": (["-m", "hydra.launcher=ray"], "type hydra/launcher=NAME"),
    "no settings of a sweeper": (["hydra.sweeper=null"], "type hydra/sweeper=NAME"),
    "another class": (
        ["hydra/launcher=joblib", "hydra.launcher._target_=foo.Bar"],
        "hydra.launcher._target_=foo.Bar has no effect here",
    ),
    "a launcher's own, of none": (["-m", "hydra.launcher.n_jobs=2"], "runtime.workers=N"),
    "the same, appended": (["-m", "+hydra.launcher.n_jobs=2"], "runtime.workers=N"),
    "settings of basic": (["hydra/launcher=basic", "+hydra.launcher.n_jobs=2"], "runtime.workers"),
    "settings of submitit_local": (
        ["-m", "hydra/launcher=submitit_local", "hydra.launcher.timeout_min=5"],
        "runtime.workers=N",
    ),
    "a setting of joblib's": (["hydra/launcher=joblib", "hydra.launcher.backend=loky"], "n_jobs"),
    "the same, appended too": (
        ["hydra/launcher=joblib", "+hydra.launcher.backend=loky"],
        "hydra.launcher.backend has no effect here: of joblib's, those used are n_jobs",
    ),
    "a setting of submitit's": (
        ["hydra/launcher=submitit_slurm", "+hydra.launcher.nodes=2"],
        "hydra.launcher.nodes has no effect here: of submitit_slurm's",
    ),
    "a setting of Ray's": (
        ["-m", "hydra/launcher=ray", "+hydra.launcher.ray.init.num_gpus=2", "seed=0,1"],
        "hydra.launcher.ray.init.num_gpus has no effect here",
    ),
    "two clusters": (["hydra/launcher=ray", "runtime.executor=slurm"], "leave one of them"),
    "a number that is none": (
        ["hydra/launcher=joblib", "hydra.launcher.n_jobs=x"],
        "runtime.workers='x'",
    ),
    "fewer than none": (
        ["hydra/launcher=joblib", "hydra.launcher.n_jobs=-2"],
        "runtime.workers=-2",
    ),
    "two words on one thing": (
        ["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "runtime.workers=3"],
        "runtime.workers=3 and hydra/launcher=joblib, which is runtime.workers=2",
    ),
    "two words on another": (
        ["hydra/launcher=basic", "runtime.workers=3"],
        "leave one of them out",
    ),
    "a folder": (["hydra.run.dir=elsewhere"], "runtime.results=DIR"),
    "a folder of a sweep": (["-m", "hydra.sweep.dir=elsewhere"], "runtime.results=DIR"),
    "a folder to work in": (["hydra.job.chdir=true"], "leave it out"),
    "logging": (["hydra/job_logging=default"], "runtime.progress"),
    "a search path of nothing": (["hydra.searchpath=[nonsense]"], "there is no 'nonsense'"),
    "its remedy": (["-m", "hydra.searchpath=['file:///nowhere']", "seed=0,1"], "file:///DIR or"),
    "a package of nobody's": (["hydra.searchpath=[/, pkg://nobodys.conf]"], "'pkg://nobodys.conf'"),
    "a search path of the net": (["hydra.searchpath=['http://a/b']"], "there is no 'http://a/b'"),
    "a search path to show": (["--cfg", "job", "hydra.searchpath=[nonsense]"], "'nonsense'"),
    "more words": (["hydra.verbose=true"], "hydra.searchpath"),
}
ON_SLURM = {"executor": "slurm", "workers": 0}
OF_SLURM = [
    *("timeout_min=30", "mem_gb=8", "cpus_per_task=2", "gpus_per_node=1", "signal_delay_s=60"),
    *("partition=debug", "account=a", "qos=q", "constraint=c", "array_parallelism=4"),
    *("setup=[module load x]", "additional_parameters={nice: 3}", "comment=c", "exclude=n1"),
    "gres='gpu:1'",
]
OF_RAY = [
    *("init.address=auto", "init.num_cpus=3", "remote.num_cpus=2", "remote.num_gpus=0.25"),
    "remote.max_retries=2",
]
TAKEN: dict[str, tuple[list[str], list[int], dict[str, Any]]] = {
    "nothing asked for": (["-m", "seed=1,2"], [1, 2], {"workers": 0}),
    "basic": (["-m", "hydra/launcher=basic", "seed=1,2"], [1, 2], {"workers": 1}),
    "basic, one run": (["hydra/launcher=basic"], [0], {"workers": 1}),
    "joblib": (["-m", "hydra/launcher=joblib", "seed=1,2"], [1, 2], {"workers": 0}),
    "joblib beside workers": (["hydra/launcher=joblib", "runtime.workers=3"], [0], {"workers": 3}),
    "joblib's n_jobs": (
        ["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=4", "seed=1,2"],
        [1, 2],
        {"workers": 4},
    ),
    "joblib's n_jobs, one run": (
        ["hydra.launcher.n_jobs=4", "hydra/launcher=joblib"],
        [0],
        {"workers": 4},
    ),
    "all cores": (
        ["hydra/launcher=joblib", "hydra.launcher.n_jobs=-1"],
        [0],
        {"workers": 0},
    ),
    "submitit_local": (
        ["-m", "hydra/launcher=submitit_local", "seed=1,2"],
        [1, 2],
        {"executor": "local", "workers": 0},
    ),
    "submitit_slurm": (["-m", "hydra/launcher=submitit_slurm", "seed=1,2"], [1, 2], ON_SLURM),
    "submitit_slurm's": (
        ["hydra/launcher=submitit_slurm", *(f"hydra.launcher.{text}" for text in OF_SLURM)],
        [0],
        {
            **ON_SLURM,
            "slurm.partition": "debug",
            "slurm.account": "a",
            "slurm.qos": "q",
            "slurm.constraint": "c",
            "slurm.time": 30,
            "slurm.memory": 8,
            "slurm.cpus": 2,
            "slurm.gpus": 1,
            "slurm.array_parallelism": 4,
            "slurm.signal_delay": 60,
            "slurm.setup": ("module load x",),
            "slurm.options": {"nice": 3, "comment": "c", "exclude": "n1", "gres": "gpu:1"},
        },
    ),
    "ray": (["-m", "hydra/launcher=ray", "seed=1,2"], [1, 2], {"executor": "ray", "workers": 0}),
    "ray's": (
        ["hydra/launcher=ray", *(f"hydra.launcher.ray.{text}" for text in OF_RAY)],
        [0],
        {
            "executor": "ray",
            "workers": 3,
            "retries": 2,
            "ray.address": "auto",
            "ray.num_cpus": 2,
            "ray.num_gpus": 0.25,
        },
    ),
    "the same twice": (["hydra/launcher=ray", "runtime.executor=ray"], [0], {"executor": "ray"}),
    "grids by name": (["hydra/sweeper=grids"], [0], {}),
    "Hydra's own sweeper": (["-m", "hydra/sweeper=basic", "seed=0,1,2"], [0, 1, 2], {}),
    "its axes": (
        ["-m", "hydra/sweeper=basic", "+hydra.sweeper.params.seed='range(3)'"],
        [0, 1, 2],
        {},
    ),
    "its axes, named again": (
        ["-m", "hydra/sweeper=basic", "+hydra.sweeper.params.seed='0,1'", "seed=5"],
        [5],
        {},
    ),
    "a search path": (["hydra.searchpath=[]"], [0], {}),
    "a path, a package": (["hydra.searchpath=['/',.,'file://.',pkg://dan_bench]"], [0], {}),
    "grids": (["-m", "hydra.sweeper.grids=[{seed: '1,2'}]"], [1, 2], {}),
    "axes of every grid": (
        ["-m", "hydra.sweeper.grids=[{seed: '1,2'}, {}]", "+hydra.sweeper.params.seed='7'"],
        [1, 2, 7],
        {},
    ),
    "sweeping without -m": (["hydra.mode=MULTIRUN", "seed=1,2"], [1, 2], {}),
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
    assert said.out == ""
    assert instead in said.err
    assert "Traceback" not in said.err
    assert "Error executing job" not in said.err  # Hydra's own line, which says nothing
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(("arguments", "seeds", "runtime"), TAKEN.values(), ids=TAKEN.keys())
def test_what_is_taken_does_what_it_says(
    arguments: list[str], seeds: list[int], runtime: dict[str, Any]
) -> None:
    configs = configs_of([*arguments, "data=danoise", "logger=none"])
    assert [config.seed for config in configs] == seeds
    for config in configs:
        assert {
            name: reduce(getattr, name.split("."), config.runtime) for name in runtime
        } == runtime


def test_every_setting_that_is_taken_has_its_case() -> None:
    given = {text.partition("=")[0] for text in OF_SLURM}
    assert given == LAUNCHERS["submitit_slurm"].keys()
    assert {f"ray.{text.partition('=')[0]}" for text in OF_RAY} == LAUNCHERS["ray"].keys()


def test_the_keys_do_not_depend_on_the_launcher() -> None:
    def keys(*arguments: str) -> list[str]:
        return [key_of(c.scientific()) for c in configs_of(["-m", "seed=1,2", *arguments])]

    assert keys("hydra/launcher=joblib", "hydra.launcher.n_jobs=2") == keys()


@pytest.mark.parametrize(
    "asked",
    ["+runtime.strategy=ddp", "+trainer.strategy=ddp", "trainer.devices=2", "+trainer.num_nodes=2"],
)
@pytest.mark.parametrize("sweep", [["-m", "seed=0,1"], []], ids=["sweep", "one run"])
def test_ddp_is_refused_with_its_reason(
    asked: str, sweep: list[str], place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*sweep, asked, "data=danoise"]) == 2
    said = capfd.readouterr().err
    assert said.startswith(f"{asked}: a run is one process on one device")
    assert "gain nothing from DDP" in said
    assert "runtime.seeds_per_process=N" in said
    assert "runtime.workers=N" in said
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("name", ["WORLD_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_one_of_several_copies_of_the_command_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "2")
    assert main(["data=danoise"]) == 2
    assert f"{name}=2: a run is one process on one device" in capfd.readouterr().err
    monkeypatch.setenv(name, "1")
    assert len(configs_of(["data=danoise"])) == 1


def in_a_file(place: Path, group: str, choice: str, *arguments: str) -> list[str]:
    """Write a config that chooses an own launcher or sweeper; return how to run it."""
    (place / "hydra" / group).mkdir(parents=True)
    (place / "hydra" / group / "mine.yaml").write_text("_target_: mine.Mine\nn_jobs: 1\n")
    (place / "mine.yaml").write_text(
        f"defaults: [config, {{override hydra/{group}: {choice}}}, _self_]\n"
        + ("hydra: {launcher: {n_jobs: 2}}\n" if group == "launcher" else "")
    )
    return ["--config-dir", str(place), "--config-name", "mine", *arguments]


@pytest.mark.parametrize("sweep", [["-m", "seed=0,1"], []], ids=["sweep", "one run"])
def test_in_a_file_a_launcher_is_known_and_one_of_others_is_refused(
    sweep: list[str], place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    configs = configs_of(in_a_file(place, "launcher", "joblib", *sweep))
    assert {config.runtime.workers for config in configs} == {2}
    rmtree(place / "hydra")
    assert main(in_a_file(place, "launcher", "mine", *sweep)) == 2
    assert "hydra/launcher=mine: it can be basic, joblib" in capfd.readouterr().err


@pytest.mark.parametrize("sweep", [["-m", "seed=0,1"], []], ids=["sweep", "one run"])
def test_in_a_file_a_sweeper_of_others_is_refused(
    sweep: list[str], place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*in_a_file(place, "sweeper", "mine", *sweep), "data=danoise"]) == 2
    said = capfd.readouterr().err
    assert said.startswith("hydra/sweeper=mine: ")
    assert "choose from `python -m dan_bench.report`" in said


def test_a_search_path_of_nothing_in_a_file_is_refused(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "defaults: [config, _self_]\nhydra: {searchpath: [nonsense]}\n"
    (place / "mine.yaml").write_text(text)
    there = ["--config-dir", str(place), "--config-name", "mine", "data=danoise"]
    assert main(there) == 2
    assert "there is no 'file://nonsense'" in capfd.readouterr().err
    (place / "nonsense").mkdir()
    assert len(configs_of(there)) == 1


def test_nothing_of_this_is_seen_by_a_program_that_only_composes_configs() -> None:
    """Another program of Hydra's that uses this package keeps its own launchers."""
    script = """
from dan_bench.config.compose import configure
from hydra.core.config_store import ConfigStore
configure(["data=danoise"])
stored = ConfigStore.instance()
print(stored.list("hydra/launcher"), stored.load("hydra/sweeper/basic.yaml").node._target_)
"""
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert said == "['basic.yaml'] hydra._internal.core_plugins.basic_sweeper.BasicSweeper\n"
