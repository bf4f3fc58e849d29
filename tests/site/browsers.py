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
