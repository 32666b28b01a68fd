"""The wheel: without extras it measures and erases files; with all of them it trains anywhere."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PUBLISHED = max((REPOSITORY / "results").glob("*/records.parquet")).parent
EXTRA = ("torch", "pytorch_lightning", "hydra", "wandb", "altair")

pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path = REPOSITORY) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def install(python: Path, *what: object) -> None:
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    ended = run(*pip, *what)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    ended = run(sys.executable, "-m", *build, "--wheel-dir", folder, REPOSITORY)
    assert ended.returncode == 0, ended.stderr
    (built,) = folder.glob("dan_bench-*.whl")
    return built


def environment(folder: Path) -> Path:
    """Make a fresh environment; return its Python."""
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and what it requires, no extra."""
    python = environment(tmp_path_factory.mktemp("plain"))
    install(python, "--constraint", REPOSITORY / "requirements.lock", wheel)
    return python


def test_without_extras_nothing_that_trains_or_draws_is_installed(plain: Path) -> None:
    program = f"import importlib.util as u; print([n for n in {EXTRA!r} if u.find_spec(n)])"
    assert run(plain, "-c", program).stdout == "[]\n"


def test_without_extras_a_file_is_assessed(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(os.urandom(20_000))
    ended = run(plain.with_name("dan-bench"), "assess", "noise", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "SP 800-22" in ended.stdout


def test_without_extras_a_file_is_degenerated(plain: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret " * 3000)
    ended = run(plain, "-m", "dan_bench.degenerate", "secret", "--yes", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert b"secret" not in secret.read_bytes()
    assert "1 of 1 files overwritten" in ended.stdout


def test_without_extras_records_are_reported(plain: Path, tmp_path: Path) -> None:
    ended = run(plain, "-m", "dan_bench.report", "--results", PUBLISHED, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "ideal noise" in ended.stdout


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (["train", "model=dan"], "train"),
        (["table1"], "train"),
        (["report", "figures", "--results", PUBLISHED], "figures"),
        (["report", "html", "--results", PUBLISHED], "figures"),
        (["dashboard", "sync"], "loggers"),
    ],
)
def test_a_missing_extra_is_named(
    plain: Path, tmp_path: Path, command: list[object], extra: str
) -> None:
    ended = run(plain.with_name("dan-bench"), *command, cwd=tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert f"pip install 'dan-bench[{extra}]'" in ended.stderr


def test_with_all_extras_a_run_is_trained_outside_of_the_repository(
    wheel: Path, tmp_path: Path
) -> None:
    python = environment(tmp_path / "full")
    install(python, "--no-deps", wheel)
    # the extras are those of this environment; its editable install is not on the path
    (where,) = (tmp_path / "full" / "lib").glob("python*/site-packages")
    (where / "extras.pth").write_text(sysconfig.get_path("purelib") + "\n")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    tiny = ["model=dan", "data=danoise", "data.train_size=512", "data.test_size=1024"]
    tiny += ["trainer.max_steps=5", "evaluation=minimal", "logger=none"]
    ended = run(python, "-m", "dan_bench.train", *tiny, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert len(list((folder / "results" / "runs").glob("*/record.json"))) == 1
    where_from = run(python, "-c", "import dan_bench; print(dan_bench.__file__)", cwd=folder)
    assert Path(where_from.stdout.strip()).is_relative_to(where)
