"""The HTML page in a real browser, without a network: what it does, and what it looks like."""

import math
from pathlib import Path

import numpy as np
import pytest
from html_records import fill
from PIL import Image

from dan_bench.report.__main__ import main
from dan_bench.results.record import Store

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    fill(folder)
    assert main(["html", "--results", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: `make tools` installs it")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


DRAWN = "document.querySelectorAll('figure.chart:not([data-ready])').length === 0"


@pytest.fixture
def opened(browser, results):
    """Open the page without a network; no error and no request but for itself, whatever is done."""
    contexts, said, asked = [], [], []

    def open_(**options):
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append((message.type, message.text)))
        page.on("pageerror", lambda error: said.append(("error", str(error))))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((results / "report.html").as_uri())
        page.wait_for_function(DRAWN, timeout=60_000)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []
    assert asked == [(results / "report.html").as_uri()] * len(contexts)


def names(page, visible=True):
    rows = page.locator("table.board tbody.sortable tr" + (":visible" if visible else ""))
    return [name.split("\n")[0] for name in rows.locator("th").all_inner_texts()]


def test_a_heading_sorts_by_mouse_and_by_keyboard(opened):
    page = opened()
    before = names(page)
    heading = page.locator("thead th", has_text="shannon bits")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert names(page)[-2:] == ["gan torus minimax", "fgsm"]
    heading.locator("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert names(page)[:2] == ["fgsm", "gan torus minimax"]
    assert "ascending" in page.locator("#told").inner_text()
    page.keyboard.press("Space")
    assert heading.get_attribute("aria-sort") == "none"
    assert names(page) == before
    assert "ideal noise" in page.locator("table.board tbody tr").first.inner_text()


@pytest.mark.parametrize("clicks", [1, 2])
def test_what_is_missing_is_sorted_last_either_way(opened, clicks):
    page = opened()
    for _ in range(clicks):
        page.locator("thead th", has_text="c2st accuracy").locator("button").click()
    assert names(page)[-1] == "fgsm"


def test_filters_by_name_kind_verdict_and_column(opened):
    page = opened()
    form = page.get_by_role("search")
    everything = names(page)
    form.get_by_label("Method has").fill("torus noise_dim=0")
    assert names(page) == ["dan torus minimax"]
    assert page.locator("#told").inner_text() == f"1 of {len(everything)} methods."
    form.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.querySelectorAll('tr[hidden]').length === 0")
    form.get_by_label("Kind").select_option("control")
    assert names(page) == ["fgsm", "python_random"]
    form.get_by_role("button", name="Reset").click()
    form.get_by_label("gone from output").check()
    form.get_by_label("looks like noise").check()
    shown = names(page)
    assert shown == ["python_random"]  # of the others nothing is certified
    form.get_by_label("is it noise?").uncheck()
    assert not page.locator("thead th", has_text="shannon bits").is_visible()
    assert page.locator("thead th", has_text="dictionary rec.").is_visible()


def test_figures_are_drawn_and_their_numbers_can_be_read(opened):
    page = opened()
    figures = page.locator("figure.chart")
    assert figures.count() == 7
    for i in range(6):
        assert figures.nth(i).locator("svg path").count() > 10
        figures.nth(i).locator("summary").click()
        figures.nth(i).locator("details table tbody tr").first.wait_for()
    told = figures.first.locator("details table").inner_text()
    assert "gan torus" in told
    assert page.locator("figure.chart svg image").count() > 3


def test_figures_answer_to_the_pointer(opened):
    page = opened()
    collapse = page.locator("#figure-collapse")
    marks = collapse.locator("svg .role-mark path[aria-roledescription=point]")
    faint = "(all) => all.filter((e) => Number(e.getAttribute('opacity')) < 0.2).length"
    assert marks.evaluate_all(faint) == 0
    collapse.locator("path[aria-roledescription=point][aria-label*='gan torus']").hover(force=True)
    tooltip = page.locator("#vg-tooltip-element")
    tooltip.wait_for()
    assert "entropy" in tooltip.inner_text()
    collapse.locator(".role-legend-symbol path").first.click()
    page.wait_for_function(
        "[...document.querySelectorAll('#figure-collapse path[aria-roledescription=point]')]"
        ".some((e) => Number(e.getAttribute('opacity')) < 0.2)"
    )
    assert marks.evaluate_all(faint) < marks.count()


def test_the_reader_is_a_discriminator_with_an_interval(opened):
    page = opened()
    for i in range(6):
        page.locator("#game button").nth(i % 2).click()
    said = page.locator("#game-said").inner_text()
    assert "over 6;" in said
    drawn = page.evaluate(
        "[...document.querySelectorAll('#game canvas')].map((c) => new Set("
        "c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size)"
    )
    assert min(drawn) > 100


def test_a_subject_leads_to_its_runs(opened, results):
    page = opened()
    page.locator("table.board a", has_text="python_random").click()
    table = page.locator("details.run[open] table")
    table.wait_for()
    assert page.locator("details.run[open]").count() == 1
    good, _ = Store(results).all()
    keys = [r.key for r in good if r.config["model"]["name"] == "python_random"]
    for key in keys:
        assert key in table.inner_text()


def luminance(colour):
    channels = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_are_seen_and_can_be_read(opened, theme, tmp_path):
    page = opened(color_scheme=theme, viewport={"width": 1400, "height": 1000})
    page.screenshot(path=tmp_path / f"{theme}.png", full_page=True)
    pixels = np.asarray(Image.open(tmp_path / f"{theme}.png").convert("L"))
    assert np.median(pixels) > 240 if theme == "light" else np.median(pixels) < 40
    assert pixels.std() > 5
    for place in ("body", "small", "td.yes", "td.no", "tbody a", "#told", "figcaption"):
        front, back = page.locator(place).first.evaluate(
            "(e) => { let b = e; while (getComputedStyle(b).backgroundColor === 'rgba(0, 0, 0, 0)')"
            " b = b.parentElement; return [getComputedStyle(e).color,"
            " getComputedStyle(b).backgroundColor]; }"
        )
        low, high = sorted([luminance(front), luminance(back)])
        assert (high + 0.05) / (low + 0.05) >= 4.5, place  # WCAG 2.2, 1.4.3
    label = page.locator("svg text").first.evaluate("(e) => getComputedStyle(e).fill")
    assert (luminance(label) < 0.3) == (theme == "light")


def test_the_page_fits_a_telephone_and_stands_still_for_those_who_ask(opened):
    page = opened(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    assert page.locator(".skip").bounding_box()["x"] >= 0


def test_what_is_printed_is_the_results_on_white(opened):
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator(".filters").is_visible()
    assert not page.locator("#game").is_visible()
    assert page.locator("table.board").is_visible()
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert math.isclose(luminance(paper), 1)
