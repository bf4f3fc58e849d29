"""disagreements: pairs of methods on the same images, recorded and of this run."""

import json

import numpy as np
import pytest

from seeing import judgment
from seeing.record import chapter, disagreements, reference

SAID = {"tree": np.array([1, 1, 0, 0]), "forest": np.array([1, 0, 1, 1])}
TRUTH = np.array([1, 1, 1, 1])


@pytest.fixture
def record(tmp_path, monkeypatch) -> chapter.Chapter:
    """A chapter of which nothing is recorded; ``keep`` records what it has added."""
    monkeypatch.setattr(reference, "folder", lambda: tmp_path)
    monkeypatch.delenv(reference.REPORT_VARIABLE, raising=False)
    keep(made := chapter.Chapter("some"), tmp_path, {})
    return made


def keep(record: chapter.Chapter, folder, series: dict) -> None:
    content = {"chapter": record.slug, "metrics": {}, "data": [], "series": series}
    (folder / f"{record.slug}.json").write_text(json.dumps(content), encoding="utf-8")


def test_pairs_are_kept_and_found_again(record, tmp_path):
    found = disagreements.between(SAID, TRUTH, [("tree", "forest"), ("forest", "tree")])
    assert [(one.only_first, one.only_second) for one in found.values()] == [(1, 2), (2, 1)]
    disagreements.add(record.on(n=4), "pairs", found)
    keep(record, tmp_path, record._series)
    assert disagreements.recorded(record, "pairs") == found
    assert disagreements.recorded(record, "others") == {}


def test_answers_for_other_images_are_refused():
    with pytest.raises(ValueError, match="tree: 4 answers, but 3 right ones"):
        disagreements.between(SAID, TRUTH[:3], [("tree", "forest")])


def test_recorded_pairs_stand_before_this_runs(record, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(disagreements.tables, "show_table", lambda *table: calls.append(table))
    pair, other = ("tree", "forest"), ("tree", "oak")
    few, many = judgment.Disagreement(1, 2), judgment.Disagreement(0, 1_000)
    disagreements.show(record, "pairs", {pair: few})
    disagreements.add(record.on(n=4), "pairs", {pair: many})
    keep(record, tmp_path, record._series)
    disagreements.show(record, "pairs", {pair: many})
    disagreements.show(record, "pairs", {pair: few, other: few})
    (_, first, new), (_, second, same), (header, both, _) = calls
    assert first == [["tree and forest", "1 : 2", "1"]] and new.startswith("This run")
    assert second == [["tree and forest", "0 : 1,000", "below 0.001"]]
    assert same.startswith("Recorded full run.")
    assert len(header) == 5 and header[3].endswith("this run")
    assert both[0] == ["tree and forest", "0 : 1,000", "below 0.001", "1 : 2", "1"]
    assert both[1][1:3] == ["–", "–"]
