"""Runs that were measured alike: only those stand in one table, and only they are ranked."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dan_bench.interfaces import RunRecord
from dan_bench.report.leaderboard import fingerprint


def by_evaluation(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Return the records by how they were measured, the commonest first.

    The name of each says in what it differs from the first, whose own name says nothing.
    """
    texts: dict[int, str] = {}  # many records share one object
    groups: dict[str, list[RunRecord]] = defaultdict(list)
    for record in records:
        evaluation = record.config["evaluation"]
        if id(evaluation) not in texts:
            texts[id(evaluation)] = written(evaluation)
        groups[texts[id(evaluation)]].append(record)
    ordered = sorted(groups.values(), key=len, reverse=True)
    return {difference(group[0], ordered[0][0]): group for group in ordered}


def difference(one: RunRecord, other: RunRecord) -> str:
    """Say in what an evaluation differs from another: what it has not, has, and has set."""
    here, there = one.config["evaluation"], other.config["evaluation"]
    said = sorted(changes(here, there))
    if not said:
        return ""
    texts = [" ".join([verb, ", ".join(names)]).strip() for verb, names in grouped(said).items()]
    return f"evaluation {fingerprint([written(here)])}: {'; '.join(texts)}"


def changes(
    here: Mapping[str, Any], there: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield what is in one of two nested mappings and not the same in the other.

    What is missing is named once, `("without", "attacks")`; what there is more of, by its objects,
    `("with", "attacks.dictionary")`, and settings, `("", "samples=2000")`.
    """
    for name in here.keys() | there.keys():
        path, one, other = f"{prefix}{name}", here.get(name), there.get(name)
        if name not in here or (one == {} and other):
            yield "without", path
        elif name in there and written(one) == written(other):
            continue
        elif not isinstance(one, Mapping) or not isinstance(other or {}, Mapping):
            yield "", f"{path}={one}"
        elif one == {} or ("_target_" in one and not other):
            yield "with", path
        else:
            yield from changes(one, other or {}, f"{path}.")


def written(value: Any) -> str:
    """Return the text that tells a value from any other; 1 is not 1.0."""
    return json.dumps(value, sort_keys=True)


def grouped(said: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the second of each pair by the first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for verb, name in said:
        groups[verb].append(name)
    return dict(groups)
