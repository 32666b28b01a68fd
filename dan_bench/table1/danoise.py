"""DANOISE as files: noise of Python's `random`, a block of rows a file."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pydantic import PositiveInt

from dan_bench.data.noise import BLOCK_ROWS, NoiseRows
from dan_bench.table1.place import Workspace

WIDTH = 784


@dataclass(frozen=True)
class DanoiseFiles:
    """Files of 1,024 rows of 784 bytes of Python's random; it stands for nothing but itself.

    Args:
        files: how many.
    """

    files: PositiveInt
    stands_for = None

    def identify(self) -> dict[str, Any]:
        """Return its arguments."""
        return asdict(self)

    def write(self, place: Workspace, seed: int) -> None:
        """Write the files."""
        rows = NoiseRows(seed, "danoise/train", WIDTH)
        for number in range(self.files):
            block = rows[np.arange(number * BLOCK_ROWS, (number + 1) * BLOCK_ROWS)]
            (place.training / f"danoise-{number:04}.bin").write_bytes(block.tobytes())
