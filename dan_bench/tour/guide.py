"""The tour: what is said and shown, in its order, while the runs are made."""

import math
import random
import shlex
import time
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from dan_bench.cli import InputError
from dan_bench.config.schema import ConfigError
from dan_bench.data.fetch import DataUnavailable
from dan_bench.interfaces import RunRecord
from dan_bench.report.verdicts import VERDICTS
from dan_bench.results.record import ForeignRecord, Store
from dan_bench.tour import words
from dan_bench.tour.pictures import Bytes, most_alike, strip
from dan_bench.tour.subjects import FIXED, KEPT, PAD, SAMPLES, SIGMOID, TORUS, TourMethod, config_of
from dan_bench.tour.watch import interruptible, watching

WIDTH = 80
SHAPE = (28, 28)


class Unavailable(InputError):
    """Nothing could be trained; the message says why, and what to do."""


class RunFailed(RuntimeError):
    """A run failed; the message ends with the reason."""


class Narrator:
    """Gives the tour on standard output.

    Args:
        data: name of the data set, `mnist` or `danoise`.
        seed: of every run.
        steps: of each training.
        results: folder for the records.
        datasets: folder for MNIST.
    """

    def __init__(self, data: str, seed: int, steps: int, results: Path, datasets: Path) -> None:
        self.data, self.seed, self.steps = data, seed, steps
        self.results, self.datasets = results, datasets
        self.thing = "digit" if data == "mnist" else "row"
        whole = Console(highlight=False)
        self.console = Console(highlight=False, width=min(WIDTH, whole.width))
        self.records: dict[TourMethod, RunRecord] = {}
        noise = random.Random(seed).randbytes(KEPT * math.prod(SHAPE))
        self.noise: Bytes = np.frombuffer(noise, dtype=np.uint8).reshape(KEPT, -1)

    def tour(self, began: float, kept: bool) -> None:
        """Give the whole of it, begun at that `time.perf_counter()`.

        Raises:
            Unavailable: there is no data, or the records of another program are in the way.
            RunFailed: a run failed.
        """
        self.welcome()
        self.collapse()
        self.cure()
        self.gone()
        self.verdicts()
        self.onward(kept)
        self.say(f"That took {time.perf_counter() - began:.0f} seconds.")

    # the chapters

    def welcome(self) -> None:
        """Say what is going to happen."""
        self.title("dan_bench in a minute: is it noise, and is it gone?")
        self.say(
            "A degenerative adversarial network (DAN) is a GAN run backwards: one network turns "
            "data into noise, another tries to tell the result from true noise. Three of them "
            f"are trained here, {self.steps} steps each, seed {self.seed}, and measured on data "
            "that they never saw. Every figure below is measured, and what is said of it is "
            "chosen by it. What was chosen beforehand: loss, batch and rate, of a few dozen "
            "settings tried, so that a minute is enough to see something."
        )

    def collapse(self) -> None:
        """Train the paper's output and look at it."""
        self.title("1. The paper's output: a sigmoid")
        self.say(
            "While it trains, watch its effective dimensions, as a share of those of true noise: "
            "along how many directions do its rows vary? (Of a few rows here; of more afterwards.)"
        )
        record = self.make(SIGMOID)
        inputs = self.kept(record, "inputs")
        first, second, _ = most_alike(self.kept(record, "samples"))
        captions = ["in: the first one", "in: number " + str(first), "in: number " + str(second)]
        self.draw(inputs[[0, first, second]], captions)
        alike = self.look(record)
        self.measured(record)
        self.say(words.of_bytes(record))
        self.say(f"{words.of_rows(record)} {words.of_classifiers(record)}")
        self.say(self.of_pictures(alike))
        self.say(words.of_data(record, self.thing))

    def cure(self) -> None:
        """Train the same on a torus."""
        self.title("2. The same on a torus")
        self.say(
            "The same data, loss and steps, and one change: the output is wrapped modulo 1, and "
            "the discriminator is shown its sine and cosine. A sigmoid has two ends, hard to "
            "reach and easy to stay at. A circle has none."
        )
        record = self.make(TORUS)
        alike = self.look(record)
        first, second, of_noise = most_alike(self.noise)
        captions = [
            "Python's random, first",
            f"number {first}",
            f"number {second}: r = {of_noise:.2f}",
        ]
        self.draw(self.noise[[0, first, second]], captions)
        self.measured(record)
        before = self.records[SIGMOID]
        self.say(f"{words.of_cure(before, record)} {words.of_classifiers(record)}")
        self.say(self.of_pictures(alike))
        self.say(words.of_data(record, self.thing))

    def gone(self) -> None:
        """Train it without fresh noise, and set a one-time pad beside it."""
        self.title("3. Looks like noise; is it gone?")
        spent = self.records[TORUS].costs["noise_bits"]
        self.say(
            f"Those are two questions. The torus above was given {spent:,.0f} fresh random bits "
            f"for each {self.thing}. Now one that is given none, and whose first outputs are "
            f"eight times as steep to make up for it: they are a function of the {self.thing} and "
            "nothing else."
        )
        record = self.make(FIXED)
        alike = self.look(record)
        self.measured(record)
        self.say(self.of_pictures(alike))
        self.say(words.of_dictionary(record, self.thing))
        self.say(words.of_pad(self.make(PAD), self.thing))

    def verdicts(self) -> None:
        """Set all side by side."""
        self.title("The verdicts")
        judged = {
            name: {subject: judge([record]) for subject, record in self.records.items()}
            for name, judge in VERDICTS.items()
        }
        judged = {name: each for name, each in judged.items() if any(v.runs for v in each.values())}
        names = {"shannon_bits": "bits", "effective_dimensions": "eff. dims"}
        table = plain_table("", "fresh bits", *names.values(), "%_dd", *judged)
        for subject, record in self.records.items():
            values = [f"{record.costs['noise_bits']:,.0f}"]
            values += [f"{words.value(record, name):.3f}" for name in names]
            values.append(f"{words.value(record, 'percent_destroyed'):.2f}")
            table.add_row(subject.title, *values, *(each[subject].word for each in judged.values()))
        self.show(table)
        self.say(
            "Yes means that nothing measured here speaks against it, no more: attacks only get "
            f"better, these had {SAMPLES:,} rows and seconds. Only the one-time pad's is a theorem."
        )

    def onward(self, kept: bool) -> None:
        """Say where to go from here."""
        self.title("To go on")
        results = f" --results {shlex.quote(str(self.results))}" if kept else ""
        commands = {
            "python -m dan_bench.train output=torus seed=3": "one run, with every measure",
            "make sweep": "everything, with error bars",
            "python -m dan_bench.assess FILE": "is that file noise?",
            "python -m dan_bench.degenerate PATH": "make it gone; asks first",
            f"python -m dan_bench.report{results}": "the table of all records",
        }
        if not kept:
            commands["python -m dan_bench.tour --results DIR"] = "this tour, records kept"
        self.console.print()
        for command, what in commands.items():
            line = Text(command.ljust(46), "bold").append(f"  {what}", "not bold")
            self.console.print(line, soft_wrap=True)  # a command is not to be broken

    # what the chapters are made of

    def make(self, subject: TourMethod) -> RunRecord:
        """Carry out a run, showing how far it is, and return its record."""
        try:
            config = config_of(
                subject, self.data, self.seed, self.steps, self.results, self.datasets
            )
            with watching(self.console, subject.title) as shown, interruptible(shown) as tell:
                from dan_bench.interfaces import (
                    Progress,  # seconds of imports, with the bar in sight
                )
                from dan_bench.pipeline.run import run  # seconds of imports, with the bar in sight

                heard = set[str]()

                def listen(progress: Progress) -> None:
                    heard.add(progress.doing)
                    tell(progress)

                record = run(config, "tour", listen)
        except DataUnavailable as error:
            raise Unavailable(
                f"{error}\nOr take the tour without it: python -m dan_bench.tour --data danoise"
            ) from error
        except (ConfigError, ForeignRecord, OSError) as error:
            raise Unavailable(str(error)) from error
        except SystemExit as ended:
            # Lightning ends the process where it was interrupted; who called says how it ends
            if isinstance(ended.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise
        if record.status != "done":
            raise RunFailed(f"{record.traceback}\nthe run of {subject.title!r} failed; see above")
        if heard <= {"data"}:
            self.say(f"({subject.title}: done before, and read from its record.)")
        self.records[subject] = record
        return record

    def kept(self, record: RunRecord, name: str) -> Bytes:
        """Return the first rows of a run's inputs or samples."""
        array = Store(self.results).array(record.key, name)
        assert array is not None, name
        return np.asarray(array)

    def look(self, record: RunRecord) -> float:
        """Draw what became of the first input, and the two outputs most alike; return how much."""
        samples = self.kept(record, "samples")
        first, second, alike = most_alike(samples)
        captions = ["out: the first one", f"out: number {first}"]
        captions.append(f"out: {second}, r = {alike:.2f}")
        self.draw(samples[[0, first, second]], captions)
        return alike

    def of_pictures(self, alike: float) -> str:
        """Say what those two show."""
        return words.of_pictures(alike, most_alike(self.noise)[2], len(self.noise))

    def draw(self, rows: Bytes, captions: list[str]) -> None:
        """Draw rows as pictures."""
        self.show(strip(list(rows.reshape(-1, *SHAPE)), captions, self.console))

    def measured(self, record: RunRecord) -> None:
        """Show a run's figures beside those of ideal noise."""
        table = plain_table(f"N = {SAMPLES:,} held-out rows", "this run", "ideal noise, as much")
        for row in words.table(record):
            table.add_row(*row)
        self.show(table)

    def title(self, text: str) -> None:
        """Begin a chapter."""
        self.console.print()
        self.console.print(Text(text, "bold"))
        self.console.print("=" * len(text), style="dim")

    def say(self, text: str) -> None:
        """Print a paragraph."""
        self.console.print()
        self.console.print(Text(text))

    def show(self, what: RenderableType) -> None:
        """Print something that is no paragraph."""
        self.console.print()
        self.console.print(what)


def plain_table(*headings: str) -> Table:
    """Return an empty table, its first column at the left and all others at the right."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1), pad_edge=False)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left", no_wrap=not i)
    return table
