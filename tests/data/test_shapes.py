"""The shape of a row: what is none is refused before any work, and what is one goes all the way."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dan_bench.callbacks.samples import picture
from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.metrics.pictures import as_pictures
from dan_bench.pipeline.own_data import identify
from dan_bench.pipeline.plan import plan
from dan_bench.pipeline.run import run
from dan_bench.report.figures.pictures import shape_of
from dan_bench.report.html import pictures

C2ST = (
    "{_target_: dan_bench.attacks.distinguish.C2st, hidden: 4, channels: 2, least: 20, "
    "budget: {epochs: 1, patience: 1, batch_size: 8, lr: 0.01, weight_decay: 0}}"
)
SHORT = [
    *[
        "data.test_fraction=0.8",
        "runtime.keep_inputs=true",
        "trainer.max_steps=4",
        "trainer.batch_size=4",
        "logger=none",
    ],
    *["evaluation.samples=20", "evaluation.known=5", f"+evaluation.c2st={C2ST}", "noise_dim=72"],
    *["model.degenerator_hidden=[64]", "model.discriminator_hidden=[64]"],
]


@pytest.fixture
def album(tmp_path):
    for i in range(25):
        noise = np.random.default_rng(i).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        (tmp_path / "album").mkdir(exist_ok=True)
        Image.fromarray(noise).save(tmp_path / "album" / f"{i}.png")
    return tmp_path / "album"


def folder_of(album, *overrides):
    return configure(["data=folder", f"data.root={album}", "evaluation=minimal", *overrides])


@pytest.mark.parametrize("shape", ["64", "28,28,2", "28,28,4", "3,28,28"])
def test_a_shape_that_is_no_picture_is_refused_with_those_that_are(album, shape):
    with pytest.raises(ConfigError, match=rf"shape=\[{shape.replace(',', ', ')}\].*data\.kind=byt"):
        plan(folder_of(album, f"data.shape=[{shape}]"))
    plan(folder_of(album, f"data.shape=[{shape}]", "data.kind=bytes"))


@pytest.mark.parametrize("data", ["folder", "danoise"])
@pytest.mark.parametrize(
    ("shape", "named"),
    [
        ("0,28", r"data\.shape\.0=0"),
        ("28,-1", r"data\.shape\.1=-1"),
        ("28,2.5", r"data\.shape\.1=2\.5"),
        ("", r"data\.shape=\[\]"),
        ("2,2,2,2", r"data\.shape=\[2, 2, 2, 2\]"),
    ],
)
def test_a_shape_of_nothing_is_refused_before_any_work(album, data, shape, named):
    overrides = [f"data={data}", f"data.shape=[{shape}]"]
    overrides += [f"data.root={album}", "data.kind=bytes"] if data == "folder" else []
    with pytest.raises(ConfigError, match=named):
        identify(plan(configure(overrides)).config)


@pytest.mark.parametrize("data", ["mnist", "fashion_mnist", "bell"])
def test_a_data_set_of_one_shape_takes_no_other(data):
    with pytest.raises(ConfigError, match=r"data\.shape"):
        plan(configure([f"data={data}", "+data.shape=[14,14]"]))


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ("dan", "kind=pictures [8,9,1]"),
        ("dan", "kind=pictures [8,9,3]"),
        ("dan", "kind=pictures [8,3]"),
        ("dan", "kind=bytes [72]"),
        ("dan", "kind=bytes [8,3,4]"),
        ("dcdan share=0.5", "kind=pictures [8,9,1]"),
        ("dcdan share=0.5", "kind=pictures [8,9,3]"),
        ("dcdan share=0.5", "kind=pictures [8,3]"),
    ],
)
def test_every_shape_goes_all_the_way(album, tmp_path, model, shape):
    """Training, the classifiers that look for a difference, and the picture of the samples."""
    name, *settings = model.split()
    kind, size = shape.split()
    data = [f"data.{kind}", f"data.shape={size}", f"runtime.results={tmp_path / 'results'}"]
    model = [f"model={name}", *(f"model.{setting}" for setting in settings)]
    record = run(folder_of(album, *data, *model, *SHORT), "test")
    assert record.status == "done", record.traceback
    assert 0 <= record.metrics["c2st_accuracy"].value <= 1
    assert (tmp_path / "results" / "runs" / record.key / "samples.png").is_file()


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        ((4, 6), (4, 6)),
        ((4, 6, 1), (4, 6)),
        ((4, 2, 3), (4, 2, 3)),
        ((8, 3), (8, 3)),
        ((24,), (1, 24)),
        ((2, 3, 4), (2, 12)),
    ],
)
def test_a_row_is_looked_at_as_the_picture_of_its_shape(shape, seen):
    rows = np.arange(48, dtype=np.uint8).reshape(2, 24)
    assert as_pictures(rows, shape).shape == (2, *seen)
    assert np.array_equal(as_pictures(rows, shape).reshape(2, 24), rows)
    drawn = picture(rows, rows, shape)
    assert drawn.size == (2 * seen[1], 2 * seen[0])
    assert drawn.mode == ("RGB" if len(seen) == 3 else "L")


@pytest.mark.parametrize(
    ("shape", "seen"), [([4, 6], (4, 6)), ([4, 6, 1], (4, 6)), ([4, 2, 3], (4, 2, 3))]
)
def test_a_report_looks_at_rows_in_the_same_way(shape, seen):
    rows = np.arange(48, dtype=np.uint8).reshape(2, 24)
    run = SimpleNamespace(key="key", config={"data": {"shape": shape}})
    assert shape_of(run, 24) == seen
    store = SimpleNamespace(array=lambda *_: rows)
    shown = pictures.strip(pictures.read(run, "samples", store))
    assert (shown.tiles, shown.height, shown.width) == (2, *seen[:2])
