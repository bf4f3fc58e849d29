"""A pytest plugin, ``-p bookbuild.replay``: nbval checks the executions that the build made.

nbval collects the cells, compares outputs and reports, unchanged. Only the kernel that it talks to
is another: it answers with the messages of the chapter's kept execution, and executes the chapter
through the build first where none is current. So ``make test`` executes a chapter once, and nbval,
the bands, the strict build and the site's tests look at that one execution. Chapters are executed
by a process of their own from the moment on when the tests are collected, so that the unit tests
run meanwhile.

Without this plugin, ``pytest --nbval notebooks`` starts kernels of its own.
"""

import pathlib
import queue
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import nbformat
import pytest
from nbval import plugin as nbval_plugin
from nbval.kernel import RunningKernel

from bookbuild import entries, execute, lock, paths
from seeing import profiles

Message = dict[str, Any]


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: pathlib.Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Let each notebook that nbval collects be replayed."""
    found = yield
    return [
        ReplayedNotebook.from_parent(parent, path=file_path)
        if isinstance(collector, nbval_plugin.IPyNbFile)
        else collector
        for collector in found
    ]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to execute the chapters that will be asked for."""
    asked = [item.parent for item in session.items if isinstance(item.parent, ReplayedNotebook)]
    names = list(dict.fromkeys(notebook.path.stem for notebook in asked))
    if names and not session.config.option.collectonly:
        session.config.stash[EXECUTION] = Execution(session.config.rootpath, names)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what is still being executed, if the tests ended before."""
    execution = session.config.stash.get(EXECUTION, None)
    if execution is not None:
        execution.end()


class Execution:
    """A process that executes chapters through the build; it holds the checkout's lock."""

    def __init__(self, root: pathlib.Path, names: Sequence[str]):
        self._log = paths.Checkout(root).build / "tests.log"
        self._log.parent.mkdir(exist_ok=True)
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bookbuild", "--root", str(root), "execute", *names],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Wait for its end, and print what it said."""
        self._process.wait()
        print(self._log.read_text(encoding="utf-8"))

    def end(self) -> None:
        """End it and its kernels, as Ctrl-C would."""
        self._process.terminate()
        self._process.wait()


EXECUTION = pytest.StashKey[Execution]()


class ReplayedNotebook(nbval_plugin.IPyNbFile):
    """A notebook as nbval collects it, whose kernel replays the build's execution."""

    def setup(self) -> None:
        """Take nbval's own steps, but for the kernel and its coverage."""
        self.config.stash[EXECUTION].wait()
        checkout = paths.Checkout(self.config.rootpath)
        profile = profiles.name()
        with lock.hold(checkout):
            run = execute.chapter(self.path, checkout, profile)
            executed = entries.executed_notebook(entries.folder_of(run, checkout, profile))
        self.kernel = ReplayingKernel(executed, run)
        self.setup_sanitize_files()


class ReplayingKernel(RunningKernel):
    """Answers as the kernel did in whose execution it is given, without executing anything.

    nbval asks with a cell's source; the cells are found in their order, so that a part of them
    can be asked for, too.
    """

    def __init__(self, executed: nbformat.NotebookNode, run: entries.Run):
        # Not RunningKernel's own: that starts a kernel.
        self._failed = run.failed
        self._cells = [cell for cell in executed.cells if cell.cell_type == "code"]
        self._next = 0
        self._waiting: dict[str, queue.SimpleQueue[Message]] = {
            "iopub": queue.SimpleQueue(),
            "shell": queue.SimpleQueue(),
        }

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Queue what the kernel said when it ran this cell; its number is the messages' id."""
        number = self._find(cell_input)
        message_id = f"cell {number}"
        for kind, content in self._said(number):
            self._put("iopub", message_id, kind, content)
        self._put("iopub", message_id, "status", {"execution_state": "idle"})
        self._put("shell", message_id, "execute_reply", {"status": "ok"})
        return message_id

    def _find(self, source: str) -> int:
        """The number, from 0, of the next cell with this source.

        Raises:
            RuntimeError: when there is none: the notebook changed while the tests ran.
        """
        for number in range(self._next, len(self._cells)):
            if self._cells[number].source == source:
                self._next = number + 1
                return number
        line = next(iter(source.splitlines()), "")
        raise RuntimeError(
            f"the execution has no such cell: {line!r}. Was the notebook edited while the tests "
            "ran? Run them again."
        )

    def _said(self, number: int) -> Iterator[tuple[str, Message]]:
        """The messages' types and contents; an output's own fields are just the content."""
        for output in self._cells[number].outputs:
            yield output.output_type, {k: v for k, v in output.items() if k != "output_type"}
        if self._failed is not None and number >= self._failed.cell:
            stopped = f"the chapter stopped before, at {self._failed}"
            content = {"ename": "NotExecuted", "evalue": stopped, "traceback": [stopped]}
            yield "error", content

    def _put(self, stream: str, message_id: str, kind: str, content: Message) -> None:
        header = {"msg_id": message_id}
        message = {"msg_type": kind, "parent_header": header, "content": content}
        self._waiting[stream].put(message)

    def get_message(self, stream: str, timeout: float | None = None) -> Message:
        """The next message, which is there already, or queue.Empty."""
        return self._waiting[stream].get_nowait()

    def is_alive(self) -> bool:
        """Always: there is nothing that could die."""
        return True

    def interrupt(self) -> None:
        """Nothing runs."""

    def stop(self) -> None:
        """Nothing runs."""
