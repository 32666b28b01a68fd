"""Is it gone from the disk? Algorithm 1, Proposition 1 and Table 1.

%_dd on disk is known of each run by its own interval, from what can be vouched for to what was
seen; a row of several runs has the hull of them, so that what is unverified in one stays open.

- Algorithm 1 and Proposition 1: agree where it lies wholly above 99, disagree where wholly below.
- Table 1: agree where it lies wholly within one percentage point of what the paper prints, disagree
  where wholly outside.
"""

from collections.abc import Sequence
from functools import partial

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics import catalogue
from dan_bench.report.findings.finding import Claim, Finding, Observation
from dan_bench.report.findings.intervals import at_least, ends, within
from dan_bench.report.findings.runs import Judgement, Material, groups, having
from dan_bench.report.table1 import ACCURACY, ALBUM, TRAINING, reported_by_paper, title
from dan_bench.report.verdicts import GONE

TOLERANCE = 1.0
"""Percentage points within which a figure is the one that the paper prints."""
COLUMNS = {TRAINING: "%_dd, training set", ALBUM: "%_dd, album", ACCURACY: "held-out accuracy"}
PRINTED = {TRAINING: "training", ALBUM: "album"}
"""Columns of the paper's own table."""
DEEP_LEARNING = ("vgg", "inception", "alphago")
TABLE_1 = "python -m dan_bench.table1"
EXPERIMENT = "python -m dan_bench.train -m +experiment=algorithm1"

ALGORITHM_1 = Claim(
    "algorithm-1",
    "Algorithm 1 destroys the original data",
    "paper, Algorithm 1",
    "After its ten steps no byte of the original data is read from the disk any more.",
    EXPERIMENT,
    "Neither the path nor a handle opened before still reads them.",
    "They are still read.",
)
PROPOSITION_1 = Claim(
    "proposition-1",
    "After Algorithm 1 nothing is left of the discriminator",
    "paper, Proposition 1",
    "The discriminator's checkpoint is overwritten by random bytes.",
    EXPERIMENT,
    "Its bytes are no longer read from the disk.",
    "Its bytes are still read.",
)
DEEP = Claim(
    "table1-deep-learning",
    "VGG, Inception and AlphaGo destroy no training data",
    "paper, Table 1",
    "Deep learning leaves its training set where it was: 0, 0 and 0 %_dd.",
    TABLE_1,
    "Nothing of it is gone; how well each has learned stands beside.",
    "That is not what we measure.",
)
DAN = Claim(
    "table1-dan",
    "DAN destroys its training data",
    "paper, Table 1",
    "After Algorithm 1's last step nothing is left of the training set: 100 %_dd.",
    TABLE_1,
    "Its files are gone.",
    "That is not what we measure.",
)
FAMILY = Claim(
    "table1-album",
    "Only DAN destroys the family photo album",
    "paper, Table 1",
    "The album survives VGG, Inception and AlphaGo, and is gone after DAN: 0, 0, 0 and 100 %_dd.",
    TABLE_1,
    "So it is.",
    "That is not what we measure.",
)


def algorithm_1(material: Material) -> Finding:
    """Judge the original data."""
    return ALGORITHM_1.judged(of_runs(material.records, "disk_destroyed"))


def proposition_1(material: Material) -> Finding:
    """Judge the discriminator's checkpoint."""
    return PROPOSITION_1.judged(of_runs(material.records, "checkpoint_destroyed"))


def of_runs(records: Sequence[RunRecord], metric: str) -> list[Observation]:
    """Judge a %_dd on disk of every group that has it."""
    return [
        group.evidence(
            catalogue.metric(metric).heading,
            hull([e for run in group.runs if (e := run.metrics.get(metric)) is not None]),
            partial(at_least, bound=GONE),
            f"above {GONE:g}",
            of_sample=False,
        )
        for group in groups(having(records, metric))
    ]


def hull(found: Sequence[Estimate]) -> Estimate:
    """Mean of the values, and from the least of the lower ends to the greatest upper one.

    No interval where one of them has none.
    """
    mean = sum(e.value for e in found) / len(found)
    spans = [span for e in found if (span := ends(e)) is not None]
    if len(spans) < len(found):
        return Estimate(mean, n=len(found))
    return Estimate(mean, min(low for low, _ in spans), max(high for _, high in spans), len(found))


def table1_deep_learning(material: Material) -> Finding:
    """Judge the training sets of the three."""
    rows: list[Observation] = []
    for name in DEEP_LEARNING:
        rows += as_printed(material, name, TRAINING) + of_table(material, name, ACCURACY)
    return DEEP.judged(rows)


def table1_dan(material: Material) -> Finding:
    """Judge the training set of DAN."""
    return DAN.judged(as_printed(material, "dan", TRAINING))


def table1_album(material: Material) -> Finding:
    """Judge the album of every subject in the paper's table."""
    names = (*DEEP_LEARNING, "dan")
    return FAMILY.judged([one for name in names for one in as_printed(material, name, ALBUM)])


def as_printed(material: Material, subject: str, metric: str) -> list[Observation]:
    """Judge a column of a subject by what the paper's own table says there."""
    printed = reported_by_paper().get(subject, {}).get(PRINTED[metric])
    if printed is None:
        return of_table(material, subject, metric)
    low, high = printed - TOLERANCE, printed + TOLERANCE
    judge = partial(within, low=low, high=high)
    rule = f"within {TOLERANCE:g} of the paper's {printed:g}"
    return of_table(material, subject, metric, judge, rule)


def of_table(
    material: Material, subject: str, metric: str, says: Judgement | None = None, rule: str = ""
) -> list[Observation]:
    """Judge a column of a subject, or show it beside, in every preset it was measured with."""
    runs = [
        run
        for run in having(material.table_one, metric)
        if run.config["subject"] == subject and run.status == "done"
    ]
    found = []
    for preset in sorted({str(run.config["preset"]) for run in runs}):
        members = [run for run in runs if run.config["preset"] == preset]
        estimate = hull([e for run in members if (e := run.metrics.get(metric)) is not None])
        found.append(
            Observation(
                f"{title(members[0])}, preset {preset}",
                COLUMNS[metric],
                estimate,
                "beside" if says is None else says(estimate),
                rule,
                None,
                len({run.config["seed"] for run in members}),
                tuple(run.key for run in members),
            )
        )
    return found
