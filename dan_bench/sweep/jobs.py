"""From configs to an exit code: check all, run what is left, say what came out."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console

from dan_bench.config import ConfigError, RunConfig
from dan_bench.records import ForeignRecord, Store, key_of

OK, FAILED, REFUSED = 0, 1, 2


def usable_cores() -> int:
    """Cores that this process may use."""
    import os

    return len(os.sched_getaffinity(0))


def carry_out(configs: Sequence[RunConfig]) -> int:
    """Carry out every run that has no record yet.

    All configs are checked before any work begins. Equal configs are run once.

    Returns:
        0 where every run has succeeded, now or before; 1 where one failed; 2 where a config was
        refused, and nothing was run.
    """
    console = Console(highlight=False, soft_wrap=True)
    try:
        keyed = {key_of(c.scientific()): c for c in identified(configs)}
        left = {key: c for key, c in keyed.items() if not is_done(key, c)}
        if left:
            from dan_bench.sweep.pool import start_server

            start_server(next(iter(left.values())).runtime.threads)
            for line in checked(list(left.values())):
                console.print(line)
    except (ConfigError, ForeignRecord, OSError, RuntimeError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            str(error), style="red", markup=False
        )
        return REFUSED
    done = len(keyed) - len(left)
    console.print(f"{len(keyed)} jobs: {done} done before, {len(left)} to run")
    if left:
        launch(left)
    return summarise(keyed, len(left), console)


def identified(configs: Sequence[RunConfig]) -> list[RunConfig]:
    """Return the configs with what only their data can tell filled in."""
    if not any("fingerprint" in c.data.arguments for c in configs):
        return list(configs)
    from dan_bench.plan import identify

    return [identify(config) for config in configs]


def is_done(key: str, config: RunConfig) -> bool:
    """Return whether a good record of success is there."""
    record = Store(config.runtime.results).get(key, config.scientific())
    return record is not None and record.status == "done"


def checked(configs: Sequence[RunConfig]) -> list[str]:
    """Refuse any config that cannot be run; return where each data set came from."""
    from dan_bench.plan import make_ready, plan

    refused: list[str] = []
    said: dict[str, str] = {}
    for config in configs:
        try:
            planned = plan(config)
            wanted = f"{config.data} {config.evaluation.samples}"
            if wanted not in said:
                said[wanted] = make_ready(planned)
        except ConfigError as error:
            refused.append(f"{config.title()}: {error}")
    if refused:
        raise ConfigError("\n".join(refused))
    return list(dict.fromkeys(said.values()))


def launch(left: dict[str, RunConfig]) -> None:
    """Run them side by side."""
    from dan_bench.sweep import board, pool

    runtime = next(iter(left.values())).runtime
    workers = runtime.workers or max(1, usable_cores() // runtime.threads)
    group = f"{datetime.now():%Y%m%d-%H%M%S}"
    pool.carry_out(left, group, min(workers, len(left)), board.view(runtime.progress))


def summarise(keyed: dict[str, RunConfig], ran: int, console: Console) -> int:
    """Print the table of these runs, where everything lies, and how many did what."""
    from dan_bench.report import table, write

    results = next(iter(keyed.values())).runtime.results
    records, _ = Store(results).all()
    ours = [record for record in records if record.key in keyed]
    failed = [record for record in ours if record.status == "failed"]
    console.print()
    console.print(table(ours, "table"), markup=False, end="")
    for record in failed:
        reason = (record.traceback or "").strip().splitlines()[-1]
        console.print(f"failed: {keyed[record.key].title()}: {reason}", style="red", markup=False)
    console.print(f"{len(ours) - len(failed)} done, {ran} run, {len(failed)} failed")
    report = write(results)
    where: dict[str, Path] = {"records": Store(results).runs, "report": report}
    if (Path(results) / "wandb").is_dir():
        where["offline wandb runs"] = Path(results) / "wandb"
    for name, path in where.items():
        console.print(f"{name}: {path}", markup=False)
    return FAILED if failed or len(ours) < len(keyed) else OK
