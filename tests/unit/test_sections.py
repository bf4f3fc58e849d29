"""Folding long pages by section: what is folded, how long a page is, and that nothing is lost."""

import re

import bs4
import pytest

from bookbuild import outline, sections

SCRIPT = "/* the script */\n"


def page(*parts: str) -> str:
    body = "\n".join(
        f'<section id="s-{number}">\n{part}\n</section>' for number, part in enumerate(parts, 1)
    )
    return outline.put(
        "<html><head></head><body><article><section class='c' id=\"top\">"
        f"<h1>Title</h1>\n<p>A promise.</p>{body}</section></article></body></html>"
    )


def part(title: str, text: str, before: str = "") -> str:
    link = '<a class="headerlink" href="#x" title="Link to this heading">#</a>'
    return f"{before}<h2>{title}{link}</h2>\n{text}"


def words(number: int) -> str:
    return "<p>" + "word " * number + "</p>"


LONG = words(int(sections.LONG_PX / sections._WORD_PX))
INNER = f'<section id="inner"><h3>Inner</h3>{words(700)}</section>'


def folded(*parts: str) -> bs4.BeautifulSoup:
    made = sections.fold(page(*parts), SCRIPT)
    assert sections.fold(made, SCRIPT) == made, "once is enough"
    return bs4.BeautifulSoup(made, "html.parser")


def test_all_sections_but_the_first_are_folded_with_what_is_in_them() -> None:
    made = folded(part("One", LONG), part("A <em>second</em>", words(460) + INNER), part("3", ""))
    found = made.select(f"section.{sections.SECTION}")
    assert [one["id"] for one in found] == ["s-2", "s-3"]
    title = found[0].select_one(f":scope > h2 > .{sections.TITLE}")
    assert title.get_text() == "A second 5 min"
    assert title.em.get_text() == "second"
    body = found[0].select_one(f":scope > .{sections.BODY}")
    assert body["hidden"] == "until-found"
    assert body.select_one("#inner > h3") and len(body.get_text(" ").split()) == 460 + 701
    assert made.select_one("#s-1").select(f".{sections.BODY}") == []


def test_nothing_is_lost_and_all_stays_in_its_order() -> None:
    before = page(part("One", LONG), part("2", words(460) + INNER), part("3", words(3)))
    after = bs4.BeautifulSoup(sections.fold(before, SCRIPT), "html.parser")
    for added in after.select(f".{sections.MINUTES}, .{sections.ALL}, head script"):
        added.decompose()
    texts = [one.get_text(" ").split() for one in (bs4.BeautifulSoup(before, "html.parser"), after)]
    assert texts[0] == texts[1]


def test_labels_before_a_heading_stay_before_it() -> None:
    made = folded(part("1", LONG), part("2", words(9), before='<span id="old-name"></span>'))
    assert made.select_one(f"#s-2 > span#old-name + h2 + .{sections.BODY}")


def test_a_heading_with_a_link_stays_as_it_is() -> None:
    made = folded(part("1", LONG), part('<a href="x.html">2</a>', words(9)), part("3", words(9)))
    assert [one["id"] for one in made.select(f".{sections.SECTION}")] == ["s-3"]


def test_the_script_is_in_the_head_and_the_button_by_the_outline() -> None:
    made = folded(part("1", LONG), part("2", words(9)))
    assert made.head.script.get_text().strip() == SCRIPT.strip()
    assert made.select_one(f"nav.{outline.CLASS} > details + button").get_text().startswith("Open")


@pytest.mark.parametrize("text", ["<html></html>", "", "<html><article>x</article></html>"])
def test_a_page_without_sections_stays_as_it_is(text: str) -> None:
    assert sections.fold(text, SCRIPT) == text


def test_a_short_page_stays_as_it_is() -> None:
    short = page(part("1", words(500)), part("2", words(500)))
    assert sections.fold(short, SCRIPT) == short


def test_what_takes_height_makes_a_page_longer_and_what_is_closed_does_not() -> None:
    base = sections.about_px(page(words(100)))
    more = (
        words(100),
        "<pre>" + "x\n" * 30 + "</pre>",
        "<img src='a.png'>",
        "<table>" + "<tr><td>1</td></tr>" * 9 + "</table>",
        "<li></li>" * 9,
    )
    for one in more:
        assert sections.about_px(page(words(100) + one)) > base + 100, one
    closed = f"<details><summary>Solution</summary>{words(2_000)}</details>"
    assert sections.about_px(page(words(100) + closed)) < base + 100


def test_the_script_knows_the_names_of_the_page(root) -> None:
    script = (root / "book/_static" / sections.SCRIPT).read_text(encoding="utf-8")
    # A property of the sheet, --seeing-..., is none of the page's names.
    named = set(re.findall(r"(?<![\w-])seeing-[\w-]+", script)) - {"seeing-sections"}
    assert named == {sections.SECTION, sections.TITLE, sections.BODY, sections.ALL}
