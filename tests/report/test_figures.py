"""Figures: what is drawn is what the records hold, and the files say what it is."""

import ast
import io
import json
import random
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.patches import StepPatch
from PIL import Image

from dan_bench.cli import InputError
from dan_bench.config.compose import configure
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report import figures as package
from dan_bench.report.figures import style, write
from dan_bench.report.figures.architectures import architectures, perceptron
from dan_bench.report.figures.catalogue import CATALOGUE
from dan_bench.report.figures.collapse import collapse
from dan_bench.report.figures.command import main
from dan_bench.report.figures.compact import compact, shade
from dan_bench.report.figures.convergence import OPTIMA, convergence
from dan_bench.report.figures.drawn import seeds_of
from dan_bench.report.figures.fooled import GROWTH, LEAST, fooled
from dan_bench.report.figures.grid import OBJECTIVE, grid
from dan_bench.report.figures.one_dimension import one_dimension
from dan_bench.report.figures.samples import samples
from dan_bench.report.figures.style import LIGHT, THEMES, styled
from dan_bench.report.figures.tiles import NOISE_SEED, columns_for, mosaic, shape_of
from dan_bench.report.figures.training_samples import training_samples
from dan_bench.report.figures.universe import UNIVERSE, universe
from dan_bench.results.record import Store, key_of
from dan_bench.statistics import t_interval

N, D, SIDE = 1000, 784, 28
RANDOM = np.random.default_rng(0)
STEPS = np.arange(50.0, 301, 50)


class Bench:
    """A results folder that is filled by hand."""

    def __init__(self, results):
        self.store = Store(results)
        self.results = results

    def put(self, model="dan", kind="learned", seed=0, metrics=None, costs=None, **more):
        """Add a run; `arrays` and `curves` are written beside it, the rest is its config."""
        arrays, curves = more.pop("arrays", {}), more.pop("curves", None)
        config = {
            "model": {"name": model, "kind": kind, **more.pop("layers", {})},
            "data": {"name": "mnist"},
            "seed": seed,
            "evaluation": {"samples": N},
        }
        if kind == "learned":
            config |= {
                "output": "sigmoid",
                "noise_dim": D,
                "objective": {"name": "nonsaturating"},
                "trainer": {"max_steps": 300, "batch_size": 128},
            }
        config = {**config, **more}
        record = RunRecord(key_of(config), "done", config, metrics or {}, costs or {})
        self.store.put(record)
        for name, array in arrays.items():
            np.save(self.store.folder(record.key) / f"{name}.npy", array)
        if curves is not None:
            curves.to_parquet(self.store.folder(record.key) / "curves.parquet")
        return record

    def draw(self, figure):
        return figure(self.store.all()[0], self.store)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def measured(shannon, dimensions):
    return {
        "shannon_bits": Estimate(shannon, n=N * D),
        "effective_dimensions": Estimate(dimensions, n=N),
    }


def pictures(count, width=D):
    return RANDOM.integers(0, 256, (count, width), dtype=np.uint8)


def shown(axes):
    """The bytes of a picture that is drawn, its gaps filled with 0."""
    return np.ma.filled(axes.get_images()[0].get_array(), 0)


# what is drawn


def test_each_subject_stands_at_its_means_and_noise_is_named_in_the_corner(bench):
    values = {"dan": [(7.7, 0.10), (7.5, 0.12)], "gan": [(4.0, 0.02), (4.2, 0.04)]}
    for model, of_seeds in values.items():
        for seed, (x, y) in enumerate(of_seeds):
            bench.put(model, seed=seed, metrics=measured(x, y))
    bench.put("pcg64", "control", metrics=measured(8.0, 1.0))
    (axes,) = bench.draw(collapse).figure.axes
    points = {c.get_label(): c.lines[0].get_xydata()[0] for c in axes.containers}
    expected = {f"{name} sigmoid": np.mean(of, axis=0) for name, of in values.items()}
    assert points.keys() == expected.keys() | {"pcg64"}
    for name, place in expected.items():
        assert points[name] == pytest.approx(place)
    bar = next(c for c in axes.containers if c.get_label() == "dan sigmoid").lines[2][0]
    interval = t_interval([7.7, 7.5])
    assert bar.get_segments()[0][:, 0] == pytest.approx([interval.low, interval.high])
    said = {text.get_text() for text in axes.texts}
    assert {"pcg64", "dan sigmoid", "gan sigmoid", "noise lives here"} <= said


def test_only_what_can_be_compared_is_shown_and_the_rest_is_counted(bench):
    for seed in (0, 1):
        bench.put("dan", seed=seed, metrics=measured(7, 0.1))
        bench.put("gan", seed=seed, metrics=measured(7, 0.1))
        bench.put("dan", seed=seed, metrics=measured(8, 1), objective={"name": "hinge"})
    odd = {"trainer": {"max_steps": 9, "batch_size": 128}}
    bench.put("dan", metrics=measured(8, 1), **odd)
    bench.put("dan", metrics=measured(8, 1), evaluation={"samples": N, "known": 1})
    chosen, others = grid(bench.store.all()[0])
    assert [(s.name, s.seeds) for s in chosen] == [("dan sigmoid", 2), ("gan sigmoid", 2)]
    assert "3 subjects" in others
    assert others in bench.draw(collapse).caption
    assert len(bench.draw(collapse).keys) == 4


def test_the_objective_that_is_shown_is_the_default():
    assert configure().objective.name == OBJECTIVE


def test_curves_are_means_over_seeds_with_the_optimum_beside_them(bench):
    of_seeds = [RANDOM.random((len(OPTIMA), len(STEPS))) for _ in range(3)]
    for seed, values in enumerate(of_seeds):
        curves = pd.DataFrame(dict(zip(OPTIMA, values, strict=True)) | {"step": STEPS})
        bench.put(seed=seed, curves=curves)
    drawn = bench.draw(convergence)
    for i, (axes, (_, optimum, _)) in enumerate(
        zip(drawn.figure.axes, OPTIMA.values(), strict=False)
    ):
        line = axes.get_lines()[0]
        assert list(line.get_xdata()) == list(STEPS)
        assert line.get_ydata() == pytest.approx(np.mean([v[i] for v in of_seeds], axis=0))
        ends = [path.vertices[:, 1] for path in axes.collections[0].get_paths()]
        assert np.min(ends) == pytest.approx(np.min([v[i] for v in of_seeds]))
        assert np.max(ends) == pytest.approx(np.max([v[i] for v in of_seeds]))
        if optimum is not None:
            assert list(axes.get_lines()[1].get_ydata()) == [optimum, optimum]
    assert "seeds 0-2" in drawn.basis


def stairs(axes):
    (found,) = (child for child in axes.get_children() if isinstance(child, StepPatch))
    return found.get_data()


def bell_run(bench, **more):
    made = np.clip(RANDOM.normal(128, 20, (4, 5000, 1)), 0, 255).astype(np.uint8)
    logits = RANDOM.normal(size=(4, 256)).astype(np.float32)
    arrays = {
        "snapshots": made,
        "snapshot_critic": logits,
        "snapshot_steps": np.array([0, 30, 100, 3000]),
    }
    data = {"name": "bell", "mean": 0.5, "deviation": 0.1}
    bench.put(data=data, arrays=arrays, **more)
    return made, logits


@pytest.mark.parametrize("strengths", [(0.1,), (0.1, 0.3), (0.05, None)])
def test_the_fooled_are_drawn_with_the_strength_that_their_attack_had(bench, strengths):
    seen = {
        "classifier_accuracy": Estimate(0.2, n=N),
        "fresh_classifier_accuracy": Estimate(0.9, n=N),
        "structural_similarity": Estimate(0.5, n=N),
    }
    for seed in (0, 1):
        bench.put("pcg64", "control", seed, seen)
        for strength in strengths:
            layers = {} if strength is None else {"epsilon": strength}
            bench.put("fgsm", "control", seed, seen, layers=layers)
    drawn = bench.draw(fooled)
    used = sorted(strength or 0 for strength in strengths)
    assert f"({', '.join(f'{one:g}' for one in used)} of white)" in drawn.caption
    for axes in drawn.figure.axes:
        marks = [c.lines[0].get_markersize() for c in axes.containers if c.get_label() == "fgsm"]
        assert np.diff(marks) == pytest.approx(GROWTH * np.diff(used))
        assert marks[0] == pytest.approx(LEAST + GROWTH * used[0] + 2.5)  # a hollow one is larger


def test_one_dimension_draws_both_laws_and_the_discriminator(bench):
    made, logits = bell_run(bench)
    drawn = bench.draw(one_dimension)
    above, below = drawn.figure.axes[:4], drawn.figure.axes[4:]
    for i in range(4):
        values, edges, _ = stairs(above[i])
        counts, _ = np.histogram(made[i] / 256, bins=edges, density=True)
        assert values == pytest.approx(counts)
        target, data = above[i].get_lines()
        assert list(target.get_ydata()) == [1, 1]
        # the data's law has an integral of 1 and its mean at 1/2
        x, y = data.get_data()
        assert np.mean(y) == pytest.approx(1, abs=0.01)
        assert np.average(x, weights=y) == pytest.approx(0.5, abs=0.01)
        best, _, _ = stairs(below[i])
        assert best == pytest.approx(1 / (1 + counts))
        (line,) = below[i].get_lines()
        at, probability = line.get_data()
        which = np.floor(at * 256).astype(int)
        assert probability == pytest.approx(1 / (1 + np.exp(-logits[i][which].astype(float))))
    assert "0, 30, 100, 3,000" in drawn.caption
    assert "N = 5,000 samples" in drawn.basis


def paper_run(bench, seed=0, batch_size=64, count=8):
    steps = np.array([938, 14063, 22500])
    made = RANDOM.integers(0, 256, (3, count, D), dtype=np.uint8)
    trainer = {"max_steps": 22500, "batch_size": batch_size}
    arrays = {"snapshots": made, "snapshot_steps": steps}
    return bench.put(seed=seed, trainer=trainer, arrays=arrays), made


@pytest.mark.parametrize(
    ("name", "which"), [("after_one_pass", 0), ("after_fifteen_passes", 1), ("python_or_dan", 2)]
)
def test_the_papers_pictures_are_found_by_passes_over_the_data(bench, name, which):
    paper_run(bench, seed=0, batch_size=256)  # its steps are other numbers of passes
    assert bench.draw(CATALOGUE[name].draw) is None
    record, made = paper_run(bench, seed=1)
    drawn = bench.draw(CATALOGUE[name].draw)
    assert drawn.keys == [record.key]
    columns = 4 if name == "python_or_dan" else 8
    expected = mosaic(made[which], (SIDE, SIDE), columns).filled(0)
    assert np.array_equal(shown(drawn.figure.axes[-1]), expected)
    if name == "python_or_dan":
        noise = np.frombuffer(random.Random(NOISE_SEED).randbytes(8 * D), np.uint8).reshape(8, D)
        expected = mosaic(noise, (SIDE, SIDE), columns).filled(0)
        assert np.array_equal(shown(drawn.figure.axes[0]), expected)
        assert f"random.Random({NOISE_SEED})" in drawn.caption


def test_a_byte_is_a_square_of_whole_pixels_of_its_shade(bench):
    """Noise that is scaled by anything but whole pixels shows patterns that are not its own."""
    _, made = paper_run(bench)
    entry = CATALOGUE["after_one_pass"]
    for theme in THEMES.values():
        with styled(theme):
            written = write.files("x", bench.draw(entry.draw), theme)[f"x{theme.suffix}.png"]
        path = bench.results / "x.png"
        path.write_bytes(written)
        pixels = np.asarray(Image.open(path).convert("RGB"))
        expected = mosaic(made[0], (SIDE, SIDE), 8)
        for i in range(4):
            there = pixels[8 + i :: 4, 8 + i :: 4][: expected.shape[0], : expected.shape[1]]
            wanted = np.array([shade(v) for v in range(256)])[expected.filled(0)]
            apart = np.abs(there - wanted[..., None].astype(int))[~expected.mask]
            assert apart.max() <= 9  # a shade is 8 apart from the next, and the palette is short
            assert (there[expected.mask] == to_bytes(theme.ground)).all()


def test_snapshots_are_drawn_a_line_a_step(bench):
    steps = np.array([1, 10, 100])
    made = RANDOM.integers(0, 256, (3, 4, D), dtype=np.uint8)
    bench.put(arrays={"snapshots": made, "snapshot_steps": steps})
    bench.put("gan", arrays={"snapshots": made[:2], "snapshot_steps": steps[:2]})
    dan, gan = bench.draw(training_samples).figure.axes
    expected = mosaic(made[:, :2].reshape(6, D), (SIDE, SIDE), 2).filled(0)
    assert np.array_equal(shown(dan), expected)
    assert np.array_equal(shown(gan)[:57], expected[:57])
    assert gan.get_images()[0].get_array().mask[58:].all()  # it has no such step


def test_samples_stand_below_the_data_that_they_were_made_of(bench):
    data, noise, made = pictures(4), pictures(4), pictures(4)
    bench.put("pcg64", "control", arrays={"inputs": data, "samples": noise})
    bench.put("dan", arrays={"inputs": data, "samples": made})
    bench.put("dan", seed=1, arrays={"inputs": data, "samples": noise})
    bench.put("bell", arrays={"samples": pictures(4, 1)}, data={"name": "bell"})
    drawn = bench.draw(samples)
    for axes, rows in zip(drawn.figure.axes, (data, made, noise), strict=True):
        assert np.array_equal(shown(axes), mosaic(rows[:2], (SIDE, SIDE), 2).filled(0))
    assert "seed 0" in drawn.basis


def test_architectures_are_those_of_the_configs_and_add_up_to_the_parameters_on_record(bench):
    layers = {"degenerator_hidden": [256], "discriminator_hidden": [256]}
    counted = {"dan": 804_369, "gan": 603_665}  # of the networks that were trained
    for name, parameters in counted.items():
        costs = {"parameters": float(parameters)}
        of = {**layers, "input": "data_and_noise"}
        bench.put(name, metrics=measured(7, 0.1), costs=costs, layers=of)
    with styled(LIGHT):
        drawn = bench.draw(architectures)
    for axes, name in zip(drawn.figure.axes, ("gan", "dan"), strict=True):
        said = " ".join(text.get_text() for text in axes.texts)
        parts = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) parameters", said)]
        assert sum(parts) == counted[name]
        assert f"{counted[name]:,}" in drawn.caption
        assert axes.get_title(loc="left") == name.upper()
    assert perceptron((3, 5, 2)) == 3 * 5 + 5 + 5 * 2 + 2


def test_the_universe_is_drawn_to_scale(bench):
    found = measured(7.5, 0.1) | {
        "percent_destroyed": Estimate(80.0, n=N),
        "dictionary_recovered": Estimate(0.2, n=N, details={"of_bits": 10.0}),
    }
    for seed in (0, 1):
        bench.put(seed=seed, metrics=found)
    bench.put("pcg64", "control", metrics=found)  # made by no network
    drawn = bench.draw(universe)
    bits = [c.lines[0].get_xdata()[0] for c in drawn.figure.axes[0].containers]
    of_universe = [value / np.log(2) for value, _, _ in UNIVERSE.values()]
    assert bits == pytest.approx([*of_universe, 2 * 7.5 * N * D, 2 * N * 10 * 0.8])


@pytest.mark.parametrize("name", CATALOGUE)
def test_records_that_hold_nothing_for_a_figure_make_none(bench, name):
    bench.put("x", "control")
    bench.put()
    assert bench.draw(CATALOGUE[name].draw) is None


# how it looks


def to_bytes(colour):
    return tuple(round(255 * part) for part in to_rgb(colour))


def luminance(colour):
    """Relative luminance (WCAG 2.2)."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_every_colour_can_be_seen_on_its_ground(theme):
    assert {
        colour: contrast(colour, theme.ground) >= 3 for colour in theme.colours
    } == dict.fromkeys(theme.colours, True)
    assert contrast(theme.ink, theme.ground) >= 7
    assert contrast(theme.muted, theme.ground) >= 4.5


def test_the_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


# Machado, Oliveira & Fernandes 2009, table 1 at severity 1: linear RGB as others see it
EYES = {
    "usual": np.eye(3),
    "no L cones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no M cones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def seen(colour, eye):
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    there = np.clip(EYES[eye] @ linear, 0, 1)
    return np.where(there <= 0.0031308, 12.92 * there, 1.055 * there ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("eye", EYES)
def test_colours_are_told_apart_by_every_kind_of_eye(theme, eye):
    """0.2 of sqrt(3), black to white; Okabe & Ito's own come to 0.2 among each other."""
    for one, other in combinations(theme.colours, 2):
        assert np.linalg.norm(seen(one, eye) - seen(other, eye)) > 0.2, (one, other)


def test_models_differ_in_their_marks_too():
    assert len({style.MARKS[place] for place in style.PLACES.values()}) == len(style.PLACES)


def test_no_figure_names_a_colour():
    for path in Path(package.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and "color" in (node.arg or ""):
                named = isinstance(node.value, ast.Constant) and node.value.value != "none"
                assert not named, f"{path.name}:{node.value.lineno}"


def test_each_theme_draws_on_its_own_ground_and_leaves_no_trace(bench):
    before = dict(matplotlib.rcParams)
    bench.put(metrics=measured(7, 0.1))
    for theme in THEMES.values():
        with styled(theme):
            figure = bench.draw(collapse).figure
        assert to_rgb(figure.get_facecolor()) == to_rgb(theme.ground)
        (axes,) = figure.axes
        assert to_rgb(axes.xaxis.label.get_color()) == to_rgb(theme.ink)
    assert dict(matplotlib.rcParams) == before


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_labels_are_moved_apart_in_their_order_and_no_further_than_needed(heights):
    gap = 0.05
    placed = style.spread(heights, gap, 0.0, 1.0)
    order = np.argsort(heights, kind="stable")
    apart = np.diff(np.array(placed)[order])
    assert (apart > gap - 1e-9).all()
    assert -1e-9 <= min(placed) <= max(placed) <= 1 + 1e-9
    if (np.diff(np.sort(heights)) >= gap).all():
        assert placed == pytest.approx(heights)


@pytest.mark.parametrize(
    ("seeds", "said"),
    [([0], "seed 0"), ([0, 1, 2], "seeds 0-2"), ([7, 0, 1, 3, 1], "seeds 0-1, 3, 7")],
)
def test_seeds_are_told_in_spans(seeds, said):
    assert seeds_of([RunRecord("k", "done", {"seed": seed}) for seed in seeds]) == said


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (4, 2), (8, 4), (16, 4), (7, 7)])
def test_a_mosaic_is_full(count, columns):
    assert columns_for(count) == columns


def test_a_row_is_a_picture_only_where_its_length_is_one(bench):
    digit, colour = bench.put(), bench.put(data={"name": "folder", "shape": [4, 5, 3]})
    assert shape_of(digit, D) == (SIDE, SIDE)
    assert shape_of(digit, 785) is None
    assert shape_of(digit, 1) is None
    assert shape_of(colour, 60) == (4, 5, 3)
    whole = mosaic(pictures(4, 60), (4, 5, 3), 2)
    assert whole.shape == (9, 11, 3)
    assert whole.mask[4].all()


# files


def filled(bench):
    """Records of several figures."""
    for seed in (0, 1):
        bench.put(seed=seed, metrics=measured(7.5, 0.1), curves=pd.DataFrame(
            {"step": STEPS, "held_out_accuracy": np.linspace(1, 0.5, len(STEPS))}))  # fmt: skip
    paper_run(bench)
    bell_run(bench)


def test_the_same_records_make_the_same_bytes(bench):
    filled(bench)
    outs = [bench.results / name for name in ("one", "two")]
    for out in outs:
        assert main(["--results", str(bench.results), "--out", str(out)]) == 0
    names = {path.name for path in outs[0].iterdir()}
    assert names == {path.name for path in outs[1].iterdir()}
    assert {f"{name}{end}" for name in ("collapse", "convergence", "python_or_dan")
            for end in (".svg", ".png", "-dark.svg", "-dark.png")} <= names  # fmt: skip
    for name in names:
        first, second = ((out / name).read_bytes() for out in outs)
        assert first == second, name
        assert b"2026-" not in first  # no date


def test_caption_seeds_n_and_keys_are_in_the_files_and_beside_them(bench):
    filled(bench)
    out = bench.results / "figures"
    assert main(["--results", str(bench.results)]) == 0
    told = (out / "README.md").read_text()
    for name in ("collapse", "one_dimension", "after_one_pass"):
        drawn = bench.draw(CATALOGUE[name].draw)
        for suffix in ("", "-dark"):
            about = Image.open(out / f"{name}{suffix}.png").text
            tree = ElementTree.parse(out / f"{name}{suffix}.svg")
            in_svg = " ".join(tree.getroot().itertext())
            assert about["Title"] == name
            assert about["Description"] == drawn.description
            assert drawn.description in in_svg
            # the short line within the image
            texts = [el for el in tree.getroot().iter() if el.tag.endswith("}text")]
            assert any(drawn.basis in "".join(el.itertext()) for el in texts)
        section = next(part for part in told.split("\n## ") if part.startswith(f"{name}\n"))
        assert f'srcset="{name}-dark.svg"' in section
        assert drawn.caption in section
        assert drawn.basis in section
        assert all(f"`{key}`" in section for key in drawn.keys)
        for part in (drawn.seeds, *drawn.keys, f"N = {drawn.n}"):
            assert part in drawn.description


def test_a_compact_drawing_is_the_same_drawing(bench):
    filled(bench)
    numbers = re.compile(r"-?\d+\.?\d*")
    with styled(LIGHT):
        out = io.BytesIO()
        bench.draw(convergence).figure.savefig(out, format="svg")
    whole, small = out.getvalue(), compact(out.getvalue())
    assert len(small) < 0.8 * len(whole)
    places = []
    for drawing in (whole, small):
        paths = [el.get("d") for el in ElementTree.fromstring(drawing).iter() if el.get("d")]
        places.append([[float(n) for n in numbers.findall(path)] for path in paths])
    assert [len(path) for path in places[0]] == [len(path) for path in places[1]]
    for one, other in zip(*places, strict=True):
        assert one == pytest.approx(other, abs=0.1)


# the command


def test_what_is_missing_is_named_with_the_command_that_makes_it(bench, capsys):
    bench.put(metrics=measured(7, 0.1))
    assert main(["--results", str(bench.results), "--theme", "dark"]) == 0
    told = capsys.readouterr()
    assert "collapse:" in told.out
    assert (
        "secrecy: no such records; `python -m dan_bench.train -m +experiment=secrecy`" in told.err
    )
    files = {path.name for path in (bench.results / "figures").iterdir()}
    assert files == {"collapse-dark.svg", "collapse-dark.png", "README.md"}
    assert "universe" not in told.out + told.err


def test_figures_are_drawn_by_name_and_the_captions_of_others_stay(bench):
    bench.put(metrics=measured(7, 0.1))
    base = ["--results", str(bench.results), "--theme", "light"]
    assert main([*base, "--only", "universe"]) == 0
    assert main([*base, "--only", "collapse"]) == 0
    told = (bench.results / "figures" / "README.md").read_text()
    assert re.findall(r"^## (\w+)$", told, flags=re.MULTILINE) == ["collapse", "universe"]
    assert main([*base, "--only", "secrecy"]) == 2
    with pytest.raises(InputError, match="'rainbow'"):
        main([*base, "--only", "collapse,rainbow"])


def test_without_records_nothing_is_drawn(tmp_path, capsys):
    assert main(["--results", str(tmp_path)]) == 2
    assert "make sweep" in capsys.readouterr().err
    assert not (tmp_path / "figures").exists()


def test_the_list_says_what_is_there(bench, capsys):
    bench.put(metrics=measured(7, 0.1))
    assert main(["--results", str(bench.results), "--list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in CATALOGUE)
    assert re.search(r"collapse .*\n +here, from N = 1,000 held-out rows; seed 0; 1 run", told)
    assert re.search(r"dial .*\n +not here; made by `[^`]*\+experiment=dial`", told)
    assert re.search(r"universe .*\n +here,.*on request only", told)
    assert not (bench.results / "figures").exists()


def test_commands_in_the_catalogue_compose():
    for entry in CATALOGUE.values():
        for preset in re.findall(r"\+experiment=\w+", entry.command):
            configure([preset, "model=dan"])


def test_matplotlib_is_imported_only_to_draw():
    program = "import dan_bench.report.figures, sys, json\n"
    program += "print(json.dumps([m for m in ('matplotlib', 'torch') if m in sys.modules]))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert json.loads(ended.stdout) == []
