"""Every page, in a real browser: offline, accessible in both themes, whole without JavaScript."""

import gzip
import pathlib
import re

import pytest
from axe_playwright_python import sync_playwright as axe_playwright
from bs4 import BeautifulSoup
from playwright import sync_api

pytestmark = pytest.mark.browser

MAX_TRANSFER_BYTES = 1_000_000
FIGURES = re.compile(r"\.(png|jpe?g|svg|webp)$")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_asks_for_anything_outside_the_book(
    browser: sync_api.Browser, address: str, pages: list[str], theme: str
) -> None:
    context = browser.new_context(color_scheme=theme)
    page = context.new_page()
    outside, missing, errors = [], [], []
    page.on("request", lambda request: outside.append(request.url))
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type in ("error",) else None)
    for name in pages:
        page.goto(f"{address}/{name}", wait_until="networkidle")
    context.close()
    assert len(outside) > len(pages)  # the listener did hear the book's own requests
    assert [url for url in outside if not url.startswith((address, "data:", "blob:"))] == []
    assert missing == []
    assert errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_to_complain_about(
    browser: sync_api.Browser, address: str, pages: list[str], theme: str, width: int
) -> None:
    context = browser.new_context(
        color_scheme=theme, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    page = context.new_page()
    complaints = []
    for name in pages:
        page.goto(f"{address}/{name}", wait_until="networkidle")
        assert page.locator("html").get_attribute("data-theme") == theme
        for violation in axe_playwright.Axe().run(page).response["violations"]:
            nodes = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            complaints.append(f"{name}: {violation['id']} ({violation['help']}): {nodes}")
    context.close()
    assert complaints == []


def test_no_page_is_wider_than_a_phone(
    browser: sync_api.Browser, address: str, pages: list[str]
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    too_wide = []
    for name in pages:
        page.goto(f"{address}/{name}", wait_until="networkidle")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 390:
            too_wide.append((name, width))
    context.close()
    assert too_wide == []


def test_a_page_transfers_less_than_a_megabyte_before_its_figures(
    browser: sync_api.Browser, address: str, pages: list[str]
) -> None:
    """Counted as any host sends it: text compressed, fonts as they are."""
    heavy = []
    for name in pages:
        context = browser.new_context()
        page = context.new_page()
        answers: list[sync_api.Response] = []
        page.on("response", lambda answer, heard=answers: heard.append(answer))
        page.goto(f"{address}/{name}", wait_until="networkidle")
        wanted = {answer.url: answer for answer in answers if not FIGURES.search(answer.url)}
        sizes = {url: len(gzip.compress(answer.body())) for url, answer in wanted.items()}
        context.close()
        assert len(sizes) > 5
        if sum(sizes.values()) > MAX_TRANSFER_BYTES:
            largest = sorted(sizes, key=sizes.get)[-3:]
            heavy.append((name, [(url.rpartition("/")[2], sizes[url]) for url in largest]))
    assert heavy == []


def test_every_page_can_be_read_without_javascript(
    browser: sync_api.Browser, address: str, pages: list[str]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for name in pages:
        page.goto(f"{address}/{name}")
        article = page.locator("article")
        assert article.locator("h1").first.is_visible(), name
        assert len(article.inner_text()) > 100 or "bibliography" in name
    context.close()


def test_every_page_opens_from_the_disk(
    browser: sync_api.Browser, html: pathlib.Path, pages: list[str]
) -> None:
    context = browser.new_context()
    page = context.new_page()
    outside = []
    page.on("request", lambda request: outside.append(request.url))
    for name in pages:
        page.goto((html / name).as_uri(), wait_until="load")
        assert page.locator("article h1").first.is_visible(), name
    context.close()
    assert [url for url in outside if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_keyboard_reaches_the_text_first(
    browser: sync_api.Browser, address: str, pages: list[str]
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/{pages[0]}", wait_until="networkidle")
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.textContent.trim()")
    assert "Skip to main content" in focused
    context.close()


def test_every_figure_has_a_caption_and_an_alt_text(html: pathlib.Path, pages: list[str]) -> None:
    figures, problems = 0, []
    for name in pages:
        soup = BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
        for image in soup.select("article img"):
            figures += 1
            alt = image.get("alt", "")
            if len(alt.split()) < 4 or ".png" in alt or "_images" in alt:
                problems.append(f"{name}: {image.get('src')} has the alt text {alt!r}")
            figure = image.find_parent("figure")
            if figure is None or figure.find("figcaption") is None:
                problems.append(f"{name}: {image.get('src')} has no caption")
    assert figures > 0
    assert problems == []


def test_no_stored_page_source_links_to_a_script_or_style_elsewhere(
    html: pathlib.Path, pages: list[str]
) -> None:
    problems = []
    for name in pages:
        soup = BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
        for tag, attribute in (("script", "src"), ("link", "href"), ("img", "src")):
            for found in soup.find_all(tag):
                target = found.get(attribute, "")
                canonical = tag == "link" and "canonical" in (found.get("rel") or [])
                if target.startswith(("http:", "https:", "//")) and not canonical:
                    problems.append(f"{name}: {target}")
    assert problems == []


def test_internal_links_lead_somewhere(html: pathlib.Path, pages: list[str]) -> None:
    broken = []
    for name in pages:
        path = html / name
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for link in soup.select("article a[href]"):
            target, _, anchor = link["href"].partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            other = (path.parent / target).resolve() if target else path
            if not other.is_file():
                broken.append(f"{name}: {link['href']}")
            elif anchor and other.suffix == ".html":
                there = BeautifulSoup(other.read_text(encoding="utf-8"), "html.parser")
                if there.find(id=anchor) is None:
                    broken.append(f"{name}: {link['href']}")
    assert broken == []
