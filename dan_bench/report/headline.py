"""What the records come to: two sentences, and a table that has a row for each pair of answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dan_bench.interfaces import RunRecord
from dan_bench.metrics import catalogue
from dan_bench.report.figures.figure import one_data_set
from dan_bench.report.figures.grid import grid
from dan_bench.report.inputs import finished, read, results_parser
from dan_bench.report.leaderboard import Row, caption, heading, leaderboard, notes_of
from dan_bench.report.verdicts import VERDICTS
from dan_bench.tables import Cell, Column, Table, render

MOST, MOST_TRAINED = 8, 4
"""Rows of the table, ideal noise among them, and how many of them are trained networks."""
PREFERRED = ("one_time_pad", "python_random", "shake256", "dan", "infodan")
"""Of several methods with the same answers these are shown: the paper's, and the plainest."""
COLLAPSED = 0.5
"""Share of noise's effective dimensions below which a network repeats itself."""
ENTROPY, DIMENSIONS = "shannon_bits", "effective_dimensions"
AT_LEAST, AT_MOST = "certified_destroyed", "percent_destroyed"


@dataclass(frozen=True)
class Headline:
    """The finding on one data set."""

    section: str
    rows: tuple[Row, ...]
    """Ideal noise, controls, trained networks; each has the answers that no other of its kind has,
    unless there were too few of those."""

    @property
    def metrics(self) -> list[str]:
        """Columns that some row has."""
        wanted = {entry.name for entry in catalogue.headlines()}
        there = {name for row in self.rows for name in row.cells}
        return [name for name in catalogue.metrics() if name in wanted & there]

    @property
    def verdicts(self) -> list[str]:
        """Verdicts that were reached on some method."""
        return [name for name in VERDICTS if any(row.verdicts[name].runs for row in self.methods)]

    @property
    def methods(self) -> list[Row]:
        """The rows that have runs."""
        return [row for row in self.rows if row.runs]

    @property
    def collapsed(self) -> Row | None:
        """The first trained network that repeats itself."""
        found = (
            row
            for row in self.methods
            if row.kind == "learned"
            and "yes" not in row.verdicts["looks like noise"].words
            and value(row, DIMENSIONS, 1) < COLLAPSED
            and ENTROPY in row.cells
        )
        return next(found, None)

    @property
    def sentences(self) -> tuple[str, str]:
        """Answers to the two questions: is it noise, and is it gone?"""
        return is_it_noise(self), is_it_gone(self)

    def table(self, shown: str = "X") -> Table:
        """Return the rows; what has no value is explained as `shown`."""
        columns = [Column("method", "left"), *(Column(name, "center") for name in self.verdicts)]
        columns += [Column(heading(name)) for name in self.metrics]
        cells = [
            [
                name_of(row),
                *(row.verdicts[name].word for name in self.verdicts),
                *(row.cells.get(name) for name in self.metrics),
            ]
            for row in self.rows
        ]
        said = caption(self.rows, ranked=False, missing=shown)
        notes = notes_of(self.rows, self.metrics)
        return Table(columns, cells, self.section, said, notes=notes)


def headline(records: Sequence[RunRecord]) -> Headline | None:
    """Return the finding on the default data set; None where no control or network was measured.

    Args:
        records: of any runs; those that can be compared with each other are chosen by `grid`.
    """
    shown = [one for one in grid(records)[0] if one.kind in ("control", "learned")]
    if not shown:
        return None
    trained = [one.section for one in shown if one.kind == "learned"]
    section, _ = one_data_set(trained or [one.section for one in shown])
    rows = leaderboard([run for one in shown if one.section == section for run in one.runs])
    chosen = {id(row) for row in pick(rows)}
    kept = [row for row in rows if not row.runs or id(row) in chosen]
    return Headline(section, tuple(map(unranked, kept)))


def pick(rows: Iterable[Row]) -> list[Row]:
    """Return the methods to show: first one for each pair of answers, networks before controls."""

    def place(row: Row) -> tuple[int, str]:
        model = row.axes["model"]
        return PREFERRED.index(model) if model in PREFERRED else len(PREFERRED), row.label

    first, others = list[Row](), list[Row]()
    for row in sorted((row for row in rows if row.runs), key=place):
        known = [one for one in first if (one.kind, answers(one)) == (row.kind, answers(row))]
        (others if known else first).append(row)
    trained = [row for row in first if row.kind == "learned"]
    controls = [row for row in first if row.kind != "learned"]
    order = [*trained[:MOST_TRAINED], *controls, *trained[MOST_TRAINED:], *others]
    return order[: MOST - 1]


def answers(row: Row) -> tuple[str, ...]:
    """Return the words of a row's verdicts."""
    return tuple(verdict.word for verdict in row.verdicts.values())


def unranked(row: Row) -> Row:
    """Return a row without its ranks, which are of a table that has other rows."""
    return replace(row, cells={name: replace(cell, rank=None) for name, cell in row.cells.items()})


def name_of(row: Row) -> str:
    """Return model and output layer."""
    return f"{row.axes['model']} {row.axes.get('output', '')}".strip()


def value(row: Row, metric: str, otherwise: float = 0.0) -> float:
    """Return a row's number; another where it has none."""
    cell: Cell | None = row.cells.get(metric)
    return otherwise if cell is None else cell.estimate.value


def is_it_noise(of: Headline) -> str:
    """Say what entropy hides, and who learned noise."""
    collapsed, where = of.collapsed, f"On {of.section}, "
    noise = [row for row in of.methods if row.verdicts["looks like noise"].word == "yes"]
    learned = [row for row in noise if row.kind == "learned"]
    if collapsed is None:
        count = len([row for row in of.methods if row.kind == "learned"])
        return f"{where}{len(learned)} of {count} trained networks shown look like noise."
    said = (
        f"{where}{name_of(collapsed)} has {value(collapsed, ENTROPY):.2f} of 8 bits of byte "
        f"entropy but only {100 * value(collapsed, DIMENSIONS):.1f} % of the effective dimensions "
        "of noise: it repeats a few textures"
    )
    if AT_MOST in collapsed.cells:
        said += f", and at most {value(collapsed, AT_MOST):.3g} % of what it was given is destroyed"
    return said + (f"; {name_of(learned[0])} learns noise." if learned else ".")


def is_it_gone(of: Headline) -> str:
    """Say what passes as noise and tells its input, and what passes and is certified not to."""
    noise = [row for row in of.methods if row.verdicts["looks like noise"].word == "yes"]
    tells = [row for row in noise if row.verdicts["gone from output"].word == "no"]
    gone = [row for row in noise if row.verdicts["gone from output"].word == "gone"]
    clauses = [
        f"{name_of(row)} passes as noise and destroys at most {value(row, AT_MOST):.3g} % of its "
        "input"
        for row in tells[:1]
    ]
    clauses += [
        f"{name_of(row)} passes as noise and is certified to destroy at least "
        f"{value(row, AT_LEAST):.6g} %, against attackers of any power"
        for row in sorted(gone, key=lambda row: row.kind != "learned")[:1]
    ]
    if not clauses:
        return "Nothing shown here passes as noise and is certified to destroy its input."
    return f"Looking like noise does not mean that the data are gone: {', while '.join(clauses)}."


def main(arguments: list[str] | None = None) -> int:
    """Print the finding; 0 where there is one."""
    made = results_parser("headline", "Print what the records come to: two sentences and a table.")
    made.add_argument("--format", choices=("table", "markdown"), default="table")
    asked = made.parse_args(arguments)
    _, records = read(asked.results)
    found = headline(finished(records, asked.results))
    if found is not None:
        print(" ".join(found.sentences), end="\n\n")
        print(render(asked.format, [found.table()]), end="")
    return 0
