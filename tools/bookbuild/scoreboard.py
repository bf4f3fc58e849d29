"""The scoreboard: every recorded accuracy, from results/*.json, on one page.

The page's prose is ``book/scoreboard.md``. Staging puts the tables in place of its marker; nobody
types a number.
"""

import dataclasses
import json
import math
import pathlib
import statistics

from bookbuild import paths
from seeing import provenance, results

PAGE = "book/scoreboard.md"
MARKER = "<!-- scoreboard -->"
SUFFIX = "_accuracy"
LEVEL = 0.95

# The data sets that have a table of their own. Weights, for example, have none.
BOARDS = {
    "mnist": "MNIST: handwritten digits",
    "flower_photos": "Flower photographs: five kinds",
    "oxford_flowers102": "Oxford Flowers: 102 kinds",
}

# Other beginnings of metrics' names.
SHORT = {"oxford_flowers102": "oxford102"}

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
    metric: results.Metric
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
    """Whether an accuracy was measured on test images; its name says so."""
    return "test" in entry.name


def _entries(reference: dict) -> list[Entry]:
    metrics = {
        name: results.Metric.from_json(found) for name, found in reference["metrics"].items()
    }
    accuracies = {
        name: metric
        for name, metric in metrics.items()
        if metric.unit == results.FRACTION and name.endswith(SUFFIX)
    }
    # A reduced edition's name has its description in brackets: "oxford_flowers102 (64 px edition)".
    data = [
        record["name"].partition(" (")[0]
        for record in reference["data"]
        if not record["is_stand_in"]
    ]
    boards = [name for name in data if name in BOARDS]
    if not boards:  # no data set with a table, such as a chapter on simulated data
        return []
    return [
        Entry(board(name, boards), name, metric, reference) for name, metric in accuracies.items()
    ]


def board(name: str, boards: list[str]) -> str:
    """The data set that a metric belongs to.

    The one that its name begins with, such as ``flower_photos_hog_test_accuracy`` or
    ``oxford102_official_test_accuracy``; else the first of the chapter's data list.
    """
    named = (board for board in BOARDS if name.startswith((f"{board}_", f"{SHORT.get(board)}_")))
    return next(named, boards[0])


def tables(checkout: paths.Checkout) -> str:
    """The tables in Markdown, or a sentence where nothing is recorded yet.

    Each data set has one table of what was measured on test images, and a folded one of the rest.
    """
    recorded = entries(checkout.root / "results")
    if not recorded:
        return "No chapter has recorded a result yet."
    links = {
        path.stem.partition("_")[2]: f"../notebooks/{path.stem}" for path in checkout.chapters()
    }
    parts = []
    for key, title in BOARDS.items():
        own = [entry for entry in recorded if entry.board == key]
        shown = [_row(entry, links) for entry in own if is_test(entry)]
        folded = [_row(entry, links) for entry in own if not is_test(entry)]
        if own:
            parts.append(f"## {title}")
        if shown:
            parts.append(results.table(HEADER, shown))
        if folded:
            fold = f"{len(folded)} accuracies on validation images"
            parts.append(f"```{{dropdown}} {fold}\n{results.table(HEADER, folded)}\n```")
    return "\n\n".join(parts)


def _row(entry: Entry, links: dict[str, str]) -> tuple[str, ...]:
    metric, reference, cost = entry.metric, entry.reference, entry.reference["cost"]
    chapter, title = reference["chapter"], reference["title"]
    low, high = interval(metric.mean, metric.n) if metric.n else (None, None)
    return (
        # With spaces it can be broken into lines, and all columns fit beside each other.
        entry.name.replace("_", " "),
        str(metric),
        f"{100 * low:.2f} to {100 * high:.2f} %" if metric.n else "not known",
        f"{metric.n:,}" if metric.n else "not known",
        f"{{doc}}`{title} <{links[chapter]}>`" if chapter in links else title,
        f"{provenance.duration(cost['wall_s'])}, {cost['peak_rss_mb'] / 1000:.1f} GB, "
        f"{reference['environment']['device']}",
        reference["recorded"],
    )


def interval(accuracy: float, n: int) -> tuple[float, float]:
    """Wilson's interval for an accuracy measured on n images.

    Source: E. B. Wilson, *Probable Inference, the Law of Succession, and Statistical Inference*,
    1927. Unlike the simple mean ± 2 standard errors it stays between 0 and 1.
    """
    z = statistics.NormalDist().inv_cdf((1 + LEVEL) / 2)
    middle = (accuracy + z * z / (2 * n)) / (1 + z * z / n)
    spread = accuracy * (1 - accuracy) / n + z * z / (4 * n * n)
    reach = z * math.sqrt(spread) / (1 + z * z / n)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def page(template: str, checkout: paths.Checkout) -> str:
    """The page: its prose with the tables in place of the marker.

    Raises:
        ValueError: when the marker is not there exactly once.
    """
    if template.count(MARKER) != 1:
        raise ValueError(
            f"{PAGE} holds the marker {MARKER!r} {template.count(MARKER)} times; expected once"
        )
    return template.replace(MARKER, tables(checkout))
