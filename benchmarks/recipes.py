"""Streams of some seventy generators, good and bad: for `generators.py`, and for tests.

`python benchmarks/recipes.py` checks them against published or independent first outputs.
"""

# ruff: noqa: D103  (a step has the name of its generator)

import ctypes
import functools
import hashlib
import operator
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Step = Callable[[NDArray[np.uint64]], int]

U = np.uint64
M31, M32 = U(0x7FFFFFFF), U(0xFFFFFFFF)

compiled = numba.njit(cache=True, nogil=True)


@compiled
def rotl(x: int, k: int) -> int:
    """Rotate 64 bits."""
    return (x << U(k)) | (x >> (U(64) - U(k)))


@compiled
def rotl32(x: int, k: int) -> int:
    """Rotate 32 bits."""
    return ((x << U(k)) | (x >> (U(32) - U(k)))) & M32


# Each step takes the state (words of 64 bits), changes it, and returns one output.


@compiled
def lcg69069(s):
    s[0] = (U(69069) * s[0] + U(1234567)) & M32
    return s[0]


@compiled
def lcg32(s):
    s[0] = (U(1664525) * s[0] + U(1013904223)) & M32
    return s[0]


@compiled
def lcg32_high(s):
    s[0] = (U(1664525) * s[0] + U(1013904223)) & M32
    return s[0] >> U(16)


@compiled
def ansi_c(s):
    s[0] = (U(1103515245) * s[0] + U(12345)) & M31
    return (s[0] >> U(16)) & U(0xFF)


@compiled
def msvc(s):
    s[0] = (U(214013) * s[0] + U(2531011)) & M32
    return (s[0] >> U(16)) & U(0x7FFF)


@compiled
def msvc_high(s):
    s[0] = (U(214013) * s[0] + U(2531011)) & M32
    return (s[0] >> U(23)) & U(0xFF)


@compiled
def minstd0(s):
    s[0] = U(16807) * s[0] % M31
    return s[0]


@compiled
def minstd(s):
    s[0] = U(48271) * s[0] % M31
    return s[0]


@compiled
def minstd_high(s):
    s[0] = U(48271) * s[0] % M31
    return s[0] >> U(15)


@compiled
def randu(s):
    s[0] = (U(65539) * s[0]) & M31
    return s[0]


@compiled
def randu_high(s):
    s[0] = (U(65539) * s[0]) & M31
    return s[0] >> U(23)


@compiled
def java(s):
    s[0] = (U(0x5DEECE66D) * s[0] + U(11)) & U((1 << 48) - 1)
    return s[0] >> U(16)


@compiled
def lrand48(s):
    s[0] = (U(0x5DEECE66D) * s[0] + U(11)) & U((1 << 48) - 1)
    return s[0] >> U(17)


@compiled
def drand48_high(s):
    s[0] = (U(0x5DEECE66D) * s[0] + U(11)) & U((1 << 48) - 1)
    return s[0] >> U(32)


@compiled
def lcg64(s):
    s[0] = U(6364136223846793005) * s[0] + U(1442695040888963407)
    return s[0]


@compiled
def lcg64_high(s):
    s[0] = U(6364136223846793005) * s[0] + U(1442695040888963407)
    return s[0] >> U(32)


@compiled
def lcg64_low(s):
    s[0] = U(6364136223846793005) * s[0] + U(1442695040888963407)
    return s[0] & M32


@compiled
def xorshift32(s):
    x = s[0]
    x ^= (x << U(13)) & M32
    x ^= x >> U(17)
    x ^= (x << U(5)) & M32
    s[0] = x
    return x


@compiled
def xorshift64(s):
    x = s[0]
    x ^= x << U(13)
    x ^= x >> U(7)
    x ^= x << U(17)
    s[0] = x
    return x


@compiled
def xorshift64star(s):
    x = s[0]
    x ^= x >> U(12)
    x ^= x << U(25)
    x ^= x >> U(27)
    s[0] = x
    return x * U(2685821657736338717)


@compiled
def xorshift128(s):
    t = s[0] ^ ((s[0] << U(11)) & M32)
    s[0], s[1], s[2] = s[1], s[2], s[3]
    s[3] = s[3] ^ (s[3] >> U(19)) ^ t ^ (t >> U(8))
    return s[3]


@compiled
def xorwow(s):
    t = s[0] ^ (s[0] >> U(2))
    s[0], s[1], s[2], s[3] = s[1], s[2], s[3], s[4]
    s[4] = s[4] ^ ((s[4] << U(4)) & M32) ^ t ^ ((t << U(1)) & M32)
    s[5] = (s[5] + U(362437)) & M32
    return (s[5] + s[4]) & M32


@compiled
def _xorshift128plus(s, a, b, c):
    x, y = s[0], s[1]
    s[0] = y
    x ^= x << U(a)
    s[1] = x ^ y ^ (x >> U(b)) ^ (y >> U(c))
    return s[1] + y


@compiled
def xorshift128plus(s):  # of browsers
    return _xorshift128plus(s, 23, 17, 26)


@compiled
def xorshift128plus_2014(s):
    return _xorshift128plus(s, 23, 18, 5)


@compiled
def _xoroshiro128(s, a, b, c):
    x, y = s[0], s[1] ^ s[0]
    s[0] = rotl(x, a) ^ y ^ (y << U(b))
    s[1] = rotl(y, c)


@compiled
def xoroshiro128plus(s):
    out = s[0] + s[1]
    _xoroshiro128(s, 24, 16, 37)
    return out


@compiled
def xoroshiro128plus_2016(s):
    out = s[0] + s[1]
    _xoroshiro128(s, 55, 14, 36)
    return out


@compiled
def xoroshiro128starstar(s):
    out = rotl(s[0] * U(5), 7) * U(9)
    _xoroshiro128(s, 24, 16, 37)
    return out


@compiled
def _xoshiro128(s):
    t = (s[1] << U(9)) & M32
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotl32(s[3], 11)


@compiled
def xoshiro128plus(s):
    out = (s[0] + s[3]) & M32
    _xoshiro128(s)
    return out


@compiled
def xoshiro128starstar(s):
    out = (rotl32((s[1] * U(5)) & M32, 7) * U(9)) & M32
    _xoshiro128(s)
    return out


@compiled
def _xoshiro256(s):
    t = s[1] << U(17)
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotl(s[3], 45)


@compiled
def xoshiro256plus(s):
    out = s[0] + s[3]
    _xoshiro256(s)
    return out


@compiled
def xoshiro256starstar(s):
    out = rotl(s[1] * U(5), 7) * U(9)
    _xoshiro256(s)
    return out


@compiled
def xoshiro256plusplus(s):
    out = rotl(s[0] + s[3], 23) + s[0]
    _xoshiro256(s)
    return out


@compiled
def splitmix64(s):
    s[0] += U(0x9E3779B97F4A7C15)
    z = s[0]
    z = (z ^ (z >> U(30))) * U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U(27))) * U(0x94D049BB133111EB)
    return z ^ (z >> U(31))


@compiled
def mulberry32(s):
    s[0] = (s[0] + U(0x6D2B79F5)) & M32
    z = s[0]
    z = ((z ^ (z >> U(15))) * (z | U(1))) & M32
    z ^= (z + (((z ^ (z >> U(7))) * (z | U(61))) & M32)) & M32
    return z ^ (z >> U(14))


@compiled
def pcg32(s):
    x = s[0]
    s[0] = x * U(6364136223846793005) + s[1]
    y = (((x >> U(18)) ^ x) >> U(27)) & M32
    r = x >> U(59)
    return ((y >> r) | (y << ((U(32) - r) & U(31)))) & M32


@compiled
def jsf32(s):
    e = (s[0] - rotl32(s[1], 27)) & M32
    s[0] = s[1] ^ rotl32(s[2], 17)
    s[1] = (s[2] + s[3]) & M32
    s[2] = (s[3] + e) & M32
    s[3] = (e + s[0]) & M32
    return s[3]


@compiled
def wichmann_hill(s):
    s[0] = U(171) * s[0] % U(30269)
    s[1] = U(172) * s[1] % U(30307)
    s[2] = U(170) * s[2] % U(30323)
    u = float(s[0]) / 30269.0 + float(s[1]) / 30307.0 + float(s[2]) / 30323.0
    return U((u % 1.0) * 4294967296.0)


@compiled
def mwc1616(s):
    s[0] = U(36969) * (s[0] & U(65535)) + (s[0] >> U(16))
    s[1] = U(18000) * (s[1] & U(65535)) + (s[1] >> U(16))
    return ((s[0] << U(16)) + s[1]) & M32


@compiled
def cong(s):
    s[3] = (U(69069) * s[3] + U(1234567)) & M32
    return s[3]


@compiled
def shr3(s):
    x = s[2]
    x ^= (x << U(17)) & M32
    x ^= x >> U(13)
    x ^= (x << U(5)) & M32
    s[2] = x
    return x


@compiled
def kiss99(s):
    return ((mwc1616(s) ^ cong(s)) + shr3(s)) & M32


@compiled
def mwc64(s):
    s[0] = U(0xFFFEB81B) * (s[0] & M32) + (s[0] >> U(32))
    return s[0] & M32


@compiled
def swb24(s):  # RANLUX0: x[n] = x[n-10] - x[n-24] - borrow; s[24] borrow, s[25] place
    i = s[25]
    x = s[(i + U(14)) % U(24)] - s[i] - s[24]
    s[24] = U(1) if x >> U(63) else U(0)
    s[i] = x & U(0xFFFFFF)
    s[25] = (i + U(1)) % U(24)
    return s[i]


@compiled
def swb24_high(s):
    return swb24(s) >> U(8)


@compiled
def swb32(s):  # Marsaglia & Zaman 1991: x[n] = x[n-22] - x[n-43] - borrow
    i = s[44]
    x = s[(i + U(21)) % U(43)] - s[i] - s[43]
    s[43] = U(1) if x >> U(63) else U(0)
    s[i] = x & M32
    s[44] = (i + U(1)) % U(43)
    return s[i]


@compiled
def lfib55(s):  # Mitchell & Moore: x[n] = x[n-24] + x[n-55], of 32 bits; s[55] place
    i = s[55]
    s[i] = (s[i] + s[(i + U(31)) % U(55)]) & M32
    s[55] = (i + U(1)) % U(55)
    return s[i]


@compiled
def lfib55_high(s):
    return lfib55(s) >> U(16)


@compiled
def lfib607(s):  # Go's math/rand: x[n] = x[n-273] + x[n-607], of 64 bits; s[607] place
    i = s[607]
    s[i] = s[i] + s[(i + U(334)) % U(607)]
    s[607] = (i + U(1)) % U(607)
    return s[i]


@compiled
def go_int63(s):
    return (lfib607(s) >> U(1)) >> U(31)


@compiled
def glibc3(s):  # random(), TYPE_3: x[n] = x[n-3] + x[n-31], without its lowest bit
    i = s[31]
    s[i] = (s[i] + s[(i + U(28)) % U(31)]) & M32
    s[31] = (i + U(1)) % U(31)
    return s[i] >> U(1)


@compiled
def glibc3_low(s):
    return glibc3(s) & U(255)


@compiled
def glibc3_high(s):
    return glibc3(s) >> U(15)


@compiled
def glibc0(s):  # random(), TYPE_0
    s[0] = (U(1103515245) * s[0] + U(12345)) & M31
    return s[0]


@compiled
def glibc0_high(s):
    return glibc0(s) >> U(15)


@compiled
def middle_square_weyl(s):
    s[1] += U(0xB5AD4ECEDA1CE2A9)
    x = s[0] * s[0] + s[1]
    s[0] = (x >> U(32)) | (x << U(32))
    return s[0] & M32


@compiled
def high64(a, b):
    """Return the upper half of a product of 128 bits."""
    low = (a & M32) * (b & M32)
    x = (a >> U(32)) * (b & M32) + (low >> U(32))
    y = (a & M32) * (b >> U(32)) + (x & M32)
    return (a >> U(32)) * (b >> U(32)) + (x >> U(32)) + (y >> U(32))


@compiled
def wyrand(s):
    s[0] += U(0xA0761D6478BD642F)
    other = s[0] ^ U(0xE7037ED1A0B428DB)
    return high64(s[0], other) ^ (s[0] * other)


@compiled
def lcg128_high(s):  # the multiplier of PCG64; s[1] is the high half
    a, b = U(4865540595714422341), U(2549297995355413924)
    high = high64(s[0], a) + s[1] * a + s[0] * b
    low = s[0] * a
    s[0] = low + U(1442695040888963407)
    s[1] = high + U(6364136223846793005) + (U(1) if s[0] < low else U(0))
    return s[1]


@compiled
def romu_duo_jr(s):
    x = s[0]
    s[0] = U(15241094284759029579) * s[1]
    s[1] = rotl(s[1] - x, 27)
    return x


@compiled
def romu_trio(s):
    x, y, z = s[0], s[1], s[2]
    s[0] = U(15241094284759029579) * z
    s[1] = rotl(y - x, 12)
    s[2] = rotl(z - y, 44)
    return x


@compiled
def well512(s):  # s[16] place
    i = s[16]
    a, c = s[i], s[(i + U(13)) & U(15)]
    b = (a ^ c ^ (a << U(16)) ^ (c << U(15))) & M32
    c = s[(i + U(9)) & U(15)]
    c ^= c >> U(11)
    a = b ^ c
    s[i] = a
    d = a ^ ((a << U(5)) & U(0xDA442D24))
    i = (i + U(15)) & U(15)
    a = s[i]
    s[i] = (a ^ b ^ d ^ (a << U(2)) ^ (b << U(18)) ^ (c << U(28))) & M32
    s[16] = i
    return s[i]


@compiled
def taus88(s):
    s[0] = (((s[0] & U(4294967294)) << U(12)) ^ ((((s[0] << U(13)) & M32) ^ s[0]) >> U(19))) & M32
    s[1] = (((s[1] & U(4294967288)) << U(4)) ^ ((((s[1] << U(2)) & M32) ^ s[1]) >> U(25))) & M32
    s[2] = (((s[2] & U(4294967280)) << U(17)) ^ ((((s[2] << U(3)) & M32) ^ s[2]) >> U(11))) & M32
    return s[0] ^ s[1] ^ s[2]


@compiled
def mrg32k3a(s):
    p = (U(1403580) * s[1] + (U(4294967087) - U(810728)) * s[0]) % U(4294967087)
    q = (U(527612) * s[5] + (U(4294944443) - U(1370589)) * s[3]) % U(4294944443)
    s[0], s[1], s[2] = s[1], s[2], p
    s[3], s[4], s[5] = s[4], s[5], q
    return (p - q if p > q else p + U(4294967087) - q) & M32


@compiled
def prbs31(s):  # x^31 + x^28 + 1, eight bits a step
    for _ in range(8):
        s[0] = ((s[0] << U(1)) | (((s[0] >> U(30)) ^ (s[0] >> U(27))) & U(1))) & M31
    return s[0] & U(255)


@compiled
def bbs32(s):  # x^2 mod 46147 * 46187, the lowest bit of each, eight a step
    out = U(0)
    for _ in range(8):
        s[0] = s[0] * s[0] % U(46147 * 46187)
        out = (out << U(1)) | (s[0] & U(1))
    return out


@compiled
def counter(s):
    s[0] += U(1)
    return s[0]


@compiled
def rc4(s):  # s[256] and s[257] are i and j
    i = (s[256] + U(1)) & U(255)
    j = (s[257] + s[i]) & U(255)
    s[i], s[j] = s[j], s[i]
    s[256], s[257] = i, j
    return s[(s[i] + s[j]) & U(255)]


@compiled
def _quarter(x, a, b, c, d):
    x[a] = (x[a] + x[b]) & M32
    x[d] = rotl32(x[d] ^ x[a], 16)
    x[c] = (x[c] + x[d]) & M32
    x[b] = rotl32(x[b] ^ x[c], 12)
    x[a] = (x[a] + x[b]) & M32
    x[d] = rotl32(x[d] ^ x[a], 8)
    x[c] = (x[c] + x[d]) & M32
    x[b] = rotl32(x[b] ^ x[c], 7)


@compiled
def chacha8(s):  # s[0:16] the input block, s[16:32] the output block, s[32] the place in it
    if s[32] == U(16):
        x = s[16:32]
        x[:] = s[:16]
        for _ in range(4):
            for k in range(4):
                _quarter(x, k, k + 4, k + 8, k + 12)
            for k in range(4):
                _quarter(x, k, (k + 1) % 4 + 4, (k + 2) % 4 + 8, (k + 3) % 4 + 12)
        for k in range(16):
            x[k] = (x[k] + s[k]) & M32
        s[12] += U(1)
        s[32] = U(0)
    s[32] += U(1)
    return s[U(15) + s[32]]


# streams


@functools.cache
def filler(step: Step) -> Callable[[NDArray[np.uint64], NDArray[Any]], None]:
    """Return a loop that fills an array with what a step returns."""

    @numba.njit(nogil=True)
    def fill(state, out):
        for i in range(len(out)):
            out[i] = step(state)

    return fill


def words(step: Step, width: int, seed: list[int], skip: int = 0) -> Callable[[int], Bytes]:
    """Return a stream of words of that many bits from a state."""

    def stream(n: int) -> Bytes:
        state = np.array(seed, dtype=np.uint64)
        out = np.zeros(skip + -(-n * 8 // width), dtype=f"u{width // 8}")
        filler(step)(state, out)
        return out[skip:].view(np.uint8)[:n]

    stream.width = width  # what PractRand and SmokeRand are told
    return stream


def seeds(count: int, bits: int, *more: int) -> list[int]:
    """Return words of SplitMix64 for a state, and what stands after them in it."""
    raw = words(splitmix64, 64, [2027])(8 * count).view(np.uint64)
    return [*(int(x) >> (64 - bits) for x in raw), *more]


def rc4_key(key: bytes) -> list[int]:
    """Return the state that RC4 begins with."""
    s, j = list(range(256)), 0
    for i in range(256):
        j = (j + s[i] + key[i % len(key)]) % 256
        s[i], s[j] = s[j], s[i]
    return [*s, 0, 0]


def glibc_state(seed: int) -> list[int]:
    """Return the state of glibc's srandom(seed), before the 310 outputs that it discards."""
    r = [seed]
    for _ in range(30):
        r.append(16807 * r[-1] % 0x7FFFFFFF)
    return [*r[3:], *r[:3], 0]


def numpy_words(bits: Any, width: int = 64) -> Callable[[int], Bytes]:
    """Return a stream of one of numpy's generators."""

    def stream(n: int) -> Bytes:
        raw = bits().random_raw(-(-n * 8 // width))
        return raw.astype(f"u{width // 8}").view(np.uint8)[:n]

    stream.width = width
    return stream


def mt19937_64_state(seed: int = 5489) -> list[int]:
    """Return the state of std::mt19937_64, and a place."""
    x = [seed]
    for i in range(1, 312):
        x.append((6364136223846793005 * (x[-1] ^ (x[-1] >> 62)) + i) % 2**64)
    return [*x, 0]


@compiled
def mt19937_64(s):
    i = s[312]
    y = (s[i] & U(0xFFFFFFFF80000000)) | (s[(i + U(1)) % U(312)] & M31)
    x = s[(i + U(156)) % U(312)] ^ (y >> U(1))
    if y & U(1):
        x ^= U(0xB5026F5AA96619E9)
    s[i] = x
    s[312] = (i + U(1)) % U(312)
    x ^= (x >> U(29)) & U(0x5555555555555555)
    x ^= (x << U(17)) & U(0x71D67FFFEDA60000)
    x ^= (x << U(37)) & U(0xFFF7EEE000000000)
    return x ^ (x >> U(43))


def ideal(n: int, name: str = "") -> Bytes:
    """Return bytes of a keyed SHAKE256."""
    return np.frombuffer(hashlib.shake_256(f"generators/{name}".encode()).digest(n), np.uint8)


def sha_counter(n: int) -> Bytes:
    """SHA-512 of a counter."""
    made = (hashlib.sha512(i.to_bytes(8, "little")).digest() for i in range(-(-n // 64)))
    return np.frombuffer(b"".join(made)[:n], np.uint8)


def aes_counter(n: int) -> Bytes:
    """AES-128 in counter mode, key and counter zero, by the command `openssl`."""
    command = ["openssl", "enc", "-aes-128-ctr", "-K", "0" * 32, "-iv", "0" * 32]
    made = subprocess.run(command, input=bytes(n), capture_output=True, check=True).stdout
    return np.frombuffer(made, np.uint8)


def flipped(excess: float, lag: int = 0) -> Callable[[int], Bytes]:
    """Return ideal bits of which a share `excess` is set to 1, or copies the bit `lag` before."""

    def stream(n: int) -> Bytes:
        rng = np.random.Generator(np.random.SFC64([int(1 / excess), lag]))
        bits = np.unpackbits(rng.integers(0, 256, n, np.uint8))
        places = np.flatnonzero(rng.random(len(bits), dtype=np.float32) < excess)
        places = places[places >= lag]
        if lag == 0:
            bits[places] = 1
        else:
            _copy(bits, places, lag)
        return np.packbits(bits)

    return stream


@compiled
def _copy(bits, places, lag):
    for place in places:
        bits[place] = bits[place - lag]


def hole(n: int) -> Bytes:
    """Ideal bytes, 512 of them zero, at 9/16 of the stream."""
    out = ideal(n, "hole").copy()
    out[9 * n // 16 : 9 * n // 16 + 512] = 0
    return out


ONE = [123456789, 362436069, 521288629, 88675123]
STREAMS: dict[str, Callable[[int], Bytes]] = {
    "SHAKE256 (none)": ideal,
    "SHA-512 of a counter": sha_counter,
    "AES-128-CTR": aes_counter,
    "ChaCha8": words(chacha8, 32, [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *[0] * 28, 16]),
    "RC4": words(rc4, 8, rc4_key(b"Key")),
    "Philox4x64": numpy_words(lambda: np.random.Philox(key=1)),
    "PCG64": numpy_words(lambda: np.random.PCG64(1)),
    "SFC64": numpy_words(lambda: np.random.SFC64(1)),
    "PCG32": words(pcg32, 32, [0x185706B82C2E03F8, 109]),
    "JSF32": words(jsf32, 32, seeds(4, 32), 20),
    "SplitMix64": words(splitmix64, 64, [1234567]),
    "wyrand": words(wyrand, 64, [42]),
    "RomuDuoJr": words(romu_duo_jr, 64, seeds(2, 64)),
    "RomuTrio": words(romu_trio, 64, seeds(3, 64)),
    "middle square Weyl": words(middle_square_weyl, 32, [0, 0]),
    "KISS99": words(kiss99, 32, [12345, 65435, 34221, 12345], 256),
    "MRG32k3a": words(mrg32k3a, 32, [12345] * 6),
    "MWC64, low 32": words(mwc64, 32, seeds(1, 63)),
    "MWC1616": words(mwc1616, 32, [12345, 65435]),
    "xoshiro256**": words(xoshiro256starstar, 64, seeds(4, 64)),
    "xoshiro256++": words(xoshiro256plusplus, 64, seeds(4, 64)),
    "xoshiro128**": words(xoshiro128starstar, 32, seeds(4, 32)),
    "xoroshiro128**": words(xoroshiro128starstar, 64, seeds(2, 64)),
    "mulberry32": words(mulberry32, 32, [1]),
    "LCG128, high 64": words(lcg128_high, 64, seeds(2, 64)),
    "LCG64, high 32": words(lcg64_high, 32, seeds(1, 64)),
    "MT19937": numpy_words(lambda: np.random.MT19937(1), 32),
    "MT19937-64": words(mt19937_64, 64, mt19937_64_state()),
    "WELL512a": words(well512, 32, seeds(16, 32, 0)),
    "xorshift128+": words(xorshift128plus, 64, seeds(2, 64)),
    "xorshift128+ (23, 18, 5)": words(xorshift128plus_2014, 64, seeds(2, 64)),
    "xoroshiro128+": words(xoroshiro128plus, 64, seeds(2, 64)),
    "xoroshiro128+ (55, 14, 36)": words(xoroshiro128plus_2016, 64, seeds(2, 64)),
    "xoshiro256+": words(xoshiro256plus, 64, seeds(4, 64)),
    "xoshiro128+": words(xoshiro128plus, 32, seeds(4, 32)),
    "xoshiro128+, low bytes": words(xoshiro128plus, 8, seeds(4, 32)),
    "xorwow": words(xorwow, 32, [*ONE, 5783321, 6615241]),
    "xorshift64*": words(xorshift64star, 64, seeds(1, 64)),
    "xorshift128": words(xorshift128, 32, ONE),
    "xorshift64": words(xorshift64, 64, [88172645463325252]),
    "xorshift32": words(xorshift32, 32, [2463534242]),
    "taus88": words(taus88, 32, seeds(3, 32)),
    "LFSR of 31 bits (PRBS31)": words(prbs31, 8, seeds(1, 31)),
    "LFib(55, 24, +)": words(lfib55, 32, seeds(55, 32, 0)),
    "LFib(55, 24, +), high 16": words(lfib55_high, 16, seeds(55, 32, 0)),
    "Go math/rand, LFib607": words(lfib607, 64, seeds(607, 64, 0)),
    "Go math/rand, Uint32": words(go_int63, 32, seeds(607, 64, 0)),
    "glibc random(), high 16": words(glibc3_high, 16, glibc_state(1), 310),
    "glibc random(), low byte": words(glibc3_low, 8, glibc_state(1), 310),
    "SWB(43, 22)": words(swb32, 32, seeds(43, 32, 0, 0)),
    "RANLUX0 (SWB 24, 10), high 16": words(swb24_high, 16, seeds(24, 24, 0, 0)),
    "Java Random, nextInt": words(java, 32, [(42 ^ 0x5DEECE66D) % 2**48]),
    "drand48, high 16": words(drand48_high, 16, [0x1330E]),
    "Wichmann-Hill": words(wichmann_hill, 32, [1, 2, 3]),
    "LCG64, low 32": words(lcg64_low, 32, seeds(1, 64)),
    "LCG64": words(lcg64, 64, seeds(1, 64)),
    "LCG32, high 16": words(lcg32_high, 16, [1]),
    "LCG32": words(lcg32, 32, [1]),
    "LCG69069": words(lcg69069, 32, [1]),
    "MSVC rand(), high byte": words(msvc_high, 8, [1]),
    "ANSI C rand(), low byte": words(ansi_c, 8, [1]),
    "glibc TYPE_0, high 16": words(glibc0_high, 16, [1]),
    "MINSTD, high 16": words(minstd_high, 16, [1]),
    "RANDU, high byte": words(randu_high, 8, [1]),
    "Blum Blum Shub, 31 bits": words(bbs32, 8, [3]),
    "counter of 64 bits": words(counter, 64, [0]),
    "512 zero bytes": hole,
    **{f"bits biased by {e:g}": flipped(2 * e) for e in (1e-2, 1e-3, 3e-4, 1e-4)},
    **{f"bits, {e:g} copied, lag {k}": flipped(e, k) for e in (1e-2, 2e-3) for k in (1, 7, 64)},
}


def first(step: Step, seed: list[int], place: int = 1, width: int = 64) -> int:
    """Return output number `place` of a step, from 1."""
    out = words(step, width, seed)(place * width // 8)
    return int.from_bytes(out[-width // 8 :].tobytes(), "little")


def jumped(step: Step, seed: list[int], polynomial: int) -> tuple[int, int]:
    """Return the state of 128 bits after 2^64 steps: by its authors' jump, and by squaring."""

    def once(x: int) -> int:
        state = np.array([x % 2**64, x >> 64], dtype=np.uint64)
        step(state)
        return int(state[0]) | int(state[1]) << 64

    def image(columns: list[int], x: int) -> int:
        return functools.reduce(operator.xor, (c for i, c in enumerate(columns) if x >> i & 1), 0)

    start = seed[0] | seed[1] << 64
    state, found = start, 0
    for i in range(128):
        found ^= state * (polynomial >> i & 1)
        state = once(state)
    columns = [once(1 << i) for i in range(128)]
    for _ in range(64):
        columns = [image(columns, x) for x in columns]
    return found, image(columns, start)


def checks() -> dict[str, tuple[int, int]]:
    """Return what each recipe gives beside what its authors, a standard or a library says."""
    libc = ctypes.CDLL(None)
    libc.srandom(1), libc.srand48(1)
    libc.random.restype = libc.lrand48.restype = ctypes.c_long
    kiss = np.array(seeds(0, 1, 12345, 65435, 34221, 12345), dtype=np.uint64)
    marsaglia = []
    for step in (kiss99, cong, shr3, mwc1616):
        out = np.zeros(10**6 + 256 * (step is kiss99), np.uint64)
        filler(step)(kiss, out)
        marsaglia.append(int(out[-1]))
    mt = np.random.RandomState(5489)
    chacha = STREAMS["ChaCha8"](8).tobytes()
    return {
        "MT19937, 10,000th": (int(mt.randint(0, 2**32, 10**4, np.uint32)[-1]), 4123659995),
        "MT19937-64, 10,000th": (first(mt19937_64, mt19937_64_state(), 10**4), 9981545732273789042),
        "minstd_rand0, 10,000th": (first(minstd0, [1], 10**4), 1043618065),
        "minstd_rand, 10,000th": (first(minstd, [1], 10**4), 399268537),
        "RANDU, 3rd": (first(randu, [1], 3), 1769499),
        "MSVC, 3rd of srand(1)": (first(msvc, [1], 3), 6334),
        "Java, first of seed 42": (first(java, [(42 ^ 0x5DEECE66D) % 2**48]), -1170105035 % 2**32),
        "lrand48 of the C library": (first(lrand48, [0x1330E]), libc.lrand48()),
        "random() of the C library": (first(glibc3, glibc_state(1), 311), libc.random()),
        "glibc random(), seed 1": (first(glibc3, glibc_state(1), 311), 1804289383),
        "xorshift32": (first(xorshift32, [2463534242]), 723471715),
        "xorshift64": (first(xorshift64, [88172645463325252]), 8748534153485358512),
        "xorshift128": (first(xorshift128, ONE), 3701687786),
        "xorwow": (first(xorwow, [*ONE, 5783321, 6615241]), 246875399),
        "xoroshiro128+, 3rd": (first(xoroshiro128plus, [1, 2], 3), 2360170716294286339),
        # the polynomials are those of the authors' jump()
        "xorshift128+ (23, 18, 5), 2^64 on": jumped(
            xorshift128plus_2014, seeds(2, 64), 0x121FD2155C472F96_8A5CD789635D2DFF
        ),
        "xoroshiro128+ (55, 14, 36), 2^64 on": jumped(
            xoroshiro128plus_2016, seeds(2, 64), 0xD86B048B86AA9922_BEAC0467EBA5FACB
        ),
        "xoroshiro128**, 2nd": (first(xoroshiro128starstar, [1, 2], 2), 97769243520),
        "xoshiro128+, 4th": (first(xoshiro128plus, [1, 2, 3, 4], 4), 27286542),
        "xoshiro128**, 4th": (first(xoshiro128starstar, [1, 2, 3, 4], 4), 70819200),
        "xoshiro256+, 3rd": (first(xoshiro256plus, [1, 2, 3, 4], 3), 211106635186183),
        "xoshiro256**, 4th": (first(xoshiro256starstar, [1, 2, 3, 4], 4), 1215971899390074240),
        "xoshiro256++, 2nd": (first(xoshiro256plusplus, [1, 2, 3, 4], 2), 58720359),
        "SplitMix64, 3rd": (first(splitmix64, [1234567], 3), 9817491932198370423),
        "PCG32 (42, 54), 3rd": (first(pcg32, [0x185706B82C2E03F8, 109], 3), 0xBA1D3330),
        "KISS99, millionth": (marsaglia[0], 1372460312),
        "CONG, millionth": (marsaglia[1], 1529210297),
        "SHR3, millionth": (marsaglia[2], 2642725982),
        "MWC1616, millionth": (marsaglia[3], 904977562),
        "ranlux24_base, 10,000th": (first(swb24, ranlux24(), 10**4), 7937952),
        "MRG32k3a, first": (first(mrg32k3a, [12345] * 6), round(0.127011122046577 * 4294967088)),
        "RC4 of `Key`": (int.from_bytes(STREAMS["RC4"](4).tobytes(), "big"), 0xEB9F7781),
        "ChaCha8, zero key": (int.from_bytes(chacha, "big"), 0x3E00EF2F895F40D6),
        "AES-128, zero": (int.from_bytes(aes_counter(8).tobytes(), "big"), 0x66E94BD4EF8A2C3B),
    }


def ranlux24() -> list[int]:
    """Return the state of std::ranlux24_base: of the LCG 40014 mod 2147483563, from 19780503."""
    x, state = 19780503, []
    for _ in range(24):
        x = 40014 * x % 2147483563
        state.append(x % 2**24)
    return [*state, int(state[-1] == 0), 0]


def main() -> int:
    """Print every check; 1 where one fails."""
    wrong = 0
    for name, (got, said) in checks().items():
        wrong += got != said
        print(f"{name}: {got} {'as published' if got == said else f'IS NOT {said}'}")
    print(f"{len(STREAMS)} streams, {wrong} wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
