"""A config that is filled in is what Hydra composes, of whatever kind the values are."""

from collections.abc import Sequence
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.types import HydraContext, RunMode

from dan_bench.config.compose import configure, expand, plain_values
from dan_bench.config.schema import CONF, ConfigError
from dan_bench.config.template import Template
from dan_bench.results.record import key_of, keys_of

SWEEPS = [
    ["model=dan,infodan", "data=danoise,mnist", "seed=range(0,3)", "noise_dim=16,784"],
    ["optimizer.degenerator.lr=1e-4,2e-4", "optimizer.discriminator.lr=1,1.0", "seed=1,2"],
    ["evaluation.candidates=64,128", "seed=0,1", "trainer.gradient_clip=null,0.5"],
    ["data=danoise", "data.shape=[6,6],[8,8]", "seed=3,4"],  # lists
    ["data=danoise", "data.seed=7,9", "seed=3,4"],  # in place of an interpolation
    ["data=danoise", "data.seed=7,${noise_dim}", "noise_dim=5,6"],  # a new interpolation
    ["data=mnist", "runtime.datasets=/a,/b", "data.root=/c,${runtime.datasets}"],
    ["optimizer.degenerator={_target_:torch.optim.SGD,lr:0.1},{lr:0.2}", "seed=0,1"],  # merged
    ["end_to_end=true,false", "runtime.checkpoint_every=0", "output=sigmoid,torus"],
    ["logger=none,wandb", "seed=0,1", "algorithm1={rows:10,cool_down:0},null"],
    ["logger.project=a,'b c'", "~evaluation.attacks.label", "+sweep=default", "seed=5,6"],
    ["+evaluation.metrics.more={_target_:dan_bench.metrics.entropy.shannon_bits}", "seed=0,1"],
    # each in its turn
    ["seed=3,4", "++seed=5"],
    ["++seed=5", "seed=3,4"],
    ["model.scale=1,2", "~model.scale"],
    ["optimizer.degenerator.lr=0.2,0.3", "optimizer={degenerator:{lr:0.1}}"],
    ["model=dcdan", "output=sigmoid,torus", "seed=0,1"],  # a value that depends on another
    # of a container that changes, and in a list
    ["+data.foo=${trainer}", "trainer.max_steps=5,6"],
    ["+data.foo=[0,{a:${trainer.max_steps}}]", "trainer.max_steps=5,6"],
]


def jobs_of(arguments: Sequence[str]) -> tuple[list[list[str]], list[dict[str, Any]]]:
    """Every job's overrides, and what our sweeper makes of them."""
    from hydra_plugins.dan_bench_grids import GridSweeper

    with initialize_config_dir(str(CONF), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        whole = loader.load_configuration("config", list(arguments), RunMode.MULTIRUN)
        sweeper = GridSweeper(whole.hydra.sweeper.grids)
        context = HydraContext(config_loader=loader, callbacks=Callbacks())
        sweeper.setup(hydra_context=context, task_function=lambda _: None, config=whole)
        jobs = sweeper.expand(list(arguments))
        return jobs, [sweeper.values(job) for job in jobs]


@pytest.mark.parametrize("arguments", SWEEPS, ids=lambda of: of[0])
def test_it_is_what_hydra_composes(arguments: list[str]) -> None:
    jobs, filled = jobs_of(arguments)
    assert len(jobs) >= 2
    every = max(1, len(jobs) // 12)  # Hydra takes its time
    with initialize_config_dir(str(CONF), version_base="1.3"):
        for job, values in list(zip(jobs, filled, strict=True))[::every]:
            composed = plain_values(compose("config", list(job)))
            assert repr(values) == repr(composed)  # 1 is not 1.0, and the order is the same


def test_a_value_that_depends_on_another_can_still_be_given() -> None:
    jobs = expand(["model=dcdan", "output=sigmoid,torus"])
    assert [job.model.arguments["scale"] for job in jobs] == [1.0, 2.0]
    given = expand(["model=dcdan", "output=sigmoid,torus", "model.scale=3"])
    assert [job.model.arguments["scale"] for job in given] == [3, 3]
    with pytest.raises(ConfigError, match=r"^output='ring': .*'sigmoid' or 'torus'$"):
        configure(["model=dcdan", "output=ring"])


def test_what_two_configs_share_is_one_object_and_what_differs_is_not() -> None:
    configs = expand(["model=dan,gan", "data=danoise", "seed=0,1", "noise_dim=4,5"])
    assert len(configs) == 8
    assert len({id(config.evaluation) for config in configs}) == 2  # of either model
    assert sorted({(c.seed, c.data.arguments["seed"]) for c in configs}) == [(0, 0), (1, 1)]
    assert {c.noise_dim for c in configs} == {4, 5}
    for config in configs:
        alone = [f"model={config.model.name}", "data=danoise", f"seed={config.seed}"]
        assert config == configure([*alone, f"noise_dim={config.noise_dim}"])


@pytest.mark.parametrize("arguments", SWEEPS[:5] + SWEEPS[9:12], ids=lambda of: of[0])
def test_keys_that_are_made_together_are_the_keys(arguments: list[str]) -> None:
    configs = expand(arguments)
    assert keys_of(configs) == [key_of(config.scientific()) for config in configs]


def test_1_and_true_and_1_0_are_not_taken_for_each_other() -> None:
    template = Template({"a": {"b": 0, "c": 2}, "of": "${a.b}"})
    made = [template.filled({"a.b": value}) for value in (1, True, 1.0, "1")]
    assert [repr(values["a"]["b"]) for values in made] == ["1", "True", "1.0", "'1'"]
    assert [repr(values["of"]) for values in made] == ["1", "True", "1.0", "'1'"]
    assert template.filled({}) == {"a": {"b": 0, "c": 2}, "of": 0}


def test_what_is_refused_is_refused_with_the_same_words() -> None:
    for bad in ("noise_dim=-1", "trainer.max_steps=none", "evaluation.samples=[1]"):
        with pytest.raises(ConfigError) as alone:
            configure([bad])
        with pytest.raises(ConfigError) as swept:
            expand([bad, "seed=0,1"])
        assert str(swept.value) == str(alone.value)
