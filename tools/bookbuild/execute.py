"""Execute chapters, side by side where they are quick, and keep what they made."""

import asyncio
import atexit
import concurrent.futures
import contextlib
import logging
import math
import os
import pathlib
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import nbclient
import nbformat
import psutil

from bookbuild import data_state, entries, fingerprint, paths
from seeing.record import chapter as record_chapter
from seeing.record import machine

PROVENANCE_MIME = machine.MIME_TYPE
VERDICT_MIME = record_chapter.VERDICT_MIME

# The tag of cells that assert claims: a page leaves them out.
CLAIMS = "remove-cell"

TIMEOUT_VARIABLE = "SEEING_CELL_TIMEOUT"
TIMEOUTS_S = {"quick": 600, "full": 7200}

# How many chapters run at once.
JOBS_VARIABLE = "SEEING_JOBS"
# A quick chapter holds up to 2.5 GB.
BYTES_A_JOB = 4e9
# TensorFlow takes all memory of the first accelerator that it sees: CUDA's and ROCm's devices.
ACCELERATORS = ("/dev/nvidia0", "/dev/kfd")

# What is said of an exception: its first words; the traceback has the rest.
MAX_MESSAGE = 200

# When a cell that still runs is mentioned for the first time.
FIRST_WORD_AFTER_S = 30.0

# nbclient's own remarks on a failure; the reader gets one sentence from us instead.
_QUIET = logging.getLogger("bookbuild.nbclient")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class ChapterFailed(Exception):
    """A cell raised or hung, or the kernel died; the message holds the traceback.

    Attributes:
        failure: where, in one line.
        execution: what there is of it.
    """

    def __init__(self, message: str, failure: entries.Failure, execution: "Execution"):
        super().__init__(message)
        self.failure = failure
        self.execution = execution


class Stopped(Exception):
    """The chapter was ended because the build was: nothing of it is kept."""


# The executed notebook, seconds, and the peak memory in MB.
Execution = tuple[nbformat.NotebookNode, float, float]


def all_of(
    notebooks: Sequence[pathlib.Path], checkout: paths.Checkout, profile: str
) -> list[entries.Run]:
    """Each chapter's execution, a new one where none is kept that can stand for it.

    Args:
        notebooks: the chapters.
        checkout: the book.
        profile: ``"quick"`` or ``"full"``.

    Returns:
        The executions, in the chapters' order.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after all kernels were ended.
        ValueError: when the number of jobs, or the limit on a cell's time, is no number.
    """
    places = [f"[{number}/{len(notebooks)}]" for number in range(1, len(notebooks) + 1)]
    at_once = min(jobs(profile), len(notebooks))
    if at_once < 2:
        return [
            chapter(notebook, checkout, profile, place)
            for notebook, place in zip(notebooks, places, strict=True)
        ]
    # Here, since some Pythons cannot parse in two threads at once (CPython's issue 106905).
    keys = [fingerprint.chapter_key(notebook, checkout.root, profile) for notebook in notebooks]
    stop = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        started = [
            pool.submit(_with_key, notebook, checkout, profile, place, key, stop)
            for notebook, place, key in zip(notebooks, places, keys, strict=True)
        ]
        try:
            done, _ = concurrent.futures.wait(
                started, return_when=concurrent.futures.FIRST_EXCEPTION
            )
            for run in done:
                run.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [run.result() for run in started]


def jobs(profile: str) -> int:
    """How many chapters to execute at once: ``SEEING_JOBS``, or what the machine allows.

    A quick chapter mostly waits for one core. Full chapters measure times and train with all
    cores, and an accelerator serves one process: those run one after the other.

    Args:
        profile: ``"quick"`` or ``"full"``.

    Raises:
        ValueError: when ``SEEING_JOBS`` is no whole number that is at least 1.
    """
    text = os.environ.get(JOBS_VARIABLE, "")
    if text:
        if not text.isdecimal() or int(text) < 1:
            raise ValueError(f"{JOBS_VARIABLE} is {text!r}; expected a whole number, such as 1")
        return int(text)
    if profile != "quick" or any(pathlib.Path(device).exists() for device in ACCELERATORS):
        return 1
    fit = int(psutil.virtual_memory().available // BYTES_A_JOB)
    return max(1, min(machine.cores(), fit))


def chapter(
    notebook: pathlib.Path,
    checkout: paths.Checkout,
    profile: str,
    progress: str = "",
) -> entries.Run:
    """Execute a chapter, unless an execution is kept that can stand for it.

    A chapter that fails is kept as far as it came, apart from the last whole execution; its run
    says where it stopped, and the next build tries again.

    Args:
        notebook: the chapter.
        checkout: the book.
        profile: ``"quick"`` or ``"full"``.
        progress: what the progress line starts with, for example ``"[1/14]"``.
    """
    key = fingerprint.chapter_key(notebook, checkout.root, profile)
    return _with_key(notebook, checkout, profile, progress, key)


def _with_key(
    notebook: pathlib.Path,
    checkout: paths.Checkout,
    profile: str,
    progress: str,
    key: str,
    stop: threading.Event | None = None,
) -> entries.Run:
    """The execution of a chapter whose key is known; ``stop`` ends it, see :func:`execute`."""
    start = f"{progress} {notebook.stem}".strip()
    kept = entries.find(checkout, profile, notebook.stem, key)
    if kept is not None:
        print(f"{start}: {_kept_label(kept)}", flush=True)
        return kept

    with tempfile.TemporaryDirectory(prefix="seeing-chapter-") as work:
        environment, failure = kernel_environment(profile), None
        try:
            execution = execute(
                notebook, pathlib.Path(work), environment, start, checkout, stop=stop
            )
        except ChapterFailed as failed:
            print(failed, file=sys.stderr, flush=True)
            execution, failure = failed.execution, failed.failure
        executed, wall_s, peak = execution
        run = entries.Run(
            name=notebook.stem,
            key=key,
            wall_s=wall_s,
            peak_rss_mb=peak,
            ended=time.time(),
            data=data_records(executed),
            missing=missing(executed),
            state=data_state.now(),
            failed=failure,
            verdict=verdict(executed),
        )
        entry = entries.folder_of(run, checkout, profile)
        return entries.store(entry, run, executed, pathlib.Path(work) / entries.EXPORTS)


def _kept_label(run: entries.Run) -> str:
    if run.failed is not None:
        return f"failed a moment ago: {run.failed}"
    label = f"cached, executed {run.finished}: {entries.cost(run)}"
    return label + (f" (stand-in data: {', '.join(run.stand_in)})" if run.stand_in else "")


def execute(
    notebook: pathlib.Path,
    work: pathlib.Path,
    environment: dict[str, str],
    progress: str,
    checkout: paths.Checkout,
    *,
    claims_may_raise: bool = False,
    stop: threading.Event | None = None,
) -> Execution:
    """Run a notebook's cells in a fresh kernel, in the folder ``work``.

    The kernel and every process that it started are gone afterwards, whatever happened.

    Args:
        notebook: the notebook.
        work: the kernel's folder.
        environment: the kernel's, with the profile in it; see :func:`kernel_environment`.
        progress: what the progress line starts with.
        checkout: the book; as far as a failed notebook ran is kept in its ``failed`` folder.
        claims_may_raise: whether to go on after a claim that raises; :func:`raised` names it.
        stop: ends the execution when it is set. Where it is given, others may run beside this
            one: then progress is told in whole lines, on a terminal, too.

    Raises:
        ChapterFailed: when a cell raises or takes too long, or the kernel dies.
        Stopped: when ``stop`` was set before the end.
        KeyboardInterrupt: on Ctrl-C, after the kernel was ended.
        ValueError: when the limit on a cell's time is no number.
    """
    environment = {**environment, **_absolute_folders(environment)}
    # Figures belong on the page, whatever the shell that builds it wants.
    environment.pop("MPLBACKEND", None)
    limit_s = cell_timeout(environment)
    book = nbformat.read(notebook, as_version=4)
    if claims_may_raise:
        for cell in book.cells:
            if CLAIMS in cell.metadata.get("tags", []):
                cell.metadata.tags.append("raises-exception")
    n_cells = sum(cell.cell_type == "code" for cell in book.cells)
    line = _ProgressLine(progress, n_cells, is_alone=stop is None)
    client = nbclient.NotebookClient(
        book,
        timeout=limit_s or None,
        kernel_name="python3",
        # The kernel talks to this process alone; its notice about TCP is no reader's business.
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(work)}},
        on_cell_execute=lambda cell, cell_index: line.next_cell(cell),
        log=_QUIET,
    )
    start = time.monotonic()
    with _Watch(client, line, stop) as watch:
        try:
            _run_in_thread(client, environment, watch)
        # A kernel that dies, or never starts, is a RuntimeError.
        except (
            nbclient.exceptions.CellExecutionError,
            nbclient.exceptions.CellTimeoutError,
            RuntimeError,
        ) as error:
            if stop is not None and stop.is_set():
                raise Stopped(f"{notebook.name} was stopped") from error
            failure = _failure(error, line, limit_s)
            line.done("FAILED")
            execution = (book, time.monotonic() - start, watch.peak_mb)
            kept = _keep_failed(book, checkout.failed / notebook.name)
            message = f"{notebook.name}: {_full_text(error, failure)}\nAs far as it ran: {kept}"
            raise ChapterFailed(message, failure, execution) from error
    wall_s = time.monotonic() - start
    line.done(f"{wall_s:.0f} s, peak memory {watch.peak_mb / 1000:.2f} GB")
    return book, wall_s, watch.peak_mb


def raised(book: nbformat.NotebookNode) -> list[str]:
    """The cells of an executed notebook that raised: how each begins, and what it raised."""
    return [
        f"{cell.source.splitlines()[0]} ...: {output.ename}: {output.evalue}"
        for cell in book.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]


def cell_timeout(environment: Mapping[str, str]) -> int:
    """How long a cell may take, in seconds; 0 for as long as it likes.

    Args:
        environment: holds ``SEEING_CELL_TIMEOUT``, or ``SEEING_PROFILE``, which has a limit.

    Raises:
        ValueError: when ``SEEING_CELL_TIMEOUT`` is no whole number of seconds.
    """
    text = environment.get(TIMEOUT_VARIABLE, "")
    if not text:
        return TIMEOUTS_S[environment.get("SEEING_PROFILE") or "quick"]
    if not text.isdecimal():
        raise ValueError(
            f"{TIMEOUT_VARIABLE} is {text!r}; expected a whole number of seconds, such as 600, "
            "or 0 for no limit"
        )
    return int(text)


def kernel_environment(profile: str, **more: str) -> dict[str, str]:
    """This process's environment for a chapter's kernel: the profile set, progress bars off.

    ``SEEING_STRICT`` is for nbval's own kernels: there a result outside its band must raise. Here
    it must not, so that the page is whole; the verdict tells.
    """
    environment = {
        # TensorFlow's C++ side otherwise prints its build details into a page, and into git.
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # The kernel's debugger, of which nobody makes use, else warns in older versions.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        **os.environ,
        "SEEING_PROFILE": profile,
        "SEEING_PROGRESS": "0",
        **more,
    }
    environment.pop("SEEING_STRICT", None)
    return environment


def _absolute_folders(environment: dict[str, str]) -> dict[str, str]:
    """The data folders' paths made absolute: a kernel runs in a folder of its own."""
    given = {name: environment.get(name) for name in ("SEEING_CACHE", "SEEING_MIRROR")}
    return {
        name: str(pathlib.Path(path).expanduser().resolve()) for name, path in given.items() if path
    }


def _run_in_thread(
    client: nbclient.NotebookClient, environment: dict[str, str], watch: "_Watch"
) -> None:
    """Run all cells, in a thread: in the main one, nbclient would take Ctrl-C for itself.

    There it ends the kernel and reports a kernel that died; a reader who stops a build wants it
    to stop.
    """
    caught: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(client.async_execute(env=environment))
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:
        watch.end_processes()
        thread.join(timeout=10)
        raise
    if caught:
        raise caught[0]


class _ProgressLine:
    """One line a chapter: rewritten while it runs alone on a terminal, printed once elsewhere.

    A cell that takes long, for example because it waits for a network that is not there, says so:
    in the line that is rewritten, or else in lines of their own, fewer and fewer.

    Attributes:
        number: the code cell that runs, counted from 1.
        cell: that cell; None before the first.
    """

    def __init__(self, start: str, total: int, *, is_alone: bool = True):
        self._start, self._total = start, total
        self.number = 0
        self.cell: nbformat.NotebookNode | None = None
        self._live = is_alone and sys.stdout.isatty()
        self._width = 0
        self._cell_began = time.monotonic()
        self._say_after_s = FIRST_WORD_AFTER_S

    def next_cell(self, cell: nbformat.NotebookNode) -> None:
        self.number += 1
        self.cell = cell
        self._cell_began = time.monotonic()
        self._say_after_s = FIRST_WORD_AFTER_S
        if self._live:
            self._rewrite(self._place())

    def tick(self) -> None:
        """Say that a cell still runs, if it has run for long; to be called now and then."""
        seconds = time.monotonic() - self._cell_began
        if self.cell is None or seconds < self._say_after_s:
            return
        text = f"{self._place()} ({_short(_first_line(self.cell), 50)}) runs for {seconds:.0f} s"
        if self._live:
            self._say_after_s = seconds + 1
            self._rewrite(text)
        else:
            self._say_after_s *= 2
            print(text, flush=True)

    def done(self, text: str) -> None:
        self._say_after_s = math.inf
        line = f"{self._start}: {self.number} cells, {text}"
        if self._live:
            self._rewrite(line)
            print(flush=True)
        else:
            print(line, flush=True)

    def _place(self) -> str:
        return f"{self._start}: cell {self.number} of {self._total}"

    def _rewrite(self, text: str) -> None:
        """Write over what stands in the line, which may be longer."""
        print(f"\r{text:{self._width}}", end="", flush=True)
        self._width = len(text)


class _Watch:
    """Watches the kernel and its children while a block runs; at its end they are gone.

    The progress line is told that time goes by. When ``stop`` is set, the processes are ended.

    Attributes:
        peak_mb: the most memory that they held together, in MB.
    """

    def __init__(
        self,
        client: nbclient.NotebookClient,
        line: _ProgressLine,
        stop: threading.Event | None,
        interval_s: float = 0.2,
    ):
        self._client, self._line, self._interval_s = client, line, interval_s
        self._stop = stop or threading.Event()
        self._seen: set[psutil.Process] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_mb = 0.0

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self.end_processes()
        # nbclient forgets this where a kernel ends before it has answered, and raises at the end.
        atexit.unregister(self._client._cleanup_kernel)

    def _watch(self) -> None:
        while not self._over.wait(self._interval_s):
            if self._stop.is_set():
                self.end_processes()
            with contextlib.suppress(BrokenPipeError):  # the main thread will notice
                self._line.tick()
            with contextlib.suppress(psutil.Error):
                held = sum(process.memory_info().rss for process in self._family())
                self.peak_mb = max(self.peak_mb, held / 1e6)

    def _family(self) -> list[psutil.Process]:
        """The kernel and its children, as far as there is a kernel."""
        provisioner = getattr(self._client.km, "provisioner", None)
        if provisioner is None or getattr(provisioner, "pid", None) is None:
            return []
        kernel = psutil.Process(provisioner.pid)
        family = [kernel, *kernel.children(recursive=True)]
        self._seen.update(family)
        return family

    def end_processes(self) -> None:
        """End what is left of the kernel and its children."""
        with contextlib.suppress(psutil.Error):
            self._family()
        # A process that another took the number of is not touched: psutil compares times, too.
        left = [process for process in list(self._seen) if process.is_running()]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=5)


def _failure(error: Exception, line: _ProgressLine, limit_s: int) -> entries.Failure:
    """What happened, in one line; where no cell could say it, its outputs say it from now on."""
    if isinstance(error, nbclient.exceptions.CellExecutionError):
        what = f"raised {_short(f'{error.ename}: {error.evalue}')}"
        return entries.Failure(line.number, _first_line(line.cell), what)
    if isinstance(error, nbclient.exceptions.CellTimeoutError):
        name, what = "CellTimeout", f"took longer than {limit_s} seconds ({TIMEOUT_VARIABLE})"
    else:
        name, what = "DeadKernel", f"ended the Python that ran it ({_short(str(error))})"
    if line.cell is not None:
        said = nbformat.v4.new_output(
            "error", ename=name, evalue=what, traceback=[f"{name}: this cell {what}"]
        )
        line.cell.setdefault("outputs", []).append(said)
    return entries.Failure(line.number, _first_line(line.cell), what)


def _first_line(cell: nbformat.NotebookNode | None) -> str:
    """The first line of a cell that is neither blank nor a comment, else its first line."""
    lines = [line.strip() for line in (cell.source if cell else "").splitlines() if line.strip()]
    code = [line for line in lines if not line.startswith("#")]
    return next(iter([*code, *lines]), "")


def _short(text: str, length: int = MAX_MESSAGE) -> str:
    """A message on one line, cut where it gets long."""
    text = " ".join(text.split()).removesuffix(":")
    return text if len(text) <= length else text[: length - 1] + "…"


def _full_text(error: Exception, failure: entries.Failure) -> str:
    """The traceback where there is one."""
    is_traceback = isinstance(error, nbclient.exceptions.CellExecutionError)
    return str(error) if is_traceback else str(failure)


def _keep_failed(book: nbformat.NotebookNode, path: pathlib.Path) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    return path


# What an executed notebook says of itself.


def provenance(executed: nbformat.NotebookNode) -> dict[str, Any] | None:
    """What the chapter's provenance box says, or None where it has none."""
    return _said(executed, PROVENANCE_MIME)


def verdict(executed: nbformat.NotebookNode) -> dict[str, Any] | None:
    """What the chapter's conclusion found, or None where it has none.

    ``"outside"`` holds a sentence for each result outside what was recorded, ``"asserted"`` and
    ``"shown"`` count the others and ``"claims"`` the sentences; ``"not_measured"`` names what this
    run had to leave out, and ``"workings"`` how the band of each asserted number came about.
    """
    return _said(executed, VERDICT_MIME)


def _said(executed: nbformat.NotebookNode, mime: str) -> dict[str, Any] | None:
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if mime in output.get("data", {}):
                return output["data"][mime]
    return None


def data_records(executed: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """The records of the data sets that the chapter used."""
    box = provenance(executed)
    return box["data"] if box else []


def missing(executed: nbformat.NotebookNode) -> list[str]:
    """What the chapter had to do without, one text each.

    The box lists what could not be had. A box that does not yet keep such a list leaves only the
    metrics that were not measured, which may also be left out by design.
    """
    box = provenance(executed) or {}
    if "missing" in box:
        return [f"{gap['name']}: {gap['reason']}" for gap in box["missing"]]
    return list((verdict(executed) or {}).get("not_measured", []))
