"""Write what a chapter leaves for the demos of its page.

It stands apart from :mod:`seeing.demos`, which needs Keras: some lessons do without it.

Explained in chapter 4, *A First Honest CNN*, whose network is the first that a page gets.
"""

import json
import pathlib
from typing import Any


def write(path: str | pathlib.Path, content: dict[str, Any]) -> dict[str, Any]:
    """Write a file that a demo reads.

    Args:
        path: the JSON file; its folder is made if need be.
        content: its ``format`` is what the demo knows it by.

    Returns:
        The content.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return content
