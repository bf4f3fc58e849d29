"""A bundle does what its modules do, and what cannot be bundled is named."""

import json
import pathlib
import shutil
import subprocess

import pytest

from bookbuild import bundle, paths

STATIC = paths.default().root / "book" / "_static"


@pytest.fixture
def write(tmp_path: pathlib.Path):
    """Writes modules, by name."""

    def write(**modules: str) -> pathlib.Path:
        for name, text in modules.items():
            (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def run(script: str) -> object:
    """What a bundle leaves in ``globalThis.said``, in a window as poor as node's."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    window = 'globalThis.document = { currentScript: { src: "file:///book/_static/x.js" } };'
    program = f"{window}\n{script}\nconsole.log(JSON.stringify(globalThis.said));"
    done = subprocess.run([node, "-e", program], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_modules_are_joined_in_the_order_in_which_they_need_each_other(write) -> None:
    folder = write(
        top='import { twice as double, NAME } from "./middle.js";\n'
        'import {\n  one,\n} from "./low.js";\n'
        "globalThis.said = [double(one()), NAME, import.meta.url];\n",
        middle='import { one } from "./low.js";\n'
        "export const NAME = `n${one()}`;\nexport function twice(x) { return 2 * x; }\n",
        low="let calls = 0;\nexport function one() { calls += 1; return calls; }\n"
        "export class Unused {}\nexport async function later() {}\n",
    )
    script = bundle.bundle(folder / "top.js")
    assert script.count("let calls") == 1, "a module runs once"
    assert run(script) == [4, "n1", "file:///book/_static/x.js"]


def test_names_of_one_module_do_not_reach_another(write) -> None:
    folder = write(
        a='import { f } from "./b.js";\nconst hidden = 1;\nglobalThis.said = f() + hidden;\n',
        b="const hidden = 10;\nexport function f() { return hidden; }\n",
    )
    assert run(bundle.bundle(folder / "a.js")) == 11


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('import x from "./b.js";', "line 2: cannot bundle 'import x"),
        ('import * as b from "./b.js";', "cannot bundle 'import \\* as"),
        ("export default 3;", "cannot bundle 'export default"),
        ("export const a = 1, b = 2;\nexport { a };", "cannot bundle 'export"),
        ('const b = await import("./b.js");', "cannot bundle 'import\\("),
        ('import { x } from "./c.js";', "a.js needs c.js: no such file"),
        ('import { x } from "https://example.org/c.js";', "cannot bundle"),
    ],
)
def test_what_cannot_be_bundled_is_named(write, text: str, named: str) -> None:
    folder = write(a=f"/* A module. */\n{text}\n", b="export const x = 1;\n")
    with pytest.raises(ValueError, match=named):
        bundle.bundle(folder / "a.js")


def test_modules_in_a_circle_are_named(write) -> None:
    folder = write(
        a='import { b } from "./b.js";\nexport const a = 1;\n',
        b='import { a } from "./a.js";\nexport const b = 1;\n',
    )
    with pytest.raises(ValueError, match=r"circle: a\.js -> b\.js -> a\.js"):
        bundle.bundle(folder / "a.js")


@pytest.mark.parametrize("script", bundle.scripts(STATIC), ids=lambda path: path.stem)
def test_the_book_s_own_scripts_can_be_bundled(script: pathlib.Path, tmp_path) -> None:
    made = tmp_path / "made.js"
    made.write_text(bundle.bundle(script), encoding="utf-8")
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    subprocess.run([node, "--check", str(made)], check=True)
    assert f'"{script.stem}"' in made.read_text(encoding="utf-8")
