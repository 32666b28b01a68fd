"""A training that goes wrong says so: scrambled gradients, and numbers that are not finite."""

import json
import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from tiny_runs import SMALL, batches, module_of

from dan_bench.attacks.training import Budget, perceptron
from dan_bench.attacks.training import fit as fit_attacker
from dan_bench.config.compose import configure
from dan_bench.controls.adversarial import Fgsm
from dan_bench.data.batches import as_bytes, quantise
from dan_bench.interfaces import Estimate
from dan_bench.models.compatibility import choices
from dan_bench.models.module import laid_out_as
from dan_bench.models.outputs import OUTPUTS
from dan_bench.pipeline.evaluate import check_finite, measure
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.load import NoDegenerator, find, load
from dan_bench.pipeline.methods import UntrainedNetwork
from dan_bench.pipeline.plan import plan
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store

MODELS, OBJECTIVES = choices("model"), choices("objective")
COMBINATIONS = [
    (model, objective, output)
    for model, objective, output in product(MODELS, OBJECTIVES, OUTPUTS)
    if MODELS[model].refusal(OBJECTIVES[objective], output) is None
]
NOT_FINITE = [float("nan"), float("inf"), float("-inf")]


# gradients lie in memory as their parameters do


def test_a_gradient_is_laid_out_as_its_parameter_and_copied_only_where_it_is_not():
    gradient = torch.arange(6.0).view(2, 3)
    transposed = torch.empty(3, 2).T.copy_(gradient)
    assert transposed.stride() == (1, 2)
    moved = laid_out_as(torch.zeros(2, 3), transposed)
    assert torch.equal(moved, gradient)
    assert moved.stride() == (3, 1)
    assert laid_out_as(torch.zeros(2, 3), gradient) is gradient


@pytest.mark.parametrize(("model", "objective", "output"), COMBINATIONS)
def test_the_fused_update_is_the_unfused_one(model, objective, output):
    """By the cosine of the two: where a gradient is about 0, Adam's first step has any sign."""
    updates = []
    for fused in ("true", "false"):
        module = module_of(
            f"model={model}",
            f"objective={objective}",
            f"output={output}",
            f"optimizer.degenerator.fused={fused}",
            f"optimizer.discriminator.fused={fused}",
        )
        before = {name: weight.clone() for name, weight in module.named_parameters()}
        fit(module, batches(module, steps=1))
        updates.append({name: w - before[name] for name, w in module.named_parameters()})
    for name, update in updates[0].items():
        other = updates[1][name]
        assert (update * other).sum() >= 0.999 * update.norm() * other.norm(), name
        assert torch.isclose(update.norm(), other.norm(), rtol=1e-3), name


# what is not finite


@pytest.mark.parametrize("number", NOT_FINITE)
def test_what_is_not_finite_is_never_a_byte(number):
    y = torch.full((4, 3), 0.5)
    y[2, 1] = number
    with pytest.raises(FloatingPointError, match="not finite"):
        as_bytes(y)
    with pytest.raises(FloatingPointError, match="not finite"):
        quantise(y * 255)


def test_levels_are_cut_at_the_ends_of_a_byte_and_left_as_they_were():
    levels = torch.tensor([-1.0, 0.0, 254.9, 255.0, 256.0])
    assert quantise(levels).tolist() == [0, 0, 254, 255, 255]
    assert levels.tolist() == [-1.0, 0.0, pytest.approx(254.9), 255.0, 256.0]


def test_a_loss_that_is_not_finite_ends_the_training_at_its_step():
    module = module_of()
    loss = module.setting.objective.discriminator_loss
    steps = []

    def from_the_seventh_on(*arguments):
        steps.append(0)
        return loss(*arguments) * (float("nan") if len(steps) == 7 else 1)

    object.__setattr__(module.setting.objective, "discriminator_loss", from_the_seventh_on)
    with pytest.raises(FloatingPointError, match="step 7: discriminator_loss is nan"):
        fit(module, batches(module, steps=20))


def test_on_an_accelerator_a_loss_is_looked_at_once_a_report_and_its_own_step_is_named(monkeypatch):
    """To look at a number there waits for all that was begun, so nothing does at every step."""
    monkeypatch.setattr(torch.Tensor, "is_cpu", False)
    looked = []
    look = torch.Tensor.isfinite
    monkeypatch.setattr(torch.Tensor, "isfinite", lambda self: looked.append(0) or look(self))
    module = module_of("runtime.log_every=10", "trainer.ema_decay=0.9")
    counts = []
    module.callbacks.append(lambda *_: counts.append(len(looked)))
    loss = module.setting.objective.degenerator_loss

    def of_the_thirteenth(*arguments):
        return loss(*arguments) * (float("inf") if module.step == 12 else 1)

    object.__setattr__(module.setting.objective, "degenerator_loss", of_the_thirteenth)
    with pytest.raises(FloatingPointError, match="step 13: degenerator_loss is inf"):
        fit(module, batches(module, steps=40))
    assert counts[:9] == [0] * 9
    assert len(counts) == 19
    assert len(set(counts[9:])) == 1


def test_a_loss_of_the_last_steps_is_looked_at_on_an_accelerator_too(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "is_cpu", False)
    module = module_of("runtime.log_every=50", "trainer.discriminator_steps=7")
    loss = module.setting.objective.discriminator_loss

    def last(*arguments):
        return loss(*arguments) * (float("nan") if module.step == 3 else 1)

    object.__setattr__(module.setting.objective, "discriminator_loss", last)
    with pytest.raises(FloatingPointError, match="step 4: discriminator_loss is nan"):
        fit(module, batches(module, steps=4))


def diverging(at, number, network="degenerator"):
    """A callback that puts a number into a weight of a network at a step."""

    def listen(module, _):
        if module.step == at:
            with torch.no_grad():
                next(getattr(module, network).parameters()).view(-1)[-1] = number

    return listen


@pytest.mark.parametrize("number", NOT_FINITE)
@pytest.mark.parametrize("network", ["degenerator", "discriminator", "ema"])
def test_a_run_that_diverges_in_its_last_step_is_failed(network, number, tmp_path, monkeypatch):
    """The averaged weights are in no loss, and the discriminator's last ones in none any more."""
    config = configure([*SMALL, "trainer.ema_decay=0.9", f"runtime.results={tmp_path}"])
    made = UntrainedNetwork.make

    def make(self, mean=None):
        module = made(self, mean)
        module.callbacks.append(diverging(config.trainer.max_steps, number, network))
        return module

    monkeypatch.setattr(UntrainedNetwork, "make", make)
    record = run(config, "test")
    assert record.status == "failed"
    last = record.traceback.splitlines()[-1]
    assert last.startswith(f"FloatingPointError: step {config.trainer.max_steps}: "), last
    assert network in last or "output" in last
    assert not (Store(tmp_path).folder(record.key) / "weights.pt").exists()
    with pytest.raises(NoDegenerator):
        find("dan", tmp_path)


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_untrained_network_of_an_absurd_scale_is_failed(output, tmp_path):
    """Where all outputs are the ends of a byte it would look like one that destroys everything."""
    absurd = ["model=untrained", f"output={output}", "model.scale=1e300"]
    untrained = [word for word in SMALL if not word.startswith("trainer.")]
    record = run(configure([*untrained, *absurd, f"runtime.results={tmp_path}"]), "test")
    assert record.status == "failed"
    assert re.search(r"step 0: degenerator.*is not finite; .*model\.scale", record.traceback)


def test_weights_that_are_not_finite_after_the_last_step_end_the_training():
    module = module_of("runtime.log_every=50")

    def listen(module, _):
        if module.step == 3:
            with torch.no_grad():
                next(module.degenerator.parameters()).view(-1)[0] = float("inf")

    module.callbacks.append(listen)
    with pytest.raises(FloatingPointError, match=r"step 3: degenerator.*not finite"):
        fit(module, batches(module, steps=3))


def test_weights_that_single_precision_cannot_hold_end_the_training():
    module = module_of()

    def listen(module, _):
        with torch.no_grad():
            next(module.degenerator.parameters()).view(-1)[0] = 1e200

    module.callbacks.append(listen)
    with pytest.raises(FloatingPointError, match=r"step 3: degenerator.*not finite"):
        fit(module, batches(module, steps=3), precision="64-true")


def test_an_output_that_is_not_finite_is_named_with_its_step():
    """Of averaged weights, which no loss sees."""
    module = module_of("trainer.ema_decay=0.9")

    def listen(module, batch):
        if module.step == 2:
            next(module.ema.parameters()).view(-1)[0] = torch.nan
        as_bytes(module.degenerate(batch.data, batch.noise))

    module.callbacks.append(listen)
    with pytest.raises(FloatingPointError, match=r"step 2: an output .* learning rates"):
        fit(module, batches(module, steps=3))


def test_no_measurement_has_a_metric_that_is_not_finite():
    planned = plan(configure(SMALL))
    measures = replace(planned.measures, metrics={"broken": lambda _: Estimate(float("nan"))})
    with pytest.raises(FloatingPointError, match="the metric broken is nan"):
        measure(lambda data, _: data, planned.source, measures, 0, lambda _: None)


@pytest.mark.parametrize(
    ("model", "output"), dict.fromkeys((model, output) for model, _, output in COMBINATIONS)
)
def test_a_run_that_diverges_is_failed_and_never_picked(model, output, tmp_path):
    config = configure(
        [
            *SMALL,
            f"model={model}",
            f"output={output}",
            "optimizer.degenerator.lr=1e30",
            "optimizer.discriminator.lr=1e30",
            f"runtime.results={tmp_path}",
        ]
    )
    record = run(config, "test")
    assert record.status == "failed"
    assert "FloatingPointError: step" in record.traceback.splitlines()[-1]
    assert record.metrics == {}
    kept = json.loads((Store(tmp_path).folder(record.key) / "record.json").read_text())
    assert kept["status"] == "failed"
    with pytest.raises(NoDegenerator):
        find(model, tmp_path)


def test_weights_on_disk_that_are_not_finite_degenerate_nothing(tmp_path):
    config = configure([*SMALL, f"runtime.results={tmp_path}"])
    record = run(config, "test")
    assert record.status == "done"
    folder = Store(tmp_path).folder(record.key)
    saved = torch.load(folder / "weights.pt", weights_only=True)
    next(w for name, w in saved["weights"].items() if name.startswith("degenerator"))[:] = np.nan
    torch.save(saved, folder / "weights.pt")
    with pytest.raises(NoDegenerator, match="not finite"):
        load(record, folder, seed=0)


@pytest.mark.parametrize("number", NOT_FINITE)
@pytest.mark.parametrize("part", ["value", "low", "high", "details"])
def test_a_metric_that_is_not_finite_is_named(number, part):
    good = {"value": 1.0, "low": 0.0, "high": 2.0, "details": {"mlp": 0.5}}
    check_finite("joint_bits", Estimate(**good))
    check_finite("joint_bits", None)
    bad = {"mlp": number} if part == "details" else number
    with pytest.raises(FloatingPointError, match="metric joint_bits"):
        check_finite("joint_bits", Estimate(**{**good, part: bad}))


def test_an_attacker_that_diverges_is_no_evidence_of_destruction():
    """It would be left with the weights that it began with, recover nothing, and so vouch."""
    x = torch.rand(100, 4, generator=torch.Generator().manual_seed(0))

    def loss(network, x, y):
        return (network(x) - y).square().mean()

    budget = Budget(epochs=5, patience=5, batch_size=10, lr=1e38, weight_decay=0.0)
    with pytest.raises(FloatingPointError, match=r"attacker label diverged.*lr=1e\+38"):
        fit_attacker(
            lambda: perceptron(4, 8, 1), (x, x.sum(dim=1, keepdim=True)), loss, budget, 0, "label"
        )


def test_an_adversary_whose_pictures_are_not_finite_makes_no_bytes():
    class Broken(Fgsm):
        def perturb(self, x, labels, rows):
            return x * float("nan")

    fooled = object.__new__(Broken)
    fooled.network = torch.nn.Linear(4, 2)
    with pytest.raises(FloatingPointError, match="not finite"):
        fooled(np.zeros((3, 4), dtype=np.uint8), np.arange(3))
