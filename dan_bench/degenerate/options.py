"""The command line's options."""

import argparse
from pathlib import Path
from typing import Any

from dan_bench import cli
from dan_bench.erase import GENERATORS

EXIT_CODES = """\
exit code, the first that holds:
  2    refused: something named is not to be erased, or an output cannot be
       written; nothing was touched
  4    nothing was done: there was nothing to overwrite, or nobody said yes
  1    some file was not overwritten, or not removed although that was asked
       for: run the same command again
  3    all of it was done, but not all can be vouched for: a file is in doubt,
       or something with data was left alone, could not be looked into, or
       appeared meanwhile; the last lines say what and why
  0    all that was named was overwritten, verified and, if asked for, removed;
       or a dry run was asked for
  128 and more: a signal ended it; the same command continues
Links, device nodes, FIFOs and sockets have no data of their own: they are
listed and passed over.

example: python -m dan_bench.degenerate old-tax-returns --remove"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.degenerate",
        description="Overwrite files, where they lie, with what a trained degenerator makes of "
        "them, or with noise; look for the old bytes afterwards; certify what was found. Without "
        "--yes, and without the name of each path typed at the prompt, it only lists what would "
        "be lost.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def flag(name: str, what: str) -> None:
        made.add_argument(name, action="store_true", help=what)

    def path(name: str, kind: str, what: str, **more: Any) -> None:
        made.add_argument(name, type=cli.user_path, metavar=kind, help=what, **more)

    made.add_argument("paths", nargs="*", metavar="PATH", help="a file, or a folder and all in it")
    made.add_argument(
        "--with",
        dest="source",
        default="fast",
        metavar="SOURCE",
        help=f"a generator ({', '.join(GENERATORS)}), or a trained degenerator: a run's folder, "
        "the beginning of its key, or a model's name, of which the best finished run is taken "
        "(default: fast)",
    )
    flag("--yes", "overwrite without asking")
    flag("--dry-run", "only list, without asking")
    flag("--list", "list every file, not the first 40")
    flag("--json", "with --dry-run: list everything, as JSON")
    made.add_argument(
        "--listing",
        metavar="NUMBER",
        help="do it only if the listing is still the one of this number, as a dry run gave it",
    )
    flag("--remove", "then truncate and unlink each file")
    flag(
        "--remove-folders",
        "with --remove: the folders that this empties too, the named ones included",
    )
    path(
        "--free-space",
        "FOLDER",
        "afterwards, fill what is free on the file system of FOLDER, where earlier places of "
        "the same data may be; nobody else has room there until it is done (may be repeated)",
        action="append",
        default=[],
    )
    flag("--hard-links", "include files that have other names")
    flag("--cross-mounts", "include what is mounted below")
    flag(
        "--anyway",
        "allow what is refused for safety: folders of the system, and file systems that are "
        "not of a disk (network, /proc)",
    )
    path(
        "--certificate",
        "FILE.json",
        "where to write it, with a FILE.txt beside it; no file is replaced "
        "(default: certificate-DATE-TIME.json in the working folder)",
    )
    path(
        "--journal",
        "FILE",
        "lets a killed run continue (default: one for these paths, under "
        "$XDG_STATE_HOME/dan_bench)",
    )
    path("--results", "DIR", "folder of the runs", default=Path("results"))
    flag(
        "--leaky",
        "allow a network of which no certificate says that its noise tells nothing of the "
        "data (exit code 3)",
    )
    made.add_argument("--operator", metavar="NAME", help="who erases, for the certificate")
    made.add_argument("--contact", metavar="TEXT", help="how to reach them, for the certificate")
    path(
        "--digest-key",
        "FILE",
        "have an HMAC-SHA-256 of each original in the certificate, under this file's content, "
        "by which whoever has the key and a copy can tell that it was that file",
    )
    path(
        "--sign",
        "KEY",
        "sign the certificate with an SSH key (ssh-keygen -Y sign), into FILE.json.sig",
    )
    path(
        "--verify",
        "FILE.json",
        "erase nothing; check a certificate's form, chain, sums, text and signature "
        "(exit code: 0 good, 1 not)",
    )
    path(
        "--signers",
        "FILE",
        "with --verify: who may sign (ALLOWED SIGNERS in ssh-keygen(1)); demands a signature",
    )
    return made


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options that were given; ends the program where they make no sense together."""
    command = parser()
    asked = command.parse_args(arguments)
    if asked.verify is not None:
        if asked.paths:
            command.error("--verify erases nothing: name no PATH with it")
        return asked
    if not asked.paths:
        command.error("the following arguments are required: PATH")
    if asked.yes and asked.dry_run:
        command.error("--yes and --dry-run say opposite things")
    if asked.json and not asked.dry_run:
        command.error("--json lists: it needs --dry-run")
    if asked.remove_folders and not asked.remove:
        command.error("--remove-folders needs --remove")
    return asked
