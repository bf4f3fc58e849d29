"""The demo of the threshold counts as scikit-learn does, by slider, button, number and link."""

import pathlib
from typing import Any

import demos
import numpy as np
import pytest
from playwright import sync_api
from scipy import special
from sklearn import metrics

pytestmark = pytest.mark.browser

PAGE = "notebooks/05_metrics.html"
DEMO = "threshold-demo"


@pytest.fixture
def exported(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "scores.json")


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def arrays(exported: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(exported["logits"]), np.array([c == "1" for c in exported["positives"]])


def test_it_counts_as_scikit_learn_at_each_threshold(page, exported):
    n = len(exported["logits"])
    assert len(exported["checks"]) == 5
    for check in exported["checks"]:
        demos.set_slider(page, 'Say "an eight" from', check["threshold"])
        found = of_demo(page, "found")
        for kind in ("tp", "fp", "fn", "tn"):
            assert found[kind] * n / 1000 == pytest.approx(check[kind], abs=1e-6), kind


def test_the_curves_are_scikit_learn_s(page, exported):
    logits, positive = arrays(exported)
    curve = np.array(of_demo(page, "scores.curve"))
    alarms, recall, _ = metrics.roc_curve(positive, logits, drop_intermediate=False)
    assert curve[0].tolist() == [0, 0] and curve[-1].tolist() == [1, 1]
    # Thinned, not moved: each of its points is one of the curve's.
    known = {(round(a, 9), round(r, 9)) for a, r in zip(alarms, recall, strict=True)}
    assert {(round(a, 9), round(r, 9)) for r, a in curve.tolist()} <= known
    area = np.trapezoid(curve[:, 0], curve[:, 1])
    assert area == pytest.approx(metrics.roc_auc_score(positive, logits), abs=2e-3)


def test_rarer_positives_move_precision_and_not_recall(page, exported):
    demos.set_slider(page, 'Say "an eight" from', 0)
    before = of_demo(page, "found")
    demos.set_slider(page, "Of 1,000 images", -2)
    after = of_demo(page, "found")
    assert after["recall"] == before["recall"]
    assert after["falseAlarms"] == before["falseAlarms"]
    assert after["tp"] + after["fn"] == pytest.approx(10)
    hits, alarms = 0.01 * after["recall"], 0.99 * after["falseAlarms"]
    assert after["precision"] == pytest.approx(hits / (hits + alarms))


def test_jobs_formula_and_the_cheapest(page, exported):
    page.get_by_role("button", name="screening").click()
    page.get_by_role("button", name="the formula's threshold").click()
    assert of_demo(page, "state.threshold") == pytest.approx(special.logit(1 / 51))
    at_formula = of_demo(page, "found.cost")
    page.get_by_role("button", name="the cheapest threshold").click()
    logits, positive = arrays(exported)
    tried = np.arange(-7, 7.001, 0.05).round(4)
    costs = [
        1000 * np.mean(50 * (positive & (logits < one)) + (~positive & (logits >= one)))
        for one in tried
    ]
    assert of_demo(page, "found.cost") == pytest.approx(min(costs))
    assert of_demo(page, "found.cost") <= at_formula + 1e-9
    page.get_by_label("A false alarm costs").fill("100")
    assert of_demo(page, "state.alarm") == 100
    page.get_by_label("A false alarm costs").fill("")
    assert of_demo(page, "state.alarm") == 100


def test_the_temperature_changes_what_is_said_and_not_the_order(page, exported):
    logits, positive = arrays(exported)
    demos.set_slider(page, "Temperature", 2)
    probability = special.expit(logits / 2)
    bins = np.minimum(9, (probability * 10).astype(int))
    wanted = [[probability[bins == k].mean(), positive[bins == k].mean()] for k in np.unique(bins)]
    found = [[one["said"], one["right"]] for one in of_demo(page, "reliability")]
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    demos.set_slider(page, 'Say "an eight" from', 1)
    said = probability >= special.expit(1.0)
    assert of_demo(page, "found.recall") == pytest.approx(said[positive].mean())


def test_by_keyboard_and_by_link(page):
    page.get_by_label('Say "an eight" from').focus()
    before = of_demo(page, "state.threshold")
    page.keyboard.press("ArrowRight")
    assert of_demo(page, "state.threshold") == pytest.approx(before + 0.05)
    found, words = of_demo(page, "found"), page.inner_text(f"{DEMO} .demo-verdict")
    page.goto(page.url)
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "found") == pytest.approx(found)
    assert page.inner_text(f"{DEMO} .demo-verdict") == words


def test_an_answer_to_nobody_is_undefined_and_not_zero(page):
    page.evaluate("document.querySelector('threshold-demo').show({threshold: 99})")
    assert "precision undefined" in page.inner_text(".threshold-demo-counts caption")


def test_without_javascript_the_static_text_stays(browser: sync_api.Browser, address: str) -> None:
    text = demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    assert "needs JavaScript" in text
