"""Attackers and classifiers are trained on the device that their case names, without waiting.

On `meta`, where a tensor has a shape and no number: the first loss that is looked at is an error.
"""

import math

import numpy as np
import pytest
import torch
from gpu_copies import GPU, Copies
from tiny_runs import SMALL
from torch import nn
from torch._subclasses import FakeTensorMode

from dan_bench.attacks.comparisons import FreshClassifierAccuracy
from dan_bench.attacks.distinguish import C2st
from dan_bench.attacks.fresh import Growth
from dan_bench.attacks.recovery import Dictionary, Label, Reconstruction
from dan_bench.attacks.training import Budget, FeatureMap, circle, line, train_epochs, views
from dan_bench.config.compose import configure
from dan_bench.controls.ciphers import OneTimePad
from dan_bench.interfaces import Data
from dan_bench.pipeline.evaluate import Measures, measure
from dan_bench.pipeline.plan import plan

WIDTH, ROWS = 144, 200
GROWTH = Growth(first_steps=4, most_steps=8, batch_size=50, lr=1e-3, weight_decay=0.01)
C2ST = C2st(8, 2, Budget(1, 1, 50, 1e-3, 0.0))
ATTACKS = {
    "label": Label(8, GROWTH),
    "reconstruction": Reconstruction(8, GROWTH),
    "dictionary": Dictionary(20, queries=20, hidden=8, features=4, budget=GROWTH),
}
PARTS = {
    **{name: {"attacks": {name: attack}} for name, attack in ATTACKS.items()},
    "c2st": {"attacks": {}, "c2st": C2ST},
    "fresh classifier": {"attacks": {}, "comparisons": {"x": FreshClassifierAccuracy()}},
}
STEPS = {**dict.fromkeys(ATTACKS, 4), "c2st": 4, "fresh classifier": 3}
"""Until convergence is looked at for the first time."""


class Pictures:
    shape = (12, 12)

    def load(self, split):
        stream = np.random.default_rng(len(split))
        rows = stream.integers(0, 256, (2 * ROWS, WIDTH), dtype=np.uint8)
        return Data(rows, np.arange(2 * ROWS) % 3)


def measured(part, device):
    asked = {"c2st": None, **part}
    measures = Measures(ROWS, ROWS, {}, certificate=None, **asked)
    return measure(OneTimePad(WIDTH, 0), Pictures(), measures, 0, lambda _: None, device)


@pytest.mark.parametrize("name", PARTS)
def test_each_is_trained_on_the_device_of_the_run_and_asks_it_nothing_in_a_step(name, monkeypatch):
    adamw = torch.optim.AdamW  # whose fused form knows no `meta`
    monkeypatch.setattr(torch.optim, "AdamW", lambda *a, **of: adamw(*a, **of | {"fused": False}))
    steps, backward = [], torch.Tensor.backward
    monkeypatch.setattr(
        torch.Tensor, "backward", lambda loss: steps.append(loss.device.type) or backward(loss)
    )
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        measured(PARTS[name], "meta")
    assert steps == ["meta"] * STEPS[name]


@pytest.mark.parametrize("views", [line, circle, views])
def test_bytes_cross_to_a_gpu_without_waiting_and_features_are_made_there(views, monkeypatch):
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: pinned.append(self) or self)
    rows = np.zeros((9, WIDTH), dtype=np.uint8)
    with FakeTensorMode(allow_non_fake_inputs=True):
        features = FeatureMap(rows, views, "cuda:0")
        pinned.clear()
        with Copies() as copies:
            made = features(rows)
    assert (made.device, made.shape) == (GPU, (9, features.width))
    assert copies.waiting == [False]
    assert [(part.dtype, part.shape) for part in pinned] == [(torch.uint8, (9, WIDTH))]


def test_a_loss_of_an_accelerator_is_looked_at_once_an_epoch(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "is_cpu", False)
    looked, item = [], torch.Tensor.item
    monkeypatch.setattr(torch.Tensor, "item", lambda self: looked.append(0) or item(self))
    network, counts = nn.Linear(1, 1), []
    batches = [(torch.ones(1, 1),)] * 5
    losses = iter([*[1.0] * 12, math.nan, *[1.0] * 7])

    def train():
        train_epochs(
            network,
            batches,
            lambda network, x: network(x).sum() * next(losses),
            torch.optim.SGD(network.parameters(), lr=0.0),
            4,
            lambda _: counts.append(len(looked)),
        )

    with pytest.raises(FloatingPointError, match="the loss is nan after 15 steps"):
        train()
    assert counts == [1, 2]


def test_a_network_is_measured_on_the_device_of_its_run(monkeypatch, tmp_path):
    """Its certificate is of the CPU."""
    method = plan(configure([*SMALL, "noise_dim=512"])).method
    monkeypatch.setattr("dan_bench.pipeline.methods.device_for", lambda _: torch.device("meta"))
    module = method.make()
    degenerator = method.frozen(module, tmp_path)
    assert module.device.type == "meta"
    rows = np.random.default_rng(0).integers(0, 256, (9, 120), dtype=np.uint8)
    assert 0 < degenerator.leak_bound(rows) < math.inf
    assert degenerator.opened().layers[-1].weight.device.type == "cpu"
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        degenerator(rows, np.arange(9))


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_each_is_trained_on_the_cpu_where_nothing_is_said(part):
    assert measured(part, "cpu").metrics
