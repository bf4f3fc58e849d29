"""A Sphinx extension that stops Jupyter Book where it is called on the checkout itself.

There it would find the chapters as git stores them: pages without figures or numbers that look
like the book. What ``make book`` gives it is staged in ``_build/source``, chapters executed.
"""

import pathlib
from typing import TYPE_CHECKING

from sphinx import errors

if TYPE_CHECKING:
    from sphinx import application


def setup(app: "application.Sphinx") -> dict[str, bool]:
    """Let Sphinx build the staged source and nothing else.

    Raises:
        sphinx.errors.ExtensionError: for any other source, saying what to run.
    """
    if pathlib.Path(app.srcdir).parts[-2:] != ("_build", "source"):
        raise errors.ExtensionError(
            "this book's chapters are executed by its own tool: run `make book` instead"
        )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
