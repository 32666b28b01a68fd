"""Loggers: what they hold afterwards, read back with their own readers, and whom they call."""

import base64
import csv
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from logged_runs import (
    OUTSIDE,
    STEPS,
    STRACE,
    WIDE,
    artifacts_of,
    carried_out,
    config_of,
    here,
    history_of,
    inspect,
    of_type,
    summary_of,
    without_account,
)
from PIL import Image
from sweeps import SMALL, Workplace

from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.loggers.offline import runs
from dan_bench.pipeline.plan import plan
from dan_bench.report.verdicts import VERDICTS
from dan_bench.results.record import Store

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*smaller than the logging interval.*", "ignore:.*isinstance.treespec, LeafSpec.*"
)


@dataclass
class Tracked:
    """One sweep under wandb: a job that does well, one that reaches outside, one that raises."""

    place: Workplace
    ended: tuple[int, str, str]
    runs: dict[str, list[dict[str, Any]]]
    """The records of each .wandb file, by the job's obstacle."""
    folders: dict[str, Path]
    """The folder of each."""
    trace: str | None
    """Every connect and every program started, by any process of the sweep."""


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    place = Workplace(tmp_path_factory.mktemp("tracked"))
    for obstacle in ("call", "fail"):
        (place.folder / obstacle).write_text(obstacle)
    trace = place.folder / "trace"
    # --seccomp-bpf stops a process at the calls asked for only: without it every job takes minutes
    watch = ("-e", "trace=connect,execve", "-e", "signal=none", "-s", "256")
    strace = (STRACE, "-f", "--seccomp-bpf", "-qq", *watch)
    ended = place.train(
        "-m",
        *place.obstructed,
        "logger=wandb",
        "logger.tags=[tried]",
        WIDE,
        STEPS,
        "model.obstacle=clear,call,fail",
        before=(*strace, "-o", str(trace)) if STRACE else (),
    )
    by_obstacle, folders = {}, {}
    for folder in runs(place.folder / "results"):
        records = inspect(folder)
        obstacle = config_of(records)["model"]["obstacle"]
        by_obstacle[obstacle], folders[obstacle] = records, folder
    said = trace.read_text() if STRACE else None
    return Tracked(place, ended, by_obstacle, folders, said)


def test_every_job_has_a_wandb_run_of_its_own(tracked: Tracked) -> None:
    code, out, err = tracked.ended
    assert code == 1, err  # one was made to fail
    assert tracked.runs.keys() == {"clear", "call", "fail"}
    found = [of_type(records, "run")[0] for records in tracked.runs.values()]
    assert len({one["run_id"] for one in found}) == 3
    assert {one["project"] for one in found} == {"dan_bench"}
    assert "offline wandb runs: " in out


def test_the_runs_of_a_sweep_are_one_group_and_have_tags(tracked: Tracked) -> None:
    found = [of_type(records, "run")[0] for records in tracked.runs.values()]
    (group,) = {one["run_group"] for one in found}
    assert re.fullmatch(r"\d{8}-\d{6}", group)
    for one in found:
        assert one["tags"] == ["tried", "obstructed", "danoise", "sigmoid", "nonsaturating"]
        assert one["job_type"] == "learned"
        title, _, key = one["display_name"].rpartition(" ")
        assert title == "obstructed sigmoid nonsaturating danoise seed=0"
        assert len(key) == 8
        assert one["run_id"].startswith(key)


def test_the_config_is_there_from_the_start_nested_and_with_its_key(tracked: Tracked) -> None:
    for obstacle, record in tracked.place.by_obstacle().items():
        config = config_of(tracked.runs[obstacle])
        config.pop("_wandb")
        assert config.pop("key") == record.key
        assert config == record.config


def test_the_history_holds_the_curves_by_our_own_step(tracked: Tracked) -> None:
    history = history_of(tracked.runs["clear"], "train/discriminator_loss")
    assert [row["step"] for row in history] == [5, 10, 15, 20, 25, 30]
    names = {"train/degenerator_loss", "train/held_out_accuracy", "train/effective_dimensions"}
    for row in history:
        assert names <= row.keys()


def test_every_chart_has_our_step_as_its_x_axis(tracked: Tracked) -> None:
    axes = {
        metric.get("name") or metric["glob_name"]: metric.get("step_metric")
        for metric in of_type(tracked.runs["clear"], "metric")
    }
    assert axes.pop("step") is None
    assert {"train/*", "samples", "samples/*"} <= axes.keys()
    assert set(axes.values()) == {"step"}


def test_the_summary_holds_the_best_and_the_last_of_a_curve(tracked: Tracked) -> None:
    summary = summary_of(tracked.runs["clear"])
    for name, best in (("effective_dimensions", max), ("uniform_distance_bits", min)):
        values = [
            row[f"train/{name}"] for row in history_of(tracked.runs["clear"], f"train/{name}")
        ]
        expected = {best.__name__: best(values), "last": values[-1]}
        assert summary[f"train/{name}"] == pytest.approx(expected)
    assert summary["train/discriminator_loss"].keys() == {"last"}


def test_the_summary_holds_the_final_metrics_and_the_costs(tracked: Tracked) -> None:
    record = tracked.place.by_obstacle()["clear"]
    summary = summary_of(tracked.runs["clear"])
    for name in ("joint_bits", "percent_destroyed", "shannon_bits"):
        estimate = record.metrics[name]
        assert estimate is not None
        assert summary[name] == pytest.approx(estimate.value, rel=1e-12)
    interval = record.metrics["percent_destroyed"]
    assert interval is not None
    assert summary["percent_destroyed/low"] == pytest.approx(interval.low, rel=1e-12)
    assert summary["cost/parameters"] == record.costs["parameters"]
    words = {name: judge([record]).word for name, judge in VERDICTS.items()}
    for name, word in words.items():
        assert summary[f"verdict/{name.replace(' ', '_')}"] == word
    assert not any("verdict/" in name for name in summary_of(tracked.runs["fail"]))


def test_samples_are_kept_at_the_steps_asked_for_and_at_the_end(tracked: Tracked) -> None:
    record = tracked.place.by_obstacle()["clear"]
    kept = history_of(tracked.runs["clear"], "samples.path")
    assert [row["step"] for row in kept] == [1, 10, 25, 30]
    files = tracked.folders["clear"] / "files"
    drawn = [np.asarray(Image.open(files / row["samples.path"])) for row in kept]
    assert {pixels.shape for pixels in drawn} == {(40, 16 * 20)}  # inputs above outputs
    first, _, third, last = drawn
    assert np.array_equal(first[:20], third[:20])  # the same inputs
    assert not np.array_equal(first[20:], third[20:])  # from another network
    folder = tracked.place.store.folder(record.key)
    assert np.array_equal(last, np.asarray(Image.open(folder / "samples.png")))


def test_a_histogram_counts_every_byte_of_the_sample(tracked: Tracked) -> None:
    kept = history_of(tracked.runs["clear"], "samples/bytes.values")
    assert [row["step"] for row in kept] == [1, 10, 25, 30]
    for row in kept:
        edges = row["samples/bytes.bins"]
        assert (edges[0], edges[-1], len(edges)) == (0, 256, 33)
    sizes = [sum(row["samples/bytes.values"]) for row in kept]
    assert sizes == [64 * 400] * 3 + [256 * 400]
    record = tracked.place.by_obstacle()["clear"]
    sample = np.load(tracked.place.store.folder(record.key) / "samples.npy")
    counts = np.bincount(sample.ravel() // 8, minlength=32)
    assert kept[-1]["samples/bytes.values"] == counts.tolist()


def test_the_final_metrics_are_a_table_too(tracked: Tracked) -> None:
    record = tracked.place.by_obstacle()["clear"]
    written = summary_of(tracked.runs["clear"])["results"]
    table = json.loads((tracked.folders["clear"] / "files" / written["path"]).read_text())
    assert table["columns"] == ["metric", "value", "low", "high", "n"]
    assert table["data"] == [
        [name, estimate.value, estimate.low, estimate.high, estimate.n]
        for name, estimate in record.metrics.items()
        if estimate is not None
    ]


def test_the_record_and_the_checkpoint_are_artifacts_as_they_lie_there(tracked: Tracked) -> None:
    record = tracked.place.by_obstacle()["clear"]
    folder = tracked.place.store.folder(record.key)
    found = artifacts_of(tracked.runs["clear"])
    assert found["record"]["name"] == f"record-{record.key}"
    assert found["model"]["name"] == f"model-{record.key}"
    files = {
        entry["path"]: entry
        for kind in ("record", "model")
        for entry in found[kind]["manifest"]["contents"]
    }
    assert files.keys() == {"record.json", "curves.parquet", "weights.pt"}
    for name, entry in files.items():
        assert Path(entry["local_path"]) == (folder / name).resolve()
        digest = hashlib.md5((folder / name).read_bytes()).digest()
        assert entry["digest"] == base64.b64encode(digest).decode()


def test_whatever_is_uploaded_later_lies_under_the_results(tracked: Tracked) -> None:
    results = (tracked.place.folder / "results").resolve()
    paths = [
        Path(entry["local_path"])
        for records in tracked.runs.values()
        for artifact in of_type(records, "artifact")
        for entry in artifact["manifest"]["contents"]
    ]
    assert paths
    assert all(path.is_relative_to(results) and path.is_file() for path in paths)


def test_every_run_is_finished_the_failed_one_with_code_1(tracked: Tracked) -> None:
    codes = {
        obstacle: [ending["exit_code"] for ending in of_type(records, "exit")]
        for obstacle, records in tracked.runs.items()
    }
    assert codes == {"clear": [0], "call": [0], "fail": [1]}
    summary = summary_of(tracked.runs["fail"])
    assert "joint_bits" not in summary
    assert summary["error"] == "RuntimeError: the disk is on fire"
    assert artifacts_of(tracked.runs["fail"]).keys() == {"record"}


@pytest.mark.skipif(STRACE is None, reason="needs strace, which sees every process")
def test_an_offline_sweep_calls_nobody(tracked: Tracked) -> None:
    """Covers connect(2) in every process of the sweep, over IPv4 and IPv6, loopback included.

    That is the launcher, the fork server, the workers and wandb's own service, which is no Python.
    The one address that a job asks for itself shows that a call from a worker would be seen.
    """
    assert tracked.trace is not None
    assert re.search(r'execve\("[^"]*wandb-core', tracked.trace)
    called = [line for line in tracked.trace.splitlines() if "AF_INET" in line]
    assert [line for line in called if OUTSIDE not in line] == []
    assert len(called) == 1


@pytest.mark.parametrize("account", [True, False])
def test_going_online_needs_an_account_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, account: bool
) -> None:
    """A config is refused before any work begins."""
    monkeypatch.setattr("dan_bench.loggers.wandb.has_account", lambda: account)
    config = configure([*SMALL, WIDE, "logger.offline=false"])
    if account:
        assert plan(config).sink is not None
        return
    with pytest.raises(ConfigError, match=r"logger\.offline=False: .*`wandb login`.*`make sync`"):
        plan(config)


@pytest.mark.parametrize("where", ["environment", "netrc", "nowhere"])
def test_an_account_is_found_where_wandb_looks_for_it(tmp_path: Path, where: str) -> None:
    key = "0123456789" * 4
    environment = without_account(tmp_path)
    if where == "environment":
        environment["WANDB_API_KEY"] = key
    if where == "netrc":
        netrc = tmp_path / ".netrc"
        netrc.write_text(f"machine api.wandb.ai\n  login user\n  password {key}\n")
        netrc.chmod(0o600)
    program = "from dan_bench.loggers.offline import has_account; print(has_account())"
    said = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said == f"{where != 'nowhere'}\n"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as lines:
        return list(csv.DictReader(lines))


def test_csv_holds_the_curves_and_the_final_metrics(tmp_path: Path) -> None:
    results = here(tmp_path, "logger=csv")
    (path,) = results.rglob("metrics.csv")
    rows = rows_of(path)
    curve = [row for row in rows if row["discriminator_loss"]]
    assert [int(row["step"]) for row in curve] == [5, 10, 15, 20, 25, 30]
    (record,), _ = Store(results).all()
    for name in ("joint_bits", "percent_destroyed"):
        estimate = record.metrics[name]
        assert estimate is not None
        assert float(rows[-1][name]) == estimate.value
    assert float(rows[-1]["failed"]) == 0
    assert not (results / "wandb").exists()


def test_csv_keeps_runs_apart_that_differ_in_what_their_title_does_not_say(tmp_path: Path) -> None:
    for steps in (10, 20):
        here(tmp_path, "evaluation=minimal", "logger=csv", f"trainer.max_steps={steps}")
    lasts = {
        max(int(row["step"]) for row in rows_of(path) if row["discriminator_loss"])
        for path in tmp_path.rglob("metrics.csv")
    }
    assert lasts == {10, 20}


def test_no_result_depends_on_who_looks(tmp_path: Path) -> None:
    """The samples that loggers are given take no random number from training."""
    minimal = ("evaluation=minimal", "model=entropydan")
    seen = carried_out(tmp_path / "seen", *minimal, "logger=wandb", STEPS)
    unseen = carried_out(tmp_path / "unseen", *minimal, "logger=none")
    assert seen.metrics == unseen.metrics
    samples = [
        np.load(Store(tmp_path / name).folder(seen.key) / "samples.npy")
        for name in ("seen", "unseen")
    ]
    assert np.array_equal(*samples)


def test_a_control_has_a_sample_too_at_step_0(tmp_path: Path) -> None:
    results = here(tmp_path, "evaluation=minimal", "model=urandom", "logger=wandb")
    (folder,) = runs(results)
    records = inspect(folder)
    assert [row["step"] for row in history_of(records, "samples.path")] == [0]
    assert of_type(records, "run")[0]["job_type"] == "control"
    assert "model" not in artifacts_of(records)


def test_tensorboard_holds_curves_samples_config_and_final_metrics(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    record = carried_out(tmp_path, "evaluation=minimal", "logger=tensorboard", STEPS)
    (folder,) = (tmp_path / "tensorboard" / "a-group").iterdir()
    assert folder.name == f"dan-sigmoid-nonsaturating-danoise-seed=0-{record.key}"
    everything = dict.fromkeys(("images", "scalars", "histograms"), 0)
    events = EventAccumulator(str(folder), size_guidance=everything).Reload()
    curve = events.Scalars("train/discriminator_loss")
    assert [point.step for point in curve] == [5, 10, 15, 20, 25, 30]
    assert {tag.partition("/")[0] for tag in events.Tags()["scalars"]} == {"train"}
    estimate = record.metrics["shannon_bits"]
    assert estimate is not None
    plugin = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    started = HParamsPluginData.FromString(plugin).session_start_info.hparams
    shown = started["result/shannon_bits"].number_value
    assert shown == pytest.approx(estimate.value, rel=1e-12)
    assert started["trainer/max_steps"].number_value == 30
    assert started["model/name"].string_value == "dan"
    assert not [path for path in started if path.startswith("evaluation") or "_target_" in path]
    # one group, whose curves stand before its samples
    groups = {tag.partition("/")[0] for kind in everything for tag in events.Tags()[kind]}
    assert groups == {"train"}
    (text,) = events.Tensors("results/text_summary")
    assert f"| shannon_bits | {estimate.value:.6g} |" in text.tensor_proto.string_val[0].decode()
    images = events.Images("train/samples")
    assert [(image.step, image.height, image.width) for image in images] == [
        (step, 40, 16 * 20) for step in (1, 10, 25, 30)
    ]
    histograms = events.Histograms("train/samples/bytes")
    assert [entry.histogram_value.num for entry in histograms] == [64 * 400] * 3 + [256 * 400]
    (config,) = events.Tensors("config/text_summary")
    written = config.tensor_proto.string_val[0].decode()
    assert json.loads(written.removeprefix("```json\n").removesuffix("\n```")) == {
        "key": record.key,
        **record.config,
    }
    assert any("hparams" in tag for tag in events.summary_metadata)


def test_without_a_logger_there_is_nothing_but_the_records(tmp_path: Path) -> None:
    results = here(tmp_path, "logger=none")
    assert [path.name for path in results.iterdir()] == ["runs"]
    assert list(results.rglob("*.csv")) == []
    assert list(results.rglob("*.wandb")) == []
