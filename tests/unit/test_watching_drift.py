"""The tests of drift: against SciPy, against chance, and against what has really changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import pairwise

from seeing import drift


def photographs(count, seed, shift=0.0, n_classes=3, d=5):
    """Features, and probabilities that depend on them."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, d)) + shift
    scores = np.exp(features[:, :n_classes])
    return features, scores / scores.sum(axis=1, keepdims=True)


def statistics(reference, batch, permutations=50, seed=0):
    permuted = drift._Permuted(
        pairwise.euclidean_distances(reference), len(batch), permutations, seed
    )
    return permuted.statistics(
        pairwise.euclidean_distances(reference, batch), pairwise.euclidean_distances(batch)
    )


class TestEnergy:
    numbers = st.lists(st.integers(-50, 50), min_size=2, max_size=8)

    @given(numbers, numbers)
    def test_of_single_numbers_it_is_scipys_squared(self, first, second):
        columns = [np.array(one, float)[:, np.newaxis] for one in (first, second)]
        wanted = stats.energy_distance(first, second) ** 2
        assert statistics(*columns)[0] == pytest.approx(wanted, abs=1e-9)

    @given(st.integers(0, 1000), st.integers(2, 9), st.integers(2, 6))
    def test_each_permutation_is_what_the_formula_gives_from_scratch(self, seed, n, m):
        random = np.random.default_rng(seed)
        reference, batch = random.normal(size=(n, 3)), random.normal(size=(m, 3))
        found = statistics(reference, batch, permutations=20, seed=seed)
        pooled = pairwise.euclidean_distances(np.concatenate([reference, batch]))
        drawn = np.random.default_rng(seed)
        chosen = [np.arange(n, n + m)]
        chosen += [drawn.choice(n + m, m, replace=False) for _ in range(20)]
        for one, value in zip(chosen, found, strict=True):
            rest = np.setdiff1d(np.arange(n + m), one)
            wanted = 2 * pooled[np.ix_(one, rest)].mean()
            wanted -= pooled[np.ix_(one, one)].mean() + pooled[np.ix_(rest, rest)].mean()
            assert value == pytest.approx(wanted, abs=1e-9)

    @settings(max_examples=5)
    @given(st.integers(0, 1000), st.sampled_from([0.0, 0.6, 1.2]))
    def test_its_p_is_that_of_scipys_permutation_test(self, seed, shift):
        reference, _ = photographs(40, seed)
        batch, _ = photographs(12, seed + 10_000, shift)
        pooled = pairwise.euclidean_distances(np.concatenate([reference, batch]))

        def statistic(one, rest):
            one, rest = one.astype(int), rest.astype(int)
            between = 2 * pooled[np.ix_(one, rest)].mean()
            return between - pooled[np.ix_(one, one)].mean() - pooled[np.ix_(rest, rest)].mean()

        options = {"vectorized": False, "n_resamples": 999, "alternative": "greater"}
        wanted = stats.permutation_test(
            (np.arange(40, 52), np.arange(40)), statistic, **options
        ).pvalue
        permuted = drift._Permuted(pooled[:40, :40], 12, 999, seed)
        found = permuted.p(pooled[:40, 40:], pooled[40:, 40:])
        assert found == pytest.approx(wanted, abs=0.09)  # five standard errors of a half

    def test_what_is_all_alike_is_no_drift(self):
        same = np.ones((20, 3))
        permuted = drift._Permuted(pairwise.euclidean_distances(same), 5, 99, 0)
        assert permuted.p(np.zeros((20, 5)), np.zeros((5, 5))) == 1.0


class TestDetector:
    @pytest.mark.parametrize("with_features", [True, False])
    @pytest.mark.parametrize("unsure_below", [0.0, 0.5])
    def test_false_alarms_are_as_rare_as_was_asked_for(self, with_features, unsure_below):
        """Of references that are drawn anew, as the promise is about all of them."""
        alarms, n = 0, 200
        for seed in range(n):
            features, probabilities = photographs(130, seed)
            if not with_features:
                features = None
            parts = [None, None] if features is None else [features[:100], features[100:]]
            detector = drift.Detector(
                parts[0],
                probabilities[:100],
                batch_size=30,
                unsure_below=unsure_below,
                permutations=99,
                seed=seed,
            )
            alarms += bool(detector.test(parts[1], probabilities[100:]).what(0.1))
        assert stats.binomtest(alarms, n, 0.1, alternative="greater").pvalue > 1e-4
        assert alarms > 0.01 * n  # and not because the tests see nothing

    def test_a_change_of_everything_is_found_in_all_batches(self):
        detector = drift.Detector(*photographs(200, 0), unsure_below=0.5)
        found = detector.alarms(*photographs(120, 1, shift=np.array([2, 0, 0, 0, 0])), batches=40)
        assert found["any"].values == found["inputs"].values == found["answers"].values == (1.0,)
        low, high = found["any"].interval()
        assert 0.9 < low < high == 1.0

    def test_a_change_that_the_answers_do_not_see_is_found_in_the_inputs_alone(self):
        detector = drift.Detector(*photographs(200, 0))
        shift = np.array([0, 0, 0, 2, 2])
        found = detector.alarms(*photographs(200, 1, shift), batches=40)
        assert found["inputs"].mean == 1.0
        assert found["answers"].mean < 0.3

    def test_a_share_of_dont_know_that_grows(self):
        random = np.random.default_rng(0)

        def sure(count, largest):
            rest = (1 - largest) / 2
            order = np.stack([largest, rest, rest], axis=1)
            return random.permuted(order, axis=1)

        reference = sure(400, random.uniform(0.7, 1.0, 400))
        detector = drift.Detector(None, reference, unsure_below=0.6)
        batch = sure(50, np.where(np.arange(50) < 10, 0.55, random.uniform(0.7, 1.0, 50)))
        tested = detector.test(None, batch)
        assert tested.unknown_share == 0.2
        assert "don't know" in tested.what()
        assert np.isnan(tested.inputs)
        assert tested.smallest == min(tested.answers, tested.unknown)

    def test_the_tests_share_the_false_alarms(self):
        features, probabilities = photographs(100, 0)
        batch = photographs(50, 1, shift=0.3)
        lowest = min(stats.ks_2samp(probabilities[:, k], batch[1][:, k]).pvalue for k in range(3))
        alone = drift.Detector(None, probabilities).test(None, batch[1])
        both = drift.Detector(features, probabilities).test(*batch)
        three = drift.Detector(features, probabilities, unsure_below=0.5).test(*batch)
        assert alone.answers == pytest.approx(min(1, 3 * lowest))
        assert both.answers == pytest.approx(min(1, 6 * lowest))
        assert three.answers == pytest.approx(min(1, 8 * lowest))
        assert both.inputs == three.inputs
        assert np.isnan(both.unknown) and np.isnan(alone.inputs)

    def test_of_two_classes_one_is_tested(self):
        _, probabilities = photographs(100, 0, n_classes=2)
        _, batch = photographs(50, 1, n_classes=2)
        found = drift.Detector(None, probabilities).test(None, batch).answers
        assert found == pytest.approx(stats.ks_2samp(probabilities[:, 0], batch[:, 0]).pvalue)

    def test_the_same_seed_gives_the_same_numbers(self):
        found = [
            drift.Detector(*photographs(60, 0), seed=3).test(*photographs(50, 1)) for _ in range(2)
        ]
        assert repr(found[0]) == repr(found[1])

    @pytest.mark.parametrize("with_features", [True, False])
    def test_false_alarms_with_references_that_are_drawn_anew(self, with_features):
        features, probabilities = photographs(260, 0)
        features = features if with_features else None
        options = {"reference": 200, "splits": 8, "batches": 10, "batch_size": 20}
        shares = drift.false_alarms(features, probabilities, permutations=99, **options)
        assert shares.shape == (8,)
        assert shares.mean() < 0.2  # of 80 batches, where 0.05 is asked for
        again = drift.false_alarms(features, probabilities, permutations=99, **options)
        np.testing.assert_array_equal(shares, again)

    def test_what_does_not_fit_is_refused(self):
        features, probabilities = photographs(60, 0)
        with pytest.raises(ValueError, match="59 rows of features, 60 of probabilities"):
            drift.Detector(features[1:], probabilities)
        with pytest.raises(ValueError, match="expected 2 or more of each"):
            drift.Detector(None, probabilities[:, :1])
        with pytest.raises(ValueError, match="finite numbers"):
            drift.Detector(None, np.full((9, 3), np.nan))
        detector = drift.Detector(features, probabilities)
        with pytest.raises(ValueError, match="a batch of 49; expected 50"):
            detector.test(features[:49], probabilities[:49])
        with pytest.raises(ValueError, match=r"features \(50, 4\); the reference has"):
            detector.test(features[:50, :4], probabilities[:50])
        with pytest.raises(ValueError, match="200 batches of 10 photographs"):
            detector.alarms(features[:10], probabilities[:10])
