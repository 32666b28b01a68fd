"""`python -m dan_bench.reference`: run the published grid, and publish what of it is complete.

Hours on two cores; finished runs are kept, so that it can be interrupted and resumed.

Exit code: 0 all is done and published, 1 a run failed or is missing, 2 nothing can be published.
"""

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from dan_bench.cli import InputError, entry_point, unusable, user_path
from dan_bench.interfaces import RunRecord
from dan_bench.results.record import key_of
from dan_bench.results.select import method_numbers

PARTS = (
    "+sweep=reference",
    "+experiment=ablation",
    "+experiment=ladder",
    "+experiment=one_dimension",
    "+experiment=paper",
    "+experiment=saturation",
    "+experiment=dial",
    "+experiment=algorithm1",
    "+experiment=robust_classifier",
    "+experiment=secrecy",
    "+experiment=indistinguishable",
    "+experiment=information",
    "+experiment=guide",
    "+experiment=end_to_end",
)
"""Arguments of `python -m dan_bench.train -m`, one call each."""
PICTURED = ("+experiment=one_dimension", "+experiment=paper")
"""Parts whose runs keep their snapshots, beside those that figures compare."""
MOST = 1_800_000
"""Bytes of records, curves and samples: with tables and figures it stays below 3 MB."""


@dataclass(frozen=True)
class GridPart:
    """A part of the grid: its runs by key, each with the number of its method."""

    arguments: str
    methods: dict[str, int]

    def complete(self, done: set[str]) -> set[str]:
        """Return the keys of the methods all of whose seeds are done."""
        missing = {method for key, method in self.methods.items() if key not in done}
        return {key for key, method in self.methods.items() if method not in missing}


def plan() -> list[GridPart]:
    """Return the parts of the grid."""
    from dan_bench.config.compose import expand

    parts = []
    for name in PARTS:
        configs = [config.scientific() for config in expand([name])]
        methods = dict(zip(map(key_of, configs), method_numbers(configs), strict=True))
        parts.append(GridPart(name, methods))
    return parts


def run(results: Path) -> bool:
    """Run all that is missing; return whether all of it went well."""
    good = True
    for arguments in PARTS:
        print(f"== {arguments}", flush=True)
        command = [sys.executable, "-m", "dan_bench.train", "-m", arguments, "logger=none"]
        ended = subprocess.run([*command, f"runtime.results={results}"], check=False)
        good &= ended.returncode == 0
    command = [sys.executable, "-m", "dan_bench.table1", "--subjects", "all"]
    ended = subprocess.run([*command, "--results", str(results)], check=False)
    return good and ended.returncode == 0


def status(parts: Sequence[GridPart], done: set[str]) -> list[tuple[str, int, int, int]]:
    """Return for each part its arguments, and how many runs are complete, done and planned."""
    return [
        (
            part.arguments,
            len(part.complete(done)),
            len(done & part.methods.keys()),
            len(part.methods),
        )
        for part in parts
    ]


def finished(results: Path, base: Path | None) -> dict[str, RunRecord]:
    """Return the runs that are done, by key; those of an archive that is added to among them."""
    from dan_bench.results import archive

    places = [archive.open_results(results), *([] if base is None else [archive.Archive(base)])]
    return {r.key: r for r in archive.JoinedResults(places).all()[0] if r.status == "done"}


def publish(results: Path, parts: Sequence[GridPart], base: Path | None = None) -> Path:
    """Write `results/DATE_COMMIT`: records, curves and samples, tables, figures, and where from.

    Args:
        results: with `runs/`.
        parts: what the grid is made of.
        base: an archive published before, whose runs count where `results` has none of their key.

    Raises:
        InputError: nothing is complete.
    """
    from dan_bench.report import figures as drawing
    from dan_bench.report import table
    from dan_bench.report.claims.render import main as findings
    from dan_bench.report.figures.grid import grid
    from dan_bench.report.headline import headline
    from dan_bench.report.table1 import main as table_one
    from dan_bench.results import archive

    done = finished(results, base)
    complete = set[str]().union(*(part.complete(set(done)) for part in parts))
    if not complete:
        raise InputError(
            f"nothing of the grid is complete under {results}; `make reference` runs it"
        )
    records = [done[key] for key in sorted(complete)]
    folder = results / name_of(records)
    compared, _ = grid(records)
    drawn = {run.key for shown in compared for run in shown.runs}
    drawn |= {key for part in parts if part.arguments in PICTURED for key in part.methods}
    found = headline(records)
    collapsed = {found.collapsed.runs[0].key} if found and found.collapsed else set()
    written = archive.publish(results, folder, complete, MOST, drawn, base, collapsed)
    print(f"{folder}: {written}", flush=True)
    (folder / "leaderboard.md").write_text(table(records, "markdown"))
    printed: dict[str, Callable[[list[str]], int]] = {
        "findings.md": findings,
        "table1.md": table_one,
    }
    for name, command in printed.items():
        with (folder / name).open("w") as out, redirect_stdout(out):
            entry_point(command)(["--results", str(folder), "--format", "markdown"])
    drawing.main(["--results", str(folder)])
    for picture in (folder / "figures").glob("*.png"):  # the documents show the SVG
        picture.unlink()
    (folder / "README.md").write_text(about(folder.name, records, status(parts, set(done))))
    return folder


def name_of(records: Sequence[RunRecord]) -> str:
    """Return the day of the last run, and the commit that made it."""
    last = max(records, key=lambda record: str(record.provenance.get("ended")))
    return f"{str(last.provenance.get('ended'))[:10]}_{str(last.provenance.get('commit'))[:7]}"


def about(
    name: str, records: Sequence[RunRecord], parts: Sequence[tuple[str, int, int, int]]
) -> str:
    """Return the page that says what is here, what is missing, and where it comes from."""
    sources = Counter(
        (str(r.provenance.get("commit")), bool(r.provenance.get("dirty"))) for r in records
    )
    made = "".join(
        f"- {count:,} runs by commit {commit}{', edited' if dirty else ''}\n"
        for (commit, dirty), count in sources.most_common()
    )
    machines = sorted({machine(record) for record in records})
    hours = sum(record.costs.get("seconds", 0.0) for record in records) / 3600
    ended = sorted(str(record.provenance.get("ended")) for record in records)
    grid = "".join(
        f"| `{name}` | {planned} | {whole} | {'complete' if whole == planned else 'not yet'} |\n"
        for name, whole, _, planned in parts
    )
    return f"""# Reference results {name}

{len(records):,} runs of the published grid, from {ended[0]} to {ended[-1]};
{hours:.1f} hours of single processes.

{made}{"".join(f"- {one}" + chr(10) for one in machines)}
| part of `make reference` | runs | published | |
| --- | ---: | ---: | --- |
{grid}
A subject is published when all of its seeds are done. `records.parquet` (configs, metrics, costs,
provenance), `curves.parquet` and `arrays.npz` (a few rows of samples) are the results themselves;
the rest was printed and drawn from them, and can be again:

```sh
.venv/bin/python -m dan_bench.report --results results/{name}
```

- [leaderboard.md](leaderboard.md): `report --format markdown`; `--format csv` prints it unrounded
- [table1.md](table1.md): `report table1`
- [findings.md](findings.md): `report findings`
- [figures](figures/README.md): `report figures`
"""


def machine(record: RunRecord) -> str:
    """Return the machine and the packages of a run."""
    of = record.provenance.get("machine", {})
    packages = record.provenance.get("packages", {})
    return (
        f"{of.get('system')} {of.get('architecture')}, {of.get('cpus')} processors, Python "
        f"{record.provenance.get('python')}, "
        + ", ".join(f"{name} {packages[name]}" for name in ("torch", "numpy") if name in packages)
    )


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.reference",
        description="Run what is missing of the published grid, and publish what is complete.",
        epilog="It can be interrupted at any time, and resumes where it stopped.",
    )
    made.add_argument("--results", type=user_path, default=Path("results"), metavar="DIR")
    made.add_argument(
        "--base",
        type=user_path,
        metavar="FOLDER",
        help="with --status or --publish: results published before; a run of theirs counts where "
        "DIR has none, so that what changed can be run and published alone",
    )
    only = made.add_mutually_exclusive_group()
    only.add_argument("--status", action="store_true", help="print how much is done; run nothing")
    only.add_argument("--publish", action="store_true", help="run nothing, publish what there is")
    return made


@entry_point
def main(arguments: list[str] | None = None) -> int:
    """Run, then publish; or one of them."""
    command = parser()
    asked = command.parse_args(arguments)
    if not asked.status and (why := unusable(asked.results)):
        command.error(f"--results {asked.results}: {why}")
    if asked.base is not None:
        if not (asked.status or asked.publish):
            command.error("--base: only with --status or --publish; without, everything is run")
        if not (asked.base / "records.parquet").is_file():
            command.error(f"--base {asked.base}: no published results (records.parquet) there")
    good = asked.status or asked.publish or run(asked.results)
    parts = plan()
    if asked.status:
        done = set(finished(asked.results, asked.base))
        for name, _, there, planned in status(parts, done):
            print(f"{name:32} {there:4} of {planned:4} runs done")
        return 0
    print(publish(asked.results, parts, asked.base))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
