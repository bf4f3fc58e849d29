"""Execute chapters, one at a time, with a progress line, and cache what they made."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

import nbclient
import nbformat
import psutil

from bookbuild import fingerprint, paths
from seeing import provenance as provenance_box

PROVENANCE_MIME = provenance_box.MIME_TYPE
EXPORTS = "exports"


class ChapterFailed(Exception):
    """A cell raised, or the kernel died; the message holds the traceback."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One execution of a chapter.

    Attributes:
        name: the notebook's name without ending.
        key: the fingerprint it was executed under.
        wall_s: seconds, from starting the kernel to its end.
        peak_rss_mb: the most memory that the kernel and its children held, in MB.
        stand_in: names of the data sets that stand-ins replaced.
        mirror_state: the mirror folder's state then.
        finished: local time, ISO format.
        from_cache: whether this build took it from the cache.
    """

    name: str
    key: str
    wall_s: float
    peak_rss_mb: float
    stand_in: list[str]
    mirror_state: str
    finished: str
    from_cache: bool = False


def chapter(
    notebook: pathlib.Path, checkout: paths.Checkout, profile: str, progress: str = ""
) -> Run:
    """Execute a chapter, unless the cache holds an execution under the same fingerprint.

    Args:
        notebook: the chapter.
        checkout: the book.
        profile: ``"quick"`` or ``"full"``.
        progress: what the progress line starts with, for example ``"[1/14]"``.

    Raises:
        ChapterFailed: when a cell raises. Nothing is cached then; the notebook with what it
            printed so far is kept under ``_build/failed``.
    """
    folder = checkout.cache / profile / notebook.stem
    key = fingerprint.chapter_key(notebook, checkout.root, profile)
    cached = load(folder)
    if cached is not None and _is_current(cached, key):
        label = f"cached, executed {cached.finished}: {cost(cached)}"
        if cached.stand_in:
            label += f" (stand-in data: {', '.join(cached.stand_in)})"
        print(f"{progress} {notebook.stem}: {label}", flush=True)
        return dataclasses.replace(cached, from_cache=True)

    with tempfile.TemporaryDirectory(prefix="seeing-chapter-") as work:
        executed, wall_s, peak = execute(
            notebook,
            pathlib.Path(work),
            kernel_environment(profile),
            f"{progress} {notebook.stem}",
            checkout,
        )
        run = Run(
            name=notebook.stem,
            key=key,
            wall_s=wall_s,
            peak_rss_mb=peak,
            stand_in=[record["name"] for record in data_records(executed) if record["is_stand_in"]],
            mirror_state=fingerprint.mirror_state(),
            finished=time.strftime("%Y-%m-%d %H:%M"),
        )
        _store(folder, run, executed, pathlib.Path(work) / EXPORTS)
    return run


def execute(
    notebook: pathlib.Path,
    work: pathlib.Path,
    environment: dict[str, str],
    progress: str,
    checkout: paths.Checkout,
) -> tuple[nbformat.NotebookNode, float, float]:
    """Run a notebook's cells in a fresh kernel, in the folder ``work``.

    Returns:
        The executed notebook, seconds, and the peak memory in MB.

    Raises:
        ChapterFailed: when a cell raises or the kernel dies.
    """
    environment = {**environment, **_absolute_folders(environment)}
    # Figures belong on the page, whatever the shell that builds it wants.
    environment.pop("MPLBACKEND", None)
    book = nbformat.read(notebook, as_version=4)
    total = sum(cell.cell_type == "code" for cell in book.cells)
    line = _ProgressLine(progress, total)
    client = nbclient.NotebookClient(
        book,
        timeout=None,
        kernel_name="python3",
        # The kernel talks to this process alone; its notice about TCP is no reader's business.
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(work)}},
        on_cell_execute=lambda cell, cell_index: line.next_cell(),
    )
    start = time.monotonic()
    with _peak_memory(client) as peak:
        try:
            client.execute(env=environment)
        except (
            nbclient.exceptions.CellExecutionError,
            nbclient.exceptions.DeadKernelError,
        ) as error:
            failed = checkout.build / "failed" / notebook.name
            failed.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(book, failed)
            line.done("FAILED")
            raise ChapterFailed(f"{notebook.name}: {error}\nAs far as it ran: {failed}") from error
    wall_s = time.monotonic() - start
    line.done(f"{wall_s:.0f} s, peak memory {peak.mb / 1000:.2f} GB")
    return book, wall_s, peak.mb


def kernel_environment(profile: str, **more: str) -> dict[str, str]:
    """This process's environment for a chapter's kernel: the profile set, progress bars off."""
    return {**os.environ, "SEEING_PROFILE": profile, "SEEING_PROGRESS": "0", **more}


def _absolute_folders(environment: dict[str, str]) -> dict[str, str]:
    """The data folders' paths made absolute: a kernel runs in a folder of its own."""
    given = {name: environment.get(name) for name in ("SEEING_CACHE", "SEEING_MIRROR")}
    return {
        name: str(pathlib.Path(path).expanduser().resolve()) for name, path in given.items() if path
    }


class _ProgressLine:
    """One line a chapter: rewritten cell by cell on a terminal, printed once elsewhere."""

    def __init__(self, start: str, total: int):
        self._start, self._total, self._cell = start, total, 0
        self._live = sys.stdout.isatty()

    def next_cell(self) -> None:
        self._cell += 1
        if self._live:
            text = f"\r{self._start}: cell {self._cell} of {self._total} "
            print(text, end="", flush=True)

    def done(self, text: str) -> None:
        start = "\r" if self._live else ""
        print(f"{start}{self._start}: {self._cell} cells, {text}", flush=True)


@dataclasses.dataclass
class _Peak:
    mb: float = 0.0


@contextlib.contextmanager
def _peak_memory(client: nbclient.NotebookClient, interval_s: float = 0.2) -> Iterator[_Peak]:
    """Watch the memory of the client's kernel and its children while the block runs."""
    peak, stop = _Peak(), threading.Event()

    def watch() -> None:
        while not stop.wait(interval_s):
            provisioner = getattr(client.km, "provisioner", None)
            if provisioner is None or getattr(provisioner, "pid", None) is None:
                continue
            with contextlib.suppress(psutil.Error):
                kernel = psutil.Process(provisioner.pid)
                family = [kernel, *kernel.children(recursive=True)]
                held = sum(process.memory_info().rss for process in family)
                peak.mb = max(peak.mb, held / 1e6)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def provenance(executed: nbformat.NotebookNode) -> dict | None:
    """What the chapter's provenance box says, or None where it has none."""
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if PROVENANCE_MIME in output.get("data", {}):
                return output["data"][PROVENANCE_MIME]
    return None


def data_records(executed: nbformat.NotebookNode) -> list[dict]:
    """The records of the data sets that the chapter used."""
    box = provenance(executed)
    return box["data"] if box else []


def load(folder: pathlib.Path) -> Run | None:
    """The run that a cache folder holds, or None where there is none that can be read."""
    try:
        entry = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return Run(**entry)
    except (OSError, ValueError, TypeError):
        return None


def executed_notebook(folder: pathlib.Path) -> nbformat.NotebookNode:
    """The executed notebook that a cache folder holds."""
    return nbformat.read(folder / "executed.ipynb", as_version=4)


def _is_current(cached: Run, key: str) -> bool:
    if cached.key != key:
        return False
    # Stand-in data gives way as soon as the mirror folder changes.
    return not cached.stand_in or cached.mirror_state == fingerprint.mirror_state()


def _store(
    folder: pathlib.Path, run: Run, executed: nbformat.NotebookNode, exports: pathlib.Path
) -> None:
    """Replace the cache folder in one step, so that a killed build leaves no half entry."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = pathlib.Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    nbformat.write(executed, new / "executed.ipynb")
    if exports.is_dir():
        shutil.copytree(exports, new / EXPORTS)
    (new / "run.json").write_text(json.dumps(dataclasses.asdict(run), indent=1), encoding="utf-8")
    if folder.exists():
        # Renamed before it is removed: a folder half removed could pass for an entry.
        old = new.with_name(new.name + "-old")
        folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        new.rename(folder)


def cost(run: Run) -> str:
    """A run's time and memory as text."""
    return f"{run.wall_s:.0f} s, peak memory {run.peak_rss_mb / 1000:.2f} GB"
