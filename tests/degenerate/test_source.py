"""What files are overwritten with counts as destruction only as far as its run says."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from erasing import listed

from dan_bench.config.compose import configure
from dan_bench.degenerate.__main__ import main
from dan_bench.degenerate.source import claim, found_by, in_words, network_noise, source
from dan_bench.erase import GENERATORS, ErasureRefused
from dan_bench.erase.overwrite import INDEPENDENT
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.pipeline.algorithm1 import NetworkNoise
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store, read

RUN = [
    *("data=danoise", "data.shape=[12,10]", "data.train_size=200", "data.test_size=200"),
    *("noise_dim=120", "evaluation=minimal", "evaluation.samples=100", "evaluation.known=100"),
    *("trainer.batch_size=8", "trainer.max_steps=5", "logger=none", "output=sigmoid", "model=dan"),
]


def record(least=99.5, most=99.9, **rest):
    """The record of a run that found so much destroyed."""
    found = {
        "certified_destroyed": Estimate(least) if isinstance(least, float) else least,
        "percent_destroyed": None if most is None else Estimate(most, most - 0.1, most + 0.1),
        "shannon_bits": Estimate(8.0, n=78_400),
    }
    return replace(RunRecord("abc", "done", {"data": {"name": "mnist"}}, found), **rest)


@pytest.mark.parametrize("name", GENERATORS)
def test_noise_of_a_generator_says_nothing_of_the_data(name, tmp_path):
    assert source(name, tmp_path).destroys == INDEPENDENT
    assert (INDEPENDENT.at_least, INDEPENDENT.at_most) == (100, 100)


SCARCE = replace(
    record(Estimate(99.5, n=100, details={"bits": 0.01})),
    config={"data": {"name": "mnist"}, "model": {"kind": "learned"}},
    costs={"noise_bits": 16.0},
)
"""A network with 16 bits of noise for 784 bytes, as records had it before it claimed nothing."""
CLAIMS = {
    "noise of too few bits": (SCARCE, 0, 99.9, "measured on mnist"),
    "measured": (record(), 99.5, 99.9, "measured on mnist"),
    "not certified": (record(None), 0, 99.9, "nothing is certified"),
    "certified nothing": (record(0.0, 48.0), 0, 48.0, "measured on mnist"),
    "not attacked": (record(99.5, None), 99.5, None, "what attacks recover was not measured"),
    "neither": (record(None, None), 0, None, "nothing is certified"),
    "of schema 1": (record(schema_version=1), 0, None, "schema 1"),
    "failed": (record(status="failed"), 0, None, "the run is failed"),
    "refuted": (record(99.5, 40.0), 0, 40.0, "an attack refuted"),
    "more certified than attacks leave": (record(99.95, 99.9), 99.9, 99.9, "measured on mnist"),
    "no number": (record(math.nan, math.inf), 0, None, "nothing is certified"),
    "more than all": (record(1e9, 100.0), 0, 100.0, "nothing is certified"),
}


@pytest.mark.parametrize(("of", "least", "most", "words"), CLAIMS.values(), ids=CLAIMS.keys())
def test_a_networks_claim_is_its_runs(of, least, most, words):
    found = claim(of)
    assert (found.at_least, found.at_most) == (least, most)
    assert words in found.reason
    assert ("not on these files" in found.reason) == ("measured on mnist" in found.reason)


def test_a_network_that_nobody_measured_claims_nothing():
    found = NetworkNoise(None, 4, "x").destroys
    assert in_words(found) == "at least 0.0000, at most not measured %_dd"


# a real run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Results with one finished run, of a network that leaves its input as good as readable."""
    results = tmp_path_factory.mktemp("results")
    assert run(configure([*RUN, f"runtime.results={results}"]), "test").status == "done"
    return results


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "secret").mkdir()
    data = np.tile(np.repeat(np.array([0, 255], np.uint8), 60), 100)
    (tmp_path / "secret" / "a").write_bytes(data.tobytes())
    return tmp_path


def test_a_network_that_leaks_is_refused_with_the_remedy(place, trained, capsys):
    before = (place / "secret" / "a").read_bytes()
    assert main(["secret", "--yes", "--with", "dan", "--results", str(trained)]) == 2
    said = capsys.readouterr().err
    assert "nothing was touched" in said
    assert "--leaky" in said
    assert "--with fast" in said
    assert (place / "secret" / "a").read_bytes() == before


def test_asked_for_all_the_same_its_certificate_says_what_it_is_worth(place, trained, capsys):
    options = ["--yes", "--with", "dan", "--leaky", "--results", str(trained)]
    assert main(["secret", *options, "--certificate", "c.json"]) == 3
    document = json.loads((place / "c.json").read_text())
    found = claim(found_by("dan", trained)[0])
    assert found.at_least < 99
    (of,) = document["sources"]
    assert of["made_from_data"] is True
    assert of["at_least"] == pytest.approx(found.at_least, abs=1e-4)
    total = document["total"]
    assert total["on_disk"]["at_least"] > 0
    assert total["destroyed"]["at_least"] <= found.at_least
    most = total["destroyed"]["at_most"]
    assert most is found.at_most is None or most <= found.at_most + 1e-4
    assert total["vouched"] is False
    assert listed(document)[0]["status"] == "overwritten"
    text = (place / "c.txt").read_text()
    said = capsys.readouterr().out
    for words in ("at least 0.0000", found.reason):
        assert words in text
        assert words in said


def test_one_whose_certificate_holds_needs_no_second_word(place, trained):
    one, folder = found_by("dan", trained)
    old = (folder / "record.json").read_bytes()
    certified = {name: Estimate(100.0) for name in ("certified_destroyed", "percent_destroyed")}
    Store(trained).put(replace(read(folder / "record.json"), metrics=certified))
    try:
        assert source("dan", trained).destroys.at_least == 100
        options = ["--yes", "--with", "dan", "--results", str(trained), "--certificate", "c.json"]
        assert main(["secret", *options]) in (0, 3)  # 3: where the disk cannot be vouched for
    finally:
        (folder / "record.json").write_bytes(old)
    ends = json.loads((place / "c.json").read_text())["total"]["destroyed"]
    assert ends["at_least"] > 99
    with pytest.raises(ErasureRefused):
        source("dan", trained)
    assert network_noise(one, folder).destroys == claim(one)
