"""Each claim on records made by hand: agree, disagree, undecided or not measured, and its flips."""

from dataclasses import replace

import pandas as pd
import pytest
from claim_cases import CASES
from claim_records import (
    KEPT,
    NOISE,
    PYTHON,
    Curves,
    D,
    N,
    bracket,
    certified,
    control,
    enciphered,
    leaking,
    row,
    runs,
    table,
    torus,
    trend,
    world,
)

from dan_bench.interfaces import Estimate
from dan_bench.metrics import catalogue
from dan_bench.report.claims.claim import claims, rule
from dan_bench.report.claims.judge import (
    RELATIONS,
    Observation,
    best_of,
    findings,
    judge,
    said,
    verdict_of,
)
from dan_bench.report.claims.quantities import NAMED, STATISTICS, Quantity, quantity
from dan_bench.report.claims.runs import Material, Runs, groups, has_full_noise, select
from dan_bench.report.table1 import ACCURACY

VERDICTS = ("agree", "disagree", "undecided")


def judged(material, claim):
    (found,) = [one for one in claims() if one.id == claim]
    return judge(found, material)


@pytest.mark.parametrize(
    ("claim", "verdict", "material"),
    [
        pytest.param(claim, verdict, material, id=f"{claim} {verdict} {i}")
        for claim, worlds in CASES.items()
        for verdict, materials in zip(VERDICTS, worlds, strict=True)
        for i, material in enumerate(materials)
    ],
)
def test_the_verdict_follows_the_records(claim, verdict, material):
    found = judged(material, claim)
    assert found.verdict == verdict, found
    assert found.evidence
    assert all(one.keys for one in found.evidence if one.estimate is not None)
    blamed = {"disagree": "against", "undecided": "neither"}.get(verdict)
    for one in [one for one in found.evidence if one.says == blamed][:1]:
        assert one.figure in found.why


def test_without_records_nothing_is_measured_and_every_claim_says_what_would_measure_it():
    found = findings(world())
    assert {one.id for one in found} == set(CASES)
    assert len(found) == len(CASES)
    for one in found:
        assert one.verdict == "not measured"
        assert one.command.startswith(("make ", "python -m dan_bench."))
        assert not one.evidence


@pytest.mark.parametrize("claim", sorted(CASES))
def test_only_runs_of_its_own_kind_can_say(claim):
    elsewhere = world(runs("somebody_else", NOISE, output="sigmoid", noise_dim=3))
    assert judged(elsewhere, claim).verdict == "not measured"


def test_every_quantity_is_of_a_metric_of_the_catalogue_or_has_a_name_of_its_own():
    for claim in claims():
        for criterion in (one for clause in claim.clauses for one in clause.criteria):
            to = None if criterion.rule is None else criterion.rule.to
            for one in [criterion.quantity, *([to] if isinstance(to, Quantity) else [])]:
                metric = one.metric.partition(".")[0]
                known = not metric or metric in catalogue.metrics() or one.heading in NAMED
                assert known, (claim.id, one.heading)
            assert criterion.rule is None or criterion.rule.relation in RELATIONS, claim.id


@pytest.mark.parametrize(
    ("bound", "made"),
    [
        (7, ((7, 7), "")),
        ([0.45, 0.55], ((0.45, 0.55), "")),
        ("gone", ((99, 99), "")),
        ("python_random", ("joint bits", "python_random")),
        ("dan's parameters", ("parameters", "dan")),
        ("0.5 * dan's parameters", ("parameters * 0.5", "dan")),
        ("its end of held_out_accuracy", ("D's accuracy on held-out data, at the end", "")),
    ],
)
def test_a_bound_is_a_number_an_interval_or_a_quantity_of_somebody(bound, made):
    found = rule("at least", bound, quantity("joint_bits"))
    assert (getattr(found.to, "heading", found.to), found.of) == made


def test_what_is_no_worse_depends_on_which_way_is_better():
    relations = [
        rule("no worse than", "dan", quantity(name)).relation
        for name in ("joint_bits", "c2st_accuracy")
    ]
    assert relations == ["no less than", "no more than"]


EXACT = {"dcdan-half", "algorithm-1", "proposition-1", "python-is-no-true-randomness"}
EXACT |= {"infodan-is-gone-mnist", "infodan-is-gone-danoise"}


@pytest.mark.parametrize("claim", sorted(set(CASES) - {c for c in CASES if "table1" in c} - EXACT))
def test_a_value_without_an_interval_settles_nothing(claim):
    material = CASES[claim][0][0]
    single = [run for run in material.records if run.config["seed"] == 0]
    found = judged(Material(single, material.results), claim).verdict
    # nor does it say that DAN leaks, which is where InfoDAN is looked at
    assert found == ("not measured" if claim == "infodan-keeps-more" else "undecided")


# which runs are judged


def test_most_seeds_come_first_and_then_most_steps():
    few = runs(metrics=NOISE, seeds=(0, 1), trainer={"max_steps": 9000})
    short = runs(metrics=NOISE, trainer={"max_steps": 100})
    long = runs(metrics=NOISE, trainer={"max_steps": 2400})
    assert [g.config["trainer"]["max_steps"] for g in groups([*few, *short, *long], Curves())] == [
        2400,
        100,
        9000,
    ]
    failing = runs(metrics={**NOISE, "joint_bits": (4.0, 0.1)}, trainer={"max_steps": 100})
    assert judged(world(PYTHON, failing, long), "torus-is-noise").verdict == "agree"
    assert judged(world(PYTHON, failing, few), "torus-is-noise").verdict == "disagree"


def test_every_data_set_counts():
    bad = runs(metrics={**NOISE, "joint_bits": (4.0, 0.1)}, data="danoise")
    material = world(torus().records, bad, control("python_random", NOISE, data="danoise"))
    found = judged(material, "torus-is-noise")
    assert found.verdict == "disagree"
    assert "joint bits" in found.why
    assert "(dan torus nonsaturating on danoise, 1200 steps)" in found.why


def test_only_what_is_trained_as_the_claims_mean_it_counts():
    others = [
        runs(trainer={"freeze_degenerator": True}),
        runs(end_to_end=True),
        runs(data="bell"),
        runs(objective="hinge"),
        runs(kind="untrained"),
        runs("gan"),
        runs(output="sigmoid"),
    ]
    claimed = Runs({"model": "dan", "output": "torus"}, trained=True, every=True)
    assert select(world(*others), claimed) == []
    assert [len(group.runs) for group in select(world(*others, runs()), claimed)] == [3]
    any_objective = Runs({"model": "dan", "objective": "any"}, trained=True, every=True)
    assert len(select(world(runs(objective="hinge")), any_objective)) == 1


def test_a_setting_may_have_one_of_several_values():
    either = Runs({"model": ["fgsm", "pgd"]}, every=True)
    names = ("fgsm", "pgd", "identity")
    found = select(world(*(control(name, NOISE) for name in names)), either)
    assert {group.config["model"]["name"] for group in found} == {"fgsm", "pgd"}


def test_runs_without_the_curve_that_a_claim_is_about_are_not_judged_by_it():
    whole = trend("held_out_accuracy", 0.9, 0.5, 0.01)
    assert judged(whole, "half-torus").verdict == "agree"
    whole.results.pop(whole.records[0].key)
    assert judged(whole, "half-torus").verdict == "not measured"


def test_little_noise_is_not_full_noise():
    assert all(map(has_full_noise, runs(metrics=NOISE)))
    assert not any(map(has_full_noise, runs(metrics=NOISE, noise_dim=D - 1)))
    for output in ("sigmoid", "torus"):
        few = runs(metrics={**NOISE, **KEPT}, noise_dim=16, output=output)
        for claim in (f"{output}-destroys", f"{output}-is-noise", "entropy-hides-collapse"):
            assert judged(world(PYTHON, few), claim).verdict == "not measured"


def test_how_well_deep_learning_learned_is_shown_and_not_judged_by():
    lazy = row("vgg")
    lazy.metrics[ACCURACY] = Estimate(0.1, 0.05, 0.2)
    found = judged(table(vgg=lazy), "table1-deep-learning")
    assert found.verdict == "agree"
    shown_beside = [one for one in found.evidence if one.says == "beside"]
    assert [one.estimate.value for one in shown_beside] == [0.1]
    assert judged(world(), "table1-deep-learning").verdict == "not measured"


def test_noise_of_another_size_is_no_reference():
    other = control("python_random", NOISE, n=N + 1)
    assert judged(world(other, runs(metrics=NOISE)), "torus-is-noise").verdict == "undecided"


def test_a_control_of_another_schema_is_named_so_and_one_of_the_same_goes_first():
    before = [replace(one, schema_version=1) for one in PYTHON]
    network = runs(metrics=NOISE)

    def words(*controls):
        evidence = judged(world(*controls, network), "torus-is-noise").evidence
        return {one.rule.rpartition(" of ")[2] for one in evidence if "python" in one.rule}

    assert words(before) == {"python_random (schema 1)"}
    assert words(PYTHON) == {"python_random"}
    broader = [replace(o, metrics={**o.metrics, "more": o.metrics["joint_bits"]}) for o in before]
    assert words(broader, PYTHON) == {"python_random"}


def test_infodan_is_compared_where_dan_leaks_and_all_else_is_alike():
    gone = leaking(dan=(99.9, 0.01))
    assert judged(gone, "infodan-keeps-more").verdict == "not measured"
    longer = leaking(trainer={"max_steps": 9999})
    assert judged(longer, "infodan-keeps-more").verdict == "not measured"


def test_infodan_is_compared_with_itself_without_its_certificate_and_nothing_else():
    other = {"certificate_weight": 0.0, "dependence_weight": 30.0}
    worse = runs("infodan", bracket(99.99), part=other, noise="gaussian")
    assert judged(world(certified(), worse), "certificate-destroys").verdict == "not measured"


def test_dcdan_is_compared_with_the_dan_of_its_output_and_its_noise():
    fine = {"shannon_bits": (8.0, 0.0)}
    dan = runs("dan", fine, costs={"parameters": 10.0}, output="sigmoid")
    dcdan = {"model": "dcdan", "metrics": fine, "costs": {"parameters": 6.0}}
    for changes, verdict in (
        ({"output": "sigmoid"}, "disagree"),
        ({"output": "torus"}, "not measured"),
        ({"output": "sigmoid", "noise_dim": 16}, "not measured"),
    ):
        assert judged(world(dan, runs(**dcdan, **changes)), "dcdan-half").verdict == verdict


def test_a_bound_that_forbids_nothing_says_nothing():
    assert judged(enciphered((0.0, 0.0), 6272.0), "shannons-bound").verdict == "not measured"


def test_a_collapsed_network_is_not_one_to_one_and_not_held_against_the_bound():
    shares = {"dictionary_recovered": (0.5, 0.01, {"of_bits": 10.0})}
    for output, verdict in (("torus", "disagree"), ("sigmoid", "not measured")):
        part = runs(metrics=shares, output=output, noise_dim=0, costs={"noise_bits": 0.0})
        assert judged(world(part), "shannons-bound").verdict == verdict


def test_the_better_of_two_dictionary_attacks_is_held_against_the_bound():
    weak = enciphered((0.4, 0.01), 5.0, rehearsal_recovered=(0.9, 0.01))
    assert judged(weak, "shannons-bound").verdict == "agree"


def test_the_end_is_the_mean_of_the_last_quarter_and_a_change_counts_from_the_first_step():
    values = pd.Series([5.0, *[9.0] * 8, 1.0, 2.0, 6.0])
    found = {name: function(values) for name, (_, function) in STATISTICS.items()}
    assert found == {"beginning": 5, "end": 3, "change": -2, "last": 6}
    found = judged(trend("held_out_accuracy", 0.9, 0.5, 0.01), "half-torus").evidence
    assert [(e.says, round(e.estimate.value, 6)) for e in found] == [("beside", 0.9), ("for", 0.5)]


# from figures to a verdict


LOW, MIDDLE, HIGH = (Estimate(v, v - 1, v + 1) for v in (0.0, 2.5, 5.0))
BARE = Estimate(9.0)


def exactly(value):
    return Estimate(value, value, value)


@pytest.mark.parametrize(
    ("relation", "target", "words"),
    [
        ("at least", exactly(2.5), ("against", "neither", "for")),
        ("at least", exactly(4.0), ("against", "against", "for")),
        ("at most", exactly(2.5), ("for", "neither", "against")),
        ("at most", exactly(1.0), ("for", "against", "against")),
        ("has to reach", exactly(2.5), ("neither", "neither", "for")),
        ("within", Estimate(2.5, 1.0, 4.0), ("neither", "for", "neither")),
        ("within", Estimate(3.0, 2.0, 4.0), ("against", "neither", "neither")),
        ("within", Estimate(4.5, 4.0, 5.0), ("against", "against", "neither")),
        ("above", MIDDLE, ("against", "neither", "for")),
        ("below", MIDDLE, ("for", "neither", "against")),
        ("below", Estimate(1.5, 0.5, 2.5), ("neither", "neither", "against")),
        ("no less than", MIDDLE, ("against", "for", "for")),
        ("no more than", MIDDLE, ("for", "for", "against")),
    ],
)
def test_intervals_say_for_against_or_neither(relation, target, words):
    low = Estimate(0.0, -1.0, 0.9) if relation in ("above", "below", "no less than") else LOW
    assert tuple(said(relation, e, target) for e in (low, MIDDLE, HIGH)) == words


@pytest.mark.parametrize("relation", RELATIONS)
def test_what_is_missing_or_has_no_interval_says_neither(relation):
    for missing in (BARE, None):
        assert said(relation, missing, HIGH) == said(relation, HIGH, missing) == "neither"


def test_all_of_the_runs_is_for_none_is_against_and_some_is_neither():
    found = [said("all of", exactly(n), exactly(3)) for n in (0, 1, 3)]
    assert found == ["against", "neither", "for"]


def evidence(says, figure="f"):
    return Observation("s", figure, Estimate(1.0), says, "", None, 1, ("k",))


@pytest.mark.parametrize(
    ("says", "verdict"),
    [
        ("", "not measured"),
        ("b", "not measured"),
        ("fb", "agree"),
        ("ff", "agree"),
        ("fn", "undecided"),
        ("n", "undecided"),
        ("fna", "disagree"),
    ],
)
def test_a_verdict_is_what_all_figures_say(says, verdict):
    words = {"f": "for", "a": "against", "n": "neither", "b": "beside"}
    found, why = verdict_of([evidence(words[letter]) for letter in says], claims()[0])
    assert found == verdict
    assert (why == claims()[0].agree) == (verdict == "agree")


def test_of_several_subjects_one_is_enough_and_an_open_one_keeps_the_claim_open():
    good, bad, open_ = (
        [evidence("for")],
        [evidence("for"), evidence("against")],
        [evidence("neither")],
    )
    assert best_of([bad, open_, good]) == [good]
    assert best_of([bad, open_]) == [open_]
    assert best_of([bad, bad]) == [bad, bad]
    assert best_of([]) == []
