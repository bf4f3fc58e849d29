"""Stand-ins that the unit tests share: a server that misbehaves, a tiny book, easy pictures."""

import copy
import dataclasses
import http.server
import pathlib
import threading
import time
from collections.abc import Callable

import nbformat
import numpy as np

from bookbuild import paths

ROOT = pathlib.Path(__file__).resolve().parents[2]
Cell = nbformat.NotebookNode


@dataclasses.dataclass(frozen=True)
class Answer:
    """How the server answers one request.

    Attributes:
        body: what the header promises.
        status: the HTTP status.
        sent: how many bytes of the body are really sent before the connection is closed.
        stalls: whether the server falls silent after ``sent`` bytes, until ``release`` is called.
    """

    body: bytes = b""
    status: int = 200
    sent: int | None = None
    stalls: bool = False


class Server(http.server.ThreadingHTTPServer):
    """A web server on 127.0.0.1 that answers as a test tells it to.

    Attributes:
        requests: the paths that were asked for, in order.
        stalled: set as soon as the server has fallen silent in an answer.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[str] = []
        self.stalled = threading.Event()
        self._released = threading.Event()
        self._answers = [Answer(status=404)]
        self._lock = threading.Lock()

    def answer(self, *answers: Answer) -> None:
        """Answer the coming requests in this order; the last answer serves all that follow."""
        self._answers = list(answers)

    def release(self) -> None:
        """Let the stalled answers go on."""
        self._released.set()

    def url(self, file_name: str = "asset.bin") -> str:
        """The address of a file; the server answers alike for any name."""
        return f"http://127.0.0.1:{self.server_port}/{file_name}"

    def next_answer(self, path: str) -> Answer:
        with self._lock:
            self.requests.append(path)
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def stall(self) -> None:
        self.stalled.set()
        self._released.wait(timeout=60)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        answer = self.server.next_answer(self.path)
        cut = len(answer.body) if answer.sent is None else answer.sent
        try:
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[:cut])
            if answer.stalls:
                self.wfile.flush()
                self.server.stall()
                self.wfile.write(answer.body[cut:])
        except ConnectionError:
            pass  # the client hung up, as several tests make it do
        self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        """Say nothing: the tests look at ``requests``."""


def wait_until(holds: Callable[[], bool], timeout_s: float = 120.0) -> None:
    """Wait until something holds, or fail; long, because a busy machine is no reason to fail."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def code(source: str, **metadata: object) -> Cell:
    """A code cell."""
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def prose(source: str) -> Cell:
    """A Markdown cell."""
    return nbformat.v4.new_markdown_cell(source)


def write_notebook(path: pathlib.Path, *cells: Cell, **metadata: object) -> pathlib.Path:
    """Write a notebook as the book stores it."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.from_dict({**copy.deepcopy(cell), "id": f"cell-{index}"})
            for index, cell in enumerate(cells)
        ],
        metadata={"kernelspec": kernel, **metadata},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return path


class Book:
    """A small book in a folder of its own, for the tests of what builds the real one.

    Attributes:
        root: its folder; ``checkout`` is what the build calls it.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.checkout = paths.Checkout(root)
        self._chapters: list[str] = []
        self.write("_config.yml", "title: A small book\n")
        self.write("requirements.lock", "numpy==2.0.0\n")
        self.write("book/preface.md", "# A small book\n")
        self.write("src/seeing/__init__.py", "")
        (root / "results").mkdir()
        self._write_toc()

    def write(self, name: str, text: str) -> pathlib.Path:
        """Write one of the book's files."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def chapter(self, name: str, *cells: Cell) -> pathlib.Path:
        """Write a chapter, new or again, and put it into the table of contents."""
        path = write_notebook(self.root / "notebooks" / f"{name}.ipynb", *cells)
        if name not in self._chapters:
            self._chapters.append(name)
            self._write_toc()
        return path

    def _write_toc(self) -> None:
        lines = ["format: jb-book", "root: book/preface"]
        if self._chapters:
            lines += ["chapters:", *(f"  - file: notebooks/{name}" for name in self._chapters)]
        self.write("_toc.yml", "\n".join(lines) + "\n")


def bars(count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three easy classes: a bar on the left, in the middle or on the right."""
    random = np.random.default_rng(seed)
    X = random.integers(0, 60, (count, 12, 12, 1)).astype(np.uint8)
    y = np.arange(count) % 3
    for image, label in zip(X, y, strict=True):
        image[:, 4 * label : 4 * label + 4] += 150
    return X, y
