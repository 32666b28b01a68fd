"""Which generators are caught, at what size and by which family, and what others say of them?

    python benchmarks/generators.py measure OUT.jsonl 1 16    # sizes in MiB; goes on where it was
    python benchmarks/generators.py measure OUT.jsonl 16 "LCG32, high 16" "Wichmann-Hill"
    python benchmarks/generators.py table OUT.jsonl            # as in docs/metrics.md
    python benchmarks/recipes.py                               # the recipes' known first outputs

A stream that is caught at one size is not assessed at a larger one. Every window is assessed; but
counts, spacings, gaps, repetition and linear complexity come first, and where they speak against
noise (each at 1 % / 30) the rest is left out. With `quick` after the sizes it is left out always,
and the table says so; a later run without it goes on from there. With `tools`, `RNG_test`
(PractRand) and `smokerand`, where they are on the PATH, are given the same bytes: 16 MiB, and
what the battery `express` reads (96 MiB of 32-bit words, 192 of 64).
"""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recipes import STREAMS

from dan_bench.assess.assessment import (
    LEVEL,
    FamilyResult,
    Pieces,
    of_complexity,
    of_lags,
    of_lines,
    of_pieces,
    of_python,
    of_tally,
)
from dan_bench.assess.reading import WINDOW, Stream, Window
from dan_bench.assess.windows import WindowedAssessment, combined
from dan_bench.randomness.tally import Tally

MIB = 1 << 20
PRACTRAND, SMOKERAND = 16, {32: 96, 64: 192}
PUBLISHED = {
    "AES-128-CTR": ("+", ">= 32 TiB"),
    "RC4": ("+", "512 GiB"),
    "Philox4x64": ("+", ">= 32 TiB"),
    "PCG64": ("", ">= 32 TiB"),
    "SFC64": ("+", ">= 16 TiB"),
    "PCG32": ("+", "32 TiB"),
    "JSF32": ("+", ">= 32 TiB"),
    "SplitMix64": ("+", ">= 32 TiB"),
    "RomuDuoJr": ("", ">= 2 TiB"),
    "RomuTrio": ("", ">= 32 TiB"),
    "middle square Weyl": ("+", ">= 16 TiB"),
    "MRG32k3a": ("+", ">= 4 TiB"),
    "MWC64, low 32": ("Small", "1 TiB"),
    "MWC1616": ("- or Small", "16 MiB"),
    "xoshiro256**": ("", ">= 4 TiB"),
    "xoshiro256++": ("", ">= 16 TiB"),
    "mulberry32": ("Small", "512 MiB"),
    "LCG128, high 64": ("+", "64 GiB"),
    "LCG64, high 32": ("Small", "16 MiB"),
    "MT19937": ("Small", "128 GiB"),
    "MT19937-64": ("Small", "256 GiB"),
    "xorshift128+": ("+", "32 GiB"),
    "xoroshiro128+": ("+", "16 MiB"),
    "xoshiro256+": ("+", "64 MiB"),
    "xoshiro128+": ("+", "8 MiB"),
    "xorwow": ("Small", "128 KiB"),
    "xorshift64*": ("Small low, + high", "512 KiB"),
    "xorshift128": ("-", "128 KiB"),
    "xorshift64": ("-", "32 KiB"),
    "SWB(43, 22)": ("Small", "128 MiB"),
    "Wichmann-Hill": ("-", "256 GiB"),
    "LCG69069": ("-", "2 KiB"),
}
"""The largest battery of TestU01 that was passed (`-` none, Small, Crush, `+` BigCrush), and where
PractRand 0.94 fails: docs/results.md of github.com/alvoskov/SmokeRand at commit 70a30531, August
2026, for generators of the same name and output; seeds, and lags of SWB, may differ."""
QUICK = 30
"""Families at most: the level of each when some are looked at first."""


def quick(data: NDArray[np.uint8], windows: list[Window]) -> list[FamilyResult]:
    """Return what the cheaper families found."""
    tally, pieces = Tally(), Pieces(8)
    tally.add(data)
    pieces.add(data)
    found = [*of_tally(tally, 8), *of_pieces(pieces, 8)]
    places = [window.offset for window in windows]
    for judge in (of_lags, of_lines):
        each = [judge([window]) for window in windows]
        found.append(combined(each[0].family, each, places))
    return [*found, of_complexity(windows, 8), of_python(windows, 8)]


def ours(name: str, size: int, only_quick: bool) -> dict[str, Any]:
    """Assess a stream of that many MiB: the families that speak against it."""
    start = time.monotonic()
    data = STREAMS[name](size * MIB)
    windows = [Window(at, data[at : at + WINDOW]) for at in range(0, len(data), WINDOW)]
    found = quick(data, windows)
    level = LEVEL / QUICK
    by_quick = any(f.p_value is not None and f.p_value < level for f in found)
    if not by_quick and not only_quick:
        with WindowedAssessment(8, workers=1) as windowed:
            for window in windows:
                windowed.add(window)
            tally = Tally()
            tally.add(data)
            assessed = windowed.ended(Stream(name, tally, windows[:1]))
        found, level = assessed.findings, assessed.level
    odd = sorted((f for f in found if f.p_value is not None and f.p_value < level), key=_chance)
    caught = {f.family: f.p_value for f in odd}
    seconds, all_run = time.monotonic() - start, by_quick or not only_quick
    return {"name": name, "size": size, "caught": caught, "all": all_run, "seconds": seconds}


def _chance(found: FamilyResult) -> float:
    return found.p_value or 0.0


def practrand(name: str) -> str:
    """Return the size at which PractRand fails a stream, up to 16 MiB."""
    data = STREAMS[name](PRACTRAND * MIB).tobytes()
    command = ["RNG_test", f"stdin{getattr(STREAMS[name], 'width', '')}", "-tlmin", "64KB"]
    command += ["-tlmax", f"{PRACTRAND}MB"]
    said = subprocess.run(command, input=data, capture_output=True, check=False).stdout.decode()
    for part in said.split("length= ")[1:]:
        if "FAIL" in part:
            length = re.match(r"(\d+) (kilo|kibi|mega|mebi)byte", part)
            return f"{length[1]} {'K' if length[2][0] == 'k' else 'M'}iB" if length else "fails"
    return "passes"


def smokerand(name: str) -> str:
    """Return the tests of SmokeRand's battery `express` that a stream fails."""
    width = 64 if getattr(STREAMS[name], "width", 32) == 64 else 32
    data = STREAMS[name](SMOKERAND[width] * MIB).tobytes()
    command = ["smokerand", "express", f"stdin{width}"]
    said = subprocess.run(command, input=data, capture_output=True, check=False).stdout.decode()
    failed = re.findall(r"^ +\d+ (\S+) .*FAIL", said, re.MULTILINE)
    return ", ".join(failed) or ("passes" if "Failed:        0" in said else "not measured")


def measure(path: Path, sizes: list[int], names: list[str], words: list[str]) -> None:
    """Append what is missing, a line a measurement."""
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    caught = {row["name"] for row in done if row.get("caught")}
    only_quick = "quick" in words
    seen = {(row["name"], row.get("size")) for row in done if only_quick or row.get("all")}
    asked = {(row["name"], row.get("tool")) for row in done}
    with path.open("a") as file:

        def keep(row: dict[str, Any]) -> None:
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(row, file=sys.stderr, flush=True)

        for size in sizes:
            for name in names or STREAMS:
                if name not in caught and (name, size) not in seen:
                    row = ours(name, size, only_quick)
                    keep(row)
                    if row["caught"]:
                        caught.add(name)
        for tool, ask in {"RNG_test": practrand, "smokerand": smokerand}.items():
            for name in names or STREAMS if "tools" in words and shutil.which(tool) else ():
                if (name, tool) not in asked:
                    keep({"name": name, "tool": tool, "says": ask(name)})


def table(path: Path) -> None:
    """Print a row a generator, in the order of the recipes."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    sizes = sorted({row["size"] for row in rows if "size" in row})
    heads = [f"{size} MiB" for size in sizes]
    print(f"| generator | {' | '.join(heads)} | PractRand | SmokeRand | TestU01 | PractRand, far |")
    print("| --- " * (len(sizes) + 5) + "|")
    for name in STREAMS:
        of = {row.get("size") or row["tool"]: row for row in rows if row["name"] == name}
        cells, before = [], False
        for size in sizes:
            row = of.get(size)
            if before or row is None:
                cells.append("already at a smaller size" if before else "not measured")
            else:
                families = [family.removeprefix("SP 800-22 ") for family in row["caught"]]
                more = f" and {len(families) - 3} more" if len(families) > 3 else ""
                missed = "missed" if row["all"] else "missed (quick)"
                cells.append(", ".join(families[:3]) + more or missed)
                before = before or bool(families)
        cells += [
            of.get(tool, {}).get("says", "not measured") for tool in ("RNG_test", "smokerand")
        ]
        cells += [cell or "not known" for cell in PUBLISHED.get(name, ("", ""))]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"] and len(sys.argv) > 3:
        numbers = [int(word) for word in sys.argv[3:] if word.isdigit()]
        named = [word for word in sys.argv[3:] if word in STREAMS]
        measure(Path(sys.argv[2]), numbers, named, sys.argv[3:])
    elif sys.argv[1:2] == ["table"] and len(sys.argv) == 3:
        table(Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
