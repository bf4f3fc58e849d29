"""The demo of attention shows the shares that the chapter's ViT gave, for every patch."""

import math
import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api

pytestmark = pytest.mark.browser

PAGE = "notebooks/07_architectures.html"
DEMO = "attention-demo"


@pytest.fixture
def exported(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "attention.json")


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def verdict(page: sync_api.Page) -> str:
    return page.locator(f"{DEMO} .demo-verdict").inner_text()


def point(page: sync_api.Page, place: int, canvas: int = 0) -> tuple[float, float]:
    """Where a patch lies in the window."""
    field = page.locator(f"{DEMO} canvas").nth(canvas)
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    line, column = divmod(place, 4)
    x, y = (column + 0.5) / 4, (line + 0.5) / 4
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


# What it shows.


def test_shares_of_each_patch_sum_to_1(exported):
    shares = np.array([one["shares"] for one in exported["digits"]])
    assert shares.shape == (10, 3, 4, 16, 16)
    # Sixteen numbers, each rounded by at most half a thousandth.
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=16 * 0.0005 + 1e-9)
    assert shares.min() >= 0
    assert [one["label"] for one in exported["digits"]] == list(range(10))


@pytest.mark.parametrize("head", [0, 1, 4])
def test_it_shows_a_head_or_the_mean_of_all(page, exported, head):
    page.get_by_label("Shares of").select_option(index=head)
    page.get_by_label("Digit", exact=True).select_option("a 7")
    place = of_demo(page, "state.place")
    for shown, block in zip(of_demo(page, "shares"), exported["digits"][7]["shares"], strict=True):
        heads = np.array(block)[:, place]
        np.testing.assert_allclose(shown, heads[head - 1] if head else heads.mean(axis=0))


def test_the_line_names_the_patch_that_is_looked_at_most(page):
    place = of_demo(page, "state.place")
    for block, shares in enumerate(of_demo(page, "shares")):
        at = int(np.argmax(shares))
        line, column = divmod(at, 4)
        where = "itself" if at == place else f"row {line + 1}, column {column + 1}"
        percent = math.floor(100 * max(shares) + 0.5)
        assert f"{where} in block {block + 1} ({percent}\u00a0%)" in verdict(page)
    assert "each patch would have 6\u00a0%" in verdict(page)


def test_it_says_what_the_network_learned_from(page, exported):
    said = page.locator(f"{DEMO} > p").last.inner_text()
    source = ", stand-in data" if exported["stand_in"] else ""
    assert f"trained on {exported['trained_on']:,} digits{source}, and has" in said
    right = f"{100 * exported['accuracy']:.1f}\u00a0%"
    assert f"has {right} of {exported['validated_on']:,} validation digits right" in said
    for index, digit in enumerate(exported["digits"]):
        page.get_by_label("Digit", exact=True).select_option(index=index)
        is_right = digit["said"] == digit["label"]
        end = "which is right" if is_right else f"but it is a {digit['label']}"
        assert page.locator(f"{DEMO} > p").last.inner_text().endswith(f"{digit['said']}, {end}.")


def test_the_chosen_patch_has_a_frame(page):
    page.mouse.move(*point(page, 5))
    orange = page.evaluate(
        """() => Array.from(document.querySelectorAll('attention-demo canvas'), (canvas) => {
      const at = (x, y) => Array.from(canvas.getContext('2d').getImageData(x, y, 1, 1).data);
      return [at(73, 100), at(3, 100)];
    })"""
    )
    for framed, other in orange:
        assert framed == [213, 94, 0, 255]
        assert other != framed


# Mouse, finger, keys and the address.


def test_a_mouse_chooses_as_it_moves_on_each_picture(page):
    for canvas, place in enumerate((0, 6, 9, 15)):
        page.mouse.move(*point(page, place, canvas))
        assert of_demo(page, "state.place") == place
    line, column = divmod(15, 4)
    assert f"The patch in row {line + 1}, column {column + 1} looks most" in verdict(page)


def test_a_tap_chooses(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(f"{address}/{PAGE}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    for place in (2, 13):
        page.touchscreen.tap(*point(page, place))
        assert of_demo(page, "state.place") == place
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_the_arrow_keys_move_the_frame_and_stop_at_the_edge(page):
    page.mouse.move(*point(page, 1))
    page.locator(f"{DEMO} canvas").first.focus()
    for key, place in (
        ("ArrowUp", 1),
        ("ArrowLeft", 0),
        ("ArrowLeft", 0),
        ("ArrowDown", 4),
        ("ArrowRight", 5),
    ):
        page.keyboard.press(key)
        assert of_demo(page, "state.place") == place
    assert "row 2, column 2" in page.locator(f"{DEMO} canvas").first.get_attribute("aria-label")


def test_a_link_shows_the_same(page, browser):
    page.get_by_label("Digit", exact=True).select_option("a 3")
    page.get_by_label("Shares of").select_option("head 2")
    page.mouse.click(*point(page, 10))
    state, words = of_demo(page, "state"), verdict(page)
    assert state == {"digit": 3, "place": 10, "head": 2}
    other = browser.new_context().new_page()
    other.goto(demos.link(page))
    other.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(other, "state") == state
    assert verdict(other) == words
    other.context.close()


@pytest.mark.parametrize("text", ["10_1_0", "0_16_0", "0_1_5", "0_1", "0_1.5_0", "x_1_0", ""])
def test_a_link_that_means_nothing_is_ignored(page, address, text):
    first = of_demo(page, "state")
    page.goto("about:blank")
    page.goto(f"{address}/{PAGE}?attention={text}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == first


# The page.


def test_axe_finds_nothing_in_any_state(page):
    assert demos.complaints(page, DEMO) == []
    page.get_by_label("Shares of").select_option("head 1")
    assert demos.complaints(page, DEMO) == []


def test_its_file_is_small(html: pathlib.Path) -> None:
    assert (html / "_static/data/attention.json").stat().st_size <= 300_000


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text


def test_a_broken_file_leaves_the_static_text(browser: sync_api.Browser, address: str) -> None:
    at = f"{address}/{PAGE}"
    text = demos.text_with_a_broken_file(browser, at, DEMO, "attention.json", "seeing-attention-1")
    assert "needs JavaScript" in text
