"""front: the front page's cards come from chapters, executions and results files."""

import base64
import io
import json

import nbformat
import numpy as np
import pytest
from fakes import Book, code, prose
from PIL import Image

from bookbuild import chapters, front, paths

TEMPLATE = f"# Book\n\n{front.MARKER}\n"
PROMISE = "# Letters\n\n*Read them.*\n\nText with *emphasis* and more."


@pytest.fixture
def small(book: Book) -> Book:
    """A book of two chapters; the first has a headline and is recorded."""
    book.chapter("04_first_cnn", prose(PROMISE), code("1"))
    book.chapter("10_other", prose("# Other"), code("2"))
    metric = {"mean": 0.9, "std": None, "values": [0.9], "n": 1000, "unit": "fraction"}
    metric |= {"data": ["mnist"], "part": "test", "guess": None}
    recorded = {"metrics": {"test_accuracy": metric}, "quick_cost": {"wall_s": 120}}
    book.write("results/first_cnn.json", json.dumps(recorded))
    return book


def test_a_card_has_number_promise_result_time_and_picture(small):
    picture = front.Picture(b"a picture", ".png", "Two rows\nof letters.")
    text = front.page(TEMPLATE, small.checkout, {"04_first_cnn": picture})
    first, second = text.split(":::{grid-item-card} ")[1:]
    assert first.startswith("4 · Letters\n:link: ../notebooks/04_first_cnn\n:link-type: doc\n")
    assert ":img-top: _static/cards/04_first_cnn.png\n:img-alt: Two rows of letters.\n" in first
    assert "\nRead them.\n" in first
    assert "**90.0 %** of test digits, after three epochs (88.0 to 91.7); a quick run" in first
    assert second.startswith("10 · Other\n")
    assert "img-top" not in second and "not recorded yet" in second


def test_every_chapter_of_the_book_has_a_headline_that_is_measured(root):
    for path in (root / "notebooks").glob("*.ipynb"):
        slug = chapters.slug(path)
        name, what = front.HEADLINES[slug]
        text = (root / "results" / f"{slug}.json").read_text(encoding="utf-8")
        found = json.loads(text)["metrics"][name]
        assert found["n"] > 300 and found["unit"] == "fraction" and what
        assert chapters.promise(path), f"{path.name} promises nothing below its title"


def figure(**data: str) -> nbformat.NotebookNode:
    """An executed cell that has drawn a figure with a caption."""
    cell = code("draw()")
    cell.metadata["mystnb"] = {"figure": {"caption": "A figure."}, "image": {"alt": "A line."}}
    cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
    return cell


def test_the_picture_is_the_first_figure_with_a_caption():
    plain = code("draw()")
    plain.outputs = [nbformat.v4.new_output("display_data", data={"image/png": "AAAA"})]
    png = base64.b64encode(b"a picture").decode("ascii")
    cells = [plain, figure(**{"text/plain": "x"}), figure(**{"image/png": png})]
    notebook = nbformat.v4.new_notebook(cells=cells)
    assert front.picture(notebook) == front.Picture(b"a picture", ".png", "A line.", "A figure.")
    notebook.cells.insert(1, figure(**{"image/svg+xml": "<svg/>", "image/png": png}))
    assert front.picture(notebook) == front.Picture(b"<svg/>", ".svg", "A line.", "A figure.")
    assert front.picture(nbformat.v4.new_notebook(cells=[plain])) is None


def dots(width: int, height: int) -> front.Picture:
    """A picture whose upper left quarter is black; the rest is transparent."""
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[: height // 2, : width // 2, 3] = 255
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, format="png")
    return front.Picture(written.getvalue(), ".png", "A black corner.", classes="wide")


def test_a_card_shows_the_upper_left_part_of_a_large_picture():
    card = front.for_card(dots(4000, 1000))
    assert (card.ending, card.alt, card.classes) == ("-card.webp", "A black corner.", "wide")
    with Image.open(io.BytesIO(card.content)) as picture:
        assert picture.size == front.CARD_SIZE
        shown = np.asarray(picture.convert("L"), dtype=int)
    # Of the picture's width, 1778 pixels are shown, all of them left of its middle.
    assert shown[:190].max() < 30 and shown[215:].min() > 225


def test_at_a_chapter_s_head_a_picture_is_whole():
    head = front.for_head(dots(4000, 1000))
    with Image.open(io.BytesIO(head.content)) as picture:
        assert picture.size == (1600, 400)
        shown = np.asarray(picture.convert("L"), dtype=int)
    assert shown[:190, :790].max() < 30 and shown[210:].min() > 225
    assert head.ending == ".webp" and len(head.content) < 10_000


@pytest.mark.parametrize("size", [(700, 500), (720, 300), (30, 20)])
def test_small_pictures_and_drawings_stay_as_they_are(size):
    small = dots(*size)
    assert front.for_card(small) is small
    assert front.for_head(small) is small
    drawing = front.Picture(b"<svg/>", ".svg", "A line.")
    assert front.for_card(drawing) is drawing and front.for_head(drawing) is drawing


@pytest.mark.parametrize("template", ["# Book\n", TEMPLATE + front.MARKER])
def test_a_page_without_a_place_for_the_cards_is_refused(small, template):
    with pytest.raises(ValueError, match="expected once"):
        front.page(template, small.checkout, {})


def test_a_figure_with_the_tag_takes_the_first_ones_place():
    first, lead = figure(**{"image/svg+xml": "<svg>1</svg>"}), figure(**{"image/svg+xml": "<svg/>"})
    lead.metadata["tags"] = ["hide-input", "lead"]
    lead.metadata["mystnb"]["image"]["classes"] = "seeing-drawing"
    notebook = nbformat.v4.new_notebook(cells=[first, lead])
    shown = front.picture(notebook)
    assert (shown.content, shown.classes) == (b"<svg/>", "seeing-drawing")
    lead.outputs = []
    assert front.picture(notebook).content == b"<svg>1</svg>", "a chapter that stopped before it"


def test_a_chapter_opens_with_its_picture():
    page = nbformat.v4.new_notebook(cells=[prose("# Lines\n\n*A promise.*"), code("x = 1")])
    shown = front.Picture(
        b"", ".svg", 'A line: "straight",\nor not', "A\nfigure.", "seeing-drawing"
    )
    front.open_with(page, shown, "../a.svg")
    assert [cell.cell_type for cell in page.cells] == ["markdown", "markdown", "code"]
    assert page.cells[1].source == (
        "```{figure} ../a.svg\n"
        ':alt: "A line: \\"straight\\", or not"\n'
        ":class: seeing-drawing\n"
        ":figclass: seeing-lead\n\n"
        "A figure.\n```"
    )


def test_every_chapter_names_one_figure_to_open_with(root):
    for chapter in paths.Checkout(root).chapters():
        cells = nbformat.read(chapter, as_version=4).cells
        tagged = [cell for cell in cells if front.LEAD in cell.metadata.get("tags", [])]
        assert len(tagged) == 1, chapter.name
        assert "figure" in tagged[0].metadata["mystnb"], chapter.name
