"""chapters: a number as it is written, and a title, from a chapter's file."""

import json
import pathlib

import pytest

from bookbuild import chapters


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("01_pixels", "1"),
        ("06b_carry_over", "6b"),
        ("notebooks/10_c", "10"),
        ("scoreboard", None),
        ("b6_odd", None),
    ],
)
def test_a_number_is_that_of_the_file_name(name: str, number: str | None) -> None:
    assert chapters.number(name) == number


def test_a_title_is_the_first_heading(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "01_one.ipynb"
    cell = {"cell_type": "markdown", "source": ["(label)=\n", "# One\n", "\n", "Text."]}
    path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    assert chapters.title(path) == "One"
    path.write_text(json.dumps({"cells": []}), encoding="utf-8")
    assert chapters.title(path) == "01_one"


def test_only_pages_among_the_chapters_have_a_number() -> None:
    assert chapters.number_of("notebooks/06b_carry_over") == "6b"
    assert chapters.number_of("book/06b_carry_over") is None
    assert chapters.numbered("Two", "notebooks/06b_two") == "6b · Two"
    assert chapters.numbered("Two", "book/two") == "Two"
