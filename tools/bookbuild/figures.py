"""How a cell's figure stands on the page: its width, and whether dark pages may turn its colors."""

import nbformat

SVG, PNG = "image/svg+xml", "image/png"

# Of drawings, which are lines and letters on white: the style sheet turns them for dark pages.
DRAWING = "seeing-drawing"


def fit(cell: nbformat.NotebookNode) -> None:
    """Give a code cell's first figure the width it asks for, and drawings their class.

    A figure of pictures has more pixels than it is to be shown with, and says with how many.
    """
    for output in cell.outputs:
        shown = output.get("metadata", {}).get(PNG, {})
        if SVG in output.get("data", {}):
            _set(cell, "classes", DRAWING)
            return
        if "width" in shown:
            _set(cell, "width", f"{shown['width']}px")
            return


def _set(cell: nbformat.NotebookNode, name: str, value: str) -> None:
    """Set an option of the cell's image, unless the chapter has one."""
    options = cell.metadata.setdefault("mystnb", nbformat.NotebookNode())
    image = options.setdefault("image", nbformat.NotebookNode())
    image.setdefault(name, value)
