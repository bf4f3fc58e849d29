"""What a web host, a search engine and a shared link ask for besides the pages."""

import datetime
import html
import io
from collections.abc import Callable
from typing import Any
from urllib import parse
from xml.sax import saxutils

import bs4
from matplotlib import figure, patches

from bookbuild import paths
from seeing.figures import style

# Below the folder of static files.
PREVIEW = "preview.png"
SUBTITLE = "An executable book on image classification\nwith Keras and TensorFlow"
# What services that show a shared link expect, in pixels.
PREVIEW_SIZE = (1200, 630)

SITEMAP, NOT_FOUND, START = "sitemap.xml", "404.html", "index.html"


def address(checkout: paths.Checkout) -> str:
    """Where the book is published, with a slash at the end; empty where no setting says it."""
    return checkout.settings().get("sphinx", {}).get("config", {}).get("html_baseurl", "")


def write(checkout: paths.Checkout) -> None:
    """Write the site's start, its map, and its page for addresses that lead nowhere.

    The last two name pages by their whole addresses: a book that is published nowhere has neither.
    """
    base = address(checkout)
    built = [page for page in checkout.pages() if (checkout.html / f"{page}.html").is_file()]
    if built and (first := f"{built[0]}.html") != START:
        front = (checkout.html / first).read_text(encoding="utf-8")
        (checkout.html / START).write_text(start(front, first), encoding="utf-8")
    if base and built:
        title = checkout.settings()["title"]
        (checkout.html / SITEMAP).write_text(sitemap(base, built), encoding="utf-8")
        (checkout.html / NOT_FOUND).write_text(not_found(base, title), encoding="utf-8")


def start(front: str, first: str) -> str:
    """The page at the site's own address, which leads to the book's first page.

    What is shared and found is that address, and a browser looks there for an icon: so it has the
    first page's title, description, preview and icon, which Jupyter Book's has not.

    Args:
        front: the first page.
        first: where it is, seen from the site's top.
    """
    page = bs4.BeautifulSoup(front, "html.parser")
    head = page.new_tag("head")
    head.append(page.new_tag("meta", charset="utf-8"))
    lead = {"http-equiv": "refresh", "content": f"0; url={first}"}
    head.append(page.new_tag("meta", attrs=lead))
    for one in page.select(
        "title, meta[name], meta[property], link:is([rel=icon], [rel=canonical])"
    ):
        if one.name == "link":
            one["href"] = parse.urljoin(first, one["href"])
        head.append(one.extract())
    title = head.title.get_text() if head.title else first
    body = page.new_tag("body")
    link = page.new_tag("a", attrs={"href": first})
    link.string = title
    body.append(link)
    language = page.html.get("lang", "en") if page.html else "en"
    return f'<!DOCTYPE html>\n<html lang="{html.escape(language)}">\n{head}\n{body}\n</html>\n'


def sitemap(base: str, pages: list[str]) -> str:
    """The pages' addresses, as https://www.sitemaps.org/protocol.html has it."""
    today = datetime.date.today().isoformat()
    entries = "".join(
        f"<url><loc>{saxutils.escape(f'{base}{page}.html')}</loc><lastmod>{today}</lastmod></url>\n"
        for page in pages
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n'
    )


def not_found(base: str, title: str) -> str:
    """A page by itself: a host shows it below any address, so nothing in it may be relative."""
    start = html.escape(base)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>No such page · {html.escape(title)}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.6 system-ui, sans-serif; margin: 15vh auto; max-width: 34rem; }}
body {{ padding: 0 1rem; }}
h1 {{ font-size: 1.8rem; }}
input, button {{ font: inherit; padding: 0.3rem 0.6rem; }}
</style>
</head>
<body>
<main>
<h1>There is no such page</h1>
<p>It may have been renamed. <a href="{start}">The book's front page</a> lists all chapters,
and you can search them:</p>
<form action="{start}search.html" role="search">
<label for="q">Search this book</label>
<input id="q" name="q" type="search"> <button>Search</button>
</form>
</main>
</body>
</html>
"""


def preview(title: str, subtitle: str) -> bytes:
    """The picture that goes with a shared link, as PNG: the book's name, and its eye of pixels."""
    width, height = PREVIEW_SIZE
    drawn = figure.Figure(figsize=(width / 100, height / 100), dpi=100, facecolor=style.COLORS[0])
    axis = drawn.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axis.axis("off")
    axis.text(80, 400, title, color="white", fontsize=46, fontweight="bold", va="center")
    axis.text(80, 270, subtitle, color="white", fontsize=20, va="center", linespacing=1.5)
    _draw_eye(axis.add_patch, center=(930, 330), radius=190)
    written = io.BytesIO()
    drawn.savefig(
        written, format="png", facecolor=drawn.get_facecolor(), metadata={"Software": None}
    )
    return written.getvalue()


def _draw_eye(
    add: Callable[[patches.Patch], Any], center: tuple[float, float], radius: float
) -> None:
    """The eye of the book's icon: two arcs, and four pixels for an iris."""
    x, y = center
    lens = 0.75 * radius
    outline = [
        (x - radius, y),
        (x, y + 2 * lens),
        (x + radius, y),
        (x, y - 2 * lens),
        (x - radius, y),
    ]
    move, curve = patches.Path.MOVETO, patches.Path.CURVE3
    path = patches.Path(outline, [move, curve, curve, curve, curve])
    add(patches.PathPatch(path, facecolor="white", edgecolor="none"))
    pixel = radius / 3
    corners = [(-1, 0), (0, 0), (-1, -1), (0, -1)]
    colors = [style.COLORS[0], style.COLORS[5], style.COLORS[5], style.COLORS[1]]
    for (column, row), color in zip(corners, colors, strict=True):
        corner = (x + column * pixel, y + row * pixel)
        add(patches.Rectangle(corner, pixel, pixel, facecolor=color, edgecolor="none"))
