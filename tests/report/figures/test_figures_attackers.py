"""The curves of learned attackers are drawn as the records hold them."""

import numpy as np
import pytest
from charts import legend, numbers
from figure_records import N

from dan_bench.interfaces import Estimate
from dan_bench.report.figures.attackers import MOST, attackers


def attacked(shares, rising=1.0, name="label"):
    """A metric whose curve has those shares, the examples doubling from 100 on."""
    curve = {f"share@{100 * 2**i}": share for i, share in enumerate(shares)}
    details = {"bits": 1.0, "still_rising": rising, "examples": 400.0, **curve}
    return {f"{name}_recovered": Estimate(shares[-1], n=N, details=details)}


def test_each_attack_has_a_panel_and_each_method_its_mean_curve(bench):
    of_seeds = [(0.1, 0.2, 0.3), (0.2, 0.3, 0.4)]
    for seed, shares in enumerate(of_seeds):
        found = attacked(shares) | attacked((0.5, 0.5), 0.0, "dictionary")
        bench.put(seed=seed, metrics=found)
    bench.put("pcg64", "control", metrics=attacked((0.0, 0.0), 0.0))
    bench.put("identity", "control", metrics={"label_recovered": Estimate(1.0, n=N)})
    figure = bench.draw(attackers)
    spec = figure.chart.to_dict()
    assert [panel["title"] for panel in spec["hconcat"]] == ["dictionary", "label"]
    assert legend(spec) == ["dan sigmoid", "pcg64"]
    drawn = numbers(spec)
    of = drawn[(drawn["method"] == "dan sigmoid") & (drawn["attack"] == "label")]
    assert of["examples"].tolist() == [100, 200, 400]
    assert of["recovered"].tolist() == pytest.approx(100 * np.mean(of_seeds, axis=0))
    assert of["rising"].tolist() == [0, 0, 1]  # which is drawn as an open mark
    others = drawn.drop(of.index)
    assert not others["rising"].any()
    assert len(figure.keys) == 3


def test_where_there_is_no_room_for_all_those_of_which_least_comes_back_are_named(bench):
    for i in range(MOST + 2):
        bench.put(f"m{i}", "control", metrics=attacked((0.1, i / 100 + 0.1)))
    figure = bench.draw(attackers)
    assert len(legend(figure.chart.to_dict())) == MOST
    assert "not shown: m1, m0." in figure.caption


def test_records_of_attackers_without_a_curve_make_no_figure(bench):
    bench.put(metrics={"label_recovered": Estimate(0.5, n=N, details={"bits": 1.0})})
    assert bench.draw(attackers) is None
