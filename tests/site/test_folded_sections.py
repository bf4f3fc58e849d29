"""Long pages, folded: what opens a section, what stays open, and that nothing is lost meanwhile."""

import io
import pathlib
import re
from collections.abc import Callable, Iterator

import browsers
import numpy as np
import pypdf
import pytest
from axe_playwright_python import sync_playwright as axe_playwright
from bs4 import BeautifulSoup
from PIL import Image
from playwright import sync_api

from bookbuild import outline, paths, sections

pytestmark = pytest.mark.browser

PAGE, OTHER = "notebooks/05_metrics.html", "notebooks/03_convolution.html"
SECTION = "what-does-a-mistake-cost"
SOME_WORDS = "Screening%20asks%20whether%20there%20is%20pneumonia"  # in that section

TITLES = f"button.{sections.TITLE}"
ALL = f".{sections.ALL}"


@pytest.fixture
def opened(browser: sync_api.Browser) -> Iterator[Callable[..., sync_api.Page]]:
    """Opens an address in a tab of its own, with all its sections as they are at first."""
    contexts = []

    def opened(
        where: str, *scripts: str, width: int = 1280, height: int = 900, **options: object
    ) -> sync_api.Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        for script in (browsers.AS_FIRST_SEEN, *scripts):
            context.add_init_script(script)
        page = context.new_page()
        page.goto(where, wait_until="networkidle")
        return page

    yield opened
    for context in contexts:
        context.close()


def are_open(page: sync_api.Page) -> dict[str, bool]:
    """Whether each section is open, by its anchor; its button must say the same.

    What was opened becomes visible with the next picture of the page, which is waited for.
    """
    page.wait_for_timeout(100)
    found = page.locator(f".{sections.SECTION}").evaluate_all(
        f"""all => all.map((one) => [
          one.id, one.querySelector('{TITLES}')?.ariaExpanded,
          one.querySelector('.{sections.BODY}').firstElementChild.checkVisibility({{
            contentVisibilityAuto: true }})])"""
    )
    assert all(said in (None, str(is_open).lower()) for _, said, is_open in found), found
    return {anchor: is_open for anchor, _, is_open in found}


def open_ones(page: sync_api.Page) -> list[str]:
    return [anchor for anchor, is_open in are_open(page).items() if is_open]


def stands_in_sight(page: sync_api.Page, anchor: str) -> bool:
    """Whether the heading that a link leads to comes to stand in the upper half of the window."""
    try:
        page.wait_for_function(
            """(anchor) => {
              const { top } = document.getElementById(anchor).getBoundingClientRect();
              return top > -5 && top < 450 && scrollY > 0;
            }""",
            arg=anchor,
            timeout=3_000,
        )
    except sync_api.TimeoutError:
        return False
    return True


def inner_anchor(page: sync_api.Page, section: str = SECTION) -> str:
    """An anchor within a section."""
    return page.locator(f"#{section} section[id]").last.get_attribute("id")


def title(page: sync_api.Page, section: str = SECTION) -> sync_api.Locator:
    return page.locator(f"#{section} > h2 > {TITLES}")


# How a page looks at first.


def test_no_page_is_too_long(opened, address: str, pages: list[str]) -> None:
    page = opened(f"{address}/{pages[0]}")
    heights = {}
    for name in pages:
        page.goto(f"{address}/{name}", wait_until="networkidle")
        heights[name] = page.evaluate("document.documentElement.scrollHeight")
    assert {name: one for name, one in heights.items() if one > sections.LONG_PX} == {}


def test_only_the_first_section_is_open_and_all_headings_are_there(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}")
    found = are_open(page)
    assert len(found) > 8 and not any(found.values())
    for anchor in found:
        sync_api.expect(page.locator(f"#{anchor} > h2").get_by_role("button")).to_be_visible()
        assert re.search(r"\d min$", title(page, anchor).inner_text())
    first = page.locator("article section section > h2").first
    assert first.locator("button").count() == 0
    assert first.evaluate("one => one.nextElementSibling.getBoundingClientRect().height") > 10


def test_minutes_are_those_of_the_outline(html: pathlib.Path, checkout: paths.Checkout) -> None:
    folded = 0
    for chapter in checkout.chapters():
        built = (html / f"notebooks/{chapter.stem}.html").read_text(encoding="utf-8")
        page = BeautifulSoup(built, "html.parser")
        for row in page.select(f".{outline.CLASS} li"):
            section = page.select_one(f"section{row.a['href']}")
            minutes = section.select_one(f":scope > h2 .{sections.MINUTES}")
            folded += minutes is not None
            assert minutes is None or minutes.get_text() == row.span.get_text()
    assert folded > 50


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(opened, address: str, theme: str) -> None:
    page = opened(f"{address}/{PAGE}", color_scheme=theme)
    title(page).click()
    found = axe_playwright.Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("fragment", ["", f"#{SECTION}", "#inner"])
def test_nothing_moves_while_the_page_loads(
    opened, address: str, fragment: str, width: int
) -> None:
    if fragment == "#inner":
        fragment = f"#{inner_anchor(opened(f'{address}/{PAGE}'))}"
    page = opened(f"{address}/{PAGE}{fragment}", browsers.NOTE_SHIFTS, width=width)
    page.wait_for_timeout(500)
    assert browsers.shift(page) < 0.01, page.evaluate("shifts")


def test_nothing_moves_where_sections_are_remembered(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}", browsers.NOTE_SHIFTS)
    page.locator(ALL).click()
    title(page).scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    page.reload(wait_until="networkidle")
    page.wait_for_timeout(500)
    assert browsers.shift(page) < 0.01, page.evaluate("shifts")


# What opens a section.


def test_headings_open_and_close_by_mouse_and_keyboard(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}")
    title(page).click()
    assert open_ones(page) == [SECTION]
    title(page).press("Enter")
    assert open_ones(page) == []
    title(page).press("Space")
    assert open_ones(page) == [SECTION]


def test_the_tab_key_passes_over_what_is_closed(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}")
    titles = [one.get_attribute("id") for one in page.locator(f".{sections.SECTION}").all()]
    title(page, titles[0]).focus()
    for following in titles[1:3]:
        page.keyboard.press("Tab")
        inside = page.evaluate("document.activeElement.closest('section').id")
        assert inside == following


@pytest.mark.parametrize("inside", [False, True], ids=["a section", "within a section"])
def test_a_link_from_elsewhere_opens_what_it_leads_to(opened, address: str, inside: bool) -> None:
    page = opened(f"{address}/{OTHER}")
    page.goto(f"{address}/{PAGE}")
    anchor = inner_anchor(page) if inside else SECTION
    page.goto(f"{address}/book/preface.html")
    page.goto(f"{address}/{PAGE}#{anchor}", wait_until="networkidle")
    assert open_ones(page) == [SECTION]
    assert stands_in_sight(page, anchor)


@pytest.mark.parametrize("place", [f".{outline.CLASS}", ".bd-sidebar-secondary"])
def test_the_lists_of_sections_open_what_they_lead_to(opened, address: str, place: str) -> None:
    page = opened(f"{address}/{PAGE}")
    if place != ".bd-sidebar-secondary":
        page.locator(f"{place} summary").click()
    link = page.locator(f"{place} a[href='#{SECTION}']")
    link.click()
    assert stands_in_sight(page, SECTION)
    assert open_ones(page) == [SECTION]
    title(page).press("Enter")
    link.press("Enter")  # the address stays as it is
    assert open_ones(page) == [SECTION]


def test_going_back_to_a_link_opens_what_it_leads_to(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}")
    inner = inner_anchor(page)
    page.evaluate("anchor => (location.hash = anchor)", inner)
    assert stands_in_sight(page, inner)
    page.evaluate("location.hash = 'exercises'")
    assert stands_in_sight(page, "exercises")
    title(page).evaluate("one => one.click()")
    assert open_ones(page) == ["exercises"]
    page.go_back()
    page.wait_for_function(f"document.querySelector('#{SECTION} {TITLES}').ariaExpanded === 'true'")
    assert stands_in_sight(page, inner)


def test_a_search_leads_into_closed_sections(opened, address: str) -> None:
    page = opened(f"{address}/search.html?q=screening+pneumonia")
    link = page.locator(f".search-sections a[href*='05_metrics.html#{SECTION}']").first
    assert " min" not in link.inner_text()
    link.click()
    page.wait_for_load_state("networkidle")
    assert open_ones(page) == [SECTION]
    assert stands_in_sight(page, SECTION)


def test_the_browser_finds_words_in_closed_sections(opened, address: str) -> None:
    """By an address with words, which it looks for as its own search does."""
    page = opened(f"{address}/{PAGE}#:~:text={SOME_WORDS}")
    assert open_ones(page) == [SECTION]
    page.wait_for_function("scrollY > 500")


def test_a_link_to_what_a_demo_shows_opens_its_section(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}?threshold=50_10_1_1_1")
    sync_api.expect(page.locator("threshold-demo .demo-row").first).to_be_visible()
    assert len(open_ones(page)) == 1


# What stays open.


def test_what_was_opened_stays_open_on_this_page_and_no_other(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}")
    title(page).click()
    title(page, "quiz").click()
    page.reload(wait_until="networkidle")
    assert open_ones(page) == [SECTION, "quiz"]
    title(page, "quiz").click()
    page.goto(f"{address}/{OTHER}", wait_until="networkidle")
    assert open_ones(page) == []
    page.go_back(wait_until="networkidle")
    assert open_ones(page) == [SECTION]


def test_who_comes_back_is_where_he_was(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}")
    page.locator(ALL).click()
    page.evaluate("scrollTo(0, 9000)")
    page.wait_for_timeout(300)
    page.goto(f"{address}/{OTHER}")
    page.go_back()
    page.wait_for_function("Math.abs(scrollY - 9000) < 300")


def test_one_button_opens_all_and_closes_all(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}")
    page.get_by_role("button", name="Open all sections").press("Enter")
    assert all(are_open(page).values())
    page.get_by_role("button", name="Close all sections").press("Enter")
    assert open_ones(page) == []
    title(page).click()
    page.get_by_role("button", name="Open all sections").click()
    assert all(are_open(page).values())


# Where something else is missing.


def test_without_scripts_all_is_open(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}", java_script_enabled=False)
    assert all(are_open(page).values())
    sync_api.expect(page.locator(ALL)).not_to_be_visible()
    assert page.locator(f".{sections.SECTION} > h2 button").count() == 0


def test_a_browser_that_would_not_find_words_in_closed_sections_gets_open_ones(
    opened, address: str
) -> None:
    older = "delete HTMLElement.prototype.onbeforematch"
    page = opened(f"{address}/{PAGE}", older)
    assert all(are_open(page).values())
    sync_api.expect(page.locator(ALL)).not_to_be_visible()


def test_where_nothing_may_be_remembered_sections_open_all_the_same(opened, address: str) -> None:
    forbidden = """Object.defineProperty(window, 'sessionStorage', {
      get() { throw new Error('no'); } })"""
    page = opened(f"{address}/{PAGE}#{SECTION}", forbidden)
    assert open_ones(page) == [SECTION]
    page.locator(ALL).click()
    assert all(are_open(page).values())


def test_from_the_disk_sections_open_too(opened, html: pathlib.Path) -> None:
    page = opened(f"{(html / PAGE).as_uri()}#{SECTION}")
    assert open_ones(page) == [SECTION]
    assert stands_in_sight(page, SECTION)
    title(page, "quiz").click()
    page.reload()
    assert open_ones(page) == [SECTION, "quiz"]


def test_on_paper_all_is_there(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}")
    closed, all_open = page.pdf(), None
    page.locator(ALL).click()
    all_open = page.pdf()
    texts, pictures = [], []
    for made in (closed, all_open):
        sheets = pypdf.PdfReader(io.BytesIO(made)).pages
        # Sorted: where a page break falls, a heading may be drawn before the text above it.
        texts.append(sorted(" ".join(sheet.extract_text() for sheet in sheets).split()))
        pictures.append(sum(len(sheet.images) for sheet in sheets))
    assert len(texts[0]) > 5_000
    assert texts[0] == texts[1]
    assert pictures[0] == pictures[1]


# What is in closed sections.


def demo_names(html: pathlib.Path, page: str) -> list[str]:
    built = BeautifulSoup((html / page).read_text(encoding="utf-8"), "html.parser")
    return [one.name for one in built.select(f".{sections.BODY} [src^='data/']")]


def test_a_demo_that_started_while_closed_looks_like_any_other(
    opened, address: str, html: pathlib.Path, checkout: paths.Checkout
) -> None:
    compared = 0
    for chapter in checkout.chapters():
        where = f"notebooks/{chapter.stem}.html"
        for demo in demo_names(html, where):
            looks = []
            for scripts in ([], ["globalThis.isAsFirstSeen = false"]):
                # Higher than any demo: of one that has to be scrolled while its picture is taken,
                # the page's header covers a part, or not.
                page = opened(f"{address}/{where}", *scripts, height=1600)
                found = page.locator(f"{demo}[data-ready]").first
                found.wait_for(state="attached")
                if not scripts:
                    assert not found.is_visible()
                    page.locator(ALL).click()
                page.mouse.move(0, 0)
                found.scroll_into_view_if_needed()
                assert found.bounding_box()["height"] < 1500, demo
                page.wait_for_timeout(500)
                shown = Image.open(io.BytesIO(found.screenshot(animations="disabled")))
                looks.append(np.asarray(shown.convert("RGB"), dtype=int))
            late, early = looks
            assert late.shape == early.shape, demo
            assert np.abs(late - early).max() < 8, demo
            assert late.std() > 5, demo
            compared += 1
    assert compared >= 4


def test_pictures_in_closed_sections_come_when_they_are_seen(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}")
    picture = page.locator(f"#{SECTION} img").first
    loaded = "one => one.complete && one.naturalWidth > 0"
    assert not picture.evaluate(loaded)
    title(page).click()
    picture.scroll_into_view_if_needed()
    page.wait_for_function(
        f"selector => {{ const one = document.querySelector(selector);return ({loaded})(one); }}",
        arg=f"#{SECTION} img",
    )


def test_opened_code_that_is_wider_than_its_box_is_reached_by_the_keyboard(
    opened, address: str
) -> None:
    page = opened(f"{address}/{PAGE}", width=390)
    title(page).click()
    wide = f"""[...document.querySelectorAll('#{SECTION} pre')].filter(
      (one) => one.checkVisibility() && one.scrollWidth > one.clientWidth)"""
    assert page.evaluate(f"{wide}.length") > 0
    page.wait_for_function(f"{wide}.every((one) => one.tabIndex === 0)")


def test_the_margin_still_says_where_one_is(opened, address: str) -> None:
    page = opened(f"{address}/{PAGE}")
    page.locator(ALL).click()
    page.locator(f"#{SECTION} p").nth(3).scroll_into_view_if_needed()
    page.mouse.wheel(0, 200)
    page.locator(f".bd-sidebar-secondary a.active[href='#{SECTION}']").wait_for()
