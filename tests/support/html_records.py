"""Records made by hand, of everything that the HTML page shows."""

from dataclasses import replace

import numpy as np
import pandas as pd

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.results.record import Store, key_of

N, D = 2000, 784


def config(model, kind, seed, **changes):
    values = {
        "model": {"name": model, "kind": kind},
        "data": {"name": "mnist"},
        "seed": seed,
        "evaluation": {"samples": N},
    }
    if kind == "learned":
        values |= {"output": "torus", "objective": {"name": "minimax"}, "noise_dim": D}
    return {**values, **changes}


def measured(shannon=8.0, accuracy=0.5, dimensions=1.0, destroyed=(100.0, 99.9, 100.0)):
    value, low, high = destroyed
    share = Estimate(1 - value / 100, 1 - high / 100, 1 - low / 100, N, {"of_bits": 10.0})
    return {
        "shannon_bits": Estimate(shannon, n=N * D),
        "effective_dimensions": Estimate(dimensions, n=N),
        "c2st_accuracy": Estimate(accuracy, n=N, details={"mlp": accuracy, "mlp_low": 0.0}),
        "percent_destroyed": Estimate(value, low, high, N),
        "dictionary_recovered": share,
        "rehearsal_recovered": share,
        "label_recovered": None,
    }


def run(model="dan", kind="learned", seed=0, metrics=None, costs=None, **changes):
    values = config(model, kind, seed, **changes)
    provenance = {"commit": "c0ffee" * 6, "dirty": False, "ended": "2026-11-25T18:00:00+00:00"}
    of = measured() if metrics is None else metrics
    fresh = {"noise_bits": 16.0 * D} if costs is None else costs
    return RunRecord(key_of(values), "done", values, of, fresh, provenance)


def old(record):
    """The same run as schema 1 has it: without a certificate, and under another key."""
    return replace(record, schema_version=1, key=key_of(record.config, 1))


def curves(**columns):
    steps = np.arange(10, 210, 10)
    flat = {name: np.full(len(steps), value) for name, value in columns.items()}
    return pd.DataFrame({"step": steps.astype(float), **flat})


def fill(results):
    """Noise, a collapsed network, one that keeps the data, a dial, a frozen network, a failure."""
    store = Store(results)
    random = np.random.default_rng(0)
    dial = {f"joint_bits@{t}": 8 * t for t in (0, 0.5, 1)}
    dial |= {name.replace("joint", "shannon"): bits for name, bits in dial.items()}
    seen = {
        "classifier_accuracy": Estimate(0.1, 0.08, 0.12, N),
        "fresh_classifier_accuracy": Estimate(0.9, 0.88, 0.92, N),
        "structural_similarity": Estimate(0.5, n=N),
    }
    bounds = {"bits": 0.0, "naming_bits": 0.0, "named": 1 / 1024, "told_apart": 0.5}
    certified = {"certified_destroyed": Estimate(100.0, 100.0, 100.0, N, bounds)}
    disk = {"disk_destroyed": Estimate(100.0, 99.9, 100.0, N)}
    runs = []
    for seed in (0, 1, 2):
        shift = 1e-4 * seed
        collapsed = measured(7.9 + shift, 1.0, 0.01, (50.0, 45.0, 55.0))
        kept = measured(8.0, 0.5, 1.0, (0.0, 0.0, 0.0))
        turned = {**measured(), "dial": Estimate(0.99, details=dial)}
        runs += [
            run("python_random", "control", seed, measured() | certified),
            run("fgsm", "control", seed, {"shannon_bits": Estimate(2.0, n=N * D), **seen}),
            run("dan", "learned", seed, measured() | disk),
            run("dan", "learned", seed, kept, {"noise_bits": 0.0}, noise_dim=0),
            run("gan", "learned", seed, collapsed),
            run("entropydan", "learned", seed, turned),
            run("still", "learned", seed, trainer={"freeze_degenerator": True}),
        ]
    for record in runs:
        store.put(record)
        folder = store.folder(record.key)
        sample = random.integers(0, 256, (16, D), dtype=np.uint8)
        np.save(folder / "samples.npy", sample)
        np.save(folder / "inputs.npy", np.tile(np.arange(D, dtype=np.uint8), (16, 1)))
        if record.config["model"]["kind"] == "learned":
            of = {"discriminator_accuracy": 0.9, "held_out_accuracy": 0.5, "value_function": -1.4}
            of |= {"sample_gradient": 1.0, "parameter_gradient": 1.0}
            curves(**of).to_parquet(folder / "curves.parquet")
    failed = config("<b>bold</b>", "learned", 9)
    store.put(RunRecord(key_of(failed), "failed", failed, traceback="ValueError: a < b & c"))
    return runs
