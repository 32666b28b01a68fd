"""The paper's Table 1 as the page shows it."""

from html import escape
from pathlib import Path

from dan_bench.results.archive import open_results


def table_one(results: Path) -> str:
    """Return the tables of the records of Table 1, or how to make some."""
    from dan_bench.report import table1

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
            + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
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
