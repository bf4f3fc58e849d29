"""Pages that are opened from the disk, without a server: demos and answer fields work, too."""

import pathlib
from collections.abc import Callable, Iterator

import browsers
import demos
import pytest
from playwright import sync_api

from bookbuild import bundle, paths

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(
    browser: sync_api.Browser, html: pathlib.Path
) -> Iterator[Callable[[str], sync_api.Page]]:
    """Opens a page of the built book by its file's address; no script of it may fail."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    browsers.open_all_parts(context)
    errors: list[str] = []

    def opened(name: str) -> sync_api.Page:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto((html / name).as_uri())
        return page

    yield opened
    context.close()
    assert errors == []


def test_every_demo_of_the_book_starts(
    opened: Callable[[str], sync_api.Page], checkout: paths.Checkout, html: pathlib.Path
) -> None:
    names = {script.stem for script in bundle.scripts(checkout.root / "book/_static")}
    started = set()
    for page_name in checkout.pages():
        text = (html / f"{page_name}.html").read_text(encoding="utf-8")
        there = {name for name in names if f"<{name}" in text}
        page = opened(f"{page_name}.html") if there else None
        for name in there:
            if name != "exercise-answer":
                page.locator(f"{name}[data-ready]").first.wait_for(timeout=20_000)
            started.add(name)
    assert started == names, "each script is used by a page"


def test_a_demo_answers(opened: Callable[[str], sync_api.Page], html: pathlib.Path) -> None:
    page = opened("notebooks/02_neurons_losses_gradients.html")
    page.locator("softmax-demo[data-ready]").wait_for()
    exported = demos.exported(html, "softmax.json")
    name = exported["presets"][-1]["name"]
    page.locator("softmax-demo").get_by_role("button", name=name).click()
    found = demos.of_demo(page, "softmax-demo", "found")
    assert found["softmax"] == pytest.approx(exported["by_keras"][-1]["softmax"], abs=1e-9)


def test_an_answer_is_checked(opened: Callable[[str], sync_api.Page]) -> None:
    page = opened("notebooks/04_first_cnn.html")
    box = page.locator("exercise-answer input, exercise-answer select").first
    box.wait_for()
    field = page.locator("exercise-answer").first
    if box.evaluate("one => one.localName") == "select":
        box.select_option(index=1)
    else:
        box.fill("12345.678")
    field.get_by_role("button").first.click()
    sync_api.expect(field.locator("output")).not_to_be_empty()
