"""convolution: what the chapter's figures draw is what the chapter computes."""

import json

import numpy as np
import pytest
from matplotlib import pyplot as plt

from seeing.lessons import convolution

PICTURE = np.arange(20.0).reshape(4, 5)
KERNEL = np.array([[1.0, 0.0], [0.0, -1.0]])


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def texts(axis: plt.Axes) -> list[str]:
    """What stands in the cells of a table."""
    return [text.get_text() for text in axis.texts]


def test_a_table_shows_each_number_and_leaves_blank_what_is_none():
    _, axis = plt.subplots()
    convolution.numbers(axis, np.array([[1, np.nan], [0.5, -2]]), "a table")
    assert texts(axis) == ["1", "0.5", "-2"]
    assert axis.get_title(loc="left") + axis.get_title() == "a table"


def test_a_table_of_zeros_can_be_drawn():
    _, axis = plt.subplots()
    convolution.numbers(axis, np.zeros((2, 2)), "zeros")
    assert texts(axis) == ["0"] * 4


def test_a_step_shows_products_sum_and_the_map_up_to_here():
    _, axes = plt.subplots(2, 2)
    convolution.one_step(axes, PICTURE, KERNEL, 1, 2)
    assert texts(axes[1, 0]) == ["7", "0", "0", "-13"]
    assert "sum -6" in axes[1, 0].get_title(loc="left") + axes[1, 0].get_title()
    assert len(texts(axes[1, 1])) == 4 + 3
    assert set(texts(axes[1, 1])) == {"-6"}
    corner = axes[0, 0].patches[0].get_xy()
    assert corner == (1.5, 0.5)


@pytest.mark.parametrize(
    ("case", "places", "last"),
    [
        ((1, 0, 1), 5, [4, 5, 6]),
        ((2, 0, 1), 3, [4, 5, 6]),
        ((1, 1, 1), 7, [5, 6, 7]),
        ((1, 0, 2), 3, [2, 4, 6]),
    ],
)
def test_windows_touch_what_stride_padding_and_dilation_say(case, places, last):
    _, axis = plt.subplots()
    convolution.windows([axis], 7, {"a case": case})
    assert f": {places} places" in axis.get_title(loc="left") + axis.get_title()
    assert list(axis.lines[-1].get_xdata()) == last


HERE = {"dense": [[0.5], [0.25]], "convolutional": [[0.75], [0.5]]}


def test_this_run_alone_is_drawn_in_color():
    _, axis = plt.subplots()
    convolution.accuracy_by_shift(axis, [0, 1], None, HERE)
    assert "this run" in axis.get_title(loc="left") + axis.get_title()
    assert [text.get_text() for text in axis.get_legend().get_texts()] == list(HERE)


def test_the_recorded_run_stands_before_this_one():
    _, axis = plt.subplots()
    recorded = {name: [[0.9, 0.8], [0.7, 0.6]] for name in HERE}
    convolution.accuracy_by_shift(axis, [0, 1], recorded, HERE)
    drawn = [list(line.get_ydata()) for line in axis.lines]
    assert [0.5, 0.25] in drawn
    assert any(np.allclose(line, [0.85, 0.65]) for line in drawn)
    assert "recorded run" in axis.get_title(loc="left") + axis.get_title()


def times(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Stands in for a feature map."""
    return picture * kernel[0, 0]


def test_the_demo_reads_pictures_kernels_and_a_map_of_each_pair(tmp_path):
    path = tmp_path / "a folder" / "demo.json"
    kernels = {"two": np.full((3, 3), 2.0), "three": np.full((3, 3), 3.0)}
    written = convolution.write_demo(path, {"a": PICTURE}, kernels, times)
    assert json.loads(path.read_text(encoding="utf-8")) == written
    assert written["format"] == convolution.DEMO_FORMAT
    assert written["pictures"] == [{"name": "a", "pixels": PICTURE.tolist()}]
    assert [one["name"] for one in written["kernels"]] == ["two", "three"]
    assert written["maps"] == [[(2 * PICTURE).tolist(), (3 * PICTURE).tolist()]]


def test_the_demo_knows_no_larger_kernel(tmp_path):
    path = tmp_path / "demo.json"
    with pytest.raises(ValueError, match=r"'wide' is \(3, 5\)"):
        convolution.write_demo(path, {"a": PICTURE}, {"wide": np.zeros((3, 5))}, times)
    assert not path.exists()
