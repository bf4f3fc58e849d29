"""Show a helper's own code on a page, so that no copy of it can grow old.

Explained where first used, in chapter 6, *Generalize, Don't Memorize*.
"""

import inspect
import re
from collections.abc import Callable

from IPython import display


def show(function: Callable) -> None:
    """Show a function's source, as it stands in the book's helpers.

    Cross-references in its docstring lose their markup and keep their names.

    Args:
        function: any function or class that Python can find the source of.

    Raises:
        TypeError: when it is neither, or is written in another language.
        OSError: when its source cannot be found.
    """
    source = re.sub(r":(?:class|func|meth):`", "`", inspect.getsource(function))
    display.display(display.Markdown(f"```python\n{source}```"))
