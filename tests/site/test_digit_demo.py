"""The draw-a-digit demo computes what Keras computes, by mouse, finger, keyboard and link."""

import base64
import hashlib
import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api

from seeing.datasets import mnist

pytestmark = pytest.mark.browser

PAGE = "notebooks/04_first_cnn.html"
DEMO = "digit-demo"
FRONT = "book/front.html"

ONE = [[(0.5, 0.15), (0.5, 0.85)]]
SEVEN = [[(0.25, 0.25), (0.75, 0.25), (0.45, 0.85)]]

# Images in, probabilities out, without a drawing field in between.
PREDICTED = """async (digits) => {
  const { predict } = await import(new URL('../_static/network.js', location).href);
  const { network } = document.querySelector('digit-demo');
  const pixels = Uint8Array.from(atob(digits), (one) => one.charCodeAt(0));
  const size = 28 * 28;
  return Array.from({ length: pixels.length / size }, (_, i) =>
    predict(network, Float32Array.from(pixels.subarray(i * size, (i + 1) * size), (p) => p / 255)));
}"""


@pytest.fixture
def exported(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "digit-network.json")


@pytest.fixture
def checks(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "digit-checks.json")


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def probabilities(page: sync_api.Page) -> list[float] | None:
    return of_demo(page, "probabilities")


def verdict(page: sync_api.Page) -> str:
    return page.locator(f"{DEMO} .demo-verdict").inner_text()


def given(page: sync_api.Page) -> np.ndarray:
    """What the network got, shape (28, 28)."""
    image = page.evaluate(f"Array.from(document.querySelector('{DEMO}').image)")
    return np.array(image).reshape(28, 28)


def press(page: sync_api.Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


# What it computes.


def test_the_browser_computes_what_keras_computed(page, exported):
    assert len(exported["probes"]) == 10
    for probe in exported["probes"]:
        press(page, "Show a test digit")
        np.testing.assert_allclose(probabilities(page), probe["probabilities"], atol=1e-4)
        np.testing.assert_array_equal(given(page).ravel(), demos.numbers(probe["image"]))


def test_it_does_so_for_a_thousand_test_digits(page, checks):
    images = mnist.load(allow_stand_in=True).X_test[:1_000]
    assert len(images) == checks["images"] == 1_000
    digest = hashlib.sha256(images.tobytes()).hexdigest()
    assert digest == checks["sha256"], "the chapter was executed with other digits: build it anew"
    found = page.evaluate(PREDICTED, base64.b64encode(images.tobytes()).decode())
    wanted = demos.numbers(checks["probabilities"]).reshape(-1, 10)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert len(np.unique(wanted.argmax(axis=1))) == 10


def test_a_probe_is_a_real_image(exported):
    image = demos.numbers(exported["probes"][7]["image"])
    assert image.shape == (28 * 28,)
    assert image.min() == 0
    assert 0.5 < image.max() <= 1


def test_the_feature_maps_are_keras_s(page, checks):
    for _ in range(8):  # the last one is the seven
        press(page, "Show a test digit")
    shapes = [(12, 12, 24), (5, 5, 32), (3, 3, 64)]
    assert len(checks["maps"]) == len(shapes)
    for index, (wanted, shape) in enumerate(zip(checks["maps"], shapes, strict=True)):
        layer = f"featureMaps[{index}]"
        found = page.evaluate(f"Array.from(document.querySelector('{DEMO}').{layer}.values)")
        assert (
            tuple(of_demo(page, f"{layer}.{n}") for n in ("height", "width", "channels")) == shape
        )
        np.testing.assert_allclose(found, demos.numbers(wanted), atol=1e-4)
    captions = page.locator(".digit-demo-maps figcaption").all_inner_texts()
    assert captions == [
        f"After convolution {i + 1}: {channels} maps of {height} × {width}"
        for i, (height, width, channels) in enumerate(shapes)
    ]


def test_the_nearest_training_digits_are_the_nearest(page, exported):
    demos.draw(page, DEMO, SEVEN)
    known = exported["training_digits"]
    assert len(known) == 200
    assert sorted({one["label"] for one in known}) == list(range(10))
    images = np.array([demos.levels(one["ink"]) for one in known]) / 15
    distances = np.linalg.norm((images - given(page)).reshape(200, -1), axis=1)
    order = np.argsort(distances)[:8]
    found = [one["distance"] for one in of_demo(page, "nearest")]
    np.testing.assert_allclose(found, distances[order], atol=1e-5)
    captions = page.locator(".digit-demo-alike figcaption").all_inner_texts()
    assert captions == [f"labeled {known[i]['label']}" for i in order]


def test_below_the_bar_it_says_none_of_these(page, exported):
    assert 0.1 < exported["bar"] < 1
    scribbles = [
        SEVEN,
        [[(0.2, 0.2), (0.8, 0.8)], [(0.8, 0.2), (0.2, 0.8)]],
        [[(0.2, 0.5), (0.8, 0.5)], [(0.5, 0.2), (0.5, 0.8)], [(0.2, 0.2), (0.2, 0.8)]],
    ]
    for scribble in scribbles:
        press(page, "Clear")
        demos.draw(page, DEMO, scribble)
        is_refused = max(probabilities(page)) < exported["bar"]
        assert verdict(page).startswith("None of these" if is_refused else "The network sees")
    page.evaluate(f"document.querySelector('{DEMO}').network.bar = 1.01")
    press(page, "Show a test digit")
    best = int(np.argmax(probabilities(page)))
    assert verdict(page).startswith(f"None of these, says the rule. The likeliest digit, {best}, ")
    assert verdict(page).endswith("the bar is at 101.0 %.")


def test_its_file_is_small(html: pathlib.Path) -> None:
    assert (html / "_static/data/digit-network.json").stat().st_size <= 300_000


# Drawing.


def test_a_drawn_one_is_read_as_a_one_wherever_it_stands(page):
    for x in (0.2, 0.5, 0.85):
        press(page, "Clear")
        demos.draw(page, DEMO, [[(x, 0.15), (x, 0.85)]])
        assert int(np.argmax(probabilities(page))) == 1
    assert "sees a 1" in verdict(page)


def test_centering_can_be_switched_off(page):
    demos.draw(page, DEMO, [[(0.15, 0.1), (0.15, 0.45)]])
    whole = given(page)
    rows, columns = np.nonzero(whole)
    assert 20 <= np.ptp(rows) + 1 <= 22
    middle = [np.average(places, weights=whole[rows, columns]) for places in (rows, columns)]
    np.testing.assert_allclose(middle, 13.5, atol=0.6)
    page.get_by_label("Scale and center a drawing").uncheck()
    as_drawn = given(page)
    assert np.nonzero(as_drawn)[1].max() < 8
    ink = page.evaluate(f"Array.from(document.querySelector('{DEMO}').field.ink)")
    np.testing.assert_array_equal(as_drawn.ravel(), ink)
    # A test digit is as the network met it, with or without.
    press(page, "Show a test digit")
    first = given(page)
    page.get_by_label("Scale and center a drawing").check()
    np.testing.assert_array_equal(given(page), first)


def test_clear_forgets_the_drawing(page):
    demos.draw(page, DEMO, [[(0.3, 0.3), (0.7, 0.7)]])
    assert sum(probabilities(page)) == pytest.approx(1)
    press(page, "Clear")
    assert probabilities(page) is None
    assert verdict(page) == "Nothing drawn yet."
    assert "ink=" not in demos.link(page)


def test_a_stroke_replaces_a_test_digit(page):
    press(page, "Show a test digit")
    demos.draw(page, DEMO, ONE)
    ink = page.evaluate(f"Array.from(document.querySelector('{DEMO}').field.ink)")
    assert np.nonzero(np.array(ink).reshape(28, 28))[1].min() > 10


def test_it_can_be_drawn_with_the_keyboard_alone(page):
    demos.draw_with_keys(page, DEMO, "↑" * 8, ["↓" * 16])
    assert int(np.argmax(probabilities(page))) == 1
    assert "ink=" in demos.link(page)


def test_it_can_be_drawn_with_a_finger(page):
    demos.draw_with_a_finger(page, DEMO, ONE)
    assert int(np.argmax(probabilities(page))) == 1
    assert "ink=" in demos.link(page)


# The address.


def test_a_link_shows_the_same(page, browser):
    sent = []
    demos.draw(page, DEMO, SEVEN)
    page.get_by_label("Scale and center a drawing").uncheck()
    page.get_by_text("What the network saw on the way").click()
    page.wait_for_function(f"!document.querySelector('{DEMO}').state.maps")
    state, words, before = of_demo(page, "state"), verdict(page), probabilities(page)
    assert state == {"sample": -1, "centers": False, "maps": False, "alike": True}
    other = browser.new_context().new_page()
    other.on("request", lambda request: sent.append(request.url))
    other.goto(demos.link(page))
    other.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(other, "state") == state
    assert probabilities(other) == before
    assert verdict(other) == words
    drawing = demos.link(page).partition("#ink=")[2]
    assert len(drawing) > 50
    assert not [url for url in sent if drawing in url.partition("#")[0]]
    other.context.close()


def test_opening_the_page_leaves_its_address_alone(page, address):
    page.wait_for_timeout(300)  # a fold that is open tells so late
    assert demos.link(page) == f"{address}/{PAGE}"


def test_a_link_to_a_test_digit_shows_it(page, exported):
    page.goto(f"{demos.link(page)}?digit=4_1_1_0")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    wanted = exported["probes"][4]["probabilities"]
    np.testing.assert_allclose(probabilities(page), wanted, atol=1e-4)
    press(page, "Show a test digit")
    assert of_demo(page, "state.sample") == 5


@pytest.mark.parametrize(
    "end",
    [
        "?digit=10_1_1_1",
        "?digit=1_1",
        "?digit=x_1_1_1",
        "?digit=",
        "#ink=",
        "#ink=y?",
        "#ink=ZZZ0Z",
    ],
)
def test_a_link_that_means_nothing_is_ignored(page, address, end):
    first = of_demo(page, "state")
    page.goto("about:blank")
    page.goto(f"{address}/{PAGE}{end}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == first


def test_another_link_on_the_open_page_shows_its_drawing(page):
    demos.draw(page, DEMO, ONE)
    one, before = demos.link(page), probabilities(page)
    press(page, "Clear")
    demos.draw(page, DEMO, SEVEN)
    page.evaluate("address => (location.hash = new URL(address).hash)", one)
    page.wait_for_function(
        f"before => document.querySelector('{DEMO}').probabilities[0] === before[0]", arg=before
    )
    assert probabilities(page) == before


# The page.


def test_axe_finds_nothing_in_any_state(page):
    demos.draw(page, DEMO, SEVEN)
    page.evaluate(f"document.querySelector('{DEMO}').network.bar = 1.01")
    page.get_by_label("Scale and center a drawing").uncheck()
    assert demos.complaints(page, DEMO) == []
    page.get_by_text("What the network saw on the way").click()
    press(page, "Clear")
    assert demos.complaints(page, DEMO) == []


def test_the_front_page_begins_with_a_test_digit_and_closed_folds(browser, address, exported):
    page = browser.new_page()
    page.goto(f"{address}/{FRONT}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    wanted = exported["probes"][0]["probabilities"]
    np.testing.assert_allclose(probabilities(page), wanted, atol=1e-4)
    assert not page.locator(".digit-demo-maps").is_visible()
    page.get_by_text("Most alike of 200 training digits").click()
    page.wait_for_selector(".digit-demo-alike canvas")
    assert page.locator(".digit-demo-alike canvas").count() == 8
    page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_on_the_front_page_when_it_starts(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    held = []
    page.route("**/digit-network.json", lambda route: held.append(route))
    page.goto(f"{address}/{FRONT}")
    while not held:
        page.wait_for_timeout(50)
    kept = page.locator(DEMO).bounding_box()["height"]
    held.pop().continue_()
    page.wait_for_selector(f"{DEMO}[data-ready]")
    # Other fonts may ask for a little more or less.
    assert page.locator(DEMO).bounding_box()["height"] == pytest.approx(kept, abs=8)
    page.close()


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
