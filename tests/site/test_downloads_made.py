"""A tiny book as PDF and ePub: its text is there, and its links stay inside."""

import zipfile
from xml.etree import ElementTree

import pypdf
import pytest

from bookbuild import __main__ as bookbuild_main
from bookbuild import downloads, paths

pytestmark = pytest.mark.browser


def test_a_book_to_take_along(chromium: str, book: paths.Checkout) -> None:
    first = (
        "# First\n\nA page, and {doc}`../notebooks/01_one`.\n\n<x-demo>\n<p>No.</p>\n</x-demo>\n"
    )
    (book.root / "book/first.md").write_text(first, encoding="utf-8")
    bookbuild_main.build(book)
    pdf, epub, _ = downloads.make(book)

    printed = pypdf.PdfReader(pdf)
    text = " ".join(sheet.extract_text() for sheet in printed.pages)
    assert "A page" in text and "print(1 + 1)" in text
    notes = [note.get_object() for sheet in printed.pages for note in sheet.get("/Annots") or ()]
    starts = [
        printed.get_page_number(note["/Dest"][0].get_object())
        for note in notes
        if isinstance(note.get("/Dest"), list)
    ]
    assert starts and max(starts) > 0, "the link to the chapter leads to its page"
    assert b"file://" not in pdf.read_bytes()
    titles = [mark.title for mark in printed.outline if not isinstance(mark, list)]
    assert titles == ["First", "One"]

    with zipfile.ZipFile(epub) as archive:
        assert archive.namelist()[0] == "mimetype"
        assert archive.read("mimetype") == b"application/epub+zip"
        pages = [name for name in archive.namelist() if name.endswith((".xhtml", ".opf", ".ncx"))]
        parsed = {name: ElementTree.fromstring(archive.read(name)) for name in pages}
        assert archive.testzip() is None
    words = " ".join(parsed["book/first.xhtml"].itertext())
    assert "A page" in words and "demo here" in words and "No." not in words
    assert "print(1 + 1)" in "".join(parsed["notebooks/01_one.xhtml"].itertext())

    front = (book.html / "book/first.html").read_text(encoding="utf-8")
    assert f"../{downloads.FOLDER}/{downloads.EPUB}" in front
