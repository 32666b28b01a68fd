"""Pictures of samples: every byte is where it belongs, in its shade."""

import io
import random

import numpy as np
import pytest
from charts import mask, pictures
from figure_records import RANDOM, SIDE, D, noise, paper_run
from PIL import Image, ImageColor

from dan_bench.report.figures import write
from dan_bench.report.figures.catalogue import CATALOGUE
from dan_bench.report.figures.pictures import NOISE_SEED, SHADES, columns_for, mosaic, shape_of
from dan_bench.report.figures.samples import samples, training_samples
from dan_bench.report.figures.style import THEMES


def drawn_as(picture, mosaic_):
    """Every byte in the nearest shade, or one of two that are as near; the gaps are 0."""
    gaps = np.ma.getmaskarray(mosaic_)
    apart = np.abs(picture.astype(int) - mosaic_.filled(0).astype(int))
    assert picture.shape == mosaic_.shape
    assert set(np.unique(picture)) <= set(SHADES)
    assert apart[~gaps].max() <= 4.5
    assert not picture[gaps].any()


@pytest.mark.parametrize(
    ("name", "which"), [("after_one_pass", 0), ("after_fifteen_passes", 1), ("python_or_dan", 2)]
)
def test_the_papers_pictures_are_found_by_passes_over_the_data(bench, name, which):
    paper_run(bench, seed=0, batch_size=256)  # its steps are other numbers of passes
    assert bench.draw(CATALOGUE[name].draw) is None
    record, made = paper_run(bench, seed=1)
    figure = bench.draw(CATALOGUE[name].draw)
    assert figure.keys == [record.key]
    columns = 4 if name == "python_or_dan" else 8
    found = pictures(figure.chart.to_dict())
    drawn_as(found[-1], mosaic(made[which], (SIDE, SIDE), columns))
    if name == "python_or_dan":
        drawn = np.frombuffer(random.Random(NOISE_SEED).randbytes(8 * D), np.uint8).reshape(8, D)
        drawn_as(found[0], mosaic(drawn, (SIDE, SIDE), columns))
        assert f"random.Random({NOISE_SEED})" in figure.caption


def test_black_and_white_are_drawn_as_they_are_and_a_shade_is_near():
    assert SHADES[0] == 0
    assert SHADES[-1] == 255
    assert np.diff(SHADES.astype(int)).max() <= 9


def test_a_byte_is_a_square_of_whole_pixels_of_its_shade(bench):
    """Noise that is scaled by anything but whole pixels shows patterns that are not its own."""
    _, made = paper_run(bench)
    figure = bench.draw(CATALOGUE["after_one_pass"].draw)
    (shown,) = pictures(figure.chart.to_dict())
    margin, side = 10, 5
    for theme in THEMES.values():
        written = write.files("x", figure, theme)[f"x{theme.suffix}.png"]
        pixels = np.asarray(Image.open(io.BytesIO(written)).convert("RGB"))
        expected = mosaic(made[0], (SIDE, SIDE), 8)
        for i in range(side):
            there = pixels[margin + i :: side, margin + i :: side]
            there = there[: expected.shape[0], : expected.shape[1]]
            apart = np.abs(there - shown[..., None].astype(int))[~expected.mask]
            assert apart.max() <= 9  # a shade is 8 apart from the next, and the palette is short
            assert (there[expected.mask] == ImageColor.getrgb(theme.ground)).all()


def test_snapshots_are_drawn_a_line_a_step(bench):
    steps = np.array([1, 10, 100])
    made = RANDOM.integers(0, 256, (3, 4, D), dtype=np.uint8)
    bench.put(arrays={"snapshots": made, "snapshot_steps": steps})
    bench.put("gan", arrays={"snapshots": made[:2], "snapshot_steps": steps[:2]})
    spec = bench.spec(training_samples)
    dan, gan = pictures(spec)
    expected = mosaic(made[:, :2].reshape(6, D), (SIDE, SIDE), 2)
    drawn_as(dan, expected)
    drawn_as(gan[:57], expected[:57])
    assert mask(spec, 1)[58:].all()  # it has no such step


def test_samples_stand_below_the_data_that_they_were_made_of(bench):
    data, random_bytes, made = noise(4), noise(4), noise(4)
    bench.put("pcg64", "control", arrays={"inputs": data, "samples": random_bytes})
    bench.put("dan", arrays={"inputs": data, "samples": made})
    bench.put("dan", seed=1, arrays={"inputs": data, "samples": random_bytes})
    bench.put("bell", arrays={"samples": noise(4, 1)}, data={"name": "bell"})
    found = pictures(bench.spec(samples))
    for picture, rows in zip(found, (data, made, random_bytes), strict=True):
        drawn_as(picture, mosaic(rows[:2], (SIDE, SIDE), 2))
    assert "seed 0" in bench.draw(samples).basis


def test_pictures_with_colours_keep_them(bench):
    data = {"name": "folder", "shape": [4, 5, 3]}
    rows = noise(2, 60)
    bench.put(arrays={"inputs": rows, "samples": rows}, data=data)
    found = pictures(bench.spec(samples))
    assert np.array_equal(found[0], mosaic(rows, (4, 5, 3), 2).filled(0)[..., 0])


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (4, 2), (8, 4), (16, 4), (7, 7)])
def test_a_mosaic_is_full(count, columns):
    assert columns_for(count) == columns


def test_a_row_is_a_picture_only_where_its_length_is_one(bench):
    digit, colour = bench.put(), bench.put(data={"name": "folder", "shape": [4, 5, 3]})
    assert shape_of(digit, D) == (SIDE, SIDE)
    assert shape_of(digit, 785) is None
    assert shape_of(digit, 1) is None
    assert shape_of(colour, 60) == (4, 5, 3)
    whole = mosaic(noise(4, 60), (4, 5, 3), 2)
    assert whole.shape == (9, 11, 3)
    assert whole.mask[4].all()
