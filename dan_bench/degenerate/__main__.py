"""`python -m dan_bench.degenerate PATH...`: Algorithm 1's last step, on your own files."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dan_bench import cli
from dan_bench.degenerate import free_space, issue
from dan_bench.degenerate.certificate import Certificate
from dan_bench.degenerate.device import devices
from dan_bench.degenerate.listing import digest_of, listing, summary, to_json
from dan_bench.degenerate.options import parsed
from dan_bench.degenerate.outputs import (
    Outputs,
    certificate_place,
    check_journal,
    journal_path,
    open_outputs,
)
from dan_bench.degenerate.signature import SignatureError
from dan_bench.degenerate.source import source
from dan_bench.degenerate.terminal import (
    Stopped,
    counting,
    hold_standard_handles,
    progress_bar,
    stoppable,
    tell,
    undisturbed,
)
from dan_bench.degenerate.text import percent
from dan_bench.erase import (
    ErasurePlan,
    ErasureRefused,
    ErasureReport,
    Outcome,
    Remark,
    erase,
    pending,
    plan_erasure,
    restore_names,
)
from dan_bench.erase.afterwards import names_left, remove_folders, second_look
from dan_bench.erase.users import in_use
from dan_bench.interfaces import NoiseSource


@cli.entry_point
def main(arguments: list[str] | None = None, ask: Callable[[str], str] | None = None) -> int:
    """List, ask, overwrite and certify; the exit code is an `Outcome`.

    Args:
        arguments: of the command line.
        ask: how to put a question to the user; default: the terminal, if there is one.
    """
    hold_standard_handles()
    asked = parsed(arguments)
    if asked.verify is not None:
        return issue.verified(asked)
    try:
        with stoppable():
            return run(asked, ask)
    except Stopped as stopped:
        return 128 + stopped.number


def run(asked: argparse.Namespace, ask: Callable[[str], str] | None) -> int:
    """List, and if that is agreed to, go on; return the exit code."""
    journal = asked.journal or journal_path(asked.paths)
    with nothing_touched():
        named = sorted({os.path.realpath(path) for path in asked.paths})
        resumed = pending(journal, named) is not None
        if resumed and not asked.dry_run:
            restore_names(journal)
        plan = plan_erasure(
            asked.paths,
            cross_mounts=asked.cross_mounts,
            hard_links=asked.hard_links,
            anyway=asked.anyway,
            may_be_gone=resumed,
            progress=counting(),
        )
        plan = replace(plan, warnings=(*in_use(plan.files), *issue.media(plan), *plan.warnings))
        if asked.listing not in (None, digest_of(plan)):
            raise ErasureRefused(
                f"the listing is {digest_of(plan)} now, not {asked.listing}: files were added, "
                "removed or written to"
            )
        free_space.check(asked.free_space)
        noise = source(asked.source, asked.results, asked.leaky)
        certificate_place(asked.certificate, plan, asked.sign is not None, resumed)
    if asked.dry_run:
        print(to_json(plan, noise, asked.remove) if asked.json else shown(plan, noise, asked))
        if not asked.json:
            print("nothing was touched")
        return Outcome.DONE
    # what goes on without a question goes on without readers
    (tell if asked.yes else print)(shown(plan, noise, asked))
    if resumed:
        tell(f"resuming an earlier attempt that {journal} recorded")
    elif not plan.files:
        tell("there is nothing to overwrite")
        return Outcome.NOTHING
    with nothing_touched():
        issue.check_key(asked.sign, plan)
        digest_key = issue.digest_key(asked.digest_key, plan)
        check_journal(journal, plan)
        plan.refuse_inside(tempfile.gettempdir(), "the temporary folder")
        outputs = open_outputs(asked.certificate, plan, asked.sign is not None, resumed)
    with outputs:
        if not asked.yes and not confirmed(plan, ask):
            print("nothing was touched")
            return Outcome.NOTHING
        return carry_out(plan, noise, asked, outputs, journal, digest_key)


@contextmanager
def nothing_touched() -> Iterator[None]:
    """Say of whatever fails in here that nothing was touched; exit code 2."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise cli.InputError(f"refused, nothing was touched: {error}") from error


def shown(plan: ErasurePlan, noise: NoiseSource, asked: argparse.Namespace) -> str:
    """Return the listing that was asked for."""
    lines = [listing(plan, noise, asked.remove, asked.list), *free_space.listed(asked.free_space)]
    return "\n".join(lines)


def confirmed(plan: ErasurePlan, ask: Callable[[str], str] | None) -> bool:
    """Ask the user to type the name of everything to be overwritten; no terminal means no."""
    if ask is None:
        if sys.stdin is None or not sys.stdin.isatty() or sys.stdout is None or sys.stderr is None:
            cli.say("no terminal to ask on: add --yes to overwrite")
            return False
        ask = input
    # of a single file, the folder is not at stake
    single = len(plan.files) == 1 and not plan.gone
    for path in [plan.files[0].path] if single else plan.paths:
        name = os.path.basename(path)
        try:
            typed = ask(f"This cannot be undone. Type {name!r} to overwrite {path!r}: ")
        except EOFError:
            return False
        if typed != name:
            return False
    return True


def carry_out(
    plan: ErasurePlan,
    noise: NoiseSource,
    asked: argparse.Namespace,
    outputs: Outputs,
    journal: Path,
    digest_key: bytes | None,
) -> int:
    """Overwrite, look again, and write the certificate of it."""
    lies_on = devices(plan.mounts)
    began = time.time_ns()
    try:
        with progress_bar(plan.held) as progress:
            report = erase(
                plan,
                noise,
                journal=journal,
                remove=asked.remove,
                progress=progress,
                digest_key=digest_key,
            )
        report, folders = looked_after(plan, report, asked.remove_folders, began)
        filled = free_space.filled(asked.free_space)
    except ErasureRefused as error:
        raise cli.InputError(f"refused, nothing was touched: {error}") from error
    except KeyboardInterrupt as stopped:
        cli.say("\ninterrupted: the same command, run again, continues")
        return 128 + stopped.number if isinstance(stopped, Stopped) else cli.INTERRUPTED
    except (OSError, ValueError, ArithmeticError) as error:  # of the disk, or of the noise's source
        why = cli.explained(error) if isinstance(error, OSError) else str(error)
        cli.say(f"cut off: {why}; the same command, run again, continues")
        return Outcome.FAILED
    with undisturbed():
        try:
            certificate = Certificate(
                plan.paths, report, noise, lies_on, filled, asked.operator, asked.contact
            )
            written, total = issue.written(certificate, outputs, asked.sign)
        except (OSError, SignatureError) as error:
            why = cli.explained(error) if isinstance(error, OSError) else str(error)
            cli.say(f"no certificate: {why}; the same command, run again, writes it")
            return Outcome.FAILED
        if report.outcome is not Outcome.FAILED:
            journal.unlink(missing_ok=True)  # there is nothing left to continue
        for file in report.files:
            if file.error:
                cli.say(f"{file.path!r}: {file.error}")
        for line in summary(report, percent(total["destroyed"]), folders):
            tell(line)
        for line in free_space.summed_up(filled):
            tell(line)
        tell(f"certificate: {' and '.join(map(str, written))}")
        if report.outcome is Outcome.FAILED:
            cli.say(f"run it again to continue; what is done is in {journal}")
            return Outcome.FAILED
        vouched = total["vouched"] and not any(of.doubts for of in filled)
        return report.outcome if vouched else Outcome.DOUBTED


def looked_after(
    plan: ErasurePlan, report: ErasureReport, folders_too: bool, began_ns: int
) -> tuple[ErasureReport, int]:
    """Find what appeared meanwhile, and remove emptied folders; return how many those were."""
    refused = [*report.refused, *second_look(plan, report.files, began_ns)]
    removed = 0
    if folders_too:
        removed, kept = remove_folders(plan.folders)
        refused += kept
    if report.removal:
        refused += [
            Remark(path, text, False) for path in plan.paths[:1] for text in names_left(plan)
        ]
    return replace(report, refused=tuple(refused)), removed


if __name__ == "__main__":
    sys.exit(main())
