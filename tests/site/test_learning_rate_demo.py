"""The demo of the learning rate walks as the chapter's code does, by slider, button and key."""

import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api

pytestmark = pytest.mark.browser

PAGE = "notebooks/02_neurons_losses_gradients.html"
DEMO = "learning-rate-demo"


@pytest.fixture
def exported(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "descent.json")


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def verdict(page: sync_api.Page) -> str:
    return page.inner_text("learning-rate-demo .demo-verdict")


def test_each_walk_is_the_one_that_the_chapter_took(
    page: sync_api.Page, exported: dict[str, Any]
) -> None:
    assert len(exported["losses"]) == 2 and len(exported["presets"]) == 4
    for loss, walks in zip(exported["losses"], exported["walks"], strict=True):
        page.get_by_label("Loss", exact=True).select_option(loss["name"])
        # A parabola is known exactly, the network's loss by a table.
        near = 1e-3 * loss["reach"] if "values" in loss else 1e-9
        for preset, wanted in zip(exported["presets"], walks, strict=True):
            page.get_by_role("button", name=preset["name"]).click()
            np.testing.assert_allclose(of_demo(page, "places"), wanted, atol=near)
            assert of_demo(page, "state")["steps"] == preset["steps"]


def test_below_and_above_the_limit(page: sync_api.Page) -> None:
    demos.set_slider(page, "Steps", 20)
    for rate, words in (
        (0.9, "none of them to the other side"),
        (1.9, "nearer the bottom"),
        (2, "as far as at the start"),
        (2.1, "farther from the bottom"),
    ):
        demos.set_slider(page, "Learning rate", rate)
        assert words in verdict(page), rate
    assert "20 of them to the other side" in verdict(page)


def test_the_arrow_keys_and_the_pointer_choose_the_start(page: sync_api.Page) -> None:
    plot = page.locator("learning-rate-demo svg")
    plot.focus()
    page.keyboard.press("ArrowRight")
    assert of_demo(page, "state.start") == -2.9
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert abs(of_demo(page, "state.start")) < 0.05


def test_a_mark_stays_at_its_place_when_the_walk_leaves_the_picture(page: sync_api.Page) -> None:
    mark = page.locator("learning-rate-demo svg text", has_text="w = −4")
    before = float(mark.get_attribute("x"))
    page.get_by_role("button", name="too large").click()
    assert max(map(abs, of_demo(page, "places"))) > 12
    assert float(mark.get_attribute("x")) > before + 100


def test_a_link_shows_what_one_saw(page: sync_api.Page) -> None:
    demos.set_slider(page, "Learning rate", 2.1)
    demos.set_slider(page, "Steps", 7)
    places, seen = of_demo(page, "places"), verdict(page)
    page.goto(page.url)
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "places") == places
    assert verdict(page) == seen


def test_a_link_that_means_nothing_is_ignored(page: sync_api.Page) -> None:
    first = of_demo(page, "places")
    for text in ("9_1_8_0", "0_x_8_0", ""):
        page.goto(f"{page.url.partition('?')[0]}?descent={text}")
        page.wait_for_selector(f"{DEMO}[data-ready]")
        assert of_demo(page, "places") == first


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text
