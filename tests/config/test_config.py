"""What the command line accepts, what it refuses, and what makes two runs the same run.

The refusals are checked in this process, through the functions that the command line itself goes
through; a few real command lines show that exit code and stderr are what these functions say.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import HydraContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf.errors import OmegaConfBaseException

from dan_bench.config.command_line import reason
from dan_bench.config.compose import configure
from dan_bench.config.schema import CONF, RENAMED, ConfigError, RunConfig, first_names
from dan_bench.pipeline.own_data import identify
from dan_bench.pipeline.plan import Plan, check, plan
from dan_bench.results.record import key_of

REPOSITORY = Path(__file__).resolve().parents[2]
DATASETS = f"runtime.datasets={REPOSITORY / 'datasets'}"


def choices(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


MODELS = ["model", *choices("model")]
REFUSED: dict[str, tuple[list[str], list[str]]] = {
    "an unknown model": (["model=foo"], ["model/foo", *choices("model")]),
    "an unknown objective": (["objective=foo"], ["objective/foo", *choices("objective")]),
    "an unknown data set": (["data=foo"], ["data/foo", *choices("data")]),
    "an unknown logger": (["logger=foo"], ["logger/foo", *choices("logger")]),
    "an unknown output": (["output=foo"], ["output", "'foo'", "'sigmoid' or 'torus'"]),
    "a batch of less than none": (["trainer.batch_size=-3"], ["trainer.batch_size=-3", "than 0"]),
    "steps that are no number": (["trainer.max_steps=x"], ["trainer.max_steps='x'", "integer"]),
    "a name with a slip": (
        ["trainer.max_step=3"],
        ["trainer.max_step", "max_steps", "batch_size", "discriminator_steps", "precision"],
    ),
    "an unknown argument of a part": (
        ["+model.hiden=[3]"],
        ["model.hiden", "degenerator_hidden", "discriminator_hidden", "input", "scale"],
    ),
    "a target that is not there": (
        ["model._target_=dan_bench.models.dan.Dann"],
        ["model._target_=dan_bench.models.dan.Dann"],
    ),
    "fewer rows than a metric needs": (
        ["evaluation.samples=50"],
        ["evaluation.samples=50", "joint_bits", "at least 1000"],
    ),
    "fewer rows than candidates": (
        ["evaluation.samples=1001"],
        ["evaluation.samples=1001", "at least 1024"],
    ),
    "more rows than are held out": (
        ["evaluation.samples=20000", "data=mnist"],
        ["evaluation.samples=20000", "mnist", "10000"],
    ),
    "less than no noise": (["noise_dim=-1"], ["noise_dim=-1", "equal to 0"]),
    "a seed below 0": (["seed=-1"], ["seed=-1", "equal to 0"]),
    "a GAN on the torus": (["model=gan", "output=torus"], ["gan", "output=torus", "sigmoid"]),
    "a GAN without noise": (["model=gan", "noise_dim=0"], ["gan", "noise_dim=0", "at least 1"]),
    "a blind network without noise": (
        ["model.input=noise", "noise_dim=0"],
        ["input=noise", "noise_dim=0", "at least 1"],
    ),
    "an input that there is not": (
        ["model.input=foo"],
        ["model.input='foo'", "data_and_noise", "noise"],
    ),
    "learning backwards": (
        ["optimizer.degenerator.lr=-1"],
        ["optimizer.degenerator", "learning rate", "-1"],
    ),
    "Slurm's settings without Slurm": (
        ["runtime.slurm.time=5"],
        ["runtime.slurm", "runtime.executor=slurm"],
    ),
    "Ray's settings without Ray": (["runtime.ray.num_gpus=1"], ["runtime.executor=ray"]),
    "a seed without a value": (["seed=???"], ["seed=???: the value is missing, type seed=VALUE"]),
    "no rate": (["optimizer.degenerator.lr=???"], ["type optimizer.degenerator.lr=VALUE"]),
    "data without a seed": (["data=danoise", "seed=???"], ["seed=???: the value is missing"]),
    "a folder without a root": (["data=folder"], ["type data.root=VALUE"]),
    "a folder that is not there": (
        ["data=folder", "data.root=/nonexistent"],
        ["data.root=/nonexistent", "data.root=DIR"],
    ),
}


@pytest.mark.parametrize(("overrides", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_is_refused_by_name_with_what_would_be_accepted(
    overrides: list[str],
    words: list[str],
    tmp_path: Path,
) -> None:
    results = tmp_path / "results"
    with pytest.raises((HydraException, OmegaConfBaseException, ConfigError)) as refused:
        check([identify(configure([*overrides, DATASETS, f"runtime.results={results}"]))])
    said = reason(refused.value)
    assert [word for word in words if word not in said] == [], said
    assert not results.exists()


def test_all_that_is_wrong_with_several_jobs_is_said_at_once() -> None:
    good = configure(["model=dan", "data=danoise"])
    bad = [configure(["model=gan", "data=danoise", o]) for o in ("output=torus", "noise_dim=0")]
    with pytest.raises(ConfigError) as refused:
        check([bad[0], good, bad[1]])
    assert "output=torus" in str(refused.value)
    assert "noise_dim=0" in str(refused.value)


def train(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dan_bench.train", *arguments, DATASETS]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["model=foo"], choices("model")),
        (["trainer.max_step=3"], ["max_steps"]),
        (["-m", "data=danoise", "seed=0,1,-1"], ["seed=-1"]),
        # the only one of these whose fault is found by making the parts: it imports torch
        (["-m", "data=danoise", "model=dan,gan", "output=torus"], ["gan", "output=torus"]),
    ],
    ids=["group", "name", "sweep-value", "sweep-combination"],
)
def test_the_command_line_ends_with_code_2_and_has_run_nothing(
    arguments: list[str], words: list[str], tmp_path: Path
) -> None:
    ended = train(*arguments, folder=tmp_path)
    assert ended.returncode == 2
    assert [word for word in words if word not in ended.stderr] == [], ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["--version"]], ids=" ".join)
def test_looking_at_the_config_imports_no_torch(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "dan_bench.train", *arguments]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    imported = {
        line.rsplit("|", 1)[1].strip()
        for line in ended.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert ended.returncode == 0
    assert ended.stdout
    assert "hydra" in imported  # the list is not empty for another reason
    assert imported.isdisjoint({"torch", "pytorch_lightning", "wandb", "numpy", "scipy"})
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_choice_and_every_value(tmp_path: Path) -> None:
    said = train("--help", folder=tmp_path).stdout
    groups = [path.name for path in CONF.iterdir() if path.is_dir()]
    assert len(groups) >= 6
    assert [name for group in groups for name in choices(group) if name not in said] == []
    for name in ("max_steps", "noise_dim", "results", "Exit code"):
        assert name in said


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for data=folder."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "letter.txt").write_bytes(bytes(range(256)) * 40)
    return folder


def files() -> list[tuple[str, str]]:
    return [
        (path.parent.name, path.stem)
        for path in sorted(CONF.glob("*/*.yaml"))
        if path.parent.name != "sweep"
    ]


@pytest.mark.parametrize(("group", "choice"), files())
def test_every_choice_composes_and_can_be_planned(group: str, choice: str, pictures: Path) -> None:
    overrides = [f"{'+' if group == 'experiment' else ''}{group}={choice}"]
    if (group, choice) == ("data", "folder") or choice.startswith("photos"):
        overrides.append(f"data.root={pictures}")
    planned = plan(configure(overrides))
    assert isinstance(planned, Plan)
    if group in ("model", "data", "objective"):
        assert getattr(planned.config, group).name == choice


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("model=dann", "model=dan"),
        ("+experiment=quik", "experiment=quick"),
        ("modle=dan", "model"),
        ("trainer.maxsteps=3", "trainer.max_steps"),
    ],
)
def test_what_was_meant_perhaps_stands_before_all_that_there_is(wrong: str, meant: str) -> None:
    with pytest.raises((HydraException, OmegaConfBaseException)) as refused:
        configure([wrong])
    first, *others = reason(refused.value).splitlines()
    assert first.startswith(f"did you mean {meant}")
    assert any("max_steps" in line or "quick" in line or "dan" in line for line in others)


def test_no_file_of_conf_is_left_out() -> None:
    known = {CONF / group / f"{choice}.yaml" for group, choice in files()}
    known |= set((CONF / "sweep").glob("*.yaml")) | {CONF / "config.yaml"}
    # every entry of every preset is made in tests/table1
    known |= set((CONF / "table1").glob("*/*.yaml")) | {CONF / "table1.yaml"}
    assert known == set(CONF.rglob("*.yaml"))


def test_every_experiment_says_something() -> None:
    for name in choices("experiment"):
        root = ["data.root=."] if name.startswith("photos") else []
        key = key_of(configure([f"+experiment={name}", *root]).scientific())
        assert key != key_of(configure().scientific()), name


def jobs_of(arguments: Sequence[str], composed: bool = True) -> list[Any]:
    """What `python -m dan_bench.train -m ARGUMENTS` would run."""
    from hydra._internal.callbacks import Callbacks
    from hydra_plugins.dan_bench_grids import GridSweeper

    with initialize_config_dir(str(CONF), version_base="1.3"):
        whole = compose("config", list(arguments), return_hydra_config=True)
        loader = GlobalHydra.instance().config_loader()
        sweeper = GridSweeper(whole.hydra.sweeper.grids)
        context = HydraContext(config_loader=loader, callbacks=Callbacks())
        sweeper.setup(hydra_context=context, task_function=lambda _: None, config=whole)
        jobs = sweeper.expand(list(arguments))
        return [RunConfig.parse(sweeper.values(j)) for j in jobs] if composed else jobs


@pytest.mark.parametrize("sweep", choices("sweep"))
def test_every_job_of_every_sweep_can_be_planned(sweep: str) -> None:
    # an axis named on the command line replaces the grids' own: one seed is enough here
    configs = jobs_of([f"+sweep={sweep}", "seed=7"])
    assert configs
    assert {config.seed for config in configs} == {7}
    for config in configs:
        plan(config)


def test_the_default_sweep_is_models_and_controls_on_two_data_sets_over_seeds() -> None:
    jobs = jobs_of(["+sweep=default"], composed=False)
    axes = [dict(override.split("=") for override in job) for job in jobs]
    assert {"dan", "gan", "untrained", "python_random", "identity"} <= {a["model"] for a in axes}
    assert {a["data"] for a in axes} == {"danoise", "mnist"}
    for model in {a["model"] for a in axes}:
        assert {a["seed"] for a in axes if a["model"] == model} >= {"0", "1", "2"}


def key(*overrides: str) -> str:
    return key_of(configure(overrides).scientific())


MANY = ["model=gan", "data=danoise", "objective=hinge", "noise_dim=5", "seed=3", "trainer={}"]
MANY[-1] = "trainer.max_steps=9"


@given(st.permutations(MANY))
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_the_key_does_not_depend_on_the_order_of_overrides(overrides: list[str]) -> None:
    assert key(*overrides) == key(*MANY)


@pytest.mark.parametrize(
    "override",
    [
        "runtime.results=/elsewhere",
        "runtime.datasets=/elsewhere",
        "runtime.accelerator=auto",
        "runtime.threads=2",
        "runtime.workers=7",
        "runtime.log_every=3",
        "runtime.checkpoint_every=10",
        "runtime.keep_samples=1",
        "runtime.progress=quiet",
        "logger=none",
        "logger=csv",
        "logger.project=elsewhere",
        "data.root=/elsewhere",
    ],
)
def test_the_key_does_not_depend_on_where_it_runs(override: str) -> None:
    assert key("data=mnist", override) == key("data=mnist")


def test_a_target_makes_one_key_under_all_of_its_names() -> None:
    for earlier, present in RENAMED.items():
        assert first_names({"_target_": earlier}) == first_names({"_target_": present})
        assert first_names(present) in RENAMED


def leaves(values: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(values, dict):
        return [path]
    return [leaf for name, inner in values.items() for leaf in leaves(inner, (*path, name))]


WITHIN = {
    "output": "torus",
    "noise": "uniform",
    "precision": "64-true",
    "kind": "untrained",
    "gradient_clip": 1.0,
    "algorithm1": {"rows": 5, "cool_down": 0},
}
"""Another allowed value, where not every value of the kind is."""


def another(name: str, value: Any) -> Any:
    if name in WITHIN:
        return WITHIN[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2 or 0.5
    return [*value, 1] if isinstance(value, list) else f"{value}x"


def changed(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    first, *rest = path
    inner = values[first]
    return {
        **values,
        first: changed(inner, tuple(rest)) if rest else another(first, inner),
    }


LEARNED = configure(["model=dan", "data=danoise"])
WHOLE = LEARNED.model_dump(mode="json", by_alias=True)


@pytest.mark.parametrize(
    "path", [p for p in leaves(WHOLE) if p[0] not in ("runtime", "logger")], ids=".".join
)
def test_the_key_of_a_trained_run_depends_on_every_other_value(path: tuple[str, ...]) -> None:
    other = RunConfig.parse(changed(WHOLE, path))
    assert key_of(other.scientific()) != key_of(LEARNED.scientific())


def test_the_key_depends_on_what_is_in_a_folder_and_not_on_where_it_lies(
    pictures: Path, tmp_path: Path
) -> None:
    def of(root: Path) -> str:
        config = identify(configure(["data=folder", "data.kind=bytes", f"data.root={root}"]))
        return key_of(config.scientific())

    (tmp_path / "letter.txt").write_bytes((pictures / "letter.txt").read_bytes())
    assert of(tmp_path) == of(pictures)
    (tmp_path / "letter.txt").write_bytes(bytes(10_000))
    assert of(tmp_path) != of(pictures)


TRAINING = ["objective=hinge", "optimizer.degenerator.lr=0.5", "trainer.max_steps=3"]
NETWORK = ["output=torus", "noise_dim=3"]


@pytest.mark.parametrize("override", TRAINING + NETWORK)
def test_a_control_has_no_network_and_no_training(override: str) -> None:
    assert key("model=identity", override) == key("model=identity")


def test_an_untrained_network_has_no_training() -> None:
    assert {key("model=untrained", override) for override in TRAINING} == {key("model=untrained")}


@pytest.mark.parametrize("override", NETWORK)
def test_an_untrained_network_is_a_network(override: str) -> None:
    assert key("model=untrained", override) != key("model=untrained")


def test_an_untrained_network_is_not_a_trained_one() -> None:
    assert key("model=untrained") != key("model=dan")


def test_a_config_cannot_be_changed_once_it_is_checked() -> None:
    config: RunConfig = configure()
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3
