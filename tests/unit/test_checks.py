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


def double(x):
    return 2 * x


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
