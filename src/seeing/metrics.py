"""What scikit-learn and Keras lack: how sure a measured accuracy is.

Explained in chapter 5, *What Does "Good" Mean?*, and chapter 9, *Before Deep Learning*.
"""

import numpy as np


def bootstrap_interval(
    correct: np.ndarray, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """An interval for an accuracy, from the test images' own hits and misses.

    The percentile bootstrap (B. Efron, *Bootstrap Methods: Another Look at the Jackknife*, 1979):
    draw n test images with replacement, many times, and see how much the accuracy varies. The
    number of hits in such a draw is a binomial random number, so it is drawn as one.

    Args:
        correct: shape (n,), for each test image whether the prediction was right; bool, or 0 and
            1.
        level: the share of draws inside the interval, between 0 and 1.
        resamples: number of draws.
        seed: of the random numbers; the same seed gives the same interval.

    Returns:
        The interval's two ends, fractions of 1. Where nothing was wrong, or nothing right, both
        are the same: a bootstrap knows no images but those it was given.

    Raises:
        ValueError: when there is no image, ``correct`` holds anything but hits and misses, or
            ``level`` or ``resamples`` is out of its range.
    """
    correct = np.asarray(correct)
    if correct.ndim != 1 or correct.size == 0:
        raise ValueError(f"correct has shape {correct.shape}; expected (n,), n at least 1")
    if not np.isin(correct, (0, 1)).all():
        raise ValueError("correct holds other values than True and False (or 1 and 0)")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; expected a share between 0 and 1, such as 0.95")
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}; expected 1 or more")
    random = np.random.default_rng(seed)
    draws = random.binomial(correct.size, correct.mean(), size=resamples) / correct.size
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
