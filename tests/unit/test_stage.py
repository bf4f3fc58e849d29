"""Staging: what Jupyter Book reads is the chapter as it is, with the outputs of its execution."""

import os
import pathlib
from typing import Any

import nbformat
import pytest
import yaml
from fakes import Book, code, prose, write_notebook

from bookbuild import data_state, entries, execute, front, notes, stage, web

PAGE = "notebooks/01_letters.ipynb"


def made(name: str, **more: Any) -> entries.Run:
    """A run of a chapter."""
    state = data_state.DataState(mirror="", cache="", assets={}, offline=False, npm=False)
    return entries.Run(name, "key", 1.0, 1.0, 0.0, data=[], missing=[], state=state, **more)


def put_on_stage(book: Book, **more: Any) -> list[str]:
    """Stage a book, each of whose chapters was executed alike."""
    runs = [made(path.stem, **more) for path in book.checkout.chapters()]
    return stage.stage(book.checkout, "quick", runs)


def put_in_cache(
    book: Book, name: str, *cells: nbformat.NotebookNode, failed: bool = False
) -> pathlib.Path:
    """Put an executed chapter into the cache, as an execution would have."""
    folder = entries.folder(book.checkout, "quick", name, failed=failed)
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
    put_on_stage(small)
    found = staged(small)
    assert set(found) == {
        "_config.yml",
        "_toc.yml",
        "book/preface.md",
        "book/_static/house.css",
        f"book/_static/{web.PREVIEW}",
        PAGE,
    }
    for name in set(found) - {PAGE, "_toc.yml", f"book/_static/{web.PREVIEW}"}:
        assert found[name] == (small.root / name).read_bytes()


def test_the_navigation_shows_chapters_with_their_numbers(small):
    put_on_stage(small)
    text = staged(small)["_toc.yml"].decode("utf-8")
    assert "title: 1 · Letters" in text
    given = yaml.safe_load((small.root / "_toc.yml").read_text(encoding="utf-8"))
    numbered = yaml.safe_load(text)
    assert numbered != given
    for entry in numbered["chapters"]:
        entry.pop("title", None)
    assert numbered == given


def test_a_page_does_not_show_what_only_nbval_reads(book):
    source = "# NBVAL_CHECK_OUTPUT\nprint(1)"
    book.chapter("01_letters", prose("# Letters"), code(source))
    put_in_cache(book, "01_letters", prose("# Letters"), executed(source, 1, "1\n"))
    put_on_stage(book)
    _, cell = page(book).cells
    assert cell.source == "print(1)"
    assert cell.outputs[0].text == "1\n"


def test_a_chapter_has_todays_prose_and_the_outputs_of_its_execution(small):
    put_on_stage(small)
    heading, first, second = page(small).cells
    assert heading.source == "# Letters"
    assert [cell.source for cell in (first, second)] == ["print(1)", "print(2)"]
    assert [cell.outputs[0].text for cell in (first, second)] == ["1\n", "2\n"]
    assert [cell.execution_count for cell in (first, second)] == [1, 2]
    assert page(small).metadata.language_info == {"name": "python", "version": "3.11"}
    nbformat.validate(page(small))


def test_the_chapter_in_git_is_left_alone(small):
    before = (small.root / PAGE).read_bytes()
    put_on_stage(small)
    assert (small.root / PAGE).read_bytes() == before


def test_prose_may_come_and_go_between_the_cells(small):
    small.chapter(
        "01_letters", code("print(1)"), prose("New."), prose("Newer."), code("print(2)", tags=["x"])
    )
    put_on_stage(small)
    cells = page(small).cells
    assert [cell.cell_type for cell in cells] == ["code", "markdown", "markdown", "code"]
    assert [cell.outputs[0].text for cell in (cells[0], cells[3])] == ["1\n", "2\n"]
    assert cells[3].metadata.tags == ["x"]


def test_an_execution_of_other_cells_is_an_error(small):
    small.chapter("01_letters", code("print(1)"))
    with pytest.raises(ValueError, match=r"shorter|longer"):
        put_on_stage(small)


def test_what_only_the_build_reads_does_not_reach_the_page(small):
    cell = code("print(1)")
    cell.outputs = [
        nbformat.v4.new_output(
            "display_data",
            data={
                "text/html": "<table></table>",
                execute.PROVENANCE_MIME: {"data": []},
                execute.VERDICT_MIME: {"outside": []},
            },
        )
    ]
    put_in_cache(small, "01_letters", cell, executed("print(2)", 2, "2\n"))
    put_on_stage(small)
    assert set(page(small).cells[1].outputs[0].data) == {"text/html"}


def test_a_second_staging_touches_no_file(small):
    put_on_stage(small)
    for path in small.checkout.source.rglob("*"):
        os.utime(path, (1, 1))
    before = staged(small)
    put_on_stage(small)
    assert staged(small) == before
    files = [path for path in small.checkout.source.rglob("*") if path.is_file()]
    assert {path.stat().st_mtime for path in files} == {1}


def test_only_what_changed_is_written_again(small):
    put_on_stage(small)
    for path in small.checkout.source.rglob("*"):
        os.utime(path, (1, 1))
    small.write("book/preface.md", "# Another preface, of another length\n")
    same_length = small.write("book/_static/house.css", "b {}")
    os.utime(same_length, (1, 1))  # and the same time: only reading it tells
    put_on_stage(small)
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
    (folder / entries.EXPORTS).mkdir()
    (folder / entries.EXPORTS / "old.json").write_text("{}", encoding="utf-8")
    put_on_stage(small)
    assert {"book/old.md", "book/_static/data/old.json"} <= set(staged(small))
    (small.root / "book" / "old.md").unlink()
    (folder / entries.EXPORTS / "old.json").unlink()
    (small.checkout.source / "stray.md").touch()
    put_on_stage(small)
    assert not {"book/old.md", "book/_static/data/old.json", "stray.md"} & set(staged(small))
    assert PAGE in staged(small)


def test_what_a_chapter_exports_goes_where_the_demos_read_it(small):
    folder = small.checkout.cache / "quick" / "01_letters" / entries.EXPORTS / "deep"
    folder.mkdir(parents=True)
    (folder / "network.json").write_text('{"a": 1}', encoding="utf-8")
    put_on_stage(small)
    assert staged(small)["book/_static/data/deep/network.json"] == b'{"a": 1}'
    script = staged(small)["book/_static/data/deep/network.json.js"].decode()
    assert script == '(globalThis.seeingData ??= {})["deep/network.json"] = {"a": 1};\n'


def test_scripts_that_define_elements_are_bundled(small):
    small.write(
        "book/_static/a-demo.js", 'import { b } from "./b.js";\ncustomElements.define(b);\n'
    )
    small.write("book/_static/b.js", "export const b = 1;\n")
    put_on_stage(small)
    made = {name: text for name, text in staged(small).items() if name.endswith(".bundle.js")}
    assert list(made) == ["book/_static/a-demo.bundle.js"]
    assert b"import" not in made["book/_static/a-demo.bundle.js"]


def test_each_profile_has_its_own_executions(small):
    with pytest.raises(FileNotFoundError):
        stage.stage(small.checkout, "full", [made("01_letters")])


# Chapters that stopped, or left what was recorded.

FAILURE = entries.Failure(2, "print(2)", "raised ValueError: {doc}`x` is $no$ *number*")


def test_a_chapter_that_stopped_is_staged_as_far_as_it_came_and_says_so(small):
    stopped = code("print(2)")
    stopped.outputs = [
        nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["no"])
    ]
    put_in_cache(small, "01_letters", executed("print(1)", 1, "one\n"), stopped, failed=True)
    assert put_on_stage(small, failed=FAILURE) == []
    heading, first, second = page(small).cells
    assert first.outputs[0].text == "one\n"
    assert second.outputs[0].ename == "ValueError"
    title, _, fence, note, *_ = heading.source.splitlines()
    assert (title, fence) == ("# Letters", "```{warning}")
    assert "This chapter stopped at a cell that raised ValueError" in note.replace("\\", "")
    assert r"\{doc\}\`x\` is \$no\$ \*number\*" in note, "it is shown, not obeyed"
    nbformat.validate(page(small))


def test_a_chapter_that_left_what_was_recorded_says_so(small):
    put_on_stage(small, verdict={"outside": ["accuracy is 0.1, expected 0.9"]})
    note = page(small).cells[0].source.replace("\\", "")
    assert "did not agree with what was recorded: accuracy is 0.1, expected 0.9." in note
    assert page(small).cells[1].outputs[0].text == "1\n"


def test_a_sound_chapter_says_nothing_of_the_kind(small):
    put_on_stage(small, verdict={"outside": []})
    assert page(small).cells[0].source == "# Letters"
    assert notes.sentences(made("01_letters")) == []


def test_a_chapter_whose_kernel_never_started_has_a_page(small):
    folder = entries.folder(small.checkout, "quick", "01_letters", failed=True)
    write_notebook(folder / "executed.ipynb", code("print(1)"), code("print(2)"))
    put_on_stage(small, failed=entries.Failure(0, "", "ended"))
    assert page(small).metadata.language_info == {"name": "python"}


@pytest.mark.parametrize("first", ["No title.", ""])
def test_a_page_without_a_title_has_the_note_first(first):
    notebook = nbformat.v4.new_notebook(cells=[prose(first)] if first else [])
    notes.put_at_head(notebook, "Beware.")
    assert notebook.cells[0].source == "```{warning}\nBeware\\.\n```"
    assert len(notebook.cells) == 1 + bool(first)


def test_the_text_under_the_title_stays():
    notebook = nbformat.v4.new_notebook(cells=[prose("# Letters\n\nThe promise.")])
    notes.put_at_head(notebook, "Beware")
    assert notebook.cells[0].source == "# Letters\n\n```{warning}\nBeware\n```\n\nThe promise."


def test_two_chapters_that_export_the_same_file_are_named(small):
    small.chapter("02_numbers", code("print(1)"))
    for name, count in (("01_letters", 2), ("02_numbers", 1)):
        cells = [executed("print(1)", 1, "1\n")] * count
        folder = put_in_cache(small, name, *cells) / entries.EXPORTS
        folder.mkdir()
        (folder / "network.json").write_text(name, encoding="utf-8")
    assert put_on_stage(small) == [
        "01_letters.ipynb and 02_numbers.ipynb both export 'network.json', and a demo can read "
        "only one: give each its own name"
    ]
    assert staged(small)["book/_static/data/network.json"] == b"01_letters"


def test_a_picture_of_the_front_page_is_written_once(book):
    drawing = executed("draw()", 1, "x")
    drawing.metadata["mystnb"] = {"figure": {"caption": "A figure."}}
    drawing.outputs = [nbformat.v4.new_output("display_data", data={"image/svg+xml": "<svg/>"})]
    source = code("draw()")
    source.metadata["mystnb"] = drawing.metadata["mystnb"]
    book.chapter("01_letters", prose("# Letters"), source)
    book.write(front.PAGE, f"# Book\n\n{front.MARKER}\n")
    put_in_cache(book, "01_letters", prose("# Letters"), drawing)
    put_on_stage(book)
    path = book.checkout.source / front.PICTURES / "01_letters.svg"
    assert path.read_bytes() == b"<svg/>"
    before = path.stat().st_mtime_ns
    put_on_stage(book)
    assert path.stat().st_mtime_ns == before
    page = (book.checkout.source / front.PAGE).read_text(encoding="utf-8")
    assert ":img-top: _static/cards/01_letters.svg" in page
