"""Five species of flowers drawn by code: labeled photographs' stand-in, and the tests' images.

Each picture is computed from a seed: a blurred background, stems and leaves, one to three flowers
of one species. Colors, sizes, positions, tilt, number and cover overlap between the species on
purpose, so that only *shape* tells them apart: a linear model on raw pixels does badly, a small
convolutional network does well.

Explained in chapter 8, *A Flower Classifier*.
"""

import concurrent.futures
import dataclasses
import hashlib
import math
import pathlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from seeing.datasets import sources

CLASS_NAMES = (
    "drawn daisy",
    "drawn dandelion",
    "drawn roses",
    "drawn sunflowers",
    "drawn tulips",
)

# Raise it whenever a picture changes, so that a cache of older pictures is drawn anew.
VERSION = 1

# Petal colors, shared by all species: what color a flower has says little about what it is.
PETALS = np.array(
    [
        (0.97, 0.96, 0.93),  # white
        (0.98, 0.84, 0.18),  # yellow
        (0.97, 0.60, 0.14),  # orange
        (0.86, 0.16, 0.20),  # red
        (0.94, 0.52, 0.66),  # pink
        (0.66, 0.42, 0.80),  # violet
    ],
    dtype=np.float32,
)
CENTERS = np.array(
    [
        (0.93, 0.70, 0.12),  # gold
        (0.44, 0.26, 0.10),  # brown
        (0.60, 0.58, 0.18),  # olive
        (0.30, 0.17, 0.12),  # dark brown
    ],
    dtype=np.float32,
)
BACKGROUNDS = np.array(
    [
        (0.24, 0.40, 0.16),  # grass
        (0.12, 0.24, 0.13),  # deep shade
        (0.42, 0.34, 0.22),  # soil
        (0.50, 0.68, 0.84),  # sky
        (0.55, 0.55, 0.52),  # stone
        (0.62, 0.52, 0.30),  # straw
        (0.20, 0.22, 0.34),  # dusk
    ],
    dtype=np.float32,
)


@dataclasses.dataclass(frozen=True)
class DrawnFlowers:
    """Drawn pictures, their labels, and the record that says that they are drawn.

    Attributes:
        X: uint8, shape (n, size, size, 3), RGB.
        y: int64, shape (n,), indices into ``class_names``; the classes take turns.
        class_names: the five species.
        record: names the generator and its seed; ``is_stand_in`` is true.
    """

    X: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...]
    record: sources.DataRecord


def make(count: int, *, size: int = 64, seed: int = 0, first: int = 0) -> DrawnFlowers:
    """Draw ``count`` pictures, the five species in turn.

    Picture ``i`` depends on ``seed`` and ``i`` alone: ``make(10)`` are the first ten pictures of
    ``make(1000)``, and ``make(200, first=1000)`` are 200 pictures that ``make(1000)`` lacks.

    Args:
        count: number of pictures, at least 1.
        size: width and height in pixels, at least 16.
        seed: another seed gives other pictures.
        first: index of the first picture.

    Returns:
        The pictures and their labels.

    Raises:
        ValueError: when ``count`` or ``size`` is too small, or ``seed`` or ``first`` negative.
    """
    if count < 1 or size < 16 or seed < 0 or first < 0:
        raise ValueError(
            f"count is {count}, size {size}, seed {seed}, first {first}; "
            "expected at least 1, 16, 0 and 0."
        )
    indices = range(first, first + count)
    y = np.array([index % len(CLASS_NAMES) for index in indices], dtype=np.int64)
    # NumPy lets go of the interpreter's lock inside its loops, so a second thread helps a little.
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        pictures = list(pool.map(lambda index: draw(index, size=size, seed=seed), indices))
    X = np.stack(pictures)
    record = sources.DataRecord(
        name="drawn_flowers",
        origin=f"drawn by seeing.datasets.drawn_flowers, version {VERSION}, seed {seed}",
        sha256=hashlib.sha256(X).hexdigest(),
        is_stand_in=True,
    )
    return DrawnFlowers(X=X, y=y, class_names=CLASS_NAMES, record=record)


def write_folder(
    folder: pathlib.Path, count: int, *, size: int = 96, seed: int = 0
) -> list[pathlib.Path]:
    """Draw ``count`` pictures and write them as PNG files, one folder a species.

    Args:
        folder: where the five class folders go; made if missing.
        count: number of pictures.
        size: width and height in pixels.
        seed: another seed gives other pictures.

    Returns:
        The files' paths, in order of their index.
    """
    for name in CLASS_NAMES:
        (folder / name).mkdir(parents=True, exist_ok=True)

    def write(index: int) -> pathlib.Path:
        name = CLASS_NAMES[index % len(CLASS_NAMES)]
        path = folder / name / f"{name.replace(' ', '_')}_{seed}_{index:05d}.png"
        Image.fromarray(draw(index, size=size, seed=seed)).save(path, compress_level=1)
        return path

    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(write, range(count)))


def draw(index: int, *, size: int = 64, seed: int = 0) -> np.ndarray:
    """Draw picture ``index``: uint8, shape (size, size, 3). Its label is ``index % 5``."""
    random = np.random.default_rng([VERSION, seed, index])
    canvas = _Canvas(size)
    _background(canvas, random)
    for _ in range(random.integers(0, 4)):
        _leaf(canvas, random)
    species = SPECIES[index % len(SPECIES)]
    for x, y, radius in _places(random):
        _flower(canvas, random, species, x, y, radius)
    for _ in range(random.integers(0, 3)):
        _blade(canvas, random)
    return _photograph(canvas.pixels, random)


class _Canvas:
    """RGB pixels as float32 in 0..1, painted on in coordinates where the picture is 1×1."""

    def __init__(self, size: int):
        self.size = size
        self.pixels = np.zeros((size, size, 3), dtype=np.float32)
        self.axis = ((np.arange(size, dtype=np.float32) + 0.5) / size).astype(np.float32)

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns of the square of half-width ``reach`` around (x, y)."""
        n = self.size
        rows = slice(max(0, int((y - reach) * n)), min(n, math.ceil((y + reach) * n)))
        columns = slice(max(0, int((x - reach) * n)), min(n, math.ceil((x + reach) * n)))
        return rows, columns

    def paint(self, window: tuple[slice, slice], color: np.ndarray, opacity: np.ndarray) -> None:
        """Lay ``color`` (broadcast to the window) over what is there."""
        under = self.pixels[window]
        under += opacity[..., None] * (color - under)


def _places(random: np.random.Generator) -> list[tuple[float, float, float]]:
    """Centers and radii of one to three flowers, the largest last, so that it lies on top."""
    count = random.choice([1, 2, 3], p=[0.5, 0.3, 0.2])
    largest = random.uniform(0.24, 0.42) if count == 1 else random.uniform(0.20, 0.30)
    places: list[tuple[float, float, float]] = []
    for k in range(count):
        radius = largest * (1 if k == 0 else random.uniform(0.6, 0.95))
        for _ in range(12):
            x, y = random.uniform(0.18, 0.82, size=2)
            near = min((math.hypot(x - a, y - b) / (radius + c) for a, b, c in places), default=9)
            if near > 0.8:
                break
        places.append((float(x), float(y), float(radius)))
    return places[::-1]


def _flower(
    canvas: _Canvas,
    random: np.random.Generator,
    species: Callable,
    x: float,
    y: float,
    radius: float,
) -> None:
    upright = species is _tulip
    if upright or random.random() < 0.6:
        _stem(canvas, random, x, y, radius)
    angle = random.normal(0, 0.25) if upright else random.uniform(0, 2 * math.pi)
    tilt = random.uniform(0.85, 1.0) if upright else random.uniform(0.62, 1.0)
    window = canvas.window(x, y, radius * 1.3)
    rows, columns = window
    across = (canvas.axis[None, columns] - np.float32(x)) / np.float32(radius)
    down = (canvas.axis[rows, None] - np.float32(y)) / np.float32(radius)
    if across.size == 0 or down.size == 0:
        return
    turn = random.uniform(0, math.pi)
    if not upright:  # look at the flower from the side: squeeze it along a random direction
        across, down = _squeezed(across, down, turn, tilt)
    u = np.float32(math.cos(angle)) * across + np.float32(math.sin(angle)) * down
    v = np.float32(math.cos(angle)) * down - np.float32(math.sin(angle)) * across
    color = _jittered(PETALS[random.integers(len(PETALS))], random, 0.06)
    center = _jittered(CENTERS[random.integers(len(CENTERS))], random, 0.05)
    pen = _Pen(canvas, window, u, v, radius * canvas.size)
    # A soft shadow sets the flower off from a background of its own color.
    distance = np.hypot(u - 0.08, v - 0.1)
    pen.paint(np.zeros(3, dtype=np.float32), 0.35 * np.clip(1.25 - distance, 0, 1))
    species(pen, random, color, center)


def _squeezed(
    across: np.ndarray, down: np.ndarray, turn: float, tilt: float
) -> tuple[np.ndarray, np.ndarray]:
    cosine, sine = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    along = cosine * across + sine * down
    side = (cosine * down - sine * across) / np.float32(tilt)
    return cosine * along - sine * side, sine * along + cosine * side


@dataclasses.dataclass
class _Pen:
    """Paints one flower in its own coordinates: (u, v) with the flower's radius as the unit."""

    canvas: _Canvas
    window: tuple[slice, slice]
    u: np.ndarray
    v: np.ndarray
    pixels_per_unit: float

    def inside(self, distance: np.ndarray) -> np.ndarray:
        """Opacity of a shape from its signed distance (negative inside), edges one pixel soft."""
        return np.clip(0.5 - distance * np.float32(self.pixels_per_unit), 0, 1)

    def paint(self, color: np.ndarray, opacity: np.ndarray) -> None:
        self.canvas.paint(self.window, color, opacity)


def _daisy(pen: _Pen, random: np.random.Generator, color: np.ndarray, center: np.ndarray) -> None:
    """One ring of slender, round-ended petals with gaps between them; a small round disk."""
    count = int(random.integers(11, 19))
    _petals(pen, random, color, count, fill=random.uniform(0.62, 0.8), pointed=False, inner=0.12)
    _disk(pen, random, center, random.uniform(0.2, 0.28), seeds=False)


def _sunflower(
    pen: _Pen, random: np.random.Generator, color: np.ndarray, center: np.ndarray
) -> None:
    """Two rings of pointed petals around a wide disk of seeds."""
    count = int(random.integers(14, 22))
    for shade, reach in ((0.78, 1.0), (1.0, 0.95)):
        _petals(
            pen,
            random,
            color * np.float32(shade),
            count,
            fill=1.05,
            pointed=True,
            inner=0.4,
            reach=reach,
        )
    _disk(pen, random, center, random.uniform(0.46, 0.58), seeds=True)


def _petals(
    pen: _Pen,
    random: np.random.Generator,
    color: np.ndarray,
    count: int,
    *,
    fill: float,
    pointed: bool,
    inner: float,
    reach: float = 1.0,
) -> None:
    """One ring of petals; ``fill`` is how much of its share of the circle each one takes."""
    rho = np.hypot(pen.u, pen.v)
    turns = np.arctan2(pen.v, pen.u) * np.float32(count / (2 * math.pi)) + np.float32(
        random.uniform(0, 1)
    )
    which = np.floor(turns)
    aside = (turns - which - 0.5) * np.float32(2 * math.pi / count)
    which = which.astype(np.int64) % count
    length = reach * random.uniform(0.84, 1.0, size=count).astype(np.float32)[which]
    along = np.clip((rho - inner) / (length - inner), 0, 1)
    widest = fill * math.pi / count * 0.82
    profile = (
        _bump(along**0.62) ** 0.9
        if pointed
        else np.minimum(0.45 + along * 1.1, 1) * np.sqrt(np.clip(1 - along**5, 0, 1))
    )
    half_width = np.float32(widest) * profile
    lateral = np.abs(rho * np.sin(aside))
    opacity = pen.inside(np.maximum(lateral - half_width, rho - length)) * (rho > inner * 0.8)
    tone = random.uniform(0.86, 1.04, size=count).astype(np.float32)[which]
    crease = 1 - 0.28 * np.clip(lateral / np.maximum(half_width, 1e-3), 0, 1) ** 2
    tone = tone * crease * (0.72 + 0.28 * along)
    pen.paint(color * tone[..., None], opacity)


def _bump(t: np.ndarray) -> np.ndarray:
    """sin(πt) for t in 0..1; never below zero, where rounding would make a power of it NaN."""
    return np.maximum(np.sin(np.float32(math.pi) * t), 0)


def _disk(
    pen: _Pen, random: np.random.Generator, color: np.ndarray, radius: float, *, seeds: bool
) -> None:
    rho = np.hypot(pen.u, pen.v)
    light = 1.12 - 0.5 * np.clip(rho / radius, 0, 1) ** 2 - 0.16 * (pen.u + pen.v) / radius
    if seeds:
        # Crossing spirals, as seeds stand: Vogel (1979), Mathematical Biosciences 44.
        theta = np.arctan2(pen.v, pen.u)
        twist = 9 * np.sqrt(np.clip(rho / radius, 1e-3, None))
        pattern = np.sin(13 * theta + 2.2 * twist) * np.sin(13 * theta - 2.2 * twist)
        light = light * (1 + 0.3 * pattern)
    pen.paint(color * light[..., None], pen.inside(rho - np.float32(radius)))


def _dandelion(
    pen: _Pen, random: np.random.Generator, color: np.ndarray, center: np.ndarray
) -> None:
    """A see-through ball of fine rays, each with a tuft at its end, around a small button."""
    rho = np.hypot(pen.u, pen.v)
    theta = np.arctan2(pen.v, pen.u)
    pen.paint(color, 0.34 * np.clip(1 - rho, 0, 1) ** 0.5 * (rho < 1))
    for shade, reach in ((0.8, 1.0), (0.92, 0.8), (1.04, 0.58)):
        count = int(random.integers(20, 29))
        turns = theta * np.float32(count / (2 * math.pi)) + np.float32(random.uniform(0, 1))
        which = np.floor(turns)
        lateral = np.abs(rho * np.sin((turns - which - 0.5) * np.float32(2 * math.pi / count)))
        which = which.astype(np.int64) % count
        length = reach * random.uniform(0.86, 1.0, size=count).astype(np.float32)[which]
        ray = pen.inside(np.maximum(lateral - 0.012, rho - length)) * 0.75
        tuft = pen.inside(np.hypot(lateral, rho - length + 0.05) - np.float32(0.055))
        pen.paint(color * np.float32(shade), np.maximum(ray, tuft * 0.95))
    pen.paint(center, pen.inside(rho - np.float32(0.11)))


def _rose(pen: _Pen, random: np.random.Generator, color: np.ndarray, center: np.ndarray) -> None:
    """Petals wrapped around each other: broad overlapping lobes, each lit at its rim."""
    del center  # a rose hides it
    rho = np.hypot(pen.u, pen.v)
    theta = np.arctan2(pen.v, pen.u)
    layers = int(random.integers(5, 7))
    handed = random.choice([-1, 1])
    for layer in range(layers):
        reach = 0.98 * (1 - layer / layers) ** 0.85
        lobes = 5 if layer < 2 else 3
        phase = random.uniform(0, 2 * math.pi)
        # Each lobe swells from one side to the other, so that neighbors seem to overlap.
        turn = ((theta * handed + phase) * np.float32(lobes / (2 * math.pi))) % 1
        edge = reach * (0.86 + 0.14 * _bump(turn**0.8))
        inward = np.clip((edge - rho) / np.float32(reach), 0, 1)
        tone = 0.62 + 0.42 * np.exp(-((inward / 0.16) ** 2)) - 0.16 * np.exp(-turn / 0.09)
        tone = tone * (0.94 - 0.26 * layer / layers)
        pen.paint(color * tone[..., None], pen.inside(rho - edge))


def _tulip(pen: _Pen, random: np.random.Generator, color: np.ndarray, center: np.ndarray) -> None:
    """A cup seen from the side: two outer petals, one in front, each with a pointed tip."""
    del center  # hidden in the cup
    height = (0.82 - pen.v) / 1.6  # 0 at the cup's foot, 1 at the tips
    opening = random.uniform(0.16, 0.36)
    for shift, shade, top in ((0.0, 0.6, 0.98), (-1.0, 0.84, 1.0), (1.0, 0.9, 1.0), (0.0, 1, 0.9)):
        t = np.clip(height / top, 0, 1)
        half_width = 0.46 * _bump(t**0.66) ** 0.75
        middle = shift * opening * (0.35 + 0.85 * t) * np.clip(t * 4, 0, 1)
        aside = pen.u - middle
        opacity = pen.inside(np.abs(aside) - half_width) * (height > 0) * (height < top)
        round_ = np.clip(np.abs(aside) / np.maximum(half_width, 1e-3), 0, 1)
        tone = shade * (0.8 + 0.2 * t) * (1.06 - 0.34 * round_**2)
        pen.paint(color * tone[..., None], opacity)


SPECIES = (_daisy, _dandelion, _rose, _sunflower, _tulip)


def _background(canvas: _Canvas, random: np.random.Generator) -> None:
    """Large soft patches of two colors, as behind a flower that a lens has in focus."""
    pair = BACKGROUNDS[random.integers(len(BACKGROUNDS), size=2)]
    cells = int(random.integers(3, 8))
    mix = random.uniform(0, 1, size=(cells, cells, 1)).astype(np.float32)
    patches = pair[0] * mix + pair[1] * (1 - mix)
    patches = patches * random.uniform(0.7, 1.25, size=(cells, cells, 1)).astype(np.float32)
    small = Image.fromarray((np.clip(patches, 0, 1) * 255).astype(np.uint8))
    large = small.resize((canvas.size, canvas.size), Image.Resampling.BICUBIC)
    canvas.pixels[:] = np.asarray(large, dtype=np.float32) / 255
    for _ in range(random.integers(0, 7)):  # bright disks: lights out of focus
        x, y = random.uniform(0, 1, size=2)
        radius = random.uniform(0.03, 0.12)
        color = _jittered(PETALS[random.integers(len(PETALS))], random, 0.1)
        _spot(canvas, float(x), float(y), float(radius), color, random.uniform(0.12, 0.5))


def _spot(
    canvas: _Canvas, x: float, y: float, radius: float, color: np.ndarray, opacity: float
) -> None:
    window = canvas.window(x, y, radius * 1.2)
    rows, columns = window
    distance = np.hypot(canvas.axis[None, columns] - x, canvas.axis[rows, None] - y) / radius
    canvas.paint(window, color, (opacity * np.clip((1.1 - distance) * 5, 0, 1)).astype(np.float32))


def _green(random: np.random.Generator) -> np.ndarray:
    return _jittered(np.array((0.26, 0.46, 0.18), dtype=np.float32), random, 0.09)


def _stem(canvas: _Canvas, random: np.random.Generator, x: float, y: float, radius: float) -> None:
    """A curved stem from the flower down to the edge of the picture."""
    rows = slice(max(0, int(y * canvas.size)), canvas.size)
    down = canvas.axis[rows, None] - np.float32(y)
    middle = x + random.normal(0, 0.12) * down + random.normal(0, 0.25) * down**2
    width = max(0.05 * radius + 0.008, 0.9 / canvas.size)
    aside = (canvas.axis[None, :] - middle) / np.float32(width)
    opacity = np.clip((1 - np.abs(aside)) * np.float32(width * canvas.size) + 0.5, 0, 1)
    tone = (0.85 - 0.3 * np.clip(aside, -1, 1))[..., None]
    canvas.paint((rows, slice(None)), _green(random) * tone, opacity)


def _leaf(canvas: _Canvas, random: np.random.Generator) -> None:
    """A pointed leaf with a lighter midrib, anywhere."""
    x, y = random.uniform(0, 1, size=2)
    length = random.uniform(0.14, 0.34)
    _blade_shape(canvas, random, float(x), float(y), length, random.uniform(0.16, 0.36))


def _blade(canvas: _Canvas, random: np.random.Generator) -> None:
    """A narrow blade of grass that may cover part of a flower."""
    x = random.uniform(0, 1)
    length = random.uniform(0.2, 0.5)
    _blade_shape(canvas, random, float(x), 1.0, length, 0.06, angle=random.normal(0, 0.35))


def _blade_shape(
    canvas: _Canvas,
    random: np.random.Generator,
    x: float,
    y: float,
    length: float,
    slenderness: float,
    angle: float | None = None,
) -> None:
    angle = random.uniform(0, 2 * math.pi) if angle is None else angle
    window = canvas.window(x, y, length)
    rows, columns = window
    across = (canvas.axis[None, columns] - x) / length
    down = (canvas.axis[rows, None] - y) / length
    along = math.sin(angle) * across - math.cos(angle) * down
    aside = math.cos(angle) * across + math.sin(angle) * down
    half_width = slenderness * np.clip(1 - along**2, 0, 1)
    edge = (half_width - np.abs(aside)) * length * canvas.size
    opacity = np.clip(edge + 0.5, 0, 1) * (np.abs(along) < 1)
    rib = np.exp(-((aside / (0.1 * slenderness + 0.004)) ** 2))
    tone = (0.8 + 0.25 * np.sign(aside) * 0.5 + 0.25 * rib)[..., None]
    canvas.paint(window, _green(random) * tone.astype(np.float32), opacity.astype(np.float32))


def _jittered(color: np.ndarray, random: np.random.Generator, spread: float) -> np.ndarray:
    return np.clip(color + random.normal(0, spread, size=3), 0, 1).astype(np.float32)


def _photograph(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """What a camera adds: exposure, a color cast, contrast and noise. Returns uint8."""
    cast = random.uniform(0.88, 1.12, size=3) * random.uniform(0.72, 1.2)
    contrast = random.uniform(0.8, 1.1)
    noise = random.standard_normal(size=pixels.shape, dtype=np.float32)
    exposed = (pixels - 0.5) * np.float32(contrast) + 0.5
    exposed = exposed * cast.astype(np.float32) + np.float32(random.uniform(0.004, 0.02)) * noise
    return (np.clip(exposed, 0, 1) * 255 + 0.5).astype(np.uint8)
