"""The page, put together from its parts; everything that it needs is in it."""

import json
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report import verdicts
from dan_bench.report.html.board import boards
from dan_bench.report.html.charts import figures
from dan_bench.report.html.charts.figure import Figure
from dan_bench.report.html.packing import pack
from dan_bench.report.html.runs import failures, folded, packed
from dan_bench.report.html.samples import galleries
from dan_bench.report.html.subjects import subjects
from dan_bench.report.html.table_one import table_one
from dan_bench.report.html.viewer import viewer
from dan_bench.report.leaderboard import known_first

LIMIT = 2_000_000
"""Bytes; 370,000 of them are what draws the figures, packed."""
SCRIPTS = ("unpack.js", "board.js", "charts.js", "game.js", "runs.js")
ASSETS = Path(__file__).parent / "assets"


def page(records: Sequence[RunRecord], store: Results, results: Path) -> str:
    """Return the whole page.

    Args:
        records: all that were read, at least one of them done.
        store: where the runs keep their curves and samples.
        results: the folder, for Table 1.
    """
    done = [record for record in records if record.status == "done"]
    found = subjects(records)
    drawn, missing = figures(found, store)
    parts = {
        "style": asset("page.css"),
        "bundle": bundle(),
        "script": "\n".join(asset(name) for name in SCRIPTS),
        "summary": summary(records),
        "kinds": options(dict.fromkeys(s.row.kind for s in found if s.runs)),
        "sections": options(dict.fromkeys(s.row.section for s in found)),
        "rule": rule(),
        "boards": boards(found, known_first(done)),
        "figures": "\n".join(figure(one) for one in drawn),
        "missing": not_drawn(missing),
        "viewer": viewer(galleries(found, store)),
        "table_one": table_one(results),
        "failures": failures(records),
        "runs": "\n".join(folded(i, s) for i, s in enumerate(found) if s.runs),
        "packed": packed(found),
    }
    return Template(asset("page.html")).substitute(parts)


@cache
def asset(name: str) -> str:
    """Return a file of this package."""
    return (ASSETS / name).read_text()


@cache
def bundle() -> str:
    """Return Vega, Vega-Lite and what draws them, of the version that altair writes for, packed."""
    import altair
    import vl_convert

    version = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return pack(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version))


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


def figure(one: Figure) -> str:
    """One chart, its caption, and its numbers for those who would rather read them."""
    spec = json.dumps(one.spec, separators=(",", ":")).replace("<", "\\u003c")
    samples = sorted({int(run.config["evaluation"]["samples"]) for run in one.runs})
    seeds = sorted({int(run.config["seed"]) for run in one.runs})
    said = (
        f"{len(one.runs)} runs; N = {', '.join(f'{n:,}' for n in samples)}; "
        f"seeds {', '.join(map(str, seeds[:12]))}{' ...' if len(seeds) > 12 else ''}"
    )
    keys = " ".join(f"<code>{run.key}</code>" for run in one.runs)
    name = re.sub(r"\W+", "-", one.name)
    return f"""<figure class="chart" id="{name}"><h3>{escape(one.title)}</h3>
<div class="drawn"><noscript>Drawn by JavaScript.</noscript></div>
<figcaption>{escape(one.caption)} <small>{said}.</small></figcaption>
<details class="numbers"><summary>Numbers and runs of this figure</summary>
<div class="scroll" role="region" aria-label="numbers: {escape(one.title)}" tabindex="0"></div>
<p class="keys">{keys}</p></details>
<script type="application/json" class="spec">{spec}</script></figure>"""


def not_drawn(missing: dict[str, str]) -> str:
    """Say which figures these records hold nothing for."""
    if not missing:
        return ""
    items = "".join(
        f"<li>{escape(name)}: <code>python -m dan_bench.train -m {preset}</code></li>"
        for name, preset in missing.items()
    )
    return f"<p>Not in these records, and made by:</p><ul>{items}</ul>"
