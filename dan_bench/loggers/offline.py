"""Offline wandb runs: where they are, which have ended, how to view and to upload them."""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ENDED = "ended"
"""File in a wandb run's folder that marks that nobody writes to it any more."""
QUIET_SECONDS = 120.0
"""A run that was not written to for so long is dead: a live one logs the machine's load."""
NO_KEY = "wandb has no key of an account: `wandb login` stores one, WANDB_API_KEY gives one"


def environment(results: Path) -> dict[str, str]:
    """Return settings with which wandb calls nobody and keeps everything in `results`.

    Tables are staged until they are uploaded, by wandb's default in the home folder.
    """
    return {
        "WANDB_ERROR_REPORTING": "false",  # the one call home when offline
        "WANDB_DATA_DIR": str(folder(results).resolve() / "data"),
    }


def prepare(results: Path) -> None:
    """Apply these settings to this process, except those that the user has set."""
    for name, value in {**environment(results), "WANDB_SILENT": "true"}.items():
        os.environ.setdefault(name, value)


def folder(results: Path) -> Path:
    """Return where wandb keeps its runs."""
    return Path(results) / "wandb"


def verdict_key(name: str) -> str:
    """Return the key of a verdict in a run's summary."""
    return f"verdict/{name.replace(' ', '_')}"


def finish(run: Any, exit_code: int, ended: bool = True) -> None:
    """Close a wandb run, and mark its folder if it has ended and is not to be gone on with."""
    home = Path(run.dir).parent
    run.finish(exit_code=exit_code)
    if ended:
        (home / ENDED).touch()


def id_of(results: Path, key: str) -> str:
    """Return the wandb id of a run: that of an attempt that was cut off, else a new one.

    What wandb wrote of that attempt offline is set aside, as `cut-off-...`: a killed process leaves
    a file that wandb cannot read, and then nothing else of that id is uploaded. The attempt that
    goes on logs the curves from the beginning.

    Args:
        results: the folder.
        key: of the run, of which nobody else is writing.
    """
    found = f"{key}-{secrets.token_hex(3)}"
    for home in sorted(folder(results).glob(f"*run-*-{key}-*")):
        mode, _, begun = home.name.rpartition(f"-{key}-")[0].rpartition("run-")
        if mode not in ("", "offline-") or not begun or (home / ENDED).exists():
            continue
        found = f"{key}-{home.name.rpartition('-')[2]}"
        if mode:
            home.rename(home.with_name(f"cut-off-{home.name}"))
    return found


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
    """Return why wandb would refuse a value for one of its settings; empty if it would not."""
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
    """Return the runs that are not uploaded yet: those that have ended, and those still written.

    wandb marks what it has uploaded, complete or not, so an unfinished run is left for later.
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


def command(results: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Return a command line of wandb's own program, and its environment.

    Its own logs go to the results as well, not to the current folder.
    """
    own = {"WANDB_DIR": str(Path(results).resolve()), **environment(results)}
    return [sys.executable, "-m", "wandb", *arguments], own | os.environ


def sync(results: Path, dry_run: bool = False) -> int:
    """Upload every offline run that has ended, once.

    Returns:
        0 if nothing is left to upload, 1 if an upload failed, 2 without an account.
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
        print(f"{NO_KEY}; everything offline stays where it is", file=sys.stderr)
        return 2
    line, environ = command(results, "sync", *map(str, ended))
    code = subprocess.run(line, env=environ, stdin=subprocess.DEVNULL, check=False).returncode
    left = set(pending(results)[0]) & set(ended)
    print(f"{len(ended) - len(left)} uploaded, {len(left)} failed")
    return 1 if left or code else 0


def view(results: Path) -> int:
    """Replace this process by wandb's terminal viewer, which needs a terminal and no network.

    Returns:
        2 if there is nothing to view, or no terminal.
    """
    if not runs(results):
        print(
            f"no wandb runs under {folder(results).absolute()}; `make sweep` makes some",
            file=sys.stderr,
        )
        return 2
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("wandb's viewer needs a terminal", file=sys.stderr)
        return 2
    line, environ = command(results, "leet", str(folder(results)))
    os.execve(line[0], line, environ)
