"""The user's own data: N follows them, and nobody sees them who was not asked to."""

import json

import numpy as np
import pytest
from logged_runs import artifacts_of, inspect
from PIL import Image

from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.models.module import AdversarialModule
from dan_bench.pipeline import plan as own_plan
from dan_bench.pipeline.load import NoDegenerator, load
from dan_bench.pipeline.own_data import identify, keeps_rows
from dan_bench.pipeline.plan import check, plan
from dan_bench.pipeline.run import run
from dan_bench.report import table
from dan_bench.report.html.pictures import viewer
from dan_bench.report.html.runs import summaries
from dan_bench.report.leaderboard import boards
from dan_bench.report.runs import show
from dan_bench.results.record import Store, key_of
from dan_bench.tables import terminal

PICTURES, SHAPE = 50, (8, 9)
SHORT = [
    *["data=folder", "data.shape=[8,9]", "evaluation=minimal", "evaluation.samples=1000"],
    *["trainer.max_steps=4", "trainer.batch_size=4", "noise_dim=72", "runtime.snapshots=[0,2]"],
    *["model.degenerator_hidden=[8]", "model.discriminator_hidden=[8]"],
    "+evaluation.metrics.joint_bits={_target_: dan_bench.metrics.entropy.joint_bits}",
]
CONTROL = [word for word in SHORT if not word.startswith("model.")]


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    folder = tmp_path_factory.mktemp("album")
    for i in range(PICTURES):
        noise = np.random.default_rng(i).integers(0, 256, SHAPE, dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{i}.png")
    return folder


def config_of(album, results, *overrides, base=SHORT):
    return configure([*base, f"data.root={album}", f"runtime.results={results}", *overrides])


def found_in(results, album):
    """How many of the pictures stand in any file of a folder, as bytes or within a PNG."""
    originals = [np.asarray(Image.open(path)) for path in album.glob("*.png")]
    files = [path for path in results.rglob("*") if path.is_file()]
    contents = b"".join(path.read_bytes() for path in files)
    shown = [np.asarray(Image.open(path)) for path in files if path.suffix == ".png"]
    tiles = {
        sheet[y : y + SHAPE[0], x : x + SHAPE[1]].tobytes()
        for sheet in shown
        for y in range(0, sheet.shape[0], SHAPE[0])
        for x in range(0, sheet.shape[1], SHAPE[1])
    }
    return sum(one.tobytes() in contents or one.tobytes() in tiles for one in originals)


def sent(results):
    """The types of the artifacts that `make sync` uploads."""
    return set().union(*(artifacts_of(inspect(path)) for path in results.rglob("run-*.wandb")))


def test_n_follows_the_data_and_a_smaller_n_stays(album, tmp_path):
    def samples(*more):
        return identify(config_of(album, tmp_path, *more)).evaluation.samples

    assert samples() == 10
    assert samples("data.test_fraction=0.5") == 25
    assert samples("evaluation.samples=7") == 7


def test_n_of_other_data_is_as_asked(tmp_path):
    config = configure(["data=danoise", "data.test_size=50", "evaluation=minimal"])
    assert identify(config) is config
    with pytest.raises(ConfigError, match=r"evaluation\.samples can be 50 at most"):
        check([config])


def test_what_needs_more_rows_is_left_out_by_name_and_the_others_go_on(album, tmp_path):
    config = identify(config_of(album, tmp_path, "evaluation=default", base=CONTROL[:2]))
    planned = plan(config)
    assert {"shannon_bits", "effective_dimensions"} <= planned.measures.metrics.keys()
    left_out = planned.measures.left_out
    assert left_out["joint_bits"] == 1000
    assert left_out["c2st_accuracy"] == left_out["percent_destroyed"] == 100
    assert left_out["dictionary_recovered"] == 1024
    said = "\n".join(check([config]))
    assert "N = 10" in said
    assert "joint_bits needs 1,000" in said
    assert "runtime.keep_inputs=true asks for that" in said
    assert "runtime.keep_inputs=false keeps none" in said


@pytest.mark.parametrize("model", ["dan", "identity"])
@pytest.mark.parametrize("logger", ["tensorboard", "wandb"])
@pytest.mark.filterwarnings("ignore")
def test_no_row_is_kept_logged_or_shown_unless_asked_for(model, logger, album, tmp_path):
    """Of the identity the output is the original, too."""
    base = SHORT if model == "dan" else CONTROL
    more = [f"model={model}", f"logger={logger}", "logger.sample_steps=[1,2]"]
    record = run(config_of(album, tmp_path / "bare", *more, base=base), "test")
    assert record.status == "done", record.traceback
    assert found_in(tmp_path / "bare", album) == 0
    names = {path.name for path in Store(tmp_path / "bare").folder(record.key).iterdir()}
    assert not names & {"inputs.npy", "samples.npy", "samples.png", "snapshots.npy"}
    assert ("weights.pt" in names) == (model == "dan")
    assert "model" not in sent(tmp_path / "bare")  # weights can hold something of the data
    assert record.provenance["rows_kept"] is False
    asked = run(
        config_of(album, tmp_path / "asked", "runtime.keep_inputs=true", *more, base=base), "test"
    )
    assert asked.key == record.key
    assert "rows_kept" not in asked.provenance
    assert found_in(tmp_path / "asked", album) == 10
    assert ("model" in sent(tmp_path / "asked")) == (logger == "wandb" and model == "dan")
    assert asked.metrics == record.metrics  # no number depends on it


def test_asking_for_the_rows_says_what_that_means(album, tmp_path):
    said = "\n".join(check([identify(config_of(album, tmp_path, "runtime.keep_inputs=true"))]))
    assert "256 held-out rows" in said
    assert f"{tmp_path.absolute()}/runs" in said
    assert "`make sync` uploads" in said


def test_neither_rows_nor_weights_are_kept_where_nothing_is_to_be(album, tmp_path):
    more = ["model=dan", "logger=none"]
    kept = run(config_of(album, tmp_path, *more), "test")
    folder = Store(tmp_path).folder(kept.key)
    assert (folder / "weights.pt").is_file()
    (folder / "record.json").unlink()
    config = identify(config_of(album, tmp_path, "runtime.keep_inputs=false", *more))
    assert "no rows and no weights are kept" in "\n".join(check([config]))
    record = run(config, "test")
    assert record.metrics == kept.metrics
    assert {path.name for path in folder.glob("[!.]*")} == {"record.json", "curves.parquet"}
    with pytest.raises(NoDegenerator, match="keep_inputs=false keep no weights"):
        load(record, folder, 0)


@pytest.mark.parametrize("fails", [False, True])
def test_no_checkpoint_is_kept_where_nothing_is_to_be(fails, album, tmp_path, monkeypatch):
    """Neither of a run that fails after it, nor one that was found unusable and set aside."""
    more = ["model=dan", "logger=none", "runtime.checkpoint_every=1"]
    config = config_of(album, tmp_path, "runtime.keep_inputs=false", *more)
    folder = Store(tmp_path).folder(key_of(identify(config).scientific()))
    folder.mkdir(parents=True)
    (folder / "last.ckpt").write_bytes(b"no checkpoint")
    if fails:
        monkeypatch.setattr(own_plan, "measure", on_fire)
    assert run(config, "test").status == ("failed" if fails else "done")
    assert {path.name for path in folder.glob("[!.]*")} == {"record.json", "curves.parquet"}


def on_fire(*_):
    raise RuntimeError("the disk is on fire")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("logger", ["tensorboard", "wandb"])
def test_of_public_data_nobody_says_that_they_are_the_users_own(logger, tmp_path):
    more = [word for word in SHORT if not word.startswith("data") and "joint" not in word]
    more += ["data=danoise", f"logger={logger}", f"runtime.results={tmp_path}", "model=dan"]
    record = run(configure([*more, "runtime.keep_inputs=false"]), "test")
    said = str(viewer([], summaries(boards([record])))) + "\n".join(check([configure([*more])]))
    said += "".join(path.read_bytes().decode("latin1") for path in files_in(tmp_path))
    assert "neither rows of the data" in said
    assert "your own" not in said


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_rows_of_an_earlier_attempt_go_when_nobody_asks_for_them_any_more(album, tmp_path):
    more = ["model=identity", "logger=none"]
    kept = config_of(album, tmp_path, "runtime.keep_inputs=true", *more, base=CONTROL)
    record = run(kept, "test")
    (Store(tmp_path).folder(record.key) / "record.json").unlink()
    run(config_of(album, tmp_path, *more, base=CONTROL), "test")
    assert found_in(tmp_path, album) == 0


@pytest.mark.parametrize("more", ["end_to_end=true", "+algorithm1={rows:20,cool_down:0}"])
def test_a_run_that_fails_leaves_no_copy_of_the_data(more, album, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(AdversarialModule, "learn", fail)
    words = ["model=dan", "logger=none", "runtime.checkpoint_every=0", more]
    record = run(config_of(album, tmp_path, *words), "test")
    assert "the disk is on fire" in record.traceback
    assert found_in(tmp_path, album) == 0


def test_rows_of_an_earlier_attempt_go_where_the_next_one_fails_too(album, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(AdversarialModule, "learn", fail)
    words = ["model=dan", "logger=none"]
    record = run(config_of(album, tmp_path, "runtime.keep_inputs=true", *words), "test")
    snapshots = Store(tmp_path).folder(record.key) / "snapshots.npy"
    assert snapshots.is_file()
    run(config_of(album, tmp_path, *words), "test")
    assert not snapshots.exists()


def test_public_data_are_kept_as_before_and_those_of_others_are_not(mnist):
    class Theirs:
        shape = (28, 28)

    config = configure(["data=mnist"])
    assert keeps_rows(config, mnist)
    assert not keeps_rows(config, Theirs())
    assert not keeps_rows(configure(["data=mnist", "runtime.keep_inputs=false"]), mnist)


def test_tables_and_the_page_say_what_is_missing_and_why(album, tmp_path):
    more = ["model=identity", "logger=none"]
    record = run(config_of(album, tmp_path, *more, base=CONTROL), "test")
    assert record.metrics["joint_bits"] is None
    assert json.loads((Store(tmp_path).folder(record.key) / "record.json").read_text())
    assert "needs 1,000" in table([record], "markdown")
    assert "needs 1,000" in terminal(show(record), 100)
    assert "no pictures of 1 method: neither rows of the data" in viewer(
        [], summaries(boards([record]))
    )
