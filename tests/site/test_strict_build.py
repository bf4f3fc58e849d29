"""What a build makes of a fault: tiny books with one each."""

import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import threading

import nbformat
import pytest
import small_books
from bs4 import BeautifulSoup

from bookbuild import __main__ as bookbuild_main
from bookbuild import lock, paths, site


def page(book: paths.Checkout, name: str = "notebooks/01_one") -> BeautifulSoup:
    """A built page."""
    text = (book.html / f"{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(text, "html.parser")


def run_command(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str]:
    """Run a command of the Makefile; its exit status and all that it said."""
    monkeypatch.setattr(paths, "default", lambda: book)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = bookbuild_main.main(list(words))
    return status, said.getvalue()


def test_a_sound_book_builds_and_then_comes_from_the_cache(
    book: paths.Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    first = bookbuild_main.build(book, strict=True)
    assert (book.html / "notebooks/01_one.html").is_file()
    assert [run.from_cache for run in first.runs] == [False]
    assert "[1/1] 01_one: 1 cells" in capsys.readouterr().out
    (book.root / "book/first.md").write_text("# First\n\nAnother sentence.\n")
    stray = book.html / ".venv/lib/licence.html"
    stray.parent.mkdir(parents=True)
    stray.touch()
    again = bookbuild_main.build(book, strict=True)
    assert [run.from_cache for run in again.runs] == [True]
    assert "Another sentence." in page(book, "book/first").text
    assert not stray.exists(), "what Jupyter Book left when it was called directly"
    assert (book.html / "search.html").is_file()
    # A page that is taken out of the contents leaves the site.
    (book.root / "_toc.yml").write_text("format: jb-book\nroot: book/first\n")
    shutil.rmtree(book.root / "notebooks")
    bookbuild_main.build(book, strict=True)
    assert not (book.html / "notebooks/01_one.html").exists()


VERDICT = """
from IPython import display
facts = {"outside": ["accuracy is 0.1, expected 0.9"], "asserted": 1, "shown": 0}
mime = "application/vnd.seeing.verdict+json"
display.display({mime: {**facts, "not_measured": []}, "text/plain": "The verdict."}, raw=True)
"""

STOPPED = "01_one: cell 2 (raise ValueError('a *broken* cell')) raised ValueError: a *broken* cell"
OUTSIDE = "02_two: accuracy is 0.1, expected 0.9"


def test_a_reader_gets_every_page_and_is_told_what_is_wrong_and_a_strict_build_fails(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_books.write_chapter(
        book.root, "print(40 + 2)", "raise ValueError('a *broken* cell')", "print('no')"
    )
    small_books.write_chapter(book.root, VERDICT, name="02_two")
    warn = "import warnings\nwarnings.warn('our own code warns')"
    small_books.write_chapter(book.root, warn, name="03_three")
    (book.root / "book/first.md").write_text("# First\n\n{doc}`no_such_page`\n")

    status, said = run_command(book, monkeypatch, "build")
    assert status == 1
    assert "Built in " in said
    findings = said[said.index("Stopped at a cell") :]
    assert re.fullmatch(
        rf"Stopped at a cell .*:\n  - {re.escape(STOPPED)}\n"
        rf"Outside what was recorded .*:\n  - {re.escape(OUTSIDE)}\n"
        r"Worth a look:\n  - 03_three.ipynb, cell 1 wrote to stderr: .*\n"
        r"  - .*WARNING: .*no_such_page.*\n",
        findings,
    )
    stopped = page(book)
    (box,) = stopped.select("article .admonition")
    assert "stopped at a cell that raised ValueError: a *broken* cell, when this" in box.text
    assert stopped.select("article h1")[0].text.startswith("One")
    first, second = (output.text for output in stopped.select("article .cell_output"))
    assert first.strip() == "42"
    assert "Traceback" in second and "a *broken* cell" in second
    (box,) = page(book, "notebooks/02_two").select("article .admonition")
    assert "recorded: accuracy is 0.1, expected 0.9." in box.text
    assert page(book, "notebooks/03_three").select("article .admonition") == []

    status, said = run_command(book, monkeypatch, "build", "--strict")
    assert status == 1
    assert said.endswith(f"\nThe book is not sound.\n{findings}"), "the warning, too, once more"


def test_what_a_reader_is_only_told_of_leaves_the_exit_status_alone(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_books.write_chapter(
        book.root, VERDICT, "import warnings\nwarnings.warn('our own code warns')"
    )
    (book.root / "book/first.md").write_text("# First\n\n{doc}`no_such_page`\n")
    status, said = run_command(book, monkeypatch, "build")
    assert status == 0
    assert all(part in said for part in ("Outside what was", "to stderr", "no_such_page"))
    # All is well again: so is the page.
    small_books.write_chapter(book.root, "print(40 + 2)")
    (book.root / "book/first.md").write_text("# First\n\nA page.\n")
    status, said = run_command(book, monkeypatch, "build", "--strict")
    assert status == 0
    assert said.endswith("index.html\n")
    assert page(book).select("article .admonition") == []


def test_a_chapter_can_be_executed_without_a_build(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_books.write_chapter(book.root, "1 / 0", name="02_two")
    status, said = run_command(book, monkeypatch, "execute", "one")
    assert status == 0
    assert said.startswith("[1/1] 01_one: 1 cells")
    status, said = run_command(book, monkeypatch, "execute")
    assert status == 1
    assert "[1/2] 01_one: cached" in said
    assert said.endswith("- 02_two: cell 1 (1 / 0) raised ZeroDivisionError: division by zero\n")
    assert not book.html.exists()


def test_a_missing_page_and_a_missing_export_fail_the_build(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = '<digit-demo src="data/network.json">\n<p>A figure.</p>\n</digit-demo>\n'
    (book.root / "book/first.md").write_text(f"# First\n\n{demo}")
    with (book.root / "_toc.yml").open("a") as toc:
        toc.write("  - file: book/second\n")
    status, said = run_command(book, monkeypatch, "build")
    assert status == 1
    assert re.search(
        r"Not built as a whole:\n  - .*second.*\n"
        r"  - book/first.html: its <digit-demo> reads data/network.json, which no chapter exported",
        said,
    )


def test_jupyter_book_called_directly_says_what_to_run_instead(book: paths.Checkout) -> None:
    """With the real book's settings: pages without a single output would look like the book."""
    real = paths.default().root
    settings = (real / "_config.yml").read_text(encoding="utf-8")
    (book.root / "_config.yml").write_text(settings, encoding="utf-8")
    (book.root / "tools").symlink_to(real / "tools")
    done = subprocess.run(
        [sys.executable, "-c", site.START, "build", str(book.root)],
        capture_output=True,
        text=True,
        env={name: text for name, text in os.environ.items() if name != "PYTHONPATH"},
        check=False,
    )
    assert done.returncode != 0
    assert "run `make book`" in done.stdout + done.stderr
    assert list(book.html.rglob("*.html")) == []


# Two builds at once, and places that cannot be used.


def test_a_second_build_waits_for_the_first(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lock.hold(book):
        second = threading.Thread(target=lambda: heard.append(hold_and_say(book)), daemon=True)
        heard: list[str] = []
        second.start()
        second.join(timeout=1)
        assert second.is_alive()
    second.join(timeout=10)
    assert heard == ["another build is running in this checkout: waiting for it\n"]


def hold_and_say(book: paths.Checkout) -> str:
    """Hold the lock for a moment; what was said before it was to be had."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), lock.hold(book):
        pass
    return said.getvalue()


@pytest.mark.parametrize("words", [("build",), ("execute",), ("outputs",), ("reference", "01_one")])
def test_every_command_that_executes_waits_for_its_turn(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    (book.root / "_build").touch()  # no folder can be made here: the lock is asked for first
    status, said = run_command(book, monkeypatch, *words)
    assert status == 1
    assert re.fullmatch(r"\ncannot write to \S*.*_build \(.+\): build in a copy of .*\n", said)


def test_a_port_that_is_taken_is_told_in_one_sentence(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.html.mkdir(parents=True)
    (book.html / "index.html").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = run_command(book, monkeypatch, "serve", "--port", str(port))
    assert status == 1
    assert f"cannot serve on port {port} (" in said
    assert said.endswith("take another one, for example make serve PORT=8001\n")
    assert len(said.splitlines()) == 2


def test_there_is_nothing_to_serve_before_a_build(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, said = run_command(book, monkeypatch, "serve")
    assert status == 1
    assert said.endswith("run make book\n")


def test_chapters_and_figures_are_numbered_as_their_files_are(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the title, the navigation, the neighbors' links, the captions and behind references."""
    with (book.root / "_config.yml").open("a") as config:
        config.write(
            "sphinx:\n  local_extensions:\n    bookbuild.numbering: tools\n"
            "  config:\n    html_theme_options: {}\n"
        )
    small_books.write_chapter(book.root, "print(1)", "print(2)", name="06b_two")
    path = book.root / "notebooks/06b_two.ipynb"
    notebook = nbformat.read(path, as_version=4)
    svg = "<svg xmlns='http://www.w3.org/2000/svg'/>"
    draw = f'from IPython import display; display.SVG("{svg}")'
    for cell, text in zip(notebook.cells[1:], ("A first.", "Another."), strict=True):
        cell.source = draw
        cell.metadata["mystnb"] = {"figure": {"caption": text}}
    notebook.cells[0].source = "# Two\n\nAs {doc}`01_one` says, and {doc}`that <01_one>`.\n"
    notebook.cells[0].source += "\n| a |\n| --- |\n| {doc}`01_one` |\n"
    nbformat.write(notebook, path)
    run_command(book, monkeypatch, "build", "--strict")

    built = page(book, "notebooks/06b_two")
    assert built.select_one("article h1").get_text().startswith("6b · Two")
    assert built.title.get_text().startswith("6b · Two")
    # Not that of the picture at the head, which is the first figure once more.
    numbered = "figure:not(.seeing-lead) figcaption"
    first, second = (" ".join(one.get_text().split()) for one in built.select(numbered))
    assert first.startswith("Figure 6b.1. A first.")
    assert second.startswith("Figure 6b.2. Another.")
    text = " ".join(built.select_one("article").get_text().split())
    assert "As One (chapter 1) says, and that." in text
    assert built.select_one("article td").get_text().strip() == "One"
    assert "1 · One" in built.select_one(".prev-next-area, .prev-next-footer").get_text()
    names = [one.get_text().strip() for one in built.select("nav.bd-links a")]
    assert {"1 · One", "6b · Two"} <= set(names)
    assert page(book, "book/first").select_one("article h1").get_text().startswith("First")
