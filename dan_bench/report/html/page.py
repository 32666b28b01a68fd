"""The page, put together from its parts; everything that it needs is in it."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from dan_bench.cli import user_path
from dan_bench.files import whole
from dan_bench.interfaces import Results, RunRecord
from dan_bench.report import table1, verdicts
from dan_bench.report.figures.catalogue import figures
from dan_bench.report.figures.figure import Figure
from dan_bench.report.figures.finding import pictures_of
from dan_bench.report.figures.grid import grid
from dan_bench.report.figures.style import DARK, LIGHT, PAGE, config
from dan_bench.report.figures.write import version
from dan_bench.report.headline import headline
from dan_bench.report.html.board import FIRST, boards, lead
from dan_bench.report.html.pictures import galleries, triptych, viewer
from dan_bench.report.html.runs import NONE, pack, packed, shortened, summaries
from dan_bench.report.html.templates import asset, template
from dan_bench.report.kept import boards_with
from dan_bench.report.leaderboard import known_first
from dan_bench.results.archive import open_results
from dan_bench.tables import MISSING

LIMIT = 1_500_000
"""Bytes; 370,000 of them are what draws the figures, packed."""
SCRIPTS = ("unpack.js", "state.js", "board.js", "charts.js", "game.js", "runs.js")


def page(records: Sequence[RunRecord], store: Results, results: Path) -> str:
    """Return the whole page.

    Args:
        records: all that were read, at least one of them done.
        store: where the runs keep their curves and samples.
        results: the folder, for Table 1.
    """
    done = [record for record in records if record.status == "done"]
    found = summaries(boards_with(results, records))
    opening = headline(done)
    pictured = pictures_of(opening, store)
    links = {run.key: i for i, method in enumerate(found) for run in method.runs}
    drawn = [
        (name, entry, one, None if one is None else embedded(interactive(one)))
        for name, entry in figures().items()
        if not entry.on_request and name != "finding"  # the page opens on it
        for one in [entry.draw(done, store)]
    ]
    compared = {run.key for shown in grid(done)[0] for run in shown.runs}
    tables, further = boards(found, known_first(done))
    folded = template("runs.html", missing=MISSING, none_here=NONE).module.folded  # type: ignore[attr-defined]
    folds = [folded(i, s) for i, s in enumerate(found) if s.runs]
    more: dict[str, Any] = {name: shortened("\n".join(of)) for name, of in further.items()}
    if more or folds[FIRST:]:
        more["runs"] = "\n".join(folds[FIRST:])
    table_one, _ = open_results(results, "table1").all()
    return template("page.html").render(
        style=asset("page.css").replace("/* series */", colours()),
        bundle=bundle(),
        script=Markup("\n").join(asset(name) for name in SCRIPTS),
        done=done,
        commits=sorted({str(r.provenance.get("commit"))[:12] for r in done if r.provenance}),
        ended=max((str(r.provenance.get("ended", ""))[:10] for r in done), default=""),
        opening=opening,
        pictured="" if pictured is None else triptych(pictured[0], pictured[1]),
        lead="" if opening is None else lead(opening, links),
        kinds=dict.fromkeys(s.row.kind for s in found if s.runs),
        sections=dict.fromkeys(s.row.section for s in found),
        # the very docstring of the code that gives the verdicts
        rule=Markup(MarkdownIt().render((verdicts.__doc__ or "").partition("\n\n")[2])),
        boards=tables,
        figures=drawn,
        chart_config=embedded({**config(PAGE), "mark": {"tooltip": {"content": "data"}}}),
        viewer=viewer(galleries(found, store, compared), found),
        table_one=table1.tables_of(table1.rows_of(table_one)) if table_one else [],
        missing=MISSING,
        none_here=NONE,
        failed=[record for record in records if record.status == "failed"],
        runs=Markup("\n").join(folds[:FIRST]),
        packed=packed(found),
        further=pack(json.dumps(more, ensure_ascii=False)) if more else "",
    )


def bundle() -> str:
    """Return Vega, Vega-Lite and what draws them, of the version that altair writes for, packed.

    That takes two seconds, and is the same for the same versions: it is kept in the user's cache.
    """
    import vl_convert

    name = f"vega-{metadata.version('vl-convert-python')}-{version()}.txt"
    path = user_path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "dan_bench" / name
    with suppress(OSError, ValueError):
        digest, _, kept = path.read_text().partition("\n")
        if hashlib.sha256(kept.encode()).hexdigest() == digest:
            return kept
    made = pack(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version()), 9)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path, synced=False) as file:
            file.write(f"{hashlib.sha256(made.encode()).hexdigest()}\n{made}".encode())
    return made


def colours() -> Markup:
    """Return the themes' colours as variables of the style sheet, light and dark."""
    light, dark = (
        "".join(f"--series-{i}:{colour};" for i, colour in enumerate(theme.colours))
        for theme in (LIGHT, DARK)
    )
    return Markup(f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}")


def embedded(value: Any) -> Markup:
    """Return a value as JSON that may stand in a script element."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))


def interactive(figure: Figure) -> dict[str, Any]:
    """Return a figure's chart with what the page adds to it.

    A click in the legend shows a series alone, and dragging or the wheel moves what is seen.
    Tooltips come with the page's config.
    """
    spec: dict[str, Any] = figure.chart.to_dict(validate=False)  # which takes 0.1 s
    del spec["$schema"]  # vegaEmbed is told which language it is, and the page names no host
    spec["description"] = figure.caption
    for mark in (unit["mark"] for group in panels(spec) for unit in group):
        if isinstance(mark, dict) and mark["type"] == "text":
            mark["clip"] = False  # what can be moved is clipped, and the names at its edges with it
    views = [group[0] for group in panels(spec)]
    for i, view in enumerate(views):
        view["name"] = f"view{i}"
    legends = {
        of["field"]: None
        for group in panels(spec)
        for unit in group
        for channel, of in unit["encoding"].items()
        if channel in ("color", "fill") and of.get("legend", {}) is not None
    }
    params: list[dict[str, Any]] = []
    for field in legends:
        select = {"type": "point", "fields": [field]}
        params.append({"name": "chosen", "select": select, "bind": "legend"})
        for group in panels(spec):
            for unit in group:
                dim(unit, field)
    zoomed = [view for view in views if continuous(view)]
    select = {"type": "interval", "zoom": "wheel![event.shiftKey]"}
    window = {"name": "window", "select": select, "bind": "scales"}
    spec["params"] = [
        {**param, "views": [view["name"] for view in of]}
        for param, of in [*((one, views) for one in params), (window, zoomed)]
        if of
    ]
    return spec


def panels(spec: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield the layers of each panel of a chart."""
    if "mark" in spec:
        yield [spec]
    elif "layer" in spec:
        units = [unit for one in spec["layer"] for group in panels(one) for unit in group]
        yield sorted(units, key=lambda unit: "data" in unit)  # those with the figure's own first
    else:
        parts = [spec["spec"]] if "spec" in spec else spec.get("hconcat", spec.get("vconcat", []))
        for part in parts:
            yield from panels(part)


def dim(unit: dict[str, Any], field: str) -> None:
    """Let a layer of series fade where another series is chosen."""
    encoding = unit["encoding"]
    if any(of.get("field") == field for of in encoding.values() if isinstance(of, dict)):
        full = unit["mark"].get("opacity", 1) if isinstance(unit["mark"], dict) else 1
        chosen = {"param": "chosen", "value": full}
        encoding["opacity"] = {"condition": chosen, "value": full / 8}


def continuous(unit: dict[str, Any]) -> bool:
    """Return whether a panel has two axes of numbers, which can be moved along."""
    axes = [unit["encoding"].get(name, {}) for name in ("x", "y")]
    return all(
        axis.get("type") == "quantitative" and axis.get("axis", {}) is not None for axis in axes
    )
