"""Staging: what Jupyter Book reads is the chapter as it is, with the outputs of its execution."""

import os
import pathlib

import nbformat
import pytest
from fakes import Book, code, prose, write_notebook

from bookbuild import execute, stage

PAGE = "notebooks/01_letters.ipynb"


def put_in_cache(book: Book, name: str, *cells: nbformat.NotebookNode) -> pathlib.Path:
    """Put an executed chapter into the cache, as an execution would have."""
    folder = book.checkout.cache / "quick" / name
    write_notebook(
        folder / "executed.ipynb", *cells, language_info={"name": "python", "version": "3.11"}
    )
    return folder


def executed(source: str, count: int, text: str) -> nbformat.NotebookNode:
    """A code cell that has printed something."""
    cell = code(source)
    cell.execution_count = count
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    return cell


@pytest.fixture
def small(book: Book) -> Book:
    """A book with one chapter that has been executed."""
    book.chapter("01_letters", prose("# Letters"), code("print(1)"), code("print(2)"))
    put_in_cache(
        book,
        "01_letters",
        prose("# An older heading"),
        executed("print(1)", 1, "1\n"),
        executed("print(2)", 2, "2\n"),
    )
    book.write("book/_static/house.css", "a {}")
    return book


def staged(book: Book) -> dict[str, bytes]:
    """Every staged file."""
    source = book.checkout.source
    return {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in source.rglob("*")
        if path.is_file()
    }


def page(book: Book) -> nbformat.NotebookNode:
    """The staged chapter."""
    return nbformat.read(book.checkout.source / PAGE, as_version=4)


def test_pages_are_copied_as_they_are(small):
    stage.stage(small.checkout, "quick")
    found = staged(small)
    assert set(found) == {
        "_config.yml",
        "_toc.yml",
        "book/preface.md",
        "book/_static/house.css",
        PAGE,
    }
    for name in set(found) - {PAGE}:
        assert found[name] == (small.root / name).read_bytes()


def test_a_chapter_has_todays_prose_and_the_outputs_of_its_execution(small):
    stage.stage(small.checkout, "quick")
    heading, first, second = page(small).cells
    assert heading.source == "# Letters"
    assert [cell.source for cell in (first, second)] == ["print(1)", "print(2)"]
    assert [cell.outputs[0].text for cell in (first, second)] == ["1\n", "2\n"]
    assert [cell.execution_count for cell in (first, second)] == [1, 2]
    assert page(small).metadata.language_info == {"name": "python", "version": "3.11"}
    nbformat.validate(page(small))


def test_the_chapter_in_git_is_left_alone(small):
    before = (small.root / PAGE).read_bytes()
    stage.stage(small.checkout, "quick")
    assert (small.root / PAGE).read_bytes() == before


def test_prose_may_come_and_go_between_the_cells(small):
    small.chapter(
        "01_letters", code("print(1)"), prose("New."), prose("Newer."), code("print(2)", tags=["x"])
    )
    stage.stage(small.checkout, "quick")
    cells = page(small).cells
    assert [cell.cell_type for cell in cells] == ["code", "markdown", "markdown", "code"]
    assert [cell.outputs[0].text for cell in (cells[0], cells[3])] == ["1\n", "2\n"]
    assert cells[3].metadata.tags == ["x"]


def test_an_execution_of_other_cells_is_an_error(small):
    small.chapter("01_letters", code("print(1)"))
    with pytest.raises(ValueError, match=r"shorter|longer"):
        stage.stage(small.checkout, "quick")


def test_what_only_the_build_reads_does_not_reach_the_page(small):
    cell = code("print(1)")
    cell.outputs = [
        nbformat.v4.new_output(
            "display_data",
            data={"text/html": "<table></table>", execute.PROVENANCE_MIME: {"data": []}},
        )
    ]
    put_in_cache(small, "01_letters", cell, executed("print(2)", 2, "2\n"))
    stage.stage(small.checkout, "quick")
    assert set(page(small).cells[1].outputs[0].data) == {"text/html"}


def test_a_second_staging_touches_no_file(small):
    stage.stage(small.checkout, "quick")
    for path in small.checkout.source.rglob("*"):
        os.utime(path, (1, 1))
    before = staged(small)
    stage.stage(small.checkout, "quick")
    assert staged(small) == before
    files = [path for path in small.checkout.source.rglob("*") if path.is_file()]
    assert {path.stat().st_mtime for path in files} == {1}


def test_only_what_changed_is_written_again(small):
    stage.stage(small.checkout, "quick")
    for path in small.checkout.source.rglob("*"):
        os.utime(path, (1, 1))
    small.write("book/preface.md", "# Another preface, of another length\n")
    same_length = small.write("book/_static/house.css", "b {}")
    os.utime(same_length, (1, 1))  # and the same time: only reading it tells
    stage.stage(small.checkout, "quick")
    written = {
        path.relative_to(small.checkout.source).as_posix()
        for path in small.checkout.source.rglob("*")
        if path.is_file() and path.stat().st_mtime > 1
    }
    assert written == {"book/preface.md", "book/_static/house.css"}
    assert staged(small)["book/_static/house.css"] == b"b {}"


def test_what_is_no_longer_wanted_is_removed(small):
    small.write("book/old.md", "# Old")
    folder = put_in_cache(
        small, "01_letters", executed("print(1)", 1, "1\n"), executed("print(2)", 2, "2\n")
    )
    (folder / execute.EXPORTS).mkdir()
    (folder / execute.EXPORTS / "old.json").write_text("{}", encoding="utf-8")
    stage.stage(small.checkout, "quick")
    assert {"book/old.md", "book/_static/data/old.json"} <= set(staged(small))
    (small.root / "book" / "old.md").unlink()
    (folder / execute.EXPORTS / "old.json").unlink()
    (small.checkout.source / "stray.md").touch()
    stage.stage(small.checkout, "quick")
    assert not {"book/old.md", "book/_static/data/old.json", "stray.md"} & set(staged(small))
    assert PAGE in staged(small)


def test_what_a_chapter_exports_goes_where_the_demos_read_it(small):
    folder = small.checkout.cache / "quick" / "01_letters" / execute.EXPORTS / "deep"
    folder.mkdir(parents=True)
    (folder / "network.json").write_text('{"a": 1}', encoding="utf-8")
    stage.stage(small.checkout, "quick")
    assert staged(small)["book/_static/data/deep/network.json"] == b'{"a": 1}'


def test_each_profile_has_its_own_executions(small):
    with pytest.raises(FileNotFoundError):
        stage.stage(small.checkout, "full")
