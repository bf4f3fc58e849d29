"""The front page's cards, one a chapter: its picture, its promise, a measured result, its time.

The page's prose is ``book/front.md``. The picture is the first figure of the chapter's execution,
the promise the line below its title; the result comes from ``results/*.json``, with its interval.
"""

import base64
import json
import pathlib

import nbformat

from bookbuild import chapters, entries, marked, paths, scoreboard
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


def page(template: str, checkout: paths.Checkout, pictures: dict[str, pathlib.Path]) -> str:
    """The page: its prose with the cards in place of the marker.

    Args:
        template: the page's prose.
        checkout: the book.
        pictures: by the chapter's file name without ending, its picture among the staged files.

    Raises:
        ValueError: when the marker is not there exactly once.
    """
    cards = [_card(chapter, checkout, pictures) for chapter in checkout.chapters()]
    text = "\n".join(["::::{grid} 1 2 2 3", ":gutter: 3", "", *cards, "::::"])
    return marked.insert(template, MARKER, text, page=PAGE)


def _card(
    chapter: pathlib.Path, checkout: paths.Checkout, pictures: dict[str, pathlib.Path]
) -> str:
    name = chapter.relative_to(checkout.root).with_suffix("").as_posix()
    lines = [f":::{{grid-item-card}} {chapters.numbered(chapters.title(chapter), name)}"]
    lines += [f":link: ../{name}", ":link-type: doc"]
    if chapter.stem in pictures:
        lines += [
            f":img-top: _static/cards/{pictures[chapter.stem].name}",
            ":img-alt: its first figure",
        ]
    result = f"[{_result(chapter, checkout)}]{{.seeing-result}}"
    lines += ["", chapters.promise(chapter), "", result, ":::", ""]
    return "\n".join(lines)


def _result(chapter: pathlib.Path, checkout: paths.Checkout) -> str:
    """The result that the chapter's card names, and how long a quick run takes."""
    slug = chapter.stem.partition("_")[2]
    path = checkout.root / "results" / f"{slug}.json"
    if not path.is_file():
        return "not recorded yet"
    recorded = json.loads(path.read_text(encoding="utf-8"))
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


def picture(executed: nbformat.NotebookNode) -> tuple[bytes, str] | None:
    """A chapter's first figure, and how its file's name ends; None where it has none."""
    for cell in executed.cells:
        if "figure" not in cell.metadata.get("mystnb", {}):
            continue
        for output in cell.get("outputs", []):
            for kind, ending in ENDINGS.items():
                found = output.get("data", {}).get(kind)
                if found:
                    text = "".join(found)
                    is_text = ending == ".svg"
                    return (text.encode() if is_text else base64.b64decode(text)), ending
    return None


def put_picture(entry: pathlib.Path, chapter: str, folder: pathlib.Path) -> pathlib.Path | None:
    """Write a chapter's picture into a folder, if it has one and the file is not there yet.

    Args:
        entry: the chapter's execution in the cache.
        chapter: the chapter's file name without ending.
        folder: made if need be.
    """
    found = picture(entries.executed_notebook(entry))
    if found is None:
        return None
    content, ending = found
    path = folder / f"{chapter}{ending}"
    if not path.is_file() or path.read_bytes() != content:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path
