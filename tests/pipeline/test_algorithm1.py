"""Algorithm 1 around a run: ten steps in a scratch folder, and nothing left but the record."""

import numpy as np
import pytest
import torch

from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.data.noise import NoiseRows
from dan_bench.erase import Evidence
from dan_bench.interfaces import Data
from dan_bench.pipeline.algorithm1 import Algorithm1, NetworkNoise, pooled, write_files
from dan_bench.pipeline.load import load
from dan_bench.pipeline.plan import plan
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store

RUN = [
    "+experiment=algorithm1",
    "data=danoise",
    "data.shape=[12,10]",
    "data.train_size=400",
    "data.test_size=200",
    "noise_dim=120",
    "evaluation=minimal",
    "evaluation.samples=100",
    "evaluation.known=100",
    "algorithm1.rows=300",
    "trainer.batch_size=8",
    "trainer.max_steps=5",
    "logger=none",
]


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    told = []
    config = configure([*RUN, f"runtime.results={results}", "algorithm1.cool_down=0.2"])
    record = run(config, "test", lambda progress: told.append(progress.doing))
    assert record.status == "done", record.traceback
    return record, Store(results).folder(record.key), told


def test_every_step_is_told_and_timed(ended):
    record, _, told = ended
    steps = [doing for doing in told if doing.startswith("algorithm 1")]
    numbers = [1, 2, 3, 4, 6, 7, 8, 9, 10]  # the fifth is the training
    assert [int(step.split("step ")[1].split(":")[0]) for step in steps] == numbers
    assert told.index("training") > told.index(steps[3])
    timed = sorted(name for name in record.costs if name.startswith("algorithm1_"))
    assert [int(name.split("_")[1]) for name in timed] == numbers
    assert record.costs["algorithm1_06_cool_down"] >= 0.2


def test_the_data_and_the_discriminator_are_gone(ended):
    record, folder, _ = ended
    for name in ("disk_destroyed", "checkpoint_destroyed"):
        found = record.metrics[name]
        if not found.details["unverified_files"]:
            assert found.value > 99
            assert found.high == pytest.approx(100, abs=0.5)
    assert record.metrics["disk_destroyed"].details["files"] == 3
    assert not (folder / "scratch").exists()
    weights = torch.load(folder / "weights.pt", weights_only=True)["weights"]
    assert weights
    assert [name for name in weights if "discriminator" in name] == []


def test_the_degenerator_can_still_be_read_back(ended):
    record, folder, _ = ended
    inputs, sample = np.load(folder / "inputs.npy"), np.load(folder / "samples.npy")
    again = load(record, folder, record.config["seed"])
    assert np.array_equal(again(inputs, np.arange(len(inputs))), sample)


def test_what_leaves_the_data_in_place_destroys_nothing(tmp_path):
    """The measure can fail: the same evidence of a step that does nothing."""
    (tmp_path / "original").mkdir()
    write_files(tmp_path / "original", NoiseRows(0, "test", 50)[np.arange(250)])
    with Evidence.open([tmp_path / "original"]) as evidence:
        assert pooled(evidence.survey()).high < 1


def test_a_degenerator_that_changes_nothing_shows_up(tmp_path):
    class Identity:
        noise_bits = 0.0

        def __call__(self, data, rows):
            return data

    algorithm = Algorithm1(tmp_path, lambda _: None)
    algorithm.before(Data(NoiseRows(0, "test", 50)), 250, seed=0)
    found = algorithm.after(Identity(), torch.nn.Linear(300, 30), cool_down=0)
    assert found["disk_destroyed"].value < 1
    if not found["checkpoint_destroyed"].details["unverified_files"]:
        assert found["checkpoint_destroyed"].value > 98


def test_rows_of_the_overwriting_are_its_own():
    seen = []

    class Spy:
        noise_bits = 8.0

        def __call__(self, data, rows):
            seen.append(rows.tolist())
            return data

    NetworkNoise(Spy(), 4, "spy", row=1000).fill(bytes(8), 0, 8)
    assert seen == [[1000, 1001]]


@pytest.mark.parametrize(
    ("override", "words"),
    [("algorithm1.rows=0", "algorithm1.rows"), ("algorithm1.cool_down=-1", "algorithm1.cool_down")],
)
def test_nonsense_is_refused(override, words):
    with pytest.raises(ConfigError, match=words):
        configure([*RUN, override])


def test_a_run_without_it_has_the_key_that_it_always_had():
    assert "algorithm1" not in configure([]).scientific()


def test_a_checkpoint_that_would_keep_the_discriminator_is_refused():
    with pytest.raises(ConfigError, match="checkpoint_every=7: checkpoints hold the discrim"):
        plan(configure([*RUN, "runtime.checkpoint_every=7"]))
