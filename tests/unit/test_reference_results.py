"""Recorded results: found or missed in clear words, and compared by the book's rule."""

import json
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from seeing.record import metric, reference


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    monkeypatch.setattr(reference, "folder", lambda: tmp_path)
    return tmp_path


def test_a_missing_file_names_those_there_are(folder: pathlib.Path) -> None:
    (folder / "other.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"\['other'\].*make reference CHAPTER=some"):
        reference.load("some")


@pytest.mark.parametrize(
    ("text", "complaint"), [("{", "damaged"), ("{}", "lacks"), ("[]", "some.json")]
)
def test_a_damaged_file_is_named(folder: pathlib.Path, text: str, complaint: str) -> None:
    (folder / "some.json").write_text(text)
    with pytest.raises(ValueError, match=complaint):
        reference.load("some")


def test_a_missing_metric_names_those_there_are(folder: pathlib.Path) -> None:
    content = {"chapter": "some", "data": [], "metrics": {"a": metric.metric(0.5).as_json()}}
    (folder / "some.json").write_text(json.dumps(content))
    with pytest.raises(KeyError, match=r"no metric 'b'; it has \['a'\]"):
        reference.load("some").metric("b")


shares = some.lists(some.integers(8_000, 9_999), min_size=3, max_size=3, unique=True)


@given(shares, shares)
def test_a_difference_of_seeds_is_students_paired_test(a: list[int], b: list[int]) -> None:
    first, second = (metric.metric([k / 10_000 for k in values], n=10_000) for values in (a, b))
    found = reference.difference(first, second)
    if len(set(found.values)) == 1:
        return
    p = stats.ttest_rel(a, b).pvalue
    if abs(p - 0.05) > 1e-6:
        assert found.is_undecided == (p > 0.05)
    assert found.is_gain + found.is_loss + found.is_undecided == 1
    assert found.mean == pytest.approx(100 * (first.mean - second.mean), abs=1e-3)


def test_single_values_are_compared_as_samples_of_images() -> None:
    near = reference.difference(metric.metric(0.95, n=600), metric.metric(0.94, n=600))
    far = reference.difference(metric.metric(0.95, n=600), metric.metric(0.80, n=600))
    assert near.is_undecided and far.is_gain
    assert reference.difference(metric.metric(0.95), metric.metric(0.5)).is_undecided


def test_seeds_that_all_differ_by_the_same_are_no_certainty() -> None:
    first, second = metric.metric([0.5, 0.6], n=100), metric.metric([0.49, 0.59], n=100)
    assert reference.difference(first, second).is_undecided


def test_units_must_agree() -> None:
    with pytest.raises(ValueError, match="units differ"):
        reference.difference(metric.metric(0.5), metric.metric(0.5, unit=metric.RATIO))


def test_editions_name_the_content_or_a_stand_in() -> None:
    records = [
        {"name": "flower_photos (240 px edition)", "sha256": "ab", "is_stand_in": False},
        {"name": "mnist", "sha256": "cd", "is_stand_in": True},
    ]
    assert reference.editions(records) == {"flower_photos": "ab", "mnist": "stand-in"}


def test_the_results_of_the_book_are_found() -> None:
    assert reference.checkout() is not None
    assert "first_cnn" in reference.chapters()
