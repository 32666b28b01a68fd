"""After the paper's Figure 5: the two architectures, GAN on top and DAN below."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures import style
from dan_bench.report.figures.drawn import DrawnFigure, basis
from dan_bench.report.figures.grid import grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIRST = "mnist"
VIEWS = {"torus": 2}
"""Numbers that the discriminator sees of each byte: on the torus a sine and a cosine."""
LAYERS = "degenerator_hidden"
THICK = 0.13
CAPTION = (
    "The paper's Figure 5: the two architectures as they were run on {data}. GAN (above) makes "
    "data of noise; DAN (below) makes noise of data, which is the same with the arrows relabelled "
    "and everything else lost. Bars are layers, as wide as written and as high as the logarithm of "
    "that; between two of them every unit is joined to every other, leaky ReLU in between. "
    "{parameters}"
)


@dataclass(frozen=True)
class Architecture:
    """What is drawn of a run."""

    run: RunRecord
    inputs: tuple[tuple[str, int], ...]
    """What the first network is given, and how many numbers of it."""
    degenerator: tuple[int, ...]
    """Layers after the input."""
    made: str
    real: str
    """What the discriminator is to take for real."""
    discriminator: tuple[int, ...]
    """Layers, the first its input."""

    @property
    def parameters(self) -> tuple[int, int]:
        """Weights and biases of both networks."""
        first = (sum(width for _, width in self.inputs), *self.degenerator)
        return perceptron(first), perceptron(self.discriminator)


def perceptron(sizes: Sequence[int]) -> int:
    """Return the weights and biases of a perceptron over those layers."""
    return sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))


def architectures(records: Sequence[RunRecord], _: Results) -> DrawnFigure | None:
    """Draw the first GAN and the first DAN of one data set, one below the other."""
    shown, _others = grid(
        [r for r in records if r.metrics.get("shannon_bits") and r.config["model"].get(LAYERS)]
    )
    for section in sorted({s.section for s in shown}, key=lambda name: (name != FIRST, name)):
        # the sigmoid, which is the paper's, comes first by its name
        first = {s.model: s.runs[0] for s in reversed(shown) if s.section == section}
        found = [read(first[model]) for model in ("gan", "dan") if model in first]
        if len(found) == 2:
            break
    else:
        return None
    figure, axes = style.canvas(2, 1, 4.2)
    for panel, architecture in zip(axes[:, 0], found, strict=True):
        draw(panel, architecture)
    runs = tuple(architecture.run for architecture in found)
    n = f"{found[0].degenerator[-1]} numbers a row"
    style.note(figure, basis(runs, n))
    said = " ".join(
        f"{a.run.config['model']['name']} has {int(a.run.costs['parameters']):,} parameters."
        for a in found
        if "parameters" in a.run.costs
    )
    return DrawnFigure(figure, CAPTION.format(data=section, parameters=said).strip(), runs, n)


def read(run: RunRecord) -> Architecture:
    """Return the architecture that a config and its record describe."""
    config, model = run.config, run.config["model"]
    bytes_ = run.metrics["shannon_bits"]
    assert bytes_ is not None
    width = (bytes_.n or 0) // int(config["evaluation"]["samples"])
    noise = ("noise z", int(config["noise_dim"]))
    is_gan = model["name"] == "gan"
    blind = is_gan or model.get("input") == "noise"
    seen = width * VIEWS.get(config["output"], 1)
    return Architecture(
        run,
        (noise,) if blind else (("data x", width), noise),
        (*model[LAYERS], width),
        "fake data" if is_gan else "degenerated data",
        "data x" if is_gan else "Python's random",
        (seen, *model["discriminator_hidden"], 1),
    )


def height(width: int) -> float:
    """Return how high a layer is drawn."""
    return 0.1 + 0.16 * math.log10(width)


def draw(axes: "Axes", of: Architecture) -> None:
    """One architecture, from left to right."""
    theme = style.theme()
    style.bare(axes)
    model = of.run.config["model"]["name"]
    axes.set(xlim=(-1.35, 7.1), ylim=(-0.8, 0.75))
    axes.set_title(model.upper(), y=0.9)
    lifts = (0.0,) if len(of.inputs) == 1 else (0.36, -0.36)
    hidden = [(1.4 + i, 0.0, w) for i, w in enumerate(of.degenerator)]
    for (name, width), lift in zip(of.inputs, lifts, strict=True):
        bar(axes, 0, lift, width, style.colour(0 if name == "data x" else 4), said=False)
        axes.text(-0.15, lift, f"{name}\n{width}", ha="right", va="center", fontsize=7.5)
        join(axes, (0, lift, width), hidden[0], style.colour(0))
    x, _, width = hidden[-1]
    start = x + 1.9
    second = [(start + i, 0.0, w) for i, w in enumerate(of.discriminator)]
    for layers, colour in ((hidden, style.colour(0)), (second, style.colour(1))):
        for one in layers:
            bar(axes, *one, colour)
        for left, right in pairwise(layers):
            join(axes, left, right, colour)
    middle = (x + start) / 2
    arrow = {"arrowstyle": "-|>", "color": theme.ink, "lw": 0.9, "shrinkA": 1, "shrinkB": 1}
    axes.annotate("", (start - THICK, 0), (x + THICK, 0), arrowprops=arrow)
    axes.text(middle, 0.04, of.made, ha="center", va="bottom", fontsize=7.5)
    axes.annotate(
        of.real, (start - THICK, 0.22), (middle, 0.55), ha="center", fontsize=7.5, arrowprops=arrow
    )
    end = second[-1][0]
    asked = "data?" if model == "gan" else "noise?"
    axes.text(end + 0.2, 0, asked, va="center", fontsize=7.5)
    first, last = of.parameters
    name = "generator" if model == "gan" else "degenerator"
    for at, said in (
        (x / 2 + 0.7, f"{name}: {first:,} parameters"),
        ((start + end) / 2, f"discriminator: {last:,} parameters"),
    ):
        axes.text(at, -0.66, said, ha="center", va="bottom", fontsize=7, color=theme.muted)


def bar(axes: "Axes", x: float, y: float, width: int, colour: str, said: bool = True) -> None:
    """One layer; its width is written below, unless it is said elsewhere."""
    from matplotlib.patches import FancyBboxPatch

    high = height(width)
    axes.add_patch(
        FancyBboxPatch(
            (x - THICK / 2, y - high / 2),
            THICK,
            high,
            boxstyle="round,pad=0,rounding_size=0.04",
            facecolor=colour,
            edgecolor="none",
            zorder=3,
        )
    )
    if said:
        axes.text(x, y - high / 2 - 0.03, str(width), ha="center", va="top", fontsize=style.SMALL)


def join(
    axes: "Axes", left: tuple[float, float, int], right: tuple[float, float, int], colour: str
) -> None:
    """All weights between two layers."""
    (x, y, w), (u, v, z) = left, right
    a, b = height(w) / 2, height(z) / 2
    axes.fill([x, u, u, x], [y + a, v + b, v - b, y - a], color=colour, alpha=0.13, lw=0, zorder=1)
