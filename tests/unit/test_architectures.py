"""architectures: arithmetic, moved digits, attention and times of chapter 7's networks."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from seeing.lessons import architectures


def model(shape, *parts) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *parts])


class TestMultiplyAdds:
    @pytest.mark.parametrize(
        ("shape", "layer", "expected"),
        [
            ((28, 28, 1), layers.Conv2D(32, 3), 26 * 26 * 32 * 9),
            ((14, 14, 8), layers.Conv2D(4, 5, strides=2, padding="same"), 7 * 7 * 4 * 25 * 8),
            ((14, 14, 8), layers.Conv2D(8, 3, groups=4), 12 * 12 * 8 * 9 * 2),
            ((14, 14, 8), layers.DepthwiseConv2D(3, padding="same"), 14 * 14 * 8 * 9),
            ((10,), layers.Dense(3), 30),
            ((49, 10), layers.Dense(3), 49 * 30),
            ((14, 14, 8), layers.BatchNormalization(), 0),
        ],
    )
    def test_a_layer_costs_its_kernel_at_each_place(self, shape, layer, expected):
        assert architectures.multiply_adds(model(shape, layer)) == expected

    def test_attention_compares_and_mixes_all_pairs_of_places(self):
        inputs = keras.Input((49, 16))
        outputs = layers.MultiHeadAttention(2, 8)(inputs, inputs)
        network = keras.Model(inputs, outputs)
        expected = 49 * 4 * 16 * 16 + 2 * 49 * 49 * 16
        assert architectures.multiply_adds(network) == expected

    def test_layers_are_added_up(self):
        network = model((8, 8, 1), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(5))
        assert architectures.multiply_adds(network) == 6 * 6 * 2 * 9 + 72 * 5

    def test_an_open_size_is_refused(self):
        with pytest.raises(ValueError, match="fix the input's size"):
            architectures.multiply_adds(model((None, None, 1), layers.Conv2D(2, 3)))


class TestAttention:
    @staticmethod
    def network(blocks: int, scores: bool = True) -> keras.Model:
        x = inputs = keras.Input((9, 4))
        for _ in range(blocks):
            attend = layers.MultiHeadAttention(2, 4)
            found = attend(x, x, return_attention_scores=scores)
            x = found[0] if scores else found
        return keras.Model(inputs, x)

    @pytest.mark.parametrize("blocks", [1, 3])
    def test_rows_are_shares(self, blocks):
        X = np.random.default_rng(0).random((5, 9, 4)).astype("float32")
        maps = architectures.attention(self.network(blocks), X)
        assert [one.shape for one in maps] == [(5, 2, 9, 9)] * blocks
        for one in maps:
            np.testing.assert_allclose(one.sum(axis=-1), 1, atol=1e-5)
            assert one.min() >= 0

    @pytest.mark.parametrize(("blocks", "scores"), [(0, True), (1, False)])
    def test_a_network_without_scores_is_refused(self, blocks, scores):
        with pytest.raises(ValueError, match="return_attention_scores=True"):
            network = self.network(blocks, scores)
            architectures.attention(network, np.zeros((1, 9, 4), dtype="float32"))


def test_microseconds_is_the_fastest_tries_share_of_an_image(monkeypatch):
    clock = iter([0.0, 5.0, 10.0, 12.0, 20.0, 23.0])
    monkeypatch.setattr(architectures.time, "perf_counter", lambda: next(clock))
    network = model((2,), layers.Dense(1))
    found = architectures.microseconds(network, np.zeros((4, 2), dtype="float32"))
    assert found == pytest.approx(1e6 * 2 / 4)


COSTS = {
    "x": ["small", "large"],
    "lines": {"accuracy": [[0.8, 0.9], [0.9, 0.9]], "seconds": [[5.0, 2.0], [4.0, 6.0]]},
}


def test_costs_are_means_and_the_fastest_time():
    assert architectures.best_costs(COSTS) == {
        "accuracy": {"small": pytest.approx(0.85), "large": pytest.approx(0.9)},
        "seconds": {"small": 2.0, "large": 4.0},
    }


class TestParetoFront:
    def test_what_another_beats_is_left_out(self):
        right = {"cheap": 0.7, "beaten": 0.6, "best": 0.9, "dear": 0.9}
        price = {"cheap": 1, "beaten": 2, "best": 3, "dear": 4}
        assert architectures.pareto_front(right, price) == ["cheap", "best"]

    def test_equals_stay(self):
        both = {"one": 0.5, "other": 0.5}
        assert architectures.pareto_front(both, {"one": 1, "other": 1}) == ["one", "other"]

    @given(
        points=st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12, unique=True
        )
    )
    def test_it_is_a_staircase_that_beats_all_the_rest(self, points):
        right = {str(i): a for i, (a, _) in enumerate(points)}
        price = {str(i): c for i, (_, c) in enumerate(points)}
        front = sorted(architectures.pareto_front(right, price), key=price.get)
        rising = [right[name] for name in front]
        assert rising == sorted(set(rising))
        for name in set(right) - set(front):
            assert any(right[one] >= right[name] and price[one] <= price[name] for one in front)
