"""`python -m dan_bench.report [COMMAND]`: what came out, from the records folder alone."""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module

from dan_bench.cli import InputError, entry_point, uncollected, user_path
from dan_bench.interfaces import RunRecord
from dan_bench.report import rendered
from dan_bench.report.inputs import axes_of, finished, metrics_of, results_parser, say_left_out
from dan_bench.report.kept import Kept, boards_of
from dan_bench.report.leaderboard import boards
from dan_bench.results.archive import open_results
from dan_bench.results.where import conditions, listed, there_are, where
from dan_bench.tables import FORMATS

BOARD = "leaderboard"
COMMANDS = {
    BOARD: ("the table (the default)", ""),
    "headline": ("two sentences and a table of eight rows", "headline:main"),
    "table1": ("the paper's Table 1, as `python -m dan_bench.table1` measured it", "table1:main"),
    "figures": ("draw results/figures", "figures:main"),
    "findings": ("the claims, each judged from the records", "claims.render:main"),
    "html": ("the results as one self-contained page", "html.command:main"),
    "saturation": ("what gradient is left as the discriminator learns", "saturation:main"),
    "runs": ("which runs there are, filtered and sorted; or their keys", "listing:main"),
    "show": ("all that one run left", "runs:main_show"),
    "compare": ("two runs side by side", "runs:main_compare"),
    "export": ("every number, cost and provenance as CSV or Parquet", "runs:main_export"),
    "submit": ("bundle a method of yours for the leaderboard", "submission:main"),
    "verify": ("check such a bundle, and run a part of it again", "verify:main"),
}
"""What each does, and its module and function, which is imported when it is called."""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = results_parser(
        "",
        "Print the table of a results folder: controls first, then models.",
        "commands, each with a --help of its own:\n"
        + "".join(f"  {name:12} {what}\n" for name, (what, _) in COMMANDS.items())
        + "\nexample: python -m dan_bench.report --metrics joint_bits,percent_destroyed "
        "--format latex",
    )
    made.add_argument(
        "--with",
        dest="more",
        nargs="+",
        type=user_path,
        default=[],
        metavar="DIR",
        help="more results in the same table, such as submissions/*",
    )
    made.add_argument("--format", choices=FORMATS, default="table")
    made.add_argument(
        "--metrics",
        metavar="A,B,...",
        help="which columns, or all (default: on a terminal the few that decide the verdicts, "
        "elsewhere all); METRIC.DETAIL is one too, e.g. c2st_accuracy.mlp",
    )
    made.add_argument(
        "--wide",
        action="store_true",
        help="on a terminal, all columns, and each row on one line as long as it is; else what is "
        "wider than the terminal (COLUMNS; 100 in a pipe) is folded",
    )
    made.add_argument("--sort", metavar="METRIC", help="the best first; default by name")
    made.add_argument(
        "--group-by",
        metavar="A,B,...",
        help="config names that make a row, e.g. data,model,output or trainer.max_steps "
        "(default: everything but the seed); refused where a row would average over anything but "
        "seeds, with the names to add",
    )
    made.add_argument(
        "--where",
        metavar="A=X,B=Y,...",
        help="only runs whose setting A is X, e.g. data=mnist,trainer.max_steps=1200, or one of "
        "several, 'data=mnist or danoise'; values as in an override of train: 1e-3 is 0.001, false "
        "is False, [64,64] is a list; null or none also stands for a setting that a run does not "
        "have. Controls and untrained networks stay where the setting is of a part that they do "
        "not have, such as trainer, objective or end_to_end: trained models are read against them",
    )
    return made


def board(arguments: list[str]) -> int:
    """Print the table; 0 where there was one, 2 where something asked for is not there."""
    asked = parser().parse_args(arguments)
    folders = [open_results(folder) for folder in (*asked.more, asked.results)]

    @cache
    def read() -> tuple[list[RunRecord], bool]:
        found = [folder.all() for folder in folders]
        for _, damaged in found:
            say_left_out(damaged)
        # under one key there may be a run of a CPU and one of a GPU, which are two methods
        of = {(r.key, str(r.provenance.get("device"))): r for runs, _ in found for r in runs}
        done = {run.key for run in of.values() if run.status == "done"}
        records = [run for run in of.values() if run.status == "done" or run.key not in done]
        return records, not any(damaged for _, damaged in found)

    def made(metrics: Sequence[str] | None = None) -> tuple[Kept, bool]:
        records, keep = read()
        done = finished(records, asked.results)
        failed = len(records) - len(done)
        if asked.where is not None:
            done = where(done, conditions(asked.where), axes_of(done))
        axes = asked.group_by
        if axes is not None:
            axes = listed("--group-by", axes, axes_of(done))
        return Kept(boards(done, metrics, axes), metrics_of(done)[1], failed), keep

    how = [asked.where, asked.group_by]
    found = made()[0] if asked.more else boards_of(asked.results, how, made)
    there = {name for board in found.boards for name in board.metrics}
    metrics, by = asked.metrics, None
    if metrics not in (None, "all"):
        metrics = listed("--metrics", metrics, there, found.details)
    if asked.sort is not None:
        by = listed("--sort", asked.sort, there, found.details)[0]
    columns = None if metrics == "all" else metrics
    of_all = set.intersection(*(set(board.metrics) for board in found.boards))
    if by in found.details or set(columns or ()) - of_all:  # of these nothing is kept
        found, _ = made(columns)
    text, failed = rendered(found.boards, asked.format, metrics, asked.wide, by), found.failed
    print(text, end="")
    if failed:
        print(f"{failed} failed runs are left out", file=sys.stderr)
    return 0


@entry_point
def main(arguments: list[str] | None = None) -> int:
    """Carry out a command; without one, print the table."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] not in COMMANDS and not given[0].startswith("-"):
        raise InputError(f"no command {given[0]!r}; {there_are(set(COMMANDS), given[0])}")
    name, rest = (given[0], given[1:]) if given and given[0] in COMMANDS else (BOARD, given)
    module, _, function = COMMANDS[name][1].partition(":")
    with uncollected():
        if name == BOARD:
            return board(rest)
        code: int = getattr(import_module(f"dan_bench.report.{module}"), function)(rest)
        return code


if __name__ == "__main__":
    sys.exit(main())
