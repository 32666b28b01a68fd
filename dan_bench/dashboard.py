"""`python -m dan_bench.dashboard [COMMAND]`: the wandb workspace, and the runs that are offline.

Exit code: 0 all is done, 1 an upload failed, 2 there is nothing to show or no account.
"""

import argparse
import sys
from pathlib import Path

from dan_bench.cli import entry_point, user_path

PROJECT = "dan_bench"


def project(text: str) -> str:
    """Return the name of a project, if wandb takes it."""
    from dan_bench.loggers.offline import refusal

    if text != PROJECT and (why := refusal("project", text)):
        raise argparse.ArgumentTypeError(why)
    return text


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.dashboard",
        description="The wandb workspace as code, and the runs that are offline.",
        epilog="example: python -m dan_bench.dashboard workspace --write workspace.json",
    )
    commands = made.add_subparsers(dest="command", metavar="COMMAND")
    space = commands.add_parser("workspace", help="build and check the workspace (the default)")
    space.add_argument("--write", type=user_path, metavar="FILE", help="write it as JSON, too")
    space.add_argument("--save", action="store_true", help="save it to wandb, with an account")
    space.add_argument("--entity", default="", help="user or team (default: the account's own)")
    space.add_argument("--project", type=project, default=PROJECT)
    look = commands.add_parser("view", help="open wandb's terminal viewer (make dashboard)")
    upload = commands.add_parser("sync", help="upload what was offline, once each (make sync)")
    upload.add_argument("--dry-run", action="store_true", help="only list what would be uploaded")
    tables = commands.add_parser("tables", help="log leaderboard and Table 1 as an offline run")
    for command in (upload, tables):
        command.add_argument(
            "--project", type=project, default=PROJECT, help="of the run with the tables"
        )
    for command in (look, upload, tables):
        command.add_argument("--results", type=user_path, default=Path("results"), metavar="DIR")
    return made


def workspace(asked: argparse.Namespace) -> int:
    """Build and check the workspace, say what is in it, and write or save it where asked."""
    from dan_bench.loggers.offline import NO_KEY, has_account, prepare

    prepare(Path("results"))
    from dan_bench.loggers.workspace import build, check, save, write

    made = build(asked.entity, asked.project)
    check(made)
    for section in made.sections:
        print(f"{section.name}: {len(section.panels)} panels")
    if asked.write is not None:
        asked.write.write_text(write(made))
        print(f"written: {asked.write}")
    if asked.save:
        if not has_account():
            print(NO_KEY, file=sys.stderr)
            return 2
        print(f"saved: {save(made)}")
    return 0


def view(asked: argparse.Namespace) -> int:
    """Open wandb's terminal viewer."""
    from dan_bench.loggers.offline import view as look

    return look(asked.results)


def tables(asked: argparse.Namespace) -> int:
    """Log the tables."""
    from dan_bench.loggers.tables import log_tables

    logged = log_tables(asked.results, asked.project)
    if logged is None:
        print(f"no records under {asked.results}; `make sweep` makes some", file=sys.stderr)
        return 2
    print(f"tables: {logged}")
    return 0


def sync(asked: argparse.Namespace) -> int:
    """Upload, and with it the tables as they are now."""
    from dan_bench.loggers.offline import sync as upload

    if not asked.dry_run:
        from dan_bench.loggers.tables import log_tables

        log_tables(asked.results, asked.project)
    return upload(asked.results, asked.dry_run)


COMMANDS = {"workspace": workspace, "view": view, "sync": sync, "tables": tables}


@entry_point
def main(arguments: list[str] | None = None) -> int:
    """Carry out a command; without one, build and check the workspace."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] not in {*COMMANDS, "-h", "--help"}:
        given = ["workspace", *given]
    asked = parser().parse_args(given)
    return COMMANDS[asked.command](asked)


if __name__ == "__main__":
    sys.exit(main())
