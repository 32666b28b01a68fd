"""Records made by hand, on which each claim is agreed with, disagreed with, or left undecided."""

import numpy as np
import pandas as pd

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.findings.runs import Material
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


class Looks(dict):
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


def world(*parts, table=()):
    return Material([run for part in parts for run in part], Looks(), table)


def looks(part, **columns):
    """A world of runs whose curves go from one value to another, a step apart from seed to seed."""
    found = Looks()
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
    return looks(
        runs(metrics={"shannon_bits": (8.0, 0.0)}, **changes), **{column: (first, last, step)}
    )


def unproven(accuracy, step, fresh=0.99):
    part = runs(metrics={"c2st_accuracy": (fresh, 0.001)}, **SIGMOID)
    return looks(part, held_out_accuracy=(0.9, accuracy, step))


def still(objective, ratio, step=0.02, accuracy=1.0):
    part = runs(
        metrics={"shannon_bits": (8.0, 0.0)},
        objective=objective,
        trainer={"freeze_degenerator": True},
        **SIGMOID,
    )
    columns = dict.fromkeys(("sample_gradient", "parameter_gradient"), (1.0, ratio, step))
    return looks(part, discriminator_accuracy=(0.5, accuracy, 0.001), **columns)


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
    return world(table=list((rows | changed).values()))


def register(*complexities, bits=40_000):
    part = control("python_random", {"linear_complexity": (1.0, 0.0)})
    for run, complexity in zip(part, complexities, strict=True):
        details = {"complexity": complexity, "bits": bits, "p_value": 1e-38}
        run.metrics["linear_complexity"].details.update(details)
    return world(part)


def both_ways(claim, make):
    """The same claim of the sigmoid and of the torus."""
    return {f"{claim}-{output}": make({"output": output}) for output in ("sigmoid", "torus")}


TOLD = {**KEPT, "c2st_accuracy": (0.9, 0.0)}
COLLAPSED = {"effective_dimensions": (0.05, 0.01)}
CASES = {
    "entropy-hides-collapse": (
        [paper(shannon_bits=(7.5, 0.05), **COLLAPSED)],
        [
            paper(shannon_bits=(6.5, 0.05), **COLLAPSED),
            paper(shannon_bits=(7.5, 0.05), effective_dimensions=(0.9, 0.01)),
        ],
        [
            paper(shannon_bits=(7.1, 0.2), **COLLAPSED),
            paper(shannon_bits=(7.5, 0.05), effective_dimensions=(0.5, 0.1)),
        ],
    ),
    "sigmoid-is-noise": (
        [paper()],
        [paper(joint_bits=(4.0, 0.1)), paper(c2st_accuracy=(0.9, 0.01))],
        [world(runs(metrics=NOISE, **SIGMOID)), world(PYTHON[:1], runs(metrics=NOISE, **SIGMOID))],
    ),
    "torus-is-noise": (
        [torus()],
        [
            torus(joint_bits=(7.9, 0.001)),
            torus(effective_dimensions=(0.9, 0.01)),
            torus(c2st_accuracy=(0.6, 0.01)),
            torus(min_entropy_bits=(6.0, 0.01)),
            torus(sp800_22=(0.5, 0.01)),
            torus(joint_bits=(7.4, 0.7), shannon_bits=(7.0, 0.0)),  # every run told from noise
        ],
        [
            torus(c2st_accuracy=(0.6, 0.1)),  # a wide interval is no noise: one run is told
            world(runs(metrics=NOISE)),
        ],
    ),
    "sigmoid-destroys": (
        [destroyed(99.9, 0.01, **SIGMOID)],
        [destroyed(50.0, 1.0, **SIGMOID)],
        [destroyed(99.0, 0.1, **SIGMOID), destroyed(99.9, 0.01, seeds=(0,), **SIGMOID)],
    ),
    "torus-destroys": (
        [destroyed(99.9, 0.01)],
        [destroyed(98.0, 0.1)],
        [destroyed(99.0, 0.1)],
    ),
    "hash-is-not-gone": (
        [passing(metrics=KEPT)],
        [passing(metrics=TOLD), passing(metrics=GONE)],
        [passing(metrics={**KEPT, "dictionary_recovered": (0.5, 0.1)})],
    ),
    "noiseless-network-is-not-gone": (
        [noiseless(KEPT), noiseless(TOLD, KEPT)],
        [noiseless(TOLD, GONE)],
        [
            noiseless(TOLD, {**KEPT, "c2st_accuracy": (0.55, 0.05)}),
        ],
    ),
    "shannons-bound": (
        [enciphered((1.0, 0.0)), enciphered((0.6, 0.01), 5.0)],
        [enciphered((0.9, 0.01)), enciphered((0.4, 0.01), 5.0)],
        [enciphered((0.5, 0.1), 5.0)],
    ),
    "attacks-get-better": (
        [attacked((0.02, 0.01), (0.98, 0.01), noise_dim=16)],
        [attacked((0.98, 0.01), (0.02, 0.01), noise_dim=16)],
        [attacked((0.3, 0.2), (0.4, 0.2), noise_dim=16)],
    ),
    "theorem-1": (
        [trend("uniform_distance_bits", 2.0, 0.2, 0.1, **SIGMOID)],
        [trend("uniform_distance_bits", 0.2, 2.0, 0.1, **SIGMOID)],
        [trend("uniform_distance_bits", 1.0, 0.8, 0.5, **SIGMOID)],
    ),
    "proposition-2": (
        [trend("data_distance", 0.2, 0.3, 0.01, **SIGMOID)],
        [trend("data_distance", 0.3, 0.2, 0.01, **SIGMOID)],
        [trend("data_distance", 0.2, 0.21, 0.1, **SIGMOID)],
    ),
    **both_ways(
        "half",
        lambda of: (
            [trend("held_out_accuracy", 0.9, 0.5, 0.01, **of)],
            [trend("held_out_accuracy", 0.5, end, 0.005, **of) for end in (0.7, 0.57, 0.43)],
            [trend("held_out_accuracy", 0.9, 0.5, 0.05, **of)],
        ),
    ),
    **both_ways(
        "value",
        lambda of: (
            [trend("value_function", -0.5, -1.39, 0.01, **of)],
            [trend("value_function", -1.386, end, 0.005, **of) for end in (-0.9, -1.32, -1.45)],
            [trend("value_function", -0.5, -1.39, 0.05, **of)],
        ),
    ),
    "half-is-no-proof": (
        [unproven(0.5, 0.01)],
        [unproven(0.9, 0.01, fresh=0.5)],
        [unproven(0.95, 0.05)],
    ),
    "end-to-end": (
        [trend("data_left", 0.9, 0.0, 0.0, end_to_end=True)],
        [trend("data_left", 0.9, 0.012, 0.0005, end_to_end=True)],
        [trend("data_left", 0.9, 0.01, 0.005, end_to_end=True)],
    ),
    "minimax-fades": (
        [still("minimax", 0.4)],
        [still("minimax", 1.2)],
        [still("minimax", 1.0, 0.2), still("minimax", 0.4, accuracy=0.7)],
    ),
    "minimax-vanishes": (
        [still("minimax", 0.01, 0.001), still("minimax", 0.0, 0.0)],
        [still("minimax", 0.13, 0.005)],
        [still("minimax", 0.1), still("minimax", 0.01, 0.001, accuracy=0.7)],
    ),
    **{
        name: (
            [still(objective, 0.8)],
            [still(objective, 0.2)],
            [still(objective, 0.5, 0.1), still(objective, 0.8, accuracy=0.7)],
        )
        for name, objective in {
            "nonsaturating-holds": "nonsaturating",
            "least-squares-holds": "least_squares",
            "wasserstein-holds": "wgan_gp",
            "guide-holds": "guide",
        }.items()
    },
    "guide-never-vanishes": (
        [still("guide", 0.3), still("guide", 0.13, 0.005)],
        [still("guide", 0.08, 0.005)],
        [still("guide", 0.1), still("guide", 0.3, accuracy=0.7)],
    ),
    "guide-learns-noise": (
        [guided()],
        [guided(effective_dimensions=(0.9, 0.01))],
        [
            world(
                *(runs(metrics=NOISE, seeds=(0,), objective=o) for o in ("guide", "nonsaturating"))
            )
        ],
    ),
    "perturbations-fool-networks-only": (
        [perturbed("fgsm"), perturbed("pgd")],
        [
            perturbed("fgsm", fixed=(0.99, 0.001)),
            perturbed("pgd", fresh=(0.5, 0.01)),
            perturbed("pgd", similar=(-0.1, 0.001)),
        ],
        [perturbed("fgsm", fixed=(0.9, 0.1)), perturbed("fgsm", similar=(0.1, 0.1))],
    ),
    "generator-fools-networks-only": (
        [perturbed("perturbation_generator")],
        [perturbed("perturbation_generator", fresh=(0.5, 0.01))],
        [perturbed("perturbation_generator", fresh=(0.87, 0.05))],
    ),
    **{
        f"{output}-fools-both": (
            [both(output)],
            [both(output, fresh=(0.5, 0.01)), both(output, similar=(0.3, 0.01))],
            [both(output, fixed=(0.9, 0.1))],
        )
        for output in ("sigmoid", "torus")
    },
    "infodan-keeps-more": (
        [leaking()],
        [leaking(label=(0.9, 0.01)), leaking(structure=(0.9, 0.01))],
        [leaking(label=(0.6, 0.1))],
    ),
    "dcdan-half": ([sized(500.0)], [sized(501.0)], [sized(None)]),
    "dcdan-noise": (
        [smaller()],
        [smaller(joint_bits=(7.9, 0.001)), smaller(c2st_accuracy=(0.8, 0.1))],
        [smaller(c2st_accuracy=(0.55, 0.05))],
    ),
    "dial-rises": (
        [turned()],
        [turned(rising=(0.0, 0.0, 0.0))],
        [turned(rising=(1.0, 1.0, 0.0))],
    ),
    "dial-follows": (
        [turned((0.99, 0.001))],
        [turned((0.5, 0.001))],
        [turned((0.95, 0.01))],
    ),
    "dial-ends": (
        [turned()],
        [
            turned(**{"joint_bits@1": 6.0}),
            turned(**{"shannon_bits@0": 3.0}),
            turned(reference=(8.0, 0.0), **{"joint_bits@1": 7.95}),
        ],
        [turned(**{"shannon_bits@0": (0.8, 1.0, 1.2)})],
    ),
    "algorithm-1": (
        [disk("disk_destroyed", (99.9, 100.0), (99.8, 100.0))],
        [disk("disk_destroyed", (0.0, 0.1), (50.0, 98.0))],
        [
            disk("disk_destroyed", (99.9, 100.0), (0.0, 100.0)),  # unverified in one of two
            disk("disk_destroyed", (99.9, 100.0), (99.9, None)),
            disk("disk_destroyed", (99.9, 100.0), (0.0, 0.1)),
        ],
    ),
    "proposition-1": (
        [disk("checkpoint_destroyed", (99.9, 100.0))],
        [disk("checkpoint_destroyed", (0.0, 0.1))],
        [disk("checkpoint_destroyed", (0.0, 100.0))],
    ),
    "table1-deep-learning": (
        [table()],
        [table(**{name: row(name, (40.0, 41.0))}) for name in ("vgg", "inception", "alphago")],
        [table(vgg=row("vgg", (0.0, 100.0)))],
    ),
    "table1-dan": (
        [table()],
        [table(dan=row("dan", (0.0, 0.1)))],
        [table(dan=row("dan", (0.0, 100.0)))],
    ),
    "table1-album": (
        [table()],
        [
            table(dan=row("dan", (99.9, 100.0), album=(0.0, 0.1))),
            table(vgg=row("vgg", album=(1.2, 1.5))),
        ],
        [table(alphago=row("alphago", album=(0.0, 100.0)))],
    ),
    "python-is-no-true-randomness": (
        [register(19_937.0, 19_937.0, 19_937.0)],
        [register(20_000.0, 20_001.0, 19_999.0)],
        [register(19_937.0, 19_937.0, 20_000.0), register(*[19_937.0] * 3, bits=30_000)],
    ),
}
