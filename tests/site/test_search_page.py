"""The search: sections with all words, chapters before the bibliography, from the disk, too."""

import pathlib
from collections.abc import Iterator

import browsers
import pytest
from axe_playwright_python import sync_playwright as axe_playwright
from playwright import sync_api

HITS = """() => [...document.querySelectorAll('.search-sections > li')].map((item) => ({
  title: item.querySelector('a').textContent,
  target: item.querySelector('a').getAttribute('href'),
  text: item.querySelector('.search-snippet').textContent,
  marked: [...item.querySelectorAll('mark')].map((mark) => mark.textContent.toLowerCase())}))"""


@pytest.fixture
def tab(browser: sync_api.Browser) -> Iterator[sync_api.Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def ask(tab: sync_api.Page, address: str, question: str) -> list[dict]:
    """Type a question into the search page, press Enter, and read what is found."""
    tab.goto(f"{address}/search.html", wait_until="networkidle")
    field = tab.locator("form.bd-search input").last
    field.fill(question)
    field.press("Enter")
    tab.wait_for_selector(".search-summary")
    return tab.evaluate(HITS)


def test_a_question_leads_to_the_section_that_answers_it(tab, address):
    hits = ask(tab, address, "batch normalization")
    assert "batch normalization" in hits[0]["title"].lower()
    assert "#" in hits[0]["target"]
    assert len(hits) > 3
    for hit in hits:
        assert hit["marked"], hit
    tab.locator(".search-sections a").first.click()
    tab.wait_for_load_state()
    anchor = hits[0]["target"].partition("#")[2]
    assert tab.url.endswith(f"#{anchor}")
    assert tab.locator(f"[id='{anchor}']").count() == 1


def test_other_forms_of_a_word_and_its_beginning_are_found(tab, address):
    several = ask(tab, address, "convolutions")
    assert any("convolution" in hit["marked"] for hit in several)
    begun = ask(tab, address, "temperat")
    assert any("temperature" in hit["marked"] for hit in begun)


def test_code_is_found_by_its_names(tab, address):
    hits = ask(tab, address, "CalibratedClassifierCV")
    assert hits
    assert "calibratedclassifiercv" in hits[0]["marked"]


def test_chapters_come_before_the_bibliography_and_the_scoreboard(tab, address):
    pages = [hit["target"].partition("#")[0] for hit in ask(tab, address, "residual")]
    assert any("bibliography" in page for page in pages)
    assert "bibliography" not in pages[0]


def test_words_that_no_section_holds_together_are_said_to_be_so(tab, address):
    hits = ask(tab, address, "convolution zyzzyva")
    assert hits
    said = tab.locator(".search-summary").inner_text()
    assert said.startswith("No section holds all of these words.")
    assert ask(tab, address, "zyzzyva") == []
    assert tab.locator(".search-summary").inner_text() == "No section holds any of these words."


def test_a_question_is_shown_as_text_and_never_run(tab, address):
    asked = "<img src=x onerror=alert(1)> accuracy"
    ask(tab, address, asked)
    assert tab.locator("#search-results img").count() == 0
    assert tab.locator("form.bd-search input").last.input_value() == asked


def test_many_hits_are_shown_by_the_keyboard(tab, address):
    assert len(ask(tab, address, "accuracy")) == 20
    button = tab.locator("#search-results button")
    button.focus()
    tab.keyboard.press("Enter")
    hits = tab.evaluate(HITS)
    assert len(hits) > 20
    assert tab.evaluate("document.activeElement.textContent") == hits[20]["title"]


def test_the_search_works_from_the_disk(tab, html: pathlib.Path):
    tab.goto(f"{(html / 'search.html').as_uri()}?q=dropout")
    tab.wait_for_selector(".search-summary")
    assert tab.evaluate(HITS)


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_below_does_not_move_when_results_come(browser, address, width: int):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.add_init_script(browsers.NOTE_SHIFTS)
    page.goto(f"{address}/search.html?q=gradient")
    page.locator(".search-sections li").first.wait_for()
    page.wait_for_timeout(300)
    assert browsers.shift(page) < 0.01, page.evaluate("shifts")
    page.close()


def test_axe_finds_nothing_to_complain_about(tab, address):
    ask(tab, address, "dropout")
    found = axe_playwright.Axe().run(tab).response["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"][:2]]) for one in found] == []
