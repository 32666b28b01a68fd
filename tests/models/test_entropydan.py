"""EntropyDAN: what its dial can do, what its data can say, and what it is judged by."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from charts import numbers
from hypothesis import given
from hypothesis import strategies as st

from dan_bench.attacks.comparisons import Dial, r_squared
from dan_bench.attacks.fresh import FreshPairs
from dan_bench.data.batches import Batch, Batches
from dan_bench.interfaces import Case, Conditional, Data, Estimate, Pairs, RunRecord
from dan_bench.metrics.entropy import joint_bits, shannon_bits
from dan_bench.models.entropydan import (
    KNOTS,
    REACHED,
    STEEP,
    ConditionalOutput,
    ConditionScale,
    EntropyDAN,
    share_below,
)
from dan_bench.models.outputs import OUTPUTS
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.pipeline.fit import fit
from dan_bench.report.figures.dial import dial as figure_of
from dan_bench.results.record import Store

WIDTH, NOISE, SIZE = 24, 24, 32
ROWS = np.random.default_rng(0).integers(0, 256, (2000, WIDTH), dtype=np.uint8)


def entropydan(output="torus", certificate_weight=1.0, **setting):
    torch.manual_seed(0)
    adam = partial(torch.optim.Adam, lr=3e-3, betas=(0.5, 0.999))
    optimizers = {"degenerator": adam, "discriminator": adam}
    return EntropyDAN(
        Hyperparameters(
            WIDTH, 0.5, NOISE, output, Nonsaturating(), optimizers, log_every=10, **setting
        ),
        degenerator_hidden=(64,),
        discriminator_hidden=(64,),
        trueness_hidden=(16,),
        scale=1.0,
        certificate_weight=certificate_weight,
    )


def batch(seed=0):
    made = torch.Generator().manual_seed(seed)
    data, target = torch.rand(2, SIZE, WIDTH, generator=made)
    return Batch(data, target, torch.randn(SIZE, NOISE, generator=made), torch.full((SIZE,), -1))


# the dial


@given(
    slopes=st.lists(st.floats(-5, 5), min_size=KNOTS, max_size=KNOTS),
    asked=st.lists(st.floats(0, 1), min_size=2, max_size=20),
)
def test_no_dial_ever_falls_leaves_0_to_1_or_ends_elsewhere_than_at_1(slopes, asked):
    dial = ConditionScale().double()
    with torch.no_grad():
        dial.slopes.copy_(torch.tensor(slopes))
        turned = dial(torch.tensor([*sorted(asked), 1], dtype=torch.float64))
    assert (turned.diff() >= -1e-12).all()
    assert 0 <= turned.min() <= turned.max() <= 1
    assert turned[-1] == 1


@pytest.mark.parametrize("slope", [0.5, 1.0, 1.5])
def test_a_dial_of_even_slopes_is_a_line_that_is_cut_off_at_0(slope):
    dial, levels = ConditionScale().double(), torch.linspace(0, 1, 41).double()
    with torch.no_grad():
        dial.slopes.fill_(math.log(math.expm1(slope)) / STEEP)
        turned = dial(levels)
    assert torch.allclose(turned, (1 - slope * (1 - levels)).clamp_min(0), rtol=0, atol=1e-6)


def test_a_dial_starts_nearly_flat():
    assert 0.75 < ConditionScale()(torch.zeros(1)).item() < 1


@pytest.mark.parametrize("bits", range(9))
def test_noise_of_trueness_t_has_8_t_bits_a_byte(bits):
    """Uniform on [0, 2^(8t - 8)): with an ideal network and dial, for whole 8t exactly."""
    module = entropydan()
    u = (torch.arange(4096) + 0.5).div(4096)[:, None].expand(-1, WIDTH)
    module.degenerator.noise = torch.nn.Identity()
    module.degenerator.dial = torch.nn.Identity()
    with torch.no_grad():
        y = module.conditioned(bits / 8, torch.zeros(4096, 1), u)
    counts = np.bincount(y.mul(256).to(torch.uint8).numpy().ravel(), minlength=256)
    assert counts[: 2**bits].tolist() == [4096 * WIDTH // 2**bits] * 2**bits
    assert counts[2**bits :].sum() == 0


# what the data can say


def test_the_data_reach_the_output_through_one_number_only():
    module = entropydan().double()
    x, noise = torch.rand(WIDTH).double(), torch.randn(1, NOISE).double()
    jacobian = torch.autograd.functional.jacobian(lambda v: module(v[None], noise)[0], x)
    singular = torch.linalg.svdvals(jacobian)
    assert singular[0] > 1e-6
    assert singular[1] < 1e-12 * singular[0]


def test_turned_the_data_do_not_matter_at_all():
    module, one = entropydan(), batch(0)
    y = module.conditioned(0.7, one.data, one.noise)
    assert torch.equal(y, module.conditioned(0.7, batch(1).data, one.noise))
    assert not torch.equal(y, module.conditioned(0.6, one.data, one.noise))


@pytest.mark.parametrize("law", [torch.randn, torch.rand, lambda n, **s: torch.rand(n, **s) ** 9])
@pytest.mark.parametrize("deviations", [0.1, 1.0, 3.0])
def test_no_more_are_below_than_the_bound(law, deviations):
    """Cantelli's inequality, which holds for the law of the sample itself."""
    numbers = law(10_000, generator=torch.Generator().manual_seed(0)).double()
    least = numbers.mean() - deviations * numbers.std(correction=0)
    bound = share_below(least.item(), numbers).item()
    assert bound == pytest.approx(1 / (1 + deviations**2))
    assert (numbers < least).double().mean().item() <= bound


def test_the_bound_is_1_where_the_mean_is_below_and_reached_by_two_points():
    two = torch.tensor([0.0] + 9 * [1.0], dtype=torch.float64)
    assert share_below(1e-9, two).item() == pytest.approx(0.1)
    assert share_below(2.0, two).item() == 1
    assert share_below(0.5, torch.ones(1)).item() == pytest.approx(0, abs=1e-9)


def test_levels_that_are_all_cut_off_are_still_drawn_together_and_away_from_the_cut():
    """Without it, those of the data that fall short wait until one of them is in a batch."""
    module, one = entropydan(), batch()
    with torch.no_grad():
        module.degenerator.trueness[-1].bias.fill_(REACHED + 2)
    raw = partial(module.degenerator.before_cut, one.data - 0.5)
    assert raw().min() > REACHED
    weights = list(module.degenerator.trueness.parameters())
    adversarial = Nonsaturating().degenerator_loss(
        module.critic, module.real(one), module.fake(one)
    )
    slopes = torch.autograd.grad(adversarial, weights)
    assert all((slope == 0).all() for slope in slopes)
    penalty = module.penalty(one, module.fake(one))
    before = (raw().mean() - REACHED).square() / raw().var()
    with torch.no_grad():
        for weight, slope in zip(weights, torch.autograd.grad(penalty, weights), strict=True):
            weight -= 0.1 * slope
    assert (raw().mean() - REACHED).square() / raw().var() > before


def test_a_share_that_falls_short_enters_the_loss_by_its_weight():
    one = batch()
    penalties = []
    for weight in (0.0, 1.0, 7.0):
        module = entropydan(certificate_weight=weight)
        with torch.no_grad():
            module.degenerator.trueness[-1].bias.fill_(REACHED + 1)
        penalties.append(module.penalty(one, module.fake(one)).item())
    assert penalties[0] == 0
    assert 0 < penalties[1] < 1
    assert penalties[2] == pytest.approx(7 * penalties[1], rel=1e-6)


# what it is judged by


@pytest.mark.parametrize("output", OUTPUTS)
def test_half_of_a_batch_is_asked_for_true_noise_and_half_for_all_of_the_dial(output):
    module, one = entropydan(output), batch()
    asked = module.asked(one)
    assert torch.equal(asked[:16], torch.ones(16))
    assert asked[16:].sort().values.diff().max() < 1.01 / 16
    real, fake = module.real(one), module.fake(one)
    assert torch.equal(real[:, -1], asked)
    assert torch.equal(fake[:, -1], asked)
    assert torch.equal(real[:, :-1], one.target)
    assert torch.allclose(module.samples_in(fake), module(one.data, one.noise)[:16])
    module.step = 1
    assert not torch.equal(module.asked(one), asked)


def test_at_the_end_point_fakes_are_real():
    """With an ideal network and dial, what the discriminator is shown is true noise, at every t."""
    module, one = entropydan(), batch()
    module.degenerator.noise = torch.nn.Identity()
    module.degenerator.dial = torch.nn.Identity()
    with torch.no_grad():
        module.degenerator.trueness[-1].bias.fill_(30.0)
    assert torch.allclose(
        module.fake(one._replace(noise=one.target)), module.real(one), rtol=0, atol=1e-6
    )


def test_the_last_feature_is_how_far_the_size_is_from_right():
    shown = torch.full((3, WIDTH + 1), 0.5)
    shown[1] *= 4
    shown[2] /= 8
    features = ConditionalOutput(OUTPUTS["torus"]).features(shown)
    assert features.shape == (3, 2 * WIDTH + 2)
    assert features[:, -1].tolist() == [0, 16, 24]  # eighths of an octave


def test_the_way_to_a_real_sample_goes_round_the_torus_but_not_round_the_dial():
    way = ConditionalOutput(OUTPUTS["torus"]).displacement(
        torch.tensor([[0.9, 0.0]]), torch.tensor([[0.1, 1.0]])
    )
    assert torch.allclose(way, torch.tensor([[0.2, 1.0]]))


def test_a_few_hundred_steps_set_the_dial():
    """From nearly flat to R^2 > 0.98 on small noise; the whole is `+experiment=dial`."""
    module = entropydan()
    case = case_of(module.inference(seed=0))
    before = Dial(5)(case, Data(ROWS))
    assert before.value < 0.5
    fit(module, Batches(Data(ROWS), WIDTH, NOISE, 64, 600, seed=0))
    after = Dial(5)(case_of(module.inference(seed=0)), Data(ROWS))
    assert after.details["rising"] == 1
    assert after.value > 0.95
    assert module.own(module.degenerator, batch().data).min() == 1
    assert module.inference(seed=0).leak_bound(ROWS) == 0


def case_of(degenerator):
    rows = np.arange(len(ROWS))
    pairs = Pairs(ROWS, degenerator(ROWS, rows), rows)
    fresh = FreshPairs(degenerator, Data(ROWS), 1, seed=0)
    return Case(degenerator, pairs, pairs, (WIDTH,), 0, 0.95, fresh)


# turned and measured


class Perfect:
    """Uniform on [0, 2^(8t - 8)) with no network at all."""

    noise_bits = math.inf

    def __init__(self, trueness=1.0, wrong=lambda t: t):
        self.wrong = wrong
        self.trueness = wrong(trueness)

    def __call__(self, data, rows):
        u = np.random.default_rng(0).random(data.shape)
        return (u * 2 ** (8 * self.trueness)).astype(np.uint8)

    def condition(self, trueness):
        return Perfect(trueness, self.wrong)


def test_a_perfect_dial_has_r_squared_of_1_and_a_stuck_or_reversed_one_has_not():
    found = Dial(9)(case_of(Perfect()), Data(ROWS))
    assert found.value > 0.999
    assert found.details["rising"] == 1
    assert found.details["shannon_bits@0"] == 0
    assert found.details["shannon_bits@1"] == shannon_bits(Perfect()(ROWS, None)).value
    assert found.details["joint_bits@0.5"] == joint_bits(Perfect(0.5)(ROWS, None)).value
    stuck = Dial(9)(case_of(Perfect(wrong=lambda _: 0.5)), Data(ROWS))
    assert stuck.value == 0
    backwards = Dial(9)(case_of(Perfect(wrong=lambda t: 1 - t)), Data(ROWS))
    assert backwards.value < 0
    assert backwards.details["rising"] == 0


def test_what_has_no_dial_has_no_value():
    class Fixed:
        noise_bits = 0.0

        def __call__(self, data, rows):
            return data

    assert Dial(3)(case_of(Fixed()), Data(ROWS)) is None


def test_r_squared_of_a_line():
    line = np.array([0.0, 1, 2, 3])
    assert r_squared(line, line) == 1
    assert r_squared(line, np.full(4, 1.5)) == 0
    assert r_squared(np.ones(4), line) == 0


def test_a_frozen_dial_turns_and_refuses_what_is_not_on_it():
    frozen = entropydan().inference(seed=0)
    assert isinstance(frozen, Conditional)
    rows = np.arange(100)
    assert (
        frozen.condition(0.2)(ROWS[:100], rows) == frozen.condition(0.2)(ROWS[100:200], rows)
    ).all()
    assert (
        frozen.condition(0.2)(ROWS[:100], rows) != frozen.condition(0.9)(ROWS[:100], rows)
    ).any()
    for wrong in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="level="):
            frozen.condition(wrong)


def test_the_averaged_weights_are_the_ones_that_are_turned():
    module = entropydan(ema_decay=0.9)
    fit(module, Batches(Data(ROWS), WIDTH, NOISE, 16, 20, seed=0))
    one = batch()
    y = module.conditioned(0.5, one.data, one.noise)
    asked = torch.full((SIZE,), 0.5)
    assert torch.equal(y, module.ema.module(asked, one.noise))
    assert not torch.equal(y, module.degenerator(asked, one.noise))


# the figure


def test_the_figure_has_a_line_a_subject_and_none_without_a_dial(tmp_path):
    details = {f"{name}@{t}": 8 * t for name in ("shannon_bits", "joint_bits") for t in (0, 0.5, 1)}

    def record(seed, name="entropydan", metrics=None):
        found = {"dial": Estimate(1.0, details=details)} if metrics is None else metrics
        config = {
            "model": {"name": name, "kind": "learned"},
            "data": {"name": "mnist"},
            "seed": seed,
            "evaluation": {"samples": 10},
        }
        return RunRecord(f"{name}{seed}", "done", config, metrics=found)

    assert figure_of([record(0, metrics={})], Store(tmp_path)) is None
    figure = figure_of([record(0), record(1), record(0, "another")], Store(tmp_path))
    lines = list(numbers(figure.chart.to_dict()).groupby(["metric", "method"]))
    assert len(lines) == 4
    for _, line in lines:
        assert line["asked"].tolist() == [0, 0.5, 1]
        assert line["bits"].tolist() == [0, 4, 8]
