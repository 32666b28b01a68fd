"""The subjects of Table 1: the presets that name them, how they learn, and all of them, tiny."""

import json
import math
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from table1_rows import (
    ADAM,
    GIVEN,
    PRESETS,
    SOME,
    contents,
    image_folder,
    preset,
    records,
    table,
    vouched,
)
from torch.utils.data import TensorDataset
from torchvision.models import inception_v3
from torchvision.models.vgg import vgg16

from dan_bench.config.schema import Part
from dan_bench.data.noise import system_bytes
from dan_bench.models.frozen import FrozenDegenerator
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.pipeline.algorithm1 import NetworkNoise
from dan_bench.report.table1 import ALBUM, OUTPUT, TRAINING
from dan_bench.results.archive import open_results
from dan_bench.results.record import key_of
from dan_bench.statistics import binomial_interval
from dan_bench.table1 import mp3
from dan_bench.table1.album import BundledAlbum
from dan_bench.table1.config import compose_entries
from dan_bench.table1.dan import WIDTH, Dan
from dan_bench.table1.entry import EntryRun, RunContext, TrainingResult, identified, plan_entry
from dan_bench.table1.imagenet import Vgg
from dan_bench.table1.learning import Learning, examined, learn, right_class

REPOSITORY = Path(__file__).parents[2]

# the presets


def entries(preset, scratch, subjects="all", seeds=1, **folders):
    """The configs of entries as the command composes them."""
    folders = {"album": None, "imagenet": None, "mp3": None, **folders}
    paths = {"datasets": scratch}
    composed = compose_entries(preset, subjects, seeds, [], paths, folders)
    return [identified(config, scratch) for config in composed]


@pytest.mark.parametrize("name", PRESETS)
def test_every_row_of_a_preset_can_be_made(name, tmp_path):
    configs = entries(name, tmp_path, seeds=2)
    rows = [config.table1 for config in configs[::2]]
    in_paper = [row.subject for row in rows if row.in_paper]
    assert in_paper == ["vgg", "inception", "alphago", "dan"]
    assert {row.subject for row in rows} >= {"infodan", "dcdan", "entropydan", "shred", "rm"}
    assert "truncation" in {row.subject for row in rows}
    assert [config.seed for config in configs] == [0, 1] * len(rows)
    known = [json.dumps(config.scientific(), sort_keys=True) for config in configs]
    assert len(set(known)) == len(known)
    assert str(tmp_path) not in " ".join(known)
    for config in configs:
        if config.table1.subject in ("dan", "infodan"):
            assert config.scientific()["runs"]["model"]["name"] == config.table1.subject


def test_published_entries_keep_their_keys_but_for_the_models_of_the_suite(tmp_path):
    """Records of Table 1 that were made before its config was Hydra's are not made again."""
    published, _ = open_results(REPOSITORY / "results" / "2026-11-27_0769272", "table1").all()
    kept = {record.config["subject"]: record.key for record in published}
    found = {}
    for config in entries("quick", tmp_path):
        known = {**config.scientific(), "file_system": "ext4"}
        found[config.table1.subject] = key_of(known, version=1)
    models = {"dan", "infodan", "dcdan", "entropydan"}
    assert len(kept.keys() - models) == 6
    for name in kept.keys() - models:
        assert found[name] == kept[name], name


@pytest.mark.parametrize(("accelerator", "said"), [("cpu", None), ("gpu", "cuda: NVIDIA H100")])
def test_an_entry_that_ran_on_a_gpu_says_so(accelerator, said, tmp_path, monkeypatch):
    monkeypatch.setattr("dan_bench.table1.entry.name_of", lambda _: "cuda: NVIDIA H100")
    (config,) = entries("quick", tmp_path, subjects="dan")
    runtime = config.runtime.model_copy(update={"accelerator": accelerator})
    idle = SimpleNamespace(
        write=lambda *_: None, run=lambda *_: TrainingResult(), stands_for=None, note=None
    )
    planned = EntryRun(config.model_copy(update={"runtime": runtime}), idle, idle, idle)
    assert planned.perform(tmp_path, None, lambda _: None).provenance.get("device") == said


def test_data_of_ones_own_take_the_place_of_the_stand_ins_and_are_known_by_contents(tmp_path):
    image_folder(tmp_path / "inet", ("train", "val"))
    songs = tmp_path / "songs"
    songs.mkdir()
    for name in "ab":
        (songs / f"{name}.mp3").write_bytes(os.urandom(10))
    before = contents(tmp_path)

    def configs():
        folders = {"imagenet": tmp_path / "inet", "mp3": songs}
        made = entries("quick", tmp_path, "vgg,inception", **folders)
        known = [config.scientific() for config in made]
        assert all(config["training"]["kind"] == "own" for config in known)
        assert plan_entry(made[1]).training.stands_for is None
        return json.dumps(known)

    first = configs()
    assert str(tmp_path) not in first
    assert configs() == first
    assert contents(tmp_path) == before
    (songs / "a.mp3").write_bytes(b"another")
    assert configs() != first


def test_at_full_width_it_is_torchvisions_vgg_16(tmp_path):
    (config,) = entries("paper", tmp_path, "vgg")
    arguments = config.table1.entry.arguments | {"learning": None}
    with torch.device("meta"):
        ours = Vgg(**arguments).make(1000).state_dict()
        theirs = vgg16().state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}
    assert Vgg(**arguments).note is None


def test_a_narrow_vgg_has_every_layer():
    made = Vgg("A", 0.25, 32, True, None).make(7).eval()
    convolutions = [m.out_channels for m in made.modules() if isinstance(m, torch.nn.Conv2d)]
    assert convolutions == [16, 32, 64, 64, 128, 128, 128, 128]
    assert made(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
    assert not any(p.is_meta for p in made.parameters())


def test_inception_trains_its_auxiliary_classifier_where_it_has_one():
    with torch.device("meta"):
        network = inception_v3(weights=None, num_classes=5, init_weights=False)
        x, y = torch.zeros(2, 3, 299, 299), torch.zeros(2, dtype=torch.long)
        assert mp3.loss(network, x, y).shape == ()
        assert network(x).aux_logits.shape == (2, 5)


# learning


def learning(lr=0.05, epochs=8):
    return Learning(
        epochs, 16, Part.model_validate({"_target_": "torch.optim.SGD", "lr": lr}), (6,)
    )


def separable(n, seed):
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32))
    return TensorDataset(x, (x[:, 0] > 0).long())


def cross_entropy(network, x, y):
    return torch.nn.functional.cross_entropy(network(x), y)


def test_what_can_be_learned_is_learned_and_the_curve_shows_it():
    torch.manual_seed(0)
    told = []
    given = RunContext(0, "cpu", told.append)
    network = torch.nn.Linear(4, 2)
    outcome = learn(
        network, separable(320, 0), separable(200, 1), cross_entropy, right_class,
        learning(lr=1.0), given,
    )  # fmt: skip
    assert outcome.scores["accuracy"].value > 0.95
    curves = pd.DataFrame(outcome.curves)
    assert list(curves.step) == list(range(1, 161))
    assert curves.loss[:5].mean() > 2 * curves.loss[-20:].mean()
    assert curves.held_out_accuracy.notna().sum() == 8
    assert told[-1].step == told[-1].steps == 160
    assert "epoch 8 of 8, loss" in told[-1].doing


def test_learning_is_a_function_of_the_seed():
    def curve(seed):
        torch.manual_seed(0)
        given = RunContext(seed, "cpu", lambda _: None)
        data = separable(64, 0)
        outcome = learn(torch.nn.Linear(4, 2), data, data, cross_entropy, right_class, learning(), given)  # noqa: E501  # fmt: skip
        return [point["loss"] for point in outcome.curves]

    assert curve(0) == curve(0)
    assert curve(0) != curve(1)


def test_a_loss_that_is_no_number_is_an_error():
    data = separable(32, 0)
    with pytest.raises(FloatingPointError, match="the loss is nan after 1 steps"):
        learn(
            torch.nn.Linear(4, 2), data, data,
            lambda network, x, y: cross_entropy(network, x, y) * math.nan,
            right_class, learning(), GIVEN,
        )  # fmt: skip


def test_weights_that_are_no_numbers_are_an_error():
    """After the last step no loss tells of them, and an argmax takes them for the first class."""
    data = separable(32, 0)
    sgd = Part(_target_="torch.optim.SGD", lr=math.inf)
    once = Learning(epochs=1, batch_size=32, optimizer=sgd)
    with pytest.raises(FloatingPointError, match="a weight is not finite after 1 steps"):
        learn(torch.nn.Linear(4, 2), data, data, cross_entropy, right_class, once, GIVEN)


@pytest.mark.parametrize(("steps", "expected"), [(20, 20), (1200, 50)])
def test_a_short_training_has_a_logging_step_too(steps, expected, tmp_path):
    """Its accuracy was looked for in curves without a point."""
    (config,) = entries("quick", tmp_path, "dan")
    trainer = config.trainer.model_copy(update={"max_steps": steps})
    short = Dan(config.model_copy(update={"trainer": trainer})).configured()
    assert short.runtime.log_every == expected


def test_held_out_scores_have_exact_intervals():
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    data = TensorDataset(x, torch.tensor([0, 1, 1]))
    found = examined(torch.nn.Identity(), data, right_class, 2, "cpu")["accuracy"]
    assert found == binomial_interval(2, 3)


# the four subjects, tiny


TINY = {
    "vgg": (
        {
            "_target_": "dan_bench.table1.imagenet.StandIn",
            "per_class": 2, "held_out": 1, "cell": 96,
        },
        {
            "_target_": "dan_bench.table1.imagenet.Vgg",
            "layers": "A", "width": 0.05, "side": 32, "batch_norm": True,
            "learning": {"epochs": 1, "batch_size": 10, "optimizer": ADAM},
        },
    ),
    "inception": (
        {"_target_": "dan_bench.table1.mp3.Synthesised", "songs": 2, "seconds": 6},
        {
            "_target_": "dan_bench.table1.mp3.Inception",
            "side": 75, "seconds": 1.0, "hop": 2.0,
            "learning": {"epochs": 2, "batch_size": 4, "optimizer": ADAM},
        },
    ),
    "alphago": (
        {"_target_": "table1_rows.SmallMnist", "rows": 2000, "root": "${runtime.datasets}"},
        {
            "_target_": "dan_bench.table1.go.AlphaGo",
            "channels": 8, "blocks": 1,
            "learning": {"epochs": 4, "batch_size": 50, "optimizer": ADAM | {"lr": 1e-2}},
        },
    ),
    "dan": (
        {"_target_": "dan_bench.table1.dan.DanoiseFiles", "files": 6},
        {"_target_": "dan_bench.table1.dan.Dan"},
        {
            "defaults": [{"override /model": "dan"}],
            "output": "torus", "trainer": {"max_steps": 50}, "evaluation": {"samples": 1024},
        },
    ),
    "rm": (SOME, {"_target_": "dan_bench.table1.tools.Program", "command": ["rm"]}),
    "truncation": (SOME, {"_target_": "dan_bench.table1.tools.TruncateAndRewrite"}),
    "absent": (
        SOME,
        {"_target_": "dan_bench.table1.tools.Program", "command": ["no-such-program"]},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, mnist):
    """All of TINY, run once beside an album of somebody's own."""
    folder = tmp_path_factory.mktemp("tiny")
    own = folder / "pictures"
    own.mkdir()
    BundledAlbum().write(own)
    before = contents(own)
    threads = torch.get_num_threads()
    asked = ("--preset", preset(folder, **TINY), "--album", own, "--datasets", mnist.root)
    assert table(folder, *asked) == 1  # the absent program
    torch.set_num_threads(threads)
    assert contents(own) == before
    assert not list((folder / "results" / "table1").glob("scratch/*"))
    return folder


@pytest.mark.parametrize("name", ["vgg", "inception", "alphago"])
def test_a_classifier_destroys_nothing_and_leaves_its_curve(tiny, name):
    record = records(tiny)[name]
    assert record.traceback is None
    for column in (TRAINING, ALBUM):
        assert record.metrics[column].value == 0
        assert record.metrics[column].details["unverified"] == 0
    curves = pd.read_parquet(tiny / "results" / "table1" / record.key / "curves.parquet")
    assert len(curves) == record.costs["steps"] >= 2
    assert curves.held_out_accuracy.iloc[-1] == record.metrics["accuracy"].value
    assert record.costs["parameters"] > 1000


def test_alphago_learns_mnist(tiny):
    metrics = records(tiny)["alphago"].metrics
    assert metrics["accuracy"].low > 0.7  # chance is 0.1, and 1 in 362 before the first step
    assert metrics["value_accuracy"].low > 0.7


def test_dan_overwrites_its_training_set_and_the_copy_of_the_album(tiny):
    """Algorithm 1: "overwrite your original data with the generated noise"."""
    record = records(tiny)["dan"]
    for column, files in ((TRAINING, 6), (ALBUM, 6)):
        found = record.metrics[column]
        assert found.high > 99.9
        assert found.value == pytest.approx(100 if vouched(tiny) else 0, abs=0.1)
        assert found.details["files"] == files
        assert found.details["gone"] == found.details["replaced"] == 0
    of_output = record.metrics[OUTPUT]
    assert 0 <= of_output.low <= of_output.value <= of_output.high <= 100
    assert record.metrics["dictionary_recovered"] is not None
    curves = pd.read_parquet(tiny / "results" / "table1" / record.key / "curves.parquet")
    assert {"discriminator_loss", "degenerator_loss", "held_out_accuracy"} <= set(curves)


def test_what_people_take_for_destruction_is_none(tiny):
    found = records(tiny)
    for column, files in ((TRAINING, 2), (ALBUM, 6)):
        assert found["rm"].metrics[column].details["gone"] == files
        assert found["rm"].metrics[column].value == 0
        assert found["truncation"].metrics[column].value < 1
        assert found["truncation"].metrics[column].details["unverified"] == files


def test_a_program_that_is_not_there_is_a_failed_row(tiny):
    assert "no-such-program is not installed" in records(tiny)["absent"].traceback


def test_the_degenerator_writes_what_became_of_the_bytes_themselves():
    """Exactly as many bytes as asked, a function of the original and of fresh randomness."""

    seen = []

    def degenerate(data, noise):
        seen.append(noise)
        return data

    setting = Hyperparameters(WIDTH, 0.5, 3, "sigmoid", Nonsaturating())
    frozen = FrozenDegenerator(degenerate, setting, 0, system_bytes)
    source = NetworkNoise(frozen, WIDTH, "copies")
    assert source.needs_original
    for n in (1, WIDTH, 3 * WIDTH + 5, 2_000_000):
        original = np.random.default_rng(n).bytes(n)
        assert bytes(source.fill(original, 0, n)) == original
    fresh = torch.cat(seen)
    assert len(torch.unique(fresh, dim=0)) == len(fresh)  # no row's randomness is used twice
    assert abs(float(fresh.mean())) < 0.1
    assert float(fresh.std()) == pytest.approx(1, abs=0.1)


@pytest.mark.slow
def test_the_quick_table_is_what_it_says(tmp_path, mnist, capsys):
    """The real thing: every subject learns, and the paper's table comes out."""
    assert table(tmp_path, "--subjects", "all", "--datasets", mnist.root) == 0
    found = records(tmp_path)
    for name, least in (("vgg", 0.4), ("inception", 0.4), ("alphago", 0.95)):
        assert found[name].metrics["accuracy"].value > least, name
        assert found[name].metrics[TRAINING].value == 0, name
        assert found[name].metrics[ALBUM].value == 0, name
    assert abs(found["dan"].metrics["accuracy"].value - 0.5) < 0.1
    for name in ("dan", "infodan", "dcdan", "entropydan", "shred"):
        assert found[name].metrics[TRAINING].high > 99.99, name
        assert found[name].metrics[ALBUM].high > 99.9, name
    assert "stand-in" in capsys.readouterr().out
