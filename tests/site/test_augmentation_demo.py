"""The demo of changed digits does what SciPy does to pixels, and asks chapter 4's network."""

import base64
import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api
from scipy import ndimage

pytestmark = pytest.mark.browser

PAGE = "notebooks/06_generalization.html"
DEMO = "augmentation-demo"
NEUTRAL = {"turn": 0, "right": 0, "down": 0, "size": 1, "contrast": 1, "noise": 0}


@pytest.fixture
def probes(html: pathlib.Path) -> list[dict[str, Any]]:
    return demos.exported(html, "digit-network.json")["probes"]


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def pixels(page: sync_api.Page) -> np.ndarray:
    """The changed digit, shape (28, 28)."""
    script = f"Array.from(document.querySelector('{DEMO}').image)"
    return np.array(page.evaluate(script)).reshape(28, 28)


def written(probes: list[dict[str, Any]], digit: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(probes[digit]["image"]), dtype="<f4").reshape(28, 28)


def show(page: sync_api.Page, **change: object) -> None:
    state = {**NEUTRAL, "mirrored": False, **change}
    page.evaluate("([demo, state]) => document.querySelector(demo).show(state)", [DEMO, state])


def by_scipy(
    digit: np.ndarray, *, turn: float = 0, right: float = 0, down: float = 0, size: float = 1
) -> np.ndarray:
    """The same change by SciPy: linear interpolation, and nothing beyond the edge."""
    angle = np.deg2rad(turn)
    cosine, sine = np.cos(angle), np.sin(angle)
    # Rows come first: where a target pixel's row and column lie in the source.
    matrix = np.array([[cosine, -sine], [sine, cosine]]) / size
    middle = np.array([13.5, 13.5])
    offset = middle - matrix @ (middle + np.array([down, right]))
    return ndimage.affine_transform(digit, matrix, offset, order=1, mode="grid-constant")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"turn": 180},
        {"turn": 35},
        {"turn": -90},
        {"right": 3, "down": -2},
        {"right": 2.5},
        {"size": 0.6},
        {"size": 1.7},
        {"turn": -50, "right": 4, "down": 1.5, "size": 0.8},
    ],
)
def test_pixels_move_as_scipy_moves_them(page, probes, change):
    for digit in (2, 6):
        show(page, digit=digit, **change)
        wanted = by_scipy(written(probes, digit), **change)
        np.testing.assert_allclose(pixels(page), wanted, atol=1e-5)


def test_a_half_turn_and_a_mirror_are_exact(page, probes):
    show(page, digit=6, turn=180)
    np.testing.assert_allclose(pixels(page), written(probes, 6)[::-1, ::-1], atol=1e-5)
    show(page, digit=6, mirrored=True)
    np.testing.assert_allclose(pixels(page), written(probes, 6)[:, ::-1], atol=1e-6)


def test_contrast_is_about_the_mean_and_noise_has_its_strength(page, probes):
    digit = written(probes, 6)
    show(page, digit=6, contrast=0)
    np.testing.assert_allclose(pixels(page), digit.mean(), atol=1e-6)
    show(page, digit=6, contrast=0.5)
    np.testing.assert_allclose(pixels(page), digit.mean() + (digit - digit.mean()) / 2, atol=1e-6)
    pattern = np.array(page.evaluate(f"Array.from(document.querySelector('{DEMO}').pattern)"))
    assert abs(pattern.mean()) < 0.15
    assert 0.9 < pattern.std() < 1.1
    show(page, digit=6, noise=0.3)
    noisy = np.clip(digit + 0.3 * pattern.reshape(28, 28), 0, 1)
    np.testing.assert_allclose(pixels(page), noisy, atol=1e-6)


def test_an_unchanged_digit_gets_the_answer_that_keras_gave(page, probes):
    for digit, probe in enumerate(probes):
        show(page, digit=digit)
        np.testing.assert_allclose(
            of_demo(page, "probabilities"), probe["probabilities"], atol=1e-4
        )


def test_by_button_slider_key_and_link(page):
    demo = page.locator(DEMO)
    demo.get_by_role("button", name="half a turn").click()
    assert of_demo(page, "state.turn") == 180
    demos.set_slider(page, "Size", 0.5)
    page.get_by_label("Shift down, in pixels").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_label("The digit that was written").select_option("9")
    page.get_by_label("Mirrored").check()
    state = of_demo(page, "state")
    assert state == {**NEUTRAL, "turn": 180, "size": 0.5, "down": 0.5, "digit": 9, "mirrored": True}
    words = demo.locator(".demo-verdict").inner_text()
    assert words.startswith("Written as a 9; the network ")
    assert words.endswith("Would you still call it a 9?")
    page.goto(page.url)
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == state
    demo.get_by_role("button", name="as it was").click()
    assert of_demo(page, "state") == {**NEUTRAL, "digit": 9, "mirrored": False}


@pytest.mark.parametrize("text", ["10_0_0_0_1_1_0_0", "6_0_0", "6_x_0_0_1_1_0_0", ""])
def test_a_link_that_means_nothing_is_ignored(page, text):
    first = of_demo(page, "state")
    page.goto(f"{page.url.partition('?')[0]}?change={text}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == first


def test_a_link_beyond_the_sliders_ends_stops_there(page):
    page.goto(f"{page.url.partition('?')[0]}?change=6_900_0_0_0_1_0_0")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state.turn") == 180
    assert of_demo(page, "state.size") == pytest.approx(0.3)


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text
