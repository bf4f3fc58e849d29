"""The sentence at the head of a page whose chapter stopped, or left what was recorded."""

import re

import nbformat

from bookbuild import entries


def sentences(run: entries.Run) -> list[str]:
    """What a reader of the page must know about the execution it shows; empty for a sound one."""
    found = []
    if run.failed is not None:
        found.append(
            f"This chapter stopped at a cell that {run.failed.what}, when this copy of the book "
            "was built. What comes after it shows no results."
        )
    if run.outside:
        found.append(
            "When this copy of the book was built, the chapter did not agree with what was "
            f"recorded: {'; '.join(run.outside)}."
        )
    return found


def put_at_head(notebook: nbformat.NotebookNode, text: str) -> None:
    """Put a sentence in a box under a notebook's title."""
    content = plain(text)
    box = f"```{{warning}}\n{content}\n```"
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(box))
        return
    # The title must stay the page's first words, or it is no title.
    title, _, rest = first.source.partition("\n")
    first.source = f"{title}\n\n{box}\n{rest}"


def plain(text: str) -> str:
    """A text as Markdown that shows just it: an exception's message may hold anything."""
    return re.sub(r"([^\w\s])", r"\\\1", " ".join(text.split()), flags=re.ASCII)
