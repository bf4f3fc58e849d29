"""Keep notebooks clean: git stores the outputs that nbval checks, and no others."""

import json
import pathlib
import tempfile
from collections.abc import Iterable

import nbformat

from bookbuild import execute, paths
from seeing.record import reference

CHECKED = "# NBVAL_CHECK_OUTPUT"
MAX_CODE_LINES = 350

# Cells that a page folds away or leaves out are not part of the lesson.
FOLDED = {"hide-cell", "hide-input", "remove-cell", "remove-input"}


def problems(notebook: pathlib.Path) -> list[str]:
    """What is wrong with a notebook as it is stored, one sentence each.

    Outputs and execution counts where nothing checks them, checked cells without output or with
    anything but text, metadata that an editor left, cells without id, too much code.
    """
    stored = notebook.read_text(encoding="utf-8")
    book = nbformat.reads(stored, as_version=4)  # makes up the ids that are missing
    found = []
    for index, (cell, raw) in enumerate(zip(book.cells, json.loads(stored)["cells"], strict=True)):
        where = f"{notebook.name}, cell {index}"
        if "id" not in raw:
            found.append(f"{where} has no id")
        if cell.cell_type != "code":
            continue
        if cell.execution_count != stored_count(cell):
            wanted, count = stored_count(cell), cell.execution_count
            found.append(f"{where} has the execution count {count}, expected {wanted}")
        if is_checked(cell):
            found += [f"{where} {problem}" for problem in _checked_cell_problems(cell)]
        elif cell.outputs:
            found.append(f"{where} keeps an output that nothing checks")
    extra = set(book.metadata) - {"kernelspec", "language_info", "mystnb"}
    if extra:
        found.append(f"{notebook.name} keeps metadata {sorted(extra)}")
    lines = code_lines(book)
    if lines > MAX_CODE_LINES:
        found.append(f"{notebook.name} has {lines} lines of code, at most {MAX_CODE_LINES}")
    if nbformat.writes(book) + "\n" != stored:
        found.append(f"{notebook.name} is not formatted as nbformat writes it")
    return found


def is_checked(cell: nbformat.NotebookNode) -> bool:
    """Whether nbval compares this cell's output with a fresh run."""
    return cell.cell_type == "code" and cell.source.startswith(CHECKED)


def differences(stored: nbformat.NotebookNode, executed: nbformat.NotebookNode) -> list[str]:
    """One sentence for each exactly checked cell that prints something else than what is stored.

    Args:
        stored: the chapter as git holds it.
        executed: the same chapter after a run.
    """
    found = []
    for number, (cell, fresh) in enumerate(zip(stored.cells, executed.cells, strict=True)):
        if is_checked(cell):
            before, after = (
                "".join(str(output.get("text", "")) for output in one.outputs)
                for one in (cell, fresh)
            )
            if before != after:
                found.append(f"checked cell {number} prints {after!r} and not {before!r}")
    return found


def stored_count(cell: nbformat.NotebookNode) -> int | None:
    """The execution count that git stores: none; but nbval refuses a checked cell without one."""
    return 1 if is_checked(cell) else None


def code_lines(book: nbformat.NotebookNode) -> int:
    """Lines of code in a notebook, without blank lines, comments and folded cells.

    A docstring of one line counts as a comment.
    """
    lines = [
        line.strip()
        for cell in book.cells
        if cell.cell_type == "code" and not FOLDED & set(cell.metadata.get("tags", []))
        for line in cell.source.splitlines()
    ]
    return sum(bool(line) and not line.startswith(("#", '"""')) for line in lines)


def _checked_cell_problems(cell: nbformat.NotebookNode) -> list[str]:
    if not cell.outputs:
        return ["is checked by nbval and stores no output: run make outputs"]
    kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
    return [f"stores {kind}: checked outputs are text" for kind in sorted(kinds - {"text/plain"})]


def clean(notebook: pathlib.Path) -> None:
    """Strip everything from a stored notebook but the outputs that nbval checks."""
    book = nbformat.read(notebook, as_version=4)
    _strip(book, book)
    _write(book, notebook)


def store_outputs(notebook: pathlib.Path, checkout: paths.Checkout) -> None:
    """Run a notebook in the quick profile and store what its checked cells print.

    Raises:
        execute.ChapterFailed: when a cell raises; the stored notebook stays as it was.
    """
    book = nbformat.read(notebook, as_version=4)
    with tempfile.TemporaryDirectory(prefix="seeing-outputs-") as work:
        # A chapter that has no reference results yet can have checked outputs all the same.
        report = {reference.REPORT_VARIABLE: str(pathlib.Path(work) / "report.json")}
        environment = execute.kernel_environment("quick", **report)
        fresh, _, _ = execute.execute(
            notebook, pathlib.Path(work), environment, notebook.stem, checkout
        )
    _strip(book, fresh)
    _write(book, notebook)


def _strip(book: nbformat.NotebookNode, fresh: nbformat.NotebookNode) -> None:
    for cell, run in zip(book.cells, fresh.cells, strict=True):
        if cell.cell_type != "code":
            continue
        cell.execution_count = stored_count(cell)
        cell.outputs = _joined(map(_plain, run.outputs)) if is_checked(cell) else []
        for key in ("execution", "collapsed", "scrolled", "ExecuteTime"):
            cell.metadata.pop(key, None)
    for key in set(book.metadata) - {"kernelspec", "mystnb"}:
        del book.metadata[key]
    book.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }


def _plain(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    if "execution_count" in output:
        output.execution_count = None
    return output


def _joined(outputs: Iterable[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Outputs, with what was printed in one go in one piece: a slow kernel sends it in several."""
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and last.output_type == output.output_type == "stream" and last.name == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _write(book: nbformat.NotebookNode, notebook: pathlib.Path) -> None:
    notebook.write_text(nbformat.writes(book) + "\n", encoding="utf-8")
