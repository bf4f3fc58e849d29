"""The execution cache: one folder a profile and chapter, written in one step, checked when read."""

import contextlib
import dataclasses
import json
import pathlib
import shutil
import tempfile
import time
from typing import Any

import nbformat

from bookbuild import data_state, paths

EXPORTS = "exports"
NOTEBOOK = "executed.ipynb"
NOTE = "run.json"

# What this very process executed, it does not execute again: `make test` looks at each chapter
# several times, also at one that failed or had to do without data.
STARTED = time.time()


@dataclasses.dataclass(frozen=True)
class Failure:
    """Where a chapter stopped.

    Attributes:
        cell: the number of the code cell, counted from 1; 0 where none was reached.
        line: the cell's first line of code.
        what: what the cell did, for example ``"raised ValueError: no digits"``.
    """

    cell: int
    line: str
    what: str

    def __str__(self) -> str:
        """One line for a terminal."""
        return f"cell {self.cell} ({self.line}) {self.what}"


@dataclasses.dataclass(frozen=True)
class Run:
    """One execution of a chapter.

    Attributes:
        name: the notebook's name without ending.
        key: the fingerprint it was executed under.
        wall_s: seconds, from starting the kernel to its end.
        peak_rss_mb: the most memory that the kernel and its children held, in MB.
        ended: when it ended, in seconds since 1970.
        data: the records of the data sets that it used.
        missing: what it had to do without, one text each.
        state: what data could be had.
        failed: where it stopped; None for a whole run.
        verdict: what its conclusion found, or None where it has none.
        files: what the entry holds beside the note, with sizes in bytes.
        from_cache: whether this build took it from the cache.
    """

    name: str
    key: str
    wall_s: float
    peak_rss_mb: float
    ended: float
    data: list[dict[str, Any]]
    missing: list[str]
    state: data_state.DataState
    failed: Failure | None = None
    verdict: dict[str, Any] | None = None
    files: dict[str, int] = dataclasses.field(default_factory=dict)
    from_cache: bool = False

    @property
    def finished(self) -> str:
        """When it ended, in local time."""
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(self.ended))

    @property
    def stand_in(self) -> list[str]:
        """Names of the data sets that stand-ins replaced."""
        return [record["name"] for record in self.data if record["is_stand_in"]]

    @property
    def outside(self) -> list[str]:
        """One sentence for each result that lies outside what was recorded."""
        return list(self.verdict["outside"]) if self.verdict else []

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> "Run":
        """The run that a note holds.

        Raises:
            TypeError, KeyError: when it is no such note.
        """
        failed = entry["failed"]
        return cls(
            **{
                **entry,
                "state": data_state.DataState(**entry["state"]),
                "failed": Failure(**failed) if failed else None,
            }
        )


def folder(checkout: paths.Checkout, profile: str, name: str, *, failed: bool) -> pathlib.Path:
    """Where a chapter's last whole execution is kept, or its last failed one.

    Two places: a failure does not cost the execution of the code as it was before.
    """
    return (checkout.failed if failed else checkout.cache) / profile / name


def folder_of(run: Run, checkout: paths.Checkout, profile: str) -> pathlib.Path:
    """Where a run is kept."""
    return folder(checkout, profile, run.name, failed=run.failed is not None)


def find(checkout: paths.Checkout, profile: str, name: str, key: str) -> Run | None:
    """The chapter's execution that can serve, or None where it must be executed."""
    for failed in (False, True):
        run = load(folder(checkout, profile, name, failed=failed))
        if run is not None and is_current(run, key):
            return dataclasses.replace(run, from_cache=True)
    return None


def is_current(run: Run, key: str) -> bool:
    """Whether an execution can stand for one made now."""
    if run.key != key:
        return False
    if run.ended >= STARTED:
        return True
    if run.failed is not None:
        return False
    today = data_state.now()
    used = [record["name"] for record in run.data if not record["is_stand_in"]]
    if data_state.has_other_edition(run.state, today, used):
        return False
    gaps = bool(run.stand_in or run.missing)
    return not (gaps and data_state.may_fill_gaps(run.state, today, time.time() - run.ended))


def load(entry: pathlib.Path) -> Run | None:
    """The run that a cache folder holds, or None where it is not there, or not whole."""
    # A damaged note can hold anything, so anything can go wrong with it.
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        run = Run.from_json(json.loads((entry / NOTE).read_text(encoding="utf-8")))
        if run.files == _sizes(entry) and executed_notebook(entry).cells is not None:
            return run
    return None


def executed_notebook(entry: pathlib.Path) -> nbformat.NotebookNode:
    """The executed notebook that a cache folder holds."""
    return nbformat.read(entry / NOTEBOOK, as_version=4)


def store(
    entry: pathlib.Path, run: Run, executed: nbformat.NotebookNode, exports: pathlib.Path
) -> Run:
    """Replace a cache folder in one step, so that a killed build leaves no half entry.

    Args:
        entry: the folder.
        run: the run; its ``files`` are filled in.
        executed: the executed notebook.
        exports: the folder that the chapter exported files to; it may not exist.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{entry.name}-"
    for leftover in entry.parent.glob(f"{prefix}*"):  # of a build that was killed here
        shutil.rmtree(leftover, ignore_errors=True)
    new = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=entry.parent))
    nbformat.write(executed, new / NOTEBOOK)
    if exports.is_dir():
        shutil.copytree(exports, new / EXPORTS)
    run = dataclasses.replace(run, files=_sizes(new))
    (new / NOTE).write_text(json.dumps(dataclasses.asdict(run), indent=1), encoding="utf-8")
    if entry.exists():
        # Renamed before it is removed: a folder half removed could pass for an entry.
        old = new.with_name(new.name + "-old")
        entry.rename(old)
        new.rename(entry)
        shutil.rmtree(old, ignore_errors=True)
    else:
        new.rename(entry)
    return run


def _sizes(entry: pathlib.Path) -> dict[str, int]:
    """The sizes of an entry's files, less the note itself, by path."""
    return {
        path.relative_to(entry).as_posix(): path.stat().st_size
        for path in sorted(entry.rglob("*"))
        if path.is_file() and path != entry / NOTE
    }


def cost(run: Run) -> str:
    """A run's time and memory as text."""
    return f"{run.wall_s:.0f} s, peak memory {run.peak_rss_mb / 1000:.2f} GB"
