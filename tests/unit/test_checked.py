"""checked: the page's counts and its worked band are those of the executions that it stands by."""

import json
import math
import pathlib
from typing import Any

import nbformat
import pytest
from fakes import Book, code, prose

from bookbuild import checked, data_state, entries, paths
from seeing.record import bands, metric

TEMPLATE = f"# Checked\n\n{checked.TABLE}\n\n{checked.EXAMPLE}\n"
SHARE = bands.Earlier((0.90, 0.92, 0.91), 500, metric.FRACTION)


def run(name: str, **more: Any) -> entries.Run:
    """A run of a chapter."""
    state = data_state.DataState(mirror="", cache="", assets={}, offline=False, npm=False)
    return entries.Run(
        name, "key", 1.0, 1.0, 0.0, **{"data": [], "missing": [], "state": state} | more
    )


def verdict(**more: Any) -> dict[str, Any]:
    """What a chapter hands over at its end."""
    return {"outside": [], "asserted": 2, "shown": 5, "claims": 7, "workings": {}} | more


def workings(name: str, earlier: bands.Earlier, value: float) -> dict[str, Any]:
    """One number's band, as a chapter hands it over."""
    found = bands.workings({name: earlier}, chapters=10)[name]
    return {name: {"value": value, **found.as_json()}}


@pytest.fixture
def two(book: Book) -> Book:
    """Two chapters, with one exact cell in four."""
    exact = code("# NBVAL_CHECK_OUTPUT\nprint(1)")
    exact.execution_count = 1
    exact.outputs = [nbformat.v4.new_output("stream", name="stdout", text="1\n")]
    book.chapter("01_letters", prose("# Letters"), exact, code("print(2)"), code("print(3)"))
    book.chapter("02_words", prose("# Words"), code("print(4)"))
    return book


def rows(text: str) -> list[list[str]]:
    """The table's cells, without its header."""
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_chapter_has_a_row_and_all_of_them_a_sum(two):
    runs = [run("01_letters", verdict=verdict()), run("02_words", verdict=verdict(claims=1))]
    table = rows(checked.page(TEMPLATE, two.checkout, runs))
    assert table[0] == ["{doc}`1 <../notebooks/01_letters>`", "3", "1", "7", "2", "5", "nothing"]
    assert table[1][1:] == ["1", "0", "1", "2", "5", "nothing"]
    assert table[2] == ["**all**", "**4**", "**1**", "**8**", "**4**", "**10**", ""]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"failed": entries.Failure(2, "print(2)", "raised ValueError")}, "stopped at cell 2"),
        ({"verdict": verdict(outside=["a is 1", "b is 2"])}, "2 not so"),
        ({"data": [{"name": "mnist", "is_stand_in": True}]}, "stand-in data"),
    ],
)
def test_what_a_chapter_s_page_says_at_its_head_is_in_its_row(two, more, found):
    table = rows(checked.page(TEMPLATE, two.checkout, [run("01_letters", **more), run("02_words")]))
    assert table[0][-1] == found


def test_a_chapter_that_stopped_before_its_end_counts_nothing_as_checked(two):
    failed = entries.Failure(1, "print(1)", "raised ValueError")
    table = rows(checked.page(TEMPLATE, two.checkout, [run("01_letters", failed=failed)] * 2))
    assert table[0][3:6] == ["0", "0", "0"]


def test_the_worked_band_is_the_band(two):
    found = workings("test_accuracy", SHARE, 0.912)
    runs = [run("01_letters"), run("02_words", verdict=verdict(workings=found))]
    text = checked.page(TEMPLATE, two.checkout, runs)
    band = bands.bands({"test_accuracy": SHARE}, chapters=10)["test_accuracy"]
    assert "*test accuracy* of {doc}`Words <../notebooks/02_words>`" in text
    assert "1. 3 earlier runs on the same data averaged 91.00" in text
    assert f"makes {100 * band.low:.2f} to {100 * band.high:.2f}." in text
    assert "**91.20**" in text


def test_the_numbers_of_a_working_lead_to_its_band():
    numbers = bands.workings({"a": SHARE}, chapters=10)["a"].as_json()
    runs, own, usual = (
        numbers["runs"],
        numbers["deviation_between_runs"],
        numbers["usual_deviation"],
    )
    freedom = numbers["usual_freedom"]
    pooled = (freedom * usual**2 + (runs - 1) * own**2) / (freedom + runs - 1)
    assert numbers["deviation"] == pytest.approx(math.sqrt(pooled))
    assert numbers["freedom"] == freedom + runs - 1
    expected = numbers["deviation"] * math.sqrt(1 + 1 / runs)
    assert numbers["expected_deviation"] == pytest.approx(expected)
    assert numbers["low"] == pytest.approx(numbers["mean"] - numbers["quantile"] * expected)
    assert json.loads(json.dumps(numbers)) == numbers


def test_the_preferred_number_is_worked_through_where_there_is_one(two):
    first = workings("other_accuracy", SHARE, 0.9) | workings("test_accuracy", SHARE, 0.91)
    two.chapter("04_first_cnn", prose("# CNN"), code("print(5)"))
    runs = [run(name, verdict=verdict(workings=first)) for name in ("01", "02", "04")]
    text = checked.page(TEMPLATE, two.checkout, runs)
    assert "Take the *test accuracy* of {doc}`CNN" in text


def test_without_any_band_the_page_says_so(two):
    runs = [run("01_letters"), run("02_words", verdict=verdict())]
    assert "no number has a band" in checked.page(TEMPLATE, two.checkout, runs)


def test_the_real_page_has_a_place_for_both(root: pathlib.Path):
    text = (root / checked.PAGE).read_text(encoding="utf-8")
    assert text.count(checked.TABLE) == text.count(checked.EXAMPLE) == 1


def test_the_real_page_says_on_what_the_full_runs_were_made(root: pathlib.Path):
    """What it says of the machines: two cores, and no graphics card."""
    for path in sorted((root / "results").glob("*.json")):
        recorded = json.loads(path.read_text(encoding="utf-8"))
        assert recorded["environment"]["device"] == "2 CPU cores", path.name


def test_the_preferred_number_exists():
    recorded = json.loads(
        (paths.default().root / "results" / f"{checked.EXAMPLE_CHAPTER}.json").read_text()
    )
    assert checked.EXAMPLE_METRIC in recorded["metrics"]
