"""What chapter 7's demos read: layers that come to Keras's counts, and shares that sum to 1."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from seeing import demos
from seeing.lessons import architecture_demos, architectures

SIDE = 96  # of the picture in which bright columns are sought


def conv(x, n, size=3, strides=1):
    x = layers.Conv2D(n, size, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def plain(x, n):
    """The plain one.

    It has more to say.
    """
    return conv(x, n)


def many_paths(x, n):
    """A large kernel, a window and a shortcut side by side."""
    around = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    y = layers.Concatenate()([conv(x, n // 2, 5), conv(around, n // 2, 1)])
    return layers.Activation("relu")(layers.Add()([x, y]))


def in_groups(x, n):
    """Channels in three groups."""
    halves = keras.ops.split(x, 3, axis=-1)
    return layers.Concatenate()([layers.Conv2D(n // 3, 3, padding="same")(one) for one in halves])


def weighed(x, n):
    """Each channel times a number."""
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    scale = layers.GlobalAveragePooling2D(keepdims=True)(y)
    return layers.Multiply()([y, layers.Conv2D(n, 1, activation="sigmoid")(scale)])


BLOCKS = (plain, many_paths, in_groups, weighed)


def build(block, depth, width, side=12):
    x = inputs = keras.Input((side, side, 1))
    for n in (width, 2 * width):
        x = conv(x, n, strides=2)
        for _ in range(depth):
            x = block(x, n)
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


class TestParts:
    def test_what_stands_behind_a_layer_is_counted_with_it(self):
        inputs = keras.Input((8, 8, 4))
        found = architecture_demos.parts(keras.Model(inputs, conv(inputs, 6, 5, strides=2)))
        assert found == [
            architecture_demos.Part("input", [], channels=4, places=64),
            architecture_demos.Part(
                "convolution",
                [0],
                channels=6,
                places=16,
                size=5,
                stride=2,
                weights=25 * 4 * 6,
                others=4 * 6,
                normalized=True,
                activation="relu",
            ),
        ]

    def test_paths_know_what_they_get(self):
        inputs = keras.Input((8, 8, 4))
        found = architecture_demos.parts(keras.Model(inputs, many_paths(inputs, 4)))
        by_kind = {part.kind: part for part in found}
        places = {id(part): place for place, part in enumerate(found)}
        add, together = by_kind["add"], by_kind["concatenate"]
        assert sorted(add.inputs) == [0, places[id(together)]]
        assert add.activation == "relu"
        assert len(together.inputs) == 2
        assert (by_kind["pooling"].size, by_kind["pooling"].weights) == (3, 0)

    def test_other_kinds(self):
        inputs = keras.Input((8, 8, 6))
        split = architecture_demos.parts(keras.Model(inputs, in_groups(inputs, 6)))
        kinds = ["input", "split", *["convolution"] * 3, "concatenate"]
        assert [part.kind for part in split] == kinds
        assert (split[1].channels, split[2].inputs, split[2].others) == (2, [1], 2)
        scaled = architecture_demos.parts(keras.Model(inputs, weighed(inputs, 6)))
        kinds = ["input", "depthwise", "average", "convolution", "multiply"]
        assert [part.kind for part in scaled] == kinds
        assert (scaled[1].weights, scaled[2].places, scaled[3].activation) == (54, 1, "sigmoid")

    def test_an_unknown_layer_is_named(self):
        inputs = keras.Input((4, 4, 1))
        network = keras.Model(inputs, layers.UpSampling2D(name="wider")(inputs))
        with pytest.raises(ValueError, match=r"knows no layer UpSampling2D \(wider\)"):
            architecture_demos.parts(network)


def columns_that_matter(network: keras.Model) -> int:
    """How many columns of a large picture change the middle of a network's last map."""
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D):
            layer.kernel.assign(np.full(layer.kernel.shape, 1 / np.prod(layer.kernel.shape[:3])))
    last = next(one for one in network.layers if isinstance(one, layers.GlobalAveragePooling2D))
    observer = keras.Model(network.inputs[0], last.input)
    X = np.ones((SIDE + 1, SIDE, SIDE, 1), dtype="float32")
    for column in range(SIDE):
        X[column, :, column] = 3
    maps = observer.predict(X, verbose=0)
    middle = maps[:, maps.shape[1] // 2, maps.shape[2] // 2]
    return int((np.abs(middle - middle[-1]).max(axis=-1) > 1e-6).sum())


@pytest.mark.parametrize(("block", "depth"), [(plain, 1), (plain, 3), (many_paths, 1)])
def test_a_receptive_field_is_as_wide_as_what_matters(block, depth):
    network = build(block, depth, 2, side=SIDE)
    inputs, *others = architecture_demos.parts(network)
    behind = next(i for i, part in enumerate(others) if part.kind == "average")
    section = [inputs, *others[:behind]]
    found = architecture_demos.receptive_field([section])
    assert found == columns_that_matter(network)
    assert found < SIDE / 2


def test_sections_follow_each_other_in_a_receptive_field():
    def section(size, stride):
        part = architecture_demos.Part("convolution", [0], 1, 1, size=size, stride=stride)
        return [architecture_demos.Part("input", [], 1, 1), part]

    assert architecture_demos.receptive_field([section(7, 2), section(3, 2), section(3, 1)]) == 19


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What is in the file, read back."""
    path = tmp_path_factory.mktemp("exports") / "a folder" / "blocks.json"
    settings = {"depths": (1, 2, 3), "widths": (6, 4, 12), "counted": (1, 3)}
    content = architecture_demos.write_blocks(path, build, BLOCKS, **settings)
    assert json.loads(path.read_text(encoding="utf-8")) == content
    return content


class TestWriteBlocks:
    def test_blocks_have_names_a_sentence_and_layers(self, written):
        assert written["format"] == architecture_demos.BLOCKS_FORMAT
        blocks = written["blocks"]
        assert [one["name"] for one in blocks] == ["plain", "many paths", "in groups", "weighed"]
        assert blocks[0]["says"] == "The plain one."
        assert [len(stages) for stages in blocks[0]["stages"]] == [2, 2, 2]
        assert [[part["channels"] for part in one] for one in blocks[0]["stages"][1]] == [
            [4, 4],
            [8, 8],
        ]

    def test_around_them_stands_the_rest_of_the_network(self, written):
        kinds = [[part["kind"] for part in section] for section in written["around"][0]]
        assert kinds == [
            ["input", "convolution"],
            ["input", "convolution"],
            ["input", "average", "dense"],
        ]

    def test_there_is_no_block_where_channels_do_not_divide(self, written):
        assert [stages is None for stages in written["blocks"][2]["stages"]] == [False, True, False]
        assert all(
            stages
            for one in written["blocks"]
            for stages in one["stages"]
            if one["name"] == "plain"
        )

    def test_keras_counts_what_networks_have(self, written):
        assert len(written["by_keras"]) == (4 * 3 - 1) * 2
        for one in written["by_keras"]:
            block = next(block for block in BLOCKS if block.__name__.split("_")[0] in one["block"])
            network = build(block, one["depth"], one["width"])
            assert network.count_params() == one["parameters"]
            assert architectures.multiply_adds(network) == one["multiply_adds"]
            assert one["sees_all"] == (block is weighed)

    def test_counts_that_differ_leave_no_file(self, tmp_path, monkeypatch):
        monkeypatch.setattr(architectures, "multiply_adds", lambda network: 7)
        path = tmp_path / "blocks.json"
        with pytest.raises(RuntimeError, match="plain, 1 a stage, 4 channels: Keras counts"):
            architecture_demos.write_blocks(path, build, [plain], depths=(1,), widths=(4,))
        assert not path.exists()


# Attention.


ABOUT = {"trained_on": 3, "accuracy": 0.5, "validated_on": 4, "stand_in": True}


def attending(side: int = 7) -> keras.Model:
    """Two blocks of two heads on patches of a 28 × 28 picture."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((28, 28, 1))
    x = layers.Reshape((-1, 8))(layers.Conv2D(8, side, strides=side)(x))
    for _ in range(2):
        x, _ = layers.MultiHeadAttention(2, 4)(x, x, return_attention_scores=True)
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling1D()(x)))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)


class TestWriteAttention:
    def test_rows_are_the_network_s_shares(self, images, tmp_path):
        path, network = tmp_path / "a folder" / "attention.json", attending()
        content = architecture_demos.write_attention(path, network, images, [1, 0, 7], about=ABOUT)
        assert json.loads(path.read_text(encoding="utf-8")) == content
        assert content["format"] == architecture_demos.ATTENTION_FORMAT
        assert {name: content[name] for name in ABOUT} == ABOUT
        shares = np.array([one["shares"] for one in content["digits"]])
        assert shares.shape == (3, 2, 2, 16, 16)
        # Sixteen numbers, each rounded by at most half a thousandth.
        np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=16 * 0.0005 + 1e-6)
        X = demos.in_levels(images)[..., np.newaxis].astype("float32") / 255
        for block, wanted in enumerate(architectures.attention(network, X)):
            np.testing.assert_allclose(shares[:, block], wanted, atol=0.00051)
        said = network.predict(X, verbose=0).argmax(axis=1)
        assert [one["said"] for one in content["digits"]] == said.tolist()
        assert [one["label"] for one in content["digits"]] == [1, 0, 7]
        assert [one["ink"] for one in content["digits"]] == [demos.as_text(i) for i in images]

    def test_shares_that_sum_to_something_else_are_refused(self, images, tmp_path, monkeypatch):
        wrong = np.full((3, 2, 16, 16), 0.07)
        monkeypatch.setattr(architectures, "attention", lambda network, X: [wrong])
        path = tmp_path / "attention.json"
        with pytest.raises(ValueError, match=r"sum to 1\.1200 up to 1\.1200, not 1"):
            architecture_demos.write_attention(path, attending(), images, [1, 2, 3], about=ABOUT)
        assert not path.exists()

    def test_a_missing_label_is_refused(self, images, tmp_path):
        with pytest.raises(ValueError, match="3 images, but 2 labels"):
            path = tmp_path / "attention.json"
            architecture_demos.write_attention(path, attending(), images, [1, 2], about=ABOUT)

    def test_patches_that_make_no_square_are_refused(self, images, tmp_path, monkeypatch):
        shares = np.full((3, 2, 15, 15), 1 / 15)
        monkeypatch.setattr(architectures, "attention", lambda network, X: [shares])
        with pytest.raises(ValueError, match="15 patches make no square"):
            path = tmp_path / "attention.json"
            architecture_demos.write_attention(path, attending(), images, [1, 2, 3], about=ABOUT)
