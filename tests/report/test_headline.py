"""What the records come to: two sentences, a row for each pair of answers, and the picture."""

import numpy as np
import pytest
from figure_records import Bench
from figure_records import D as WIDTH
from figure_records import measured as drawn_of
from html_records import N, measured, run

from dan_bench.interfaces import Estimate
from dan_bench.report.__main__ import main
from dan_bench.report.figures.finding import finding
from dan_bench.report.headline import MOST, answers, headline, name_of

ALL, NONE = (100.0, 99.9, 100.0), (0.0, 0.0, 0.0)


def of(shannon=8.0, accuracy=0.5, dimensions=1.0, destroyed=ALL, certain=0.0):
    certificate = Estimate(certain, certain, certain, N)
    return measured(shannon, accuracy, dimensions, destroyed) | {"certified_destroyed": certificate}


def records():
    collapsed = of(7.4, 1.0, 0.05, (12.0, 11.0, 13.0))
    return [
        record
        for seed in (0, 1)
        for record in [
            run("urandom", "control", seed, of(certain=100.0)),
            run("one_time_pad", "control", seed, of(certain=100.0)),
            run("shake256", "control", seed, of(destroyed=NONE)),
            run("identity", "control", seed, of(2.0, 1.0, 0.05, NONE)),
            run("dan", "learned", seed, collapsed, output="sigmoid"),
            run("dan", "learned", seed, of()),
            run("infodan", "learned", seed, of(certain=99.5)),
        ]
    ]


def test_there_is_one_row_for_each_pair_of_answers_of_controls_and_of_networks():
    found = headline(records())
    assert {name_of(row) for row in found.methods} == {
        *("identity", "one_time_pad", "shake256", "urandom"),  # the last one fills the table
        *("dan sigmoid", "dan torus", "infodan torus"),
    }
    assert len(found.rows) <= MOST
    assert all(cell.rank is None for row in found.rows for cell in row.cells.values())


def test_more_methods_than_rows_are_told_apart_by_their_answers():
    others = [
        run(f"other{i}", "control", seed, of(certain=100.0)) for i in range(9) for seed in (0, 1)
    ]
    found = headline([*records(), *others])
    assert len(found.methods) == MOST - 1
    kinds = {(row.kind, answers(row)) for row in found.methods}
    assert len(kinds) == 6
    assert "one_time_pad" in {name_of(row) for row in found.methods}


def test_the_sentences_say_who_collapsed_who_tells_and_who_is_certified():
    noise, gone = headline(records()).sentences
    assert noise == (
        "On mnist, dan sigmoid has 7.40 of 8 bits of byte entropy but only 5.0 % of the effective "
        "dimensions of noise: it repeats a few textures, and at most 12 % of what it was given is "
        "destroyed; dan torus learns noise."
    )
    assert gone == (
        "Looking like noise does not mean that the data are gone: shake256 passes as noise and "
        "destroys at most 0 % of its input, while infodan torus passes as noise and is certified "
        "to destroy at least 99.5 %, against attackers of any power."
    )


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        (("shake256",), "gone: infodan torus passes"),
        (("shake256", "infodan"), "gone: one_time_pad passes"),
        (("infodan", "one_time_pad", "urandom"), "% of its input."),
        (("shake256", "infodan", "one_time_pad", "urandom"), "Nothing shown here passes"),
    ],
)
def test_a_clause_without_a_method_is_left_out(left_out, said):
    kept = [record for record in records() if record.config["model"]["name"] not in left_out]
    assert said in headline(kept).sentences[1]


def test_where_nothing_collapsed_it_says_how_many_learned_noise():
    kept = [record for record in records() if record.config.get("output") != "sigmoid"]
    assert headline(kept).sentences[0] == "On mnist, 2 of 2 trained networks shown look like noise."
    assert headline([]) is None


def test_the_command_prints_both_and_a_table_without_the_disk_that_nobody_looked_at(
    tmp_path, capsys
):
    bench = Bench(tmp_path)
    for record in records():
        bench.store.put(record)
    assert main(["headline", "--results", str(tmp_path), "--format", "markdown"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(" ".join(headline(records()).sentences))
    assert out.count("\n| ") == 2 + 8
    assert "gone from disk" not in out
    assert "%_dd is a bracket" in out


def test_the_picture_has_data_collapsed_output_and_noise(tmp_path):
    bench = Bench(tmp_path)
    rows = np.random.default_rng(0).integers(0, 256, (8, WIDTH), dtype=np.uint8)
    bench.put("pcg64", "control", metrics=drawn_of(8, 1))
    assert bench.draw(finding) is None
    arrays = {"inputs": rows, "samples": 255 - rows}
    record = bench.put("dan", metrics=drawn_of(7.4, 0.05), arrays=arrays)
    drawn = bench.draw(finding)
    assert drawn.keys == [record.key]
    written = str(drawn.chart.to_dict())
    assert written.count("data:image/png") == 3
    for said in ("mnist", "dan sigmoid", "7.40 bits a byte, 5.0 % of noise", "Python's random"):
        assert said in written
