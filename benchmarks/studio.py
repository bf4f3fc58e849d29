"""How long does a labeler wait from "retrain" to the new queue?

Run ``python benchmarks/studio.py``. Features and labels are drawn at random, as many as a project
of that size has when nearly all of it is labeled, the slowest case: a fifth is the test set, a
hundred photographs wait, all others are trained on. Twice: with classes that lie apart as those of
real photographs do, so that most are told from each other, and with labels by chance, which the
solver takes longest for.

First, how long it takes to keep and to read features, with a network that takes no time. The bar
is 10 seconds for 3,000 photographs on two cores, from the labels to the queue of uncertain
photographs; the other queues come on top where they are asked for. Beside each time stands that of
the processor, which another program on this machine changes less.
"""

import argparse
import contextlib
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from seeing.models import backbones  # noqa: F401, so that no time below is that of importing Keras
from seeing.studio import features, learner, linear, queues, scores, versions

BAR = 10.0  # seconds, for PHOTOGRAPHS of them
PHOTOGRAPHS, FEATURES, CLASSES = 3_000, 2_048, 5
WAITING = 100
SIDE = 8
APART = 3.0  # from the middle to each class's, in standard deviations of each feature


class Drawn:
    """A network that takes no time: every photograph gets the next row of an array."""

    name = "drawn"

    def __init__(self, rows: np.ndarray):
        self._rows, self._given = rows, 0

    def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Shape of the answers to images of a shape."""
        return (shape[0], self._rows.shape[1])

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        """The next rows, as many as there are images; zeros behind the last one."""
        rows = self._rows[self._given : self._given + len(images)]
        self._given += len(rows)
        return np.pad(rows, [(0, len(images) - len(rows)), (0, 0)])


@contextlib.contextmanager
def timed(what: str) -> Iterator[list[float]]:
    """Print the seconds of a block; the list then holds them."""
    seconds: list[float] = []
    start, start_cpu = time.perf_counter(), time.process_time()
    yield seconds
    elapsed, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    seconds.append(elapsed)
    print(f"  {what:52}{elapsed:8.2f}{cpu:8.2f}", flush=True)


def draw(count: int, size: int, classes: int, *, apart: float) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels: a cloud of points a class, its middle somewhere near the others'."""
    random = np.random.default_rng(0)
    y = random.integers(0, classes, count)
    centers = random.normal(size=(classes, size))
    centers *= apart / np.linalg.norm(centers, axis=1, keepdims=True)
    X = (centers[y] + random.normal(size=(count, size))).astype(np.float32)
    return X, y


def keep(X: np.ndarray, folder: pathlib.Path) -> None:
    """Keep features of as many tiny photographs, and read them again."""
    photographs = {}
    for i in range(len(X)):
        path = folder / f"{i}.png"
        color = (i % 256, i // 256 % 256, i // 65536)
        Image.new("RGB", (SIDE, SIDE), color).save(path)
        photographs[features.digest(path)] = path
    recipe = features.Recipe("drawn", SIDE, "whole", X.shape[1], lambda: Drawn(X))
    kept = features.Kept(folder / "features", recipe)
    with timed("hash, read and keep, without the network"):
        kept.add(photographs)
    with timed("ask again: nothing is lacking"):
        kept.add(photographs)
    with timed("read all from disk"):
        found, there = kept.rows(list(photographs))
    assert there.all()
    np.testing.assert_array_equal(found, X)


def wait(X: np.ndarray, y: np.ndarray, classes: int, folder: pathlib.Path) -> float:
    """Retrain and ask each queue; seconds from the labels to the uncertain ones."""
    count = len(X)
    ids = np.arange(count)
    task = linear.Task(tuple(range(classes)))
    of_test, waiting = ids < count // 5, ids >= count - WAITING
    labels = {int(i): {int(y[i])} for i in ids[~waiting & ~of_test]}
    tests = {int(i): {int(y[i])} for i in ids[of_test]}
    every = queues.Photographs(ids, ids, waiting, tuple(ids[of_test].tolist()))
    kept = versions.Versions(folder / "models")
    with timed(f"retrain on {len(labels):,}, test on {len(tests):,}, queue: uncertain") as seconds:
        labeled = linear.Labeled.of(task, labels, ids, X, ids)
        test_set = linear.Labeled.of(task, tests, ids, X, ids)
        scaling = linear.Scaling.of(X[~of_test])
        trained = learner.retrain(
            labeled, test_set, scaling, kept, last_event=count, features="drawn"
        )
        p = trained.version.head.probabilities(X)
        found = queues.uncertain(every, p, limit=50)
    assert len(found) == 50
    with timed("queue: likely mislabeled, five folds"):
        full = learner.out_of_fold(labeled, scaling)
        queues.likely_mislabeled(every, labeled, full.probabilities, full.judged, limit=50)
    with timed("when to stop: two more points of the learning curve"):
        curve = learner.learning_curve(labeled, scaling, full)
    with timed("queue: disagreeing, five members"):
        members = learner.committee(labeled, scaling)
        votes = np.stack([head.probabilities(X) for head in members])
        queues.disagreeing(every, votes, multi_label=False, limit=50)
    unlabeled = queues.Photographs(ids, ids, np.ones(count, bool), every.test_order)
    with timed("clusters of all photographs, before the first label"):
        queues.clusters(unlabeled, X)
    accuracy = trained.tested.accuracy
    print(f"  {said(accuracy)} on the test set, {said(curve.shares[-1])} out of fold")
    return seconds[0]


def said(share: scores.Share) -> str:
    """An accuracy with its interval."""
    low, high = share.interval
    return f"{share.value:.1%} ({low:.1%} to {high:.1%})"


def main() -> int:
    """Print seconds; the exit status says whether the bar was kept."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photographs", type=int, default=PHOTOGRAPHS, help="[3000]")
    parser.add_argument("--features", type=int, default=FEATURES, help="[2048]")
    parser.add_argument("--classes", type=int, default=CLASSES, help="[5]")
    options = parser.parse_args()
    size = (options.photographs, options.features)
    print(f"{size[0]:,} photographs, {size[1]:,} features, {options.classes} classes")
    print(f"{os.cpu_count()} CPU cores, load of the machine before: {os.getloadavg()[0]:.1f}")
    print(f"  {'':52}{'seconds':>8}{'CPU':>8}")
    cases: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
        "classes that lie apart": lambda: draw(*size, options.classes, apart=APART),
        "labels by chance": lambda: draw(*size, options.classes, apart=0.0),
    }
    longest = 0.0
    for name, drawn in cases.items():
        X, y = drawn()
        with tempfile.TemporaryDirectory() as folder:
            if not longest:
                keep(X, pathlib.Path(folder))
            print(f"{name}:")
            longest = max(longest, wait(X, y, options.classes, pathlib.Path(folder)))
    print(f"longest from retrain to the queue: {longest:.2f} s; bar: {BAR:g} s")
    return 0 if longest <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
