"""InfoDAN: what its recogniser learns, what the degenerator is told of it, and who moves when."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.data.batches import Batch, Batches
from dan_bench.interfaces import Data
from dan_bench.models.infodan import InfoDAN, dependence, divergence
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.plan import plan, prepare

WIDTH, CLASSES, SIZE = 6, 3, 30


def infodan(weight=1.0, classes=CLASSES, steps=1, dependence_weight=0.0, certificate_weight=0.0):
    torch.manual_seed(0)
    adam = partial(torch.optim.Adam, lr=3e-3)
    optimizers = {"degenerator": adam, "discriminator": adam}
    return InfoDAN(
        Hyperparameters(WIDTH, 0.5, 4, "sigmoid", Nonsaturating(), optimizers, log_every=1),
        degenerator_hidden=(16,),
        discriminator_hidden=(16,),
        input="data_and_noise",
        scale=1.0,
        recogniser_hidden=(16,),
        recogniser_steps=steps,
        weight=weight,
        dependence_weight=dependence_weight,
        certificate_weight=certificate_weight,
        averaging=0.0,
        classes=classes,
    )


def labelled(seed=0, size=SIZE):
    """Data of three classes, each bright in two columns of its own; as many of each."""
    rng = np.random.default_rng(seed)
    labels = np.arange(size) % CLASSES
    rows = rng.integers(0, 128, (size, WIDTH))
    rows[np.arange(size), 2 * labels] += 127
    rows[np.arange(size), 2 * labels + 1] += 127
    return Data(rows.astype(np.uint8), labels)


def batch(seed=0):
    data = labelled(seed)
    x = torch.from_numpy((data.rows + 0.5) / 256).float()
    return Batch(x, torch.rand(SIZE, WIDTH), torch.rand(SIZE, 4), torch.from_numpy(data.labels))


def heads(module):
    q = module.recogniser
    return q.label, q.picture, q.output_code


def test_a_recogniser_that_answers_without_looking_costs_nothing():
    module = infodan()
    with torch.no_grad():
        for head in heads(module):
            head.weight.zero_()
            head.bias.zero_()
    assert module.penalty(batch(), torch.rand(SIZE, WIDTH)).item() == pytest.approx(0, abs=1e-6)


def test_a_recogniser_that_is_sure_costs_and_its_gradient_does_not_vanish():
    """Label logits (20, 0, 0) on every row: KL(uniform || q) = log(e^20 + 2) - 20/3 - log 3."""
    module = infodan(weight=2.0)
    with torch.no_grad():
        for head in heads(module):
            head.weight.zero_()
            head.bias.zero_()
        module.recogniser.label.bias[0] = 20
    penalty = module.penalty(batch(), torch.rand(SIZE, WIDTH))
    kl = math.log(math.exp(20) + 2) - 20 / 3 - math.log(3)
    assert penalty.item() == pytest.approx(2 * kl / math.log(3), rel=1e-5)
    penalty.backward()
    slope = module.recogniser.label.bias.grad[0].item()
    assert slope == pytest.approx(2 * (1 - 1 / 3) / math.log(3), rel=1e-4)


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_divergence_is_kullback_and_leiblers(scale):
    logits = scale * torch.randn(50, 4, generator=torch.Generator().manual_seed(1)).double()
    p = torch.tensor([0.1, 0.2, 0.0, 0.7]).double().expand(50, 4)
    q = logits.softmax(dim=1)
    expected = sum(0 if a == 0 else a * (a / b).log() for a, b in zip(p.T[:, 0], q.T, strict=True))
    assert divergence(p, logits).item() == pytest.approx(expected.mean().item(), abs=1e-9)


def losses_after(made_of_data, steps=400):
    """The recogniser's first and last loss on outputs that are the data, or have nothing of it."""
    module = infodan(steps=1)
    optimizer = module.configure_optimizers()[-1]
    seen = []
    for step in range(steps):
        b = batch(seed=step)
        fake = b.data if made_of_data else torch.rand(SIZE, WIDTH)
        module.train_others(b, fake, [optimizer])
        seen.append(module.losses["recogniser_loss"].item())
    return np.mean(seen[:10]), np.mean(seen[-50:])


BLIND = math.log(CLASSES) + 1 + math.log(SIZE)
"""Loss of the best answers without looking: label, picture and match."""


def test_the_recogniser_recovers_what_is_there():
    first, last = losses_after(made_of_data=True)
    assert first > 0.9 * BLIND
    assert last < 0.4 * BLIND


def test_the_recogniser_recovers_nothing_where_there_is_nothing():
    """Fresh batches each time, so that it cannot learn them by heart."""
    _, last = losses_after(made_of_data=False)
    assert last > 0.97 * BLIND


@pytest.mark.parametrize("steps", [1, 3])
def test_the_recognisers_update_moves_it_and_nothing_else(steps):
    module = infodan(steps=steps)
    before = {name: p.clone() for name, p in module.named_parameters()}
    optimizer = module.configure_optimizers()[-1]
    b = batch()
    module.train_others(b, module(b.data, b.noise).detach(), [optimizer])
    moved = {n for n, p in module.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {f"recogniser.{name}" for name, _ in module.recogniser.named_parameters()}
    assert {int(kept["step"]) for kept in optimizer.state.values()} == {steps}


def test_the_recogniser_moves_the_degenerator_only_through_the_weight():
    def trained(weight):
        module = infodan(weight=weight)
        torch.manual_seed(1)
        fit(module, Batches(labelled(), WIDTH, 4, 10, 3, seed=0))
        return torch.cat([p.flatten() for p in module.degenerator.parameters()])

    assert torch.equal(trained(0.0), trained(0.0))
    assert not torch.equal(trained(0.0), trained(1.0))


def test_data_without_labels_has_the_other_two_terms():
    module = infodan()
    b = batch()._replace(labels=torch.full((SIZE,), -1))
    module.train_others(b, torch.rand(SIZE, WIDTH), module.configure_optimizers()[-1:])
    with torch.no_grad():
        module.recogniser.label.bias[0] = 1000  # what it says of labels must not matter
    with_label = module.penalty(b, torch.full((SIZE, WIDTH), 0.5))
    with torch.no_grad():
        module.recogniser.label.bias[0] = 0
    assert torch.equal(with_label, module.penalty(b, torch.full((SIZE, WIDTH), 0.5)))


@pytest.mark.parametrize(
    ("changes", "word"), [({"recogniser_hidden": ()}, "recogniser_hidden"), ({"classes": 1}, "2")]
)
def test_arguments_that_make_no_sense_are_refused(changes, word):
    arguments = {"recogniser_hidden": (8,), "classes": 10, "input": "data_and_noise"}
    arguments |= {"certificate_weight": 0.0} | changes
    with pytest.raises(ValueError, match=word):
        InfoDAN.check(infodan().setting, **arguments)


def pairs(seed, rho, size=100):
    """Pairs of rows in three dimensions, |rho| in correlation but through the square of it."""
    rng = torch.Generator().manual_seed(seed)
    x, e = torch.randn(size, 3, generator=rng), torch.randn(size, 3, generator=rng)
    return (rho * (x**2 - 1) / 2**0.5 + (1 - rho**2) ** 0.5 * e), x


def p_value(y, x, turns=199):
    """Permutation p-value of the dependence."""
    rng = torch.Generator().manual_seed(0)
    null = [dependence(y, x[torch.randperm(len(x), generator=rng)]) for _ in range(turns)]
    return (1 + sum(bool(d >= dependence(y, x)) for d in null)) / (1 + turns)


def test_dependence_is_one_of_a_thing_on_itself_and_symmetric():
    y, x = pairs(0, 0.5)
    assert dependence(x, 3 * x + 1).item() == pytest.approx(1, abs=1e-4)
    assert dependence(x, y).item() == pytest.approx(dependence(y, x).item(), abs=1e-6)


def test_dependence_by_hand():
    """Two rows each: the centred kernels are both a [[1, -1], [-1, 1]], and so the cosine is 1."""
    y, x = torch.tensor([[0.0], [1.0]]), torch.tensor([[5.0], [2.0]])
    assert dependence(y, x).item() == pytest.approx(1, abs=1e-6)


def test_dependence_raises_no_more_false_alarms_than_it_should():
    """60 independent draws at level 0.1: more than 14 alarms with probability 0.0007."""
    assert sum(p_value(*pairs(seed, 0.0)) <= 0.1 for seed in range(60)) <= 14


def test_dependence_sees_what_no_correlation_shows():
    assert all(p_value(*pairs(seed, 0.6)) <= 0.05 for seed in range(10))


def test_the_gradient_of_dependence_leads_away_from_the_data():
    y, x = pairs(0, 0.9)
    y.requires_grad_()
    (slope,) = torch.autograd.grad(dependence(y, x), y)
    with torch.no_grad():
        assert dependence(y - 0.1 * slope / slope.norm() * y.norm(), x) < dependence(y, x)


def test_the_dependence_enters_the_loss_by_its_weight():
    b, fake = batch(), torch.rand(SIZE, WIDTH)
    module = infodan(weight=0.0, dependence_weight=7.0)
    shown = module.output.features(fake)
    expected = 7 * dependence(shown, b.data).item()  # a shift of all rows changes no kernel
    assert module.penalty(b, fake).item() == pytest.approx(expected, rel=1e-4)


def test_more_labels_than_classes_are_refused_before_any_run(mnist):
    planned = plan(configure(["model=infodan", "model.classes=5", f"data.root={mnist.root}"]))
    with pytest.raises(
        ConfigError, match=r"classes=5: the data has a label 9; set model.classes=10"
    ):
        prepare(planned)
    prepare(plan(configure(["model=infodan", f"data.root={mnist.root}"])))
