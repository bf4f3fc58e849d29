"""folds: a folded cell says what is in it."""

import nbformat
import pytest
from fakes import code

from bookbuild import folds


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("# Solution 12: because\nx = 1", "Solution 12"),
        (
            "import sys\nif 'x' in sys.modules or \"google.colab\" in sys.modules:\n    1",
            "Setup on Colab",
        ),
        ("import keras\n\nrecord = chapter.Chapter('letters')", "Setup"),
        ("from seeing import checks\n\nx = 1", "Code"),
        ("record.provenance()", "Code: the box"),
        ("# NBVAL_CHECK_OUTPUT\n# Solution 2\nprint(1)", "Solution 2"),
        ("record.show(columns, rows)", "Code: the table"),
        ("exercise_1 = checks.Exercise('exercise_1')", "Code: the exercises' checks"),
        ("x = 1", "Code"),
    ],
)
def test_the_name_says_what_is_in_the_cell(source: str, name: str) -> None:
    assert folds.name(code(source)) == name


def test_a_figure_is_known_by_its_caption() -> None:
    cell = code("plt.plot(x)\nrecord.show(columns, rows)")
    cell.metadata["mystnb"] = {"figure": {"caption": "A line."}}
    assert folds.name(cell) == "Code: the figure"


def test_only_folded_cells_get_a_name_and_nothing_else_is_lost() -> None:
    shown, folded = code("x = 1"), code("x = 1")
    folded.metadata["tags"] = ["hide-input"]
    folded.metadata["mystnb"] = nbformat.NotebookNode(image={"alt": "A line."})
    for cell in (shown, folded):
        folds.put_names(cell)
    assert "mystnb" not in shown.metadata
    assert folded.metadata["mystnb"] == {
        "image": {"alt": "A line."},
        "code_prompt_show": "Code",
        "code_prompt_hide": "Code",
    }
