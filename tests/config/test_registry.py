"""What a record may name: what is shipped, what is announced, and what the user's folders hold."""

import subprocess
import sys
from pathlib import Path

import pytest
from outside_package import install

from dan_bench.config.registry import FOLDERS, UndeclaredTarget, declared, registered
from dan_bench.config.schema import CONF, RENAMED, ConfigError
from dan_bench.data.mnist import FashionMnist
from dan_bench.models.dan import DAN
from dan_bench.objectives.hinge import Hinge

GROUPS = ("model", "data", "objective")


def test_what_is_shipped_may_be_named_in_its_own_group_alone():
    targets = {"model": "dan_bench.models.dan.DAN", "objective": "dan_bench.objectives.hinge.Hinge"}
    assert registered(targets["model"], "model") is DAN
    assert registered(targets["objective"], "objective") is Hinge
    for group in GROUPS:
        assert declared(group, "")
        for other, target in targets.items():
            if other != group:
                with pytest.raises(UndeclaredTarget):
                    registered(target, group)


def test_an_earlier_name_is_that_of_what_it_became():
    (old,) = [name for name in RENAMED if name.endswith("fashion_mnist.FashionMnist")]
    assert registered(old, "data") is FashionMnist


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "os:system",
        "builtins.eval",
        "dan_bench.erase.plan.os.system",
        "dan_bench.models.dan.torch.load",
        "dan_bench.models.dan.DAN.__init__",
        "dan_bench.models.dan.DAN ",
        "dan_bench.models.dan:DAN",
        "dan_bench.models.dan.DAN.degenerate.__globals__",
        "Dan_bench.models.dan.DAN",
        "dan_bench.data.fetch.fetch",
        "${oc.env:HOME}",
        "",
        "x" * 100_000,
        None,
        3,
        ["os.system"],
        {"_target_": "os.system"},
    ],
)
def test_nothing_else_may(target, group):
    with pytest.raises(UndeclaredTarget, match="no part of this installation declares") as raised:
        registered(target, group)
    assert len(str(raised.value)) < 600


def test_a_config_folder_of_ones_own_declares_what_it_holds(tmp_path, monkeypatch):
    for name, group in (("mine", "data"), ("more", "model")):
        (tmp_path / name / group).mkdir(parents=True)
        (tmp_path / name / group / "one.yaml").write_text("_target_: fractions.Fraction\n")
    (tmp_path / "mine" / "data" / "no.yaml").write_text("- a list\n")
    with pytest.raises(UndeclaredTarget):
        registered("fractions.Fraction", "data")
    monkeypatch.setenv(FOLDERS, f"{tmp_path / 'mine'}:{tmp_path / 'more'}")
    assert registered("fractions.Fraction", "data").__name__ == "Fraction"
    assert registered("fractions.Fraction", "model").__name__ == "Fraction"
    assert registered("dan_bench.models.dan.DAN", "model") is DAN
    with pytest.raises(UndeclaredTarget):
        registered("fractions.Fraction", "objective")


def test_a_folder_that_one_is_in_declares_nothing(tmp_path, monkeypatch):
    for conf in (tmp_path, tmp_path / "conf", tmp_path / "results"):
        (conf / "data").mkdir(parents=True)
        (conf / "data" / "evil.yaml").write_text("_target_: os.system\n")
    monkeypatch.chdir(tmp_path)
    declared.cache_clear()
    with pytest.raises(UndeclaredTarget):
        registered("os.system", "data")


def test_a_file_there_that_is_no_yaml_is_named(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bad.yaml").write_text("a: [")
    monkeypatch.setenv(FOLDERS, str(tmp_path))
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        registered("os.system", "data")


def test_what_is_declared_and_not_there_is_refused_too(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "gone.yaml").write_text("_target_: nowhere.Gone\n")
    monkeypatch.setenv(FOLDERS, str(tmp_path))
    with pytest.raises(ConfigError, match="No module named 'nowhere'"):
        registered("nowhere.Gone", "data")


def test_an_installed_package_announces_targets(tmp_path):
    install(
        tmp_path, {"dan_bench.model": "drawn = theirs:Model"}, "class Model: degenerates = True"
    )
    program = (
        "from dan_bench.config.registry import registered\n"
        "print(registered('theirs.Model', 'model').degenerates)\n"
        "registered('theirs.Other', 'model')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{Path(__file__).parents[2]}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "True\n", ended.stderr
    assert "UndeclaredTarget: the record's model is 'theirs.Other'" in ended.stderr


def test_all_that_is_shipped_is_there():
    for group in GROUPS:
        named = [path for path in (CONF / group).glob("*.yaml") if "_target_" in path.read_text()]
        assert len(declared(group, "")) >= len(named) - 1
        for target in declared(group, ""):
            assert callable(registered(target, group))
