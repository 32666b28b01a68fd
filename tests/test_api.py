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
    options = ["--config-file=", "--follow-imports=silent", "-c", program]
    ended = subprocess.run(
        [sys.executable, "-m", "mypy", *options], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (revealed,) = [line for line in ended.stdout.splitlines() if "Revealed type" in line]
    assert revealed.endswith('-> dan_bench.interfaces.Estimate"')


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


def test_a_function_may_fill_one_buffer_anew_or_return_a_view():
    buffer = np.empty((len(ROWS) // 2, ROWS.shape[1]), dtype=np.uint8)

    def reusing(rows):
        np.bitwise_xor(rows, 0x55, out=buffer)
        return buffer[:, ::-1]

    def copying(rows):
        return (rows ^ 0x55)[:, ::-1].copy()

    one, other = (
        db.attack(function, ROWS, attacks=("reconstruction",)) for function in (reusing, copying)
    )
    assert one == other
    assert one["reconstruction_recovered"].value > 0.3


def test_labels_may_be_any_whole_numbers():
    classes = ROWS[:, 0] // 64
    found = [
        db.attack(lambda rows: rows, ROWS, labels=labels, attacks=("label",))
        for labels in (classes, (classes.astype(np.int64) - 2) * 10**9, classes.tolist())
    ]
    assert found[0]["label_recovered"].value > 0.2
    assert found[1] == found[0] == found[2]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"data": ROWS.astype(float)}, "uint8"),
        ({"data": ROWS[0]}, "shape"),
        ({"data": ROWS[:100]}, "rows"),
        ({"shape": (3, 5)}, "shape"),
        ({"shape": (-4, -4)}, "shape"),
        ({"labels": np.zeros(3, dtype=np.int64)}, "labels"),
        ({"labels": ROWS[:, 0] / 64}, "whole numbers"),
        ({"labels": ROWS[:, 0].astype(str)}, "whole numbers"),
        ({"labels": np.zeros(len(ROWS), dtype=np.int64)}, "all labels are equal"),
        ({"noise_bits": -1}, "noise_bits"),
        ({"noise_bits": float("nan")}, "noise_bits"),
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
