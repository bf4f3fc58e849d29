"""Join a script and the modules that it imports into one plain script.

Browsers load no module from the disk, and the book is read from there, too. The scripts in
``book/_static`` stay plain modules, for whoever edits or tests them; pages load what this makes.
It knows the few forms that they use, and refuses others.
"""

import pathlib
import re

ENDING = ".bundle.js"

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(
    r"^export (?=(?:(?:async )?function|class|const) (\w+)\b)(?!const \w+ *,)", re.MULTILINE
)
_MODULE_SYNTAX = re.compile(r"^\s*(?:import|export)\b.*|\bimport\s*\(", re.MULTILINE)
_PLACE = "import.meta.url"


def bundle(script: pathlib.Path) -> str:
    """A script that does what the module does, without being one.

    Each module becomes a function that is called once and returns what it exports, in the order in
    which modules need each other.

    Args:
        script: a module whose imports lie beside it.

    Raises:
        ValueError: when a module is missing, when modules need each other in a circle, or when one
            uses a form of import or export that is not known here; it names file and line.
    """
    order: list[pathlib.Path] = []
    _visit(script, order, ())
    parts = ["(() => {", '"use strict";', "const place = document.currentScript.src;"]
    for path in order:
        body, exported = _function_body(path)
        parts.append(f"/* {path.name} */\nconst {_variable(path)} = (() => {{\n{body}")
        parts.append(f"return {{ {', '.join(exported)} }};\n}})();")
    return "\n".join([*parts, "})();", ""])


def _visit(path: pathlib.Path, order: list[pathlib.Path], above: tuple[pathlib.Path, ...]) -> None:
    """Put a module behind those that it needs."""
    if path in above:
        names = " -> ".join(one.name for one in (*above[above.index(path) :], path))
        raise ValueError(f"modules need each other in a circle: {names}")
    if path in order:
        return
    if not path.is_file():
        raise ValueError(f"{above[-1].name if above else 'a page'} needs {path.name}: no such file")
    for _, name in _IMPORT.findall(path.read_text(encoding="utf-8")):
        _visit(path.with_name(name), order, (*above, path))
    order.append(path)


def _function_body(path: pathlib.Path) -> tuple[str, list[str]]:
    """A module's text as the body of a function, and the names that it exports."""
    text = path.read_text(encoding="utf-8")
    exported = _EXPORT.findall(text)
    text = _IMPORT.sub(
        lambda found: (
            f"const {{{found[1].replace(' as ', ': ')}}} = {_variable(path.with_name(found[2]))};"
        ),
        text,
    )
    text = _EXPORT.sub("", text).replace(_PLACE, "place")
    unknown = _MODULE_SYNTAX.search(text)
    if unknown:
        line = text.count("\n", 0, unknown.end()) + 1
        raise ValueError(f"{path.name}, line {line}: cannot bundle {unknown[0].strip()!r}")
    return text.rstrip(), exported


def _variable(path: pathlib.Path) -> str:
    """What a module's exports are called: ``learning-rate-demo.js`` is ``learning_rate_demo``."""
    return "module_" + re.sub(r"\W", "_", path.stem)


def scripts(folder: pathlib.Path) -> list[pathlib.Path]:
    """The scripts in a folder that define an element of their name: pages load these."""
    return [
        path
        for path in sorted(folder.glob("*-*.js"))
        if "customElements.define(" in path.read_text(encoding="utf-8")
    ]
