"""The HTML page in a real browser, without a network: what it does, and what it looks like."""

import math
from pathlib import Path

import numpy as np
import pytest
from html_records import fill, run
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


def search(page, text):
    page.get_by_label("Method has").fill(text)
    return names(page)


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
    page.get_by_label("all, not the main ones alone").check()
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
    form = page.get_by_role("search", name="Filter the tables")
    everything = names(page)
    form.get_by_label("Method has").fill("torus noise_dim=0")
    assert names(page) == ["dan torus minimax"]
    assert page.locator("#told").inner_text() == f"1 of {len(everything)} methods."
    form.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.querySelectorAll('tr[hidden]').length === 0")
    assert names(page) == everything
    form.get_by_label("Kind").select_option("control")
    assert names(page) == ["fgsm", "python_random"]
    form.get_by_role("button", name="Reset").click()
    form.get_by_label("all, not the main ones alone").check()
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
    assert page.locator(".filters:visible").count() == 0
    assert not page.locator("#game").is_visible()
    assert page.locator("table.board").is_visible()
    assert page.locator("table.lead").is_visible()
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert math.isclose(luminance(paper), 1)


def test_the_page_opens_on_the_finding(opened):
    page = opened(viewport={"width": 1400, "height": 1000})
    said = page.locator("#finding p").all_inner_texts()
    assert "gan torus has 7.90 of 8 bits of byte entropy but only 1.0 %" in said[0]
    assert "not mean that the data are gone" in said[1]
    titles = page.locator(".triptych b").all_inner_texts()
    assert titles == ["mnist", "gan torus", "Python's random"]
    places = [
        page.locator(at).bounding_box()["y"] for at in (".triptych", ".lead", ".filters >> nth=0")
    ]
    assert places == sorted(places)
    pictures = page.locator(".triptych img")
    tops = {pictures.nth(i).bounding_box()["y"] for i in range(3)}
    assert len(tops) == 1
    assert max(tops) < 1000
    shown = page.locator(".lead tbody th a").all_inner_texts()
    assert len(shown) <= 7
    assert {"python_random", "gan torus"} <= set(shown)


def test_the_filter_finds_whole_words_and_beginnings_only_where_asked(opened):
    page = opened()
    assert {name.split()[0] for name in search(page, "dan")} == {"dan"}
    assert search(page, "rand") == []
    assert search(page, "python_rand*") == ["python_random"]
    assert search(page, "noise_dim=78") == []
    assert search(page, "noise_dim=784") == search(page, "noise_dim=78*") != []
    assert search(page, "784") == search(page, "noise_dim=784")
    assert page.locator("table.board").is_visible()
    search(page, "nothing")
    assert not page.locator("table.board").is_visible()


def test_what_was_filtered_and_sorted_is_there_again_after_a_reload(browser, results):
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((results / "report.html").as_uri())
    page.get_by_label("all, not the main ones alone").check()
    page.get_by_label("is it gone?").uncheck()
    search(page, "torus")
    page.locator("thead th", has_text="shannon bits").locator("button").click()
    page.get_by_label("a run's key").fill("gan")
    shown, status = names(page), page.locator("#runs-form [role=status]").inner_text()
    other = context.new_page()
    other.goto(page.url)  # as somebody who was sent the link
    for again in (page, other):
        again.reload()
        again.wait_for_function(DRAWN, timeout=60_000)
        assert names(again) == shown
        assert again.get_by_label("Method has").input_value() == "torus"
        assert not again.get_by_label("is it gone?").is_checked()
        heading = again.locator("thead th", has_text="shannon bits")
        assert heading.get_attribute("aria-sort") == "descending"
        assert again.locator("#runs-form [role=status]").inner_text() == status
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("a run's key").fill("")
    page.wait_for_function("!location.search.includes('torus')")
    context.close()


def test_the_second_question_is_on_a_desktop_s_screen_and_names_stay_when_scrolled(opened):
    page = opened(viewport={"width": 1400, "height": 1000})
    for name in ("at least %_dd", "at most %_dd", "gone from output"):
        heading = page.locator("table.board thead th", has_text=name).first
        box = heading.bounding_box()
        assert box["x"] + box["width"] <= 1400 - 16, name
    page.set_viewport_size({"width": 700, "height": 800})
    page.get_by_label("all, not the main ones alone").check()
    row = page.locator("table.board tbody.sortable th").first
    before = row.bounding_box()["x"]
    scrolled = "(e) => { e.scrollLeft = 400; return e.scrollLeft; }"
    assert page.locator(".scroll:has(> .board)").first.evaluate(scrolled) > 100
    assert row.bounding_box()["x"] == before


def test_on_a_telephone_a_row_is_a_card_with_the_names_of_its_numbers(opened):
    page = opened(viewport={"width": 390, "height": 844})
    for table in (".lead", ".board"):
        card = page.locator(f"{table} tbody tr", has_text="python_random").first
        cells = card.locator("td:visible")
        tops = [cells.nth(i).bounding_box()["y"] for i in range(cells.count())]
        assert len(tops) > 3
        assert tops == sorted(set(tops))  # each below the other
        for i in range(cells.count()):
            box = cells.nth(i).bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
        named = "(e) => getComputedStyle(e, '::before').content"
        assert cells.first.evaluate(named) == '"looks like noise"'
    pictures = page.locator(".triptych img")
    assert pictures.nth(1).bounding_box()["y"] == pictures.nth(2).bounding_box()["y"]


def test_what_is_absent_is_a_dash_beside_the_sign_of_a_no(opened):
    page = opened()
    page.locator("details.run summary").first.click()
    page.locator("details.run table").first.wait_for()
    cells = page.locator("td").all_inner_texts()
    assert "X" not in [cell.strip() for cell in cells]
    assert "\N{EN DASH}" in cells


def test_the_gallery_shows_what_collapsed_first_and_noise_beside_each(opened):
    page = opened()
    rows = page.locator("table.gallery tbody tr")
    assert "gan torus" in rows.nth(1).inner_text()
    assert "1 % of noise's dimensions" in rows.nth(1).inner_text()
    for i in range(rows.count()):
        made, noise = (rows.nth(i).locator(".strip").nth(k).bounding_box() for k in (0, 1))
        assert (made["y"], made["height"]) == (noise["y"], noise["height"])
    painted = (
        rows.nth(1).locator("div.strip").evaluate("(e) => getComputedStyle(e).backgroundImage")
    )
    assert painted.startswith('url("data:image/png')


def test_runs_come_in_pages_and_are_found_by_words_and_by_key(browser, tmp_path):
    store = Store(tmp_path)
    made = [run(noise_dim=1000 + i) for i in range(60)]
    for record in made:
        store.put(record)
    assert main(["html", "--results", str(tmp_path)]) == 0
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    shown = page.locator("details.run:visible")
    status = page.locator("#runs-form [role=status]")
    page.wait_for_function("document.querySelectorAll('details.run').length === 60")
    assert (shown.count(), status.inner_text()) == (25, "1 to 25 of 60 methods.")
    assert page.get_by_role("button", name="Previous").is_disabled()
    for _ in range(2):
        page.get_by_role("button", name="Next").click()
    assert (shown.count(), status.inner_text()) == (10, "51 to 60 of 60 methods.")
    assert page.get_by_role("button", name="Next").is_disabled()
    page.reload()
    page.wait_for_function("document.querySelectorAll('details.run').length === 60")
    assert status.inner_text() == "51 to 60 of 60 methods."
    asked = page.get_by_label("a run's key")
    asked.fill("noise_dim=1007")
    assert "noise_dim=1007" in shown.inner_text()
    asked.fill(made[31].key[:12])
    page.wait_for_function("document.querySelectorAll('details.run:not([hidden])').length === 1")
    assert "noise_dim=1031" in shown.inner_text()
    page.locator("table.board a").first.click()  # which the filter does not show
    page.locator("details.run[open] table").wait_for()
    assert page.locator("details.run[open]").is_visible()
    page.close()
