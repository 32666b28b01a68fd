"""SP 800-90B's ten estimators against the document, transcribed to plain Python."""

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from dan_bench.randomness.min_entropy import counting, lz78y, multi_mmc, prediction, tuples

# the same examples each time, under every profile: rounding differs in rare ones
steady = settings(derandomize=True)


@st.composite
def streams(draw, alphabets=(1, 2, 3, 5, 16, 256), longest=400):
    """Noise, constants, periods, long repeats, and any of these with some places changed."""
    alphabet = draw(st.sampled_from(alphabets))
    symbol = st.integers(0, alphabet - 1)
    pattern = draw(st.lists(symbol, min_size=1, max_size=draw(st.sampled_from([3, 40, longest]))))
    n = draw(st.integers(20, longest))
    stream = np.resize(np.array(pattern, dtype=np.uint8), n)
    for place in draw(st.lists(st.integers(0, n - 1), max_size=6)):
        stream[place] = draw(symbol)
    numbers = np.unique(stream, return_inverse=True)[1].astype(np.uint8)
    return numbers, int(numbers.max()) + 1


def score(hits):
    """Hits and the longest run; None, nothing said by who is believed, ends no run (the tool)."""
    run = longest = 0
    for hit in hits:
        run = run if hit is None else (run + 1) * hit
        longest = max(longest, run)
    return sum(hit or 0 for hit in hits), longest


def contest(rounds):
    """What the believed predictor got: rounds of predictions, None for none, and the truth."""
    hits, scores, winner = [], defaultdict(int), 0
    for predictions, truth in rounds:
        said = predictions[winner] if winner < len(predictions) else None
        hits.append(None if said is None else said == truth)
        for d, foretold in enumerate(predictions):
            if foretold is not None and foretold == truth:
                scores[d] += 1
                winner = d if scores[d] >= scores[winner] else winner
    return score(hits)


def favourite(counts):
    return max(counts, key=lambda y: (counts[y], y))


def lag_transcribed(s):
    return contest(([s[i - d] for d in range(1, min(i, 128) + 1)], s[i]) for i in range(1, len(s)))


def multi_mcw_transcribed(s, windows):
    def common(window):
        counts = Counter(window)
        most = max(counts.values())
        return next(x for x in reversed(window) if counts[x] == most)

    places = range(windows[0], len(s))
    return contest(
        ([common(s[i - w : i]) if i >= w else None for w in windows], s[i]) for i in places
    )


def multi_mmc_transcribed(s, capacity):
    """Once a context is not known, longer ones are not looked for: NIST's order of work.

    The document looks for them; it makes a difference of one prediction, for a context at the
    very moment at which the memory of a depth is full and that of the next has one place left.
    """
    models = [defaultdict(Counter) for _ in range(16)]
    sizes = [-256] + [0] * 15

    def rounds():
        for i in range(1, len(s)):
            predictions = [None] * 16
            known = True
            for d in range(min(16, i)):
                context = tuple(s[i - d - 1 : i])
                known = known and context in models[d]
                if known:
                    predictions[d] = favourite(models[d][context])
                if known and s[i] in models[d][context]:
                    models[d][context][s[i]] += 1
                elif sizes[d] < capacity:
                    sizes[d] += 1
                    models[d][context][s[i]] += 1
            yield predictions, s[i]

    return contest(rounds())


def lz78y_transcribed(s, capacity):
    dictionary, hits = {}, []
    for i in range(16, len(s)):
        contexts = [tuple(s[i - j : i]) for j in range(16, 0, -1)]
        guess, most = None, 0
        for counts in (dictionary[c] for c in contexts if c in dictionary):
            y = favourite(counts)
            if counts[y] > most:
                guess, most = y, counts[y]
        hits.append(guess == s[i])
        for context in contexts:
            if context in dictionary:
                dictionary[context][s[i]] += 1
            elif len(dictionary) < capacity:
                dictionary[context] = Counter([s[i]])
    return score(hits[1:])


@given(streams())
@steady
def test_lag(drawn):
    symbols, alphabet = drawn
    expected = lag_transcribed(symbols.tolist())
    assert prediction.lag_symbols(symbols) == expected
    if alphabet <= 2:
        assert prediction.lag_bits(symbols) == expected


@given(streams(alphabets=(2,), longest=3000), st.integers(0, 2**32 - 1), st.floats(0, 1))
@steady
def test_lag_on_longer_bit_strings(drawn, seed, share):
    rng = np.random.default_rng(seed)
    bits = drawn[0] ^ (rng.random(len(drawn[0])) < share / 2).astype(np.uint8)
    assert prediction.lag_bits(bits) == prediction.lag_symbols(bits)


@given(streams(), st.sampled_from([(3, 5, 9, 21), (5, 15, 63, 255)]))
@steady
def test_multi_mcw(drawn, windows):
    symbols, alphabet = drawn
    expected = multi_mcw_transcribed(symbols.tolist(), windows)
    assert prediction.mcw_symbols(symbols, np.array(windows)) == expected
    if alphabet <= 2:
        assert prediction.mcw_bits(symbols, np.array(windows)) == expected


@given(streams(), st.sampled_from([3, 7, 20, 37, 64, 100, 301, 100_000]))
@steady
def test_multi_mmc(drawn, capacity):
    symbols, alphabet = drawn
    memory = multi_mmc.memory(len(symbols), capacity)
    found = multi_mmc.play_symbols(symbols, capacity, *memory)
    assert found == multi_mmc_transcribed(symbols.tolist(), capacity)
    if alphabet <= 2:
        assert multi_mmc.play_bits(symbols) == multi_mmc_transcribed(symbols.tolist(), 100_000)


@pytest.mark.parametrize("length", [3, 64, 65, 32_769, 700_001])
def test_multi_mmc_on_bits_of_which_all_contexts_are_met(length):
    """Then, and until then, as on symbols; also where the last third is predictable."""
    rng = np.random.default_rng(length)
    noise = rng.integers(0, 2, length, dtype=np.uint8)
    for bits in (noise, np.where(np.arange(length) < 2 * length // 3, noise, noise[:1])):
        memory = multi_mmc.memory(length, multi_mmc.CAPACITY)
        expected = multi_mmc.play_symbols(bits, multi_mmc.CAPACITY, *memory)
        assert multi_mmc.play_bits(bits) == expected


@given(streams(), st.sampled_from([5, 16, 17, 31, 40, 100, 301, 1000, 65_536]))
@steady
def test_lz78y(drawn, capacity):
    """Small dictionaries end within a step, with the longer part of its contexts only."""
    symbols, alphabet = drawn
    expected = lz78y_transcribed(symbols.tolist(), capacity)
    assert lz78y.play(symbols, alphabet, capacity) == expected


@given(streams(longest=150), st.sampled_from([1, 3, 1000]))
@steady
def test_tuples_are_counted_as_they_are(drawn, at_once):
    symbols, alphabet = drawn
    n = len(symbols)
    prefixes = tuples.common_prefixes(symbols, alphabet)
    assert np.array_equal(prefixes, tuples.long_prefixes(symbols))
    top = int(prefixes.max())
    for low in range(0, top, at_once):
        most, pairs = tuples.tally(prefixes, low, min(top, low + at_once))
        for j in range(1, len(most)):
            length = low + j
            places = range(n - length + 1)
            counts = Counter(symbols[i : i + length].tobytes() for i in places).values()
            assert most[j] == max(counts)
            assert pairs[j] == sum(c * (c - 1) // 2 for c in counts)
    assert len({symbols[i : i + top + 1].tobytes() for i in range(n - top)}) == n - top


@pytest.mark.parametrize("width", range(1, 9))
def test_words_and_suffix_array_see_the_same(width):
    symbols = np.random.default_rng(width).integers(0, 1 << width, 50_000, dtype=np.uint8)
    symbols[-(40 // width) :] = 0
    short = tuples.short_prefixes(symbols, width)
    assert np.array_equal(short, tuples.long_prefixes(symbols))


def test_repeats_of_64_bits_are_left_to_the_suffix_array():
    bits = np.random.default_rng(0).integers(0, 2, 1000, dtype=np.uint8)
    for length, seen in ((63, True), (64, False)):
        copied = bits.copy()
        copied[500 : 500 + length] = copied[:length]
        copied[500 + length] = 1 - copied[length]
        assert (tuples.short_prefixes(copied, 1) is not None) == seen


def test_t_tuple_and_lrs_of_a_stream_in_two_equal_halves():
    """Of length t there are n/2 - t + 1 pairs of equal tuples; chance adds only to short ones."""
    n = 20_000
    half = np.random.default_rng(0).integers(0, 256, n // 2, dtype=np.uint8)
    _, repeated = tuples.tuples(np.concatenate([half, half]), 256)
    lengths = range(10, n // 2 + 1)
    p = max(((n // 2 - t + 1) / math.comb(n - t + 1, 2)) ** (1 / t) for t in lengths)
    assert repeated == pytest.approx(-math.log2(counting.upper_bound(p, n)), rel=1e-12)


# estimators of bits


def expected_collision(p):
    """Step 7 of 6.3.2 as the document has it, with the incomplete gamma function of step 8."""
    q = 1 - p
    f = special.gammaincc(3, 1 / q) * special.gamma(3) * q**3 * math.exp(1 / q)
    tilt = (1 / p - 1 / q) / 2
    return p / q**2 * (1 + tilt) * f - p / q * tilt


@given(streams(alphabets=(2,)))
@steady
def test_collision(drawn):
    bits = drawn[0].tolist()
    times, i = [], 0

    def collides(j):
        return bits[j] in bits[i:j]

    while (wait := next(filter(collides, range(i + 1, len(bits))), None)) is not None:
        times.append(wait - i + 1)
        i = wait + 1
    found = counting.collision(drawn[0])
    if len(times) < 2:
        assert found is None
        return
    low = np.mean(times) - counting.Z * np.std(times, ddof=1) / math.sqrt(len(times))
    if low >= 2.5:
        assert found == 1
    elif low <= 2.01:
        assert found <= counting.bits(0.99)
    else:
        p = optimize.brentq(lambda p: expected_collision(p) - low, 0.5, 0.996)
        assert found == pytest.approx(counting.bits(p), abs=1e-7)


@given(streams(alphabets=(1, 2)))
@steady
def test_markov(drawn):
    bits = drawn[0].tolist()
    moves, starts, states = (
        Counter(itertools.pairwise(bits)),
        Counter(bits[:-1]),
        Counter(bits),
    )
    likeliest = 0.0
    for path in ("0" * 128, "01" * 64, "0" + "1" * 127, "1" + "0" * 127, "10" * 64, "1" * 128):
        steps = [int(c) for c in path]
        p = states[steps[0]] / len(bits)
        for move in itertools.pairwise(steps):
            p *= moves[move] / max(1, starts[move[0]])
        likeliest = max(likeliest, p)
    expected = min(1, counting.bits(likeliest) / 128) if likeliest > 0 else 1
    assert counting.markov(drawn[0]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bias", [0.5, 0.6, 0.9, 0.999])
def test_compression(bias):
    """With G's double sum written out, and another way of finding its root."""
    bits = (np.random.default_rng(3).random(7208) < bias).astype(np.uint8)
    blocks = bits[: len(bits) // 6 * 6].reshape(-1, 6) @ (1 << np.arange(6)[::-1])
    last, logs = defaultdict(int), []
    for t, block in enumerate(blocks.tolist(), 1):
        logs.append(math.log2(t - last[block]))
        last[block] = t
    logs = np.array(logs[1000:])
    size, v = len(blocks), len(logs)
    sigma = 0.5907 * math.sqrt((logs**2).sum() / (v - 1) - logs.mean() ** 2)
    low = logs.mean() - counting.Z * sigma / math.sqrt(v)
    u = np.arange(1, size + 1)

    def g(z):
        inner = np.log2(u) * z**2 * (1 - z) ** (u - 1)
        final = np.log2(u) * z * (1 - z) ** (u - 1)
        return sum(inner[: t - 1].sum() + final[t - 1] for t in range(1001, size + 1)) / v

    expected = 1.0
    if g(1 / 64) * 64 > low:
        p = optimize.brentq(lambda p: g(p) + 63 * g((1 - p) / 63) - low, 1 / 64, 1, xtol=1e-15)
        expected = -math.log2(p) / 6
    assert counting.compression(bits) == pytest.approx(expected, rel=1e-9)


# bounds


@pytest.mark.parametrize(("n", "r"), [(1000, 5), (1000, 12), (5000, 200), (100_000, 20)])
def test_the_local_bound_is_where_a_longer_run_is_missing_with_probability_099(n, r):
    """The exact probability, by the recurrence over the length of the run at hand."""
    p = prediction.local_bound(1e-6, r, n)
    state = np.zeros(r)
    state[0] = 1
    for _ in range(n):
        total = state.sum()
        state[1:] = p * state[:-1]
        state[0] = (1 - p) * total
    assert state.sum() == pytest.approx(0.99, abs=1e-4)


def test_a_predictor_without_hits_has_the_bound_of_none_in_n():
    assert prediction.prediction_bits(0, 0, 50, 256) == pytest.approx(-math.log2(1 - 0.01**0.02))
    assert prediction.prediction_bits(0, 0, 1_000_000, 256) == pytest.approx(8)
