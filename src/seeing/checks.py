"""Self-checking exercises: a reader learns at once whether an answer is right.

An exercise never prints its answer and never stops the notebook; its hidden solution is held
against it in every build.

Explained on the page *How to run this book*.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

UNANSWERED = (None, Ellipsis)
MAX_SEALED = 64
"""Most numbers that one sealed answer may hold: the seal stands in the exercise, to be read."""
MAX_CELLS = 2.0**43
"""Cells between zero and the largest number: beyond, a double has no 256ths of a cell left."""


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise: checks a reader's answer against a seal, which does not tell the answer.

    The answer itself stands in the solution alone. ``solve`` compares the solution with the seal
    and, where they differ, fails the build with the seal that the solution has: an exercise
    cannot drift away from its solution. To write a new one, leave the seal empty, run the
    solution and copy the seal from the message.

    A seal is a salted SHA-256 hash, cut to 12 hexadecimal digits. A number is hashed by the
    cell of width ``2 * tolerance`` that it falls into. So that no right answer is lost at the
    border of a cell, the seal also says where cells begin, in 256ths of a cell, chosen so that
    the solution lies in the middle of its own (the "secure sketch" of Dodis, Reyzin and Smith,
    2004): an answer is right if, and only if, it is within the tolerance, to 1/256 of it.

    Attributes:
        name: the name of the exercise's variable in the chapter; it salts the hash.
        seal: what ``solve`` reports; one for each input, separated by spaces.
        hint: what to think of next, without giving the answer away; shown when the answer is
            wrong or when the reader calls ``show_hint``.
        tolerance: largest absolute difference allowed between numbers, above zero.
        inputs: for an exercise that asks for a function, the arguments of each call to check.
        choices: for an exercise that asks for a judgment, the texts to choose from.

    Raises:
        ValueError: when the tolerance is not above zero, or the inputs are empty.

    Explained on the page *How to run this book*.
    """

    name: str
    seal: str
    _: dataclasses.KW_ONLY
    hint: str
    tolerance: float = 1e-6
    inputs: Sequence[tuple[Any, ...]] | None = None
    choices: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse an exercise that would pass anything."""
        if not self.tolerance > 0:
            raise ValueError(f"{self.name}: the tolerance is {self.tolerance}, expected above 0")
        if self.inputs is not None and not self.inputs:
            raise ValueError(f"{self.name}: a function needs at least one input to be checked on")

    def show_hint(self) -> None:
        """Print the hint."""
        print(f"Hint: {self.hint}")

    def check(self, given: Any) -> bool:
        """Print whether an answer is right, and the hint if it is wrong.

        Args:
            given: a number, an array, a text or, where the exercise has inputs, a function.
                None or ``...``, also when a function returns it, counts as not answered yet.

        Returns:
            Whether the answer is right.
        """
        answers, problem = self._answers(given)
        if problem is None and any(_is_unanswered(answer) for answer in answers):
            print(f"Not answered yet. {self.name}.show_hint() gives a hint.")
            return False
        problem = problem or self._problem(given, answers)
        if problem:
            print(f"Not yet: {problem}. Hint: {self.hint}")
            return False
        print("Right." if self.inputs is None else f"Right, in {_cases(len(answers))}.")
        return True

    def solve(self, solution: Any) -> None:
        """Check the chapter's own solution; a difference from the seal fails the build.

        Args:
            solution: as in ``check``.

        Raises:
            AssertionError: when the solution is missing, raises, or has another seal.
            ValueError: when a number is too large for its tolerance, or not finite.
        """
        answers, problem = self._answers(solution)
        if problem is None and any(_is_unanswered(answer) for answer in answers):
            problem = "it is not written yet"
        if problem:
            raise AssertionError(f"the solution of {self.name}: {problem}")
        cases = zip(answers, self._salts(), strict=True)
        seal = " ".join(_seal(answer, self.tolerance, salt) for answer, salt in cases)
        if seal != self.seal:
            raise AssertionError(
                f"the solution of {self.name} has the seal {seal!r}, the exercise {self.seal!r}: "
                "if the solution is right, copy its seal into the exercise"
            )
        print("The solution is right, says the exercise's own check.")

    def _salts(self) -> list[str]:
        return [f"{self.name}/{case}" for case in range(len(self.inputs or [()]))]

    def _answers(self, given: Any) -> tuple[list[Any], str | None]:
        """The answer, or what the reader's function returns for each input; and what it raised."""
        if self.inputs is None or _is_unanswered(given):
            return [given], None
        answers = []
        for arguments in self.inputs:
            try:
                answers.append(given(*arguments))
            except Exception as error:
                call = _call(given, arguments)
                return answers, f"{call} raised {type(error).__name__}: {error}"
        return answers, None

    def _problem(self, given: Any, answers: list[Any]) -> str | None:
        if self.choices and given not in self.choices:
            return f"{given!r} is none of {', '.join(map(repr, self.choices))}"
        seals = self.seal.split()
        if len(seals) != len(answers):
            raise ValueError(f"{self.name} has {len(seals)} seals for {_cases(len(answers))}")
        for case, (answer, seal, salt) in enumerate(
            zip(answers, seals, self._salts(), strict=True)
        ):
            problem = _differs(answer, seal, self.tolerance, salt)
            if problem and self.inputs is not None:
                return f"{_call(given, self.inputs[case])}: {problem}"
            if problem:
                return problem
        return None


def _cases(number: int) -> str:
    return f"{number} case{'s' if number != 1 else ''}"


def _seal(answer: Any, tolerance: float, salt: str) -> str:
    """``text:HASH`` or ``SHAPE:CELLS:HASH``: what identifies an answer without telling it."""
    if isinstance(answer, str):
        return f"text:{_digest(_plain(answer), salt)}"
    numbers = np.asarray(answer, dtype=float)
    if numbers.size > MAX_SEALED:
        raise ValueError(
            f"{salt}: an answer of {numbers.size} numbers, expected at most {MAX_SEALED}: "
            "ask for a part of them, or for their sum"
        )
    widths = numbers.ravel() / (2 * tolerance)
    if not np.all(np.abs(widths) < MAX_CELLS):
        raise ValueError(
            f"{salt}: {_short(answer)} is not finite or too large for a tolerance of {tolerance}"
        )
    begins = np.round((widths - np.floor(widths)) * 256).astype(int) % 256
    shape = "x".join(map(str, numbers.shape)) or "number"
    cells = _cell_numbers(numbers, begins, tolerance)
    return f"{shape}:{bytes(begins.tolist()).hex()}:{_digest(cells, salt)}"


def _cell_numbers(numbers: np.ndarray, begins: np.ndarray, tolerance: float) -> str:
    cells = np.round(numbers.ravel() / (2 * tolerance) - begins / 256)
    return ",".join(str(int(cell)) for cell in cells)


def _digest(text: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}|{text}".encode()).hexdigest()[:12]


def _plain(text: str) -> str:
    return text.strip().casefold()


def _differs(given: Any, seal: str, tolerance: float, salt: str) -> str | None:
    """What is wrong with an answer; None when it has the seal."""
    kind, *rest = seal.split(":")
    wrong = f"{_short(given)} is not the answer"
    if kind == "text":
        same = isinstance(given, str) and _digest(_plain(given), salt) == rest[0]
        return None if same else wrong
    try:
        numbers = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        return f"expected a number or an array of numbers, got {type(given).__name__}"
    shape = () if kind == "number" else tuple(map(int, kind.split("x")))
    if numbers.shape != shape:
        return f"the shape is {numbers.shape}, expected {shape}"
    if not np.all(np.abs(numbers) < MAX_CELLS * 2 * tolerance):
        return wrong
    begins = np.frombuffer(bytes.fromhex(rest[0]), dtype=np.uint8)
    return None if _digest(_cell_numbers(numbers, begins, tolerance), salt) == rest[1] else wrong


def _is_unanswered(given: Any) -> bool:
    return any(given is nothing for nothing in UNANSWERED)


def _call(given: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
    shown = ", ".join(_short(argument) for argument in arguments)
    return f"{getattr(given, '__name__', 'the function')}({shown})"


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 6:
        return f"array of shape {value.shape}"
    return repr(value)
