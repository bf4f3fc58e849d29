"""pixels_and_labels: hand-drawn labels lie on their things, figures show what they get."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from seeing.lessons import pixels_and_labels


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def thing_at(mask: np.ndarray, row: int, column: int) -> str:
    """The name of what a pixel shows."""
    number = mask[row, column]
    return pixels_and_labels.THINGS[number - 1] if number else "none"


@pytest.mark.parametrize(
    ("row", "column", "thing"),
    [
        (150, 280, "cup"),
        (280, 220, "cup"),  # its handle
        (290, 365, "spoon"),
        (90, 415, "spoon"),  # its handle
        (340, 250, "saucer"),
        (200, 450, "saucer"),
        (20, 20, "none"),
        (390, 590, "none"),
    ],
)
def test_the_mask_names_what_a_pixel_shows(row, column, thing):
    mask = pixels_and_labels.coffee_mask()
    assert mask.shape == (400, 600)
    assert mask.dtype == np.uint8
    assert thing_at(mask, row, column) == thing


def test_the_mask_holds_every_thing_and_no_other():
    assert set(np.unique(pixels_and_labels.coffee_mask())) == {0, 1, 2, 3}


def test_tasks_are_drawn_with_every_box():
    image = np.zeros((400, 600, 3), dtype=np.uint8)
    boxes = {"cup": [10, 20, 110, 220], "saucer": [0, 0, 5, 5], "spoon": [1, 1, 9, 9]}
    pixels_and_labels.show_tasks(image, boxes, pixels_and_labels.coffee_mask())
    axis = plt.gcf().axes[3]
    drawn = [(*box.get_xy(), box.get_width(), box.get_height()) for box in axis.patches]
    assert drawn[0] == (10, 20, 100, 200)
    assert {text.get_text() for text in axis.texts} == set(boxes)
    assert len(axis.patches) == 3


def test_a_search_frames_the_best_place():
    found = np.zeros((7, 9))
    found[2, 5] = 1
    pixels_and_labels.show_search(np.zeros((10, 12)), (4, 4), {"cosine": found}, (2, 5))
    template, cosine = plt.gcf().axes
    assert template.patches[0].get_xy() == cosine.patches[0].get_xy() == (5, 2)
    assert cosine.patches[0].get_width() == 4
    assert cosine.get_title() == "cosine"


def test_rows_are_drawn_with_the_border_of_what_is_held_out():
    orders = {"sorted": np.repeat([0, 1], 50), "mixed": np.tile([0, 1], 50)}
    pixels_and_labels.show_rows(orders, 0.2)
    axes = plt.gcf().axes
    assert [axis.get_title(loc="left") or axis.get_title() for axis in axes] == list(orders)
    assert axes[0].lines[0].get_xdata()[0] == 79.5
