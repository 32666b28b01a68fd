"""One version, wherever it is written."""

import re
import tomllib
from pathlib import Path

import yaml

import dan_bench

REPOSITORY = Path(__file__).resolve().parents[1]


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    log = re.search(r"(?m)^## (\S+?),", (REPOSITORY / "CHANGELOG.md").read_text())
    assert log is not None
    assert {project["version"], citation["version"], log[1]} == {dan_bench.__version__}
    released = "unreleased" not in log.string[log.start() :].splitlines()[0]
    assert ("date-released" in citation) == released


def test_the_python_versions_are_the_same_everywhere() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text()
    assert 'requires-python = ">=3.11,<3.14"' in text
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text())
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested == re.findall(r"Python :: (3\.\d+)", text) == ["3.11", "3.12", "3.13"]
