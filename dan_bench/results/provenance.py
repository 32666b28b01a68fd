"""Where a result comes from: code, packages and machine."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("dan-bench", "torch", "pytorch-lightning", "numpy", "scipy", "hydra-core", "wandb")


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
            "cpus": os.cpu_count(),
        },
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }


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
