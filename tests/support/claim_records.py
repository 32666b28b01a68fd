"""Records made by hand for the claims: runs, their curves, and whole sets of records."""

import numpy as np
import pandas as pd

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.claims.runs import Material
from dan_bench.report.table1 import ALBUM, TRAINING
from dan_bench.results.record import key_of

N, D, SEEDS = 2000, 784, (0, 1, 2)
SIZES = {"shannon_bits": N * D, "min_entropy_bits": 1_000_000}
NOISE = {  # the middle and the step from seed to seed; half of the interval is 2.48 steps
    "shannon_bits": (8.0, 0.0),
    "joint_bits": (7.999, 0.0001),
    "effective_dimensions": (1.0, 0.0002),
    "c2st_accuracy": (0.503, 0.003),
    "min_entropy_bits": (7.1, 0.1),
    "sp800_22": (0.95, 0.01),
}
GONE = {
    "percent_destroyed": (99.95, 0.01),
    "dictionary_recovered": (0.0005, 0.0001, {"of_bits": 10.0}),
}
KEPT = {"percent_destroyed": (0.0, 0.0), "dictionary_recovered": (1.0, 0.0, {"of_bits": 10.0})}


class Curves(dict):
    """Curves by key."""

    def curves(self, key):
        return self.get(key)


def estimate(name, spec, i, n):
    if isinstance(spec, Estimate):
        return spec
    middle, step, *details = spec
    size = SIZES.get(name, n)
    return Estimate(middle + (i - 1) * step, n=size, details=dict(details[0]) if details else {})


def runs(model="dan", metrics=None, seeds=SEEDS, costs=None, n=N, **changes):
    """One run a seed; each metric is (middle, step from seed to seed) and perhaps its details."""
    kind = changes.pop("kind", "learned")
    config = {
        "model": {"name": model, "kind": kind, **changes.pop("part", {})},
        "data": {"name": changes.pop("data", "mnist")},
        "evaluation": {"samples": n},
    }
    if kind != "control":
        config |= {"output": changes.pop("output", "torus")}
        config |= {"noise_dim": changes.pop("noise_dim", D)}
    if kind == "learned":
        config |= {"objective": {"name": changes.pop("objective", "nonsaturating")}}
        config |= {"trainer": {"max_steps": 1200, **changes.pop("trainer", {})}}
    config |= changes
    made = []
    for i, seed in enumerate(seeds):
        whole = {**config, "seed": seed}
        found = {m: estimate(m, spec, i, n) for m, spec in (metrics or {}).items()}
        made.append(RunRecord(key_of(whole), "done", whole, found, costs or {}))
    return made


def control(name, metrics, **changes):
    return runs(name, metrics, kind="control", **changes)


def world(*parts):
    return Material([run for part in parts for run in part], Curves())


def with_curves(part, **columns):
    """Runs whose curves go from one value to another, a step apart from seed to seed."""
    found = Curves()
    for i, run in enumerate(part):
        flat = {
            name: np.append(np.full(3, first), np.full(9, last + (i - 1) * step))
            for name, (first, last, step) in columns.items()
        }
        found[run.key] = pd.DataFrame({"step": np.arange(12.0), **flat})
    return Material(part, found)


PYTHON = control("python_random", NOISE)
SIGMOID = {"output": "sigmoid"}


def paper(**metrics):
    return world(PYTHON, runs(metrics=NOISE | metrics, **SIGMOID))


def torus(**metrics):
    return world(PYTHON, runs(metrics=NOISE | metrics))


def destroyed(middle, step, **changes):
    attacked = {**GONE, "percent_destroyed": (middle, step)}
    return world(runs(metrics=attacked, **changes))


def bracket(certain, middle=99.95, **attacks):
    """Metrics of runs that were attacked, with what is certified of them: percent, or details."""
    details = certain if isinstance(certain, dict) else {"naming": certain, "label": certain}
    least = (min(details.values()), 0.0, details)
    return {**NOISE, **GONE, "percent_destroyed": (middle, 0.01), "certified_destroyed": least} | {
        f"{name}_recovered": spec for name, spec in attacks.items()
    }


def certified(certain=99.95, weight=1.0, law="gaussian", metrics=None, **changes):
    """An InfoDAN with a certificate."""
    part = {"certificate_weight": weight}
    return runs("infodan", bracket(certain) | (metrics or {}), part=part, noise=law, **changes)


def passing(name="shake256", metrics=None, **changes):
    return world(control(name, {**NOISE, **(metrics or {})}, **changes))


def noiseless(*variants):
    return world(
        *(
            runs(metrics={**NOISE, **metrics}, noise_dim=0, part={"scale": 1 + i})
            for i, metrics in enumerate(variants)
        )
    )


def enciphered(recovered, noise_bits=0.0, **attacks):
    shares = {"dictionary_recovered": (*recovered, {"of_bits": 10.0})}
    return world(control("shake256", {**shares, **attacks}, costs={"noise_bits": noise_bits}))


def attacked(dictionary, rehearsal, **changes):
    shares = {"dictionary_recovered": dictionary, "rehearsal_recovered": rehearsal}
    return world(runs(metrics=shares, **changes))


def trend(column, first, last, step, **changes):
    return with_curves(
        runs(metrics={"shannon_bits": (8.0, 0.0)}, **changes), **{column: (first, last, step)}
    )


def unproven(accuracy, step, fresh=0.99):
    part = runs(metrics={"c2st_accuracy": (fresh, 0.001)}, **SIGMOID)
    return with_curves(part, held_out_accuracy=(0.9, accuracy, step))


def still(objective, ratio, step=0.02, accuracy=1.0):
    part = runs(
        metrics={"shannon_bits": (8.0, 0.0)},
        objective=objective,
        trainer={"freeze_degenerator": True},
        **SIGMOID,
    )
    columns = dict.fromkeys(("sample_gradient", "parameter_gradient"), (1.0, ratio, step))
    return with_curves(part, discriminator_accuracy=(0.5, accuracy, 0.001), **columns)


def guided(**metrics):
    return world(
        runs(metrics=NOISE, objective="nonsaturating"),
        runs(metrics=NOISE | metrics, objective="guide"),
    )


def seen(fixed, fresh, similar):
    return {
        "classifier_accuracy": fixed,
        "fresh_classifier_accuracy": fresh,
        "structural_similarity": similar,
    }


SIGHT = [
    *control("identity", seen((0.97, 0.002), (0.96, 0.002), (1.0, 0.0))),
    *control("python_random", seen((0.1, 0.01), (0.11, 0.003), (0.003, 0.001))),
]


def perturbed(name, fixed=(0.4, 0.02), fresh=(0.95, 0.01), similar=(0.6, 0.01)):
    """Two epsilons, of which the second is as given."""
    fine = seen((0.4, 0.02), (0.95, 0.01), (0.6, 0.01))
    given = seen(fixed, fresh, similar)
    return world(
        SIGHT,
        control(name, fine, part={"epsilon": 0.1}),
        control(name, given, part={"epsilon": 0.3}),
    )


def both(output, fixed=(0.1, 0.01), fresh=(0.112, 0.003), similar=(0.002, 0.001)):
    return world(SIGHT, runs(metrics=seen(fixed, fresh, similar), output=output))


def leaking(label=(0.1, 0.02), structure=(0.1, 0.02), dan=(15.0, 1.0), **changes):
    kept = {"label_recovered": (0.7, 0.01), "reconstruction_recovered": (0.5, 0.01)}
    recovered = {"label_recovered": label, "reconstruction_recovered": structure}
    few = {"noise_dim": 64, **SIGMOID}
    return world(
        runs("dan", {**kept, "percent_destroyed": dan}, **few),
        runs("infodan", recovered, **{**few, **changes}),
    )


def sized(of_dcdan, of_dan=1000.0):
    fine = {"shannon_bits": (8.0, 0.0)}
    parts = [] if of_dan is None else [runs("dan", fine, costs={"parameters": of_dan})]
    costs = {} if of_dcdan is None else {"parameters": of_dcdan}
    return world(*parts, runs("dcdan", fine, costs=costs))


def smaller(**metrics):
    return world(runs("dan", NOISE), runs("dcdan", NOISE | metrics))


def turned(r_squared=(0.99, 0.001), reference=NOISE["joint_bits"], **details):
    settings = {"rising": 1.0, "joint_bits@1": 7.999, "shannon_bits@0": 0.7, **details}
    part = runs("entropydan", {"dial": r_squared})
    for i, run in enumerate(part):
        values = {k: v[i] if isinstance(v, tuple) else v for k, v in settings.items()}
        run.metrics["dial"].details.update(values)
    return world(part, control("python_random", {"joint_bits": reference}))


def disk(metric, *spans):
    part = runs(seeds=range(len(spans)))
    for run, (low, high) in zip(part, spans, strict=True):
        run.metrics[metric] = Estimate(low, low, high)
    return world(part)


def row(subject, training=(0.0, 0.02), album=(0.0, 0.02)):
    config = {"subject": subject, "preset": "quick", "seed": 0}
    metrics = {
        TRAINING: Estimate(training[0], *training),
        ALBUM: Estimate(album[0], *album),
    }
    return RunRecord(key_of(config), "done", config, metrics, {}, {"title": subject.upper()})


def table(**changed):
    names = ("vgg", "inception", "alphago")
    rows = {name: row(name) for name in names}
    rows["dan"] = row("dan", (99.9, 100.0), (99.9, 100.0))
    return world((rows | changed).values())


def register(*complexities, bits=40_000):
    part = control("python_random", {"linear_complexity": (1.0, 0.0)})
    for run, complexity in zip(part, complexities, strict=True):
        details = {"complexity": complexity, "bits": bits, "p_value": 1e-38}
        run.metrics["linear_complexity"].details.update(details)
    return world(part)
