"""Objectives with gradients at the critic's input: penalties, and the transport critic."""

import math

import pytest
import torch
from critics import RELATIVE, On, column, logits, mean
from torch import nn

from dan_bench.models.networks import mlp
from dan_bench.objectives import input_gradient, squared_norm
from dan_bench.objectives.guide import Guide, assign
from dan_bench.objectives.relativistic import Relativistic
from dan_bench.objectives.wgan_gp import WganGp


@pytest.mark.parametrize("objective", RELATIVE)
def test_only_differences_of_the_critic_mean_anything(objective):
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.rand(2, 6, 3, dtype=torch.float64, generator=generator)
    losses = [
        objective.discriminator_loss(On(lambda y, c=c: y.prod(dim=1) + c), real, fake).item()
        for c in (0.0, 7.0)
    ]
    assert objective.boundary is None
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def test_wgan_gp_of_a_linear_critic_by_hand():
    weight = torch.tensor([3.0, 4.0], dtype=torch.float64)
    real = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    fake = torch.tensor([[2.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    critic = On(lambda y: y @ weight)
    found = WganGp(weight=0.5).discriminator_loss(critic, real, fake).item()
    assert found == pytest.approx((10 - 1) / 2 - (3 + 4) / 2 + 0.5 * (5 - 1) ** 2, rel=1e-9)
    assert WganGp().degenerator_loss(critic, real, fake).item() == pytest.approx(-(10 - 1) / 2)


def test_wgan_gp_of_a_constant_critic_is_its_weight_and_of_a_unit_slope_at_p_equal_q_nothing():
    y = torch.rand(8, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    constant, slope = On(lambda y: 0 * y.sum(dim=1)), On(lambda y: y[:, 1])
    assert WganGp(3.0).discriminator_loss(constant, y, y).item() == pytest.approx(3, rel=1e-5)
    assert WganGp(3.0).discriminator_loss(slope, y, y).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("output", "between"), [("sigmoid", 0.5), ("torus", 1.0)])
def test_wgan_gp_looks_half_way_along_the_shorter_arc(output, between):
    """D = y^2 / 2 has slope y: the penalty tells at which y it was taken."""
    real, fake = column([0.1]), column([0.9])
    critic = On(lambda y: y[:, 0].square() / 2, output)
    found = WganGp(10.0).discriminator_loss(critic, real, fake).item()
    assert found == pytest.approx((0.81 - 0.01) / 2 + 10 * (between - 1) ** 2, abs=1e-9)


def test_wgan_gp_spreads_its_places_evenly_between_fake_and_real():
    places = []

    def critic(y):
        if y.requires_grad:
            places.append(y.detach())
        return y[:, 0]

    WganGp().discriminator_loss(On(critic), column([1.0] * 4), column([0.0] * 4))
    assert torch.allclose(places[0][:, 0], column([0.125, 0.375, 0.625, 0.875])[:, 0])


def test_r1_and_r2_of_a_quadratic_critic_sum_over_all_but_the_first_dimension():
    """D = 1/2 sum a y^2 has gradient a y."""
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 5, 2, 3, dtype=torch.float64, generator=generator)
    a = torch.randn(2, 3, dtype=torch.float64, generator=generator)
    critic = On(lambda y: (a * y.square()).sum(dim=(1, 2)) / 2)
    pairs = zip(critic(real).tolist(), critic(fake).tolist(), strict=True)
    expected = mean(math.log1p(math.exp(f - r)) for r, f in pairs)
    for samples in (real, fake):
        expected += 0.7 / 2 * mean((a * y).square().sum().item() for y in samples)
    found = Relativistic(gamma=0.7).discriminator_loss(critic, real, fake).item()
    assert found == pytest.approx(expected, rel=1e-12)


def test_relativistic_at_p_equal_q_with_a_constant_critic_is_log_2_for_both():
    y = torch.rand(8, 3, generator=torch.Generator().manual_seed(0))
    constant = On(lambda y: 0 * y.sum(dim=1) + 5)
    for loss in (Relativistic().discriminator_loss, Relativistic().degenerator_loss):
        assert loss(constant, y, y).item() == pytest.approx(math.log(2), rel=1e-6)


def plane(*points):
    return torch.tensor(points, dtype=torch.float64)


def test_guide_by_hand():
    """Both fakes have to go straight up, though the real samples come in the other order."""
    fake, real = plane((0, 0), (2, 0)), plane((2, 1), (0, 1))
    critics = {0.0: lambda y: y[:, 1], 4.0: lambda y: -y[:, 1], 2.0: lambda y: y[:, 0]}
    for expected, critic in critics.items():
        found = Guide().discriminator_loss(On(critic), real, fake).item()
        assert found == pytest.approx(expected, abs=1e-12)
    fake.requires_grad_()
    loss = Guide().degenerator_loss(On(lambda y: y[:, 1]), real, fake)
    (slope,) = torch.autograd.grad(loss, fake)
    assert torch.equal(slope, -plane((0, 1), (0, 1)) / 2)


def test_guide_assigns_by_least_total_distance_not_by_its_square():
    """sqrt 5 + 0 < 1 + sqrt 2, but 5 + 0 > 1 + 2."""
    fake, real = plane((0, 0), (1, 0)), plane((1, 0), (2, 1))
    assert torch.equal(assign(logits, fake, real), plane((2, 1), (0, 0)))


def test_a_fake_that_has_arrived_is_told_to_stay():
    y = plane((0.25, 0.5), (0.75, 0.5))
    assert Guide().discriminator_loss(On(lambda y: 0 * y.sum(dim=1)), y, y).item() == 0
    assert Guide().discriminator_loss(On(lambda y: y[:, 0]), y, y).item() == pytest.approx(1)


@pytest.mark.parametrize(("output", "way"), [("sigmoid", -0.75), ("torus", 0.25)])
def test_guide_takes_the_shorter_arc(output, way):
    found = assign(On(lambda y: y[:, 0], output), column([0.875]), column([0.125]))
    assert found.item() == way


def test_a_critic_trained_by_guide_points_each_fake_to_its_real_sample_with_norm_1():
    fake, real = plane((0, 0), (1, 0)), plane((1, 1), (-1, 0))
    ways = plane((-1, 0), (0, 1))
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), *mlp([16, 1])).double()
    critic = On(lambda y: network(y).squeeze(1))
    adam = torch.optim.Adam(network.parameters(), lr=0.03)
    before = Guide().discriminator_loss(critic, real, fake).item()
    for _ in range(200):
        adam.zero_grad()
        loss = Guide().discriminator_loss(critic, real, fake)
        loss.backward()
        adam.step()
    assert before > 0.5
    assert loss.item() < 1e-3
    found = input_gradient(critic, fake)
    assert torch.allclose(found, ways, atol=0.05)
    assert torch.allclose(squared_norm(found), torch.ones(2, dtype=torch.float64), atol=0.1)
