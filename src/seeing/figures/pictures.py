"""Figures that show images: grids of them, and a network's answers beside them.

Explained where first
used, in chapter 4, *A First Honest CNN*.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt

from seeing.figures import lettering, style

TITLE_LENGTH = 28  # characters of a line above a small image; an inch has room for 16
BAR_LENGTH = 32  # characters of a class's name beside a bar


def image_grid(
    images: Sequence[np.ndarray] | np.ndarray,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 10,
    size: float = 0.85,
    cmap: str = "gray_r",
    limits: tuple[float, float] | None = None,
    title_colors: Sequence[str] | None = None,
) -> np.ndarray:
    """Draw images in rows, each with its title above it.

    Args:
        images: N images, each H×W, H×W×1 or H×W×3; uint8, or float in 0..1.
        titles: N titles, or None; the middle of a long line is left out.
        columns: images a row.
        size: width of one image in inches.
        cmap: matplotlib's name of the color map for grayscale images.
        limits: gray values drawn as the map's two ends; each image's own range if None.
        title_colors: N colors, or None for black.

    Returns:
        The array of axes, rows × columns; those without an image are hidden.

    Raises:
        ValueError: when there is no image, or titles or colors do not fit the images' number.
    """
    count = len(images)
    if count == 0:
        raise ValueError("image_grid needs at least one image; got none")
    for name, given in (("titles", titles), ("title_colors", title_colors)):
        if given is not None and len(given) != count:
            raise ValueError(f"image_grid got {count} images and {len(given)} {name}")
    columns = min(columns, count)
    rows = -(-count // columns)
    lines = 1 + max((title.count("\n") for title in titles), default=0) if titles is not None else 0
    title_room = 0.05 if titles is None else 0.15 + 0.13 * lines
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * size, rows * (size + title_room)),
        squeeze=False,
        layout="constrained",
    )
    low, high = limits if limits else (None, None)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(_without_gray_channel(image), cmap=cmap, vmin=low, vmax=high)
        if titles is not None:
            color = title_colors[index] if title_colors is not None else "black"
            title = lettering.shown_lines(titles[index], max(TITLE_LENGTH, round(16 * size)))
            axis.set_title(title, fontsize=8, color=color, loc="center", pad=2)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.02)
    return axes


def top_k_bars(
    probabilities: np.ndarray,
    class_names: Sequence[str],
    *,
    k: int = 5,
    image: np.ndarray | None = None,
    title: str | None = None,
) -> np.ndarray:
    """Draw the k most probable classes as bars, the picture beside them if there is one.

    Args:
        probabilities: float, shape (K,), one a class.
        class_names: K names; the middle of a long one is left out.
        k: how many bars at most.
        image: H×W, H×W×1 or H×W×3, uint8 or float in 0..1; or None.
        title: the picture's title; the most probable class if None.

    Returns:
        The axes: picture and bars, or bars alone.

    Raises:
        ValueError: when probabilities and names do not fit each other.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    if probabilities.shape != (len(class_names),):
        raise ValueError(
            f"expected one probability for each of {len(class_names)} classes, "
            f"got shape {probabilities.shape}"
        )
    best = np.argsort(probabilities)[::-1][:k]
    if image is None:
        size = (4.0, 0.4 + 0.36 * len(best))
        _, axes = plt.subplots(1, 1, figsize=size, squeeze=False, layout="constrained")
        axes = axes[0]
    else:
        _, axes = plt.subplots(
            1, 2, figsize=(6.8, 2.6), width_ratios=(1, 1.4), layout="constrained"
        )
        axes[0].imshow(_without_gray_channel(image), cmap="gray_r")
        heading = title if title is not None else class_names[best[0]]
        axes[0].set_title(lettering.shown(heading, BAR_LENGTH))
        axes[0].set_axis_off()
    bars = axes[-1]
    bars.barh(range(len(best)), probabilities[best], color=style.COLORS[0])
    ticks = lettering.shown_each([class_names[index] for index in best], BAR_LENGTH)
    bars.set_yticks(range(len(best)), ticks)
    bars.invert_yaxis()
    bars.set(xlim=(0, 1), xlabel="probability")
    bars.grid(visible=False, axis="y")
    for row, index in enumerate(best):
        share = probabilities[index]
        inside = share > 0.8
        bars.text(
            share - 0.02 if inside else share + 0.02,
            row,
            f"{share:.1%}",
            va="center",
            ha="right" if inside else "left",
            color="white" if inside else "black",
            fontsize=9,
        )
    return axes


def answers(
    images: np.ndarray,
    truth: Sequence[object],
    given: Mapping[str, Sequence[object]],
    *,
    count: int = 12,
    columns: int = 6,
) -> np.ndarray:
    """Draw images that at least one method got wrong, with every method's answer.

    Args:
        images: N images, as for :func:`image_grid`.
        truth: the N right answers.
        given: each method's name and its N answers.
        count: how many images at most; of more, some from the whole range, evenly spread.
        columns: images a row.

    Returns:
        The array of axes.

    Raises:
        ValueError: when a method's answers do not fit the images' number, or all are right.
    """
    truth = np.asarray(truth)
    methods = {name: np.asarray(answer) for name, answer in given.items()}
    for name, answer in {"truth": truth, **methods}.items():
        if len(answer) != len(images):
            raise ValueError(f"answers got {len(images)} images and {len(answer)} for {name!r}")
    wrong = np.any([answer != truth for answer in methods.values()], axis=0)
    if not wrong.any():
        raise ValueError("no method made a mistake: there is nothing to draw")
    chosen = np.flatnonzero(wrong)
    # A data set is often sorted by class: the first mistakes would all be of one.
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(count, len(chosen))).round().astype(int)]
    titles = [
        "\n".join([f"{truth[i]}", *(f"{name}: {answer[i]}" for name, answer in methods.items())])
        for i in chosen
    ]
    return image_grid(np.asarray(images)[chosen], titles, columns=columns, size=1.3)


def _without_gray_channel(image: np.ndarray) -> np.ndarray:
    """matplotlib wants a gray image as H×W; Keras has it as H×W×1."""
    return image[..., 0] if np.ndim(image) == 3 and image.shape[-1] == 1 else image
