"""The law of a metric over ideal streams: tails, lengths, and how the table is made."""

import csv
import hashlib
import math

import numpy as np
import pytest
from scipy import stats

from dan_bench.metrics import baseline, calibrate
from dan_bench.metrics.baseline import LEVELS, Baseline


def law_of(values):
    quantiles = np.quantile(values, LEVELS)
    return Baseline(dict(zip(LEVELS, quantiles.tolist(), strict=True)), len(values))


def steps(uniform):
    """Scores in steps, as a longest run gives: each is reached by 1 stream in 8 of those before."""
    return 8 - 0.5 * np.floor(-np.log(uniform) / math.log(8))


LAWS = {
    "normal": stats.norm(7.2, 0.2).ppf,
    "exponential": lambda u: 7.5 + 0.2 * np.log(u),
    "uniform": lambda u: 6 + u,
    "Gumbel": lambda u: 7.2 - 0.2 * stats.gumbel_r.isf(u),
}


@pytest.mark.parametrize("quantile", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("n", [120, 3000])
def test_the_chance_of_a_low_score_is_not_understated(quantile, n):
    """At levels that a verdict may rest on, by tables of few streams and of many."""
    for level in (1e-2, 1e-3, 4e-4, 1e-5):
        found = []
        for seed in range(60):
            drawn = quantile(np.random.default_rng(seed).uniform(size=n))
            found.append(law_of(drawn).p_low(float(quantile(level))))
        assert np.mean([p >= level for p in found]) > 0.9


def test_scores_in_steps_do_not_shorten_the_tail():
    found = []
    for seed in range(40):
        drawn = steps(np.random.default_rng(seed).uniform(size=120))
        found += [(law_of(drawn).p_low(8 - 0.5 * k), 8.0**-k) for k in (4, 5, 6)]
    assert np.mean([p >= 0.5 * true for p, true in found]) > 0.9


def test_a_score_far_below_all_noise_has_no_chance():
    law = law_of(LAWS["normal"](np.random.default_rng(0).uniform(size=1000)))
    assert law.p_low(5) < 1e-3
    assert law.p_low(2) < 1e-9
    assert law.p_low(7.3) == 1
    values = np.linspace(3, 8, 200)
    chances = [law.p_low(value) for value in values]
    assert chances == sorted(chances)


def test_equal_scores_make_a_step_and_no_error():
    law = law_of(np.ones(10))
    assert law.p_low(1) == 1
    assert law.p_low(0.9) < 1e-9


@pytest.fixture
def small_table(tmp_path, monkeypatch):
    path = tmp_path / "baseline.csv"
    rows = [("m", 100, 50, 1.0), ("m", 10_000, 40, 3.0), ("alone", 1000, 9, 5.0)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["metric", "n", "streams", *(f"q{level:g}" for level in LEVELS)])
        for metric, n, streams, at in rows:
            writer.writerow([metric, n, streams, *(at + level for level in LEVELS)])
    monkeypatch.setattr(baseline, "TABLE", path)
    baseline.table.cache_clear()
    yield path
    baseline.table.cache_clear()


def test_between_two_lengths_the_law_is_linear_in_log_n(small_table):
    law = baseline.baseline("m", 1000)
    assert law.median == pytest.approx(2.5)
    assert law.interval == pytest.approx((2.025, 2.975))
    assert law.streams == 40
    assert baseline.baseline("m", 100).median == pytest.approx(1.5)
    assert baseline.baseline("m", 10_000).median == pytest.approx(3.5)


def test_beyond_the_table_there_is_no_law(small_table):
    assert baseline.baseline("m", 10_500).median == pytest.approx(3.5)
    assert baseline.baseline("m", 10_501) is None
    assert baseline.baseline("m", 99) is None
    assert baseline.baseline("no such", 1000) is None
    assert baseline.longer("m", 0) == 100
    assert baseline.longer("m", 100) == 10_000


def test_nothing_is_interpolated_across_a_jump(small_table):
    assert baseline.baseline("m", 1999, jump=2000).median == pytest.approx(1.5)
    assert baseline.baseline("m", 2000, jump=2000) is None
    assert baseline.baseline("m", 9999, jump=2000) is None
    assert baseline.baseline("m", 10_000, jump=2000).median == pytest.approx(3.5)
    assert baseline.baseline("m", 1000, jump=100).median == pytest.approx(2.5)


# the package's table


def test_the_table_has_every_width_and_length():
    table = baseline.table()
    for bits in range(1, 9):
        laws = table[f"min_entropy/{bits}/assessed"]
        assert set(laws) == set(calibrate.streams(bits))
        medians = [laws[n].median for n in sorted(laws)]
        assert all(0 < median < bits for median in medians)
        assert medians[0] < medians[-1]
    for law in (law for laws in table.values() for law in laws.values()):
        values = [law.quantiles[level] for level in LEVELS]
        assert values == sorted(values)
        assert law.streams >= 3
    assert baseline.longer("min_entropy/8/assessed", 0) == 1000


def test_a_mebibyte_is_read_against_a_megabyte():
    assert baseline.baseline("min_entropy/8/assessed", 1 << 20) is not None


@pytest.mark.parametrize("n", [1000, 10_000])
def test_the_table_is_what_ideal_streams_score(n):
    """Streams of another generator and seed lie in the interval of 95 %."""
    from dan_bench.randomness.min_entropy import assess

    law = baseline.baseline("min_entropy/8/assessed", n)
    low, high = law.interval
    rng = np.random.Generator(np.random.Philox(1))
    drawn = rng.integers(0, 256, (60, n), dtype=np.uint8)
    inside = [low <= assess(stream).assessed <= high for stream in drawn]
    assert np.mean(inside) > 0.85


@pytest.mark.parametrize(
    ("bits", "n"), [(1, 6011), (1, 6012), (1, 7300), (4, 1502), (4, 1503), (4, 1800), (6, 1001)]
)
def test_where_the_compression_estimate_begins_noise_is_still_noise(bits, n):
    """At 6,012 bits it is 0 for every stream: there is no law until it has come up."""
    from dan_bench.randomness.min_entropy import assess
    from dan_bench.randomness.min_entropy.estimators import ESTIMATORS

    (begins,) = (e.least for e in ESTIMATORS if e.names == ("compression",))
    assert begins == baseline.COMPRESSION_BITS
    law = baseline.of_min_entropy(bits, "assessed", n)
    rng = np.random.Generator(np.random.Philox(2))
    drawn = rng.integers(0, 1 << bits, (40, n), dtype=np.uint8)
    values = [assess(stream, bits).assessed for stream in drawn]
    if n * bits == begins:
        assert law is None
        assert max(values) < 0.1
    else:
        assert min(law.p_low(value) for value in values) > 1e-3
        assert np.mean([value < law.median for value in values]) == pytest.approx(0.5, abs=0.4)


# how it is made


def test_streams_are_those_of_three_generators():
    streams = [calibrate.ideal(number, 1000, "test") for number in range(6)]
    assert len({stream.tobytes() for stream in streams}) == 6
    shake = hashlib.shake_256(b"test/2").digest(1000)
    assert streams[2].tobytes() == shake
    assert all(np.bincount(stream, minlength=256).max() < 20 for stream in streams)


def test_a_rough_table_is_written_and_read_back(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(calibrate, "SYMBOLS", {1000: 4})
    monkeypatch.setattr(calibrate, "AROUND_COMPRESSION", {})
    monkeypatch.setattr(calibrate, "ROWS", {})
    out = tmp_path / "out.csv"
    assert calibrate.main(["--out", str(out)]) == 0
    rows = list(csv.DictReader(out.open()))
    wanted = {f"min_entropy/{bits}/assessed" for bits in range(1, 9)}
    assert wanted <= {row["metric"] for row in rows}
    assert {int(row["streams"]) for row in rows if "/8/" in row["metric"]} == {4}
    assert {int(row["streams"]) for row in rows if "/5/" in row["metric"]} == {3}
    assert out.name in capsys.readouterr().out


def test_samples_of_rows_are_measured():
    found = calibrate.of_rows(calibrate.Simulation(calibrate.of_rows, 1000, 1))
    names = {"shannon_bits", "bit_bias", "joint_bits", "effective_dimensions"}
    assert set(found) == {f"rows/784/{name}" for name in names}


@pytest.mark.parametrize("arguments", [["--share", "0"], ["--share", "2"], ["--workers", "0"]])
def test_a_calibration_that_cannot_be_is_refused(arguments):
    with pytest.raises(SystemExit) as ended:
        calibrate.main(arguments)
    assert ended.value.code == 2
