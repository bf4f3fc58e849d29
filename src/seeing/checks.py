"""Self-checking exercises: a reader learns at once whether an answer is right.

An exercise that nobody has answered yet prints a hint and never stops the notebook; the hidden
solution passes ``required=True``, so that a wrong solution fails the build.

Explained on the page *How to run this book*.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

UNANSWERED = (None, Ellipsis)


def answer(
    given: Any, expected: Any, *, hint: str, tolerance: float = 1e-6, required: bool = False
) -> bool:
    """Check one answer: a number, an array or a text.

    Args:
        given: the reader's answer; None or ``...`` counts as not answered yet.
        expected: the right answer.
        hint: what to think of next, without giving the answer away.
        tolerance: largest absolute difference allowed between numbers.
        required: raise instead of printing when the answer is missing or wrong.

    Returns:
        Whether the answer is right.

    Raises:
        AssertionError: when ``required`` and the answer is missing or wrong.
    """
    if _is_unanswered(given):
        return _say(f"Not answered yet. Hint: {hint}", right=False, required=required)
    problem = _difference(given, expected, tolerance)
    if problem:
        return _say(f"Not yet: {problem}. Hint: {hint}", right=False, required=required)
    return _say("Right.", right=True, required=required)


def function(
    given: Callable[..., Any] | None,
    cases: Sequence[tuple[tuple[Any, ...], Any]],
    *,
    hint: str,
    tolerance: float = 1e-6,
    required: bool = False,
) -> bool:
    """Check a reader's function on several cases.

    Args:
        given: the reader's function; one that returns None or ``...`` is not answered yet.
        cases: ``(arguments, expected)`` pairs.
        hint: what to think of next, without giving the answer away.
        tolerance: largest absolute difference allowed between numbers.
        required: raise instead of printing when an answer is missing or wrong.

    Returns:
        Whether every case is right.

    Raises:
        AssertionError: when ``required`` and a case is missing or wrong.
        ValueError: when there is no case.
    """
    if not cases:
        raise ValueError("checks.function needs at least one case")
    for arguments, expected in cases:
        try:
            result = None if _is_unanswered(given) else given(*arguments)
        except Exception as error:
            problem = f"{_call(given, arguments)} raised {type(error).__name__}: {error}"
            return _say(f"Not yet: {problem}. Hint: {hint}", right=False, required=required)
        if _is_unanswered(result):
            return _say(f"Not answered yet. Hint: {hint}", right=False, required=required)
        problem = _difference(result, expected, tolerance)
        if problem:
            text = f"Not yet: {_call(given, arguments)}: {problem}. Hint: {hint}"
            return _say(text, right=False, required=required)
    plural = "s" if len(cases) > 1 else ""
    return _say(f"Right, in {len(cases)} case{plural}.", right=True, required=required)


def _is_unanswered(given: Any) -> bool:
    return any(given is nothing for nothing in UNANSWERED)


def _say(text: str, *, right: bool, required: bool) -> bool:
    if required and not right:
        raise AssertionError(text)
    print(text)
    return right


def _call(given: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
    shown = ", ".join(_short(argument) for argument in arguments)
    return f"{getattr(given, '__name__', 'the function')}({shown})"


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 6:
        return f"array of shape {value.shape}"
    return repr(value)


def _difference(given: Any, expected: Any, tolerance: float) -> str | None:
    """What is wrong with an answer, without telling the right one; None when nothing is."""
    if isinstance(expected, str):
        same = isinstance(given, str) and given.strip().casefold() == expected.strip().casefold()
        return None if same else f"{given!r} is not the answer"
    try:
        given_array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        return f"expected a number or an array of numbers, got {type(given).__name__}"
    expected_array = np.asarray(expected, dtype=float)
    if given_array.shape != expected_array.shape:
        return f"the shape is {given_array.shape}, expected {expected_array.shape}"
    if not np.allclose(given_array, expected_array, rtol=0, atol=tolerance):
        return f"{_short(given)} is not the answer"
    return None
