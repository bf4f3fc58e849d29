"""What git stores of a notebook, and what is wrong with anything else."""

import json
import pathlib
import warnings
from collections.abc import Callable

import nbformat
import pytest
from fakes import Book, code, prose, write_notebook

from bookbuild import entries, execute, notebooks

CHECKED = f"{notebooks.CHECKED}\nprint(6 * 7)"


def printed(text: str) -> nbformat.NotebookNode:
    """What a cell prints."""
    return nbformat.v4.new_output("stream", name="stdout", text=text)


def result(**data: object) -> nbformat.NotebookNode:
    """What a cell's last line gives."""
    mime = {kind.replace("_", "/"): value for kind, value in data.items()}
    return nbformat.v4.new_output("execute_result", data=mime, execution_count=None)


def with_outputs(
    source: str, *outputs: nbformat.NotebookNode, count: int | None = None
) -> nbformat.NotebookNode:
    """A code cell with outputs, and the execution count that git stores unless one is given."""
    cell = code(source)
    cell.outputs = list(outputs)
    cell.execution_count = notebooks.stored_count(cell) if count is None else count
    return cell


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where the test's notebook goes."""
    return tmp_path / "01_letters.ipynb"


def test_a_clean_notebook_has_no_problem(path):
    write_notebook(
        path,
        prose("# Letters"),
        code("x = 1"),
        with_outputs(CHECKED, printed("42\n")),
        with_outputs(f"{notebooks.CHECKED}\n42", result(text_plain="42")),
    )
    assert notebooks.problems(path) == []


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (with_outputs("print(1)", printed("1\n")), "keeps an output that nothing checks"),
        (
            with_outputs(f"\n{CHECKED}", printed("42\n")),
            "keeps an output that nothing checks",
        ),
        (with_outputs("x = 1", count=3), "has the execution count 3, expected None"),
        (
            with_outputs(CHECKED, printed("42\n"), count=3),
            "has the execution count 3, expected 1",
        ),
        (
            with_outputs(CHECKED),
            "is checked by nbval and stores no output: run make outputs",
        ),
        (
            with_outputs(CHECKED, result(text_plain="42", image_png="iVBORw0KGgo=")),
            "stores image/png: checked outputs are text",
        ),
        (
            with_outputs(CHECKED, result(text_plain="42", text_html="<b>42</b>")),
            "stores text/html: checked outputs are text",
        ),
    ],
)
def test_a_cell_that_is_wrong_is_named(path, cell, problem):
    write_notebook(path, prose("# Letters"), cell)
    assert notebooks.problems(path) == [f"01_letters.ipynb, cell 1 {problem}"]


def test_every_problem_is_listed(path):
    write_notebook(path, with_outputs("x", printed("1"), count=1), with_outputs(CHECKED))
    assert len(notebooks.problems(path)) == 3


def test_metadata_that_an_editor_left_is_named(path):
    write_notebook(path, code("x = 1"), colab={"provenance": []}, widgets={})
    assert notebooks.problems(path) == ["01_letters.ipynb keeps metadata ['colab', 'widgets']"]


@pytest.mark.parametrize("metadata", [{"mystnb": {}}, {"language_info": {"name": "python"}}])
def test_metadata_that_the_book_needs_may_stay(path, metadata):
    write_notebook(path, code("x = 1"), **metadata)
    assert notebooks.problems(path) == []


@pytest.mark.parametrize("indent", [2, None])
def test_another_layout_of_the_file_is_named(path, indent):
    write_notebook(path, code("x = 1"))
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content, indent=indent), encoding="utf-8")
    assert notebooks.problems(path) == ["01_letters.ipynb is not formatted as nbformat writes it"]


def test_a_cell_without_id_is_named(path):
    write_notebook(path, code("x = 1"))
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["cells"][0]["id"]
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nbformat.warnings.MissingIDFieldWarning)
        assert "01_letters.ipynb, cell 0 has no id" in notebooks.problems(path)


@pytest.mark.parametrize(
    ("lines", "too_many"), [(notebooks.MAX_CODE_LINES, False), (notebooks.MAX_CODE_LINES + 1, True)]
)
def test_a_chapter_has_at_most_350_lines_of_code(path, lines, too_many):
    first, second = lines // 2, lines - lines // 2
    write_notebook(path, code("x = 1\n" * first), code("\n# y\n\n" + "y = 1\n" * second))
    expected = [f"01_letters.ipynb has {lines} lines of code, at most 350"] if too_many else []
    assert notebooks.problems(path) == expected
    assert notebooks.MAX_CODE_LINES == 350


def test_lines_of_code_are_neither_blank_nor_comments_nor_prose_nor_folded_away():
    book = nbformat.v4.new_notebook(
        cells=[
            prose("one\ntwo"),
            code("# a comment\n\nx = 1\n    # another\ny = 2  # and one more\n   \n"),
            code("z = 3", tags=["hide-cell"]),
            code("z = 4", tags=["remove-cell"]),
            code("z = 5", tags=["hide-input"]),
            code("%matplotlib inline", tags=["remove-input"]),
        ]
    )
    assert notebooks.code_lines(book) == 2


@pytest.mark.parametrize(
    ("cell", "checked"),
    [
        (code(CHECKED), True),
        (code(f"x = 1\n{CHECKED}"), False),
        (code(f" {CHECKED}"), False),
        (prose(CHECKED), False),
    ],
)
def test_a_cell_is_checked_where_it_begins_so(cell, checked):
    assert notebooks.is_checked(cell) is checked


# Cleaning.


def soil(path: pathlib.Path) -> None:
    """Write a notebook as an editor leaves it after a run."""
    checked = with_outputs(CHECKED, printed("42\n"), count=7)
    checked.metadata.update({"ExecuteTime": {}, "tags": ["keep-me"], "execution": {}})
    last = with_outputs(f"{notebooks.CHECKED}\n42", result(text_plain="42"), count=8)
    last.outputs[0].execution_count = 8
    plain = with_outputs("print(1)", printed("1\n"), count=9)
    plain.metadata.update({"collapsed": True, "scrolled": True})
    write_notebook(path, prose("# Letters"), checked, last, plain, colab={}, mystnb={"a": 1})
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content), encoding="utf-8")


def test_cleaning_leaves_what_is_checked_and_nothing_else(path):
    soil(path)
    assert len(notebooks.problems(path)) == 6
    notebooks.clean(path)
    assert notebooks.problems(path) == []
    book = nbformat.read(path, as_version=4)
    _, checked, last, plain = book.cells
    assert checked.outputs == [printed("42\n")]
    assert last.outputs == [result(text_plain="42")]
    assert plain.outputs == []
    assert dict(checked.metadata) == {"tags": ["keep-me"]}
    assert dict(plain.metadata) == {}
    assert set(book.metadata) == {"kernelspec", "mystnb"}


def test_cleaning_twice_changes_nothing(path):
    soil(path)
    notebooks.clean(path)
    once = path.read_bytes()
    notebooks.clean(path)
    assert path.read_bytes() == once


def test_cleaning_keeps_letters_beyond_ascii(path):
    write_notebook(path, prose("# Größe · 大きさ"), code("x = 'é'"))
    before = path.read_bytes()
    notebooks.clean(path)
    assert path.read_bytes() == before
    assert "Größe · 大きさ".encode() in before


# Storing what the checked cells print. The kernel is the real one in test_execute.py.


@pytest.fixture
def fake_run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., object]], None]:
    """Let a function take the kernel's place: it gets the notebook and fills in the outputs."""

    def install(run: Callable[..., object]) -> None:
        def fake_execute(notebook, work, environment, progress, checkout):
            assert environment["SEEING_PROFILE"] == "quick"
            book = nbformat.read(notebook, as_version=4)
            run(book)
            return book, 0.0, 0.0

        monkeypatch.setattr(execute, "execute", fake_execute)

    return install


def test_storing_outputs_keeps_those_of_the_checked_cells(book: Book, fake_run, monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "full")
    path = book.chapter("01_letters", code("print(1)"), with_outputs(CHECKED, printed("41\n")))

    def run(fresh: nbformat.NotebookNode) -> None:
        for count, (cell, text) in enumerate(zip(fresh.cells, ("1\n", "42\n"), strict=True)):
            cell.outputs, cell.execution_count = [printed(text)], count

    fake_run(run)
    notebooks.store_outputs(path, book.checkout)
    plain, checked = nbformat.read(path, as_version=4).cells
    assert plain.outputs == []
    assert checked.outputs == [printed("42\n")]
    assert notebooks.problems(path) == []


def test_what_a_slow_kernel_sent_in_pieces_is_stored_in_one(book: Book, fake_run):
    path = book.chapter("01_letters", with_outputs(CHECKED, printed("41\n")))
    warned = nbformat.v4.new_output("stream", name="stderr", text="oh\n")

    def run(fresh: nbformat.NotebookNode) -> None:
        fresh.cells[0].outputs = [printed("4"), printed("2\n"), warned, printed("43\n")]

    fake_run(run)
    notebooks.store_outputs(path, book.checkout)
    [checked] = nbformat.read(path, as_version=4).cells
    assert checked.outputs == [printed("42\n"), warned, printed("43\n")]


def test_a_failing_chapter_stays_as_it_was_stored(book: Book, fake_run):
    path = book.chapter("01_letters", with_outputs(CHECKED, printed("41\n")))
    before = path.read_bytes()

    def run(fresh: nbformat.NotebookNode) -> None:
        fresh.cells[0].outputs = [printed("half")]
        raise execute.ChapterFailed("oh", entries.Failure(1, "x", "raised Oh"), (fresh, 0, 0))

    fake_run(run)
    with pytest.raises(execute.ChapterFailed):
        notebooks.store_outputs(path, book.checkout)
    assert path.read_bytes() == before


# What a run printed, beside what is stored.


def test_a_checked_cell_that_prints_something_else_is_named():
    def book(exact: str, free: str) -> nbformat.NotebookNode:
        cells = [
            with_outputs(CHECKED, printed(exact)),
            with_outputs("print(time.time())", printed(free)),
        ]
        return nbformat.v4.new_notebook(cells=cells)

    stored, same, other = book("42\n", "1\n"), book("42\n", "2\n"), book("41\n", "2\n")
    assert notebooks.differences(stored, same) == []
    assert notebooks.differences(stored, other) == [r"checked cell 0 prints '41\n' and not '42\n'"]
