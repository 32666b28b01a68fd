"""Bundling a method's runs, and what can be seen to be wrong with them without running anything."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from submissions import carry_out, forge, install, of_model, submit, verify

from dan_bench.config.schema import CONF, RENAMED
from dan_bench.report.__main__ import main as report
from dan_bench.report.submission import Submission, is_part, opened
from dan_bench.report.verify import code_folder
from dan_bench.results.archive import open_results
from dan_bench.results.provenance import code_digest
from dan_bench.results.record import Store, key_of


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Five seeds of a model of `theirs_s`, whose code is in a folder of its own."""
    root = tmp_path_factory.mktemp("submission")
    target = install(root / "code", "theirs_s")
    carry_out(root / "results", *of_model(target))
    return root


@pytest.fixture
def folder(runs, tmp_path):
    assert submit(runs / "results", tmp_path) == 0
    return tmp_path / "theirs"


def refused(folder, capsys) -> str:
    """What verify prints of a folder that it refuses, having run nothing."""
    capsys.readouterr()
    assert verify(folder) == 1
    said = capsys.readouterr().out
    assert "drawn by" not in said
    return said


def test_the_folder_holds_records_code_and_a_page(folder, runs):
    about, records = opened(folder)
    assert (about.name, about.model, about.source) == ("theirs", "additive", "copy")
    assert [r.key for r in records] == [r.key for r in Store(runs / "results").all()[0]]
    assert open_results(folder).all()[0] == records
    assert (folder / "code" / "theirs_s.py").read_bytes() == (
        runs / "code" / "theirs_s.py"
    ).read_bytes()
    assert "5 runs of `additive`" in (folder / "README.md").read_text()
    assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) < 400_000


def test_a_folder_that_is_there_is_not_overwritten(folder, runs, capsys):
    with pytest.raises(SystemExit) as ended:
        submit(runs / "results", folder.parent)
    assert ended.value.code == 2
    assert "already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--code", "https://example.org/it"], "40 digits"),
        (["--code", "file:///x@" + "0" * 40], "https"),
    ],
)
def test_a_reference_to_code_names_a_commit(runs, tmp_path, capsys, words, said):
    with pytest.raises(SystemExit):
        submit(runs / "results", tmp_path, *words)
    assert said in capsys.readouterr().err


def test_no_runs_of_that_model(runs, tmp_path, capsys):
    words = ["x", "--model", "additiv", "--results", str(runs / "results"), "--to", str(tmp_path)]
    assert report(["submit", *words]) == 2
    assert "meant perhaps: additive" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_seed_that_is_missing_is_named_before_anything_is_written(runs, tmp_path, capsys):
    shutil.copytree(runs / "results", tmp_path / "results")
    store = Store(tmp_path / "results")
    (gone,) = (r for r in store.all()[0] if r.config["seed"] == 3)
    shutil.rmtree(store.folder(gone.key))
    assert submit(tmp_path / "results", tmp_path) == 2
    assert "no finished run of seed 3" in capsys.readouterr().err
    assert not (tmp_path / "theirs").exists()


def test_code_that_was_edited_after_its_runs_is_seen(runs, tmp_path, capsys):
    """Its config, and with it the key, stays the same: nothing else would tell."""
    path = runs / "code" / "theirs_s.py"
    text = path.read_text()
    try:
        path.write_text(text + "\nSCALE = 2\n")
        assert submit(runs / "results", tmp_path) == 2
    finally:
        path.write_text(text)
    assert "made by other code of theirs_s than is submitted" in capsys.readouterr().err


def test_an_edited_config_under_its_old_key(folder, capsys):
    forge(folder, lambda r: replace(r, config=r.config | {"noise_dim": 60}))
    assert "its config is not the one that its key was made from" in refused(folder, capsys)


def test_only_the_good_seeds(folder, capsys):
    forge(folder, lambda r: None if r.config["seed"] == 1 else r)
    assert "no finished run of seed 1" in refused(folder, capsys)


def test_better_seeds_than_the_first_five(folder, capsys):
    def other(record):
        seed = record.config["seed"] or 9
        config = record.config | {"seed": seed, "data": record.config["data"] | {"seed": seed}}
        return replace(record, config=config, key=key_of(config))

    forge(folder, other)
    assert "no finished run of seed 0, 5, 6, 7, 8" in refused(folder, capsys)


def test_a_metric_that_a_bad_seed_leaves_out(folder, capsys):
    def forged(record):
        return replace(record, metrics=record.metrics | {"shannon_bits": None})

    forge(folder, lambda r: forged(r) if r.config["seed"] == 1 else r)
    assert "shannon_bits of some of the seeds only" in refused(folder, capsys)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda of: of | {"dirty": True}, "edited files"),
        (lambda of: of | {"code": ["theirs_s"]}, "made by other code"),
        (lambda of: {n: v for n, v in of.items() if n != "machine"}, "lacks machine"),
        (lambda of: of | {"code": {"theirs_s": "0" * 64}}, "made by other code of theirs_s"),
        (lambda of: {n: v for n, v in of.items() if n != "code"}, "made by other code"),
    ],
)
def test_a_provenance_that_will_not_do(folder, capsys, change, said):
    forge(folder, lambda r: replace(r, provenance=change(r.provenance)))
    assert said in refused(folder, capsys)


def test_numbers_that_were_measured_by_code_of_others(folder, capsys):
    def measured(record):
        metrics = {"shannon_bits": {"_target_": "theirs_s.eight"}}
        config = record.config | {"evaluation": record.config["evaluation"] | {"metrics": metrics}}
        return replace(record, config=config, key=key_of(config))

    forge(folder, measured)
    assert "measured by code of theirs_s" in refused(folder, capsys)


def test_data_that_nobody_else_has(folder, capsys):
    def own(record):
        config = record.config | {"data": record.config["data"] | {"fingerprint": "abc"}}
        return replace(record, config=config, key=key_of(config))

    forge(folder, own)
    assert "files that nobody else has" in refused(folder, capsys)


def test_code_beside_what_the_records_name(folder, capsys):
    (folder / "code" / "sitecustomize.py").write_text("")
    assert "sitecustomize.py, which no record names" in refused(folder, capsys)


def test_code_that_is_not_what_the_page_says(folder, capsys):
    with (folder / "code" / "theirs_s.py").open("a") as file:
        file.write("\n")
    assert "the code of theirs_s is not that of submission.json" in refused(folder, capsys)


def test_what_is_no_submission(folder, tmp_path, capsys):
    assert verify(tmp_path) == 2
    assert "no submission" in capsys.readouterr().err
    for text in ("[]", "{", json.dumps({"name": "theirs"})):
        (folder / "submission.json").write_text(text)
        assert verify(folder) == 2
        assert "damaged" in capsys.readouterr().err
    Path(folder / "records.parquet").write_bytes(b"PAR1")
    assert verify(folder) == 2


@pytest.mark.parametrize("name", ["theirs_p/__pycache__/inner.cpython-311.pyc", "theirs_p/fast.so"])
def test_compiled_code_which_no_digest_covers(tmp_path, name):
    path = tmp_path / "code" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    about = Submission("theirs", "additive", "copy", {"theirs_p": ""})
    assert code_folder(about, tmp_path, tmp_path / "work")[1] == [
        f"code/{name} is no Python or YAML file"
    ]


def test_code_that_is_a_link(folder, tmp_path, capsys):
    path = folder / "code" / "theirs_s.py"
    path.replace(tmp_path / "elsewhere.py")
    path.symlink_to(tmp_path / "elsewhere.py")
    assert "code/theirs_s.py is no Python or YAML file" in refused(folder, capsys)


def test_code_for_a_package_that_no_record_names(folder, capsys):
    about = json.loads((folder / "submission.json").read_text())
    (folder / "code" / "pandas.py").write_text("")
    about["code"]["pandas"] = code_digest(folder / "code", "pandas")
    (folder / "submission.json").write_text(json.dumps(about))
    assert "code of pandas, which no record names" in refused(folder, capsys)


@pytest.mark.parametrize(
    "target", ["dan_bench.data.fetch.os.system", "torch.hub.load", "dan_bench.erase.erase"]
)
def test_a_config_that_calls_what_is_no_part_of_an_experiment(folder, tmp_path, capsys, target):
    """It would be run with no code in the submission that anybody could read."""
    model = {"_target_": target, "name": "additive", "kind": "control"}
    model["command"] = f"touch {tmp_path / 'harm'}"

    def change(record):
        config = record.config | {"model": model}
        return replace(record, config=config, key=key_of(config))

    forge(folder, change)
    assert f"its config names {target}, which is no part" in refused(folder, capsys)
    assert not (tmp_path / "harm").exists()


def test_what_our_configs_name_may_be_named_by_its_earlier_names_too():
    texts = [path.read_text() for path in CONF.rglob("*.yaml")]
    targets = {target for text in texts for target in re.findall(r"_target_: *([\w.]+\w)", text)}
    others = ("dan_bench.table1.", "dan_bench.loggers.")
    named = {*targets, *RENAMED, "torch.optim.RMSprop"}
    of_runs = {one for one in named if not RENAMED.get(one, one).startswith(others)}
    assert "dan_bench.data.mnist.Mnist" in of_runs
    assert [target for target in sorted(of_runs) if not is_part(target)] == []
