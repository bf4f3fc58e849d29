"""What chapter 13 alone needs: an unsorted folder, a simulated labeler, and a server to ask.

A simulated labeler is no person. It errs as often as it is told to, by chance and not where a
photograph is hard, and it gives the same answer to the same question whatever was asked before:
so two ways to choose photographs can be compared with nothing else changed.

Explained in chapter 13, *From Photographs to Product*.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import pathlib
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import requests
from PIL import Image

from seeing.photos import reading
from seeing.studio import draw, linear, queues

if TYPE_CHECKING:
    import fastapi

LATER = 0.2  # of the photographs, which come only when the classifier is in use
REDUCED = 0.8  # a planted near-duplicate's size, as a share of its original's
START_S = 30  # how long a server may take until it can be asked


def write_unsorted(
    paths: Sequence[pathlib.Path], folder: pathlib.Path, *, seed: int = 0
) -> dict[str, int]:
    """Copy photographs into one folder, as they lie on a disk before anybody has sorted them.

    Their names are numbers, in an order drawn at random. Three files are planted: a copy of the
    first, a smaller version of the second, and one that is cut off in the middle.

    Args:
        paths: image files, at least 3.
        folder: where the copies go; made if missing.
        seed: of the order.

    Returns:
        Which of the paths each file is a version of, by the file's name; the damaged one is not
        among them.

    Raises:
        ValueError: when there are fewer than 3 photographs.
    """
    if len(paths) < 3:
        raise ValueError(f"{len(paths)} photographs; expected 3 or more")
    folder.mkdir(parents=True, exist_ok=True)
    order, source = np.random.default_rng(seed).permutation(len(paths)), {}
    for place, i in enumerate(order.tolist()):
        name = f"{place:04}{paths[i].suffix}"
        shutil.copyfile(paths[i], folder / name)
        source[name] = i
    first, second, third = (paths[i] for i in order[:3])
    copy, smaller = f"{len(paths):04}{first.suffix}", f"{len(paths) + 1:04}.png"
    shutil.copyfile(first, folder / copy)
    pixels = Image.fromarray(reading.read_image(second))
    size = tuple(max(reading.MIN_SIDE, round(REDUCED * side)) for side in pixels.size)
    pixels.resize(size, Image.Resampling.LANCZOS).save(folder / smaller)
    content = third.read_bytes()
    (folder / f"{len(paths) + 2:04}{third.suffix}").write_bytes(content[: len(content) // 2])
    return source | {copy: int(order[0]), smaller: int(order[1])}


@dataclasses.dataclass(frozen=True)
class Labeler:
    """Somebody who names photographs, and is sometimes wrong.

    Attributes:
        truth: the right class of each photograph, 0 to ``n_classes`` - 1.
        n_classes: number of classes.
        errs: how often a photograph that was looked at gets another class's name, any of them.
        accepts: how often a suggestion that is shown is taken without a look.
        seed: another one is another labeler.
    """

    truth: Sequence[int] | np.ndarray
    n_classes: int
    errs: float = 0.0
    accepts: float = 0.0
    seed: int = 0

    def says(self, photograph_id: int, suggestion: int | None = None) -> int:
        """What the labeler calls a photograph; asked twice, the same.

        Args:
            photograph_id: its place in ``truth``.
            suggestion: the class that is shown with it, if one is.
        """
        accepts, errs, which = (
            draw.random_number(self.seed, f"{what} {photograph_id}")
            for what in ("accepts", "errs", "which")
        )
        if suggestion is not None and accepts < self.accepts:
            return suggestion
        right = int(self.truth[photograph_id])
        if errs >= self.errs:
            return right
        return (right + 1 + int(which * (self.n_classes - 1))) % self.n_classes


@dataclasses.dataclass(frozen=True)
class Project:
    """Photographs with features and their places, from which labels make a data set.

    Those whose lot is the highest come later: nobody labels them, and what is in use meets them.

    Attributes:
        X: float32, shape (n, d), their features. A photograph's id is its row.
        places: which part each belongs to, as :func:`seeing.studio.draw.deal` gives it.
        n_classes: number of classes.
        tested: how many photographs of the test set count, the first of its draw; None: all.
    """

    X: np.ndarray
    places: Sequence[draw.Place]
    n_classes: int
    tested: int | None = None

    @property
    def ids(self) -> np.ndarray:
        """int64, shape (n,)."""
        return np.arange(len(self.X))

    @property
    def groups(self) -> np.ndarray:
        """int64, shape (n,); near-duplicates share a number."""
        return np.array([place.group for place in self.places])

    @functools.cached_property
    def test_order(self) -> tuple[int, ...]:
        """The whole locked test set, in the order of its draw."""
        test = [i for i, place in enumerate(self.places) if place.part == "test"]
        return tuple(sorted(test, key=lambda i: (self.places[i].number, i)))

    @functools.cached_property
    def pool(self) -> np.ndarray:
        """int64: the photographs that may be labeled and trained on."""
        return self._of_training(later=False)

    @functools.cached_property
    def later(self) -> np.ndarray:
        """int64: the photographs that come later, in the order of the draw."""
        return self._of_training(later=True)

    def _of_training(self, *, later: bool) -> np.ndarray:
        drawn = [
            (place.number, i) for i, place in enumerate(self.places) if place.part == "training"
        ]
        return np.array([i for number, i in sorted(drawn) if (number >= 1 - LATER) == later])

    @property
    def task(self) -> linear.Task:
        """One of the classes a photograph."""
        return linear.Task(tuple(range(self.n_classes)))

    @functools.cached_property
    def scaling(self) -> linear.Scaling:
        """Of the features of all photographs that may be trained on."""
        return linear.Scaling.of(self.X[self.pool])

    def photographs(self, labels: Mapping[int, int]) -> queues.Photographs:
        """All photographs as the queues want them; those with a label, or later, do not wait."""
        waiting = ~np.isin(self.ids, [*labels, *self.later])
        return queues.Photographs(self.ids, self.groups, waiting, self.test_order)

    def labeled(self, labels: Mapping[int, int]) -> linear.Labeled:
        """Those that have a label, as heads want them."""
        named = {i: (label,) for i, label in labels.items()}
        return linear.Labeled.of(self.task, named, self.ids, self.X, self.groups)

    def test_set(self, labels: Sequence[int] | np.ndarray) -> linear.Labeled:
        """The test photographs that count, with a label for every photograph given."""
        order = self.test_order[: self.tested]
        return self.labeled({i: int(labels[i]) for i in order})


def found_by(order: Sequence[int], planted: Sequence[int], shares: Sequence[float]) -> list[float]:
    """How many of some photographs are met when the first so many of a queue are reviewed.

    Args:
        order: photographs, the first to be reviewed first.
        planted: what is looked for, at least 1.
        shares: of the queue that are reviewed, 0 to 1.

    Returns:
        For each share of the queue, the share of the planted that it holds.

    Raises:
        ValueError: when nothing is looked for.
    """
    if not len(planted):
        raise ValueError("nothing was planted; expected 1 photograph or more")
    met = np.cumsum(np.isin(order, planted))
    ends = [round(share * len(order)) for share in shares]
    return [float(met[end - 1] / len(planted)) if end else 0.0 for end in ends]


@contextlib.contextmanager
def serving(app: "fastapi.FastAPI") -> Iterator[str]:
    """Let an app answer on this machine, in a thread of its own; gives its address.

    Raises:
        TimeoutError: when it cannot be asked in time.
    """
    import uvicorn

    from seeing.app import serve

    place = serve.bind("127.0.0.1", 0)
    config = uvicorn.Config(app, http="h11", ws="none", lifespan="on", log_level="error")
    server = uvicorn.Server(config)
    place.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
    thread.start()
    until = time.monotonic() + START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise TimeoutError(f"the server did not start within {START_S} s")
        time.sleep(0.02)
    try:
        yield serve.address(place)
    finally:
        server.should_exit = True
        thread.join(START_S)
        place.close()


def ask(
    address: str, paths: Sequence[pathlib.Path], *, count: int, at_once: int = 2
) -> tuple[list[float], list[str]]:
    """Send photographs to a server, and wait for each answer.

    Args:
        address: of the server, such as ``http://127.0.0.1:8000``.
        paths: image files, taken in turn.
        count: of requests.
        at_once: how many programs ask at the same time.

    Returns:
        How long each answer took, in seconds, and what each said first.

    Raises:
        requests.HTTPError: when the server refuses.
    """
    contents = [path.read_bytes() for path in paths[:count]]

    def one(i: int) -> tuple[float, str]:
        start = time.perf_counter()
        files = {"photograph": contents[i % len(contents)]}
        response = requests.post(f"{address}/photograph", files=files, timeout=60)
        seconds = time.perf_counter() - start
        response.raise_for_status()
        return seconds, response.json()["answer"]

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        found = list(pool.map(one, range(count)))
    seconds, answers = zip(*found, strict=True)
    return list(seconds), list(answers)
