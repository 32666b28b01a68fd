"""One entry of Table 1 carried out: evidence before, a survey after, the same for every entry."""

import re
import resource
import traceback
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import pandas as pd
import torch

from dan_bench.config.build import build, refusals
from dan_bench.config.schema import ConfigError, Part, first_names
from dan_bench.data.device import name_of
from dan_bench.erase import Evidence, Survey
from dan_bench.erase.devices import mounted
from dan_bench.erase.evidence import SPARE_HANDLES
from dan_bench.erase.handles import locate
from dan_bench.interfaces import Estimate, Progress, ProgressCallback, Sink
from dan_bench.metrics.destruction import pooled_destruction
from dan_bench.pipeline.methods import RunOutcome
from dan_bench.pipeline.plan import PlannedRun
from dan_bench.report.table1 import ALBUM, TRAINING
from dan_bench.table1.album import BundledAlbum, OwnAlbum
from dan_bench.table1.config import EntryConfig
from dan_bench.table1.workspace import Workspace, regular_files, scratch


class RunContext(NamedTuple):
    """What an entry is given beside its workspace."""

    seed: int
    device: str
    """As torch calls it."""
    progress: ProgressCallback


@dataclass(frozen=True)
class TrainingResult:
    """What an entry reports of its own training; what it did to files is measured."""

    scores: dict[str, Estimate] = field(default_factory=dict)
    curves: list[dict[str, float]] = field(default_factory=list)
    costs: dict[str, float] = field(default_factory=dict)


class Entry(ABC):
    """A row of the table: a network that is trained on files, or a program that destroys them."""

    @property
    def note(self) -> str | None:
        """One line on how it differs from the original; None where it does not."""
        return None

    def identify(self) -> dict[str, Any]:
        """Return what it depends on beside its arguments and the seed, as plain containers."""
        return {}

    @abstractmethod
    def run(self, place: Workspace, context: RunContext) -> TrainingResult:
        """Train on `place.training`, and do what it does to it afterwards."""


class TrainingSet(ABC):
    """Files that an entry is trained on."""

    @property
    def stands_for(self) -> str | None:
        """One line on what it stands in for, and how the real is had; None where it is real."""
        return None

    def identify(self) -> dict[str, Any]:
        """Return what its files depend on beside its arguments and the seed."""
        return {}

    @abstractmethod
    def write(self, place: Workspace, seed: int) -> None:
        """Write it to `place.training`, and what is not to be trained on to `place.held_out`."""


@dataclass(frozen=True)
class EntryRun(PlannedRun):
    """One entry with one seed, ready to begin."""

    config: EntryConfig
    entry: Entry
    training: TrainingSet
    album: BundledAlbum | OwnAlbum

    def perform(self, folder: Path, sink: Sink | None, progress: ProgressCallback) -> RunOutcome:
        """Run the entry, measure what it left, and write curves.parquet and files.parquet.

        An entry that fails is surveyed like any other: what it did until then, it has done.
        """
        config, result, failure = self.config, None, None
        surveys: dict[str, list[Survey]] = {}
        torch.set_num_threads(config.runtime.threads)
        device = "cuda" if config.runtime.accelerator == "gpu" else "cpu"
        try:
            with scratch(config.table1.scratch) as place:
                progress(Progress("writing the training set"))
                self.training.write(place, config.seed)
                self.album.write(place.album)
                progress(Progress("taking evidence"))
                allow_handles(place)
                with (
                    Evidence.open([place.training]) as of_training,
                    Evidence.open([place.album]) as of_album,
                ):
                    try:
                        result = self.entry.run(place, RunContext(config.seed, device, progress))
                    except Exception:
                        failure = traceback.format_exc()
                    progress(Progress("measuring what is left"))
                    root = place.root.resolve()  # where that lay is of no interest later
                    for column, evidence in ((TRAINING, of_training), (ALBUM, of_album)):
                        surveys[column] = [
                            replace(survey, path=str(Path(survey.path).relative_to(root)))
                            for survey in evidence.survey()
                        ]
        except Exception:
            failure = traceback.format_exc()
        result = result or TrainingResult()
        if result.curves:
            pd.DataFrame(result.curves).to_parquet(folder / "curves.parquet")
        files = [survey for of_column in surveys.values() for survey in of_column]
        if files:
            pd.DataFrame(map(as_row, files)).to_parquet(folder / "files.parquet")
        metrics: dict[str, Estimate | None] = {TRAINING: None, ALBUM: None}
        metrics |= {column: destroyed(found) for column, found in surveys.items()} | result.scores
        notes = (self.training.stands_for, self.entry.note, self.album.note)
        provenance = {
            "title": config.table1.title,
            "position": config.table1.position,
            "stand_in": self.training.stands_for is not None,
            "notes": [note for note in notes if note is not None],
            "unverified": reasons(files),
            **({"device": name_of(torch.device(device))} if device != "cpu" else {}),
        }
        return RunOutcome(metrics, result.costs, provenance, failure)


def plan_entry(config: EntryConfig) -> EntryRun:
    """Make the parts of an entry."""
    if config.runtime.accelerator == "gpu" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: torch sees no such device here")
    row, name = config.table1, config.table1.subject
    return EntryRun(
        config,
        build(row.entry, f"{name}.table1.entry", config=config),
        build(row.training, f"{name}.table1.training"),
        build(row.album, f"{name}.table1.album"),
    )


def identified(config: EntryConfig, scratch: Path) -> EntryConfig:
    """Fill in the scratch folder, and what else the result depends on, as the parts say.

    Raises:
        ConfigError: a part cannot be had.
    """
    task, row = plan_entry(config), config.table1
    with refusals(row.title):
        identity = {
            "training": arguments_of(row.training) | task.training.identify(),
            "runs": arguments_of(row.entry) | task.entry.identify(),
            "album": task.album.identify(),
            "file_system": file_system_of(scratch),
        }
    found = row.model_copy(update={"identity": identity, "scratch": scratch})
    return config.model_copy(update={"table1": found})


def arguments_of(part: Part) -> dict[str, Any]:
    """Return a part as a record knows it: without a path, its target under its first name."""
    values = part.model_dump(mode="json", by_alias=True)
    return cast(dict[str, Any], first_names({k: v for k, v in values.items() if k != "root"}))


def file_system_of(folder: Path) -> str:
    """Return the kind of file system that a folder lies on: what can be vouched for depends on it.

    Raises:
        ValueError: the path leads through a link.
    """
    mount = locate(folder)[0].mount
    found = mounted().get(mount) if mount is not None else None
    return "unknown" if found is None else found.kind


def allow_handles(place: Workspace) -> None:
    """Have the operating system allow a handle for every file, as far as it lets us."""
    files = sum(len(regular_files(folder, "scratch")) for folder in place.originals)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files + 2 * SPARE_HANDLES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        within = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (within, hard))


def destroyed(surveys: Sequence[Survey]) -> Estimate:
    """%_dd of all files of a column together.

    Returns:
        Percent with its interval; the value and the lower end are what can be vouched for, the
        upper end is what was seen. Details: `files`, and of these `gone` and `replaced` (by their
        paths), and `unverified`: seen to be changed, with nobody to vouch that the old data are
        not elsewhere.
    """
    pooled = pooled_destruction([(survey.destroyed, survey.data) for survey in surveys])
    details: dict[str, float] = {
        "files": len(surveys),
        "gone": sum(survey.fate == "gone" for survey in surveys),
        "replaced": sum(survey.fate == "replaced" for survey in surveys),
        "unverified": sum(in_doubt(survey) for survey in surveys),
    }
    return replace(pooled, details=details)


def in_doubt(survey: Survey) -> bool:
    """Return whether more was seen to be destroyed of a file than can be vouched for."""
    found = survey.destroyed
    if found is None:
        return survey.data > 0
    return found.details["seen"] > found.value


def reasons(surveys: Sequence[Survey]) -> list[str]:
    """Return why any file's destruction could not be verified, each reason once.

    How many bytes of each file it is about stands in files.parquet.
    """
    found = {reason for survey in surveys for reason in survey.unverified}
    return sorted({re.sub(r"^\d+ of \d+ bytes", "bytes", reason) for reason in found})


def as_row(survey: Survey) -> dict[str, object]:
    """Return the survey of one file as a row of files.parquet."""
    found = survey.destroyed
    return asdict(survey) | {
        "destroyed": None if found is None else found.value,
        "destroyed_low": None if found is None else found.low,
        "destroyed_high": None if found is None else found.high,
        "unverified": "; ".join(survey.unverified),
    }
