"""The stored notebooks keep the rules of the book."""

import pathlib
import re

import nbformat
import pytest

from bookbuild import chapters, entries, execute, lock, notebooks, paths
from seeing import profiles

CHAPTERS = paths.default().chapters()
MIN_CHECKED_CELLS = 6
MIN_CHECKED_OF_FOUNDATIONS = 10  # chapters 1 to 3


def read(chapter: pathlib.Path) -> nbformat.NotebookNode:
    return nbformat.read(chapter, as_version=4)


def test_every_notebook_is_a_chapter() -> None:
    assert sorted(CHAPTERS) == sorted(pathlib.Path(CHAPTERS[0].parent).glob("*.ipynb"))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_it_is_clean(chapter: pathlib.Path) -> None:
    assert notebooks.problems(chapter) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_it_has_enough_exact_checks(chapter: pathlib.Path) -> None:
    checked = [cell for cell in read(chapter).cells if notebooks.is_checked(cell)]
    is_foundation = chapters.number(chapter.stem) in ("1", "2", "3")
    assert len(checked) >= (MIN_CHECKED_OF_FOUNDATIONS if is_foundation else MIN_CHECKED_CELLS)
    texts = ["".join(str(output.get("text", "")) for output in cell.outputs) for cell in checked]
    # Numbers, or yes and no: a cell that prints only words checks nothing.
    assert all(re.search(r"\d|True|False", text) for text in texts if text)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_it_has_the_parts_of_a_chapter(chapter: pathlib.Path) -> None:
    book = read(chapter)
    prose = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    assert prose.startswith("# ")
    for part in ("You will be able to", "## Exercises", "## What we saw", "## Further reading"):
        assert part in prose
    slug = chapters.slug(chapter)
    assert f'chapter.Chapter("{slug}")' in code
    for call in ("record.time_box()", "record.claim(", "record.conclude()", "record.provenance("):
        assert call in code
    assert "google.colab" in next(c.source for c in book.cells if c.cell_type == "code")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_exercise_has_an_executed_solution(chapter: pathlib.Path) -> None:
    cells = [cell for cell in read(chapter).cells if cell.cell_type == "code"]
    solutions = [cell for cell in cells if cell.source.startswith("# Solution")]
    assert 2 <= len(solutions) <= 5
    for solution in solutions:
        assert "hide-cell" in solution.metadata.get("tags", [])
        assert ".solve(" in solution.source


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_an_exercise_is_written_once_checked_and_solved(chapter: pathlib.Path) -> None:
    cells = [cell for cell in read(chapter).cells if cell.cell_type == "code"]
    code = "\n".join(cell.source for cell in cells)
    exercises = re.findall(r'^(\w+) = checks\.Exercise\(\s*"(\w+)"', code, flags=re.MULTILINE)
    assert len(exercises) == code.count("checks.Exercise(")
    for variable, name in exercises:
        assert variable == name  # a message tells a reader what to call
        assert code.count(f"{name}.check(") == code.count(f"{name}.solve(") == 1
        [solution] = [cell for cell in cells if f"{name}.solve(" in cell.source]
        assert "hide-cell" in solution.metadata.get("tags", [])


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_not_all_exercises_are_arithmetic(chapter: pathlib.Path) -> None:
    prose = "\n".join(cell.source for cell in read(chapter).cells if cell.cell_type == "markdown")
    asked = prose.partition("## Exercises")[2]
    assert len(re.findall(r"An experiment|A judgment", asked)) >= 2
    assert "A judgment" in asked


def test_the_listing_that_stands_alone_is_short_and_needs_nothing_of_this_book() -> None:
    (chapter,) = [path for path in CHAPTERS if chapters.slug(path) == "transfer_learning"]
    (listing,) = [cell.source for cell in read(chapter).cells if cell.id == "c8listing"]
    assert "ResNet50" in listing
    assert "seeing" not in listing
    assert sum(bool(line.strip()) for line in listing.splitlines()) <= 25


DRAWING = re.compile(
    r"plt\.subplots\(|pictures\.(image_grid|answers)\(|(curves|confusion)\.\w+\(|\.show_tasks\("
)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_drawing_cell_has_a_caption_and_an_alt_text(chapter: pathlib.Path) -> None:
    for cell in read(chapter).cells:
        if cell.cell_type == "code" and DRAWING.search(cell.source):
            options = cell.metadata.get("mystnb", {})
            assert len(options.get("figure", {}).get("caption", "").split()) > 3, cell.source
            assert len(options.get("image", {}).get("alt", "").split()) > 7, cell.source


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def run(request: pytest.FixtureRequest) -> entries.Run:
    """A chapter's execution: the one that nbval has looked at, where it has."""
    checkout = paths.default()
    with lock.hold(checkout):
        return execute.chapter(request.param, checkout, profiles.name())


def test_it_runs_to_its_end(run: entries.Run) -> None:
    assert run.failed is None, f"{run.name}: {run.failed}"


def test_its_results_agree_with_what_was_recorded(run: entries.Run) -> None:
    assert run.outside == [], f"{run.name} left what was recorded"
