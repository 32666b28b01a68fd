"""`--where A=X,B=Y`: the runs that were made so, and what they are read against."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from yaml import YAMLError

from dan_bench.cli import InputError
from dan_bench.interfaces import RunRecord
from dan_bench.results.selection import meant, there_are
from dan_bench.results.values import natural, parse, same, spelled, split

ABSENT = object()
"""The value of a setting that is of no concern to a run: a control has no trainer."""
MOST = 20
"""Values that a message lists; the others are counted."""


@dataclass(frozen=True)
class Condition:
    """A setting and the value that it is to have."""

    name: str
    value: Any

    def holds(self, run: RunRecord) -> bool:
        """Return whether the run has that value."""
        return same(setting(run, self.name), self.value)


def conditions(text: str) -> list[Condition]:
    """Parse `A=X,B=Y`, the values as in an override of `train`; spaces around either are nothing.

    Raises:
        InputError: it is written otherwise, or names a setting twice.
    """
    found: dict[str, Condition] = {}
    for part in split(text):
        name, sign, written = (piece.strip() for piece in part.partition("="))
        if not (name and sign and written):
            raise InputError(f"--where: {part.strip()!r} is not of the form NAME=VALUE")
        if name in found:
            raise InputError(f"--where: {name} is given twice")
        try:
            found[name] = Condition(name, parse(written))
        except YAMLError as error:
            reason = getattr(error, "problem", None) or "not YAML"
            raise InputError(f"--where: {part.strip()!r} is not a value: {reason}") from error
    return list(found.values())


def setting(run: RunRecord, name: str) -> Any:
    """Return a setting by its dotted name, a part by its own name; None where there is none.

    `ABSENT` where a control or an untrained network lacks the whole part: it could not have it.
    """
    first, *words = name.split(".")
    if first not in run.config:
        return None if run.config["model"]["kind"] == "learned" else ABSENT
    found = run.config[first]
    for word in words:
        found = found.get(word) if isinstance(found, dict) else None
    return found["name"] if isinstance(found, dict) and "name" in found else found


def where(
    records: Sequence[RunRecord], wanted: Sequence[Condition], names: Collection[str]
) -> list[RunRecord]:
    """Return the runs of which all conditions hold, and the references beside them.

    A control or an untrained network without the part that a condition is about, such as the
    trainer, stays: trained models are read against it.

    Args:
        records: of any runs.
        wanted: the conditions.
        names: of all settings that there are.

    Raises:
        InputError: no run has such a setting, that value, or all of the values together.
    """
    for one in wanted:
        whole = one.value is None and any(name.startswith(f"{one.name}.") for name in names)
        if one.name not in names and not whole:
            raise InputError(f"--where: no {one.name!r}; {there_are(names, one.name)}")
        if not any(map(one.holds, records)):
            raise InputError(no_such_value(records, one))
    if not any(all(one.holds(run) for one in wanted) for run in records):
        asked = ",".join(f"{one.name}={spelled(one.value)}" for one in wanted)
        raise InputError(f"--where {asked}: none of the runs has all of these")
    return [
        run
        for run in records
        if all(one.holds(run) or setting(run, one.name) is ABSENT for one in wanted)
    ]


def no_such_value(records: Sequence[RunRecord], one: Condition) -> str:
    """Say which values of a setting there are."""
    found = {spelled(v) for run in records if (v := setting(run, one.name)) is not ABSENT}
    there = sorted(found, key=natural)
    values = ", ".join(there[:MOST]) + (f" and {len(there) - MOST} more" * (len(there) > MOST))
    asked = spelled(one.value)
    said = f"--where {one.name}={asked}: none of the runs has that; there are {values}"
    return said + meant(asked, found)
