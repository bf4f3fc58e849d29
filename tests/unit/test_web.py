"""What a host, a search engine and a shared link get: a map, a page for lost readers, a picture."""

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
