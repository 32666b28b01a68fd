"""What is no stream or no table is refused by every public function: what it is, and the remedy."""

import numpy as np
import pytest

import dan_bench as db
from dan_bench.cli import InputError

NOISE = np.random.default_rng(18).integers(0, 256, 30_000, dtype=np.uint8)
SYMBOLS = {
    "assess_symbols": db.assess_symbols,
    "birthday_spacings": db.birthday_spacings,
    "conditioned_entropy": db.conditioned_entropy,
    "gap_test": db.gap_test,
    "health_tests": lambda x: db.health_tests(x, 5.0),
    "iid_tests": lambda x: db.iid_tests(x, permutations=100),
    "lane_report": lambda x: db.lane_report(x, 8),
    "lane_search": db.lane_search,
    "linear_complexity_test": db.linear_complexity_test,
    "map_down": lambda x: db.map_down(x, 8, (0, 1)),
    "min_entropy": db.min_entropy,
    "names_mt19937": db.names_mt19937,
    "names_xorshift": db.names_xorshift,
    "restart_tests": lambda x: db.restart_tests(x, 1.0),
    "segment_report": lambda x: db.segment_report(x, 1000),
    "strongest_bit_lag": db.strongest_bit_lag,
}
BITS = {
    "ais31_procedure_a": lambda x: db.ais31_procedure_a(x, 8),
    "ais31_procedure_b": db.ais31_procedure_b,
    "ais31_t_irn": db.ais31_t_irn,
    "sp800_22": db.sp800_22,
}
TABLES = {
    "bit_bias": db.bit_bias,
    "effective_dimensions": db.effective_dimensions,
    "joint_bits": db.joint_bits,
    "shannon_bits": db.shannon_bits,
}
UNFIT = "is no (symbol|word) of . bits|is no bit: bits are 0 or 1"
NO_STREAM = {
    "floats": (NOISE / 2, r"array of float64 that begins with .*: round it"),
    "NaN": (np.full(9000, np.nan), "begins with .*nan"),
    "objects": (NOISE.astype(object), "array of object"),
    "text": ("0123", "1-D array of integers.*, got '0123'"),
    "strings": (np.array(["1", "2"] * 5000), "array of <U1 that begins with .*'1'"),
    "nothing": (None, "got None"),
    "one number": (np.uint8(3), "got .*3"),
    "a generator": ((x for x in (1, 2)), "got <generator"),
    "lists of different lengths": ([[1, 2], [3]], "lists of different lengths"),
    "masked": (np.ma.masked_greater(NOISE & 1, 0), r"are masked: give .compressed\(\)"),
    "three dimensions": (NOISE.reshape(10, 30, 100), r"shape \(10, 30, 100\): ravel it first"),
    "below zero": (np.arange(-1, 9999) % 2 - 1, f"-1 ({UNFIT})"),
    "wide words": (NOISE.view("<u4"), UNFIT),
    "a view of wide words": (memoryview(NOISE.view("<u8")), UNFIT),
}


@pytest.mark.parametrize("given", NO_STREAM)
@pytest.mark.parametrize("name", SYMBOLS | BITS)
def test_what_is_no_stream_is_refused(name, given):
    wrong, said = NO_STREAM[given]
    with pytest.raises(InputError, match=said):
        (SYMBOLS | BITS)[name](wrong)


@pytest.mark.parametrize("name", SYMBOLS | BITS)
def test_a_table_is_not_read_as_one_stream(name):
    """Restarts alone are a table, of 1,000 x 1,000."""
    said = "1000 x 1000" if name == "restart_tests" else "ravel it first"
    with pytest.raises(InputError, match=rf"\(300, 100\)|{said}"):
        (SYMBOLS | BITS)[name](NOISE.reshape(300, 100) & 1)


@pytest.mark.parametrize("name", BITS)
def test_bits_that_are_packed_are_refused_with_the_remedy(name):
    for packed in (NOISE, NOISE.tobytes(), bytearray(NOISE)):
        with pytest.raises(InputError, match=r"unpack\(\)"):
            BITS[name](packed)
    with pytest.raises(InputError, match=r"unpack\(\)"):
        BITS[name](bytearray(2000))  # which might be 2,000 zeros, or 16,000


@pytest.mark.parametrize("name", TABLES)
def test_what_is_no_table_is_refused(name):
    for wrong in (NOISE, NOISE.reshape(-1, 100) / 2, None, "0123"):
        with pytest.raises(InputError, match=rf"{name} needs an N x d array of uint8.*reshape"):
            TABLES[name](wrong)


@pytest.mark.parametrize("name", TABLES)
def test_rows_of_different_lengths_are_no_table(name):
    with pytest.raises(InputError, match=rf"{name} needs an N x d .*, got lists of different"):
        TABLES[name]([[1, 2, 3], [4, 5]])


def test_an_attack_refuses_rows_and_labels_of_different_lengths():
    ragged, rows = [[1, 2, 3], [4, 5]], NOISE.reshape(-1, 10)
    with pytest.raises(InputError, match="data must be N x d uint8, got lists of different"):
        db.attack(lambda x: x, ragged)
    with pytest.raises(InputError, match=r"labels must be 3000 whole .*, got lists of"):
        db.attack(lambda x: x, rows, labels=ragged)


OTHERS = (np.uint8(8), np.float32(8), np.True_, 8 + 0j, np.array([8]), np.array([1, 2]))


@pytest.mark.parametrize("width", [0, 9, 8.0, True, "8", None, *OTHERS])
def test_the_width_of_a_symbol_is_a_whole_number(width):
    for function in (db.min_entropy, db.gap_test, db.iid_tests, db.lane_search, db.assess_symbols):
        with pytest.raises(InputError, match="bits_per_symbol must lie between 1 and 8, got"):
            function(NOISE, width)


def test_one_stream_is_not_many():
    for wrong in (None, NOISE & 1, np.uint8(1)):
        with pytest.raises(InputError, match=r"one stream goes to sp800_22\(\)"):
            db.sp800_22_many(wrong)


def test_every_form_of_the_same_bytes_is_the_same_stream():
    forms = (NOISE, NOISE.tobytes(), bytearray(NOISE), memoryview(NOISE), NOISE.astype(">i8"))
    for function in (db.linear_complexity_test, db.gap_test, db.strongest_bit_lag):
        assert len({repr(function(form)) for form in (*forms, NOISE.tolist())}) == 1


class Refused:
    """An array that raises what torch's tensors do, with gradients or on other devices."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise self.error("call .detach() first")


@pytest.mark.parametrize("error", [RuntimeError, TypeError, ValueError])
def test_what_numpy_cannot_read_is_refused_with_its_reason(error):
    for function in (db.min_entropy, db.sp800_22, db.names_mt19937):
        with pytest.raises(InputError, match=r"got a Refused: call .detach\(\) first"):
            function(Refused(error))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_columns_and_no_masked_values(name):
    with pytest.raises(InputError, match=r"shape \(5000, 0\)"):
        TABLES[name](np.zeros((5000, 0), np.uint8))
    with pytest.raises(InputError, match="masked"):
        TABLES[name](np.ma.masked_greater(NOISE.reshape(-1, 10), 3))


def test_a_view_of_a_table_of_bits_is_many_streams():
    table = np.ascontiguousarray(NOISE[:20_000].reshape(20, 1000) & 1)
    assert repr(db.sp800_22_many(memoryview(table))) == repr(db.sp800_22_many(table))
