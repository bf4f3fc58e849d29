"""The ledger, the glossary and the notation page: every row leads to something that is there."""

import itertools
import json
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEDGER = (ROOT / "book" / "error_ledger.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
NOTATION = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
NUMBERS = range(1, 43)  # of the ledger's claims


def page(name: str) -> str:
    """A page of the book, as one line."""
    return " ".join((ROOT / "book" / f"{name}.md").read_text(encoding="utf-8").split())


def cells() -> dict[str, list[dict]]:
    """Every chapter's cells, by the chapter's name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["cells"]
        for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    }


def source(cell: dict) -> str:
    return "".join(cell["source"])


def proof_of(label: str, chapters: dict[str, list[dict]]) -> str | None:
    """The code between a label's cell and the next one of prose; None where no label is."""
    for chapter in chapters.values():
        for place, cell in enumerate(chapter):
            if cell["cell_type"] == "markdown" and f"({label})=" in source(cell):
                below = itertools.takewhile(
                    lambda one: one["cell_type"] == "code", chapter[place + 1 :]
                )
                return "\n".join(map(source, below))
    return None


def proves(code: str) -> bool:
    """Whether a cell's outcome is compared, asserted or claimed."""
    return bool(re.search(r"# NBVAL_CHECK_OUTPUT|\bassert\b|record\.claim\(|np\.testing\.", code))


def rows() -> dict[int, str]:
    """The ledger's rows that are shown, by their number."""
    found = re.findall(r"^\| (\d+) \| .*$", LEDGER, re.M)
    assert len(found) == len(set(found))
    return {int(n): re.search(rf"^\| {n} \| .*$", LEDGER, re.M).group() for n in found}


def waiting() -> set[int]:
    """The numbers in the list of what chapters to come will show."""
    listed = LEDGER.partition("## Still to be shown")[2]
    numbers = set()
    for first, last in re.findall(r"^\| (\d+)(?:–(\d+))? \|", listed, re.M):
        numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


def test_every_claim_is_shown_or_waits_and_none_does_both():
    shown = {n for n, row in rows().items() if "{ref}" in row}
    assert shown | waiting() == set(NUMBERS)
    assert not shown & waiting()


@pytest.mark.parametrize("number", sorted(n for n, row in rows().items() if "{ref}" in row))
def test_a_row_leads_to_a_cell_that_proves_it(number):
    label = f"ledger-{number}"
    assert f"<{label}>" in rows()[number]
    code = proof_of(label, cells())
    assert code is not None, f"no chapter has the label {label}"
    assert proves(code), f"the cell after {label} compares, asserts and claims nothing"


def test_a_cell_that_proves_nothing_is_found():
    chapter = [
        {"cell_type": "markdown", "source": ["(ledger-1)=\n", "Text."]},
        {"cell_type": "code", "source": ["print(1)"]},
    ]
    assert not proves(proof_of("ledger-1", {"a": chapter}))
    chapter[1]["source"] = ["# NBVAL_CHECK_OUTPUT\n", "print(1)"]
    assert proves(proof_of("ledger-1", {"a": chapter}))
    assert proof_of("ledger-2", {"a": chapter}) is None


def terms() -> list[str]:
    """The glossary's terms, in its order."""
    block = re.search(r"```\{glossary\}\n(.*?)```", GLOSSARY, re.S).group(1)
    return [line for line in block.splitlines() if line and not line.startswith(" ")]


def test_terms_are_in_order_and_each_is_explained_once():
    found = terms()
    assert len(found) > 40
    assert [term.lower() for term in found] == sorted({term.lower() for term in found})


def first_chapter(pattern: str) -> int:
    """The place of the first chapter whose prose holds a pattern; behind the last one if none."""
    texts = [
        "\n".join(source(cell) for cell in chapter if cell["cell_type"] == "markdown")
        for chapter in cells().values()
    ]
    found = (place for place, text in enumerate(texts) if re.search(pattern, text, re.I))
    return next(found, len(texts))


@pytest.mark.parametrize("term", terms())
def test_a_word_is_linked_no_later_than_where_it_is_explained(term):
    """A word stands bold where it is explained; from there on the glossary helps."""
    name = re.escape(term)
    linked = first_chapter(rf"\{{term\}}`(?:[^`<]*<{name}>|{name})`")
    assert linked <= first_chapter(rf"\*\*{name}\*\*")


def test_chapters_link_to_the_terms_and_to_no_others():
    text = "\n".join(source(cell) for chapter in cells().values() for cell in chapter)
    linked = re.findall(r"\{term\}`(?:[^`<]*<([^>`]+)>|([^`]+))`", text)
    names = {first or second for first, second in linked}
    assert names <= set(terms())
    assert len(names) > len(terms()) / 2


def test_a_symbol_has_one_meaning_and_none_is_local_as_well():
    everywhere, _, local = NOTATION.partition("## In one section")
    listed = [
        re.findall(r"\$([^$]+)\$", row) for row in re.findall(r"^\| (.*?) \|", everywhere, re.M)
    ]
    symbols = [symbol for row in listed for symbol in row]
    assert len(symbols) > 20
    assert len(symbols) == len(set(symbols))
    own = re.findall(r"^\| (\$.*?) \|.*\|(.*)\|$", local, re.M)
    pairs = [(one, chapter) for row, chapter in own for one in re.findall(r"\$([^$]+)\$", row)]
    assert len(pairs) > 10
    assert len(pairs) == len(set(pairs))
    assert not {one for one, _ in pairs} & set(symbols)


# Numbers in pages that no cell stands beside.


def recorded(slug: str) -> dict:
    return json.loads((ROOT / "results" / f"{slug}.json").read_text(encoding="utf-8"))


def test_the_front_page_s_roses_are_those_of_chapter_8b():
    assert "stretched, cost a good classifier a fifth of its roses" in page("front")
    recall = recorded("other_sources")["series"]["recall_by_kind"]
    rose = recall["x"].index("roses")
    (before,), (after,) = (recall["lines"][source][rose] for source in ("own", "stretched"))
    assert 0.18 < before - after < 0.25


def test_the_command_line_s_copies_are_those_of_chapter_1():
    text = page("command_line")
    assert "plants 600 such copies, and more than 99 % of them are found" in text
    recall = recorded("pixels_and_labels")["metrics"]["search_photographs_recall"]
    assert recall["n"] == 600
    assert recall["mean"] > 0.99
