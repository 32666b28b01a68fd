"""`assess --restart`, `--conditioning`, `--health`: answers, exit codes, refusals."""

import json
from functools import partial

import numpy as np
import pytest
from refusals import refused_line
from restart_data import restarts

from dan_bench.assess import __main__ as command
from dan_bench.randomness.conditioning import conditioned_entropy, conditioned_output
from dan_bench.randomness.health import health_tests
from dan_bench.randomness.min_entropy import assess
from dan_bench.randomness.restart import restart_tests


def answer(capsys, *arguments):
    code = command.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out


refused = partial(refused_line, command.main)


@pytest.fixture(scope="module")
def coins(tmp_path_factory):
    path = tmp_path_factory.mktemp("coins") / "restarts.bin"
    restarts("coin166").tofile(path)
    return path


def test_restarts_are_awarded_what_the_function_says(capsys, coins):
    code, text = answer(capsys, "--restart", coins, "--h-submitter", 0.6, "--bits=1", "--json")
    found = json.loads(text)
    expected = restart_tests(restarts("coin166"), 0.6, 1)
    assert code == 0
    assert found["assessed"] == expected.assessed
    assert found["h_submitter"] == found["h_initial"] == 0.6
    assert {name: found[name] for name in expected.to_json()} == expected.to_json()
    code, text = answer(capsys, "--restart", coins, "--h-submitter", 0.6, "--bits", 1)
    assert code == 0
    assert f"min(H_r, H_c, H_I) = {expected.assessed:.6f}" in text
    assert f"cutoff {expected.sanity.cutoff_exact} (exact" in text
    assert f"cutoff {expected.sanity.cutoff_formula} (formula" in text


def test_the_initial_estimate_is_the_least_of_sequential_data_and_claim(capsys, coins, tmp_path):
    sequential = tmp_path / "sequential.bin"
    bits = (np.random.default_rng(0).random(30_000) < 0.6).astype(np.uint8)
    bits.tofile(sequential)
    h = assess(bits, 1).assessed
    for claim, least in ((0.3, 0.3), (0.95, h)):
        arguments = ("--restart", coins, sequential, "--bits", 1, "--json", "--h-submitter", claim)
        found = json.loads(answer(capsys, *arguments)[1])
        assert found["h_sequential"] == h
        assert found["h_initial"] == least


def test_a_claim_that_restarts_do_not_bear_out_ends_with_1(capsys, coins, tmp_path):
    code, text = answer(capsys, "--restart", coins, "--h-submitter", 1, "--bits", 1)
    assert code == 1
    assert "no entropy is awarded: the sanity check failed" in text
    # H_r and H_c are about 0.41; the counts alone are those of 0.55
    path = tmp_path / "drift.bin"
    (np.arange(1_000_000) // 2 % 2).astype(np.uint8).tofile(path)
    code, text = answer(capsys, "--restart", path, "--h-submitter", 0.001, "--bits", 1)
    assert code == 1
    assert "no entropy is awarded" in text


def test_conditioning_prints_what_nists_tool_prints(capsys):
    sizes = ("--n-in", 256, "--n-out", 256, "--nw", 256, "--h-in", 256)
    code, text = answer(capsys, "--conditioning", "vetted", *sizes)
    assert code == 0
    assert "h_out = 251.68976456872705512" in text  # ea_conditioning: 251.689764568727055119
    code, text = answer(
        capsys, "--conditioning", "non-vetted", *sizes, "--h-prime", "0.5", "--json"
    )
    found = json.loads(text)
    expected = conditioned_output(256, 256, 256, 256, vetted=False, h_prime=0.5)
    assert found == expected.to_json()
    assert (code, found["h_out"], found["limit"]) == (0, 128, "h' n_out")


def test_h_prime_is_estimated_from_a_file(capsys, tmp_path):
    data = np.random.default_rng(0).integers(0, 256, 20_000, dtype=np.uint8)
    path = tmp_path / "conditioned.bin"
    data.tofile(path)
    sizes = ("--n-in", 512, "--n-out", 256, "--nw", 256, "--h-in", 400)
    code, text = answer(capsys, "--conditioning", "non-vetted", *sizes, path, "--json")
    assert code == 0
    assert json.loads(text)["h_prime"] == conditioned_entropy(data).assessed
    code, text = answer(capsys, "--conditioning", "non-vetted", *sizes, path, "--json", "--iid")
    assert json.loads(text)["h_prime"] == conditioned_entropy(data, iid=True).assessed


def test_health_tests_of_a_file(capsys, tmp_path):
    good = np.random.default_rng(1).integers(0, 256, 20_000, dtype=np.uint8)
    path = tmp_path / "samples.bin"
    good.tofile(path)
    asked = ("--health", 7.5, path, "--alpha", "2^-30", "--trials", 1)
    code, text = answer(capsys, *asked)
    assert code == 0
    assert "Repetition Count Test: C = 5" in text
    good[5000:5010] = 3
    good.tofile(path)
    code, text = answer(capsys, *asked)
    assert code == 1
    assert "1 failures in 20,000 samples" in text
    assert "at sample 5,004" in text
    code, text = answer(capsys, *asked, "--json")
    found, expected = json.loads(text), health_tests(good, 7.5, alpha=2**-30)
    assert found["repetition"] == json.loads(json.dumps(expected.repetition.to_json()))
    assert found["repetition"]["places"] == [5004]
    assert found["cutoffs"]["repetition"] == 5


def test_health_tests_without_a_file_are_cutoffs_and_power(capsys):
    code, text = answer(capsys, "--health", 1, "--bits", 1, "--trials", 20)
    assert code == 0
    assert "C = 589 of 1024" in text
    assert all(fault in text for fault in ("stuck", "biased", "correlated"))


OPTIONS = ("--entropy-source", "--restart", "--conditioning", "--health")


@pytest.mark.parametrize("h", [1e-9, 1e-5])
def test_next_to_no_entropy_has_cutoffs_and_no_power(capsys, h):
    code, text = answer(capsys, "--health", h, "--bits", 1)
    assert code == 0
    assert f"C = {round(20 / h) + 1}" in text
    assert "not computed below H = 0.0001" in text


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_has_a_help_of_its_own(capsys, option):
    with pytest.raises(SystemExit) as ended:
        command.main([option, "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert option in text
    assert "SP 800-90B" in text
    assert "exit code: 0" in text
    assert "example: python -m dan_bench.assess" in text


def test_the_main_help_names_them(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    text = capsys.readouterr().out
    assert all(option in text for option in OPTIONS)


SIZES = ("--n-in", 8, "--n-out", 8, "--nw", 8)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--restart", "absent.bin", "--h-submitter", 1), "absent.bin: No such file"),
        (("--restart", "short.bin", "--h-submitter", 1), "1,000,000 in all; got 5"),
        (("--restart", "short.bin"), "--restart needs H_I"),
        (("--restart", ".", "--h-submitter", 1), "folder"),
        (("--restart", "short.bin", "--h-submitter", 1, "--bits", 2), "byte 0 of short.bin"),
        (("--restart", "empty.bin", "--h-submitter", 1), "is empty"),
        (("--conditioning", "vetted", *SIZES, "--h-in", 9), "--h-in must be above 0 and at most 8"),
        (("--conditioning", "vetted", *SIZES, "--h-in", "x"), "--h-in must be a number"),
        (("--conditioning", "non-vetted", *SIZES, "--h-in", 4), "needs --h-prime or FILE"),
        (("--conditioning", "vetted", *SIZES, "--h-in", 4, "short.bin"), "non-vetted"),
        (
            ("--conditioning", "non-vetted", *SIZES, "--h-in", 4, "short.bin", "--h-prime", 1),
            "not both",
        ),
        (("--conditioning", "non-vetted", *SIZES, "--h-in", 4, "zeros.bin"), "has no entropy"),
        (("--health", 0), "--health must be above 0"),
        (("--health", 9), "at most the 8 bits"),
        (("--health", 1, "--alpha", 2), "--alpha must lie between"),
        (("--health", 1, "absent.bin"), "absent.bin: No such file"),
    ],
)
def test_bad_input_is_refused_in_one_line(capsys, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.bin").write_bytes(b"abcde")
    (tmp_path / "empty.bin").write_bytes(b"")
    (tmp_path / "zeros.bin").write_bytes(bytes(10_000))
    assert said in refused(capsys, *arguments)


@pytest.mark.parametrize("text", ["x", "2^x", "2^99999", ""])
def test_what_is_no_probability_is_refused(capsys, text):
    with pytest.raises(SystemExit) as ended:
        command.main(["--health", "1", "--alpha", text])
    assert ended.value.code == 2
    assert "invalid probability" in capsys.readouterr().err
