"""The draw-a-digit demo computes what Keras computes, by mouse and by keyboard."""

import base64
import json
import pathlib

import demos
import numpy as np
import pytest
from playwright import sync_api

pytestmark = pytest.mark.browser

PAGE = "notebooks/04_first_cnn.html"
DEMO = "digit-demo"


def probabilities(page: sync_api.Page) -> list[float] | None:
    return page.evaluate("document.querySelector('digit-demo').probabilities")


def test_the_browser_computes_what_keras_computed(page: sync_api.Page, html: pathlib.Path) -> None:
    exported = json.loads((html / "_static/data/digit-network.json").read_text(encoding="utf-8"))
    assert len(exported["probes"]) == 10
    for probe in exported["probes"]:
        page.get_by_role("button", name="Show a test digit").click()
        np.testing.assert_allclose(probabilities(page), probe["probabilities"], atol=1e-4)


def test_a_probe_is_a_real_image(html: pathlib.Path) -> None:
    exported = json.loads((html / "_static/data/digit-network.json").read_text(encoding="utf-8"))
    image = np.frombuffer(base64.b64decode(exported["probes"][7]["image"]), dtype="<f4")
    assert image.shape == (28 * 28,)
    assert image.min() == 0
    assert 0.5 < image.max() <= 1


def draw(page: sync_api.Page, strokes: list[list[tuple[float, float]]]) -> None:
    box = page.locator("digit-demo canvas").bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=8)
        page.mouse.up()


def test_a_drawn_one_is_read_as_a_one_wherever_it_stands(page: sync_api.Page) -> None:
    page.locator("digit-demo canvas").scroll_into_view_if_needed()
    for x in (0.2, 0.5, 0.85):
        page.get_by_role("button", name="Clear").click()
        draw(page, [[(x, 0.15), (x, 0.85)]])
        assert int(np.argmax(probabilities(page))) == 1
    assert "sees a 1" in page.locator(f"{DEMO} .demo-verdict").inner_text()


def test_clear_forgets_the_drawing(page: sync_api.Page) -> None:
    page.locator("digit-demo canvas").scroll_into_view_if_needed()
    draw(page, [[(0.3, 0.3), (0.7, 0.7)]])
    assert sum(probabilities(page)) == pytest.approx(1)
    page.get_by_role("button", name="Clear").click()
    assert probabilities(page) is None
    assert page.locator(f"{DEMO} .demo-verdict").inner_text() == "Nothing drawn yet."


def test_it_can_be_drawn_with_the_keyboard_alone(page: sync_api.Page) -> None:
    page.locator("digit-demo canvas").focus()
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert int(np.argmax(probabilities(page))) == 1


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text


def test_a_broken_network_file_leaves_the_static_text(
    browser: sync_api.Browser, address: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route("**/digit-network.json", lambda route: route.fulfill(body='{"format": "other"}'))
    # A page may be idle before the demo has looked at its file: wait for what it says.
    with page.expect_console_message(lambda said: "expected seeing-network-1" in said.text):
        page.goto(f"{address}/{PAGE}", wait_until="networkidle")
    assert "needs JavaScript" in page.locator("digit-demo").inner_text()
    context.close()
