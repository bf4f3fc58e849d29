"""The demo of softmax says what Keras says, by button, slider, key and link."""

import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api

pytestmark = pytest.mark.browser

PAGE = "notebooks/02_neurons_losses_gradients.html"
DEMO = "softmax-demo"
NUMBERS = ("softmax", "sigmoid", "slopes", "categorical", "binary", "squared", "hinge")


@pytest.fixture
def exported(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "softmax.json")


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def press(page: sync_api.Page, name: str) -> None:
    page.locator(DEMO).get_by_role("button", name=name).click()


def test_each_example_comes_to_what_keras_says(page, exported):
    assert len(exported["presets"]) == 4
    for preset, wanted in zip(exported["presets"], exported["by_keras"], strict=True):
        press(page, preset["name"])
        found = of_demo(page, "found")
        for name in NUMBERS:
            np.testing.assert_allclose(found[name], wanted[name], atol=1e-9, err_msg=name)


def test_adding_to_all_logits_moves_the_sigmoids_and_not_the_softmax(page):
    press(page, "sure and right")
    before = of_demo(page, "found")
    press(page, "add 3 to all")
    after = of_demo(page, "found")
    np.testing.assert_allclose(after["softmax"], before["softmax"], atol=1e-12)
    assert after["categorical"] == pytest.approx(before["categorical"])
    assert after["sigmoid"][0] > before["sigmoid"][0]


def test_shares_of_a_sum_are_shown_only_where_there_are_some(page):
    press(page, "2 and 5")
    assert of_demo(page, "found.normalized") == pytest.approx([2 / 7, 5 / 7, 0])
    assert "0.2857" in page.locator(f"{DEMO} table").first.inner_text()
    press(page, "sure and right")
    assert of_demo(page, "found.normalized") is None
    assert "none" in page.locator(f"{DEMO} table").first.inner_text()


def test_by_keyboard_and_by_link(page):
    press(page, "undecided")
    page.get_by_label('Logit of "dog"').focus()
    page.keyboard.press("ArrowRight")
    assert of_demo(page, "state.logits[1]") == pytest.approx(1.1)
    page.get_by_label("The picture shows").select_option("bird")
    found, words = of_demo(page, "found"), page.locator(f"{DEMO} .demo-verdict").inner_text()
    assert "but it is bird" in words
    page.goto(page.url)
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "found.softmax") == pytest.approx(found["softmax"])
    assert page.locator(f"{DEMO} .demo-verdict").inner_text() == words


@pytest.mark.parametrize("text", ["9_1_1_1", "0_1_1", "0_x_1_1", "0.5_1_1_1", ""])
def test_a_link_that_means_nothing_is_ignored(page, text):
    first = of_demo(page, "state")
    page.goto(f"{page.url.partition('?')[0]}?softmax={text}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == first


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text
