"""The standard figures: what they draw, whom they can be read by, what they refuse."""

import itertools

import hypothesis
import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import strategies as st
from matplotlib import colors as mcolors
from matplotlib import pyplot as plt
from skimage import color

from seeing.figures import confusion, curves, lettering, pictures, style
from seeing.lessons import hog_figures
from seeing.record import metric

pytestmark = pytest.mark.usefixtures("figures")

# How people without one kind of cone see linear RGB: G. M. Machado, M. M. Oliveira and
# L. A. F. Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# IEEE TVCG 2009, severity 1.
VISION = {
    "all cones": np.eye(3),
    "no red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(shade: object) -> np.ndarray:
    """A color as linear RGB."""
    rgb = np.array(mcolors.to_rgb(shade))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: object, other: object) -> float:
    """The contrast ratio of WCAG 2."""
    bright, dark = sorted(linear(c) @ (0.2126, 0.7152, 0.0722) for c in (one, other))[::-1]
    return (bright + 0.05) / (dark + 0.05)


def as_seen(shade: object, vision: str) -> np.ndarray:
    """A color in CIE Lab, as somebody with this vision sees it."""
    seen = np.clip(np.array(VISION[vision]) @ linear(shade), 0, 1)
    encoded = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    return color.rgb2lab(encoded)


def some_images(count: int, shape: tuple[int, ...] = (4, 4)) -> np.ndarray:
    """Different images."""
    return np.arange(count * np.prod(shape), dtype=np.uint8).reshape(count, *shape)


def drawn(axis: plt.Axes) -> np.ndarray:
    """The pixels of the axes' one image."""
    [image] = axis.get_images()
    return np.asarray(image.get_array())


# The house style.


@pytest.mark.parametrize("vision", VISION)
def test_the_colors_differ_for_everybody(vision):
    for one, other in itertools.combinations(style.COLORS, 2):
        difference = color.deltaE_ciede2000(as_seen(one, vision), as_seen(other, vision))
        assert difference > 8, (one, other)


@pytest.mark.parametrize("vision", VISION)
def test_right_and_wrong_differ_for_everybody(vision):
    right, wrong = as_seen(style.CORRECT, vision), as_seen(style.WRONG, vision)
    assert color.deltaE_ciede2000(right, wrong) > 15


@pytest.mark.parametrize("shade", style.COLORS)
def test_every_color_stands_out_on_white_as_a_line(shade):
    assert contrast(shade, "white") > 2


def test_the_house_style_sets_matplotlibs_defaults():
    style.use_house_style()
    assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(style.COLORS)
    assert not mpl.rcParams["axes.spines.top"]
    _, axis = plt.subplots()
    [line] = axis.plot([1, 2])
    assert line.get_color() == style.COLORS[0]


# Image grids.


@pytest.mark.parametrize("styled", [True, False])
@pytest.mark.parametrize(
    ("count", "columns", "shape"),
    [(1, 10, (1, 1)), (3, 10, (1, 3)), (10, 10, (1, 10)), (11, 10, (2, 10)), (6, 3, (2, 3))],
)
def test_a_grid_draws_each_image_once_in_order(styled, count, columns, shape):
    if styled:
        style.use_house_style()
    images = some_images(count)
    axes = pictures.image_grid(images, columns=columns)
    assert axes.shape == shape
    for index, axis in enumerate(axes.flat):
        assert not axis.axison
        if index < count:
            np.testing.assert_array_equal(drawn(axis), images[index])
        else:
            assert not axis.get_images()
    axes[0, 0].figure.canvas.draw()


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3)])
def test_a_grid_takes_gray_and_color_and_lists(shape):
    images = list(some_images(2, shape))
    axes = pictures.image_grid(images)
    np.testing.assert_array_equal(drawn(axes[0, 1]), images[1].squeeze())


def test_a_grid_titles_each_image_in_its_color():
    axes = pictures.image_grid(
        some_images(2), ["seven", "one"], title_colors=[style.CORRECT, style.WRONG]
    )
    assert [axis.get_title() for axis in axes.flat] == ["seven", "one"]
    assert [axis.title.get_color() for axis in axes.flat] == [style.CORRECT, style.WRONG]
    black = pictures.image_grid(some_images(1), ["one"])[0, 0]
    assert black.title.get_color() == "black"


def test_a_grid_stretches_each_image_or_all_alike():
    images = [np.array([[0.2, 0.4]]), np.array([[0.0, 0.9]])]
    own = pictures.image_grid(images)
    assert [axis.get_images()[0].get_clim() for axis in own.flat] == [(0.2, 0.4), (0.0, 0.9)]
    alike = pictures.image_grid(images, limits=(-1, 1), cmap="RdBu")
    assert [axis.get_images()[0].get_clim() for axis in alike.flat] == [(-1, 1), (-1, 1)]
    assert alike[0, 0].get_images()[0].get_cmap().name == "RdBu"


def test_a_grid_grows_with_its_images():
    small = pictures.image_grid(some_images(2), columns=2, size=1.0)[0, 0].figure
    large = pictures.image_grid(some_images(4), columns=2, size=2.0)[0, 0].figure
    assert large.get_figwidth() == 2 * small.get_figwidth() == 4.0
    assert large.get_figheight() > 3 * small.get_figheight()


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (([],), {}, "needs at least one image; got none"),
        ((some_images(3), ["one"]), {}, "3 images and 1 titles"),
        ((some_images(1),), {"title_colors": ["red", "blue"]}, "1 images and 2 title_colors"),
    ],
)
def test_a_grid_refuses_what_does_not_fit(arguments, settings, said):
    with pytest.raises(ValueError, match=said):
        pictures.image_grid(*arguments, **settings)
    assert plt.get_fignums() == []


# Learning curves.


HISTORY = {
    "loss": [2.0, 1.0, 0.5],
    "val_loss": [2.1, 1.2, 0.9],
    "accuracy": [0.3, 0.6, 0.8],
    "val_accuracy": [0.2, 0.5, 0.7],
    "top_5": [0.9, 1.0, 1.0],
}


def test_curves_show_training_and_validation_by_epoch():
    axes = curves.learning_curves(HISTORY)
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        training, validation = axis.get_lines()
        assert axis.get_title() + axis.get_title(loc="left") == name
        assert axis.get_xlabel() == "epoch"
        assert training.get_xdata().tolist() == [1, 2, 3]
        assert list(training.get_ydata()) == HISTORY[name]
        assert list(validation.get_ydata()) == HISTORY[f"val_{name}"]
        labels = [text.get_text() for text in axis.get_legend().get_texts()]
        assert labels == ["training", "validation"]
        # Told apart without color, too.
        assert training.get_linestyle() != validation.get_linestyle()
        assert training.get_marker() != validation.get_marker()


def test_curves_of_another_metric_without_validation():
    axes = curves.learning_curves({"loss": [1.0], "top_5": [0.5]}, metric="top_5")
    assert [len(axis.get_lines()) for axis in axes] == [1, 1]
    axes[0].figure.canvas.draw()
    whole = [tick for tick in axes[0].get_xticks() if tick != round(tick)]
    assert whole == []


@pytest.mark.parametrize(
    ("history", "metric", "missing"),
    [
        ({"accuracy": [1]}, "accuracy", "'loss'"),
        (HISTORY, "precision", "'precision'"),
        ({}, "a", "'loss'"),
    ],
)
def test_curves_name_what_the_history_lacks(history, metric, missing):
    with pytest.raises(ValueError, match=f"not {missing}"):
        curves.learning_curves(history, metric=metric)
    assert plt.get_fignums() == []


def test_compared_runs_share_a_color_and_differ_in_the_line():
    shorter = {name: values[:2] for name, values in HISTORY.items()}
    axes = curves.compared_curves({"plain": HISTORY, "stopped": shorter})
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        training, validation, *other = axis.get_lines()
        assert list(training.get_ydata()) == HISTORY[name]
        assert list(validation.get_ydata()) == HISTORY[f"val_{name}"]
        assert training.get_color() == validation.get_color()
        assert training.get_linestyle() != validation.get_linestyle()
        assert [line.get_xdata().tolist() for line in other] == [[1, 2], [1, 2]]
        assert {line.get_color() for line in other}.isdisjoint({training.get_color()})
    labels = [text.get_text() for text in axes[1].get_legend().get_texts()]
    assert labels == ["plain", "stopped"]


def test_compared_runs_need_validation():
    incomplete = {name: HISTORY[name] for name in ("loss", "val_loss", "accuracy")}
    with pytest.raises(ValueError, match="not 'val_accuracy'"):
        curves.compared_curves({"plain": HISTORY, "other": incomplete})
    assert plt.get_fignums() == []


# Confusion matrices.


MATRIX = np.array([[90, 10, 0], [0, 50, 0], [1, 3, 16]])


def test_a_confusion_matrix_writes_every_count_and_leaves_zeros_out():
    axis = confusion.confusion_matrix(MATRIX, ["ant", "bee", "cat"])
    written = {text.get_position()[::-1]: text for text in axis.texts}
    assert {place: int(text.get_text()) for place, text in written.items()} == {
        (row, column): MATRIX[row, column] for row, column in np.argwhere(MATRIX).tolist()
    }
    for (row, column), text in written.items():
        assert (text.get_fontweight() == "bold") is (row == column)


def test_a_confusion_matrix_colors_the_share_of_each_mistake_and_not_the_diagonal():
    axis = confusion.confusion_matrix(MATRIX, ["ant", "bee", "cat"])
    np.testing.assert_allclose(drawn(axis), [[0, 0.1, 0], [0, 0, 0], [0.05, 0.15, 0]])
    assert axis.get_images()[0].get_clim() == (0, 0.15)


def test_a_confusion_matrix_says_which_axis_is_which():
    axis = confusion.confusion_matrix(MATRIX, ["ant", "bee", "cat"])
    assert axis.get_ylabel() == "true class"
    assert axis.get_xlabel() == "predicted class"
    for labels in (axis.get_xticklabels(), axis.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["ant", "bee", "cat"]


@pytest.mark.parametrize(
    "matrix", [np.eye(2, dtype=int) * 7, np.zeros((2, 2), int), [[0, 0], [3, 4]]]
)
def test_a_confusion_matrix_without_mistakes_or_with_an_empty_class(matrix):
    axis = confusion.confusion_matrix(matrix, ["a", "b"])
    assert np.isfinite(drawn(axis)).all()
    axis.figure.canvas.draw()


@hypothesis.settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(st.lists(st.integers(0, 100), min_size=9, max_size=9))
def test_every_count_can_be_read_on_its_color(counts):
    axis = confusion.confusion_matrix(np.reshape(counts, (3, 3)), ["a", "b", "c"])
    [image] = axis.get_images()
    for text in axis.texts:
        column, row = text.get_position()
        behind = image.to_rgba(drawn(axis)[row, column])
        assert contrast(text.get_color(), behind[:3]) >= 4.5
    plt.close("all")


@pytest.mark.parametrize(
    ("matrix", "names", "said"),
    [
        (np.ones((2, 3)), "ab", r"square; got shape \(2, 3\)"),
        (np.ones(4), "abcd", r"square; got shape \(4,\)"),
        (np.ones((2, 2)), "abc", "2 classes, but 3 names"),
    ],
)
def test_a_confusion_matrix_refuses_what_does_not_fit(matrix, names, said):
    with pytest.raises(ValueError, match=said):
        confusion.confusion_matrix(matrix, list(names))
    assert plt.get_fignums() == []


# The top k.


NAMES = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]
PROBABILITIES = [0.02, 0.1, 0.85, 0.015, 0.0, 0.005, 0.01]


def test_the_top_k_are_the_most_probable_first():
    [bars] = pictures.top_k_bars(PROBABILITIES, NAMES)
    assert [label.get_text() for label in bars.get_yticklabels()] == [
        "cat",
        "bee",
        "ant",
        "dog",
        "gnu",
    ]
    assert [bar.get_width() for bar in bars.patches] == [0.85, 0.1, 0.02, 0.015, 0.01]
    assert [text.get_text() for text in bars.texts] == ["85.0%", "10.0%", "2.0%", "1.5%", "1.0%"]
    assert bars.yaxis_inverted(), "the first is at the top"
    assert bars.get_xlim() == (0, 1)


def test_the_numbers_stay_inside_the_axes_and_can_be_read():
    style.use_house_style()
    for share in (0.5, 0.7, 0.79, 0.81, 0.9, 0.94, 0.98, 1.0):
        [bars] = pictures.top_k_bars([share, 1 - share], ["ant", "bee"])
        bars.figure.canvas.draw()
        room = bars.get_window_extent()
        for bar, text in zip(bars.patches, bars.texts, strict=True):
            box = text.get_window_extent()
            assert room.x0 - 1 <= box.x0 < box.x1 <= room.x1 + 1, text.get_text()
            over_bar = box.x0 < bar.get_window_extent().x1
            behind = bar.get_facecolor()[:3] if over_bar else "white"
            assert contrast(text.get_color(), behind) >= 4.5


def test_a_picture_stands_beside_the_bars():
    image = some_images(1, (4, 4, 3))[0]
    picture, bars = pictures.top_k_bars(PROBABILITIES, NAMES, k=2, image=image)
    np.testing.assert_array_equal(drawn(picture), image)
    assert picture.get_title() + picture.get_title(loc="left") == "cat"
    assert not picture.axison
    assert len(bars.patches) == 2


def test_a_picture_may_have_a_title_of_its_own():
    picture, _ = pictures.top_k_bars(PROBABILITIES, NAMES, image=np.zeros((4, 4)), title="a dog?")
    assert picture.get_title() + picture.get_title(loc="left") == "a dog?"


def test_fewer_classes_than_k_are_all_shown():
    [bars] = pictures.top_k_bars([0.4, 0.6], ["ant", "bee"], k=5)
    assert [label.get_text() for label in bars.get_yticklabels()] == ["bee", "ant"]


@pytest.mark.parametrize("probabilities", [[0.5, 0.5], [[0.2] * 7], []])
def test_probabilities_that_do_not_fit_the_names_are_refused(probabilities):
    with pytest.raises(ValueError, match="one probability for each of 7 classes"):
        pictures.top_k_bars(probabilities, NAMES)
    assert plt.get_fignums() == []


def test_a_stick_lies_along_the_edge_and_is_as_dark_as_its_bin():
    _, axis = plt.subplots()
    histograms = np.zeros((1, 2, 9))
    # Bin 4 holds gradients of 80 to 100 degrees: its edges run from left to right.
    histograms[0, 0, 4], histograms[0, 1, 4] = 2.0, 1.0
    hog_figures.oriented_cells(axis, histograms, cell=8)
    shades = np.array([collection.get_colors()[:, 3] for collection in axis.collections])
    assert shades[4].tolist() == [1.0, 0.5] and shades.sum() == 1.5
    first, second = axis.collections[4].get_segments()
    assert first[:, 1] == pytest.approx([3.5, 3.5])
    assert first[:, 0].mean() == pytest.approx(3.5) and second[:, 0].mean() == pytest.approx(11.5)


def test_an_image_without_edges_gives_sticks_that_cannot_be_seen():
    _, axis = plt.subplots()
    hog_figures.oriented_cells(axis, np.zeros((2, 2, 9)), cell=4)
    assert all(collection.get_colors()[:, 3].max() == 0 for collection in axis.collections)


def test_blocks_give_back_the_cells_that_they_were_made_of():
    cells = np.random.default_rng(0).random((3, 5, 9))
    blocks = np.lib.stride_tricks.sliding_window_view(cells, (2, 2), axis=(0, 1))
    blocks = blocks.transpose(0, 1, 3, 4, 2).reshape(2, 4, 36)
    assert hog_figures.cells_of_blocks(blocks) == pytest.approx(cells)


def test_a_cell_is_the_mean_of_the_blocks_that_hold_it():
    blocks = np.stack([np.full(4, 1.0), np.full(4, 3.0)]).reshape(1, 2, 4)
    assert hog_figures.cells_of_blocks(blocks)[..., 0].tolist() == [[1, 2, 3], [1, 2, 3]]


@pytest.mark.parametrize("length", [0, 9])
def test_blocks_of_other_than_four_cells_are_refused(length):
    with pytest.raises(ValueError, match=f"4 times as many numbers as bins; got {length}"):
        hog_figures.cells_of_blocks(np.zeros((2, 2, length)))


POINTS, SIDES = (
    np.array([[-1.0, 0.0], [-3.0, 1.0], [1.0, 0.0], [3.0, 1.0]]),
    np.array([-1, -1, 1, 1]),
)


class Upright:
    """A machine whose line is the vertical axis, or which says the same everywhere."""

    support_vectors_ = POINTS[[0, 2]]

    def __init__(self, constant: float | None = None):
        self.constant = constant

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        return X[:, 0] if self.constant is None else np.full(len(X), self.constant)


def test_the_street_has_a_line_and_two_curbs():
    _, axis = plt.subplots()
    hog_figures.street(axis, Upright(), POINTS, SIDES, "here")
    line, *scatters = axis.collections
    assert list(line.levels) == [-1, 0, 1] and axis.get_title() == "here"
    crossed = [path.vertices[:, 0].mean() for path in line.get_paths()]
    assert crossed == pytest.approx([-1, 0, 1])
    assert [len(drawn.get_offsets()) for drawn in scatters] == [2, 2, 2]


def test_a_machine_without_a_line_in_sight_is_drawn_without_one():
    _, axis = plt.subplots()
    hog_figures.street(axis, Upright(constant=5.0), POINTS, SIDES)
    assert len(axis.collections) == 3


def test_decisions_go_left_and_right_of_zero_and_the_largest_stands_out():
    _, axis = plt.subplots()
    hog_figures.decisions(axis, [-0.5, 1.25, -2.0])
    assert [bar.get_width() for bar in axis.patches] == [-0.5, 1.25, -2.0]
    assert [bar.get_alpha() for bar in axis.patches] == [0.5, 1.0, 0.5]
    assert sorted(line.get_xdata()[0] for line in axis.lines) == [-1, 0, 1]
    # The first class is at the top.
    assert axis.get_ylim()[0] > axis.get_ylim()[1]


def test_points_lie_on_the_hinge():
    _, axis = plt.subplots()
    hog_figures.hinge(axis, np.array([-4.0, 0.5, 6.0]))
    assert axis.collections[0].get_offsets().tolist() == [[-4, 5], [0.5, 0.5], [6, 0]]
    hinge, entropy = axis.get_lines()
    x, loss = hinge.get_data()
    assert x.min() == -4 and x.max() == 6 and loss == pytest.approx(np.maximum(0, 1 - x))
    assert np.interp(0, *entropy.get_data()) == pytest.approx(np.log(2), abs=1e-3)


def test_weak_gradients_have_no_color():
    _, axes = plt.subplots(1, 3)
    length, angle = np.array([[10.0, 0.9], [5.0, 0.0]]), np.array([[0.0, 45.0], [90.0, 135.0]])
    hog_figures.gradient(axes, np.zeros((2, 2)), length, angle, "gray")
    [drawn] = axes[2].images
    assert drawn.get_array().mask.tolist() == [[False, True], [False, True]]
    assert drawn.get_clim() == (0, 180)


def test_an_image_its_cells_and_its_blocks_side_by_side():
    _, axes = plt.subplots(1, 3)
    histograms, blocks = np.ones((4, 5, 9)), np.ones((3, 4, 36))
    hog_figures.block_normalization(
        axes, np.zeros((16, 20)), histograms, blocks, cell=4, cmap="gray"
    )
    first, second = axes[0].patches
    # The second starts one cell after the first, so that they overlap.
    assert second.get_x() - first.get_x() == 4 and first.get_width() == 8
    drawn = [sum(len(lines.get_segments()) for lines in axis.collections) for axis in axes[1:]]
    assert drawn == [4 * 5 * 9, 4 * 5 * 9]


def test_a_power_of_the_size_is_a_line():
    [axis] = curves.growth([1, 10, 100], {"seconds": {"square": [2, 200, 20_000]}})
    [line] = axis.get_lines()
    x, y = axis.transData.transform(line.get_xydata()).T
    slopes = np.diff(y) / np.diff(x)
    assert slopes[0] == pytest.approx(slopes[1]) and slopes[0] > 0
    assert axis.get_title(loc="left") == "seconds" or axis.get_title() == "seconds"
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "10", "100"]


def test_every_panel_has_every_line_and_one_legend_serves_all():
    lines = {"a": [1, 2], "b": [2, 3]}
    axes = curves.growth([5, 7], {"errors": lines, "seconds": lines})
    assert [len(axis.get_lines()) for axis in axes] == [2, 2]
    [legend] = axes[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]


@pytest.mark.parametrize("largest", [2, 30, 1e3, 1e9])
def test_the_labels_of_a_panel_do_not_run_into_each_other(largest):
    [axis] = curves.growth([1, 2, 3], {"seconds": {"a": [1, 1.5, largest]}})
    axis.figure.canvas.draw()
    low, high = axis.get_ylim()
    seen = [tick for tick in axis.get_yticks() if low <= tick <= high]
    assert 1 <= len(seen) <= 10


def test_what_has_no_logarithm_is_left_out():
    [axis] = curves.growth([1, 2, 3], {"errors in %": {"a": [4, 0, 1]}})
    assert np.isnan(axis.get_lines()[0].get_ydata()).tolist() == [False, True, False]


def test_a_line_that_does_not_fit_the_sizes_is_refused():
    with pytest.raises(ValueError, match="3 sizes, but 2 values for 'a'"):
        curves.growth([1, 2, 3], {"errors": {"a": [1, 2]}})
    assert plt.get_fignums() == []


def test_every_image_that_a_method_got_wrong_shows_all_answers():
    given = {"old": ["a", "x", "c"], "new": ["a", "b", "y"]}
    axes = pictures.answers(some_images(3), ["a", "b", "c"], given)
    titles = [axis.get_title(loc="center") for axis in axes.flat]
    assert titles == ["b\nold: x\nnew: b", "c\nold: c\nnew: y"]


@pytest.mark.parametrize(
    ("count", "shown"), [(1, [0]), (2, [0, 8]), (4, [0, 3, 5, 8]), (20, range(9))]
)
def test_no_more_answers_than_asked_for_from_the_whole_range(count, shown):
    given = {"old": np.full(9, 99)}
    axes = pictures.answers(some_images(9), np.arange(9), given, count=count, columns=3)
    titles = [axis.get_title(loc="center") for axis in axes.flat]
    assert [title.split("\n")[0] for title in titles if title] == [str(i) for i in shown]


@pytest.mark.parametrize(
    ("truth", "given", "said"),
    [
        ([0, 1], {"old": [0]}, "2 images and 1 for 'old'"),
        ([0], {"old": [0, 1]}, "2 images and 1 for 'truth'"),
        ([0, 1], {"old": [0, 1]}, "nothing to draw"),
    ],
)
def test_answers_that_do_not_fit_are_refused(truth, given, said):
    with pytest.raises(ValueError, match=said):
        pictures.answers(some_images(2), truth, given)


def test_accuracy_over_time_counts_minutes_from_the_photographs_on(figures):
    axis = curves.accuracy_over_time(
        {
            "a": (0.0, {"seconds": [60, 120], "val_accuracy": [0.5, 0.6]}),
            "b": (30.0, {"seconds": [90], "val_accuracy": [0.9]}),
        }
    )
    first, second = axis.get_lines()
    np.testing.assert_allclose(first.get_xydata(), [[1, 0.5], [2, 0.6]])
    np.testing.assert_allclose(second.get_xydata(), [[2, 0.9]])
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b"]


def test_accuracy_over_time_needs_as_many_times_as_accuracies(figures):
    with pytest.raises(ValueError, match="'a' has 1 times and 2 accuracies"):
        curves.accuracy_over_time({"a": (0.0, {"seconds": [60], "val_accuracy": [0.5, 0.6]})})


def test_accuracy_by_size_shows_mean_and_spread(figures):
    scores = [metric.metric([0.4, 0.6]), metric.metric([0.8, 0.8])]
    axis = curves.accuracy_by_size(["5", "all"], {"frozen": scores}, xlabel="photographs")
    (line,) = axis.get_lines()[:1]
    np.testing.assert_allclose(line.get_ydata(orig=False), [0.5, 0.8])
    bar = axis.containers[0].lines[2][0].get_segments()[0]
    np.testing.assert_allclose(bar[1][1] - bar[0][1], 2 * scores[0].std)
    assert axis.get_xlabel() == "photographs"


def test_accuracy_by_size_needs_one_metric_a_size(figures):
    with pytest.raises(ValueError, match="2 sizes, but 1 values for 'frozen'"):
        curves.accuracy_by_size(["5", "all"], {"frozen": [metric.metric(0.5)]}, xlabel="n")


def test_accuracy_by_strength_has_a_panel_a_kind_and_shows_the_spread(figures):
    plain = [metric.metric([0.8, 0.9]), metric.metric([0.3, 0.5])]
    augmented = [metric.metric(0.9), metric.metric(0.7)]
    lines = {"plain": plain, "augmented": augmented}
    axes = curves.accuracy_by_strength({"noise": ((0, 0.2), lines), "shift": ((0, 3), lines)})
    assert [axis.get_xlabel() for axis in axes] == ["noise", "shift"]
    for axis, strengths in zip(axes, ((0, 0.2), (0, 3)), strict=True):
        first, second = (container.lines[0] for container in axis.containers)
        np.testing.assert_allclose(first.get_xdata(orig=False), strengths)
        np.testing.assert_allclose(first.get_ydata(orig=False), [0.85, 0.4])
        np.testing.assert_allclose(second.get_ydata(orig=False), [0.9, 0.7])
        bar = axis.containers[0].lines[2][0].get_segments()[1]
        np.testing.assert_allclose(bar[1][1] - bar[0][1], 2 * plain[1].std)
    (legend,) = axes[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["plain", "augmented"]


def test_accuracy_by_strength_needs_panels_and_one_metric_a_strength(figures):
    with pytest.raises(ValueError, match="at least one panel"):
        curves.accuracy_by_strength({})
    panels = {"noise": ((0, 0.2), {"plain": [metric.metric(0.5)]})}
    with pytest.raises(ValueError, match="'noise' has 2 strengths, but 1 values for 'plain'"):
        curves.accuracy_by_strength(panels)


def test_a_long_name_below_a_confusion_matrix_ends_at_its_column():
    style.use_house_style()
    axis = confusion.confusion_matrix(np.eye(3, dtype=int), ["a" * 24, "b" * 24, "c" * 24])
    axis.figure.canvas.draw()
    for column, label in enumerate(axis.get_xticklabels()):
        end = label.get_window_extent().x1
        middle, border = axis.transData.transform([(column, 0), (column + 0.5, 0)])[:, 0]
        assert middle - 5 < end < border


class TestLettering:
    """What a reader wrote, folder names above all, is drawn as it is written, or it is said."""

    @pytest.fixture(autouse=True)
    def no_other_fonts(self, monkeypatch):
        monkeypatch.setattr(lettering, "FALLBACK_FONTS", ())  # whatever this machine has

    @staticmethod
    def as_drawn(text):
        """What Matplotlib draws for a text; None if it takes it for mathematics."""
        if not mpl.rcParams["text.parse_math"]:
            return text
        return None if mpl.cbook.is_math_text(text) else text.replace(r"\$", "$")

    @pytest.mark.parametrize(
        "name",
        [
            "US$ 5 bill, not $10",
            "coin_$1$_x",
            r"a $\frac{$ b",
            r"\$",
            r"\\$a\$",
            "$$",
            r"\alpha",
            "5 $",
        ],
    )
    def test_dollars_and_backslashes(self, name):
        assert self.as_drawn(lettering.shown(name)) == name
        with mpl.rc_context({"text.parse_math": False}):
            assert self.as_drawn(lettering.shown(name)) == name

    def test_a_character_that_no_font_has_is_named_and_said(self):
        with pytest.warns(UserWarning, match=r"no font for 郁金香🌷, drawn as \[U\+90C1 U\+91D1"):
            text = lettering.shown("郁金香 🌷 rosé ثمر")
        assert text == "[U+90C1 U+91D1 U+9999] [tulip] rosé ثمر"

    def test_an_installed_font_that_has_it_is_taken(self, monkeypatch):
        assert lettering.families() == ["sans-serif"]
        monkeypatch.setattr(lettering, "FALLBACK_FONTS", ("no such font", "STIXGeneral"))
        only_stix = "\N{LATIN SMALL LETTER D WITH PALATAL HOOK}"
        with pytest.warns(UserWarning, match=f"no font for {only_stix}, drawn as"):
            assert lettering.shown(only_stix) == "[U+1D81]"
        style.use_house_style()
        style.use_house_style()
        assert mpl.rcParams["font.family"] == ["sans-serif", "STIXGeneral"]
        assert lettering.shown(only_stix) == only_stix

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("two\nlines", r"two\nlines"),
            ("esc\x1b[31mred", r"esc\x1b[31mred"),
            ("ros\udce9", r"ros\udce9"),
            ("_hidden", "\N{ZERO WIDTH SPACE}_hidden"),
        ],
    )
    def test_what_would_not_be_seen(self, text, expected):
        assert lettering.shown(text) == expected

    def test_long_names_lose_their_middle(self):
        assert lettering.shown("x" * 40) == "x" * 40
        text = lettering.shown("begin" + "x" * 250 + "end", 20)
        assert text == "beginxxxxxxxx…xxxend"
        assert len(text) == 20
        cut = lettering.shown("a$" * 100, 21)
        assert self.as_drawn(cut) == "a$a$a$a$a$a$a…$a$a$a$"

    def test_several_lines(self):
        assert lettering.shown_lines("a $\nb" + "x" * 50, 10) == "a \\$\nbxxxxx…xxx"

    def texts_of(self, figure):
        figure.canvas.draw()
        return {self.as_drawn(text.get_text()) for text in figure.findobj(mpl.text.Text)}

    def test_characters_without_a_shape_are_not_named(self):
        with pytest.warns(UserWarning, match="no font for"):
            assert lettering.shown("\N{TULIP}\N{TAG SPACE}") == "[tulip]"

    def test_every_figure_shows_names_as_they_are(self):
        style.use_house_style()
        long = "x" * 100
        one, two = "coin_$1$_x", r"a $\frac{$ b"
        runs = {
            name: {"loss": [1], "val_loss": [1], "$m$": [1], "val_$m$": [1]} for name in (one, two)
        }
        scores = [metric.metric([0.5]), metric.metric([0.6])]
        drawn = {
            "confusion": confusion.confusion_matrix(np.eye(3, dtype=int), [one, two, long]),
            "bars": pictures.top_k_bars(
                np.array([0.5, 0.3, 0.2]), [one, two, long], image=np.zeros((8, 8))
            )[0],
            "title": pictures.top_k_bars(
                np.array([0.6, 0.4]), [one, two], image=np.zeros((8, 8)), title=long
            )[0],
            "grid": pictures.image_grid(np.zeros((3, 8, 8)), [one, two, long])[0, 0],
            "compared": curves.compared_curves(runs, metric="$m$")[0],
            "growth": curves.growth([1, 10], {one: {two: [1, 2]}}, xlabel=long)[0],
            "time": curves.accuracy_over_time(
                {name: (0, {"seconds": [1], "val_accuracy": [0.5]}) for name in (one, two, long)}
            ),
            "size": curves.accuracy_by_size([one, "all"], {two: scores}, xlabel=long),
            "strength": curves.accuracy_by_strength({one: ([0, 1], {two: scores})})[0],
        }
        for kind, axis in drawn.items():
            texts = self.texts_of(axis.figure)
            assert None not in texts, kind
            if kind != "title":
                assert two in texts, kind
            if kind in ("growth", "size", "strength", "bars", "confusion", "grid", "time"):
                assert one in texts, kind
            assert max(map(len, texts)) <= lettering.LENGTH, kind
