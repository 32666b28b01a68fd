"""Attackers and classifiers are trained on the device that their case names, and answer on the CPU.

On `meta`, where a tensor has a shape and no number: the first loss that is looked at is an error.
"""

import numpy as np
import pytest
import torch

from dan_bench.attacks.comparisons import FreshClassifierAccuracy
from dan_bench.attacks.distinguish import C2st
from dan_bench.attacks.fresh import Growth
from dan_bench.attacks.recovery import Dictionary, Label, Reconstruction
from dan_bench.attacks.training import Budget
from dan_bench.controls.ciphers import OneTimePad
from dan_bench.interfaces import Data
from dan_bench.pipeline.evaluate import Measures, measure

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


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_each_is_trained_on_the_device_of_the_run(part, monkeypatch):
    adamw = torch.optim.AdamW  # whose fused form knows no `meta`
    monkeypatch.setattr(torch.optim, "AdamW", lambda *a, **of: adamw(*a, **of | {"fused": False}))
    steps, backward = [], torch.Tensor.backward
    monkeypatch.setattr(
        torch.Tensor, "backward", lambda loss: steps.append(loss.device.type) or backward(loss)
    )
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        measured(part, "meta")
    assert steps == ["meta"]


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_each_is_trained_on_the_cpu_where_nothing_is_said(part):
    assert measured(part, "cpu").metrics
