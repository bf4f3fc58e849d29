"""Every chapter ends with a quiz, each of whose answers says what it overlooks."""

import pathlib
import re

import nbformat
import pytest

from bookbuild import paths

CHAPTERS = paths.default().chapters()
QUESTION = re.compile(r"^\*\*(\d+)\.\*\* (.+)$", re.MULTILINE)
ANSWER = re.compile(
    r'<details class="quiz">\n<summary>(?P<answer>.+)</summary>\n\n'
    r"\*\*(?P<verdict>Right|Not quite)\.\*\* (?P<why>.+)\n\n</details>"
)


def quiz(chapter: pathlib.Path) -> str:
    """The cell with a chapter's quiz.

    Raises:
        AssertionError: when there is not exactly one.
    """
    cells = nbformat.read(chapter, as_version=4).cells
    found = [cell for cell in cells if cell.source.startswith("## Quiz\n")]
    assert len(found) == 1, f"{chapter.name} has {len(found)} quizzes"
    assert found[0].cell_type == "markdown"
    return found[0].source


def questions(source: str) -> list[tuple[str, list[re.Match]]]:
    """Each question with its answers."""
    starts = list(QUESTION.finditer(source))
    ends = [start.start() for start in starts[1:]] + [len(source)]
    assert [int(start[1]) for start in starts] == list(range(1, len(starts) + 1))
    return [
        (start[2], list(ANSWER.finditer(source, start.end(), end)))
        for start, end in zip(starts, ends, strict=True)
    ]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_a_quiz_whose_wrong_answers_are_explained(chapter: pathlib.Path) -> None:
    source = quiz(chapter)
    asked = questions(source)
    assert 3 <= len(asked) <= 5
    assert source.count("<details") == sum(len(answers) for _, answers in asked)
    for question, answers in asked:
        assert 3 <= len(answers) <= 4, question
        assert [one["verdict"] for one in answers].count("Right") == 1, question
        assert len({one["answer"] for one in answers}) == len(answers), question
        for one in answers:
            # A summary is HTML: Markdown is not read there.
            assert not set("`*$") & set(one["answer"]), one["answer"]
            assert len(one["why"].split()) >= 8, one["why"]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_the_right_answer_is_not_always_in_one_place(chapter: pathlib.Path) -> None:
    places = {
        next(at for at, one in enumerate(answers) if one["verdict"] == "Right")
        for _, answers in questions(quiz(chapter))
    }
    assert len(places) > 1


def test_the_longest_answer_is_not_always_the_right_one() -> None:
    # A reader who knows nothing and takes the longest answer should not get far.
    hits, asked = 0, 0
    for chapter in CHAPTERS:
        for _, answers in questions(quiz(chapter)):
            longest = max(answers, key=lambda one: len(one["answer"]))
            hits += longest["verdict"] == "Right"
            asked += 1
    assert hits < asked / 2
