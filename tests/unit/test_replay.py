"""nbval looks at the build's own execution: what it accepts, what it refuses, how often it runs."""

import os
import pathlib
import re
import subprocess
import sys
import time

import nbformat
import pytest
from fakes import ROOT, Book, code, prose

from bookbuild import entries, execute, replay

INI = "[pytest]\ntestpaths = notebooks\naddopts = --nbval-lax -p no:cacheprovider -p no:sugar\n"
CHECKED = "# NBVAL_CHECK_OUTPUT\nprint(6 * 7)"


@pytest.fixture
def counted(book: Book, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A file to which each execution of the book's chapter adds a line."""
    for name, text in (
        (
            "PYTHONPATH",
            f"{book.root / 'src'}{os.pathsep}{ROOT / 'tools'}{os.pathsep}{ROOT / 'src'}",
        ),
        ("SEEING_PROFILE", "quick"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ):
        monkeypatch.setenv(name, text)
    book.write("pytest.ini", INI)
    conftest = (ROOT / "notebooks" / "conftest.py").read_text(encoding="utf-8")
    book.write("notebooks/conftest.py", conftest)
    return tmp_path / "executions"


def checked(source: str, text: str) -> nbformat.NotebookNode:
    """A cell as git stores it, with an output that nbval checks."""
    cell = code(source)
    cell.execution_count = 1
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    return cell


def write(book: Book, counted: pathlib.Path, *cells: nbformat.NotebookNode) -> None:
    """Write the book's chapter: a first cell that counts, and others."""
    count = code(f"with open({str(counted)!r}, 'a') as file:\n    print('executed', file=file)")
    book.chapter("01_letters", prose("# Letters"), count, *cells)


def run_pytest(book: Book, *words: str) -> tuple[int, str]:
    """Run pytest on the book; its exit status and what it printed, without colors."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--color=no", *words],
        cwd=book.root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)


def executions(counted: pathlib.Path) -> int:
    """How often the chapter was executed."""
    return len(counted.read_text(encoding="utf-8").splitlines())


def test_a_chapter_is_executed_once_for_nbval_and_the_build(book: Book, counted: pathlib.Path):
    write(book, counted, checked(CHECKED, "42\n"), code("x = 1\nx"))
    status, said = run_pytest(book, "-p", "bookbuild.replay")
    assert status == 0, said
    assert "3 passed" in said
    # A part of the cells can be asked for, too.
    status, said = run_pytest(
        book, "-p", "bookbuild.replay", "notebooks/01_letters.ipynb::Cell 1", "-v"
    )
    assert status == 0, said
    assert "Cell 1 PASSED" in said
    assert "1 passed" in said
    chapter = book.root / "notebooks" / "01_letters.ipynb"
    assert execute.chapter(chapter, book.checkout, "quick").from_cache
    assert executions(counted) == 1


def test_a_stored_output_that_differs_fails_as_nbval_says_it_and_only_nbval_is_strict(
    book: Book, counted: pathlib.Path, tmp_path: pathlib.Path
):
    strict = tmp_path / "strict"
    note = f"import os\nopen({str(strict)!r}, 'a').write(os.environ.get('SEEING_STRICT', '0'))"
    write(book, counted, checked(CHECKED, "41\n"), code(note))
    replayed = run_pytest(book, "-p", "bookbuild.replay")
    plain = run_pytest(book)
    assert executions(counted) == 2
    assert strict.read_text() == "01"
    for status, said in (replayed, plain):
        assert status == 1
        assert "Cell 1: Cell outputs differ" in said
        assert "1 failed, 2 passed" in said

    def report(said: str) -> str:
        return said[said.index("FAILURES") : said.index("short test summary")]

    assert report(replayed[1]) == report(plain[1])
    assert r"'41\n' == '42\n'" in report(plain[1])


def test_a_cell_that_raises_fails_and_so_do_those_after_it(book: Book, counted: pathlib.Path):
    write(book, counted, code("1 / 0"), checked(CHECKED, "42\n"), code(""))
    status, said = run_pytest(book, "-p", "bookbuild.replay")
    assert status == 1
    assert "3 failed, 1 passed" in said
    assert "Cell 1: Cell execution caused an exception" in said
    assert "ZeroDivisionError: division by zero" in said
    assert "the chapter stopped before, at cell 2 (1 / 0) raised ZeroDivisionError" in said
    assert executions(counted) == 1


def test_chapters_are_executed_while_other_tests_run(book: Book, counted: pathlib.Path):
    """The unit test waits for the chapter, which so must be on its way."""
    book.write("pytest.ini", INI.replace("testpaths = ", "testpaths = tests "))
    wait = (
        "import pathlib, time\n\n\ndef test_waits():\n"
        f"    path, end = pathlib.Path({str(counted)!r}), time.monotonic() + 60\n"
        "    while not path.exists():\n"
        "        assert time.monotonic() < end\n        time.sleep(0.05)\n"
    )
    book.write("tests/test_wait.py", wait)
    write(book, counted)
    status, said = run_pytest(book, "-p", "bookbuild.replay")
    assert status == 0, said
    assert "2 passed" in said
    assert executions(counted) == 1


def test_tests_that_end_early_end_the_execution(book: Book, counted: pathlib.Path):
    book.write("pytest.ini", INI.replace("testpaths = ", "testpaths = tests "))
    book.write("tests/test_fails.py", "def test_fails():\n    raise AssertionError\n")
    write(book, counted, code("import time\ntime.sleep(300)"))
    start = time.monotonic()
    status, said = run_pytest(book, "-p", "bookbuild.replay", "-x")
    assert status == 1, said
    assert time.monotonic() - start < 100
    log = (book.checkout.build / "tests.log").read_text(encoding="utf-8")
    assert not log or "Stopped" in log


def test_tests_without_chapters_execute_none(book: Book, counted: pathlib.Path):
    book.write("tests/test_passes.py", "def test_passes():\n    pass\n")
    write(book, counted)
    for words in (["tests"], ["notebooks", "--collect-only"]):
        status, said = run_pytest(book, "-p", "bookbuild.replay", *words)
        assert status == 0, said
    assert not counted.exists()


# The kernel alone.


def kernel(*cells: nbformat.NotebookNode) -> replay.ReplayingKernel:
    """A kernel that replays cells that were executed."""
    run = entries.Run("01_letters", "key", 1.0, 1.0, 0.0, data=[], missing=[], state=None)
    return replay.ReplayingKernel(nbformat.v4.new_notebook(cells=[prose("# Letters"), *cells]), run)


def test_a_cell_of_another_source_is_refused():
    replaying = kernel(code("x = 1"))
    with pytest.raises(RuntimeError, match=r"no such cell: 'x = 2'.*edited while"):
        replaying.execute_cell_input("x = 2\ny = 3")


def test_two_cells_of_the_same_source_are_told_apart_by_their_order():
    replaying = kernel(checked("print(x)", "1\n"), code("x = 2"), checked("print(x)", "2\n"))
    texts = []
    for source in ("print(x)", "x = 2", "print(x)"):
        message_id = replaying.execute_cell_input(source)
        replaying.await_reply(message_id)
        while (message := replaying.get_message("iopub"))["msg_type"] != "status":
            texts.append(message["content"]["text"])
    assert texts == ["1\n", "2\n"]
