"""Linear complexity against closed forms and all short strings; Python's random, predicted.

Statistical bounds are Z standard errors of a normal law: a false alarm of 1e-5 a comparison, and
the seeds are fixed.
"""

import hashlib
import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dan_bench.randomness.linearity import (
    BITS,
    LEAST_BITS,
    expected_complexity,
    linear_complexity_test,
    log2_probability,
    shortest_register,
    top_bits,
)
from dan_bench.randomness.mt19937 import (
    NEEDED_BYTES,
    names_mt19937,
    untemper,
)

Z = float(stats.norm.isf(0.5e-5))
MT_BYTES = 4 * BITS

bit_lists = st.lists(st.integers(0, 1), max_size=300)


def array(bits):
    return np.array(bits, dtype=np.uint8)


def complexity(bits):
    return shortest_register(array(bits))


def massey(bits):
    """Berlekamp-Massey as Menezes et al. print it (algorithm 6.30), one bit at a time."""
    c, b, length, m = {0}, {0}, 0, -1
    for n, bit in enumerate(bits):
        d = bit ^ sum(bits[n - i] for i in c if 0 < i <= length) % 2
        if d:
            t, c = c, c ^ {i + n - m for i in b}
            if 2 * length <= n:
                length, m, b = n + 1 - length, n, t
    return length


def lfsr(taps, n, state):
    """n bits of the register s(i) = xor of s(i - t) over the taps, from its first bits."""
    bits = list(state)
    while len(bits) < n:
        bits.append(sum(bits[-t] for t in taps) % 2)
    return bits[:n]


def ideal(seed, n):
    return np.random.default_rng(seed).bytes(n)


STREAMS = {
    "PCG64": lambda n: np.random.PCG64(1).random_raw(n // 8).view(np.uint8),
    "Philox": lambda n: np.random.Philox(2).random_raw(n // 8).view(np.uint8),
    "SHAKE256": lambda n: hashlib.shake_256(b"linearity").digest(n),
}


# the complexity of bits


@pytest.mark.parametrize("n", [0, 1, 2, 63, 64, 65, 1000])
def test_zeros_need_no_register_and_a_one_at_the_end_needs_them_all(n):
    assert complexity([0] * n) == 0
    assert complexity([0] * n + [1]) == n + 1
    assert complexity([1] + [0] * n) == 1


@pytest.mark.parametrize(
    "taps",  # primitive: x^k + ... + 1, by its exponents
    [(1, 2), (2, 3), (1, 4), (2, 5), (4, 9), (6, 7), (18, 25), (28, 31), (103, 250), (168, 521)],
)
def test_the_output_of_a_primitive_register_has_its_length(taps):
    k = max(taps)
    for seed in range(5):
        state = np.random.default_rng(seed).integers(0, 2, k)
        state[seed % k] = 1
        for n in (2 * k, 3 * k + 1, 10 * k):
            assert complexity(lfsr(taps, n, state.tolist())) == k


def test_a_maximal_register_runs_through_its_whole_period():
    bits = lfsr((4, 9), 2 * 511, [1] * 9)
    assert bits[:511] == bits[511:]
    assert complexity(bits) == 9


@given(st.lists(st.integers(0, 1), min_size=1, max_size=90), st.integers(2, 5))
def test_a_period_bounds_the_complexity(word, times):
    """Of what is repeated at least twice it is p - deg gcd(x^p + 1, word(x)), times or not."""
    found = complexity(word * times)
    assert found <= len(word)
    assert complexity(word * (times + 1)) == found


def test_sums_of_registers_have_the_sum_of_their_lengths():
    """Coprime connection polynomials: the complexities add up."""
    a, b = lfsr((28, 31), 400, [1] * 31), lfsr((18, 25), 400, [1] * 25)
    assert complexity([x ^ y for x, y in zip(a, b, strict=True)]) == 56


@settings(max_examples=300)
@given(bit_lists)
def test_packed_words_say_what_single_bits_say(bits):
    assert complexity(bits) == massey(bits)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from([0.02, 0.3, 0.5, 0.98]), st.integers(0, 500))
def test_biased_bits_too(seed, p, n):
    bits = (np.random.default_rng(seed).random(n) < p).astype(np.uint8)
    assert shortest_register(bits) == massey(bits.tolist())


@given(bit_lists, bit_lists)
def test_more_bits_never_lower_it_and_it_stays_within_their_number(head, tail):
    before, after = complexity(head), complexity(head + tail)
    assert 0 <= before <= after <= len(head + tail)
    # Massey 1969, theorem 2: a jump at bit n goes to n - L
    assert after == before or before + after <= len(head + tail)


def test_what_is_not_bits_is_refused():
    for wrong in ([0, 2], [[0, 1]], [0.0, 1.0]):
        with pytest.raises(ValueError, match="zeros and ones"):
            shortest_register(np.array(wrong, dtype=np.uint8 if wrong == [0, 2] else None))


# its distribution


@pytest.mark.parametrize("n", range(1, 15))
def test_all_strings_of_n_bits_have_the_distribution_that_is_documented(n):
    strings = np.array(list(itertools.product((0, 1), repeat=n)), dtype=np.uint8)
    found = np.array([shortest_register(bits) for bits in strings])
    counts = np.bincount(found, minlength=n + 1)
    assert counts.tolist() == [2 ** (log2_probability(k, n) + n) for k in range(n + 1)]
    assert found.mean() == pytest.approx(expected_complexity(n), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 9, 64, 301])
def test_the_p_value_is_the_probability_of_what_is_no_more_probable(n):
    masses = [math.ldexp(1.0, log2_probability(k, n)) for k in range(n + 1)]
    assert math.fsum(masses) == 1
    for mass in masses:
        assert math.fsum(m for m in masses if m <= mass) == 2 * mass


@pytest.mark.parametrize("wrong", [-1, 11])
def test_a_complexity_that_n_bits_cannot_have_is_refused(wrong):
    with pytest.raises(ValueError, match=r"lies in \[0, 10\]"):
        log2_probability(wrong, 10)


def test_ideal_streams_are_rejected_as_often_as_is_said():
    """4,000 streams of 65 and of 100 bits; p is 2^-k or less with probability 2^-k."""
    for n in (65, 100):
        p = [linear_complexity_test(ideal(seed, 4 * n)).p_value for seed in range(4000)]
        for alpha in (1 / 2, 1 / 16, 1 / 64):
            error = Z * math.sqrt(alpha * (1 - alpha) / 4000)
            assert abs(np.mean(np.array(p) <= alpha) - alpha) < error


# streams


def test_the_top_bit_is_that_of_a_little_endian_word():
    words = np.array([0x80000000, 0x7FFFFFFF, 0x80, 0xFFFFFFFF], dtype="<u4")
    assert top_bits(words.tobytes()).tolist() == [1, 0, 0, 1]
    assert top_bits(words.tobytes() + b"\xff\xff\xff").tolist() == [1, 0, 0, 1]
    every = [0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1]
    assert top_bits(words.view(np.uint8), word_bytes=1).tolist() == every
    assert top_bits(words.tobytes(), word_bytes=8).tolist() == [0, 1]


@pytest.mark.parametrize("seed", [0, 1, 2017])
def test_mt19937_is_exposed_by_160_kilobytes(seed):
    found = linear_complexity_test(random.Random(seed).randbytes(MT_BYTES))
    assert (found.complexity, found.bits) == (19937, 40000)
    assert found.p_value == 2.0**-126


def test_mt19937_is_not_exposed_by_fewer_bits_than_twice_its_state():
    assert linear_complexity_test(random.Random(0).randbytes(4 * 39_800)).p_value > 1e-3


@pytest.mark.parametrize("name", STREAMS)
def test_other_generators_are_not_exposed(name):
    found = linear_complexity_test(STREAMS[name](MT_BYTES))
    assert abs(found.complexity - found.expected) < 10
    assert found.p_value > 1e-3


@pytest.mark.parametrize("word_bytes", [1, 4, 8])
def test_words_of_other_widths_have_top_bits_too(word_bytes):
    bits = array(lfsr((168, 521), 2000, [1] * 521))
    stream = np.random.default_rng(0).integers(0, 256, (2000, word_bytes), dtype=np.uint8)
    stream[:, -1] = stream[:, -1] & 127 | bits << 7
    assert linear_complexity_test(stream.tobytes(), word_bytes).complexity == 521


def test_only_the_bits_that_are_asked_for_are_looked_at():
    head, tail = ideal(0, 4000), bytes(4000)
    assert linear_complexity_test(head + tail, max_bits=1000) == linear_complexity_test(head)


def test_too_few_words_are_refused_with_the_numbers():
    assert linear_complexity_test(ideal(0, 4 * LEAST_BITS)).bits == LEAST_BITS
    with pytest.raises(ValueError, match="at least 64 words of 4 bytes, got 63"):
        linear_complexity_test(ideal(0, 4 * LEAST_BITS - 1))
    with pytest.raises(ValueError, match="word_bytes=0"):
        top_bits(b"1234", 0)
    with pytest.raises(TypeError, match="float64"):
        top_bits(np.zeros(4))


# the state of MT19937


def outputs(seed, n, skip=0):
    source = random.Random(seed)
    for _ in range(skip):
        source.getrandbits(32)
    return np.array([source.getrandbits(32) for _ in range(n)], dtype=np.uint32), source


@given(st.integers(0, 2**32 - 1))
def test_untempering_inverts_the_tempering(x):
    y = x ^ x >> 11
    y ^= y << 7 & 0x9D2C5680
    y ^= y << 15 & 0xEFC60000
    y = (y ^ y >> 18) & 0xFFFFFFFF
    assert untemper(np.array([y], dtype=np.uint32)).tolist() == [x]


@pytest.mark.parametrize("skip", [0, 1, 300, 623, 624, 5000])
@pytest.mark.parametrize("n", [626, 1247, 1248, 3000])
def test_624_words_anywhere_tell_all_that_follow(skip, n):
    words, source = outputs(7, n, skip)
    recovered = names_mt19937(words.astype("<u4").tobytes()).state
    assert recovered.verified == n - 624
    assert recovered.predict(9999) == source.randbytes(9999)
    clone = recovered.generator()
    _, source = outputs(7, n, skip)
    assert [clone.random() for _ in range(1000)] == [source.random() for _ in range(1000)]


def test_n_bytes_cannot_be_negative():
    with pytest.raises(ValueError, match="-1"):
        names_mt19937(outputs(1, 1248)[0].tobytes()).state.predict(-1)


@pytest.mark.parametrize("start", range(8))
@pytest.mark.parametrize("n", [NEEDED_BYTES, NEEDED_BYTES + 1, 5001, 5002])
def test_bytes_are_named_at_any_alignment_and_what_follows_is_foretold(start, n):
    stream = random.Random(3).randbytes(20_000)
    found = names_mt19937(stream[start : start + n])
    assert found.is_mt19937
    assert found.alignment == -start % 4
    assert found.predicted == found.of == 4 * ((n - found.alignment) // 4 - 624)
    for m in (0, 1, 3, 4, 1000):
        end = start + n
        whole = m + (-(end + m)) % 4  # a last, partial word holds the upper bits
        assert found.state.predict(whole) == stream[end : end + whole]


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_not_mt19937_is_not_named(name):
    found = names_mt19937(STREAMS[name](100_000))
    assert not found.is_mt19937
    assert (found.predicted, found.state, found.alignment) == (0, None, None)


def test_no_ideal_stream_is_taken_for_mt19937():
    assert not any(names_mt19937(ideal(seed, NEEDED_BYTES)).is_mt19937 for seed in range(1000))


def test_zeros_obey_the_recurrence_and_are_not_named():
    assert not names_mt19937(bytes(5000)).is_mt19937


def test_mistakes_are_counted_and_hide_nothing():
    """A wrong word takes with it the relations that it is part of: two, so near the end."""
    stream = bytearray(random.Random(3).randbytes(8000))
    stream[4 * 1500 + 2] ^= 8
    found = names_mt19937(bytes(stream))
    assert found.is_mt19937
    assert (found.predicted, found.of) == (4 * (2000 - 624 - 2), 4 * (2000 - 624))


def test_arrays_are_named_as_bytes_are():
    data = random.Random(5).randbytes(4000)
    assert names_mt19937(np.frombuffer(data, dtype=np.uint8)) == names_mt19937(data)


def test_other_outputs_of_the_generator_are_beyond_this_attack():
    """As documented: 53-bit floats and fewer bits a draw leave no whole words."""
    source = random.Random(0)
    floats = np.array([source.random() for _ in range(2000)])
    assert not names_mt19937((floats * 2**32).astype("<u4").tobytes()).is_mt19937
    assert not names_mt19937(bytes(source.getrandbits(8) for _ in range(8000))).is_mt19937


def test_naming_needs_enough_bytes():
    with pytest.raises(ValueError, match=f"at least {NEEDED_BYTES} bytes, got 2502"):
        names_mt19937(bytes(NEEDED_BYTES - 1))
    with pytest.raises(ValueError, match=r"is no symbol of 8 bits.* words.view\(np.uint8\)"):
        names_mt19937(np.arange(9999, dtype=np.uint32))
