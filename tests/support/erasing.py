"""What the tests of erasing share: a folder to erase, and noise that can be inspected."""

import os
from pathlib import Path

import numpy as np

import dan_bench.erase.overwrite as overwriting

SIZES = [0, 1, 511, 4096, 70_000, 4097, (4 << 20) + 5]


def content(seed, n):
    return np.random.default_rng(seed).bytes(n)


def plant(tmp_path):
    """A folder of files, beside a file that nobody names."""
    root = tmp_path / "root"
    (root / "inner" / "most").mkdir(parents=True)
    for place, size in zip([".", "inner", "inner/most"] * 3, SIZES, strict=False):
        (root / place / f"of {size}").write_bytes(content(size, size))
    (tmp_path / "beside").write_bytes(b"not yours")
    return root


def files_of(root):
    return {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def contents(path):
    return Path(path).read_bytes()


def listed(certificate):
    """The files of a certificate, one dict each."""
    found = []
    for of in certificate["folders"]:
        for name, size, number, low, high, *rest in of["files"]:
            ends = {"at_least": low, "at_most": high}
            entry = {"path": f"{of['folder']}/{name}", "size": size, **ends}
            found.append(entry | certificate["outcomes"][number] | (rest[0] if rest else {}))
    return found


def overwritten(certificate):
    """Those that were to be overwritten."""
    return [f for f in listed(certificate) if f["status"] not in ("left alone", "passed over")]


class Constant:
    """A constant in place of noise, so that every byte written shows; `excess` bytes too many."""

    name = "one byte, again and again"

    def __init__(self, needs_original=False, excess=0):
        self.needs_original = needs_original
        self.excess = excess
        self.seen = []

    def fill(self, original, offset, n):
        if original is not None:
            self.seen.append((offset, bytes(original)))
        return b"\xaa" * (n + self.excess)


def failing_write(monkeypatch, number, only=1):
    """Make the write of the first file's second piece fail, and no other."""
    left = [only]

    def pwrite(handle, data, offset):
        if offset >= 8192 and left[0]:
            left[0] -= 1
            raise OSError(number, os.strerror(number))
        return real(handle, data, offset)

    real = os.pwrite
    monkeypatch.setattr(overwriting, "PIECE", 8192)
    monkeypatch.setattr(overwriting.os, "pwrite", pwrite)


def finished(told):
    """Whether a journal tells that nothing but the certificate is left to be done."""
    return len(told.done) >= told.planned and not told.begun
