"""Weak generators as numpy arrays of words, by their authors' recipes: each from one seed."""

import numpy as np

M64 = (1 << 64) - 1
M32 = (1 << 32) - 1


def seeds(seed, n, bits=64):
    """n state words that are not zero."""
    return [int(x) | 1 for x in np.random.default_rng(seed).integers(0, 1 << bits, n, np.uint64)]


def rotl(x, k, bits=64):
    return (x << k | x >> (bits - k)) & ((1 << bits) - 1)


def mt19937(seed, n):
    """n words of 32 bits."""
    return np.random.RandomState(seed).randint(0, 1 << 32, n, dtype=np.uint32)


def mt19937_64(seed, n):
    """n words of 64 bits of MT19937-64 (Nishimura & Matsumoto 2004)."""
    size, middle = 312, 156
    x = [seed & M64]
    for i in range(1, size):
        x.append((6364136223846793005 * (x[-1] ^ x[-1] >> 62) + i) & M64)
    for i in range(n):
        y = x[i] & 0xFFFFFFFF80000000 | x[i + 1] & 0x7FFFFFFF
        x.append(x[i + middle] ^ y >> 1 ^ (0xB5026F5AA96619E9 if y & 1 else 0))
    y = np.array(x[size:], dtype=np.uint64)
    y ^= y >> np.uint64(29) & np.uint64(0x5555555555555555)
    y ^= y << np.uint64(17) & np.uint64(0x71D67FFFEDA60000)
    y ^= y << np.uint64(37) & np.uint64(0xFFF7EEE000000000)
    return y ^ y >> np.uint64(43)


def xorshift128plus(seed, n, shifts=(23, 18, 5)):
    """n words of 64 bits (Vigna 2014; browsers shift by 23, 17 and 26)."""
    a, b, c = shifts
    s0, s1 = seeds(seed, 2)
    out = np.empty(n, dtype=np.uint64)
    for i in range(n):
        x, s0 = s0, s1
        x ^= x << a & M64
        s1 = x ^ s0 ^ x >> b ^ s0 >> c
        out[i] = (s0 + s1) & M64
    return out


def xoroshiro128plus(seed, n):
    """n words of 64 bits (Blackman & Vigna 2018)."""
    s0, s1 = seeds(seed, 2)
    out = np.empty(n, dtype=np.uint64)
    for i in range(n):
        out[i] = (s0 + s1) & M64
        s1 ^= s0
        s0, s1 = rotl(s0, 24) ^ s1 ^ s1 << 16 & M64, rotl(s1, 37)
    return out


def xoshiro256plus(seed, n):
    """n words of 64 bits (Blackman & Vigna 2018)."""
    s = seeds(seed, 4)
    out = np.empty(n, dtype=np.uint64)
    for i in range(n):
        out[i] = (s[0] + s[3]) & M64
        t = s[1] << 17 & M64
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)
    return out


def xorwow(seed, n):
    """n words of 32 bits (Marsaglia 2003; the default of CUDA)."""
    x, y, z, w, v = seeds(seed, 5, 32)
    d = 6615241
    out = np.empty(n, dtype=np.uint32)
    for i in range(n):
        t = x ^ x >> 2
        x, y, z, w = y, z, w, v
        v = (v ^ v << 4 ^ t ^ t << 1) & M32
        d = (d + 362437) & M32
        out[i] = (d + v) & M32
    return out


def lagged_fibonacci(seed, n, long=607, short=273, bits=64):
    """n words, each the sum of those `long` and `short` before it: of Go's math/rand."""
    x = seeds(seed, long, bits)
    x[1] -= 1
    for i in range(n):
        x.append((x[i] + x[i + long - short]) & ((1 << bits) - 1))
    return np.array(x[long:], dtype=np.uint64)


def glibc_random(seed, n):
    """n numbers of 31 bits: r(i) = r(i - 3) + r(i - 31), of which the lowest bit is dropped."""
    r = [seed]
    for _ in range(30):
        r.append(16807 * r[-1] % 2147483647)
    r += r[:3]
    for i in range(34, 344 + n):
        r.append((r[i - 3] + r[i - 31]) & M32)
    return np.array(r[344 : 344 + n], dtype=np.uint32) >> np.uint32(1)


def java_words(seed, n):
    """n words of 32 bits of java.util.Random.nextInt: the top 32 of 48 bits of an LCG."""
    return _lcg48(seed ^ 0x5DEECE66D, n) >> np.uint64(16)


def drand48_words(seed, n):
    """n words of 32 bits of mrand48, which drand48 scales: other seeds of the same LCG."""
    return _lcg48(seed << 16 | 0x330E, n) >> np.uint64(16)


def _lcg48(state, n):
    out = np.empty(n, dtype=np.uint64)
    for i in range(n):
        state = (0x5DEECE66D * state + 11) & (1 << 48) - 1
        out[i] = state
    return out
