"""From configs to an exit code: check all, run what is left, say what came out."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from dan_bench.cli import FAILED, INTERRUPTED, OK, explained, say
from dan_bench.config.schema import ConfigError, RunConfig
from dan_bench.results.record import Store, key_of
from dan_bench.sweep.board import SweepOutcome, View, reason, view

GOES_ON = "what is done is kept; the same command does the rest"


def usable_cores() -> int:
    """Cores that this process may use."""
    import os

    return len(os.sched_getaffinity(0))


def carry_out(configs: Sequence[RunConfig]) -> int:
    """Carry out every run that has no record yet.

    All configs are checked before any work begins. Equal configs are run once.

    Returns:
        0 where every run has succeeded, now or before; 1 where one failed; 130 where it was
        interrupted.

    Raises:
        InputError: a config is refused, and nothing was run.
    """
    seen = view(configs[0].runtime.progress)
    data: list[str] = []
    keyed = {key_of(c.scientific()): c for c in identified(configs)}
    left = {key: c for key, c in keyed.items() if not is_done(key, c)}
    if left:
        from dan_bench.sweep.pool import start_server

        start_server(next(iter(left.values())).runtime.threads)
        data = checked(list(left.values()))
        Store(configs[0].runtime.results).runs.mkdir(parents=True, exist_ok=True)
    seen.ready(len(keyed), len(left), data)
    try:
        if left:
            launch(left, seen)
    except KeyboardInterrupt:
        say(f"interrupted: {GOES_ON}")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        say(f"cut off: {explained(error)}; {GOES_ON}")
        return FAILED
    outcome = summarise(keyed, len(left))
    if left and len(keyed) > 1 and outcome.code == OK:
        log_tables(next(iter(keyed.values())))
    seen.over(outcome)
    return outcome.code


def identified(configs: Sequence[RunConfig]) -> list[RunConfig]:
    """Return the configs with what only their data can tell filled in."""
    if not any("fingerprint" in c.data.arguments for c in configs):
        return list(configs)
    from dan_bench.pipeline.plan import identify

    return [identify(config) for config in configs]


def is_done(key: str, config: RunConfig) -> bool:
    """Return whether a good record of success is there."""
    record = Store(config.runtime.results).get(key, config.scientific())
    return record is not None and record.status == "done"


def checked(configs: Sequence[RunConfig]) -> list[str]:
    """Refuse any config that cannot be run; return where each data set came from."""
    from dan_bench.pipeline.plan import fetch, plan, suits

    refused: list[str] = []
    said: dict[str, str] = {}
    suited = set[str]()
    for config in configs:
        try:
            planned = plan(config)
            wanted = f"{config.data} {config.evaluation.samples}"
            if wanted not in said:
                said[wanted] = fetch(planned)
            if (pair := f"{config.model} {wanted}") not in suited:
                suits(planned)
                suited.add(pair)
        except ConfigError as error:
            refused.append(f"{config.title()}: {error}")
    if refused:
        raise ConfigError("\n".join(refused))
    return list(dict.fromkeys(said.values()))


def launch(left: dict[str, RunConfig], seen: View) -> None:
    """Run them side by side."""
    from dan_bench.sweep import pool

    runtime = next(iter(left.values())).runtime
    workers = runtime.workers or max(1, usable_cores() // runtime.threads)
    group = f"{datetime.now():%Y%m%d-%H%M%S}"
    pool.carry_out(left, group, min(workers, len(left)), seen)


def summarise(keyed: dict[str, RunConfig], ran: int) -> SweepOutcome:
    """Write the report, and return what came out of these runs."""
    from dan_bench.report import table, write

    results = next(iter(keyed.values())).runtime.results
    records, _ = Store(results).all()
    ours = [record for record in records if record.key in keyed]
    failures = [
        (keyed[record.key].title(), reason(record)) for record in ours if record.status == "failed"
    ]
    where: dict[str, Path] = {"records": Store(results).runs, "report": write(results)}
    if (Path(results) / "wandb").is_dir():
        where["offline wandb runs"] = Path(results) / "wandb"
    return SweepOutcome(
        jobs=len(keyed),
        done=len(ours) - len(failures),
        ran=ran,
        failures=failures,
        table=table(ours, "table"),
        where=where,
        code=FAILED if failures or len(ours) < len(keyed) else OK,
    )


def log_tables(config: RunConfig) -> None:
    """Log leaderboard and Table 1 as wandb Tables, where wandb is the logger.

    They are made of records that stay what they are, so that nothing is lost where it fails.
    """
    if config.logger is None or config.logger.name != "wandb":
        return
    try:
        from dan_bench.loggers import tables

        tables.log_tables(config.runtime.results, config.logger.arguments["project"])
    except Exception as error:
        print(f"wandb did not get the tables: {type(error).__name__}: {error}", file=sys.stderr)
