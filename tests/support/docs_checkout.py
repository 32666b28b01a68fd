"""A folder like a checkout after a small sweep, and the rules by which commands run there.

The rules are given at the head of test_docs.py.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from docs_blocks import REPOSITORY, Command
from html_records import config, fill, measured, run
from omegaconf import DictConfig, OmegaConf

from dan_bench.config.compose import configure
from dan_bench.config.schema import CONF
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.results.record import Store, key_of

TRAIN = "python -m dan_bench.train"
REPORT = "python -m dan_bench.report"
NOT_RUN = (
    (
        r"make (?P<target>\S+)( ARGS=\S+)?",
        "makes .venv, takes long, opens a viewer or removes; what it calls is tested by itself",
        "make --dry-run {target}",
    ),
    (r"git clone .*", "asks for the address of a repository", "git --version"),
    (
        r"pip install '\.\[all\]'",
        "changes the environment of the tests; test_packaging installs all of it in a fresh one",
        "python -m pip --version",
    ),
    (r"wandb login", "asks for an account", "wandb login --help"),
    (
        rf"{TRAIN} logger\.offline=false",
        "needs an account; without one it is refused (test_tracking)",
        f"{TRAIN} logger.offline=false --cfg job",
    ),
    (
        rf"{TRAIN} -m \+experiment=robust_classifier",
        "trains a classifier in each of 14 jobs, which no budget cuts; all of it is in test_robust",
        f"{TRAIN} -m +experiment=robust_classifier model=fgsm model.epsilon=0.1",
    ),
    (
        r"python -m dan_bench\.dashboard workspace --save",
        "needs an account",
        "python -m dan_bench.dashboard workspace",
    ),
    (
        r"tensorboard --logdir results/tensorboard",
        "serves until it is stopped; what it reads is tested in test_tracking",
        "tensorboard --version_tb",
    ),
    (
        r"python -m dan_bench\.metrics\.calibrate",
        "takes eight minutes, and overwrites the table of baselines",
        "python -m dan_bench.metrics.calibrate --help",
    ),
    (
        r"python benchmarks/assess\.py (?P<what>power|[a-z]+ \d+)",
        "takes minutes to hours",
        "grep -q 'benchmarks/assess.py {what}' <(python benchmarks/assess.py 2>&1)",
    ),
    (
        r"python benchmarks/generators\.py (?P<what>measure|table) .*",
        "takes hours",
        "grep -q 'benchmarks/generators.py {what}' <(python benchmarks/generators.py 2>&1)",
    ),
    (
        r"python benchmarks/erase_matrix\.py",
        "mounts, which takes root, and takes minutes; a part of it is in test_erase_matrix",
        "python benchmarks/erase_matrix.py --list",
    ),
    (
        rf"squeue .*|{TRAIN} .*runtime\.executor=slurm.*",
        "takes a Slurm cluster; test_slurm brings one up and runs these very lines",
        f"{TRAIN} runtime.executor=slurm runtime.slurm.partition=all --cfg job",
    ),
    (
        rf"ray start .*|{TRAIN} .*runtime\.executor=ray.*",
        "starts daemons, with a package that may be missing; test_ray runs these very lines",
        f"{TRAIN} runtime.executor=ray runtime.ray.address=auto --cfg job",
    ),
)
"""Commands that no test runs: a pattern of all of the line, why, and what is run instead."""
QUICK = (
    f"{REPORT}",
    "python -m dan_bench.dashboard",
    "python -m dan_bench.degenerate old-files",
    "python -m dan_bench.metrics.calibrate --help",
    f"{TRAIN} --",
    f"{TRAIN} logger.offline=false --cfg",
    "make ",
    "wandb ",
    "tensorboard ",
    "grep ",
)
"""How quick commands begin, but for those in `SLOW`."""
SLOW = (f"{REPORT} figures", f"{REPORT} html", "python -m dan_bench.degenerate old-files --with")
MAY_SAY_NO = ("python -m dan_bench.assess", "head -c")
"""Their exit code 1 is an answer: true noise is told to be none in one case of a hundred."""
PICTURES = 5200
TINY = """# @package _global_
defaults: [/table1]

table1:
  title: rm on DANOISE
  position: 0
  in_paper: true
  training: {_target_: dan_bench.table1.dan.DanoiseFiles, files: 2}
  entry: {_target_: dan_bench.table1.tools.Program, command: [rm]}
"""


@dataclass(frozen=True)
class Checkout:
    """A folder to run commands in, and what stands for the placeholders."""

    folder: Path
    keys: tuple[str, ...]
    published: str

    def filled(self, text: str) -> str:
        """The command with real names."""
        text = text.replace("DATE_COMMIT", self.published)
        for key in self.keys:
            text = re.sub(r"\bRUN\b", key, text, count=1)
        return text

    def environment(self) -> dict[str, str]:
        """Of commands run there: nothing outside of the folder is written, no browser opened."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "HYDRA"))}
        return inherited | {
            "PATH": f"{self.folder / '.venv/bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),  # a checkout tests itself, whatever is installed
            "HOME": str(self.folder / "home"),
            "XDG_STATE_HOME": str(self.folder / "home" / "state"),
            "BROWSER": "true",
            "OMP_NUM_THREADS": "1",
        }

    def shell(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run a line, with nobody at the terminal."""
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", text],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def furnish(folder: Path) -> None:
    """Put in place what a checkout has that no command changes."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "benchmarks"):
        (folder / name).symlink_to(REPOSITORY / name)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "datasets").symlink_to(REPOSITORY / "datasets")


def reference(results: Path) -> None:
    """Put there the reference results that are in the repository."""
    for records in REPOSITORY.glob("results/*/records.parquet"):
        shutil.copytree(records.parent, results / records.parent.name)


def by_hand(results: Path) -> None:
    """Add records of experiments whose runs take too long."""
    store = Store(results)
    for record in fill(results):
        folder = store.folder(record.key)
        if record.config["model"]["name"] == "still":
            still = run("still", trainer={"freeze_degenerator": True, "max_steps": 200}, seed=9)
            store.put(still)
            shutil.copy(folder / "curves.parquet", store.folder(still.key))
        if record.config["model"]["name"] in ("still", "dan", "fgsm"):  # of dan only real ones
            shutil.rmtree(folder)
    of = config("pgd", "control", 0)
    of["model"]["epsilon"] = 0.3
    seen = {
        "classifier_accuracy": Estimate(0.1, 0.08, 0.12, 2000, {"clean": 0.98}),
        "fresh_classifier_accuracy": Estimate(0.9, 0.88, 0.92, 2000),
        "structural_similarity": Estimate(0.5, n=2000),
    }
    store.put(RunRecord(key_of(of), "done", of, measured() | seen, {"noise_bits": 0.0}))


def plant(folder: Path) -> None:
    """Make the files anew that a command overwrites."""
    (folder / "old-files").mkdir(exist_ok=True)
    for name in ("letter.txt", "photo.jpg"):
        (folder / "old-files" / name).write_bytes(b"Dear diary, " * 500)


def pictures(folder: Path) -> None:
    """Make a folder with enough small pictures to measure what becomes of them."""
    if not (folder / "home" / "pictures").is_dir():
        (folder / "home" / "pictures").mkdir()
        for i in range(PICTURES):
            picture = b"P5 28 28 255\n" + os.urandom(784)
            (folder / "home" / "pictures" / f"{i}.pgm").write_bytes(picture)


def cut(text: str) -> str:
    """A training command that is done in seconds: see the head of this file."""
    before, between, after = text.partition(" > ")
    words = shlex.split(before)[3:]
    if any(word.startswith("--") for word in words):
        return text
    sweep = "-m" in words
    overrides = [first(word) for word in words if word != "-m"]
    named = {word.lstrip("+").partition("=")[0] for word in overrides}
    if sweep and "seed" not in named:
        overrides.append("seed=0")
    flat = flatten(composed([axis(word, 0) for word in overrides if "$" not in word]))
    overrides += [f"{name}={value}" for name, value in least(flat).items() if name not in named]
    heavy = [name for name in ("min_entropy_bits", "sp800_22") if f"{METRICS}.{name}" in flat]
    overrides += [f"~{METRICS}.{name}" for name in heavy]
    flags = ["-m"] if sweep else []
    quoted = (word if "$" in word else shlex.quote(word) for word in [*flags, *overrides])
    return f"{TRAIN} {' '.join(quoted)}{between}{after}"


METRICS = "evaluation.metrics"
LEAST = {
    r"trainer\.max_steps": 4,
    r"trainer\.batch_size": 16,
    r"runtime\.log_every": 2,
    r"runtime\.keep_samples": 16,
    r"evaluation\.(samples|known)": 1024,
    r"(evaluation|model)\..*\bepochs": 1,
    r"evaluation\..*\b(first|most)_steps": 1,
    r"evaluation\..*\.(queries|draws)": 8,
    r"evaluation\..*\.settings": 3,
    r"algorithm1\.rows": 100,
}

CUT = " ".join(
    [
        "trainer.max_steps=4 trainer.batch_size=16 evaluation.samples=1024 evaluation.known=1024",
        "evaluation.c2st.budget.epochs=1",
        *(
            f"evaluation.attacks.{part}.budget.{steps}=1"
            for part in ("label", "reconstruction", "dictionary")
            for steps in ("first_steps", "most_steps")
        ),
        *(f"~{METRICS}.{name}" for name in ("min_entropy_bits", "sp800_22")),
    ]
)
"""The same of a command whose config is not that of this checkout."""


def least(flat: dict[str, object]) -> dict[str, int]:
    """Return the budgets that a config has, each as little as it can be."""
    return {
        name: value
        for pattern, value in LEAST.items()
        for name in flat
        if re.fullmatch(pattern, name)
    }


def flatten(values: object, prefix: str = "") -> dict[str, object]:
    """Return nested names with dots; a part goes by its `_target_`."""
    if not isinstance(values, dict):
        return {prefix: values}
    flat = {prefix: None} if "_target_" in values else {}
    for name, inner in values.items():
        flat |= flatten(inner, f"{prefix}.{name}" if prefix else str(name))
    return flat


def composed(overrides: list[str]) -> dict[str, object]:
    """Return the config of these overrides as plain containers."""
    return configure(overrides).model_dump(mode="json", by_alias=True)


def axis(word: str, i: int) -> str:
    """An override with the i-th of its values, of which there may be fewer."""
    name, equals, values = word.partition("=")
    choices = values.split(",") if values[:1] not in ("[", "{") else [values]
    return f"{name}{equals}{choices[i % len(choices)]}"


def first(word: str) -> str:
    """An override of numbers with the first of them."""
    numbers = re.fullmatch(r"[^=]+=(-?[\d.]+,)+-?[\d.]+", word)
    return axis(word, 0) if numbers else word


def instead_of(text: str) -> str | None:
    """Return what is run instead of a command that is not, or None."""
    for pattern, _, instead in NOT_RUN:
        found = re.fullmatch(pattern, text)
        if found:
            return instead.format(**found.groupdict())
    return None


def is_slow(command: Command) -> bool:
    """Whether it takes more than a second or two."""
    text = instead_of(command.text) or command.text
    return text.startswith(SLOW) or not text.startswith(QUICK)


def told(checkout: Checkout, text: str) -> None:
    """Run a command of the report in this process: most take less time than a process's start."""
    from dan_bench.report.__main__ import main

    arguments = shlex.split(checkout.filled(text))[3:]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(checkout.folder)
        assert main(arguments) == 0


def names_of_conf() -> set[str]:
    """Return every name that may stand left of `=` on a command line, groups among them."""
    names = {path.name for path in CONF.iterdir() if path.is_dir()}
    for path in CONF.rglob("*.yaml"):
        values = OmegaConf.load(path)
        assert isinstance(values, DictConfig)
        flat = flatten(OmegaConf.to_container(values, resolve=False))
        group = "" if path.parent in (CONF, CONF / "experiment") else f"{path.parent.name}."
        names |= {f"{group}{name}" for name in flat}
        names |= {name.split(".", 1)[1] for name in (f"{group}{n}" for n in flat) if "." in name}
    return names


def dumps(folder: Path) -> None:
    """Leave files of noise, and the folder of an entropy source."""
    for name, size in {"dump.bin": 20_000, "a.enc": 5_000, "b.enc": 5_000}.items():
        (folder / name).write_bytes(os.urandom(size))
    for name, size in {"trng.bin": 5_000, "restarts.bin": 1_000_000}.items():
        (folder / name).write_bytes(bytes(byte & 15 for byte in os.urandom(size)))
    source = folder / "trng"
    source.mkdir()
    (source / "source.json").write_text('{"bits": 4, "h_submitter": 3.2}')
    for name, data in {"sequential": "trng", "restart": "restarts"}.items():
        (source / f"{name}.bin").write_bytes((folder / f"{data}.bin").read_bytes())
