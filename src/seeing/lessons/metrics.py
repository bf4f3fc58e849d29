"""What chapter 5 alone needs: the file that the page's demo of the threshold reads.

Explained in chapter 5, *What Does "Good" Mean?*
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn import metrics

from seeing import exports

DEMO_FORMAT = "seeing-scores-1"

# The thresholds at which the demo's tests compare, as logits.
CHECKED_AT = (-4.0, -1.5, 0.0, 2.0, 5.0)


def write_demo(
    path: pathlib.Path,
    logits: np.ndarray,
    positive: np.ndarray,
    jobs: Mapping[str, Mapping[str, float]],
    *,
    what: str,
) -> dict[str, Any]:
    """Write a detector's answers for the demo, and what scikit-learn makes of some thresholds.

    Args:
        path: the JSON file; its folder is made if need be.
        logits: one an image, shape (N,).
        positive: which images show what is looked for, bool, shape (N,).
        jobs: by name, what a ``"miss"`` and a ``"false"`` alarm cost.
        what: what is looked for, with its article.

    Returns:
        What was written.

    Raises:
        ValueError: when the shapes differ, or all images are of one kind.
    """
    logits, positive = np.round(np.asarray(logits, dtype="float64"), 4), np.asarray(positive, bool)
    if logits.shape != positive.shape or logits.ndim != 1:
        raise ValueError(f"logits {logits.shape} and labels {positive.shape}: expected one a row")
    if positive.all() or not positive.any():
        raise ValueError("all images are of one kind; the demo needs both")
    checks = []
    for threshold in CHECKED_AT:
        said = logits >= threshold
        (tn, fp), (fn, tp) = metrics.confusion_matrix(positive, said, labels=[False, True]).tolist()
        checks.append({"threshold": threshold, "tn": tn, "fp": fp, "fn": fn, "tp": tp})
    content = {
        "format": DEMO_FORMAT,
        "what": what,
        "logits": logits.tolist(),
        "positives": "".join("1" if one else "0" for one in positive),
        "jobs": {
            job: {"miss": costs["miss"], "alarm": costs["false"]} for job, costs in jobs.items()
        },
        "checks": checks,
    }
    return exports.write(path, content)
