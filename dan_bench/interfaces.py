"""What the rooms of the package exchange: protocols and value types.

Nothing of the package is imported here, and nothing heavy: torch, pandas and Pillow are named for
type checkers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandas import DataFrame as DataFrame
    from PIL import Image
    from torch import Tensor, nn
else:
    DataFrame = "DataFrame"  # pandas takes a third of a second to import, which few commands need

# --- data ---------------------------------------------------------------------------------------

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Split = Literal["train", "test", "attack"]
NoiseLaw = Literal["gaussian", "uniform"]
"""Law of the fresh random numbers that a network is fed."""


class Rows(Protocol):
    """N rows of d bytes, indexed by row numbers, wherever they lie (an array is one)."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: NDArray[np.int64], /) -> Bytes: ...


@dataclass(frozen=True)
class Data:
    """One split: its rows, and their labels where the data set has any."""

    rows: Rows
    labels: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.rows)


class Dataset(Protocol):
    """A data set. `train` trains the model, `test` is held out, `attack` is the attackers' own."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row."""

    def prepare(self) -> str:
        """Fetch and verify what is not there yet; return one line saying what served."""

    def load(self, split: Split) -> Data:
        """Return one split, reading only from disk."""


def dimension(shape: tuple[int, ...]) -> int:
    """Return the number of bytes in one row of that shape."""
    return int(np.prod(shape))


# --- numbers ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A number, its confidence interval where there is one, and how much data it rests on."""

    value: int | float  # pydantic would make 0.0 of an int, which CSV shows as 0
    low: int | float | None = None
    high: int | float | None = None
    n: int | None = None
    details: dict[str, float] = field(default_factory=dict)

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends of the interval; the value itself where there is none."""
        value, low, high = self.value, self.low, self.high
        return value if low is None else low, value if high is None else high


# --- degenerators -------------------------------------------------------------------------------


class Degenerator(Protocol):
    """A trained network or a control, frozen: bytes in, bytes out.

    Its fresh randomness is a function of the row number, so the answer for a row depends neither
    on the batch it comes in nor on what was asked before; an attacker may call it, but does not
    know the fresh randomness of the rows under attack.
    """

    noise_bits: float
    """Fresh random bits that go into one sample: Shannon's bound on what can be destroyed."""

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Degenerate data (n x d bytes) as rows number `rows` (n); return n x d bytes."""


@runtime_checkable
class EnumerableNoise(Degenerator, Protocol):
    """A degenerator that can be run under each of its 2^noise_bits values of fresh randomness."""

    def under(self, data: Bytes, randomness: int) -> Bytes:
        """Degenerate data (n x d) as if each row had drawn `randomness`, below 2^noise_bits."""


@runtime_checkable
class Conditional(Degenerator, Protocol):
    """A degenerator with a conditioning level: how close to true noise its output is to be."""

    def condition(self, level: float) -> Degenerator:
        """Return it conditioned on `level`, from 0 (a constant) to 1 (true noise)."""


@runtime_checkable
class Certified(Degenerator, Protocol):
    """A degenerator that bounds what its output says of its input, against every attacker."""

    def leak_bound(self, inputs: Bytes) -> float:
        """Return an upper bound in bits on I(X; Y), X being uniform on the rows of `inputs`.

        Infinite where nothing is guaranteed.
        """

    def pair_bound(self, inputs: Bytes) -> float:
        """Return the largest total variation V, in [0, 1], of the outputs of two of the rows.

        Which of two inputs an output was made from is told with probability (1 + V) / 2 at most.
        """


@runtime_checkable
class KnownLaw(Degenerator, Protocol):
    """A degenerator whose law can be written down, so that the truth about it is known."""

    def log_likelihood(self, inputs: Bytes, outputs: Bytes) -> NDArray[np.float64]:
        """Return ln P(output | input) of n outputs and K inputs, n x K; -inf where impossible."""

    def information(self, inputs: Bytes) -> float:
        """Return I(X; Y) in bits, X being uniform on the rows of `inputs`."""


@dataclass(frozen=True)
class OpenNetwork:
    """A network as who holds its weights sees it, in double precision, on the CPU."""

    data: NDArray[np.float64]
    """A, k x d, of its first layer u = A x + B z + c: data x in (0, 1)^d, noise z of variance 1."""
    noise: NDArray[np.float64]
    """B, k x m; the offset is c, k."""
    offset: NDArray[np.float64]
    layers: nn.Sequential
    """From u, n x k, to the pre-activations of the output, n x d; it may be empty."""
    output: str
    """How these become numbers in (0, 1): `sigmoid`, or `torus`, their fractional part."""
    law: NoiseLaw
    run: Callable[[Bytes, NDArray[np.float32]], Bytes]
    """From data, n x d, and noise, n x m, to output bytes, n x d, as the network itself rounds."""


@runtime_checkable
class WhiteBox(Degenerator, Protocol):
    """A degenerator whose network can be read."""

    def opened(self) -> OpenNetwork | None:
        """Return the network; None where its data do not enter by one linear layer."""


@runtime_checkable
class Levelled(Degenerator, Protocol):
    """A degenerator whose output is noise, the same for all inputs, times a size of the input's."""

    def octaves(self, inputs: Bytes) -> NDArray[np.float64]:
        """Return the binary logarithm of each input's size, from -8 to 0: n."""


# --- training -----------------------------------------------------------------------------------


class Critic(Protocol):
    """A function of samples, and the space that they lie in."""

    def __call__(self, y: Tensor, /) -> Tensor:
        """Logits B of samples B x d."""

    def displacement(self, start: Tensor, end: Tensor) -> Tensor:
        """Return the shortest way from `start` to `end`, number by number; they broadcast."""


class Objective(Protocol):
    """What the discriminator minimises, and what the degenerator does."""

    boundary: ClassVar[float | None]
    """Logit at which the critic is undecided; None where only differences mean anything."""

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Scalar loss of the discriminator; no gradient flows through `fake`."""

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Scalar loss of the degenerator, whose gradient flows through `fake`."""


class Progress(NamedTuple):
    """How far a run is: its current activity, and how many of its steps are done."""

    doing: str
    step: int = 0
    steps: int = 0
    metric: tuple[str, float] | None = None
    """Name and latest value of the curve to watch."""
    warning: str = ""
    """Something that the user should know; shown once."""


ProgressCallback = Callable[[Progress], None]
StageCallback = Callable[[str], None]
"""Called with the name of each stage as it begins."""

# --- attacks ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pairs:
    """Inputs and the outputs that they were degenerated to, row by row."""

    inputs: Bytes
    outputs: Bytes
    rows: NDArray[np.int64]
    labels: NDArray[np.int64] | None = None

    def part(self, chosen: slice) -> Pairs:
        """Return some of them."""
        labels = None if self.labels is None else self.labels[chosen]
        return Pairs(self.inputs[chosen], self.outputs[chosen], self.rows[chosen], labels)


class PairStream(Protocol):
    """Pairs that an attacker makes as he goes: no two of them share their fresh randomness."""

    held_out: int
    """Of so many of his first inputs none is ever made: they are for validation."""
    inputs: int
    """Number of inputs that pairs are made from, again and again."""

    def take(self, start: int, count: int) -> Pairs:
        """Return the pairs `start` to `start` + `count`; whoever asks gets the same."""


@dataclass(frozen=True)
class Case:
    """All that an attacker is given."""

    degenerator: Degenerator
    auxiliary: Pairs
    """Pairs that the attacker made himself of his first inputs."""
    challenge: Pairs
    """The rows under attack, on which an attack is scored."""
    shape: tuple[int, ...]
    seed: int
    confidence: float
    """Confidence level of each attack's interval."""
    fresh: PairStream
    """More of the attacker's own pairs, as many as he likes."""
    device: str = "cpu"
    """Where he trains his networks, as torch calls it."""


class Attack(Protocol):
    """One way of recovering something from the output."""

    def needs_rows(self) -> int:
        """Return the least number of challenge rows that it can be scored on."""

    def __call__(self, case: Case) -> Estimate | None:
        """Share recovered, in [0, 1]; None where there is nothing of the kind to recover."""


class Comparison(Protocol):
    """One measure of how like their inputs the outputs are."""

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError for rows of a shape that it makes no sense for; any will do here."""

    def __call__(self, case: Case, clean: Data) -> Estimate | None:
        """Compare; `clean` is what the model was trained on, before any degeneration."""


# --- results ------------------------------------------------------------------------------------

SCHEMA_VERSION = 2
Status = Literal["done", "failed"]


@dataclass(frozen=True)
class RunRecord:
    """The outcome of one run."""

    key: str
    status: Status
    config: dict[str, Any]
    """The scientific config: all that the metrics depend on."""
    metrics: dict[str, Estimate | None] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    traceback: str | None = None
    schema_version: int = SCHEMA_VERSION


class Results(Protocol):
    """Results to be read: a folder of runs, an archive, or several of them joined."""

    def all(self) -> tuple[list[RunRecord], dict[Path, str]]:
        """Return every good record, by key, and what is wrong with each of the others."""

    def curves(self, key: str) -> DataFrame | None:
        """Return a run's curves, one row a logging step; None where it left none."""

    def array(self, key: str, name: str) -> NDArray[Any] | None:
        """Return an array that a run left; None where it left none."""


# --- loggers ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """Some inputs and the outputs that they were degenerated to."""

    picture: Image.Image
    """The first inputs above their outputs."""
    outputs: Bytes
    """All outputs, n x d."""


class Sink(Protocol):
    """The logger of one run. Each is one of Lightning's loggers too."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Take one point of the curves, by the module's own step."""

    def close(self, record: RunRecord | None, folder: Path) -> None:
        """Take the outcome, and end.

        Args:
            record: of the run; None where it was cut off before there was one.
            folder: where the run keeps its files.
        """


@runtime_checkable
class SampleSink(Sink, Protocol):
    """A logger that also takes samples while the run trains."""

    sample_steps: Sequence[int]
    """Training steps at which it is given one."""

    def log_sample(self, sample: Sample, step: int) -> None:
        """Take a sample of the degenerator's output at that step."""


# --- erasure ------------------------------------------------------------------------------------

Buffer = bytes | bytearray | memoryview


class Destruction(NamedTuple):
    """How much of data noise does not tell that was written over them: %_dd, and why so much."""

    at_least: float
    at_most: float | None
    """What attacks leave; None where there were none."""
    reason: str


class NoiseSource(Protocol):
    """What a file is overwritten with: a generator, or a degenerator fed with the file itself."""

    name: str
    """As the certificate names it."""
    needs_original: bool
    """Whether `fill` must be given the bytes that its output replaces."""
    destroys: Destruction

    def fill(self, original: Buffer | None, offset: int, n: int) -> Buffer:
        """Return exactly n bytes to be written at `offset` of the current file.

        Called from a thread, for pieces of at most 4 MiB in order, one file after another. The
        buffer returned may be reused from the second call after it on.
        """
