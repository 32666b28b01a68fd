"""Records made by hand, so that every number in the tables can be worked out on paper."""

from typing import Any

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.leaderboard import Row
from dan_bench.results.record import key_of

SEEDS = (0, 1, 2)


def part(module: str, **arguments: Any) -> dict[str, Any]:
    return {"_target_": f"dan_bench.{module}", **arguments}


ADAM = {"_target_": "torch.optim.Adam", "lr": 0.001}
TRAINING = {
    "objective": part("objectives.nonsaturating.Nonsaturating", name="nonsaturating"),
    "optimizer": {"degenerator": ADAM, "discriminator": ADAM},
    "trainer": {
        "max_steps": 100,
        "batch_size": 64,
        "discriminator_steps": 1,
        "gradient_clip": None,
        "ema_decay": 0.0,
        "precision": "32-true",
    },
    "end_to_end": False,
}
CONTROL = {"kind": "control"}
DAN = part("models.dan.DAN", name="dan", kind="learned", input="data_and_noise", scale=1.0)


def config(
    model: dict[str, Any], data: str, seed: int, output: str = "sigmoid", **changes: Any
) -> dict[str, Any]:
    """A scientific config as RunConfig.scientific() gives it."""
    values: dict[str, Any] = {
        "model": model,
        "data": {"_target_": f"dan_bench.data.{data}", "name": data},
        "seed": seed,
        "evaluation": {"samples": 1000, "known": 500, "metrics": {}, "c2st": None, "attacks": {}},
    }
    if data == "danoise":
        values["data"]["seed"] = seed  # as conf/data/danoise.yaml hands the run's seed on
    if model["kind"] != "control":
        values |= {"output": output, "noise_dim": 16, "noise": "gaussian"}
    if model["kind"] == "learned":
        values |= TRAINING
    return {**values, **changes}


def records(
    values: dict[str, Any], seeds: tuple[int, ...] = SEEDS, spread: float = 0.1, **of: float
) -> list[RunRecord]:
    """One run a seed: the named metrics, and on both sides of each the spread, seed by seed.

    The mean is the named value and the standard deviation is `spread`, both exactly.
    """
    runs = []
    for seed, step in zip(seeds, (-1, 0, 1) if len(seeds) > 1 else (0,), strict=True):
        scientific = {**values, "seed": seed}
        if "seed" in values["data"]:
            scientific["data"] = {**values["data"], "seed": seed}
        metrics: dict[str, Estimate | None] = {
            name: Estimate(value + step * spread * (0.01 if name.endswith("recovered") else 1))
            for name, value in of.items()
        }
        metrics.setdefault("label_recovered", None)
        if values["model"]["kind"] == "learned" and metrics["label_recovered"] is not None:
            metrics["label_recovered"].details["still_rising"] = float(values["output"] == "torus")
        runs.append(RunRecord(key_of(scientific), "done", scientific, metrics))
    return runs


def small_sweep() -> list[RunRecord]:
    """Two data sets; controls, an untrained network, three trained ones and a failure."""
    python = {**CONTROL, **part("controls.generators.PythonRandom", name="python_random")}
    identity = {**CONTROL, **part("controls.ciphers.Identity", name="identity")}
    untrained = {**DAN, "name": "untrained", "kind": "untrained"}
    longer = {"trainer": {**TRAINING["trainer"], "max_steps": 200}}
    runs: list[RunRecord] = []
    for data, label in (("danoise", {}), ("mnist", {"label_recovered": 0.5})):
        runs += records(
            config(DAN, data, 0, "torus"),
            joint_bits=7.5,
            certified_destroyed=60.0,
            percent_destroyed=99.0,
            **label,
        )
        runs += records(config(DAN, data, 0), joint_bits=5.0, percent_destroyed=80.0, **label)
        runs += records(config(untrained, data, 0), joint_bits=1.0, percent_destroyed=79.8, **label)
        runs += records(
            config(python, data, 0),
            spread=0.01,
            joint_bits=7.99,
            certified_destroyed=99.9,
            percent_destroyed=99.9,
        )
        runs += records(
            config(identity, data, 0),
            spread=0.0,
            joint_bits=2.0,
            certified_destroyed=0.0,
            percent_destroyed=0.0,
        )
    runs += records(config(DAN, "mnist", 0, **longer), joint_bits=5.2, percent_destroyed=81.0)
    alone = records(config(DAN, "mnist", 0, "torus", noise_dim=0), seeds=(1,), other_metric=1 / 3)
    alone[0].metrics["joint_bits"] = Estimate(7.25, 7.0, 7.5)
    failed = config(DAN, "danoise", 9, "torus")
    return [
        *runs,
        *alone,
        RunRecord(key_of(failed), "failed", failed, traceback="ValueError: on purpose"),
    ]


def row(rows: list[Row], section: str, label: str) -> Row:
    (found,) = [row for row in rows if (row.section, row.label) == (section, label)]
    return found


def labels(rows: list[Row], section: str) -> list[str]:
    return [row.label for row in rows if row.section == section]


def cells_of(text: str, section: str, label: str) -> dict[str, str]:
    """One row of a Markdown table, by heading."""
    lines = text[text.index(f"**{section}**") :].splitlines()
    split = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    (found,) = [cells for cells in split if cells[0] == label][:1]
    return dict(zip(split[2], found, strict=True))
