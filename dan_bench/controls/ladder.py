"""A ladder of known truth: channels whose answer to "is it gone?" can be computed exactly.

Each maps rows of one or two bytes to rows as long, under a law P(output | input) that is written
down here, so that I(X; Y) is a finite sum over all outputs. What measures destruction is
itself measured by them: the truth has to lie between its two ends.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import entr, ndtr, ndtri, rel_entr

from dan_bench.data.noise import NoiseRows
from dan_bench.interfaces import Bytes, Dataset, Floats, Numbers, dimension
from dan_bench.metrics.certificate import NATS, LinearChannel, gaussian_leak
from dan_bench.rng import generator

WIDEST = 2
"""Bytes a row: 65,536 outputs are enumerated."""
WORD = 32
"""Fresh bits that an output is drawn with where it is not a function of a key."""


@dataclass(frozen=True)
class Keyed:
    """A channel that is a function of its input and of a few fresh bits, the key."""

    bits: int
    of: Callable[[Numbers, Numbers, int], Numbers]
    """From rows as numbers, keys and the bits of a row to rows as numbers."""
    certified: bool = True
    """Whether its bound is stated: the entropy of the classes of inputs that have one law."""

    def apply(self, inputs: Bytes, law: Floats, which: Numbers, randomness: Numbers) -> Numbers:
        """Return the outputs under those keys."""
        return self.of(as_numbers(inputs), randomness, 8 * inputs.shape[1])

    def law(self, inputs: Bytes) -> Floats:
        """Return P(output | input), K x 256^d."""
        law = np.zeros((len(inputs), 256 ** inputs.shape[1]))
        values = as_numbers(inputs)
        for key in range(2**self.bits):
            made = self.of(values, np.full(len(values), key), 8 * inputs.shape[1])
            law[np.arange(len(values)), made] += 2.0**-self.bits
        return law

    def leak(self, inputs: Bytes) -> float:
        """Return the entropy of the input's class, of which alone the output depends."""
        if not self.certified:
            return math.inf
        distinct, weights = shares(inputs)
        _, classes = np.unique(self.law(distinct), axis=0, return_inverse=True)
        sums: Floats = np.bincount(classes.reshape(-1), weights).astype(np.float64)
        return entropy(sums)


@dataclass(frozen=True)
class Noisy:
    """A channel whose output is drawn from a law that depends on the input."""

    law: Callable[[Bytes], Floats]
    """From K inputs to P(output | input), K x 256^d."""
    leak: Callable[[Bytes], float] = lambda _: math.inf
    """Upper bound in bits on I(X; Y), X uniform on the rows."""
    bits: int = WORD

    def apply(self, inputs: Bytes, law: Floats, which: Numbers, randomness: Numbers) -> Numbers:
        """Return the outputs at those places, in 2^-32, of each input's distribution function.

        `law` has a row for each of K different inputs; `which` of them each input is.
        """
        places = (randomness + 0.5) / 2**WORD
        found = np.empty(len(inputs), dtype=np.int64)
        for i, sums in enumerate(law.cumsum(axis=1)):
            found[which == i] = sums.searchsorted(places[which == i] * sums[-1], side="right")
        return found


# --- functions of the input and a key ------------------------------------------------------------


def pad(strength: float) -> Keyed:
    """XOR with a key on the first `strength` bits: what follows them is as it was."""
    bits = round(strength)
    return Keyed(bits, lambda x, key, of: x ^ (key << (of - bits)))


def short_key(strength: float) -> Keyed:
    """XOR with a pad of full length that is made from a key of `strength` bits by a hash."""
    bits = round(strength)
    return Keyed(bits, lambda x, key, of: x ^ hashed(np.arange(2**bits), of)[key], certified=False)


def permutations(strength: float) -> Keyed:
    """One of `strength` (a power of two) fixed permutations of all rows, chosen afresh."""
    bits = round(math.log2(strength))

    def of(x: Numbers, key: Numbers, of: int) -> Numbers:
        return np.stack([permutation(i, of) for i in range(2**bits)])[key, x]

    return Keyed(bits, of, certified=False)


def identity(_: float) -> Keyed:
    """Output what came in."""
    return Keyed(0, lambda x, _, __: x)


def constant(_: float) -> Keyed:
    """Output zeros."""
    return Keyed(0, lambda x, _, __: 0 * x)


def quantiser(strength: float) -> Keyed:
    """Output which of `strength` equal cells the row is in."""
    levels = round(strength)
    return Keyed(0, lambda x, _, of: x * levels >> of)


def shake(_: float) -> Keyed:
    """A hash (FIPS 202) that is as short as the row, so that rows collide."""
    return Keyed(0, lambda x, _, of: hashed(x, of))


@lru_cache(maxsize=64)
def permutation(number: int, bits: int) -> Numbers:
    """Return a permutation of all numbers of so many bits, the same one in every run."""
    return generator(number, "ladder/permutation").permutation(2**bits)


def hashed(values: Numbers, bits: int) -> Numbers:
    """Return a hash of each number, of so many bits."""
    digests = [hashlib.shake_256(b"%d" % value).digest(bits // 8) for value in values]
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.int64)


# --- laws ----------------------------------------------------------------------------------------


def erasure(strength: float) -> Noisy:
    """The row as it is; or, with probability `strength`, zeros. Leaks (1 - strength) H(X)."""

    def law(inputs: Bytes) -> Floats:
        found = np.zeros((len(inputs), 256 ** inputs.shape[1]))
        found[np.arange(len(inputs)), as_numbers(inputs)] = 1 - strength
        found[:, 0] += strength
        return found

    return Noisy(law, lambda inputs: (1 - strength) * entropy(shares(inputs)[1]))


def binary_symmetric(strength: float) -> Noisy:
    """Every bit flipped with probability `strength`: at most 1 - h(strength) bits for each.

    Only bits in which inputs differ count (Cover & Thomas 2006, section 7.1.4).
    """
    flips = np.bitwise_count(np.arange(256)[:, None] ^ np.arange(256))
    law = strength**flips * (1 - strength) ** (8.0 - flips)
    capacity = 1 - entropy(np.array([strength, 1 - strength]))

    def leak(inputs: Bytes) -> float:
        differ = np.bitwise_or.reduce(inputs ^ inputs[0], axis=0)
        return capacity * int(np.bitwise_count(differ).sum())

    return Noisy(lambda inputs: outer(law[inputs]), leak)


def geometric(strength: float) -> Noisy:
    """Two-sided geometric noise on each byte, cut off at its ends: differential privacy.

    P(y | x) ~ strength^|y - x|, and all that lies beyond an end there (Ghosh, Roughgarden &
    Sundararajan 2009, definition 2.2). No certificate is stated.
    """
    steps = np.abs(np.arange(256)[:, None] - np.arange(256))
    law = strength**steps * (1 - strength) / (1 + strength)
    law[:, [0, -1]] /= 1 - strength
    return Noisy(lambda inputs: outer(law[inputs]))


def gaussian(strength: float) -> Noisy:
    """Normal noise of deviation `strength` on bytes in (0, 1), cut off at 0 and 1."""

    def leak(inputs: Bytes) -> float:
        one = np.eye(inputs.shape[1])
        points = LinearChannel(one, strength * one, np.zeros(len(one))).whitened(inputs)
        assert points is not None
        return gaussian_leak(points)

    edges = np.concatenate([[-np.inf], np.arange(1, 256) / 256, [np.inf]])
    return Noisy(lambda inputs: outer(cells(edges, (inputs + 0.5) / 256, strength)), leak)


def wrapped_gaussian(strength: float) -> Noisy:
    """Normal noise of deviation `strength` turns, modulo 1: leaks 8 - H(noise) bits a byte.

    For the output has 8 bits at most, and given the input the noise's (Cover & Thomas 2006, 7.2).
    """
    turns = math.ceil(8 * strength) + 1
    edges = np.arange(-256 * turns, 256 * (turns + 1) + 1) / 256
    row = cells(edges, np.array([0.5 / 256]), strength).reshape(-1, 256).sum(axis=0)
    law = np.stack([np.roll(row, x) for x in range(256)])

    def leak(inputs: Bytes) -> float:
        return (8 - entropy(row)) * int(inputs.shape[1])

    return Noisy(lambda inputs: outer(law[inputs]), leak)


def copula(strength: float) -> Noisy:
    """Two numbers under a Gaussian copula of that correlation, each a uniform byte.

    I = -1/2 log2(1 - correlation^2) for one byte under uniform inputs, the finer the grid the
    nearer: the bivariate normal tasks of Czyz et al. 2023 ("Beyond normal", section 3), which no
    monotone map of either number changes. Of two bytes, the input is turned by 45 degrees first,
    so that each output depends on both (their dense tasks).
    """
    noise = math.sqrt(1 - strength**2)
    edges = ndtri(np.arange(257) / 256)

    def means(inputs: Bytes) -> Floats:
        normal = ndtri((inputs + 0.5) / 256)
        turn = np.array([[1.0, 1.0], [-1.0, 1.0]]) / math.sqrt(2)
        return strength * (normal @ turn if inputs.shape[1] == 2 else normal)

    return Noisy(
        lambda inputs: outer(cells(edges, means(inputs), noise)),
        lambda inputs: gaussian_leak(means(inputs) / noise),
    )


ALMOST = 1 - 1e-6
RUNGS: dict[str, tuple[Callable[[float], Keyed | Noisy], float, float]] = {
    "identity": (identity, 0, 1),
    "constant": (constant, 0, 1),
    "quantiser": (quantiser, 0, 256),
    "shake256": (shake, 0, 1),
    "pad": (pad, 0, 8),
    "short_key": (short_key, 0, 8),
    "permutations": (permutations, 1, 64),
    "erasure": (erasure, 0, ALMOST),
    "binary_symmetric": (binary_symmetric, 0, 0.5),
    "geometric": (geometric, 0, ALMOST),
    "gaussian": (gaussian, 0, 100),
    "wrapped_gaussian": (wrapped_gaussian, 0, 2),
    "copula": (copula, 0, ALMOST),
}
"""Every law by its name, what its strength is more than, and the most that it can be."""
COUNTED = {"quantiser": float, "pad": float, "short_key": float, "permutations": math.log2}
"""Laws whose strength is a count, each with what has to be whole."""


def law_of(name: str, strength: float) -> Keyed | Noisy:
    """Return a law at a strength; a ValueError says that it is not there, or has no such one."""
    if name not in RUNGS:
        raise ValueError(f"law={name}: must be one of {', '.join(RUNGS)}")
    build, above, most = RUNGS[name]
    if not above < strength <= most:
        raise ValueError(f"strength={strength}: {name} takes more than {above:g}, up to {most:g}")
    if name in COUNTED and COUNTED[name](strength) % 1:
        raise ValueError(f"strength={strength}: whole numbers; of permutations, powers of two")
    return build(strength)


def cells(edges: Floats, means: Floats, deviation: float) -> Floats:
    """Probability of each cell between edges under normal laws: the means' shape x cells."""
    return np.diff(ndtr((edges - means[..., None]) / deviation), axis=-1)


def outer(of_bytes: Floats) -> Floats:
    """Law of whole rows, K x 256^d, from those of their independent bytes, K x d x 256."""
    law = of_bytes[:, 0]
    for i in range(1, of_bytes.shape[1]):
        law = (law[:, :, None] * of_bytes[:, i, None, :]).reshape(len(law), -1)
    return law


def as_numbers(rows: Bytes) -> Numbers:
    """Rows of bytes as numbers, the first byte the highest."""
    return rows.astype(np.int64) @ 256 ** np.arange(rows.shape[1])[::-1]


def as_rows(values: Numbers, width: int) -> Bytes:
    """Numbers as rows of bytes, the highest first."""
    return (values[:, None] >> 8 * np.arange(width)[::-1]).astype(np.uint8)


def shares(inputs: Bytes) -> tuple[Bytes, Floats]:
    """Different rows, and the share that each has of all."""
    values, counts = np.unique(as_numbers(inputs), return_counts=True)
    return as_rows(values, inputs.shape[1]), counts / len(inputs)


def reduced(inputs: Bytes) -> Bytes:
    """Return the fewest rows with the same shares: a uniform X on them has the same law."""
    values, counts = np.unique(as_numbers(inputs), return_counts=True)
    return as_rows(np.repeat(values, counts // np.gcd.reduce(counts)), inputs.shape[1])


def entropy(probabilities: Floats) -> float:
    """Entropy in bits."""
    return float(entr(probabilities).sum()) * NATS


# --- the degenerator -----------------------------------------------------------------------------


# What follows is the same for every seed: rows are given as bytes, so that it is kept.


@lru_cache(maxsize=32)
def table(law: str, strength: float, rows: bytes, width: int) -> Floats:
    """P(output | input), K x 256^width."""
    return law_of(law, strength).law(np.frombuffer(rows, dtype=np.uint8).reshape(-1, width))


@lru_cache(maxsize=32)
def stated(law: str, strength: float, rows: bytes, width: int) -> float:
    """What a law's certificate says, in bits."""
    return law_of(law, strength).leak(np.frombuffer(rows, dtype=np.uint8).reshape(-1, width))


@lru_cache(maxsize=32)
def apart(law: str, strength: float, rows: bytes, width: int) -> float:
    """Largest total variation of the laws of two of the rows."""
    laws = table(law, strength, rows, width)
    return min(1.0, max(float(np.abs(laws - one).sum(axis=1).max()) / 2 for one in laws))


class Channel:
    """A channel as a degenerator, with all that is known about it.

    Args:
        width: bytes a row, 1 or 2.
        seed: of the run.
        law: one of `RUNGS`.
        strength: its parameter.
    """

    def __init__(self, width: int, seed: int, law: str, strength: float) -> None:
        self.kind = law_of(law, strength)
        self.noise_bits = float(self.kind.bits)
        self._width = width
        self._law_of = law, strength
        self._fresh = NoiseRows(seed, "fresh", WORD // 8)

    @classmethod
    def check_data(cls, source: Dataset, law: str, strength: float) -> None:
        """Refuse rows that are too wide, a law that is not there, and what is no strength of it."""
        if dimension(source.shape) > WIDEST:
            raise ValueError(
                f"data.shape={list(source.shape)}: a channel has rows of {WIDEST} bytes at most, "
                "whose outputs can be enumerated; try data=symbols"
            )
        law_of(law, strength)

    def __call__(self, data: Bytes, rows: Numbers) -> Bytes:
        """Send each row through, under fresh bits of its own."""
        words = self._fresh[rows].view("<u4")[:, 0].astype(np.int64)
        return self._sent(data, words >> (WORD - self.kind.bits))

    def under(self, data: Bytes, randomness: int) -> Bytes:
        """Send every row through with those fresh bits."""
        return self._sent(data, np.full(len(data), randomness))

    def log_likelihood(self, inputs: Bytes, outputs: Bytes) -> Floats:
        """Return ln P(output | input), n x K."""
        with np.errstate(divide="ignore"):
            logs: Floats = np.log(self._law(inputs)[:, as_numbers(outputs)]).T
        return logs

    def information(self, inputs: Bytes) -> float:
        """Return I(X; Y) in bits: the mean divergence of a law from the mean law."""
        distinct, weights = shares(inputs)
        law = self._law(distinct)
        return float(weights @ rel_entr(law, weights @ law).sum(axis=1)) * NATS

    def leak_bound(self, inputs: Bytes) -> float:
        """Return what a theorem says of the channel; the enumeration is not asked."""
        return stated(*self._law_of, reduced(inputs).tobytes(), self._width)

    def pair_bound(self, inputs: Bytes) -> float:
        """Return the largest total variation of the laws of two of the rows."""
        return apart(*self._law_of, shares(inputs)[0].tobytes(), self._width)

    def _sent(self, data: Bytes, randomness: Numbers) -> Bytes:
        values, which = np.unique(as_numbers(data), return_inverse=True)
        law = self._law(as_rows(values, self._width))
        return as_rows(self.kind.apply(data, law, which, randomness), self._width)

    def _law(self, inputs: Bytes) -> Floats:
        return table(*self._law_of, inputs.tobytes(), self._width)
