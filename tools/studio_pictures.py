"""Draw the pictures of the page *The Studio*: a studio of drawn flowers, labeled by keys.

Run it when the studio's page has changed (a test says so): ``python tools/studio_pictures.py``. It
needs Chromium and ResNet50's weights.
"""

import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from PIL import Image
from playwright import sync_api

from bookbuild import paths
from seeing.datasets import drawn_flowers

PICTURES = "book/_static/studio"
PAGE = "src/seeing/studio/page"
SHOWN = "tools/studio_pictures.sha256"  # which page the pictures show
FLOWERS = 300
SIDE = 224
LABELED = 90
SEED = 4
SIZE = {"width": 1280, "height": 800}
QUALITY = 88


def page_hash(root: pathlib.Path) -> str:
    """SHA-256 of the sources of the studio's page."""
    sources = sorted((root / PAGE).iterdir())
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def draw(checkout: paths.Checkout) -> list[pathlib.Path]:
    """Write the pictures, note which page they show, and return their paths.

    Raises:
        FileNotFoundError: when there is no Chromium.
    """
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        raise FileNotFoundError("needs Chromium (apt-get install chromium on Debian)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "meadow"
        folder.mkdir()
        for i in range(FLOWERS):
            pixels = drawn_flowers.draw(i, size=SIDE, seed=SEED)
            Image.fromarray(pixels).save(folder / f"IMG_{i:04d}.jpg", quality=90)
        with sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            for address in _served(folder):
                page = browser.new_page(viewport=SIZE, color_scheme="light")
                page.goto(address)
                _label(page)
                taken = _photographed(page, checkout.root / PICTURES)
    (checkout.root / SHOWN).write_text(page_hash(checkout.root) + "\n", encoding="utf-8")
    return taken


def _served(folder: pathlib.Path) -> Iterator[str]:
    """The address of the folder's studio, which is stopped afterwards."""
    command = ["studio", folder, "--port", "0", "--no-browser", "--seed", str(SEED)]
    process = subprocess.Popen(
        [sys.executable, "-m", "seeing", *command],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"USER": "ann", "LOGNAME": "ann"},  # who labels
    )
    try:
        for line in process.stdout:
            if line.startswith("studio of"):
                yield line.split(": ", 1)[1].strip()
                break
    finally:
        process.terminate()
        process.communicate()


def _label(page: sync_api.Page) -> None:
    """Make the classes, label some photographs by keys, and train."""
    page.locator("body[data-ready]").wait_for()
    page.keyboard.press("+")
    for name in drawn_flowers.CLASS_NAMES:
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        page.locator(".panel .class", has_text=name).wait_for()
    page.keyboard.press("Escape")
    for _ in range(LABELED):
        shown = page.locator("#photograph").get_attribute("alt")
        species = int(shown[-8:-4]) % len(drawn_flowers.CLASS_NAMES)
        page.keyboard.press(str(species + 1))
    page.locator("#saving").wait_for(state="detached")
    page.goto(page.url.split("#")[0] + "#model")
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator("table", has_text="Recall").wait_for(timeout=300_000)
    page.locator("#work").wait_for(state="hidden", timeout=300_000)
    page.locator(".page", has_text="have not met").wait_for()


def _photographed(page: sync_api.Page, folder: pathlib.Path) -> list[pathlib.Path]:
    """Pictures of three views."""
    folder.mkdir(parents=True, exist_ok=True)
    address = page.url.split("#")[0]
    taken = []
    for view, queue in (("model", None), ("label", "uncertain"), ("grid", None)):
        page.goto(f"{address}#{view}")
        if queue is not None:
            page.locator("#queue").select_option(queue)
            page.locator(".note", has_text="differ by").wait_for()
        page.locator("#saying").wait_for(state="hidden", timeout=60_000)
        page.wait_for_load_state("networkidle")
        taken.append(folder / f"{view}.webp")
        with Image.open(io.BytesIO(page.screenshot())) as image:
            image.convert("RGB").save(taken[-1], quality=QUALITY, method=6)
    return taken


if __name__ == "__main__":
    print(*draw(paths.default()), sep="\n")
