"""Adversarial examples against their closed forms, and who is fooled by what."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from charts import legend, numbers
from torch import nn

from dan_bench.attacks import comparisons as classifier
from dan_bench.attacks.comparisons import (
    ClassifierAccuracy,
    FreshClassifierAccuracy,
    StructuralSimilarity,
)
from dan_bench.attacks.fresh import FreshPairs
from dan_bench.attacks.training import Budget
from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.controls.adversarial import (
    Fgsm,
    PerturbationGenerator,
    Pgd,
    fgsm,
    loss_gradient,
    pgd,
    still_named,
    whole_bytes,
)
from dan_bench.controls.ciphers import Identity
from dan_bench.data.noise import Danoise
from dan_bench.interfaces import Case, Data, Estimate, Pairs, RunRecord
from dan_bench.metrics.pictures import structural_similarity
from dan_bench.pipeline.plan import plan, prepare
from dan_bench.report.figures.fooled import fooled
from dan_bench.results.record import Store, key_of

SHAPE, WIDTH = (28, 28), 784
EPSILON = 0.2
BRIEF = Budget(epochs=3, patience=2, batch_size=64, lr=2e-3, weight_decay=0.01)


# adversarial examples


@pytest.fixture(scope="module")
def linear():
    """Logits (0, w x + b) in four dimensions."""
    network = nn.Linear(4, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[0.0, 0, 0, 0], [1.0, -2.0, 0.5, -0.1]]))
        network.bias.copy_(torch.tensor([0.0, 0.3]))
    return network.requires_grad_(False)


def middle(n=50):
    """Pictures in [0.3, 0.7]^4, so that a ball of radius 0.2 is not cut off."""
    return 0.3 + 0.4 * torch.rand(n, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("label", "direction"), [(0, 1), (1, -1)])
def test_fgsm_on_a_linear_classifier_goes_along_the_sign_of_its_weights(linear, label, direction):
    x = middle()
    y = fgsm(linear, x, torch.full((50,), label), EPSILON)
    assert torch.allclose(y - x, direction * EPSILON * linear.weight[1].sign().expand(50, 4))


def test_pgd_on_a_linear_classifier_ends_where_fgsm_does(linear):
    """The loss is monotone along the sign of w: every start ends in the same corner."""
    x, labels = middle(), torch.ones(50, dtype=torch.long)
    start = 2 * torch.rand(50, 4, generator=torch.Generator().manual_seed(1)) - 1
    y = pgd(linear, x, labels, EPSILON, start, steps=10)
    assert torch.allclose(y, fgsm(linear, x, labels, EPSILON), atol=1e-6)


def test_the_loss_gradient_is_that_of_a_difference_quotient():
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4)).double()
    x = torch.rand(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels, h = torch.tensor([1, 3]), 1e-6
    found = loss_gradient(network, x, labels)
    for i in range(3):
        step = torch.zeros(3, dtype=torch.float64)
        step[i] = h
        ends = [
            nn.functional.cross_entropy(network(x + s * step), labels, reduction="none")
            for s in (1, -1)
        ]
        assert torch.allclose(found[:, i], (ends[0] - ends[1]) / (2 * h), atol=1e-7)


def test_still_named_is_minus_log_of_one_minus_the_probability():
    logits = torch.tensor([[1.0, 2.0, -1.0], [0.0, 0.0, 0.0]])
    p = logits.softmax(dim=1)
    wanted = -(torch.log(1 - p[0, 1]) + torch.log(1 - p[1, 0])) / 2
    assert still_named(logits, torch.tensor([1, 0])).item() == pytest.approx(wanted.item())


@pytest.mark.parametrize(("epsilon", "whole"), [(0.1, 25), (0.2, 51), (0.3, 76), (1, 255)])
def test_epsilon_is_counted_in_whole_bytes(epsilon, whole):
    assert whole_bytes(epsilon) * 255 == pytest.approx(whole)


@pytest.fixture(scope="module")
def source(mnist):
    """Enough of MNIST for a classifier to read."""

    class Part:
        shape = SHAPE

        def prepare(self):
            return ""

        def load(self, split):
            data = mnist.load(split)
            return Data(data.rows[:6000], data.labels[:6000])

    return Part()


@pytest.fixture(scope="module")
def brief(source):
    """A short budget, and the network under attack trained once for all; it would be the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "BUDGET", BRIEF)
        network = classifier.under_attack(source.load("train"), SHAPE, 0)
        for module in ("controls.adversarial", "attacks.comparisons"):
            patch.setattr(f"dan_bench.{module}.under_attack", lambda *_: network)
        yield network


@pytest.fixture(scope="module")
def adversaries(source, brief):
    return {
        "fgsm": Fgsm(WIDTH, 0, source, EPSILON),
        "pgd": Pgd(WIDTH, 0, source, EPSILON, steps=10),
        "generator": PerturbationGenerator(WIDTH, 0, source, EPSILON, hidden=64, budget=BRIEF),
    }


@pytest.fixture(scope="module")
def held(mnist):
    data = mnist.load("test")
    return data.rows[:500], data.labels[:500]


ADVERSARIES = ["fgsm", "pgd", "generator"]


@pytest.mark.parametrize("name", ADVERSARIES)
def test_no_byte_moves_further_than_epsilon(adversaries, held, name):
    made = adversaries[name](held[0], np.arange(500))
    assert made.dtype == np.uint8
    moved = np.abs(made.astype(int) - held[0].astype(int))
    assert moved.max() == 51  # floor(255 * 0.2), and the ball is used to its edge


@pytest.mark.parametrize("name", ADVERSARIES)
def test_a_row_does_not_depend_on_those_beside_it(adversaries, held, name):
    together = adversaries[name](held[0][:20], np.arange(100, 120))
    alone = adversaries[name](held[0][7:8], np.array([107]))
    assert (together[7:8] == alone).mean() > 0.99  # the last digit of a product is not fixed


def test_pgd_is_at_least_as_strong_as_fgsm_and_each_fools_the_network(adversaries, held):
    rows, labels = held
    network = adversaries["fgsm"].network
    scores = {
        name: classifier.accuracy(network, adversaries[name](rows, np.arange(500)), labels).value
        for name in ADVERSARIES
    }
    assert classifier.accuracy(network, rows, labels).low > 0.9
    assert scores["pgd"] <= scores["fgsm"] < 0.5
    assert scores["generator"] < 0.5


def test_the_network_under_attack_is_the_same_whoever_trains_it(source, brief):
    first = brief.state_dict()
    second = classifier.under_attack(source.load("train"), SHAPE, 0).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


# structural similarity

# of the denominators, for a range of 255 (Wang et al. 2004, section III.C)
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def pictures(n=3, shape=(16, 20), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(11, 11), (28, 28), (16, 20, 3)])
def test_a_picture_is_like_itself(shape):
    x = pictures(shape=shape)
    assert structural_similarity(x, x) == pytest.approx([1, 1, 1])


def test_similarity_is_symmetric():
    x, y = pictures(seed=1), pictures(seed=2)
    assert structural_similarity(x, y) == pytest.approx(structural_similarity(y, x))


def test_flat_pictures_differ_by_luminance_alone():
    x, y = np.full((1, 12, 12), 60, np.uint8), np.full((1, 12, 12), 100, np.uint8)
    wanted = (2 * 60 * 100 + C1) / (60**2 + 100**2 + C1)
    assert structural_similarity(x, y) == pytest.approx([wanted])


def test_one_window_follows_the_formula():
    """11 x 11 pictures have a single place: the formula with weighted moments, by hand."""
    x, y = pictures(1, (11, 11), 3), pictures(1, (11, 11), 4)
    steps = np.arange(-5, 6)
    w = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * 1.5**2))
    w /= w.sum()
    a, b = x[0].astype(float), y[0].astype(float)
    m_a, m_b = (w * a).sum(), (w * b).sum()
    v_a, v_b = (w * (a - m_a) ** 2).sum(), (w * (b - m_b) ** 2).sum()
    c = (w * (a - m_a) * (b - m_b)).sum()
    wanted = (2 * m_a * m_b + C1) * (2 * c + C2)
    wanted /= (m_a**2 + m_b**2 + C1) * (v_a + v_b + C2)
    assert structural_similarity(x, y) == pytest.approx([wanted])


def test_a_negative_is_unlike_its_picture():
    x = pictures()
    assert structural_similarity(x, 255 - x).max() < 0


@pytest.mark.parametrize("shapes", [((1, 10, 30), (1, 10, 30)), ((1, 12, 12), (1, 12, 13))])
def test_pictures_that_cannot_be_compared_are_refused(shapes):
    with pytest.raises(ValueError, match="11 x 11"):
        structural_similarity(*(np.zeros(shape, np.uint8) for shape in shapes))


# comparisons


def compared(source, comparison, degenerator, n=2000):
    train, test = source.load("train"), source.load("test")
    pairs = []
    for data, first in ((train, n), (test, 0)):
        rows = first + np.arange(n)
        inputs = data.rows[:n]
        pairs.append(Pairs(inputs, degenerator(inputs, rows), rows, data.labels[:n]))
    fresh = FreshPairs(degenerator, train, n, seed=0)
    return comparison(Case(degenerator, *pairs, SHAPE, 0, 0.95, fresh), train)


def test_nothing_is_fooled_by_the_identity(source, brief):
    identity = Identity(WIDTH, 0)
    assert compared(source, StructuralSimilarity(), identity).value == pytest.approx(1)
    fixed = compared(source, ClassifierAccuracy(), identity)
    assert fixed.value == fixed.details["clean"] > 0.9
    assert compared(source, FreshClassifierAccuracy(), identity).low > 0.8


def test_fgsm_fools_the_fixed_classifier_and_not_the_fresh_one(source, adversaries):
    found = compared(source, ClassifierAccuracy(), adversaries["fgsm"])
    assert found.high < 0.5 < found.details["clean"]
    assert compared(source, FreshClassifierAccuracy(), adversaries["fgsm"]).low > 0.7


def test_data_without_labels_is_compared_by_its_looks_only():
    source = Danoise(seed=0, train_size=200, test_size=200, shape=SHAPE)
    rows = np.arange(100)
    pairs = Pairs(source.load("test").rows[rows], source.load("test").rows[rows], rows)
    fresh = FreshPairs(Identity(WIDTH, 0), source.load("train"), 100, seed=0)
    case = Case(Identity(WIDTH, 0), pairs, pairs, SHAPE, 0, 0.95, fresh)
    assert ClassifierAccuracy()(case, source.load("train")) is None
    assert FreshClassifierAccuracy()(case, source.load("train")) is None
    assert StructuralSimilarity()(case, source.load("train")).value == pytest.approx(1)


# config


def configured(mnist, *overrides):
    return configure(["+experiment=robust_classifier", f"data.root={mnist.root}", *overrides])


def test_what_makes_no_sense_is_refused_before_any_work(mnist):
    with pytest.raises(ConfigError, match=r"model.epsilon=0.001"):
        plan(configured(mnist, "model=fgsm", "model.epsilon=0.001"))
    with pytest.raises(ConfigError, match=r"structural_similarity.*too small"):
        plan(configure(["+experiment=robust_classifier", "data=danoise", "data.shape=[6,6]"]))
    with pytest.raises(ConfigError, match=r"no labels|have none"):
        prepare(plan(configure(["model=fgsm", "data=danoise"])))


@pytest.mark.parametrize("model", ["fgsm", "pgd", "perturbation_generator"])
def test_the_preset_takes_each_adversary(mnist, model):
    planned = plan(configured(mnist, f"model={model}"))
    prepare(planned)
    assert list(planned.measures.comparisons) == [
        "classifier_accuracy",
        "structural_similarity",
        "fresh_classifier_accuracy",
    ]


# the figure


def test_the_figure_has_a_point_for_each_subject_and_none_without_comparisons(tmp_path):
    store = Store(tmp_path)
    values = (0.05, 0.8, 0.97)
    names = ("classifier_accuracy", "structural_similarity", "fresh_classifier_accuracy")
    records = []
    for model in ("fgsm", "pgd"):
        config = {
            "model": {"name": model, "kind": "control"},
            "data": {"name": "mnist"},
            "seed": 0,
            "evaluation": {"samples": 10},
        }
        estimates = {
            n: Estimate(v, v - 0.01, v + 0.01, 10) for n, v in zip(names, values, strict=True)
        }
        records.append(RunRecord(key_of(config), "done", config, estimates))
    spec = fooled(records, store).chart.to_dict()
    drawn = numbers(spec)[["fixed", "fresh", "similarity"]]
    assert drawn.to_numpy() == pytest.approx(np.array([[95, 3, 0.8]] * 2))
    assert legend(spec) == ["fgsm", "pgd"]
    without = [replace(record, metrics={}) for record in records]
    assert fooled(without, store) is None
