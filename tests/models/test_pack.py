"""Many seeds trained as one: each is what it is alone, but for rounding.

Most are compared in double precision: a step apart by more than rounding shows, and rounding does
not, though training makes it larger with every step.
"""

import math

import pytest
import torch
from tiny_runs import SMALL

from dan_bench.callbacks.convergence import Convergence
from dan_bench.config.compose import configure
from dan_bench.data.batches import Batches, BatchStacks
from dan_bench.models.dan import DAN
from dan_bench.models.module import AdversarialModule
from dan_bench.models.pack import Seed, pack, stacked, unstacked
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.plan import plan
from dan_bench.sweep.seeds import ELEMENTWISE

STEPS = 20
CLOSE = 1e-6
"""Largest difference of a weight, as a share of its array's largest; they are 1e-8 to 1e-7 apart,
which is the rounding to single precision at the end."""


def made(seed, *overrides, steps=STEPS):
    """A module with the callback that every run has, and its batches."""
    words = [*SMALL, "runtime.log_every=5", f"seed={seed}", *overrides]
    planned = plan(configure(words))
    module, source = planned.method.make(), planned.source
    module.callbacks.append(Convergence(source.load("test"), module.setting, seed))
    width, noise_dim = module.setting.width, module.setting.noise_dim
    return module, Batches(source.load("train"), width, noise_dim, 8, steps, seed)


def alone(seed, *overrides, precision="64-true", steps=STEPS):
    module, batches = made(seed, *overrides, steps=steps)
    fit(module, batches, precision=precision)
    return module


def together(seeds, *overrides, precision="64-true", steps=STEPS, listen=None):
    """The seeds after they have been trained as one."""
    modules, batches = zip(*(made(seed, *overrides, steps=steps) for seed in seeds), strict=True)
    members = [Seed(module) for module in modules]
    whole = pack(members)
    if listen is not None:
        listen(members)
    fit(whole, BatchStacks(batches), precision=precision)
    whole.part()
    return members


def apart(one: AdversarialModule, other: AdversarialModule) -> float:
    """Largest difference of their weights, each as a share of the largest of its array."""
    assert one.state_dict().keys() == other.state_dict().keys()
    return max(
        float((a - b).abs().max() / a.abs().max().clamp_min(1e-3))
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


def curves_apart(one: AdversarialModule, other: AdversarialModule) -> float:
    points = list(zip(one.curves, other.curves, strict=True))
    assert points
    assert all(a.keys() == b.keys() for a, b in points)
    return max(abs(a[name] - b[name]) for a, b in points for name in a)


EXTRAS = [
    "trainer.gradient_clip=0.1",
    "trainer.ema_decay=0.9",
    "trainer.discriminator_steps=2",
    "runtime.log_gradients=true",
]


@pytest.mark.parametrize(
    ("model", "output", "objective", "extras"),
    [
        ("dan", "sigmoid", "nonsaturating", []),
        ("dan", "torus", "minimax", []),
        ("dan", "torus", "nonsaturating", EXTRAS),
        ("dan", "torus", "wgan_gp", []),
        ("dan", "sigmoid", "relativistic", EXTRAS),
        ("dan", "torus", "guide", []),
        ("dan", "sigmoid", "least_squares", ["model.input=noise"]),
        ("gan", "sigmoid", "hinge", []),
        ("infodan", "sigmoid", "nonsaturating", ["model.recogniser_steps=2"]),
        ("infodan", "torus", "nonsaturating", ["model.dependence_weight=0.5"]),
        ("entropydan", "sigmoid", "nonsaturating", []),
        ("entropydan", "torus", "wgan_gp", []),
        ("dcdan", "sigmoid", "nonsaturating", []),
        ("dcdan", "torus", "wgan_gp", []),
    ],
)
def test_each_seed_of_a_pack_is_what_it_is_alone(model, output, objective, extras):
    """DANOISE is other data for each seed, of another mean."""
    words = [f"model={model}", f"output={output}", f"objective={objective}", *extras]
    for seed, member in zip((3, 0), together((3, 0), *words), strict=True):
        single = alone(seed, *words)
        assert member.error is None
        assert member.module.step == single.step == STEPS
        assert apart(single, member.module) < CLOSE
        assert curves_apart(single, member.module) < 1e-5


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_what_a_network_keeps_beside_its_weights_is_each_seeds_own(monkeypatch, decay):
    """A batch norm's running mean and variance, with which its sample is made."""
    plain = DAN.make_degenerator

    def make(self):
        return torch.nn.Sequential(plain(self), torch.nn.BatchNorm1d(self.setting.width))

    monkeypatch.setattr(DAN, "make_degenerator", make)
    words = [f"trainer.ema_decay={decay}"]
    for seed, member in zip((3, 0), together((3, 0), *words), strict=True):
        single = alone(seed, *words)
        means = [module.degenerator[1].running_mean for module in (single, member.module)]
        assert means[0].abs().max() > 1e-3
        assert torch.allclose(*means, rtol=CLOSE, atol=CLOSE)
        assert apart(single, member.module) < CLOSE


def test_seeds_differ_by_far_more_than_the_tolerance():
    """So that the comparison above could fail."""
    one, other = together((0, 1))
    assert apart(one.module, other.module) > 1e4 * CLOSE


@pytest.mark.parametrize(("precision", "of_loss"), [("32-true", 1e-6), ("bf16-mixed", 2e-2)])
def test_in_the_precision_of_runs_the_first_steps_are_the_same_but_for_rounding(precision, of_loss):
    for seed, member in enumerate(together((0, 1), precision=precision, steps=5)):
        single = alone(seed, precision=precision, steps=5)
        for name in ("discriminator_loss", "degenerator_loss"):
            assert abs(single.curves[-1][name] - member.module.curves[-1][name]) < of_loss
        assert {p.dtype for p in member.module.parameters()} == {torch.float32}
        if precision == "32-true":  # in half precision Adam's first steps have any sign
            assert apart(single, member.module) < 1e-3


def test_neither_the_order_of_the_seeds_nor_their_number_matters():
    three = together((0, 1, 2))
    turned = together((2, 0))
    assert apart(three[0].module, turned[1].module) < CLOSE
    assert apart(three[2].module, turned[0].module) < CLOSE
    (single,) = together((1,))
    assert apart(three[1].module, single.module) < CLOSE


def test_the_weights_of_a_part_are_its_own():
    one, other = together((0, 1), steps=2)
    before = {name: weight.clone() for name, weight in other.module.state_dict().items()}
    with torch.no_grad():
        for weight in one.module.parameters():
            weight.zero_()
    assert all(torch.equal(before[n], w) for n, w in other.module.state_dict().items())
    assert all(w.untyped_storage().nbytes() == w.nbytes for w in one.module.parameters())


def spoil(place, step):
    """Make a weight of one seed infinite after that step."""

    def listen(members):
        def at(module, _):
            if module.step == step:
                with torch.no_grad():
                    next(module.degenerator.parameters()).view(-1)[0] = math.inf

        members[place].module.callbacks.append(at)

    return listen


@pytest.mark.parametrize("objective", ["nonsaturating", "guide"])
@pytest.mark.parametrize("model", ["dan", "infodan", "dcdan"])
def test_a_seed_that_diverges_fails_alone(model, objective):
    words = f"model={model}", f"objective={objective}", "trainer.ema_decay=0.9"
    good, bad, last = together((0, 1, 2), *words, listen=spoil(1, step=7))
    assert isinstance(bad.error, FloatingPointError)
    assert str(bad.error).startswith(("step 8: ", "step 9: ", "step 10: "))
    assert len(bad.module.curves) == 1
    for seed, member in ((0, good), (2, last)):
        assert member.error is None
        assert apart(alone(seed, *words), member.module) < CLOSE


def test_a_callback_that_fails_is_its_own_seeds_failure():
    def listen(members):
        def full(module, _):
            if module.step == 3:
                raise OSError("no space left on device")

        members[0].module.callbacks.append(full)

    bad, good = together((0, 1), listen=listen)
    assert isinstance(bad.error, OSError)
    assert good.error is None
    assert apart(alone(1), good.module) < CLOSE


def test_where_every_seed_has_diverged_there_is_nothing_left_to_do():
    with pytest.raises(FloatingPointError, match="step 8: none of the seeds is left"):
        together((0,), listen=spoil(0, step=7))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_state_of_an_optimiser_goes_into_a_stack_and_back(name):
    def trained(seed):
        weight = torch.nn.Parameter(torch.full((2, 3), float(seed + 1)))
        momentum = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
        optimizer = getattr(torch.optim, name)([weight], lr=0.1, **momentum)
        weight.square().sum().backward()
        optimizer.step()
        return optimizer.state_dict()

    states = [trained(seed) for seed in range(3)]
    whole = stacked(states)
    shapes = {moment.shape for moment in whole["state"][0].values()}
    assert shapes <= {(), (3, 2, 3)}
    assert (3, 2, 3) in shapes
    for place, state in enumerate(states):
        back = unstacked(whole, place)
        assert back["param_groups"] == state["param_groups"]
        for name, moment in state["state"][0].items():
            assert torch.equal(back["state"][0][name], moment), name
