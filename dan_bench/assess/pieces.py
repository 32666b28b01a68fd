"""What adds up over a stream: equal spacings and gaps, counted in pieces of 16 MiB."""

import numpy as np

from dan_bench.interfaces import Bytes
from dan_bench.randomness import gaps, spacings
from dan_bench.randomness.min_entropy.symbols import packed


class Pieces:
    """Counts over parts of a stream, added one after another; no more than a piece is held."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._held: list[Bytes] = []
        self._repeats: list[list[spacings.Repeats]] = []
        self._gaps: dict[gaps.WordLane, gaps.GapCounts] = {}

    def add(self, symbols: Bytes) -> None:
        """Take what follows; what came before it is counted where both are more than a piece."""
        part = packed(symbols, self._bits)
        if self._held and sum(map(len, self._held)) + len(part) > spacings.PIECE:
            self._count()
        self._held.append(part)

    def _count(self) -> None:
        if not self._held:
            return
        piece, self._held = np.concatenate(self._held), []
        self._repeats.append(spacings.spacings_of(piece))
        for found in gaps.gaps_of(piece):
            so_far = self._gaps.get(found.lane)
            self._gaps[found.lane] = found if so_far is None else so_far + found

    def counted(self) -> tuple[list[spacings.Repeats], list[gaps.GapCounts]]:
        """Return the sums; either is empty where too little was added."""
        self._count()
        return spacings.added(self._repeats), list(self._gaps.values())
