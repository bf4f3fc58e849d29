"""What a chapter's outputs depend on, as one hash: the execution cache's key.

A chapter is executed again when its code changes, or a helper that it imports (directly or
through another helper), the lock file, the profile, a results file that it quotes, or what
decides a number on this machine: versions, settings of the libraries, whether there is a GPU.
The hashes of the data are written in the helpers, so they are in the key too; which data could be
had is noted beside each execution (``data_state``). Prose is not in it: an edited sentence costs
no execution.
"""

import ast
import hashlib
import importlib.metadata
import os
import pathlib
import platform
import shutil
from collections.abc import Iterable

import nbformat
from IPython.core import inputtransformer2

from seeing.record import machine

PACKAGE = "seeing"

# Settings of the libraries that change a result, or what a chapter computes on.
VARIABLES = (
    "SEEING_SEED",
    "KERAS_BACKEND",
    "ONEDNN_MAX_CPU_ISA",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTRAOP_THREADS",
    "OMP_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
)

# The packages that decide a result: those that a page names, and three that work behind them.
PACKAGES = (*machine.PACKAGES, "scipy", "pillow", "mlxtend")

GPU = pathlib.Path("/dev/nvidia0")


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
        *((name, os.environ.get(name, "").encode()) for name in VARIABLES),
        *((package, version(package).encode()) for package in PACKAGES),
        ("gpu", str(has_gpu()).encode()),
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


def version(package: str) -> str:
    """The installed version of a package; empty where there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def has_gpu() -> bool:
    """Whether the machine seems to have a GPU; asking TensorFlow would take seconds."""
    return GPU.exists() or shutil.which("nvidia-smi") is not None


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
