"""What the outputs look like: strips of pictures, inlined."""

import base64
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dan_bench.interfaces import Results, RunRecord
from dan_bench.metrics.pictures import as_pictures
from dan_bench.report.html.subjects import MethodSummary

TILES = 8
MOST_BYTES = 12_000
"""Of one strip: larger pictures come fewer at a time."""
MOST_SUBJECTS = 24
NOISE_SEED = 2026

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Strip:
    """Pictures side by side: `uri` is a PNG of `tiles` pictures of `width` x `height`."""

    uri: str
    tiles: int
    width: int
    height: int


@dataclass(frozen=True)
class Gallery:
    """Subjects that were given the same originals, and as much of Python's noise."""

    section: str
    originals: Strip
    noise: Strip
    outputs: list[tuple[MethodSummary, Strip]]


def galleries(subjects: Sequence[MethodSummary], store: Results) -> list[Gallery]:
    """Return the pictures of the subjects' first seeds, 24 subjects at most.

    Trained networks stand first, those before that look like noise. Subjects whose samples were
    not kept, and those with rows too long for a small picture, are left out.
    """
    found: dict[tuple[str, str], Gallery] = {}
    left = MOST_SUBJECTS
    for subject in sorted((s for s in subjects if s.runs), key=place):
        originals, outputs = (read(subject.runs[0], part, store) for part in ("inputs", "samples"))
        if left == 0 or originals is None or outputs is None:
            continue
        left -= 1
        before = strip(originals)
        same = (subject.row.section, before.uri)
        if same not in found:
            noise = strip(python_noise(outputs.shape))
            found[same] = Gallery(subject.row.section, before, noise, [])
        found[same].outputs.append((subject, strip(outputs)))
    return list(found.values())


def place(subject: MethodSummary) -> tuple[int, float]:
    """Where a subject stands among the pictures."""
    kind = ("learned", "untrained", "control").index(subject.row.kind)
    return kind, -(subject.row.verdicts["looks like noise"].score or 0)


def read(run: RunRecord, part: str, store: Results) -> Bytes | None:
    """Return a few pictures of a run, n x rows x columns [x 3]; None where there are none."""
    rows = store.array(run.key, part)
    if rows is None:
        return None
    shape = tuple(run.config["data"].get("shape", [28, 28]))
    length = int(np.prod(shape))
    if rows.ndim != 2 or rows.shape[1] != length or length > MOST_BYTES:
        return None
    chosen = np.asarray(rows[: min(TILES, MOST_BYTES // length)])
    return as_pictures(chosen, shape)


def python_noise(shape: tuple[int, ...]) -> Bytes:
    """Noise of Python's random, in the same form as the pictures that it stands beside."""
    drawn = random.Random(NOISE_SEED).randbytes(int(np.prod(shape)))
    return np.frombuffer(drawn, dtype=np.uint8).reshape(shape)


def strip(pictures: Bytes) -> Strip:
    """Set pictures side by side and write them as a PNG, pixel by pixel."""
    out = io.BytesIO()
    Image.fromarray(np.concatenate(list(pictures), axis=1)).save(out, "PNG", optimize=True)
    uri = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
    count, height, width = pictures.shape[:3]
    return Strip(uri, count, width, height)
