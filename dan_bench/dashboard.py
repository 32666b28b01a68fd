"""`python -m dan_bench.dashboard [COMMAND]`: the wandb workspace, and the offline wandb runs.

Exit code: 0 all is done, 1 an upload failed, 2 there is nothing to show or no account.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from dan_bench.cli import entry_point, user_path

PROJECT = "dan_bench"


def project(text: str) -> str:
    """Return the name of a project, if wandb accepts it."""
    from dan_bench.loggers.offline import refusal

    if text != PROJECT and (why := refusal("project", text)):
        raise argparse.ArgumentTypeError(why)
    return text


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.dashboard",
        description="The wandb workspace as code, and the offline wandb runs.",
        epilog="example: python -m dan_bench.dashboard workspace --write workspace.json",
    )
    commands = made.add_subparsers(dest="command", metavar="COMMAND")
    space = commands.add_parser("workspace", help="build and check the workspace (the default)")
    space.add_argument("--write", type=user_path, metavar="FILE", help="write it as JSON, too")
    space.add_argument("--save", action="store_true", help="save it to wandb, with an account")
    space.add_argument("--entity", default="", help="user or team (default: the account's own)")
    viewer = commands.add_parser("view", help="open wandb's terminal viewer (make dashboard)")
    upload = commands.add_parser("sync", help="upload offline runs, once each (make sync)")
    upload.add_argument("--dry-run", action="store_true", help="only list what would be uploaded")
    tables = commands.add_parser("tables", help="log leaderboard and Table 1 as an offline run")
    for command in (space, upload, tables):
        command.add_argument("--project", type=project, default=PROJECT, help="of wandb")
    for command in (viewer, upload, tables):
        command.add_argument("--results", type=user_path, default=Path("results"), metavar="DIR")
    return made


def workspace(asked: argparse.Namespace) -> int:
    """Build and check the workspace, summarise it, and write or save it if asked to."""
    from dan_bench.loggers import offline

    offline.prepare(Path("results"))
    from dan_bench.loggers.workspace import build, check, save, write

    made = build(asked.entity, asked.project)
    check(made)
    for section in made.sections:
        print(f"{section.name}: {len(section.panels)} panels")
    if asked.write is not None:
        asked.write.write_text(write(made))
        print(f"written: {asked.write}")
    if asked.save:
        if not offline.has_account():
            print(f"{offline.NO_KEY}; nothing is saved", file=sys.stderr)
            return 2
        print(f"saved: {save(made)}")
    return 0


@entry_point
def main(arguments: list[str] | None = None) -> int:
    """Carry out a command; without one, build and check the workspace."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] not in ("workspace", "view", "sync", "tables", "-h", "--help"):
        given = ["workspace", *given]
    asked = parser().parse_args(given)
    if find_spec("wandb") is None:  # said before it is a subprocess that lacks it
        raise ModuleNotFoundError(name="wandb")
    if asked.command == "workspace":
        return workspace(asked)
    from dan_bench.loggers import offline, tables

    if asked.command == "view":
        return offline.view(asked.results)
    if asked.command == "sync" and asked.dry_run:
        return offline.sync(asked.results, dry_run=True)
    logged = tables.log_tables(asked.results, asked.project)
    if asked.command == "sync":
        return offline.sync(asked.results)
    if logged is None:
        print(
            f"no records under {asked.results.absolute()}; `make sweep` makes some", file=sys.stderr
        )
        return 2
    print(f"tables: {logged}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
