"""remedies: what each switch adds to the network or to its training, and nothing else."""

import dataclasses

import keras
import numpy as np
import pytest
from fakes import bars

from seeing.models import heads, remedies

SMALL = {"filters": (4, 8), "rounds": 2, "steps": 3}


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    monkeypatch.setenv("SEEING_PROGRESS", "0")


def kinds(network: keras.Sequential) -> list[str]:
    """The names of a network's layers' classes."""
    return [layer.__class__.__name__ for layer in network.layers]


class TestBuild:
    def test_the_plain_network_can_be_counted_by_hand(self):
        network = remedies.build(remedies.Remedies(), (28, 28, 1), 10, (16, 32))
        convolutions = (9 * 1 + 1) * 16 + (9 * 16 + 1) * 32
        assert network.count_params() == convolutions + (7 * 7 * 32 + 1) * 256 + 257 * 10
        assert network.output_shape == (None, 10)
        assert network.losses == [] or float(sum(network.losses)) == 0

    def test_no_remedies_do_the_same_in_training_as_at_rest(self):
        X, _ = bars(5)
        network = remedies.build(remedies.Remedies(), (12, 12, 1), 3, (4,))
        at_rest, training = (np.asarray(network(X, training=mode)) for mode in (False, True))
        np.testing.assert_array_equal(at_rest, training)

    def test_changes_come_first_and_in_order(self):
        chosen = remedies.Remedies(changes=(("zoom", 0.1), ("mirror", 1.0), ("contrast", 0.2)))
        network = remedies.build(chosen, (12, 12, 1), 3, (4,))
        wanted = ["RandomZoom", "RandomFlip", "RandomContrast", "Rescaling"]
        assert kinds(network)[:4] == wanted

    @pytest.mark.parametrize("normalize", [False, True])
    def test_normalization_follows_each_convolution(self, normalize):
        chosen = remedies.Remedies(normalize=normalize)
        network = remedies.build(chosen, (12, 12, 1), 3, (4, 8))
        found = kinds(network)
        after = [found[i + 1] for i, kind in enumerate(found) if kind == "Conv2D"]
        assert after == ["BatchNormalization" if normalize else "ReLU"] * 2

    def test_penalties_are_those_of_the_kernels_alone(self):
        network = remedies.build(remedies.Remedies(l1=0.1, l2=0.01), (12, 12, 1), 3, (4,))
        kernels = [np.asarray(layer.kernel) for layer in network.layers if hasattr(layer, "kernel")]
        assert len(kernels) == 3
        expected = sum(0.1 * np.abs(k).sum() + 0.01 * (k**2).sum() for k in kernels)
        assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-4)

    def test_dropout_stands_on_both_sides_of_the_dense_layer(self):
        network = remedies.build(remedies.Remedies(dropout=0.3), (12, 12, 1), 3, (4,))
        assert [layer.rate for layer in network.layers if hasattr(layer, "rate")] == [0.3, 0.3]
        assert kinds(network)[-4:] == ["Dropout", "Dense", "Dropout", "Dense"]

    def test_the_start_is_the_one_asked_for(self):
        network = remedies.build(remedies.Remedies(initializer="zeros"), (12, 12, 1), 3, (4,))
        assert all(not np.any(weight) for weight in network.get_weights())


class TestChange:
    @pytest.mark.parametrize("name", ["shift", "rotation", "zoom"])
    def test_a_change_by_nothing_changes_nothing(self, name):
        X = bars(4)[0].astype("float32")
        found = np.asarray(remedies.change(name, 0.0, 0.0)(X, training=True))
        np.testing.assert_allclose(found, X, atol=1e-3)

    def test_a_shift_is_a_share_of_the_width(self):
        X = np.zeros((1, 12, 12, 1), np.float32)
        X[0, 2, 3] = 100
        moved = np.asarray(remedies.change("shift", 0.25, 0.25)(X, training=True))
        assert moved[0, 5, 6, 0] == pytest.approx(100, abs=1e-3)

    def test_half_a_rotation_is_half_a_turn(self):
        X = bars(4)[0].astype("float32")
        turned = np.asarray(remedies.change("rotation", 0.5, 0.5)(X, training=True))
        np.testing.assert_allclose(turned, X[:, ::-1, ::-1], atol=0.05)

    def test_a_mirror_mirrors_about_half_of_the_images(self):
        X = np.zeros((200, 4, 4, 1), np.float32)
        X[:, :, 0] = 1
        keras.utils.set_random_seed(0)
        found = np.asarray(remedies.change("mirror", -1.0, 1.0)(X, training=True))
        assert set(found[:, 0, 0, 0]) == {0, 1}
        assert 0.3 < found[:, 0, 0, 0].mean() < 0.7

    def test_contrast_that_keras_would_turn_around_is_refused(self):
        with pytest.raises(ValueError, match=r"contrast from -0.5 to 0.2; .* at least -0.2"):
            remedies.change("contrast", -0.5, 0.2)

    def test_contrast_between_two_limits_or_at_exactly_one_strength(self):
        X = np.zeros((100, 4, 4, 1), np.float32)
        X[:, :2], X[:, 2:] = 100, 140
        both_ways = np.asarray(remedies.change("contrast", -0.5, 0.5)(X, training=True))
        spread = both_ways.max(axis=(1, 2, 3)) - both_ways.min(axis=(1, 2, 3))
        assert 19.9 < spread.min() < 30 and 50 < spread.max() < 60.1
        exactly = np.asarray(remedies.change("contrast", 0.5, 0.5)(X, training=True))
        np.testing.assert_allclose(exactly[:, 0], 90, atol=0.01)
        np.testing.assert_allclose(exactly[:, 3], 150, atol=0.01)

    def test_an_unknown_name(self):
        with pytest.raises(ValueError, match="'flip'; expected one of mirror, shift"):
            remedies.change("flip", -1.0, 1.0)
        with pytest.raises(ValueError, match="'cutmix'; expected one of mixup, CutMix"):
            remedies.mixing("cutmix")


class TestTrain:
    def test_it_learns_and_looks_once_a_round(self):
        X, y = bars()
        budget = {"filters": (4, 8), "rounds": 4, "steps": 20}
        network, history = remedies.train(remedies.Remedies(rate=0.005), X, y, (X, y), 0, **budget)
        assert heads.accuracy(network, *bars(30, seed=1)) > 0.9
        assert {len(values) for values in history.values()} == {4}
        assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
        assert int(network.optimizer.iterations) == 80

    @pytest.mark.parametrize("count", [3, 60])
    def test_the_budget_is_in_steps_however_many_images(self, count):
        X, y = bars(count)
        network, _ = remedies.train(remedies.Remedies(), X, y, (X, y), 0, **SMALL)
        assert int(network.optimizer.iterations) == 6

    @pytest.mark.parametrize(
        "switches",
        [
            {},
            {"mix": "mixup"},
            {"mix": "CutMix"},
            {"changes": (("shift", 0.1), ("mirror", 1.0)), "dropout": 0.2, "normalize": True},
        ],
        ids=lambda switches: " ".join(switches) or "plain",
    )
    def test_the_seed_decides_everything(self, switches):
        X, y = bars()
        chosen = remedies.Remedies(**switches)
        first, again, other = (
            remedies.train(chosen, X, y, (X, y), seed, **SMALL)[0].get_weights()
            for seed in (1, 1, 2)
        )
        for one, same in zip(first, again, strict=True):
            np.testing.assert_allclose(one, same, rtol=1e-5, atol=1e-6)
        assert not np.allclose(first[0], other[0])

    def test_a_falling_rate_ends_at_0(self):
        X, y = bars()
        network, _ = remedies.train(
            remedies.Remedies(rate=0.004, falling=True), X, y, (X, y), 0, **SMALL
        )
        assert float(network.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)
        network, _ = remedies.train(remedies.Remedies(rate=0.004), X, y, (X, y), 0, **SMALL)
        assert float(network.optimizer.learning_rate) == pytest.approx(0.004)

    def test_weight_decay_and_smoothing_reach_optimizer_and_loss(self):
        X, y = bars()
        chosen = remedies.Remedies(weight_decay=0.5, label_smoothing=0.2)
        network, _ = remedies.train(chosen, X, y, (X, y), 0, **SMALL)
        assert network.optimizer.weight_decay == 0.5
        assert network.loss.label_smoothing == 0.2

    def test_early_stopping_goes_back_to_the_best_round(self):
        X, y = bars()
        wrong = (y + 1) % 3  # the better it learns, the worse it gets on these
        budget = {"filters": (4, 8), "rounds": 9, "steps": 10}
        chosen = remedies.Remedies(rate=0.005, patience=2)
        network, history = remedies.train(chosen, X, y, (X, wrong), 0, **budget)
        losses = history["val_loss"]
        best = int(np.argmin(losses))
        assert len(losses) == best + 3 < 9
        targets = keras.utils.to_categorical(wrong, 3)
        kept = network.evaluate(X, targets, verbose=0, return_dict=True)["loss"]
        assert kept == pytest.approx(losses[best], rel=1e-3)

    def test_remedies_cannot_be_changed_by_accident(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            remedies.Remedies().rate = 1.0
