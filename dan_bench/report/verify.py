"""`python -m dan_bench.report verify FOLDER`: are a submission's numbers what its code gives?

Keys, provenance, code and seeds are checked; a few runs, which the verifier draws, are run again
with the submitted code in a process of its own; and ranks are claimed against the leaderboard.
"""

import json
import math
import os
import random
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from dan_bench.cli import FAILED, OK, InputError, user_path
from dan_bench.interfaces import RunRecord
from dan_bench.metrics import catalogue
from dan_bench.report.inputs import results_parser
from dan_bench.report.leaderboard import Row, boards, heading, over_seeds
from dan_bench.report.submission import ABOUT, CODE, COPY, Submission, faults, opened
from dan_bench.results import archive
from dan_bench.results.provenance import THREADS, code_digest, git
from dan_bench.results.reading import shown
from dan_bench.results.record import DamagedRecord, read, whole_numbers
from dan_bench.results.select import group_methods
from dan_bench.statistics import ranks_by_test
from dan_bench.tables import Cell, Column, Table, render

SHARE = 0.05
LEVEL = 0.01
"""Of a claimed rank; and the chance that an honest run is refused where its bits cannot be had."""
PASSED_ON = ("PATH", "LANG", "LD_LIBRARY_PATH", "TMPDIR")
"""Variables that the submitted code is given, of all that the verifier has."""
NEVER_ALIKE = ("commit", "dirty", "ended")
"""Parts of a provenance in which two runs of one program on one machine may differ."""
PACKAGE = Path(__file__).resolve().parents[1]


# --- once more ----------------------------------------------------------------------------------


def drawn(records: Sequence[RunRecord], share: float, seed: int) -> list[RunRecord]:
    """Return a random share of the records, one at least; from the same seed the same."""
    ordered = sorted(records, key=lambda record: record.key)
    return random.Random(seed).sample(ordered, max(1, math.ceil(share * len(ordered))))


def code_folder(about: Submission, folder: Path, work: Path) -> tuple[Path | None, list[str]]:
    """Return where a submission's code is, fetched where it is elsewhere, and what is wrong."""
    if not about.code:
        return None, []
    place = folder / CODE
    if about.source != COPY:
        url, _, commit = about.source.rpartition("@")
        place = work / "repository"
        for command in (
            ["clone", "--quiet", "--no-checkout", "--", url, str(place)],
            ["-C", str(place), "checkout", "--quiet", commit],
        ):
            unasked = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
            if subprocess.run(["git", *command], env=unasked, check=False).returncode:
                return None, [f"{about.source} cannot be fetched"]
        place = place / "src" if (place / "src").is_dir() else place
    elif place.is_dir():
        named = {*about.code, *(f"{package}.py" for package in about.code)}
        if more := sorted({path.name for path in place.iterdir()} - named):
            return None, [f"{CODE}/ holds {', '.join(more)}, which no record names"]
        # compiled code runs in place of the source, and a link leads out of what is reviewed
        if odd := [p for p in (place, *place.rglob("*")) if not plain(p)]:
            return None, [f"{shown(str(odd[0].relative_to(folder)))} is no Python or YAML file"]
        place = shutil.copytree(place, work / CODE)  # Python compiles it there
    wrong = []
    for package, digest in about.code.items():
        try:
            there = code_digest(place, package)
        except InputError as error:
            wrong.append(str(error))
        else:
            if there != digest:
                wrong.append(f"the code of {package} is not that of {ABOUT}: SHA-256 {there}")
    return place, wrong


def plain(path: Path) -> bool:
    """Return whether that is a folder, or a file that `submit` copies; no link is either."""
    return not path.is_symlink() and (path.is_dir() or path.suffix in (".py", ".yaml"))


def again(record: RunRecord, code: Path | None, datasets: Path, work: Path) -> RunRecord | str:
    """Run a record's config once more, in a process without secrets; or say why that failed."""
    config = work / f"{record.key}.json"
    config.write_text(json.dumps(record.config))
    words = [config, work, datasets.absolute(), *([] if code is None else [code.absolute()])]
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    kept |= dict.fromkeys(THREADS, "1")  # as sweeps run theirs, unless told otherwise
    ended = subprocess.run(
        [sys.executable, "-m", "dan_bench.pipeline.again", *map(str, words)],
        cwd=work,
        env={**kept, "HOME": str(work), "PYTHONPATH": str(PACKAGE.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        made = read(work / "runs" / record.key / "record.json")
    except FileNotFoundError:
        last = ended.stderr.strip().splitlines()[-1:] or ["it is another config to this program"]
        return f"it left no record: {shown(last[0])}"
    except DamagedRecord as error:
        return f"its record is damaged: {error}"
    failure = made.traceback
    return made if failure is None else f"it failed: {shown(failure.strip().splitlines()[-1])}"


def same_program(one: RunRecord, other: RunRecord) -> bool:
    """Return whether two runs were made by the same code on the same versions and machine.

    The commits may differ, in other files than those of the program.
    """
    kinds = [
        {name: part for name, part in record.provenance.items() if name not in NEVER_ALIKE}
        for record in (one, other)
    ]
    if kinds[0] != kinds[1]:
        return False
    commit = one.provenance.get("commit")
    if commit is None or other.provenance.get("commit") is None:
        return commit == other.provenance.get("commit")
    known = re.fullmatch(r"[0-9a-f]{40}", str(commit)) is not None
    return known and git("diff", "--quiet", commit, "--", ":/dan_bench", ":/conf") is not None


def prediction_interval(values: Sequence[float], level: float) -> tuple[float, float]:
    """Return the interval in which one more value lies but for a chance of `level`.

    mean +- t s sqrt(1 + 1 / n) with Student's t of n - 1 degrees of freedom, for values that are
    normal and independent (Hahn & Meeker, Statistical Intervals, section 4.7).

    Args:
        values: two at least.
        level: chance that an honest value is outside.
    """
    x = np.asarray(values, dtype=np.float64)
    t = special.stdtrit(x.size - 1, 1 - level / 2)
    half = float(t * x.std(ddof=1) * math.sqrt(1 + 1 / x.size))
    return float(x.mean()) - half, float(x.mean()) + half


def differences(
    record: RunRecord, made: RunRecord, peers: Sequence[RunRecord]
) -> tuple[str, list[str]]:
    """Return how two records of one config were compared, and in which metrics they differ.

    Args:
        record: the submitted one.
        made: the one that was made again.
        peers: the submitted records of all seeds of the method.
    """
    if record.metrics == made.metrics:
        return "bit for bit the same", []
    exact, found = same_program(record, made), []
    for name in record.metrics | made.metrics:
        one, other = record.metrics.get(name), made.metrics.get(name)
        if one == other:
            continue
        text = f"{name} is {one and one.value!r}, run again {other and other.value!r}"
        if not exact and one is not None and other is not None:
            seeds = [e.value for peer in peers if (e := peer.metrics.get(name)) is not None]
            low, high = prediction_interval(seeds, LEVEL / len(made.metrics))
            slack = 1e-6 * max(abs(low), abs(high))
            # only the interval that was measured here: that of the record is the submitter's word
            ends = (math.inf, -math.inf) if other.low is None else (other.low, other.high or 0.0)
            if low - slack <= other.value <= high + slack or ends[0] <= one.value <= ends[1]:
                continue
            text += f", not in [{low:.6g}, {high:.6g}]"
        found.append(text)
    if exact:
        return "bit for bit, as versions and machine are the same", found
    return f"by the seeds' {1 - LEVEL:.0%} prediction intervals: other versions or machine", found


# --- ranks --------------------------------------------------------------------------------------


def claims(records: Sequence[RunRecord], keys: set[str]) -> list[Table]:
    """Return the ranks that submitted methods have, and which of them may be claimed.

    A rank is claimed where the method is told apart from the row above it, or, on the first rank,
    from the row below, at `LEVEL` by Welch's test; or where it is in the range of ideal noise.

    Args:
        records: the leaderboard's and the submission's.
        keys: of the submission's.
    """
    tables = []
    for board in boards(records):
        for section, rows in board.sections.items():
            for row in rows:
                if row.runs and row.runs[0].key in keys:
                    columns = [Column("metric", "left"), Column("value (rank)")]
                    columns += [Column("claimed?", "left")]
                    lines = list(ranks_of(row, rows, board.metrics))
                    title = f"{board.title(section)}, {row.label}"
                    tables.append(Table(columns, lines, title, f"among {len(rows)} rows"))
    return tables


def ranks_of(
    row: Row, rows: Sequence[Row], metrics: Sequence[str]
) -> Iterator[tuple[str, Cell, str]]:
    """Yield for each metric that is ranked its cell, and whether the rank may be claimed."""
    noise = next((one for one in rows if one.kind == "baseline"), None)
    for metric in metrics:
        better = catalogue.metric(metric).higher_is_better
        mine = over_seeds(row.runs, metric)
        if better is None or mine is None:
            continue
        scored = {
            one.label: of
            for one in rows
            if one.runs and one is not row and (of := over_seeds(one.runs, metric)) is not None
        }
        sign = 1.0 if better else -1.0
        ahead = {n: of for n, of in scored.items() if sign * (of.value - mine.value) > 0}
        band = noise.cells.get(metric) if noise is not None else None
        edges = () if band is None else (band.estimate.low or 0.0, band.estimate.high or 0.0)
        if edges and sign * mine.value >= min(sign * edge for edge in edges):
            said = "yes: in the range of ideal noise"
        elif near := ahead or scored:
            name = min(near, key=lambda n: abs(near[n].value - mine.value))
            pair = [near[name], mine]
            apart = max(ranks_by_test(pair, better, None, LEVEL)) > 1
            verb = "behind" if ahead else "ahead of"
            said = f"yes: {verb} {name}, p < {LEVEL}" if apart else f"no: not told from {name}"
        else:
            said = "no: nothing here was measured alike"
        yield heading(metric), row.cells[metric], said


# --- the command --------------------------------------------------------------------------------


def misnamed(records: Sequence[RunRecord], known: Sequence[RunRecord]) -> list[str]:
    """Return which records would be ranked on a data set of the leaderboard that is not theirs."""

    def data_of(record: RunRecord) -> Any:
        return whole_numbers({**record.config["data"], "seed": None})  # which follows the run's

    there = {str(data := data_of(record)): data for record in known}.values()
    names = {data["name"] for data in there}
    return [
        f"{record.key}: its data are not what the leaderboard calls {data['name']}"
        for record in records
        if (data := data_of(record)) not in there and data["name"] in names
    ]


def verify(
    folder: Path, share: float, seed: int, datasets: Path, known: Sequence[RunRecord] = ()
) -> list[str]:
    """Return what is wrong with a submission, and say on the way what was run again.

    Args:
        folder: the submission's.
        share: of its runs that are run again.
        seed: draws them.
        datasets: where data sets are.
        known: the leaderboard's records.

    Raises:
        InputError: it is none.
    """
    about, records = opened(folder)
    print(f"{folder}: {len(records)} runs of {about.model}", flush=True)
    wrong = [] if about.name == folder.absolute().name else [f"it calls itself {about.name!r}"]
    wrong += faults(records, about.code) + misnamed(records, known)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        code, of_code = code_folder(about, folder, work)
        wrong += of_code
        if wrong:
            return wrong
        chosen = drawn(records, share, seed)
        unseen = 1 - len(chosen) / len(records)
        print(
            f"run again: {len(chosen)} of {len(records)}, drawn by --seed {seed}; a single forged "
            f"record is missed with a chance of {unseen:.0%}",
            flush=True,
        )
        peers = {r.key: of.runs for of in group_methods(records) for r in of.runs}
        for record in chosen:
            made = again(record, code, datasets, work)
            if isinstance(made, str):
                wrong.append(f"{record.key}, run again: {made}")
                continue
            how, differ = differences(record, made, peers[record.key])
            print(f"{record.key}: {how}{', it is not' if differ else ''}", flush=True)
            wrong += [f"{record.key}: {text}" for text in differ]
    return wrong


def main(arguments: list[str] | None = None) -> int:
    """Verify submissions; 0 where all is well, 1 where anything is wrong, 2 where it is none."""
    parser = results_parser(
        "verify",
        "Check submissions, run some of their runs again, and say which ranks they may claim. "
        "This runs the code that they bring: read it first, or do it where nothing is at stake.",
        f"exit code: 0 all is well, {FAILED} something is wrong, 2 that is no submission",
    )
    archives = sorted(Path("results").glob("*/records.parquet"))
    parser.set_defaults(results=archives[-1].parent if archives else None)
    parser.add_argument("folders", nargs="+", type=user_path, metavar="FOLDER")
    parser.add_argument("--share", type=float, default=SHARE, help=f"run again (default {SHARE})")
    parser.add_argument("--seed", type=int, help="draws the runs (default: a new one each time)")
    parser.add_argument("--datasets", type=user_path, default=Path("datasets"), metavar="DIR")
    asked = parser.parse_args(arguments)
    if not 0 < asked.share <= 1:
        parser.error(f"--share {asked.share}: more than 0, and 1 at most")
    known = [] if asked.results is None else [archive.open_results(asked.results)]
    published = [record for results in known for record in results.all()[0]]
    code = OK
    for folder in asked.folders:
        seed = secrets.randbits(32) if asked.seed is None else asked.seed
        wrong = verify(folder, asked.share, seed, asked.datasets, published)
        if wrong:
            print("\n".join(["refused:", *(f"  {fault}" for fault in wrong)]))
            code = FAILED
            continue
        print("verified")
        own = archive.Archive(folder)
        records = archive.JoinedResults([own, *known]).all()[0]
        keys = {record.key for record in own.all()[0]}
        print(render("table", claims(records, keys)), end="")
    return code
