"""What a page says on a folded cell: what is in it, instead of "Show code cell source".

Explained on the page *How to run this book*.
"""

import re

import nbformat

from bookbuild import notebooks

FOLDS = {"hide-input", "hide-cell", "hide-output"}

# What a cell calls, and what it is then the code of. The first that fits decides.
PARTS = {
    "record.provenance(": "the box",
    "record.conclude(": "the table of all results",
    "source_code.show(": "showing a helper",
    "checks.Exercise(": "the exercises' checks",
    "record.show(": "the table",
    "record.show_differences(": "the table",
    "tables.show_table(": "the table",
    "disagreements.show(": "the table",
}


def put_names(cell: nbformat.NotebookNode) -> None:
    """Give a folded code cell a name, which the page shows whether it is open or not."""
    if FOLDS & set(cell.metadata.get("tags", [])):
        options = cell.metadata.setdefault("mystnb", nbformat.NotebookNode())
        options["code_prompt_show"] = options["code_prompt_hide"] = name(cell)


def name(cell: nbformat.NotebookNode) -> str:
    """What is in a folded cell, in a few words."""
    source = cell.source.removeprefix(notebooks.CHECKED).strip()
    solution = re.match(r"# (Solution \d+)", source)
    if solution:
        return solution[1]
    if '"google.colab"' in source:
        return "Setup on Colab"
    if "chapter.Chapter(" in source and re.match(r"(import|from) ", source):
        return "Setup"
    if "figure" in cell.metadata.get("mystnb", {}):
        return "Code: the figure"
    part = next((said for call, said in PARTS.items() if call in source), None)
    return f"Code: {part}" if part else "Code"
