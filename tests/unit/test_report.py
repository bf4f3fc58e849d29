"""report: what is lacking is said before training, and an accuracy comes with its baseline."""

import pathlib

import numpy as np
import pytest

from seeing.app import report
from seeing.photos import folders, near_duplicates

ROOT = pathlib.Path("garden")
NOTHING = near_duplicates.NearDuplicates((), (), (), ())


def garden(split, *, given=False, **counts):
    """A folder of so many photographs a class, which are not there, and their split."""
    names = [f"{name}/{i}.jpg" for name, count in counts.items() for i in range(count)]
    split = np.array(split)
    folder = folders.ImageFolder(
        root=ROOT,
        class_names=tuple(counts),
        paths=tuple(ROOT / name for name in names),
        y=np.repeat(np.arange(len(counts)), list(counts.values())),
        skipped=(),
        given_split=split if given else None,
    )
    return folder, split


class TestBeforeTraining:
    def test_a_split_that_lacks_nothing(self):
        folder, split = garden(["training", "validation", "test"] * 2, daisy=3, rose=3)
        assert report.before_training(folder, NOTHING, split) == (
            "split by class and file name: 2 training, 2 validation, 2 test"
        )

    def test_every_class_that_lacks_something_is_named(self):
        parts = ["training", "validation", "test", "training", "training", "test", "training"]
        folder, split = garden(parts, daisy=3, rose=1, tulip=2, zinnia=1)
        said = report.before_training(folder, NOTHING, split).splitlines()
        assert said[1].startswith("classes without a photograph in the validation part")
        assert said[1].endswith("(3 of 4): rose, tulip, zinnia")
        assert said[2].startswith("classes without a photograph in the test part")
        assert said[2].endswith("(2 of 4): rose, zinnia")
        assert report.classes_without(folder, split, "training") == []

    def test_a_missing_part(self):
        folder, split = garden(["training"] * 4, given=True, daisy=2, rose=2)
        said = report.before_training(folder, NOTHING, split).splitlines()
        assert said[0] == "split as the folders: 4 training, 0 validation, 0 test"
        assert [line[:24] for line in said[1:]] == [
            "there is no validation p",
            "there is no test part: o",
        ]

    def test_what_is_said_of_near_duplicates(self):
        found = near_duplicates.NearDuplicates(
            pairs=((0, 1, 1.0), (2, 30, 0.97)),
            groups=((0, 1), (2, 30)),
            crowds=(tuple(range(3, 15)),),
            plain=(40, 41),
        )
        folder, split = garden(["training", "test"] * 25, daisy=25, rose=25)
        said = report.before_training(folder, found, split)
        assert "near-duplicates (4 photographs), each line kept in one part:" in said
        assert "  daisy/0.jpg, daisy/1.jpg\n" in said
        wrong = said.partition("possible wrong labels")[2].splitlines()[1]
        assert wrong == "  daisy/2.jpg, rose/5.jpg"
        assert "12 photographs are so much alike" in said
        assert "  12 like daisy/3.jpg and daisy/4.jpg" in said
        assert "2 photographs are too plain" in said
        assert "  rose/15.jpg\n  rose/16.jpg" in said

    def test_near_duplicates_across_given_parts(self):
        found = near_duplicates.NearDuplicates(((0, 1, 1.0), (0, 2, 1.0)), ((0, 1, 2),), (), ())
        folder, split = garden(["training", "test"] * 4, given=True, daisy=4, rose=4)
        said = report.before_training(folder, found, split)
        assert "each line left where it is" in said
        across = said.partition("which make a test too easy:\n")[2]
        assert across == "  daisy/0.jpg, daisy/1.jpg"

    def test_long_lists_end_with_how_many_others_there_are(self):
        pairs = tuple((i, i + 100, 1.0) for i in range(50))
        found = near_duplicates.NearDuplicates(pairs, tuple(p[:2] for p in pairs), (), ())
        folder, split = garden(["training"] * 200, daisy=200, rose=0)
        said = report.before_training(folder, found, split).splitlines()
        assert said[-1] == "  and 30 more"
        assert sum(line.startswith("  daisy") for line in said) == report.SHOWN


class TestScores:
    def test_always_the_most_frequent_class(self):
        y = np.array([0] * 50 + [1] * 3)
        tested = report.scores(y, np.zeros(53, int), 3)
        assert tested.accuracy == pytest.approx(50 / 53)
        assert tested.balanced_accuracy == pytest.approx(0.5)
        assert tested.recalls[:2].tolist() == [1, 0]
        assert np.isnan(tested.recalls[2])  # no photograph: neither good nor bad
        assert tested.counts.tolist() == [50, 3, 0]
        assert tested.baseline == tested.accuracy
        said = report.after_testing(tested, ("daisy", "rose", "tulip"))
        assert said.splitlines() == [
            "test accuracy: 94.3%",
            "  always 'daisy' would get 94.3%",
            "  balanced accuracy, every class counted alike: 50.0%",
            "  so it is no better than naming the most frequent class every time",
            "test photographs that got their class's name, by class, worst first:",
            "    0.0% of 3 rose",
            "  100.0% of 50 daisy",
        ]

    def test_a_good_classifier_is_not_scolded(self):
        y = np.array([0, 1, 1, 0])
        said = report.after_testing(report.scores(y, y, 2), ("a", "b"))
        assert "100.0%" in said
        assert "no better" not in said

    @pytest.mark.parametrize("counts", [(0, 0), (2, 1)])
    def test_what_is_refused(self, counts):
        y, predicted = (np.zeros(count, int) for count in counts)
        with pytest.raises(ValueError, match="expected as many"):
            report.scores(y, predicted, 2)
