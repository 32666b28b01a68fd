"""Both columns of Table 1: evidence before, a survey after, and the same code for every subject."""

import resource
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dan_bench.erase import Evidence, Survey
from dan_bench.erase.evidence import SPARE_HANDLES
from dan_bench.interfaces import Estimate, Progress
from dan_bench.metrics.destruction import pooled_destruction
from dan_bench.table1.album import Album
from dan_bench.table1.place import Workspace, regular_files, scratch
from dan_bench.table1.subject import Entry, RunContext, TrainingResult
from dan_bench.table1.training_set import TrainingSet


@dataclass(frozen=True)
class EntryMeasurement:
    """What a subject said of itself, and what was seen of what it did."""

    outcome: TrainingResult | None
    """None where it failed."""
    traceback: str | None
    training: list[Survey]
    album: list[Survey]


def measure(
    subject: Entry,
    training_set: TrainingSet,
    album: Album,
    parent: Path,
    given: RunContext,
) -> EntryMeasurement:
    """Let a subject loose in a scratch folder below `parent`, and look what is left of the files.

    A subject that fails is surveyed like any other: what it did until then, it has done.

    Raises:
        OSError, ValueError: the scratch folder could not be filled, or no evidence be taken.
    """
    with scratch(parent) as place:
        given.tell(Progress("writing the training set"))
        training_set.write(place, given.seed)
        album.write(place.album)
        given.tell(Progress("taking evidence"))
        allow_handles(place)
        with Evidence.open([place.training]) as of_training, Evidence.open([place.album]) as family:
            outcome, failure = None, None
            try:
                outcome = subject.run(place, given)
            except Exception:
                failure = traceback.format_exc()
            given.tell(Progress("looking what is left"))
            return EntryMeasurement(
                outcome,
                failure,
                [relative(survey, place) for survey in of_training.survey()],
                [relative(survey, place) for survey in family.survey()],
            )


def allow_handles(place: Workspace) -> None:
    """Have the operating system allow a handle for every file, as far as it lets us."""
    files = sum(len(regular_files(folder, "scratch")) for folder in (place.training, place.album))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files + 2 * SPARE_HANDLES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        within = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (within, hard))


def relative(survey: Survey, place: Workspace) -> Survey:
    """Return it with its path below the scratch folder: where that lay is of no interest later."""
    return replace(survey, path=str(Path(survey.path).relative_to(place.root.resolve())))


def destroyed(surveys: Sequence[Survey]) -> Estimate:
    """%_dd of all files of a column together.

    Returns:
        Percent with its interval; the value and the lower end are what can be vouched for, the
        upper end is what was seen. Details: `files`, and of these `gone` and `replaced` (by their
        paths), and `unverified`: seen to be changed, with nobody to vouch that the old data are
        not elsewhere.
    """
    pooled = pooled_destruction([(survey.destroyed, survey.data) for survey in surveys])
    return replace(
        pooled,
        details={
            "files": len(surveys),
            "gone": sum(survey.fate == "gone" for survey in surveys),
            "replaced": sum(survey.fate == "replaced" for survey in surveys),
            "unverified": sum(in_doubt(survey) for survey in surveys),
        },
    )


def in_doubt(survey: Survey) -> bool:
    """Return whether more was seen to be destroyed of a file than can be vouched for."""
    found = survey.destroyed
    if found is None:
        return survey.data > 0
    return found.details["seen"] > found.value
