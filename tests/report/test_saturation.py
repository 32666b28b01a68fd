"""What reaches the degenerator: logged as autograd has it, tabled as the curves say."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from charts import legend, numbers

from dan_bench.cli import entry_point
from dan_bench.config.compose import configure
from dan_bench.data.batches import Batches
from dan_bench.interfaces import Data, RunRecord
from dan_bench.models.dan import DAN
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.least_squares import LeastSquares
from dan_bench.objectives.minimax import Minimax
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.pipeline.fit import fit
from dan_bench.report.figures.saturation import saturation
from dan_bench.report.saturation import at_level, geometric_interval, gradient_curves, main
from dan_bench.results.record import Store, key_of
from dan_bench.statistics import t_interval

WIDTH, NOISE, BATCH = 12, 6, 8
ROWS = np.random.default_rng(0).integers(0, 256, (50, WIDTH), dtype=np.uint8)


def trained(steps, objective=None, **changes):
    """A tiny DAN after some steps of plain gradient descent."""
    descent = partial(torch.optim.SGD, lr=changes.pop("lr", 0.1))
    values = {
        "width": WIDTH,
        "data_mean": 0.5,
        "noise_dim": NOISE,
        "output": "sigmoid",
        "objective": objective or Nonsaturating(),
        "optimizers": {"degenerator": descent, "discriminator": descent},
        "freeze_degenerator": True,
        "log_gradients": True,
        "log_every": 1,
    }
    torch.manual_seed(0)
    module = DAN(
        Hyperparameters(**values | changes),
        degenerator_hidden=(9,),
        discriminator_hidden=(7,),
        input="data_and_noise",
        scale=1.0,
    )
    batches = Batches(Data(ROWS), WIDTH, NOISE, BATCH, steps, 0)
    if steps:
        fit(module, batches)
    return module, batches


@pytest.mark.parametrize("objective", [Minimax(), Nonsaturating(), LeastSquares()])
def test_the_logged_gradients_are_those_of_the_loss_by_hand(objective):
    module, batches = trained(3, objective)
    batch = batches.at(2)
    # by hand: each sample's own loss, one backward pass a sample
    own = []
    total = [torch.zeros_like(p) for p in module.degenerator.parameters()]
    for i in range(BATCH):
        fake = module(batch.data[i : i + 1], batch.noise[i : i + 1])
        loss = objective.degenerator_loss(module.critic, batch.target[i : i + 1], fake)
        wanted = [fake, *module.degenerator.parameters()]
        to_fake, *to_parameters = torch.autograd.grad(loss, wanted)
        own.append(to_fake.square().sum().item())
        total = [t + p / BATCH for t, p in zip(total, to_parameters, strict=True)]
    last = module.curves[-1]
    assert last["sample_gradient"] == pytest.approx(math.sqrt(np.mean(own)), rel=1e-4)
    by_hand = math.sqrt(sum(t.square().sum().item() for t in total))
    assert last["parameter_gradient"] == pytest.approx(by_hand, rel=1e-4)


def test_a_sure_discriminator_leaves_minimax_exp_of_its_logit_of_what_nonsaturating_gets():
    """d/dy -softplus(D) = -sigmoid(D) dD/dy, d/dy softplus(-D) = -sigmoid(-D) dD/dy; e^D apart."""
    module, batches = trained(0)
    with torch.no_grad():
        module.discriminator[-1].bias.sub_(7)  # sure that all is fake
    batch = batches.at(0)
    fake = module(batch.data, batch.noise)
    sizes = {}
    for objective in (Minimax(), Nonsaturating()):
        module.setting = replace(module.setting, objective=objective)
        sizes[type(objective)] = module.gradients(batch, batch.target, fake)["sample_gradient"]
    logit = module.critic(fake).mean().item()
    assert sizes[Minimax] / sizes[Nonsaturating] == pytest.approx(math.exp(logit), rel=0.2)


def test_a_frozen_degenerator_does_not_move_and_its_discriminator_does():
    before, _ = trained(0)
    after, _ = trained(5)
    for name, value in before.state_dict().items():
        moved = not torch.equal(value, after.state_dict()[name])
        assert moved == name.startswith("discriminator."), name


def test_looking_at_the_gradients_changes_no_training():
    looked, _ = trained(6, freeze_degenerator=False, log_every=2)
    blind, _ = trained(6, freeze_degenerator=False, log_every=2, log_gradients=False)
    for name, value in looked.state_dict().items():
        assert torch.equal(value, blind.state_dict()[name]), name
    names = {"parameter_gradient", "sample_gradient"}
    assert len(looked.curves) == 3
    for seen, unseen in zip(looked.curves, blind.curves, strict=True):
        assert {k: v for k, v in seen.items() if k not in names} == unseen
        assert names <= seen.keys()


# the table


def curve(accuracies, gradients):
    return pd.DataFrame(
        {
            "step": np.arange(1.0, len(accuracies) + 1),
            "discriminator_accuracy": accuracies,
            "sample_gradient": gradients,
            "parameter_gradient": [g / 10 for g in gradients],
        }
    )


ACCURACIES = [0.5, 0.7, 0.92, 0.85, 1.0, 1.0]
VANISHES = [4.0, 2.0, 0.4, 0.3, 0.04, 0.0004]


@pytest.mark.parametrize(("level", "ratio"), [(0.6, 0.5), (0.9, 0.1), (0.99, 0.01), (None, 1e-4)])
def test_the_gradient_is_read_where_the_accuracy_is_first_reached(level, ratio):
    for gradient in ("sample_gradient", "parameter_gradient"):
        assert at_level(curve(ACCURACIES, VANISHES), gradient, level) == pytest.approx(ratio)


def test_a_level_that_is_never_reached_has_no_gradient():
    assert at_level(curve([0.5, 0.6], [1.0, 1.0]), "sample_gradient", 0.9) is None


def test_ratios_are_averaged_by_their_logarithms():
    found = geometric_interval([0.1, 0.001])
    logs = t_interval([-1.0, -3.0])
    assert found.value == pytest.approx(0.01)
    assert (found.low, found.high) == pytest.approx((10**logs.low, 10**logs.high))
    assert geometric_interval([0.1, 0.0]).value == 0


def stored(tmp_path, objective, seed, points, frozen=True, **changes):
    config = {
        "model": {"name": "dan", "kind": "learned"},
        "data": {"name": "mnist"},
        "objective": {"name": objective},
        "output": "sigmoid",
        "noise_dim": 784,
        "seed": seed,
        "trainer": {"freeze_degenerator": frozen},
        "evaluation": {"samples": 1},
        **changes,
    }
    store = Store(tmp_path)
    record = RunRecord(key_of(config), "done", config)
    store.put(record)
    points.to_parquet(store.folder(record.key) / "curves.parquet")
    return store


def test_the_table_has_a_line_for_each_objective(tmp_path, capsys):
    for seed, last in ((0, 1e-4), (1, 1e-6)):
        stored(tmp_path, "minimax", seed, curve([0.5, 0.95, 1.0], [1.0, 0.5, last]))
    stored(tmp_path, "hinge", 0, curve([0.5, 0.95, 0.98], [2.0, 2.0, 3.0]))
    stored(tmp_path, "hinge", 1, curve([0.5], [1.0]), frozen=False)
    stored(tmp_path, "guide", 0, curve([0.5], [1.0]).drop(columns="sample_gradient"))
    assert main(["--results", str(tmp_path), "--format", "markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    low, high = (10**end for end in (t_interval([-4, -6]).low, t_interval([-4, -6]).high))
    cells = "0.5 [0.5, 0.5]"
    end = f"1e-05 [{low:.2g}, {high:.2g}]"
    assert f"| minimax | 2 | 1 [1, 1] | {cells} | {cells} | {end} | {end} | 1.000 |" in lines
    assert "| hinge | 1 | 2 | 1 | 1 | X | 1.5 | 0.980 |" in lines
    assert not any("guide" in line for line in lines)


def test_runs_that_differ_in_more_than_the_seed_have_lines_of_their_own(tmp_path):
    for seed in (0, 1):
        stored(tmp_path, "minimax", seed, curve([0.5, 1.0], [1.0, 0.5]))
        stored(tmp_path, "hinge", seed, curve([0.5, 1.0], [1.0, 0.5]))
        store = stored(tmp_path, "minimax", seed, curve([0.5, 1.0], [1.0, 0.1]), noise_dim=3)
    found = gradient_curves(store.all()[0], store)
    assert {name: len(runs) for name, runs in found.items()} == {
        "hinge": 2,
        "minimax noise_dim=784": 2,
        "minimax noise_dim=3": 2,
    }


def test_without_gradients_there_is_no_table_and_no_figure(tmp_path, capsys):
    store = stored(tmp_path, "hinge", 0, curve([0.5], [1.0]), frozen=False)
    assert entry_point(main)(["--results", str(tmp_path)]) == 2
    assert "+experiment=saturation" in capsys.readouterr().err
    assert saturation(store.all()[0], store) is None


def test_the_figure_has_a_line_for_each_objective(tmp_path):
    store = stored(tmp_path, "minimax", 0, curve(ACCURACIES, VANISHES))
    store = stored(tmp_path, "hinge", 0, curve(ACCURACIES, [1.0] * 6))
    spec = saturation(store.all()[0], store).chart.to_dict()
    assert legend(spec) == ["hinge", "minimax"]
    drawn = numbers(spec)
    assert drawn["method"].unique().tolist() == ["hinge", "minimax"]
    assert [len(gradient_curves(store.all()[0], store)[name]) for name in ("hinge", "minimax")] == [
        1,
        1,
    ]
    hinge = drawn[drawn["method"] == "hinge"]
    assert hinge["gradient"].tolist() == pytest.approx([1.0] * 6)
    assert hinge["point"].isna().tolist() == [True] * 5 + [False]  # its mark stands at the end


def test_the_preset_freezes_the_degenerator_and_logs_what_reaches_it():
    config = configure(["+experiment=saturation", "objective=minimax"])
    assert config.trainer.freeze_degenerator
    assert config.runtime.log_gradients
