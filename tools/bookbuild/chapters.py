"""What a chapter's files say about it: its number, its title, its promise, its results."""

import json
import pathlib
import re
from typing import Any

from bookbuild import paths

FOLDER = "notebooks"

# What a results file is called whose chapter's name would be a long one.
SHORT_SLUGS = {"from_photographs_to_product": "product"}


def number(name: str) -> str | None:
    """A chapter's number as it is written: ``06b_carry_over`` is "6b"; None where it has none.

    Args:
        name: the notebook's name without ending, with or without its folder.
    """
    found = re.match(r"0*(\d+[a-z]?)_", pathlib.PurePosixPath(name).name)
    return found[1] if found else None


def number_of(page: str) -> str | None:
    """A page's number; None where it is no chapter.

    Args:
        page: its name in Sphinx, such as ``notebooks/08_transfer_learning``.
    """
    folder, _, name = page.rpartition("/")
    return number(name) if folder == FOLDER else None


def numbered(title: str, page: str) -> str:
    """A page's title behind its number, where it has one."""
    found = number_of(page)
    return f"{found} · {title}" if found else title


def slug(notebook: pathlib.Path) -> str:
    """What a chapter's results file is called: ``06b_carry_over.ipynb`` has "carry_over"."""
    name = notebook.stem.partition("_")[2]
    return SHORT_SLUGS.get(name, name)


def recorded(notebook: pathlib.Path, checkout: paths.Checkout) -> dict[str, Any]:
    """A chapter's results file; empty where there is none yet."""
    path = checkout.root / "results" / f"{slug(notebook)}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def title(notebook: pathlib.Path) -> str:
    """A chapter's title: its first level-one heading, or its file's name where it has none."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    lines = "".join(line for cell in cells[:1] for line in cell["source"]).splitlines()
    return next((line[2:].strip() for line in lines if line.startswith("# ")), notebook.stem)


def promise(notebook: pathlib.Path) -> str:
    """What a chapter promises: the line in italics below its title; empty where there is none."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    lines = "".join(line for cell in cells[:1] for line in cell["source"]).splitlines()
    found = (re.fullmatch(r"\*([^*].*[^*])\*", line.strip()) for line in lines)
    return next((one[1] for one in found if one), "")
