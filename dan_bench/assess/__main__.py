"""`python -m dan_bench.assess FILE...`: is this file noise?"""

import argparse
import gc
import json
import os
import sys
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from dan_bench.assess.options import add_reading_options, layout_of, source_option
from dan_bench.cli import (
    INTERRUPTED,
    OK,
    REFUSED,
    entry_point,
    say,
    uncollected,
    unwritable,
    user_path,
)

if TYPE_CHECKING:
    from dan_bench.assess.assessment import Assessment
    from dan_bench.assess.reading import Layout

AGAINST = ("python_random", "urandom")
MOST_WINDOWS = 4096
"""Twice as many are held while a pipe is read; `all` holds a few."""
PICTURES = (".png", ".pdf", ".svg")


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.assess",
        description="Is this file noise? Counts, spectrum, min-entropy (SP 800-90B), the fifteen "
        "tests of SP 800-22, linear complexity, birthday spacings and gaps, each beside what true "
        "noise of that length shows.",
        epilog="for an entropy source (SP 800-90B): --entropy-source, --restart, --conditioning or "
        "--health, each with options and a --help of its own, as in --health --help. "
        "exit code: 0 nothing speaks against noise, 1 something does, 2 bad input. "
        "example: head -c 1000000 /dev/urandom | python -m dan_bench.assess -",
    )
    made.add_argument("files", nargs="+", metavar="FILE", help="a path, or - for standard input")
    add_reading_options(made)
    made.add_argument(
        "--windows",
        type=windows_asked,
        metavar="N|all",
        help="run every test on N evenly spaced windows of a mebibyte, or on all of them, with one "
        "p-value a family over all; by default on up to three",
    )
    made.add_argument("--json", action="store_true", help="print a list, one object a file")
    made.add_argument("--plot", type=user_path, metavar="OUT.png", help="draw it beside noise")
    made.add_argument(
        "--iid",
        action="store_true",
        help="test whether the IID track applies (SP 800-90B, section 5)",
    )
    made.add_argument(
        "--against",
        choices=AGAINST,
        help="also assess as much of that generator's output, in a column of its own",
    )
    made.add_argument(
        "--ais31",
        choices=("a", "b", "irn", "all"),
        help="instead, run AIS 20/31: procedure a or b (2011), T_irn (2024), or all of them",
    )
    return made


def windows_asked(text: str) -> int | Literal["all"]:
    """Return what `--windows` says: a number of at least 1, or `all`."""
    if text == "all":
        return "all"
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WINDOWS:
        raise argparse.ArgumentTypeError(f"must be 1 to {MOST_WINDOWS:,}, or all, got {text!r}")
    return int(text)


def ignored_options(asked: argparse.Namespace) -> str:
    """Return what is wrong where an option would have no effect beside another; empty if none."""
    of_assessments = ("windows", "segment", "plot", "iid", "against")
    for name, others in (("ais31", ("advise", *of_assessments)), ("advise", of_assessments)):
        if getattr(asked, name):
            for other in others:
                if getattr(asked, other) not in (None, False):
                    return f"--{name} runs instead of an assessment: leave out --{other}"
    if asked.formerly is not None and asked.form != "raw":
        return "--form is the former name of --format: give one of them"
    return ""


class AssessmentProgress:
    """The current activity, in one line on a terminal; elsewhere, only what takes long."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown = sys.stderr is not None and sys.stderr.isatty()
        self._start = time.monotonic()

    def __call__(self, doing: str) -> None:
        """Replace the line."""
        if self._shown:
            seconds = time.monotonic() - self._start
            self._write(f"\r\033[K{self._name}: {doing} ({seconds:.1f} s)")

    def read(self, done: int, of: int | None) -> None:
        """Show how much was read."""
        self(f"read {done / 1e6:,.0f} MB" + (f" of {of / 1e6:,.0f}" if of else ""))

    def compiling(self, how_far: str) -> None:
        """Announce what the first run on a machine waits for, on a line that stays."""
        self.close()
        self._write(f"{how_far}\n")

    def close(self) -> None:
        """Remove the line."""
        if self._shown:
            self._write("\r\033[K")

    def _write(self, text: str) -> None:
        print(text, end="", file=sys.stderr, flush=True)


@entry_point
@uncollected()
def main(arguments: list[str] | None = None) -> int:
    """Assess every file; the exit code is that of the worst."""
    given = sys.argv[1:] if arguments is None else arguments
    if option := source_option(given):
        from dan_bench.assess import source

        with closing(AssessmentProgress(option.removeprefix("--"))) as progress:
            code, text = source.main(option, given, progress, progress.compiling)
        print(text, flush=True)
        return code
    command = parser()
    asked = command.parse_args(arguments)
    if ignored := ignored_options(asked):
        command.error(ignored)
    if asked.windows is not None and asked.against:
        command.error("--against has the windows of an assessment without --windows")
    layout = layout_of(asked, command)
    if asked.windows is not None and layout.width > 8:
        command.error(
            f"--windows takes symbols of up to 8 bits, these have {layout.width}: choose some by "
            "--lane (--advise says which)"
        )
    streams = [asked.files] if asked.together else [[name] for name in asked.files]
    if asked.plot is not None:
        if len(streams) > 1:
            command.error("--plot draws one file: name one")
        if why := unwritable(asked.plot, PICTURES):
            command.error(f"--plot {asked.plot}: {why}")

    return assess_streams(streams, asked, layout)


def assess_streams(streams: list[list[str]], asked: argparse.Namespace, layout: "Layout") -> int:
    """Report on one stream after another; the exit code is that of the worst."""
    from dan_bench.assess.reading import UnusableInput
    from dan_bench.tables import one_line

    code, objects = OK, []
    for names in streams:
        try:
            with closing(AssessmentProgress(" + ".join(map(one_line, names)))) as progress:
                text, found, ended = report(names, asked, layout, progress)
        except UnusableInput as error:
            say(error)
            code = REFUSED
            continue
        code = max(code, ended)
        if asked.json:
            objects.append(found)
        else:
            print(text, flush=True)
    if asked.json:
        print(json.dumps(objects, indent=1, allow_nan=False), flush=True)
    return code


def report(
    names: list[str], asked: argparse.Namespace, layout: "Layout", progress: AssessmentProgress
) -> tuple[str, dict[str, Any], int]:
    """Do with one stream what was asked for; return it as text and for JSON, and the exit code."""
    if asked.ais31:
        from dan_bench.assess.ais31 import run

        return run(names, layout, asked.ais31, progress, progress.read)
    if asked.advise:
        from dan_bench.assess.advice import advise

        return (*advise(names, layout, progress.read), OK)
    result, beside = assess_file(names, asked, layout, progress)
    from dan_bench.assess import render

    found = render.as_json(result, beside)
    if asked.together:
        found["files"] = names
    return render.table(result, beside), found, int(bool(result.against))


def assess_file(
    names: list[str], asked: argparse.Namespace, layout: "Layout", progress: AssessmentProgress
) -> tuple["Assessment", "Assessment | None"]:
    """Assess and draw one stream as asked, and the generator's output that goes beside it."""
    from dan_bench.assess.reading import UnusableInput, read

    reading = partial(read, names, layout, progress.read, segment=asked.segment)
    # before the tests are loaded: what cannot be read is refused at once
    stream = reading() if asked.windows is None else None
    progress("load the tests")
    from dan_bench.assess.assessment import assess, noise_like
    from dan_bench.assess.windows import assess_windows
    from dan_bench.randomness.min_entropy.estimators import compiling

    with compiling(progress.compiling):
        beside = None
        if stream is None:
            result = assess_windows(
                lambda choose: reading(choose=choose),
                asked.windows,
                layout.width,
                asked.iid,
                progress,
            )
            stream = result.stream
        else:
            result = assess(stream, stream.bits, asked.iid, progress)
        if asked.against:
            like = noise_like(stream, asked.against, stream.bits)
            beside = assess(like, stream.bits, progress=progress)
    if stream.segments is not None:
        from dan_bench.assess.advice import of_segments

        result = replace(result, findings=[*result.findings, of_segments(stream.segments)])
    if asked.plot is not None:
        from dan_bench.assess.plot import plot

        progress("plot")
        fresh = noise_like(stream, "urandom", stream.bits).windows[0].symbols
        try:
            plot(stream.windows[0], fresh, stream.bits, stream.name, asked.plot)
        except OSError as error:
            raise UnusableInput(f"--plot {asked.plot}: {error.strerror or error}") from error
    return result, beside


if __name__ == "__main__":
    # threads of numpy's matrix products would wait busily, and their number change last digits
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    ended = main()
    if ended == INTERRUPTED:
        os._exit(ended)  # all is printed, and a thread may be in the middle of a long test
    gc.freeze()  # cycles among all that was loaded are not worth looking for as the process ends
    sys.exit(ended)
