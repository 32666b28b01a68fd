"""After the paper's Figure 5: the two architectures, GAN on top and DAN below."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures.figure import Figure, measured, one_data_set
from dan_bench.report.figures.grid import grid
from dan_bench.report.figures.style import numbers

VIEWS = {"torus": 2}
"""Numbers that the discriminator sees of each byte: on the torus a sine and a cosine."""
LAYERS, OF_CRITIC = "degenerator_hidden", "discriminator_hidden"
THICK = 0.13
WIDTH, HEIGHT = 660, 190
PARTS = ["network", "discriminator", "noise"]
"""What is drawn in a colour of its own; data have the colour of the network that takes them."""
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
    makes_data: bool
    """A generator imitates its data; a degenerator is given them."""
    inputs: tuple[tuple[str, int], ...]
    """What the first network is given, and how many numbers of it."""
    degenerator: tuple[int, ...]
    """Layers after the input."""
    discriminator: tuple[int, ...]
    """Layers, the first its input."""

    @property
    def name(self) -> str:
        """Of the model."""
        return str(self.run.config["model"]["name"])

    @property
    def parameters(self) -> tuple[int, int]:
        """Weights and biases of both networks."""
        first = (sum(width for _, width in self.inputs), *self.degenerator)
        return perceptron(first), perceptron(self.discriminator)

    @property
    def adds_up(self) -> bool:
        """Whether these are all parameters on record: models with further parts are not drawn."""
        return self.run.costs.get("parameters", sum(self.parameters)) == sum(self.parameters)


def perceptron(sizes: Sequence[int]) -> int:
    """Return the weights and biases of a perceptron over those layers."""
    return sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))


def has_sizes(model: Mapping[str, Any]) -> bool:
    """Return whether a model's config says how wide the layers of both of its networks are."""
    sizes = [model.get(name) for name in (LAYERS, OF_CRITIC)]
    return all(
        isinstance(of, list) and of and all(isinstance(n, int) and n > 0 for n in of)
        for of in sizes
    )


def architectures(records: Sequence[RunRecord], _: Results) -> Figure | None:
    """Draw the first network that makes data and the first that is given them, of one data set."""
    shown, _others = grid(
        [r for r in records if r.metrics.get("shannon_bits") and has_sizes(r.config["model"])]
    )
    # in the order of their names, in which the sigmoid, which is the paper's, comes first
    learned = [(one.section, read(one.runs[0])) for one in shown if one.kind == "learned"]
    plain = [(data, of) for data, of in learned if of.adds_up]
    pairs = {
        data: pair
        for data in {data for data, _ in plain}
        if len(pair := of_each_kind([of for section, of in plain if section == data])) == 2
    }
    if not pairs:
        return None
    data, _elsewhere = one_data_set(list(pairs))
    pair = pairs[data]
    runs = tuple(of.run for of in pair)
    said = " ".join(
        f"{of.name} has {int(of.run.costs['parameters']):,} parameters."
        for of in pair
        if "parameters" in of.run.costs
    )
    layers = [layer for of in pair for layer in layers_of(of)]
    chart = alt.vconcat(*map(draw, pair), spacing=4, data=numbers(layers))
    n = f"{pair[0].degenerator[-1]} numbers a row"
    return Figure(chart, CAPTION.format(data=data, parameters=said).strip(), runs, n)


def of_each_kind(found: Sequence[Architecture]) -> list[Architecture]:
    """Return the first that makes data and the first that does not, as far as there are any."""
    first = {of.makes_data: of for of in reversed(found)}
    return [first[kind] for kind in (True, False) if kind in first]


def read(run: RunRecord) -> Architecture:
    """Return the architecture that a config and its record describe.

    A network whose config says nothing of an input of data is a generator.
    """
    config, model = run.config, run.config["model"]
    width = (measured(run, "shannon_bits").n or 0) // int(config["evaluation"]["samples"])
    noise = ("noise z", int(config["noise_dim"]))
    makes_data = "input" not in model
    seen = width * VIEWS.get(config["output"], 1)
    return Architecture(
        run,
        makes_data,
        (noise,) if makes_data or model["input"] == "noise" else (("data x", width), noise),
        (*model[LAYERS], width),
        (seen, *model[OF_CRITIC], 1),
    )


def height(width: int) -> float:
    """Return how high a layer is drawn."""
    return 0.1 + 0.16 * math.log10(width)


Layer = tuple[float, float, int, str]
"""Across, up, units, and what part it is of."""


def places(of: Architecture) -> tuple[list[Layer], list[Layer], list[Layer]]:
    """Return the inputs, the layers of the first network and those of the discriminator."""
    lifts = (0.0,) if len(of.inputs) == 1 else (0.36, -0.36)
    inputs = [
        (0.0, lift, width, "noise" if name == "noise z" else "network")
        for (name, width), lift in zip(of.inputs, lifts, strict=True)
    ]
    hidden = [(1.4 + i, 0.0, w, "network") for i, w in enumerate(of.degenerator)]
    start = hidden[-1][0] + 1.9
    return (
        inputs,
        hidden,
        [(start + i, 0.0, w, "discriminator") for i, w in enumerate(of.discriminator)],
    )


def layers_of(of: Architecture) -> list[dict[str, Any]]:
    """Return the rectangle of each layer."""
    return [
        {"model": of.name, "part": part, "width": width}
        | {"x": x - THICK / 2, "x2": x + THICK / 2}
        | {"y": y - height(width) / 2, "y2": y + height(width) / 2}
        for group in places(of)
        for x, y, width, part in group
    ]


def draw(of: Architecture) -> Any:
    """Return the chart of one architecture, from left to right."""
    inputs, hidden, second = places(of)
    joints = [(one, hidden[0]) for one in inputs]
    joints += [*pairwise(hidden), *pairwise(second)]
    texts = [
        (-0.15, y, f"{name}, {width}", "right", "middle")
        for (_, y, width, _), (name, _) in zip(inputs, of.inputs, strict=True)
    ]
    texts += [
        (x, y - height(width) / 2 - 0.03, str(width), "center", "top")
        for x, y, width, _ in (*hidden, *second)
    ]
    x, start = hidden[-1][0], second[0][0]
    middle, end = (x + start) / 2, second[-1][0]
    made = "fake data" if of.makes_data else "degenerated data"
    real = "data x" if of.makes_data else "Python's random"
    texts += [
        (middle, 0.05, made, "center", "bottom"),
        (middle, 0.58, real, "center", "bottom"),
        (end + 0.2, 0, "data?" if of.makes_data else "noise?", "left", "middle"),
    ]
    arrows = [((x + THICK, 0.0), (start - THICK, 0.0)), ((middle, 0.55), (start - THICK, 0.22))]
    first, last = of.parameters
    name = "generator" if of.makes_data else "degenerator"
    notes = [
        (x / 2 + 0.7, -0.72, f"{name}: {first:,} parameters", "center", "bottom"),
        ((start + end) / 2, -0.72, f"discriminator: {last:,} parameters", "center", "bottom"),
    ]
    return alt.layer(
        weights(joints),
        rectangles(of.name),
        *[layer for arrow in arrows for layer in pointing(*arrow)],
        *[writing(text, "said") for text in texts],
        *[writing(text, "aside") for text in notes],
    ).properties(width=WIDTH, height=HEIGHT, title=of.name.upper())


X = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-1.35, 7.1], nice=False))
Y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-0.8, 0.75], nice=False))
COLOUR = alt.Color("part:N", scale=alt.Scale(domain=PARTS), legend=None)


def rectangles(model: str) -> Any:
    """Return the layers of both networks."""
    base = alt.Chart().transform_filter(alt.datum.model == model)
    layers = base.mark_rect(cornerRadius=4, opacity=1)
    return layers.encode(x=X, x2="x2:Q", y=Y, y2="y2:Q", color=COLOUR)


def weights(joints: Sequence[tuple[Layer, Layer]]) -> Any:
    """Return all weights, as an area between each two layers."""
    edges = [
        {"x": x, "y": y - height(w) / 2, "y2": y + height(w) / 2, "part": joint[1][3], "joint": i}
        for i, joint in enumerate(joints)
        for x, y, w, _ in joint
    ]
    base = alt.Chart(alt.InlineData(edges)).mark_area(opacity=0.13)
    return base.encode(x=X, y=Y, y2="y2:Q", color=COLOUR, detail="joint:N")


def pointing(start: tuple[float, float], end: tuple[float, float]) -> list[Any]:
    """Return an arrow: its shaft, and its head, turned as the shaft is on the screen."""
    (x, y), (u, v) = start, end
    across, down = (u - x) * WIDTH / 8.45, -(v - y) * HEIGHT / 1.55
    line = alt.Chart(alt.InlineData([{"x": x, "y": y, "x2": u, "y2": v}]))
    head = alt.Chart(alt.InlineData([{"x": u, "y": v}]))
    turned = 90 + math.degrees(math.atan2(down, across))
    return [
        line.mark_rule(style="ink").encode(x=X, x2="x2:Q", y=Y, y2="y2:Q"),
        head.mark_point(style="ink", shape="triangle", filled=True, size=40, angle=turned).encode(
            x=X, y=Y
        ),
    ]


def writing(text: tuple[float, float, str, Any, Any], style: str) -> Any:
    """Return a text at its place."""
    x, y, said, align, baseline = text
    base = alt.Chart(alt.InlineData([{"x": x, "y": y}]))
    return base.mark_text(style=style, text=said, align=align, baseline=baseline).encode(x=X, y=Y)
