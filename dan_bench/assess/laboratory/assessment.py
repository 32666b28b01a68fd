"""All that SP 800-90B asks of an entropy source, carried out on a folder."""

from dataclasses import dataclass, field
from typing import Any

from scipy import special

from dan_bench.assess import ais31
from dan_bench.assess.ais31 import PROCEDURES
from dan_bench.assess.laboratory.folder import (
    SIZES,
    SourceFolder,
    all_of,
    conditioned_layout,
    samples_of,
)
from dan_bench.interfaces import Bytes, StageCallback
from dan_bench.randomness.bit_selection import LaneReport, lane_report
from dan_bench.randomness.conditioning import (
    ConditionedOutput,
    conditioned_entropy,
    conditioned_output,
)
from dan_bench.randomness.health import HealthAssessment, health_tests
from dan_bench.randomness.health_power import FaultPower, health_power
from dan_bench.randomness.iid import IidAssessment, iid_tests
from dan_bench.randomness.min_entropy import MinEntropyAssessment, assess
from dan_bench.randomness.restart import RestartAssessment, as_matrix, most_common, restart_tests
from dan_bench.randomness.segments import LEAST, SegmentReport, segment_report
from dan_bench.statistics import binomial_tail

WANTED = 1_000_000
"""Sequential samples that the document asks for (3.1.1)."""
LEVEL = 0.01
"""Chance that the health tests of a source that has just the entropy assessed count as failed."""


@dataclass(frozen=True)
class SourceAssessment:
    """All results on one folder; what was not asked for or could not be computed is None.

    `track` is the one that the claim rests on. `non_iid` are the ten estimators on the sequential
    data, `most_common` is the one of the IID track. `iid` are the tests of the sequential data,
    where the submitter claims them to be IID; `iid_restart` the restart tests on that track, where
    the sequential data passed. `failed` says in a line each what failed, `remarks` what else a
    reader has to know.
    """

    source: SourceFolder
    samples: int
    track: str
    non_iid: MinEntropyAssessment
    most_common: MinEntropyAssessment
    restart: RestartAssessment
    iid: IidAssessment | None
    iid_restart: RestartAssessment | None
    conditioning: ConditionedOutput | None
    health: HealthAssessment | None
    power: tuple[FaultPower, ...]
    ais31: dict[str, tuple[str, dict[str, Any]]]
    lanes: LaneReport
    segments: SegmentReport | None
    failed: tuple[str, ...]
    remarks: tuple[str, ...]
    sequential_symbols: Bytes = field(repr=False)
    restart_symbols: Bytes = field(repr=False)

    @property
    def sequential(self) -> MinEntropyAssessment:
        """The estimates that the claim rests on."""
        return self.most_common if self.track == "IID" else self.non_iid

    @property
    def assessed(self) -> float | None:
        """Entropy that may be claimed, bits a sample; None where none is awarded."""
        return self.restart.assessed


def assess_source(
    source: SourceFolder, progress: StageCallback = lambda _: None
) -> SourceAssessment:
    """Carry out everything on a folder.

    The IID track counts where the submitter claims it and no IID test failed, neither of the
    sequential data nor of the rows or columns; otherwise the claim is that of the ten estimators.

    Raises:
        UnusableInput: a file cannot be read.
        ValueError: its samples cannot be used.
    """
    width, failed = source.layout.width, []
    remarks: list[str] = []
    progress("read")
    sequential = all_of(source.files["sequential"], source.layout)
    restarts = all_of(source.files["restart"], source.layout)
    as_matrix(restarts, width)  # refused before anything takes long
    conditioned = _conditioned_data(source)
    if len(sequential) < WANTED:
        remarks.append(
            f"SP 800-90B, 3.1.1, asks for {WANTED:,} sequential samples; there are "
            f"{len(sequential):,}"
        )
    non_iid = assess(sequential, width, workers=2, on_progress=_of("sequential", progress))
    common = most_common(sequential, width, bitstring=True)
    iid, iid_restart, track = None, None, "non-IID"
    if source.iid:
        iid = iid_tests(sequential, width, on_progress=_of("IID", progress), workers=2)
        if iid.iid:
            h_initial = min(common.assessed, source.h_submitter)
            iid_restart = restart_tests(
                restarts, h_initial, width, iid=True, on_progress=_of("restart", progress)
            )
            tested = (iid_restart.iid_rows, iid_restart.iid_columns)
            if not any(one is not None and not one.iid for one in tested):
                track = "IID"
        if track != "IID":
            failed.append(f"IID claim: {why_not_iid(iid, iid_restart)}; the claim is non-IID")
    if track == "IID" and iid_restart is not None:
        restart = iid_restart
    else:
        restart = restart_tests(
            restarts,
            min(non_iid.assessed, source.h_submitter),
            width,
            workers=2,
            on_progress=_of("restart", progress),
        )
    if restart.assessed is None:
        failed.append(f"restart tests: {restart.reason}")
    elif not restart.assessed:
        failed.append("entropy: it is assessed at 0")
    conditioning = _conditioning(source, restart.assessed, conditioned, progress)
    if restart.assessed and source.conditioning is not None and conditioning is None:
        failed.append("conditioning: the conditioned data have no entropy, h' is 0")
    health: HealthAssessment | None = None
    power: tuple[FaultPower, ...] = ()
    if restart.assessed:
        progress("health tests")
        health = health_tests(sequential, restart.assessed, width, alpha=source.alpha)
        power = health_power(restart.assessed, width, alpha=source.alpha, trials=100)
        p_value = health_p_value(health, restart.assessed)
        if p_value < LEVEL:
            failed.append(f"health tests: more failures than such a source has (p = {p_value:.3g})")
    procedures = _ais31(source, progress)
    for name in source.ais31:
        verdict = procedures[name][1]["verdict"]
        if verdict != "passed":
            failed.append(f"AIS 20/31, {PROCEDURES[name]}: {verdict}")
    progress("bits and segments")
    size = source.segment or max(LEAST, len(sequential) // 20)
    return SourceAssessment(
        source=source,
        samples=len(sequential),
        track=track,
        non_iid=non_iid,
        most_common=common,
        restart=restart,
        iid=iid,
        iid_restart=iid_restart,
        conditioning=conditioning,
        health=health,
        power=power,
        ais31=procedures,
        lanes=lane_report(sequential, width),
        segments=segment_report(sequential, size, width) if len(sequential) >= 2 * size else None,
        failed=tuple(failed),
        remarks=tuple(remarks),
        sequential_symbols=sequential,
        restart_symbols=restarts,
    )


def why_not_iid(iid: IidAssessment, restart: RestartAssessment | None) -> str:
    """Return which IID tests failed, on which data."""
    of = {"sequential data": iid}
    if restart is not None:
        tests = (("rows", restart.iid_rows), ("columns", restart.iid_columns))
        of |= {name: one for name, one in tests if one is not None}
    return "; ".join(
        f"{name} failed {', '.join(one.failed)}" if one.failed else f"{name}: {one.inapplicable}"
        for name, one in of.items()
        if not one.iid
    )


def health_p_value(found: HealthAssessment, h: float) -> float:
    """Return the chance that a source of entropy h shows as many failures, or so large a count.

    The number of failures is at most Poisson of mean `expected`; a run of length r begins at one of
    n samples with probability 2^(-h (r - 1)) at most. The least of four, times four: an upper end.
    """
    p, n = 2.0**-h, found.repetition.tested
    window, windows = found.cutoffs.window, found.proportion.tested
    chances = [
        float(special.gammainc(one.failures, one.expected)) if one.failures else 1.0
        for one in (found.repetition, found.proportion)
    ]
    chances.append(n * p ** (found.repetition.largest - 1))
    chances.append(windows * float(binomial_tail(found.proportion.largest - 2, window - 1, p)))
    return min(1.0, len(chances) * min(chances))


def _conditioned_data(source: SourceFolder) -> Bytes | None:
    if source.conditioning is None or "conditioned" not in source.files:
        return None
    return all_of(source.files["conditioned"], conditioned_layout(source.conditioning))


def _conditioning(
    source: SourceFolder, assessed: float | None, data: Bytes | None, progress: StageCallback
) -> ConditionedOutput | None:
    if source.conditioning is None or not assessed:
        return None
    of = source.conditioning
    h_prime = None
    if data is not None:
        progress("conditioned data")
        bits = conditioned_layout(of).width
        say = _of("conditioned", progress)
        h_prime = conditioned_entropy(data, bits, workers=2, on_progress=say).assessed
        if not h_prime:
            return None
    h_in = min(float(of["n_in"]), samples_of(of, source.layout.width) * assessed)
    n_in, n_out, nw = (of[name] for name in SIZES)
    return conditioned_output(n_in, n_out, nw, h_in, vetted=of["vetted"], h_prime=h_prime)


def _ais31(source: SourceFolder, progress: StageCallback) -> dict[str, tuple[str, dict[str, Any]]]:
    """Run the procedures: B on the noise, A and T_irn on what is put out."""
    noise = (source.files["sequential"], source.layout)
    out = noise
    if source.conditioning is not None and "conditioned" in source.files:
        out = (source.files["conditioned"], conditioned_layout(source.conditioning))
    ran = {}
    for name, shown in PROCEDURES.items():
        path, layout = noise if name == "b" else out
        say = _of(f"AIS 20/31 {shown}", progress)
        text, found, _ = ais31.run([str(path)], layout, name, say, lambda *_: None)
        ran[name] = (text, {"data": path.name, **found["ais31"][shown]})
    return ran


def _of(what: str, progress: StageCallback) -> StageCallback:
    return lambda doing: progress(f"{what}: {doing}")
