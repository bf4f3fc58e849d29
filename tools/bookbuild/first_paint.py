"""Let a browser do less before it shows a page: fewer requests and fewer elements."""

import pathlib
import re

# Scripts that do their work once the page is there.
_LATE = re.compile(
    r'<script (?!defer\b)((?:[^>]*\s)?src="[^"]*/(?:doctools|sphinx_highlight|clipboard\.min'
    r"|copybutton|design-tabs|sphinx-book-theme|togglebutton)\.js)"
)
_OPTIONS = re.compile(r'<script src="([^"?]*/documentation_options\.js)[^"]*"></script>')
_PRELOADED_SCRIPT = re.compile(r'<link rel="preload" as="script"[^>]*>\s*')

# Pygments' names, punctuation and white space. Our colors show them like code that is nothing of
# the kind, so they need no elements, and are half of all elements that a chapter has.
PLAIN = "npw"
_PLAIN_WORD = re.compile(rf'<span class="[{PLAIN}]">([^<]*)</span>')


def hasten(text: str, page: pathlib.Path) -> str:
    """A page that can be shown sooner, and otherwise is what it was.

    The theme asks for its scripts before all else; they wait until the page is shown. A request for
    a dozen settings gives way to these. Words of code that have no color of their own lose their
    elements. A page that no script gives a theme is light, where the theme would leave out colors.

    Args:
        text: a built page.
        page: its file.
    """
    text = _LATE.sub(r"<script defer \1", text)
    text = _PRELOADED_SCRIPT.sub("", text)
    text = _OPTIONS.sub(lambda found: _with_settings(found, page.parent), text)
    text = _PLAIN_WORD.sub(r"\1", text)
    return text.replace('data-theme="auto"', 'data-theme="light"', 1)


def _with_settings(script: re.Match[str], folder: pathlib.Path) -> str:
    path = folder / script[1]
    if not path.is_file():
        return script[0]  # Sphinx stopped before it wrote it
    return f"<script>{path.read_text(encoding='utf-8').strip()}</script>"
