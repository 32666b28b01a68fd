"""A folder that holds an entropy source's data, and what its settings say of them."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dan_bench.assess.ais31 import PROCEDURES
from dan_bench.assess.forms import form_of
from dan_bench.assess.options import lanes_of, probability
from dan_bench.assess.reading import Layout, UnusableInput, symbols_of
from dan_bench.cli import InputError
from dan_bench.interfaces import Bytes
from dan_bench.randomness.segments import LEAST
from dan_bench.tables import one_line

SETTINGS = "source.json"
MOST = 1 << 30
REQUIRED = ("bits", "h_submitter")
OPTIONAL = ("format", "lane", "alpha", "iid", "ais31", "segment", "conditioning", "esv")
SIZES = ("n_in", "n_out", "nw")
OF_CONDITIONING = ("vetted", *SIZES)
ABOUT = {
    "primaryNoiseSource": str,
    "physical": bool,
    "itar": bool,
    "additionalNoiseSources": bool,
}
"""What ESV metadata say of a source that its data do not, and their types."""
OF_COMPONENT = {"description": str, "bijectiveClaim": bool}
"""The same of a conditioning component."""


@dataclass(frozen=True)
class SourceFolder:
    """A folder as docs/entropy-source.md lays it out, read and found to be whole.

    `conditioning` holds vetted, n_in, n_out, nw, samples, and how the conditioned file is to be
    read; `esv` what the submitter alone knows, as it was given. Both may be None.
    """

    folder: Path
    files: dict[str, Path]
    layout: Layout
    h_submitter: float
    alpha: float = 2.0**-20
    iid: bool = False
    ais31: tuple[str, ...] = ()
    segment: int | None = None
    conditioning: dict[str, Any] | None = None
    esv: dict[str, Any] | None = None


def source_folder(folder: str | Path) -> SourceFolder:
    """Read the settings of a folder and find its files.

    Raises:
        InputError: it names every file and key that is missing or wrong.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{one_line(str(folder))}: no such folder")
    try:
        given = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{one_line(str(folder))}: {SETTINGS} is missing") from None
    except OSError as error:
        raise InputError(f"{SETTINGS} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{SETTINGS} is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise InputError(f'{SETTINGS} must hold an object, such as {{"bits": 8, "h_submitter": 7}}')
    wrong: list[str] = [f"key {key} is missing" for key in REQUIRED if key not in given]
    wrong += [f"key {key} is not known" for key in sorted(set(given) - {*REQUIRED, *OPTIONAL})]

    def take(key: str, good: Callable[[Any], bool], wanted: str, default: Any = None) -> Any:
        value = given.get(key, default)
        if key in given and not good(value):
            wrong.append(f"{key} must be {wanted}, got {value!r}")
            return default
        return value

    bits = take("bits", lambda b: _whole(b) and 1 <= b <= 16, "a whole number, 1 to 16", 8)
    form = take("format", _is_form, "a format of docs/assess.md", "raw")
    lanes: tuple[int, ...] = ()
    most = form_of(form).width or bits
    if bits > most:
        wrong.append(f"bits must be at most {most}, which a value of format {form} has, got {bits}")
    if "lane" in given:
        try:
            lanes = lanes_of(str(given["lane"]), most)
        except ValueError as error:
            wrong.append(f"lane: {error}")
    layout = Layout(bits, form, lanes, strict=True)
    if layout.width > 8:
        wrong.append(
            f"a sample has {layout.width} bits, and at most 8 are assessed: choose by lane"
        )
    h = take("h_submitter", lambda h: _number(h) and 0 < h <= layout.width,
             f"a number above 0 and at most {layout.width}", 1.0)  # fmt: skip
    alpha = take("alpha", _is_probability, 'between 0 and 1, such as "2^-30"', "2^-20")
    iid = take("iid", lambda b: isinstance(b, bool), "true or false", False)
    claimed = take("ais31", lambda names: isinstance(names, list) and set(map(str, names)) <= set(
        PROCEDURES), f"a list of {', '.join(PROCEDURES)}", [])  # fmt: skip
    segment = take("segment", lambda n: _whole(n) and n >= LEAST, f"{LEAST:,} samples or more")
    esv = take("esv", lambda e: isinstance(e, dict), "an object")
    conditioning = take("conditioning", lambda c: isinstance(c, dict), "an object")
    if conditioning is not None:
        wrong += _wrong_in(conditioning, layout)
    if esv is not None:
        wrong += _wrong_in_esv(esv, with_component=conditioning is not None)
    names = ["sequential", "restart"]
    non_vetted = conditioning is not None and conditioning.get("vetted") is False
    files, lacking = _files_of(folder, [*names, "conditioned"] if non_vetted else names)
    wrong += lacking
    if not non_vetted and (spare := sorted(folder.glob("conditioned.*"))):
        wrong.append(f'{spare[0].name} is for "conditioning" with "vetted": false alone')
    if wrong:
        raise InputError(f"{one_line(str(folder))}: " + "; ".join(map(one_line, wrong)))
    return SourceFolder(
        folder,
        {"settings": folder / SETTINGS, **files},
        layout,
        float(h),
        probability(str(alpha)),
        iid,
        tuple(claimed),
        segment,
        conditioning,
        esv,
    )


def all_of(path: Path, layout: Layout) -> Bytes:
    """Return all samples of a file of up to 2^30; UnusableInput where they cannot be read."""
    parts, n = [], 0
    for part in symbols_of([str(path)], layout, 1 << 20):
        parts.append(part.astype(np.uint8, copy=False))
        n += len(part)
        if n > MOST:
            raise UnusableInput(f"{one_line(str(path))} holds more than 2^30 samples")
    found: Bytes = np.concatenate(parts)
    return found


def conditioned_layout(conditioning: dict[str, Any]) -> Layout:
    """Return how the conditioned file is to be read."""
    return Layout(conditioning.get("bits", 8), conditioning.get("format", "raw"), strict=True)


def samples_of(conditioning: dict[str, Any], width: int) -> int:
    """Return how many samples make an input: as given, or as many as it holds whole."""
    return int(conditioning.get("samples", conditioning["n_in"] // width))


def _files_of(folder: Path, stems: list[str]) -> tuple[dict[str, Path], list[str]]:
    """Return the one file of each name, whatever its suffix, and what is wrong."""
    files, wrong = {}, []
    for stem in stems:
        found = sorted(path for path in folder.glob(f"{stem}.*") if path.is_file())
        if len(found) == 1:
            files[stem] = found[0]
        else:
            several = ", ".join(path.name for path in found)
            wrong.append(f"{several}: one is wanted" if found else f"file {stem}.* is missing")
    return files, wrong


def _wrong_in(given: dict[str, Any], layout: Layout) -> list[str]:
    known = (*OF_CONDITIONING, "samples", "format", "bits")
    wrong = [f"key conditioning.{key} is missing" for key in OF_CONDITIONING if key not in given]
    wrong += [f"key conditioning.{key} is not known" for key in sorted(set(given) - set(known))]
    rules: dict[str, tuple[Callable[[Any], bool], str]] = {
        "vetted": (lambda v: isinstance(v, bool), "true or false"),
        "samples": (lambda v: _whole(v) and v >= 1, "a whole number of at least 1"),
        "format": (_is_form, "a format of docs/assess.md"),
        "bits": (lambda v: _whole(v) and 1 <= v <= 8, "a whole number, 1 to 8"),
    }
    bits = (lambda v: _whole(v) and 1 <= v < 1 << 32, "a whole number of bits, 1 to 2^32 - 1")
    rules |= dict.fromkeys(SIZES, bits)
    wrong += [
        f"conditioning.{key} must be {wanted}, got {given[key]!r}"
        for key, (good, wanted) in rules.items()
        if key in given and not good(given[key])
    ]
    if not wrong and not 1 <= samples_of(given, layout.width) * layout.width <= given["n_in"]:
        wrong.append(f"conditioning.n_in of {given['n_in']} bits does not hold the samples")
    return wrong


def _wrong_in_esv(given: dict[str, Any], *, with_component: bool) -> list[str]:
    wanted = ABOUT | (OF_COMPONENT if with_component else {})
    known = {*ABOUT, *OF_COMPONENT, "validationNumber", "numberOfOEs"}
    wrong = [f"key esv.{key} is missing" for key in wanted if key not in given]
    wrong += [f"key esv.{key} is not known" for key in sorted(set(given) - known)]
    if not (_whole(given.get("numberOfOEs", 1)) and given.get("numberOfOEs", 1) >= 1):
        wrong.append("esv.numberOfOEs must be a whole number of at least 1")
    if len(str(given.get("primaryNoiseSource", ""))) > 64:
        wrong.append("esv.primaryNoiseSource must have at most 64 characters")
    names = {str: "a text", bool: "true or false"}
    return wrong + [
        f"esv.{key} must be {names[kind]}, got {given[key]!r}"
        for key, kind in wanted.items()
        if key in given and not isinstance(given[key], kind)
    ]


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return _whole(value) or (isinstance(value, float) and math.isfinite(value))


def _is_form(value: Any) -> bool:
    try:
        form_of(str(value))
    except ValueError:
        return False
    return isinstance(value, str)


def _is_probability(value: Any) -> bool:
    try:
        return 0 < probability(str(value)) < 1
    except ValueError:
        return False
