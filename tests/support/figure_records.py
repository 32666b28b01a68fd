"""A results folder that is filled by hand, for the figures."""

import numpy as np
import pandas as pd

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.results.record import Store, key_of

N, D, SIDE = 1000, 784, 28
RANDOM = np.random.default_rng(0)
STEPS = np.arange(50.0, 301, 50)


class Bench:
    """A results folder."""

    def __init__(self, results):
        self.store = Store(results)
        self.results = results

    def put(self, model="dan", kind="learned", seed=0, metrics=None, costs=None, **more):
        """Add a run; `arrays` and `curves` are written beside it, the rest is its config."""
        arrays, curves = more.pop("arrays", {}), more.pop("curves", None)
        config = {
            "model": {"name": model, "kind": kind, **more.pop("layers", {})},
            "data": {"name": "mnist"},
            "seed": seed,
            "evaluation": {"samples": N},
        }
        if kind == "learned":
            config |= {
                "output": "sigmoid",
                "noise_dim": D,
                "objective": {"name": "nonsaturating"},
                "trainer": {"max_steps": 300, "batch_size": 128},
            }
        config = {**config, **more}
        record = RunRecord(key_of(config), "done", config, metrics or {}, costs or {})
        self.store.put(record)
        for name, array in arrays.items():
            np.save(self.store.folder(record.key) / f"{name}.npy", array)
        if curves is not None:
            curves.to_parquet(self.store.folder(record.key) / "curves.parquet")
        return record

    def draw(self, figure):
        return figure(self.store.all()[0], self.store)

    def spec(self, figure):
        return self.draw(figure).chart.to_dict()


def measured(shannon, dimensions):
    return {
        "shannon_bits": Estimate(shannon, n=N * D),
        "effective_dimensions": Estimate(dimensions, n=N),
    }


def noise(count, width=D):
    return RANDOM.integers(0, 256, (count, width), dtype=np.uint8)


def paper_run(bench, seed=0, batch_size=64, count=8):
    steps = np.array([938, 14063, 22500])
    made = RANDOM.integers(0, 256, (3, count, D), dtype=np.uint8)
    trainer = {"max_steps": 22500, "batch_size": batch_size}
    arrays = {"snapshots": made, "snapshot_steps": steps}
    return bench.put(seed=seed, trainer=trainer, arrays=arrays), made


def bell_run(bench, **more):
    made = np.clip(RANDOM.normal(128, 20, (4, 5000, 1)), 0, 255).astype(np.uint8)
    logits = RANDOM.normal(size=(4, 256)).astype(np.float32)
    arrays = {
        "snapshots": made,
        "snapshot_critic": logits,
        "snapshot_steps": np.array([0, 30, 100, 3000]),
    }
    data = {"name": "bell", "mean": 0.5, "deviation": 0.1}
    bench.put(data=data, arrays=arrays, **more)
    return made, logits


def filled(bench):
    """Records of several figures."""
    for seed in (0, 1):
        bench.put(seed=seed, metrics=measured(7.5, 0.1), curves=pd.DataFrame(
            {"step": STEPS, "held_out_accuracy": np.linspace(1, 0.5, len(STEPS))}))  # fmt: skip
    paper_run(bench)
    bell_run(bench)
