"""Executing chapters and keeping what they made: when again, when not, what a failure leaves."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import nbformat
import psutil
import pytest
from fakes import ROOT, Book, code, prose, wait_until

from bookbuild import data_state, entries, execute, fingerprint
from seeing.record import machine


def outputs(book: Book, name: str, profile: str = "quick") -> list[str]:
    """What the code cells of a cached execution printed."""
    executed = entries.executed_notebook(book.checkout.cache / profile / name)
    return [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in executed.cells
        if cell.cell_type == "code"
    ]


def run(book: Book, name: str, profile: str = "quick") -> entries.Run:
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
    for name in ("SEEING_SEED", "SEEING_CELL_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    later(monkeypatch)
    return book


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every execution count as one of an earlier build, not of this process."""
    monkeypatch.setattr(entries, "STARTED", float("inf"))


class FakeKernel:
    """Stands in for :func:`execute.execute`, where a test is about the cache alone.

    Attributes:
        executed: the chapters that were executed, in order.
        stand_in: whether they report stand-in data.
        says: more that their provenance box holds.
        verdict: what their conclusion finds.
        exports: files that they export.
        fails: whether they raise.
    """

    def __init__(self) -> None:
        self.executed: list[str] = []
        self.stand_in = False
        self.says: dict[str, Any] = {}
        self.verdict: dict[str, Any] | None = None
        self.exports: dict[str, str] = {}
        self.fails = False

    def __call__(
        self,
        notebook: pathlib.Path,
        work: pathlib.Path,
        environment: dict[str, str],
        progress: str,
        checkout: object,
        stop: threading.Event | None = None,
    ) -> tuple[nbformat.NotebookNode, float, float]:
        self.executed.append(notebook.stem)
        book = nbformat.read(notebook, as_version=4)
        if self.fails:
            raise execute.ChapterFailed(
                "oh", entries.Failure(1, "x = 1", "raised Oh"), (book, 1, 1)
            )
        facts = {"data": [{"name": "letters", "is_stand_in": self.stand_in}], **self.says}
        for cell in book.cells:
            if cell.cell_type == "code":
                data: dict[str, Any] = {execute.PROVENANCE_MIME: facts}
                if self.verdict is not None:
                    data[execute.VERDICT_MIME] = self.verdict
                cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
        for name, text in self.exports.items():
            (work / entries.EXPORTS).mkdir(exist_ok=True)
            (work / entries.EXPORTS / name).write_text(text, encoding="utf-8")
        return book, 1.5, 250.0


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    """No kernel; see :class:`FakeKernel`."""
    kernel = FakeKernel()
    monkeypatch.setattr(execute, "execute", kernel)
    return kernel


# The line that tells how far a chapter is.


class Clock:
    """Time that goes by when a test says so, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of progress lines."""
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def test_a_cell_that_takes_long_says_so_in_fewer_and_fewer_lines(clock, capsys):
    line = execute._ProgressLine("[1/5] 01_letters", 3)
    line.tick()
    line.next_cell(code("x = 1"))
    clock.now += 29
    line.tick()
    line.next_cell(code("# Data.\n\nletters = fetch()"))
    said = []
    for _ in range(250):
        clock.now += 1
        line.tick()
        said += capsys.readouterr().out.splitlines()
    assert said == [
        f"[1/5] 01_letters: cell 2 of 3 (letters = fetch()) runs for {seconds} s"
        for seconds in (30, 60, 120, 240)
    ]
    line.next_cell(code("x = 2"))
    line.done("251 s")
    clock.now += 1000
    line.tick()
    assert capsys.readouterr().out == "[1/5] 01_letters: 3 cells, 251 s\n"


def test_on_a_terminal_the_line_is_rewritten_whole(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    line = execute._ProgressLine("[1/5] 01_letters", 3)
    line.next_cell(code("letters = fetch()"))
    clock.now += 30
    line.tick()
    clock.now += 0.5
    line.tick()
    clock.now += 1
    line.tick()
    line.next_cell(code("x = 2"))
    line.done("9 s")
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert said.endswith("\n")
    first, *rest = [part.rstrip() for part in said.split("\r")[1:]]
    assert first == "[1/5] 01_letters: cell 1 of 3"
    assert rest == [
        "[1/5] 01_letters: cell 1 of 3 (letters = fetch()) runs for 30 s",
        "[1/5] 01_letters: cell 1 of 3 (letters = fetch()) runs for 32 s",
        "[1/5] 01_letters: cell 2 of 3",
        "[1/5] 01_letters: 2 cells, 9 s",
    ]
    widths = [len(part.rstrip("\n")) for part in said.split("\r")[1:]]
    assert widths[3] >= len(rest[1]), "nothing of the longer text stays"


# With a real kernel.


def test_a_waiting_kernel_is_heard_of(small, monkeypatch, capsys):
    monkeypatch.setattr(execute, "FIRST_WORD_AFTER_S", 0.4)
    small.chapter("01_letters", code("import time; time.sleep(1.5)"))
    run(small, "01_letters")
    assert "01_letters: cell 1 of 1 (import time; time.sleep(1.5)) runs for" in (
        capsys.readouterr().out
    )


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
    last = entries.executed_notebook(entry).cells[-1]
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


def failed_cells(book: Book, name: str) -> list[nbformat.NotebookNode]:
    """The cells of a failed execution, as it is kept for its page."""
    return entries.executed_notebook(book.checkout.failed / "quick" / name).cells


def test_a_cell_that_raises_stops_the_chapter_which_is_kept_for_its_page(small, capsys):
    small.chapter("01_letters", code("print('so far')"), code("1 / 0"), code("print('never')"))
    stopped = run(small, "01_letters")
    assert stopped.failed == entries.Failure(
        cell=2, line="1 / 0", what="raised ZeroDivisionError: division by zero"
    )
    said = capsys.readouterr()
    assert "[1/1] 01_letters: 2 cells, FAILED" in said.out
    message = re.sub(r"\x1b\[[\d;]*m", "", said.err)  # IPython colors tracebacks
    failed = small.checkout.failed / "01_letters.ipynb"
    assert message.startswith("01_letters.ipynb: ")
    assert "ZeroDivisionError: division by zero" in message
    assert message.endswith(f"As far as it ran: {failed}\n")
    for first, second, third in (
        failed_cells(small, "01_letters"),
        nbformat.read(failed, as_version=4).cells,
    ):
        assert first.outputs[0].text == "so far\n"
        assert second.outputs[0].ename == "ZeroDivisionError"
        assert third.outputs == []
    assert cached_names(small) == set()


def test_a_kernel_that_dies_stops_the_chapter(small, capsys):
    small.chapter("01_letters", code("# Away with it\n\nimport os\nos._exit(1)"))
    stopped = run(small, "01_letters")
    assert stopped.failed == entries.Failure(
        cell=1, line="import os", what="ended the Python that ran it (Kernel died)"
    )
    (cell,) = failed_cells(small, "01_letters")
    assert cell.outputs[0].output_type == "error"
    assert cell.outputs[0].traceback == [
        "DeadKernel: this cell ended the Python that ran it (Kernel died)"
    ]
    assert cached_names(small) == set()
    assert "FAILED" in capsys.readouterr().out


def test_a_cell_that_hangs_is_ended_and_so_is_all_that_it_started(small, tmp_path, monkeypatch):
    monkeypatch.setenv("SEEING_CELL_TIMEOUT", "1")
    pids = tmp_path / "pids"
    small.chapter(
        "01_letters",
        code("print('so far')"),
        code(
            "import os, subprocess, sys, time\n"
            "wait = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); '\n"
            "child = subprocess.Popen([sys.executable, '-c', wait + 'time.sleep(300)'])\n"
            f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
            "while True:\n"
            "    try:\n        time.sleep(300)\n    except BaseException:\n        pass"
        ),
    )
    stopped = run(small, "01_letters")
    what = "took longer than 1 seconds (SEEING_CELL_TIMEOUT)"
    assert stopped.failed == entries.Failure(
        cell=2, line="import os, subprocess, sys, time", what=what
    )
    first, second = failed_cells(small, "01_letters")
    assert first.outputs[0].text == "so far\n"
    assert second.outputs[-1].evalue == what
    assert not any(map(is_running, map(int, pids.read_text().split())))


def is_running(pid: int) -> bool:
    """Whether there is such a process, and more of it than its exit status."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"SEEING_PROFILE": "quick"}, 600),
        ({"SEEING_PROFILE": "full"}, 7200),
        ({}, 600),
        ({"SEEING_PROFILE": "full", "SEEING_CELL_TIMEOUT": "30"}, 30),
        ({"SEEING_PROFILE": "quick", "SEEING_CELL_TIMEOUT": ""}, 600),
        ({"SEEING_CELL_TIMEOUT": "0"}, 0),
    ],
)
def test_how_long_a_cell_may_take(environment, seconds):
    assert execute.cell_timeout(environment) == seconds


@pytest.mark.parametrize("text", ["ten", "-1", "1.5", "10 s"])
def test_a_limit_that_is_no_number_is_an_error(text):
    with pytest.raises(ValueError, match=r"SEEING_CELL_TIMEOUT is .*expected a whole number"):
        execute.cell_timeout({"SEEING_CELL_TIMEOUT": text})


def test_a_kernel_is_not_told_to_be_strict(monkeypatch):
    monkeypatch.setenv("SEEING_STRICT", "1")
    environment = execute.kernel_environment("full", MORE="1")
    assert "SEEING_STRICT" not in environment
    assert (environment["SEEING_PROFILE"], environment["MORE"]) == ("full", "1")


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


def waiting_chapter(
    book: Book, marker: pathlib.Path, go_on: pathlib.Path, name: str = "01_letters"
) -> None:
    """Write a chapter that notes its kernel's process number, and waits until it may go on."""
    book.chapter(
        name,
        code(
            "import os, pathlib, time\n"
            f"pathlib.Path({str(marker)!r}).write_text(str(os.getpid()) + ' ')\n"
            f"while not pathlib.Path({str(go_on)!r}).exists():\n"
            "    time.sleep(0.02)\n"
            "print('done')"
        ),
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_every_kernel_and_leaves_the_cache_as_it_was(
    small, start_python, tmp_path, monkeypatch, jobs
):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "tools"), str(ROOT / "src")]))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # as the Makefile does
    monkeypatch.setenv(execute.JOBS_VARIABLE, str(jobs))
    go_on = tmp_path / "go on"
    markers = [tmp_path / f"kernel {number}" for number in range(3)]
    for number, marker in enumerate(markers):
        waiting_chapter(small, marker, go_on, f"0{number}_letters")
    build = start_python(COMMAND, small.root)
    for marker in markers[:jobs]:
        wait_until(lambda path=marker: path.exists() and path.read_text().endswith(" "))
    build.send_signal(signal.SIGINT)
    assert build.wait(timeout=30) == 130
    assert build.stdout.read() == "\nStopped. The chapters that were finished are kept.\n"
    assert not any(is_running(int(marker.read_text())) for marker in markers[:jobs])
    assert not any(marker.exists() for marker in markers[jobs:]), "the next one never began"
    assert cached_names(small) == set()
    assert not small.checkout.failed.exists()
    go_on.touch()
    assert run(small, "00_letters").failed is None


def test_two_chapters_run_side_by_side_and_come_back_in_their_order(
    small, tmp_path, monkeypatch, capsys
):
    """Each waits for the other, and the first ends last."""
    monkeypatch.setenv(execute.JOBS_VARIABLE, "2")
    monkeypatch.setenv("SEEING_CELL_TIMEOUT", "30")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    wait = (
        "import pathlib, time\n"
        "pathlib.Path({mine!r}).touch()\n"
        "while not pathlib.Path({other!r}).exists():\n    time.sleep(0.02)\n"
        "time.sleep({more})"
    )
    here, there = str(tmp_path / "here"), str(tmp_path / "there")
    notebooks = [
        small.chapter("01_letters", code(wait.format(mine=here, other=there, more=2))),
        small.chapter("02_numbers", code(wait.format(mine=there, other=here, more=0))),
        small.chapter("03_broken", code("1 / 0")),
    ]
    runs = execute.all_of(notebooks, small.checkout, "quick")
    assert [run.name for run in runs] == ["01_letters", "02_numbers", "03_broken"]
    assert [run.failed is None for run in runs] == [True, True, False]
    said = capsys.readouterr().out
    assert "\r" not in said, "two chapters cannot rewrite one line"
    assert said.startswith("[2/3]"), "the second was done first"
    assert sorted(line[:5] for line in said.splitlines()) == ["[1/3]", "[2/3]", "[3/3]"]


def test_an_error_of_the_build_itself_ends_the_others(small, monkeypatch):
    monkeypatch.setenv(execute.JOBS_VARIABLE, "2")
    notebooks = [
        small.chapter("01_letters", code("import time; time.sleep(300)")),
        small.chapter("02_numbers", code("x = 1")),
    ]
    real = execute.execute

    def broken(notebook, *arguments, **settings):
        if notebook.stem == "02_numbers":
            raise ValueError("the disk is full")
        return real(notebook, *arguments, **settings)

    monkeypatch.setattr(execute, "execute", broken)
    start = time.monotonic()
    with pytest.raises(ValueError, match="the disk is full"):
        execute.all_of(notebooks, small.checkout, "quick")
    assert time.monotonic() - start < 60


def test_chapters_run_side_by_side_where_that_changes_nothing(monkeypatch, tmp_path):
    monkeypatch.delenv(execute.JOBS_VARIABLE, raising=False)
    monkeypatch.setattr(execute, "ACCELERATORS", (str(tmp_path / "gpu"),))
    monkeypatch.setattr(machine, "cores", lambda: 4)
    memory = dataclasses.make_dataclass("Memory", ["available"])
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(100e9))
    assert execute.jobs("quick") == 4
    assert execute.jobs("full") == 1
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(9e9))
    assert execute.jobs("quick") == 2
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(1e9))
    assert execute.jobs("quick") == 1
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(9e9))
    (tmp_path / "gpu").touch()
    assert execute.jobs("quick") == 1
    monkeypatch.setenv(execute.JOBS_VARIABLE, "3")
    assert execute.jobs("quick") == execute.jobs("full") == 3


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_number_of_jobs_that_is_none_is_an_error(monkeypatch, text):
    monkeypatch.setenv(execute.JOBS_VARIABLE, text)
    with pytest.raises(ValueError, match=r"SEEING_JOBS is .*expected a whole number"):
        execute.jobs("quick")


# A shell that runs the tests in the background lets them, and what they start, ignore Ctrl-C.
COMMAND = """
import pathlib, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from bookbuild import __main__ as command, paths
command.paths.default = lambda: paths.Checkout(pathlib.Path(sys.argv[1]))
sys.exit(command.main(["build"]))
"""


def test_a_build_killed_in_the_middle_of_a_chapter_leaves_no_half_entry(
    small, start_python, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "tools"), str(ROOT / "src")]))
    marker, go_on = tmp_path / "kernel", tmp_path / "go on"
    waiting_chapter(small, marker, go_on)
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
    assert run(small, "01_letters").failed is not None
    assert cached_names(small) == {"01_letters"}
    small.chapter("01_letters", code("x = 1"))
    assert run(small, "01_letters").from_cache


def test_a_failed_execution_is_tried_again_by_the_next_build_and_not_by_the_same(
    small, fake, monkeypatch, capsys
):
    small.chapter("01_letters", code("x = 1"))
    fake.fails = True
    with monkeypatch.context() as this_build:
        this_build.setattr(entries, "STARTED", 0.0)
        stopped = run(small, "01_letters")
        capsys.readouterr()
        again = run(small, "01_letters")
        assert again.from_cache
        assert again.failed == stopped.failed
        assert "failed a moment ago: cell 1 (x = 1) raised Oh" in capsys.readouterr().out
    assert fake.executed == ["01_letters"]
    fake.fails = False
    assert run(small, "01_letters").failed is None
    assert fake.executed == ["01_letters"] * 2
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


def put_asset(cache: pathlib.Path, name: str, origin: str) -> None:
    """Put a data set into a cache folder."""
    (cache / name).mkdir(parents=True, exist_ok=True)
    (cache / name / "origin.txt").write_text(f"{origin}\n", encoding="utf-8")


def gap_in_the_box(fake: FakeKernel) -> None:
    fake.says = {"missing": [{"name": "weights", "reason": "no network"}]}


def gap_in_the_verdict(fake: FakeKernel) -> None:
    fake.verdict = {"outside": [], "not_measured": ["letters_accuracy"]}


def a_stand_in(fake: FakeKernel) -> None:
    fake.stand_in = True


@pytest.mark.parametrize("gap", [gap_in_the_box, gap_in_the_verdict, a_stand_in])
def test_a_gap_is_tried_again_when_its_cause_may_be_gone(small, fake, cache, monkeypatch, gap):
    small.chapter("01_letters", code("x = 1"))
    monkeypatch.setenv("SEEING_OFFLINE", "1")
    gap(fake)
    run(small, "01_letters")
    assert run(small, "01_letters").from_cache
    put_asset(cache, "letters", "their own server")
    assert not run(small, "01_letters").from_cache, "the cache folder holds more"
    assert run(small, "01_letters").from_cache
    monkeypatch.delenv("SEEING_OFFLINE")
    assert not run(small, "01_letters").from_cache, "there may be a network"
    assert run(small, "01_letters").from_cache


def test_a_box_that_lists_its_gaps_is_believed(small, fake, monkeypatch):
    """Metrics that are left out by design are no gap."""
    small.chapter("01_letters", code("x = 1"))
    fake.says, fake.verdict = {"missing": []}, {"outside": [], "not_measured": ["letters_accuracy"]}
    assert run(small, "01_letters").missing == []


def test_what_was_missing_is_kept_with_its_reason(small, fake):
    small.chapter("01_letters", code("x = 1"))
    gap_in_the_box(fake)
    assert run(small, "01_letters").missing == ["weights: no network"]


def test_real_data_of_another_edition_execute_the_chapter_again(
    small, fake, cache, tmp_path, monkeypatch
):
    small.chapter("01_letters", code("x = 1"))
    put_asset(cache, "letters", "their own server")
    run(small, "01_letters")
    put_asset(cache, "numbers", "their own server")
    assert run(small, "01_letters").from_cache, "it does not use them"
    monkeypatch.setenv("SEEING_CACHE", str(tmp_path / "empty"))
    assert run(small, "01_letters").from_cache, "what would be fetched is what was fetched"
    put_asset(tmp_path / "other", "letters", "the mirror folder (letters_64px.tar)")
    monkeypatch.setenv("SEEING_CACHE", str(tmp_path / "other"))
    assert not run(small, "01_letters").from_cache
    assert run(small, "01_letters").from_cache


def state(**changes: Any) -> data_state.DataState:
    """A state of the data, with changes."""
    usual = {"mirror": "a", "cache": "/c", "assets": {"letters": "x"}, "offline": False}
    return data_state.DataState(**{**usual, "npm": False, **changes})


@pytest.mark.parametrize(
    ("then", "today", "age_s", "again"),
    [
        (state(), state(), 10, False),
        (state(), state(), 3500, False),
        (state(), state(), 3700, True),
        (state(offline=True), state(offline=True), 1e6, False),
        (state(), state(offline=True), 1e6, False),
        (state(offline=True), state(), 10, True),
        (state(), state(mirror="b"), 10, True),
        (state(), state(cache="/d"), 10, True),
        (state(), state(assets={}), 10, False),
        (state(), state(assets={"letters": "x", "numbers": "x"}), 10, True),
        (state(), state(assets={"letters": "y"}), 10, True),
        (state(), state(npm=True), 10, True),
        (state(npm=True), state(), 10, False),
    ],
)
def test_when_a_gap_may_be_filled(then, today, age_s, again):
    assert data_state.may_fill_gaps(then, today, age_s) is again


@pytest.mark.parametrize(
    ("assets", "used", "other"),
    [
        ({"letters": "x"}, ["letters"], False),
        ({"letters": "y"}, ["letters"], True),
        ({"letters": "y"}, ["letters (64 px edition)"], True),
        ({"letters": "y"}, ["numbers"], False),
        ({"letters": "y"}, [], False),
        ({}, ["letters"], False),
    ],
)
def test_when_the_cache_folder_holds_another_edition(assets, used, other):
    assert data_state.has_other_edition(state(), state(assets=assets), used) is other


def test_the_state_holds_what_the_cache_folder_holds(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    empty = data_state.now()
    assert (empty.assets, empty.offline, empty.npm, empty.mirror) == ({}, False, False, "no mirror")
    put_asset(cache, "letters", "their own server")
    put_asset(cache, ".letters.partial-1", "half of it")
    (cache / "numbers").mkdir()
    monkeypatch.setenv("SEEING_OFFLINE", "1")
    (tmp_path / "npm").write_text("#!/bin/sh\n")
    (tmp_path / "npm").chmod(0o755)
    full = data_state.now()
    assert full.assets == {"letters": "their own server"}
    assert (full.cache, full.offline, full.npm) == (str(cache), True, True)


def cut(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def zeros(path: pathlib.Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("executed.ipynb", pathlib.Path.unlink),
        ("executed.ipynb", cut),
        ("executed.ipynb", zeros),
        ("exports/a.json", pathlib.Path.unlink),
        ("exports/a.json", cut),
    ],
)
def test_a_damaged_entry_is_made_again(small, fake, name, damage):
    small.chapter("01_letters", code("x = 1"))
    fake.exports = {"a.json": "1" * 200}
    whole = run(small, "01_letters")
    assert whole.files["exports/a.json"] == 200
    damage(small.checkout.cache / "quick" / "01_letters" / name)
    assert not run(small, "01_letters").from_cache
    assert run(small, "01_letters").files == whole.files
    assert run(small, "01_letters").from_cache


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"key": "a"}', '{"surprise": 1}', "\udcff"], ids=repr
)
def test_an_entry_that_cannot_be_read_is_made_again(small, fake, text):
    small.chapter("01_letters", code("x = 1"))
    run(small, "01_letters")
    note = small.checkout.cache / "quick" / "01_letters" / "run.json"
    note.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert entries.load(note.parent) is None
    assert not run(small, "01_letters").from_cache
    assert entries.load(note.parent) is not None


def test_a_new_execution_replaces_all_that_the_old_one_exported(small, fake):
    small.chapter("01_letters", code("x = 1"))
    fake.exports = {"old.json": "1", "both.json": "1"}
    run(small, "01_letters")
    small.chapter("01_letters", code("x = 2"))
    fake.exports = {"both.json": "2"}
    run(small, "01_letters")
    exports = small.checkout.cache / "quick" / "01_letters" / entries.EXPORTS
    assert {path.name: path.read_text() for path in exports.iterdir()} == {"both.json": "2"}
    assert cached_names(small) == {"01_letters"}
    small.chapter("01_letters", code("x = 3"))
    fake.exports = {}
    run(small, "01_letters")
    assert not exports.exists()


KILLED_WHILE_STORING = """
import os, pathlib, shutil, signal, sys
from bookbuild import entries, execute, paths

root, step = pathlib.Path(sys.argv[1]), sys.argv[2]

def fake(notebook, work, environment, progress, checkout, stop):
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
    entries.json.dumps = die
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
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "tools"), str(ROOT / "src")]))
    folder = small.checkout.cache / "quick" / "01_letters"
    small.chapter("01_letters", code("x = 1"))
    fake.exports = {"old.json": "1"}
    old = run(small, "01_letters")
    path = small.chapter("01_letters", code("x = 2"))
    new_key = fingerprint.chapter_key(path, small.root, "quick")

    killed = start_python(KILLED_WHILE_STORING, small.root, step)
    assert killed.wait(timeout=60) == -signal.SIGKILL, killed.stdout.read()

    found = entries.load(folder)
    if entry == "none":
        assert found is None
    else:
        assert found is not None
        assert found.key == (old.key if entry == "old" else new_key)
        assert [p.name for p in (folder / entries.EXPORTS).iterdir()] == [f"{entry}.json"]
        source = entries.executed_notebook(folder).cells[0].source
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
    assert entries.Run.from_json(entry) == made
    assert entry["data"] == [{"name": "letters", "is_stand_in": False}]
    assert entries.cost(made) == "2 s, peak memory 0.25 GB"


def test_the_verdict_of_a_chapter_is_found_and_kept(small, fake):
    small.chapter("01_letters", code("x = 1"))
    fake.verdict = {"outside": ["accuracy is 0.1"], "asserted": 3, "shown": 1, "not_measured": []}
    made = run(small, "01_letters")
    assert made.verdict == fake.verdict
    assert made.outside == ["accuracy is 0.1"]
    assert run(small, "01_letters").outside == ["accuracy is 0.1"]


def test_a_chapter_without_a_conclusion_has_no_verdict(small, fake):
    small.chapter("01_letters", code("x = 1"))
    assert run(small, "01_letters").verdict is None
    assert run(small, "01_letters").outside == []
