"""Themes, files, captions, and the command that writes them."""

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from charts import parts
from figure_records import bell_run, filled, measured
from PIL import Image, ImageColor

from dan_bench.cli import InputError, entry_point
from dan_bench.config.compose import configure
from dan_bench.interfaces import RunRecord
from dan_bench.report import figures as package
from dan_bench.report.figures import write
from dan_bench.report.figures.catalogue import CATALOGUE
from dan_bench.report.figures.collapse import collapse
from dan_bench.report.figures.command import main
from dan_bench.report.figures.figure import seeds_of
from dan_bench.report.figures.one_dimension import one_dimension
from dan_bench.report.figures.style import THEMES, config

# how it looks


def to_rgb(colour):
    return [part / 255 for part in ImageColor.getrgb(colour)]


def luminance(colour):
    """Relative luminance (WCAG 2.2)."""
    parts_ = np.array(to_rgb(colour))
    linear = np.where(parts_ <= 0.04045, parts_ / 12.92, ((parts_ + 0.055) / 1.055) ** 2.4)
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
    parts_ = np.array(to_rgb(colour))
    linear = np.where(parts_ <= 0.04045, parts_ / 12.92, ((parts_ + 0.055) / 1.055) ** 2.4)
    there = np.clip(EYES[eye] @ linear, 0, 1)
    return np.where(there <= 0.0031308, 12.92 * there, 1.055 * there ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("eye", EYES)
def test_colours_are_told_apart_by_every_kind_of_eye(theme, eye):
    """0.2 of sqrt(3), black to white; Okabe & Ito's own come to 0.2 among each other."""
    for one, other in combinations(theme.colours, 2):
        assert np.linalg.norm(seen(one, eye) - seen(other, eye)) > 0.2, (one, other)


def test_methods_of_the_same_colour_differ_in_their_marks():
    ranges = config(THEMES["light"])["range"]
    colours, shapes = ranges["category"], ranges["symbol"]
    looks = {(i % len(colours), i % len(shapes)) for i in range(40)}
    assert len(looks) == 40


def test_no_figure_names_a_colour(bench):
    for path in Path(package.__file__).parent.glob("*.py"):
        if path.name != "style.py":
            assert not re.search(r"#[0-9A-Fa-f]{6}", path.read_text()), path
    filled(bench)
    for entry in CATALOGUE.values():
        figure = bench.draw(entry.draw)
        for part in parts(figure.chart.to_dict()) if figure else []:
            named = {"color", "fill", "stroke"} & {k for k, v in part.items() if type(v) is str}
            assert not named


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_each_theme_draws_on_its_own_ground_and_keeps_its_colours(bench, theme):
    bell_run(bench)
    made = write.files("x", bench.draw(one_dimension), theme)
    drawing = made[f"x{theme.suffix}.svg"].decode()
    assert f'fill="{theme.ground}"' in drawing
    assert f'fill="{theme.ink}"' in drawing
    path = bench.results / "x.png"
    path.write_bytes(made[f"x{theme.suffix}.png"])
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    for colour in (theme.ground, *theme.colours[:5]):  # of its five series
        assert (pixels == ImageColor.getrgb(colour)).all(axis=1).any(), colour


@pytest.mark.parametrize(
    ("seeds", "said"),
    [([0], "seed 0"), ([0, 1, 2], "seeds 0-2"), ([7, 0, 1, 3, 1], "seeds 0-1, 3, 7")],
)
def test_seeds_are_told_in_spans(seeds, said):
    assert seeds_of([RunRecord("k", "done", {"seed": seed}) for seed in seeds]) == said


# files


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


def test_a_plain_drawing_keeps_what_is_written_and_where_it_stands():
    line = '<path class="x" aria-hidden="true" d="M0,1.23456L2,3" opacity="1" role="y"/>'
    assert write.plain(line) == '<path d="M0,1.23L2,3"/>'
    said = '<text transform="translate(1.23456,2)">0.99999 bits, opacity="1" or so</text>'
    assert "0.99999 bits" in write.plain(said)


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
    assert entry_point(main)(["--results", str(tmp_path)]) == 2
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


def test_altair_is_imported_only_to_draw():
    program = "import dan_bench.report.figures, sys, json\n"
    program += (
        "print(json.dumps([m for m in ('altair', 'vl_convert', 'torch') if m in sys.modules]))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert json.loads(ended.stdout) == []


def test_the_page_and_the_files_draw_the_same_chart(bench):
    """The page's chart has the marks and data of the printed one, and interaction beside them."""
    from dan_bench.report.html.page import interactive

    bench.put(metrics=measured(7, 0.1))
    figure = bench.draw(collapse)
    printed, shown = figure.chart.to_dict(), interactive(figure)
    assert shown["data"] == printed["data"]
    assert [param["name"] for param in shown["params"]] == ["chosen", "window"]
    marks = [[part["mark"] for part in parts(spec) if "mark" in part] for spec in (printed, shown)]
    words = [mark for mark in marks[1] if mark["type"] == "text"]
    assert words
    for mark in words:  # a chart that can be moved is clipped, and words at its edges with it
        assert mark.pop("clip") is False
    assert marks[0] == marks[1]
