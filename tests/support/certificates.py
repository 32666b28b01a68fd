"""Certificates to be read, checked and damaged: made by the writer, of results made by hand."""

import json
from pathlib import Path

from dan_bench.degenerate.certificate import Certificate, write
from dan_bench.erase import Attempt, ErasureReport, FastNoise, FileResult, Remark, Survey
from dan_bench.interfaces import Destruction, Estimate

ATTEMPT = Attempt(1, FastNoise.name, 1.7e9, 1.7e9 + 60)


class Leaky:
    """A source whose noise is made from the data."""

    name = "run of a network"
    needs_original = True

    def __init__(self, at_least=0.0, at_most=48.0, reason="measured on other data"):
        self.destroys = Destruction(at_least, at_most, reason)

    def fill(self, original, offset, n):
        return bytes(n)


def result(path, size=4096, *, low=99.8, high=100.0, doubts=(), attempt=ATTEMPT, **rest):
    """A file that was overwritten, unless it is said to be otherwise."""
    found = Estimate(low, low, high, size) if size else None
    survey = Survey(path, size, size, size, "there", found, tuple(doubts))
    made = {"status": "overwritten", "read_back": True, "survey": survey} | rest
    return FileResult(path, size, written=size, attempt=attempt, **made)


def many(n, doubts=()):
    """As many files, a hundred a folder."""
    return tuple(
        result(f"/home/a user/album/{i // 100:04d}/picture {i:06d}.jpg", low=99.7 + i % 9 / 100)
        if not doubts
        else result(f"/home/a user/album/{i // 100:04d}/picture {i:06d}.jpg", doubts=doubts)
        for i in range(n)
    )


def report(files, refused=(), attempts=(ATTEMPT,), removal=False):
    """The report of an erasure."""
    return ErasureReport(tuple(files), tuple(refused), attempts, removal)


def some():
    """Files of every kind of outcome."""
    bad = {"status": "partly", "bad": ((4096, 8192),), "error": "4096 bytes: Input/output error"}
    return report(
        [
            result("/x/plain"),
            result("/x/empty", 0),
            result("/x/é\udcff\\n", 6, low=54.28621, high=100.0),
            result("/x/in\nner/moved", doubts=["4096 of 8192 bytes lie in other blocks now"]),
            result("/x/in\nner/moved too", doubts=["12 of 99 bytes lie in other blocks now"]),
            result("/x/bad", 20_000, **bad),
            result("/x/failed", status="failed", error="Permission denied", read_back=None),
            result("/x/twin", survey=None, same_as="/x/plain"),
            result("/x/keyed", digest="ab" * 32),
        ],
        [Remark("/x/link", "a symbolic link", False), Remark("/x/two", "has 2 hard links")],
    )


def certificate(made=None, noise=None, **rest):
    """A certificate of `some` files, or of others."""
    return Certificate(("/x",), made or some(), noise or FastNoise(), **rest)


def written(folder, made=None, noise=None, **rest):
    """Write one; return its path and its document."""
    path = Path(folder) / "c.json"
    with path.open("wb") as file, path.with_suffix(".txt").open("wb") as beside:
        write(certificate(made, noise, **rest), file, beside)
    return path, json.loads(path.read_text())
