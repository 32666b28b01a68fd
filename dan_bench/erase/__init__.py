"""Is it gone? Files overwritten where they lie, and the evidence of it.

    plan = plan_erasure(["folder"])     # what would be lost; changes nothing
    report = erase(plan, FastNoise())   # overwrite, read back, look for the old bytes

`Evidence` does the looking for erasures by other tools: open it before, survey after.
"""

from dan_bench.erase.eraser import erase
from dan_bench.erase.evidence import Evidence, FileEvidence, Survey
from dan_bench.erase.guard import Refused
from dan_bench.erase.handles import ConcurrentChange, DirectoryEntry
from dan_bench.erase.noise import (
    GENERATORS,
    FastNoise,
    NoiseSource,
    PythonRandomNoise,
    UrandomNoise,
)
from dan_bench.erase.plan import ErasurePlan, Remark, plan_erasure
from dan_bench.erase.result import ErasureReport, FileResult

__all__ = [
    "GENERATORS",
    "ConcurrentChange",
    "DirectoryEntry",
    "ErasurePlan",
    "ErasureReport",
    "Evidence",
    "FastNoise",
    "FileEvidence",
    "FileResult",
    "NoiseSource",
    "PythonRandomNoise",
    "Refused",
    "Remark",
    "Survey",
    "UrandomNoise",
    "erase",
    "plan_erasure",
]
