"""Headless Chromium for the site's tests, which may open more than one."""

import contextlib
from collections.abc import Iterator

from playwright import sync_api

from bookbuild import chromium


@contextlib.contextmanager
def launched(executable: str) -> Iterator[sync_api.Browser]:
    """A browser, closed at the end.

    Args:
        executable: where Chromium is.
    """
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=list(chromium.OPTIONS)
        )
        yield browser
        browser.close()


def open_all_parts(context: sync_api.BrowserContext) -> None:
    """Let chapters show all their parts, as to a reader who has once asked for it."""
    context.add_init_script("try { localStorage.setItem('seeing-all-parts', '1'); } catch {}")
