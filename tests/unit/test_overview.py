"""overview: the chapters' table comes from the results files and from the chapters' own text."""

import json
import pathlib

import nbformat
import pytest

from bookbuild import __main__ as command_line
from bookbuild import overview, paths

TEMPLATE = f"before\n\n{overview.MARKER}\n\nafter"


@pytest.fixture
def book(tmp_path: pathlib.Path) -> paths.Checkout:
    """Three chapters; the second has no results yet, the third refers to the first."""
    for folder in ("notebooks", "results"):
        (tmp_path / folder).mkdir()
    texts = {
        "01_a": "# A\n\nSee {doc}`../book/how_to_run` and {doc}`10_c`.",
        "06b_b": "# B",
        "10_c": "# C\n\n{doc}`01_a` explains it, and {doc}`there <06b_b>`; {doc}`01_a` again.",
    }
    lines = ["format: jb-book", "root: notebooks/01_a", "chapters:"]
    for name, text in texts.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
        lines += [f"  - file: notebooks/{name}"] if name != "01_a" else []
    (tmp_path / "_toc.yml").write_text("\n".join(lines), encoding="utf-8")
    for slug in ("a", "c"):
        costs = {"quick_cost": {"wall_s": 30, "peak_rss_mb": 1_240}}
        costs["cost"] = {"wall_s": 600, "peak_rss_mb": 5_000}
        (tmp_path / "results" / f"{slug}.json").write_text(json.dumps(costs), encoding="utf-8")
    return paths.Checkout(root=tmp_path)


def test_a_row_has_number_link_costs_and_what_it_builds_on(book):
    text = overview.page(TEMPLATE, book)
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[0] for row in cells] == ["1", "6b", "10"]
    assert cells[0][1] == "{doc}`../notebooks/01_a`"
    assert cells[0][4:] == ["1.2 GB", "–"]  # what comes later is not built on
    assert cells[1][2:] == ["–", "–", "–", "–"]
    assert cells[2][5] == "1, 6b"
    assert "30" in cells[0][2] and "10" in cells[0][3]
    assert text.startswith("before") and text.endswith("after")


@pytest.mark.parametrize("template", ["no marker", overview.MARKER * 2])
def test_the_marker_stands_there_once(book, template):
    with pytest.raises(ValueError, match="expected once"):
        overview.page(template, book)


@pytest.mark.parametrize(
    ("name", "stem"),
    [("1", "01_a"), ("01", "01_a"), ("6b", "06b_b"), ("c", "10_c"), ("10_c", "10_c")],
)
def test_a_chapter_is_found_by_its_number_as_it_is_written(book, name, stem):
    assert command_line.find_chapter(name, book).stem == stem


@pytest.mark.parametrize("name", ["6", "0", "d", ""])
def test_no_other_name_is_a_chapter(book, name):
    with pytest.raises(ValueError, match="there are: 01_a, 06b_b, 10_c"):
        command_line.find_chapter(name, book)
