"""Self-checking exercises: right, wrong, unanswered, and what each says."""

import dataclasses
import re

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seeing import checks

FINITE = st.floats(-1e6, 1e6)
HINT = "think of the border"


@pytest.mark.parametrize("given", [None, ...])
def test_no_answer_yet_prints_the_hint_and_goes_on(given, capsys):
    assert checks.answer(given, 3, hint=HINT) is False
    assert capsys.readouterr().out == f"Not answered yet. Hint: {HINT}\n"


def test_a_right_answer(capsys):
    assert checks.answer(3, 3, hint=HINT) is True
    assert capsys.readouterr().out == "Right.\n"


def test_a_wrong_answer_prints_the_hint_and_goes_on(capsys):
    assert checks.answer(4, 3, hint=HINT) is False
    assert capsys.readouterr().out == f"Not yet: 4 is not the answer. Hint: {HINT}\n"


@pytest.mark.parametrize("given", [None, ..., 4, "three", [3]])
def test_a_solution_that_is_wrong_or_missing_fails_the_build(given, capsys):
    with pytest.raises(AssertionError, match=HINT):
        checks.answer(given, 3, hint=HINT, required=True)
    assert capsys.readouterr().out == ""


def test_a_solution_that_is_right_passes(capsys):
    assert checks.answer(3, 3, hint=HINT, required=True)
    assert capsys.readouterr().out == "Right.\n"


@pytest.mark.parametrize("given", [0, 0.0, False, np.float32(0), np.array(0)])
def test_zero_is_an_answer(given):
    assert checks.answer(given, 0, hint=HINT)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(expected=FINITE, share=st.floats(-0.99, 0.99), tolerance=st.floats(1e-3, 1e3))
def test_within_the_tolerance_is_right(capsys, expected, share, tolerance):
    assert checks.answer(expected + share * tolerance, expected, hint=HINT, tolerance=tolerance)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    expected=FINITE,
    times=st.floats(1.01, 100),
    sign=st.sampled_from([-1, 1]),
    tolerance=st.floats(1e-3, 1e3),
)
def test_beyond_the_tolerance_is_wrong_however_large_the_number(
    capsys, expected, times, sign, tolerance
):
    given = expected + sign * times * tolerance
    assert not checks.answer(given, expected, hint=HINT, tolerance=tolerance)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=FINITE), st.data()
)
def test_one_wrong_number_in_an_array_is_noticed(capsys, expected, data):
    assert checks.answer(expected.tolist(), expected, hint=HINT)
    place = data.draw(st.integers(0, expected.size - 1))
    given = expected.copy()
    given.flat[place] += 0.1
    assert not checks.answer(given, expected, hint=HINT)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(st.integers(-(10**6), 10**6), st.sampled_from([1, 2, 0.5, -3]))
def test_a_wrong_answer_does_not_give_the_right_one_away(capsys, expected, off):
    capsys.readouterr()
    given = expected + off
    checks.answer(given, expected, hint=HINT)
    said = capsys.readouterr().out
    assert said == f"Not yet: {given!r} is not the answer. Hint: {HINT}\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([1, 2, 3], "the shape is (3,), expected (2,)"),
        (1, "the shape is (), expected (2,)"),
        ([[1, 2]], "the shape is (1, 2), expected (2,)"),
        ([1, [2, 3]], "expected a number or an array of numbers, got list"),
        ("one", "expected a number or an array of numbers, got str"),
        (object(), "expected a number or an array of numbers, got object"),
        ({1: 2}, "expected a number or an array of numbers, got dict"),
        (np.full(7, 2.0), "the shape is (7,), expected (2,)"),
        ([float("nan"), 2], "[nan, 2] is not the answer"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(given, said, capsys):
    assert not checks.answer(given, [1, 2], hint=HINT)
    assert capsys.readouterr().out == f"Not yet: {said}. Hint: {HINT}\n"


def test_a_long_array_is_not_printed_in_full(capsys):
    assert not checks.answer(np.zeros(100), np.ones(100), hint=HINT)
    assert "array of shape (100,) is not the answer" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["softmax", "Softmax", "  SOFTMAX\n"])
def test_words_match_whatever_their_case_and_spaces(given):
    assert checks.answer(given, "softmax", hint=HINT)


@pytest.mark.parametrize("given", ["soft max", "", 3, ["softmax"]])
def test_another_word_is_wrong(given, capsys):
    assert not checks.answer(given, "softmax", hint=HINT)
    assert f"{given!r} is not the answer" in capsys.readouterr().out


# Functions.


def double(value):
    return 2 * value


CASES = [((1,), 2), ((2.5,), 5.0), ((np.array([1, 2]),), [2, 4])]


def test_a_function_that_is_right_in_every_case(capsys):
    assert checks.function(double, CASES, hint=HINT)
    assert checks.function(double, CASES[:1], hint=HINT, required=True)
    assert capsys.readouterr().out == "Right, in 3 cases.\nRight, in 1 case.\n"


def test_a_function_that_is_wrong_in_the_last_case_is_wrong(capsys):
    assert not checks.function(double, [*CASES, ((3,), 7)], hint=HINT)
    assert capsys.readouterr().out == f"Not yet: double(3): 6 is not the answer. Hint: {HINT}\n"


@pytest.mark.parametrize("given", [None, ..., lambda value: None, lambda value: ...])
def test_a_function_that_nobody_has_written_yet(given, capsys):
    assert not checks.function(given, CASES, hint=HINT)
    assert capsys.readouterr().out == f"Not answered yet. Hint: {HINT}\n"
    with pytest.raises(AssertionError, match="Not answered yet"):
        checks.function(given, CASES, hint=HINT, required=True)


def test_a_function_that_raises_says_what_and_does_not_stop_the_notebook(capsys):
    def broken(value, more):
        raise KeyError("oh")

    assert not checks.function(broken, [((1, "a"), 2)], hint=HINT)
    assert capsys.readouterr().out == (
        f"Not yet: broken(1, 'a') raised KeyError: 'oh'. Hint: {HINT}\n"
    )
    with pytest.raises(AssertionError, match="raised KeyError"):
        checks.function(broken, [((1, "a"), 2)], hint=HINT, required=True)


def test_a_function_that_takes_other_arguments_is_told(capsys):
    assert not checks.function(lambda: 2, CASES, hint=HINT)
    assert "<lambda>(1) raised TypeError" in capsys.readouterr().out


def test_a_long_argument_is_not_printed_in_full(capsys):
    assert not checks.function(double, [((np.ones((3, 4)),), np.ones((3, 4)))], hint=HINT)
    assert "double(array of shape (3, 4)): array of shape (3, 4)" in capsys.readouterr().out


def test_the_tolerance_holds_for_functions(capsys):
    assert checks.function(double, [((1,), 2.05)], hint=HINT, tolerance=0.1)
    assert not checks.function(double, [((1,), 2.05)], hint=HINT, tolerance=0.01)


def test_a_check_without_a_case_would_pass_anything_and_is_refused():
    with pytest.raises(ValueError, match="at least one case"):
        checks.function(double, [], hint=HINT)


# Exercises: the answer stands in the solution alone.


def sealed(solution, **settings):
    """An exercise with the seal that its solution reports, as an author writes one."""
    unsealed = checks.Exercise("rain", "", hint=HINT, **settings)
    with pytest.raises(AssertionError, match="copy its seal into the exercise") as told:
        unsealed.solve(solution)
    seal = re.search(r"has the seal '([^']*)'", str(told.value)).group(1)
    return dataclasses.replace(unsealed, seal=seal)


@pytest.mark.parametrize("given", [None, ...])
def test_an_exercise_without_an_answer_says_how_to_get_a_hint_and_gives_none(given, capsys):
    exercise = sealed(31_744, tolerance=1)
    assert exercise.check(given) is False
    said = capsys.readouterr().out
    assert said == "Not answered yet. rain.show_hint() gives a hint.\n"
    exercise.show_hint()
    assert capsys.readouterr().out == f"Hint: {HINT}\n"


def test_an_exercise_gives_the_hint_with_a_wrong_answer(capsys):
    assert sealed(3).check(4) is False
    assert capsys.readouterr().out == f"Not yet: 4 is not the answer. Hint: {HINT}\n"


def test_a_seal_does_not_tell_the_answer_and_differs_between_exercises():
    exercise = sealed(31_744)
    assert "31744" not in exercise.seal and "7c00" not in exercise.seal
    with pytest.raises(AssertionError, match="has the seal") as told:
        dataclasses.replace(exercise, name="snow").solve(31_744)
    assert str(told.value).split("'")[1] != exercise.seal


@hypothesis.given(
    solution=FINITE, share=st.floats(-0.99, 0.99), tolerance=st.floats(1e-3, 1e3), data=st.data()
)
def test_an_answer_is_right_if_and_only_if_it_is_within_the_tolerance(
    solution, share, tolerance, data
):
    exercise = sealed(solution, tolerance=tolerance)
    assert exercise.check(solution + share * tolerance)
    times = data.draw(st.sampled_from([-1, 1])) * data.draw(st.floats(1.01, 100))
    assert not exercise.check(solution + times * tolerance)


@pytest.mark.parametrize("solution", [0.5, 1.5, -0.5, 2.0, 1 - 1e-12, -0.0])
def test_a_solution_on_the_border_of_a_rounded_cell_loses_no_right_answer(solution):
    exercise = sealed(solution, tolerance=0.5)
    for nudge in (-0.49, -1e-9, 0, 1e-9, 0.49):
        assert exercise.check(solution + nudge)
    assert not exercise.check(solution + 0.51) and not exercise.check(solution - 0.51)


@hypothesis.given(
    hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=FINITE), st.data()
)
def test_one_wrong_number_breaks_the_seal_of_an_array(solution, data):
    exercise = sealed(solution)
    assert exercise.check(solution.tolist())
    given = solution.copy()
    given.flat[data.draw(st.integers(0, solution.size - 1))] += 0.1
    assert not exercise.check(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([1, 2, 3], "the shape is (3,), expected (2,)"),
        (1, "the shape is (), expected (2,)"),
        ([1, [2, 3]], "expected a number or an array of numbers, got list"),
        ("one", "expected a number or an array of numbers, got str"),
        ([float("nan"), 2], "[nan, 2] is not the answer"),
        ([float("inf"), 2], "[inf, 2] is not the answer"),
        ([1e300, 2], "[1e+300, 2] is not the answer"),
    ],
)
def test_an_exercise_says_what_is_wrong_with_an_answer(given, said, capsys):
    exercise = sealed([1, 2])
    assert not exercise.check(given)
    assert capsys.readouterr().out == f"Not yet: {said}. Hint: {HINT}\n"


@pytest.mark.parametrize("given", ["softmax", "Softmax", "  SOFTMAX\n"])
def test_a_sealed_word_matches_whatever_its_case_and_spaces(given):
    assert sealed("softmax").check(given)


@pytest.mark.parametrize("given", ["soft max", "", 3, ["softmax"]])
def test_another_word_does_not_match(given, capsys):
    assert not sealed("softmax").check(given)
    assert f"{given!r} is not the answer" in capsys.readouterr().out


def test_a_judgment_is_one_of_the_choices(capsys):
    exercise = sealed("c", choices=("a", "b", "c"))
    assert exercise.check("c") and not exercise.check("b")
    capsys.readouterr()
    assert not exercise.check("d")
    assert "'d' is none of 'a', 'b', 'c'" in capsys.readouterr().out


INPUTS = [(1,), (2.5,), (np.array([1, 2]),)]


def test_a_function_is_checked_on_every_input(capsys):
    exercise = sealed(double, inputs=INPUTS)
    exercise.solve(double)
    capsys.readouterr()
    assert exercise.check(lambda value: value + value)
    assert capsys.readouterr().out == "Right, in 3 cases.\n"

    def square(value):
        return np.square(value)

    assert not dataclasses.replace(exercise).check(square)
    assert "Not yet: square(1): " in capsys.readouterr().out


def test_a_function_that_is_wrong_for_the_last_input_alone_is_wrong(capsys):
    exercise = sealed(double, inputs=[(1,), (2,), (3,)])

    def nearly(value):
        return min(2 * value, 5)

    assert not exercise.check(nearly)
    assert capsys.readouterr().out == f"Not yet: nearly(3): 5 is not the answer. Hint: {HINT}\n"


@pytest.mark.parametrize("given", [None, ..., lambda value: None, lambda value: ...])
def test_a_sealed_function_that_nobody_has_written_yet(given, capsys):
    exercise = sealed(double, inputs=INPUTS)
    assert not exercise.check(given)
    assert capsys.readouterr().out == "Not answered yet. rain.show_hint() gives a hint.\n"
    with pytest.raises(AssertionError, match="not written yet"):
        exercise.solve(given)


def test_a_sealed_function_that_raises_does_not_stop_the_notebook_but_the_build(capsys):
    def broken(value):
        raise KeyError("oh")

    exercise = sealed(double, inputs=INPUTS)
    assert not exercise.check(broken)
    assert f"Not yet: broken(1) raised KeyError: 'oh'. Hint: {HINT}" in capsys.readouterr().out
    with pytest.raises(AssertionError, match="raised KeyError"):
        exercise.solve(broken)


def test_a_solution_that_drifts_from_its_exercise_fails_the_build():
    exercise = sealed(3)
    exercise.solve(3)
    with pytest.raises(AssertionError, match="solution of rain has the seal"):
        exercise.solve(4)
    with pytest.raises(AssertionError, match="not written yet"):
        exercise.solve(...)


@pytest.mark.parametrize("solution", [float("nan"), float("inf"), 1e30, np.zeros(65)])
def test_a_solution_that_cannot_be_sealed_is_refused(solution):
    with pytest.raises(ValueError, match="rain"):
        checks.Exercise("rain", "", hint=HINT).solve(solution)


def test_an_exercise_that_would_pass_anything_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        checks.Exercise("rain", "", hint=HINT, tolerance=0)
    with pytest.raises(ValueError, match="at least one input"):
        checks.Exercise("rain", "", hint=HINT, inputs=[])
    with pytest.raises(ValueError, match="0 seals for 1 case"):
        checks.Exercise("rain", "", hint=HINT).check(3)
