"""The one style sheet of the pages shows what all the sheets that it is made of would show."""

import json
import pathlib
from collections.abc import Callable

import pytest
from playwright import sync_api

from bookbuild import styles

pytestmark = pytest.mark.browser

CHAPTER = "notebooks/04_first_cnn.html"

# How elements look, with what their style puts before and behind them. Elements that have the same
# classes, and whose parents have, look the same: the first two of them stand for all.
LOOKS = """() => {
  const seen = new Map();
  const looks = {};
  const name = (one) => one ? `${one.localName}.${one.getAttribute('class') ?? ''}` : '';
  for (const element of document.querySelectorAll('*')) {
    if (element.closest('head')) continue;
    const key = [element.parentElement?.parentElement, element.parentElement, element]
      .map(name).join(' > ') + (element.id ? `#${element.id}` : '');
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    if (before > 1) continue;
    for (const part of ['', '::before', '::after', '::marker', '::backdrop']) {
      const style = getComputedStyle(element, part || null);
      if (part.match(/before|after/) && style.content === 'none') continue;
      looks[`${key} (${before})${part}`] =
        Object.fromEntries([...style].map((property) => [property, style[property]]));
    }
  }
  return looks;
}"""

# Transitions would be seen half-way.
STILL = "*, ::before, ::after { transition: none !important; animation: none !important; }"

SWAP = """async (sheets) => {
  const ours = document.querySelector('link[rel=stylesheet]');
  const loaded = sheets.map((address) => new Promise((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = address;
    link.onload = resolve;
    link.onerror = () => reject(new Error(address));
    ours.before(link);
  }));
  await Promise.all(loaded);
  ours.remove();
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}"""


def nothing(page: sync_api.Page) -> None:
    """A page as it comes."""


def open_search(page: sync_api.Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("kernel")


def open_contents(page: sync_api.Page) -> None:
    page.locator(".primary-toggle").click()
    page.locator("#pst-primary-sidebar-modal[open]").wait_for()


def open_menus(page: sync_api.Page) -> None:
    for index in range(page.locator("[data-bs-toggle=dropdown]").count()):
        page.locator("[data-bs-toggle=dropdown]").nth(index).evaluate(
            "one => bootstrap.Dropdown.getOrCreateInstance(one).show()"
        )
    page.locator(".dropdown-menu.show").first.wait_for()


def show_tooltip(page: sync_api.Page) -> None:
    page.locator("[data-bs-toggle=tooltip]:visible").first.hover()
    page.locator(".tooltip.show").wait_for()


def open_folds(page: sync_api.Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    page.locator("article a").first.focus()


def search(page: sync_api.Page) -> None:
    page.locator(".search-sections li").first.wait_for()


@pytest.mark.parametrize(
    ("name", "theme", "width", "medium", "act"),
    [
        (CHAPTER, "light", 1280, "screen", open_folds),
        (CHAPTER, "dark", 1280, "screen", open_menus),
        (CHAPTER, "light", 1280, "screen", show_tooltip),
        (CHAPTER, "dark", 1280, "screen", open_search),
        (CHAPTER, "light", 390, "screen", open_contents),
        (CHAPTER, "dark", 390, "screen", open_folds),
        (CHAPTER, "dark", 1280, "print", nothing),
        ("book/front.html", "light", 1280, "screen", nothing),
        ("book/scoreboard.html", "dark", 390, "screen", nothing),
        ("search.html?q=kernel", "light", 1280, "screen", search),
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_no_element_looks_different(
    browser: sync_api.Browser,
    address: str,
    html: pathlib.Path,
    name: str,
    theme: str,
    width: int,
    medium: str,
    act: Callable[[sync_api.Page], None],
) -> None:
    context = browser.new_context(
        color_scheme=theme, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{address}/{name}", wait_until="networkidle")
    page.add_style_tag(content=STILL)
    act(page)
    page.emulate_media(media=medium)
    ours = page.evaluate(LOOKS)
    first, _, _ = (html / styles.STATIC / styles.NAME).read_text(encoding="utf-8").partition("\n")
    names = first.removeprefix("/* ").removesuffix(" */").split()
    assert len(names) > 5
    page.evaluate(SWAP, [f"{address}/{styles.STATIC}/{name}" for name in names])
    all_sheets = page.evaluate(LOOKS)
    context.close()
    assert len(ours) > 100
    assert ours.keys() == all_sheets.keys()
    different = {
        f"{where}: {one}": (ours[where].get(one), value)
        for where, look in all_sheets.items()
        for one, value in look.items()
        if ours[where].get(one) != value
    }
    assert different == {}, json.dumps(dict(list(different.items())[:20]), indent=1)
