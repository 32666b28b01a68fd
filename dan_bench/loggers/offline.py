"""Offline wandb runs: where they lie, which of them have ended, how they are seen and uploaded."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENDED = "ended"
"""File in a wandb run's folder that says that nobody writes to it any more."""
QUIET_SECONDS = 120.0
"""A run that was not written for so long is dead: a living one notes the machine's load."""
NO_KEY = (
    "wandb has no key of an account: `wandb login` stores one, WANDB_API_KEY gives one; "
    "everything offline stays where it is"
)


def environment(results: Path) -> dict[str, str]:
    """Return what wandb is told so that it calls nobody and keeps all it writes in `results`.

    Tables are staged until they are uploaded, by wandb's default in the home folder.
    """
    return {
        "WANDB_ERROR_REPORTING": "false",  # the one call home when offline
        "WANDB_DATA_DIR": str(folder(results).resolve() / "data"),
    }


def prepare(results: Path) -> None:
    """Tell wandb so in this process, but for what the user has told it himself."""
    for name, value in {**environment(results), "WANDB_SILENT": "true"}.items():
        os.environ.setdefault(name, value)


def folder(results: Path) -> Path:
    """Where wandb keeps its runs."""
    return Path(results) / "wandb"


def finish(run: Any, exit_code: int) -> None:
    """End a wandb run, and say in its folder that it has ended."""
    home = Path(run.dir).parent
    run.finish(exit_code=exit_code)
    (home / ENDED).touch()


def has_account() -> bool:
    """Return whether wandb finds a key: in the environment, its settings, or netrc."""
    from wandb.sdk import wandb_setup
    from wandb.sdk.lib import wbauth

    settings = wandb_setup.singleton().settings
    return bool(
        settings.api_key
        or settings.identity_token_file
        or wbauth.read_netrc_auth(host=settings.base_url)
    )


def refusal(name: str, value: Any) -> str:
    """Return why wandb would not take a value for one of its settings; or nothing."""
    import wandb
    from pydantic import ValidationError

    try:
        wandb.Settings(**{name: value})
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    except wandb.errors.UsageError as error:
        return str(error)
    return ""


def runs(results: Path) -> list[Path]:
    """Return the folders of all offline runs, the oldest first."""
    return sorted(path.parent for path in folder(results).glob("offline-run-*/run-*.wandb"))


def pending(results: Path) -> tuple[list[Path], list[Path]]:
    """Return the runs that were not uploaded yet: those that have ended, and those that go on.

    wandb marks what it has uploaded, whether or not it was complete, so a run is not to be
    uploaded while it is written.
    """
    ended: list[Path] = []
    going: list[Path] = []
    for run in runs(results):
        (written,) = run.glob("run-*.wandb")
        if written.with_suffix(".wandb.synced").exists():
            continue
        quiet = time.time() - written.stat().st_mtime > QUIET_SECONDS
        (ended if quiet or (run / ENDED).exists() else going).append(run)
    return ended, going


def wandb(*arguments: str) -> list[str]:
    """Return the command line of wandb's own program."""
    return [sys.executable, "-m", "wandb", *arguments]


def whole_environment(results: Path) -> Mapping[str, str]:
    """Return this process's environment with ours in it, but for what the user has set.

    The program's own logs, too, go to the results rather than to where it is called from.
    """
    return {"WANDB_DIR": str(Path(results).resolve()), **environment(results), **os.environ}


def sync(results: Path, dry_run: bool = False) -> int:
    """Upload every offline run that has ended, once.

    Returns:
        0 where nothing is left to upload, 1 where an upload failed, 2 without an account.
    """
    ended, going = pending(results)
    for run in ended:
        print(f"{'to upload' if dry_run else 'uploading'}: {run}")
    for run in going:
        print(f"still written, left for the next time: {run}")
    if not ended or dry_run:
        print(f"{len(ended)} offline runs to upload under {folder(results)}")
        return 0
    if not has_account():
        print(NO_KEY, file=sys.stderr)
        return 2
    command = wandb("sync", *map(str, ended))
    code = subprocess.run(
        command, env=whole_environment(results), stdin=subprocess.DEVNULL, check=False
    ).returncode
    left = set(pending(results)[0]) & set(ended)
    print(f"{len(ended) - len(left)} uploaded, {len(left)} failed")
    return 1 if left or code else 0


def view(results: Path) -> int:
    """Open wandb's terminal viewer on the offline runs; 2 where there is nothing to see.

    It takes this process's place, needs a terminal and no network.
    """
    if not runs(results):
        print(f"no wandb runs under {folder(results)}; `make sweep` makes some", file=sys.stderr)
        return 2
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("wandb's viewer needs a terminal", file=sys.stderr)
        return 2
    command = wandb("leet", str(folder(results)))
    os.execve(command[0], command, whole_environment(results))
