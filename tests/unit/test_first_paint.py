"""first_paint: a page asks for less before it is shown, and says the same."""

import pathlib

from bookbuild import first_paint


def hastened(text: str, folder: pathlib.Path) -> str:
    """A page in a folder beside the one of static files; once is enough."""
    made = first_paint.hasten(text, folder / "book" / "page.html")
    assert first_paint.hasten(made, folder / "book" / "page.html") == made
    return made


def test_scripts_wait(tmp_path: pathlib.Path) -> None:
    made = hastened(
        '<link rel="preload" as="script" href="a.js" />\n'
        '<script src="../_static/copybutton.js?v=2"></script>'
        '<script data-x="y" src="../_static/design-tabs.js"></script>'
        '<script src="../_static/other.js"></script>',
        tmp_path,
    )
    assert made == (
        '<script defer src="../_static/copybutton.js?v=2"></script>'
        '<script defer data-x="y" src="../_static/design-tabs.js"></script>'
        '<script src="../_static/other.js"></script>'
    )


def test_settings_are_in_the_page_itself(tmp_path: pathlib.Path) -> None:
    script = '<script src="../_static/documentation_options.js?v=1"></script>'
    assert hastened(script, tmp_path) == script, "Sphinx stopped before it wrote them"
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static/documentation_options.js").write_text("const A = {\\1: 2};\n")
    (tmp_path / "book").mkdir()
    assert hastened(script, tmp_path) == "<script>const A = {\\1: 2};</script>"


def test_words_without_a_color_of_their_own_lose_their_elements(tmp_path: pathlib.Path) -> None:
    made = hastened(
        '<pre><span></span><span class="n">x</span><span class="w"> </span><span class="o">=</span>'
        '<span class="p">(</span><span class="n"><b>y</b></span><span class="nb">int</span></pre>',
        tmp_path,
    )
    assert made == (
        '<pre><span></span>x <span class="o">=</span>(<span class="n"><b>y</b></span>'
        '<span class="nb">int</span></pre>'
    )


def test_a_page_without_scripts_is_light(tmp_path: pathlib.Path) -> None:
    assert hastened('<html data-theme="auto">', tmp_path) == '<html data-theme="light">'
