"""Take a style sheet apart: its rules, their selectors, and what they declare.

No more than that: what stands between braces, commas and semicolons stays text.
"""

import dataclasses
import re
from collections.abc import Iterator

# What may hold a brace, a comma or a semicolon that separates nothing; and white space.
_TOKEN = re.compile(
    r"""/\*.*?\*/ | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | url\([^"')]*\) | \\. | \s+ | .""",
    re.DOTALL | re.VERBOSE,
)
_OPEN, _CLOSE = {"(": ")", "[": "]", "{": "}"}, (")", "]", "}")


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        prelude: what stands before the braces: selectors, or an at-rule's name and conditions.
        content: what stands between them; None for an at-rule without braces.
    """

    prelude: str
    content: str | None


def tokens(text: str) -> list[str]:
    """A sheet's smallest parts, without comments; white space is one space.

    Strings, addresses and escapes are one part each.
    """
    found = (" " if part.isspace() else part for part in _TOKEN.findall(text))
    return [part for part in found if not part.startswith("/*")]


def split(text: str, separator: str) -> list[str]:
    """The parts of a text between separators that stand in no string, bracket or parenthesis."""
    parts, opened = [""], 0
    for token in tokens(text):
        opened += (token in _OPEN) - (token in _CLOSE)
        if token == separator and not opened:
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts if part.strip()]


def rules(text: str) -> Iterator[Rule]:
    """The rules of a sheet, or of a group of rules, in their order.

    Raises:
        ValueError: when braces do not match; with what stands before them.
    """
    prelude, content, opened = [], [], 0
    for token in tokens(text):
        opened += (token == "{") - (token == "}")
        if opened < 0 or (opened == 0 and token == "}"):
            if opened < 0:
                raise ValueError(f"a brace too many in a style sheet: {''.join(prelude)[:80]!r} }}")
            yield Rule("".join(prelude).strip(), "".join(content[1:]).strip())
            prelude, content = [], []
        elif opened:
            content.append(token)
        elif token == ";":
            yield Rule("".join(prelude).strip(), None)
            prelude = []
        else:
            prelude.append(token)
    if opened or "".join(prelude).strip():
        raise ValueError(f"a style sheet ends within a rule: {''.join(prelude)[:80]!r}")
