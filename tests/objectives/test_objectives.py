"""Objectives: values by hand, values at p = q, gradients by finite differences."""

import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
import torch
from critics import ABSOLUTE, ALL, On, column, logits, mean
from scipy.integrate import quad

from dan_bench.data.batches import Batches
from dan_bench.interfaces import Data
from dan_bench.models.dan import DAN
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives import on_both
from dan_bench.objectives.hinge import Hinge
from dan_bench.objectives.least_squares import LeastSquares
from dan_bench.objectives.minimax import Minimax
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.pipeline.fit import fit

REAL, FAKE = [1.5, -2.0, 0.25], [0.5, 3.0, -1.25]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("objective", [Minimax(), Nonsaturating()])
def test_the_classical_discriminator_by_hand(objective):
    expected = -mean(math.log(sigmoid(r)) for r in REAL)
    expected -= mean(math.log(1 - sigmoid(f)) for f in FAKE)
    found = objective.discriminator_loss(logits, column(REAL), column(FAKE))
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_the_minimax_degenerator_by_hand():
    expected = mean(math.log(1 - sigmoid(f)) for f in FAKE)
    found = Minimax().degenerator_loss(logits, column(REAL), column(FAKE))
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_the_nonsaturating_degenerator_by_hand():
    expected = -mean(math.log(sigmoid(f)) for f in FAKE)
    found = Nonsaturating().degenerator_loss(logits, column(REAL), column(FAKE))
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_least_squares_by_hand():
    of_discriminator = mean((r - 1) ** 2 for r in REAL) / 2 + mean(f**2 for f in FAKE) / 2
    of_degenerator = mean((f - 1) ** 2 for f in FAKE) / 2
    found = LeastSquares().discriminator_loss(logits, column(REAL), column(FAKE))
    assert found.item() == pytest.approx(of_discriminator, rel=1e-12)
    found = LeastSquares().degenerator_loss(logits, column(REAL), column(FAKE))
    assert found.item() == pytest.approx(of_degenerator, rel=1e-12)


def test_hinge_by_hand():
    of_discriminator = mean(max(0, 1 - r) for r in REAL) + mean(max(0, 1 + f) for f in FAKE)
    found = Hinge().discriminator_loss(logits, column(REAL), column(FAKE))
    assert found.item() == pytest.approx(of_discriminator, rel=1e-12)
    found = Hinge().degenerator_loss(logits, column(REAL), column(FAKE))
    assert found.item() == pytest.approx(-mean(FAKE), rel=1e-12)


@pytest.mark.parametrize(
    ("objective", "answer", "of_discriminator", "of_degenerator"),
    [
        (Minimax(), 0.0, math.log(4), -math.log(2)),
        (Nonsaturating(), 0.0, math.log(4), math.log(2)),
        (LeastSquares(), 0.5, 1 / 4, 1 / 8),
        (Hinge(), 0.0, 2.0, 0.0),
    ],
)
def test_values_at_p_equal_q_are_those_of_the_docstrings(
    objective, answer, of_discriminator, of_degenerator
):
    y = torch.rand(64, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def optimal(y):
        return torch.full((len(y),), answer, dtype=y.dtype)

    found = objective.discriminator_loss(optimal, y, y).item()
    assert found == pytest.approx(of_discriminator, rel=1e-12)
    found = objective.degenerator_loss(optimal, y, y).item()
    assert found == pytest.approx(of_degenerator, rel=1e-12)


@pytest.mark.parametrize("objective", ABSOLUTE)
def test_where_p_equals_q_no_constant_critic_is_better_than_the_optimal_one(objective):
    y = torch.zeros(8, 1, dtype=torch.float64)
    best = 0.5 if isinstance(objective, LeastSquares) else 0.0

    def loss(answer):
        return objective.discriminator_loss(lambda y: y[:, 0] + answer, y, y).item()

    assert all(loss(best) <= loss(best + step) for step in (-2, -1, -0.1, 0.1, 1, 2))


@pytest.mark.parametrize("objective", [Minimax(), Nonsaturating()])
def test_the_optimal_critic_reaches_twice_the_jensen_shannon_divergence(objective):
    """log 4 - 2 JSD(p, q) at D = p / (p + q) (Goodfellow et al. 2014, theorem 1); no more above."""
    p, q = torch.tensor([5, 3, 2]), torch.tensor([1, 2, 7])
    cells = torch.arange(3)
    real, fake = cells.repeat_interleave(p)[:, None], cells.repeat_interleave(q)[:, None]
    table = (p.double() / q).log().requires_grad_()
    loss = objective.discriminator_loss(lambda y: table[y[:, 0]], real, fake)
    m = (p + q) / 20
    divergence = sum((x / 10 * (x / 10 / m).log()).sum() / 2 for x in (p, q)).item()
    assert loss.item() == pytest.approx(math.log(4) - 2 * divergence, rel=1e-6)
    (slope,) = torch.autograd.grad(loss, table)
    assert slope.abs().max().item() < 1e-12


@pytest.mark.parametrize("objective", ALL)
def test_gradients_are_those_of_finite_differences(objective):
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    real, fake, weight = draw(5, 3), draw(5, 3), draw(3)

    def critic(weight):
        return On(lambda y: (y @ weight).tanh() * 2)

    for loss in (objective.discriminator_loss, objective.degenerator_loss):
        assert torch.autograd.gradcheck(
            lambda real, fake, weight, loss=loss: loss(critic(weight), real, fake),
            (real, fake, weight),
        )


@pytest.mark.parametrize("objective", ALL)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_the_surest_critic_gives_finite_losses_and_gradients(objective, size):
    real = torch.full((4, 1), size, requires_grad=True)
    fake = torch.full((4, 1), -size, requires_grad=True)
    for loss in (objective.discriminator_loss, objective.degenerator_loss):
        value = loss(logits, real, fake)
        (slope,) = torch.autograd.grad(value, fake)
        assert value.isfinite()
        assert slope.isfinite().all()


def test_minimax_saturates_where_nonsaturating_does_not():
    """At D(fake) = sigmoid(-10) the one slope is -4.5e-5, the other -1."""
    fake = torch.full((1, 1), -10.0, dtype=torch.float64, requires_grad=True)
    slopes = [
        torch.autograd.grad(objective.degenerator_loss(logits, fake, fake), fake)[0].item()
        for objective in (Minimax(), Nonsaturating())
    ]
    assert slopes[0] == pytest.approx(-sigmoid(-10), rel=1e-9)
    assert slopes[1] == pytest.approx(-sigmoid(10), rel=1e-9)


@pytest.mark.parametrize("objective", [Minimax(), Nonsaturating()])
def test_the_optimal_critic_of_two_laws_on_a_line_gives_their_divergence(objective):
    """Of density 2y against 1 on (0, 1), D = 2y / (2y + 1); both laws by midpoint quantiles."""
    u = (torch.arange(100_000, dtype=torch.float64)[:, None] + 0.5) / 100_000
    real, fake = u.sqrt(), u

    def loss(bend):
        critic = On(lambda y: (2 * y[:, 0]).log() + bend * (9 * y[:, 0]).sin())
        return objective.discriminator_loss(critic, real, fake).item()

    divergence = quad(lambda y: y * math.log(2 * y / (y + 0.5)) - math.log(y + 0.5) / 2, 0, 1)[0]
    assert loss(0.0) == pytest.approx(math.log(4) - 2 * divergence, abs=1e-5)
    assert loss(0.0) < min(loss(-0.1), loss(0.1))


def test_the_minimax_value_is_minus_log_4_where_the_laws_are_equal_and_above_elsewhere():
    """V(D*, G) = -log 4 + 2 JSD: for a shifted uniform, overlap 1 - s, 2 JSD = 2 s log 2."""
    u = (torch.arange(1000, dtype=torch.float64)[:, None] + 0.5) / 1000
    for shift in (0.0, 0.25, 1.0):

        def optimal(y, shift=shift):
            only_real, only_fake = (y < shift).double(), (y >= 1).double()
            return (60 * (only_real - only_fake))[:, 0]

        value = -Minimax().discriminator_loss(On(optimal), u, u + shift).item()
        assert value == pytest.approx(-math.log(4) + 2 * shift * math.log(2), abs=1e-9)


@dataclass(frozen=True)
class Watched:
    """An objective that notes what it is given."""

    inner: object
    seen: list = field(default_factory=list)

    def discriminator_loss(self, critic, real, fake):
        self.seen.append(("discriminator", fake.requires_grad, fake.detach().clone()))
        return self.inner.discriminator_loss(critic, real, fake)

    def degenerator_loss(self, critic, real, fake):
        self.seen.append(("degenerator", fake.requires_grad, fake.detach().clone()))
        return self.inner.degenerator_loss(critic, real, fake)


@pytest.mark.parametrize("objective", ALL)
def test_the_discriminator_sees_detached_fakes_and_the_degenerator_learns_through_the_same(
    objective,
):
    watched = Watched(objective)
    sgd = partial(torch.optim.SGD, lr=0.1)
    setting = Hyperparameters(
        width=6,
        data_mean=0.5,
        noise_dim=2,
        output="sigmoid",
        objective=watched,
        optimizers={"degenerator": sgd, "discriminator": sgd},
    )
    torch.manual_seed(0)
    module = DAN(
        setting,
        degenerator_hidden=(5,),
        discriminator_hidden=(5,),
        input="data_and_noise",
        scale=1.0,
    )
    before = [p.detach().clone() for p in module.degenerator.parameters()]
    rows = np.random.default_rng(0).integers(0, 256, (20, 6), dtype=np.uint8)
    fit(module, Batches(Data(rows), 6, 2, 8, 1, seed=0))
    (first, through_first, fakes), (second, through_second, same) = watched.seen
    assert (first, through_first) == ("discriminator", False)
    assert (second, through_second) == ("degenerator", True)
    assert torch.equal(fakes, same)
    after = module.degenerator.parameters()
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_real_and_fake_judged_in_one_pass_are_judged_as_apart():
    real, fake = torch.rand(5, 3), torch.rand(7, 3)

    def critic(y):
        return (y**2).sum(dim=1)

    on_real, on_fake = on_both(critic, real, fake)
    assert torch.equal(on_real, critic(real))
    assert torch.equal(on_fake, critic(fake))
