"""Answer fields in the page: an exercise whose answer is a number or a word is checked there.

The field holds what the exercise's cell holds, the seal and not the answer; ``exercise-answer.js``
computes the seal of what a reader types as ``seeing.checks`` does. An exercise that asks for a
function needs Python, and has no field.
"""

import ast
import html
import re

import nbformat

ELEMENT = "exercise-answer"
MADE = "checks.Exercise("

_CHECK = re.compile(r"^(\w+)\.check\(", re.M)
_IN_PAGE = re.compile(r"(number:[0-9a-f]{2}|text):[0-9a-f]{12}")


def add_fields(notebook: nbformat.NotebookNode) -> None:
    """Put a field below each cell that checks an answer which can be typed.

    Raises:
        ValueError: when an exercise without inputs is not written with plain values.
    """
    exercises = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and MADE in cell.source:
            exercises |= exercises_in(cell.source)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        asked = _CHECK.search(cell.source) if cell.cell_type == "code" else None
        if asked and asked[1] in exercises:
            content = field(asked[1], exercises[asked[1]])
            cells.append(nbformat.v4.new_markdown_cell(content, id=f"{asked[1]}-field"))
    notebook.cells = cells


def exercises_in(source: str) -> dict[str, dict[str, object]]:
    """The settings of a cell's exercises that can be answered in the page, by name.

    Raises:
        ValueError: as for :func:`add_fields`.
    """
    found = {}
    for statement in ast.parse(source).body:
        call = statement.value if isinstance(statement, ast.Assign) else None
        if not isinstance(call, ast.Call) or ast.unparse(call.func) + "(" != MADE:
            continue
        written = {keyword.arg: keyword.value for keyword in call.keywords}
        if "inputs" in written:
            continue
        try:
            name, seal = (ast.literal_eval(argument) for argument in call.args)
            settings = {key: ast.literal_eval(value) for key, value in written.items()}
        except ValueError as error:
            raise ValueError(
                f"an exercise is written with more than plain values: {ast.unparse(call)[:80]}"
            ) from error
        if _IN_PAGE.fullmatch(seal):
            found[name] = {"seal": seal, **settings}
    return found


def field(name: str, settings: dict[str, object]) -> str:
    """The field's HTML, with what stands there without JavaScript: nothing but the hint."""
    attributes = {"name": name, "seal": settings["seal"], "hint": settings["hint"]}
    if "tolerance" in settings:
        attributes["tolerance"] = repr(settings["tolerance"])
    if settings.get("choices"):
        attributes["choices"] = "|".join(settings["choices"])
    written = " ".join(f'{key}="{html.escape(str(one))}"' for key, one in attributes.items())
    return f"<{ELEMENT} {written}></{ELEMENT}>"
