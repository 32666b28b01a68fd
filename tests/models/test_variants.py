"""Every learned model of conf/: what it is made of, what it sees, what one step changes.

And every (model, objective, output) of conf/: it trains, or it is refused with the reason.
"""

import math
from functools import cache
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import nn

from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.data.batches import Batches
from dan_bench.data.grids import Fold, Unfold
from dan_bench.models.compatibility import choices, table
from dan_bench.models.dan import DAN
from dan_bench.models.dcdan import DCDAN
from dan_bench.models.gan import GAN
from dan_bench.models.networks import parameters_of, widest
from dan_bench.models.outputs import OUTPUTS
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.hinge import Hinge
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.plan import plan

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS, OBJECTIVES = choices("model"), choices("objective")
SMALL = ["data=danoise", "data.shape=[12,10]", "data.train_size=100", "noise_dim=120"]
RUN = ["trainer.batch_size=8", "trainer.max_steps=20", "logger=none"]


@cache
def composed(*overrides):
    return configure([*SMALL, *RUN, *overrides])


def planned(model, *overrides, objective="nonsaturating", output="sigmoid"):
    config = composed(f"model={model}", *overrides)
    parts = {"objective": composed(f"objective={objective}").objective, "output": output}
    return plan(config.model_copy(update=parts))


def made(model, *overrides, **axes):
    return planned(model, *overrides, **axes).method.make()


def batches(module, steps=1, size=8):
    setting = module.setting
    return Batches(
        planned("dan").source.load("train"), setting.width, setting.noise_dim, size, steps, seed=0
    )


def state(network):
    return {name: value.clone() for name, value in network.named_parameters()}


def moved(before, network):
    after = dict(network.named_parameters())
    return {name for name in before if not torch.equal(before[name], after[name])}


# DCDAN

DCDANS = [name for name, model in MODELS.items() if issubclass(model, DCDAN)]
SIZES = {
    "as in conf": {},
    "half": {"share": 0.5},
    "half, no cells": {"share": 0.5, "cell": 1},
    "other": {"share": 0.1, "degenerator_hidden": [300, 200], "discriminator_hidden": [90]},
}


@pytest.fixture(params=OUTPUTS)
def output(request):
    return request.param


def one_wider(layers, given):
    """Parameters that these convolutions would have with a channel more between them.

    What the first `given` of them are given, and what the last one makes, have a size of their own.
    """
    return sum(
        ((c.in_channels + (i >= given)) * c.weight[0, 0].numel() + 1)
        * (c.out_channels + (given - 1 <= i < len(layers) - 1))
        for i, c in enumerate(layers)
    )


@pytest.mark.parametrize(
    ("shape", "noise_dim"), [((28, 28), 784), ((28, 28), 0), ((28, 28), 16), ((13, 9, 3), 500)]
)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("name", DCDANS)
def test_dcdan_is_eight_convolutions_of_the_largest_width_within_its_share(
    name, size, shape, noise_dim, output
):
    setting = Hyperparameters(math.prod(shape), 0.5, noise_dim, output, Hinge(), shape=shape)
    arguments = composed(f"model={name}").model.arguments | size
    module = MODELS[name](setting, **arguments)
    of_dan = ("degenerator_hidden", "discriminator_hidden", "input", "scale")
    dan = DAN(setting, **{name: arguments[name] for name in of_dan})
    for network, of, given in (
        (module.degenerator, dan.degenerator, 2),  # data, then noise
        (module.discriminator, dan.discriminator, 1),
    ):
        layers = [layer for layer in network.modules() if list(layer.parameters(recurse=False))]
        assert [type(layer) for layer in layers] == [nn.Conv2d] * 8
        assert parameters_of(network) <= parameters_of(of) / 2
        assert parameters_of(network) <= module.share * parameters_of(of)
        assert one_wider(layers, given) > module.share * parameters_of(of)
    assert parameters_of(module) <= parameters_of(dan) / 2
    data, noise = torch.rand(2, module.setting.width), torch.rand(2, module.setting.noise_dim)
    y = module(data, noise)
    assert y.shape == data.shape
    assert module.critic(y).shape == (2,)


def test_the_dcdan_of_conf_begins_a_turn_long_at_every_place():
    """From less its small discriminator lets it stop at half a turn, short of noise."""
    torch.manual_seed(0)
    setting = Hyperparameters(784, 0.5, 784, "torus", Hinge(), shape=(28, 28))
    module = DCDAN(setting, **composed("model=dcdan").model.arguments)
    with torch.no_grad():
        raw = module.degenerator(torch.randn(1000, 2 * 784))
    assert raw.std(dim=0).min() > 0.8
    assert raw.std(dim=0).max() < 1.25


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["model.share=0.51"], ["model.share=0.51", "0.5"]),
        (["model.share=0"], ["model.share=0", "greater than 0"]),
        (["model.share=0.001"], ["share=0.001", "raise share"]),
        (["data.shape=[120]"], ["data.shape=[120]", "rows, columns"]),
    ],
)
def test_a_dcdan_that_cannot_be_is_refused(overrides, words):
    with pytest.raises(ConfigError) as refused:
        planned("dcdan", *overrides)
    assert [word for word in words if word not in str(refused.value)] == []


def test_the_largest_width_is_solved_for():
    for most, width in ((0, 0), (1, 1), (24, 4), (25, 5), (10**6, 1000)):
        assert widest(lambda w: w**2, most) == width


@pytest.mark.parametrize("shape", [(4, 6), (5, 7), (4, 3, 3)])
@pytest.mark.parametrize("side", [1, 2, 4])
def test_unfolding_undoes_folding(shape, side):
    fold, unfold = Fold(shape, side), Unfold(shape, side)
    width = torch.Size(shape).numel()
    rows = torch.rand(3, width)
    assert fold(rows).shape[1] == fold.channels(width)
    assert torch.equal(unfold(fold(rows)), rows)


def test_a_fold_fills_the_last_picture_with_zeros_and_keeps_pixels_in_their_place():
    folded = Fold((2, 2), 1)(torch.arange(1.0, 7.0)[None])
    assert folded.tolist() == [[[[1, 2], [3, 4]], [[5, 6], [0, 0]]]]


# every learned model


@pytest.mark.parametrize("name", MODELS)
def test_a_sample_does_not_depend_on_those_beside_it(name):
    module = made(name).double()
    batch = batches(module).at(0).to(torch.device("cpu"), torch.float64)
    with torch.no_grad():
        together = module(batch.data, batch.noise)
        alone = module(batch.data[3:4], batch.noise[3:4])
        assert torch.allclose(alone[0], together[3], rtol=0, atol=1e-12)
        fake = module.fake(batch)
        logits = module.critic(fake)
        assert torch.allclose(module.critic(fake[3:4])[0], logits[3], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("still", "moves"), [("degenerator", "discriminator"), ("discriminator", "degenerator")]
)
@pytest.mark.parametrize("name", MODELS)
def test_each_optimiser_moves_every_parameter_of_its_network_and_none_of_the_other(
    name, still, moves
):
    module = made(name, f"optimizer.{still}.lr=0")
    before = {network: state(getattr(module, network)) for network in (still, moves)}
    fit(module, batches(module))
    assert moved(before[still], getattr(module, still)) == set()
    assert moved(before[moves], getattr(module, moves)) == before[moves].keys()


@pytest.mark.parametrize("name", MODELS)
def test_a_frozen_degenerator_stays_while_all_of_the_discriminator_moves(name):
    module = made(name, "trainer.freeze_degenerator=true")
    networks = module.degenerator, module.discriminator
    before = [state(network) for network in networks]
    fit(module, batches(module))
    assert moved(before[0], networks[0]) == set()
    assert moved(before[1], networks[1]) == before[1].keys()


def slope_at_data(module):
    """Largest gradient of a random mixture of the outputs at any number of the data."""
    batch = batches(module).at(0)
    data = batch.data.requires_grad_()
    weights = torch.randn(8, module.setting.width, generator=torch.Generator().manual_seed(0))
    out = (weights * module(data, batch.noise)).sum()
    (gradient,) = torch.autograd.grad(out, data, allow_unused=True)
    return 0.0 if gradient is None else gradient.abs().max().item()


@pytest.mark.parametrize(
    "name", [n for n in MODELS if "input" in composed(f"model={n}").model.arguments]
)
def test_a_blind_network_has_no_gradient_at_the_data_and_a_seeing_one_has(name, output):
    assert slope_at_data(made(name, "model.input=noise", output=output)) == 0
    assert slope_at_data(made(name, "model.input=data_and_noise", output=output)) > 0


def test_a_gan_never_sees_the_data():
    assert slope_at_data(made("gan")) == 0


# every model, objective and output

TRIPLES = list(product(MODELS, OBJECTIVES, OUTPUTS))


def reason_of(model, objective, output):
    return MODELS[model].refusal(OBJECTIVES[objective], output)


@pytest.mark.parametrize("triple", [t for t in TRIPLES if not reason_of(*t)], ids=" ".join)
def test_trains_for_twenty_steps(triple):
    model, objective, output = triple
    module = made(model, objective=objective, output=output)
    before = state(module)
    fit(module, batches(module, steps=20))
    assert module.step == 20
    assert {"discriminator_loss", "degenerator_loss"} <= module.losses.keys()
    assert all(loss.isfinite() for loss in module.losses.values())
    assert all(p.isfinite().all() for p in module.parameters())
    assert moved(before, module)


@pytest.mark.parametrize("triple", [t for t in TRIPLES if reason_of(*t)], ids=" ".join)
def test_is_refused_by_name_with_the_reason(triple):
    model, objective, output = triple
    with pytest.raises(ConfigError) as refused:
        planned(model, objective=objective, output=output)
    words = [f"model={model}", f"objective={objective}", f"output={output}", reason_of(*triple)]
    assert [word for word in words if word not in str(refused.value)] == []


def test_the_rules_speak_of_subclasses_too():
    class Mine(GAN):
        pass

    assert Mine.refusal(OBJECTIVES["hinge"], "torus") is not None
    assert Mine.refusal(OBJECTIVES["hinge"], "sigmoid") is None


def test_the_table_of_models_md_is_that_of_the_code():
    """If it is not: python -m dan_bench.models.compatibility prints the one to put there."""
    start, end = "<!-- compatibility -->\n", "\n<!-- /compatibility -->"
    shown = (REPOSITORY / "docs" / "models.md").read_text().split(start)[1].split(end)[0]
    assert shown == table(MODELS, OBJECTIVES)
