"""graphs: a network that nobody uses any more leaves no traced training step behind."""

import gc

import keras
import numpy as np
from tensorflow.python.framework import func_graph

from seeing.models import graphs

X = np.random.default_rng(0).random((8, 4)).astype("float32")
y = np.arange(8) % 2


def train() -> keras.Model:
    """A network that was trained, so that its step is traced."""
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile("adam", loss, run_eagerly=False)
    network.fit(X, y, batch_size=8, verbose=0)
    return network


def n_traced_steps() -> int:
    """How many traced training steps are alive."""
    gc.collect()
    graphs_alive = (one for one in gc.get_objects() if isinstance(one, func_graph.FuncGraph))
    return sum(one.name.startswith("one_step_on_data") for one in graphs_alive)


def test_what_nobody_uses_is_given_back() -> None:
    graphs.clear()
    before = n_traced_steps()
    for _ in range(3):
        train()
        assert n_traced_steps() > before
        graphs.clear()
        assert n_traced_steps() <= before


def test_a_network_in_use_trains_on_and_answers_as_before() -> None:
    network = train()
    answers = network.predict(X, verbose=0)
    graphs.clear()
    np.testing.assert_array_equal(network.predict(X, verbose=0), answers)
    weights = [np.array(one) for one in network.get_weights()]
    network.fit(X, y, batch_size=8, verbose=0)
    network.fit(X, y, batch_size=4, verbose=0)  # another batch size: traced anew
    assert any((one != two).any() for one, two in zip(weights, network.get_weights(), strict=True))
