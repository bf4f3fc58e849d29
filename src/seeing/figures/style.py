"""The house style of the book's figures: color-blind safe colors, one size of text.

Explained where first
used, in chapter 4, *A First Honest CNN*.
"""

from collections.abc import Sequence
from typing import Any

import IPython
import matplotlib as mpl
import numpy as np
from IPython.core import pylabtools
from matplotlib import figure, text
from matplotlib import pyplot as plt

from seeing.figures import lettering

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), without its yellow, which is too
# pale on white, and with black last.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

CORRECT, WRONG = COLORS[2], COLORS[1]

MARKERS = "osD^v*X"

POINTS_AN_INCH, CSS_PIXELS_AN_INCH = 72, 96


def use_house_style() -> None:
    """Set matplotlib's defaults for the rest of the notebook."""
    mpl.rcParams.update(
        {
            "axes.prop_cycle": mpl.cycler(color=COLORS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "axes.labelsize": 10,
            "grid.color": "#E6E6E6",
            "grid.linewidth": 0.8,
            "lines.linewidth": 2.0,
            "legend.frameon": False,
            "font.size": 10,
            "font.family": lettering.families(),
            "figure.figsize": (7.2, 3.4),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "image.cmap": "gray_r",
            "image.interpolation": "nearest",
            # Letters as outlines: a page shows them as they were drawn, whatever fonts it has.
            "svg.fonttype": "path",
            "svg.hashsalt": "seeing",  # the same figure is the same file in every build
        }
    )
    shell = IPython.get_ipython()
    if shell is not None:
        # The inline back end chooses its formats when it wakes up, with the first figure; some
        # versions do so at the end of a cell.
        plt.close(plt.figure())
        _choose_formats()
        shell.events.register("pre_run_cell", _choose_formats)


def _choose_formats(*_: object) -> None:
    """Let a notebook show drawings as SVG and pictures as sharp PNG."""
    formatters = IPython.get_ipython().display_formatter.formatters
    formatters["image/svg+xml"].for_type(figure.Figure, as_svg)
    formatters["image/png"].for_type(figure.Figure, as_png)


def has_pixels(shown: figure.Figure) -> bool:
    """Whether a figure shows pictures, and not lines and letters alone."""
    return any(axis.images for axis in shown.axes)


def as_svg(shown: figure.Figure) -> tuple[str, dict[str, Any]] | None:
    """A figure of lines and letters as SVG, which is sharp at any size; else None.

    Returns:
        The file, and under ``"letters_px"`` how large its smallest letters are at full size.
    """
    if has_pixels(shown) or not shown.axes:
        return None
    written = pylabtools.print_figure(shown, "svg", metadata={"Date": None})
    return written, _letters(shown, CSS_PIXELS_AN_INCH)


def as_png(shown: figure.Figure) -> tuple[bytes, dict[str, Any]] | None:
    """A figure of pictures as PNG, with twice the pixels that it is to be shown with; else None.

    Returns:
        The file, and its width and height on the page, in pixels; under ``"letters_px"``, how
        large its smallest letters are then.
    """
    if not has_pixels(shown):
        return None
    content, size = pylabtools.retina_figure(shown)
    return content, size | _letters(shown, shown.dpi)


def _letters(shown: figure.Figure, dots_an_inch: float) -> dict[str, float]:
    """The smallest letters' size in pixels, where there are letters."""
    sizes = [
        one.get_fontsize()
        for one in shown.findobj(text.Text)
        if one.get_visible() and one.get_text().strip()
    ]
    return {"letters_px": min(sizes) * dots_an_inch / POINTS_AN_INCH} if sizes else {}


def readable_on(background: Sequence[float]) -> str:
    """Black or white, whichever stands out more: WCAG 2's relative luminance decides."""
    rgb = np.asarray(background[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return "white" if linear @ (0.2126, 0.7152, 0.0722) < 0.179 else "black"
