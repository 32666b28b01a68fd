"""What more than one test file needs."""

from pathlib import Path

import pytest

from dan_bench.data.mnist import Mnist

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """The real MNIST, fetched where it is missing."""
    source = Mnist(root=REPOSITORY / "datasets")
    source.prepare()
    return source
