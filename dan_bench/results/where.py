"""What is asked for on the command line, checked against what there is: names, `--where A=X,B=Y`.

`A=X or Y` is either. Values are written as in an override of `train`: what Hydra takes `1e-3`,
`null` or `[1, 2]` for.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from dan_bench.cli import InputError
from dan_bench.interfaces import RunRecord
from dan_bench.results.select import natural, stated

MOST = 20
"""Names or values that a message lists."""


def listed(flag: str, text: str, names: Collection[str], more: Collection[str] = ()) -> list[str]:
    """Return the names in a list such as `a,b`, each once.

    Args:
        flag: that it was given with, for messages.
        text: the list; spaces around a name are nothing.
        names: those that there are.
        more: further ones, too many to be listed in a message.

    Raises:
        InputError: one of them is not there.
    """
    asked = [name.strip() for name in text.split(",")]
    for name in asked:
        if name not in names and name not in more:
            raise InputError(f"{flag}: no {name!r}; {there_are(names, name, more)}")
    return list(dict.fromkeys(asked))


def there_are(names: Collection[str], asked: str, more: Collection[str] = ()) -> str:
    """Return what could have been asked for: the parts of the config, and names like that one."""
    parts = sorted({name.partition(".")[0] for name in names})
    inner = "" if set(names) == set(parts) else ", and the settings in these, such as data.name"
    return f"there are {', '.join(parts)}{inner}{meant(asked, {*names, *more})}"


def meant(asked: str, names: Collection[str]) -> str:
    """Return which names are like the one asked for, or lie within it."""
    inner = sorted(name for name in names if asked and name.startswith(f"{asked}."))[:MOST]
    near = inner or get_close_matches(asked, names, cutoff=0.5)
    return f"; meant perhaps: {', '.join(near)}" if near else ""


# --- values -------------------------------------------------------------------------------------

SIGNS = {*"[]{},'\""}
"""A text that holds any of these is typed in quotes."""


class Scalars(yaml.SafeLoader):
    """YAML whose bare words are what Hydra takes them for: `1e-3` is a number, `yes` a text.

    `none` is null too: that is what the tables print for a setting that a run does not have.
    """


Scalars.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"null|none|~", "nN~"),
    ("bool", r"true|false", "tTfF"),
    ("int", r"[-+]?(0|[1-9](_?\d)*)", "-+0123456789"),
    ("float", r"[-+]?(\d+\.\d*|\.\d+|\d+(?=e))(e[-+]?\d+)?", "-+.0123456789"),
):
    Scalars.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?i:{_pattern})\Z"), list(_first)
    )


def split(text: str, at: str = ",") -> list[str]:
    """Split at what stands in no brackets and no quotes: commas, or another text."""
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"" and parts[-1].rstrip()[-1:] in ("=", "[", "{", ",", ":"):
            quote = sign
        else:
            depth += (sign in "[{") - (sign in "]}")
        parts[-1] += sign
        if parts[-1].endswith(at) and depth <= 0 and not quote:
            parts[-1:] = [parts[-1].removesuffix(at), ""]
    return parts


def parse(written: str) -> Any:
    """Return a value: YAML in brackets or quotes; of anything else what the bare word means."""
    if written[0] in "[{'\"":
        return yaml.load(written, Scalars)
    loader = Scalars("")
    tag = loader.resolve(yaml.ScalarNode, written, (True, False))
    return loader.construct_object(yaml.ScalarNode(tag, written))


def spelled(value: Any) -> str:
    """Return how a value is typed, so that `parse` gives it back."""
    bare = isinstance(value, str) and value.strip() == value != "" and not SIGNS & {*value}
    if bare and parse(value) == value:
        return str(value)
    return "{...}" if isinstance(value, dict) else json.dumps(value, ensure_ascii=False)


def same(one: Any, other: Any) -> bool:
    """Return whether two values are one setting: 0 is 0.0, but not false."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


# --- conditions ---------------------------------------------------------------------------------

ABSENT = object()
"""The value of a setting that is of no concern to a run: a control has no trainer."""


@dataclass(frozen=True)
class Condition:
    """A setting and the values of which it is to have one."""

    name: str
    values: tuple[Any, ...]

    def holds(self, run: RunRecord) -> bool:
        """Return whether the run has one of the values."""
        return any(same(setting(run, self.name), value) for value in self.values)

    def __str__(self) -> str:
        return f"{self.name}={' or '.join(map(spelled, self.values))}"


def conditions(text: str) -> list[Condition]:
    """Parse `A=X,B=Y or Z`, the values as in an override of `train`; spaces around are nothing.

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
            choices = tuple(parse(each.strip()) for each in split(written, " or ") if each.strip())
            found[name] = Condition(name, choices)
        except yaml.YAMLError as error:
            reason = getattr(error, "problem", None) or "not YAML"
            raise InputError(f"--where: {part.strip()!r} is not a value: {reason}") from error
    return list(found.values())


def setting(run: RunRecord, name: str) -> Any:
    """Return a setting by its dotted name, a part by its own name; None where there is none.

    `ABSENT` where a control or an untrained network lacks the whole part: it could not have it.
    """
    first, *words = name.split(".")
    config = stated(run)
    if first not in config:
        return None if config["model"]["kind"] == "learned" else ABSENT
    found = config[first]
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
        whole = None in one.values and any(name.startswith(f"{one.name}.") for name in names)
        if one.name not in names and not whole:
            raise InputError(f"--where: no {one.name!r}; {there_are(names, one.name)}")
        if not any(map(one.holds, records)):
            raise InputError(no_such_value(records, one))
    if not any(all(one.holds(run) for one in wanted) for run in records):
        asked = ",".join(map(str, wanted))
        raise InputError(f"--where {asked}: none of the runs has all of these")
    return [
        run
        for run in records
        if all(one.holds(run) or setting(run, one.name) is ABSENT for one in wanted)
    ]


def no_such_value(records: Sequence[RunRecord], one: Condition) -> str:
    """Return the message that names the values of a setting that there are."""
    found = {spelled(v) for run in records if (v := setting(run, one.name)) is not ABSENT}
    there = sorted(found, key=natural)
    values = ", ".join(there[:MOST]) + (f" and {len(there) - MOST} more" * (len(there) > MOST))
    said = f"--where {one}: none of the runs has that; there are {values}"
    return said + meant(spelled(one.values[0]), found)
