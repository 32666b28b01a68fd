"""`python -m dan_bench.degenerate PATH...`: Algorithm 1's last step, on your own files."""

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from dan_bench import cli
from dan_bench.degenerate.certificate import Certificate, destroyed_text, now, write
from dan_bench.erase import GENERATORS, ErasurePlan, ErasureRefused, erase, plan_erasure
from dan_bench.erase.plan import refuse_inside
from dan_bench.interfaces import NoiseSource, RunRecord

EVERY = 5.0
"""Seconds between two lines of progress where there is no terminal to draw a bar on."""
SHOWN = 40


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.degenerate",
        description="Overwrite files, where they lie, with what a trained degenerator makes of "
        "them, or with noise; look for the old bytes afterwards; certify what was found. Without "
        "--yes, and without the name of each path typed at the prompt, it only lists what would "
        "be lost.",
        epilog="exit code: 0 all done, or nothing asked for; 1 some file was not "
        "overwritten: run it again; 2 refused, nothing was touched. "
        "example: python -m dan_bench.degenerate old-tax-returns --with dan",
    )
    made.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a folder and all in it")
    made.add_argument(
        "--with",
        dest="source",
        default="fast",
        metavar="SOURCE",
        help=f"a generator ({', '.join(GENERATORS)}), or a trained degenerator: a run's folder, "
        "the beginning of its key, or a model's name, of which the best finished run is taken "
        "(default: fast)",
    )
    made.add_argument("--yes", action="store_true", help="overwrite without asking")
    made.add_argument("--dry-run", action="store_true", help="only list, without asking")
    made.add_argument("--remove", action="store_true", help="then truncate and unlink each file")
    made.add_argument(
        "--hard-links", action="store_true", help="include files that have other names"
    )
    made.add_argument("--cross-mounts", action="store_true", help="include what is mounted below")
    made.add_argument(
        "--certificate",
        type=cli.user_path,
        metavar="FILE.json",
        help="where to write it, with a FILE.txt beside it "
        "(default: certificate-DATE-TIME.json in the working folder)",
    )
    made.add_argument(
        "--journal",
        type=cli.user_path,
        metavar="FILE",
        help="lets a killed run continue (default: one for these paths, under "
        "$XDG_STATE_HOME/dan_bench)",
    )
    made.add_argument(
        "--results",
        type=cli.user_path,
        default=Path("results"),
        metavar="DIR",
        help="folder of the runs",
    )
    return made


@cli.entry_point
def main(arguments: list[str] | None = None, ask: Callable[[str], str] | None = None) -> int:
    """List, ask, overwrite and certify.

    Args:
        arguments: of the command line.
        ask: how to put a question to the user; default: the terminal, if there is one.
    """
    command = parser()
    asked = command.parse_args(arguments)
    if asked.yes and asked.dry_run:
        command.error("--yes and --dry-run say opposite things")
    with nothing_touched():
        plan = plan_erasure(
            asked.paths, cross_mounts=asked.cross_mounts, hard_links=asked.hard_links
        )
        certificate = certificate_path(asked.certificate, plan)
        noise = source(asked.source, asked.results)
    print(listing(plan, noise, asked.remove))
    if not plan.files:
        print("there is nothing to overwrite")
        return cli.OK
    if not asked.yes and (asked.dry_run or not confirmed(plan, ask)):
        print("nothing was touched")
        return cli.OK
    return carry_out(plan, noise, asked, certificate)


@contextmanager
def nothing_touched() -> Iterator[None]:
    """Say of whatever fails in here that nothing was touched; exit code 2."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise cli.InputError(f"refused, nothing was touched: {error}") from error


def source(name: str, results: Path) -> NoiseSource:
    """Return a generator, or a trained degenerator."""
    return GENERATORS[name]() if name in GENERATORS else network_noise(*found_by(name, results))


def found_by(name: str, results: Path) -> tuple[RunRecord, Path]:
    """Return the run that a name means, and its folder."""
    from dan_bench.pipeline.load import find  # torch, for trained degenerators only

    record = find(name, results)
    path = Path(name)
    return record, path if path.is_dir() else results / "runs" / record.key


def network_noise(record: RunRecord, folder: Path) -> NoiseSource:
    """Return the degenerator of a run as a source; its fresh noise is the operating system's.

    Raises:
        NoDegenerator: it cannot be built.
    """
    from dan_bench.data.noise import system_bytes
    from dan_bench.pipeline.algorithm1 import NetworkNoise
    from dan_bench.pipeline.load import load, width_of
    from dan_bench.results.select import OLD, is_old

    degenerator = load(record, folder, 0, system_bytes)
    config = record.config
    names = ("joint_bits", "certified_destroyed", "percent_destroyed")
    found = {name: record.metrics.get(name) for name in names}
    measured = ", ".join(f"{name} {e.value:.4f}" for name, e in found.items() if e is not None)
    described = (
        f"run {record.key}: {config['model']['name']}, {config['output']}, "
        f"{config['objective']['name']}, noise_dim {config['noise_dim']} "
        f"({measured or 'not measured'})" + f", {OLD}" * is_old(record)
    )
    return NetworkNoise(degenerator, width_of(record), described)


def listing(plan: ErasurePlan, noise: NoiseSource, remove: bool) -> str:
    """Return what would be lost, what would be left alone, and the warnings to read before."""
    lines = [f"{f.status.st_size:>15,}  {f.path!r}" for f in plan.files[:SHOWN]]
    if len(plan.files) > SHOWN:
        lines.append(f"{'':15}  ... and {len(plan.files) - SHOWN:,} more")
    lines += [
        f"{plan.size:>15,}  bytes in {len(plan.files):,} files would be overwritten"
        + (" and removed" if remove else ""),
        f"with: {noise.name}",
    ]
    lines += [f"left alone: {r.path!r}: {r.text}" for r in plan.refused[:SHOWN]]
    if len(plan.refused) > SHOWN:
        lines.append(f"left alone: ... and {len(plan.refused) - SHOWN:,} more")
    lines += [f"WARNING: {r.path!r}: {r.text}" for r in plan.warnings[:SHOWN]]
    return "\n".join(lines)


def confirmed(plan: ErasurePlan, ask: Callable[[str], str] | None) -> bool:
    """Ask the user to type the name of everything to be overwritten; no terminal means no."""
    if ask is None:
        if not sys.stdin.isatty():
            cli.say("no terminal to ask on: add --yes to overwrite")
            return False
        ask = input
    # of a single file, the folder is not at stake
    single = len(plan.files) == 1
    paths = [plan.files[0].path] if single else [root.path for root in plan.roots]
    for path in paths:
        name = os.path.basename(path)
        try:
            typed = ask(f"This cannot be undone. Type {name!r} to overwrite {path!r}: ")
        except EOFError:
            return False
        if typed != name:
            return False
    return True


def certificate_path(path: Path | None, plan: ErasurePlan) -> Path:
    """Return where the certificate goes: neither it nor its text replaces what is not one."""
    place = path or Path(f"certificate-{now():%Y%m%d-%H%M%S}.json")
    if why := cli.unwritable(place, (".json",)):
        raise ErasureRefused(f"--certificate {place}: {why}")
    text = place.with_suffix(".txt")
    for target in (place, text):
        refuse_inside(str(target.absolute()), plan.roots, "the certificate")
    if os.path.lexists(text) and not os.path.lexists(place):
        raise ErasureRefused(f"--certificate {place}: {text} is there already; name another")
    return place


def journal_path(plan: ErasurePlan) -> Path:
    """Return the journal of these paths: always the same, so that the next run finds it."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    folder = state / "dan_bench"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    roots = "\0".join(sorted(root.path for root in plan.roots))
    name = hashlib.sha256(roots.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return folder / f"erasure-{name}.journal"


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show how far an erasure is: a bar on a terminal, elsewhere a line every few seconds.

    Yields the function that takes the number of further bytes written.
    """
    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, disable=not console.is_terminal)
    task = bar.add_task("", total=total)
    printed = time.monotonic()

    def advance(n: int) -> None:
        nonlocal printed
        bar.advance(task, n)
        if bar.disable and time.monotonic() - printed > EVERY:
            printed = time.monotonic()
            line = StringIO()
            Console(file=line).print(bar.make_tasks_table(bar.tasks))
            cli.say(line.getvalue().rstrip())  # where nobody reads it, the erasure goes on

    with bar:
        yield advance


def carry_out(plan: ErasurePlan, noise: NoiseSource, asked: argparse.Namespace, path: Path) -> int:
    """Overwrite, and write the certificate of it."""
    began = now()
    with nothing_touched():
        journal = asked.journal or journal_path(plan)
        if why := cli.unusable(journal.absolute().parent):
            raise ErasureRefused(f"--journal {journal}: {why}")
    try:
        with progress_bar(plan.size) as progress:
            report = erase(plan, noise, journal=journal, remove=asked.remove, progress=progress)
    except ErasureRefused as error:
        raise cli.InputError(f"refused, nothing was touched: {error}") from error
    except KeyboardInterrupt:
        cli.say("\ninterrupted: the same command, run again, continues")
        return cli.INTERRUPTED
    except OSError as error:
        cli.say(f"cut off: {cli.explained(error)}; the same command, run again, continues")
        return cli.FAILED
    certificate = Certificate(tuple(root.path for root in plan.roots), began, now(), report)
    try:
        written = write(certificate, path)
    except OSError as error:
        cli.say(f"no certificate: {cli.explained(error)}; the same command, run again, writes it")
        return cli.FAILED
    for file in report.files:
        if file.error:
            cli.say(f"{file.path!r}: {file.error}")
    done = sum(file.status == "overwritten" for file in report.files)
    destroyed = destroyed_text(report.destroyed)
    print(f"{done:,} of {len(report.files):,} files overwritten: {destroyed}")
    doubts = {reason for file in report.files if file.survey for reason in file.survey.unverified}
    for reason in sorted(doubts):
        print(f"UNVERIFIED: {reason}")
    print(f"certificate: {' and '.join(map(str, written))}")
    if report.complete:
        journal.unlink(missing_ok=True)  # there is nothing left to continue
        return cli.OK
    cli.say(f"run it again to continue; what is done is in {journal}")
    return cli.FAILED


if __name__ == "__main__":
    sys.exit(main())
