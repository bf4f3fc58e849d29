"""styles: what a page or a script can use stays, in the same order, and nothing else."""

import io
import pathlib

import matplotlib
import pytest
from fakes import Book
from fontTools import ttLib

from bookbuild import search, styles

PAGE = (
    '<html><head><link rel="stylesheet" href="../_static/theme/theme.css?v=1" />\n'
    '<link href="../_static/own.css" rel="stylesheet"/>\n'
    "<script>let shown = 'open';</script>"
    '<script src="../_static/made.js?v=2"></script></head>'
    """<body id="top"><p class="note wide" title="a > b" data-x='c'>Text .prose</p></body></html>"""
)
THEME = """
@charset "utf-8";
@import "../basic.css";
:root { --used: 1px; --unused: 2px; --icon: "x" }
p { margin: var(--used); animation: fade 1s }
table td, p.note > a, .note { color: red }
.wide.absent { color: blue }
.open, .made-name { color: green }
.prose { color: gray }
#top .note, #bottom .note { color: black }
@media print { .note { x: y } .absent { x: y } }
@media screen { .absent { x: y } }
@keyframes fade { from { a: b } to { c: d } }
@keyframes spin { from { a: b } }
.note:not(.absent), p:is(.absent, .note) { e: f }
[class*="not"] p { g: h }
[class^="absent"] p { i: j }
p::after { background: url(picture.png) }
"""


@pytest.fixture
def built(book: Book) -> Book:
    """A page with two sheets, and a script."""
    book.write("_build/html/book/page.html", PAGE)
    book.write("_build/html/_static/theme/theme.css", THEME)
    book.write("_build/html/_static/basic.css", "body { margin: 0 }")
    book.write("_build/html/_static/own.css", 'p { background: url("own.png") }')
    book.write("_build/html/_static/made.js", "document.body.classList.add(`made-name`)")
    book.write("_build/html/_static/macros.html", '<p class="absent">')
    return book


def sheet(book: Book) -> str:
    return (book.checkout.html / "_static" / styles.NAME).read_text(encoding="utf-8")


def page(book: Book) -> str:
    return (book.checkout.html / "book/page.html").read_text(encoding="utf-8")


def test_rules_that_can_apply_stay_in_their_order(built: Book) -> None:
    styles.write(built.checkout)
    assert sheet(built).splitlines() == [
        "/* theme/theme.css own.css */",
        "body{margin: 0}"
        ":root{--used: 1px}"
        "p{margin: var(--used);animation: fade 1s}"
        ".note{color: red}"
        ".open,.made-name{color: green}"
        "#top .note{color: black}"
        "@media print{.note{x: y}}"
        "@keyframes fade{from { a: b } to { c: d }}"
        ".note:not(.absent),p:is(.absent, .note){e: f}"
        '[class*="not"] p{g: h}'
        'p::after{background: url("theme/picture.png")}'
        'p{background: url("own.png")}',
    ]


def test_pages_load_the_one_sheet_where_they_loaded_their_first(built: Book) -> None:
    styles.write(built.checkout)
    assert page(built).count("stylesheet") == 1
    start = '<html><head><link rel="stylesheet" href="../_static/pages.css?v='
    assert page(built).startswith(start)
    assert page(built).endswith(PAGE[PAGE.index("<script>let") :])


def test_a_second_time_nothing_is_written(built: Book) -> None:
    styles.write(built.checkout)
    files = sorted(built.checkout.html.rglob("*.*"))
    before = [path.stat().st_mtime_ns for path in files]
    styles.write(built.checkout)
    assert [path.stat().st_mtime_ns for path in files] == before


def test_pages_of_an_earlier_build_follow_a_changed_sheet(built: Book) -> None:
    styles.write(built.checkout)
    before = page(built)
    built.write("_build/html/_static/own.css", ".wide { color: teal }")
    styles.write(built.checkout)
    assert ".wide{color: teal}" in sheet(built) and "own.png" not in sheet(built)
    assert page(built) != before, "a browser must not take the old sheet from its cache"
    # One page is new, the other is from the build before.
    built.write("_build/html/new.html", PAGE.replace("../", ""))
    styles.write(built.checkout)
    new = (built.checkout.html / "new.html").read_text(encoding="utf-8")
    version = page(built).partition("pages.css?v=")[2][:8]
    assert f'href="_static/pages.css?v={version}"' in new


def test_a_new_page_with_fewer_sheets_costs_the_others_nothing(built: Book) -> None:
    styles.write(built.checkout)
    before = sheet(built)
    built.write("_build/html/new.html", '<link rel="stylesheet" href="_static/own.css" />')
    styles.write(built.checkout)
    assert sheet(built) == before


def test_what_a_page_s_own_styles_refer_to_stays(built: Book) -> None:
    built.write("_build/html/book/page.html", PAGE.replace("<p ", '<p style="top: var(--unused)" '))
    styles.write(built.checkout)
    assert ":root{--used: 1px;--unused: 2px}" in sheet(built)


def test_one_browser_s_selectors_do_not_set_the_others_free(built: Book) -> None:
    built.write("_build/html/_static/own.css", "p, .absent::-moz-track { a: b } .x::-ms-y { c: d }")
    styles.write(built.checkout)
    assert "p, .absent::-moz-track{a: b}" in sheet(built)
    assert "-ms-y" not in sheet(built)


def test_what_the_search_looks_through_is_no_script(built: Book) -> None:
    script = f'<script src="../_static/{search.FILE}"></script></head>'
    built.write("_build/html/book/page.html", PAGE.replace("</head>", script))
    built.write(f"_build/html/_static/{search.FILE}", 'const SECTIONS = ["absent prose"]')
    styles.write(built.checkout)
    assert "absent {" not in sheet(built) and ".prose" not in sheet(built)


def test_sheets_from_elsewhere_and_for_one_medium_stay_apart(built: Book) -> None:
    links = (
        '<link rel="stylesheet" href="https://fonts.example/a.css" />'
        '<link rel="stylesheet" media="print" href="../_static/own.css" />'
    )
    built.write("_build/html/book/page.html", PAGE.replace("<script>", links + "<script>"))
    styles.write(built.checkout)
    assert links in page(built) and page(built).count("stylesheet") == 3


def test_a_sheet_that_is_missing_or_malformed_is_named(built: Book) -> None:
    built.write("_build/html/_static/own.css", "p { ")
    with pytest.raises(ValueError, match="ends within a rule"):
        styles.write(built.checkout)
    (built.checkout.html / "_static/own.css").unlink()
    with pytest.raises(ValueError, match=r"own\.css, which cannot be read"):
        styles.write(built.checkout)
    built.write("_build/html/_static/own.css", "@import url(elsewhere.css) print;")
    with pytest.raises(ValueError, match="imports another in a form not known"):
        styles.write(built.checkout)


def test_a_site_without_pages_is_left_alone(book: Book) -> None:
    styles.write(book.checkout)
    assert not book.checkout.html.exists()


@pytest.mark.parametrize(
    ("selector", "can"),
    [
        ("*", True),
        (":root", True),
        ("p", True),
        ("table", False),
        ("p.note:hover::before", True),
        ("p > .absent", False),
        (".note.absent", False),
        ("#top", True),
        ("#absent", False),
        ("p:not(.absent)", True),
        ("p:not(:is(.absent, a)) .note", True),
        ("p:not(.note) .absent", False),
        ('[data-absent="table .absent"]', True),
        ('[class="absent"]', False),
        ("[class~=note]", True),
        (".a\\:b", True),
        (".a\\:c", False),
        (".-x", True),
        ("P.note", True),
        (".Note", False),
        ('[class*=" not"]', True),
        ('[class*=" absent"]', False),
        (".bs-tooltip-auto .digit-demo-maps", True),
        (".mb-1", False),
        ("bs-absent", False),
        (".\\31 0", True),
    ],
)
def test_whether_a_selector_can_match(selector: str, can: bool) -> None:
    known = {"p", "note", "top", "a:b", "-x", "bs-", "-maps", "-", "-1"}
    assert styles.Names(known).can_match(selector) is can


def test_words_come_from_tags_and_scripts_and_not_from_prose(built: Book) -> None:
    found = styles.words({built.checkout.html / "book/page.html": PAGE})
    assert {"html", "body", "p", "top", "note", "wide", "open", "made-name"} <= found
    assert found.isdisjoint({"Text", "prose", "absent", "c"})


def test_a_font_with_the_wanted_letters_only() -> None:
    path = pathlib.Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    made = styles.font_subset(path, {ord("a"), ord("b"), 0xF8FF})
    with ttLib.TTFont(io.BytesIO(made)) as font:
        assert set(font.getBestCmap()) == {ord("a"), ord("b")}
    assert len(made) < path.stat().st_size / 20
    assert styles.font_subset(path, {0xF8FF}) is None


def test_icons_travel_in_the_sheet(built: Book) -> None:
    fonts = pathlib.Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    folder = built.checkout.html / "_static/vendor/fontawesome"
    folder.mkdir(parents=True)
    (folder / "icons.ttf").write_bytes(fonts.read_bytes())
    sources = "url(vendor/fontawesome/icons.woff2),url(vendor/fontawesome/icons.ttf)"
    face = f"@font-face{{font-family:Icons;src:{sources}}}"
    # DejaVu's private letters begin here.
    built.write("_build/html/_static/own.css", face + '.note::before{content:"\\f400"}')
    styles.write(built.checkout)
    assert "@font-face{font-family:Icons;src:url(data:font/woff;base64," in sheet(built)
    built.write("_build/html/_static/own.css", face + '.note::before{content:"\\f8ff"}')
    styles.write(built.checkout)
    assert "font-face" not in sheet(built), "it would hold none of the icons"
