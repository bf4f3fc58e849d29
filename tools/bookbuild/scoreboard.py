"""The scoreboard: every recorded accuracy, from results/*.json, on one page.

The page's prose is ``book/scoreboard.md``. Staging puts a picture and a folded table for each data
set in place of its marker; nobody types a number.
"""

import dataclasses
import html
import json
import math
import pathlib
from collections.abc import Sequence

from bookbuild import chapters, marked, paths
from seeing.record import machine, tables
from seeing.record import metric as metrics
from seeing.record import reference as reference_results

PAGE = "book/scoreboard.md"
MARKER = "<!-- scoreboard -->"
SUFFIX = "_accuracy"
LEVEL = 0.95

# The data sets that have a board of their own. Weights, for example, have none.
BOARDS = {
    "mnist": "MNIST: handwritten digits",
    "flower_photos": "Flower photographs: five kinds",
    "oxford_flowers102": "Oxford Flowers: 102 kinds",
}

# Other beginnings of metrics' names.
SHORT = {"oxford_flowers102": "oxford102"}

# Words that are not written as they stand in a metric's name.
WORDS = {
    "hog": "HOG",
    "svm": "SVM",
    "cnn": "CNN",
    "resnet50": "ResNet50",
    "knn": "kNN",
    "top5": "(top 5)",
}

# Metrics whose names say too little outside their chapter.
NAMES = {
    ("pixels_and_labels", "neighbors_chosen_test_accuracy"): "nearest neighbors by pixels",
    ("neurons_losses_gradients", "numpy_test_accuracy"): "dense network in NumPy",
    ("convolution", "dense_plain_accuracy"): "dense network in Keras",
    ("convolution", "convolutional_plain_accuracy"): "two convolutions, four epochs",
    ("first_cnn", "test_accuracy"): "small network, three epochs",
    ("first_cnn", "best_test_accuracy"): "small network, twelve epochs, digits moved",
    ("first_cnn", "baseline_test_accuracy"): "the tutorials' network, five epochs",
    ("metrics", "few_images_plain_test_accuracy"): "small network, few digits",
    ("metrics", "few_images_recipe_test_accuracy"): "the same, with a better recipe",
    ("generalization", "digits_plain_test_accuracy"): "500 digits, no augmentation",
    ("generalization", "digits_best_test_accuracy"): "500 digits, the best recipe",
    ("carry_over", "flower_photos_plain_test_accuracy"): "from scratch, no augmentation",
    ("carry_over", "flower_photos_best_test_accuracy"): "from scratch, the best recipe",
    ("architectures", "cnn_test_accuracy"): "residual network, digits moved",
    ("architectures", "vit_test_accuracy"): "small vision transformer, digits moved",
    ("transfer_learning", "scratch_test_accuracy"): "the tutorial's network, from scratch",
    ("transfer_learning", "frozen_test_accuracy"): "ResNet50 at 256 px, frozen",
    ("transfer_learning", "fine_tuned_test_accuracy"): "ResNet50 at 256 px, fine-tuned",
    ("other_sources", "frozen_middle_own_accuracy"): "ResNet50 at 192 px, middle squares",
    ("other_sources", "frozen_whole_own_accuracy"): "ResNet50 at 192 px, whole photographs",
    ("other_sources", "frozen_both_own_accuracy"): "ResNet50 at 192 px, both looks",
    ("hog_svm", "cnn_test_accuracy"): "CNN beside the HOG machine",
    ("when_classifiers_fail", "undefended_clean_test_accuracy"): "small network with pooling",
    (
        "when_classifiers_fail",
        "robust_clean_test_accuracy",
    ): "small network, trained against attacks",
    (
        "when_classifiers_fail",
        "large_clean_test_accuracy",
    ): "small network, trained against large attacks",
}

# Experiments: accuracies that were made worse or better on purpose, by a leak, by wrong labels, by
# moved or mixed pixels; or measured on photographs of another collection. They are no one's best.
NOT_COMPARED = {
    ("pixels_and_labels", f"{name}_accuracy")
    for name in (
        *(f"leak_{data}_{way}" for data in ("digits", "photographs") for way in ("fair", "leaky")),
        *(f"noise_{k}_{labels}" for k in (1, 15) for labels in ("clean", "noisy")),
        *(f"smaller_{way}" for way in ("averaged", "skipped", "mixed")),
        *(f"{order}_test" for order in ("sorted", "shuffled")),
    )
}
NOT_COMPARED |= {
    ("convolution", f"{network}_{change}_accuracy")
    for network in ("dense", "convolutional")
    for change in ("permuted", "shifted")
}
NOT_COMPARED |= {
    ("other_sources", f"frozen_{way}_{source}_accuracy")
    for way in ("middle", "whole", "both")
    for source in ("stretched", "flowers102", "evening")
}
NOT_COMPARED |= {
    ("other_sources", f"frozen_{change}_{source}_accuracy")
    for change in ("shape", "size_and_place", "shape_size_and_place", "light", "color")
    for source in ("own", "stretched", "evening")
}

# Attacked, noisy and turned digits, and networks that were poisoned.
NOT_COMPARED |= {
    ("when_classifiers_fail", f"{name}_test_accuracy")
    for name in (
        *(f"undefended_{way}" for way in ("noise", "fgsm", "robust", "ten_pixels")),
        *(f"{name}_{way}" for name in ("twin", "dense") for way in ("noise", "transfer")),
        *(f"loud_{way}" for way in ("robust", "margin")),
        *(f"large_{way}" for way in ("fgsm", "robust", "margin")),
        *(f"undefended_{way}" for way in ("long", "margin", "farther", "turned")),
        *(f"robust_{way}" for way in ("long", "margin", "farther", "turned", "fgsm")),
        *("dense_robust", "backdoor_clean", "robust", "robust_ten_pixels"),
    )
}

# Digits from a bad scanner, with planted marks, of one kind of pen, or drawn unevenly; and scores
# of explanations.
NOT_COMPARED |= {
    ("shortcuts_and_shift", f"{name}_accuracy")
    for name in (
        *(
            f"{network}_{test}_test"
            for network in ("plain", "shortcut", "reweighted", "repaired")
            for test in ("collected", "clean", "agree", "differ")
        ),
        *(
            f"{network}_{pen}_test"
            for network in ("balanced", "skewed")
            for pen in ("all", "thin", "medium", "thick")
        ),
        *(
            f"balanced_{group}_test"
            for group in (
                *("leans_least", "leans_a_little", "leans_far"),
                *("first_half", "second_half"),
            )
        ),
        *(
            f"shift_{kind}_test"
            for kind in ("no_shift", "covariate", "label", "label_corrected", "concept")
        ),
        *(f"{method}_pointing" for method in ("saliency", "integrated", "grad_cam")),
        *("pointing_game", "known_test", "own_source_test", "other_source_test"),
    )
}

# What every results file must hold for its rows to be complete.
NEEDED = ("chapter", "title", "recorded", "metrics", "cost", "data", "environment")

HEADER = (
    "Result",
    "Accuracy",
    f"{LEVEL:.0%} interval".replace("%", " %"),
    "Images",
    "Chapter",
    "Whole chapter",
    "Recorded",
)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One recorded accuracy.

    Attributes:
        board: a key of ``BOARDS``.
        name: the metric's name in the results file.
        metric: what was measured.
        reference: the whole results file.
    """

    board: str
    name: str
    metric: metrics.Metric
    reference: dict


def entries(folder: pathlib.Path) -> list[Entry]:
    """Every accuracy in a folder of results files, best first, those on a test set before others.

    Raises:
        ValueError: when a file lacks what the board needs, naming the file and what is missing.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        reference = json.loads(path.read_text(encoding="utf-8"))
        missing = [name for name in NEEDED if name not in reference]
        if missing:
            raise ValueError(
                f"{path.name} has no {missing[0]!r}: run make reference CHAPTER={path.stem}"
            )
        found += _entries(reference)
    return sorted(found, key=lambda entry: (not is_test(entry), -entry.metric.mean))


def is_test(entry: Entry) -> bool:
    """Whether an accuracy was measured on test images; the metric or its name says so."""
    return entry.metric.part == "test" if entry.metric.part else "test" in entry.name


def _entries(reference: dict) -> list[Entry]:
    measured = {
        name: metrics.Metric.from_json(found) for name, found in reference["metrics"].items()
    }
    accuracies = {
        name: metric
        for name, metric in measured.items()
        if metric.unit == metrics.FRACTION
        and name.endswith(SUFFIX)
        and (reference["chapter"], name) not in NOT_COMPARED
    }
    data = [
        reference_results.data_name(record["name"])
        for record in reference["data"]
        if not record["is_stand_in"]
    ]
    boards = [name for name in data if name in BOARDS]
    if not boards:  # no data set with a table, such as a chapter on simulated data
        return []
    return [
        Entry(own, name, metric, reference)
        for name, metric in accuracies.items()
        if (own := _board_of(name, metric, boards)) is not None
    ]


def _board_of(name: str, metric: metrics.Metric, boards: list[str]) -> str | None:
    """The board that a metric's own data name; None where these are no board's data."""
    if not metric.data:
        return board(name, boards)
    return next((name for name in metric.data if name in BOARDS), None)


def board(name: str, boards: list[str]) -> str:
    """The data set that a metric belongs to.

    The one that its name begins with, such as ``flower_photos_hog_test_accuracy`` or
    ``oxford102_official_test_accuracy``; else the first of the chapter's data list.
    """
    named = (board for board in BOARDS if name.startswith((f"{board}_", f"{SHORT.get(board)}_")))
    return next(named, boards[0])


def boards(checkout: paths.Checkout) -> str:
    """Pictures and tables in Markdown, or a sentence where nothing is recorded yet.

    Each data set has a picture of what was measured on test images, and two folded tables.
    """
    recorded = entries(checkout.root / "results")
    if not recorded:
        return "No chapter has recorded a result yet."
    links = {chapters.slug(path): f"../notebooks/{path.stem}" for path in checkout.chapters()}
    parts = []
    for key, title in BOARDS.items():
        own = [entry for entry in recorded if entry.board == key]
        shown = [entry for entry in own if is_test(entry)]
        folded = [entry for entry in own if not is_test(entry)]
        if own:
            parts.append(f"## {title}")
        if shown:
            parts.append(f"```{{raw}} html\n{picture(shown, title)}\n```")
            parts.append(_fold(f"All {len(shown)} on test images, as a table", shown, links))
        if folded:
            parts.append(_fold(f"The {len(folded)} on validation images", folded, links))
    return "\n\n".join(parts)


def _fold(title: str, shown: Sequence[Entry], links: dict[str, str]) -> str:
    table = tables.markdown(HEADER, [_row(entry, links) for entry in shown])
    return f"```{{dropdown}} {title}\n{table}\n```"


def plain_name(entry: Entry) -> str:
    """A metric's name as a reader says it: ``hog_svm_test_accuracy`` is "HOG SVM"."""
    known = NAMES.get((entry.reference["chapter"], entry.name))
    if known:
        return known
    words = entry.name.removeprefix(f"{entry.board}_").removeprefix(f"{SHORT.get(entry.board)}_")
    kept = [word for word in words.split("_") if word not in ("test", "accuracy")]
    return " ".join(WORDS.get(word, word) for word in kept) or entry.reference["title"]


# The picture, in units of its own; it is as wide as the page, on a phone half as wide as here.
WIDTH, ROW, MARGIN, FONT = 640, 52, 16, 19


def picture(shown: Sequence[Entry], title: str) -> str:
    """A dot for each accuracy and a line for its interval, as SVG that takes the page's colors.

    Args:
        shown: what to draw, from top to bottom.
        title: the data set.
    """
    ends = [_ends(entry) for entry in shown]
    start = math.floor(20 * min(low for low, _ in ends)) / 20

    def x(accuracy: float) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * (accuracy - start) / (1 - start)

    height = ROW * len(shown) + 40
    parts = []
    for row, (entry, (low, high)) in enumerate(zip(shown, ends, strict=True)):
        y = ROW * row
        name = html.escape(plain_name(entry))
        value = html.escape(str(entry.metric))
        parts.append(
            f'<text x="{MARGIN}" y="{y + 22}">{name}</text>'
            f'<text x="{WIDTH - MARGIN}" y="{y + 22}" text-anchor="end">{value}</text>'
            f'<line class="track" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y + 36}" y2="{y + 36}"/>'
            f'<line class="interval" x1="{x(low):.1f}" x2="{x(high):.1f}" '
            f'y1="{y + 36}" y2="{y + 36}"/>'
            f'<circle cx="{x(entry.metric.mean):.1f}" cy="{y + 36}" r="6"/>'
        )
    for place in (start, (1 + start) / 2, 1.0):
        anchor = {start: "start", 1.0: "end"}.get(place, "middle")
        parts.append(
            f'<text class="tick" x="{x(place):.1f}" y="{height - 8}" text-anchor="{anchor}">'
            f"{100 * place:g} %</text>"
        )
    best = shown[0]
    label = html.escape(
        f"{title}: {len(shown)} test accuracies with their intervals, best first. "
        f"The best is {plain_name(best)} with {best.metric}."
    )
    return (
        f'<figure class="seeing-board"><svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{label}" font-size="{FONT}">{"".join(parts)}</svg>'
        f"<figcaption>Accuracy on test images, recorded. Lines: {LEVEL:.0%} interval for other "
        "test images.</figcaption></figure>"
    )


def _ends(entry: Entry) -> tuple[float, float]:
    """An accuracy's interval; where the number of images is not known, the accuracy itself."""
    metric = entry.metric
    return metric.interval(LEVEL) if metric.n else (metric.mean, metric.mean)


def _row(entry: Entry, links: dict[str, str]) -> tuple[str, ...]:
    metric, reference, cost = entry.metric, entry.reference, entry.reference["cost"]
    chapter, title = reference["chapter"], reference["title"]
    low, high = metric.interval(LEVEL) if metric.n else (None, None)
    return (
        # With spaces it can be broken into lines, and all columns fit beside each other.
        entry.name.replace("_", " "),
        str(metric),
        f"{100 * low:.2f} to {100 * high:.2f} %" if metric.n else "not known",
        f"{metric.n:,}" if metric.n else "not known",
        f"{{doc}}`{title} <{links[chapter]}>`" if chapter in links else title,
        f"{machine.duration(cost['wall_s'])}, {cost['peak_rss_mb'] / 1000:.1f} GB, "
        f"{reference['environment']['device']}",
        reference["recorded"],
    )


def page(template: str, checkout: paths.Checkout) -> str:
    """The page: its prose with the tables in place of the marker.

    Raises:
        ValueError: when the marker is not there exactly once.
    """
    return marked.insert(template, MARKER, boards(checkout), page=PAGE)
