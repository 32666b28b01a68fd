"""`--where`: values as one types them for `train`, and runs that are what was asked for."""

import pytest
from html_records import config, measured, run
from hydra.core.override_parser.overrides_parser import OverridesParser

from dan_bench.cli import InputError
from dan_bench.interfaces import RunRecord
from dan_bench.report.__main__ import main
from dan_bench.results.record import Store, key_of
from dan_bench.results.where import Condition, conditions, parse, same, spelled, split, where

SHORT = {"max_steps": 1200, "gradient_clip": None, "ema_decay": 0.0, "betas": [0.5, 0.9]}
LONG = {"max_steps": 3000, "gradient_clip": 1.0, "ema_decay": 0.99, "betas": [0.9, 0.999]}
CONTROLS = {"python_random", "fgsm"}
TRAINED = {"short", "long", "own data"}


def runs():
    """Two controls, of which one has a setting of its own, an untrained one and three models."""
    fgsm = config("fgsm", "control", 0)
    fgsm["model"]["epsilon"] = 0.1
    rows = {"algorithm1": {"rows": 5000}}
    return [
        run("python_random", "control"),
        RunRecord(key_of(fgsm), "done", fgsm, measured()),
        run("untrained", "untrained", output="torus", noise_dim=784),
        run("short", trainer=SHORT, end_to_end=False),
        run("long", trainer=LONG, end_to_end=True, **rows),
        run("own data", trainer=LONG, end_to_end=True, data={"name": "mine|v2", "seed": 3}),
    ]


NAMES = {
    *("model", "data", "output", "end_to_end", "algorithm1.rows", "model.epsilon", "data.seed"),
    *(f"trainer.{name}" for name in SHORT),
}


def kept(text):
    return {one.config["model"]["name"] for one in where(runs(), conditions(text), NAMES)}


REFERENCES = CONTROLS | {"untrained"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("end_to_end=false", {"short"} | REFERENCES),
        ("end_to_end=False", {"short"} | REFERENCES),
        ("end_to_end=TRUE", {"long", "own data"} | REFERENCES),
        ("trainer.ema_decay=0", {"short"} | REFERENCES),
        ("trainer.ema_decay=0 or 0.99", TRAINED | REFERENCES),
        ("model.epsilon=none or 0.1,model=short or long or fgsm", {"short", "long", "fgsm"}),
        (
            "model.epsilon=none or 7,end_to_end=false",
            {"short", "untrained"} | (CONTROLS - {"fgsm"}),
        ),
        ("trainer.ema_decay=9.9e-1", {"long", "own data"} | REFERENCES),
        ("trainer.max_steps=1200.0", {"short"} | REFERENCES),
        ("trainer.gradient_clip=null", {"short"} | REFERENCES),
        ("trainer.gradient_clip=None", {"short"} | REFERENCES),
        ("trainer.betas=[0.5,0.9]", {"short"} | REFERENCES),
        (" trainer.betas = [0.5, 9e-1] , model = short ", {"short"}),
        ("output=torus", TRAINED | REFERENCES),
        ("algorithm1.rows=5000", {"long"} | REFERENCES),
        ("algorithm1.rows=none", {"short", "own data"} | REFERENCES),
        ("algorithm1=null", {"short", "own data"} | REFERENCES),
        ("model.epsilon=.1", {"fgsm"}),
        ("model.epsilon=none", {"python_random", "untrained"} | TRAINED),
        ("data.seed=3", {"own data"}),
        ("data=mine|v2", {"own data"}),
        ("data='mine|v2',model=\"own data\"", {"own data"}),
    ],
)
def test_values_are_compared_as_values(asked, expected):
    assert kept(asked) == expected


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("trainer.max_steps=12OO", "there are 1200, 3000; meant perhaps: 1200"),
        ("trainer.max_steps='1200'", '="1200": none of the runs has that; there are 1200, 3000'),
        ("trainer.ema_decay=false", "there are 0.0, 0.99"),
        ("end_to_end=0", "there are false, true"),
        ("trainer.gradient_clip=2", "there are 1.0, null"),
        ("trainer.betas=[0.9,0.5]", "there are [0.5, 0.9], [0.9, 0.999]"),
        ("model=dan", "there are fgsm, long, own data, python_random, short, untrained"),
        ("trainer.maxsteps=1200", "no 'trainer.maxsteps'; there are"),
        ("trainer=1", "meant perhaps: trainer.betas, trainer.ema_decay"),
        ("trainer=null", "none of the runs has that"),
        ("end_to_end=false,trainer.max_steps=3000", "none of the runs has all of these"),
        ("trainer.max_steps=1200,model=fgsm", "none of the runs has all of these"),
        ("model=short,model=long", "model is given twice"),
        ("trainer.betas=[0.5", "expected ',' or ']'"),
        ("trainer.betas=[*a]", "undefined alias"),
        *((bad, "not of the form NAME=VALUE") for bad in ("", "model", "model=", "=x", "model=x,")),
    ],
)
def test_what_no_run_has_is_refused_with_what_there_is(asked, said):
    with pytest.raises(InputError) as refused:
        kept(asked)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "written",
    [
        *("0", "-3", "1e-3", "1E5", "2.", ".5", "-1.5e+3", "true", "FALSE", "null", "NULL"),
        *("yes", "off", "on", "1:30", "2026-01-01", "1200x", "12OO", "v1.0", "007", "0x"),
        *("[1, 2.5]", "[]", "[a, 'b c']", "[[1], null]", "'1200'", '"a,b"', "[yes, 1e-3]"),
    ],
)
def test_a_value_is_what_hydra_takes_it_for(written):
    expected = OverridesParser.create().parse_override(f"a={written}").value()
    found = parse(written)
    assert (found, type(found)) == (expected, type(expected))


def test_what_is_spelled_is_parsed_back():
    texts = ["a", "1", "true", "none", "a,b", "[x", "'", " a", "", "a\nb", "=1", "@x", "日本", "~"]
    for value in [*texts, 0, 1.5, 1e-3, True, None, [1, "1", [None]]]:
        assert same(parse(spelled(value)), value), value
        assert split(f"a={spelled(value)},b=1")[1:] == ["b=1"]


def test_a_number_is_no_boolean():
    assert same(0, 0.0)
    assert same([1, [2.0]], [1.0, [2]])
    assert not same(1, True)
    assert not same([1], [True])
    assert not same([1], [1, 1])
    assert not Condition("output", ("true",)).holds(runs()[3])


@pytest.fixture
def results(tmp_path):
    for record in runs():
        Store(tmp_path).put(record)
    return str(tmp_path)


def test_the_command_prints_what_is_kept_or_refuses(results, capsys):
    assert main(["--results", results, "--where", "end_to_end=false"]) == 0
    said = capsys.readouterr().out
    assert "\nshort torus" in said
    assert "\nlong torus" not in said
    assert main(["--results", results, "--where", "end_to_end=flase"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "--where end_to_end=flase: none of the runs has that; there are false, true"
        "; meant perhaps: false\n"
    )


@pytest.mark.parametrize("flag", ["--metrics", "--group-by"])
def test_names_may_have_spaces_around_them_and_none_is_empty(results, capsys, flag):
    names = {"--metrics": "shannon_bits, joint_bits", "--group-by": "data, model, seed"}[flag]
    if flag == "--metrics":
        Store(results).put(
            run("more", metrics={**measured(), "joint_bits": measured()["shannon_bits"]})
        )
    assert main(["--results", results, flag, names]) == 0
    assert main(["--results", results, flag, f"{names},"]) == 2
    assert f"{flag}: no ''; there are " in capsys.readouterr().err
    assert main(["--results", results, flag, ""]) == 2
