"""The demo of the mark asks both networks as Keras does, wherever the mark is."""

import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api

from seeing.lessons import shortcuts

pytestmark = pytest.mark.browser

PAGE = "notebooks/10b_shortcuts_and_shift.html"
DEMO = "shortcut-demo"
PLACE = "The mark's place"
THERE = "There is a mark"
NONE = -1

# What both networks say of each scan, at each place.
EVERYWHERE = """() => {
  const demo = document.querySelector('shortcut-demo');
  return demo.data.labels.map((_, digit) => [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((place) => {
    demo.show({ digit, place });
    return demo.found.map(({ logits }) => Array.from(logits));
  }));
}"""


@pytest.fixture
def exported(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "shortcut.json")


@pytest.fixture
def checks(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "shortcut-checks.json")


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def verdict(page: sync_api.Page) -> str:
    return page.locator(f"{DEMO} .demo-verdict").inner_text()


def image(page: sync_api.Page) -> np.ndarray:
    found = page.evaluate(f"Array.from(document.querySelector('{DEMO}').image)")
    return np.array(found).reshape(28, 28)


def with_article(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"


def edge(page: sync_api.Page, place: int) -> tuple[float, float]:
    """Where a place of the mark lies in the window."""
    canvas = page.locator(f"{DEMO} canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x = (int(shortcuts.mark_columns(np.array(place))) + 1.5) / 28
    return box["x"] + x * box["width"], box["y"] + 0.06 * box["height"]


# What it computes.


def test_both_networks_have_keras_s_logits_at_each_place(page, exported, checks):
    assert exported["labels"] == list(range(10))
    found = np.array(page.evaluate(EVERYWHERE))
    assert found.shape == (10, 11, 2, 10)
    for network, of_network in enumerate(checks["logits"]):
        for place, text in enumerate(of_network):
            wanted = demos.numbers(text).reshape(10, 10)
            np.testing.assert_allclose(found[:, place, network], wanted, atol=1e-4)
    assert np.abs(found[:, :, 0] - found[:, :, 1]).max() > 1, "they are two networks"


def test_a_mark_goes_where_the_chapter_puts_it(page, exported):
    for digit in (0, 7):
        page.get_by_label("Digit", exact=True).select_option(index=digit)
        scan = demos.numbers(exported["probes"][digit]["image"]).reshape(1, 28, 28)
        page.get_by_label(THERE).uncheck()
        np.testing.assert_array_equal(image(page), scan[0])
        page.get_by_label(THERE).check()
        for place in range(10):
            demos.set_slider(page, PLACE, place)
            wanted = shortcuts.with_marks(scan, np.array([place]))[0]
            np.testing.assert_array_equal(image(page), wanted)


# What it shows.


def test_what_is_said_is_what_was_computed(page, exported):
    for digit, place in ((3, 3), (3, 8), (6, NONE), (8, 0)):
        page.evaluate(
            "([digit, place]) => document.querySelector('shortcut-demo').show({ digit, place })",
            [digit, place],
        )
        where, name = "without a mark", with_article(digit)
        if place != NONE:
            where = f"with the mark at the place for {with_article(place)}"
        assert verdict(page).startswith(f"This is {name}, {where}. In it the network")
        label = page.locator(f"{DEMO} canvas").get_attribute("aria-label")
        assert label == f"A scan of {name}, {where}"
        says = page.locator(".shortcut-demo-says").all_inner_texts()
        for i, kind in enumerate(("without", "with")):
            shares = np.array(of_demo(page, f"found[{i}].probabilities"))
            best = int(shares.argmax())
            words = f"the network that learned {kind} marks sees {with_article(best)} ("
            assert words in verdict(page)
            assert says[i] == f"{best}: {'right' if best == digit else 'wrong'}"
            bars = page.locator(f"{DEMO} .digit-demo-bars").nth(i).locator(".digit-demo-value")
            texts = [float(text.rstrip(" %")) for text in bars.all_inner_texts()]
            np.testing.assert_allclose(texts, 100 * shares, atol=0.0501)


def test_the_mark_is_seen_in_the_picture(page):
    demos.set_slider(page, PLACE, 9)
    ink, scan = page.evaluate(
        """() => {
      const canvas = document.querySelector('shortcut-demo canvas');
      const at = (x, y) => Array.from(canvas.getContext('2d').getImageData(x, y, 1, 1).data);
      return [at(canvas.width - 5, 5), at(canvas.width - 5, canvas.height / 4)];
    }"""
    )
    assert ink == [0, 0, 0, 255]
    assert scan != ink


# Mouse, finger, keys and the address.


def test_a_mouse_drags_the_mark(page):
    demos.set_slider(page, PLACE, 2)
    page.mouse.move(*edge(page, 5))
    assert of_demo(page, "state.place") == 2, "it moves only while it is held"
    page.mouse.move(*edge(page, 2))
    page.mouse.down()
    for place in (3, 6, 9, 0):
        page.mouse.move(*edge(page, place), steps=5)
        assert of_demo(page, "state.place") == place
    page.mouse.up()
    assert demos.link(page).endswith("_0")
    page.mouse.move(*edge(page, 7))
    assert of_demo(page, "state.place") == 0


def test_a_press_puts_the_mark_back(page):
    page.get_by_label(THERE).uncheck()
    assert of_demo(page, "state.place") == NONE
    page.mouse.click(*edge(page, 4))
    assert of_demo(page, "state.place") == 4
    assert page.get_by_label(THERE).is_checked()


def test_a_finger_drags_the_mark_on_a_phone(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(f"{address}/{PAGE}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    page.touchscreen.tap(*edge(page, 1))
    assert of_demo(page, "state.place") == 1
    touch = context.new_cdp_session(page)
    for kind, place in (("touchStart", 1), ("touchMove", 4), ("touchMove", 8)):
        x, y = edge(page, place)
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert of_demo(page, "state.place") == 8
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for bars in page.locator(f"{DEMO} .digit-demo-bars").all():
        box = bars.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    context.close()


def test_the_arrow_keys_move_the_mark_and_the_space_bar_takes_it_away(page):
    page.get_by_label(PLACE).focus()
    page.keyboard.press("Home")
    assert of_demo(page, "state.place") == 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert of_demo(page, "state.place") == 2
    assert page.get_by_label(PLACE).get_attribute("aria-valuetext") == "as for a 2"
    page.get_by_label(THERE).focus()
    page.keyboard.press("Space")
    assert of_demo(page, "state.place") == NONE
    assert page.get_by_label(PLACE).get_attribute("aria-valuetext") == "no mark"
    page.keyboard.press("Space")
    assert of_demo(page, "state.place") == 2


def test_the_buttons_put_the_mark_to_its_own_place_and_to_the_next(page):
    page.get_by_label("Digit", exact=True).select_option(index=9)
    page.get_by_label(THERE).uncheck()
    page.get_by_role("button", name="The next place").click()
    assert of_demo(page, "state.place") == 0
    page.get_by_role("button", name="The digit's own place").click()
    assert of_demo(page, "state.place") == 9
    page.get_by_role("button", name="The next place").click()
    assert of_demo(page, "state.place") == 0


def test_a_link_shows_the_same(page, browser):
    page.get_by_label("Digit", exact=True).select_option(index=5)
    page.get_by_label(THERE).uncheck()
    state, words = of_demo(page, "state"), verdict(page)
    assert state == {"digit": 5, "place": NONE}
    other = browser.new_context().new_page()
    other.goto(demos.link(page))
    other.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(other, "state") == state
    assert verdict(other) == words
    assert not other.get_by_label(THERE).is_checked()
    other.context.close()


@pytest.mark.parametrize("text", ["10_1", "0_10", "0_-2", "0_1_1", "0.5_1", "x_1", ""])
def test_a_link_that_means_nothing_is_ignored(page, address, text):
    first = of_demo(page, "state")
    page.goto("about:blank")
    page.goto(f"{address}/{PAGE}?shortcut={text}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == first


# The page.


def test_axe_finds_nothing_in_any_state(page):
    assert demos.complaints(page, DEMO) == []
    page.get_by_label(THERE).uncheck()
    assert demos.complaints(page, DEMO) == []


def test_its_files_are_small(html: pathlib.Path) -> None:
    for end in ("", "-marked", "-checks"):
        assert (html / f"_static/data/shortcut{end}.json").stat().st_size <= 300_000


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text


@pytest.mark.parametrize("name", ["shortcut.json", "shortcut-marked.json"])
def test_a_broken_file_leaves_the_static_text(
    browser: sync_api.Browser, address: str, name: str
) -> None:
    text = demos.text_with_a_broken_file(
        browser, f"{address}/{PAGE}", DEMO, name, "seeing-network-1"
    )
    assert "needs JavaScript" in text
