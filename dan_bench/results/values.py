"""Values as one types them: what Hydra takes `1e-3`, `null` or `[1, 2]` for, and the way back."""

import json
import re
from typing import Any

import yaml

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


def split(text: str) -> list[str]:
    """Split at the commas that stand in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"" and parts[-1].rstrip()[-1:] in ("=", "[", "{", ",", ":"):
            quote = sign
        else:
            depth += (sign in "[{") - (sign in "]}")
        if sign == "," and depth <= 0 and not quote:
            parts.append("")
        else:
            parts[-1] += sign
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


def natural(text: str) -> list[str | int]:
    """Return what texts are sorted by so that their whole numbers are in order: 2 before 16."""
    parts = re.split(r"([0-9]+)", text)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]
