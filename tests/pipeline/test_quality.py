"""Which of a model's runs is chosen where only the model is named."""

from html_records import measured, old, run

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.pipeline.load import quality


def of(seed: int, certain: float | None, left: float, bits: float = 7.9) -> RunRecord:
    least = None if certain is None else Estimate(certain, certain, certain)
    more = {"certified_destroyed": least, "joint_bits": Estimate(bits)}
    return run(seed=seed, metrics=measured(destroyed=(left, left, left)) | more)


def test_what_is_certain_counts_most_then_todays_attacks_then_what_they_left_then_entropy() -> None:
    worst_first = [
        old(of(0, None, 50.0)),
        old(of(1, None, 100.0)),  # nobody of today's set has tried
        of(2, None, 10.0),
        of(3, 0.0, 40.0),
        of(4, 0.0, 40.0, bits=8.0),
        of(5, 99.5, 100.0),
        of(6, 99.9, 99.0),
    ]
    shuffled = [worst_first[i] for i in (3, 0, 6, 1, 5, 2, 4)]
    assert sorted(shuffled, key=quality) == worst_first
    bare = RunRecord("k", "done", {})
    assert quality(bare) < quality(of(7, None, 0.0))
