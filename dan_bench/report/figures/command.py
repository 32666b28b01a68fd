"""`python -m dan_bench.report figures`: draw what the records hold."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dan_bench.cli import user_path
from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures import write
from dan_bench.report.figures.catalogue import CATALOGUE
from dan_bench.report.figures.style import THEMES, Theme, styled
from dan_bench.results.archive import open_results
from dan_bench.results.where import listed


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.report figures",
        description="Draw the figures of a results folder, as SVG and PNG, in two themes; "
        "README.md beside them says what is seen.",
        epilog="exit code: 0 something was drawn, 2 nothing was or a name is unknown",
    )
    made.add_argument("--results", type=user_path, default=Path("results"), metavar="DIR")
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
    names = None if asked.only is None else listed("--only", asked.only, CATALOGUE)
    results = open_results(asked.results)
    records, damaged = results.all()
    for path, reason in damaged.items():
        print(f"left out {path}: {reason}", file=sys.stderr)
    done = [record for record in records if record.status == "done"]
    if asked.list:
        return listing(done, results)
    if not done:
        print(f"no finished runs under {asked.results}; `make sweep` makes some", file=sys.stderr)
        return 2
    themes = [theme for name, theme in THEMES.items() if asked.theme in ("both", name)]
    return draw_all(done, results, asked.out or asked.results / "figures", names, themes)


def listing(records: Sequence[RunRecord], results: Results) -> int:
    """Print all figures, and whether these records hold them."""
    width = max(map(len, CATALOGUE))
    for name, entry in CATALOGUE.items():
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
    themes: Sequence[Theme],
) -> int:
    """Draw and write figures, telling of each; return the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = names or [name for name, entry in CATALOGUE.items() if not entry.on_request]
    sections: dict[str, str] = {}
    for name in dict.fromkeys(wanted):
        began, written = time.monotonic(), 0
        entry = CATALOGUE[name]
        for theme in themes:
            with styled(theme):
                drawn = entry.draw(records, results)
                if drawn is None:
                    break
                for file, content in write.files(name, drawn, theme).items():
                    (folder / file).write_bytes(content)
                    written += len(content)
            sections[name] = write.section(name, drawn, themes)
        if name in sections:
            took = time.monotonic() - began
            print(f"{folder / name}: {written / 1e3:.0f} kB, {took:.1f} s", flush=True)
        else:
            print(f"{name}: no such records; `{entry.command}` makes them", file=sys.stderr)
    if not sections:
        return 2
    print(write.captions(folder, sections, CATALOGUE, keep=names is not None))
    return 0
