"""Charts: what is drawn is what the records hold."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from charts import constants, legend, numbers, parts, texts
from figure_records import RANDOM, STEPS, D, N, bell_run, measured

from dan_bench.config.compose import configure
from dan_bench.interfaces import Estimate
from dan_bench.metrics.catalogue import curve
from dan_bench.report.figures.architectures import architectures, perceptron
from dan_bench.report.figures.catalogue import CATALOGUE
from dan_bench.report.figures.collapse import collapse
from dan_bench.report.figures.convergence import SHOWN, convergence
from dan_bench.report.figures.figure import DEFAULT_DATA
from dan_bench.report.figures.fooled import SIZES, fooled
from dan_bench.report.figures.grid import OBJECTIVE, grid
from dan_bench.report.figures.one_dimension import BINS, one_dimension
from dan_bench.report.figures.secrecy import secrecy
from dan_bench.report.figures.universe import UNIVERSE, universe
from dan_bench.statistics import t_interval

ROUNDED = 1e-4
"""Five digits are drawn."""


def test_each_method_stands_at_its_means_and_the_corners_are_named(bench):
    values = {"dan": [(7.7, 0.10), (7.5, 0.12)], "gan": [(4.0, 0.02), (4.2, 0.04)]}
    for model, of_seeds in values.items():
        for seed, (x, y) in enumerate(of_seeds):
            bench.put(model, seed=seed, metrics=measured(x, y))
    bench.put("pcg64", "control", metrics=measured(8.0, 1.0))
    spec = bench.spec(collapse)
    drawn = numbers(spec).set_index("method")
    expected = {f"{name} sigmoid": np.mean(of, axis=0) for name, of in values.items()}
    assert list(drawn.index) == legend(spec) == ["dan sigmoid", "gan sigmoid", "pcg64"]
    for name, place in expected.items():
        assert drawn.loc[name, ["entropy", "dimensions"]].tolist() == pytest.approx(place)
    interval = t_interval([7.7, 7.5])
    ends = drawn.loc["dan sigmoid", ["entropy low", "entropy high"]].tolist()
    assert ends == pytest.approx([interval.low, interval.high], rel=ROUNDED)
    assert {"noise lives here", "collapse hides here"} <= set(texts(spec))
    assert drawn["kind"].tolist() == ["learned", "learned", "control"]  # what is not filled


def test_a_model_of_another_package_is_drawn_like_any(bench):
    for model in ("dan", "toy"):
        bench.put(model, metrics=measured(7, 0.1))
    assert legend(bench.spec(collapse)) == ["dan sigmoid", "toy sigmoid"]


def test_only_what_can_be_compared_is_shown_and_the_rest_is_counted(bench):
    for seed in (0, 1):
        bench.put("dan", seed=seed, metrics=measured(7, 0.1))
        bench.put("gan", seed=seed, metrics=measured(7, 0.1))
        bench.put("dan", seed=seed, metrics=measured(8, 1), objective={"name": "hinge"})
    odd = {"trainer": {"max_steps": 9, "batch_size": 128}}
    bench.put("dan", metrics=measured(8, 1), **odd)
    bench.put("dan", metrics=measured(8, 1), evaluation={"samples": N, "known": 1})
    chosen, others = grid(bench.store.all()[0])
    assert [(s.name, s.seeds) for s in chosen] == [("dan sigmoid", 2), ("gan sigmoid", 2)]
    assert "3 methods" in others
    assert others in bench.draw(collapse).caption
    assert len(bench.draw(collapse).keys) == 4


def test_networks_of_one_law_of_noise_are_shown(bench):
    for seed in (0, 1):
        bench.put("dan", seed=seed, metrics=measured(7, 0.1), noise="gaussian")
    for seed in (0, 1, 2):
        bench.put("infodan", seed=seed, metrics=measured(7, 0.1), noise="gaussian")
    for model in ("dan", "gan"):
        for seed in (0, 1):
            bench.put(model, seed=seed, metrics=measured(8, 1), noise="uniform")
    chosen, others = grid(bench.store.all()[0])
    assert [(s.name, s.runs[0].config["noise"]) for s in chosen] == [
        ("dan sigmoid", "gaussian"),
        ("infodan sigmoid", "gaussian"),
    ]
    assert "2 methods" in others


def test_what_is_shown_first_is_the_default():
    assert configure().objective.name == OBJECTIVE
    assert configure().data.name == DEFAULT_DATA


def test_curves_are_means_over_seeds_with_the_optimum_beside_them(bench):
    of_seeds = [RANDOM.random((len(SHOWN), len(STEPS))) for _ in range(3)]
    for seed, values in enumerate(of_seeds):
        curves = pd.DataFrame(dict(zip(SHOWN, values, strict=True)) | {"step": STEPS})
        bench.put(seed=seed, curves=curves)
    spec = bench.spec(convergence)
    drawn = numbers(spec)
    for i, name in enumerate(SHOWN):
        of = drawn[drawn["curve"] == name]
        assert of["step"].tolist() == list(STEPS)
        for end, take in {"mean": np.mean, "least": np.min, "most": np.max}.items():
            expected = take([v[i] for v in of_seeds], axis=0)
            assert of[end].tolist() == pytest.approx(expected, rel=ROUNDED)
    optima = [row["ideal"] for row in constants(spec) if "ideal" in row]
    ideals = [curve(name).ideal for name in SHOWN]
    assert sorted(set(optima)) == sorted(ideal for ideal in ideals if ideal is not None)
    assert "seeds 0-2" in bench.draw(convergence).basis


def test_the_limits_of_a_curve_are_those_of_the_catalogue(bench):
    bench.put(curves=pd.DataFrame({"step": STEPS, "value_function": np.linspace(-9, -1, 6)}))
    scales = [part for part in parts(bench.spec(convergence)) if "domainMin" in part]
    assert {(one["domainMin"], one["domainMax"]) for one in scales} == {(-3, 0)}


@pytest.mark.parametrize("strengths", [(0.1,), (0.1, 0.3), (0.05, None)])
def test_the_fooled_are_drawn_with_the_strength_that_their_attack_had(bench, strengths):
    seen = {
        "classifier_accuracy": Estimate(0.2, n=N),
        "fresh_classifier_accuracy": Estimate(0.9, n=N),
        "structural_similarity": Estimate(0.5, n=N),
    }
    for seed in (0, 1):
        bench.put("pcg64", "control", seed, seen)
        for strength in strengths:
            layers = {} if strength is None else {"epsilon": strength}
            bench.put("fgsm", "control", seed, seen, layers=layers)
    figure = bench.draw(fooled)
    used = sorted(strength or 0 for strength in strengths)
    assert f"({', '.join(f'{one:g}' for one in used)} of white)" in figure.caption
    spec = figure.chart.to_dict()
    drawn = numbers(spec)
    assert drawn[drawn["method"] == "fgsm"]["strength"].tolist() == used
    assert drawn[drawn["method"] == "pcg64"]["role"].tolist() == ["control"]
    assert drawn[["fixed", "fresh", "similarity"]].drop_duplicates().values.tolist() == [
        [80, 10, 0.5]
    ]
    sizes = [part["size"] for part in parts(spec) if "size" in part]
    assert {size["field"] for size in sizes} == {"strength"}
    assert SIZES[0] < SIZES[1]
    assert all(size["scale"]["range"] == SIZES for size in sizes)


def test_one_dimension_draws_both_laws_and_the_discriminator(bench):
    made, logits = bell_run(bench)
    figure = bench.draw(one_dimension)
    drawn = numbers(figure.chart.to_dict())
    for i, step in enumerate((0, 30, 100, 3000)):
        at = dict(list(drawn[drawn["step"] == step].groupby("law")))
        counts, _ = np.histogram(made[i] / 256, bins=np.linspace(0, 1, BINS + 1), density=True)
        assert at["p_d, output"]["value"].tolist()[:-1] == pytest.approx(counts, rel=ROUNDED)
        assert at["p_x, target"]["value"].tolist() == [1, 1]
        # the data's law has an integral of 1 and its mean at 1/2
        x, y = at["data"]["y"], at["data"]["value"]
        assert np.mean(y) == pytest.approx(1, abs=0.01)
        assert np.average(x, weights=y) == pytest.approx(0.5, abs=0.01)
        best = at["best D"]["value"].tolist()[:-1]
        assert best == pytest.approx(1 / (1 + counts), rel=ROUNDED)
        which = np.floor(at["D"]["y"] * 256).astype(int)
        probability = 1 / (1 + np.exp(-logits[i][which].astype(float)))
        assert at["D"]["value"].tolist() == pytest.approx(probability, rel=ROUNDED)
    assert "0, 30, 100, 3,000" in figure.caption
    assert "N = 5,000 samples" in figure.basis


def test_architectures_are_those_of_the_configs_and_add_up_to_the_parameters_on_record(bench):
    layers = {"degenerator_hidden": [256], "discriminator_hidden": [256]}
    counted = {"dan": 804_369, "gan": 603_665}  # of the networks that were trained
    for name, parameters in counted.items():
        costs = {"parameters": float(parameters)}
        given = {"input": "data_and_noise"} if name == "dan" else {}
        bench.put(name, metrics=measured(7, 0.1), costs=costs, layers=layers | given)
    # a model with further parts, which comes first by its name, is no perceptron
    bench.put("alpha", metrics=measured(7, 0.1), costs={"parameters": 1e6}, layers=layers)
    figure = bench.draw(architectures)
    panels = figure.chart.to_dict()["vconcat"]
    for panel, name in zip(panels, ("gan", "dan"), strict=True):
        said = " ".join(texts(panel))
        found = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) parameters", said)]
        assert sum(found) == counted[name]
        assert f"{counted[name]:,}" in figure.caption
        assert panel["title"] == name.upper()
    drawn = numbers(figure.chart.to_dict())
    assert drawn[drawn["model"] == "dan"]["width"].tolist() == [784, 784, 256, 784, 784, 256, 1]
    assert perceptron((3, 5, 2)) == 3 * 5 + 5 + 5 * 2 + 2


def test_the_universe_is_drawn_to_scale(bench):
    found = measured(7.5, 0.1) | {
        "percent_destroyed": Estimate(80.0, n=N),
        "dictionary_recovered": Estimate(0.2, n=N, details={"of_bits": 10.0}),
    }
    for seed in (0, 1):
        bench.put(seed=seed, metrics=found)
    bench.put("pcg64", "control", metrics=found)  # made by no network
    bits = numbers(bench.spec(universe))["bits"].tolist()
    of_universe = [value / np.log(2) for value, _, _ in UNIVERSE.values()]
    made = [2 * 7.5 * N * D, 2 * N * 10 * 0.8]
    assert bits == pytest.approx([*of_universe, *made], rel=ROUNDED)
    bench.put(seed=2, metrics=found | {"certified_destroyed": Estimate(60.0)})
    bits = numbers(bench.spec(universe))["bits"].tolist()
    assert bits[-2:] == pytest.approx([3 * N * 10 * 0.8, N * 10 * 0.6], rel=ROUNDED)


def named(share, certain=None, **attacks):
    """Metrics of a network that was attacked, and of whose inputs' names so much is certain."""
    found = {f"{name}_recovered": of for name, of in {"rehearsal": None, **attacks}.items()}
    shares = {"dictionary_recovered": share, **found}
    metrics = {
        name: None if one is None else Estimate(one, n=N, details={"of_bits": 10.0})
        for name, one in shares.items()
    }
    details = {} if certain is None else {"naming": certain}
    least = min([0.0] if certain is None else [certain, 50.0])  # less is certain of the label
    return metrics | {"certified_destroyed": Estimate(least, least, least, N, details)}


def test_the_bracket_reaches_from_what_is_certified_to_what_the_best_attack_left(bench):
    shares = {0: (1.0, 1.0, None), 4: (0.1, 0.6, None), 784: (0.0, 0.2, 70.0)}
    for dim, (learned, inverted, certain) in shares.items():
        for seed in (0, 1):
            found = named(learned, certain, inversion=inverted)
            bench.put(seed=seed, metrics=found, costs={"noise_bits": 16.0 * dim}, noise_dim=dim)
    found = named(1.0, rehearsal=1.0)
    bench.put("shake256", "control", metrics=found, costs={"noise_bits": 0.0})
    spec = bench.spec(secrecy)
    drawn = numbers(spec)
    network = drawn[drawn["kind"] == "network"].set_index("fresh bits")
    assert network["destroyed"].tolist() == pytest.approx([0, 40, 80])
    assert network["certified"].tolist() == pytest.approx([0, 0, 70])
    assert network["learned attack"].tolist() == pytest.approx([0, 90, 100])
    bars = [of for of in parts(spec) if of.get("y2") == {"field": "destroyed"}]
    assert [of["y"]["field"] for of in bars] == ["certified"]
    assert "attacked by the old set" not in bench.draw(secrecy).caption


def test_secrecy_is_drawn_of_the_newest_attacks_and_the_most_amounts_of_randomness(bench):
    def put(dims, **more):
        found = named(0.5, rehearsal=0.5)
        return {
            bench.put(metrics=found, costs={"noise_bits": 16.0 * d}, noise_dim=d, **more).key
            for d in dims
        }

    few = put((784, 64), evaluation={"samples": N, "known": 1})
    many = put((0, 1, 2))
    records = bench.store.all()[0]
    assert set(secrecy(records, bench.store).keys) == many
    before = [replace(r, schema_version=1) if r.key in many else r for r in records]
    assert set(secrecy(before, bench.store).keys) == few
    drawn = secrecy([r for r in before if r.key in many], bench.store)
    assert "attacked by the old set (schema 1)" in drawn.caption


@pytest.mark.parametrize("name", CATALOGUE)
def test_records_that_hold_nothing_for_a_figure_make_none(bench, name):
    bench.put("x", "control")
    bench.put()
    assert bench.draw(CATALOGUE[name].draw) is None
