"""From configs to an exit code: check them all, run what is left, and report the outcome."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

from dan_bench.cli import FAILED, INTERRUPTED, OK, explained, say
from dan_bench.config.schema import RunConfig
from dan_bench.results.cache import CachedStore
from dan_bench.results.record import Store, keys_of
from dan_bench.sweep import drive
from dan_bench.sweep.executor import executor_for, folder_of
from dan_bench.sweep.progress import forget
from dan_bench.sweep.screen import Screen
from dan_bench.sweep.state import Failure, SweepOutcome, reason
from dan_bench.sweep.view import JsonLines, Plain, Quiet

RESUME = "finished runs are kept; the same command does the rest"


def conclude(keyed: dict[str, Any], ran: int) -> SweepOutcome:
    """Return the outcome of these runs, without a table."""
    first = next(iter(keyed.values()))
    store = CachedStore(first.runtime.results, first.part)
    statuses = store.statuses(keyed)
    failures = []
    for key in sorted(key for key, status in statuses.items() if status == "failed"):
        run = store.get(key, keyed[key].scientific())
        why = reason(run) if run is not None else "its record is gone"
        failures.append(Failure(keyed[key].title(), why, store.folder(key) / "log.txt"))
    complete = not failures and len(statuses) == len(keyed)
    done, code = len(statuses) - len(failures), OK if complete else FAILED
    return SweepOutcome(len(keyed), done, ran, failures, "", {"records": store.runs}, code)


def summarise(keyed: dict[str, RunConfig], ran: int) -> SweepOutcome:
    """See to the report on all records, and return the outcome of these runs."""
    from dan_bench.report.kept import report

    outcome, first = conclude(keyed, ran), next(iter(keyed.values()))
    results = first.runtime.results
    try:
        text, path = report(results, keyed)
    except OSError as error:
        say(f"no report: {explained(error)}")
        return replace(outcome, code=FAILED)
    where = outcome.where | {"report": path}
    if (results / "wandb").is_dir():
        where["offline wandb runs"] = results / "wandb"
    if ran and len(keyed) > 1 and outcome.code == OK:
        log_tables(first)
    return replace(outcome, table=text, where=where)


def carry_out(
    configs: Sequence[RunConfig],
    summarise: Callable[[dict[str, Any], int], SweepOutcome] = summarise,
) -> int:
    """Carry out every run that has no record yet.

    All configs are checked before any work begins. Equal configs are run once.

    Args:
        configs: of one kind, with one runtime.
        summarise: makes the outcome from all configs by key, and from how many were run.

    Returns:
        0 if every run has succeeded, now or before; 1 if one failed; 130 if interrupted.

    Raises:
        InputError: a config is refused, and nothing was run.
    """
    runtime = configs[0].runtime
    view = view_of(runtime.progress)
    data: list[str] = []
    if any("fingerprint" in config.data.arguments for config in configs):
        from dan_bench.pipeline.own_data import identify

        configs = [identify(config) for config in configs]
    keyed = dict(zip(keys_of(configs), configs, strict=True))
    statuses = CachedStore(runtime.results, configs[0].part).statuses(keyed)
    left = {key: config for key, config in keyed.items() if statuses.get(key) != "done"}
    if runtime.executor != "local":  # whose runs may have ended after the sweep that began them
        for key in keyed.keys() - left.keys():
            forget(folder_of(key, keyed[key]))
    if left:
        executor = executor_for(left)
        from dan_bench.pipeline.plan import check  # torch, which local workers load meanwhile

        data = check(list(left.values()))
        Store(runtime.results, configs[0].part).runs.mkdir(parents=True, exist_ok=True)
    view.ready(len(keyed), len(left), data)
    try:
        if left:
            with closing(executor):
                drive.carry_out(left, f"{datetime.now():%Y%m%d-%H%M%S}", executor, view)
    except KeyboardInterrupt:
        say(f"interrupted: {RESUME}")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        say(f"cut off: {explained(error)}; {RESUME}")
        return FAILED
    outcome = summarise(keyed, len(left))
    view.over(outcome)
    return outcome.code


def view_of(choice: str) -> Quiet:
    """Return the view by name: auto, plain, quiet or json.

    `auto` is a screen on a terminal that can show one, and plain lines elsewhere.
    """
    if choice == "auto" and sys.stdout.isatty():
        draws = (sys.stdout.encoding or "").lower().startswith("utf")
        if draws and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
            return Screen()
    return {"quiet": Quiet, "json": JsonLines}.get(choice, Plain)()


def log_tables(config: RunConfig) -> None:
    """Log leaderboard and Table 1 as wandb Tables, if wandb is the logger.

    They are made from records that are kept, so nothing is lost if it fails.
    """
    if config.logger is None or config.logger.name != "wandb":
        return
    try:
        from dan_bench.loggers import tables

        tables.log_tables(config.runtime.results, config.logger.arguments["project"])
    except Exception as error:
        print(f"wandb did not get the tables: {type(error).__name__}: {error}", file=sys.stderr)
