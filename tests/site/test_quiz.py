"""A chapter's quiz: by keyboard, without JavaScript, and on paper."""

import pytest
from playwright import sync_api

pytestmark = pytest.mark.browser

PAGE = "notebooks/04_first_cnn.html"
ANSWERS = "article details.quiz"


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def quiz(browser: sync_api.Browser, address: str, request: pytest.FixtureRequest):
    context = browser.new_context(java_script_enabled=request.param)
    page = context.new_page()
    page.goto(f"{address}/{PAGE}")
    yield page.locator(ANSWERS)
    context.close()


def test_no_answer_is_given_away(quiz: sync_api.Locator) -> None:
    assert quiz.count() >= 9
    for number in range(quiz.count()):
        sync_api.expect(quiz.nth(number).locator("p")).not_to_be_visible()


def test_the_keyboard_opens_an_answer_and_leaves_the_others(quiz: sync_api.Locator) -> None:
    first, second = quiz.nth(0), quiz.nth(1)
    for one in (first, second):
        one.locator("summary").focus()
        one.page.keyboard.press("Enter")
        sync_api.expect(one.locator("p")).to_be_visible()
        assert one.locator("p strong").first.inner_text() in ("Right.", "Not quite.")
    sync_api.expect(first.locator("p")).to_be_visible()
    first.locator("summary").press("Space")
    sync_api.expect(first.locator("p")).not_to_be_visible()


def test_on_paper_all_answers_are_open(browser: sync_api.Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/{PAGE}")
    page.emulate_media(media="print")
    for one in page.locator(f"{ANSWERS} p").all():
        assert one.bounding_box()["height"] > 10
    page.close()
