"""Builds the book once, strictly, and opens it in a real browser."""

import functools
import http.server
import os
import pathlib
import shutil
import threading
from collections.abc import Iterator

import browsers
import pytest
from playwright import sync_api

from bookbuild import __main__ as bookbuild_main
from bookbuild import paths

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


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
    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if executable is None:
        message = "Chromium is not installed (Debian: apt-get install chromium)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
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
    opened = context.new_page()
    opened.goto(f"{address}/{request.module.PAGE}", wait_until="networkidle")
    opened.wait_for_selector(f"{request.module.DEMO}[data-ready]")
    yield opened
    context.close()
