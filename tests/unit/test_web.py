"""What a host, a search engine and a shared link get: start, map, picture, a page for the lost."""

import io
import re
from xml.etree import ElementTree

from bs4 import BeautifulSoup
from fakes import Book, code
from PIL import Image

from bookbuild import paths, web

BASE = "https://example.org/a-book/"


def config(book: Book, base: str) -> None:
    book.write("_config.yml", f"title: A book\nsphinx:\n  config:\n    html_baseurl: {base}\n")


def test_the_map_names_every_page_that_was_built(book: Book) -> None:
    config(book, BASE)
    for name in ("01_letters", "02_numbers"):
        book.chapter(name, code("x = 1"))
    pages = book.checkout.pages()
    assert len(pages) == 3
    for page in pages[:-1]:
        book.write(f"_build/html/{page}.html", "<html></html>")
    web.write(book.checkout)
    tree = ElementTree.parse(book.checkout.html / web.SITEMAP)
    places = [one.text for one in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert places == [f"{BASE}{page}.html" for page in pages[:-1]]
    dates = [one.text for one in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}lastmod")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates)


def test_a_book_that_is_published_nowhere_gets_neither(book: Book) -> None:
    for page in book.checkout.pages():
        book.write(f"_build/html/{page}.html", "<html></html>")
    web.write(book.checkout)
    assert not (book.checkout.html / web.SITEMAP).exists()
    assert not (book.checkout.html / web.NOT_FOUND).exists()


FRONT = """<html lang="en"><head><meta charset="utf-8">
<meta name="description" content="It &amp; I">
<link rel="canonical" href="https://example.org/a-book/front.html">
<title>A book</title><link rel="stylesheet" href="../_static/a.css">
<link rel="icon" href="../_static/eye.svg"></head><body><h1>Hello</h1></body></html>"""


def test_the_start_leads_to_the_first_page_and_shows_its_title_description_and_icon(
    book: Book,
) -> None:
    first, *_ = book.checkout.pages()
    book.write(f"_build/html/{first}.html", FRONT)
    book.write(f"_build/html/{web.START}", "<html>Jupyter Book's own</html>")
    web.write(book.checkout)
    start = (book.checkout.html / web.START).read_text(encoding="utf-8")
    page = BeautifulSoup(start, "html.parser")
    assert page.select_one("meta[http-equiv=refresh]")["content"] == f"0; url={first}.html"
    assert page.a["href"] == f"{first}.html"
    assert page.select_one("[rel=canonical]")["href"] == f"{BASE}front.html", "it stays whole"
    assert page.title.get_text() == page.a.get_text() == "A book"
    assert page.select_one("meta[name=description]")["content"] == "It & I"
    assert not page.select("[rel=stylesheet], h1")
    assert len(page.select("[charset]")) == 1


def test_the_start_finds_the_icon_of_a_page_in_a_folder() -> None:
    page = BeautifulSoup(web.start(FRONT, "book/front.html"), "html.parser")
    assert page.select_one("[rel=icon]")["href"] == "_static/eye.svg"


def test_a_first_page_that_is_the_start_is_left_alone(book: Book) -> None:
    book.write("_toc.yml", "format: jb-book\nroot: index\n")
    book.write(f"_build/html/{web.START}", FRONT)
    web.write(book.checkout)
    assert (book.checkout.html / web.START).read_text(encoding="utf-8") == FRONT


def test_the_page_for_lost_readers_works_below_any_address() -> None:
    page = BeautifulSoup(web.not_found(BASE, "Small & good"), "html.parser")
    assert page.h1.get_text() == "There is no such page"
    assert page.title.get_text() == "No such page · Small & good"
    assert page.a["href"] == BASE
    assert page.form["action"] == f"{BASE}search.html"
    assert page.find("label")["for"] == page.input["id"]
    assert page.input["name"] == "q", "as the book's own search page reads it"
    assert not page.select("[src]")


def test_what_is_in_an_address_cannot_leave_it() -> None:
    assert "&amp;" in web.sitemap("https://example.org/?a&b=", ["index"])
    assert "<b>" not in web.not_found('https://example.org/"><b>/', "<b>")


def test_the_preview_has_the_size_that_is_expected_and_is_the_same_every_time() -> None:
    written = web.preview("A Book", "about pictures")
    picture = Image.open(io.BytesIO(written))
    assert picture.size == web.PREVIEW_SIZE
    assert picture.convert("RGB").getpixel((5, 5)) == (0x00, 0x72, 0xB2)
    assert picture.convert("RGB").getpixel((930, 200)) == (255, 255, 255), "the white of the eye"
    assert written == web.preview("A Book", "about pictures")
    assert written != web.preview("Another Book", "about pictures")


def test_the_book_itself_says_where_it_is_published(root) -> None:
    base = web.address(paths.Checkout(root))
    assert base.startswith("https://")
    assert base.endswith("/")
