"""The schema of a run's config, whose values stand in conf/.

A *part* is whatever can be exchanged: a model, a data set, an objective, a metric, an attack. Its
config names a target, `_target_: package.module.thing`, and the arguments of that target.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from dan_bench.cli import InputError, user_path

PACKAGE = Path(__file__).resolve().parents[1]
CONF = next(path for path in (PACKAGE.parent / "conf", PACKAGE / "conf") if path.is_dir())


RENAMED = {
    "dan_bench.metrics.min_entropy.sample.min_entropy_bits": (
        "dan_bench.metrics.min_entropy.min_entropy_bits"
    ),
    "dan_bench.metrics.randomness.sample.sp800_22_worst": (
        "dan_bench.metrics.sp800_22.sp800_22_worst"
    ),
    "dan_bench.table1.vgg.Vgg": "dan_bench.table1.imagenet.Vgg",
    "dan_bench.table1.inception.Inception": "dan_bench.table1.mp3.Inception",
    "dan_bench.table1.subjects.vgg.Vgg": "dan_bench.table1.imagenet.Vgg",
    "dan_bench.table1.subjects.inception.Inception": "dan_bench.table1.mp3.Inception",
    "dan_bench.table1.subjects.alphago.AlphaGo": "dan_bench.table1.go.AlphaGo",
    "dan_bench.table1.subjects.dan.Dan": "dan_bench.table1.dan.Dan",
    "dan_bench.table1.subjects.tools.Program": "dan_bench.table1.tools.Program",
    "dan_bench.table1.subjects.tools.TruncateAndRewrite": (
        "dan_bench.table1.tools.TruncateAndRewrite"
    ),
    "dan_bench.table1.boards.MnistFiles": "dan_bench.table1.go.MnistFiles",
    "dan_bench.table1.danoise.DanoiseFiles": "dan_bench.table1.dan.DanoiseFiles",
    "dan_bench.tracking.WandbSink": "dan_bench.loggers.wandb.WandbSink",
    "dan_bench.tracking.TensorBoardSink": "dan_bench.loggers.files.TensorBoardSink",
    "dan_bench.tracking.CsvSink": "dan_bench.loggers.files.CsvSink",
    "dan_bench.loggers.WandbSink": "dan_bench.loggers.wandb.WandbSink",
    "dan_bench.loggers.TensorBoardSink": "dan_bench.loggers.files.TensorBoardSink",
    "dan_bench.loggers.CsvSink": "dan_bench.loggers.files.CsvSink",
    "dan_bench.attacks.label.Label": "dan_bench.attacks.recovery.Label",
    "dan_bench.attacks.reconstruction.Reconstruction": "dan_bench.attacks.recovery.Reconstruction",
    "dan_bench.attacks.dictionary.Dictionary": "dan_bench.attacks.recovery.Dictionary",
    "dan_bench.attacks.rehearsal.Rehearsal": "dan_bench.attacks.recovery.Rehearsal",
    "dan_bench.attacks.dial.Dial": "dan_bench.attacks.comparisons.Dial",
    "dan_bench.data.fashion_mnist.FashionMnist": "dan_bench.data.mnist.FashionMnist",
}
"""Targets that have moved, by earlier names; of several, keys and records know the last."""
FIRST_NAMES = {new: old for old, new in RENAMED.items()}


def first_names(value: Any) -> Any:
    """Return nested containers with each target under its first name, so that keys stay."""
    if isinstance(value, dict):
        return {name: first_names(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [first_names(inner) for inner in value]
    return FIRST_NAMES.get(RENAMED.get(value, value), value) if isinstance(value, str) else value


class ConfigError(InputError):
    """A config that cannot be run; the message names the value and what would be accepted."""


def as_path(value: object) -> Path:
    """Return a text as a path with `~` and `$NAME` expanded, and a path as it is."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a path; one with brackets or commas is typed 'NAME=\"PATH\"'")
    return user_path(value)


UserPath = Annotated[Path, BeforeValidator(as_path)]


Known = dict[tuple[str, int], tuple[dict[str, Any], BaseModel]]
"""Parts of configs that were checked, by name and identity; each is kept, so that it stays it."""


class Strict(BaseModel):
    """A frozen model without unknown names."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @classmethod
    def parse(cls, values: Mapping[str, Any], known: Known | None = None) -> Self:
        """Check plain containers and return the model.

        Args:
            values: by name.
            known: parts that were checked before, to which these are added. A part that several
                configs have as one object is then checked once, and is one object in all of them.

        Raises:
            ConfigError: with a line for each value that will not do.
        """
        if known is not None:
            values = {**values, **dict(cls._parts(values, known))}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError("\n".join(missing(values)) or explain(error)) from error

    @classmethod
    def _parts(cls, values: Mapping[str, Any], known: Known) -> Iterator[tuple[str, BaseModel]]:
        """Yield those parts that are models of their own, checked; a bad one is left out."""
        for name, field in cls.model_fields.items():
            part, kind = values.get(name), field.annotation
            if isinstance(part, dict) and isinstance(kind, type) and issubclass(kind, BaseModel):
                if (name, id(part)) not in known:
                    try:
                        known[name, id(part)] = part, kind.model_validate(part)
                    except ValidationError:
                        continue
                yield name, known[name, id(part)][1]


class Part(Strict):
    """Something exchangeable: a target and its arguments."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)
    target: str = Field(alias="_target_")

    @property
    def arguments(self) -> dict[str, Any]:
        """All that the target is called with, apart from what the program itself provides."""
        return dict(self.__pydantic_extra__ or {})


class NamedPart(Part):
    """A part that the tables know by a name; it is a wandb tag, too, and in names of files."""

    name: str = Field(max_length=64, pattern=r"^[^\s/]+$")


class Model(NamedPart):
    """A model or a control."""

    kind: Literal["learned", "untrained", "control"]


class Optimizers(Strict):
    """One optimiser for each network."""

    degenerator: Part
    discriminator: Part


class Training(Strict):
    """How long and how the networks are trained."""

    max_steps: PositiveInt
    batch_size: PositiveInt
    discriminator_steps: PositiveInt
    freeze_degenerator: bool
    gradient_clip: PositiveFloat | None
    ema_decay: float = Field(ge=0, lt=1)
    precision: Literal["32-true", "64-true", "bf16-mixed"]


class Evaluation(Strict):
    """What is measured, on how much, and what the attackers may spend."""

    samples: PositiveInt
    known: PositiveInt
    candidates: int = Field(1024, ge=2)
    metrics: dict[str, Part]
    c2st: Part | None
    certificate: Part | None = None
    attacks: dict[str, Part]
    comparisons: dict[str, Part] = {}


class SlurmSettings(Strict):
    """What a job of Slurm is given, and how it is started."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    time: PositiveInt = 60
    memory: PositiveFloat = 4
    cpus: NonNegativeInt = 0
    gpus: NonNegativeInt = 0
    array_parallelism: PositiveInt = 256
    signal_delay: PositiveInt = 90
    setup: tuple[str, ...] = ()
    options: dict[str, str | int | bool] = {}

    @model_validator(mode="after")
    def _leave_time_to_work(self) -> Self:
        if self.signal_delay + 60 > 60 * self.time:
            raise ValueError(
                f"time={self.time} minutes with signal_delay={self.signal_delay}: a job would be "
                "told to stop as it begins; time must be longer by a minute at least"
            )
        return self


class RaySettings(Strict):
    """Which cluster of Ray's a sweep uses, and what is set aside there for each run."""

    address: str | None = None
    num_cpus: PositiveFloat | None = None
    num_gpus: NonNegativeFloat = 0


class Runtime(Strict):
    """Where and on what it runs; no result depends on it."""

    results: UserPath
    datasets: UserPath
    accelerator: Literal["cpu", "gpu", "auto"]
    threads: PositiveInt
    workers: NonNegativeInt
    seeds_per_process: PositiveInt = 1
    executor: Literal["local", "slurm", "ray"] = "local"
    retries: NonNegativeInt = 1
    slurm: SlurmSettings = SlurmSettings()
    ray: RaySettings = RaySettings()
    log_every: PositiveInt
    log_gradients: bool = False
    checkpoint_every: NonNegativeInt | Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?s$")]
    keep_samples: PositiveInt
    keep_inputs: bool | None = None
    snapshots: tuple[NonNegativeInt, ...] = ()
    progress: Literal["auto", "plain", "quiet", "json"]

    @model_validator(mode="after")
    def _settings_are_of_the_executor(self) -> Self:
        for name, of in (("slurm", self.slurm), ("ray", self.ray)):
            if self.executor != name and of != type(of)():
                raise ValueError(
                    f"runtime.{name} is set, and runtime.executor={self.executor} does not use it; "
                    f"type runtime.executor={name} too, or leave it out"
                )
        return self


class Algorithm1Config(Strict):
    """The paper's Algorithm 1 around the training: how much data, and how long to wait."""

    rows: PositiveInt
    cool_down: NonNegativeFloat


class RunConfig(Strict):
    """One run."""

    model: Model
    data: NamedPart
    objective: NamedPart
    output: Literal["sigmoid", "torus"]
    noise_dim: NonNegativeInt
    noise: Literal["gaussian", "uniform"]
    seed: NonNegativeInt
    end_to_end: bool = False
    algorithm1: Algorithm1Config | None = None
    optimizer: Optimizers
    trainer: Training
    evaluation: Evaluation
    logger: NamedPart | None
    runtime: Runtime

    part: ClassVar[str] = "runs"
    """The folder of the results in which such runs leave their records."""
    task: ClassVar[str] = "dan_bench.pipeline.plan.plan_run"
    """Returns such a run ready to begin: a `dan_bench.pipeline.plan.PlannedRun`."""

    @property
    def kind(self) -> str:
        """Runs of one kind are expected to take equally long, but for the number of steps."""
        return f"{self.model.name} {self.data.name}"

    @property
    def steps(self) -> int:
        """Training steps; 0 where nothing is trained."""
        return self.trainer.max_steps if self.model.kind == "learned" else 0

    def scientific(self) -> dict[str, Any]:
        """Return what the result depends on, as plain containers: no path, device or logger.

        A control has no network and an untrained network no training, so that sweeping an axis
        they do not have repeats nothing.
        """
        return {name: as_stated(name, part) for name, part in self.scientific_parts().items()}

    def scientific_parts(self) -> dict[str, Any]:
        """Return what `scientific` is made of, by name: parts of the config, and plain values."""
        names = ["model", "data", "seed", "evaluation"]
        if self.model.kind != "control":
            names += ["output", "noise_dim", "noise"]
        if self.model.kind == "learned":
            names += ["objective", "optimizer", "trainer", "end_to_end"]
            names += ["algorithm1"] if self.algorithm1 is not None else []
        return {name: getattr(self, name) for name in names}

    def title(self) -> str:
        """Return a short name that a person can read: model, output, objective, data, seed."""
        words = [self.model.name]
        if self.model.kind != "control":
            words.append(self.output)
        if self.model.kind == "learned":
            words.append(self.objective.name)
        return " ".join([*words, self.data.name, f"seed={self.seed}"])


def as_stated(name: str, part: Any) -> Any:
    """Return a part of a config as records state it, in plain containers."""
    if not isinstance(part, BaseModel):
        return part
    stated = part.model_dump(mode="json", by_alias=True)
    if name == "data":
        for name in ("root", "unreadable"):  # the fingerprint says what was there
            stated.pop(name, None)
    return first_names(stated)


def explain(error: ValidationError, where: str = "") -> str:
    """Say in a line for each error which value was refused and what would be accepted."""
    lines = []
    for detail in error.errors(include_url=False):
        place = ".".join([*([where] if where else []), *(str(part) for part in detail["loc"])])
        whole = detail["type"] == "missing" or isinstance(detail["input"], Mapping)
        given = "" if whole else f"={detail['input']!r}"
        lines.append(f"{place}{given}: {detail['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


def missing(values: Any, name: str = "") -> Iterator[str]:
    """Yield a line for each value in plain containers that is OmegaConf's `???`."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from missing(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, list):
        for place, value in enumerate(values):
            yield from missing(value, f"{name}.{place}")
    elif isinstance(values, str) and values == "???":
        yield missing_value(name)


def missing_value(name: str) -> str:
    """Say of a value that is OmegaConf's `???` what to do."""
    return f"{name}=???: the value is missing, type {name}=VALUE"
