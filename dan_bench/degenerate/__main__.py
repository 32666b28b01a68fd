"""`python -m dan_bench.degenerate PATH...`: Algorithm 1's last step, on your own files."""

import argparse
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from dan_bench.cli import (
    FAILED,
    INTERRUPTED,
    REFUSED,
    entry_point,
    explained,
    say,
    unusable,
    user_path,
)
from dan_bench.degenerate.certificate import Certificate, now, said, write
from dan_bench.degenerate.progress import ErasureProgress
from dan_bench.erase import (
    GENERATORS,
    ErasurePlan,
    NoiseSource,
    Refused,
    erase,
    plan_erasure,
)
from dan_bench.erase.guard import refuse_inside

SHOWN = 40


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.degenerate",
        description="Overwrite files, where they lie, with what a trained degenerator makes of "
        "them, or with noise; look for the old bytes afterwards; certify what was found. Without "
        "--yes, and without the name of each path typed at the prompt, it only lists what would "
        "be lost.",
        epilog="exit code: 0 all is done, or nothing was asked for; 1 some file was not "
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
    made.add_argument("--yes", action="store_true", help="do it, and do not ask")
    made.add_argument("--dry-run", action="store_true", help="list, and do not ask")
    made.add_argument("--remove", action="store_true", help="then truncate and unlink each file")
    made.add_argument(
        "--hard-links", action="store_true", help="take in files that have other names"
    )
    made.add_argument("--cross-mounts", action="store_true", help="take in what is mounted below")
    made.add_argument(
        "--certificate",
        type=user_path,
        metavar="FILE.json",
        help="where to write it, with a FILE.txt beside it "
        "(default: certificate-DATE-TIME.json in the working folder)",
    )
    made.add_argument(
        "--journal",
        type=user_path,
        metavar="FILE",
        help="what lets a killed run go on (default: one for these paths, under "
        "$XDG_STATE_HOME/dan_bench)",
    )
    made.add_argument(
        "--results", type=user_path, default=Path("results"), metavar="DIR", help="where runs lie"
    )
    return made


@entry_point
def main(arguments: list[str] | None = None, ask: Callable[[str], str] | None = None) -> int:
    """Look, ask, overwrite and certify.

    Args:
        arguments: of the command line.
        ask: how to put a question to whoever is there; default: the terminal, if there is one.
    """
    command = parser()
    asked = command.parse_args(arguments)
    if asked.yes and asked.dry_run:
        command.error("--yes and --dry-run say opposite things")
    try:
        plan = plan_erasure(
            asked.paths, cross_mounts=asked.cross_mounts, hard_links=asked.hard_links
        )
        certificate = place_of_certificate(asked.certificate, plan)
        noise = source(asked.source, asked.results)
    except (Refused, ValueError, OSError) as error:
        print(f"refused, nothing was touched: {error}", file=sys.stderr)
        return 2
    print(listing(plan, noise, asked.remove))
    if not plan.files:
        print("there is nothing to overwrite")
        return 0
    if not asked.yes and (asked.dry_run or not confirmed(plan, ask)):
        print("nothing was touched")
        return 0
    return carry_out(plan, noise, asked, certificate)


def source(name: str, results: Path) -> NoiseSource:
    """Return a generator, or a trained degenerator (which takes importing torch)."""
    if name in GENERATORS:
        return GENERATORS[name]()
    from dan_bench.degenerate.network import found_by, network_noise

    return network_noise(*found_by(name, results))


def listing(plan: ErasurePlan, noise: NoiseSource, remove: bool) -> str:
    """Return what would be lost, what would be left alone, and what is to be known before."""
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
    """Ask for the name of everything that is to be overwritten; no terminal is a no."""
    if ask is None:
        if not sys.stdin.isatty():
            print("no terminal to ask on: say --yes to overwrite", file=sys.stderr)
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


def place_of_certificate(path: Path | None, plan: ErasurePlan) -> Path:
    """Return where the certificate goes, which is not in what is to be erased."""
    place = path or Path(f"certificate-{now():%Y%m%d-%H%M%S}.json")
    if place.suffix != ".json":
        raise Refused(f"--certificate {place}: the name must end in .json")
    folder = place.absolute().parent
    if not folder.is_dir():
        raise Refused(f"--certificate {place}: there is no folder {folder}")
    if why := unusable(folder):
        raise Refused(f"--certificate {place}: {why}")
    refuse_inside(str(place.absolute()), plan.roots, "the certificate")
    return place


def place_of_journal(plan: ErasurePlan) -> Path:
    """Return the journal of these paths: the same again, so that a killed run finds it."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    folder = state / "dan_bench"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    roots = "\0".join(sorted(root.path for root in plan.roots))
    name = hashlib.sha256(roots.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return folder / f"erasure-{name}.journal"


def carry_out(plan: ErasurePlan, noise: NoiseSource, asked: argparse.Namespace, place: Path) -> int:
    """Overwrite, and write the certificate of it."""
    began = now()
    try:
        journal = asked.journal or place_of_journal(plan)
        if why := unusable(journal.absolute().parent):
            raise Refused(f"--journal {journal}: {why}")
    except (Refused, OSError) as error:
        print(f"refused, nothing was touched: {error}", file=sys.stderr)
        return REFUSED
    try:
        with ErasureProgress(plan.size) as progress:
            report = erase(
                plan, noise, journal=journal, remove=asked.remove, progress=progress.advance
            )
    except Refused as error:
        print(f"refused, nothing was touched: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted: the same command, run again, goes on", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        say(f"cut off: {explained(error)}; the same command, run again, goes on")
        return FAILED
    certificate = Certificate(tuple(root.path for root in plan.roots), began, now(), report)
    try:
        written = write(certificate, place)
    except OSError as error:
        say(f"no certificate: {explained(error)}; the same command, run again, writes it")
        return FAILED
    for file in report.files:
        if file.error:
            print(f"{file.path!r}: {file.error}", file=sys.stderr)
    done = sum(file.status == "overwritten" for file in report.files)
    print(f"{done:,} of {len(report.files):,} files overwritten: {said(report.destroyed)}")
    doubts = {reason for file in report.files if file.survey for reason in file.survey.unverified}
    for reason in sorted(doubts):
        print(f"UNVERIFIED: {reason}")
    print(f"certificate: {' and '.join(map(str, written))}")
    if report.complete:
        journal.unlink(missing_ok=True)  # there is nothing to go on with
        return 0
    print(f"run it again to go on; what is done is in {journal}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
