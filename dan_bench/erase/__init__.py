"""Is it gone? Files overwritten where they lie, and the evidence of it.

    plan = plan_erasure(["folder"])     # what would be lost; changes nothing
    report = erase(plan, FastNoise())   # overwrite, read back, look for the old bytes

`Evidence` serves erasures by other tools: open it before, survey after.
"""

from dan_bench.erase.eraser import erase
from dan_bench.erase.evidence import Evidence, FileEvidence
from dan_bench.erase.handles import ConcurrentChange, DirectoryEntry, ErasureRefused
from dan_bench.erase.journal import pending
from dan_bench.erase.overwrite import GENERATORS, FastNoise, PythonRandomNoise, UrandomNoise
from dan_bench.erase.plan import ErasurePlan, Remark, plan_erasure
from dan_bench.erase.records import JournalState
from dan_bench.erase.removal import restore_names
from dan_bench.erase.result import Attempt, ErasureReport, FileResult, Outcome, Survey

__all__ = [
    "GENERATORS",
    "Attempt",
    "ConcurrentChange",
    "DirectoryEntry",
    "ErasurePlan",
    "ErasureRefused",
    "ErasureReport",
    "Evidence",
    "FastNoise",
    "FileEvidence",
    "FileResult",
    "JournalState",
    "Outcome",
    "PythonRandomNoise",
    "Remark",
    "Survey",
    "UrandomNoise",
    "erase",
    "pending",
    "plan_erasure",
    "restore_names",
]
