"""How long a chapter takes to read: what counts, and where it says so."""

import bs4
import hypothesis
import pytest
from hypothesis import strategies as st

from bookbuild import outline


def page(*sections: str, promise: str = "<p><em>A promise.</em></p>") -> str:
    body = "\n".join(
        f'<section id="s-{number}"><h2>Part {number} &amp; more<a class="headerlink">#</a></h2>'
        f"{text}</section>"
        for number, text in enumerate(sections, 1)
    )
    return (
        f'<html><body><article><section id="top"><h1>Title</h1>\n{promise}'
        f"{body}</section></article></body></html>"
    )


def words(number: int) -> str:
    return "<p>" + "word " * number + "</p>"


def code(number: int) -> str:
    return "<pre>" + "x " * number + "</pre>"


def test_prose_and_code_are_read_at_their_speeds() -> None:
    _, (prose, program) = outline.sections(page(words(10 * outline.PROSE), code(10 * outline.CODE)))
    assert prose.minutes == pytest.approx(10, abs=0.1)
    assert program.minutes == pytest.approx(10, abs=0.1)
    assert (prose.anchor, prose.title) == ("s-1", "Part 1 & more")


def test_what_is_folded_away_does_not_count() -> None:
    folded = f"<details><summary>Solution</summary>{words(2_000)}{code(2_000)}</details>"
    _, (one,) = outline.sections(page(folded))
    assert one.minutes < 0.1


@hypothesis.given(st.lists(st.integers(0, 500), min_size=1, max_size=4))
def test_the_whole_is_at_least_the_sum_of_its_sections(lengths: list[int]) -> None:
    whole, found = outline.sections(page(*map(words, lengths)))
    assert len(found) == len(lengths)
    assert whole >= sum(one.minutes for one in found) - 1e-9


def test_it_stands_below_the_promise_and_leads_to_the_sections() -> None:
    made = bs4.BeautifulSoup(outline.put(page(words(500), words(100))), "html.parser")
    nav = made.select_one(f"nav.{outline.CLASS}")
    assert nav.find_previous_sibling().get_text() == "A promise."
    assert nav.summary.get_text() == "3 minutes to read, in 2 sections"
    assert [link["href"] for link in nav.select("a")] == ["#s-1", "#s-2"]
    assert all(made.select_one(link["href"]) for link in nav.select("a"))
    assert [one.get_text() for one in nav.select("span")] == ["2 min", "1 min"]


def test_putting_it_twice_changes_nothing() -> None:
    once = outline.put(page(words(300)))
    assert outline.put(once) == once


@pytest.mark.parametrize(
    "built", [page(), page(words(300), promise=""), "<html><body><p>x</p></body></html>", ""]
)
def test_a_page_without_sections_or_promise_stays_as_it_is(built: str) -> None:
    assert outline.put(built) == built
