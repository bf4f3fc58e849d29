"""Lay out what Jupyter Book reads: pages as they are, chapters with their fresh outputs."""

import filecmp
import pathlib
import shutil

import nbformat

from bookbuild import execute, paths, scoreboard

STATIC = "book/_static"


def stage(checkout: paths.Checkout, profile: str) -> None:
    """Bring the staged source up to date.

    A file that did not change keeps its time stamp, so that Sphinx reads only what did. Files
    that are no longer wanted are removed.
    """
    wanted: set[pathlib.Path] = set()
    for name in ("_config.yml", "_toc.yml"):
        wanted.add(_copy(checkout.root / name, checkout.source / name))
    for path in sorted((checkout.root / "book").rglob("*")):
        if path.is_file():
            wanted.add(_page(path, checkout))
    for chapter in checkout.chapters():
        folder = checkout.cache / profile / chapter.stem
        merged = merge(chapter, execute.executed_notebook(folder))
        target = checkout.source / chapter.relative_to(checkout.root)
        wanted.add(_write(nbformat.writes(merged), target))
        exports = folder / execute.EXPORTS
        for path in sorted(exports.rglob("*")) if exports.is_dir() else ():
            if path.is_file():
                target = checkout.source / STATIC / "data" / path.relative_to(exports)
                wanted.add(_copy(path, target))
    for path in sorted(checkout.source.rglob("*")):
        if path.is_file() and path not in wanted:
            path.unlink()


def merge(chapter: pathlib.Path, executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The chapter as it is now, with the outputs of its cached execution.

    Prose and metadata may have changed since; the code cells have not, or the cache would not
    have held the execution.
    """
    notebook = nbformat.read(chapter, as_version=4)
    fresh = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cached = [cell for cell in executed.cells if cell.cell_type == "code"]
    for cell, source in zip(fresh, cached, strict=True):
        cell.outputs = [_for_readers(output) for output in source.outputs]
        cell.execution_count = source.execution_count
    notebook.metadata["language_info"] = executed.metadata["language_info"]
    return notebook


def _for_readers(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An output without the part that only this build reads."""
    output.get("data", {}).pop(execute.PROVENANCE_MIME, None)
    return output


def _page(path: pathlib.Path, checkout: paths.Checkout) -> pathlib.Path:
    """Stage a file of book/ as it is; the scoreboard with the tables that it lacks."""
    name = path.relative_to(checkout.root)
    if name.as_posix() == scoreboard.PAGE:
        text = scoreboard.page(path.read_text(encoding="utf-8"), checkout)
        return _write(text, checkout.source / name)
    return _copy(path, checkout.source / name)


def _copy(source: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    if not target.is_file() or not filecmp.cmp(source, target, shallow=False):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return target


def _write(text: str, target: pathlib.Path) -> pathlib.Path:
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return target
