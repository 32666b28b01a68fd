"""Benchmarks for degenerative adversarial networks: is it noise, and is it gone?

    import dan_bench as db

    db.joint_bits(rows), db.sp800_22(bits), db.attack(function, rows), db.records("results")

Importing the package imports nothing heavy: each name is imported when it is first used. They are
described in docs/api.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dan_bench.api import attack as attack
    from dan_bench.api import figure as figure
    from dan_bench.api import records as records
    from dan_bench.api import run as run
    from dan_bench.assess.laboratory.assessment import assess_source as assess_source
    from dan_bench.assess.laboratory.folder import source_folder as source_folder
    from dan_bench.assess.windows import assess_symbols as assess_symbols
    from dan_bench.interfaces import Estimate as Estimate
    from dan_bench.interfaces import RunRecord as RunRecord
    from dan_bench.metrics.entropy import bit_bias as bit_bias
    from dan_bench.metrics.entropy import effective_dimensions as effective_dimensions
    from dan_bench.metrics.entropy import joint_bits as joint_bits
    from dan_bench.metrics.entropy import shannon_bits as shannon_bits
    from dan_bench.randomness import ais31
    from dan_bench.randomness import min_entropy as estimators
    from dan_bench.randomness.bit_lags import strongest_bit_lag as strongest_bit_lag
    from dan_bench.randomness.bit_selection import lane_report as lane_report
    from dan_bench.randomness.bit_selection import map_down as map_down
    from dan_bench.randomness.conditioning import conditioned_entropy as conditioned_entropy
    from dan_bench.randomness.conditioning import conditioned_output as conditioned_output
    from dan_bench.randomness.gaps import gap_test as gap_test
    from dan_bench.randomness.health import health_cutoffs as health_cutoffs
    from dan_bench.randomness.health import health_tests as health_tests
    from dan_bench.randomness.health_power import health_power as health_power
    from dan_bench.randomness.iid import iid_tests as iid_tests
    from dan_bench.randomness.lanes import lane_search as lane_search
    from dan_bench.randomness.linearity import linear_complexity_test as linear_complexity_test
    from dan_bench.randomness.mt19937 import names_mt19937 as names_mt19937
    from dan_bench.randomness.restart import restart_tests as restart_tests
    from dan_bench.randomness.segments import segment_report as segment_report
    from dan_bench.randomness.sp800_22 import sp800_22 as sp800_22
    from dan_bench.randomness.sp800_22 import sp800_22_many as sp800_22_many
    from dan_bench.randomness.spacings import birthday_spacings as birthday_spacings
    from dan_bench.randomness.xorshift import names_xorshift as names_xorshift

    # an import under another name is not public to type checkers
    ais31_procedure_a, ais31_procedure_b = ais31.procedure_a, ais31.procedure_b
    ais31_t_irn, min_entropy = ais31.t_irn, estimators.assess

__version__ = "0.1.0"
_ENTROPY = ("bit_bias", "effective_dimensions", "joint_bits", "shannon_bits")
_HOMES = {
    **dict.fromkeys(("attack", "figure", "records", "run"), "api"),
    **dict.fromkeys(("Estimate", "RunRecord"), "interfaces"),
    **dict.fromkeys(_ENTROPY, "metrics.entropy"),
    **dict.fromkeys(("conditioned_entropy", "conditioned_output"), "randomness.conditioning"),
    **dict.fromkeys(("health_cutoffs", "health_tests"), "randomness.health"),
    "health_power": "randomness.health_power",
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
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, other = _HOMES[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), other or name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
