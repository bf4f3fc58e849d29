"""The execution cache's key: it changes with what decides a chapter's outputs, and only then."""

import pathlib
import platform
from collections.abc import Callable

import pytest
from fakes import Book, code, prose

from bookbuild import data_state, fingerprint

SOURCES = {
    "src/seeing/alpha.py": '"""Alpha."""\nfrom seeing import shared\n',
    "src/seeing/beta.py": '"""Beta."""\n',
    "src/seeing/shared.py": '"""Shared."""\n',
    "src/seeing/datasets/__init__.py": "",
    "src/seeing/datasets/letters.py": '"""Letters."""\nimport seeing.datasets.fetch as fetch\n',
    "src/seeing/datasets/fetch.py": '"""Fetch."""\n',
}

CELLS = [
    prose("# Letters\nOne sentence."),
    code("from seeing import alpha\n\nalpha.x = 1"),
    prose("Another sentence."),
    code('from seeing import results\n\nresults.load("letters")'),
]


@pytest.fixture
def small(book: Book, monkeypatch: pytest.MonkeyPatch) -> Book:
    """A book of one chapter that uses a helper that uses a helper."""
    for name, text in SOURCES.items():
        book.write(name, text)
    book.write("results/letters.json", "{}")
    book.write("results/numbers.json", "{}")
    book.chapter("01_letters", *CELLS)
    return book


def key(book: Book, profile: str = "quick") -> str:
    """The chapter's key."""
    return fingerprint.chapter_key(book.root / "notebooks" / "01_letters.ipynb", book.root, profile)


def edited(book: Book, name: str) -> None:
    """Add a line to one of the book's files."""
    path = book.root / name
    path.write_text(path.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")


def test_the_key_is_a_hash_and_stays_the_same(small):
    first = key(small)
    assert len(first) == 64
    assert int(first, 16)
    assert key(small) == first


@pytest.mark.parametrize(
    "name",
    [
        "src/seeing/alpha.py",
        "src/seeing/shared.py",
        "src/seeing/__init__.py",
        "requirements.lock",
        "results/letters.json",
    ],
)
def test_the_key_changes_with_what_the_chapter_depends_on(small, name):
    before = key(small)
    edited(small, name)
    assert key(small) != before


@pytest.mark.parametrize(
    "name",
    [
        "src/seeing/beta.py",
        "src/seeing/datasets/letters.py",
        "results/numbers.json",
        "book/preface.md",
        "_config.yml",
        "_toc.yml",
    ],
)
def test_the_key_does_not_change_with_anything_else(small, name):
    before = key(small)
    edited(small, name)
    assert key(small) == before


def test_an_edited_sentence_costs_no_execution(small):
    before = key(small)
    cells = [prose("# Letters\nA better sentence."), prose("One more."), CELLS[1], CELLS[3]]
    small.chapter("01_letters", *cells)
    assert key(small) == before


@pytest.mark.parametrize(
    "cells",
    [
        [*CELLS, code("1 + 1")],
        CELLS[:2],
        [CELLS[3], CELLS[1]],
        [CELLS[0], code("from seeing import alpha\n\nalpha.x = 2"), CELLS[3]],
        [CELLS[0], code(CELLS[1].source + "\n" + CELLS[3].source)],
    ],
    ids=["one more", "one less", "another order", "another number", "two cells made one"],
)
def test_any_change_of_the_code_changes_the_key(small, cells):
    before = key(small)
    small.chapter("01_letters", *cells)
    assert key(small) != before


def test_code_that_moves_from_one_cell_to_the_next_changes_the_key(small):
    small.chapter("01_letters", code("x = 1"), code("2"))
    before = key(small)
    small.chapter("01_letters", code("x = "), code("12"))
    assert key(small) != before


def test_the_key_changes_with_profile_seed_and_python(small, monkeypatch):
    keys = [key(small), key(small, "full")]
    monkeypatch.setenv("SEEING_SEED", "100")
    keys.append(key(small))
    monkeypatch.delenv("SEEING_SEED")
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.0")
    keys.append(key(small))
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    "name",
    [
        "KERAS_BACKEND",
        "ONEDNN_MAX_CPU_ISA",
        "TF_ENABLE_ONEDNN_OPTS",
        "TF_NUM_INTRAOP_THREADS",
        "OMP_NUM_THREADS",
        "CUDA_VISIBLE_DEVICES",
    ],
)
def test_the_key_changes_with_a_setting_that_decides_a_number(small, monkeypatch, name):
    monkeypatch.delenv(name, raising=False)
    before = key(small)
    monkeypatch.setenv(name, "1")
    assert key(small) != before


@pytest.mark.parametrize("name", ["SEEING_OFFLINE", "SEEING_CACHE", "SEEING_MIRROR", "HOME"])
def test_the_key_does_not_change_with_where_data_come_from(small, monkeypatch, tmp_path, name):
    before = key(small)
    monkeypatch.setenv(name, str(tmp_path))
    assert key(small) == before


@pytest.mark.parametrize("package", ["keras", "tensorflow", "numpy", "scipy", "pillow", "mlxtend"])
def test_the_key_changes_with_the_version_of_a_package(small, monkeypatch, package):
    before = key(small)
    real = fingerprint.version
    monkeypatch.setattr(
        fingerprint, "version", lambda name: "99.0" if name == package else real(name)
    )
    assert key(small) != before


def test_a_package_that_is_not_there_has_no_version():
    assert fingerprint.version("numpy").count(".") == 2
    assert fingerprint.version("no-package-of-this-name") == ""


def test_the_key_changes_with_a_gpu(small, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(fingerprint, "GPU", tmp_path / "nvidia0")
    keys = [key(small)]
    (tmp_path / "nvidia0").touch()
    keys.append(key(small))
    assert keys[0] != keys[1]
    (tmp_path / "nvidia0").rename(tmp_path / "nvidia-smi")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert key(small) == keys[1]


def test_a_helper_that_appears_later_changes_the_key(small):
    small.chapter("01_letters", code("from seeing import gamma"))
    before = key(small)
    small.write("src/seeing/gamma.py", '"""Gamma."""\n')
    assert key(small) != before


def test_moving_the_checkout_does_not_change_the_key(small, tmp_path):
    before = key(small)
    moved = small.root.rename(tmp_path / "elsewhere")
    notebook = moved / "notebooks" / "01_letters.ipynb"
    assert fingerprint.chapter_key(notebook, moved, "quick") == before


def test_a_data_file_beside_a_helper_changes_the_key(small):
    before = key(small)
    small.write("src/seeing/datasets/names.txt", "ant\n")
    assert key(small) == before, "nothing beside it is imported"
    small.write("src/seeing/names.txt", "ant\n")
    after = key(small)
    assert after != before
    small.write("src/seeing/names.txt", "bee\n")
    assert key(small) != after


# Which helpers.


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("import numpy as np", []),
        ("import seeing", ["__init__.py"]),
        ("from seeing import beta", ["__init__.py", "beta.py"]),
        ("import seeing.beta", ["__init__.py", "beta.py"]),
        ("import numpy, seeing.beta as b", ["__init__.py", "beta.py"]),
        ("from seeing.beta import thing", ["__init__.py", "beta.py"]),
        ("from seeing import alpha", ["__init__.py", "alpha.py", "shared.py"]),
        ("from seeing import nothing_of_the_kind", ["__init__.py"]),
        ("import seeing_elsewhere", []),
        ("from . import alpha", []),
        ("if True:\n    from seeing import beta", ["__init__.py", "beta.py"]),
        ("def f():\n    from seeing import beta", ["__init__.py", "beta.py"]),
        ("# from seeing import beta", []),
        ('"from seeing import beta"', []),
        (
            "from seeing.datasets import letters",
            ["__init__.py", "datasets/__init__.py", "datasets/fetch.py", "datasets/letters.py"],
        ),
    ],
)
def test_the_helpers_that_a_cell_imports(small, cell, expected):
    src = small.root / "src"
    found = fingerprint.helper_files([cell], src)
    assert sorted(path.relative_to(src / "seeing").as_posix() for path in found) == expected


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nfrom seeing import beta",
        "%%time\nfrom seeing import beta",
        "!ls *.png\nfrom seeing import beta",
        "if True:\n    %time x = 1\nfrom seeing import beta",
        "names = !ls\nfrom seeing import beta",
        "beta = %timeit -o 1\nfrom seeing import beta",
        "print?\nfrom seeing import beta",
        "text = ('%s'\n    % 1)\nfrom seeing import beta",
        "rest = (7\n    % 2)\nfrom seeing import beta",
        "result = await something()\nfrom seeing import beta",
    ],
)
def test_the_helpers_are_found_beside_ipythons_own_lines(small, cell):
    found = {path.name for path in fingerprint.helper_files([cell], small.root / "src")}
    assert found == {"__init__.py", "beta.py"}


@pytest.mark.parametrize("cell", ["%%bash\nfor f in *; do echo $f; done", "def broken(:"])
def test_a_cell_that_is_no_python_does_not_stop_the_build(small, cell):
    small.chapter("01_letters", *CELLS, code(cell))
    before = key(small)
    edited(small, "src/seeing/shared.py")
    assert key(small) != before


def test_helpers_that_import_each_other_do_no_harm(small):
    small.write("src/seeing/shared.py", "from seeing import alpha\n")
    found = fingerprint.helper_files(["import seeing.shared"], small.root / "src")
    assert {path.name for path in found} == {"__init__.py", "alpha.py", "shared.py"}


def test_the_code_cells_alone_in_order(small):
    notebook = small.root / "notebooks" / "01_letters.ipynb"
    assert fingerprint.code_cells(notebook) == [CELLS[1].source, CELLS[3].source]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('results.conclude("letters", {})', ["letters"]),
        ("results.load('letters')", ["letters"]),
        ('a, b = "numbers", "letters"', ["letters", "numbers"]),
        ('"my letters"', []),
        ("letters = 1", []),
    ],
)
def test_the_results_files_that_a_chapter_quotes(small, text, quoted):
    found = fingerprint.quoted_results([text], small.root / "results")
    assert [path.stem for path in found] == quoted


# The mirror folder.


@pytest.fixture
def mirror(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A mirror folder with one file."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "letters.npz").write_bytes(b"abc")
    monkeypatch.setenv("SEEING_MIRROR", str(folder))
    return folder


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "more.npz").touch(),
        lambda folder: (folder / "letters.npz").write_bytes(b"abcd"),
        lambda folder: (folder / "letters.npz").rename(folder / "letter.npz"),
        lambda folder: (folder / "letters.npz").unlink(),
    ],
    ids=["a new file", "another size", "another name", "a file less"],
)
def test_the_mirrors_state_changes_with_its_files(
    mirror: pathlib.Path, change: Callable[[pathlib.Path], object]
):
    before = data_state.mirror_state()
    assert data_state.mirror_state() == before
    change(mirror)
    assert data_state.mirror_state() != before


def test_no_mirror_is_a_state_of_its_own(mirror, monkeypatch):
    with_mirror = data_state.mirror_state()
    monkeypatch.setenv("SEEING_MIRROR", str(mirror / "nowhere"))
    nowhere = data_state.mirror_state()
    monkeypatch.delenv("SEEING_MIRROR")
    assert data_state.mirror_state() == nowhere != with_mirror


def test_a_mirror_in_the_home_folder_is_found_like_the_data_in_it(mirror, monkeypatch):
    state = data_state.mirror_state()
    monkeypatch.setenv("HOME", str(mirror.parent))
    monkeypatch.setenv("SEEING_MIRROR", "~/mirror")
    assert data_state.mirror_state() == state
