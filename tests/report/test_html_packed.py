"""What the page packs: rows beyond the first, and the program that draws its figures."""

import base64
import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from html_records import run

from dan_bench.report import table
from dan_bench.report.__main__ import main
from dan_bench.report.html import page
from dan_bench.report.html.board import FIRST
from dan_bench.results.record import Store

METHODS = FIRST + 15


def test_rows_beyond_the_first_are_packed_and_none_is_lost(tmp_path: Path) -> None:
    for i in range(METHODS):
        Store(tmp_path).put(run(noise_dim=1000 + i))
    assert main(["html", "--results", str(tmp_path)]) == 0
    text = (tmp_path / "report.html").read_text()
    packed = re.search(r'id="further">([^<]+)<', text)
    assert packed is not None
    further = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    rows, *pieces = further["board-0"]
    for sign, piece in zip(pieces[::2], pieces[1::2], strict=True):
        rows = rows.replace(sign, piece)
    shown, hidden = (re.findall(r"noise_dim=([0-9]+)</small>", part) for part in (text, rows))
    assert (len(shown), len(hidden)) == (FIRST, METHODS - FIRST)
    assert sorted(shown + hidden) == [str(1000 + i) for i in range(METHODS)]
    folded = re.findall(r'id="run-([0-9]+)"', text + further["runs"])
    assert len(set(folded)) == len(folded) == METHODS
    assert f"{METHODS - FIRST} more methods are packed" in text


def test_a_damaged_bundle_in_the_cache_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = page.bundle()
    (kept,) = (tmp_path / "dan_bench").iterdir()
    good = kept.read_text()
    assert page.bundle() == made
    for spoilt in ("", good[:-9], good.replace("A", "B", 1)):
        kept.write_text(spoilt)
        assert page.bundle() == made
        assert kept.read_text() == good


def test_tables_say_how_many_runs_were_trained_with_others() -> None:
    one, other = run(seed=0), run(seed=1)
    together = replace(one, provenance={**one.provenance, "trained_as_one": {"seeds": 2}})
    assert "trained with others" not in table([one, other])
    for form in ("table", "markdown"):
        said = " ".join(table([together, other], form).split())
        assert "1 run was trained with others as one computation" in said
