"""The page, put together from its parts; everything that it needs is in it."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from html import escape
from importlib import metadata
from pathlib import Path
from string import Template
from typing import Any

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
from dan_bench.report.headline import Headline, headline
from dan_bench.report.html.board import FIRST, boards, lead
from dan_bench.report.html.pictures import galleries, not_kept, triptych, viewer
from dan_bench.report.html.runs import (
    NONE,
    MethodSummary,
    failures,
    folded,
    pack,
    packed,
    shortened,
    summaries,
)
from dan_bench.report.kept import boards_with
from dan_bench.report.leaderboard import known_first
from dan_bench.results.archive import open_results
from dan_bench.tables import MISSING

LIMIT = 1_500_000
"""Bytes; 370,000 of them are what draws the figures, packed."""
SCRIPTS = ("unpack.js", "state.js", "board.js", "charts.js", "game.js", "runs.js")
ASSETS = Path(__file__).parent / "assets"


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
    drawn = {
        name: one.draw(done, store)
        for name, one in figures().items()
        if not one.on_request and name != "finding"  # the page opens on it
    }
    compared = {run.key for shown in grid(done)[0] for run in shown.runs}
    tables, further = boards(found, known_first(done))
    folds = [folded(i, s) for i, s in enumerate(found) if s.runs]
    more = {name: shortened("\n".join(of)) for name, of in further.items()}
    if more or folds[FIRST:]:
        packed_rows = pack(
            json.dumps({**more, "runs": "\n".join(folds[FIRST:])}, ensure_ascii=False)
        )
        written = f'<script type="text/plain" id="further">{packed_rows}</script>'
    else:
        written = ""
    parts = {
        "style": asset("page.css").replace("/* series */", colours()),
        "bundle": bundle(),
        "script": "\n".join(asset(name) for name in SCRIPTS),
        "summary": summary(records),
        "opening": "" if opening is None else opened(opening, found, store),
        "kinds": options(dict.fromkeys(s.row.kind for s in found if s.runs)),
        "sections": options(dict.fromkeys(s.row.section for s in found)),
        "rule": rule(),
        "boards": tables,
        "figures": "\n".join(figure(name, one) for name, one in drawn.items() if one),
        "chart_config": embedded({**config(PAGE), "mark": {"tooltip": {"content": "data"}}}),
        "missing": not_drawn([name for name, one in drawn.items() if one is None]),
        "viewer": viewer(galleries(found, store, compared), not_kept(found)),
        "table_one": table_one(results),
        "failures": failures(records),
        "runs": "\n".join(folds[:FIRST]),
        "packed": packed(found),
        "further": written,
    }
    return Template(asset("page.html")).substitute(parts)


def opened(of: Headline, methods: Sequence[MethodSummary], store: Results) -> str:
    """Return the finding: its sentences, the pictures, and the table."""
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in of.sentences)
    pictured = pictures_of(of, store)
    links = {run.key: i for i, method in enumerate(methods) for run in method.runs}
    drawn = "" if pictured is None else triptych(pictured[0], pictured[1])
    return f'<div class="finding">{said}</div>\n{drawn}\n{lead(of, links)}'


@cache
def asset(name: str) -> str:
    """Return a file of this package."""
    return (ASSETS / name).read_text()


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


def colours() -> str:
    """Return the themes' colours as variables of the style sheet, light and dark."""
    light, dark = (
        "".join(f"--series-{i}:{colour};" for i, colour in enumerate(theme.colours))
        for theme in (LIGHT, DARK)
    )
    return f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def embedded(value: Any) -> str:
    """Return a value as JSON that may stand in a script element."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def summary(records: Sequence[RunRecord]) -> str:
    """Say what the page was made from."""
    done = [record for record in records if record.status == "done"]
    commits = sorted({str(r.provenance.get("commit"))[:12] for r in done if r.provenance})
    ended = max((str(r.provenance.get("ended", "")) for r in done), default="")
    failed = len(records) - len(done)
    return escape(
        f"{len(done):,} runs"
        + (f", {failed:,} failed" if failed else "")
        + (f", the last of {ended[:10]}" if ended else "")
        + (f", by commit{'s' * (len(commits) > 1)} {', '.join(commits[:4])}" if commits else "")
        + (f" and {len(commits) - 4} more" if len(commits) > 4 else "")
    )


def options(names: Sequence[str] | dict[str, None]) -> str:
    """Return the choices of a list, each named as it is."""
    return "".join(f'<option value="{escape(n)}">{escape(n)}</option>' for n in names)


def rule() -> str:
    """Return the rule of the verdicts: the very docstring of the code that gives them."""
    _, _, text = (verdicts.__doc__ or "").partition("\n\n")
    blocks = re.split(r"\n\n", text.strip())
    written = []
    for block in blocks:
        if block.startswith("- "):
            items = re.split(r"(?:^|\n)- ", block)[1:]
            written.append("<ul>" + "".join(f"<li>{code(item)}</li>" for item in items) + "</ul>")
        else:
            written.append(f"<p>{code(block)}</p>")
    return "\n".join(written)


def code(text: str) -> str:
    """Escape, and set what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def figure(name: str, one: Figure) -> str:
    """Return one chart, its caption, and its numbers for those who would rather read them."""
    title = escape(figures()[name].shows)
    spec = embedded(interactive(one))
    keys = " ".join(f"<code>{key}</code>" for key in one.keys)
    table = ""
    if '"name":"numbers"' in spec:
        table = (
            f'<div class="scroll" role="region" tabindex="0" aria-label="numbers: {title}"></div>'
        )
    return f"""<figure class="chart" id="figure-{name}"><h3>{title}</h3>
<div class="drawn"><noscript>Drawn by JavaScript.</noscript></div>
<figcaption>{escape(one.caption)} <small>{escape(one.basis)}.</small></figcaption>
<details class="numbers"><summary>{"Numbers and runs" if table else "Runs"} of this figure</summary>
{table}<p class="keys">{keys}</p></details>
<script type="application/json" class="spec">{spec}</script></figure>"""


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


def not_drawn(names: Sequence[str]) -> str:
    """Say which figures these records hold nothing for."""
    if not names:
        return ""
    items = "".join(
        f"<li>{escape(figures()[name].shows)}: <code>{figures()[name].command}</code></li>"
        for name in names
    )
    return f"<p>Not in these records, and made by:</p><ul>{items}</ul>"


def table_one(results: Path) -> str:
    """Return the tables of the records of Table 1, or how to make some."""
    records, _ = open_results(results, "table1").all()
    if not records:
        return (
            "<p>No records of Table 1 in this folder; <code>python -m dan_bench.table1</code> "
            "makes some, and endangers a photo album to do so.</p>"
        )
    found = []
    for k, table in enumerate(table1.tables_of(table1.rows_of(records))):
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.headings)
        body = "\n".join(
            f'<tr><th scope="row">{escape(first)}</th>'
            + "".join(f"<td>{escape(NONE if cell == MISSING else cell)}</td>" for cell in rest)
            + "</tr>"
            for first, *rest in table.texts()
        )
        notes = "".join(f"<li>{escape(line)}</li>" for line in table.notes)
        found.append(
            f'<div class="scroll" role="region" aria-labelledby="table1-{k}" tabindex="0">'
            f'<table class="plain"><caption id="table1-{k}">{escape(table.title)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div><ul>{notes}</ul>"
        )
    return "\n".join(found)
