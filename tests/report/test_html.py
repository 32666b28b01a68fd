"""The HTML page: what is in it, on records made by hand, and the command that writes it."""

import base64
import gzip
import io
import json
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from html_records import D, N, fill, run
from PIL import Image

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report import table1
from dan_bench.report.__main__ import main
from dan_bench.report.html.command import main as command
from dan_bench.report.html.command import server
from dan_bench.report.html.page import LIMIT
from dan_bench.report.html.templates import ASSETS
from dan_bench.results.record import Store, key_of

REPOSITORY = Path(__file__).parents[2]
REFERENCES = sorted(path.parent for path in REPOSITORY.glob("results/*/records.parquet"))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    fill(folder)
    assert main(["html", "--results", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def text(results):
    return (results / "report.html").read_text()


class Elements(HTMLParser):
    """Every element with its attributes; scripts are no elements' text."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def elements(text):
    return Elements(text)


def unpacked(text, name):
    """Return what is packed in the script element of that name."""
    packed = re.search(rf'id="{name}"[^>]*>([^<]+)<', text)
    assert packed is not None
    return json.loads(gzip.decompress(base64.b64decode(packed[1])))


# What is in the page


def test_the_page_is_one_small_file_that_asks_nobody(text, elements):
    assert len(text.encode()) < LIMIT
    for _, attributes in elements.found:
        for name in ("src", "href", "srcset", "action", "data"):
            link = attributes.get(name) or ""
            assert link.startswith(("#", "data:")) or not link
    assert [sheet for sheet in elements.all("link") if not sheet["href"].startswith("data:")] == []
    assert "url(" not in (ASSETS / "page.css").read_text()
    (policy,) = [m["content"] for m in elements.all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'")
    plain = re.sub(r'<script type="text/plain".*?</script>', "", text, flags=re.DOTALL)
    assert "http" not in plain.replace("http-equiv", "")


@pytest.mark.skipif(not REFERENCES, reason="no reference is committed")
def test_the_page_of_the_published_reference_is_as_small(tmp_path, capsys):
    out = tmp_path / "page.html"
    assert command(["--results", str(REFERENCES[-1]), "--out", str(out)]) == 0
    assert out.stat().st_size < LIMIT == 1_500_000
    assert capsys.readouterr().err == ""


def test_the_page_can_be_found_one_s_way_in(elements):
    ids = Counter(a["id"] for _, a in elements.found if "id" in a)
    assert [name for name, count in ids.items() if count > 1] == []
    assert elements.all("html")[0]["lang"] == "en"
    for label in elements.all("label"):
        assert "for" not in label or label["for"] in ids
    for _, attributes in elements.found:
        for name in ("aria-labelledby", "for"):
            assert name not in attributes or attributes[name] in ids
        if (attributes.get("href") or "").startswith("#"):
            assert attributes["href"][1:] in ids
    assert all("scope" in th for th in elements.all("th"))
    assert all(image["alt"] for image in elements.all("img"))
    (first,) = [i for i, (tag, _) in enumerate(elements.found) if tag == "a"][:1]
    assert elements.found[first][1]["class"] == "skip"


def test_every_row_has_its_verdicts_and_numbers(text):
    def row(name):
        start = text.index(f">{name}</a>")
        return text[start : text.index("</tr>", start)]

    assert text.index("ideal noise") < text.index("python_random</a>")
    collapsed = row("gan torus minimax")
    assert collapsed.count('class="verdict no"') == 2
    assert collapsed.count('class="verdict X"') == 1
    assert "7.9001 ± 0.0002" in collapsed  # 7.9, 7.9001, 7.9002
    assert 'title="[7.89985, 7.90035]"' in collapsed
    python = row("python_random")
    assert python.count('class="verdict yes"') == 2
    assert "<b>✓</b><span>gone</span>" in python
    hidden = row("entropydan torus minimax")
    assert re.search('class="verdict some"[^>]*><b>◐</b><span>hidden</span>', hidden)
    # under the opening's table, under the boards, and in the rule
    assert text.count("finite precision (Mironov 2012)") == 3


def test_runs_say_in_words_what_their_certificates_hold(elements, text):
    (said, *_) = unpacked(text, "packed")["parts"]
    columns = {name: values for name, values, _ in said[1]}
    assert "0.0977%" in columns["inputs that anybody names at most"]
    assert "50.0000% of the time; 50 % is guessing" in columns["two inputs are told apart at most"]
    assert any("finite precision" in words for words in columns["not covered"] if words)


def test_what_records_say_is_text_and_not_markup(text):
    assert "<b>bold</b>" not in text
    assert "&lt;b&gt;bold&lt;/b&gt;: ValueError: a &lt; b &amp; c" in text


def test_all_figures_are_drawn_that_the_records_hold_and_carry_their_numbers_once(elements, text):
    figures = [figure for figure in elements.all("figure") if figure.get("class") == "chart"]
    names = [figure["id"].removeprefix("figure-") for figure in figures]
    charts = ["collapse", "secrecy", "fooled", "convergence", "saturation", "dial"]
    assert names == [*charts, "samples"]
    assert text.count('"name":"numbers"') == len(charts)  # the last is of pictures


def test_figures_without_records_are_named_with_what_makes_them(tmp_path):
    Store(tmp_path).put(run("python_random", "control"))
    assert command(["--results", str(tmp_path)]) == 0
    said = (tmp_path / "report.html").read_text()
    for preset in ("+experiment=dial", "+experiment=saturation", "+experiment=robust_classifier"):
        assert f"python -m dan_bench.train -m {preset}" in said
    assert "No run of this folder has kept pictures" in said
    assert "No records of Table 1" in said


def test_what_was_measured_otherwise_has_a_table_of_its_own(tmp_path):
    store = Store(tmp_path)
    otherwise = {"samples": N, "attacks": {"rehearsal": {"_target_": "R"}}}
    for record in [
        *(run("dan", "learned", seed) for seed in (0, 1)),
        run("gan", "learned", 0),
        run("dan", "learned", 0, evaluation=otherwise),
    ]:
        store.put(record)
    main(["html", "--results", str(tmp_path)])
    page = (tmp_path / "report.html").read_text()
    first, second = re.findall(r'<table class="board brief".*?</table>', page, re.DOTALL)
    assert "evaluation" not in first
    said = re.search(r"(evaluation [0-9a-f]{4}): with attacks.rehearsal</caption>", second)
    assert said
    assert re.findall(r'data-kind="learned".*?>(\w+) torus', first) == ["dan", "gan"]
    assert re.findall(r'data-kind="learned".*?>(\w+) torus', second) == ["dan"]
    # the rest of the page tells them apart, and a figure compares only what can be
    folded = re.findall(r"<summary>mnist: (.*?) <small>", page)
    assert folded == ["dan torus minimax", "gan torus minimax", f"dan torus minimax · {said[1]}"]
    charts = [json.loads(spec) for spec in re.findall(r'class="spec">(.*?)</script>', page)]
    (collapse,) = [spec for spec in charts if "Where collapse hides" in spec["description"]]
    assert said[1] not in json.dumps(collapse)
    assert re.findall(r"(\w+ torus),learned", collapse["data"]["values"]) == [
        "dan torus",
        "gan torus",
    ]
    assert "Left out: 1 method" in collapse["description"]


def test_the_details_hold_every_run_with_its_provenance(results, text):
    tables = json.dumps(unpacked(text, "packed"))
    good, _ = Store(results).all()
    for record in good:
        assert (record.key in tables) == (record.status == "done")
    assert "c0ffee" in tables
    assert "model.name" in tables


def test_the_pictures_are_the_samples(results, elements):
    (first,) = [image for image in elements.all("img") if image.get("id") == "outputs-0-0"]
    data = base64.b64decode(first["src"].partition(",")[2])
    picture = np.asarray(Image.open(io.BytesIO(data)))
    shown = picture.reshape(28, 8, 28).transpose(1, 0, 2).reshape(8, D)
    samples = [np.load(path)[:8] for path in results.glob("runs/*/samples.npy")]
    assert sum(np.array_equal(shown, sample) for sample in samples) == 1


def test_table_1_is_on_the_page_where_it_has_records(tmp_path):
    Store(tmp_path).put(run("python_random", "control"))
    values = {"preset": "quick", "subject": "dan", "seed": 0}
    metrics = {"training_data_destroyed": Estimate(99.9, 99.8, 100.0, N)}
    table1.store_of(tmp_path).put(RunRecord(key_of(values), "done", values, metrics))
    assert command(["--results", str(tmp_path), "--out", str(tmp_path / "page.html")]) == 0
    said = (tmp_path / "page.html").read_text()
    assert "Table 1, preset quick" in said
    assert "99.90 ± 0.10" in said


# The command


def test_the_same_records_make_the_same_page_and_import_nothing_that_trains(results, text):
    program = (
        "import sys\n"
        "from dan_bench.report.__main__ import main\n"
        f"assert main(['html', '--results', {str(results)!r}, '--out', sys.argv[1]]) == 0\n"
        "heavy = {'torch', 'pytorch_lightning', 'wandb', 'hydra'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    out = results / "again.html"
    command = [sys.executable, "-c", program, str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert out.read_text() == text


def test_no_records_and_bad_options_are_refused(tmp_path, capsys):
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert main(["html", "--results", str(folder)]) == 2
        assert "make sweep" in capsys.readouterr().err
    Store(tmp_path).put(run())
    for options in (["--out", str(tmp_path / "no" / "page.html")], ["--port", "70000"]):
        with pytest.raises(SystemExit) as ended:
            command(["--results", str(tmp_path), *options])
        assert ended.value.code == 2
        assert options[1].rpartition("/")[0] in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_the_server_answers_this_machine_with_the_page_and_nothing_else(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<title>a page</title>")
    with server(page, 0) as listening:
        assert listening.server_address[0] == "127.0.0.1"
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{listening.server_port}/"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(root, timeout=10) as answer:
            assert answer.read() == page.read_bytes()
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            opener.open(root + "page.html", timeout=10)
        listening.shutdown()
