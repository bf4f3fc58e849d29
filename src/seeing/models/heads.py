"""The last layer on a frozen network: built, solved, chosen, measured.

Explained in chapter 8, *A Flower Classifier*.
"""

from collections.abc import Mapping

import keras
import numpy as np
from sklearn import linear_model

from seeing.models import backbones

# With the default tolerance, 1e-4, the solver works four times as long on ResNet50's features,
# for the same answers.
SOLVER = {"max_iter": 5_000, "tol": 1e-3}


def accuracy(network: keras.Model, X: np.ndarray, y: np.ndarray) -> float:
    """Share of examples whose largest output is their label's.

    Args:
        network: examples to one number a class: logits or probabilities.
        X: n examples, at least 1.
        y: integer labels, shape (n,).
    """
    answers = [
        backbones.look(network, X[i : i + 2 * backbones.BATCH_SIZE])
        for i in range(0, len(X), 2 * backbones.BATCH_SIZE)
    ]
    return float(np.mean(np.concatenate(answers).argmax(axis=1) == y))


def head(feature_count: int, n_classes: int) -> keras.Sequential:
    """A new last layer: one logit a class.

    Args:
        feature_count: numbers that describe a photograph; 2,048 for ResNet50.
        n_classes: number of classes.
    """
    return keras.Sequential(
        [
            keras.Input((feature_count,)),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(n_classes),
        ],
        name="head",
    )


def solve_head(
    features: np.ndarray, y: np.ndarray, *, n_classes: int, C: float = 0.01
) -> keras.Sequential:
    """A new head by logistic regression: the same linear model, solved to the end.

    Training by steps comes near this solution; scikit-learn's solver reaches it, needs no seed, and
    takes seconds for a few thousand photographs.

    Args:
        features: float, shape (n, feature_count), what the frozen network said.
        y: integer labels, shape (n,), each of 0 to K - 1 at least once.
        n_classes: number of classes, K, at least 2.
        C: scikit-learn's inverse strength of regularization: small is cautious.

    Returns:
        A network like :func:`head`: features to K logits.

    Raises:
        ValueError: when a label is missing, or there are fewer than two classes.
    """
    present = np.unique(y)
    if n_classes < 2 or not np.array_equal(present, np.arange(n_classes)):
        raise ValueError(
            f"the labels are {present}; expected each of 0 to {n_classes - 1} at least once, and "
            "two classes or more"
        )
    solved = linear_model.LogisticRegression(C=C, **SOLVER).fit(features, y)
    weights, biases = solved.coef_.T, solved.intercept_
    if n_classes == 2:  # scikit-learn gives one logit; the other is 0
        weights = np.concatenate([np.zeros_like(weights), weights], axis=1)
        biases = np.concatenate([np.zeros(1), biases])
    new_head = head(features.shape[1], n_classes)
    new_head.set_weights([weights, biases])
    return new_head


def choose_head(
    heads: Mapping[float, keras.Model], features: np.ndarray, y: np.ndarray
) -> tuple[float, dict[float, float]]:
    """Which of several heads does best on validation photographs; the first wins a tie.

    Args:
        heads: heads by the C that they were solved with.
        features: float, shape (n, feature_count), n at least 1.
        y: integer labels, shape (n,).

    Returns:
        The best head's C, and each one's accuracy by its C.
    """
    scores = {C: accuracy(solved, features, y) for C, solved in heads.items()}
    return max(scores, key=scores.get), scores
