"""What the search looks through: sections, each with the words that are its own."""

import json
import pathlib

from fakes import Book

from bookbuild import search

PAGE = """
<html><body><nav>Contents zebra</nav><article>
<section id="pixels"><h1>Pixels<a class="headerlink">#</a></h1>
<p>A picture is <em>numbers</em>, <strong>many</strong> of them.</p>
<section id="colors"><h2>Colors</h2><p>Red, green</p><p>and blue.</p>
<div class="cell"><pre><span>x</span> = <span>image</span>.<span>shape</span></pre>
<button class="copybtn">Copy</button><script>let hidden = 1;</script></div>
<section id="gray"><h3>Gray</h3><ul><li>light</li><li>dark</li></ul></section></section>
<section id="end"><h2>The end</h2></section></section>
</article></body></html>
"""


def found(tmp_path: pathlib.Path, text: str = PAGE, page: str = "a/page") -> list[search.Section]:
    path = tmp_path / "page.html"
    path.write_text(text, encoding="utf-8")
    return list(search.sections(path, page))


def test_each_section_has_its_own_words_and_code_and_no_other(tmp_path):
    pixels, colors, gray, end = found(tmp_path)
    assert (pixels.page, pixels.title, pixels.address) == ("Pixels", "", "a/page.html")
    assert pixels.text == "A picture is numbers, many of them."
    assert (colors.page, colors.title) == ("Pixels", "Colors")
    assert colors.address == "a/page.html#colors"
    assert colors.text == "Red, green and blue."
    assert colors.code == "x = image.shape"
    assert (gray.title, gray.text, gray.code) == ("Gray", "light dark", "")
    assert (end.title, end.text) == ("The end", "")


def test_pages_about_other_pages_weigh_less(tmp_path):
    assert {one.weight for one in found(tmp_path)} == {1.0}
    assert {one.weight for one in found(tmp_path, page="book/bibliography")} == {0.2}


def test_every_page_with_a_weight_of_its_own_exists(root):
    assert all((root / f"{page}.md").is_file() for page in search.WEIGHTS)


def test_a_page_without_sections_has_none(tmp_path):
    assert found(tmp_path, "<html><article><p>Text.</p></article></html>") == []
    assert found(tmp_path, "<html><p>Text.</p></html>") == []


def test_the_sections_of_all_pages_that_were_built_are_written_as_a_script(book: Book):
    for name in ("book/preface", "notebooks/01_letters"):
        if name != "book/preface":
            book.chapter("01_letters")
        book.write(f"_build/html/{name}.html", PAGE.replace("Pixels", name))
    book.chapter("02_numbers")
    book.write("_build/html/_static/basic.css", "")
    search.write(book.checkout)
    script = (book.checkout.html / "_static" / search.FILE).read_text(encoding="utf-8")
    assert script.startswith("const SECTIONS = [")
    rows = json.loads(script.removeprefix("const SECTIONS = ").removesuffix(";\n"))
    assert [row[0].partition("#")[0] for row in rows] == (
        ["book/preface.html"] * 4 + ["notebooks/01_letters.html"] * 4
    )
    assert rows[0] == ["book/preface.html", "book/preface", "", 1.0, rows[0][4], ""]
