"""What chapter 1 needs beside its lesson: hand-drawn labels, and figures that show them.

Explained in chapter 1, *Pixels, Labels, Splits*.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import patches
from matplotlib import pyplot as plt
from skimage import draw

from seeing.figures import style

# Drawn by hand on ``skimage.data.coffee()``, 400 × 600 pixels. Corners as (column, row).
OUTLINES = {
    "saucer": [
        (77, 205), (84, 160), (106, 118), (140, 88), (180, 68), (420, 110), (455, 148),
        (475, 195), (478, 245), (462, 295), (432, 335), (390, 365), (330, 383), (265, 386),
        (205, 372), (150, 342), (108, 300), (84, 252),
    ],
    "spoon": [
        (400, 68), (415, 66), (425, 76), (420, 96), (405, 150), (392, 205), (387, 235),
        (402, 256), (405, 282), (392, 310), (370, 325), (345, 322), (328, 302), (327, 272),
        (342, 250), (368, 240), (376, 212), (384, 170),
    ],
    "cup": [
        (172, 100), (184, 62), (216, 32), (262, 18), (312, 20), (358, 38), (392, 72),
        (408, 116), (400, 160), (384, 208), (352, 246), (318, 262), (300, 282), (262, 284),
        (240, 304), (210, 306), (197, 288), (202, 256), (218, 234), (190, 190), (176, 150),
    ],
}  # fmt: skip
"""What lies below comes first: the cup hides a part of the saucer and of the spoon."""

THINGS = tuple(sorted(OUTLINES))


def coffee_mask() -> np.ndarray:
    """Which thing each pixel of the coffee picture shows, by hand.

    Returns:
        uint8, shape (400, 600): 0 for none, else 1 + the thing's index in ``THINGS``.
    """
    mask = np.zeros((400, 600), dtype=np.uint8)
    for name, corners in OUTLINES.items():
        columns, rows = np.transpose(corners)
        mask[draw.polygon(rows, columns, mask.shape)] = 1 + THINGS.index(name)
    return mask


def show_tasks(image: np.ndarray, boxes: Mapping[str, Sequence[int]], mask: np.ndarray) -> None:
    """Draw one picture with the answers that five tasks ask for.

    Args:
        image: uint8, shape (height, width, 3).
        boxes: each thing's name and its box: left, top, right, bottom.
        mask: shape (height, width): 0, or 1 + the index of the thing among the boxes.
    """
    _, axes = plt.subplots(2, 3, figsize=(7.2, 3.9))
    titles = (
        "binary: is there a cup?\nyes",
        "multi-class: which drink?\ncoffee",
        "multi-label: what is there?\n" + ", ".join(boxes),
        "detection:\nwhat, and in which box?",
        "segmentation:\nwhat is each pixel?",
    )
    for axis, title in zip(axes.flat, titles, strict=False):
        axis.imshow(image)
        axis.set_title(title, fontsize=9)
    for (name, (left, top, right, bottom)), color, dash in zip(
        boxes.items(), ("white", style.COLORS[5], style.COLORS[4]), ("-", "--", ":"), strict=True
    ):
        box = {"fill": False, "edgecolor": color, "linewidth": 2.5, "linestyle": dash}
        axes[1, 0].add_patch(patches.Rectangle((left, top), right - left, bottom - top, **box))
        place = {"fontsize": 8, "color": "black", "backgroundcolor": color}
        # The names lie apart from each other, though the boxes overlap.
        corners = {"cup": (90, 40), "saucer": (30, 372), "spoon": (440, 300)}
        axes[1, 0].text(*corners.get(name, (left, top)), name, **place)
    axes[1, 1].imshow(np.ma.masked_equal(mask, 0), cmap="viridis", alpha=0.75)
    for axis in axes.flat:
        axis.set_axis_off()


def show_search(
    image: np.ndarray, shape: tuple[int, int], maps: Mapping[str, np.ndarray], truth: Sequence[int]
) -> None:
    """Draw where each measure of similarity finds a template.

    Args:
        image: gray, shape (H, W).
        shape: the template's height and width.
        maps: each measure's name and its map of similarities, shape (H - h + 1, W - w + 1).
        truth: top and left of the template in the image.
    """
    rows = -(-(1 + len(maps)) // 2)
    _, axes = plt.subplots(rows, 2, figsize=(7.2, 2.6 * rows), squeeze=False)
    axes = axes.ravel()
    axes[0].imshow(image, cmap="gray")
    axes[0].set_title("the template")
    _frame(axes[0], truth, shape, "-")
    for axis, (name, found) in zip(axes[1:], maps.items(), strict=False):
        best = np.unravel_index(found.argmax(), found.shape)
        axis.imshow(image, cmap="gray", alpha=0.35)
        middle = (shape[1] / 2, found.shape[1] + shape[1] / 2, found.shape[0] + shape[0] / 2)
        extent = (middle[0], middle[1], middle[2], shape[0] / 2)
        axis.imshow(found, cmap="viridis", alpha=0.8, extent=extent)
        _frame(axis, best, shape, "--")
        axis.set_xlim(0, image.shape[1])
        axis.set_ylim(image.shape[0], 0)
        axis.set_title(name)
    for axis in axes:
        axis.set_axis_off()


def _frame(axis: plt.Axes, corner: Sequence[int], shape: Sequence[int], dash: str) -> None:
    top, left = corner
    look = {"fill": False, "linestyle": dash, "linewidth": 2}
    for width, color in ((3.5, "black"), (2, "white")):
        box = {**look, "edgecolor": color, "linewidth": width}
        axis.add_patch(patches.Rectangle((left, top), shape[1], shape[0], **box))


def show_rows(orders: Mapping[str, np.ndarray], share: float) -> None:
    """Draw the labels of rows in several orders, and which rows are held out at the end.

    Args:
        orders: each order's name and the labels, integers 0 to 9, shape (n,).
        share: of the rows that are held out.
    """
    _, axes = plt.subplots(len(orders), 1, figsize=(7.2, 0.3 + 0.85 * len(orders)), squeeze=False)
    for axis, (name, labels) in zip(axes[:, 0], orders.items(), strict=True):
        count = len(labels)
        axis.imshow(labels[np.newaxis], aspect="auto", cmap="viridis", vmin=0, vmax=9)
        border = count * (1 - share) - 0.5
        axis.axvline(border, color="black", linewidth=2)
        axis.axvline(border, color="white", linewidth=2, linestyle=":")
        axis.set(yticks=[], xticks=[0, border], title=name)
        axis.set_xticklabels(["first row: training", "held out"], fontsize=9)
        for label, align in zip(axis.get_xticklabels(), ("left", "left"), strict=True):
            label.set_horizontalalignment(align)
        axis.grid(visible=False)
