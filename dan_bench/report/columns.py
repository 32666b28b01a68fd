"""What the tables know of each metric: its heading, and which way is better."""

from dataclasses import dataclass

from dan_bench.report.verdicts import VERDICTS


@dataclass(frozen=True)
class Column:
    """A metric as a table shows it."""

    heading: str
    higher_is_better: bool | None
    """None where the metric is not ranked."""
    scale: float = 1.0


COLUMNS = {
    "shannon_bits": Column("shannon bits", True),
    "bit_bias": Column("bit bias", False),
    "joint_bits": Column("joint bits", True),
    "effective_dimensions": Column("effective dims", True),
    "min_entropy_bits": Column("min-entropy bits", True),
    "sp800_22": Column("SP 800-22, worst", True),
    "linear_complexity": Column("linear complexity", True),
    "c2st_accuracy": Column("c2st accuracy", False),
    "percent_destroyed": Column("%_dd", True),
    "disk_destroyed": Column("%_dd on disk", True),
    "checkpoint_destroyed": Column("%_dd of D's checkpoint", True),
    "label_recovered": Column("label rec. %", False, 100),
    "reconstruction_recovered": Column("reconstr. rec. %", False, 100),
    "dictionary_recovered": Column("dictionary rec. %", False, 100),
    "rehearsal_recovered": Column("rehearsal rec. %", False, 100),
    "classifier_accuracy": Column("fixed classifier %", False, 100),
    "dial": Column("dial R^2", True),
    "structural_similarity": Column("SSIM", None),
    "fresh_classifier_accuracy": Column("fresh classifier %", None, 100),
}
TAKEN = {"data", "evaluation", "subject", "seeds", "N", *VERDICTS}
TAKEN |= {column.heading for column in COLUMNS.values()}
"""Headings that a metric of the same name must not share."""


def column(metric: str) -> Column:
    """Return how to show a metric; one that is not listed is shown by its name, unranked."""
    if metric in COLUMNS:
        return COLUMNS[metric]
    return Column(f"metric {metric}" if metric in TAKEN else metric, None)
