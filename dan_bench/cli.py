"""How every command ends: with one line on what is wrong with its input, and quietly when stopped.

Only faults of the program itself keep their traceback, and exit code 1.
"""

import errno
import functools
import gc
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import ParamSpec, TextIO

OK, FAILED, REFUSED, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141
"""Exit codes; the last two are what a shell gives a command that SIGINT or SIGPIPE ended."""
ENVIRONMENT = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO),
    *(errno.EMFILE, errno.ENFILE, errno.ENOLCK),
}
"""Errors that are the machine's even where they name no file."""
EXTRAS = {
    "train": (
        *("torch", "torchvision", "pytorch_lightning"),
        *("hydra", "omegaconf", "requests", "skimage", "soundfile", "urllib3"),
    ),
    "figures": ("altair", "jinja2", "markdown_it", "markupsafe", "vl_convert"),
    "loggers": ("wandb", "wandb_workspaces", "tensorboard"),
    "slurm": ("submitit",),
    "ray": ("ray",),
}
"""Packages that the plain installation lacks, by the extra that brings them."""

P = ParamSpec("P")


class InputError(ValueError):
    """What was given cannot be used; the message names it and says what to give instead."""


class InputTypeError(InputError, TypeError):
    """What was given is of the wrong type or shape; a TypeError too, for who expects one."""


def user_path(text: str | Path) -> Path:
    """Return a path with `~` and `$NAME` expanded, as a shell does except in `--option=~/x`.

    Raises:
        ValueError: it is empty, which pathlib takes for the folder that one is in.
    """
    if not str(text):
        raise ValueError("an empty path; the folder that you are in is `.`")
    return Path(os.path.expandvars(os.path.expanduser(text)))


user_path.__name__ = "path"  # what argparse calls it in its messages


def unusable(folder: Path) -> str:
    """Return why nothing can be written to a folder, there already or to be made; or nothing."""
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        return f"{there} is not a folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} is not writable"


def unwritable(path: Path, suffixes: tuple[str, ...]) -> str:
    """Return why no file with one of these suffixes can be written at a path; or nothing."""
    folder = path.absolute().parent
    if path.suffix.lower() not in suffixes:
        return f"the name must end in {' or '.join(suffixes)}"
    if path.is_dir():
        return "that is a folder"
    if not folder.is_dir():
        return f"there is no folder {folder}"
    return unusable(folder)


def explained(error: OSError) -> str:
    """Return an error of the operating system in one line, with the file that it is about."""
    name = error.filename  # a number is that of a handle
    about = "" if name is None or isinstance(name, int) else f"{os.fsdecode(name)}: "
    return f"{about}{error.strerror or error}"


def say(text: object) -> None:
    """Print to standard error, if that is open, has room and is read by anybody."""
    if sys.stderr is None:  # print would take standard output instead
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        drop(sys.stderr)


def drop(stream: TextIO | None) -> None:
    """Have what was printed to a stream, and could not be written, go nowhere from now on."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


def missing_extra(error: ModuleNotFoundError) -> str:
    """Return what to install where a module of one of our extras is missing, else nothing."""
    package = (error.name or "").split(".")[0]
    for extra, packages in EXTRAS.items():
        if package in packages:
            return f"{package} is not installed; type: pip install 'dan-bench[{extra}]'"
    return ""


@contextmanager
def flushed() -> Iterator[None]:
    """See to it that all is written; what cannot be is dropped, lest it raise at exit again."""
    try:
        yield
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError:
            drop(sys.stdout)
            raise


@contextmanager
def uncollected() -> Iterator[None]:
    """Switch the garbage collector off where it takes half of the time, and finds nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


HEARD: list[int] = []
"""Each Ctrl-C since `remembering_interrupts` began to listen."""


def interrupt(number: int, frame: FrameType | None) -> None:
    """Take note of a Ctrl-C, and raise KeyboardInterrupt as Python does."""
    HEARD.append(number)
    signal.default_int_handler(number, frame)


def raise_what_was_lost() -> None:
    """Raise KeyboardInterrupt again where a Ctrl-C was heard."""
    if HEARD:
        raise KeyboardInterrupt


@contextmanager
def remembering_interrupts() -> Iterator[Callable[[], None]]:
    """Yield a check that raises KeyboardInterrupt again where a Ctrl-C was lost.

    Python forgets a KeyboardInterrupt that is raised in a destructor or hook of some library. A
    loop that calls the check now and then ends all the same. Inside of another such context the
    check knows what was heard since that one began: an `entry_point` is one. Where SIGINT is
    ignored (nohup), or in a thread, nothing changes.
    """
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield raise_what_was_lost
        return
    HEARD.clear()
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield raise_what_was_lost
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        HEARD.clear()


def entry_point(main: Callable[P, int]) -> Callable[P, int]:
    """Have a command's `main` answer for what happens to it, with the exit codes above."""

    @functools.wraps(main)
    def answering(*args: P.args, **kwargs: P.kwargs) -> int:
        if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may be in no encoding
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            with remembering_interrupts(), flushed():
                return main(*args, **kwargs)
        except KeyboardInterrupt:
            return INTERRUPTED
        except InputError as error:
            say(error)
            return REFUSED
        except ModuleNotFoundError as error:
            if not (remedy := missing_extra(error)):
                raise
            say(remedy)
            return REFUSED
        except BrokenPipeError:
            return BROKEN_PIPE
        except OSError as error:
            if error.filename is None and error.errno not in ENVIRONMENT:
                raise
            say(explained(error))
            return REFUSED
        except SystemExit as ended:
            # what rich ends a program with when nobody reads it any more
            if isinstance(ended.__context__, BrokenPipeError):
                return BROKEN_PIPE
            raise
        finally:
            # Python kills itself at exit, whatever the code, after a Ctrl-C in an exec of text (of
            # which every dataclass has one), though it was caught. The next exec clears the mark.
            exec("")

    return answering
