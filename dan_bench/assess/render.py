"""An assessment as a table for a person, and as JSON for a program."""

from typing import Any

from dan_bench.assess.assessment import TAILS, Assessment, FamilyResult, WindowResult
from dan_bench.assess.reading import printable
from dan_bench.assess.words import MEANING
from dan_bench.metrics import baseline
from dan_bench.randomness.iid import IidAssessment
from dan_bench.randomness.tally import shannon_of_noise

ESTIMATES = ("assessed", "h_original", "h_bitstring")
TRACKS = ("literal", "bitstring")


def number(value: float | None) -> str:
    """Return four significant digits, all of a whole number, or a dash."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def interval(low: float | None, high: float | None) -> str:
    """Return where ideal streams lie, or a dash."""
    return "-" if low is None or high is None else f"{number(low)} to {number(high)}"


def judge(assessment: Assessment, finding: FamilyResult) -> str:
    """One finding's verdict in words."""
    if finding.p_value is None:
        return f"not judged, needs {finding.needs}"
    if finding.p_value < assessment.level:
        return "AGAINST NOISE"
    return "ok"


def table(assessment: Assessment, beside: Assessment | None = None) -> str:
    """Render an assessment as text; `beside` is that of as much of a generator's output."""
    stream = assessment.stream
    headings = [
        "family",
        "value",
        *([beside.stream.name] if beside else []),
        "95 % of noise",
        "p",
        "verdict",
    ]
    others = {f.family: f for f in beside.findings} if beside else {}
    rows = [headings]
    for finding in assessment.findings:
        other = [number(others[finding.family].value)] if beside else []
        span = interval(finding.low, finding.high)
        p_value, said = number(finding.p_value), judge(assessment, finding)
        rows.append([finding.family, number(finding.value), *other, span, p_value, said])
    windows = "; ".join(f"{len(w.symbols):,} from {w.offset:,}" for w in stream.windows)
    n, bits = stream.tally.n, assessment.bits_per_symbol
    levels = [shannon_of_noise(n, bits, level) for level in TAILS]
    span = "-" if None in levels else " to ".join(f"{level:.6f}" for level in levels)
    lines = [
        f"{printable(stream.name)}: {n:,} symbols of {bits} bit{'s' * (bits > 1)}, "
        f"{stream.tally.shannon_bits():.6f} bits of Shannon entropy each "
        f"(95 % of noise: {span})",
        f"counts and balance: of all symbols; everything else: of {windows}",
        "",
        *aligned(rows),
        "",
        *estimates(assessment),
        "",
        *explain(assessment),
    ]
    return "\n".join(lines) + "\n"


def aligned(rows: list[list[str]]) -> list[str]:
    """Lines of a table: headings, a rule, the rest; first and last column to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        padded = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *padded, row[-1]]))
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def estimates(assessment: Assessment) -> list[str]:
    """Return the table of every estimate of SP 800-90B, beside those of noise."""
    worst = worst_window(assessment)
    laws = baselines(assessment, worst)
    found = worst.min_entropy.estimators
    tracks = {track: getattr(found, track).present() for track in TRACKS}
    rows = [["SP 800-90B", *(text for track in TRACKS for text in (track, "95 % of noise")), ""]]
    for name in dict.fromkeys(name for track in tracks.values() for name in track):
        row = [name]
        for track, values in tracks.items():
            law = laws.get(f"{track}.{name}")
            span = interval(law["low"], law["high"]) if law and name in values else "-"
            row += [number(values.get(name)), span]
        rows.append([*row, ""])
    return [line.rstrip() for line in aligned(rows)]


def explain(assessment: Assessment) -> list[str]:
    """Return the verdict, and what speaks against noise and what that means."""
    judged = sum(f.p_value is not None for f in assessment.findings)
    lines = [
        f"verdict: {assessment.verdict} ({judged} families at level {assessment.level:.2g} each: "
        "1 % of noise is told to be none)"
    ]
    for finding in assessment.against:
        detail = f" ({finding.detail})" if finding.detail else ""
        lines.append(f"  {finding.family}: {MEANING[finding.family]}{detail}")
    if assessment.stream.hint:
        lines.append(f"hint: {assessment.stream.hint}")
    if assessment.iid is not None:
        lines.append(f"IID track: {of_iid(assessment.iid)}")
    return lines


def of_iid(found: IidAssessment) -> str:
    """Whether the IID track applies, in words, and why not."""
    if found.iid:
        return "nothing speaks against it"
    if found.inapplicable:
        return f"does not apply ({found.inapplicable})"
    return f"does not apply ({', '.join(found.failed) or 'no test could be run'})"


def as_json(assessment: Assessment, beside: Assessment | None = None) -> dict[str, Any]:
    """Return what docs/assess.md documents: builtin types, floats unrounded."""
    worst = worst_window(assessment)
    found: dict[str, Any] = {
        "file": assessment.stream.name,
        "bytes": assessment.stream.tally.n,
        "bits_per_symbol": assessment.bits_per_symbol,
        "verdict": assessment.verdict,
        "level": assessment.level,
        "families": {
            f.family: {
                name: value
                for name in ("p_value", "value", "low", "high", "detail", "needs")
                if (value := getattr(f, name)) not in (None, "")
            }
            for f in assessment.findings
        },
        "shannon_bits": assessment.stream.tally.shannon_bits(),
        **of_window(worst),
        "baseline": baselines(assessment, worst),
    }
    if assessment.stream.form != "bytes":
        found["form"] = assessment.stream.form
    if assessment.stream.hint:
        found["hint"] = assessment.stream.hint
    if len(assessment.looked) > 1:
        found["windows"] = [
            {
                "offset": one.window.offset,
                "bytes": len(one.window.symbols),
                **of_window(one),
            }
            for one in assessment.looked
        ]
    if assessment.iid is not None:
        found["iid"] = {
            "iid": assessment.iid.iid,
            "failed": list(assessment.iid.failed),
            **(
                {"inapplicable": assessment.iid.inapplicable} if assessment.iid.inapplicable else {}
            ),
            "tests": {
                test.name: {
                    name: list(value) if isinstance(value, tuple) else value
                    for name, value in vars(test).items()
                    if value is not None and name != "name"
                }
                for test in assessment.iid.tests
            },
        }
    if beside is not None:
        found["against"] = as_json(beside)
    return found


def worst_window(assessment: Assessment) -> WindowResult:
    """Return the window with the least min-entropy."""
    return min(assessment.looked, key=lambda one: one.min_entropy.assessed)


def of_window(one: WindowResult) -> dict[str, Any]:
    """Return what the slower tests found in a window."""
    return {
        "min_entropy": one.min_entropy.to_json(),
        "sp800_22": one.battery.to_json(),
        "linear_complexity": None if one.complexity is None else one.complexity.complexity,
    }


def baselines(assessment: Assessment, worst: WindowResult) -> dict[str, Any]:
    """Return the laws over ideal streams of the window's length, of every estimate there is."""
    bits, n = assessment.bits_per_symbol, len(worst.window.symbols)
    estimators = worst.min_entropy.estimators
    names = [*ESTIMATES]
    names += [
        f"{track}.{name}" for track in TRACKS for name in getattr(estimators, track).present()
    ]
    laws = {name: baseline.of_min_entropy(bits, name, n) for name in names}
    of_noise = {
        name: {
            "low": law.interval[0],
            "median": law.median,
            "high": law.interval[1],
            "streams": law.streams,
        }
        for name, law in laws.items()
        if law is not None
    }
    total = assessment.stream.tally.n
    low, median, high = (
        shannon_of_noise(total, bits, level) for level in (TAILS[0], 0.5, TAILS[1])
    )
    if median is None:
        return of_noise
    return {"shannon_bits": {"low": low, "median": median, "high": high}, **of_noise}
