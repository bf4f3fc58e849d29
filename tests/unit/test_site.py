"""What a build looks for in the site that Jupyter Book left."""

from fakes import Book
from PIL import Image

from bookbuild import site, stage


def put_page(book: Book, name: str, body: str) -> None:
    """A built page."""
    book.write(f"_build/html/{name}", f"<html><body>{body}</body></html>")


def put_export(book: Book, name: str) -> None:
    """A staged export."""
    book.write(f"_build/source/{stage.STATIC}/{name}", "{}")


def test_a_demo_whose_data_no_chapter_exported_is_named(book: Book) -> None:
    put_page(book, "notebooks/01_letters.html", '<letter-demo class="a" src="data/deep/a.json">')
    put_page(book, "book/preface.html", '<digit-demo\n src="data/b.json">')
    put_export(book, "data/b.json")
    assert site.missing_exports(book.checkout) == [
        "notebooks/01_letters.html: its <letter-demo> reads data/deep/a.json, which no chapter "
        "exported"
    ]
    put_export(book, "data/deep/a.json")
    assert site.missing_exports(book.checkout) == []


def test_a_file_that_an_earlier_build_left_in_the_site_is_no_export(book: Book) -> None:
    put_page(book, "notebooks/01_letters.html", '<letter-demo src="data/a.json">')
    book.write("_build/html/_static/data/a.json", "{}")
    assert len(site.missing_exports(book.checkout)) == 1


def test_pictures_and_scripts_are_no_demos(book: Book) -> None:
    put_page(book, "book/preface.html", '<img src="data/a.png"><script src="data/b.js"></script>')
    assert site.missing_exports(book.checkout) == []


def test_a_changed_style_sheet_is_noticed(book: Book) -> None:
    book.write(f"_build/source/{stage.STATIC}/book.css", "p {}")
    assert site.static_files_differ(book.checkout)  # nothing is built yet
    book.write("_build/html/_static/book.css", "p {}")
    book.write("_build/html/_static/theme.css", "the theme's own")
    assert not site.static_files_differ(book.checkout)
    book.write(f"_build/source/{stage.STATIC}/book.css", "a {}")
    assert site.static_files_differ(book.checkout)


def test_a_page_asks_at_once_whether_the_reader_wants_it_dark(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(f"<script>x.{site._THEME_LATER}</script>", encoding="utf-8")
    site.finish_page(page)
    text = page.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text and '"auto"' not in text


def test_a_finished_page_has_one_set_of_icons_and_folds_that_are_read_by_their_names(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        '<script defer src="_static/vendor/fontawesome.js"></script><div role="doc-biblioentry">'
        '<summary aria-label="Toggle hidden content">\n<p>Solution 1</p></summary>',
        encoding="utf-8",
    )
    site.finish_page(page)
    text = page.read_text(encoding="utf-8")
    assert text == '<div role="listitem"><summary>\n<p>Solution 1</p></summary>'
    before = page.stat().st_mtime_ns
    site.finish_page(page)
    assert page.stat().st_mtime_ns == before


def test_a_page_loads_no_search_and_its_scripts_wait_until_it_is_shown(tmp_path):
    scripts = (
        '<script src="../_static/documentation_options.js?v=1"></script>'
        '<script src="../_static/copybutton.js?v=2"></script>'
        '<script src="../_static/searchtools.js"></script>'
        '<script src="../_static/language_data.js"></script>'
        '<script src="../searchindex.js"></script>'
    )
    left = {}
    for name in ("page.html", "search.html"):
        (tmp_path / name).write_text(scripts, encoding="utf-8")
        site.finish_page(tmp_path / name)
        left[name] = (tmp_path / name).read_text(encoding="utf-8")
    kept = (
        '<script src="../_static/documentation_options.js?v=1"></script>'
        '<script defer src="../_static/copybutton.js?v=2"></script>'
    )
    assert left["page.html"] == kept
    assert left["search.html"] == (kept + '<script src="../_static/language_data.js"></script>')


def test_pictures_keep_their_place_and_come_when_they_are_needed(tmp_path):
    folder = tmp_path / "_images"
    folder.mkdir()
    (folder / "line.svg").write_text('<?xml?><svg width="75pt" height="30.0pt" x="1"></svg>')
    (folder / "page.svg").write_text('<svg width="3in"></svg>')
    Image.new("L", (30, 20)).save(folder / "dots.png")
    page = tmp_path / "page.html"
    page.write_text(
        '<img alt="a line" src="_images/line.svg" /><img src="_images/dots.png" alt="dots">'
        '<img src="_images/page.svg" alt="first" /><img src="_images/gone.png" alt="gone" />'
        '<img src="_static/logo.png" alt="logo" />',
        encoding="utf-8",
    )
    site.finish_page(page)
    text = page.read_text(encoding="utf-8")
    assert text == (
        '<img alt="a line" src="_images/line.svg" width="100" height="40" loading="lazy" '
        'decoding="async" />'
        '<img src="_images/dots.png" alt="dots" width="30" height="20" loading="lazy" '
        'decoding="async" />'
        '<img src="_images/page.svg" alt="first" decoding="async" />'
        '<img src="_images/gone.png" alt="gone" loading="lazy" decoding="async" />'
        '<img src="_static/logo.png" alt="logo" />'
    )
    site.finish_page(page)
    assert page.read_text(encoding="utf-8") == text
