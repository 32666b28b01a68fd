"""What every subject of Table 1 is to the rest."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from dan_bench.interfaces import Estimate, ProgressCallback
from dan_bench.table1.place import Workspace

Curves = list[dict[str, float]]


class RunContext(NamedTuple):
    """What a subject is given beside its place."""

    seed: int
    device: str
    """As torch calls it."""
    tell: ProgressCallback


@dataclass(frozen=True)
class TrainingResult:
    """What a subject says of its own training; what it did to files it is not asked."""

    scores: dict[str, Estimate] = field(default_factory=dict)
    curves: Curves = field(default_factory=list)
    costs: dict[str, float] = field(default_factory=dict)


class Entry(Protocol):
    """A row of the table: something that is let loose on a training set."""

    @property
    def note(self) -> str | None:
        """One line on how it differs from the original; None where it does not."""
        ...

    def identify(self) -> dict[str, Any]:
        """Return what it depends on beside its arguments and the seed, as plain containers."""
        ...

    def run(self, place: Workspace, given: RunContext) -> TrainingResult:
        """Train on `place.training`, and do what it does to it afterwards."""
        ...
