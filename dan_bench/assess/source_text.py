"""Restart tests, conditioning and health tests as text."""

from decimal import Decimal

from dan_bench.randomness.conditioning import ConditionedOutput
from dan_bench.randomness.health import HealthAssessment, HealthCutoffs
from dan_bench.randomness.health_power import LEAST, FaultPower
from dan_bench.randomness.restart import RestartAssessment
from dan_bench.tables import Column, Table, one_line, terminal_lines


def restart_text(file: str, result: RestartAssessment, claims: dict[str, float]) -> str:
    """Render restart tests."""
    sanity, decided = result.sanity, "passed" if result.sanity.passed else "FAILED"
    by_formula = "passed" if sanity.passed_by_formula else "FAILED"
    lines = [
        f"{one_line(file)}: 1,000 restarts of 1,000 samples",
        f"H_I = {result.h_initial:.6f} bits a sample, the least of "
        + ", ".join(f"{claim} {h:.6f}" for claim, h in claims.items()),
        "",
        f"sanity check: one symbol comes {sanity.x_row} times in a row and {sanity.x_column} in a "
        "column, at most",
        f"  cutoff {sanity.cutoff_exact} (exact; what NIST's tool simulates): {decided}",
        f"  cutoff {sanity.cutoff_formula} (formula of the document's text): {by_formula}",
    ]
    if sanity.cutoff_simulated is not None:
        lines.append(f"  cutoff {sanity.cutoff_simulated} (simulated)")
    lines.append("")
    if result.rows is not None and result.columns is not None:
        rows = result.rows.estimators.literal.present()
        columns = result.columns.estimators.literal.present()
        cells = [
            (name, *(f"{of[name]:.6f}" if name in of else "-" for of in (rows, columns)))
            for name in dict.fromkeys((*rows, *columns))
        ]
        cells.append(("least", f"{result.h_row:.6f}", f"{result.h_column:.6f}"))
        heads = [Column("bits a sample", "left"), Column("rows, H_r"), Column("columns, H_c")]
        lines += [*terminal_lines(Table(heads, cells), None), ""]
    for of, iid in (("rows", result.iid_rows), ("columns", result.iid_columns)):
        if iid is not None:
            against = ", ".join(iid.failed) or iid.inapplicable
            lines.append(f"IID tests of the {of}: {'passed' if iid.iid else f'FAILED: {against}'}")
    if result.assessed is None:
        lines.append(f"no entropy is awarded: {result.reason}")
    else:
        lines.append(f"assessed: min(H_r, H_c, H_I) = {result.assessed:.6f} bits a sample")
    return "\n".join(lines)


def conditioning_text(result: ConditionedOutput) -> str:
    """Render the entropy of an output, with 22 digits as NIST's tool has them."""

    def digits(value: Decimal) -> str:
        return f"{value:.22g}"

    kind = "vetted" if result.vetted else "non-vetted"
    lines = [
        f"{kind} conditioning, n_in = {result.n_in}, n_out = {result.n_out}, nw = {result.nw}, "
        f"h_in = {result.h_in:.17g}",
        f"Output_Entropy = {digits(result.exact['output_entropy'])}",
    ]
    if result.h_prime is not None:
        lines += [
            f"0.999 n_out = {digits(Decimal('0.999') * result.n_out)}",
            f"h' n_out = {result.h_prime * result.n_out:.17g} (h' = {result.h_prime:.17g})",
        ]
    lines.append(
        f"h_out = {digits(result.exact['h_out'])} bits an output (limited by {result.limit})"
    )
    exponent = result.epsilon_exponent
    lines.append(f"Output_Entropy is (1 - epsilon) n_out with epsilon = 2^-{exponent:.17g}")
    if result.full_entropy:
        lines.append(
            "full entropy (FIPS 140-3 IG D.K, resolution 19) if the component's security strength "
            f"is at least {result.n_out} bits"
        )
    return "\n".join(lines)


def health_text(
    cutoffs: HealthCutoffs,
    power: tuple[FaultPower, ...],
    result: HealthAssessment | None,
    name: str | None,
) -> str:
    """Render cutoffs, findings and power."""
    lines = [
        f"H = {cutoffs.h:g} bits a sample, alpha = {cutoffs.alpha:.4g}",
        f"Repetition Count Test: C = {cutoffs.repetition}",
        f"Adaptive Proportion Test: C = {cutoffs.proportion} of {cutoffs.window} samples "
        f"(exact: {cutoffs.proportion_exact}; a window has a false alarm with probability "
        f"{cutoffs.false_alarm:.3g} at most)",
        "",
    ]
    if result is not None:
        for test, of, unit in (
            ("Repetition Count", result.repetition, "samples"),
            ("Adaptive Proportion", result.proportion, "windows"),
        ):
            places = ", ".join(f"{place:,}" for place in of.places[:8])
            more = ", ..." if of.failures > 8 else ""
            lines.append(
                f"{one_line(name or '')}: {test} Test: {of.failures:,} failures in {of.tested:,} "
                f"{unit} (largest count {of.largest}, cutoff {of.cutoff}, at most "
                f"{of.expected:.2g} expected)" + (f", at sample {places}{more}" if places else "")
            )
        lines.append("")
    if not power:
        why = "a stuck source would have to be watched for more than a million samples"
        return "\n".join([*lines, f"Power: not computed below H = {LEAST:g}: {why}"])
    heads = [Column("failed source", "left"), Column("next sample guessed"), Column("samples")]
    heads += [Column("found by RCT"), Column("by APT"), Column("injected: RCT"), Column("APT")]
    heads += [Column("either")]
    cells = []
    for f in power:
        seen = (f.repetition_observed, f.proportion_observed, f.either_observed)
        guessed = f.repeat + (1 - f.repeat) * f.most_common
        chances = (f"{guessed:.4f}", f"{f.samples:,}", f"{f.repetition:.4f}", f"{f.proportion:.4f}")
        cells.append((f.fault, *chances, *("-" if s is None else f"{s:.2f}" for s in seen)))
    return "\n".join([*lines, *terminal_lines(Table(heads, cells), None)])
