"""The demo of a moving kernel computes what Keras computes, by mouse and by keyboard."""

import json
import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api

pytestmark = pytest.mark.browser

PAGE = "notebooks/03_convolution.html"
DEMO = "convolution-demo"


def of_demo(page: sync_api.Page, name: str) -> Any:
    return page.evaluate(f"document.querySelector('convolution-demo').{name}")


def test_each_map_is_the_one_that_keras_made(page: sync_api.Page, html: pathlib.Path) -> None:
    exported = json.loads((html / "_static/data/convolution.json").read_text(encoding="utf-8"))
    assert len(exported["pictures"]) == 2
    for picture, maps in zip(exported["pictures"], exported["maps"], strict=True):
        page.get_by_label("Picture", exact=True).select_option(picture["name"])
        for kernel, wanted in zip(exported["kernels"], maps, strict=True):
            page.get_by_label("Kernel", exact=True).select_option(kernel["name"])
            np.testing.assert_allclose(of_demo(page, "map"), wanted, atol=1e-5)


def test_it_begins_with_the_sum_of_the_page(page: sync_api.Page) -> None:
    assert of_demo(page, "products") == [0, 3, 4, 0, 0, 0, 0, 1, 4]
    assert of_demo(page, "sum") == 12
    assert "nine products is 12: row 1, column 1" in page.inner_text(f"{DEMO} .demo-verdict")


def test_the_arrow_keys_move_the_kernel_and_stop_at_the_edge(page: sync_api.Page) -> None:
    page.locator("convolution-demo canvas").first.focus()
    for key in ("ArrowUp", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert of_demo(page, "place") == {"row": 1, "column": 2}
    assert of_demo(page, "sum") == 19


def test_the_pointer_is_in_the_middle_of_the_window(page: sync_api.Page) -> None:
    canvas = page.locator("convolution-demo canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    assert of_demo(page, "place") == {"row": 1, "column": 1}
    assert of_demo(page, "sum") == 17


def test_a_weight_can_be_changed(page: sync_api.Page) -> None:
    page.get_by_label("Weight, row 1, column 1", exact=True).fill("1")
    assert of_demo(page, "sum") == 12 + 3


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text


def test_a_broken_file_leaves_the_static_text(browser: sync_api.Browser, address: str) -> None:
    at = f"{address}/{PAGE}"
    text = demos.text_with_a_broken_file(
        browser, at, DEMO, "convolution.json", "seeing-convolution-1"
    )
    assert "needs JavaScript" in text
