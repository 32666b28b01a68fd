"""`python -m dan_bench.report figures`: draw what the records hold."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dan_bench.cli import InputError, user_path
from dan_bench.files import whole
from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.inputs import finished, read, results_parser
from dan_bench.results.left_out import NO_ROWS, without_rows
from dan_bench.results.where import listed

THEMES = ("light", "dark")


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = results_parser(
        "figures",
        "Draw the figures of a results folder, as SVG and PNG, in two themes; README.md beside "
        "them\nsays what is seen.",
        "exit code: 0 something was drawn, 2 nothing was or a name is unknown",
    )
    made.add_argument(
        "--out", type=user_path, metavar="DIR", help="where to (default: figures/ in the results)"
    )
    made.add_argument("--only", metavar="A,B,...", help="these figures; --list names them")
    made.add_argument(
        "--list", action="store_true", help="say what there is, and what these records hold"
    )
    made.add_argument("--theme", choices=("both", *THEMES), default="both")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Draw; 0 where something was drawn, 2 where nothing was or a name is unknown."""
    asked = parser().parse_args(arguments)
    from dan_bench.report.figures.catalogue import figures

    names = None if asked.only is None else listed("--only", asked.only, figures())
    results, records = read(asked.results)
    if asked.list:
        return listing([record for record in records if record.status == "done"], results)
    done = finished(records, asked.results)
    themes = [name for name in THEMES if asked.theme in ("both", name)]
    folder = asked.out or asked.results / "figures"
    if asked.out is None and folder.is_symlink():  # of results that may be anybody's
        raise InputError(f"{folder} is a link, and files elsewhere would be replaced; name --out")
    return draw_all(done, results, folder, names, themes)


def listing(records: Sequence[RunRecord], results: Results) -> int:
    """Print all figures, and whether these records hold them."""
    from dan_bench.report.figures.catalogue import figures

    width = max(map(len, figures()))
    for name, entry in figures().items():
        drawn = entry.draw(records, results)
        there = f"here, from {drawn.basis}" if drawn else "not here"
        if entry.on_request:
            there += "; drawn on request only"
        print(f"{name:{width}}  {entry.shows}")
        print(f"{'':{width}}  {there}; made by `{entry.command}`")
    return 0


def draw_all(
    records: Sequence[RunRecord],
    results: Results,
    folder: Path,
    names: Sequence[str] | None,
    themes: Sequence[str],
) -> int:
    """Draw and write figures, naming each; return the exit code."""
    from dan_bench.report.figures import style, write
    from dan_bench.report.figures.catalogue import figures

    folder.mkdir(parents=True, exist_ok=True)
    wanted = names or [name for name, entry in figures().items() if not entry.on_request]
    chosen = [style.THEMES[name] for name in themes]
    sections: dict[str, str] = {}
    for name in dict.fromkeys(wanted):
        began, written = time.monotonic(), 0
        entry = figures()[name]
        drawn = entry.draw(records, results)
        if drawn is None:
            print(f"{name}: no such records; `{entry.command}` makes them", file=sys.stderr)
            continue
        for theme in chosen:
            for file, content in write.files(name, drawn, theme).items():
                with whole(folder / file) as out:  # a link there is replaced, not followed
                    out.write(content)
                written += len(content)
        sections[name] = write.section(name, drawn, chosen)
        took = time.monotonic() - began
        print(f"{folder / name}: {written / 1e3:.0f} kB, {took:.1f} s", flush=True)
    if any(map(without_rows, records)):
        print(f"no samples of some runs: {NO_ROWS}", file=sys.stderr)
    if not sections:
        return 2
    print(write.captions(folder, sections, figures(), keep=names is not None))
    return 0
