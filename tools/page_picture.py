"""Draw the README's picture: a screenshot of the built book. Run it after `make book`."""

import pathlib
import shutil
import sys

from playwright import sync_api

from bookbuild import paths

PAGE = "notebooks/04_first_cnn.html"
PICTURE = ".github/page.png"


def draw(checkout: paths.Checkout) -> pathlib.Path:
    """Write the picture and return its path.

    Raises:
        FileNotFoundError: when the book is not built, or there is no Chromium.
    """
    page_path = checkout.html / PAGE
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if not page_path.is_file() or executable is None:
        raise FileNotFoundError("needs a built book (make book) and Chromium")
    target = checkout.root / PICTURE
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        page.goto(page_path.as_uri())
        page.locator("#what-does-the-machine-see").scroll_into_view_if_needed()
        page.evaluate("document.querySelector('#what-does-the-machine-see').scrollIntoView()")
        page.screenshot(path=target)
        browser.close()
    return target


if __name__ == "__main__":
    print(draw(paths.default()))
    sys.exit(0)
