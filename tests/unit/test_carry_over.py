"""carry_over: a frozen network with a head that has seen changed pictures."""

import keras
import numpy as np
import pytest
from fakes import bars

from seeing.lessons import carry_over
from seeing.models import backbones, heads, remedies


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    monkeypatch.setenv("SEEING_PROGRESS", "0")


class TestSolveFrozen:
    @pytest.fixture(scope="class")
    def extractor(self):
        """Each image's mean over three upright strips."""
        inputs = keras.Input((12, 12, 1))
        strips = keras.layers.AveragePooling2D((12, 4))(inputs)
        return keras.Model(inputs, keras.layers.Flatten()(strips))

    def test_features_are_the_networks_answers_in_order(self, extractor):
        X, _ = bars(70)
        found = backbones.of_images(extractor, X)
        assert found.shape == (70, 3) and found.dtype == np.float32
        expected = X[..., 0].reshape(70, 12, 3, 4).mean(axis=(1, 3))
        np.testing.assert_allclose(found, expected, rtol=1e-4)

    def test_without_changes_it_is_the_head_solved_on_the_images(self, extractor):
        X, y = bars()
        head = carry_over.solve_frozen(extractor, remedies.Remedies(), X, y, 0, n_views=5)
        known = heads.solve_head(backbones.of_images(extractor, X), y, n_classes=3, C=0.01)
        for one, other in zip(head.get_weights(), known.get_weights(), strict=True):
            np.testing.assert_allclose(one, other)

    def test_changed_versions_are_learned_from_too(self, extractor):
        X, y = bars()
        mirrored = remedies.Remedies(changes=(("mirror", 1.0),))
        head = carry_over.solve_frozen(extractor, mirrored, X, y, 0, n_views=8)
        again = carry_over.solve_frozen(extractor, mirrored, X, y, 0, n_views=8)
        for one, same in zip(head.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(one, same)
        plain = carry_over.solve_frozen(extractor, remedies.Remedies(), X, y, 0, n_views=8)

        def sure(network, labels):
            """Mean probability of the right class, over the images with these labels."""
            chosen = np.isin(y, labels)
            logits = backbones.look(network, backbones.of_images(extractor, X[chosen]))
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            return shares[np.arange(len(shares)), y[chosen]].mean()

        # Half of the versions show a left bar on the right and keep its label, and vice versa.
        assert sure(plain, [0, 2]) > 0.9
        assert 0.4 < sure(head, [0, 2]) < 0.75
        # The middle one looks the same in a mirror.
        assert sure(head, [1]) > 0.9
