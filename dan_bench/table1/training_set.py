"""What every training set of Table 1 is to the rest: files, and what they stand for."""

from typing import Any, Protocol

from dan_bench.table1.place import Workspace


class TrainingSet(Protocol):
    """A training set that can be put into a scratch folder."""

    @property
    def stands_for(self) -> str | None:
        """One line on what it stands in for, and how the real is had; None where it is real."""
        ...

    def identify(self) -> dict[str, Any]:
        """Return what its files depend on beside the seed, as plain containers without paths."""
        ...

    def write(self, place: Workspace, seed: int) -> None:
        """Write it to `place.training`, and what is not to be trained on to `place.held_out`."""
        ...
