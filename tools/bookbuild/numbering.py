"""A Sphinx extension that numbers chapters and their figures.

The numbers are those of the files' names, and not Sphinx's own, which counts pages: a chapter
keeps its number when a page is added before it, and one of two pages can be "6b". A chapter's
number stands before its title, behind each reference to it ("*A Flower Classifier* (chapter 8)"),
and in each of its figures' captions ("Figure 8.3.").
"""

import posixpath
from typing import TYPE_CHECKING, Any

from docutils import nodes

from bookbuild import chapters, front

if TYPE_CHECKING:
    from sphinx import application
    from sphinx import config as sphinx_config


def setup(app: "application.Sphinx") -> dict[str, bool]:
    """Number pages when they are written; titles as other pages know them stay as they are."""
    # Late: sphinx_jupyterbook_latex, which comes with Jupyter Book, turns it on, for HTML too.
    app.connect("config-inited", turn_off_counting, priority=900)
    app.connect("doctree-resolved", number_page)
    app.connect("html-page-context", number_context)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def turn_off_counting(app: "application.Sphinx", config: "sphinx_config.Config") -> None:
    """Take back Jupyter Book's wish that Sphinx number figures, throughout the book from 1."""
    config.numfig = False


def number_page(app: "application.Sphinx", doctree: nodes.document, page: str) -> None:
    """Put numbers before a chapter's title and into its captions, and behind references."""
    number = chapters.number_of(page)
    if number:
        title = next(doctree.findall(nodes.title))
        title.insert(0, nodes.inline("", f"{number} · ", classes=["chapter-number"]))
        captions = [
            caption
            for caption in doctree.findall(nodes.caption)
            if front.LEAD_CLASS not in caption.parent["classes"]
        ]
        for count, caption in enumerate(captions, start=1):
            label = nodes.inline("", f"Figure {number}.{count}.", classes=["figure-number"])
            caption.insert(0, [label, nodes.Text(" ")])
    for reference in list(doctree.findall(nodes.reference)):
        address = reference.get("refuri", "")
        if not reference.get("internal") or not address.endswith(".html"):
            continue
        target = _page_at(address, page)
        there = chapters.number_of(target)
        if there and reference.astext() == app.env.titles[target].astext():
            _put_behind(reference, f" (chapter {there})")


def _page_at(address: str, page: str) -> str:
    """The page to which an address in a page leads."""
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(page), address))
    return whole.removesuffix(".html")


def _put_behind(reference: nodes.reference, text: str) -> None:
    """Add text behind a reference, but in tables and on cards, which show the number anyhow."""
    ancestor = reference.parent
    while ancestor is not None:
        is_card = "sd-card" in getattr(ancestor, "attributes", {}).get("classes", [])
        if is_card or isinstance(ancestor, (nodes.table, nodes.title)):
            return
        ancestor = ancestor.parent
    place = reference.parent.index(reference)
    reference.parent.insert(place + 1, nodes.Text(text))


def number_context(
    app: "application.Sphinx",
    page: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Number what the theme writes itself: a page's title, and the links to its neighbors."""
    if "title" in context:
        context["title"] = chapters.numbered(context["title"], page)
    for side in ("prev", "next"):
        neighbor = context.get(side)
        if neighbor:
            target = _page_at(neighbor["link"], page)
            context[side] = {**neighbor, "title": chapters.numbered(neighbor["title"], target)}
