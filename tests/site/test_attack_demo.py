"""The demo of attacks has Keras's slopes, keeps to its budget, and goes where the chapter goes."""

import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api

pytestmark = pytest.mark.browser

PAGE = "notebooks/10_when_classifiers_fail.html"
DEMO = "attack-demo"
DIGITS = range(10)
BUDGET = "ε, in levels of 255"

# Images and labels in, slopes out, without controls in between.
SLOPES = """async ([images, labels]) => {
  const { slope } = await import(new URL('../_static/slopes.js', location).href);
  const { network } = document.querySelector('attack-demo');
  return images.map((image, i) =>
    Array.from(slope(network, Float32Array.from(image), labels[i])));
}"""


@pytest.fixture
def exported(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "attack.json")


@pytest.fixture
def checks(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "attack-checks.json")


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def verdict(page: sync_api.Page) -> str:
    return page.locator(f"{DEMO} .demo-verdict").inner_text()


def choose(page: sync_api.Page, digit: int, way: str, epsilon: float) -> None:
    """Set all three, and wait for the attack's end."""
    page.get_by_label("Digit", exact=True).select_option(index=digit)
    [name] = [
        one for one in page.locator(f"#{DEMO}-way option").all_inner_texts() if one.startswith(way)
    ]
    page.get_by_label("Way", exact=True).select_option(name)
    demos.set_slider(page, BUDGET, epsilon)
    wait(page)


def wait(page: sync_api.Page) -> None:
    page.wait_for_function(f"document.querySelector('{DEMO}').found.left === 0")


def changed(page: sync_api.Page) -> np.ndarray:
    """The attacked digit, 784 numbers."""
    return np.array(page.evaluate(f"Array.from(document.querySelector('{DEMO}').found.changed)"))


def originals(exported: dict[str, Any]) -> np.ndarray:
    return np.stack([demos.numbers(probe["image"]) for probe in exported["probes"]])


# What it computes.


def test_its_slopes_are_keras_s_for_digits_and_attacked_digits(page, exported, checks):
    labels = exported["labels"]
    assert labels == list(DIGITS)
    sets = [(originals(exported), checks["slopes"])]
    for one in checks["fgsm"]:
        images = np.stack([demos.numbers(text) for text in one["images"]])
        sets.append((images, one["slopes"]))
    assert len(sets) == 3
    for images, texts in sets:
        found = np.array(page.evaluate(SLOPES, [images.tolist(), labels]))
        for slopes, text in zip(found, texts, strict=True):
            wanted = demos.numbers(text)
            largest = np.abs(wanted).max()
            assert largest > 0
            assert np.abs(slopes - wanted).max() <= 1e-4 * largest


def test_its_fgsm_is_the_chapter_s(page, exported, checks):
    assert [one["epsilon"] for one in checks["fgsm"]] == [8, exported["epsilon"]]
    for one in checks["fgsm"]:
        for digit in DIGITS:
            choose(page, digit, "FGSM", one["epsilon"])
            slopes = demos.numbers(checks["slopes"][digit])
            # A slope this small may have either sign, as numbers are added in another order.
            is_plain = (slopes == 0) | (np.abs(slopes) > 1e-4 * np.abs(slopes).max())
            wanted = demos.numbers(one["images"][digit])
            np.testing.assert_allclose(changed(page)[is_plain], wanted[is_plain], atol=1e-3)
            assert is_plain.mean() > 0.98
            if is_plain.all():
                shares = of_demo(page, "probabilities")
                np.testing.assert_allclose(shares, one["probabilities"][digit], atol=1e-4)


@pytest.mark.parametrize("way", ["noise", "FGSM", "PGD"])
@pytest.mark.parametrize("epsilon", [0, 3.5, 25.5, 51])
def test_no_way_leaves_its_budget_or_the_range(page, exported, way, epsilon):
    for digit in (1, 8):
        choose(page, digit, way, epsilon)
        image, original = changed(page), originals(exported)[digit]
        assert np.abs(image - original).max() == pytest.approx(epsilon, abs=1e-4)
        assert np.abs(image - original).max() <= epsilon
        assert image.min() >= 0 and image.max() <= 255
        np.testing.assert_array_equal(
            page.evaluate(f"Array.from(document.querySelector('{DEMO}').change)"),
            (image - original).astype("float32"),
        )


def test_noise_goes_the_whole_way_up_or_down(page, exported):
    choose(page, 0, "noise", 20)
    original, image = originals(exported)[0], changed(page)
    is_free = (original >= 20) & (original <= 235)
    assert set(np.abs(image - original)[is_free]) == {20}
    up = np.mean(image[original < 20] > original[original < 20])
    assert 0.4 < up < 0.6
    first = image
    page.get_by_role("button", name="Another random start").click()
    second = changed(page)
    assert 0.2 < np.mean(first != second) < 0.8
    page.get_by_role("button", name="Another random start").click()
    assert np.mean(changed(page) != second) > 0.2


def test_attacks_hurt_more_than_noise_and_many_steps_more_than_one(page, exported):
    left = {}
    for way in ("noise", "FGSM", "PGD"):
        logs = []
        for digit in DIGITS:
            choose(page, digit, way, exported["epsilon"])
            logs.append(np.log(of_demo(page, "probabilities")[digit]))
        left[way] = np.mean(logs)
    assert left["PGD"] < left["FGSM"] < left["noise"]


def test_a_step_of_pgd_goes_up_the_slope(page, exported):
    """One more than twenty, with the slopes that are tested above."""
    epsilon = exported["epsilon"]
    choose(page, 5, "PGD", epsilon)
    before, original = changed(page), originals(exported)[5]
    [slopes] = page.evaluate(SLOPES, [[before.tolist()], [5]])
    page.evaluate(
        f"""() => {{
      const demo = document.querySelector('{DEMO}');
      demo.found.left = 1;
      demo.goOn();
    }}"""
    )
    stepped = before + 2.5 * epsilon / 20 * np.sign(slopes)
    wanted = np.clip(np.clip(stepped, original - epsilon, original + epsilon), 0, 255)
    np.testing.assert_allclose(changed(page), wanted, atol=1e-4)
    assert np.mean(wanted != before) > 0.02


def test_another_random_start_ends_elsewhere(page):
    choose(page, 3, "PGD", 25.5)
    first = changed(page)
    page.get_by_role("button", name="Another random start").click()
    wait(page)
    assert np.mean(changed(page) != first) > 0.05
    choose(page, 3, "FGSM", 25.5)
    assert page.get_by_role("button", name="Another random start").is_disabled()


# What it shows.


def test_the_line_says_what_the_network_sees(page, exported):
    choose(page, 8, "FGSM", 0)
    shares = exported["probes"][8]["probabilities"]
    assert int(np.argmax(shares)) == 8
    assert verdict(page) == (
        f"Nothing is changed yet. The network sees an 8 ({100 * shares[8]:.1f} %)."
    )
    for digit in DIGITS:
        choose(page, digit, "PGD", 51)
        shares = of_demo(page, "probabilities")
        seen = int(np.argmax(shares))
        assert verdict(page).startswith("With PGD and ε = 51.0 the network ")
        name = "an 8" if seen == 8 else f"a {seen}"
        still = "still sees" if seen == digit else "sees"
        assert f"the network {still} {name} (" in verdict(page)
        assert ("which it is" in verdict(page)) == (seen != digit)


def test_the_pictures_are_the_digit_its_change_and_their_sum(page, exported):
    choose(page, 2, "noise", 51)
    image, original = changed(page), originals(exported)[2]
    levels = page.evaluate(
        """() => Array.from(document.querySelectorAll('attack-demo canvas'), (canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const side = canvas.width / 28;
      return Array.from({ length: 784 }, (_, i) => {
        const [x, y] = [i % 28, Math.floor(i / 28)].map((at) => Math.floor((at + 0.5) * side));
        const first = 4 * (y * canvas.width + x);
        return Array.from(data.slice(first, first + 3));
      });
    })"""
    )
    digit, change, attacked = np.array(levels)
    np.testing.assert_allclose(digit, np.repeat(255 - original, 3).reshape(-1, 3), atol=1)
    np.testing.assert_allclose(attacked, np.repeat(255 - image, 3).reshape(-1, 3), atol=1)
    moved = image - original
    assert (change[moved == 0] == 255).all()
    assert (change[moved == 51] == [230, 97, 1]).all()
    assert (change[moved == -51] == [94, 60, 153]).all()


# Mouse, finger, keys and the address.


def test_a_mouse_and_a_finger_drag_the_budget(page, browser, address):
    choose(page, 3, "PGD", 0)
    slider = page.get_by_label(BUDGET)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 4, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=12)
    page.mouse.up()
    wait(page)
    epsilon = of_demo(page, "state.epsilon")
    assert epsilon == pytest.approx(25.5, abs=1.5)
    assert np.abs(of_demo(page, "change[400]")) <= epsilon
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    phone = context.new_page()
    phone.goto(f"{address}/{PAGE}")
    phone.wait_for_selector(f"{DEMO}[data-ready]")
    slider = phone.get_by_label(BUDGET)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    phone.touchscreen.tap(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    assert of_demo(phone, "state.epsilon") == pytest.approx(41, abs=2)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_by_keyboard_and_by_link(page, browser):
    page.get_by_label("Way", exact=True).focus()
    page.keyboard.press("End")
    page.get_by_label(BUDGET).focus()
    page.keyboard.press("Home")
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    wait(page)
    page.get_by_role("button", name="Another random start").press("Enter")
    wait(page)
    assert of_demo(page, "state") == {"digit": 3, "way": 2, "epsilon": 4.5, "lot": 1}
    image, words = changed(page), verdict(page)
    other = browser.new_context().new_page()
    other.goto(demos.link(page))
    other.wait_for_selector(f"{DEMO}[data-ready]")
    wait(other)
    np.testing.assert_array_equal(changed(other), image)
    assert verdict(other) == words
    other.context.close()


def test_the_chapter_s_budget_is_a_button_away(page, exported):
    choose(page, 3, "FGSM", 7)
    page.get_by_role("button", name="The chapter's ε").click()
    assert of_demo(page, "state.epsilon") == exported["epsilon"]


@pytest.mark.parametrize(
    "text", ["10_1_5_0", "-1_1_5_0", "0_3_5_0", "0_1_5", "0.5_1_5_0", "x_1_5_0", "0_1_5_0.5", ""]
)
def test_a_link_that_means_nothing_is_ignored(page, address, text):
    first = of_demo(page, "state")
    page.goto("about:blank")
    page.goto(f"{address}/{PAGE}?attack={text}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == first


def test_a_link_beyond_the_slider_s_end_stops_there(page, address):
    page.goto(f"{address}/{PAGE}?attack=2_0_300_77777")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == {"digit": 2, "way": 0, "epsilon": 51, "lot": 9999}


# The page.


def test_axe_finds_nothing_in_any_state(page):
    for way in ("noise", "FGSM", "PGD"):
        choose(page, 4, way, 30)
        assert demos.complaints(page, DEMO) == []


def test_its_files_are_small(html: pathlib.Path) -> None:
    for name in ("attack.json", "attack-checks.json"):
        assert (html / "_static/data" / name).stat().st_size <= 300_000


def test_the_page_does_not_load_what_only_tests_read(browser, address):
    context = browser.new_context()
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/{PAGE}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert any("attack.json" in url for url in asked)
    assert not [url for url in asked if "checks" in url]
    context.close()


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text


def test_a_broken_file_leaves_the_static_text(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_with_a_broken_file(
        browser, f"{address}/{PAGE}", DEMO, "attack.json", "seeing-network-1"
    )
    assert "needs JavaScript" in text
