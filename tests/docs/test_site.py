"""The site: it is built from local files alone, has every public name, and refuses broken links."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from docs_blocks import REPOSITORY

import dan_bench

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("mkdocs") is None, reason="the extra docs is not installed"),
]
SOURCES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docs", "results")


def build(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """What `make docs` builds from, in a folder of its own."""
    named = subprocess.run(
        ["git", "ls-files", "-z", *SOURCES], cwd=REPOSITORY, capture_output=True, text=True
    )
    if named.returncode:
        pytest.skip("no checkout")
    for name in named.stdout.strip("\0").split("\0"):
        to = tmp_path / "site" / "source" / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, to)
    shutil.copy(REPOSITORY / "mkdocs.yml", tmp_path)
    (tmp_path / "dan_bench").symlink_to(REPOSITORY / "dan_bench")
    return tmp_path


def test_the_site_is_whole_and_asks_nothing_of_the_network(sources: Path) -> None:
    ended = build(sources)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    site = sources / "site" / "html"
    reference = (site / "docs" / "site" / "reference.html").read_text()
    for name in dan_bench.__all__:
        place = "dan_bench.interfaces" if name in ("Estimate", "RunRecord") else "dan_bench"
        assert f'id="{place}.{name}"' in reference, name
    loaded = [
        tag
        for path in site.rglob("*.html")
        for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", path.read_text())
        if re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag)
    ]
    assert loaded == []
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert not re.search(r"@import|url\(['\"]?(https?:)?//", styles)


def test_a_link_that_leads_nowhere_fails(sources: Path) -> None:
    with (sources / "site" / "source" / "docs" / "faq.md").open("a") as file:
        file.write("\n[nowhere](nothing.md)\n")
    assert build(sources).returncode != 0
