"""The methods with their runs, and every run in full: settings, numbers, where they come from."""

import base64
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.figures.grid import short_names
from dan_bench.report.leaderboard import Leaderboard, Row, look_up
from dan_bench.report.runs import bracket
from dan_bench.results.select import flatten

NONE = "\N{EN DASH}"
"""What the page shows where there is no value: an X would stand beside the sign of a no."""


@dataclass(frozen=True)
class MethodSummary:
    """One row; ideal noise has no runs."""

    row: Row
    runs: tuple[RunRecord, ...]
    name: str
    """Short; within a data set no other has the same."""
    evaluation: str
    """In what its measurements differ from the commonest; empty where in nothing."""


def summaries(boards: Sequence[Leaderboard]) -> list[MethodSummary]:
    """Return the rows of all leaderboards, in their order, each with its runs by seed.

    A name that a board before has taken says which board it is of.
    """
    found: list[MethodSummary] = []
    for board in boards:
        taken = {(one.row.section, one.name) for one in found}
        for section, rows in board.sections.items():
            labels = [row.label for row in rows]
            names = short_names(labels)
            for row, name in zip(rows, map(names.__getitem__, labels), strict=True):
                more = f" · {board.evaluation.split(':')[0]}" * ((section, name) in taken)
                found.append(MethodSummary(row, row.by_seed, name + more, board.evaluation))
    return found


PIECES = (
    '</span></td><td class="g-noise m" data-s="',
    '</span></td><td class="g-noise" data-s="',
    '</span></td><td class="g-gone m" data-s="',
    '</span></td><td class="g-gone" data-s="',
    '<span class="rank first"><span class="vh">rank </span>1',
    '<span class="rank"><span class="vh">rank </span>',
    '" title="[',
    ']">',
    " ± ",
)
"""Of rows; gzip takes two or three bytes for each."""


def pack(text: str, level: int = 6) -> str:
    """Return base64 of gzip of the text, always the same; level 9 takes thrice as long as 6."""
    return base64.b64encode(gzip.compress(text.encode(), level, mtime=0)).decode()


def shortened(markup: str) -> list[str]:
    """Return markup with its commonest pieces as signs, and behind it each sign and its piece."""
    signs = [sign for sign in "~^`|{}@$*!?#+_" if sign not in markup]
    pairs = list(zip(signs, PIECES, strict=False))
    for sign, piece in pairs:
        markup = markup.replace(piece, sign)
    return [markup, *(text for pair in reversed(pairs) for text in pair)]


Column = list[Any]
"""A name; texts; and which of them each run has, where that is not one after the other. Texts may
be joined by semicolons, 0.5 as .5, and what a run has not is null or empty. A column without a name
has lists of names and texts in place of texts."""


def packed(methods: Sequence[MethodSummary]) -> str:
    """Return what the page makes the tables of all methods from, a column a run; packed."""
    runs = [run for method in methods for run in method.runs]
    words = list(map(bracket, runs))
    metrics = dict.fromkeys(name for run in runs for name in run.metrics)
    costs = dict.fromkeys(name for run in runs for name in run.costs)
    parts = {
        "is it gone from the output?": [
            column(name, [of.get(name) for of in words])
            for name in dict.fromkeys(name for of in words for name in of)
        ],
        "metrics, with their 95 % intervals": [
            column(name, texts) for name in metrics for texts in spans(runs, name)
        ],
        "costs": [
            column(name, [f"{run.costs[name]:.6g}" if name in run.costs else None for run in runs])
            for name in costs
        ],
        "config": in_parts([run.config for run in runs]),
        "provenance": in_parts([run.provenance for run in runs]),
    }  # details are left out: the page has a limit
    of, first = dict[str, list[Any]](), 0
    for i, method in enumerate(methods):
        if method.runs:
            of[f"run-{i}"] = [method.name, first, len(method.runs)]
            first += len(method.runs)
    values = {"keys": [run.key for run in runs], "methods": of, "parts": list(parts.items())}
    return pack(json.dumps(values, separators=(",", ":")))


def column(name: str, texts: Sequence[str | None]) -> Column:
    """Return a column as short as may be."""
    places = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    if 4 * len(places) <= len(texts):
        return [name, list(places), [places[text] for text in texts]]
    if ambiguous(places):
        return [name, texts, None]
    return [name, ";".join(text.removeprefix("0") if text else "" for text in texts), None]


def ambiguous(texts: Iterable[str | None]) -> bool:
    """Return whether texts could not be told apart again once joined."""
    given = [text for text in texts if text is not None]
    begun = {text[:2] for text in given}
    return ";" in "".join(given) or any(
        of in ("", "0") or of[0] == "." or (of[0] == "0" and of[1] != ".") for of in begun
    )


def spans(runs: Sequence[RunRecord], metric: str) -> Iterator[list[str | None]]:
    """Yield a metric of each run, its interval, and what it rests on, in pieces that are alike."""
    found = [look_up(run, metric) for run in runs]
    yield [
        f"{e.value:.6g}" if e else NONE if metric in run.metrics else None
        for run, e in zip(runs, found, strict=True)
    ]
    whole = [e if e and e.low is not None and e.high is not None else None for e in found]
    if any(whole):

        def of_each(text: Callable[[Estimate], str]) -> list[str | None]:
            return [None if e is None else text(e) for e in whole]

        yield of_each(lambda _: " [")
        yield of_each(lambda e: f"{e.low:.6g}")
        yield of_each(lambda _: ", ")
        yield of_each(lambda e: f"{e.high:.6g}")
        yield of_each(lambda _: "]")
        yield [None] * len(whole)
    yield [None if e is None or e.n is None else f"  N = {e.n:,}" for e in found]


def in_parts(values: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Return the columns of mappings such as configs; parts that are one object come once."""
    columns: list[Column] = []
    for name in dict.fromkeys(name for of in values for name in of):
        found = [of.get(name) if name in of else None for of in values]
        texts = [
            str(part) if name in of and not isinstance(part, dict) else None
            for of, part in zip(values, found, strict=True)
        ]
        if any(text is not None for text in texts):
            columns.append(column(name, texts))
        dicts = {id(part): part for part in found if isinstance(part, dict)}
        if dicts:
            places = {of: i for i, of in enumerate(dicts)}
            lists = [list(flatten(part, name).items()) for part in dicts.values()]
            at = [places.get(id(part), len(lists)) for part in found]
            columns.append([None, [*lists, None], at])
    return columns
