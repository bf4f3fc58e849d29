"""A chapter's parts: folded, opened by key, link and find, remembered, and all there on paper."""

import pathlib
from collections.abc import Iterator

import pytest
from axe_playwright_python import sync_playwright as axe_playwright
from bs4 import BeautifulSoup
from playwright import sync_api

from bookbuild import parts, paths

pytestmark = pytest.mark.browser

PAGE, OTHER = "notebooks/05_metrics.html", "notebooks/03_convolution.html"
# Of a part that is folded at first.
SECTION = "when-one-class-is-rare"
PARTS = f"details.{parts.CLASS}"
BUTTON = ".seeing-outline > button"

# A page that is longer asks for too much patience, in CSS pixels at a width of 1280.
LONGEST = 15_000


@pytest.fixture
def tab(browser: sync_api.Browser) -> Iterator[sync_api.Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def tab_without_scripts(browser: sync_api.Browser) -> Iterator[sync_api.Page]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, java_script_enabled=False
    )
    yield context.new_page()
    context.close()


@pytest.fixture(params=["tab", "tab_without_scripts"], ids=["with scripts", "without scripts"])
def either(request: pytest.FixtureRequest) -> sync_api.Page:
    return request.getfixturevalue(request.param)


def states(page: sync_api.Page) -> list[bool]:
    return page.locator(PARTS).evaluate_all("all => all.map((one) => one.open)")


def wait_for(page: sync_api.Page, wanted: list[bool]) -> None:
    """Wait until the parts are open and folded as wanted, and what is remembered says so."""
    page.wait_for_function(
        """wanted => {
          const text = wanted.map((one) => (one ? '1' : '0')).join('');
          return sessionStorage.getItem(`seeing-parts ${location.pathname}`) === text;
        }""",
        arg=wanted,
    )
    assert states(page) == wanted


def is_in_sight(page: sync_api.Page, anchor: str) -> bool:
    """Whether a section's heading stands in the upper half of the window."""
    box = page.locator(f"#{anchor} > h2").bounding_box()
    return box is not None and 0 <= box["y"] < 450


def test_no_chapter_is_too_long_a_page(
    tab: sync_api.Page, address: str, checkout: paths.Checkout
) -> None:
    heights = {}
    for chapter in checkout.chapters():
        tab.goto(f"{address}/notebooks/{chapter.stem}.html", wait_until="networkidle")
        heights[chapter.stem] = tab.evaluate("document.documentElement.scrollHeight")
    assert {name: height for name, height in heights.items() if height > LONGEST} == {}


def test_the_first_part_lies_open_and_what_follows_them_too(
    either: sync_api.Page, address: str
) -> None:
    either.goto(f"{address}/{PAGE}")
    assert states(either) == [True, False, False, False]
    sync_api.expect(either.locator("#ten-predictions-and-a-pencil > h2")).to_be_visible()
    sync_api.expect(either.locator(f"#{SECTION} > h2")).not_to_be_visible()
    sync_api.expect(either.locator("#exercises > h2")).to_be_visible()


def test_every_part_says_what_is_in_it_and_how_long_it_takes(
    html: pathlib.Path, checkout: paths.Checkout
) -> None:
    folded = 0
    for chapter in checkout.chapters():
        built = html / "notebooks" / f"{chapter.stem}.html"
        page = BeautifulSoup(built.read_text(encoding="utf-8"), "html.parser")
        assert not page.select("p.part")
        for part in page.select(PARTS):
            said = part.summary.get_text(" ", strip=True)
            assert " min" in said
            for heading in part.select(":scope > section > h2"):
                heading.find(class_="headerlink").decompose()
                assert heading.get_text(" ", strip=True) in said
            folded += 1
    assert folded > 20


def test_the_keyboard_opens_and_folds_a_part(either: sync_api.Page, address: str) -> None:
    either.goto(f"{address}/{PAGE}")
    heading = either.locator(f"#{SECTION} > h2")
    either.locator(f"{PARTS} > summary").nth(3).focus()
    either.keyboard.press("Enter")
    sync_api.expect(heading).to_be_visible()
    either.keyboard.press("Space")
    sync_api.expect(heading).not_to_be_visible()


def test_a_link_opens_the_part_that_it_leads_into(either: sync_api.Page, address: str) -> None:
    either.goto(f"{address}/{PAGE}#{SECTION}")
    sync_api.expect(either.locator(f"#{SECTION} > h2")).to_be_visible()
    assert is_in_sight(either, SECTION)
    assert states(either) == [True, False, False, True]


@pytest.mark.parametrize("place", [".seeing-outline", ".bd-sidebar-secondary"])
def test_the_contents_lead_into_folded_parts(
    either: sync_api.Page, address: str, place: str
) -> None:
    either.goto(f"{address}/{PAGE}")
    if place == ".seeing-outline":
        either.locator(f"{place} summary").press("Enter")
    either.locator(f"{place} a[href='#{SECTION}']").press("Enter")
    sync_api.expect(either.locator(f"#{SECTION} > h2")).to_be_visible()
    assert is_in_sight(either, SECTION)


def test_a_search_leads_into_folded_parts(tab: sync_api.Page, address: str) -> None:
    tab.goto(f"{address}/search.html?q=undersampling+weights")
    tab.locator(f".search-sections a[href$='05_metrics.html#{SECTION}']").click()
    tab.wait_for_url(f"**/{PAGE}#{SECTION}")
    sync_api.expect(tab.locator(f"#{SECTION} > h2")).to_be_visible()
    assert is_in_sight(tab, SECTION)


def test_words_in_a_folded_part_are_found(either: sync_api.Page, address: str) -> None:
    """As by the browser's own search, which opens what it finds in."""
    either.goto(f"{address}/{PAGE}#:~:text=Throw%20away%20four%20of%20five%20eights")
    sync_api.expect(either.locator(f"#{SECTION} > h2")).to_be_visible()
    assert states(either) == [True, False, False, True]


def test_a_link_to_what_a_demo_showed_opens_its_part(tab: sync_api.Page, address: str) -> None:
    tab.goto(f"{address}/{PAGE}?threshold=50_10_1_1_1")
    tab.wait_for_selector("threshold-demo[data-ready]")
    assert states(tab) == [True, True, False, False]
    assert abs(tab.locator("threshold-demo").bounding_box()["y"]) < 900
    tab.goto(f"{address}/{PAGE}?from=newsletter")
    wait_for(tab, [True, True, False, False])  # as it was left


def test_who_comes_back_finds_open_what_was_open(tab: sync_api.Page, address: str) -> None:
    tab.goto(f"{address}/{PAGE}#{SECTION}")
    wait_for(tab, [True, False, False, True])
    tab.locator(f"#{SECTION} > h2").scroll_into_view_if_needed()
    before = tab.evaluate("scrollY")
    assert before > 3_000
    tab.goto(f"{address}/{OTHER}")
    assert states(tab) == [True, False, False, False]
    tab.go_back()
    assert states(tab) == [True, False, False, True]
    tab.wait_for_function("before => Math.abs(scrollY - before) < 300", arg=before)
    tab.reload()
    assert states(tab) == [True, False, False, True]


def test_one_button_opens_all_in_every_chapter_and_folds_them_again(
    tab: sync_api.Page, address: str
) -> None:
    tab.goto(f"{address}/{PAGE}")
    assert tab.locator(BUTTON).inner_text() == "Open all parts"
    tab.locator(BUTTON).press("Enter")
    wait_for(tab, [True] * 4)
    assert tab.locator(BUTTON).inner_text() == "Fold the parts"
    tab.goto(f"{address}/{OTHER}")
    wait_for(tab, [True] * 4)
    tab.locator(BUTTON).press("Enter")
    wait_for(tab, [True, False, False, False])
    tab.goto(f"{address}/notebooks/04_first_cnn.html")
    assert states(tab) == [True, False, False]


def test_without_scripts_there_is_no_button_that_would_do_nothing(
    tab_without_scripts: sync_api.Page, address: str
) -> None:
    tab_without_scripts.goto(f"{address}/{PAGE}")
    assert tab_without_scripts.locator(BUTTON).count() == 0


def test_where_nothing_may_be_remembered_the_parts_open_all_the_same(
    tab: sync_api.Page, address: str
) -> None:
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    for name in ("localStorage", "sessionStorage"):
        tab.add_init_script(
            f"Object.defineProperty(window, '{name}', {{ get() {{ throw new Error('no'); }} }})"
        )
    tab.goto(f"{address}/{PAGE}#{SECTION}")
    assert states(tab) == [True, False, False, True]
    tab.locator(BUTTON).press("Enter")
    assert states(tab) == [True] * 4
    assert [one for one in errors if "folded-parts" in one] == []


def test_on_paper_all_parts_are_there(either: sync_api.Page, address: str) -> None:
    either.goto(f"{address}/{PAGE}")
    either.emulate_media(media="print")
    sections = either.locator(f"{PARTS} > section")
    assert sections.count() == 7
    heights = [one.bounding_box()["height"] for one in sections.all()]
    assert min(heights) > 500
    assert states(either) == [True, False, False, False]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_folded_parts(
    browser: sync_api.Browser, address: str, theme: str
) -> None:
    page = browser.new_page(color_scheme=theme)
    page.goto(f"{address}/{PAGE}", wait_until="networkidle")
    page.locator(".seeing-outline summary").press("Enter")
    for place in (".seeing-outline", f"{PARTS} > summary"):
        found = axe_playwright.Axe().run(page, context=place).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == [], place
    page.close()


def test_opened_code_that_is_wider_than_its_box_is_reached_by_the_keyboard(
    browser: sync_api.Browser, address: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(f"{address}/{PAGE}", wait_until="networkidle")
    page.locator(f"{PARTS} > summary").nth(1).press("Enter")
    wide = """() => [...document.querySelectorAll('article pre')].filter(
      (one) => one.checkVisibility() && one.scrollWidth > one.clientWidth)"""
    page.wait_for_function(f"{wide}.every((one) => one.tabIndex === 0)")
    assert page.evaluate(f"{wide}.length") > 3
    page.close()
