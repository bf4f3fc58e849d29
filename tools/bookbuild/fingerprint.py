"""What a chapter's outputs depend on, as one hash: the execution cache's key.

A chapter is executed again when its code changes, or a helper that it imports (directly or
through another helper), the lock file, the profile, a results file that it quotes, or the mirror
folder while it runs on stand-in data. The hashes of the data are written in the helpers, so they
are in the key too. Prose is not: an edited sentence costs no execution.
"""

import ast
import hashlib
import os
import pathlib
import platform
from collections.abc import Iterable

import nbformat
from IPython.core import inputtransformer2

from seeing.datasets import sources

PACKAGE = "seeing"


def chapter_key(notebook: pathlib.Path, root: pathlib.Path, profile: str) -> str:
    """Hexadecimal SHA-256 over everything that a chapter's outputs depend on.

    Args:
        notebook: the chapter.
        root: the checkout.
        profile: ``"quick"`` or ``"full"``.
    """
    code = code_cells(notebook)
    parts: list[tuple[str, bytes]] = [
        ("profile", profile.encode()),
        ("python", platform.python_version().encode()),
        ("seed", os.environ.get("SEEING_SEED", "").encode()),
        ("lock", (root / "requirements.lock").read_bytes()),
        *((f"cell {index}", source.encode()) for index, source in enumerate(code)),
    ]
    helpers = helper_files(code, root / "src")
    for path in sorted(helpers | data_files(helpers)):
        parts.append((path.relative_to(root).as_posix(), path.read_bytes()))
    for path in quoted_results(code, root / "results"):
        parts.append((path.relative_to(root).as_posix(), path.read_bytes()))
    digest = hashlib.sha256()
    for name, content in parts:
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def code_cells(notebook: pathlib.Path) -> list[str]:
    """The sources of a notebook's code cells, in order."""
    cells = nbformat.read(notebook, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def helper_files(code: Iterable[str], src: pathlib.Path) -> set[pathlib.Path]:
    """The helpers' files that some code imports, directly or through other helpers.

    Args:
        code: Python sources; lines of IPython's own (``%``, ``!``) are passed over.
        src: the folder that holds the package.

    Returns:
        Paths of modules below ``src``, the packages' ``__init__`` files included.
    """
    found: set[pathlib.Path] = set()
    waiting = [name for source in code for name in _imports(as_python(source))]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name.split(".")[0] != PACKAGE:
            continue
        seen.add(name)
        if "." in name:
            waiting.append(name.rpartition(".")[0])
        path = _module_file(name, src)
        if path is not None and path not in found:
            found.add(path)
            waiting.extend(_imports(path.read_text(encoding="utf-8")))
    return found


def data_files(helpers: Iterable[pathlib.Path]) -> set[pathlib.Path]:
    """The files that lie beside some helpers and are no Python: they may read them."""
    return {
        path
        for folder in {helper.parent for helper in helpers}
        for path in folder.iterdir()
        if path.is_file() and path.suffix != ".py" and not path.name.startswith(".")
    }


def as_python(source: str) -> str:
    """A cell's source as plain Python; empty where it is none, which its execution will tell."""
    for translate in (str, without_magics, inputtransformer2.TransformerManager().transform_cell):
        try:
            translated = translate(source)
            ast.parse(translated)
        except SyntaxError:
            continue
        return translated
    return ""


def without_magics(source: str) -> str:
    """A cell's source with IPython's magics and shell lines replaced by ``pass``."""
    lines = []
    for line in source.splitlines():
        text = line.lstrip()
        magic = text.startswith(("%", "!"))
        lines.append(line[: len(line) - len(text)] + "pass" if magic else line)
    return "\n".join(lines)


def _imports(source: str) -> list[str]:
    """Every module that a source may import: ``from a import b`` counts as a and as a.b."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.append(node.module)
            names.extend(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _module_file(name: str, src: pathlib.Path) -> pathlib.Path | None:
    base = src.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def quoted_results(code: Iterable[str], results: pathlib.Path) -> list[pathlib.Path]:
    """The results files whose slug the code names in quotes."""
    text = "\n".join(code)
    return [
        path
        for path in sorted(results.glob("*.json"))
        if f'"{path.stem}"' in text or f"'{path.stem}'" in text
    ]


def mirror_state() -> str:
    """A hash of the names and sizes in the mirror folder; it changes when data may be had."""
    folder = sources.mirror_folder()
    if folder is None or not folder.is_dir():
        return "no mirror"
    listing = sorted(
        (path.name, path.stat().st_size) for path in folder.iterdir() if path.is_file()
    )
    return hashlib.sha256(repr(listing).encode()).hexdigest()
