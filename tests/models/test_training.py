"""The training of an adversarial module, its frozen form, and a module from a config."""

import math

import numpy as np
import pytest
import torch
from tiny_models import (
    NOISE,
    ROWS,
    SGD,
    WIDTH,
    batches,
    changed,
    dan,
    distance,
    gan,
    state,
)

from dan_bench.callbacks.checkpoint import Checkpoint
from dan_bench.config.compose import configure
from dan_bench.data.batches import Batches
from dan_bench.data.noise import Danoise
from dan_bench.interfaces import Data
from dan_bench.models.dan import DAN
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.methods import UntrainedNetwork

# training


def test_one_step_changes_exactly_the_two_networks():
    module = dan()
    before = state(module)
    fit(module, batches(1))
    names = {name for name, _ in module.named_parameters()}
    assert changed(before, state(module)) == names
    assert {name.split(".")[0] for name in names} == {"degenerator", "discriminator"}


def test_one_step_is_one_descent_of_each_on_the_same_fakes():
    """By hand: the discriminator first, then the degenerator against the new discriminator."""
    trained, by_hand = dan(optimizer=SGD), dan(optimizer=SGD)
    batch = batches(1).at(0)
    loss, critic = by_hand.setting.objective, by_hand.critic

    def descend(value, network):
        slopes = torch.autograd.grad(value, list(network.parameters()), retain_graph=True)
        with torch.no_grad():
            for weight, slope in zip(network.parameters(), slopes, strict=True):
                weight -= slope

    fake = by_hand(batch.data, batch.noise)
    first = loss.discriminator_loss(critic, batch.target, fake.detach())
    descend(first, by_hand.discriminator)
    descend(loss.degenerator_loss(critic, batch.target, fake), by_hand.degenerator)
    fit(trained, batches(1))
    for name, value in by_hand.state_dict().items():
        assert torch.allclose(trained.state_dict()[name], value, rtol=1e-5, atol=1e-7), name


def test_with_two_discriminator_steps_odd_steps_leave_the_degenerator_alone():
    after = []
    for steps in (0, 1, 2, 3):
        module = dan(discriminator_steps=2)
        if steps:
            fit(module, batches(steps))
        after.append(state(module))

    def networks(one, other):
        return {name.split(".")[0] for name in changed(one, other)}

    assert networks(after[0], after[1]) == {"degenerator", "discriminator"}
    assert networks(after[1], after[2]) == {"discriminator"}
    assert networks(after[2], after[3]) == {"degenerator", "discriminator"}


@pytest.mark.parametrize("discriminator_steps", [1, 2, 3])
def test_the_step_counter_counts_batches(discriminator_steps):
    module = dan(discriminator_steps=discriminator_steps)
    told = []
    fit(module, batches(23), on_step=told.append)
    assert module.step == 23
    assert told == [5, 10, 15, 20]
    assert [point["step"] for point in module.curves] == [5, 10, 15, 20]


@pytest.mark.parametrize("discriminator_steps", [1, 2, 5])
def test_the_curves_hold_both_losses_however_often_the_degenerator_moves(discriminator_steps):
    module = dan(discriminator_steps=discriminator_steps, log_every=10)
    fit(module, batches(20))
    assert len(module.curves) == 2
    for point in module.curves:
        assert {"discriminator_loss", "degenerator_loss"} <= set(point)


def test_the_curves_say_what_the_networks_are_at_that_step():
    module = dan(optimizer=SGD, log_every=1)
    first = batches(1).at(0)
    with torch.no_grad():
        fake = module(first.data, first.noise)
        loss = module.setting.objective.discriminator_loss(module.critic, first.target, fake)
    fit(module, batches(1))
    (point,) = module.curves
    with torch.no_grad():
        right = (module.critic(first.target) > 0).sum() + (module.critic(fake) <= 0).sum()
    assert point["discriminator_loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert point["discriminator_accuracy"] == right.item() / 16


@pytest.mark.parametrize("make", [dan, gan])
def test_the_same_seed_gives_the_same_bits_and_another_others(make):
    def train(seed, of_data):
        module = make(seed=seed)
        fit(module, batches(15, seed=of_data))
        return module

    first, again, other, on_other_data = train(0, 0), train(0, 0), train(1, 0), train(0, 1)
    assert changed(state(first), state(again)) == set()
    assert first.curves == again.curves
    names = {name for name, _ in first.named_parameters()}
    assert changed(state(first), state(other)) == names
    assert changed(state(first), state(on_other_data)) == names


def test_global_random_numbers_drawn_in_between_change_nothing():
    quiet, disturbed = dan(), dan()
    fit(quiet, batches(15))
    np.random.seed(99)  # noqa: NPY002
    torch.manual_seed(99)
    fit(disturbed, batches(15), on_step=lambda _: torch.rand(3))
    assert changed(state(quiet), state(disturbed)) == set()


class Cut(Exception):
    """The power goes."""


def bits(optimizer):
    """Everything that an optimiser remembers."""
    kept = optimizer.state_dict()["state"]
    return {(i, name): torch.as_tensor(x) for i, of in kept.items() for name, x in of.items()}


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
@pytest.mark.parametrize("discriminator_steps", [1, 3])
@pytest.mark.parametrize("way", ["cut off", "prolonged"])
def test_resuming_gives_the_same_bits_as_never_having_stopped(
    tmp_path, ema_decay, discriminator_steps, way
):
    changes = {"ema_decay": ema_decay, "discriminator_steps": discriminator_steps}
    straight = dan(**changes)
    trainer = fit(straight, batches(40))

    def go_out(step):
        if step == 25:
            raise Cut

    saving = Checkpoint(tmp_path / "last.ckpt", run="this", every=20)
    if way == "cut off":
        with pytest.raises(Cut):
            fit(dan(**changes), batches(40), on_step=go_out, checkpoint=saving)
    else:
        fit(dan(**changes), batches(20), checkpoint=saving)
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
    resumed = dan(seed=5, **changes)
    told = []
    resumed_trainer = fit(resumed, batches(40), checkpoint=saving, on_step=told.append)

    assert told == [25, 30, 35, 40]
    assert resumed.step == straight.step == 40
    assert changed(state(straight), state(resumed)) == set()
    assert resumed.curves == straight.curves
    for one, other in zip(trainer.optimizers, resumed_trainer.optimizers, strict=True):
        kept, there = bits(one), bits(other)
        assert kept.keys() == there.keys()
        assert len(kept) > 0
        assert all(torch.equal(kept[name], there[name]) for name in kept)


def test_resuming_what_is_finished_does_nothing(tmp_path):
    saving = Checkpoint(tmp_path / "last.ckpt", run="this", every=20)
    module = dan()
    fit(module, batches(20), checkpoint=saving)
    again = dan(seed=1)
    fit(again, batches(20), checkpoint=saving)
    assert again.step == 20
    assert changed(state(module), state(again)) == set()


def test_averaged_weights_are_the_averages():
    """The first update copies; each later one keeps `decay` of what there was."""
    decay, steps = 0.75, 4
    walked = []
    for step in range(1, steps + 1):
        plain = dan(optimizer=SGD)
        fit(plain, batches(step))
        walked.append(state(plain))
    module = dan(optimizer=SGD, ema_decay=decay)
    fit(module, batches(steps))
    assert int(module.ema.n_averaged) == steps
    for name, average in module.ema.module.named_parameters():
        expected = walked[0][f"degenerator.{name}"]
        for after in walked[1:]:
            expected = decay * expected + (1 - decay) * after[f"degenerator.{name}"]
        assert torch.allclose(average, expected, rtol=1e-5, atol=1e-7), name
        last = module.degenerator.get_parameter(name)
        assert torch.equal(last, walked[-1][f"degenerator.{name}"])
        assert not torch.equal(last, average)


def test_averages_follow_the_degenerators_updates_and_not_the_batches():
    module = dan(ema_decay=0.9, discriminator_steps=3)
    fit(module, batches(7))
    assert int(module.ema.n_averaged) == 3


def test_degenerating_uses_the_averaged_weights():
    module = dan(ema_decay=0.9)
    fit(module, batches(10))
    batch = batches(1).at(0)
    raw = module.ema.module(module.inputs(batch.data, batch.noise))
    assert torch.equal(module.degenerate(batch.data, batch.noise), module.output.activation(raw))
    assert not torch.equal(module.degenerate(batch.data, batch.noise), module(*batch[::2]))


def test_gradient_clip_bounds_the_update():
    """Plain descent at rate 1: the weights move by the gradient, so no further than the clip."""
    clip = 1e-3
    free, clipped = dan(optimizer=SGD), dan(optimizer=SGD, gradient_clip=clip)
    before = state(free)
    fit(free, batches(1))
    fit(clipped, batches(1))
    for network in ("degenerator", "discriminator"):
        assert distance(before, state(free), network) > 2 * clip
        moved = distance(before, state(clipped), network)
        assert moved <= clip * (1 + 1e-4)
        assert moved == pytest.approx(clip, rel=1e-2)


@pytest.mark.parametrize("precision", ["32-true", "64-true", "bf16-mixed"])
@pytest.mark.parametrize("output", ["sigmoid", "torus"])
def test_a_network_trained_at_any_precision_of_the_config_degenerates(precision, output):
    module = dan(output=output, ema_decay=0.9)
    fit(module, batches(10), precision=precision)
    assert all(value.isfinite().all() for value in module.state_dict().values())
    assert all(math.isfinite(x) for point in module.curves for x in point.values())
    out = module.inference(seed=0)(ROWS, np.arange(50))
    assert out.shape == ROWS.shape
    assert out.dtype == np.uint8


def test_mixed_precision_keeps_its_weights_in_float32():
    module = dan()
    fit(module, batches(5), precision="bf16-mixed")
    assert {p.dtype for p in module.parameters()} == {torch.float32}


def test_training_moves_the_output_towards_noise():
    """All-black data: before, one byte a place; after, far more entropy than half of it."""
    data = Data(np.zeros((64, WIDTH), dtype=np.uint8))
    module = dan(hidden=(64,), output="torus", scale=0.1, noise_dim=WIDTH, log_every=400)
    fit(module, Batches(data, WIDTH, WIDTH, 64, 1, seed=0))
    frozen = module.inference(seed=0)
    black = np.zeros((2000, WIDTH), dtype=np.uint8)
    before = frozen(black, np.arange(2000))
    module.train()
    fit(module, Batches(data, WIDTH, WIDTH, 64, 400, seed=0))
    after = module.inference(seed=0)(black, np.arange(2000))

    def away(sample):
        """Chi-square of the bytes against uniform, over its degrees of freedom."""
        counts = np.bincount(sample.ravel(), minlength=256)
        expected = sample.size / 256
        return float((np.square(counts - expected) / expected).sum() / 255)

    assert away(after) < away(before) / 4


# from a config

SOURCE = Danoise(seed=0, train_size=100, test_size=10, shape=(3, 4))


def config(seed=0):
    tiny = ["model.degenerator_hidden=[9]", "model.discriminator_hidden=[7]"]
    short = ["trainer.max_steps=10", "trainer.batch_size=8", "runtime.log_every=5"]
    return configure([*tiny, *short, "output=torus", f"noise_dim={NOISE}", f"seed={seed}"])


def quantised_mean(rows):
    return (rows.astype(float) + 0.5).mean() / 256


def test_a_config_makes_the_module_with_weights_of_its_seed_alone():
    first = UntrainedNetwork(config(), SOURCE).make()
    torch.rand(10)
    again = UntrainedNetwork(config(), SOURCE).make()
    other = UntrainedNetwork(config(seed=1), SOURCE).make()
    assert changed(state(first), state(again)) == set()
    assert changed(state(first), state(other)) == set(state(first))
    assert isinstance(first, DAN)
    assert (first.setting.width, first.setting.noise_dim) == (WIDTH, NOISE)
    mean = quantised_mean(SOURCE.load("train").rows[np.arange(100)])
    assert first.setting.data_mean == pytest.approx(mean, rel=1e-6)
    assert type(first.setting.objective).__name__ == "Nonsaturating"


def test_a_module_from_a_config_trains():
    module = UntrainedNetwork(config(), SOURCE).make()
    before = state(module)
    trainer = fit(module, batches(3))
    assert changed(before, state(module)) == set(before)
    groups = [optimizer.param_groups[0] for optimizer in trainer.optimizers]
    assert [tuple(group["betas"]) for group in groups] == [(0.5, 0.999)] * 2
    assert [sum(p.numel() for p in group["params"]) for group in groups] == [
        sum(p.numel() for p in network.parameters())
        for network in (module.discriminator, module.degenerator)
    ]
