"""The front page's cards, one a chapter: its picture, its promise, a measured result, its time.

The page's prose is ``book/front.md``. The picture is the first figure of the chapter's execution,
the promise the line below its title; the result comes from ``results/*.json``, with its interval.
"""

import base64
import dataclasses
import pathlib

import nbformat

from bookbuild import chapters, marked, paths, scoreboard
from seeing.record import machine
from seeing.record import metric as metrics

PAGE = "book/front.md"
MARKER = "<!-- cards -->"
PICTURES = "book/_static/cards"

# Of each chapter one recorded accuracy, and what it is a share of.
HEADLINES = {
    "pixels_and_labels": ("neighbors_chosen_test_accuracy", "of test digits, by their neighbors"),
    "neurons_losses_gradients": ("numpy_test_accuracy", "of test digits, in plain NumPy"),
    "convolution": ("convolutional_plain_accuracy", "of test digits, with shared weights"),
    "first_cnn": ("test_accuracy", "of test digits, after three epochs"),
    "metrics": ("few_images_recipe_test_accuracy", "of test digits, from few examples"),
    "generalization": ("digits_best_test_accuracy", "of test digits, from 500 examples"),
    "carry_over": ("flower_photos_best_test_accuracy", "of test flowers, from scratch"),
    "transfer_learning": ("fine_tuned_test_accuracy", "of test flowers, fine-tuned"),
    "other_sources": ("frozen_both_stretched_accuracy", "of stretched flowers, with two looks"),
    "hog_svm": ("hog_svm_test_accuracy", "of test digits, without a network"),
}

# Images that a page can show, by their type in a notebook, and how their files end.
ENDINGS = {"image/svg+xml": ".svg", "image/png": ".png"}


@dataclasses.dataclass(frozen=True)
class Picture:
    """A chapter's picture on the front page.

    Attributes:
        content: of its file.
        ending: of its file's name.
        alt: what it shows, for whoever does not see it.
    """

    content: bytes
    ending: str
    alt: str


def page(template: str, checkout: paths.Checkout, pictures: dict[str, Picture]) -> str:
    """The page: its prose with the cards in place of the marker.

    Args:
        template: the page's prose.
        checkout: the book.
        pictures: by the chapter's file name without ending; chapters without one have no entry.

    Raises:
        ValueError: when the marker is not there exactly once.
    """
    cards = [_card(chapter, checkout, pictures) for chapter in checkout.chapters()]
    text = "\n".join(["::::{grid} 1 2 2 3", ":gutter: 3", "", *cards, "::::"])
    return marked.insert(template, MARKER, text, page=PAGE)


def _card(chapter: pathlib.Path, checkout: paths.Checkout, pictures: dict[str, Picture]) -> str:
    name = chapter.relative_to(checkout.root).with_suffix("").as_posix()
    lines = [f":::{{grid-item-card}} {chapters.numbered(chapters.title(chapter), name)}"]
    lines += [f":link: ../{name}", ":link-type: doc"]
    if chapter.stem in pictures:
        shown = pictures[chapter.stem]
        lines += [f":img-top: _static/cards/{chapter.stem}{shown.ending}"]
        lines += [f":img-alt: {' '.join(shown.alt.split())}"]
    result = f"[{_result(chapter, checkout)}]{{.seeing-result}}"
    lines += ["", chapters.promise(chapter), "", result, ":::", ""]
    return "\n".join(lines)


def _result(chapter: pathlib.Path, checkout: paths.Checkout) -> str:
    """The result that the chapter's card names, and how long a quick run takes."""
    recorded = chapters.recorded(chapter, checkout)
    if not recorded:
        return "not recorded yet"
    slug = chapters.slug(chapter)
    parts = []
    if slug in HEADLINES:
        name, what = HEADLINES[slug]
        found = metrics.Metric.from_json(recorded["metrics"][name])
        low, high = scoreboard.interval(found.mean, found.n)
        parts.append(f"**{100 * found.mean:.1f} %** {what} ({100 * low:.1f} to {100 * high:.1f})")
    cost = recorded.get("quick_cost")
    if cost:
        parts.append(f"a quick run takes {machine.duration(cost['wall_s'])}")
    return "; ".join(parts)


def picture(executed: nbformat.NotebookNode) -> Picture | None:
    """A chapter's first figure with a caption; None where it has none."""
    for cell in executed.cells:
        options = cell.metadata.get("mystnb", {})
        if "figure" not in options:
            continue
        for output in cell.get("outputs", []):
            for kind, ending in ENDINGS.items():
                found = "".join(output.get("data", {}).get(kind, ""))
                if found:
                    is_text = ending == ".svg"
                    content = found.encode() if is_text else base64.b64decode(found)
                    return Picture(content, ending, options.get("image", {}).get("alt", ""))
    return None
