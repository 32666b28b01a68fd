"""Runs in groups: those that differ in nothing but the seed, and those that were measured alike.

This is the one place that says which runs are averaged over, and what tells a method from others.
"""

import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dan_bench.cli import InputError
from dan_bench.interfaces import SCHEMA_VERSION, Estimate, RunRecord
from dan_bench.results.record import NAMED, whole_numbers

AXES = ("data", "model", "output", "objective")
"""What names a method; further settings are added where they tell methods apart."""
KINDS = tuple(NAMED)
"""Kinds of methods, in the order in which they are shown."""
MOST_NAMED = 4
"""Differences within one part of the config (as its evaluation) that a name spells out."""

CERTIFIED = "certified_destroyed"
OLD = "attacked by the old set (schema 1)"
"""What is said of records whose attackers were others, and which have no certificate."""

OF_ATTACKERS = ("attacks", "candidates", "certificate")
"""Parts of an evaluation that are others in each schema."""

SEEDS = ("seed", "data.seed")
"""Settings of a run's seed, and of that of a data set."""

Settings = Mapping[str, str]
"""A config as texts by dotted names."""


@dataclass(frozen=True)
class Method:
    """A network or control with its settings: runs that differ in nothing but the seed."""

    axes: dict[str, str]
    """What tells it from the other methods that it was grouped with."""
    runs: tuple[RunRecord, ...]
    """In the order in which they were given."""

    @property
    def section(self) -> str:
        """The data set."""
        return self.axes.get("data", "all data")

    @property
    def by_seed(self) -> tuple[RunRecord, ...]:
        """The runs in the order of their seeds."""
        return tuple(sorted(self.runs, key=seed_of))

    @property
    def kind(self) -> str:
        """One of `KINDS`; `baseline` of ideal noise, which has no runs."""
        return str(self.runs[0].config["model"]["kind"]) if self.runs else "baseline"

    @cached_property
    def seeds(self) -> int:
        """How many training seeds there are."""
        return len({seed_of(run) for run in self.runs})

    @property
    def label(self) -> str:
        """All axes but the data set."""
        return " ".join(v for axis, v in self.axes.items() if axis != "data" and v)


def group_methods(
    records: Iterable[RunRecord], group_by: Sequence[str] | None = None
) -> list[Method]:
    """Return the methods that runs are of, in the order of their first runs.

    A data set may have a seed, which is the run's unless another was given; where it is the run's,
    the data are part of what is averaged over.

    Args:
        records: of any runs.
        group_by: axes that name a method; default `AXES` and what else tells methods apart.

    Raises:
        InputError: the axes would pool runs that differ in more than the seed.
    """
    runs = list(records)
    if group_by:
        whole = settings_of(map(stated, runs))
        named = [{axis: value_of(f, axis) for axis in group_by} for f in whole]
        keys: list[object] = [tuple(axes.items()) for axes in named]
        check_axes([runs], group_by)
    else:
        bare = without_seeds(map(stated, runs))
        of = names_of({id(f): f for f in bare})
        named = [of[id(f)] for f in bare]
        keys = [id(f) for f in bare]
    groups: dict[object, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        groups[key].append(i)
    return [Method(named[of[0]], tuple(runs[i] for i in of)) for of in groups.values()]


def method_numbers(configs: Iterable[dict[str, Any]]) -> list[int]:
    """Return a number for each config; those that differ in nothing but the seed have the same."""
    numbers: dict[int, int] = {}
    bare = without_seeds(configs)
    return [numbers.setdefault(id(of), len(numbers)) for of in bare]


def stated(run: RunRecord) -> dict[str, Any]:
    """Return a run's config with what tells it from others besides.

    That is its schema version, for attackers change with it, the law of a network's noise, where a
    config names none and there was only the uniform one, and what it was trained on if that was no
    CPU: a key says nothing of it, and numbers of the one are not those of the other.
    """
    more = {"noise": "uniform"} if "noise_dim" in run.config else {}
    device = {name: str(run.provenance[name]) for name in ("device",) if name in run.provenance}
    return {**more, **run.config, "schema_version": run.schema_version, **device}


def is_old(run: RunRecord) -> bool:
    """Return whether a run was attacked by the old set, and can have no certificate."""
    return run.schema_version < SCHEMA_VERSION


def certificate_of(run: RunRecord) -> Estimate | None:
    """Return what a run certifies to be destroyed; None where no certificate was asked for.

    Where noise has fewer bits than the output, older records hold a bound that is wrong: 0 then.
    """
    found, shannon = (run.metrics.get(name) for name in (CERTIFIED, "shannon_bits"))
    if found is None or is_old(run):
        return None
    if found.details.get("bits", 0.0) > 0 and run.config["model"]["kind"] != "control":
        width = shannon.n // found.n if shannon and shannon.n and found.n else 0
        if run.costs.get("noise_bits", math.inf) < 8 * width:
            return Estimate(0.0, 0.0, 0.0, found.n)
    return found


def seed_of(run: RunRecord) -> int:
    """Return a run's seed."""
    return int(run.config["seed"])


def names_of(methods: Mapping[int, Settings]) -> dict[int, dict[str, str]]:
    """Return what names each method: `AXES`, and what else tells it from those of the same axes."""
    names = {
        i: {axis: value_of(f, axis) for axis in AXES if value_of(f, axis)}
        for i, f in methods.items()
    }
    alike: dict[str, list[int]] = defaultdict(list)
    for i, axes in names.items():
        alike[str(axes)].append(i)
    for members in alike.values():
        differ = differing([methods[i] for i in members])
        parts = Counter(key.split(".")[0] for key in differ)
        for i in members:
            for part, count in parts.items():
                keys = [key for key in differ if key.split(".")[0] == part]
                if count > MOST_NAMED:
                    values = [methods[i].get(key) for key in keys]
                    names[i][part] = f"{part} {fingerprint(values)}"
                else:
                    names[i] |= {key: f"{key}={methods[i].get(key, 'none')}" for key in keys}
    return names


def differing(settings: Sequence[Settings]) -> list[str]:
    """Return the names of the settings in which these are not all the same."""
    names = sorted({name for of in settings for name in of})
    return [name for name in names if len({of.get(name, "") for of in settings}) > 1]


def value_of(settings: Settings, axis: str) -> str:
    """Return the value of an axis: a part is known by its name."""
    return settings.get(f"{axis}.name", settings.get(axis, ""))


def fingerprint(values: Sequence[Any]) -> str:
    """Return four digits that tell one set of values from another."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:4]


def without_seeds(configs: Iterable[dict[str, Any]]) -> list[Settings]:
    """Return settings without the run's seed, and without a data set's that follows it.

    A data set's seed is one of its own where it comes with other seeds of runs too. What is equal
    is returned as one object.
    """
    bare: dict[int, tuple[int, str | None, str | None]] = {}
    """Of each part, by its id: a number of what is left of it, the run's seed and the data's."""
    numbers: dict[tuple[tuple[str, str], ...], int] = {}
    keyed: list[tuple[list[Settings], tuple[int, ...], str | None]] = []
    own: dict[tuple[int, ...], set[str | None]] = defaultdict(set)
    for parts in parts_of(configs):
        key, seed, of_data = [], None, None
        for part in parts:
            if id(part) not in bare:
                left = tuple(item for item in part.items() if item[0] not in SEEDS)
                code = numbers.setdefault(left, len(numbers))
                bare[id(part)] = code if left else -1, part.get(SEEDS[0]), part.get(SEEDS[1])
            code, here, there = bare[id(part)]
            if code >= 0:  # an empty part is none
                key.append(code)
            seed, of_data = here or seed, there or of_data
        keyed.append((parts, tuple(key), of_data))
        if of_data not in (None, seed):
            own[keyed[-1][1]].add(of_data)
    first: dict[tuple[object, ...], Settings] = {}
    found = []
    for parts, codes, of_data in keyed:
        its_own = of_data if of_data in own.get(codes, ()) else None
        if (codes, its_own) not in first:
            rest = {n: t for part in parts for n, t in part.items() if n not in SEEDS}
            first[codes, its_own] = rest if its_own is None else {**rest, SEEDS[1]: its_own}
        found.append(first[codes, its_own])
    return found


def settings_of(configs: Iterable[dict[str, Any]]) -> list[Settings]:
    """Return the settings of each config; see `parts_of`."""
    return [{n: t for part in parts for n, t in part.items()} for parts in parts_of(configs)]


def parts_of(configs: Iterable[dict[str, Any]]) -> list[list[Settings]]:
    """Return the settings of each part of each config; a part that many share is read once.

    What is one setting is one text: 1 and 1.0 are written as whichever comes first.
    """
    texts: dict[tuple[str, str], str] = {}

    def written(part: Any, name: str) -> dict[str, str]:
        same = flatten(whole_numbers(part), name)
        return {n: texts.setdefault((n, same[n]), t) for n, t in flatten(part, name).items()}

    known: dict[tuple[object, ...], tuple[Any, dict[str, str]]] = {}
    found: list[list[Settings]] = []
    for config in configs:
        parts: list[Settings] = []
        for name, part in config.items():
            same = isinstance(part, str | int | float)
            key = (name, type(part), part) if same else (name, id(part))
            of = known.get(key)
            if of is None:
                # the part itself is kept too, so that its id stays its own
                of = known[key] = part, written(part, name)
            parts.append(of[1])
        found.append(parts)
    return found


def flatten(values: Any, prefix: str = "") -> dict[str, str]:
    """Return nested containers as texts by dotted names."""
    if not isinstance(values, dict):
        return {prefix: str(values)}
    flat: dict[str, str] = {}
    for name, inner in values.items():
        flat |= flatten(inner, f"{prefix}.{name}" if prefix else name)
    return flat


def natural(text: str) -> list[str | int]:
    """Return what texts are sorted by so that their whole numbers are in order: 2 before 16."""
    parts = re.split(r"([0-9]+)", text)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


# --- what rows must not pool --------------------------------------------------------------------


def check_axes(groups: Iterable[Sequence[RunRecord]], group_by: Sequence[str]) -> None:
    """Refuse axes by which a row of one of the groups would pool more than training seeds.

    Raises:
        InputError: with the axes, and what to ask for instead.
    """
    missing: dict[str, None] = {}
    for runs in groups:
        configs = list(map(stated, runs))  # whose own parts are new objects
        rows: dict[tuple[str, ...], list[Settings]] = defaultdict(list)
        for of, bare in zip(settings_of(configs), without_seeds(configs), strict=True):
            rows[tuple(value_of(of, axis) for axis in group_by)].append(bare)
        missing |= dict.fromkeys(lacking(list(rows.values()), AXES))
    if missing:
        axes = list(dict.fromkeys([*group_by, *missing]))
        raise InputError(
            f"--group-by {','.join(group_by)}: a row would pool runs that differ in "
            f"{', '.join(missing)}, as if these were seeds; ask for --group-by {','.join(axes)}, "
            "or for a part of the runs with --where"
        )


def lacking(rows: Sequence[Sequence[Settings]], preferred: Sequence[str]) -> list[str]:
    """Return the settings that have to be added so that each row holds one method.

    Args:
        rows: the settings that each row pools; those of one method may be one object.
        preferred: parts of the config that are named before any other setting.
    """
    mixed = [list({id(of): of for of in row}.values()) for row in rows]
    mixed = [row for row in mixed if len(row) > 1]
    names = {name for row in mixed for of in row for name in of}
    parts = [f"{part}.name" if f"{part}.name" in names else part for part in preferred]
    # a part's target goes with its name, and says less
    others = sorted(names - set(parts), key=lambda name: (name.endswith("_target_"), name))
    found = []
    for name in [part for part in parts if part in names] + others:
        apart: list[list[Settings]] = []
        for row in mixed:
            by_value: dict[str | None, list[Settings]] = defaultdict(list)
            for of in row:
                by_value[of.get(name)].append(of)
            apart += by_value.values()
        if len(apart) > len(mixed):
            found.append(name.removesuffix(".name"))
        mixed = [group for group in apart if len(group) > 1]
        if not mixed:
            break
    return found


# --- how runs were measured ---------------------------------------------------------------------


def by_evaluation(records: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """Return the records by how they were measured: the newest schema first, then the commonest.

    The name of each says in what it differs from the first, whose own name says nothing; of those
    of an older schema, from the first that is as old.
    """
    texts: dict[int, str] = {}  # many records share one object
    groups: dict[tuple[int, str], list[RunRecord]] = defaultdict(list)
    for record in records:
        evaluation = record.config["evaluation"]
        if id(evaluation) not in texts:
            texts[id(evaluation)] = written(evaluation)
        groups[record.schema_version, texts[id(evaluation)]].append(record)
    ordered = sorted(groups.values(), key=lambda of: (of[0].schema_version, len(of)), reverse=True)
    as_old: dict[int, RunRecord] = {}
    named = {}
    for group in ordered:
        like = as_old.setdefault(group[0].schema_version, group[0])
        named[difference(group[0], ordered[0][0], like)] = group
    return named


def difference(one: RunRecord, first: RunRecord, as_old: RunRecord) -> str:
    """Say in what an evaluation differs: attackers, what it has not, has, has set.

    Args:
        one: a run of that evaluation.
        first: one of what it differs from.
        as_old: one of the first of its schema, which it is told from; where that is itself, what
            another set of attackers goes with is not spelled out.
    """
    like = first if one is as_old else as_old
    here, there = one.config["evaluation"], like.config["evaluation"]
    names: dict[str, list[str]] = defaultdict(list)
    for verb, name in sorted(changes(here, there)):
        if one.schema_version == like.schema_version or name.split(".")[0] not in OF_ATTACKERS:
            names[verb].append(name)
    texts = [" ".join([verb, ", ".join(of)]).strip() for verb, of in names.items()]
    versions = [one.schema_version] if one.schema_version != first.schema_version else []
    texts = [OLD] * len(versions) + texts  # the first is of the newest schema
    of = fingerprint([written(here), *versions])
    return f"evaluation {of}: {'; '.join(texts)}" if texts else ""


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
