"""Where a result comes from: code, packages and machine."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dan_bench.cli import InputError

PACKAGES = ("dan-bench", "torch", "pytorch-lightning", "numpy", "scipy", "hydra-core", "wandb")
OURS = ("dan_bench", "torch")
"""Top-level packages whose version is known without looking at their files."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables from which libraries take their number of threads, as they are loaded; on it depend
the last digits of sums, and so whether two runs are bit for bit the same."""


def provenance() -> dict[str, Any]:
    """Return commit (None outside a checkout), whether it was edited, versions and machine."""
    return {
        "commit": git("rev-parse", "HEAD"),
        "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processor": processor(),
            "cpus": os.cpu_count(),
        },
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def tool() -> str:
    """Return the name and version of this program, for reports and certificates."""
    try:
        return f"dan_bench {version('dan-bench')}"
    except PackageNotFoundError:
        return "dan_bench not installed"


def processor() -> str | None:
    """Return the name of the processor, whose vector units decide the last bits of a sum."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None


def git(*arguments: str) -> str | None:
    """Return the output of a git command in the checkout of this file, or None."""
    try:
        answer = subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


# --- code of others -----------------------------------------------------------------------------


def targets_of(value: Any) -> Iterator[str]:
    """Yield every `_target_` in nested containers."""
    if isinstance(value, dict):
        yield from (str(target) for name, target in value.items() if name == "_target_")
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from targets_of(inner)


def others_packages(config: Any) -> list[str]:
    """Return the top-level packages or modules that a config names, other than `OURS`."""
    return sorted({target.partition(".")[0] for target in targets_of(config)} - {*OURS})


def code_of(config: dict[str, Any]) -> dict[str, dict[str, str | None]]:
    """Return `code`: of each package of others that a config names the SHA-256 of its files.

    Empty where there is none; None of a package that has no files, such as a notebook's.
    """
    digests: dict[str, str | None] = {}
    for package in others_packages(config):
        digests[package] = None
        with suppress(InputError):
            digests[package] = code_digest(found_code(package), package)
    return {"code": digests} if digests else {}


def found_code(package: str) -> Path:
    """Return the folder in which Python finds a package, of which nothing is imported.

    Raises:
        InputError: it finds none.
    """
    try:
        spec = find_spec(package)
    except ValueError:  # what was typed in
        spec = None
    places = [] if spec is None else [*(spec.submodule_search_locations or [spec.origin or ""])]
    if not places or not Path(places[0]).exists():
        raise InputError(
            f"no package {package!r} is found from here; change to the folder that holds it"
        )
    return Path(places[0]).absolute().parent


def code_files(folder: Path, package: str) -> dict[str, Path]:
    """Return the Python files of a package in a folder, by their names there, in their order."""
    inner = [path for path in (folder / package).rglob("*.py") if path.is_file()]
    alone = folder / f"{package}.py"
    inner += [alone] if alone.is_file() else []
    return {path.relative_to(folder).as_posix(): path for path in sorted(inner)}


def code_digest(folder: Path, package: str) -> str:
    """Return the SHA-256 over the names and SHA-256 of a package's Python files.

    Raises:
        InputError: there are none.
    """
    files = code_files(folder, package)
    if not files:
        raise InputError(f"{folder} has no Python files of {package}")
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {n}\n" for n, p in files.items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
