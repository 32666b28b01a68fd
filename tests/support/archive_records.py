"""Records for tests of the cache and of archives."""

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.results.record import key_of


def exactly(records: list[RunRecord]) -> str:
    """A text that tells 1 from 1.0, -0.0 from 0.0, and one order of names from another."""
    return repr(records)


def made(seed: int, seconds: float = 1.0) -> RunRecord:
    config = {
        "model": {"name": "dan", "kind": "control", "sizes": [3, 4]},
        "data": {"name": "danoise"},
        "evaluation": {"samples": 7},
        "seed": seed,
        "lr": 1e-3,
        "n": 1,
    }
    metrics = {"a": Estimate(1.0 * seed, None, None, 7, {"b": 3, "c": 3.0}), "none": None}
    return RunRecord(key_of(config), "done", config, metrics, {"seconds": seconds})
