"""The demo of abstaining counts as NumPy does, by slider, line, button and link."""

import decimal
import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api

pytestmark = pytest.mark.browser

PAGE = "notebooks/10b_shortcuts_and_shift.html"
DEMO = "abstain-demo"
THRESHOLD = "It answers from this value on"
WAY = "How sure it is, by"
WAYS = ("probability", "temperature", "energy", "distance")
KINDS = ("letters", "blank paper")


@pytest.fixture
def exported(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "certainty.json")


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def verdict(page: sync_api.Page) -> str:
    return page.locator(f"{DEMO} .demo-verdict").inner_text()


def values(exported: dict[str, Any], way: str, kind: str = "known") -> np.ndarray:
    texts = exported["known"] if kind == "known" else exported["unknown"][kind]
    return demos.numbers(texts[way]).astype(float)


def is_right(exported: dict[str, Any]) -> np.ndarray:
    return np.array([one == "1" for one in exported["right"]])


def by_numpy(exported: dict[str, Any], way: str, threshold: float) -> dict[str, Any]:
    """What comes of answering from a threshold on."""
    answered = values(exported, way) >= threshold
    return {
        "threshold": threshold,
        "coverage": answered.mean(),
        "risk": 1 - is_right(exported)[answered].mean() if answered.any() else None,
        "declined": {
            kind: np.mean(values(exported, way, kind) < threshold) for kind in exported["unknown"]
        },
    }


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found["coverage"] == pytest.approx(wanted["coverage"], abs=1e-12)
    if wanted["risk"] is None:
        assert np.isnan(found["risk"])
    else:
        assert found["risk"] == pytest.approx(wanted["risk"], abs=1e-12)
    assert found["declined"] == pytest.approx(wanted["declined"], abs=1e-12)


def percent(share: float) -> str:
    """As the page rounds: ties go up, unlike Python's."""
    rounded = decimal.Decimal(100 * share).quantize(decimal.Decimal("0.1"), decimal.ROUND_HALF_UP)
    return f"{rounded} %"


# What it counts.


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("position", [0, 90, 250, 333, 399, 400])
def test_it_counts_as_numpy_at_each_threshold(page, exported, way, position):
    assert tuple(exported["ways"]) == WAYS
    assert tuple(exported["unknown"]) == KINDS
    page.get_by_label(WAY).select_option(way)
    demos.set_slider(page, THRESHOLD, position)
    threshold = of_demo(page, "state.threshold")
    assert_same(of_demo(page, "found"), by_numpy(exported, way, threshold))


@pytest.mark.parametrize("way", WAYS)
def test_the_slider_goes_from_all_to_hardly_any(page, exported, way):
    page.get_by_label(WAY).select_option(way)
    coverages, thresholds = [], []
    for position in range(0, 401, 20):
        demos.set_slider(page, THRESHOLD, position)
        coverages.append(of_demo(page, "found.coverage"))
        thresholds.append(of_demo(page, "state.threshold"))
    assert coverages[0] == 1 and coverages[-1] < 0.05
    assert (np.diff(coverages) <= 0).all() and (np.diff(thresholds) > 0).all()
    assert len(np.unique(coverages)) > 5, "the slider has places where something happens"


@pytest.mark.parametrize("title", ["Answer everything", "Answer nine of ten", "Answer half"])
def test_the_buttons_answer_so_many(page, exported, title):
    share = {"Answer everything": 1, "Answer nine of ten": 0.9, "Answer half": 0.5}[title]
    for way in WAYS:
        page.get_by_label(WAY).select_option(way)
        page.get_by_role("button", name=title).click()
        n = len(exported["right"])
        threshold = np.sort(values(exported, way))[::-1][round(share * n) - 1]
        assert_same(of_demo(page, "found"), by_numpy(exported, way, threshold))
        assert of_demo(page, "found.coverage") >= share


def test_everything_answered_errs_as_often_as_the_network(page, exported):
    page.get_by_role("button", name="Answer everything").click()
    wrong = 1 - is_right(exported).mean()
    assert of_demo(page, "found.risk") == pytest.approx(wrong)
    for found in of_demo(page, "all"):
        assert found["risk"] == pytest.approx(wrong)


def test_another_way_answers_as_many(page, exported):
    page.get_by_label(WAY).select_option("energy")
    demos.set_slider(page, THRESHOLD, 170)
    before = of_demo(page, "found.coverage")
    risks = [found["risk"] for found in of_demo(page, "all")]
    for way in ("distance", "energy"):
        page.get_by_label(WAY).select_option(way)
        assert of_demo(page, "found.coverage") == pytest.approx(before, abs=1e-12)
        assert [found["risk"] for found in of_demo(page, "all")] == pytest.approx(risks)
        for name, found in zip(WAYS, of_demo(page, "all"), strict=True):
            assert_same(found, by_numpy(exported, name, found["threshold"]))
    assert 0 < before < 1


def test_the_curves_are_numpy_s(page, exported):
    for way, curve in zip(WAYS, of_demo(page, "curves"), strict=True):
        sure, right = values(exported, way), is_right(exported)
        assert len(curve) > 100
        for coverage, risk in curve[:: len(curve) // 20]:
            answered = sure >= np.sort(sure)[::-1][round(coverage * len(sure)) - 1]
            assert coverage == pytest.approx(answered.mean(), abs=1e-12)
            assert risk == pytest.approx(1 - right[answered].mean(), abs=1e-12)
        assert curve[-1] == pytest.approx([1, 1 - right.mean()], abs=1e-12)


def test_a_threshold_above_all_answers_nothing(page, address):
    page.goto(f"{address}/{PAGE}?abstain=1_1000000")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert verdict(page) == (
        "It answers none of the digits. It declines 100.0 % of the letters, "
        "100.0 % of the blank paper."
    )
    assert page.locator(f"{DEMO} circle").count() == 0
    page.get_by_label(WAY).select_option("distance")
    assert verdict(page).startswith("It answers none of the digits.")


# What it shows.


def test_the_line_and_the_table_say_the_numbers(page, exported):
    for way in WAYS:
        page.get_by_label(WAY).select_option(way)
        demos.set_slider(page, THRESHOLD, 200)
        found = of_demo(page, "found")
        assert_same(found, by_numpy(exported, way, found["threshold"]))
        texts = [percent(found[name]) for name in ("coverage", "risk")]
        texts += [percent(found["declined"][kind]) for kind in KINDS]
        assert verdict(page) == (
            f"It answers {texts[0]} of the digits, and {texts[1]} of these answers are wrong. "
            f"It declines {texts[2]} of the letters, {texts[3]} of the blank paper."
        )
        line = page.locator(f"{DEMO} tr", has_text=way).inner_text().split("\t")
        assert [cell.strip() for cell in line] == [way, *texts]


def test_bars_right_of_the_line_are_answered(page):
    for position in (0, 150, 400):
        demos.set_slider(page, THRESHOLD, position)
        at = page.locator(f"{DEMO} .threshold").evaluate("one => one.x1.baseVal.value")
        for kind in ("answered", "declined"):
            bars = page.locator(f"{DEMO} rect.{kind}").evaluate_all(
                "all => all.map((one) => one.x.baseVal.value + one.width.baseVal.value / 2)"
            )
            assert all((x >= at - 4) if kind == "answered" else (x <= at + 4) for x in bars)


# Mouse, finger, keys and the address.


def test_a_mouse_drags_the_line(page, exported):
    picture = page.locator(f"{DEMO} svg").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    y = box["y"] + box["height"] / 2
    before = of_demo(page, "state.threshold")
    page.mouse.move(box["x"] + 0.5 * box["width"], y)
    assert of_demo(page, "state.threshold") == before, "it moves only while it is held"
    page.mouse.down()
    seen = []
    for share in (0.4, 0.6, 0.95):
        page.mouse.move(box["x"] + share * box["width"], y, steps=4)
        at = page.locator(f"{DEMO} .threshold").bounding_box()
        assert at["x"] == pytest.approx(box["x"] + share * box["width"], abs=4)
        seen.append(of_demo(page, "found.coverage"))
        wanted = by_numpy(exported, "probability", of_demo(page, "state.threshold"))
        assert_same(of_demo(page, "found"), wanted)
    page.mouse.up()
    assert seen[0] > seen[2]


def test_a_finger_moves_the_line_on_a_phone(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(f"{address}/{PAGE}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    picture = page.locator(f"{DEMO} svg").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.touchscreen.tap(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
    low = of_demo(page, "state.threshold")
    page.touchscreen.tap(box["x"] + 0.7 * box["width"], box["y"] + box["height"] / 2)
    assert of_demo(page, "state.threshold") > low
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_by_keyboard_and_by_link(page, browser):
    page.get_by_label(WAY).focus()
    page.keyboard.press("ArrowDown")
    assert of_demo(page, "state.way") == 1
    page.get_by_label(THRESHOLD).focus()
    before = of_demo(page, "state.threshold")
    page.keyboard.press("ArrowRight")
    assert of_demo(page, "state.threshold") > before
    page.keyboard.press("Home")
    assert of_demo(page, "found.coverage") == 1
    page.get_by_role("button", name="Answer half").press("Enter")
    state, found, words = of_demo(page, "state"), of_demo(page, "found"), verdict(page)
    other = browser.new_context().new_page()
    other.goto(demos.link(page))
    other.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(other, "state") == state
    assert of_demo(other, "found") == found
    assert verdict(other) == words
    other.context.close()


@pytest.mark.parametrize("text", ["4_0.5", "-1_0.5", "0.5_0.5", "1", "0_0.5_1", "x_0.5", ""])
def test_a_link_that_means_nothing_is_ignored(page, address, text):
    first = of_demo(page, "state")
    page.goto("about:blank")
    page.goto(f"{address}/{PAGE}?abstain={text}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == first


# The page.


def test_axe_finds_nothing_in_any_state(page, address):
    assert demos.complaints(page, DEMO) == []
    page.goto(f"{address}/{PAGE}?abstain=2_1000000")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert demos.complaints(page, DEMO) == []


def test_its_file_is_small(html: pathlib.Path) -> None:
    assert (html / "_static/data/certainty.json").stat().st_size <= 300_000


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text


def test_a_broken_file_leaves_the_static_text(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_with_a_broken_file(
        browser, f"{address}/{PAGE}", DEMO, "certainty.json", "seeing-certainty-1"
    )
    assert "needs JavaScript" in text
