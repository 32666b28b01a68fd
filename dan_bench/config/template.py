"""A composed config into which plain values are put, without having it composed again.

Hydra takes a fifth of a second for a config, and OmegaConf ten milliseconds to resolve one, which a
sweep of ten thousand cannot wait for. What its jobs have in common is one object in all of them.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml
from omegaconf import DictConfig, OmegaConf

REFERENCE = re.compile(r"\$\{([a-z_]\w*(?:\.[a-z_]\w*)*)\}", re.IGNORECASE)
"""An interpolation of nothing but the name of another value, from the root of the config."""
CHOICE = re.compile(r"\$\{choose:(\$\{[^{}]*\}),(\{[^{}]*\})\}")
"""One of the values of a mapping, by such a name."""
PLAIN = (str, int, float, bool, type(None))

Path = tuple[str, ...]


def choose(name: Any, values: Mapping[str, Any]) -> Any:
    """Return the value of that name, as `${choose:${output},{sigmoid: 1.0, torus: 2.0}}`.

    Of a name that has none it is the first: that the name is wrong is said where it stands.
    """
    return values.get(str(name), next(iter(values.values()), None))


OmegaConf.register_new_resolver("choose", choose, replace=True)


class Reference(NamedTuple):
    """Another value, or what is chosen by it."""

    path: Path
    values: Mapping[str, Any] | None

    def __call__(self, value: Any) -> Any:
        """Return what stands here where the other value is this one."""
        return (
            value if self.values is None or isinstance(value, dict) else choose(value, self.values)
        )


def reference(text: str) -> Reference | None:
    """Return what an interpolation refers to; None where it is of another kind."""
    chosen = CHOICE.fullmatch(text)
    name = REFERENCE.fullmatch(chosen[1] if chosen else text)
    if name is None:
        return None
    values = yaml.safe_load(chosen[2]) if chosen else None
    return Reference(tuple(name[1].split(".")), values)


class Template:
    """A composed config.

    Args:
        values: plain containers, interpolations as they stand.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self._made: dict[tuple[Any, ...], Any] = {}
        self._parts: dict[str, Any] = {}
        self._paths: dict[str, Path | None] = {}
        self._references: dict[Path, Reference] | None = None
        """Where a value is that of another; None where there are other interpolations."""
        texts = dict(interpolations(values))
        found = {path: reference(text) for path, text in texts.items()}
        references = {path: of for path, of in found.items() if of}
        followed = {".".join(path): of(self._value(of.path)) for path, of in references.items()}
        # what is in a list, is of a whole container or of nothing is left to OmegaConf
        if len(references) == len(texts) and all(
            self._path(name) and is_plain(value) for name, value in followed.items()
        ):
            self._parts, self._references = with_settings(values, followed), references

    def filled(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        """Return plain containers with these values at dotted names, and nothing to resolve.

        It is what OmegaConf makes of it. Equal parts of two results may be one object: they are
        not to be changed.
        """
        paths = [self._path(name) for name in plain]
        if self._references is None or None in paths or not all(map(is_plain, plain.values())):
            values = OmegaConf.create(copy.deepcopy(self._values))
            for name, value in plain.items():
                OmegaConf.update(values, name, value)
            return container(values)
        pairs = zip(paths, plain.values(), strict=True)
        given = {path: value for path, value in pairs if path is not None}
        followed = {
            path: of(given[of.path]) for path, of in self._references.items() if of.path in given
        }
        changed: dict[str, dict[Path, Any]] = {}
        for path, value in {**followed, **given}.items():
            changed.setdefault(path[0], {})[path] = value
        return self._parts | {first: self._part(first, of) for first, of in changed.items()}

    def _path(self, name: str) -> Path | None:
        """Return the path of a name where a plain value stands; None where there is none.

        Nor is there one where OmegaConf would do more than put the value there: at containers, at
        what contains interpolations, and at names that are new.
        """
        if name not in self._paths:
            path = tuple(name.split("."))
            self._paths[name] = None if isinstance(self._value(path), dict | list) else path
        return self._paths[name]

    def _value(self, path: Path) -> Any:
        """Return what stands at a path, interpolations as they stand; {} where nothing does."""
        found: Any = self._values
        for step in path:
            found = found.get(step, {}) if isinstance(found, dict) else {}
        return found

    def _part(self, first: str, changed: dict[Path, Any]) -> Any:
        """Return a part of the config with these values; made once for each set of them."""
        key = (first, *((path, type(value), value) for path, value in changed.items()))
        if key not in self._made:
            named = {".".join(path): value for path, value in changed.items()}
            self._made[key] = with_settings(self._parts, named)[first]
        return self._made[key]


def is_plain(value: Any) -> bool:
    """Return whether a value is put into a config as it is."""
    return type(value) in PLAIN and not ("${" in str(value) or value == "???")


def with_settings(values: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested dictionaries with these values at dotted names; the given ones stay."""
    for name, value in asked.items():
        first, _, rest = name.partition(".")
        there = values.get(first)
        inner = there if isinstance(there, dict) else {}
        if rest:
            value = with_settings(inner, {rest: value})
        elif isinstance(value, dict):
            value = {**inner, **value}
        values = {**values, first: value}
    return values


def interpolations(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield where in nested containers there are interpolations, and their texts."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from interpolations(inner, (*path, str(name)))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from interpolations(inner, (*path, str(i)))
    elif isinstance(value, str) and "${" in value:
        yield path, value


def container(values: DictConfig, resolve: bool = True) -> dict[str, Any]:
    """Return plain containers, with interpolations resolved, or as they stand."""
    plain = OmegaConf.to_container(values, resolve=resolve)
    assert isinstance(plain, dict)
    return {str(name): value for name, value in plain.items()}
