"""A Sphinx extension that writes formulas as MathML, so that pages need no script for them.

Browsers draw MathML by themselves, screen readers read it, and a page without JavaScript shows it.
latex2mathml translates the TeX of the sources; here its output gets the spaces that TeX has and
MathML's dictionary of operators has not: none around a slash, thin ones around "ln" or "max".

The font is a part of STIX Two Math. It travels in a sheet of pages with formulas, which a browser
reads before it shows a page. By its address it would come later: then lines become longer or
shorter while they are read, most of all where the machine's own fonts are wide. From a sheet it is
unpacked beside all else, and on a busy machine that ends too late; so a page waits for it, for some
milliseconds.
"""

import base64
import pathlib
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import latex2mathml.converter
from docutils import nodes
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx import application
    from sphinx.writers import html5

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
THIN_SPACE = "0.1667em"

# Operators without a space of their own: a slash, and dots, which stand between others that have.
TIGHT = ("/", "…", "⋯")

# A displayed formula longer than this may be wider than a phone, and is scrolled there.
LONG = 40

SHEET = "formulas.css"
FONT = "book/_static/fonts/STIXTwoMath-subset.woff2"
_RULES = """/* A part of STIX Two Math (SIL Open Font License 1.1, fonts/OFL.txt). */
@font-face {{
  font-family: "STIX Two Math";
  src: url("data:font/woff2;base64,{font}") format("woff2");
}}

math {{
  font-family: "STIX Two Math", math;
  font-size: 1.08em;
}}

:root[data-formulas="waiting"] body {{
  visibility: hidden;
}}
"""
_WAIT = """{
  const { dataset } = document.documentElement;
  const show = () => delete dataset.formulas;
  dataset.formulas = "waiting";
  document.fonts.load('1em "STIX Two Math"').then(show, show);
}"""

logger = logging.getLogger(__name__)


def setup(app: "application.Sphinx") -> dict[str, bool]:
    """Offer the renderer; ``html_math_renderer: mathml`` in ``_config.yml`` chooses it."""
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_inline, None), block_renderers=(_block, None)
    )
    app.connect("builder-inited", _write_sheet)
    app.connect("html-page-context", _load_sheet)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_sheet(app: "application.Sphinx") -> None:
    """Write the sheet before any page, since pages name it with a checksum."""
    font = base64.b64encode((pathlib.Path(app.srcdir) / FONT).read_bytes()).decode()
    target = pathlib.Path(app.outdir) / "_static" / SHEET
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_RULES.format(font=font), encoding="utf-8")


def _load_sheet(
    app: "application.Sphinx", _name: str, _template: str, context: dict[str, Any], _tree: object
) -> None:
    if "<math" in context.get("body", ""):
        app.add_css_file(SHEET)
        app.add_js_file(None, body=_WAIT)


def _inline(translator: "html5.HTML5Translator", node: nodes.math) -> None:
    translator.body.append(_checked(node, display="inline"))
    raise nodes.SkipNode


def _block(translator: "html5.HTML5Translator", node: nodes.math_block) -> None:
    # Whoever uses the keyboard scrolls what has the focus.
    focus = ' tabindex="0" role="group" aria-label="formula"' if len(node.astext()) > LONG else ""
    formula = _checked(node, display="block")
    translator.body.append(f'<div class="seeing-formula"{focus}>{formula}</div>\n')
    raise nodes.SkipNode


def _checked(node: nodes.Element, *, display: str) -> str:
    """A node's formula; what the translation does not know is a warning, and fails the build."""
    element = to_element(node.astext(), display)
    unknown = re.search(r"\\[a-zA-Z]+", "".join(element.itertext()))
    if unknown:
        logger.warning("no MathML for %s in %r", unknown[0], node.astext(), location=node)
    return _written(element)


def mathml(tex: str, *, display: str) -> str:
    """A formula as HTML.

    Args:
        tex: without dollars, for example ``"p(1 - p)/n"``.
        display: ``"inline"`` or ``"block"``.

    Raises:
        ValueError: when the formula cannot be read, for example for a missing brace.
    """
    return _written(to_element(tex, display))


def _written(element: ElementTree.Element) -> str:
    ElementTree.register_namespace("", NAMESPACE)
    return ElementTree.tostring(element, encoding="unicode")


def to_element(tex: str, display: str) -> ElementTree.Element:
    """A formula as a tree, with TeX's spaces; arguments and errors as for :func:`mathml`."""
    try:
        root = ElementTree.fromstring(latex2mathml.converter.convert(tex, display=display))
    # Each of its mistakes about a formula has a class of its own, and they have no common one.
    except Exception as error:
        raise ValueError(f"no formula: {tex} ({type(error).__name__})") from error
    for parent in root.iter():
        _put_spaces(parent)
    return root


def _put_spaces(parent: ElementTree.Element) -> None:
    """Give a row's slashes, dots and named functions the spaces that TeX gives them."""
    children = list(parent)
    for place in reversed(range(len(children))):
        child = children[place]
        if _kind(child) == "mo" and child.text in TIGHT:
            child.set("lspace", "0")
            child.set("rspace", "0")
        if not _is_function(child) or _kind(parent) != "mrow":
            continue
        if place + 1 < len(children) and _kind(children[place + 1]) != "mo":
            parent.insert(place + 1, _thin_space())
        if place and (_kind(children[place - 1]) != "mo" or children[place - 1].text == ")"):
            parent.insert(place, _thin_space())


def _is_function(element: ElementTree.Element) -> bool:
    """Whether an element is a name such as "ln", or a power of one; variables are letters."""
    if _kind(element) in ("msup", "msub") and len(element):
        return _is_function(element[0])
    return _kind(element) == "mi" and len(element.text or "") > 1 and element.text.isalpha()


def _thin_space() -> ElementTree.Element:
    return ElementTree.Element(f"{{{NAMESPACE}}}mspace", width=THIN_SPACE)


def _kind(element: ElementTree.Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]
