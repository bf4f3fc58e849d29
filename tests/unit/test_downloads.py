"""What is offered to take along: the archive, the links, and pages made fit for an ePub."""

import pathlib
import zipfile
from xml.etree import ElementTree

import bs4
import hypothesis
import nbformat
import pytest
from fakes import Book, prose, write_notebook
from hypothesis import strategies as st

from bookbuild import chromium, downloads

FRONT = '<html><body><article><section id="a"><h1>A</h1></section>\n</article></body></html>'


@pytest.fixture
def files(tmp_path: pathlib.Path) -> list[pathlib.Path]:
    """Three files, one, two and three million bytes long."""
    made = [tmp_path / name for name in (downloads.PDF, downloads.EPUB, downloads.NOTEBOOKS)]
    for size, path in enumerate(made, 1):
        path.write_bytes(b"x" * 1_000_000 * size)
    return made


def test_the_front_page_names_each_file_and_its_size(files: list[pathlib.Path]) -> None:
    page = bs4.BeautifulSoup(downloads.with_links(FRONT, files), "html.parser")
    section = page.select_one("article > section > section")
    assert [link["href"] for link in section.select("a")] == [
        f"../{downloads.FOLDER}/{path.name}" for path in files
    ]
    assert [item.get_text().split(" (")[1] for item in section.select("li")] == [
        "1.0 MB)",
        "2.0 MB)",
        "3.0 MB)",
    ]


def test_links_are_put_once(files: list[pathlib.Path]) -> None:
    once = downloads.with_links(FRONT, files)
    files[0].write_bytes(b"x" * 7_000_000)
    again = downloads.with_links(once, files)
    assert again == once.replace("(1.0 MB)", "(7.0 MB)")


def test_a_page_without_an_article_is_refused(files: list[pathlib.Path]) -> None:
    with pytest.raises(ValueError, match="no place for downloads"):
        downloads.with_links("<html><section></section></html>", files)


def test_the_archive_holds_the_chapters_and_is_the_same_every_time(
    book: Book, tmp_path: pathlib.Path
) -> None:
    for name in ("first.zip", "second.zip"):
        downloads.write_notebooks(book.checkout, tmp_path / name)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "first.zip") as archive:
        chapters = book.checkout.chapters()
        assert archive.namelist() == [f"{downloads.NAME}/{path.name}" for path in chapters]
        assert [archive.read(name) for name in archive.namelist()] == [
            path.read_bytes() for path in chapters
        ]


def test_a_book_that_is_not_built_says_so(book: Book) -> None:
    with pytest.raises(ValueError, match=r"has not been built .* run make book"):
        downloads.make(book.checkout)


def test_without_chromium_nothing_is_made(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    for page in book.checkout.pages():
        book.write(f"_build/html/{page}.html", FRONT)
    monkeypatch.setattr(chromium, "find", lambda: None)
    with pytest.raises(ValueError, match="Chromium is not installed"):
        downloads.make(book.checkout)
    assert not (book.checkout.html / downloads.FOLDER).exists()


def test_a_demo_gives_way_to_a_sentence(tmp_path: pathlib.Path) -> None:
    text = 'Before.\n\n<a-demo src="x.json" sample>\n<p>Needs a server.</p>\n</a-demo>\n\nAfter.'
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    downloads._take_demos_out(page)
    left = page.read_text(encoding="utf-8")
    assert "server" not in left and "demo here" in left
    assert left.startswith("Before.") and left.endswith("After.")
    chapter = tmp_path / "chapter.ipynb"
    write_notebook(chapter, prose(text))
    downloads._take_demos_out(chapter)
    assert nbformat.read(chapter, as_version=4).cells[0].source == left


PAGE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>T</title></head><body>%s</body></html>"""


def test_a_page_that_is_xml_stays_byte_for_byte() -> None:
    page = PAGE % "<p>Größe <br/> &amp; more</p>".encode()
    assert downloads.well_formed(page) is page


def test_tags_that_are_left_open_are_closed() -> None:
    page = PAGE % b'<p>a<br>b<img src="x" hidden></p><svg viewBox="0 0 1 1"><path d="M0"/></svg>'
    mended = downloads.well_formed(page)
    root = ElementTree.fromstring(mended)
    assert "".join(root.itertext()).strip() == "Tab"
    assert b'viewBox="0 0 1 1"' in mended


@hypothesis.given(st.lists(st.sampled_from(["<p>", "</p>", "<br>", "<b>", "x & y", "<td>", "é"])))
def test_whatever_a_chapter_prints_becomes_xml(pieces: list[str]) -> None:
    ElementTree.fromstring(downloads.well_formed(PAGE % "".join(pieces).encode()))
