"""`make reference`: numbers come from runs, bands from seeds, and a failed run changes nothing."""

import json
import pathlib
import subprocess

import nbformat
import pytest

from bookbuild import execute, paths, reference

CHAPTER = """
from seeing import profiles, provenance, results
from seeing.datasets import sources

offline = sources.is_offline()
seed = profiles.seeds(quick=1, full=3)
record = sources.DataRecord("tiny", "made here", "ab" * 32, offline, download_bytes=2_000_000)
base = profiles.choose(quick=0.8, full=0.9)
values = [base + s / 10_000 - 0.1 * offline for s in seed]
"""

CONCLUDE = """
results.conclude(
    "tiny",
    {"test_accuracy": results.metric(values, n=1_000), "fit_time": results.metric(1.5, unit="s")},
    data=[record],
)
"""

BOX = "provenance.box(data=[record], seeds=seed)"


@pytest.fixture
def book(tmp_path: pathlib.Path) -> paths.Checkout:
    """A book of one chapter, committed."""
    for folder in ("notebooks", "results", "src"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src/empty.py").write_text("")
    write(tmp_path, CHAPTER, CONCLUDE, BOX)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "-c", "user.name=T", "-c", "user.email=t@t", "commit", "--quiet", "-m", "one")
    return paths.Checkout(root=tmp_path)


def git(root: pathlib.Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)


def write(root: pathlib.Path, *code: str) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# A Tiny Chapter\n\nText.")]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in code]
    nbformat.write(notebook, root / "notebooks/07_tiny.ipynb")


def test_a_reference_run_records_what_the_chapter_measured(book: paths.Checkout) -> None:
    path = reference.make(book.root / "notebooks/07_tiny.ipynb", book)
    assert path == book.root / "results/tiny.json"
    recorded = json.loads(path.read_text(encoding="utf-8"))
    assert recorded["title"] == "A Tiny Chapter"
    assert recorded["profile"] == "full"
    assert recorded["metrics"]["test_accuracy"]["values"] == [0.9, 0.9001, 0.9002]
    assert recorded["metrics"]["test_accuracy"]["n"] == 1_000
    assert recorded["seeds"] == [0, 1, 2]
    assert recorded["cost"]["wall_s"] > 0
    assert recorded["cost"]["peak_rss_mb"] > 10
    assert recorded["cost"]["download_mb"] == 2.0
    assert recorded["environment"]["device"]
    assert recorded["data"][0]["is_stand_in"] is False
    assert not recorded["commit"].endswith("+changes")
    # Seeds 0, 100 and 200 gave 0.80, 0.81 and 0.82: the band is their mean, six deviations wide.
    low, high = recorded["quick_band"]["test_accuracy"]
    assert (low, high) == (pytest.approx(0.75), pytest.approx(0.87))
    low, high = recorded["stand_in_band"]["test_accuracy"]
    assert (low, high) == (pytest.approx(0.65), pytest.approx(0.77))
    assert set(recorded["quick_band"]) == {"test_accuracy"}


def test_a_failing_run_keeps_the_old_results(book: paths.Checkout) -> None:
    old = book.root / "results/tiny.json"
    old.write_text("the old results")
    write(book.root, CHAPTER, "raise RuntimeError('broken')", CONCLUDE, BOX)
    with pytest.raises(execute.ChapterFailed, match="broken"):
        reference.make(book.root / "notebooks/07_tiny.ipynb", book)
    assert old.read_text() == "the old results"
    assert [path.name for path in old.parent.iterdir()] == ["tiny.json"]


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [((CHAPTER, BOX), "results.conclude"), ((CHAPTER, CONCLUDE), "provenance.box")],
)
def test_a_chapter_must_report_and_show_its_provenance(
    book: paths.Checkout, cells: tuple[str, ...], complaint: str
) -> None:
    write(book.root, *cells)
    with pytest.raises(ValueError, match=complaint):
        reference.make(book.root / "notebooks/07_tiny.ipynb", book)
    assert list((book.root / "results").iterdir()) == []


def test_uncommitted_code_is_marked(book: paths.Checkout) -> None:
    clean = reference.commit(book.root)
    (book.root / "src/empty.py").write_text("changed = True\n")
    assert reference.commit(book.root) == f"{clean}+changes"


def test_the_quick_part_can_be_measured_anew(book: paths.Checkout) -> None:
    chapter = book.root / "notebooks/07_tiny.ipynb"
    path = reference.make(chapter, book)
    full = json.loads(path.read_text(encoding="utf-8"))
    write(book.root, CHAPTER.replace("quick=0.8", "quick=0.7"), CONCLUDE, BOX)
    reference.make_quick(chapter, book)
    again = json.loads(path.read_text(encoding="utf-8"))
    assert again["metrics"] == full["metrics"]
    assert again["commit"] == full["commit"]
    assert again["quick_commit"] == f"{full['quick_commit']}+changes"
    assert again["quick_band"]["test_accuracy"] == pytest.approx([0.65, 0.77])


def test_the_quick_part_needs_full_results_of_the_same_metrics(book: paths.Checkout) -> None:
    chapter = book.root / "notebooks/07_tiny.ipynb"
    with pytest.raises(ValueError, match="make reference CHAPTER=tiny"):
        reference.make_quick(chapter, book)
    (book.root / "results/tiny.json").write_text('{"metrics": {"other": {"unit": "fraction"}}}')
    with pytest.raises(ValueError, match="now measures"):
        reference.make_quick(chapter, book)


def test_the_quick_part_may_leave_metrics_out_if_it_says_so(book: paths.Checkout) -> None:
    conclude = CONCLUDE.replace(
        "    data=[record],\n",
        '    data=[record],\n    not_measured={"slow_accuracy": "too slow"},\n',
    )
    write(book.root, CHAPTER, conclude, BOX)
    chapter, path = book.root / "notebooks/07_tiny.ipynb", book.root / "results/tiny.json"
    fraction, seconds = {"unit": "fraction"}, {"unit": "s"}
    metrics = {"test_accuracy": fraction, "slow_accuracy": fraction, "fit_time": seconds}
    path.write_text(json.dumps({"chapter": "tiny", "metrics": metrics}))
    reference.make_quick(chapter, book)
    made = json.loads(path.read_text(encoding="utf-8"))
    assert made["quick_not_measured"] == ["slow_accuracy"]
    assert set(made["quick_band"]) == {"test_accuracy"}
    del metrics["slow_accuracy"]
    path.write_text(json.dumps({"chapter": "tiny", "metrics": metrics}))
    with pytest.raises(ValueError, match="now measures"):
        reference.make_quick(chapter, book)
