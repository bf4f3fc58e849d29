"""What the tests of the page's demos share."""

import base64
import json
import pathlib
from typing import Any

import numpy as np
from axe_playwright_python import sync_playwright as axe_playwright
from playwright import sync_api

# Where a finger or a pen goes, from the upper left corner, 0, to the lower right one, 1.
Stroke = list[tuple[float, float]]


def exported(html: pathlib.Path, name: str) -> dict[str, Any]:
    """What a chapter wrote for a demo."""
    return json.loads((html / "_static/data" / name).read_text(encoding="utf-8"))


def of_demo(page: sync_api.Page, demo: str, name: str) -> Any:
    """A property of the page's demo."""
    return page.evaluate(f"document.querySelector('{demo}').{name}")


def set_slider(page: sync_api.Page, label: str, value: float) -> None:
    """Move a slider as a pointer does, to a value."""
    page.get_by_label(label).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


def text_without_javascript(browser: sync_api.Browser, address: str, demo: str) -> str:
    """What stands in a demo's place where no script runs."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    text = page.locator(demo).inner_text()
    context.close()
    return text


def text_with_a_broken_file(
    browser: sync_api.Browser, address: str, demo: str, name: str, expected: str
) -> str:
    """What stands in a demo's place when its file is another's, which the console is told.

    Args:
        browser: opens the page.
        address: of the page.
        demo: the element's name.
        name: of the file.
        expected: the format that the demo names in its message.
    """
    context = browser.new_context()
    page = context.new_page()
    page.route(f"**/{name}", lambda route: route.fulfill(body='{"format": "other"}'))
    # A page may be idle before the demo has looked at its file: wait for what it says.
    with page.expect_console_message(lambda said: f"expected {expected}" in said.text):
        page.goto(address, wait_until="networkidle")
    text = page.locator(demo).inner_text()
    context.close()
    return text


def numbers(text: str) -> np.ndarray:
    """The float32 numbers that a file holds as a text."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def levels(text: str) -> np.ndarray:
    """The drawing that a file or a link holds as a text: levels 0 to 15, shape (28, 28)."""
    runs = "ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    digits = "".join("0" * (runs.index(one) + 1) if one in runs else one for one in text)
    return np.array([int(digit, 16) for digit in digits.ljust(28 * 28, "0")]).reshape(28, 28)


def link(page: sync_api.Page) -> str:
    """The page's address as it is now; ``page.url`` may come late."""
    return page.evaluate("location.href")


def places(page: sync_api.Page, demo: str, stroke: Stroke) -> list[tuple[float, float]]:
    """Where a stroke lies in the window."""
    field = page.locator(f"{demo} .drawing-field")
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]


def draw(page: sync_api.Page, demo: str, strokes: list[Stroke]) -> None:
    """Draw with the mouse."""
    for stroke in strokes:
        first, *others = places(page, demo, stroke)
        page.mouse.move(*first)
        page.mouse.down()
        for place in others:
            page.mouse.move(*place, steps=8)
        page.mouse.up()


def draw_with_a_finger(page: sync_api.Page, demo: str, strokes: list[Stroke]) -> None:
    """Draw with one finger."""
    touch = page.context.new_cdp_session(page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for stroke in strokes:
        for index, (x, y) in enumerate(places(page, demo, stroke)):
            kind = "touchMove" if index else "touchStart"
            event = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            touch.send("Input.dispatchTouchEvent", event)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    touch.detach()


def draw_with_keys(page: sync_api.Page, demo: str, before: str, strokes: list[str]) -> None:
    """Move the pen by arrow keys, put it down, move on, and lift it.

    Args:
        page: with the demo.
        demo: the element's name.
        before: arrows on the way to the start, for example ``"↑↑←"``.
        strokes: arrows of the drawing, which is one line.
    """
    keys = {"↑": "ArrowUp", "↓": "ArrowDown", "←": "ArrowLeft", "→": "ArrowRight"}
    page.locator(f"{demo} .drawing-field").focus()
    for arrow in before:
        page.keyboard.press(keys[arrow])
    page.keyboard.press("Space")
    for arrow in "".join(strokes):
        page.keyboard.press(keys[arrow])
    page.keyboard.press("Space")


def complaints(page: sync_api.Page, demo: str) -> list[str]:
    """What axe-core finds in a demo as it is now, in the light theme and in the dark one."""
    found = []
    for theme in ("light", "dark"):
        page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
        response = axe_playwright.Axe().run(page, context=demo).response
        found += [
            f"{theme}: {one['id']}: {one['nodes'][0]['html']}" for one in response["violations"]
        ]
    return found
