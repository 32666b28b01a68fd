"""Runs that were measured alike: only those stand in one table, and only they are ranked."""

import json
from collections import defaultdict
from collections.abc import Sequence

from dan_bench.records import RunRecord
from dan_bench.report.leaderboard import MOST_NAMED, fingerprint, flatten


def by_evaluation(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Return the records by how they were measured, the commonest first.

    The name of each says in what it differs from the first, whose own name says nothing.
    """
    texts: dict[int, str] = {}  # many records share one object
    groups: dict[str, list[RunRecord]] = defaultdict(list)
    for record in records:
        evaluation = record.config["evaluation"]
        if id(evaluation) not in texts:
            texts[id(evaluation)] = json.dumps(evaluation, sort_keys=True)
        groups[texts[id(evaluation)]].append(record)
    ordered = sorted(groups.values(), key=len, reverse=True)
    return {difference(group[0], ordered[0][0]): group for group in ordered}


def difference(one: RunRecord, other: RunRecord) -> str:
    """Say in what two evaluations differ: a few settings by name, and a number for all of them."""
    here, there = (flatten(record.config["evaluation"]) for record in (one, other))
    differ = [name for name in sorted(here | there) if here.get(name) != there.get(name)]
    if not differ:
        return ""
    settings = {name: here.get(name, "none") for name in differ}
    said = [f"{name}={setting}" for name, setting in settings.items()]
    more = len(said) - MOST_NAMED
    number = fingerprint(list(settings.items()))
    return (
        f"evaluation {number}: "
        + ", ".join(said[:MOST_NAMED])
        + (f" and {more} more" if more > 0 else "")
    )
