"""The demo of HOG describes as scikit-image and decides as scikit-learn, however it is moved."""

import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api
from skimage import feature

from seeing.features import hog

pytestmark = pytest.mark.browser

PAGE = "notebooks/09_hog_svm.html"
DEMO = "hog-demo"
PLAIN = {"orientations": 9, "cell": 4, "block": 2, "norm": "L2-Hys"}
LABELS = {
    "cell": "A cell's side, in pixels",
    "orientations": "Directions",
    "block": "A block's side, in cells",
}
SEVEN = [[(0.25, 0.25), (0.75, 0.25), (0.45, 0.85)]]

# How far the browser's numbers may be from Python's.
DESCRIPTOR, DECISION = 1e-5, 1e-4


@pytest.fixture
def exported(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "hog.json")


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def numbers(page: sync_api.Page, name: str) -> np.ndarray:
    return np.array(page.evaluate(f"Array.from(document.querySelector('{DEMO}').{name})"))


def descriptor(page: sync_api.Page) -> np.ndarray:
    return numbers(page, "found.blocks.values")


def verdict(page: sync_api.Page) -> str:
    return page.locator(f"{DEMO} .demo-verdict").inner_text()


def press(page: sync_api.Page, name: str) -> None:
    page.locator(DEMO).get_by_role("button", name=name).click()


def move(page: sync_api.Page, name: str, value: int) -> None:
    """Bring a slider to a value with the arrow keys."""
    control = page.locator(DEMO).get_by_label(LABELS[name], exact=True)
    control.focus()
    steps = value - int(control.input_value())
    for _ in range(abs(steps)):
        page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
    assert of_demo(page, f"state.{name}") == value


def settle(page: sync_api.Page, settings: dict[str, Any]) -> None:
    """Bring all settings to values, by key and choice."""
    for name in LABELS:
        move(page, name, settings[name])
    page.get_by_label("Block normalization").select_option(settings["norm"])


def by_scikit_image(image: np.ndarray, settings: dict[str, Any]) -> np.ndarray:
    """What is described, shape (28, 28), as scikit-image describes it."""
    return feature.hog(
        image,
        orientations=settings["orientations"],
        pixels_per_cell=(settings["cell"],) * 2,
        cells_per_block=(settings["block"],) * 2,
        block_norm=settings["norm"],
    )


# What it computes.


def test_its_descriptors_are_those_of_the_chapter(page, exported):
    assert len(exported["descriptors"]) == 8
    for one in exported["descriptors"]:
        page.get_by_label("Image", exact=True).select_option(index=one["digit"])
        settle(page, one["settings"])
        np.testing.assert_allclose(descriptor(page), demos.numbers(one["values"]), atol=DESCRIPTOR)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"cell": 2, "block": 3, "orientations": 18},
        {"cell": 9, "block": 3},
        {"cell": 3, "orientations": 2, "norm": "L1"},
        {"cell": 5, "block": 1, "orientations": 8, "norm": "L1-sqrt"},
        {"cell": 7, "orientations": 12, "norm": "L2"},
    ],
)
def test_a_drawing_is_described_as_scikit_image_and_the_book_do(page, change):
    settings = {**PLAIN, **change}
    demos.draw(page, DEMO, SEVEN)
    settle(page, settings)
    image = numbers(page, "image").reshape(28, 28)
    assert image.max() > 200
    found = descriptor(page)
    np.testing.assert_allclose(found, by_scikit_image(image, settings), atol=DESCRIPTOR)
    cell, block = (settings["cell"],) * 2, (settings["block"],) * 2
    pixels = image.astype(np.uint8)[np.newaxis]
    ours = hog.hog(pixels, settings["orientations"], cell, block, settings["norm"])
    np.testing.assert_allclose(found, ours[0], atol=DESCRIPTOR)
    assert f"has {len(found):,} numbers" in page.locator(f"{DEMO} > p").nth(1).inner_text()


def test_its_decisions_are_scikit_learn_s(page, exported):
    assert np.shape(exported["decisions"]) == (10, 10)
    for digit, wanted in enumerate(exported["decisions"]):
        page.get_by_label("Image", exact=True).select_option(index=digit)
        np.testing.assert_allclose(of_demo(page, "decisions"), wanted, atol=DECISION)
        best = int(np.argmax(wanted))
        start = "The machine says" if max(wanted) > 0 else "None of the ten claims this image. The"
        assert verdict(page).startswith(start)
        assert f"{best}, with " in verdict(page).partition(";")[0]
        shown = page.locator(".hog-demo-value").nth(best).inner_text()
        assert float(shown.replace("−", "-")) == pytest.approx(max(wanted), abs=0.006)


def test_the_light_does_not_matter_once_blocks_are_normalized(page):
    page.get_by_label("Image", exact=True).select_option("a 7")
    before, cells, said = descriptor(page), numbers(page, "found.cells.values"), verdict(page)
    page.get_by_label("Light").select_option("an eighth")
    np.testing.assert_allclose(numbers(page, "found.cells.values"), cells / 8, atol=1e-9)
    np.testing.assert_allclose(descriptor(page), before, atol=DESCRIPTOR)
    assert verdict(page) == said


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("cell", 5, "cells of 4 pixels"),
        ("orientations", 10, "9 directions"),
        ("block", 1, "blocks of 2 · 2 cells"),
    ],
)
def test_other_settings_get_no_decision_and_the_reason(page, name, value, why):
    said = verdict(page)
    move(page, name, value)
    assert of_demo(page, "decisions") is None
    assert verdict(page).startswith(
        f"No decision: the machine learned from descriptors with {why}. "
    )
    assert set(page.locator(".hog-demo-value").all_inner_texts()) == {"none"}
    press(page, "The machine's settings")
    assert verdict(page) == said


def test_a_descriptor_of_the_same_length_is_another_one_all_the_same(page):
    page.get_by_label("Block normalization").select_option("L1")
    assert len(descriptor(page)) == 1_296
    assert "with the normalization L2-Hys" in verdict(page)


def test_its_file_is_small(html: pathlib.Path) -> None:
    assert (html / "_static/data/hog.json").stat().st_size <= 300_000


# Drawing.


def test_a_seven_is_drawn_with_mouse_finger_and_keys(page):
    demos.draw(page, DEMO, SEVEN)
    assert page.get_by_label("Image", exact=True).input_value() == "my own drawing"
    assert int(np.argmax(of_demo(page, "decisions"))) == 7
    press(page, "Clear")
    assert of_demo(page, "decisions") is None
    assert verdict(page) == "Nothing drawn yet."
    demos.draw_with_a_finger(page, DEMO, SEVEN)
    assert int(np.argmax(of_demo(page, "decisions"))) == 7
    press(page, "Clear")
    demos.draw_with_keys(page, DEMO, "↑" * 9 + "←" * 6, ["→" * 12, "←↓↓" * 8])
    assert int(np.argmax(of_demo(page, "decisions"))) == 7


def test_a_drawing_is_centered_and_a_validation_digit_is_not(page, exported):
    wanted = demos.levels(exported["digits"][3]["ink"]) * 17
    page.get_by_label("Image", exact=True).select_option(index=3)
    np.testing.assert_array_equal(numbers(page, "image").reshape(28, 28), wanted)
    page.get_by_label("Image", exact=True).select_option("my own drawing")
    assert verdict(page) == "Nothing drawn yet."
    demos.draw(page, DEMO, [[(0.1, 0.1), (0.1, 0.5)]])
    rows, columns = np.nonzero(numbers(page, "image").reshape(28, 28))
    assert abs(rows.mean() - 13.5) < 1 and abs(columns.mean() - 13.5) < 1


# The address.


def test_a_link_shows_the_same(page, browser):
    demos.draw(page, DEMO, SEVEN)
    move(page, "cell", 6)
    page.get_by_label("Light").select_option("half")
    page.get_by_label("Block normalization").select_option("L1-sqrt")
    state, found, words = of_demo(page, "state"), descriptor(page), verdict(page)
    other = browser.new_context().new_page()
    other.goto(demos.link(page))
    other.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(other, "state") == state
    np.testing.assert_array_equal(descriptor(other), found)
    assert verdict(other) == words
    other.context.close()


@pytest.mark.parametrize(
    "end",
    [
        "?hog=10_0_4_9_2_3",
        "?hog=0_4_4_9_2_3",
        "?hog=0_0_4_9_2_9",
        "?hog=0_0_4_9",
        "?hog=x",
        "#ink=!",
    ],
)
def test_a_link_that_means_nothing_is_ignored(page, address, end):
    first = of_demo(page, "state")
    page.goto("about:blank")
    page.goto(f"{address}/{PAGE}{end}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == first


def test_a_link_beyond_the_sliders_ends_stops_there(page, address):
    page.goto(f"{address}/{PAGE}?hog=2_0_40_99_7_3")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    state = of_demo(page, "state")
    assert (state["cell"], state["orientations"], state["block"]) == (9, 18, 3)


# The page.


def test_axe_finds_nothing_in_any_state(page):
    demos.draw(page, DEMO, SEVEN)
    assert demos.complaints(page, DEMO) == []
    move(page, "cell", 5)
    assert demos.complaints(page, DEMO) == []


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text


def test_a_broken_file_leaves_the_static_text(browser: sync_api.Browser, address: str) -> None:
    at = f"{address}/{PAGE}"
    text = demos.text_with_a_broken_file(browser, at, DEMO, "hog.json", "seeing-hog-1")
    assert "needs JavaScript" in text
