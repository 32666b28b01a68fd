"""A model from outside of the package is trained, attacked, recorded and read back as ours are."""

import numpy as np
import pytest
from outside_model import OVERRIDES
from tiny_runs import SMALL

from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.pipeline.load import find, load
from dan_bench.pipeline.plan import plan
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store

DICTIONARY = (
    "{_target_:dan_bench.attacks.recovery.Dictionary,candidates:32,queries:8,hidden:8,features:4,"
    "budget:{epochs:1,patience:1,batch_size:16,lr:1e-3,weight_decay:0}}"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One finished run of it."""
    folder = tmp_path_factory.mktemp("outside")
    attack = [f"+evaluation.attacks.dictionary={DICTIONARY}"]
    output = ["output=torus", "runtime.log_every=5", f"runtime.results={folder}"]
    run(configure([*SMALL, *OVERRIDES, *attack, *output]), "group")
    return Store(folder)


def test_it_is_trained_and_attacked(store):
    (record,), damaged = store.all()
    assert not damaged
    assert record.status == "done", record.traceback
    assert record.config["model"]["_target_"] == "outside_model.Additive"
    assert 0 <= record.metrics["dictionary_recovered"].value <= 1
    assert record.metrics["percent_destroyed"].n == 64
    assert store.curves(record.key)["step"].tolist() == [5, 10, 15, 20]


def test_it_is_read_back_and_degenerates_as_it_did(store):
    record = find("additive", store.runs.parent)
    folder = store.folder(record.key)
    inputs, samples = (np.load(folder / f"{name}.npy") for name in ("inputs", "samples"))
    degenerator = load(record, folder, record.config["seed"])
    assert np.array_equal(degenerator(inputs, np.arange(len(inputs))), samples)
    assert degenerator.noise_bits == 16 * 120
    assert not np.array_equal(load(record, folder, 1)(inputs, np.arange(len(inputs))), samples)


def test_it_is_asked_itself_what_it_refuses():
    with pytest.raises(ConfigError, match=r"model=additive .*output must be torus"):
        plan(configure([*SMALL, *OVERRIDES, "output=sigmoid"]))
