"""`import dan_bench as db`: names that are imported when they are used, and what they answer."""

import subprocess
import sys

import numpy as np
import pytest

import dan_bench as db
from dan_bench.cli import InputError

ROWS = np.random.default_rng(0).integers(0, 256, (4096, 16), dtype=np.uint8)


def test_every_public_name_is_there_and_in_the_directory():
    for name in db.__all__:
        assert getattr(db, name) is not None
        assert name in dir(db)
    with pytest.raises(AttributeError, match="no attribute 'entropy_of_everything'"):
        db.entropy_of_everything  # noqa: B018


def test_what_type_checkers_see_is_what_there_is():
    program = (
        "import dan_bench as db\nfrom typing import assert_type\n"
        "assert_type(db.records('results').empty, bool)\nreveal_type(db.joint_bits)\n"
    )
    # no config file: ours names the packages to check, which excludes a program
    options = ["--config-file=", "--follow-imports=silent", "--ignore-missing-imports"]
    ended = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "-> dan_bench.interfaces.Estimate" in ended.stdout


def test_a_fixed_key_destroys_nothing():
    found = db.attack(lambda rows: rows ^ 0x55, ROWS, noise_bits=0)
    assert found["dictionary_recovered"].value == pytest.approx(1, abs=0.01)
    assert found["percent_destroyed"].value == pytest.approx(0, abs=1)


def test_fresh_noise_destroys_everything():
    random = np.random.default_rng(1)
    found = db.attack(
        lambda rows: random.integers(0, 256, rows.shape, dtype=np.uint8),
        ROWS,
        attacks=("reconstruction",),
    )
    assert found["percent_destroyed"].value == pytest.approx(100, abs=1)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"data": ROWS.astype(float)}, "uint8"),
        ({"data": ROWS[0]}, "shape"),
        ({"data": ROWS[:100]}, "rows"),
        ({"shape": (3, 5)}, "shape"),
        ({"labels": np.zeros(3, dtype=np.int64)}, "labels"),
        ({"attacks": ("prayer",)}, "prayer"),
        ({"attacks": ()}, "attacks"),
        ({"function": lambda rows: rows[:, :3]}, "as many bytes"),
        ({"function": lambda rows: rows / 2}, "as many bytes"),
    ],
)
def test_what_cannot_be_attacked_is_named(options, named):
    given = {"function": lambda rows: rows, "data": ROWS} | options
    with pytest.raises(InputError, match=named):
        db.attack(**given)
