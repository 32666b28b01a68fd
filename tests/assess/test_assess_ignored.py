"""Options of `assess` that would have no effect beside others are refused, not ignored."""

import pytest

from dan_bench.assess import __main__ as command

OF_ASSESSMENTS = (
    ["--windows", "2"],
    ["--segment", "1000"],
    ["--plot", "out.png"],
    ["--iid"],
    ["--against", "urandom"],
)
CONDITIONING = [
    "--conditioning",
    "vetted",
    "--n-in",
    "512",
    "--n-out",
    "256",
    "--nw",
    "256",
    "--h-in",
    "320",
]


@pytest.mark.parametrize("other", OF_ASSESSMENTS, ids=lambda other: other[0])
@pytest.mark.parametrize("instead", [["--advise"], ["--ais31", "a"]], ids=lambda given: given[0])
def test_what_runs_instead_of_an_assessment_takes_none_of_its_options(
    instead: list[str], other: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["some.bin", *instead, *other])
    assert ended.value.code == 2
    assert f"leave out {other[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--ais31", "a", "--advise"], "leave out --advise"),
        (["--form", "hex", "--format", "u16le"], "former name"),
    ],
)
def test_one_of_two_is_asked_for(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["some.bin", *given])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [[*CONDITIONING, "--iid"], [*CONDITIONING, "--bits", "3"], ["--health", "4", "--exact"]],
    ids=["conditioning --iid", "conditioning --bits", "health --exact"],
)
def test_options_about_a_file_need_one(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(given) == 2
    assert "FILE: name it" in capsys.readouterr().err
