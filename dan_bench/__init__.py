"""Benchmarks for degenerative adversarial networks: is it noise, and is it gone?

    import dan_bench as db

    db.joint_bits(rows), db.sp800_22(bits), db.attack(function, rows), db.records("results")

Importing the package imports nothing heavy: each name is imported when it is first used. They are
described in docs/api.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dan_bench.api import attack, figure, records, run
    from dan_bench.assess.laboratory.assessment import assess_source
    from dan_bench.assess.laboratory.folder import source_folder
    from dan_bench.assess.windows import assess_symbols
    from dan_bench.interfaces import Estimate, RunRecord
    from dan_bench.metrics.entropy import bit_bias, effective_dimensions, joint_bits, shannon_bits
    from dan_bench.randomness.ais31 import procedure_a as ais31_procedure_a
    from dan_bench.randomness.ais31 import procedure_b as ais31_procedure_b
    from dan_bench.randomness.ais31 import t_irn as ais31_t_irn
    from dan_bench.randomness.bit_lags import strongest_bit_lag
    from dan_bench.randomness.bit_selection import lane_report, map_down
    from dan_bench.randomness.conditioning import conditioned_entropy, conditioned_output
    from dan_bench.randomness.gaps import gap_test
    from dan_bench.randomness.health import health_cutoffs, health_power, health_tests
    from dan_bench.randomness.iid import iid_tests
    from dan_bench.randomness.lanes import lane_search
    from dan_bench.randomness.linearity import linear_complexity_test
    from dan_bench.randomness.min_entropy import assess as min_entropy
    from dan_bench.randomness.mt19937 import names_mt19937
    from dan_bench.randomness.restart import restart_tests
    from dan_bench.randomness.segments import segment_report
    from dan_bench.randomness.sp800_22 import sp800_22, sp800_22_many
    from dan_bench.randomness.spacings import birthday_spacings
    from dan_bench.randomness.xorshift import names_xorshift

__version__ = "0.1.0"
__all__ = [
    "Estimate",
    "RunRecord",
    "ais31_procedure_a",
    "ais31_procedure_b",
    "ais31_t_irn",
    "assess_source",
    "assess_symbols",
    "attack",
    "birthday_spacings",
    "bit_bias",
    "conditioned_entropy",
    "conditioned_output",
    "effective_dimensions",
    "figure",
    "gap_test",
    "health_cutoffs",
    "health_power",
    "health_tests",
    "iid_tests",
    "joint_bits",
    "lane_report",
    "lane_search",
    "linear_complexity_test",
    "map_down",
    "min_entropy",
    "names_mt19937",
    "names_xorshift",
    "records",
    "restart_tests",
    "run",
    "segment_report",
    "shannon_bits",
    "source_folder",
    "sp800_22",
    "sp800_22_many",
    "strongest_bit_lag",
]
_ENTROPY = ("bit_bias", "effective_dimensions", "joint_bits", "shannon_bits")
_HOMES = {
    **dict.fromkeys(("attack", "figure", "records", "run"), "api"),
    **dict.fromkeys(("Estimate", "RunRecord"), "interfaces"),
    **dict.fromkeys(_ENTROPY, "metrics.entropy"),
    **dict.fromkeys(("conditioned_entropy", "conditioned_output"), "randomness.conditioning"),
    **dict.fromkeys(("health_cutoffs", "health_power", "health_tests"), "randomness.health"),
    **{
        f"ais31_{name}": f"randomness.ais31:{name}"
        for name in ("procedure_a", "procedure_b", "t_irn")
    },
    "assess_source": "assess.laboratory.assessment",
    "assess_symbols": "assess.windows",
    "birthday_spacings": "randomness.spacings",
    "gap_test": "randomness.gaps",
    "iid_tests": "randomness.iid",
    "lane_search": "randomness.lanes",
    **dict.fromkeys(("lane_report", "map_down"), "randomness.bit_selection"),
    "linear_complexity_test": "randomness.linearity",
    "min_entropy": "randomness.min_entropy:assess",
    "names_mt19937": "randomness.mt19937",
    "names_xorshift": "randomness.xorshift",
    "restart_tests": "randomness.restart",
    "segment_report": "randomness.segments",
    "source_folder": "assess.laboratory.folder",
    "strongest_bit_lag": "randomness.bit_lags",
    **dict.fromkeys(("sp800_22", "sp800_22_many"), "randomness.sp800_22"),
}
"""The module of each public name, and its name there where that is another one."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, other = _HOMES[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), other or name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
