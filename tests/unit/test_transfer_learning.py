"""transfer_learning: two looks, two splits, top-1 and top-5; recorded runs in figures."""

import keras
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image
from sklearn import linear_model
from sklearn import metrics as sklearn_metrics

from seeing.datasets import sources
from seeing.figures import curves
from seeing.lessons import transfer_learning
from seeing.record import chapter
from seeing.record import metric as metrics


def features(n: int = 120, n_classes: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two looks at n photographs of several classes, not quite separable."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    centers = random.normal(size=(n_classes, 6))
    return (centers[y] + random.normal(0, 0.6, size=(2, n, 6))).astype("float32"), y


def test_two_looks_are_those_of_the_picture_and_of_its_mirror_image(tmp_path, monkeypatch):
    monkeypatch.setenv("SEEING_PROGRESS", "0")
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, :16] = 200  # bright on the left
    Image.fromarray(pixels).save(tmp_path / "a.png")
    inputs = keras.Input((32, 32, 3))
    left = keras.layers.Cropping2D(((0, 0), (0, 16)))(inputs)
    extractor = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(left))
    looks = transfer_learning.two_looks(extractor, [tmp_path / "a.png"], 32)
    np.testing.assert_allclose(looks, [[[200] * 3], [[0] * 3]])
    assert looks.dtype == np.float32


def test_the_official_split_is_solved_on_two_parts_and_tested_on_the_third():
    looks, y = features()
    split = np.array(["training"] * 60 + ["validation"] * 20 + ["test"] * 40)
    found = transfer_learning.official_split(looks, y, split, [0.1])
    X = np.concatenate([looks[0][:80], looks[1][:80]])
    known = linear_model.LogisticRegression(C=0.1, tol=1e-3).fit(X, np.tile(y[:80], 2))
    probabilities = (known.predict_proba(looks[0][80:]) + known.predict_proba(looks[1][80:])) / 2
    assert found.n == 40
    assert found.accuracy == np.mean(probabilities.argmax(axis=1) == y[80:])
    top5 = sklearn_metrics.top_k_accuracy_score(y[80:], probabilities, k=5)
    assert found.top5_accuracy == pytest.approx(top5)
    assert found.accuracy < found.top5_accuracy


def test_c_is_chosen_on_the_validation_part():
    looks, y = features()
    split = np.array(["training"] * 60 + ["validation"] * 20 + ["test"] * 40)
    found = transfer_learning.official_split(looks, y, split, [1e-9, 1.0])
    assert found.C == 1.0
    assert transfer_learning.official_split(looks, y, split, [1.0, 1e-9]).C == 1.0


def test_the_random_split_follows_its_seed_and_tests_a_tenth():
    looks, y = features()
    first, again = (transfer_learning.random_split(looks, y, C=1.0, seed=3) for _ in range(2))
    assert first.n == 12
    assert (first.accuracy, first.top5_accuracy) == (again.accuracy, again.top5_accuracy)
    np.testing.assert_array_equal(first.solved.coef_, again.solved.coef_)
    other = transfer_learning.random_split(looks, y, C=1.0, seed=4)
    assert not np.array_equal(first.solved.coef_, other.solved.coef_)


def test_a_class_without_a_training_photograph_is_a_miss_and_no_error():
    looks, y = features()
    y[-40:] = 99
    split = np.array(["training"] * 60 + ["validation"] * 20 + ["test"] * 40)
    found = transfer_learning.official_split(looks, y, split, [1.0])
    assert (found.accuracy, found.top5_accuracy) == (0.0, 0.0)


def test_what_is_refused():
    looks, y = features(12)
    with pytest.raises(ValueError, match="'test': 0"):
        transfer_learning.official_split(looks, y, np.array(["training", "validation"] * 6), [1.0])
    with pytest.raises(ValueError, match="0 candidates"):
        transfer_learning.official_split(
            looks, y, np.array(["training", "validation", "test"] * 4), []
        )
    with pytest.raises(ValueError, match="9 photographs; expected 10"):
        transfer_learning.random_split(looks[:, :9], y[:9], C=1.0, seed=0)


def test_as_keras_layers_it_says_the_same():
    looks, y = features(n_classes=5)
    probe = transfer_learning.random_split(looks, y, C=1.0, seed=0)
    logits = keras.ops.convert_to_numpy(probe.head()(looks[0]))
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        shares / shares.sum(axis=1, keepdims=True), probe.solved.predict_proba(looks[0]), atol=1e-5
    )
    two = transfer_learning.random_split(looks, y % 2, C=1.0, seed=0)
    with pytest.raises(ValueError, match="a probe of two classes has one logit"):
        two.head()


def test_kept_histories_come_back_as_their_mean():
    record = chapter.Chapter("transfer_learning")
    sample = record.on(sources.DataRecord("flower_photos", "a test", "0" * 64), n=10)
    histories = [
        {"val_accuracy": [0.2, 0.4], "seconds": [1.0, 2.0]},
        {"val_accuracy": [0.4, 0.8], "seconds": [3.0, 4.0]},
    ]
    transfer_learning.keep_histories(sample, "scratch_history", histories)
    series = record._series["scratch_history"]
    assert series["x"] == [1, 2]
    assert series["lines"]["val_accuracy"] == [[0.2, 0.4], [0.4, 0.8]]
    history, whose = transfer_learning.recorded_or(series, histories[0])
    assert history["val_accuracy"] == pytest.approx([0.3, 0.6])
    assert history["seconds"] == [2.0, 3.0]
    assert "recorded" in whose


def test_without_a_recorded_history_this_run_is_drawn_and_says_so():
    own = {"val_accuracy": [0.2]}
    assert transfer_learning.recorded_or(None, own) == (own, "this run, first seed")


def test_this_run_is_drawn_faint_where_it_differs_from_the_recorded_one():
    recorded = {
        way: [metrics.metric([0.5, 0.6]), metrics.metric([0.7, 0.8])] for way in ("scratch", "top")
    }
    here = {"scratch": [metrics.metric(0.3), None], "top": [metrics.metric([0.5, 0.6]), None]}
    axis = curves.accuracy_by_size(["5", "all"], recorded, xlabel="photographs")
    before = len(axis.lines)
    transfer_learning.draw_this_run(axis, recorded, here)
    (mark,) = axis.lines[before:]
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([0], [0.3])
    assert mark.get_color() == transfer_learning.FAINT
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert sorted(labels) == ["scratch", "this run", "top"]
    plt.close("all")


def test_the_legend_names_this_run_once():
    recorded = {way: [metrics.metric(0.5)] for way in ("scratch", "frozen")}
    here = {way: [metrics.metric(0.3)] for way in recorded}
    axis = curves.accuracy_by_size(["all"], recorded, xlabel="photographs")
    transfer_learning.draw_this_run(axis, recorded, here)
    assert sum(text.get_text() == "this run" for text in axis.get_legend().get_texts()) == 1
    plt.close("all")
