"""Names that were asked for on the command line, held against those that there are."""

from collections.abc import Collection
from difflib import get_close_matches

from dan_bench.cli import InputError

MOST = 20
"""Names that a message suggests."""


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
    """Say what could have been asked for: parts of the config by their first word, and the like."""
    parts = sorted({name.partition(".")[0] for name in names})
    inner = "" if set(names) == set(parts) else ", and the settings in these, such as data.name"
    return f"there are {', '.join(parts)}{inner}{meant(asked, {*names, *more})}"


def meant(asked: str, names: Collection[str]) -> str:
    """Say which names are like the one that was asked for, or lie within it."""
    inner = sorted(name for name in names if asked and name.startswith(f"{asked}."))[:MOST]
    near = inner or get_close_matches(asked, names, cutoff=0.5)
    return f"; meant perhaps: {', '.join(near)}" if near else ""
