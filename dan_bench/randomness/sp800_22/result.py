"""What the tests found, as frozen dataclasses that turn into JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

Statistic: TypeAlias = float | str | Sequence[float]
ALPHA = 0.01


@dataclass(frozen=True)
class SubtestResult:
    """One test of one stream: a p-value for every sub-test, or the reason why there is none.

    `sub_tests` names the p-values (templates, states, directions) and is empty where there is one
    only. Lists among `statistics` that have the length of `p_values` run parallel to them.
    """

    p_values: tuple[float, ...] = ()
    statistics: Mapping[str, Statistic] = field(default_factory=dict)
    sub_tests: tuple[str, ...] = ()
    reason: str | None = None
    alpha: float = ALPHA

    @property
    def passed(self) -> bool | None:
        """Whether every p-value is at least alpha; None where the test was not run.

        148 templates all pass in less than a quarter of ideal streams: `family_p_value` is what
        a verdict rests on.
        """
        return min(self.p_values) >= self.alpha if self.p_values else None

    @property
    def family_p_value(self) -> float | None:
        """The smallest p-value times their number, at most 1 (Bonferroni): one for the test."""
        return min(1.0, len(self.p_values) * min(self.p_values)) if self.p_values else None

    def to_json(self) -> dict[str, Any]:
        """p_values, the statistics by name, passed and family_p_value; sub_tests where named.

        A test that was not run has the `reason` as well, and no statistics.
        """
        found: dict[str, Any] = {"p_values": list(self.p_values), **self.statistics}
        found |= {"passed": self.passed, "family_p_value": self.family_p_value}
        if self.sub_tests:
            found["sub_tests"] = list(self.sub_tests)
        if self.reason is not None:
            found["reason"] = self.reason
        return found


@dataclass(frozen=True)
class Battery:
    """The fifteen tests of SP 800-22 Rev. 1a on one stream of n bits."""

    frequency: SubtestResult
    block_frequency: SubtestResult
    cumulative_sums: SubtestResult
    runs: SubtestResult
    longest_run: SubtestResult
    rank: SubtestResult
    dft: SubtestResult
    non_overlapping_template: SubtestResult
    overlapping_template: SubtestResult
    universal: SubtestResult
    approximate_entropy: SubtestResult
    random_excursions: SubtestResult
    random_excursions_variant: SubtestResult
    serial: SubtestResult
    linear_complexity: SubtestResult
    n: int
    alpha: float = ALPHA

    @property
    def tests(self) -> dict[str, SubtestResult]:
        """The fifteen outcomes by name, in the document's order."""
        return {name: getattr(self, name) for name in TESTS}

    @property
    def worst(self) -> str | None:
        """Name of the test with the smallest family p-value; None where no test could be run."""
        ran = {name: o.family_p_value for name, o in self.tests.items() if o.p_values}
        return min(ran, key=lambda name: ran[name] or 0.0) if ran else None

    @property
    def p_value(self) -> float | None:
        """One p-value for the stream: the worst test's, times the number of tests that were run.

        At most `level` with a probability of about `level` on an ideal stream (at 0.01, 0.8 to
        1.5 % were measured at 1000 to 1,000,000 bits: the tests' own p-values are asymptotic). None
        where no test could be run.
        """
        worst = self.worst
        if worst is None:
            return None
        ran = sum(bool(o.p_values) for o in self.tests.values())
        return min(1.0, ran * (self.tests[worst].family_p_value or 0.0))

    def to_json(self) -> dict[str, Any]:
        """{test: {p_values, statistics..., passed, ...}} of builtin types, floats unrounded."""
        return {name: outcome.to_json() for name, outcome in self.tests.items()}


TESTS: tuple[str, ...] = tuple(f.name for f in fields(Battery) if f.type is SubtestResult)
