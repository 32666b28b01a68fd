"""`runtime.seeds_per_process`: which runs of a sweep are trained as one, and that they are."""

import json
from pathlib import Path

import pytest
from sweeps import Workplace
from tiny_runs import SMALL

from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError, RunConfig
from dan_bench.results.record import key_of
from dan_bench.sweep.seeds import alike, notes


def keyed(*runs: list[str], size: int = 3, accelerator: str = "gpu") -> dict[str, RunConfig]:
    words = [f"runtime.seeds_per_process={size}", f"runtime.accelerator={accelerator}"]
    configs = [configure([*SMALL, *words, *run]) for run in runs]
    return {key_of(config.scientific()): config for config in configs}


def lists(configs: dict[str, RunConfig]) -> list[list[tuple[str, int]]]:
    return [[(c.model.name, c.seed) for c in one.values()] for one in alike(configs)]


def test_runs_that_differ_in_their_seed_alone_are_trained_as_one() -> None:
    models = ("dan", "gan")
    configs = keyed(*([f"model={m}", f"seed={s}"] for s in range(5) for m in models))
    assert sorted(lists(configs)) == [
        [("dan", 0), ("dan", 1), ("dan", 2)],
        [("dan", 3), ("dan", 4)],
        [("gan", 0), ("gan", 1), ("gan", 2)],
        [("gan", 3), ("gan", 4)],
    ]


@pytest.mark.parametrize(
    "setting",
    ["trainer.max_steps=21", "noise_dim=60", "output=torus", "runtime.log_every=7", "data.seed=9"],
)
def test_runs_that_differ_in_anything_else_are_not(setting: str) -> None:
    configs = keyed(["seed=0"], ["seed=1", setting])
    assert lists(configs) == [[("dan", 0)], [("dan", 1)]]


def test_by_default_every_run_is_a_process_of_its_own() -> None:
    configs = {s: configure([*SMALL, f"seed={s}"]) for s in range(3)}
    assert lists({str(seed): config for seed, config in configs.items()}) == [
        [("dan", seed)] for seed in range(3)
    ]
    assert notes({"any": configs[0]}) == []


ALONE = [
    (["model=python_random"], "model=python_random trains nothing"),
    (["model=untrained"], "model=untrained trains nothing"),
    (["end_to_end=true", "runtime.checkpoint_every=0"], "end_to_end=true"),
    (["algorithm1={rows:50,cool_down:0}"], "Algorithm 1"),
    (
        ["optimizer.discriminator={_target_:torch.optim.LBFGS}"],
        "optimizer.discriminator is not one that treats each weight by itself",
    ),
]


@pytest.mark.parametrize(("words", "reason"), ALONE)
def test_what_cannot_be_trained_together_is_carried_out_alone_and_that_is_said_once(
    words: list[str], reason: str
) -> None:
    configs = keyed(*([*words, f"seed={seed}"] for seed in range(3)), ["seed=0"], ["seed=1"])
    found = lists(configs)
    assert sorted(map(len, found)) == [1, 1, 1, 2]
    (line,) = notes(configs)
    assert line.startswith("runtime.seeds_per_process=3: a run is carried out alone where ")
    assert reason in line


def test_on_a_cpu_it_is_said_that_nothing_is_gained() -> None:
    (line,) = notes(keyed(["seed=0"], ["seed=1"], accelerator="cpu"))
    assert line == "runtime.seeds_per_process=3 saves no time on a CPU (docs/scale.md)"


def test_no_seed_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="seeds_per_process"):
        configure([*SMALL, "runtime.seeds_per_process=0"])


def test_a_sweep_trains_three_seeds_as_one_and_leaves_three_runs(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    words = [word for word in SMALL if not word.startswith("trainer.max_steps")]
    arguments = ["-m", *words, "trainer.max_steps=30", "seed=0,1,2,3", "model=dan,untrained"]
    arguments += ["runtime.seeds_per_process=3", "runtime.log_every=10"]
    code, out, err = place.train(*arguments)
    assert code == 0, err
    assert err.count("warning: ") == 2, err
    records, damaged = place.store.all()
    assert not damaged
    assert len(records) == 8
    assert {record.status for record in records} == {"done"}
    trained = [record for record in records if record.config["model"]["name"] == "dan"]
    together = {
        r.config["seed"]: r.provenance.get("trained_as_one", {}).get("seeds") for r in trained
    }
    assert together == {0: 3, 1: 3, 2: 3, 3: None}
    assert "8 done, 8 run, 0 failed" in out
    again, out, _ = place.train(*arguments)
    assert (again, "8 done, 0 run, 0 failed" in out) == (0, True)
    configs = [json.dumps(record.config, sort_keys=True) for record in records]
    assert len(set(configs)) == 8
