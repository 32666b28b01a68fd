"""`assess --entropy-source`: a folder in, a report out."""

import hashlib
import json
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pytest
from refusals import refused_line
from restart_data import restarts

from dan_bench.assess import __main__ as command
from dan_bench.assess.laboratory.assessment import assess_source, health_p_value
from dan_bench.assess.laboratory.folder import SourceFolder, source_folder
from dan_bench.assess.laboratory.report import as_json
from dan_bench.assess.reading import UnusableInput
from dan_bench.cli import InputError
from dan_bench.randomness.conditioning import conditioned_entropy, conditioned_output
from dan_bench.randomness.health import health_tests
from dan_bench.randomness.health_power import health_power
from dan_bench.randomness.iid import iid_tests
from dan_bench.randomness.min_entropy import assess
from dan_bench.randomness.restart import restart_tests

N = 20_000
SETTINGS = {"bits": 1, "h_submitter": 0.6}
SIZES = {"n_in": 512, "n_out": 256, "nw": 256}
ESV = {
    "primaryNoiseSource": "ring oscillators",
    "physical": True,
    "itar": False,
    "additionalNoiseSources": False,
    "description": "XOR of halves",
    "bijectiveClaim": False,
}


def coins(p, n=N, seed=0):
    return (np.random.default_rng(seed).random(n) < p).astype(np.uint8)


def made(folder, settings=SETTINGS, sequential=None, restart="coin166", conditioned=None):
    """A folder that is whole: bits that are 1 with probability 0.65."""
    folder.mkdir()
    (folder / "source.json").write_text(json.dumps(settings))
    (coins(166 / 256) if sequential is None else sequential).tofile(folder / "sequential.bin")
    restarts(restart).tofile(folder / "restart.bin")
    if conditioned is not None:
        conditioned.tofile(folder / "conditioned.bin")
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A good source with conditioning, and the report on it."""
    base = tmp_path_factory.mktemp("whole")
    settings = SETTINGS | {"alpha": "2^-30", "conditioning": {"vetted": False, **SIZES}, "esv": ESV}
    conditioned = np.random.default_rng(7).integers(0, 256, N, dtype=np.uint8)
    folder = made(base / "source", settings, conditioned=conditioned)
    arguments = ["--entropy-source", str(folder), "--out", str(base / "report")]
    return folder, base / "report", command.main(arguments)


def test_a_good_source_is_assessed_as_the_functions_say(whole):
    folder, out, code = whole
    found = json.loads((out / "report.json").read_text())
    sequential = np.fromfile(folder / "sequential.bin", np.uint8)
    non_iid = assess(sequential, 1)
    restart = restart_tests(restarts("coin166"), min(0.6, non_iid.assessed), 1)
    assert (code, found["passed"], found["failed"]) == (0, True, [])
    assert found["sequential"]["non_iid"] == non_iid.to_json()
    assert found["restart"] == restart.to_json()
    assert (found["assessed"], found["track"]) == (restart.assessed, "non-IID")
    assert found["iid"] is None
    data = np.fromfile(folder / "conditioned.bin", np.uint8)
    h_prime = conditioned_entropy(data, 8).assessed
    conditioned = conditioned_output(
        *SIZES.values(), 512 * restart.assessed, vetted=False, h_prime=h_prime
    )
    assert found["conditioning"] == conditioned.to_json()
    health = health_tests(sequential, restart.assessed, 1, alpha=2**-30)
    assert found["health"]["cutoffs"] == asdict(health.cutoffs)
    assert found["health"]["repetition"] == json.loads(json.dumps(health.repetition.to_json()))
    power = health_power(restart.assessed, 1, alpha=2**-30, trials=100)
    assert found["health"]["power"] == [asdict(fault) for fault in power]
    assert {name: of["verdict"] for name, of in found["ais31"].items()} == dict.fromkeys(
        ("a", "b", "irn"), "too short"
    )
    assert len(found["segments"]["segments"]) == 20


def test_the_report_names_every_input_by_its_hash(whole):
    folder, out, _ = whole
    found = json.loads((out / "report.json").read_text())
    assert {of["file"] for of in found["inputs"].values()} == {p.name for p in folder.iterdir()}
    text = (out / "report.txt").read_text()
    for of in found["inputs"].values():
        content = (folder / of["file"]).read_bytes()
        assert of["sha256"] == hashlib.sha256(content).hexdigest()
        assert of["bytes"] == len(content)
        assert of["sha256"] in text
    assert found["tool"].startswith("dan_bench ")
    assert f"--entropy-source {folder} --out {out}" in found["command"]
    assert found["time"].endswith("Z")


def test_the_text_says_what_the_numbers_mean(whole):
    _, out, _ = whole
    found = json.loads((out / "report.json").read_text())
    text = (out / "report.txt").read_text()
    assert f"H = {found['assessed']:.6f} bits a sample of 1 bits, non-IID track" in text
    assert "Nothing failed." in text
    assert "asks for 1,000,000 sequential samples; there are 20,000" in text
    assert "the submitter does not claim it" in text.lower()
    for meaning in ("chance to guess a sample", "how often the commonest symbol comes", "h_out: "):
        assert meaning in text


def test_the_page_of_plots_stands_alone(whole):
    _, out, _ = whole
    page = (out / "plots.html").read_text()
    assert page.count("<img ") == page.count("data:image/svg+xml;base64,") == 3
    assert "http" not in page
    assert "Nothing failed." in page


def test_exports_have_the_names_of_nists_tools(whole):
    folder, out, _ = whole
    found = json.loads((out / "report.json").read_text())
    runs = {name: json.loads((out / f"nist-{name}.json").read_text()) for name in found["nist"]}
    assert runs == found["nist"]
    assert list(runs) == ["non-iid", "restart", "conditioning"]
    cases = runs["non-iid"]["testCases"]
    estimates = found["sequential"]["non_iid"]["estimators"]["literal"]
    assert [case["testCaseDesc"] for case in cases][:2] == [
        "Most Common Value",
        "Collision Test (for bit strings only)",
    ]
    assert cases[0]["hOriginal"] == estimates["most_common_value"]
    assert cases[0]["mcvEstimateMode"] == np.fromfile(folder / "sequential.bin", np.uint8).sum()
    assert -np.log2(cases[0]["mcvEstimatePU"]) == pytest.approx(cases[0]["hOriginal"], rel=1e-12)
    assert (cases[4]["tTupleRes"], cases[5]["lrsRes"]) == (estimates["t_tuple"], estimates["lrs"])
    assert cases[-1]["hAssessed"] == found["sequential"]["non_iid"]["assessed"]
    assert runs["non-iid"]["sha256"] == found["inputs"]["sequential"]["sha256"]
    restart = runs["restart"]
    assert (restart["type"], restart["errorLevel"], restart["IID"]) == ("Restart", 0, False)
    assert restart["testCases"][-1] == {
        "testCaseDesc": "Overall",
        "h_r": found["restart"]["h_row"],
        "h_c": found["restart"]["h_column"],
        "h_i": found["restart"]["h_initial"],
    }
    (case,) = runs["conditioning"]["testCases"]
    assert case["h_out"] == found["conditioning"]["h_out"]
    assert case["h_p"] == found["conditioning"]["h_prime"]


def test_metadata_for_the_esv_server(whole):
    _, out, _ = whole
    version, about = json.loads((out / "esv-metadata.json").read_text())
    found = json.loads((out / "report.json").read_text())
    assert version == {"esvVersion": "1.0"}
    # what the server's schema requires
    required = "primaryNoiseSource iidClaim bitsPerSample alphabetSize hminEstimate physical itar "
    required += "numberOfRestarts samplesPerRestart additionalNoiseSources conditioningComponent"
    assert set(required.split()) <= set(about)
    assert (about["hminEstimate"], about["iidClaim"]) == (found["assessed"], False)
    (component,) = about["conditioningComponent"]
    required = "sequencePosition vetted bijectiveClaim description minNin minHin nw nOut"
    assert set(required.split()) <= set(component)
    assert component["minHin"] == int(512 * found["assessed"])
    assert component["conditionedBitsSHA256"] == found["inputs"]["conditioned"]["sha256"]


def test_a_claim_above_what_the_data_bear_out_is_lowered(tmp_path):
    source = source_folder(made(tmp_path / "s", {"bits": 1, "h_submitter": 1.0}))
    result = assess_source(source)
    assert result.assessed == min(
        result.non_iid.assessed, result.restart.h_row, result.restart.h_column
    )
    assert result.assessed < 0.7
    assert result.failed == ()


def test_restarts_that_are_alike_are_awarded_nothing(tmp_path, capsys):
    # the source is a fair coin as it runs, and its restarts are not
    folder = made(
        tmp_path / "s", {"bits": 1, "h_submitter": 1, "iid": False}, coins(0.5), "coin230"
    )
    assert command.main(["--entropy-source", str(folder), "--out", str(tmp_path / "out")]) == 1
    text = capsys.readouterr().out
    assert "NO ENTROPY IS AWARDED: the sanity check failed" in text
    assert "Not computed: no entropy is awarded" in text
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (found["assessed"], found["health"], found["esv"]) == (None, None, None)
    run = found["nist"]["restart"]
    assert (run["errorLevel"], run["testCases"]) == (-1, None)
    assert not (tmp_path / "out" / "esv-metadata.json").exists()


def test_no_iid_claim_where_an_iid_test_failed(tmp_path, capsys):
    steps = coins(0.25, seed=1)
    sequential = (np.cumsum(steps) % 2).astype(np.uint8)  # a bit repeats with probability 3/4
    assert iid_tests(sequential, 1).failed
    folder = made(tmp_path / "s", SETTINGS | {"iid": True}, sequential)
    assert command.main(["--entropy-source", str(folder), "--out", str(tmp_path / "out")]) == 1
    text = capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    non_iid = assess(sequential, 1).assessed
    assert found["track"] == "non-IID"
    assert found["assessed"] <= non_iid < found["sequential"]["most_common"]["assessed"]
    assert found["restart"]["h_initial"] == non_iid
    assert "The claim is therefore the non-IID figure" in text
    assert "sequential data failed chi_square_independence" in text
    assert "iid_rows" not in found["restart"]
    assert not found["nist"]["iid"]["testCases"][0]["passedChiSquareTests"]


def test_constant_data_fail_and_are_reported(tmp_path, capsys):
    settings = SETTINGS | {"iid": True, "conditioning": {"vetted": False, **SIZES}, "esv": ESV}
    zeros = np.zeros(N, np.uint8)
    folder = made(tmp_path / "s", settings, zeros, conditioned=zeros)
    assert command.main(["--entropy-source", str(folder), "--out", str(tmp_path / "out")]) == 1
    capsys.readouterr()
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert found["assessed"] in (0, None)
    assert (found["track"], found["conditioning"], found["esv"]) == ("non-IID", None, None)
    assert found["failed"][0].startswith("IID claim: sequential data: every symbol is 0")


def test_conditioned_data_without_entropy_fail(tmp_path):
    settings = SETTINGS | {"conditioning": {"vetted": False, **SIZES}}
    folder = made(tmp_path / "s", settings, conditioned=np.zeros(N, np.uint8))
    result = assess_source(source_folder(folder))
    assert result.failed == ("conditioning: the conditioned data have no entropy, h' is 0",)


def test_health_failures_that_chance_does_not_explain_count(tmp_path):
    sequential = np.random.default_rng(2).integers(0, 16, 50_000, dtype=np.uint8)
    sequential[6144:6656:2] = 5  # one window in which every other sample is 5
    settings = {"bits": 4, "h_submitter": 3}
    result = assess_source(source_folder(made(tmp_path / "s", settings, sequential, "ideal4")))
    assert result.health.repetition.failures == 0
    (place,) = result.health.proportion.places
    assert 6144 < place < 6656
    (failed,) = result.failed
    assert failed.startswith("health tests: more failures")


def test_the_health_verdict_seldom_fails_a_source_of_that_entropy():
    p_values = []
    for seed in range(300):
        found = health_tests(coins(2**-0.5, 4000, seed), 0.5, 1, alpha=2**-10)
        p_values.append(health_p_value(found, 0.5))
    # cutoffs at 2^-10 are reached in most of these streams, and that is no failure
    assert sum(p < 0.01 for p in p_values) <= 9
    assert any(p < 1 for p in p_values)


def test_a_procedure_of_ais31_counts_where_it_is_claimed(tmp_path):
    result = assess_source(source_folder(made(tmp_path / "s", SETTINGS | {"ais31": ["b"]})))
    assert result.failed == ("AIS 20/31, B: too short",)


@pytest.mark.slow
def test_an_iid_claim_that_no_test_speaks_against_is_taken(tmp_path):
    folder = made(tmp_path / "s", SETTINGS | {"iid": True})
    result = assess_source(source_folder(folder))
    assert result.track == "IID"
    assert result.restart.iid_rows.iid
    assert result.restart.iid_columns.iid
    assert result.restart.h_initial == min(0.6, result.most_common.assessed)
    assert result.assessed > result.non_iid.assessed
    assert as_json(result)["iid"]["iid"]
    unclaimed = replace(source_folder(folder), iid=False)
    assert assess_source(unclaimed).track == "non-IID"


def test_every_missing_file_and_key_is_named(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    with pytest.raises(InputError, match=r"source\.json is missing"):
        source_folder(folder)
    (folder / "source.json").write_text('{"alpha": 3, "colour": 1, "conditioning": {"nw": 8}}')
    with pytest.raises(InputError) as refused:
        source_folder(folder)
    said = str(refused.value)
    for what in (
        "key bits is missing",
        "key h_submitter is missing",
        "key colour is not known",
        "alpha must be between 0 and 1",
        "key conditioning.vetted is missing",
        "key conditioning.n_in is missing",
        "file sequential.* is missing",
        "file restart.* is missing",
    ):
        assert what in said


VETTED = {"vetted": True, **SIZES}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (SETTINGS | {"bits": 17}, "bits must be a whole number, 1 to 16, got 17"),
        (SETTINGS | {"bits": True}, "bits must be"),
        (SETTINGS | {"bits": 12}, "bits must be at most 8, which a value of format raw has"),
        (SETTINGS | {"bits": 12, "format": "u16le"}, "choose by lane"),
        (SETTINGS | {"format": "u16le", "lane": "16"}, "lane: a value has 16 bits"),
        (SETTINGS | {"format": "jpeg"}, "format must be"),
        (SETTINGS | {"h_submitter": 1.5}, "h_submitter must be a number above 0 and at most 1"),
        (SETTINGS | {"h_submitter": "x"}, "h_submitter must be"),
        (SETTINGS | {"h_submitter": 10**400}, "h_submitter must be"),
        (SETTINGS | {"iid": 1}, "iid must be true or false"),
        (SETTINGS | {"ais31": ["c"]}, "ais31 must be a list of a, b, irn"),
        (SETTINGS | {"segment": 10}, "segment must be 1,000 samples or more"),
        (SETTINGS | {"conditioning": 3}, "conditioning must be an object"),
        (SETTINGS | {"conditioning": VETTED | {"nw": 0}}, "conditioning.nw must be"),
        (SETTINGS | {"conditioning": VETTED | {"samples": 513}}, "does not hold the samples"),
        (SETTINGS | {"conditioning": VETTED | {"vetted": False}}, "conditioned.* is missing"),
        (SETTINGS | {"esv": {"physical": 1}}, "esv.physical must be true or false"),
        (SETTINGS | {"esv": {"primaryNoiseSource": "a" * 65}}, "at most 64 characters"),
        (SETTINGS | {"esv": {"numberOfOEs": 0}}, "esv.numberOfOEs must be"),
        (SETTINGS | {"esv": {}}, "key esv.itar is missing"),
        ([], "must hold an object"),
    ],
)
def test_a_wrong_key_is_named(tmp_path, settings, said):
    (tmp_path / "sequential.bin").write_bytes(b"\0\1")
    (tmp_path / "restart.bin").write_bytes(b"\0\1")
    (tmp_path / "source.json").write_text(json.dumps(settings))
    with pytest.raises(InputError) as refused:
        source_folder(tmp_path)
    assert said in str(refused.value)


refused = partial(refused_line, command.main)


def test_refusals_come_in_one_line_and_leave_nothing(tmp_path, capsys):
    source = tmp_path / "s"
    source.mkdir()
    (source / "source.json").write_text(json.dumps(SETTINGS))
    (source / "sequential.bin").write_bytes(b"\0\1" * 50)
    (source / "restart.bin").write_bytes(b"\0\1" * 50)
    asked = ("--entropy-source", source, "--out")
    before = sorted(tmp_path.rglob("*"))
    assert "exists already" in refused(capsys, *asked, source)
    assert "lies in the folder" in refused(capsys, *asked, source / "out")
    assert "1,000,000 in all; got 100" in refused(capsys, *asked, tmp_path / "out")
    assert "no such folder" in refused(capsys, "--entropy-source", tmp_path / "absent")
    (source / "restart.txt").write_text("1")
    assert "restart.bin, restart.txt: one is wanted" in refused(capsys, *asked, tmp_path / "out")
    (source / "restart.txt").unlink()
    (source / "sequential.bin").write_bytes(b"\0\7" * 50)
    assert "sequential.bin is 7" in refused(capsys, *asked, tmp_path / "out")
    (source / "sequential.bin").write_bytes(b"\0\1" * 50)
    (source / "conditioned.bin").write_bytes(b"\0")
    assert 'conditioned.bin is for "conditioning"' in refused(capsys, *asked, tmp_path / "out")
    (source / "conditioned.bin").unlink()
    assert sorted(tmp_path.rglob("*")) == before


def test_samples_are_read_by_format_and_lane(tmp_path):
    words = np.random.default_rng(5).integers(0, 1 << 16, 3000, dtype=np.uint16)
    words.astype("<u2").tofile(tmp_path / "sequential.dat")
    words.astype("<u2").tofile(tmp_path / "restart.dat")
    settings = {"bits": 16, "format": "u16le", "lane": "3,5-8", "h_submitter": 4.5}
    (tmp_path / "source.json").write_text(json.dumps(settings))
    found = source_folder(str(tmp_path))
    assert isinstance(found, SourceFolder)
    assert found.layout.lanes == (3, 5, 6, 7, 8)
    assert found.layout.width == 5


def test_samples_of_more_bits_than_the_settings_say_are_refused(tmp_path):
    for name in ("sequential", "restart"):
        np.array([1, 2, 300], "<u2").tofile(tmp_path / f"{name}.bin")
    (tmp_path / "source.json").write_text('{"bits": 8, "format": "u16le", "h_submitter": 7}')
    with pytest.raises(UnusableInput, match=r"value 2 of .* is 300, and 8 bits end at 255"):
        assess_source(source_folder(tmp_path))
