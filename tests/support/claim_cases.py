"""The cases of each claim: records that agree, that disagree, and that leave it undecided."""

from claim_records import (
    GONE,
    KEPT,
    NOISE,
    PYTHON,
    SIGMOID,
    attacked,
    both,
    bracket,
    certified,
    control,
    destroyed,
    disk,
    enciphered,
    guided,
    leaking,
    noiseless,
    paper,
    passing,
    perturbed,
    register,
    row,
    runs,
    sized,
    smaller,
    still,
    table,
    torus,
    trend,
    turned,
    unproven,
    world,
)


def both_ways(claim, make):
    """The same claim of the sigmoid and of the torus."""
    return {f"{claim}-{output}": make({"output": output}) for output in ("sigmoid", "torus")}


APART = {**KEPT, "c2st_accuracy": (0.9, 0.0)}
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
            torus(joint_bits=(7.4, 0.7), shannon_bits=(7.0, 0.0)),  # no run looks like noise
        ],
        [
            torus(c2st_accuracy=(0.6, 0.1)),  # one of three runs does not look like noise
            world(runs(metrics=NOISE)),
        ],
    ),
    "sigmoid-destroys": (
        [destroyed(99.9, 0.01, **SIGMOID)],
        [destroyed(50.0, 1.0, **SIGMOID)],
        [destroyed(99.0, 0.1, **SIGMOID), destroyed(99.9, 0.01, seeds=(0,), **SIGMOID)],
    ),
    "sigmoid-is-named": (
        [world(runs(metrics=bracket(0.0, inversion=(0.9, 0.01)), **SIGMOID))],
        [world(runs(metrics=bracket(0.0, inversion=(0.3, 0.01)), **SIGMOID))],
        [world(runs(metrics=bracket(0.0, inversion=(0.5, 0.1)), **SIGMOID))],
    ),
    "torus-destroys": (
        [world(runs(metrics=bracket(0.0)))],
        [world(runs(metrics=bracket(0.0, 98.0))), world(runs(metrics=bracket(99.5)))],
        [world(runs(metrics=bracket(0.0, 99.0)))],
    ),
    "one-time-pad-is-gone": (
        [world(control("one_time_pad", bracket(100.0)))],
        [world(control("one_time_pad", bracket(99.9)))],
        [world(control("one_time_pad", bracket(100.0, 99.0)))],
    ),
    "infodan-is-gone-mnist": (
        [world(certified()), world(certified(0.0), certified(weight=5.0))],
        [
            world(certified(99.8)),
            world(certified({"naming": 99.95, "label": 99.6})),
            world(certified(metrics={"c2st_accuracy": (0.9, 0.0)})),
        ],
        [world(certified({"naming": 99.95}))],
    ),
    "infodan-is-gone-danoise": (
        [world(certified({"naming": 99.95}, data="danoise"))],
        [world(certified({"naming": 99.8}, data="danoise"))],
        [world(certified(data="danoise", metrics={"c2st_accuracy": (0.55, 0.05)}))],
    ),
    "certificate-destroys": (
        [world(certified(), certified(50.0, 0.0))],
        [
            world(certified(40.0), certified(50.0, 0.0)),
            world(certified(metrics={"joint_bits": (7.9, 0.001)}), certified(50.0, 0.0)),
        ],
        [world(certified(), certified(50.0, 0.0, metrics={"certified_destroyed": (50.0, 90.0)}))],
    ),
    "gaussian-noise-certifies": (
        [world(certified(), certified(0.0, law="uniform"))],
        [
            world(certified(0.0), certified(10.0, law="uniform")),
            world(certified(metrics={"joint_bits": (7.9, 0.001)}), certified(0.0, law="uniform")),
        ],
        [
            world(certified(0.0), certified(0.0, law="uniform")),
            world(
                certified(metrics={"certified_destroyed": (50.0, 90.0)}),
                certified(0.0, law="uniform"),
            ),
        ],
    ),
    "hash-is-not-gone": (
        [passing(metrics=KEPT)],
        [passing(metrics=APART), passing(metrics=GONE)],
        [passing(metrics={**KEPT, "dictionary_recovered": (0.5, 0.1)})],
    ),
    "noiseless-network-is-not-gone": (
        [noiseless(KEPT), noiseless(APART, KEPT)],
        [noiseless(APART, GONE)],
        [
            noiseless(APART, {**KEPT, "c2st_accuracy": (0.55, 0.05)}),
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
