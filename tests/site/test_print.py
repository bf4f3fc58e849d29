"""A page on paper: dark letters on white from either theme, no line cut off, solutions open."""

import pytest
from playwright import sync_api

pytestmark = pytest.mark.browser

PAGE = "notebooks/03_convolution.html"
A4 = {"width": 794, "height": 1123}  # in CSS pixels

# The luminance of a color, from 0 to 255, by the page's own arithmetic.
LUMINANCE = """(element) => {
  const [red, green, blue] = getComputedStyle(element).color.match(/[\\d.]+/g).map(Number);
  return 0.3 * red + 0.59 * green + 0.11 * blue;
}"""


@pytest.fixture(params=["light", "dark"])
def paper(browser: sync_api.Browser, address: str, request: pytest.FixtureRequest):
    context = browser.new_context(viewport=A4, color_scheme=request.param)
    page = context.new_page()
    page.goto(f"{address}/{PAGE}")
    page.emulate_media(media="print")
    yield page
    context.close()


def test_letters_are_dark_on_white(paper):
    for selector in ("article p", "article h1", "article pre span", "article p code"):
        found = paper.locator(selector).first
        assert found.evaluate(LUMINANCE) < 130, selector
    background = paper.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")


def test_nothing_is_folded_away(paper):
    hidden = paper.evaluate(
        """() => [...document.querySelectorAll('article details')].filter(
          (one) => !one.open && one.querySelector('pre')
            && one.querySelector('pre').getBoundingClientRect().height < 10).length"""
    )
    folds = paper.locator("article details").count()
    assert folds > 10
    assert hidden == 0


def test_no_line_is_cut_off(paper):
    cut = paper.evaluate(
        """() => [...document.querySelectorAll('article pre')]
          .filter((one) => one.scrollWidth > one.clientWidth + 1)
          .map((one) => one.textContent.slice(0, 60))"""
    )
    assert cut == []


def test_it_can_be_printed(paper):
    assert len(paper.pdf(format="A4")) > 50_000
