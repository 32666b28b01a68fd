"""The base installation: what is left when nothing of our extras can be imported."""

import subprocess
import sys
from pathlib import Path

import dan_bench
from dan_bench.cli import EXTRAS

MISSING = {name for names in EXTRAS.values() for name in names} | {"matplotlib"}
BLOCKED = f"""
import runpy, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MISSING!r}:
            raise ModuleNotFoundError(f"{{name}} is not installed", name=name)

sys.meta_path.insert(0, Missing())
sys.path.insert(0, {str(Path(dan_bench.__file__).parents[1])!r})
"""


def run_code(code: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program where the packages of our extras are missing."""
    command = [sys.executable, "-c", BLOCKED + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def run_module(module: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a module as `python -m` does, where the packages of our extras are missing."""
    return run_code(f"runpy.run_module({module!r}, run_name='__main__')", *arguments, cwd=cwd)
