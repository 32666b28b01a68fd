"""What more than one test file needs."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from dan_bench.data.mnist import Mnist

REPOSITORY = Path(__file__).resolve().parents[1]

# Hypothesis draws the same examples each time, so that a commit passes or not and chance has no
# say in it; `make test-all` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=500, deadline=None, print_blob=True)
settings.load_profile("same")

# Whoever runs the tests in the background may have had SIGINT ignored, which commands inherit: they
# would not hear the Ctrl-C of a test.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """The real MNIST, fetched where it is missing."""
    source = Mnist(root=REPOSITORY / "datasets")
    source.prepare()
    return source


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """What a command sets for its own process, such as wandb's folders, ends with the test."""
    before = dict(os.environ)
    os.environ.pop("COLUMNS", None)  # xdist gives its workers one, and tables are folded to it
    yield
    os.environ.clear()
    os.environ.update(before)
