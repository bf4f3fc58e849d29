"""Every page, in a real browser: offline, accessible in both themes, whole without JavaScript."""

import contextlib
import dataclasses
import functools
import gzip
import itertools
import multiprocessing
import pathlib
import re
from concurrent import futures

import browsers
import pytest
from axe_playwright_python import sync_playwright as axe_playwright
from bs4 import BeautifulSoup
from playwright import sync_api

from bookbuild import outline, paths, web

pytestmark = pytest.mark.browser

MAX_TRANSFER_BYTES = 1_000_000
FIGURES = re.compile(r"\.(png|jpe?g|svg|webp)$")


BROWSERS = 2

THEMES = ("light", "dark")
WIDTHS = (1280, 390)

# axe-core takes ten seconds for a chapter. So it sees each theme once and each width once.
EXAMINED = {("light", 1280), ("dark", 390)}


@dataclasses.dataclass(frozen=True)
class Visit:
    """One page, opened once in one theme at one width, with nothing in the browser's cache.

    Attributes:
        name: the page's file.
        theme: ``light`` or ``dark``.
        width: of the window, in pixels.
        shown_theme: the theme that the page says it shows.
        scroll_width: how wide its content is, in pixels.
        requests: every address that it asked for.
        fonts: those of them that are fonts of their own, in no sheet and no page.
        missing: addresses that were answered with an error.
        errors: what scripts raised or wrote to the console as an error.
        sizes: bytes of each address, as any host sends them: text compressed, fonts as they are.
        violations: what axe-core complains about; None where it was not asked.
    """

    name: str
    theme: str
    width: int
    shown_theme: str | None
    scroll_width: int
    requests: list[str]
    fonts: list[str]
    missing: list[str]
    errors: list[str]
    sizes: dict[str, int]
    violations: list[str] | None

    @property
    def where(self) -> str:
        return f"{self.name}, {self.theme}, {self.width} px"


@pytest.fixture(scope="module")
def visits(chromium: str, address: str, pages: list[str]) -> list[Visit]:
    """Every page in both themes, wide and on a phone. Opening is dear; the tests share it."""
    wanted = list(itertools.product(pages, THEMES, WIDTHS))
    # A browser keeps one core busy. Dealt out in turn, each gets its share of long pages.
    shares = [wanted[start::BROWSERS] for start in range(BROWSERS)]
    visit_share = functools.partial(visit_all, chromium, address)
    new_process = multiprocessing.get_context("spawn")
    with futures.ProcessPoolExecutor(BROWSERS, mp_context=new_process) as pool:
        made = [one for share in pool.map(visit_share, shares) for one in share]
    assert len(made) == len(pages) * 4
    return made


def visit_all(chromium: str, address: str, wanted: list[tuple[str, str, int]]) -> list[Visit]:
    """Visits of (page, theme, width), one after the other, in a browser of their own."""
    with browsers.launched(chromium) as browser:
        return [visit(browser, address, *one) for one in wanted]


def visit(browser: sync_api.Browser, address: str, name: str, theme: str, width: int) -> Visit:
    context = browser.new_context(
        color_scheme=theme, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    page = context.new_page()
    requests: list[sync_api.Request] = []
    answers: list[sync_api.Response] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request))
    page.on("response", lambda answer: answers.append(answer))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(f"{address}/{name}", wait_until="networkidle")
    sizes = {
        answer.url: len(gzip.compress(answer.body())) for answer in answers if answer.status == 200
    }
    seen = Visit(
        name=name,
        theme=theme,
        width=width,
        shown_theme=page.locator("html").get_attribute("data-theme"),
        scroll_width=page.evaluate("document.documentElement.scrollWidth"),
        requests=[one.url for one in requests],
        fonts=[
            one.url
            for one in requests
            if one.resource_type == "font" and not one.url.startswith("data:")
        ],
        missing=[answer.url for answer in answers if answer.status >= 400],
        errors=list(errors),  # as they are now: axe-core makes requests of its own
        sizes=sizes,
        violations=axe_complaints(page) if (theme, width) in EXAMINED else None,
    )
    context.close()
    return seen


# The theme gives what can be scrolled a place in the order of the Tab key, a moment after loading.
SETTLED = """() => [...document.querySelectorAll('article pre')].every(
  (one) => one.scrollWidth <= one.clientWidth || one.tabIndex === 0)"""


def axe_complaints(page: sync_api.Page) -> list[str]:
    """What axe-core finds, one sentence a rule, with the first three places."""
    with contextlib.suppress(sync_api.TimeoutError):  # axe-core then says what is missing
        page.wait_for_function(SETTLED, timeout=5_000)
    return [
        f"{found['id']} ({found['help']}): "
        + "; ".join(node["html"][:160] for node in found["nodes"][:3])
        for found in axe_playwright.Axe().run(page).response["violations"]
    ]


def test_no_page_asks_for_anything_outside_the_book(visits: list[Visit], address: str) -> None:
    own = (address, "data:", "blob:")
    for one in visits:
        assert len(one.requests) > 5, one.where  # the listener did hear the book's own requests
        assert [url for url in one.requests if not url.startswith(own)] == [], one.where


def test_no_page_waits_for_a_font_when_it_is_shown(visits: list[Visit]) -> None:
    """A font with an address of its own comes after the words, and moves the lines."""
    assert {one.where: one.fonts for one in visits if one.fonts} == {}


def test_nothing_is_missing_and_no_script_fails(visits: list[Visit]) -> None:
    assert {one.where: one.missing for one in visits if one.missing} == {}
    assert {one.where: one.errors for one in visits if one.errors} == {}


def test_axe_finds_nothing_to_complain_about(visits: list[Visit]) -> None:
    examined = [one for one in visits if one.violations is not None]
    assert len(examined) == len(visits) / 2
    assert {one.where: one.violations for one in examined if one.violations} == {}


def test_axe_would_find_something(
    browser: sync_api.Browser, address: str, pages: list[str]
) -> None:
    page = browser.new_page()
    page.goto(f"{address}/{pages[0]}")
    page.evaluate("document.querySelector('article').insertAdjacentHTML('afterbegin', '<img>')")
    found = axe_complaints(page)
    page.close()
    assert any("image-alt" in one for one in found)


def test_a_page_follows_the_readers_theme(visits: list[Visit]) -> None:
    assert [one.where for one in visits if one.shown_theme != one.theme] == []


def test_no_page_is_wider_than_its_window(visits: list[Visit]) -> None:
    assert {one.where: one.scroll_width for one in visits if one.scroll_width > one.width} == {}


def test_a_page_transfers_less_than_a_megabyte_before_its_figures(visits: list[Visit]) -> None:
    heavy = {}
    for one in visits:
        before = {url: size for url, size in one.sizes.items() if not FIGURES.search(url)}
        assert len(before) > 5, one.where
        if sum(before.values()) > MAX_TRANSFER_BYTES:
            largest = sorted(before, key=before.get)[-3:]
            heavy[one.where] = [(url.rpartition("/")[2], before[url]) for url in largest]
    assert heavy == {}


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
            if image.find_parent(class_="sd-card"):
                continue  # what is written on the card is its caption
            figure = image.find_parent("figure")
            if figure is None or figure.find("figcaption") is None:
                problems.append(f"{name}: {image.get('src')} has no caption")
    assert figures > 0
    assert problems == []


# How wide drawings are shown, beside their full width.
SHOWN = """async () => {
  const all = [...document.querySelectorAll('article img')];
  all.forEach((image) => (image.loading = 'eager'));
  await Promise.all(all.map((image) => image.decode().catch(() => null)));
  return [...document.querySelectorAll('article img.seeing-drawing')].map((image) => ({
    source: image.getAttribute('src'), shown: image.getBoundingClientRect().width,
    full: image.naturalWidth}));
}"""


def test_the_letters_of_drawings_can_be_read_on_a_phone(
    browser: sync_api.Browser, address: str, html: pathlib.Path, pages: list[str]
) -> None:
    """No smaller than nine pixels, or no smaller than they are at full size."""
    context = browser.new_context(viewport={"width": 390, "height": 900})
    page = context.new_page()
    small, seen = [], 0
    for name in pages:
        page.goto(f"{address}/{name}", wait_until="networkidle")
        for image in page.evaluate(SHOWN):
            drawing = ((html / name).parent / image["source"]).read_text(encoding="utf-8")
            # Letters are outlines, written a hundred times as large and in points.
            scales = re.findall(r"scale\((0\.\d+) -\1\)", drawing)
            if not scales:
                continue
            seen += 1
            full = min(float(scale) for scale in scales) * 100 * 96 / 72
            letters = full * image["shown"] / image["full"]
            if letters < min(9, full) - 0.05:
                small.append(f"{name}: {image['source']} has letters of {letters:.1f} px")
    context.close()
    assert seen > 10
    assert small == []


SHAPES = """async () => {
  // Not the front page's cards, which cut all their pictures to one shape.
  const all = [...document.querySelectorAll('article figure img[decoding]')];
  const before = all.map((image) => image.getBoundingClientRect().height);
  all.forEach((image) => (image.loading = 'eager'));
  await Promise.all(all.map((image) => image.decode().catch(() => null)));
  return all.map((image, i) => {
    const box = image.getBoundingClientRect();
    return [image.getAttribute('src'), before[i], box.height,
            box.width / box.height, image.naturalWidth / image.naturalHeight];
  });
}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_pictures_keep_their_shape_and_their_place(
    browser: sync_api.Browser, address: str, pages: list[str], width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    moved, bent, seen = [], [], 0
    for name in pages:
        page.goto(f"{address}/{name}", wait_until="networkidle")
        lead = name.rpartition("/")[2].removesuffix(".html")
        for source, before, after, shown, natural in page.evaluate(SHAPES):
            seen += 1
            if abs(before - after) > 1.5:
                moved.append(f"{name}: {source} was given {before} px and took {after}")
            # The picture at the head fits into a box of another shape.
            if not source.rpartition("/")[2].startswith(f"{lead}.") and abs(shown - natural) > 0.1:
                bent.append(f"{name}: {source} is shown {shown:.2f} times as wide as high")
    context.close()
    assert seen > 20
    assert moved == []
    assert bent == []


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


def test_a_shared_link_shows_the_page_and_a_picture_of_the_book(
    html: pathlib.Path, pages: list[str], checkout: paths.Checkout
) -> None:
    base = web.address(checkout)
    for name in pages:
        soup = BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
        assert soup.find("link", rel="canonical")["href"] == f"{base}{name}"
        said = {tag.get("property"): tag["content"] for tag in soup.select("meta[property]")}
        assert said["og:image"] == f"{base}_static/{web.PREVIEW}"
        assert said["og:title"]
        title, _, book = soup.title.get_text().partition(" — ")
        assert title.endswith(said["og:title"])  # after a chapter's number
        assert book == ("" if name == pages[0] else checkout.settings()["title"])
        assert soup.select_one(".seeing-title a").get_text() == checkout.settings()["title"]
    assert (html / "_static" / web.PREVIEW).is_file()
    assert (html / web.SITEMAP).read_text(encoding="utf-8").count("<loc>") == len(pages)
    assert (html / web.NOT_FOUND).is_file()


def test_internal_links_lead_somewhere(html: pathlib.Path, pages: list[str]) -> None:
    @functools.cache
    def soup_of(path: pathlib.Path) -> BeautifulSoup:
        return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")

    broken = []
    for name in pages:
        path = (html / name).resolve()
        for link in soup_of(path).select("article a[href]"):
            target, _, anchor = link["href"].partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            other = (path.parent / target).resolve() if target else path
            leads_somewhere = other.is_file()
            if leads_somewhere and anchor and other.suffix == ".html":
                leads_somewhere = soup_of(other).find(id=anchor) is not None
            if not leads_somewhere:
                broken.append(f"{name}: {link['href']}")
    assert broken == []


def test_a_chapter_says_how_long_it_takes_and_leads_to_its_sections(
    checkout: paths.Checkout, html: pathlib.Path
) -> None:
    for chapter in checkout.chapters():
        built = html / "notebooks" / f"{chapter.stem}.html"
        page = BeautifulSoup(built.read_text(encoding="utf-8"), "html.parser")
        found = page.select_one(f"nav.{outline.CLASS}")
        assert re.fullmatch(r"\d+ minutes to read, in \d+ sections", found.summary.get_text())
        links = [link["href"] for link in found.select("a")]
        assert len(links) >= 5, chapter.name
        headings = [page.select_one(f"section{link} > h2") for link in links]
        assert None not in headings, chapter.name


def test_a_page_is_dark_from_the_first_moment_where_the_reader_wants_that(
    browser: sync_api.Browser, address: str, pages: list[str]
) -> None:
    context = browser.new_context(color_scheme="dark")
    # What every script of the page would see, before and after the theme's own has run.
    context.add_init_script(
        """new MutationObserver(() => (window.themes ??= []).push(
          document.documentElement.dataset.theme)).observe(
          document, {attributeFilter: ['data-theme'], attributes: true, subtree: true})"""
    )
    page = context.new_page()
    page.goto(f"{address}/{pages[1]}", wait_until="networkidle")
    assert set(page.evaluate("window.themes")) == {"dark"}
    context.close()
