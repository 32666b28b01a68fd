"""The certificate as a loss: it is the metric's, its gradient is right, and it is learned."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from dan_bench.callbacks.checkpoint import Checkpoint
from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.data.batches import Batch, Batches, as_unit
from dan_bench.data.grids import Fold
from dan_bench.data.noise import quantiles
from dan_bench.interfaces import Data
from dan_bench.metrics import certificate
from dan_bench.models.certified import gaussian_leak
from dan_bench.models.dcdan import DCDAN, Perturbation
from dan_bench.models.infodan import InfoDAN
from dan_bench.models.networks import Bounded, convolutions, look_linear
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.plan import plan

SHAPE, WIDTH = (4, 5), 20
ROWS = np.random.default_rng(0).integers(0, 256, (5000, WIDTH), dtype=np.uint8)
"""Beyond some 4,000 rows the metric is the determinant, if that is less than log2 n."""


def setting(noise_dim=WIDTH, output="torus", **changes):
    adam = partial(torch.optim.Adam, lr=3e-3, betas=(0.5, 0.999))
    optimizers = {"degenerator": adam, "discriminator": adam}
    values = {"optimizers": optimizers, "log_every": 10, "shape": SHAPE} | changes
    return Hyperparameters(WIDTH, 0.5, noise_dim, output, Nonsaturating(), **values)


def dan_of(cls, setting, **changes):
    torch.manual_seed(0)
    own = {
        InfoDAN: {
            "recogniser_hidden": (8,),
            "recogniser_steps": 1,
            "weight": 0.0,
            "dependence_weight": 0.0,
            "classes": 10,
        },
        DCDAN: {"share": 0.5, "cell": 2, "pace": 1.0, "turns": 4.0},
    }[cls]
    arguments = {
        "degenerator_hidden": (16 if cls is InfoDAN else 64,),
        "discriminator_hidden": (16 if cls is InfoDAN else 64,),
        "input": "data_and_noise",
        "scale": 0.3,
        "certificate_weight": 1.0,
        "averaging": 0.9,
    }
    return cls(setting, **arguments | own | changes)


MODELS = pytest.mark.parametrize("cls", [InfoDAN, DCDAN])


def batches(noise_dim=WIDTH, steps=1, size=32):
    return Batches(Data(ROWS), WIDTH, noise_dim, size, steps, seed=0)


def everything(noise_dim=WIDTH):
    """All rows as one batch."""
    n, nothing = len(ROWS), torch.empty(0)
    return Batch(as_unit(ROWS).double(), nothing, torch.zeros(n, noise_dim), torch.full((n,), -1))


# the bound


@pytest.mark.parametrize("size", [5, 60])
def test_the_leak_is_half_a_log_determinant(size):
    """In as many dimensions as inputs, and in more."""
    rng = np.random.default_rng(0)
    images, noise = rng.normal(size=(size, 20)), rng.normal(size=(20, 30))
    covariance = np.cov(images.T, bias=True)
    expected = np.linalg.slogdet(np.eye(20) + np.linalg.solve(noise @ noise.T, covariance))[1] / 2
    found = gaussian_leak(torch.from_numpy(images + 3), torch.from_numpy(noise))
    assert found.item() == pytest.approx(expected, rel=1e-9)


def test_no_noise_matrix_is_the_identity():
    images = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).double()
    same = gaussian_leak(images, torch.eye(4, dtype=torch.float64))
    assert gaussian_leak(images, None).item() == pytest.approx(same.item(), rel=1e-12)


@pytest.mark.parametrize("size", [3, 9])
def test_the_gradient_of_the_leak_is_that_of_finite_differences(size):
    made = torch.Generator().manual_seed(0)
    images = torch.randn(size, 5, generator=made, dtype=torch.float64, requires_grad=True)
    noise = torch.randn(5, 7, generator=made, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(gaussian_leak, (images, noise))


def test_of_units_that_no_noise_reaches_nothing_is_bounded():
    assert gaussian_leak(torch.rand(4, 3), torch.zeros(3, 5)).isnan()


@MODELS
@pytest.mark.parametrize("noise_dim", [WIDTH // 2, WIDTH, 50])
def test_the_loss_of_all_rows_is_the_certificate(cls, noise_dim):
    module = dan_of(cls, setting(noise_dim), averaging=0.0).double()
    if cls is DCDAN:  # which begins nearly deaf
        with torch.no_grad():
            module.degenerator[0].layer[0].weight.mul_(10)
    leak = module.leak(everything(noise_dim)).item()
    assert 0.01 < leak < 0.9 * math.log(len(ROWS))
    certified = module.inference(seed=0).leak_bound(ROWS) / certificate.NATS
    assert certified == pytest.approx(leak, rel=1e-6)


@MODELS
def test_a_leak_enters_the_loss_by_its_weight(cls):
    batch = batches().at(0)
    penalties = [
        float(module.penalty(batch, module(batch.data, batch.noise)))
        for module in (dan_of(cls, setting(), certificate_weight=w) for w in (0.0, 1.0, 7.0))
    ]
    assert penalties[0] == 0
    assert penalties[1] > 0
    assert penalties[2] == pytest.approx(7 * penalties[1], rel=1e-6)


@MODELS
def test_what_is_blind_leaks_nothing(cls):
    module, batch = dan_of(cls, setting(), input="noise"), batches().at(0)
    assert float(module.penalty(batch, module(batch.data, batch.noise))) == 0
    assert module.inference(seed=0).leak_bound(ROWS) == 0


def test_noise_with_fewer_bits_than_the_output_certifies_nothing():
    module = dan_of(InfoDAN, setting(noise_dim=WIDTH // 2 - 1))
    frozen = module.inference(seed=0)
    assert frozen.noise_bits < 8 * WIDTH
    assert (frozen.leak_bound(ROWS), frozen.pair_bound(ROWS)) == (math.inf, 1.0)
    blind = dan_of(InfoDAN, setting(noise_dim=1), input="noise").inference(seed=0)
    assert (blind.leak_bound(ROWS), blind.pair_bound(ROWS)) == (0, 0)


def test_one_number_of_noise_gives_away_more_than_the_bound_of_real_numbers():
    """All 65,536 values it has are tried: what an output tells is enumerated, and no estimate."""
    torch.manual_seed(0)
    frozen = dan_of(InfoDAN, setting(noise_dim=1), scale=2.0).double().inference(seed=0)
    network, few, quiet = frozen.opened(), ROWS[:8], 1e-3  # the data hardly move the sum
    real = certificate.gaussian_leak(quiet * frozen.channel.whitened(few))
    z = quantiles("gaussian").astype(np.float64)[:, None]
    outputs = []
    for row in as_unit(few).numpy().astype(np.float64):
        u = quiet * network.data @ row + network.offset + z @ network.noise.T
        with torch.no_grad():
            y = network.layers(torch.from_numpy(u)).numpy()
        outputs.append(np.floor(256 * (y - np.floor(y))).astype(np.uint8))
    _, which, counts = np.unique(
        np.concatenate(outputs), axis=0, return_inverse=True, return_counts=True
    )
    joint = np.zeros((len(few), len(counts)))
    for i, codes in enumerate(np.split(which.ravel(), len(few))):
        np.add.at(joint[i], codes, 1 / len(z) / len(few))
    total = joint.sum(axis=0)
    told = float(np.sum(joint * np.log2(np.where(joint > 0, joint, 1) * len(few) / total)))
    assert told > 10 * real


# learning it


@MODELS
@pytest.mark.parametrize("noise_dim", [WIDTH // 2, WIDTH])
def test_a_short_training_learns_to_leak_less(cls, noise_dim):
    def leaked(weight):
        module = dan_of(cls, setting(noise_dim), certificate_weight=weight)
        before = module.inference(seed=0).leak_bound(ROWS)
        fit(module, batches(noise_dim, steps=300))
        return before, module.inference(seed=0).leak_bound(ROWS)

    before, after = leaked(weight=3.0)
    assert after < before / 20
    assert after < leaked(weight=0.0)[1] / 10


@MODELS
def test_the_average_is_what_is_certified(cls):
    module = dan_of(cls, setting())
    fit(module, batches(steps=20))
    bound = module.inference(seed=0).leak_bound(ROWS)
    module.degenerator.load_state_dict(module.averaged().state_dict())
    assert module.double().leak(everything()).item() == pytest.approx(bound / certificate.NATS)


@MODELS
def test_resuming_gives_the_same_bits(cls, tmp_path):
    class PowerCut(Exception):
        pass

    def go_out(step):
        if step == 20:
            raise PowerCut

    straight = dan_of(cls, setting())
    fit(straight, batches(steps=30))
    saving = Checkpoint(tmp_path / "last.ckpt", "run", every=10)
    with pytest.raises(PowerCut):
        fit(dan_of(cls, setting()), batches(steps=30), on_step=go_out, checkpoint=saving)
    resumed = dan_of(cls, setting())
    fit(resumed, batches(steps=30), checkpoint=saving)
    assert resumed.step == 30
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


@pytest.mark.parametrize("model", ["infodan", "dcdan"])
def test_a_certificate_without_noise_is_refused(model):
    with pytest.raises(ConfigError, match=r"certificate_weight=3\.0 needs noise: noise_dim=0"):
        plan(configure([f"model={model}", "data=danoise", "noise_dim=0"]))
    plan(configure([f"model={model}", "data=danoise", "noise_dim=0", "model.certificate_weight=0"]))


# a convolutional network whose gain got out of hand


def amplified(gain, output="torus"):
    """A DCDAN whose last layer is that much louder."""
    module = dan_of(DCDAN, setting(output=output))
    *_, last = (layer for layer in module.degenerator.modules() if isinstance(layer, nn.Conv2d))
    with torch.no_grad():
        last.weight.mul_(gain)
        last.bias.mul_(gain)
    return module


def pre_activations(module):
    batch = batches().at(0)
    return module.degenerator(module.inputs(batch.data, batch.noise))


def slope_at_the_data(module):
    """The gradient of the adversarial loss at the weights that let the data in."""
    batch = batches().at(0)
    fake = module(batch.data, batch.noise)
    loss = Nonsaturating().degenerator_loss(module.critic, batch.target, fake)
    return torch.autograd.grad(loss, module.degenerator[0].layer[0].weight)[0]


def test_pre_activations_go_round_the_torus_a_few_times_at_most():
    still, loud = (pre_activations(amplified(gain)).square().mean(1).sqrt() for gain in (1, 1e6))
    assert still.max() < 4
    assert torch.allclose(loud, torch.full_like(loud, 4.0))
    assert torch.equal(Bounded(4.0)(torch.zeros(1, 3)), torch.zeros(1, 3))
    assert pre_activations(amplified(1e6, "sigmoid")).square().mean() > 1e6


def test_no_gain_takes_the_bytes_from_single_precision():
    module, batch = amplified(1e6), batches().at(0)
    single = module.output.features(module(batch.data, batch.noise))
    double = module.double()(batch.data.double(), batch.noise.double())
    assert torch.allclose(single.double(), module.output.features(double), rtol=0, atol=1e-3)


def test_no_gain_takes_the_certificate():
    bounds = [amplified(gain).inference(seed=0).leak_bound(ROWS) for gain in (1, 1e6)]
    assert 0 < bounds[0] < math.log2(len(ROWS))
    assert bounds[1] == bounds[0]


def test_the_noise_of_the_game_reaches_the_data_no_louder_for_any_gain():
    """So that the certificate's gradient, which is small where little leaks, has the last word."""
    slopes = [slope_at_the_data(amplified(gain)).norm().item() for gain in (1e3, 1e6)]
    assert slopes[0] > 0
    assert slopes[1] == pytest.approx(slopes[0], rel=0.01)


# where the data of a convolutional network enter


@pytest.mark.parametrize("noise_dim", [0, 3, 20, 31])
def test_data_enter_only_where_noise_does(noise_dim):
    fold = Fold((5, 4), 3)  # cells beyond both edges
    layer = Perturbation(fold, WIDTH, noise_dim)
    nn.init.ones_(layer.layer[0].bias)
    image = layer.image(torch.rand(1, WIDTH))[0]
    enters = image != 0
    assert enters.sum() == min(noise_dim, WIDTH)
    noise = torch.cat([torch.zeros(1, WIDTH), torch.ones(1, noise_dim)], dim=1)
    heard = layer(noise)[0] - layer(torch.zeros(1, WIDTH + noise_dim))[0]
    assert (heard != 0).sum() == noise_dim
    assert ((heard[: len(image)] != 0) == enters).all()


def test_a_pace_slows_the_degenerator_alone():
    """By so much, whatever the config's rates are."""
    rates = [
        [optimizer.param_groups[0]["lr"] for optimizer in module.configure_optimizers()]
        for module in (dan_of(DCDAN, setting(), pace=pace) for pace in (1.0, 0.2))
    ]
    assert rates == [[3e-3, 3e-3], [3e-3, pytest.approx(6e-4)]]


def test_all_places_of_a_convolutional_network_have_one_law():
    """Noise moved by a place, round the edge, is output moved by a place, for any weights."""
    network = dan_of(DCDAN, setting()).degenerator[1].double()
    made = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.2, generator=made)
    grid = torch.randn(2, 4, 5, 6, generator=made, dtype=torch.float64)
    for places in ((1, 0), (0, 1), (2, 3)):
        moved = network(grid.roll(places, dims=(2, 3)))
        assert torch.allclose(moved, network(grid).roll(places, dims=(2, 3)), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("inputs", "width", "outputs"), [(4, 8, 4), (4, 9, 4), (2, 16, 3)])
def test_a_network_that_looks_linear_is_an_orthogonal_map(inputs, width, outputs):
    network = convolutions([inputs, *[width] * 4, outputs], [1] * 5).double()
    look_linear(network, scale=0.7)
    pictures = torch.randn(3, inputs, 5, 6, generator=torch.Generator().manual_seed(0)).double()
    seen = network(pictures).transpose(0, 1).flatten(1)
    place = pictures.transpose(0, 1).flatten(1)
    map_ = torch.linalg.lstsq(place.T, seen.T).solution.T
    assert torch.allclose(map_ @ place, seen, atol=1e-5)
    singular = torch.linalg.svdvals(map_)
    assert torch.allclose(singular, torch.full_like(singular, 0.7), atol=1e-5)
