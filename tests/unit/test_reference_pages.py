"""The ledger, the glossary and the notation page: every row leads to something that is there."""

import inspect
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


def rows_of_code() -> list[str]:
    """The rows about the documents' listings, which have letters and no numbers."""
    listed = LEDGER.partition("## Code")[2].partition("\n## ")[0]
    return re.findall(r"^\| [A-E] \|.*$", listed, re.M)


def labels(row: str) -> list[str]:
    """Where a row leads."""
    return re.findall(r"\{ref\}`[^`<]*<([^>`]+)>`", row)


@pytest.mark.parametrize("label", labels(LEDGER))
def test_a_link_leads_to_a_cell_that_proves_its_row(label):
    code = proof_of(label, cells())
    assert code is not None, f"no chapter has the label {label}"
    assert proves(code), f"the cell after {label} compares, asserts and claims nothing"


def test_every_row_leads_to_a_cell_of_its_own():
    shown = {n: row for n, row in rows().items() if "{ref}" in row}
    for number, row in shown.items():
        assert f"ledger-{number}" in labels(row)
    assert len(rows_of_code()) > 5
    assert all(labels(row) for row in rows_of_code())
    assert len(labels(LEDGER)) == len(set(labels(LEDGER)))


def test_a_label_in_a_chapter_is_one_of_the_ledger():
    text = "\n".join(source(cell) for chapter in cells().values() for cell in chapter)
    found = re.findall(r"^\((ledger-[^)]+)\)=$", text, re.M)
    assert sorted(found) == sorted(labels(LEDGER))


def test_a_label_stands_over_what_it_is_about():
    """Right above a heading or a paragraph; a heading further down in its cell is another topic."""
    for chapter in cells().values():
        for cell in chapter:
            below = re.split(r"^\(ledger-[^)]+\)=$", source(cell), flags=re.M)[1:]
            lost = [text for text in below if re.search(r"\n##+ ", text.lstrip("\n")[1:])]
            assert lost == []


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


# Words of the glossary that chapters use in their everyday sense as well.
ORDINARY = {"baseline", "features", "gradient", "head", "label", "spread", "stand-in", "weight"}


def body(chapter: list[dict]) -> list[str]:
    """A chapter's prose from its first section to its exercises, without code, formulas, headings.

    Roles other than links to the glossary are left out, too: what they name is no use of a word.
    """
    found = []
    for cell in chapter[1:]:
        if cell["cell_type"] != "markdown":
            continue
        text, exercises, _ = source(cell).partition("## Exercises")
        if text.startswith("You will be able to"):
            text = text[text.find("\n## ") :]
        text = re.sub(r"```.*?```|\$\$.*?\$\$|\$[^$\n]*\$", "", text, flags=re.S)
        text = re.sub(
            r"(\{[a-z:]+\})?`[^`\n]*`",
            lambda role: role.group() if role.group(1) == "{term}" else "",
            text,
        )
        found.append(re.sub(r"^(?:#|\||\(|:::|:class|<).*$", "", text, flags=re.M))
        if exercises:
            break
    return found


def first_use(term: str, chapter: list[dict]) -> str | None:
    """``"link"`` or ``"word"``, whichever a chapter's prose uses first; None where neither is."""
    longer = [re.escape(other) for other in terms() if term in other and other != term]
    word = "|".join([*longer, re.escape(term) + r"(?:e?s)?"])
    for text in body(chapter):
        for found in re.finditer(rf"\{{term\}}`([^`]*)`|\b(?:{word})\b", text, re.I):
            link = found.group(1)
            if link is not None:
                if link.partition("<")[2].rstrip(">") == term or link == term:
                    return "link"
            elif re.fullmatch(re.escape(term) + r"(?:e?s)?", found.group(), re.I):
                return "word"
    return None


def linked(chapter: list[dict]) -> set[str]:
    """The glossary's terms that a chapter's prose links to."""
    links = re.findall(r"\{term\}`(?:[^`<]*<([^>`]+)>|([^`]+))`", "\n".join(body(chapter)))
    return {first or second for first, second in links}


def test_the_first_use_of_a_word_is_told_from_later_ones():
    def chapter(*texts: str) -> list[dict]:
        return [{"cell_type": "markdown", "source": [text]} for text in ("# A loss", *texts)]

    assert first_use("loss", chapter("## Loss\n`loss` and $loss$ and {doc}`loss`")) is None
    assert first_use("loss", chapter("The losses fall.", "{term}`loss`")) == "word"
    assert first_use("loss", chapter("The {term}`losses <loss>` and a loss")) == "link"
    assert first_use("batch", chapter("batch normalization, {term}`batch`, a batch")) == "link"
    assert first_use("loss", chapter("You will be able to\n- see a loss\n\n## A\n")) is None
    assert first_use("loss", chapter("## Exercises", "a loss")) is None
    assert linked(chapter("{term}`a` {term}`B's <b>` {doc}`c`")) == {"a", "b"}


@pytest.mark.parametrize("name", sorted(cells()))
def test_a_chapter_that_links_a_word_links_its_first_use(name):
    chapter = cells()[name]
    late = [
        term
        for term in linked(chapter)
        if first_use(term, chapter) == "word" and term not in ORDINARY
    ]
    assert late == []


@pytest.mark.parametrize(
    "name", [name for name in sorted(cells()) if name[:2] in ("01", "02", "03")]
)
def test_the_foundations_link_every_word_that_they_use(name):
    chapter = cells()[name]
    unlinked = [
        term for term in terms() if first_use(term, chapter) == "word" and term not in ORDINARY
    ]
    assert unlinked == []


@pytest.mark.parametrize("term", sorted(set(terms()) - ORDINARY))
def test_the_first_chapter_that_uses_a_word_links_it(term):
    uses = (first_use(term, chapter) for chapter in cells().values())
    assert next((use for use in uses if use), "link") == "link"


def test_chapters_link_to_the_terms_and_to_no_others():
    names = set().union(*map(linked, cells().values()))
    assert names <= set(terms())
    assert len(names) > 0.8 * len(terms())


def names_of(column: int) -> list[tuple[str, bool]]:
    """The names in a column of the table of three libraries, and whether each is an argument's."""
    table = re.findall(r"^\|(.*)\|$", GLOSSARY.partition("## One thing, three names")[2], re.M)
    code = " ".join(re.findall(r"`([^`]+)`", " ".join(row.split("|")[column] for row in table)))
    code = re.sub(r'"[^"]*"|\b(?:True|False)\b', "", code)
    return [(name, bool(sign)) for name, sign in re.findall(r"(\w+)(=?)", code)]


def test_the_libraries_have_what_the_glossary_names():
    """Keras and scikit-learn, in the versions that run here; PyTorch is none of the book's."""
    import keras
    from sklearn import linear_model, metrics, model_selection, neural_network, pipeline, svm

    def arguments(*callables) -> set[str]:
        return {name for one in callables for name in inspect.signature(one).parameters}

    rooms = (keras, keras.layers, keras.losses, keras.optimizers, keras.callbacks, keras.utils)
    names = {name for room in (*rooms, keras.Model) for name in dir(room)}
    layers = keras.layers.Conv2D, keras.layers.Dropout.call, keras.layers.Layer.__init__
    given = arguments(keras.Model.fit, keras.losses.CategoricalCrossentropy, *layers)
    given |= arguments(keras.optimizers.SGD, keras.optimizers.AdamW)
    assert len(names_of(0)) > 20
    assert {name for name, is_argument in names_of(0) if not is_argument} <= names
    assert {name for name, is_argument in names_of(0) if is_argument} <= given

    models = (neural_network.MLPClassifier, linear_model.SGDClassifier, svm.SVC)
    rooms = (metrics, model_selection, pipeline, neural_network, *models)
    fitted = {"coef_", "intercept_", "n_iter_"}
    names = {name for room in rooms for name in dir(room)} | fitted
    assert {name for name, is_argument in names_of(1) if not is_argument} <= names
    assert {name for name, is_argument in names_of(1) if is_argument} <= arguments(*models)


# Notation.

EVERYWHERE, _, IN_ONE_SECTION = NOTATION.partition("## In one section")

# What formulas are written with, beside symbols.
SIGNS = re.findall(
    r"\w+",
    "langle rangle lVert rVert lfloor rfloor left right bigl bigr quad qquad frac tfrac sqrt sum "
    "cdot cdots dots pm le ge approx leftarrow ln exp cos tanh max min",
)
PAIRS = ("TP", "FP", "TN", "FN")  # written with two letters, and one symbol


def symbols(formula: str) -> set[str]:
    """The letters of a formula, without what stands above or below them in words."""
    formula = re.sub(r"\\(?:text|mathrm|operatorname)\{[^}]*\}", " ", formula)
    found = set()
    for sign, letters in re.findall(r"\\([A-Za-z]+)|([A-Za-z]+)", formula):
        pairs = re.findall("|".join(PAIRS), letters)
        rest = re.sub("|".join(PAIRS), "", letters)
        found |= {f"\\{sign}"} if sign and sign not in SIGNS else set()
        found |= {*pairs, *rest}
    return found


def formulas(text: str) -> list[str]:
    """Every formula in a page's text, in lines of its own and within them."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
    return [one or two for one, two in re.findall(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", text, re.S)]


def listed(table: str) -> list[tuple[str, str]]:
    """Each symbol of a table on the notation page, and what stands in its row's last column."""
    rows = re.findall(r"^\| (\$.*?) \|.*?([^|]*)\|$", table, re.M)
    return [(one, last) for row, last in rows for one in set().union(*map(symbols, formulas(row)))]


def local(chapter: str) -> set[str]:
    """The symbols that the notation page explains for one chapter."""
    return {one for one, where in listed(IN_ONE_SECTION) if f"{chapter}`" in where}


def used(chapter: str) -> set[str]:
    """The symbols in a chapter's formulas."""
    prose = [source(cell) for cell in cells()[chapter] if cell["cell_type"] == "markdown"]
    return set().union(*map(symbols, formulas("\n".join(prose))))


def test_symbols_are_told_from_signs_and_words():
    assert symbols(r"\frac{dL}{dz} = p_{\text{no}} - \ln y") == {*"dLzpy"}
    assert symbols(r"xW_1 + \eta\,a^{TP}") == {"x", "W", "\\eta", "a", "TP"}
    assert formulas("`$no$` $a$\n$$b\n+ c$$") == ["a", "b\n+ c"]


def test_the_first_table_s_symbols_are_explained_once():
    rows = re.findall(r"^\| (\$.*?) \|", EVERYWHERE, re.M)
    whole = [formula for row in rows for formula in formulas(row)]
    assert len(whole) > 20
    assert len(whole) == len(set(whole))


@pytest.mark.parametrize("chapter", sorted(cells()))
def test_a_symbol_has_one_meaning_in_a_chapter(chapter):
    """Of its own, or that of the first table; and the page explains none that is not used."""
    own = [one for one, where in listed(IN_ONE_SECTION) if f"{chapter}`" in where]
    assert sorted(own) == sorted(set(own)), "explained twice"
    everywhere = {one for one, _ in listed(EVERYWHERE)}
    assert not set(own) & everywhere, "explained for every chapter, too"
    assert set(own) <= used(chapter), "explained and not used"
    assert used(chapter) <= everywhere | set(own), "used and not explained"


def test_every_symbol_of_the_first_table_is_used_somewhere():
    everywhere = {one for one, _ in listed(EVERYWHERE)}
    assert everywhere <= set().union(*map(used, cells()))


# Formulas.


@pytest.mark.parametrize("chapter", sorted(cells()))
def test_a_formula_in_a_line_of_its_own_is_checked_in_its_section(chapter):
    """Beside each stands a cell that compares, asserts or claims, before the next heading."""
    sections: list[list[dict]] = [[]]
    for cell in cells()[chapter]:
        pieces = re.split(r"^(?=##+ )", source(cell), flags=re.M)
        if cell["cell_type"] == "code":
            pieces = [source(cell)]
        for number, piece in enumerate(pieces):
            if number:
                sections.append([])
            sections[-1].append({**cell, "source": [piece]})
    unchecked = [
        formula
        for section in sections
        for cell in section
        if cell["cell_type"] == "markdown"
        for formula in re.findall(r"\$\$(.+?)\$\$", source(cell), re.S)
        if not any(proves(source(one)) for one in section if one["cell_type"] == "code")
    ]
    assert unchecked == []


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
