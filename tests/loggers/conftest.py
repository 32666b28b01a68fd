"""Results with a run under wandb, and a stand-in for wandb's server."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from logged_runs import carried_out, put_table1
from wandb_server import Wandb, serving


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """What wandb leaves in the environment is gone after each test."""
    with patch.dict(os.environ):
        yield


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run, offline under wandb, with its record, and a record of Table 1."""
    folder = tmp_path_factory.mktemp("results")
    carried_out(folder, "logger=wandb", "logger.sample_steps=[]")
    put_table1(folder, 50.0)
    return folder


@pytest.fixture
def server() -> Iterator[tuple[Wandb, dict[str, str]]]:
    with serving() as found:
        yield found
