"""Headless Chromium for the site's tests, which may open more than one."""

import contextlib
from collections.abc import Callable, Iterator

from playwright import sync_api

from bookbuild import chromium, sections

# Long pages are folded. Tests look into all sections, like a reader who has pressed that button.
OPEN_ALL = f"""addEventListener('DOMContentLoaded', () => {{
  if (!globalThis.isAsFirstSeen && document.querySelector('.{sections.BODY}[hidden]'))
    document.querySelector('.{sections.ALL}')?.click();
}})"""

# Except where a context or a page gets this as a script of its own.
AS_FIRST_SEEN = "globalThis.isAsFirstSeen = true"


# Layout shifts that the reader did not ask for, as the browser sums them up.
NOTE_SHIFTS = """globalThis.shifts = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries())
    if (!one.hadRecentInput)
      shifts.push([one.value, one.sources.map((s) => s.node?.nodeName)]);
}).observe({ type: 'layout-shift', buffered: true });"""


@contextlib.contextmanager
def launched(executable: str) -> Iterator[sync_api.Browser]:
    """A browser, closed at the end, which opens all sections of long pages.

    Args:
        executable: where Chromium is.
    """
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=list(chromium.OPTIONS)
        )
        browser.new_context = _opening_all(browser.new_context)
        browser.new_page = _opening_all(browser.new_page)
        yield browser
        browser.close()


def _opening_all(make: Callable) -> Callable:
    def made(**options: object) -> sync_api.BrowserContext | sync_api.Page:
        new = make(**options)
        new.add_init_script(OPEN_ALL)
        return new

    return made


def shift(page: sync_api.Page) -> float:
    """By how much things have moved on a page that has ``NOTE_SHIFTS``: layout shift, in all."""
    return page.evaluate("shifts.reduce((sum, [value]) => sum + value, 0)")
