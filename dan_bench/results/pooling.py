"""Rows that are asked for may pool training seeds, and nothing else."""

from collections.abc import Mapping, Sequence

from dan_bench.cli import InputError

Flat = Mapping[str, str]
"""A config without its seed, by dotted names."""


def lacking(rows: Sequence[Sequence[Flat]], preferred: Sequence[str]) -> list[str]:
    """Return the settings that have to be added so that each row holds one subject.

    Args:
        rows: the configs that each row pools; those of one subject may be one object.
        preferred: parts of the config that are named before any other setting.
    """
    pooled = [{id(flat): flat for flat in row} for row in rows]
    mixed = [list(row.values()) for row in pooled if len(row) > 1]
    names = {name for row in mixed for flat in row for name in flat}
    parts = [f"{part}.name" if f"{part}.name" in names else part for part in preferred]
    # a part's target goes with its name, and says less
    others = sorted(names - set(parts), key=lambda name: (name.endswith("_target_"), name))
    found = []
    for name in [part for part in parts if part in names] + others:
        apart = [group for row in mixed for group in parted(row, name)]
        if len(apart) > len(mixed):
            found.append(name.removesuffix(".name"))
        mixed = [group for group in apart if len(group) > 1]
        if not mixed:
            break
    return found


def parted(row: Sequence[Flat], name: str) -> list[list[Flat]]:
    """Return the configs by their value of a setting."""
    groups: dict[str | None, list[Flat]] = {}
    for flat in row:
        groups.setdefault(flat.get(name), []).append(flat)
    return list(groups.values())


def refuse(group_by: Sequence[str], missing: Sequence[str]) -> None:
    """Refuse rows that lack an axis.

    Raises:
        InputError: with the axes, and what to ask for instead.
    """
    if missing:
        axes = list(dict.fromkeys([*group_by, *missing]))
        raise InputError(
            f"--group-by {','.join(group_by)}: a row would pool runs that differ in "
            f"{', '.join(missing)}, as if these were seeds; ask for --group-by {','.join(axes)}, "
            "or for a part of the runs with --where"
        )
