"""One place knows the version: chapters, settings and citation name the same release."""

import pathlib

import nbformat
import pytest
from fakes import Book, code, prose

from bookbuild import __main__ as bookbuild_main
from bookbuild import paths, release

OLD = release.colab_cell("v0.9.0")


@pytest.fixture
def released(book: Book) -> Book:
    """A book whose version was raised, and nothing else yet."""
    book.write("pyproject.toml", '[project]\nname = "letters"\nversion = "1.2.0"\n')
    book.write("_config.yml", "title: A\nsphinx:\n  repository_branch: v0.9.0\n  other: v0.9.0\n")
    book.write("CITATION.cff", "cff-version: 1.2.0\nversion: 0.9.0\n")
    book.chapter("01_letters", prose("# Letters"), code(OLD, tags=["hide-input"]), code("x = 1"))
    return book


def test_the_books_own_chapters_and_settings_name_its_release():
    checkout = paths.default()
    assert len(checkout.chapters()) >= 5
    assert release.problems(checkout) == []


def test_a_chapter_is_opened_and_installed_from_the_same_release(root: pathlib.Path):
    named = release.tag(paths.Checkout(root))
    settings = (root / "_config.yml").read_text(encoding="utf-8")
    assert f"repository_url: {release.REPOSITORY}\n" in settings
    assert f"repository_branch: {named}\n" in settings
    assert f'"learning-to-see @ git+{release.REPOSITORY}@{named}"' in release.colab_cell(named)


def test_files_that_name_another_release_are_found(released):
    assert release.problems(released.checkout) == [
        f"{name} names another release than pyproject.toml, v1.2.0: run make release"
        for name in ("notebooks/01_letters.ipynb", "_config.yml", "CITATION.cff")
    ]


def test_all_are_brought_to_the_release_and_nothing_else_is_changed(released):
    changed = release.write(released.checkout)
    assert {path.name for path in changed} == {"01_letters.ipynb", "_config.yml", "CITATION.cff"}
    assert release.problems(released.checkout) == []
    assert release.write(released.checkout) == []
    heading, first, second = nbformat.read(
        released.root / "notebooks/01_letters.ipynb", as_version=4
    ).cells
    assert first.source == release.colab_cell("v1.2.0")
    assert first.source.endswith('@v1.2.0"')
    assert first.metadata.tags == ["hide-input"]
    assert (heading.source, second.source) == ("# Letters", "x = 1")
    assert (released.root / "_config.yml").read_text(encoding="utf-8") == (
        "title: A\nsphinx:\n  repository_branch: v1.2.0\n  other: v0.9.0\n"
    )
    assert (released.root / "CITATION.cff").read_text(encoding="utf-8") == (
        "cff-version: 1.2.0\nversion: 1.2.0\n"
    )


def test_a_chapter_that_installs_nothing_is_an_error_and_nothing_is_written(released):
    released.chapter("02_numbers", code("x = 1"))
    with pytest.raises(ValueError, match=r"02_numbers\.ipynb: the first code cell does not"):
        release.write(released.checkout)
    assert "repository_branch: v0.9.0" in (released.root / "_config.yml").read_text("utf-8")


def test_settings_without_a_place_for_the_release_are_an_error(released):
    released.write("_config.yml", "title: A\n")
    with pytest.raises(ValueError, match=r"_config\.yml has 0 places for the release"):
        release.problems(released.checkout)


def test_the_command_says_what_to_push(released, monkeypatch, capsys):
    monkeypatch.setattr(paths, "default", lambda: released.checkout)
    assert bookbuild_main.main(["release"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len([line for line in said if line.startswith("wrote ")]) == 3
    assert said[-1].endswith("git tag v1.2.0, and push both: git push --atomic origin main v1.2.0")
