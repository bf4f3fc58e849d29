"""Executing chapters and keeping what they made: when again, when not, what a failure leaves."""

import contextlib
import json
import pathlib
import re
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import nbformat
import psutil
import pytest
from fakes import ROOT, Book, code, prose, wait_until

from bookbuild import execute, fingerprint


def outputs(book: Book, name: str, profile: str = "quick") -> list[str]:
    """What the code cells of a cached execution printed."""
    executed = execute.executed_notebook(book.checkout.cache / profile / name)
    return [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in executed.cells
        if cell.cell_type == "code"
    ]


def run(book: Book, name: str, profile: str = "quick") -> execute.Run:
    """Execute a chapter, or take it from the cache."""
    path = book.root / "notebooks" / f"{name}.ipynb"
    return execute.chapter(path, book.checkout, profile, "[1/1]")


def cached_names(book: Book) -> set[str]:
    """What lies in the cache of the quick profile."""
    return {path.name for path in (book.checkout.cache / "quick").glob("*")}


@pytest.fixture
def small(book: Book, monkeypatch: pytest.MonkeyPatch) -> Book:
    """A book whose kernels import its own helpers, not the installed ones."""
    monkeypatch.setenv("PYTHONPATH", str(book.root / "src"))
    monkeypatch.delenv("SEEING_SEED", raising=False)
    return book


class FakeKernel:
    """Stands in for :func:`execute.execute`, where a test is about the cache alone.

    Attributes:
        executed: the chapters that were executed, in order.
        stand_in: whether they report stand-in data.
        exports: files that they export.
    """

    def __init__(self) -> None:
        self.executed: list[str] = []
        self.stand_in = False
        self.exports: dict[str, str] = {}
        self.fails = False

    def __call__(
        self,
        notebook: pathlib.Path,
        work: pathlib.Path,
        environment: dict[str, str],
        progress: str,
        checkout: object,
    ) -> tuple[nbformat.NotebookNode, float, float]:
        self.executed.append(notebook.stem)
        if self.fails:
            raise execute.ChapterFailed("oh")
        book = nbformat.read(notebook, as_version=4)
        facts = {"data": [{"name": "letters", "is_stand_in": self.stand_in}]}
        for cell in book.cells:
            if cell.cell_type == "code":
                data: dict[str, Any] = {execute.PROVENANCE_MIME: facts}
                cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
        for name, text in self.exports.items():
            (work / execute.EXPORTS).mkdir(exist_ok=True)
            (work / execute.EXPORTS / name).write_text(text, encoding="utf-8")
        return book, 1.5, 250.0


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    """No kernel; see :class:`FakeKernel`."""
    kernel = FakeKernel()
    monkeypatch.setattr(execute, "execute", kernel)
    return kernel


# With a real kernel.


def test_a_chapter_runs_in_a_kernel_and_comes_from_the_cache_the_next_time(
    small, tmp_path, monkeypatch, capsys
):
    (tmp_path / "mirror").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEING_MIRROR", "mirror")
    monkeypatch.setenv("SEEING_PROGRESS", "1")
    small.chapter(
        "01_letters",
        prose("# Letters"),
        code(
            "import os, pathlib\n"
            "print(*(os.environ[f'SEEING_{n}'] for n in ('PROFILE', 'PROGRESS')), sep='\\n')\n"
            "print(os.environ['SEEING_MIRROR'])"
        ),
        code("print(pathlib.Path.cwd(), os.listdir())"),
        code("import time\nblock = b'x' * 150_000_000\ntime.sleep(0.5)"),
        code("pathlib.Path('exports').mkdir()\npathlib.Path('exports/a.json').write_text('{}')"),
        code("%matplotlib inline\n6 * 7"),
    )
    first = run(small, "01_letters", "full")
    assert (first.name, first.from_cache, first.stand_in) == ("01_letters", False, [])
    assert 150 < first.peak_rss_mb < 1000
    assert 0.5 < first.wall_s < 60
    environment, folder, *_ = outputs(small, "01_letters", "full")
    assert environment == f"full\n0\n{tmp_path / 'mirror'}\n"
    work, listing = folder.strip().rsplit(" ", 1)
    assert listing == "[]", "a chapter starts in an empty folder of its own"
    assert not pathlib.Path(work).exists(), "which is gone afterwards"
    entry = small.checkout.cache / "full" / "01_letters"
    assert (entry / "exports" / "a.json").read_text(encoding="utf-8") == "{}"
    last = execute.executed_notebook(entry).cells[-1]
    assert last.outputs[0].data["text/plain"] == "42"
    assert last.execution_count == 5
    assert capsys.readouterr().out == (
        f"[1/1] 01_letters: 5 cells, {first.wall_s:.0f} s, "
        f"peak memory {first.peak_rss_mb / 1000:.2f} GB\n"
    )

    def no_kernel(*arguments: object) -> None:
        raise AssertionError("executed again")

    monkeypatch.setattr(execute, "execute", no_kernel)
    second = run(small, "01_letters", "full")
    assert second.from_cache
    assert (second.key, second.wall_s) == (first.key, first.wall_s)
    said = capsys.readouterr().out
    assert said.startswith(f"[1/1] 01_letters: cached, executed {first.finished}: ")
    assert "stand-in" not in said


def test_a_cell_that_raises_fails_the_chapter_and_caches_nothing(small, capsys):
    small.chapter("01_letters", code("print('so far')"), code("1 / 0"), code("print('never')"))
    with pytest.raises(execute.ChapterFailed) as caught:
        run(small, "01_letters")
    message = re.sub(r"\x1b\[[\d;]*m", "", str(caught.value))  # IPython colors tracebacks
    failed = small.checkout.build / "failed" / "01_letters.ipynb"
    assert message.startswith("01_letters.ipynb: ")
    assert "ZeroDivisionError: division by zero" in message
    assert message.endswith(f"As far as it ran: {failed}")
    first, second, third = nbformat.read(failed, as_version=4).cells
    assert first.outputs[0].text == "so far\n"
    assert second.outputs[0].ename == "ZeroDivisionError"
    assert third.outputs == []
    assert cached_names(small) == set()
    assert "[1/1] 01_letters: 2 cells, FAILED" in capsys.readouterr().out


def test_a_kernel_that_dies_fails_the_chapter_and_caches_nothing(small, capsys):
    small.chapter("01_letters", code("import os\nos._exit(1)"))
    with pytest.raises(execute.ChapterFailed, match=r"01_letters\.ipynb: Kernel died"):
        run(small, "01_letters")
    assert cached_names(small) == set()
    assert "FAILED" in capsys.readouterr().out


def test_an_edited_helper_executes_the_chapters_that_depend_on_it_again_and_no_other(small, capsys):
    small.write("src/seeing/alpha.py", "from seeing import shared\nvalue = shared.value + 1\n")
    small.write("src/seeing/shared.py", "value = 10\n")
    small.write("src/seeing/beta.py", "value = 5\n")
    small.chapter("01_alpha", code("from seeing import alpha\nprint(alpha.value)"))
    small.chapter("02_beta", code("from seeing import beta\nprint(beta.value)"))
    for name in ("01_alpha", "02_beta"):
        assert not run(small, name).from_cache
    small.write("src/seeing/shared.py", "value = 20\n")
    assert not run(small, "01_alpha").from_cache
    assert run(small, "02_beta").from_cache
    assert outputs(small, "01_alpha") == ["21\n"]
    assert outputs(small, "02_beta") == ["5\n"]


BUILD = """
import pathlib, sys
from bookbuild import execute, paths
root = pathlib.Path(sys.argv[1])
execute.chapter(root / "notebooks" / "01_letters.ipynb", paths.Checkout(root), "quick")
"""


def test_a_build_killed_in_the_middle_of_a_chapter_leaves_no_half_entry(
    small, start_python, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tools"))
    marker, go_on = tmp_path / "kernel", tmp_path / "go on"
    small.chapter(
        "01_letters",
        code(
            "import os, pathlib, time\n"
            f"pathlib.Path({str(marker)!r}).write_text(str(os.getpid()) + ' ')\n"
            f"while not pathlib.Path({str(go_on)!r}).exists():\n"
            "    time.sleep(0.02)\n"
            "print('done')"
        ),
    )
    build = start_python(BUILD, small.root)
    wait_until(lambda: marker.exists() and marker.read_text(encoding="utf-8").endswith(" "))
    build.send_signal(signal.SIGKILL)
    assert build.wait() == -signal.SIGKILL
    kernel = int(marker.read_text(encoding="utf-8"))
    with contextlib.suppress(psutil.NoSuchProcess):  # it ends by itself, a second later
        psutil.Process(kernel).kill()
    assert cached_names(small) == set()
    go_on.touch()
    assert not run(small, "01_letters").from_cache
    assert outputs(small, "01_letters") == ["done\n"]


# The cache alone, without a kernel.


def test_an_entry_serves_until_its_key_changes(small, fake):
    small.chapter("01_letters", code("x = 1"))
    keys = [run(small, "01_letters").key, run(small, "01_letters").key]
    small.chapter("01_letters", code("x = 2"))
    keys.append(run(small, "01_letters").key)
    assert fake.executed == ["01_letters", "01_letters"]
    assert keys[0] == keys[1] != keys[2]
    path = small.root / "notebooks" / "01_letters.ipynb"
    assert keys[2] == fingerprint.chapter_key(path, small.root, "quick")


def test_an_edited_sentence_executes_nothing(small, fake):
    small.chapter("01_letters", prose("# Letters"), code("x = 1"))
    run(small, "01_letters")
    small.chapter("01_letters", prose("# Better letters"), code("x = 1"), prose("The end."))
    assert run(small, "01_letters").from_cache
    assert fake.executed == ["01_letters"]


def test_each_profile_has_its_own_entry(small, fake):
    small.chapter("01_letters", code("x = 1"))
    run(small, "01_letters", "quick")
    run(small, "01_letters", "full")
    assert run(small, "01_letters", "quick").from_cache
    assert run(small, "01_letters", "full").from_cache
    assert fake.executed == ["01_letters"] * 2


def test_a_failed_execution_keeps_the_entry_of_the_code_before(small, fake):
    small.chapter("01_letters", code("x = 1"))
    run(small, "01_letters")
    small.chapter("01_letters", code("x = 2"))
    fake.fails = True
    with pytest.raises(execute.ChapterFailed):
        run(small, "01_letters")
    assert cached_names(small) == {"01_letters"}
    small.chapter("01_letters", code("x = 1"))
    assert run(small, "01_letters").from_cache


def test_an_entry_made_with_stand_in_data_gives_way_when_the_mirror_changes(
    small, fake, tmp_path, monkeypatch, capsys
):
    small.chapter("01_letters", code("x = 1"))
    fake.stand_in = True
    first = run(small, "01_letters")
    assert first.stand_in == ["letters"]
    capsys.readouterr()
    assert run(small, "01_letters").from_cache
    assert capsys.readouterr().out.endswith(" (stand-in data: letters)\n")

    (tmp_path / "mirror").mkdir()
    monkeypatch.setenv("SEEING_MIRROR", str(tmp_path / "mirror"))
    assert not run(small, "01_letters").from_cache
    assert run(small, "01_letters").from_cache
    (tmp_path / "mirror" / "letters.npz").touch()
    fake.stand_in = False
    second = run(small, "01_letters")
    assert not second.from_cache
    assert second.stand_in == []
    assert second.key == first.key


def test_an_entry_made_with_real_data_does_not_care_for_the_mirror(
    small, fake, tmp_path, monkeypatch
):
    small.chapter("01_letters", code("x = 1"))
    run(small, "01_letters")
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "letters.npz").touch()
    monkeypatch.setenv("SEEING_MIRROR", str(tmp_path / "mirror"))
    assert run(small, "01_letters").from_cache


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"key": "a"}', '{"surprise": 1}', "\udcff"], ids=repr
)
def test_an_entry_that_cannot_be_read_is_made_again(small, fake, text):
    small.chapter("01_letters", code("x = 1"))
    run(small, "01_letters")
    note = small.checkout.cache / "quick" / "01_letters" / "run.json"
    note.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert execute.load(note.parent) is None
    assert not run(small, "01_letters").from_cache
    assert execute.load(note.parent) is not None


def test_a_new_execution_replaces_all_that_the_old_one_exported(small, fake):
    small.chapter("01_letters", code("x = 1"))
    fake.exports = {"old.json": "1", "both.json": "1"}
    run(small, "01_letters")
    small.chapter("01_letters", code("x = 2"))
    fake.exports = {"both.json": "2"}
    run(small, "01_letters")
    exports = small.checkout.cache / "quick" / "01_letters" / execute.EXPORTS
    assert {path.name: path.read_text() for path in exports.iterdir()} == {"both.json": "2"}
    assert cached_names(small) == {"01_letters"}
    small.chapter("01_letters", code("x = 3"))
    fake.exports = {}
    run(small, "01_letters")
    assert not exports.exists()


KILLED_WHILE_STORING = """
import os, pathlib, shutil, signal, sys
from bookbuild import execute, paths

root, step = pathlib.Path(sys.argv[1]), sys.argv[2]

def fake(notebook, work, environment, progress, checkout):
    import nbformat
    (work / "exports").mkdir()
    (work / "exports" / "new.json").write_text("2")
    return nbformat.read(notebook, as_version=4), 1.0, 1.0

def die(*arguments, **settings):
    os.kill(os.getpid(), signal.SIGKILL)

def rename(path, target, real=pathlib.Path.rename, calls=[]):
    calls.append(target)
    if step == f"rename {len(calls)}":
        die()
    return real(path, target)

execute.execute = fake
pathlib.Path.rename = rename
if step == "the exports":
    shutil.copytree = die
if step == "the note":
    execute.json.dumps = die
if step == "the old entry":
    # Dies after one file is gone, whichever.
    def rmtree(folder, **settings):
        next(path for path in pathlib.Path(folder).rglob("*") if path.is_file()).unlink()
        die()
    shutil.rmtree = rmtree
execute.chapter(root / "notebooks" / "01_letters.ipynb", paths.Checkout(root), "quick")
"""


@pytest.mark.parametrize(
    ("step", "entry"),
    [
        ("the exports", "old"),
        ("the note", "old"),
        ("rename 1", "old"),
        ("rename 2", "none"),
        ("the old entry", "new"),
    ],
)
def test_a_build_killed_while_it_stores_leaves_the_old_entry_the_new_one_or_none(
    small, fake, start_python: Callable[..., subprocess.Popen[str]], monkeypatch, step, entry
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tools"))
    folder = small.checkout.cache / "quick" / "01_letters"
    small.chapter("01_letters", code("x = 1"))
    fake.exports = {"old.json": "1"}
    old = run(small, "01_letters")
    path = small.chapter("01_letters", code("x = 2"))
    new_key = fingerprint.chapter_key(path, small.root, "quick")

    killed = start_python(KILLED_WHILE_STORING, small.root, step)
    assert killed.wait(timeout=60) == -signal.SIGKILL, killed.stdout.read()

    found = execute.load(folder)
    if entry == "none":
        assert found is None
    else:
        assert found is not None
        assert found.key == (old.key if entry == "old" else new_key)
        assert [p.name for p in (folder / execute.EXPORTS).iterdir()] == [f"{entry}.json"]
        source = execute.executed_notebook(folder).cells[0].source
        assert source == ("x = 1" if entry == "old" else "x = 2")
    assert run(small, "01_letters").from_cache is (entry == "new")
    assert run(small, "01_letters").from_cache


# What an executed notebook says of itself.


def test_the_box_of_a_chapter_is_found_wherever_it_stands():
    facts = {"data": [{"name": "letters", "is_stand_in": True}], "seeds": [0]}
    cell = code("box()")
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="letters"),
        nbformat.v4.new_output("display_data", data={execute.PROVENANCE_MIME: facts}),
    ]
    notebook = nbformat.v4.new_notebook(cells=[prose("# Letters"), code("x"), cell])
    assert execute.provenance(notebook) == facts
    assert execute.data_records(notebook) == facts["data"]


def test_a_chapter_without_a_box_has_no_data():
    notebook = nbformat.v4.new_notebook(cells=[prose("# Letters"), code("x")])
    assert execute.provenance(notebook) is None
    assert execute.data_records(notebook) == []


def test_the_note_of_an_entry_is_plain_json(small, fake):
    small.chapter("01_letters", code("x = 1"))
    made = run(small, "01_letters")
    note = small.checkout.cache / "quick" / "01_letters" / "run.json"
    entry = json.loads(note.read_text(encoding="utf-8"))
    assert execute.Run(**entry) == made
    assert execute.cost(made) == "2 s, peak memory 0.25 GB"
