"""`python -m dan_bench.report show | compare | export`: single runs in full, and every number."""

from collections.abc import Mapping, Sequence

from dan_bench.cli import InputError, unwritable, user_path
from dan_bench.interfaces import DataFrame, Estimate, RunRecord
from dan_bench.report.inputs import read, results_parser
from dan_bench.report.leaderboard import rising
from dan_bench.report.verdicts import NOT_COVERED
from dan_bench.results.left_out import needs
from dan_bench.results.select import OLD, certificate_of, flatten, is_old, settings_of, stated
from dan_bench.tables import MISSING, Column, Table, terminal, terminal_width


def find(records: Sequence[RunRecord], key: str) -> RunRecord:
    """Return the run whose key begins so.

    Raises:
        InputError: there is none, or there are several.
    """
    found = [record for record in records if record.key.startswith(key)]
    if len(found) == 1:
        return found[0]
    there = sorted(record.key for record in found or records)
    keys = ", ".join(there[:20]) or "none"
    keys += f" and {len(there) - 20} more" if len(there) > 20 else ""
    what = "is the beginning of several keys" if found else "is the key of no run; there are"
    raise InputError(f"{key!r} {what}: {keys}")


def span(estimate: Estimate | None, digits: int = 6) -> str:
    """Return a value with its interval."""
    if estimate is None:
        return MISSING
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.{digits}g}"
    return f"{estimate.value:.{digits}g} [{estimate.low:.{digits}g}, {estimate.high:.{digits}g}]"


def side_by_side(title: str, rows: Sequence[Sequence[str]], heads: Sequence[str]) -> Table:
    """Return a table of texts."""
    return Table([Column(head, "left") for head in heads], rows, title)


GUARANTEES = {
    "bits": ("leaks of the whole input at most", "{:.4g} bits"),
    "naming_bits": ("leaks of its name at most", "{:.4g} bits"),
    "naming": ("of its name destroyed at least", "{:.6g} %"),
    "label": ("of its label destroyed at least", "{:.6g} %"),
    "named": ("inputs that anybody names at most", "{:.4%}"),
    "told_apart": ("two inputs are told apart at most", "{:.4%} of the time; 50 % is guessing"),
    "r_squared": ("reconstructed at most", "R^2 = {:.4g}"),
}
"""What each of a certificate's details says, and how its number is written."""


def bracket(record: RunRecord) -> dict[str, str]:
    """Return in words between what %_dd lies, and what is certain against every attacker."""
    least, most = certificate_of(record), record.metrics.get("percent_destroyed")
    marked = rising([record]) - {"percent_destroyed"}
    attacks = [name.removesuffix("_recovered") for name in record.metrics if name in marked]
    words = {}
    if least is not None:
        candidates = least.details.get("candidates")  # fewer than asked for where rows are few
        words["%_dd at least"] = f"{least.value:.6g}" if least.details else "0: no certificate"
        words |= {"one name of": f"{candidates:,.0f} candidates"} if candidates else {}
        words |= {
            said: form.format(least.details[detail])
            for detail, (said, form) in GUARANTEES.items()
            if detail in least.details
        }
        words |= {"not covered": NOT_COVERED} if least.details else {}
    if most is not None:
        words["%_dd at most"] = span(most)
        words |= {"attacks": OLD} if is_old(record) else {}
        words |= {"still rising at their cap": ", ".join(attacks)} if attacks else {}
    return words


def parts(record: RunRecord) -> dict[str, Mapping[str, str]]:
    """Return all that a record holds, as texts by name, part by part."""
    return {
        "is it gone from the output?": bracket(record),
        "metrics, with their 95 % intervals": {
            name: (needs([record], name) or span(e))
            + ("" if e is None or e.n is None else f"  N = {e.n:,}")
            for name, e in record.metrics.items()
        },
        "details": {
            f"{name}.{detail}": f"{value:.6g}"
            for name, estimate in record.metrics.items()
            if estimate is not None
            for detail, value in estimate.details.items()
        },
        "costs": {name: f"{value:.6g}" for name, value in record.costs.items()},
        "config": flatten(record.config),
        "provenance": flatten(record.provenance),
    }


def show(record: RunRecord) -> list[Table]:
    """Return all that a record holds, as a table a part."""
    return [
        side_by_side(title, [(f"  {name}", value) for name, value in of.items()], ["", ""])
        for title, of in parts(record).items()
        if of
    ]


def compare(one: RunRecord, other: RunRecord) -> list[Table]:
    """Return what differs between two runs: settings, every metric of both, and %_dd in words."""
    here, there = settings_of(map(stated, (one, other)))
    spans = [{name: span(e) for name, e in run.metrics.items()} for run in (one, other)]
    parts = {
        "setting": [row for row in pairs(here, there) if here.get(row[0]) != there.get(row[0])],
        "metric": pairs(*spans),
        "is it gone?": pairs(bracket(one), bracket(other)),
    }
    return [side_by_side("", rows, [name, one.key, other.key]) for name, rows in parts.items()]


def pairs(one: Mapping[str, str], other: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return each name with both of its texts; `MISSING` is what one of the two has not."""
    names = dict.fromkeys([*one, *other])
    return [(name, one.get(name, MISSING), other.get(name, MISSING)) for name in names]


def tidy(records: Sequence[RunRecord]) -> DataFrame:
    """Return one row for each metric of each run, and one for each of its details.

    Columns: key, status, one for each setting of the config (dotted names), each cost (`cost.`) and
    each part of the provenance (`provenance.`), the error of a failed run, metric, value, low,
    high, n. A failed run has one row without a metric.
    """
    rows: list[dict[str, object]] = []
    settings = settings_of(map(stated, records))
    for record, flat in zip(records, settings, strict=True):
        base: dict[str, object] = {"key": record.key, "status": record.status}
        base |= flat
        base |= {f"cost.{name}": cost for name, cost in record.costs.items()}
        base |= flatten(record.provenance, "provenance")
        base |= {"error": record.traceback} if record.traceback else {}
        if not record.metrics:
            rows.append({**base, "metric": None})
        for name, estimate in record.metrics.items():
            numbers = {"value": None, "low": None, "high": None, "n": None}
            if estimate is not None:
                numbers = {field: getattr(estimate, field) for field in numbers}
            rows.append({**base, "metric": name, **numbers})
            for detail, value in (estimate.details if estimate is not None else {}).items():
                rows.append({**base, "metric": f"{name}.{detail}", "value": value})
    import pandas as pd

    frame = pd.DataFrame(rows)
    last = ["metric", "value", "low", "high", "n"]
    return frame.reindex(columns=[*(name for name in frame.columns if name not in last), *last])


def main_show(arguments: list[str]) -> int:
    """Print all that one run left."""
    parser = results_parser("show", "Print all that a run left.")
    parser.add_argument("run", metavar="RUN", help="a key, or its beginning")
    asked = parser.parse_args(arguments)
    record = find(read(asked.results)[1], asked.run)
    print(
        f"run {record.key}: {record.status}\n\n{terminal(show(record), terminal_width())}", end=""
    )
    print(f"\n{record.traceback.rstrip()}\n" if record.traceback else "", end="")
    return 0


def main_compare(arguments: list[str]) -> int:
    """Print two runs side by side."""
    parser = results_parser(
        "compare",
        "Set two runs side by side: what differs in their settings, and all their metrics.",
    )
    parser.add_argument("runs", nargs=2, metavar="RUN", help="a key, or its beginning")
    asked = parser.parse_args(arguments)
    _, records = read(asked.results)
    one, other = (find(records, key) for key in asked.runs)
    print(terminal(compare(one, other), terminal_width()), end="")
    return 0


def main_export(arguments: list[str]) -> int:
    """Write the frame of all runs."""
    parser = results_parser("export", "Write every metric of every run as a tidy table.")
    parser.add_argument(
        "file", type=user_path, metavar="FILE", help="its name ends in .csv or .parquet"
    )
    asked = parser.parse_args(arguments)
    if why := unwritable(asked.file, (".csv", ".parquet")):
        parser.error(f"{asked.file}: {why}")
    _, records = read(asked.results)
    if not records:
        raise InputError(f"no runs under {asked.results.absolute()}; `make sweep` makes some")
    frame = tidy(records)
    if asked.file.suffix.lower() == ".csv":
        frame.to_csv(asked.file, index=False)
    else:
        frame.to_parquet(asked.file, index=False)
    print(f"{asked.file}: {len(frame):,} rows of {frame['key'].nunique():,} runs")
    return 0
