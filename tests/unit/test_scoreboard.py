"""The scoreboard: what goes on it, where, in which order, and how sure it is."""

import copy
import json
import re

import pytest
from fakes import Book, prose

from bookbuild import scoreboard, stage

TEMPLATE = f"# Scoreboard\n\nProse.\n\n{scoreboard.MARKER}\n"

RECORD = {"name": "mnist", "origin": "cache", "sha256": "ab", "is_stand_in": False}

REFERENCE = {
    "chapter": "letters",
    "title": "Letters",
    "profile": "full",
    "recorded": "2026-11-30",
    "commit": "abc1234",
    "metrics": {
        "test_accuracy": {
            "mean": 0.9931,
            "std": 0.0004,
            "values": [0.9927, 0.9931, 0.9935],
            "n": 10_000,
            "unit": "fraction",
        }
    },
    "cost": {"wall_s": 612.0, "peak_rss_mb": 1450},
    "data": [RECORD],
    "environment": {"device": "2 CPU cores"},
}


def metric(mean: float, n: int = 1_000, unit: str = "fraction") -> dict:
    """A metric of one seed."""
    return {"mean": mean, "std": 0.0, "values": [mean], "n": n, "unit": unit}


def record(book: Book, chapter: str = "letters", **changes: object) -> None:
    """Write a results file."""
    reference = {**copy.deepcopy(REFERENCE), "chapter": chapter, **changes}
    book.write(f"results/{chapter}.json", json.dumps(reference))


def rows(book: Book) -> list[list[str]]:
    """The tables' rows, cell by cell, without their headers."""
    table = scoreboard.boards(book.checkout).splitlines()
    skipped = ("| Result |", "| --- |")
    lines = [line for line in table if line.startswith("| ") and not line.startswith(skipped)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(book: Book) -> list[str]:
    return [row[0].replace(" ", "_") for row in rows(book)]


def test_a_row_says_everything(book):
    record(book)
    assert rows(book) == [
        [
            "test accuracy",
            "99.31 ± 0.04 %",
            "99.13 to 99.45 %",
            "10,000",
            "Letters",
            "10.2 min, 1.4 GB, 2 CPU cores",
            "2026-11-30",
        ]
    ]


def test_every_row_has_a_cell_for_each_column(book):
    record(book, metrics={"a_test_accuracy": metric(0.9), "b_test_accuracy": metric(0.8, n=0)})
    assert {len(row) for row in rows(book)} == {len(scoreboard.HEADER)}


def test_only_accuracies_go_on_it(book):
    metrics = {
        "a_test_accuracy": metric(0.9),
        "fit_time": metric(12.0, unit="s"),
        "test_loss": metric(0.5),
        "relative_accuracy": metric(1.2, unit="ratio"),
    }
    record(book, metrics=metrics)
    assert names(book) == ["a_test_accuracy"]


def test_test_sets_come_first_and_then_the_best(book):
    metrics = {
        "linear_validation_accuracy": metric(0.99),
        "worse_test_accuracy": metric(0.91),
        "better_test_accuracy": metric(0.92),
    }
    record(book, metrics=metrics)
    record(book, "words", metrics={"other_test_accuracy": metric(0.915)})
    assert names(book) == [
        "better_test_accuracy",
        "other_test_accuracy",
        "worse_test_accuracy",
        "linear_validation_accuracy",
    ]


def test_what_was_measured_on_validation_images_is_folded(book):
    folded = {f"{name}_validation_accuracy": metric(0.9) for name in "ab"}
    record(book, metrics={"c_test_accuracy": metric(0.8), **folded})
    text = scoreboard.boards(book.checkout)
    shown, hidden = text.split("```{dropdown} The 2 on validation images\n")
    assert "{dropdown} All 1 on test images" in shown
    assert "| c test accuracy" in shown and "validation accuracy |" not in shown
    assert "| a validation accuracy" in hidden and "| b validation accuracy" in hidden
    assert hidden.endswith("\n```")


def test_without_validation_only_the_test_results_are_folded(book):
    record(book)
    assert scoreboard.boards(book.checkout).count("{dropdown}") == 1


def test_the_picture_shows_each_test_result_by_a_plain_name(book):
    metrics = {"hog_svm_test_accuracy": metric(0.99), "b_validation_accuracy": metric(0.98)}
    record(book, metrics=metrics)
    text = scoreboard.boards(book.checkout)
    svg = text[text.index("<svg") : text.index("</svg>")]
    assert svg.count("<circle") == 1
    assert ">HOG SVM<" in svg and "validation" not in svg
    assert 'role="img"' in svg and "The best is HOG SVM with 99.0 %" in svg


def test_the_picture_puts_better_further_right_and_intervals_around_the_dots(book):
    record(book, metrics={"a_test_accuracy": metric(0.9), "b_test_accuracy": metric(0.8)})
    svg = scoreboard.boards(book.checkout)
    dots = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', svg)]
    lines = re.findall(r'class="interval" x1="([\d.]+)" x2="([\d.]+)"', svg)
    assert dots[0] > dots[1]
    for dot, (low, high) in zip(dots, lines, strict=True):
        assert float(low) < dot < float(high)


def test_a_name_with_markup_is_escaped(book):
    record(book, title="<b>Letters</b>")
    assert "<b>Letters" not in scoreboard.boards(book.checkout).split("dropdown")[0]


def test_digits_and_flowers_stand_apart(book):
    flowers = {**RECORD, "name": "flower_photos"}
    record(book)
    record(book, "flowers", data=[flowers], metrics={"b_test_accuracy": metric(0.9)})
    text = scoreboard.boards(book.checkout)
    digits, photographs = text.split(f"## {scoreboard.BOARDS['flower_photos']}")
    assert digits.startswith(f"## {scoreboard.BOARDS['mnist']}")
    assert "| test accuracy" in digits and "b test accuracy" not in digits
    assert "| b test accuracy" in photographs and "| test accuracy" not in photographs


def test_a_chapter_with_two_data_sets_names_the_second_in_the_metric(book):
    weights, flowers = ({**RECORD, "name": name} for name in ("resnet50_imagenet", "flower_photos"))
    metrics = {"svm_test_accuracy": metric(0.99), "flower_photos_test_accuracy": metric(0.6)}
    record(book, data=[weights, RECORD, flowers], metrics=metrics)
    found = {
        entry.name: entry.board for entry in scoreboard.entries(book.checkout.root / "results")
    }
    assert found == {"svm_test_accuracy": "mnist", "flower_photos_test_accuracy": "flower_photos"}


def test_a_reduced_edition_and_a_short_name_have_a_place_on_it(book):
    flowers, oxford = dict(RECORD, name="flower_photos"), dict(RECORD)
    oxford["name"] = "oxford_flowers102 (64 px edition)"
    metrics = {"test_accuracy": metric(0.95), "oxford102_official_test_accuracy": metric(0.76)}
    record(book, metrics=metrics, data=[flowers, oxford])
    tables = scoreboard.boards(book.checkout)
    assert tables.index(scoreboard.BOARDS["flower_photos"]) < tables.index("| test accuracy")
    assert tables.index("| test accuracy") < tables.index(scoreboard.BOARDS["oxford_flowers102"])
    assert tables.index(scoreboard.BOARDS["oxford_flowers102"]) < tables.index("| oxford102 ")


def test_stand_ins_and_other_data_have_no_place_on_it(book):
    record(book, data=[{**RECORD, "is_stand_in": True}])
    record(book, "spirals", data=[{**RECORD, "name": "two_spirals"}])
    record(book, "nothing", data=[])
    assert rows(book) == []


def test_without_results_it_says_so(book):
    assert scoreboard.boards(book.checkout) == "No chapter has recorded a result yet."


def test_a_chapter_in_the_book_is_linked(book):
    book.chapter("03_letters", prose("# Letters"))
    record(book)
    assert rows(book)[0][4] == "{doc}`Letters <../notebooks/03_letters>`"


def test_an_accuracy_on_an_unknown_number_of_images_has_no_interval(book):
    record(book, metrics={"test_accuracy": metric(0.9, n=0)})
    assert rows(book)[0][2:4] == ["not known", "not known"]


@pytest.mark.parametrize("missing", ["metrics", "data", "cost", "environment", "recorded", "title"])
def test_an_incomplete_file_is_named(book, missing):
    record(book)
    path = book.root / "results" / "letters.json"
    reference = json.loads(path.read_text(encoding="utf-8"))
    del reference[missing]
    path.write_text(json.dumps(reference), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"letters.json has no '{missing}': run make reference"):
        scoreboard.boards(book.checkout)


# The page.


def staged(book: Book) -> str:
    stage.stage(book.checkout, "quick")
    return (book.checkout.source / scoreboard.PAGE).read_text(encoding="utf-8")


def test_the_staged_page_holds_prose_and_tables(book):
    book.write(scoreboard.PAGE, TEMPLATE)
    record(book)
    text = staged(book)
    assert text.startswith("# Scoreboard\n\nProse.") and "99.31 ± 0.04 %" in text
    assert scoreboard.MARKER not in text


def test_the_page_in_the_checkout_stays_as_it_is(book):
    path = book.write(scoreboard.PAGE, TEMPLATE)
    record(book)
    staged(book)
    assert path.read_text(encoding="utf-8") == TEMPLATE


def test_a_new_result_changes_the_page_and_nothing_else_does(book):
    book.write(scoreboard.PAGE, TEMPLATE)
    record(book)
    staged(book)
    path = book.checkout.source / scoreboard.PAGE
    before = path.stat().st_mtime_ns
    staged(book)
    assert path.stat().st_mtime_ns == before
    record(book, "words", metrics={"b_test_accuracy": metric(0.5)})
    assert "b test accuracy" in staged(book)


@pytest.mark.parametrize("template", ["# Scoreboard\n", TEMPLATE + scoreboard.MARKER])
def test_a_page_without_a_place_for_the_tables_is_refused(book, template):
    book.write(scoreboard.PAGE, template)
    with pytest.raises(ValueError, match="expected once"):
        staged(book)


def test_a_book_without_a_scoreboard_is_staged_without_one(book):
    stage.stage(book.checkout, "quick")
    assert not (book.checkout.source / scoreboard.PAGE).exists()


def test_the_real_page_has_a_place_for_the_tables(root):
    assert (root / scoreboard.PAGE).read_text(encoding="utf-8").count(scoreboard.MARKER) == 1


def test_what_is_named_or_left_out_is_measured(root):
    for chapter, name in {*scoreboard.NAMES, *scoreboard.NOT_COMPARED}:
        text = (root / "results" / f"{chapter}.json").read_text(encoding="utf-8")
        assert name in json.loads(text)["metrics"]


def test_an_accuracy_on_other_photographs_is_on_no_board(book):
    name = "frozen_both_stretched_accuracy"
    own = "frozen_both_own_accuracy"
    record(book, "other_sources", metrics={name: metric(0.9), own: metric(0.8)})
    found = scoreboard.entries(book.root / "results")
    assert [entry.name for entry in found] == [own]


def test_no_recorded_accuracy_stands_on_a_board_of_other_data(root):
    for entry in scoreboard.entries(root / "results"):
        assert not entry.metric.data or entry.board in entry.metric.data, entry.name


def test_what_was_made_worse_on_purpose_is_on_no_board(root):
    """Leaks, wrong labels, mixed pixels: their results are no one's best or worst."""
    shown = [entry for entry in scoreboard.entries(root / "results") if scoreboard.is_test(entry)]
    words = ("leak", "noise", "noisy", "permuted", "shifted", "sorted", "skipped", "stretched")
    words += ("evening", "frozen_shape", "frozen_light", "frozen_color")
    assert [entry.name for entry in shown if any(word in entry.name for word in words)] == []


def test_names_say_enough_without_their_chapter(root):
    """No two rows of a board are called alike, and none by a word or two of the code."""
    shown = [entry for entry in scoreboard.entries(root / "results") if scoreboard.is_test(entry)]
    names = [(entry.board, scoreboard.plain_name(entry)) for entry in shown]
    assert len(set(names)) == len(names)
    assert [name for _, name in names if name in ("plain", "best", "numpy", "frozen")] == []
