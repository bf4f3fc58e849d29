"""The confusion matrix as a figure.

Explained where first
used, in chapter 4, *A First Honest CNN*.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot as plt

from seeing.figures import lettering, style

NAME_LENGTH = 24  # characters of a class's name, which stands beside a square of this size


def confusion_matrix(matrix: np.ndarray, class_names: Sequence[str]) -> plt.Axes:
    """Draw a confusion matrix: rows are true classes, columns predictions, color is row share.

    The diagonal is left pale: the eye should land on the mistakes.

    Args:
        matrix: counts, integer, shape (K, K), as ``sklearn.metrics.confusion_matrix`` returns.
        class_names: K names; the middle of a long one is left out.

    Returns:
        The axes.

    Raises:
        ValueError: when the matrix is not square, or the names do not fit it.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a confusion matrix is square; got shape {matrix.shape}")
    if len(class_names) != len(matrix):
        raise ValueError(f"{len(matrix)} classes, but {len(class_names)} names")
    row_totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(
        matrix, row_totals, out=np.zeros(matrix.shape, dtype=float), where=row_totals > 0
    )
    errors = shares.copy()
    np.fill_diagonal(errors, 0.0)
    ticks = lettering.shown_each(class_names, NAME_LENGTH)
    room = 0.08 * max(0, max(map(len, ticks)) - 10)  # inches, for names of more than 10 letters
    side = 1.6 + 0.42 * len(matrix) + room
    _, axis = plt.subplots(figsize=(side, side))
    top = errors.max() or 1.0
    image = axis.imshow(errors, cmap="Oranges", vmin=0, vmax=top)
    for row, column in np.ndindex(*matrix.shape):
        count = matrix[row, column]
        if count:
            axis.text(
                column,
                row,
                f"{count}",
                ha="center",
                va="center",
                fontsize=8,
                color=style.readable_on(image.to_rgba(errors[row, column])),
                fontweight="bold" if row == column else "normal",
            )
    positions = np.arange(len(matrix))
    axis.set_xticks(positions, ticks)
    if max(map(len, ticks)) >= 3:
        axis.tick_params(axis="x", labelrotation=45)
        for label in axis.get_xticklabels():  # which ends below its column, however long it is
            label.set(ha="right", rotation_mode="anchor")
    axis.set_yticks(positions, ticks)
    axis.set(xlabel="predicted class", ylabel="true class")
    axis.grid(visible=False)
    return axis
