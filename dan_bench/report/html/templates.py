"""The templates of the page, in `assets/`."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

ASSETS = Path(__file__).parent / "assets"


@cache
def environment() -> Environment:
    """Return how templates are read: all that is put into them is escaped, unless it is markup."""
    return Environment(
        autoescape=True,
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
        loader=FileSystemLoader(ASSETS),
        undefined=StrictUndefined,
    )


def template(name: str, **values: Any) -> Template:
    """Return a template, to whose macros the values are known too."""
    return environment().get_template(name, globals=values)


@cache
def asset(name: str) -> Markup:
    """Return a style sheet or a script as it is."""
    return Markup((ASSETS / name).read_text())
