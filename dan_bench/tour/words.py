"""What is said of a run: every figure from its record, every claim chosen by the figure."""

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics.baseline import Baseline, baseline
from dan_bench.report.verdicts import GONE, looks_like_noise

COLLAPSED, SPREAD = 0.5, 0.95
"""Effective dimensions below which rows are called collapsed, and above which spread out."""
PERFECT, NEARLY = 7.9, 7.0
"""Bits of entropy a byte from which on it is called all but perfect, and nearly noise."""
TWICE, KIN = 0.7, 0.3
"""Correlation of two pictures above which they are called one texture, and related."""

MEASURES = {
    "shannon_bits": ("byte entropy, bits", 1, 4),
    "joint_bits": ("joint entropy, bits a byte", 1, 4),
    "effective_dimensions": ("effective dimensions, share", 1, 4),
    "c2st_accuracy": ("best classifier, right in %", 100, 1),
    "percent_destroyed": ("data destroyed, %_dd", 1, 2),
}
"""What the tables of the tour show, under which name, times what, to how many places."""
IDEAL = {"c2st_accuracy": "50, a coin", "percent_destroyed": "100"}
"""What theory says of ideal noise where no table does."""


def value(record: RunRecord, name: str) -> float:
    """Return a metric's value, which is to be there."""
    return found(record, name).value


def found(record: RunRecord, name: str) -> Estimate:
    """Return a metric that is to be there."""
    estimate = record.metrics[name]
    assert estimate is not None, name
    return estimate


def law(record: RunRecord, name: str) -> Baseline | None:
    """Return what ideal noise of as many rows and bytes shows, where it was calibrated."""
    rows = int(record.config["evaluation"]["samples"])
    width = (found(record, "shannon_bits").n or 0) // rows
    return baseline(f"rows/{width}/{name}", rows)


def table(record: RunRecord) -> list[tuple[str, str, str]]:
    """Return rows of measure, value with its interval where it has one, and what noise shows."""
    rows = []
    for name, (heading, scale, places) in MEASURES.items():
        estimate, ideal = found(record, name), law(record, name)

        def shown(*numbers: float, scale: float = scale, places: int = places) -> str:
            first, *ends = (f"{scale * number:.{places}f}" for number in numbers)
            return f"{first} [{', '.join(ends)}]" if ends else first

        ends = (estimate.low, estimate.high)
        ours = shown(estimate.value, *(end for end in ends if end is not None))
        noise = shown(ideal.median, *ideal.interval) if ideal else IDEAL.get(name, "not known")
        rows.append((heading, ours, noise))
    return rows


def collapsed(record: RunRecord) -> bool:
    """Return whether the rows vary along so few directions that it is called a collapse."""
    return value(record, "effective_dimensions") < COLLAPSED


def of_bytes(record: RunRecord) -> str:
    """Say what the bytes alone look like."""
    bits, ideal = value(record, "shannon_bits"), law(record, "shannon_bits")
    if ideal is not None and ideal.interval[0] <= bits:
        return f"Its bytes hold {bits:.4f} of 8 bits, as ideal noise does."
    if bits >= PERFECT:
        return (
            f"Byte entropy says {bits:.3f} of 8 bits: all but perfect noise. "
            "One could stop measuring here, and publish."
        )
    if bits >= NEARLY:
        return f"Byte entropy says {bits:.2f} of 8 bits: nearly noise, if one asks nothing else."
    return f"Not even its bytes look like noise: they hold {bits:.2f} of 8 bits."


def of_rows(record: RunRecord) -> str:
    """Say what the rows as a whole look like."""
    estimate = found(record, "effective_dimensions")
    there, expected = estimate.details["dimensions"], estimate.details["expected"]
    figures = (
        f"its rows vary along {there:.0f} directions, where as many rows of true noise vary "
        f"along {expected:.0f} (a share of {estimate.value:.3f})"
    )
    if collapsed(record):
        surprise = " all the same" if value(record, "shannon_bits") >= NEARLY else ""
        bits = value(record, "joint_bits")
        return (
            f"It has collapsed{surprise}: {figures}. Taken as rows, and not as loose bytes, its "
            f"output holds at most {bits:.2f} bits a byte."
        )
    if estimate.value < SPREAD:
        return f"It has not collapsed, but falls short of noise: {figures}."
    return f"It has not collapsed: {figures}."


def of_classifiers(record: RunRecord) -> str:
    """Say whether fresh classifiers tell the output from noise."""
    estimate = found(record, "c2st_accuracy")
    if estimate.low is not None and estimate.low > 0.5:
        return (
            "A classifier with a second's schooling tells its rows from noise, and is right "
            f"{100 * estimate.value:.1f} % of the time."
        )
    return (
        "Fresh classifiers cannot tell its rows from noise: the best is right "
        f"{100 * estimate.value:.1f} % of the time, as a coin would be."
    )


def of_pictures(alike: float, of_noise: float, rows: int) -> str:
    """Say what the two pictures most alike show; `of_noise` is the same of Python's noise."""
    figures = f"the two most alike of {rows} correlate by {alike:.2f}"
    beside = f"of Python's noise the two most alike do by {of_noise:.2f}"
    if alike > TWICE:
        return f"Look at the last two: one texture, twice. {figures.capitalize()}; {beside}."
    if alike > KIN:
        return f"Look at the last two: kin, cut from one cloth. {figures.capitalize()}; {beside}."
    return f"No texture comes twice: {figures}; {beside}."


def of_data(record: RunRecord, thing: str) -> str:
    """Say what the best attacker got back."""
    estimate = found(record, "percent_destroyed")
    attack = max(estimate.details, key=lambda name: estimate.details[name])
    back = f"the best of {len(estimate.details)} attackers ({attack}) recovered"
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    if low >= GONE:
        return f"And the {thing} is gone from it, for all that was tried: {back} less than 1 %."
    if high < GONE:
        share = 100 - estimate.value
        return f"And the {thing} is still in there: {back} {share:.0f} % of what there was to know."
    return (
        f"Whether the {thing} is gone from it is unclear: {back} between {100 - high:.1f} "
        f"and {100 - low:.1f} %."
    )


def of_cure(before: RunRecord, after: RunRecord) -> str:
    """Say whether the second run is the cure of the first."""
    first, second = (value(record, "effective_dimensions") for record in (before, after))
    change = f"effective dimensions {first:.3f} before, {second:.3f} now"
    if second <= SPREAD:
        return f"No cure this time: {change}. Give it more steps."
    if not collapsed(before):
        return f"There was no collapse to cure this time: {change}."
    if looks_like_noise([after]).word == "yes":
        return f"That is the cure: {change}, and nothing measured here tells it from true noise."
    return f"That is the cure of the collapse: {change}; some measure still tells it from noise."


def of_dictionary(record: RunRecord, thing: str) -> str:
    """Say what came of running every candidate through a degenerator without fresh noise."""
    estimate = found(record, "dictionary_recovered")
    named, candidates = estimate.details["named"], estimate.details["candidates"]
    looks = looks_like_noise([record]).word == "yes"
    start = "It still looks like noise." if looks else "It does not quite look like noise."
    destroyed = value(record, "percent_destroyed")
    return (
        f"{start} But who has the network can run {candidates:,.0f} candidates through it and "
        f"compare. Asked which {thing} went in, that attacker was right {100 * named:.1f} % of "
        f"{estimate.n} times: %_dd is {destroyed:.1f}. "
        + (
            "Scrambled, not destroyed: the difference between a shredder and a lock."
            if destroyed < 100 - GONE
            else "Something did get lost on the way."
        )
    )


def of_pad(record: RunRecord, thing: str) -> str:
    """Say what became of the data under a one-time pad."""
    spent, destroyed = record.costs["noise_bits"], found(record, "percent_destroyed")
    low = destroyed.value if destroyed.low is None else destroyed.low
    named = found(record, "dictionary_recovered").details["named"]
    return (
        f"At the other end, the one-time pad spends {spent:,.0f} fresh random bits on each {thing} "
        f"and forgets them: here %_dd is {destroyed.value:.2f}, and the dictionary names "
        f"{100 * named:.1f} %. "
        + (
            "That one needs no measuring: it is Shannon's theorem (1949)."
            if low >= GONE
            else f"Shannon's theorem (1949) says 100; what was measured leaves room for {low:.1f}."
        )
    )
