"""How a cell's figure stands on the page: its width, and whether dark pages may turn its colors."""

import math
import re

import nbformat

SVG, PNG = "image/svg+xml", "image/png"

# Of drawings, which are lines and letters on white: the style sheet turns them for dark pages.
DRAWING = "seeing-drawing"

# On a phone, a figure is scrolled sideways before its letters get smaller than this.
LETTERS_PX = 9
# The style sheet has a class for each such step of a figure's least width.
LEAST_WIDTH = "seeing-least"
STEP_PX, PHONE_PX = 40, 340


def fit(cell: nbformat.NotebookNode) -> None:
    """Give a code cell's first figure the width it asks for, and drawings their class.

    A figure of pictures has more pixels than it is to be shown with, and says with how many.
    """
    for output in cell.outputs:
        for mime in (SVG, PNG):
            if mime not in output.get("data", {}):
                continue
            facts = output.get("metadata", {}).get(mime, {})
            size = svg_size(output.data[SVG]) if mime == SVG else None
            width = size[0] if size else facts.get("width")
            if mime == PNG and width:
                _set(cell, "width", f"{width}px")
            classes = [DRAWING] if mime == SVG else []
            if width and "letters_px" in facts:
                classes += least_width(width, facts["letters_px"])
            if classes:
                _set(cell, "classes", " ".join(classes))
            return


def svg_size(written: str) -> tuple[float, float] | None:
    """Width and height of an SVG as matplotlib writes it, in CSS pixels; None for another."""
    head = re.search(r"<svg[^>]*>", written)
    sides = [
        re.search(rf'\b{side}="([\d.]+)pt"', head[0] if head else "")
        for side in ("width", "height")
    ]
    if not all(sides):
        return None
    width, height = (float(side[1]) * 96 / 72 for side in sides)
    return width, height


def least_width(width: float, letters_px: float) -> list[str]:
    """The class that keeps a figure's letters readable on a phone; none where they are anyway.

    Args:
        width: of the figure at full size, in pixels.
        letters_px: its smallest letters at full size.
    """
    needed = min(width, width * LETTERS_PX / letters_px)
    step = math.ceil(needed / STEP_PX) * STEP_PX
    return [f"{LEAST_WIDTH}-{step}"] if needed > PHONE_PX else []


def _set(cell: nbformat.NotebookNode, name: str, value: str) -> None:
    """Set an option of the cell's image, unless the chapter has one."""
    options = cell.metadata.setdefault("mystnb", nbformat.NotebookNode())
    image = options.setdefault("image", nbformat.NotebookNode())
    image.setdefault(name, value)
