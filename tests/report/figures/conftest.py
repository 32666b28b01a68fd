"""A results folder that is filled by hand."""

import pytest
from figure_records import Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)
