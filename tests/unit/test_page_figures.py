"""How figures come onto pages: drawings as SVG, pictures as PNG with twice the pixels."""

import types
from typing import Any

import IPython
import nbformat
import numpy as np
import pytest
from fakes import code
from matplotlib import figure
from matplotlib import pyplot as plt

from bookbuild import figures
from seeing.figures import style

pytestmark = pytest.mark.usefixtures("figures")


@pytest.fixture
def drawing():
    shown, axis = plt.subplots(figsize=(3, 2))
    axis.plot([1, 2, 3])
    return shown


@pytest.fixture
def picture():
    shown, axes = plt.subplots(1, 2, figsize=(3, 2))
    axes[1].imshow(np.eye(3))
    return shown


def test_lines_and_letters_are_svg_and_nothing_else(drawing):
    assert not style.has_pixels(drawing)
    written, _ = style.as_svg(drawing)
    assert written.startswith("<?xml") and "<svg" in written
    assert "<image" not in written
    assert style.as_png(drawing) is None


def test_the_same_drawing_is_the_same_file():
    style.use_house_style()
    written = []
    for _ in range(2):
        shown, axis = plt.subplots(figsize=(3, 2))
        axis.plot([1, 2, 3], label="a")
        axis.legend()
        written.append(style.as_svg(shown)[0])
    assert written[0] == written[1]


def test_pictures_are_png_of_twice_the_size(picture):
    assert style.has_pixels(picture)
    assert style.as_svg(picture) is None
    content, size = style.as_png(picture)
    assert content.startswith(b"\x89PNG")
    width = int.from_bytes(content[16:20], "big")
    assert size["width"] == width // 2


def test_an_empty_figure_is_no_drawing():
    assert style.as_svg(figure.Figure()) is None


class Formatter:
    def __init__(self) -> None:
        self.found: dict[type, Any] = {}

    def for_type(self, kind: type, function: Any) -> None:
        self.found[kind] = function


def test_a_notebook_gets_the_formats_now_and_before_each_cell(monkeypatch):
    formatters = {"image/svg+xml": Formatter(), "image/png": Formatter()}
    registered = []
    shell = types.SimpleNamespace(
        display_formatter=types.SimpleNamespace(formatters=formatters),
        events=types.SimpleNamespace(register=lambda *what: registered.append(what)),
    )
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    before = plt.get_fignums()
    style.use_house_style()
    assert plt.get_fignums() == before
    assert formatters["image/svg+xml"].found[figure.Figure] is style.as_svg
    assert formatters["image/png"].found[figure.Figure] is style.as_png
    ((event, again),) = registered
    assert event == "pre_run_cell"
    formatters["image/png"].found.clear()  # as the inline back end does
    again(types.SimpleNamespace())
    assert formatters["image/png"].found[figure.Figure] is style.as_png


def shown(data: dict[str, str], **metadata: Any) -> nbformat.NotebookNode:
    """A code cell that shows something."""
    cell = code("plt.show()")
    cell.outputs = [nbformat.v4.new_output("display_data", data=data, metadata=metadata)]
    return cell


def test_a_drawing_gets_its_class():
    cell = shown({"image/svg+xml": "<svg/>"})
    figures.fit(cell)
    assert cell.metadata["mystnb"]["image"] == {"classes": figures.DRAWING}


def test_a_picture_gets_the_width_that_it_asks_for():
    cell = shown({"image/png": "AAAA"}, **{"image/png": {"width": 372, "height": 200}})
    cell.metadata["mystnb"] = {"image": {"alt": "a cat"}, "figure": {"caption": "A cat."}}
    figures.fit(cell)
    assert cell.metadata["mystnb"]["image"] == {"alt": "a cat", "width": "372px"}
    assert cell.metadata["mystnb"]["figure"] == {"caption": "A cat."}


@pytest.mark.parametrize(
    ("width", "letters_px", "classes"),
    [
        (691, 13.3, ["seeing-least-480"]),
        (691, 10.7, ["seeing-least-600"]),
        (691, 8.0, ["seeing-least-720"]),  # at full size they are no larger
        (400, 13.3, []),
        (288, 9.0, []),
    ],
)
def test_a_wide_figure_keeps_a_width_at_which_its_letters_can_be_read(width, letters_px, classes):
    assert figures.least_width(width, letters_px) == classes
    for mime, data in (
        (figures.SVG, f'<svg width="{width * 0.75}pt" height="9pt">'),
        (figures.PNG, "AAAA"),
    ):
        cell = shown({mime: data}, **{mime: {"width": width, "letters_px": letters_px}})
        figures.fit(cell)
        drawing = [figures.DRAWING] if mime == figures.SVG else []
        image = cell.metadata["mystnb"]["image"]
        assert image.get("classes", "").split() == drawing + classes


def test_every_least_width_has_its_rule_in_the_style_sheet(root):
    sheet = (root / "book/_static/seeing.css").read_text(encoding="utf-8")
    for width in range(figures.PHONE_PX, 840):
        for name in figures.least_width(width, 9.0):
            assert f"img.{name} {{ width: {name.rpartition('-')[2]}px !important; }}" in sheet


def test_a_figure_says_how_large_its_smallest_letters_are():
    style.use_house_style()
    drawn, axis = plt.subplots(figsize=(3, 2))
    axis.plot([1, 2, 3])
    axis.set_title("a title")
    axis.text(1, 1, "small", fontsize=6)
    axis.text(1, 1, " ", fontsize=2)
    axis.text(1, 1, "unseen", fontsize=3, visible=False)
    assert style.as_svg(drawn)[1] == {"letters_px": 8.0}
    axis.imshow(np.eye(3))
    assert style.as_png(drawn)[1]["letters_px"] == pytest.approx(6 * 110 / 72)


def test_what_the_chapter_says_stays():
    cell = shown({"image/png": "AAAA"}, **{"image/png": {"width": 372, "height": 200}})
    cell.metadata["mystnb"] = {"image": {"width": "80%"}}
    figures.fit(cell)
    assert cell.metadata["mystnb"]["image"] == {"width": "80%"}


def test_a_cell_without_a_figure_stays_as_it_is():
    cell = shown({"text/plain": "42"})
    figures.fit(cell)
    assert "mystnb" not in cell.metadata
