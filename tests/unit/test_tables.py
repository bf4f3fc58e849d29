"""Tables of results: the recorded run in front, this run faint beside it."""

import pytest
from bs4 import BeautifulSoup

from seeing.record import metric, tables


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    found: list[dict] = []
    monkeypatch.setattr(tables.display, "display", lambda data, raw: found.append(data))
    return found


def cell(recorded: object, here: object, **more: object) -> tables.Cell:
    one = None if recorded is None else metric.metric(recorded, **more)
    other = None if here is None else metric.metric(here, **more)
    return tables.Cell(one, other)


def table(shown: list[dict]) -> BeautifulSoup:
    return BeautifulSoup(shown[-1]["text/html"], "html.parser")


def test_the_recorded_number_comes_first_and_this_runs_is_small(shown: list[dict]) -> None:
    rows = {"plain": [cell([0.906, 0.905, 0.907], 0.8, n=100)]}
    tables.show_results(["Accuracy"], rows, caption="Whose.", title="Recipe")
    found = table(shown)
    assert [th.text for th in found.select("thead th")] == ["Recipe", "Accuracy, %"]
    number = found.select_one("tbody td")
    assert number.text == "90.6 ± 0.1 80.0" or number.text == "90.60 ± 0.10 80.00"
    assert number.select_one("small").text.startswith("80")
    assert found.select_one("caption").text == "Whose."
    assert "plain" in shown[-1]["text/plain"]


def test_what_this_run_lacks_leaves_no_gap(shown: list[dict]) -> None:
    tables.show_results(["Accuracy"], {"a": [cell(0.5, None, n=100)]}, caption="")
    assert table(shown).select("small") == []
    assert "50" in table(shown).select_one("td").text


def test_equal_runs_are_shown_once(shown: list[dict]) -> None:
    tables.show_results(["Accuracy"], {"a": [cell(0.5, 0.5, n=100)]}, caption="")
    assert table(shown).select("small") == []


def test_a_column_has_one_unit(shown: list[dict]) -> None:
    rows = {"a": [cell(0.5, None)], "b": [cell(1.5, None, unit=metric.RATIO)]}
    with pytest.raises(ValueError, match="one unit"):
        tables.show_results(["Both"], rows, caption="")


def test_a_row_of_another_length_is_refused(shown: list[dict]) -> None:
    with pytest.raises(ValueError, match="2 columns"):
        tables.show_results(["A", "B"], {"a": [cell(0.5, None)]}, caption="")
    with pytest.raises(ValueError, match="columns"):
        tables.show_table(["A", "B"], [["only one"]])
    with pytest.raises(ValueError, match="columns"):
        tables.markdown(["A", "B"], [["only one"]])
    assert shown == []


def test_names_are_escaped(shown: list[dict]) -> None:
    tables.show_results(["<i>A</i>"], {"<b>": [cell(0.5, None)]}, caption="a < b")
    assert "<i>" not in shown[-1]["text/html"] and "<b>" not in shown[-1]["text/html"]
    assert table(shown).select_one("caption").text == "a < b"


def test_a_table_of_texts(shown: list[dict]) -> None:
    tables.show_table(["Kind", "Count"], [["daisy", "3"], ["rose", "<4"]], "Counts.")
    rows = [row.get_text("|") for row in table(shown).select("tbody tr")]
    assert rows == ["daisy|3", "rose|<4"]


def test_markdown() -> None:
    assert tables.markdown(["A", "B"], [["1", "2"]]).splitlines()[-1] == "| 1 | 2 |"
