"""`python -m dan_bench.tour`: a minute that trains, and shows a collapse, its cure and its limits.

Exit code: 0 complete, whatever it measured; 1 a run failed; 2 refused; 130 interrupted.
"""

import argparse
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn
from rich.progress import Progress as ProgressBars
from rich.table import Table
from rich.text import Text

from dan_bench.cli import (
    FAILED,
    INTERRUPTED,
    OK,
    InputError,
    entry_point,
    remembering_interrupts,
    say,
    unusable,
    user_path,
)
from dan_bench.interfaces import Bytes, Estimate, Progress, ProgressCallback, RunRecord
from dan_bench.metrics.catalogue import curve, headlines

COMMON = """logger=none runtime.snapshots=[] evaluation.samples=2000 evaluation.known=2000
~evaluation.metrics.min_entropy_bits ~evaluation.metrics.sp800_22
~evaluation.metrics.linear_complexity"""
"""Without the metrics that are compiled on a machine's first run, which takes a minute."""
FAST = """objective=relativistic trainer.batch_size=64 runtime.log_every=25
optimizer.degenerator.lr=3e-3 optimizer.discriminator.lr=3e-3"""
"""Not the defaults: of some forty settings, those that show collapse and cure in the least time."""
COLLAPSED, SPREAD = 0.5, 0.95  # effective dimensions below and above which rows are called so
SHOWN = headlines()[:4]
NEXT = """
Yes is what nothing measured contradicts, gone is certified, hidden is what no attack found. Next:
python -m dan_bench.train output=torus seed=3  one run, with every metric
make sweep                                     everything, with error bars
python -m dan_bench.assess FILE                is that file noise?
python -m dan_bench.degenerate PATH            destroys files; asks first
"""

STOPS = {
    "DAN, sigmoid": (
        f"output=sigmoid {FAST}",
        "A degenerative adversarial network (DAN) is a GAN run backwards: the degenerator turns "
        "data into noise, the discriminator compares the result with true noise. The paper's "
        "output is a sigmoid. Along how many of noise's dimensions do its rows vary?",
    ),
    "DAN, torus": (
        f"output=torus {FAST}",
        "The same with one change: the output is wrapped modulo 1, and the discriminator sees its "
        "sine and cosine. A sigmoid saturates at both ends; a circle has none.",
    ),
    "DAN, torus, no noise": (
        f"output=torus noise_dim=0 model.scale=8 {FAST}",
        "To look like noise is one thing, to be gone another. Without fresh random bits the output "
        "depends on the data alone: whoever has the network can run every candidate through it.",
    ),
    "one-time pad": (
        "model=one_time_pad",
        "The other extreme: a fresh random bit for each bit of data, and Shannon's proof (1949).",
    ),
}
"""Overrides of each run, and what is said before it, by its title."""


def tour(asked: argparse.Namespace, results: Path) -> int:
    """Give the tour with its records under `results`, and return the exit code."""
    from dan_bench.report.verdicts import gone_from_output, looks_like_noise
    from dan_bench.results.record import Store

    options = f"{COMMON} data={asked.data} seed={asked.seed} trainer.max_steps={asked.steps}"
    paths = {"results": results, "datasets": asked.datasets}
    console = Console(highlight=False, width=min(80, Console().width))
    table = Table("", "fresh bits", *(row.heading for row in SHOWN), "noise?", "gone?", box=None)
    table.columns[0].no_wrap = True
    found: list[dict[str, Estimate]] = []
    for title, (overrides, text) in STOPS.items():
        console.print(f"\n[bold]{len(found) + 1}. {title}[/bold]\n\n{text}\n")
        before = {record.key for record in Store(results).all()[0] if record.status == "done"}
        record = carry_out(title, f"{options} {overrides}".split(), paths, console)
        if record.status != "done":
            say(f"{record.traceback}\nthe run of {title!r} failed; see above")
            return FAILED
        if record.key in before:
            console.print("(done before, and read from its record)\n")
        samples = Store(results).array(record.key, "samples")
        if console.color_system and not console.no_color and samples is not None:
            console.print("its first three outputs:", pictures(samples), "", sep="\n")
        found.append({name: e for name, e in record.metrics.items() if e is not None})
        console.print(finding(found[-1], found[-2:][0]))
        words = (judge([record]).word for judge in (looks_like_noise, gone_from_output))
        values = (f"{row.scale * found[-1][row.name].value:.4g}" for row in SHOWN)
        table.add_row(title, f"{record.costs['noise_bits']:,.0f}", *values, *words)
    table.add_row("ideal noise", "", *(row.ideal_text for row in SHOWN))
    console.print("\n[bold]The verdicts[/bold]\n", table, NEXT, sep="\n", end="")
    return OK


def carry_out(
    title: str, overrides: list[str], paths: dict[str, Path], console: Console
) -> RunRecord:
    """Train and measure one run, as `python -m dan_bench.train` does, showing its progress."""
    with watching(console, title) as show:
        from dan_bench.config.compose import configure  # seconds of imports, with the bar in sight
        from dan_bench.data.fetch import DataUnavailable
        from dan_bench.pipeline.run import run

        try:
            return run(configure(overrides, paths), "tour", show)
        except DataUnavailable as error:
            raise InputError(f"{error}\nOr without it: --data danoise") from error
        except SystemExit:  # how Lightning reacts to Ctrl-C
            raise KeyboardInterrupt from None


@contextmanager
def watching(console: Console, title: str) -> Iterator[ProgressCallback]:
    """Show how far a run is, on a terminal; a Ctrl-C that was lost counts at the next report."""
    columns = "{task.description}", BarColumn(16), MofNCompleteColumn(), "{task.fields[curve]}"
    bars = ProgressBars(*columns, console=console, transient=True)
    task = bars.add_task(f"{title}: loading", total=None, curve="")

    def show(progress: Progress) -> None:
        check()
        name, latest = progress.metric or ("", 0.0)
        text = f"{curve(name).heading} {latest:.3f}" if name else ""
        doing, total = f"{title}: {progress.doing}", progress.steps or None
        bars.update(task, description=doing, completed=progress.step, total=total, curve=text)

    with remembering_interrupts() as check, bars, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what libraries plan to change
        yield show


def pictures(rows: Bytes) -> Text:
    """Draw the first three of some rows of 28 x 28 bytes, two pixels a character."""
    pixels = np.hstack([row.reshape(28, 28)[2:-2, 2:-2] for row in rows[:3]])
    pairs = (zip(*pair, strict=True) for pair in zip(pixels[::2], pixels[1::2], strict=True))
    styles = ([f"rgb({a},{a},{a}) on rgb({b},{b},{b})" for a, b in pair] for pair in pairs)
    return Text("\n").join(Text.assemble(*(("▀", style) for style in line)) for line in styles)


def finding(found: dict[str, Estimate], before: dict[str, Estimate]) -> str:
    """Return whether a run has collapsed, or is the cure of a collapse before, and what is left."""
    first, share = before["effective_dimensions"].value, found["effective_dimensions"].value
    short = "" if share > SPREAD else ", but falls short of noise"
    state = "has collapsed" if share < COLLAPSED else f"has not collapsed{short}"
    cure = "That is the cure. " if first < COLLAPSED and share > SPREAD else ""
    bits, destroyed = found["shannon_bits"].value, found["percent_destroyed"]
    attack = max(destroyed.details, key=lambda name: destroyed.details[name])
    return (
        f"{cure}It {state}: its effective dimensions are {share:.3f} of noise's, and its bytes "
        f"hold {bits:.2f} of 8 bits. The best of {len(destroyed.details)} attacks ({attack}) "
        f"recovered {100 - destroyed.value:.1f} % of the data."
    )


@entry_point
def main(arguments: list[str] | None = None) -> int:
    """Give the tour; return the exit code."""
    command = argparse.ArgumentParser(prog="python -m dan_bench.tour", description=__doc__)
    option = command.add_argument
    option("--seed", type=int, default=0, metavar="N", help="of all randomness (default: 0)")
    option("--data", choices=("mnist", "danoise"), default="mnist", help="(default: mnist)")
    option("--steps", type=int, default=500, metavar="N", help="of each training (default: 500)")
    option("--results", type=user_path, metavar="DIR", help="keep the records there")
    option("--datasets", type=user_path, default=Path("datasets"), metavar="DIR")
    asked = command.parse_args(arguments)
    for name, least in (("seed", 0), ("steps", 1)):
        if getattr(asked, name) < least:
            command.error(f"--{name} {getattr(asked, name)}: must be at least {least}")
    if asked.results is not None and (why := unusable(asked.results)):
        command.error(f"--results {asked.results}: {why}")
    with tempfile.TemporaryDirectory(prefix="dan_bench.tour.") as scratch:
        try:
            return tour(asked, asked.results or Path(scratch))
        except KeyboardInterrupt:
            say("stopped; nothing is left behind but what --results was given")
            return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
