"""The front page's cards, one a chapter: its picture, its promise, a measured result, its time.

The page's prose is ``book/front.md``. The picture is the figure of the chapter's execution whose
cell has the tag ``lead``; the chapter opens with it, too. The promise is the line below the
chapter's title; the result comes from ``results/*.json``, with its interval.
"""

import base64
import dataclasses
import io
import json
import pathlib

import nbformat
from PIL import Image, ImageOps

from bookbuild import chapters, marked, paths
from seeing.record import machine
from seeing.record import metric as metrics

PAGE = "book/front.md"
MARKER = "<!-- cards -->"
PICTURES = "book/_static/cards"

# A cell's tag, and the class of the figure at a page's head, which has no number of its own.
LEAD, LEAD_CLASS = "lead", "seeing-lead"

# Of each chapter one recorded accuracy, and what it is a share of.
HEADLINES = {
    "pixels_and_labels": ("neighbors_chosen_test_accuracy", "of test digits, by their neighbors"),
    "neurons_losses_gradients": ("numpy_test_accuracy", "of test digits, in plain NumPy"),
    "convolution": ("convolutional_plain_accuracy", "of test digits, with shared weights"),
    "first_cnn": ("test_accuracy", "of test digits, after three epochs"),
    "metrics": ("few_images_recipe_test_accuracy", "of test digits, from few examples"),
    "generalization": ("digits_best_test_accuracy", "of test digits, from 500 examples"),
    "carry_over": ("flower_photos_best_test_accuracy", "of test flowers, from scratch"),
    "architectures": ("vit_test_accuracy", "of test digits, by a small transformer"),
    "transfer_learning": ("fine_tuned_test_accuracy", "of test flowers, fine-tuned"),
    "other_sources": ("frozen_both_stretched_accuracy", "of stretched flowers, with two looks"),
    "hog_svm": ("hog_svm_test_accuracy", "of test digits, without a network"),
    "when_classifiers_fail": ("robust_test_accuracy", "of attacked test digits"),
    "shortcuts_and_shift": ("repaired_clean_test_accuracy", "of bad scans, a shortcut mended"),
    "product": ("uncertain_test_accuracy", "of test flowers, from 100 chosen labels"),
}

# Places for a chapter's picture, in pixels, twice as many as the style sheet gives them.
CARD_SIZE, HEAD_SIZE = (720, 405), (1600, 704)
QUALITY = 80  # of WebP, up to 100

# Images that a page can show, by their type in a notebook, and how their files end.
ENDINGS = {"image/svg+xml": ".svg", "image/png": ".png"}


@dataclasses.dataclass(frozen=True)
class Picture:
    """A chapter's picture: on the front page, and at the chapter's head.

    Attributes:
        content: of its file.
        ending: of its file's name, which begins with the chapter's.
        alt: what it shows, for whoever does not see it.
        caption: Markdown.
        classes: of the style sheet, as the figure itself has them.
    """

    content: bytes
    ending: str
    alt: str
    caption: str = ""
    classes: str = ""


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
        low, high = found.interval()
        parts.append(f"**{100 * found.mean:.1f} %** {what} ({100 * low:.1f} to {100 * high:.1f})")
    cost = recorded.get("quick_cost")
    if cost:
        parts.append(f"a quick run takes {machine.duration(cost['wall_s'])}")
    return "; ".join(parts)


def picture(page: nbformat.NotebookNode) -> Picture | None:
    """The picture that a chapter is known by: the figure with the tag ``lead``, or its first one.

    Args:
        page: the chapter with the outputs of its execution.

    Returns:
        None where it has no figure with a caption.
    """
    figures = [cell for cell in page.cells if "figure" in cell.metadata.get("mystnb", {})]
    figures.sort(key=lambda cell: LEAD not in cell.metadata.get("tags", []))
    return next((found for found in map(_picture_of, figures) if found), None)


def _picture_of(cell: nbformat.NotebookNode) -> Picture | None:
    options = cell.metadata["mystnb"]
    image = options.get("image", {})
    for output in cell.get("outputs", []):
        for kind, ending in ENDINGS.items():
            found = "".join(output.get("data", {}).get(kind, ""))
            if found:
                content = found.encode() if ending == ".svg" else base64.b64decode(found)
                caption = options["figure"].get("caption", "")
                classes = image.get("classes", "")
                return Picture(content, ending, image.get("alt", ""), caption, classes)
    return None


def for_card(shown: Picture) -> Picture:
    """A picture as large as a card shows it: of pixels, its upper left part of the card's shape."""
    if shown.ending == ".svg":
        return shown
    with Image.open(io.BytesIO(shown.content)) as picture:
        if picture.width <= CARD_SIZE[0] or picture.height <= CARD_SIZE[1]:
            return shown
        small = ImageOps.fit(picture.convert("RGBA"), CARD_SIZE, centering=(0, 0))
    return dataclasses.replace(shown, content=_as_webp(small), ending="-card.webp")


def for_head(shown: Picture) -> Picture:
    """A picture as large as a chapter shows it at its head; further down the page it is whole."""
    if shown.ending == ".svg":
        return shown
    with Image.open(io.BytesIO(shown.content)) as picture:
        small = ImageOps.contain(picture.convert("RGBA"), HEAD_SIZE)
        if small.width >= picture.width:
            return shown
    return dataclasses.replace(shown, content=_as_webp(small), ending=".webp")


def _as_webp(picture: Image.Image) -> bytes:
    """A picture's file; what was transparent is white, like the paper that figures are drawn on."""
    on_white = Image.new("RGB", picture.size, "white")
    on_white.paste(picture, mask=picture)
    written = io.BytesIO()
    on_white.save(written, format="webp", quality=QUALITY)
    return written.getvalue()


def open_with(page: nbformat.NotebookNode, shown: Picture, address: str) -> None:
    """Let a chapter's page open with its picture, below title and promise.

    Args:
        page: the chapter.
        shown: its picture.
        address: of the picture's file, as seen from the page.
    """
    lines = [f"```{{figure}} {address}", f":alt: {_quoted(shown.alt)}"]
    lines += [f":class: {shown.classes}"] if shown.classes else []
    lines += [f":figclass: {LEAD_CLASS}", "", " ".join(shown.caption.split()), "```"]
    page.cells.insert(1, nbformat.v4.new_markdown_cell("\n".join(lines), id="lead-picture"))


def _quoted(text: str) -> str:
    """A text on one line, as a directive's option takes it, whatever it holds."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
