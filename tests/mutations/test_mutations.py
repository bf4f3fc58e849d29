"""Break a helper on purpose, run the chapter that uses it, and see a check fail.

A band that no fault leaves would prove nothing. Each case changes one line of a helper or of a
chapter in a copy of the book and executes the chapter once, in quick: minutes, so these tests run
by ``make mutations`` and not by ``make test``.
"""

import dataclasses
import pathlib
import shutil

import nbformat
import pytest

from bookbuild import execute, paths

pytestmark = pytest.mark.mutation


@dataclasses.dataclass(frozen=True)
class Mutation:
    """One fault.

    Attributes:
        chapter: the notebook to execute.
        file: what is broken, below the checkout; a notebook is broken in its code cells.
        old: a text that stands there.
        new: what takes its place.
        caught_by: a word in the sentence of the check that must fail.
    """

    chapter: str
    file: str
    old: str
    new: str
    caught_by: str


MUTATIONS = {
    "shuffled training labels": Mutation(
        "05_metrics",
        "src/seeing/datasets/mnist.py",
        '        y_train=arrays["y_train"],',
        '        y_train=np.random.default_rng(0).permutation(arrays["y_train"]),',
        "test_accuracy",
    ),
    "a temperature that is never fitted": Mutation(
        "05_metrics",
        "src/seeing/judgment.py",
        "    return float(scale / optimize.brentq(slope, 0.0, high, xtol=1e-13))",
        "    return 1.0",
        "temperature",
    ),
    "pixels not divided by 255": Mutation(
        "04_first_cnn",
        "notebooks/04_first_cnn.ipynb",
        'astype("float32") / 255',
        'astype("float32")',
        "between 0 and 1",
    ),
    "a test set that leaked into training": Mutation(
        "09_hog_svm",
        "src/seeing/datasets/mnist.py",
        '        X_test=arrays["x_test"],\n        y_test=arrays["y_test"],',
        '        X_test=arrays["x_train"],\n        y_test=arrays["y_train"],',
        "test_accuracy",
    ),
    "HOG of a transposed image, in half of the images": Mutation(
        "09_hog_svm",
        "src/seeing/features/hog.py",
        "    channel = np.ascontiguousarray(channel, dtype=dtype)\n",
        "    channel = np.ascontiguousarray(channel, dtype=dtype)\n"
        "    if channel.shape[1] == channel.shape[2]:\n"
        "        channel[::2] = channel[::2].transpose(0, 2, 1).copy()\n",
        "hog",
    ),
    "an attack that goes down the loss": Mutation(
        "10_when_classifiers_fail",
        "notebooks/10_when_classifiers_fail.ipynb",
        "direction = tf.sign(slope(network, X, y))",
        "direction = -tf.sign(slope(network, X, y))",
        "undefended_fgsm",
    ),
    "marks that always say the digit": Mutation(
        "10b_shortcuts_and_shift",
        "src/seeing/lessons/shortcuts.py",
        "    return np.where(random.random(len(labels)) < agreement, labels, others)",
        "    return labels",
        "repaired",
    ),
    "a pointing game that looks for the mark elsewhere": Mutation(
        "10b_shortcuts_and_shift",
        "src/seeing/lessons/shortcuts.py",
        "    rows, columns = np.divmod(flat.argmax(axis=1), maps.shape[2])",
        "    columns, rows = np.divmod(flat.argmax(axis=1), maps.shape[2])",
        "pointing",
    ),
    "sets with half of the promise": Mutation(
        "10b_shortcuts_and_shift",
        "notebooks/10b_shortcuts_and_shift.ipynb",
        "level = np.ceil((n + 1) * (1 - miss)) / n",
        "level = np.ceil((n + 1) * (1 - miss) / 2) / n",
        "conformal_coverage",
    ),
    "classes in the wrong order": Mutation(
        "06_generalization",
        "src/seeing/models/heads.py",
        ".argmax(axis=1) == y",
        ".argmax(axis=1) == y.max() - y",
        "accuracy",
    ),
    "ImageNet's preprocessing forgotten": Mutation(
        "08_transfer_learning",
        "src/seeing/models/backbones.py",
        "ready = keras.applications.resnet50.preprocess_input(pixels)",
        "ready = pixels / 255",
        "pixels_as_in_training",
    ),
    "one label in two belongs to another image": Mutation(
        "06_generalization",
        "src/seeing/photos/splits.py",
        "    return X[chosen], y[chosen]",
        "    return X[chosen], np.where(np.arange(len(chosen)) % 2, np.roll(y[chosen], "
        "per_class), y[chosen])",
        "accuracy",
    ),
}


def copy_of_the_book(root: pathlib.Path, folder: pathlib.Path) -> paths.Checkout:
    """What a chapter needs, in a folder of its own."""
    for name in ("src", "notebooks", "results"):
        shutil.copytree(root / name, folder / name)
    for name in ("_toc.yml", "requirements.lock"):
        shutil.copy(root / name, folder / name)
    return paths.Checkout(root=folder)


def break_it(book: paths.Checkout, mutation: Mutation) -> None:
    path = book.root / mutation.file
    if path.suffix != ".ipynb":
        text = path.read_text(encoding="utf-8")
        assert text.count(mutation.old) == 1, f"{mutation.old!r} stands {text.count(mutation.old)}×"
        path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
        return
    notebook = nbformat.read(path, as_version=4)
    cells = [c for c in notebook.cells if c.cell_type == "code" and mutation.old in c.source]
    assert cells, f"no cell holds {mutation.old!r}"
    for cell in cells:
        cell.source = cell.source.replace(mutation.old, mutation.new)
    nbformat.write(notebook, path)


def findings(book: paths.Checkout, chapter: str, work: pathlib.Path) -> list[str]:
    """The bands and claims that an executed chapter finds broken.

    A cell that raises proves nothing here, since anybody sees that something is wrong. So the
    chapter goes on after it, to the bands and claims at its end.
    """
    environment = execute.kernel_environment("quick", PYTHONPATH=str(book.root / "src"))
    path = book.root / "notebooks" / f"{chapter}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "raises-exception"]
    nbformat.write(notebook, path)
    executed, _, _ = execute.execute(path, work, environment, chapter, book)
    found = execute.verdict(executed)
    assert found is not None, f"no conclusion: {execute.raised(executed)}"
    return list(found["outside"])


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_helper_is_caught(name: str, tmp_path: pathlib.Path) -> None:
    mutation = MUTATIONS[name]
    book = copy_of_the_book(paths.default().root, tmp_path / "book")
    break_it(book, mutation)
    work = tmp_path / "work"
    work.mkdir()
    found = findings(book, mutation.chapter, work)
    assert any(mutation.caught_by in sentence for sentence in found), found


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_changes_what_is_there(name: str, tmp_path: pathlib.Path) -> None:
    book = copy_of_the_book(paths.default().root, tmp_path / "book")
    break_it(book, MUTATIONS[name])
    original = paths.default().root / MUTATIONS[name].file
    changed = (book.root / MUTATIONS[name].file).read_text(encoding="utf-8")
    assert changed != original.read_text(encoding="utf-8")
