"""answers: which exercises get a field in the page, and what stands in it."""

import nbformat
import pytest
from fakes import code, prose

from bookbuild import answers

MADE = """
# What the exercises are checked with.
seals_1 = ["number:00:0123456789ab", "number:00:ba9876543210"]
exercise_1 = checks.Exercise(
    "exercise_1", " ".join(seals_1), inputs=[(1,), (2,)], hint="a function"
)
exercise_2 = checks.Exercise(
    "exercise_2", "number:73:0123456789ab", tolerance=0.5, hint='less than "ten"'
)
exercise_3 = checks.Exercise(
    "exercise_3", "text:0123456789ab", choices=("a < b", "b"), hint="which?"
)
exercise_4 = checks.Exercise("exercise_4", "2x2:00000000:0123456789ab", hint="an array")
"""


def book(*sources: str) -> nbformat.NotebookNode:
    cells = [prose("# A"), *(code(source) for source in sources)]
    return nbformat.v4.new_notebook(cells=cells)


def test_numbers_and_words_have_fields_functions_and_arrays_have_none():
    assert set(answers.exercises_in(MADE)) == {"exercise_2", "exercise_3"}


def test_a_field_stands_below_the_cell_that_checks():
    notebook = book(MADE, "x = ...\nexercise_2.check(x);", "y = ...\nexercise_1.check(y);")
    answers.add_fields(notebook)
    kinds = [cell.source.split(" ")[0] for cell in notebook.cells]
    assert len(kinds) == 5
    assert kinds[3] == "<exercise-answer"
    assert 'name="exercise_2"' in notebook.cells[3].source
    nbformat.validate(notebook)


def test_what_stands_in_it_is_escaped():
    settings = answers.exercises_in(MADE)
    assert 'hint="less than &quot;ten&quot;"' in answers.field("exercise_2", settings["exercise_2"])
    assert 'choices="a &lt; b|b"' in answers.field("exercise_3", settings["exercise_3"])
    assert 'tolerance="0.5"' in answers.field("exercise_2", settings["exercise_2"])


def test_a_chapter_without_exercises_stays_as_it_is():
    notebook = book("print(1)")
    before = nbformat.writes(notebook)
    answers.add_fields(notebook)
    assert nbformat.writes(notebook) == before


def test_settings_that_only_python_knows_are_named():
    with pytest.raises(ValueError, match=r"more than plain values: checks\.Exercise"):
        answers.exercises_in('exercise_1 = checks.Exercise("exercise_1", seal, hint="h")')
