"""Arrows go one way: notebooks -> seeing -> libraries. And every room says what it is for."""

import ast
import importlib
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
MODULES = sorted((SRC / "seeing").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def name_of(path: pathlib.Path) -> str:
    """A module's dotted name."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree_of(path: pathlib.Path) -> ast.Module:
    """The code of a module, or of a notebook without what is for the shell or for Jupyter."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return ast.parse(text)
    cells = ["".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    return ast.parse(re.sub(r"(?m)^(\s*)[%!][^=].*$", r"\1pass", "\n".join(cells)))


def imports_of(path: pathlib.Path) -> set[str]:
    """Every module that a file imports, anywhere in it; ``from a import b`` counts as a and a.b."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: the execution cache does not see relative imports"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


each_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


def test_there_are_modules_to_look_at():
    assert {"seeing.profiles", "seeing.datasets.sources"} <= set(map(name_of, MODULES))


# Arrows.


@each_module
def test_no_helper_imports_a_notebook_a_test_or_the_build(path):
    first = {name.split(".")[0] for name in imports_of(path)}
    assert not first & {"bookbuild", "notebooks", "tests", "conftest", "pytest", "nbformat"}


DATA_ROOMS = ("datasets", "photos")  # they hand over pixels and labels, and draw nothing


def room(name: str) -> list[pathlib.Path]:
    """The modules of a room."""
    return [path for path in MODULES if path.parent == SRC / "seeing" / name]


@pytest.mark.parametrize("path", [path for name in DATA_ROOMS for path in room(name)], ids=name_of)
def test_no_data_set_imports_the_figures(path):
    drawing = re.compile(r"(seeing\.figures|matplotlib)\b")
    assert [name for name in imports_of(path) if drawing.match(name)] == []


@pytest.mark.parametrize("name", DATA_ROOMS)
def test_no_data_set_loads_the_figures_by_way_of_another_helper(name):
    names = [name_of(path) for path in room(name)]
    assert len(names) > 2
    loaded = loaded_by(names)
    assert not {one for one in loaded if one.startswith("seeing.figures")}
    assert "matplotlib.pyplot" not in loaded


def test_bands_know_no_results_file():
    """They are arithmetic: what is read from disk is given to them."""
    path = SRC / "seeing" / "record" / "bands.py"
    ours = {name for name in imports_of(path) if name.startswith("seeing")}
    assert ours == {"seeing.record", "seeing.record.metric"}
    assert not {"json", "os", "pathlib"} & imports_of(path)
    assert "seeing.record.reference" not in loaded_by(["seeing.record.bands"])


@pytest.mark.parametrize(
    "path", [path for path in room("lessons") if path.name != "__init__.py"], ids=name_of
)
def test_a_lesson_belongs_to_one_chapter(path):
    """What two chapters need, or another helper, is no lesson: it has a room of its own."""
    lesson = name_of(path)
    chapters = [other.name for other in NOTEBOOKS if lesson in imports_of(other)]
    assert len(chapters) <= 1
    helpers = [
        name_of(other)
        for other in MODULES
        if lesson in imports_of(other) and other.parent != path.parent
    ]
    assert helpers == []


# What chapters and helpers ask of each other.


def borrowed(tree: ast.Module) -> dict[str, str]:
    """The modules of this package that code imports, by the names it gives them."""
    known = set(map(name_of, MODULES))
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if f"{node.module}.{alias.name}" in known
    }


def asked_for(tree: ast.Module) -> set[tuple[str, str]]:
    """``(module, attribute)`` of everything that code asks of the package's modules."""
    names = borrowed(tree)
    asked = {
        (names[node.value.id], node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in names
    }
    asked |= {
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "seeing"
        for alias in node.names
    }
    return asked


def rebound(tree: ast.Module) -> list[str]:
    """Where a function gives a name of an imported module of the package another meaning."""
    names = borrowed(tree)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    nodes = {node for function in functions for node in ast.walk(function)}
    found = {(node.lineno, node.arg) for node in nodes if isinstance(node, ast.arg)}
    found |= {
        (node.lineno, node.id)
        for node in nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return [f"line {line}: {name}" for line, name in sorted(found) if name in names]


def lacking(asked: set[tuple[str, str]]) -> list[str]:
    """What the package's modules do not have of what is asked of them."""
    known = set(map(name_of, MODULES))
    return [
        f"{module}.{attribute}"
        for module, attribute in sorted(asked)
        if f"{module}.{attribute}" not in known
        and not hasattr(importlib.import_module(module), attribute)
    ]


each_reader = pytest.mark.parametrize(
    "path",
    [*NOTEBOOKS, *MODULES, *sorted((ROOT / "benchmarks").glob("*.py"))],
    ids=lambda p: p.stem,
)


def test_there_are_chapters_to_look_at():
    assert len(NOTEBOOKS) >= 5
    assert all(len(asked_for(tree_of(path))) > 3 for path in NOTEBOOKS)


@each_reader
def test_everything_that_is_asked_of_a_helper_is_there(path):
    assert lacking(asked_for(tree_of(path))) == []


def test_a_helper_that_is_not_there_is_found():
    tree = ast.parse(
        "from seeing import profiles\nfrom seeing.record import metric as m, plots\n"
        "profiles.name()\nprofiles.quick()\nm.metric(1)\nm.table(profiles.seeds)"
    )
    expected = {"seeing.profiles.quick", "seeing.record.plots", "seeing.record.metric.table"}
    assert set(lacking(asked_for(tree))) == expected


@pytest.mark.parametrize("path", [*NOTEBOOKS, *MODULES], ids=lambda path: path.stem)
def test_a_modules_name_keeps_its_meaning(path):
    """A value named like a module hides it: ``heads = heads.solve(...)`` fails in a function."""
    assert rebound(tree_of(path)) == []


def test_a_name_with_another_meaning_is_found():
    tree = ast.parse(
        "from seeing import profiles\ndef f(profiles):\n  return 1\ndef g():\n  profiles = 1"
    )
    assert sorted(rebound(tree)) == ["line 2: profiles", "line 5: profiles"]


@each_module
def test_no_helper_runs_code_of_others_when_it_is_read(path):
    """Nothing is unpickled, evaluated or fetched by hand: the fetch chain verifies all data."""
    functions = [
        node.func
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    called = {getattr(function, "attr", getattr(function, "id", "")) for function in functions}
    assert not called & {"eval", "exec", "urlopen", "urlretrieve"}
    of_pickle = {
        function.attr
        for function in functions
        if getattr(getattr(function, "value", None), "id", "") == "pickle"
    }
    assert of_pickle <= {"dumps"}  # to see how long a model is; never to read one
    assert not any(name.startswith("pickle.") for name in imports_of(path))


def prints_that_look_like_faults(tree: ast.Module) -> list[int]:
    """Lines of ``print`` where an OSError is caught: a closed pipe is one, and no fault of data."""
    caught = re.compile(r"\b(OSError|IOError|Exception|BaseException)\b")
    return [
        node.lineno
        for block in ast.walk(tree)
        if isinstance(block, ast.Try)
        and any(one.type is None or caught.search(ast.unparse(one.type)) for one in block.handlers)
        for statement in block.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]


@pytest.mark.parametrize(
    "path", [*MODULES, *sorted((ROOT / "tools").rglob("*.py"))], ids=lambda path: path.stem
)
def test_no_closed_pipe_is_taken_for_another_fault(path):
    assert prints_that_look_like_faults(tree_of(path)) == []


def test_a_print_where_an_oserror_is_caught_is_found():
    tree = ast.parse("try:\n  if a:\n    print(1)\nexcept (ValueError, OSError):\n  print(2)")
    assert prints_that_look_like_faults(tree) == [3]


# What importing does.

IMPORT = """
import importlib, json, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        raise RuntimeError(f"{event} while importing: {arguments}")
    if event in ("subprocess.Popen", "os.system") and "npm" in repr(arguments):
        raise RuntimeError(f"{event} while importing: {arguments}")

sys.addaudithook(refuse)
for name in sys.argv[1:]:
    importlib.import_module(name)
print("\\n" + json.dumps(sorted(sys.modules)))
"""


def loaded_by(names: list[str]) -> set[str]:
    """Every module that a fresh Python holds after it has imported some; the network is barred."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, *names],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_every_helper_touches_no_network():
    names = [name_of(path) for path in MODULES]
    assert set(names) <= loaded_by(names)


def test_the_guard_against_the_network_does_guard():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            IMPORT + "import socket; socket.create_connection(('127.0.0.1', 9))",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "socket.getaddrinfo while importing" in done.stderr


@pytest.mark.parametrize(
    "names",
    [
        ["seeing.profiles"],
        ["seeing.record.chapter", "seeing.checks"],
        ["seeing.datasets.sources"],
        [name_of(path) for path in MODULES if path.parent.name == "datasets"],
    ],
    ids=["profiles", "record", "sources", "every data set"],
)
def test_what_every_chapter_imports_first_loads_no_framework(names):
    assert not {"tensorflow", "keras", "jax", "torch", "mlxtend"} & loaded_by(names)


# What each says of itself.


def documented(path: pathlib.Path) -> list[tuple[str, str | None]]:
    """A module's public functions and classes, with their public methods, and their docstrings."""
    found = []

    def look(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if child.name.startswith("_"):
                    continue
                found.append((prefix + child.name, ast.get_docstring(child)))
                if isinstance(child, ast.ClassDef):
                    look(child, f"{prefix}{child.name}.")

    look(ast.parse(path.read_text(encoding="utf-8")), "")
    return found


@each_module
def test_every_public_name_has_a_docstring(path):
    missing = [name for name, text in documented(path) if not text or len(text) < 10]
    assert missing == []


def test_the_search_for_docstrings_finds_functions_classes_and_methods(tmp_path):
    text = "def a(): ...\nclass B:\n  def c(self): ...\n  def _d(self): ...\ndef _e(): ...\n"
    (tmp_path / "module.py").write_text(text, encoding="utf-8")
    assert documented(tmp_path / "module.py") == [("a", None), ("B", None), ("B.c", None)]


@each_module
def test_every_module_says_in_its_first_line_what_it_is_for(path):
    first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
    assert len(first) > 15
    assert first.endswith(".")


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name != "__init__.py"], ids=name_of
)
def test_every_module_names_the_chapter_or_page_that_explains_it(path):
    text = " ".join(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).split())
    assert re.search(r"Explained\b.*\b(in chapter \d+|on the page \*)", text)


@each_module
def test_every_public_function_that_takes_arguments_has_types(path):
    untyped = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if node.returns is None or any(one.annotation is None for one in arguments):
                untyped.append(node.name)
    assert untyped == []


def test_every_module_can_be_imported_under_its_own_name():
    for name in ("seeing.profiles", "seeing.datasets.sources", "seeing.checks"):
        assert importlib.import_module(name).__name__ == name
