"""comparison: every way with every seed, gains against the plain one of the same seed."""

import pytest

from seeing import comparison
from seeing.record import chapter, reference

SEEN = 1.0  # every training image is known
UNSEEN = {"plain": (0.50, 0.60), "better way": (0.75, 0.75), "slow": (0.9, 0.9)}


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A chapter of which nothing is recorded yet, in a quick run."""
    monkeypatch.setattr(reference, "folder", lambda: tmp_path)
    monkeypatch.setenv(reference.REPORT_VARIABLE, str(tmp_path / "report.json"))
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    return chapter.Chapter("some")


def compared(record: chapter.Chapter, trained: list, **options) -> comparison.Comparison:
    def train(way, seed):
        trained.append((way, seed))
        return None, {}, SEEN, UNSEEN[way][seed]

    sample = record.on(part="validation", n=100, guess=0.1)
    options = {"in_quick": {"plain", "better way"}} | options
    return comparison.Comparison(record, sample, train, prefix="digits", seeds=(0, 1), **options)


def test_gains_and_gaps_are_points_of_the_same_seed(record):
    compared(record, []).show("plain", "better way")
    found = {name: one.values for name, one in record.measured().items()}
    assert found["digits_better_way_validation_accuracy"] == (0.75, 0.75)
    assert found["digits_better_way_gain"] == pytest.approx((25, 15))
    assert found["digits_better_way_gap"] == pytest.approx((25, 25))
    assert found["digits_plain_gain"] == (0, 0)


def test_a_quick_run_trains_only_what_it_may(record, monkeypatch):
    trained = []
    quick = compared(record, trained, in_quick={"plain"})
    assert not quick.is_trained("slow")
    quick.show("plain")
    assert {way for way, _ in trained} == {"plain"}
    monkeypatch.setenv("SEEING_PROFILE", "full")
    full = compared(record, trained, in_quick={"plain"})
    assert full.is_trained("slow")
    full.show("plain", "slow")
    assert {("slow", 0), ("slow", 1)} <= set(trained)


def test_recorded_gains_are_paired_and_may_be_asked_against_any_way(record):
    them = compared(record, [])
    them.show("plain", "better way")
    assert them.gain("better way").values == pytest.approx((25, 15))
    assert them.gain("plain", over="better_way").values == pytest.approx((-25, -15))
    assert them.on_training_images("better way") == pytest.approx(SEEN)


def test_the_plain_way_cannot_be_left_out(record):
    with pytest.raises(ValueError, match="leaves out 'plain'"):
        compared(record, [], in_quick={"better way"})
