"""A Sphinx extension for a page's head: its description, and the scripts of what is on it."""

import html
import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

from bookbuild import answers, bundle, figures, web

if TYPE_CHECKING:
    from sphinx import application

# Search engines and previews show about so many characters.
DESCRIPTION = 160

# Demos need scripts; the style sheet keeps a place for them only where there are some.
_SCRIPTED = "document.documentElement.dataset.scripted = '';"

# Elements of our own: each is defined by the script of its name.
_ELEMENT = re.compile(rf"<((?:[a-z]+-)+demo|{answers.ELEMENT})\b")


def setup(app: "application.Sphinx") -> dict[str, bool]:
    """Complete each page's head when the page is written."""
    app.connect("html-page-context", complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def complete(
    app: "application.Sphinx",
    page: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Describe the page, and load the scripts of those elements that it holds, and no others."""
    if context.get("title") == context.get("docstitle"):
        context["docstitle"] = ""  # a window's title is the page's and the book's: here, the same
    body = context.get("body") or ""
    for name in sorted(set(_ELEMENT.findall(body))):
        app.add_js_file(f"{name}{bundle.ENDING}", defer="defer")
    if f"{figures.LEAST_WIDTH}-" in body:
        app.add_js_file("scrolling-figures.js", defer="defer")
    if doctree is not None:
        text = html.escape(description(doctree))
        picture = f"{app.config.html_baseurl}_static/{web.PREVIEW}"
        title = html.escape(re.sub(r"<[^>]*>", "", context.get("title", "")))
        context["metatags"] = (context.get("metatags") or "") + (
            f'<meta name="description" content="{text}" />\n'
            f'<meta property="og:title" content="{title}" />\n'
            f'<meta property="og:description" content="{text}" />\n'
            '<meta property="og:type" content="article" />\n'
            f'<meta property="og:image" content="{picture}" />\n'
            '<meta name="twitter:card" content="summary_large_image" />\n'
            f"<script>{_SCRIPTED}</script>\n"
        )


def description(doctree: nodes.document) -> str:
    """A page's first paragraph, which for a chapter is its promise, cut at a word."""
    first = next(doctree.findall(nodes.paragraph), None)
    text = " ".join(first.astext().split()) if first is not None else ""
    if len(text) <= DESCRIPTION:
        return text
    return text[: DESCRIPTION - 1].rpartition(" ")[0].rstrip(",;:") + "…"
