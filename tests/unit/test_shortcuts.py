"""shortcuts: planted marks, drawn letters, pens, and the pointing game of chapter 10b."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn import metrics

from seeing.lessons import shortcuts

PLACES = hnp.arrays(np.int64, st.integers(1, 12), elements=st.integers(0, 9))


def paper(count: int) -> np.ndarray:
    return np.zeros((count, 28, 28), np.uint8)


class TestMarks:
    @given(PLACES)
    def test_a_mark_is_nine_pixels_of_ink_on_the_upper_edge(self, places):
        marked = shortcuts.with_marks(paper(len(places)), places)
        lefts = shortcuts.mark_columns(places)
        for image, left in zip(marked, lefts, strict=True):
            assert image.sum() == 9 * 255
            assert (image[:3, left : left + 3] == 255).all()

    def test_places_go_from_edge_to_edge_and_differ(self):
        columns = shortcuts.mark_columns(np.arange(10))
        assert columns[0] == 0 and columns[-1] == 25
        assert (np.diff(columns) >= 2).all()

    def test_the_images_themselves_stay(self):
        images = paper(1)
        shortcuts.with_marks(images, np.array([3]))
        assert not images.any()

    @pytest.mark.parametrize("places", [[0, 1], [10], [-1], [0.5]])
    def test_each_image_needs_a_place_of_the_ten(self, places):
        with pytest.raises(ValueError, match="expected one of 0 to 9 each"):
            shortcuts.with_marks(paper(1), np.array(places))

    @given(PLACES, st.integers(0, 1_000))
    def test_agreement_goes_from_never_to_always(self, labels, seed):
        always = shortcuts.places_like(labels, 1.0, seed)
        never = shortcuts.places_like(labels, 0.0, seed)
        np.testing.assert_array_equal(always, labels)
        assert (never != labels).all() and np.isin(never, range(10)).all()

    def test_a_tenth_is_what_lots_would_agree_in(self):
        labels = np.repeat(np.arange(10), 2_000).astype(np.uint8)
        places = shortcuts.places_like(labels, 0.1, seed=0)
        assert abs(np.mean(places == labels) - 0.1) < 0.01
        counts = np.bincount(places, minlength=10) / len(places)
        assert np.abs(counts - 0.1).max() < 0.01


class TestPointing:
    @given(st.integers(0, 9), st.integers(0, 27), st.integers(0, 27))
    def test_the_largest_value_counts_within_a_pixel_of_the_mark(self, place, row, column):
        left = int(shortcuts.mark_columns(np.array(place)))
        heat = np.zeros((1, 28, 28))
        heat[0, row, column] = 1
        expected = row <= 3 and left - 1 <= column <= left + 3
        assert shortcuts.points_into(heat, np.array([left])) == [expected]

    def test_a_map_that_is_the_same_all_over_points_nowhere(self):
        assert not shortcuts.points_into(np.zeros((1, 28, 28)), np.array([0]))[0]

    @given(hnp.arrays(float, (2, 3, 4), elements=st.integers(0, 3).map(float)), st.integers(0, 99))
    def test_a_ranking_falls_and_holds_each_pixel_once(self, maps, seed):
        order = shortcuts.ranking(maps, seed)
        np.testing.assert_array_equal(np.sort(order, axis=1), [range(12)] * 2)
        ranked = np.take_along_axis(maps.reshape(2, -1), order, axis=1)
        assert (np.diff(ranked, axis=1) <= 0).all()

    def test_lots_decide_between_equal_pixels(self):
        order = shortcuts.ranking(np.zeros((200, 2, 2)), seed=0)
        assert set(order[:, 0]) == {0, 1, 2, 3}


class TestRankCorrelation:
    @given(
        hnp.arrays(float, (3, 2, 4), elements=st.integers(-5, 5).map(float)),
        hnp.arrays(float, (3, 2, 4), elements=st.integers(-5, 5).map(float)),
    )
    def test_is_scipys_where_that_has_one(self, first, second):
        found = shortcuts.rank_correlation(first, second)
        for one, a, b in zip(found, first, second, strict=True):
            if np.ptp(a) and np.ptp(b):
                assert one == pytest.approx(stats.spearmanr(a.ravel(), b.ravel()).statistic)
            else:
                assert one == 0


class TestPens:
    @pytest.mark.parametrize("width", [1, 3, 5])
    def test_a_bar_is_as_wide_as_it_was_drawn(self, width):
        image = paper(1)
        image[0, 4:24, 10 : 10 + width] = 255
        assert abs(shortcuts.stroke_width(image)[0] - width) <= 1

    def test_wider_bars_are_wider(self):
        images = paper(3)
        for image, width in zip(images, (2, 4, 6), strict=True):
            image[4:24, 10 : 10 + width] = 255
        assert (np.diff(shortcuts.stroke_width(images)) > 0).all()

    @given(hnp.arrays(bool, (3, 9, 9)))
    def test_each_image_has_its_own_pen_whatever_is_beside_it(self, ink):
        images = np.where(ink, 255, 0).astype(np.uint8)
        alone = [shortcuts.stroke_width(images[i : i + 1])[0] for i in range(3)]
        np.testing.assert_allclose(shortcuts.stroke_width(images), alone)

    def test_paper_has_no_pen(self):
        assert shortcuts.stroke_width(paper(1)) == [0]


class TestSlant:
    @pytest.mark.parametrize("lean", [-0.5, 0.0, 0.25])
    def test_a_leaning_bar_leans_as_it_was_drawn(self, lean):
        image = np.zeros((1, 28, 28))
        for row in range(4, 24):
            left = 12 + lean * (14 - row)
            image[0, row, int(left)] += 255 * (1 - left % 1)
            image[0, row, int(left) + 1] += 255 * (left % 1)
        assert shortcuts.slant(image)[0] == pytest.approx(lean, abs=1e-9)

    def test_the_mirror_image_leans_the_other_way(self):
        images = np.random.default_rng(0).integers(0, 256, (5, 28, 28))
        leans = shortcuts.slant(images)
        np.testing.assert_allclose(shortcuts.slant(images[:, :, ::-1]), -leans, atol=1e-12)

    def test_paper_and_a_single_row_do_not_lean(self):
        images = paper(2)
        images[1, 5, 3:20] = 255
        np.testing.assert_array_equal(shortcuts.slant(images), [0, 0])


class TestAreas:
    values = st.lists(st.integers(0, 5), min_size=2, max_size=30)

    @given(values, values)
    def test_the_area_is_scikit_learns(self, known, unknown):
        area, low, high = shortcuts.auroc_interval(known, unknown)
        is_known = [1] * len(known) + [0] * len(unknown)
        assert area == pytest.approx(metrics.roc_auc_score(is_known, known + unknown))
        assert 0 <= low <= area + 1e-12 and area - 1e-12 <= high <= 1

    def test_the_interval_holds_the_true_area_nineteen_times_in_twenty(self):
        random = np.random.default_rng(0)
        true = stats.norm.cdf(1 / np.sqrt(2))  # normal values, one deviation apart
        held = [
            low <= true <= high
            for _, low, high in (
                shortcuts.auroc_interval(random.normal(1, 1, 60), random.normal(0, 1, 80))
                for _ in range(1_000)
            )
        ]
        assert 0.93 < np.mean(held) < 0.97

    def test_one_example_has_no_interval(self):
        with pytest.raises(ValueError, match="1 known and 5 unknown; expected 2 of each"):
            shortcuts.auroc_interval(np.ones(1), np.ones(5))


class TestLetters:
    def test_letters_are_ink_on_paper_and_their_seed_decides(self):
        drawn = shortcuts.letters(12, seed=0)
        assert drawn.shape == (12, 28, 28) and drawn.dtype == np.uint8
        assert (drawn.max(axis=(1, 2)) > 200).all()
        assert (np.mean(drawn > 0, axis=(1, 2)) < 0.6).all()
        np.testing.assert_array_equal(drawn, shortcuts.letters(12, seed=0))
        assert (drawn != shortcuts.letters(12, seed=1)).any()

    def test_they_keep_within_the_frame(self):
        border = np.ones((28, 28), bool)
        border[1:-1, 1:-1] = False
        assert not shortcuts.letters(30, seed=2)[:, border].any()

    def test_none_is_none(self):
        assert shortcuts.letters(0, seed=0).shape == (0, 28, 28)


def test_bad_scans_are_faint_and_noisy():
    images = np.full((4, 28, 28), 255, np.uint8)
    scans = shortcuts.bad_scans(images, seed=0)
    assert scans.dtype == np.uint8 and scans.shape == images.shape
    assert 80 < scans.mean() < 130 and scans.std() > 40
