"""Every claim that is judged, in the order in which it is told."""

from collections.abc import Callable, Sequence

from dan_bench.report.findings import (
    convergence,
    disk,
    fooled,
    generators,
    gone,
    gradients,
    noise,
    variants,
)
from dan_bench.report.findings.finding import Finding
from dan_bench.report.findings.runs import Material

JUDGEMENTS: Sequence[Callable[[Material], Finding]] = (
    noise.entropy_hides_collapse,
    noise.sigmoid_is_noise,
    noise.torus_is_noise,
    gone.sigmoid_destroys,
    gone.torus_destroys,
    gone.hash_is_not_gone,
    gone.noiseless_network_is_not_gone,
    gone.shannons_bound,
    gone.attacks_get_better,
    convergence.theorem_1,
    convergence.proposition_2,
    convergence.half_sigmoid,
    convergence.half_torus,
    convergence.value_sigmoid,
    convergence.value_torus,
    convergence.half_is_no_proof,
    convergence.end_to_end,
    gradients.minimax_fades,
    gradients.minimax_vanishes,
    gradients.nonsaturating_holds,
    gradients.least_squares_holds,
    gradients.wasserstein_holds,
    gradients.guide_never_vanishes,
    gradients.guide_holds,
    gradients.guide_learns_noise,
    fooled.perturbations_fool_networks_only,
    fooled.generator_fools_networks_only,
    fooled.sigmoid_fools_both,
    fooled.torus_fools_both,
    variants.infodan_keeps_more,
    variants.dcdan_half,
    variants.dcdan_noise,
    variants.dial_rises,
    variants.dial_follows,
    variants.dial_ends,
    disk.algorithm_1,
    disk.proposition_1,
    disk.table1_deep_learning,
    disk.table1_dan,
    disk.table1_album,
    generators.python_is_no_true_randomness,
)


def findings(material: Material) -> list[Finding]:
    """Judge all of them."""
    return [judge(material) for judge in JUDGEMENTS]
