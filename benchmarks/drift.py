"""How often does `watch` raise an alarm, where something has changed and where nothing has?

Run ``python benchmarks/drift.py``; it needs the flower photographs and ResNet50's weights. A head
is trained on some of the training photographs' features. Of the photographs of the validation and
test parts, some are the reference and the others what comes in use: as they are, made worse,
changed in a way that does little harm, and with a class that the head has never seen. Beside the
alarms stands the accuracy, as an alarm does not say that it fell.

False alarms are counted over several splits into reference and use: one split alone has its own
chance in it.
"""

import argparse
import io
import time
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance
from scipy import special

from seeing import drift
from seeing.datasets import flowers
from seeing.models import backbones, heads, resnet50
from seeing.photos import reading
from seeing.transforms import corruptions

SIDE = 224
SPLITS = 20
UNSURE_BELOW = 0.6
Change = Callable[[np.ndarray], np.ndarray]


def each(change: Callable[[Image.Image], Image.Image]) -> Change:
    """A change of one image, for many."""
    return lambda images: np.stack([np.asarray(change(Image.fromarray(one))) for one in images])


def as_jpeg(quality: int) -> Change:
    """Save as JPEG and read again."""

    def change(image: Image.Image) -> Image.Image:
        content = io.BytesIO()
        image.save(content, "JPEG", quality=quality)
        return Image.open(content).convert("RGB")

    return each(change)


CHANGES: dict[str, Change] = {
    "blur, 2 pixels": lambda images: corruptions.blur(images, 2),
    "blur, 1 pixel": lambda images: corruptions.blur(images, 1),
    "noise, 0.1": lambda images: corruptions.noise(images, 0.1),
    "noise, 0.04": lambda images: corruptions.noise(images, 0.04),
    "contrast, 0.4": each(lambda image: ImageEnhance.Contrast(image).enhance(0.4)),
    "JPEG, quality 10": as_jpeg(10),
    "JPEG, quality 30": as_jpeg(30),
    "brighter, 1.1": each(lambda image: ImageEnhance.Brightness(image).enhance(1.1)),
    "brighter, 1.3": each(lambda image: ImageEnhance.Brightness(image).enhance(1.3)),
    "brighter, 1.5": each(lambda image: ImageEnhance.Brightness(image).enhance(1.5)),
}


class Head:
    """Features to probabilities, for some of the classes."""

    def __init__(self, X: np.ndarray, y: np.ndarray, classes: np.ndarray):
        """Solve it on those of the photographs that belong to the classes."""
        self.classes, chosen = classes, np.isin(y, classes)
        labels = np.searchsorted(classes, y[chosen])
        solved = heads.solve_head(X[chosen], labels, n_classes=len(classes))
        self._weights, self._biases = solved.get_weights()

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Probabilities, shape (n, K)."""
        return special.softmax(X @ self._weights + self._biases, axis=1)

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """Share of photographs that get their name."""
        return float(np.mean(self.classes[self(X).argmax(axis=1)] == y))


def row(name: str, detector: drift.Detector, head: Head, X: np.ndarray, y: np.ndarray) -> None:
    """Print how often batches of some photographs raise an alarm, beside the accuracy."""
    start = time.perf_counter()
    found = detector.alarms(X, head(X))
    low, high = found["any"].interval()
    shares = "  ".join(f"{found[name].mean:7.1%}" for name in ("inputs", "answers", "don't know"))
    print(
        f"{name:32} {found['any'].mean:6.1%} ({low:5.1%} to {high:6.1%})  {shares}  "
        f"{head.accuracy(X, y):6.1%}  {time.perf_counter() - start:4.1f} s",
        flush=True,
    )


def detector(head: Head, X: np.ndarray, seed: int = 0) -> drift.Detector:
    """With some photographs as the reference."""
    return drift.Detector(X, head(X), unsure_below=UNSURE_BELOW, seed=seed)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--training", type=int, default=700, help="photographs for the head [700]")
    options.add_argument(
        "--used", type=int, default=450, help="held-out photographs that come in use [450]"
    )
    options.add_argument("--keep", help="a file for the features; read where it is there already")
    given = options.parse_args()
    photographs = flowers.load(allow_stand_in=False)
    random = np.random.default_rng(0)
    training = np.flatnonzero(photographs.split == "training")
    training = np.sort(random.choice(training, given.training, replace=False))
    held = np.flatnonzero(photographs.split != "training")
    used = np.sort(random.permutation(len(held))[: given.used])
    known = np.setdiff1d(np.arange(len(held)), used)
    y_training, y = photographs.y[training], photographs.y[held]
    found = features(photographs, training, held, used, given.keep)
    X = found["held out"]

    every = np.arange(len(photographs.class_names))
    head = Head(found["training"], y_training, every)
    print(
        f"\n{len(known)} photographs as the reference, {len(used)} in use, batches of "
        f"{drift.BATCH_SIZE}, {drift.ALARM_RATE:.0%} false alarms accepted\n"
        f"{'':32} {'alarms':>6} {'':18}  {'inputs':>7}  {'answers':>7}  {'unsure':>7}  accuracy"
    )
    reference = detector(head, X[known])
    row("as they are", reference, head, X[used], y[used])
    for name in (*CHANGES, "the whole photograph, squeezed"):
        row(name, reference, head, found[name], y[used])
    weights = np.where(np.isin(y[used], every[:2]), 3.0, 1.0)
    chosen = random.choice(used, len(used) // 2, replace=False, p=weights / weights.sum())
    row("two classes thrice as frequent", reference, head, X[chosen], y[chosen])

    shares = drift.false_alarms(
        X, head(X), reference=len(known), splits=SPLITS, unsure_below=UNSURE_BELOW
    )
    print(
        f"\nfalse alarms over {SPLITS} splits, 50 batches each: {shares.mean():.1%} "
        f"(from {shares.min():.0%} to {shares.max():.0%})\n"
    )

    for new in every:
        fewer = Head(found["training"], y_training, np.setdiff1d(every, new))
        reference = detector(fewer, X[known[y[known] != new]])
        old, strange = used[y[used] != new], np.flatnonzero(y == new)
        name = photographs.class_names[new]
        row(f"never seen: {name}; none comes", reference, fewer, X[old], y[old])
        for share in (1.0, 0.5, 0.2):
            some = mixed(old, strange, share)
            row(f"  {share:.0%} {name}", reference, fewer, X[some], y[some])


def mixed(old: np.ndarray, strange: np.ndarray, share: float) -> np.ndarray:
    """Photographs of which a share is strange, as many as there are."""
    total = min(len(strange) / share, len(old) / (1 - share) if share < 1 else np.inf)
    return np.concatenate([strange[: int(total * share)], old[: int(total * (1 - share))]])


def features(
    photographs: flowers.Flowers,
    training: np.ndarray,
    held: np.ndarray,
    used: np.ndarray,
    kept: str | None,
) -> dict[str, np.ndarray]:
    """ResNet50's features of all photographs and of what is made of them."""
    if kept:
        try:
            with np.load(kept) as file:
                return dict(file)
        except FileNotFoundError:
            pass
    network = backbones.from_pixels(
        resnet50.build(include_top=False, input_shape=(None, None, 3), pooling="avg")
    )

    def of(indices: np.ndarray, look: reading.Look = "center") -> np.ndarray:
        return reading.read_squares([photographs.paths[i] for i in indices], SIDE, look=look)

    images = of(held)
    found = {
        "training": backbones.of_images(network, of(training)),
        "held out": backbones.of_images(network, images),
    }
    for name, change in CHANGES.items():
        found[name] = backbones.of_images(network, change(images[used]))
    squeezed = of(held[used], "whole")
    found["the whole photograph, squeezed"] = backbones.of_images(network, squeezed)
    if kept:
        np.savez(kept, **found)
    return found


if __name__ == "__main__":
    main()
