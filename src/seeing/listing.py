"""Show a helper's own code on a page, so that no copy of it can grow old.

Explained where first used, in chapter 8, *A Flower Classifier*.
"""

import inspect
from collections.abc import Callable

from IPython import display


def show(function: Callable) -> None:
    """Show a function's source, as it stands in the book's helpers.

    Args:
        function: any function or class that Python can find the source of.

    Raises:
        TypeError: when it is neither, or is written in another language.
        OSError: when its source cannot be found.
    """
    display.display(display.Markdown(f"```python\n{inspect.getsource(function)}```"))
