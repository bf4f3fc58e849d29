"""A field in the page takes the same answers as the exercise's cell does in a notebook."""

import pytest
from playwright import sync_api

from seeing import checks

pytestmark = pytest.mark.browser

PAGE = "notebooks/03_convolution.html"
DEMO = "exercise-answer"


def put(page: sync_api.Page, exercise: checks.Exercise) -> sync_api.Locator:
    """A field for an exercise, at the page's head."""
    page.evaluate(
        """({name, seal, hint, tolerance, choices}) => {
          document.querySelector('#made')?.remove();
          const field = document.createElement('exercise-answer');
          const settings = {name, seal, hint, tolerance};
          Object.entries(settings).forEach(([key, one]) => field.setAttribute(key, one));
          if (choices.length) field.setAttribute('choices', choices.join('|'));
          field.id = 'made';
          document.querySelector('article').prepend(field);
        }""",
        {
            "name": exercise.name,
            "seal": exercise.seal,
            "hint": exercise.hint,
            "tolerance": exercise.tolerance,
            "choices": list(exercise.choices),
        },
    )
    return page.locator("#made")


def said(field: sync_api.Locator, answer: str) -> str:
    """What the field says of an answer that is typed and sent by the Enter key."""
    box = field.locator("input")
    box.fill(answer)
    box.press("Enter")
    sync_api.expect(field.locator("output")).not_to_be_empty()
    field.page.wait_for_timeout(50)
    return field.locator("output").inner_text()


def sealed(answer: float | str, tolerance: float, **more: object) -> checks.Exercise:
    seal = checks._seal(answer, tolerance, "exercise_9/0")
    return checks.Exercise("exercise_9", seal, hint="think", tolerance=tolerance, **more)


@pytest.mark.parametrize(
    ("answer", "tolerance"),
    [(12, 1e-6), (-0.001, 1e-6), (0, 0.5), (4816.896, 1.0), (1.5, 0.03), (16_981_120, 0.5)],
)
def test_a_number_is_right_where_python_says_so(page, answer, tolerance):
    exercise = sealed(answer, tolerance)
    field = put(page, exercise)
    for given in (answer, answer + 0.9 * tolerance, answer - 0.9 * tolerance):
        assert exercise.check(given)
        assert said(field, repr(given)) == "Right.", given
    for given in (answer + 1.1 * tolerance, answer - 1.1 * tolerance, answer + 1, -answer - 7):
        if not exercise.check(given):
            assert said(field, repr(given)) == "Not yet. Hint: think", given


def test_numbers_may_be_written_as_pages_print_them(page):
    field = put(page, sealed(-1234.5, 1e-3))
    for text in ("-1234.5", "−1,234.5", " -1 234.5 ", "-1.2345e3"):
        assert said(field, text) == "Right.", text
    assert said(field, "twelve") == '"twelve" is no number.'
    assert said(field, " ") == "Not answered yet."


def test_a_word_is_right_in_any_case_of_letters(page):
    field = put(page, sealed("The Flipped Kernel", 1e-6))
    assert said(field, "the flipped kernel") == "Right."
    assert said(field, "the same kernel") == "Not yet. Hint: think"


def test_a_choice_and_a_hint_by_keyboard(page):
    field = put(page, sealed("b", 1e-6, choices=("a", "b")))
    field.locator("select").select_option("b")
    field.get_by_role("button", name="Check").focus()
    page.keyboard.press("Enter")
    sync_api.expect(field.locator("output")).to_have_text("Right.")
    field.get_by_role("button", name="Hint").focus()
    page.keyboard.press("Space")
    sync_api.expect(field.locator("output")).to_have_text("Hint: think")


def test_the_page_s_own_exercises_know_their_answers(page):
    """Four of chapter 3's; the fifth asks for a function."""
    answers = {
        "exercise_1": "4",
        "exercise_3": "the flipped kernel",
        "exercise_4": "14",
        "exercise_5": "the dense network",
    }
    assert page.locator(DEMO).count() == len(answers)
    for name, answer in answers.items():
        field = page.locator(f"{DEMO}[name={name}]")
        choices = field.locator("select")
        if choices.count():
            choices.select_option(answer)
        else:
            field.locator("input").fill(answer)
        field.get_by_role("button", name="Check").click()
        sync_api.expect(field.locator("output")).to_have_text("Right.")


def test_no_field_holds_its_answer(page):
    for name in ("exercise_1", "exercise_4"):
        written = page.locator(f"{DEMO}[name={name}]").evaluate("one => one.outerHTML")
        assert "value=" not in written.replace('value=""', "")
