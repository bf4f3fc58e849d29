"""Builds the book once, strictly, and opens it in a real browser."""

import functools
import http.server
import os
import pathlib
import threading
from collections.abc import Iterator

import browsers
import pytest
import small_books
from playwright import sync_api

from bookbuild import __main__ as bookbuild_main
from bookbuild import chromium as chromium_browser
from bookbuild import paths


@pytest.fixture(scope="session")
def checkout() -> paths.Checkout:
    return paths.default()


@pytest.fixture(scope="session")
def html(checkout: paths.Checkout) -> pathlib.Path:
    """The built site. The build is strict: whatever a reader is only told of raises here."""
    bookbuild_main.build(checkout, strict=True)
    return checkout.html


@pytest.fixture(scope="session")
def pages(checkout: paths.Checkout, html: pathlib.Path) -> list[str]:
    return [f"{page}.html" for page in checkout.pages()]


@pytest.fixture(scope="session")
def address(html: pathlib.Path) -> Iterator[str]:
    """Where a server on this machine serves the site."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is. CI must have it; elsewhere its tests are skipped, with the reason."""
    executable = chromium_browser.find()
    if executable is None:
        missing = chromium_browser.MISSING
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return executable


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[sync_api.Browser]:
    with browsers.launched(chromium) as launched:
        yield launched


@pytest.fixture
def page(
    request: pytest.FixtureRequest, browser: sync_api.Browser, address: str
) -> Iterator[sync_api.Page]:
    """A page whose demo is ready: the test's module names both, as ``PAGE`` and ``DEMO``."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    browsers.open_all_parts(context)
    opened = context.new_page()
    opened.goto(f"{address}/{request.module.PAGE}", wait_until="networkidle")
    opened.wait_for_selector(f"{request.module.DEMO}[data-ready]")
    yield opened
    context.close()


@pytest.fixture
def book(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> paths.Checkout:
    """A book of one page and one chapter that builds."""
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    return small_books.make(tmp_path / "small book")
