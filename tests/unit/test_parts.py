"""parts: where a chapter's parts begin and end, and what the folded ones say."""

import pathlib
import re

import bs4
import nbformat
import pytest

from bookbuild import outline, parts, paths

CHAPTERS = paths.default().chapters()


def mark(number: int, title: str) -> str:
    return f'<p class="part"><strong>Part {number}: {title}</strong></p>\n'


def section(anchor: str, title: str, words: int = 10, inside: str = "") -> str:
    return (
        f'<section class="tex2jax" id="{anchor}">\n<span id="ledger-1"></span><h2>{title}</h2>'
        f"<p>{'word ' * words}</p>\n{inside}</section>\n"
    )


def page(*body: str) -> str:
    return (
        '<html><body><section id="search"></section><article>\n<section id="top"><h1>Title</h1>\n'
        f"<p><em>A promise.</em></p>\n{''.join(body)}</section>\n</article></body></html>"
    )


FIRST, SECOND = mark(1, "Seeing"), mark(2, "Believing &amp; more")
WHOLE = page(
    FIRST,
    section("a", "What is seen?", 230),
    # A mark stands where the section before it ends, however deep.
    section("b", "R &amp; B", 230, section("b-1", "Below", 230, SECOND)),
    section("c", "Is it?", 460),
    section("exercises", "Exercises"),
    section("quiz", "Quiz"),
)


def test_the_parts_of_a_page() -> None:
    first, second = parts.find(WHOLE)
    assert (first.title, first.anchors) == ("Seeing", ["a", "b"])
    assert (second.title, second.anchors) == ("Believing &amp; more", ["c"])
    for part in (first, second):
        assert WHOLE[part.start :].startswith("<section")
        assert WHOLE[: part.end].endswith("</section>")


def test_the_first_lies_open_and_the_others_say_what_is_in_them() -> None:
    folded = bs4.BeautifulSoup(parts.fold(WHOLE), "html.parser")
    first, second = folded.select(f"#top > details.{parts.CLASS}")
    assert first.has_attr("open")
    assert not second.has_attr("open")
    assert [one["id"] for one in first.select(":scope > section")] == ["a", "b"]
    assert [one["id"] for one in second.select(":scope > section")] == ["c"]
    said = " ".join(first.summary.get_text(" ").split())
    assert said == "Part 1 of 2 Seeing 3 min What is seen? · R & B"
    said = " ".join(second.summary.get_text(" ").split())
    assert said == "Part 2 of 2 Believing & more 2 min Is it?"


def test_what_follows_the_parts_stays_outside_and_nothing_is_lost() -> None:
    folded = bs4.BeautifulSoup(parts.fold(WHOLE), "html.parser")
    assert [one["id"] for one in folded.select("#top > section")] == ["exercises", "quiz"]
    anchors = re.findall(r'id="([^"]+)"', WHOLE)
    assert re.findall(r'id="([^"]+)"', str(folded)) == anchors
    assert not folded.select("p.part")
    for summary in folded.select("summary"):
        summary.decompose()
    marks = bs4.BeautifulSoup(WHOLE, "html.parser")
    for one in marks.select("p.part"):
        one.decompose()
    assert folded.get_text().split() == marks.get_text().split()


def test_folding_twice_changes_nothing() -> None:
    once = parts.fold(WHOLE)
    assert parts.fold(once) == once
    assert parts.find(once) == []


@pytest.mark.parametrize("built", [page(section("a", "A")), "<p>no article</p>", ""])
def test_a_page_without_parts_stays_as_it_is(built: str) -> None:
    assert parts.fold(built) == built


@pytest.mark.parametrize(
    ("built", "said"),
    [
        (page(mark(2, "B"), section("a", "A"), section("exercises", "E")), "numbered [2]"),
        (
            page(FIRST, section("a", "A", 1, mark(1, "B")), section("b", "B")),
            "numbered [1, 1]",
        ),
        (page(FIRST, section("a", "A")), "no section 'exercises'"),
        (page(section("exercises", "E", 1, FIRST), section("a", "A")), "no section 'exercises'"),
        (
            page(FIRST, "<p>Then text.</p>", section("a", "A"), section("exercises", "E")),
            "Part 1 (Seeing) begins elsewhere",
        ),
        (
            page(FIRST, section("a", "A", 1, SECOND), section("exercises", "E")),
            "Part 2 (Believing &amp; more) begins elsewhere",
        ),
    ],
)
def test_marks_that_make_no_sense_are_refused(built: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parts.find(built)


def test_the_outline_lists_the_sections_of_each_part() -> None:
    held = [(one.title, one.anchors) for one in parts.find(WHOLE)]
    nav = bs4.BeautifulSoup(outline.put(WHOLE, held), "html.parser").nav
    assert nav.summary.get_text().endswith("to read, in 2 parts and 5 sections")
    rows = nav.details.ol.find_all("li", recursive=False)
    assert [[link["href"] for link in row.select("a")] for row in rows] == [
        ["#a", "#b"],
        ["#c"],
        ["#exercises"],
        ["#quiz"],
    ]
    assert rows[1].get_text(" ", strip=True).startswith("Believing & more 2 min")


# The chapters.

HEADING = re.compile(r"^## .+$", re.MULTILINE)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapters_parts_begin_at_headings_and_end_before_the_exercises(
    chapter: pathlib.Path,
) -> None:
    cells = nbformat.read(chapter, as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    marks = list(parts.MARK.finditer(text))
    assert len(marks) == text.count('class="part"')
    assert [int(one[1]) for one in marks] == list(range(1, len(marks) + 1))
    assert len({one[2] for one in marks}) == len(marks)
    assert len(marks) != 1, "one part is none"
    headings = HEADING.findall(text)
    for one in marks:
        # Labels may stand between the mark and the heading; in Markdown, HTML ends at a blank line.
        assert re.match(r"\n(?:\([\w-]+\)=\n)*## ", text[one.end() :]), one[2]
        assert text[: one.start()].endswith("\n\n")
        assert f"## {one[2]}" not in headings, "a part needs a title of its own"
    if marks:
        assert headings[0] == HEADING.search(text, marks[0].end())[0], "the first comes first"
        assert text.index("\n## Exercises\n") > marks[-1].end()
