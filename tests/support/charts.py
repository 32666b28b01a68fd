"""What a chart draws, read from its specification."""

import base64
import io

import numpy as np
import pandas as pd
from PIL import Image


def parts(spec):
    """Every dict of a specification, from the outside in."""
    if isinstance(spec, dict):
        yield spec
        for value in spec.values():
            yield from parts(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from parts(value)


def numbers(spec):
    """The rows that a chart draws, from the data that are named so."""
    (data,) = [part for part in parts(spec) if part.get("name") == "numbers"]
    return pd.read_csv(io.StringIO(data["values"]))


def constants(spec):
    """Rows that stand in the specification itself: optima, words, pictures."""
    shared = spec.get("datasets", {})
    data = [part["data"] for part in parts(spec) if isinstance(part.get("data"), dict)]
    rows = [one.get("values", shared.get(one.get("name"), [])) for one in data]
    return [row for of in rows if isinstance(of, list) for row in of]


def texts(spec):
    """Everything that is written on a chart beside its axes and legends."""
    written = [str(row["said"]) for row in constants(spec) if "said" in row]
    return written + [
        str(part["text"]) for part in parts(spec) if isinstance(part.get("text"), str)
    ]


def legend(spec):
    """The names of the series, in their order."""
    domains = [
        part["scale"]["domain"]
        for part in parts(spec)
        if part.get("type") == "nominal" and "domain" in part.get("scale", {})
    ]
    return domains[0]


def pictures(spec):
    """The pictures of a chart in their order, greys or colours; what is masked is 0."""
    found = []
    for row in constants(spec):
        if "picture" in row:
            raw = base64.b64decode(row["picture"].partition(",")[2])
            whole = np.asarray(Image.open(io.BytesIO(raw)).convert("RGBA"))
            grey = (whole[..., 0] * (whole[..., 3] > 0)).astype(np.uint8)
            found.append(grey)
    return found


def mask(spec, which=0):
    """Where a picture of a chart is transparent."""
    row = [row for row in constants(spec) if "picture" in row][which]
    raw = base64.b64decode(row["picture"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(raw)).convert("RGBA"))[..., 3] == 0
