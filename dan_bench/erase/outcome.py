"""How an erasure ended, in one word: the judgement that the report and the command share."""

from enum import IntEnum


class Outcome(IntEnum):
    """The value is the command's exit code; where several hold, the first of this order counts."""

    REFUSED = 2
    """Something named is not to be erased, or an output cannot be written: nothing was touched."""
    NOTHING = 4
    """There was nothing to overwrite, or nobody said yes: nothing was touched."""
    FAILED = 1
    """Some file was not overwritten, or not removed although that was asked for."""
    DOUBTED = 3
    """All of it was done, but not all can be vouched for, or something with data was left alone."""
    DONE = 0
    """All that was named was overwritten, verified and, if asked for, removed."""


def judged(*, failed: bool, doubted: bool) -> Outcome:
    """Return how an erasure ended that did something."""
    if failed:
        return Outcome.FAILED
    return Outcome.DOUBTED if doubted else Outcome.DONE
