"""What the code may import, how long its files may be, and what its entry points may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FILES = sorted((REPOSITORY / "dan_bench").rglob("*.py"))
HEAVY = ("torch", "torchvision", "pytorch_lightning", "wandb", "hydra")


def length(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_the_import_contracts_of_pyproject_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    command = [linter, "--no-cache"]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 broken" in ended.stdout


def test_no_file_is_longer_than_400_lines() -> None:
    assert FILES
    assert {path.name: length(path) for path in FILES if length(path) > 400} == {}


def code_lines(path: Path) -> int:
    """Lines that hold code: neither blank nor comment nor docstring."""
    source = path.read_text()
    lines = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        if isinstance(node, ast.stmt | ast.excepthandler):
            lines.update({node.lineno, node.end_lineno or node.lineno})
            if not getattr(node, "body", None):
                lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def test_the_package_stays_below_20000_lines_of_code() -> None:
    """All of it: what a bound leaves out is where the code goes."""
    assert sum(map(code_lines, FILES)) < 20_000


def test_a_class_name_means_one_thing_in_the_whole_package() -> None:
    places: dict[str, list[str]] = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                where = f"{path.relative_to(REPOSITORY)}:{node.lineno}"
                places.setdefault(node.name, []).append(where)
    assert len(places) > 100
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


@pytest.mark.parametrize(
    "program",
    [
        "import dan_bench",
        "import dan_bench.config.schema, dan_bench.results.record, dan_bench.report",
        "import dan_bench.erase, dan_bench.assess.assessment",
        "import runpy, sys; sys.argv = ['report', '--help']\n"
        "try: runpy.run_module('dan_bench.report', run_name='__main__')\n"
        "except SystemExit as ended: assert ended.code == 0",
    ],
    ids=["the package", "records and report", "erase and assess", "report --help"],
)
def test_what_need_not_train_imports_nothing_heavy(program: str) -> None:
    check = f"{program}\nimport sys\nprint({set(HEAVY)!r} & sys.modules.keys())"
    ended = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert (ended.stderr, ended.returncode) == ("", 0)
    assert ended.stdout.splitlines()[-1] == "set()"
