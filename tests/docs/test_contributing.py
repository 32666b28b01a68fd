"""CONTRIBUTING.md, as a third party would follow it: its files, and its commands in their order."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs_blocks import REPOSITORY, commands, page

from dan_bench.results.archive import Archive
from dan_bench.results.record import Store

PAGE = REPOSITORY / "CONTRIBUTING.md"
SMALL = (
    "data=danoise data.train_size=512 data.test_size=512 trainer.max_steps=5 evaluation=minimal "
    "evaluation.samples=256 evaluation.known=256"
)
"""In place of MNIST and the default evaluation: what takes minutes takes seconds."""

pytestmark = pytest.mark.slow


def test_the_way_from_the_files_to_a_verified_submission(tmp_path: Path) -> None:
    blocks = page(PAGE).blocks
    for block in blocks:
        if block.file is not None:
            path = tmp_path / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
    lines = [c.text for b in blocks if b.language == "sh" for c in commands(b)]
    run = [line for line in lines if line.startswith(".venv/bin/python")]
    assert [line.split()[2] for line in run] == ["dan_bench.train", *["dan_bench.report"] * 3]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    for line in run:
        text = line.replace(".venv/bin/python", sys.executable).replace("data=mnist", SMALL)
        ended = subprocess.run(
            ["bash", "-c", text],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{text}\n{ended.stdout}\n{ended.stderr}"
        if "dan_bench.train" in text:
            as_of_a_clean_checkout(tmp_path / "results")
        if "verify" in text:
            assert "bit for bit the same" in ended.stdout
    records, _ = Archive(tmp_path / "submissions" / "twice").all()
    assert {record.config["model"]["name"] for record in records} == {"twice"}
    assert shutil.which("git") is None or all("commit" in r.provenance for r in records)


def as_of_a_clean_checkout(results: Path) -> None:
    """Whoever runs the tests may be in the middle of an edit."""
    for path in Store(results).runs.glob("*/record.json"):
        path.write_text(path.read_text().replace('"dirty": true', '"dirty": false'))
