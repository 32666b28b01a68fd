"""An assessment as a table for people, and as JSON for programs."""

from typing import Any

from dan_bench.assess.advice import lanes_text, segment_table, segments_json
from dan_bench.assess.assessment import TAILS, Assessment, FamilyResult, WindowResult
from dan_bench.metrics import baseline
from dan_bench.randomness.iid import IidTest
from dan_bench.randomness.tally import shannon_of_noise
from dan_bench.tables import Column, Table, one_line, shown_width, terminal_lines

MEANING = {
    "symbol counts": "some symbols come more often than others, or all of them too evenly",
    "pair counts": "a symbol says something about the one after it",
    "bit balance": "one of the bits is more often 1, or 0, than the other, or all are too even",
    "autocorrelation": "it resembles itself a fixed number of symbols later, or hardly varies",
    "spectrum": "something in it repeats with a fixed period, or it hardly varies",
    "bit correlation": "a bit says something about the one a fixed number of bits later",
    "min-entropy": "a guesser who has seen the rest names the next symbol too often",
    "segments": "it changes along its way: some segments differ from the whole",
    "linear complexity": "a bit of its words comes from a linear recurrence (MT19937, xorshift+, "
    "a low bit of an LCG)",
    "MT19937": "it is the output of Python's random (MT19937) or of MT19937-64: their words follow "
    "from those before",
    "birthday spacings": "its words lie on a lattice (LCG, lagged Fibonacci), or repeat",
    "gaps": "a word comes again after some distances too often, or too rarely",
    "SP 800-22 frequency": "ones and zeros are not equally many",
    "SP 800-22 block_frequency": "ones and zeros are not equally many in parts of it",
    "SP 800-22 cumulative_sums": "ones or zeros are ahead for too long",
    "SP 800-22 runs": "it changes between ones and zeros too often, or too rarely",
    "SP 800-22 longest_run": "its longest runs of ones are too long, or too short",
    "SP 800-22 rank": "stretches of it depend linearly on each other",
    "SP 800-22 dft": "something in it repeats with a fixed period",
    "SP 800-22 non_overlapping_template": "some pattern of nine bits comes too often or rarely",
    "SP 800-22 overlapping_template": "runs of nine ones come too often, or too rarely",
    "SP 800-22 universal": "it can be compressed",
    "SP 800-22 approximate_entropy": "what follows a pattern of bits can be guessed",
    "SP 800-22 random_excursions": "its running sum visits some values too often, or too rarely",
    "SP 800-22 random_excursions_variant": "its running sum visits some values too often or rarely",
    "SP 800-22 serial": "some patterns of bits come more often than others",
    "SP 800-22 linear_complexity": "stretches of it come from short linear recurrences",
}
"""What it means where a family speaks against noise."""
TRACKS = ("literal", "bitstring")


def number(value: float | None) -> str:
    """Return four significant digits, all of a whole number, or a dash."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def interval(low: float | None, high: float | None) -> str:
    """Return where ideal streams lie, or a dash."""
    return "-" if low is None or high is None else f"{number(low)} to {number(high)}"


def table(assessment: Assessment, beside: Assessment | None = None) -> str:
    """Render an assessment as text, fitted to the terminal where there is one.

    `beside` is that of as much of a generator's output, shown in a column of its own.
    """
    width = shown_width()
    stream, n, bits = assessment.stream, assessment.stream.tally.n, assessment.bits_per_symbol
    windows = "; ".join(f"{len(w.symbols):,} from {w.offset:,}" for w in stream.windows)
    if seen := assessment.seen:
        symbols = sum(one.length for one in seen)
        several = "1 window" if len(seen) == 1 else f"{len(seen):,} windows together"
        windows = f"{several}; {symbols:,} symbols ({symbols / n:.4g} of all)"
    levels = [shannon_of_noise(n, bits, level) for level in TAILS]
    span = "-" if None in levels else " to ".join(f"{level:.6f}" for level in levels)
    lines = [
        f"{one_line(stream.name)}: {n:,} symbols of {bits} bit{'s' * (bits > 1)}, "
        f"{stream.tally.shannon_bits():.6f} bits of Shannon entropy each "
        f"(95 % of noise: {span})",
        f"counts and balance: of all symbols; everything else: of {windows}",
        *([f"bits assessed: {lanes_text(stream.lanes)}"] if stream.lanes else []),
        "",
        *terminal_lines(_families(assessment, beside), width),
        "",
        *terminal_lines(_estimates(assessment), width),
        "",
        *([segment_table(stream.segments)] if stream.segments else []),
        *_conclusion(assessment),
    ]
    return "\n".join(lines) + "\n"


def _families(assessment: Assessment, beside: Assessment | None) -> Table:
    found = assessment.findings
    columns = [("value", [number(f.value) for f in found])]
    if beside is not None:
        others = {f.family: number(f.value) for f in beside.findings}
        columns.append((beside.stream.name, [others[f.family] for f in found]))
    columns.append(("95 % of noise", [interval(f.low, f.high) for f in found]))
    columns.append(("p", [number(f.p_value) for f in found]))
    verdicts = [_verdict(assessment, f) for f in found]
    return _table("family", [f.family for f in found], columns, ("verdict", verdicts))


def _table(
    heading: str,
    names: list[str],
    columns: list[tuple[str, list[str]]],
    *last: tuple[str, list[str]],
) -> Table:
    """A table without the columns that are empty; the texts of `last` stand on the left."""
    kept = [(head, cells) for head, cells in columns if set(cells) != {"-"}]
    headings = [Column(heading, "left"), *(Column(head) for head, _ in kept)]
    headings += [Column(head, "left") for head, _ in last]
    cells = [names, *(cells for _, cells in (*kept, *last))]
    return Table(headings, list(zip(*cells, strict=True)))


def _verdict(assessment: Assessment, finding: FamilyResult) -> str:
    if finding.p_value is None:
        return f"not judged, needs {finding.needs}"
    return "AGAINST NOISE" if finding.p_value < assessment.level else "ok"


def _estimates(assessment: Assessment) -> Table:
    """Every estimate of SP 800-90B on the worst window, beside those of noise."""
    laws = baselines(assessment)
    estimators = assessment.worst.min_entropy.estimators
    tracks = {track: getattr(estimators, track).present() for track in TRACKS}
    names = list(dict.fromkeys(name for track in tracks.values() for name in track))
    columns = []
    for track, values in tracks.items():
        ends = [laws.get(f"{track}.{name}", {}) if name in values else {} for name in names]
        columns += [
            (track, [number(values.get(name)) for name in names]),
            ("95 % of noise", [interval(end.get("low"), end.get("high")) for end in ends]),
        ]
    return _table("SP 800-90B", names, columns)


def _conclusion(assessment: Assessment) -> list[str]:
    """The verdict, and what each family that speaks against noise means."""
    judged = sum(f.p_value is not None for f in assessment.findings)
    lines = [
        f"verdict: {assessment.verdict} ({judged} families at level {assessment.level:.2g} each: "
        "1 % of true noise is rejected)"
    ]
    for finding in assessment.against:
        detail = f" ({finding.detail})" if finding.detail else ""
        lines.append(f"  {finding.family}: {MEANING[finding.family]}{detail}")
    if assessment.stream.hint:
        lines.append(f"hint: {assessment.stream.hint}")
    if (iid := assessment.iid) is not None:
        why = iid.inapplicable or ", ".join(iid.failed) or "no test could be run"
        lines.append(
            f"IID track: {'nothing speaks against it' if iid.iid else f'does not apply ({why})'}"
        )
    return lines


def as_json(assessment: Assessment, beside: Assessment | None = None) -> dict[str, Any]:
    """Return what docs/assess.md documents: built-in types, floats unrounded."""
    found: dict[str, Any] = {
        "file": assessment.stream.name,
        "bytes": assessment.stream.tally.n,
        "bits_per_symbol": assessment.bits_per_symbol,
        "verdict": assessment.verdict,
        "level": assessment.level,
        "families": {f.family: _fields(f, "family") for f in assessment.findings},
        "shannon_bits": assessment.stream.tally.shannon_bits(),
        **_of_window(assessment.worst),
        "baseline": baselines(assessment),
    }
    if assessment.stream.form != "raw":
        found["format"] = assessment.stream.form
    if assessment.stream.lanes:
        found["lanes"] = list(assessment.stream.lanes)
    if assessment.stream.segments is not None:
        found["segments"] = segments_json(assessment.stream.segments)
    if assessment.stream.hint:
        found["hint"] = assessment.stream.hint
    if assessment.seen:
        found["windows"] = [
            {"offset": one.offset, "bytes": one.length, "p_values": one.p_values}
            for one in assessment.seen
        ]
    elif len(assessment.windows) > 1:
        found["windows"] = [
            {"offset": one.window.offset, "bytes": len(one.window.symbols), **_of_window(one)}
            for one in assessment.windows
        ]
    if (iid := assessment.iid) is not None:
        found["iid"] = {
            "iid": iid.iid,
            "failed": list(iid.failed),
            **({"inapplicable": iid.inapplicable} if iid.inapplicable else {}),
            "tests": {test.name: _fields(test, "name") for test in iid.tests},
        }
    if beside is not None:
        found["against"] = as_json(beside)
    return found


def _fields(result: FamilyResult | IidTest, name: str) -> dict[str, Any]:
    """What a test found, by name; what is absent, and the test's own name, left out."""
    given = vars(result).items()
    return {key: value for key, value in given if key != name and value not in (None, "")}


def _of_window(one: WindowResult) -> dict[str, Any]:
    return {
        "min_entropy": one.min_entropy.to_json(),
        "sp800_22": one.battery.to_json(),
        "linear_complexity": None if one.complexity is None else one.complexity.complexity,
    }


def baselines(assessment: Assessment) -> dict[str, Any]:
    """Return the laws over ideal streams as long as the worst window, of every estimate run."""
    bits, worst = assessment.bits_per_symbol, assessment.worst
    n, estimators = len(worst.window.symbols), worst.min_entropy.estimators
    found: dict[str, Any] = {}
    total = assessment.stream.tally.n
    ends = [shannon_of_noise(total, bits, level) for level in (TAILS[0], 0.5, TAILS[1])]
    if None not in ends:
        found["shannon_bits"] = dict(zip(("low", "median", "high"), ends, strict=True))
    run = [f"{track}.{name}" for track in TRACKS for name in getattr(estimators, track).present()]
    for name in ("assessed", "h_original", "h_bitstring", *run):
        law = baseline.of_min_entropy(bits, name, n)
        if law is not None:
            low, high = law.interval
            found[name] = {"low": low, "median": law.median, "high": high, "streams": law.streams}
    return found
