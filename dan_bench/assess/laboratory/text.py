"""The report on an entropy source as text, with what each number means."""

from typing import Any

from dan_bench.assess.laboratory.assessment import SourceAssessment, health_p_value, why_not_iid
from dan_bench.assess.source_text import conditioning_text, health_text, restart_text
from dan_bench.tables import Column, Table, one_line, terminal_lines

ESTIMATES = {
    "most_common_value": "how often the commonest symbol comes",
    "collision": "how soon a bit repeats",
    "markov": "how likely the likeliest sequence of 128 bits is, each depending on the one before",
    "compression": "how far a dictionary of what came before shortens the bits",
    "t_tuple": "how often the commonest sequences come, of lengths seen 35 times or more",
    "lrs": "how often longer sequences come again",
    "multi_mcw": "how often the commonest symbol of a recent window is the next one",
    "lag": "how often the symbol some places before is the next one",
    "multi_mmc": "how often Markov models of up to 16 symbols guess the next one",
    "lz78y": "how often a dictionary of past sequences guesses the next symbol",
}
RESTART = (
    "H_I: what the restarts are held against",
    "sanity check: no symbol may come more often in a row or column than a source of H_I shows",
    "H_r, H_c: entropy of the restarts read one after the other, and sample by sample across them",
    "below H_I / 2 either would mean that restarts are more alike than the running source shows",
)
CONDITIONING = (
    "h_in: entropy of one input, its samples times the assessed entropy",
    "Output_Entropy: what is left of it in one output at most, by the sizes alone",
    "h_out: what one output may be credited with, in bits",
    "epsilon: how far the output is from full entropy",
)
HEALTH = (
    "C: a count that reaches it makes the device's health test fail",
    "failures: how often that happened in the sequential data",
    "power: how surely each test finds a source that failed in such a way",
)


def report_text(result: SourceAssessment, found: dict[str, Any]) -> str:
    """Render the report; `found` is the content of report.json."""
    source = result.source
    head = [
        f"Entropy source {one_line(source.folder.resolve().name)}, by SP 800-90B",
        f"{found['tool']}, {found['time']}",
        f"$ {one_line(found['command'])}",
    ]
    sections = [
        ("Result", _verdict(result)),
        ("Inputs", _inputs(found)),
        ("Entropy of the sequential data", _estimates(result)),
        ("Is it IID?", _iid(result)),
        ("Restart tests (3.1.4)", _restart(result)),
        ("Conditioning (3.1.5)", _conditioning(result)),
        ("Health tests (4.4)", _health(result)),
        ("AIS 20/31", _ais31(result)),
        ("Bits of a sample", _bits(result)),
        ("Segments", _segments(result)),
        ("Exports", _exports(found)),
    ]
    lines = head
    for number, (title, body) in enumerate(sections, 1):
        heading = f"{number}. {title}"
        lines += ["", "", heading, "-" * len(heading), "", *body]
    return "\n".join(line.rstrip() for line in lines)


def _verdict(result: SourceAssessment) -> list[str]:
    width = result.source.layout.width
    if result.assessed is None:
        lines = [f"NO ENTROPY IS AWARDED: {result.restart.reason}"]
    else:
        lines = [
            f"Assessed entropy: H = {result.assessed:.6f} bits a sample of {width} bits, "
            f"{result.track} track",
            "  at most 2^-H is the chance to guess a sample: the least of H_submitter and of the "
            "estimates of sequential data, rows and columns",
        ]
    lines += ["", "FAILED:" if result.failed else "Nothing failed."]
    lines += [f"  - {one_line(failure)}" for failure in result.failed]
    return lines + [f"Note: {remark}." for remark in result.remarks]


def _inputs(found: dict[str, Any]) -> list[str]:
    cells = [
        (name, one_line(of["file"]), f"{of['bytes']:,}", of["sha256"])
        for name, of in found["inputs"].items()
    ]
    heads = [Column("input", "left"), Column("file", "left"), Column("bytes")]
    return terminal_lines(Table([*heads, Column("SHA-256", "left")], cells), None)


def _estimates(result: SourceAssessment) -> list[str]:
    width, found = result.source.layout.width, result.non_iid
    literal = found.estimators.literal.present()
    of_bits = found.estimators.bitstring.present()
    cells = [
        (name, *(f"{of[name]:.6f}" if name in of else "-" for of in (literal, of_bits)), meaning)
        for name, meaning in ESTIMATES.items()
    ]
    heads = [Column("estimate", "left"), Column("bits a sample"), Column("bits a bit")]
    lines = terminal_lines(Table([*heads, Column("what it rests on", "left")], cells), None)
    h_bits = [] if found.h_bitstring is None else [f"{width} x {found.h_bitstring:.6f} (bits)"]
    non_iid = ", ".join([f"{found.h_original:.6f} (samples)", *h_bits])
    return [
        f"{result.samples:,} samples of {width} bits, all of them looked at",
        "",
        *lines,
        "",
        f"non-IID: {found.assessed:.6f} bits a sample, the least of {non_iid}",
        f"IID: {result.most_common.assessed:.6f} bits a sample, the most common value alone; "
        "it counts on the IID track only",
        f"H_submitter: {result.source.h_submitter:.6f} bits a sample, what the submitter claims",
        *(f"{name} was not computed: it needs {why}" for name, why in found.skipped.items()),
    ]


def _iid(result: SourceAssessment) -> list[str]:
    if result.iid is None:
        return ["The submitter does not claim it, so the track is non-IID; no test was run."]
    if result.track == "IID":
        tested = "sequential data, rows and columns"
        if result.restart.iid_rows is None:
            tested = "sequential data; the restarts failed before they were tested for it"
        lines = [f"Claimed, and no test speaks against it: {tested}. The IID track."]
    else:
        lines = [
            f"Claimed, but {why_not_iid(result.iid, result.iid_restart)}.",
            f"The claim is therefore the non-IID figure, {result.non_iid.assessed:.6f} bits a "
            f"sample of the sequential data, and not {result.most_common.assessed:.6f}.",
        ]
    cells = []
    for test in result.iid.tests:
        said = {True: "passed", False: "FAILED", None: f"not run: needs {test.needs}"}[test.passed]
        cells.append((test.name, "-" if test.statistic is None else f"{test.statistic:.6g}", said))
    heads = [Column("test of the sequential data", "left"), Column("statistic")]
    return [*lines, "", *terminal_lines(Table([*heads, Column("", "left")], cells), None)]


def _restart(result: SourceAssessment) -> list[str]:
    claims = {"sequential": result.sequential.assessed, "h_submitter": result.source.h_submitter}
    file = result.source.files["restart"].name
    text = restart_text(file, result.restart, claims)
    return [*text.splitlines(), "", *_meaning(RESTART)]


def _conditioning(result: SourceAssessment) -> list[str]:
    if result.source.conditioning is None:
        return ["There is none: the samples are what is put out."]
    if result.conditioning is None and result.assessed:
        return ["No entropy is left: h' of the conditioned data is 0."]
    if result.conditioning is None:
        return ["Not computed: no entropy is awarded to the noise."]
    return [*conditioning_text(result.conditioning).splitlines(), "", *_meaning(CONDITIONING)]


def _health(result: SourceAssessment) -> list[str]:
    if result.health is None or result.assessed is None:
        return ["Not computed: no entropy is awarded, from which cutoffs would follow."]
    file = result.source.files["sequential"].name
    text = health_text(result.health.cutoffs, result.power, result.health, file)
    p_value = health_p_value(result.health, result.assessed)
    judged = f"chance of as many failures or as large a count, at that entropy: p = {p_value:.3g}"
    return [*text.splitlines(), "", judged, "", *_meaning(HEALTH)]


def _ais31(result: SourceAssessment) -> list[str]:
    claimed = ", ".join(result.source.ais31) or "none"
    lines = [f"Procedures that the submitter claims, which count: {claimed}."]
    for text, _ in result.ais31.values():
        lines += ["", *text.rstrip().splitlines()]
    return lines


def _bits(result: SourceAssessment) -> list[str]:
    cells = []
    for lane in result.lanes.lanes:
        repeats = ", ".join(map(str, lane.xor_of))
        of = f"is the XOR of {repeats}, or its opposite" if repeats else ""
        cells.append((f"{lane.lane}", f"{lane.ones:.6f}", f"{lane.min_entropy:.6f}", of))
    heads = [Column("bit, 0 the lowest"), Column("share of ones"), Column("bits of entropy alone")]
    table = terminal_lines(Table([*heads, Column("", "left")], cells), None)
    return [f"Of the first {result.lanes.samples:,} samples. Nothing here is judged.", "", *table]


def _segments(result: SourceAssessment) -> list[str]:
    of = result.segments
    if of is None:
        return ["Too few samples to compare segments of them."]
    outside = [f"  from sample {one.offset:,}: {', '.join(one.outside)}" for one in of.outside]
    return [
        f"{len(of.segments)} segments of {of.size:,} samples: {len(outside)} with a value outside "
        f"of the band of independent samples (p = {of.p_value:.3g})",
        *outside,
        "  a small p means that the source drifts, or that its samples depend on each other; it is "
        "not judged",
    ]


def _exports(found: dict[str, Any]) -> list[str]:
    runs = ", ".join(f"nist-{name}.json" for name in found["nist"])
    lines = [f"{runs}: as NIST's tools write with -o"]
    if found["esv"] is None:
        return [*lines, "no metadata for the ESV server: they need esv in source.json, and entropy"]
    return [
        *lines,
        "esv-metadata.json: entropy-source-metadata-schema.json of usnistgov/ESV-Server",
    ]


def _meaning(lines: tuple[str, ...]) -> list[str]:
    return [f"  {line}" for line in lines]
