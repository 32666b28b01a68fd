"""A training step asks the device nothing: whoever does waits for all that was begun there.

It is taken on `meta`, where a tensor has a shape and no number: to look at one is an error.
"""

from itertools import product

import pytest
import torch
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.loops import fit_loop
from pytorch_lightning.strategies import SingleDeviceStrategy
from tiny_runs import batches, module_of

from dan_bench.data.batches import BatchStacks
from dan_bench.models.compatibility import choices
from dan_bench.models.outputs import OUTPUTS
from dan_bench.models.pack import Seed, pack
from dan_bench.pipeline.fit import fit

MODELS, OBJECTIVES = choices("model"), choices("objective")
ON_THE_CPU = {"guide"}
"""Objectives that are solved on the CPU, by their nature."""
COMBINATIONS = [
    (model, objective, output)
    for model, objective, output in product(MODELS, OBJECTIVES, OUTPUTS)
    if MODELS[model].refusal(OBJECTIVES[objective], output) is None
]


@pytest.mark.parametrize(("model", "objective", "output"), COMBINATIONS)
def test_a_step_asks_the_device_nothing(model, objective, output):
    module = module_of(
        f"model={model}",
        f"objective={objective}",
        f"output={output}",
        "trainer.ema_decay=0.9",
        "trainer.gradient_clip=1.0",
        "optimizer.degenerator.fused=false",
        "optimizer.discriminator.fused=false",
        "runtime.log_every=50",
    )
    batch = batches(module, steps=1).at(0)
    module.to("meta")
    optimizers = module.configure_optimizers()
    module.optimizers = lambda **_: optimizers
    on_device = batch.to(torch.device("meta"), torch.float32)
    if objective in ON_THE_CPU:
        with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
            module.learn(on_device)
        return
    for _ in range(3):
        module.learn(on_device)
    assert module.step == 3
    assert {p.device.type for p in module.parameters()} == {"meta"}


@pytest.fixture
def training_on_meta(monkeypatch):
    """Have Lightning take `meta` for the device that there is."""
    monkeypatch.setattr(CPUAccelerator, "setup_device", lambda *_: None)
    monkeypatch.setattr(SingleDeviceStrategy, "root_device", torch.device("meta"))
    monkeypatch.setattr(SingleDeviceStrategy, "teardown", lambda _: None)
    monkeypatch.setattr(fit_loop, "has_len_all_ranks", lambda *_: True)  # before the first step


@pytest.mark.usefixtures("training_on_meta")
@pytest.mark.parametrize("together", [False, True])
def test_a_training_makes_its_batches_on_the_device_and_asks_nothing_before_a_report(together):
    words = ["optimizer.degenerator.fused=false", "optimizer.discriminator.fused=false"]
    seeds = [Seed(module_of(*words, "runtime.log_every=50")) for _ in range(2)]
    one, seen = seeds[0].module, set()
    one.callbacks.append(lambda _, batch: seen.update(part.device.type for part in batch))
    made, trained = batches(one, steps=12), one
    if together:
        made, trained = BatchStacks([made, batches(one, steps=12)]), pack(seeds)
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        fit(trained, made)  # at its end, whether the weights are finite
    assert one.step == 12
    assert seen == {"meta"}
    assert one.devices == ["meta"]


def test_a_number_that_is_looked_at_there_is_an_error():
    """So that the test above could fail."""
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        bool(torch.zeros(3, device="meta").any())
