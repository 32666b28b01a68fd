"""A model from outside of the package is treated as ours are, from its training to its rank."""

import json

import numpy as np
import pytest
from charts import legend, numbers
from outside_model import OVERRIDES
from tiny_runs import SMALL

import dan_bench as db
from dan_bench.config.compose import configure
from dan_bench.config.registry import FOLDERS
from dan_bench.config.schema import ConfigError
from dan_bench.degenerate.__main__ import main as degenerate
from dan_bench.pipeline.load import NoDegenerator, find, load
from dan_bench.pipeline.plan import plan
from dan_bench.pipeline.run import run
from dan_bench.report.__main__ import main as report
from dan_bench.report.leaderboard import boards
from dan_bench.results.record import Store

DICTIONARY = (
    "{_target_:dan_bench.attacks.recovery.Dictionary,candidates:32,queries:8,hidden:8,features:4,"
    "budget:{first_steps:1,most_steps:2,batch_size:16,lr:1e-3,weight_decay:0}}"
)
ALIKE = [
    f"+evaluation.attacks.dictionary={DICTIONARY}",
    "+evaluation.metrics.effective_dimensions="
    "{_target_:dan_bench.metrics.entropy.effective_dimensions}",
]
"""How it is measured beyond what SMALL has, and a control beside it."""


@pytest.fixture(scope="module", autouse=True)
def own_conf(tmp_path_factory):
    """A config folder of the user's own, which declares the model: records may then name it."""
    conf = tmp_path_factory.mktemp("conf")
    (conf / "model").mkdir()
    (conf / "model" / "additive.yaml").write_text("_target_: outside_model.Additive\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDERS, str(conf))
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One finished run of it, and one of a control that was measured alike."""
    folder = tmp_path_factory.mktemp("outside")
    output = ["output=torus", "runtime.log_every=5"]
    where = f"runtime.results={folder}"
    run(configure([*SMALL, *OVERRIDES, *ALIKE, *output, where]), "group")
    controlled = [word for word in SMALL if not word.startswith(("noise_dim", "trainer."))]
    run(configure([*controlled, *ALIKE, "model=identity", where]), "group")
    return Store(folder)


@pytest.fixture
def record(store):
    return find("additive", store.runs.parent)


def test_it_is_trained_and_attacked(store, record):
    records, damaged = store.all()
    assert not damaged
    assert [one.status for one in records] == ["done", "done"]
    assert record.config["model"]["_target_"] == "outside_model.Additive"
    assert 0 <= record.metrics["dictionary_recovered"].value <= 1
    assert record.metrics["percent_destroyed"].n == 64
    assert store.curves(record.key)["step"].tolist() == [5, 10, 15, 20]


def test_it_is_read_back_and_degenerates_as_it_did(store, record):
    folder = store.folder(record.key)
    inputs, samples = (np.load(folder / f"{name}.npy") for name in ("inputs", "samples"))
    degenerator = load(record, folder, record.config["seed"])
    assert np.array_equal(degenerator(inputs, np.arange(len(inputs))), samples)
    assert degenerator.noise_bits == 16 * 120
    assert not np.array_equal(load(record, folder, 1)(inputs, np.arange(len(inputs))), samples)


@pytest.mark.parametrize("by", ["folder", "key", "model"])
def test_a_record_may_name_it_only_where_it_is_declared(store, record, by, monkeypatch):
    monkeypatch.delenv(FOLDERS)
    name = {"folder": str(store.folder(record.key)), "key": record.key, "model": "additive"}[by]
    with pytest.raises(
        NoDegenerator, match=r"'outside_model\.Additive'.*entry point.*dan_bench\.model"
    ):
        find(name, store.runs.parent)
    with pytest.raises(NoDegenerator, match="declares"):
        load(record, store.folder(record.key), seed=0)


@pytest.mark.parametrize("by", ["key", "model"])
def test_it_degenerates_files(store, record, by, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    secret, text = tmp_path / "secret.txt", b"Dear diary, " * 500
    secret.write_bytes(text)
    name = record.key if by == "key" else "additive"
    where = ["--results", str(store.runs.parent)]
    assert degenerate([str(secret), "--yes", "--with", name, "--leaky", *where]) == 3
    left = secret.read_bytes()
    assert len(left) == len(text)
    assert b"diary" not in left
    (path,) = tmp_path.glob("certificate-*.json")
    (source,) = json.loads(path.read_text())["sources"]
    assert f"run {record.key}: additive, torus" in source["name"]


def test_it_is_ranked(store, record, capsys):
    (board,) = boards(store.all()[0])
    (row,) = [row for row in board.rows if row.axes.get("model") == "additive"]
    assert [one.key for one in row.runs] == [record.key]
    assert row.cells["percent_destroyed"].rank == 1  # of two, the other destroys nothing
    assert row.verdicts["gone from output"].runs == 1
    assert "shannon_bits, p = " in row.verdicts["looks like noise"].reason
    assert all(row.cells[name].rank for name in board.metrics if name in row.cells)
    assert report(["--results", str(store.runs.parent), "--wide"]) == 0
    assert "additive" in capsys.readouterr().out


def test_it_is_drawn_in_a_colour_of_its_own(store):
    results = store.runs.parent
    spec = db.figure("collapse", results).to_dict()
    drawn = numbers(spec).set_index("method")
    assert legend(spec) == ["additive torus", "identity"]
    assert drawn.loc["additive torus", "kind"] == "learned"
    assert 0 < drawn.loc["additive torus", "entropy"] <= 8.1
    curves = db.figure("convergence", results).to_dict()
    assert set(numbers(curves)["model"]) == {"additive"}
    words = ["--only", "collapse", "--theme", "light", "--results", str(results)]
    assert report(["figures", *words]) == 0
    assert "additive torus" in (results / "figures" / "collapse.svg").read_text()


def test_it_is_on_the_page(store, record):
    results = store.runs.parent
    assert report(["html", "--results", str(results)]) == 0
    page = (results / "report.html").read_text()
    assert 'id="figure-collapse"' in page
    assert "additive torus" in page
    assert record.key in page


def test_it_is_asked_itself_what_it_refuses():
    with pytest.raises(ConfigError, match=r"model=additive .*output must be torus"):
        plan(configure([*SMALL, *OVERRIDES, "output=sigmoid"]))
