"""Rows that are asked for: what they average over is training seeds, or they are refused."""

import json
import shlex
from dataclasses import replace

import pytest
from html_records import measured, run

from dan_bench.cli import InputError
from dan_bench.report import table
from dan_bench.report.__main__ import main
from dan_bench.report.leaderboard import boards, leaderboard
from dan_bench.results.record import Store
from dan_bench.results.select import group_methods

SEEDS = (0, 1, 2)


def runs():
    """A control and two models on two data sets; of one there are two outputs and two lengths."""
    found = []
    for seed in SEEDS:
        for data in ("mnist", "danoise"):
            of = {"data": {"name": data}}
            found += [run("python_random", "control", seed, **of), run("gan", seed=seed, **of)]
            found += [
                run("dan", "learned", seed, measured(bits), output=output, **of)
                for output, bits in (("torus", 8.0), ("sigmoid", 5.0))
            ]
        longer = {"objective": {"name": "hinge", "_target_": "Hinge", "margin": 2}}
        found.append(run("dan", "learned", seed, measured(6.0), output="sigmoid", **longer))
    return found


def means(records, axes):
    cells = json.loads(table(records, "json", ["shannon_bits"], axes))
    return {tuple(c[axis] for axis in axes): (c["mean"], c["seeds"]) for c in cells if c["seeds"]}


@pytest.mark.parametrize(
    ("axes", "missing"),
    [
        (["model"], "data, output, objective"),
        (["data", "model"], "output, objective"),
        (["data", "model", "output"], "objective"),
        (["data"], "model, output, objective"),
        (["model.kind"], "data, model, output, objective"),
    ],
)
@pytest.mark.parametrize("render", [leaderboard, boards])
def test_rows_that_would_pool_more_than_seeds_are_refused_with_the_axes_to_add(
    axes, missing, render
):
    with pytest.raises(InputError) as refused:
        render(runs(), None, axes)
    said = str(refused.value)
    assert f"--group-by {','.join(axes)}: a row would pool runs that differ in {missing}," in said
    assert len(said.splitlines()) == 1


def on_two_devices():
    """A model's seeds, trained on CPUs and again on a GPU."""
    records = [run("dan", seed=seed) for seed in SEEDS]
    return records + [replace(r, provenance={"device": "cuda: NVIDIA H100"}) for r in records]


def test_runs_on_a_cpu_and_on_a_gpu_are_two_methods_each_with_its_seeds():
    cpu, gpu = group_methods(on_two_devices())
    assert (cpu.seeds, gpu.seeds) == (3, 3)
    assert all("device" not in one.provenance for one in cpu.runs)
    assert gpu.label != cpu.label
    assert "cuda: NVIDIA H100" in gpu.label


def test_runs_on_a_cpu_and_on_a_gpu_are_not_pooled_by_axes_that_say_nothing_of_it():
    with pytest.raises(InputError, match="pool runs that differ in device"):
        leaderboard(on_two_devices(), None, ["data", "model", "output", "objective"])


def test_runs_of_two_folders_under_one_key_are_both_shown_where_one_is_of_a_gpu(tmp_path, capsys):
    for record in on_two_devices():
        Store(tmp_path / record.provenance.get("device", "cpu")[:4]).put(record)
    folders = ["--results", str(tmp_path / "cpu"), "--with", str(tmp_path / "cuda")]
    assert main([*folders, "--format", "json"]) == 0
    cells = json.loads(capsys.readouterr().out)
    shown = {cell.get("device"): cell["seeds"] for cell in cells if cell["seeds"]}
    assert shown == {"device=none": 3, "device=cuda: NVIDIA H100": 3}


def test_the_command_refuses_and_what_it_says_to_type_is_accepted(tmp_path, capsys):
    for record in runs():
        Store(tmp_path).put(record)
    given = ["--results", str(tmp_path), "--group-by"]
    assert main([*given, "model"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (axes,) = [word for word in shlex.split(said.err) if word.startswith("model,")]
    assert main([*given, axes.rstrip(",")]) == 0
    assert "over 3 training seeds" in capsys.readouterr().out
    assert main([*given, "model", "--where", "data=mnist,model=gan"]) == 0


def test_rows_of_seeds_alone_are_averaged():
    found = means(runs(), ["data", "model", "output", "objective"])
    assert found["mnist", "dan", "sigmoid", "hinge"] == (6.0, 3)
    assert found["mnist", "dan", "torus", "minimax"] == (8.0, 3)
    assert len(found) == 9


def test_a_row_a_seed_is_a_row_a_run():
    records = [run(seed=seed, metrics=measured(7 + seed / 8)) for seed in SEEDS]
    assert means(records, ["model", "seed"]) == {
        ("dan", str(seed)): (7 + seed / 8, 1) for seed in SEEDS
    }


def test_a_data_set_whose_seed_is_its_own_is_no_training_seed():
    records = [
        run(seed=seed, data={"name": "danoise", "seed": own}) for seed in SEEDS for own in (7, 8)
    ]
    with pytest.raises(InputError, match=r"differ in data\.seed"):
        table(records, group_by=["model"])
    followed = [run(seed=seed, data={"name": "danoise", "seed": seed}) for seed in SEEDS]
    assert [row.seeds for row in leaderboard(followed, None, ["model"]) if row.seeds] == [3]


def test_rows_of_several_data_sets_are_not_ranked_against_each_other():
    records = [
        run("dan", seed=seed, metrics=measured(bits), data={"name": data}, noise_dim=noise)
        for seed in SEEDS
        for data, noise, bits in (("mnist", 1, 8.0), ("danoise", 2, 7.0), ("danoise", 3, 6.0))
    ]
    found = leaderboard(records, ["shannon_bits"], ["noise_dim"])
    ranks = {row.label: row.cells["shannon_bits"].rank for row in found if row.seeds}
    assert ranks == {"1": 1, "2": 1, "3": 2}


def test_one_value_written_in_two_ways_is_one_setting():
    records = [
        run(seed=seed, trainer={"clip": clip}, noise_dim=dim)
        for seed, clip, dim in ((0, [1], 8), (1, [1.0], 8.0), (2, [1], 8))
    ]
    assert [row.seeds for row in leaderboard(records) if row.seeds] == [3]
    assert [row.seeds for row in leaderboard(records, None, ["model"]) if row.seeds] == [3]


def test_a_data_seed_that_other_runs_share_is_one_of_its_own_and_apart_from_those_that_follow():
    records = [
        run(seed=seed, data={"name": "danoise", "seed": own})
        for seed, own in ((2, 2), (1, 1), (1, 7), (2, 7))
    ]
    following, fixed = group_methods(records)
    assert [one.config["seed"] for one in following.runs] == [2, 1]
    assert [one.config["seed"] for one in following.by_seed] == [1, 2]
    assert {one.config["data"]["seed"] for one in fixed.runs} == {7}
    assert following.axes["data.seed"] == "data.seed=none"
    assert fixed.axes["data.seed"] == "data.seed=7"
    assert fixed.label.endswith("data.seed=7")
    assert fixed.section == "danoise"
