"""Are planted copies found among thousands of photographs, and nothing else? And how fast?

Run ``python benchmarks/near_duplicates.py``. Copies of every fifth photograph (the flowers', drawn
ones where there are none) are written to a temporary folder: saved again as JPEG, reduced,
brightened or darkened, cropped, or all of these. Then the folder is listed and searched as
``python -m seeing train`` does.

A pair is right when both photographs come from one original, or the flowers' own list of
near-duplicates says so. The other pairs are named: on the flowers they deserve a look.
"""

import argparse
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance

from seeing.datasets import flowers
from seeing.photos import folders, near_duplicates, reading

Change = Callable[[Image.Image, np.random.Generator], Image.Image]

EVERY = 5  # the share of photographs that get a copy


def reduced(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Between a third and nine tenths of the size."""
    scale = random.uniform(0.33, 0.9)
    return image.resize((round(image.width * scale), round(image.height * scale)))


def relit(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Up to 30 % darker or brighter."""
    return ImageEnhance.Brightness(image).enhance(random.uniform(0.7, 1.3))


def cropped(image: Image.Image, random: np.random.Generator, share: float = 0.05) -> Image.Image:
    """Up to ``share`` of the width and height cut off on each side."""
    left, top, right, bottom = random.uniform(0, share, 4)
    width, height = image.size
    return image.crop(
        (
            round(left * width),
            round(top * height),
            round((1 - right) * width),
            round((1 - bottom) * height),
        )
    )


CHANGES: dict[str, Change] = {
    "saved again": lambda image, random: image,
    "reduced": reduced,
    "relit": relit,
    "cropped 5 %": cropped,
    "cropped 10 %": lambda image, random: cropped(image, random, 0.1),
    "all of these": lambda image, random: relit(reduced(cropped(image, random), random), random),
}


def plant(data: flowers.Flowers, root: pathlib.Path) -> list[tuple[int, str]]:
    """Link every photograph into ``root``, and write the copies beside them.

    Returns:
        The original's index, and what was done, of each copy; copy k is called ``copy k.jpg``.
    """
    for i, (path, label) in enumerate(zip(data.paths, data.y, strict=True)):
        place = root / data.class_names[label] / f"original {i}{path.suffix}"
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(path.resolve())
    random = np.random.default_rng(0)
    originals = random.permutation(len(data.paths))[: len(data.paths) // EVERY]
    planted = []
    for k, i in enumerate(originals.tolist()):
        name = list(CHANGES)[k % len(CHANGES)]
        image = CHANGES[name](Image.fromarray(reading.read_image(data.paths[i])), random)
        place = root / data.class_names[data.y[i]] / f"copy {k}.jpg"
        image.save(place, quality=int(random.integers(40, 90)))
        planted.append((i, name))
    return planted


def main() -> int:
    """Print recall by kind of change, precision, and seconds."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    data = flowers.load(allow_stand_in=True)
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        planted = plant(data, root)
        start, start_cpu = time.perf_counter(), time.process_time()
        folder = folders.scan(root)
        listed = time.perf_counter()
        found = near_duplicates.find(folder.looks)
        searched, cpu = time.perf_counter(), time.process_time() - start_cpu
    named = [path.stem.split() for path in folder.paths]  # ["copy", "12"]
    # The original of each photograph: its own number, or that of what it is a copy of.
    source = [planted[int(n)][0] if kind == "copy" else int(n) for kind, n in named]
    position = {(kind, int(n)): i for i, (kind, n) in enumerate(named)}
    joined = {i: set(group) for group in found.groups for i in group}
    print(f"{len(data.paths):,} photographs, {data.edition} edition, {len(planted)} copies")
    seconds = f"listed in {listed - start:.1f} s, searched in {searched - listed:.1f} s"
    print(f"{seconds}; {cpu:.1f} s of CPU time")
    hits = [
        position["original", i] in joined.get(position["copy", k], ())
        for k, (i, _) in enumerate(planted)
    ]
    for change in CHANGES:
        of_this = [hit for hit, (_, name) in zip(hits, planted, strict=True) if name == change]
        print(f"  {change:14}{np.mean(of_this):8.1%} of {len(of_this)} found")
    known = [set(group) for group in near_duplicates.groups(len(source), data.near_duplicates)]
    others = [
        (i, j, likeness)
        for i, j, likeness in found.pairs
        if source[i] != source[j] and not any({source[i], source[j]} <= group for group in known)
    ]
    print(f"recall {np.mean(hits):.1%}, precision {1 - len(others) / len(found.pairs):.1%}")
    print(f"{len(found.crowds)} crowds, {len(found.plain)} plain; pairs that are neither:")
    for i, j, likeness in others:
        names = sorted(data.paths[source[k]].name for k in (i, j))
        print(f"  {likeness:.3f}  {'  '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
