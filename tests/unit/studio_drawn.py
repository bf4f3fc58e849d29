"""Drawn features and labels for the tests of the studio: clouds of points, one a class."""

import numpy as np

from seeing.studio import linear


def draw(
    count: int,
    *,
    classes: int = 3,
    multi_label: bool = False,
    seed: int = 0,
    distance: float = 2.0,
    features: int = 8,
    first_id: int = 100,
) -> linear.Labeled:
    """Labeled photographs that do not exist, each in a group of its own.

    Args:
        count: how many.
        classes: how many classes; their ids are 10, 20 and so on.
        multi_label: whether each class is there by a coin toss, or exactly one.
        seed: of all numbers.
        distance: from the middle to each class's, in standard deviations.
        features: how many of each photograph.
        first_id: of the photographs.
    """
    random = np.random.default_rng(seed)
    task = linear.Task(tuple(10 * (k + 1) for k in range(classes)), multi_label)
    if multi_label:
        Y = random.random((count, classes)) < 0.4
    else:
        Y = np.eye(classes, dtype=bool)[random.permutation(count) % classes]
    centers = np.linalg.qr(random.normal(size=(features, classes)))[0].T * distance
    X = Y @ centers + random.normal(size=(count, features))
    ids = np.arange(first_id, first_id + count)
    return linear.Labeled(task, ids, (5 + 3 * X).astype(np.float32), Y, ids.copy())
