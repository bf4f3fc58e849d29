"""Long pages are folded by section: the first lies open, of the others one sees title and minutes.

What is folded has the attribute ``hidden="until-found"``, so that a browser finds words in it and
opens it. ``folded-sections.js`` does the rest; where it does not run, or where a browser knows no
``until-found``, the style sheet shows all sections.
"""

import re
from collections.abc import Iterator

import bs4

from bookbuild import outline

# A longer page is folded. In CSS pixels, of a window that is 1280 of them wide.
LONG_PX = 15_000

SCRIPT = "folded-sections.js"
SECTION, TITLE, MINUTES, BODY, ALL = (
    f"seeing-section{ending}" for ending in ("", "-title", "-minutes", "-body", "s-all")
)

_SECTION = re.compile(r'<section\b[^>]*\bid="([^"]+)"[^>]*>|</section>')
# What stands before a heading are labels that links lead to.
_HEADED = re.compile(
    r'<section( id="[^"]+">(?:\s*<span id=[^>]*></span>)*\s*<h2>)((?:(?!<a\b|</h2>).)*)'
    r'(<a class="headerlink"[^>]*>[^<]*</a></h2>)(.*)</section>',
    re.DOTALL,
)

# How high things are in a window of that width, about: what comes of them lies within a tenth of
# what Chromium shows of the chapters with all sections open.
_WORD_PX, _BLOCK_PX, _CODE_LINE_PX, _CODE_BOX_PX, _ROW_PX, _PICTURE_PX = 2.0, 18, 20, 40, 33, 420
_BLOCKS = "p, li, h2, h3, figure, table, .admonition, summary"
_CLOSED = "details > :not(summary), script, style, annotation, .toggle > :not(.admonition-title)"


def fold(page: str, script: str) -> str:
    """A long page with its sections folded, but the first; any other page as it is.

    Args:
        page: HTML with an outline.
        script: the text of ``folded-sections.js``, which is to run before the page is shown.
    """
    nav = page.find(f'<nav class="{outline.CLASS}"')
    if nav < 0 or f'class="{BODY}"' in page or about_px(page) <= LONG_PX:
        return page
    _, found = outline.sections(page)
    minutes = {one.anchor: one for one in found}
    for anchor, start, end in reversed(list(_sections(page))[1:]):
        if anchor in minutes:
            page = page[:start] + _folded(page[start:end], minutes[anchor]) + page[end:]
    end = page.index("</nav>", nav)
    button = f'<button type="button" class="{ALL}">Open all sections</button>'
    page = page[:end] + button + page[end:]
    return page.replace("</head>", f"<script>\n{script.strip()}\n</script>\n</head>", 1)


def about_px(page: str) -> float:
    """How high a page is about, with all sections open: from its words, code, tables and figures.

    Args:
        page: HTML.
    """
    article = bs4.BeautifulSoup(page, "html.parser").find("article")
    if article is None:
        return 0.0
    for closed in article.select(_CLOSED):
        closed.decompose()
    code = [pre.extract().get_text().strip() for pre in article.select("pre")]
    rows = [row.extract() for row in article.select("tr")]
    return (
        _WORD_PX * len(article.get_text(" ").split())
        + _BLOCK_PX * len(article.select(_BLOCKS))
        + sum(_CODE_BOX_PX + _CODE_LINE_PX * (text.count("\n") + 1) for text in code)
        + _ROW_PX * len(rows)
        + _PICTURE_PX * len(article.select("img, [src^='data/']"))
    )


def _folded(section: str, facts: outline.Section) -> str:
    """A section's HTML with its body folded; as it is where its heading is no plain one."""
    made = _HEADED.fullmatch(section)
    if made is None:
        return section
    start, title, end, body = made.groups()
    return (
        f'<section class="{SECTION}"{start}<span class="{TITLE}"><span>{title}</span> '
        f'<span class="{MINUTES}">{facts.minutes_text}</span></span>{end}\n'
        f'<div class="{BODY}" hidden="until-found">{body}</div>\n</section>'
    )


def _sections(page: str) -> Iterator[tuple[str, int, int]]:
    """The sections right below the page's title: anchor, start and end of each."""
    opened: list[tuple[str, int]] = []
    for tag in _SECTION.finditer(page, max(page.find("<article"), 0)):
        if tag[1]:
            opened.append((tag[1], tag.start()))
        elif opened:
            anchor, start = opened.pop()
            if len(opened) == 1:
                yield anchor, start, tag.end()
            elif not opened:
                return
