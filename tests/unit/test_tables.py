"""Tables of results: the recorded run in front, this run faint, and nothing taken for markup."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from IPython import display

from seeing.record import metric as metrics
from seeing.record import tables

EVIL = '<b onclick="x">&</b>'


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is shown: one dictionary of MIME types a call."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(display, "display", lambda bundle, raw: found.append(bundle))
    return found


def cell(
    recorded: list[float] | None, here: list[float] | None, unit: str = "fraction", n: int = 0
) -> tables.Cell:
    made = [
        None if one is None else metrics.metric(one, unit=unit, n=n) for one in (recorded, here)
    ]
    return tables.Cell(*made)


def parsed(bundle: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """A shown table's header and rows, as a browser reads them."""
    page = BeautifulSoup(bundle["text/html"], "html.parser")
    head = [one.get_text() for one in page.select("thead th")]
    return head, [
        [one.get_text() for one in row.find_all(["th", "td"])] for row in page.select("tbody tr")
    ]


# Tables of texts.


def test_a_table_of_texts_is_html_and_text(shown):
    tables.show_table(["Name", "Number"], [["a", "1"], ["longer", "22"]], "What it is.")
    [bundle] = shown
    assert set(bundle) == {"text/html", "text/plain"}
    assert parsed(bundle) == (["Name", "Number"], [["a", "1"], ["longer", "22"]])
    assert bundle["text/plain"].splitlines() == [
        "What it is.",
        "Name    Number",
        "a       1",
        "longer  22",
    ]
    assert "<caption>What it is.</caption>" in bundle["text/html"]


def test_rows_and_columns_are_named_and_the_table_can_be_scrolled_by_keyboard(shown):
    tables.show_table(["Name", "Number"], [["a", "1"]])
    page = BeautifulSoup(shown[0]["text/html"], "html.parser")
    assert [one["scope"] for one in page.find_all("th")] == ["col", "col", "row"]
    region = page.find(role="group")
    assert region["tabindex"] == "0"
    assert region["aria-label"] == "Name"
    assert page.find("caption") is None


def test_no_text_is_taken_for_markup(shown):
    tables.show_table([EVIL, EVIL], [[EVIL, EVIL]], EVIL)
    tables.show_results([EVIL], {EVIL: [cell([0.5], [0.6])]}, caption=EVIL, title=EVIL)
    for bundle in shown:
        page = BeautifulSoup(bundle["text/html"], "html.parser")
        assert page.find("b") is None
        assert page.find("caption").get_text() == EVIL
        assert page.find(role="group")["aria-label"] == EVIL
        assert page.find("th", scope="row").get_text() == EVIL
        assert EVIL in bundle["text/plain"]


@pytest.mark.parametrize("row", [("one",), ("one", "two", "three"), ()])
def test_a_row_that_does_not_fit_the_table_is_named(shown, row):
    for make in (tables.show_table, tables.markdown):
        with pytest.raises(ValueError, match="the table has 2 columns") as caught:
            make(("Name", "Number"), [("a", "1"), row])
        assert str(row) in str(caught.value)
    assert shown == []


def test_markdown():
    made = tables.markdown(("Name", "Number"), [("`a`", "1"), ("b | c", "2")])
    assert made == "| Name | Number |\n| --- | --- |\n| `a` | 1 |\n| b \\| c | 2 |"


# Tables of results.


def test_the_recorded_run_stands_in_front_and_this_run_faint_beside_it(shown):
    tables.show_results(
        ["Accuracy"], {"network": [cell([0.97, 0.98, 0.99], [0.912])]}, caption="Recorded."
    )
    page = BeautifulSoup(shown[0]["text/html"], "html.parser")
    assert page.select_one("tbody td").get_text() == "98.0 ± 1.0 91.2"
    faint = page.find("small")
    assert faint.get_text() == "91.2"
    assert faint["title"] == "this run"
    assert faint["class"] == ["seeing-here"]
    assert shown[0]["text/plain"].splitlines()[-1] == "network  98.0 ± 1.0 (91.2)"


@pytest.mark.parametrize(
    ("recorded", "here", "text"),
    [
        (None, [0.912], "91.2"),  # being recorded
        ([0.912], None, "91.2"),  # not measured here
        ([0.912], [0.912], "91.2"),  # this is the recorded run
        (None, None, "–"),
    ],
)
def test_a_cell_with_one_number_or_none(shown, recorded, here, text):
    tables.show_results(["Accuracy"], {"a": [cell(recorded, here)]}, caption="")
    assert parsed(shown[0])[1] == [["a", text]]
    assert "<small" not in shown[0]["text/html"]


def test_a_heading_names_its_unit_once(shown):
    units = {"fraction": "A, %", "points": "B", "ratio": "C", "s": "D, s", "µs": "E, µs"}
    row = [cell([0.5], None, unit) for unit in units]
    tables.show_results([text[0] for text in units.values()], {"x": row}, caption="", title="What")
    head, rows = parsed(shown[0])
    assert head == ["What", *units.values()]
    assert rows == [["x", "50.0", "0.500", "0.500", "0.500", "0.500"]]


def test_a_column_has_one_unit(shown):
    rows = {"a": [cell([0.5], None)], "b": [cell([0.5], None, "s")]}
    with pytest.raises(
        ValueError, match=r"a column has one unit; this one has \['fraction', 's'\]"
    ):
        tables.show_results(["Time"], rows, caption="")
    assert shown == []


def test_a_column_has_as_many_decimals_as_its_most_certain_number_within_one(shown):
    rows = {
        "certain": [cell([0.98001, 0.98003], None)],
        "uncertain": [cell([0.9, 0.5], None)],
        "nothing": [cell(None, None)],
    }
    tables.show_results(["Accuracy"], rows, caption="")
    assert [row[1] for row in parsed(shown[0])[1]] == ["98.0 ± 0.0", "70.0 ± 28.3", "–"]
    only = {"certain": rows["certain"], "also": [cell([0.5, 0.5004], None)]}
    tables.show_results(["Accuracy"], only, caption="")
    assert [row[1] for row in parsed(shown[1])[1]] == ["98.002 ± 0.001", "50.020 ± 0.028"]


def test_minus_is_a_minus_and_never_that_of_zero(shown):
    rows = {"a": [cell([-2.04], [-0.001], "points")]}
    tables.show_results(["Gain"], rows, caption="")
    assert parsed(shown[0])[1] == [["a", "−2.04 0.00"]]


def test_large_numbers_have_thousands(shown):
    tables.show_results(["Cost"], {"a": [cell([1234567.0], None, "ratio")]}, caption="")
    assert parsed(shown[0])[1] == [["a", "1,234,567"]]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_row_of_results_that_does_not_fit_is_named(shown, count):
    rows = {"fits": [cell([0.5], None)] * 2, "does not": [cell([0.5], None)] * count}
    with pytest.raises(ValueError, match=f"the table has 2 columns; 'does not' has {count}"):
        tables.show_results(["A", "B"], rows, caption="")
    assert shown == []


def test_a_table_of_no_rows_is_its_header(shown):
    tables.show_results(["Accuracy"], {}, caption="Nothing.", title="What")
    assert parsed(shown[0]) == (["What", "Accuracy"], [])
