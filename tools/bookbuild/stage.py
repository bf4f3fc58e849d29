"""Lay out what Jupyter Book reads: pages as they are, chapters with their fresh outputs."""

import filecmp
import functools
import json
import pathlib
import shutil
from collections.abc import Sequence

import nbformat
import yaml

from bookbuild import (
    answers,
    bundle,
    chapters,
    checked,
    entries,
    execute,
    figures,
    folds,
    front,
    notebooks,
    notes,
    overview,
    paths,
    scoreboard,
    web,
)

STATIC = "book/_static"


def stage(checkout: paths.Checkout, profile: str, runs: Sequence[entries.Run] = ()) -> list[str]:
    """Bring the staged source up to date.

    A file that did not change keeps its time stamp, so that Sphinx reads only what did. Files
    that are no longer wanted are removed.

    Args:
        checkout: the book.
        profile: the profile that the chapters were executed in.
        runs: the execution of each chapter, in the order of ``checkout.chapters()``.

    Returns:
        A sentence for each file that two chapters export; the first chapter's is staged.
    """
    wanted: set[pathlib.Path] = set()
    exporters: dict[pathlib.Path, str] = {}
    clashes = []
    wanted.add(_copy(checkout.root / "_config.yml", checkout.source / "_config.yml"))
    wanted.add(_write(numbered_contents(checkout), checkout.source / "_toc.yml"))
    pictures: dict[str, front.Picture] = {}
    for chapter, run in zip(checkout.chapters(), runs, strict=True):
        entry = entries.folder_of(run, checkout, profile)
        page = merge(chapter, entries.executed_notebook(entry))
        target = checkout.source / chapter.relative_to(checkout.root)
        shown = front.picture(page)
        if shown:
            pictures[chapter.stem], head = front.for_card(shown), front.for_head(shown)
            for one in (pictures[chapter.stem], head):
                name = f"{chapter.stem}{one.ending}"
                wanted.add(_write(one.content, checkout.source / front.PICTURES / name))
            front.open_with(page, head, f"../{front.PICTURES}/{name}")
        for sentence in reversed(notes.sentences(run)):
            notes.put_at_head(page, sentence)
        wanted.add(_write(nbformat.writes(page), target))
        for path in _exports(entry):
            name = path.relative_to(entry / entries.EXPORTS)
            first = exporters.setdefault(name, chapter.name)
            if first != chapter.name:
                clashes.append(
                    f"{first} and {chapter.name} both export {name.as_posix()!r}, and a demo can "
                    "read only one: give each its own name"
                )
                continue
            target = checkout.source / STATIC / "data" / name
            wanted.add(_copy(path, target))
            if name.suffix == ".json":
                wanted.add(_write(as_script(path, name), target.with_name(f"{name.name}.js")))
    for path in sorted((checkout.root / "book").rglob("*")):
        if path.is_file():
            wanted.add(_page(path, checkout, runs, pictures))
    for script in bundle.scripts(checkout.root / STATIC):
        bundled = checkout.source / STATIC / f"{script.stem}{bundle.ENDING}"
        wanted.add(_write(bundle.bundle(script), bundled))
    preview = checkout.source / STATIC / web.PREVIEW
    wanted.add(_write(web.preview(checkout.settings()["title"], web.SUBTITLE), preview))
    for path in sorted(checkout.source.rglob("*")):
        if path.is_file() and path not in wanted:
            path.unlink()
    return clashes


def numbered_contents(checkout: paths.Checkout) -> str:
    """``_toc.yml`` with numbered titles for the chapters: what the navigation shows."""
    titles = {
        path.relative_to(checkout.root).with_suffix("").as_posix(): chapters.title(path)
        for path in checkout.chapters()
    }

    def put_titles(node: object) -> None:
        for item in node.values() if isinstance(node, dict) else node:
            if isinstance(item, (dict, list)):
                put_titles(item)
        if isinstance(node, dict) and node.get("file") in titles:
            page = node["file"]
            node.setdefault("title", chapters.numbered(titles[page], page))

    contents = checkout.contents()
    put_titles(contents)
    return yaml.safe_dump(contents, sort_keys=False, allow_unicode=True)


def as_script(path: pathlib.Path, name: pathlib.Path) -> str:
    """What a demo reads, as a script: from the disk, a page may load nothing else.

    Args:
        path: a JSON file.
        name: what demos call it, below the folder of data.
    """
    content = path.read_text(encoding="utf-8").strip()  # what is JSON is also JavaScript
    return f"(globalThis.seeingData ??= {{}})[{json.dumps(name.as_posix())}] = {content};\n"


def _exports(entry: pathlib.Path) -> list[pathlib.Path]:
    """The files that an execution exported."""
    folder = entry / entries.EXPORTS
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


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
        figures.fit(cell)
        folds.put_names(cell)
        # What nbval reads is of no use to a reader.
        cell.source = cell.source.removeprefix(notebooks.CHECKED).lstrip("\n")
    answers.add_fields(notebook)
    # Where the kernel never started, nobody said what language the cells are in.
    notebook.metadata["language_info"] = executed.metadata.get("language_info", {"name": "python"})
    return notebook


def _for_readers(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An output without the parts that only this build reads."""
    for mime in (execute.PROVENANCE_MIME, execute.VERDICT_MIME):
        output.get("data", {}).pop(mime, None)
    return output


def _page(
    path: pathlib.Path,
    checkout: paths.Checkout,
    runs: Sequence[entries.Run],
    pictures: dict[str, front.Picture],
) -> pathlib.Path:
    """Stage a file of book/ as it is; pages that lack tables or cards with these."""
    makers = {maker.PAGE: maker.page for maker in (overview, scoreboard)}
    makers[checked.PAGE] = functools.partial(checked.page, runs=runs)
    makers[front.PAGE] = functools.partial(front.page, pictures=pictures)
    name = path.relative_to(checkout.root)
    make = makers.get(name.as_posix())
    if make is None:
        return _copy(path, checkout.source / name)
    return _write(make(path.read_text(encoding="utf-8"), checkout), checkout.source / name)


def _copy(source: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    if not target.is_file() or not filecmp.cmp(source, target, shallow=False):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return target


def _write(content: str | bytes, target: pathlib.Path) -> pathlib.Path:
    content = content.encode("utf-8") if isinstance(content, str) else content
    if not target.is_file() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return target
