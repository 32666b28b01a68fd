"""From a part of a config to the object that it describes: a target and its arguments.

The target's own signature is the schema that the arguments are checked against. What the program
itself provides, such as the seed or the data set, a target is given where its signature names it.
"""

import inspect
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import SchemaError

from dan_bench.cli import InputError, explained, missing_extra
from dan_bench.config.schema import RENAMED, ConfigError, Part, UserPath, explain, missing


@dataclass(frozen=True)
class Component:
    """A part whose target was found and whose arguments were checked.

    Calling it calls the target; `build` does so too, and turns a refusal into a `ConfigError`.
    """

    target: Any
    arguments: dict[str, Any]
    where: str
    """Its place in the config, for messages."""

    def __call__(self, *given: Any, **provided: Any) -> Any:
        """Call the target with its arguments and these."""
        return self.target(*given, **self.arguments, **provided)

    def build(self, **provided: Any) -> Any:
        """Return the object, given those of `provided` that the target's signature names."""
        with refusals(self.where):
            return self(**asked_for(self.target, provided))


def bind(part: Part, where: str, provided: Collection[str] = ()) -> Component:
    """Find a part's target and check its arguments.

    Args:
        part: what to bind.
        where: its place in the config, for messages.
        provided: names of arguments that the program itself will give; they are not looked for.

    Raises:
        ConfigError: no such target, an argument it does not have, or a value of the wrong kind.
    """
    target = resolve(part.target, where)
    try:
        fields, schema = schema_of(target, provided)
    except (TypeError, ValueError, NameError, SchemaError) as error:
        why = str(error).splitlines()[-1].strip()
        raise ConfigError(f"{where}._target_={part.target}: no arguments fit it: {why}") from error
    if unset := "\n".join(missing(part.arguments, where)):
        raise ConfigError(unset)
    try:
        checked = schema.model_validate(part.arguments)
    except ValidationError as error:
        valid = ", ".join(fields) or "none"
        raise ConfigError(f"{explain(error, where)}\n  arguments of {where}: {valid}") from error
    given = {name: getattr(checked, name) for name in checked.model_fields_set}
    return Component(target, given, where)


def schema_of(
    target: Callable[..., Any], provided: Collection[str]
) -> tuple[Collection[str], type[BaseModel]]:
    """Return the names of a target's arguments, and a model that checks them."""
    hints = typing.get_type_hints(
        target.__init__ if inspect.isclass(target) else target, include_extras=True
    )
    hints = {name: UserPath if hint is Path else hint for name, hint in hints.items()}
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if p.default is p.empty else p.default)
        for name, p in inspect.signature(target).parameters.items()
        if name not in provided and p.kind is not p.POSITIONAL_ONLY
    }
    schema = create_model(
        "Arguments",
        __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True),
        **fields,
    )
    return fields, schema


def build(part: Part, where: str, **provided: Any) -> Any:
    """Return the object that a part describes.

    Raises:
        ConfigError: as `bind`, or the target refuses its arguments.
    """
    return bind(part, where, provided).build(**provided)


def resolve(target: str, where: str) -> Any:
    """Return what a target names, under its present name or an earlier one.

    Raises:
        ConfigError: there is no such thing.
        ModuleNotFoundError: it needs an extra of ours that is not installed.
    """
    try:
        return resolve_name(RENAMED.get(target, target))
    except (ImportError, AttributeError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and missing_extra(error):
            raise
        raise ConfigError(f"{where}._target_={target}: {error}") from error


def asked_for(target: Callable[..., Any], provided: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the provided arguments that a target's signature names."""
    parameters = inspect.signature(target).parameters
    return {name: value for name, value in provided.items() if name in parameters}


@contextmanager
def refusals(where: str) -> Iterator[None]:
    """Turn what an object raises over a config into a `ConfigError` that says where."""
    try:
        yield
    except InputError:
        raise
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{where}: {explained(error)}") from error
