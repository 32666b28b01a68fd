"""Training batches as a pure function of (seed, step): resuming is asking for the next one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dan_bench.data.device import CPU, DeviceNoise, sent
from dan_bench.data.noise import FreshNoise, NoiseRows
from dan_bench.interfaces import Bytes, Data, NoiseLaw
from dan_bench.rng import generator


class Batch(NamedTuple):
    """What one step sees."""

    data: Tensor
    """What is degenerated, in (0, 1): B x d."""
    target: Tensor
    """True noise, uniform on (0, 1): B x d."""
    noise: Tensor
    """Fresh randomness of mean 0 and variance 1: B x noise_dim."""
    labels: Tensor
    """Classes of the data, or -1 where it has none: B."""

    def to(self, device: torch.device, dtype: torch.dtype) -> "Batch":
        """Return it on that device, its numbers in that precision."""
        data, target, noise = (part.to(device, dtype) for part in self[:3])
        return Batch(data, target, noise, self.labels.to(device))


class BatchStacks:
    """The batches of many runs, stacked: each part has the runs as its first dimension.

    Args:
        runs: that many batches each, from the same step.
    """

    def __init__(self, runs: "Sequence[Batches]") -> None:
        self.runs = runs

    @property
    def start(self) -> int:
        """Step of the first batch."""
        return self.runs[0].start

    @start.setter
    def start(self, step: int) -> None:
        for batches in self.runs:
            batches.start = step

    def make_on(self, device: torch.device) -> None:
        """Make all batches there from now on."""
        for batches in self.runs:
            batches.make_on(device)

    def __len__(self) -> int:
        return len(self.runs[0])

    def __iter__(self) -> Iterator[Batch]:
        for batches in zip(*self.runs, strict=True):
            yield Batch(*(torch.stack(parts) for parts in zip(*batches, strict=True)))


def as_unit(rows: Bytes) -> Tensor:
    """Byte b as the middle of its cell, (b + 1/2) / 256: quantising gives b back."""
    numbers = rows.astype(np.float32)
    numbers += np.float32(0.5)
    numbers *= np.float32(1 / 256)
    return torch.from_numpy(numbers)


def middles(cells: Tensor, count: int) -> Tensor:
    """Return the middles of the cells of those numbers, of `count` (a power of 2) on (0, 1)."""
    return cells.float().add_(0.5).mul_(1 / count)


def as_bytes(y: Tensor) -> Bytes:
    """Numbers in [0, 1] as bytes, floor(256 y): an array of the same shape.

    Raises:
        FloatingPointError: one of them is not finite.
    """
    return quantise(y.mul(256))


def quantise(levels: Tensor) -> Bytes:
    """Levels from 0 to 255, cut at these ends and rounded down, as an array of bytes.

    Raises:
        FloatingPointError: a level is not finite. A cast would make it 0, and a network that
            diverged would look like one that destroys everything.
    """
    if levels.numel() and not torch.stack(levels.aminmax()).isfinite().all():
        raise FloatingPointError("an output of the network is not finite: it has diverged")
    return levels.clamp(0, 255).to(torch.uint8).cpu().numpy()


class VisitingOrder:
    """The first rows of data, visited again and again, in an order of each epoch's own.

    Args:
        data: noise is exchangeable, and cheapest to read in its own order.
        size: how many of its rows are visited.
        seed: of the run.
        stream: name of the random stream; every epoch has one below it.
    """

    def __init__(self, data: Data, size: int, seed: int, stream: str) -> None:
        self._shuffled, self._size = not isinstance(data.rows, NoiseRows), size
        self._seed, self._stream = seed, stream
        self._latest: tuple[int, NDArray[np.int64]] | None = None

    def __call__(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which rows come at consecutive places."""
        if not self._shuffled:
            return places % self._size
        first, last = int(places[0]) // self._size, int(places[-1]) // self._size
        if first == last:
            return self._permutation(first)[places - first * self._size]
        epochs = places // self._size
        return np.concatenate([self(places[epochs == e]) for e in range(first, last + 1)])

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        if self._latest is None or self._latest[0] != epoch:
            order = generator(self._seed, f"{self._stream}/{epoch}").permutation(self._size)
            self._latest = (epoch, order)
        return self._latest[1]


CHUNK_STEPS = 8
"""Steps that are drawn for at a time, by a thread: numpy holds no interpreter lock meanwhile."""
HELD_BYTES = 1 << 26
"""Data in memory of at most that size, as MNIST, are held by an accelerator, too."""
DRAWING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="noise")


@dataclass
class Batches:
    """`steps` batches, drawn a few ahead by one thread and sliced; no worker process, no collating.

    Every epoch visits the data in an order of its own; target and fresh noise are never used twice.
    """

    data: Data
    width: int
    noise_dim: int
    batch_size: int
    steps: int
    seed: int
    start: int = 0
    noise: NoiseLaw = "gaussian"
    """Law of the fresh noise."""
    live: bool = False
    """Whether the data changes on the way: it is read when it is used, not ahead."""
    _chunks: dict[int, Future[tuple[NDArray[np.int64], Batch]]] = field(
        default_factory=dict, init=False, repr=False
    )
    _device: torch.device | None = field(default=None, init=False)
    _held: Tensor | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.target = NoiseRows(self.seed, "target", 2 * self.width)
        self.fresh = FreshNoise(self.seed, "train/fresh", self.noise_dim, self.noise)
        self._order = VisitingOrder(self.data, len(self.data), self.seed, "order")

    def make_on(self, device: torch.device) -> None:
        """Make batches on an accelerator from now on, without ever waiting for it.

        Order, data and target are those of the CPU to the bit, and cross over as bytes; fresh noise
        is `DeviceNoise`.
        """
        self._device, self._chunks = device, {}
        self.made = DeviceNoise(self.seed, "train/fresh", self.noise_dim, self.noise, device)
        rows = self.data.rows
        if isinstance(rows, np.ndarray) and rows.nbytes <= HELD_BYTES:
            self._held = sent(rows, device)

    def __len__(self) -> int:
        return self.steps - self.start

    def __iter__(self) -> Iterator[Batch]:
        return map(self.at, range(self.start, self.steps))

    def at(self, step: int) -> Batch:
        """Return the batch of that step, whatever came before it."""
        (visited, chunk), place = self._chunk(step)
        batch = Batch(*(part[place] for part in chunk))
        return batch._replace(data=self._read(visited[place])) if self.live else batch

    def visited(self, step: int) -> NDArray[np.int64]:
        """Return which rows of the data that step sees."""
        (visited, _), place = self._chunk(step)
        rows: NDArray[np.int64] = visited[place]
        return rows

    def _read(self, rows: NDArray[np.int64]) -> Tensor:
        if self._device is None:
            return as_unit(self.data.rows[rows])
        if self._held is None:
            return middles(sent(self.data.rows[rows], self._device), 256)
        return middles(self._held[sent(rows, self._device)], 256)

    def _random(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Target and fresh noise of consecutive rows."""
        if self._device is None:
            return torch.from_numpy(self.target.uniform(rows)), torch.from_numpy(self.fresh(rows))
        cells = sent(self.target[rows], self._device).view(torch.int16).int() & 0xFFFF
        numbers = torch.arange(int(rows[0]), int(rows[-1]) + 1, device=self._device)
        return middles(cells, 1 << 16), self.made(numbers)

    def _chunk(self, step: int) -> tuple[tuple[NDArray[np.int64], Batch], int]:
        """Rows and batches drawn for that step and its neighbours, and its place among them."""
        chunk, place = divmod(step, CHUNK_STEPS)
        wanted = (chunk, chunk + 1)  # a thread draws the next one meanwhile
        if self._chunks.keys() != set(wanted):
            self._chunks = {
                number: self._chunks.get(number) or DRAWING.submit(self._draw, number)
                for number in wanted
            }
        return self._chunks[chunk].result(), place

    def _draw(self, chunk: int) -> tuple[NDArray[np.int64], Batch]:
        """Rows of the data, CHUNK_STEPS x B, and batches with CHUNK_STEPS as first dimension."""
        size = CHUNK_STEPS * self.batch_size
        rows = np.arange(chunk * size, (chunk + 1) * size)
        visited = self._order(rows)
        target, fresh = self._random(rows)
        labels = np.full(size, -1) if self.data.labels is None else self.data.labels[visited]
        shape = (CHUNK_STEPS, self.batch_size)
        return visited.reshape(shape), Batch(
            torch.empty(CHUNK_STEPS, 0) if self.live else self._read(visited).view(*shape, -1),
            target.view(*shape, -1),
            fresh.view(*shape, -1),
            sent(labels, self._device or CPU).view(shape),
        )
