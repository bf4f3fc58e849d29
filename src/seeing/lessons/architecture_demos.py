"""What chapter 7's demos read: the layers of its blocks, and how its ViT shares its attention.

Explained in chapter 7, *Architecture Workshop*.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from seeing import demos, exports
from seeing.lessons import architectures

BLOCKS_FORMAT = "seeing-blocks-1"
ATTENTION_FORMAT = "seeing-attention-1"

# From a map (a Keras tensor) and its number of channels to a map of the same shape.
Block = Callable[[Any, int], Any]
# From a block, how often it stands in each stage, and the channels of the first stage.
Builder = Callable[[Block, int, int], keras.Model]

_KINDS = {
    keras.layers.InputLayer: "input",
    keras.layers.DepthwiseConv2D: "depthwise",
    keras.layers.Conv2D: "convolution",
    keras.layers.Dense: "dense",
    keras.layers.MaxPooling2D: "pooling",
    keras.layers.GlobalAveragePooling2D: "average",
    keras.layers.Add: "add",
    keras.layers.Multiply: "multiply",
    keras.layers.Concatenate: "concatenate",
    keras.layers.Identity: "mark",
}
_BEHIND = (keras.layers.BatchNormalization, keras.layers.ReLU, keras.layers.Activation)


@dataclasses.dataclass
class Part:
    """A layer, with the normalization and the activation behind it.

    Attributes:
        kind: what it does, in the demo's words.
        inputs: the parts whose maps it gets, by their places in the list; none for the input.
        channels: of the map that it gives.
        places: of the map that it gives, height times width.
        size: side of its kernel or of its window, in places.
        stride: by which the map becomes smaller.
        weights: the numbers of its kernels; each is multiplied once at each place.
        others: its other numbers, of biases and of normalization.
        normalized: whether a batch normalization follows.
        activation: the name of the one that follows, empty where there is none.
    """

    kind: str
    inputs: list[int]
    channels: int
    places: int
    size: int = 1
    stride: int = 1
    weights: int = 0
    others: int = 0
    normalized: bool = False
    activation: str = ""


def parts(network: keras.Model) -> list[Part]:
    """The layers of a network as the demo counts and draws them, each behind its inputs.

    Args:
        network: made of inputs and outputs, as Keras's functional networks are.

    Raises:
        ValueError: for a layer that the demo does not know, by its name.
    """
    found: list[Part] = []
    giver: dict[int, int] = {}  # of each tensor
    for operation in network.operations:
        is_input = isinstance(operation, keras.layers.InputLayer)
        inputs = [] if is_input else [giver[id(one)] for one in _listed(operation.input)]
        if isinstance(operation, _BEHIND):
            _append(found[inputs[0]], operation)
            giver[id(operation.output)] = inputs[0]
            continue
        found.append(_part(operation, inputs))
        giver |= {id(one): len(found) - 1 for one in _listed(operation.output)}
    return found


def _listed(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _part(operation: keras.Operation, inputs: list[int]) -> Part:
    is_split = type(operation).__name__ == "Split"  # Keras gives its operations no public types
    known = next((kind for type_, kind in _KINDS.items() if isinstance(operation, type_)), "")
    kind = "split" if is_split else known
    if not kind:
        raise ValueError(
            f"the page's demo knows no layer {type(operation).__name__} ({operation.name})"
        )
    _, *sides, channels = _listed(operation.output)[0].shape
    part = Part(kind, inputs, channels, int(np.prod(sides, dtype=int)))
    if kind in ("convolution", "depthwise"):
        part.size, part.stride = operation.kernel_size[0], operation.strides[0]
    if kind == "pooling":
        part.size, part.stride = operation.pool_size[0], operation.strides[0]
    if kind in ("convolution", "depthwise", "dense"):
        part.weights = int(np.prod(operation.kernel.shape))
        part.others = operation.count_params() - part.weights
        part.activation = _named(operation.activation)
    return part


def _append(part: Part, layer: keras.Layer) -> None:
    """Count what stands behind a part as its own."""
    if isinstance(layer, keras.layers.BatchNormalization):
        part.normalized = True
        part.others += layer.count_params()
    elif isinstance(layer, keras.layers.ReLU):
        part.activation = "relu"
    else:
        part.activation = _named(layer.activation)


def _named(activation: Callable) -> str:
    name = keras.activations.serialize(activation)
    return "" if name == "linear" else name


def receptive_field(sections: Iterable[Sequence[Part]]) -> int:
    """How many pixels in a row a place of the last map depends on, by kernels and strides.

    An average over a whole map does not count, although behind one a place depends on all.

    Args:
        sections: the parts of a network, one list after the other; each begins with its input.
    """
    field, step = 1, 1
    for section in sections:
        reached: list[tuple[int, int]] = []
        for part in section:
            before = [reached[i] for i in part.inputs] or [(field, step)]
            field, step = max(one for one, _ in before), max(one for _, one in before)
            field, step = field + (part.size - 1) * step, step * part.stride
            reached.append((field, step))
    return field


def write_blocks(
    path: str | pathlib.Path,
    build: Builder,
    blocks: Sequence[Block],
    *,
    depths: Sequence[int],
    widths: Sequence[int],
    counted: Sequence[int] = (1,),
) -> dict[str, Any]:
    """Write what the demo of blocks reads: their layers, and what Keras counts.

    The networks get no weights, only shapes.

    Args:
        path: the JSON file; its folder is made if need be.
        build: the network; apart from the blocks its layers stand in a row.
        blocks: named functions with docstrings; the first is the plain one.
        depths: how often the block may stand in each stage.
        widths: channels that the first stage may have.
        counted: the depths at which Keras counts, too, for tables and tests.

    Returns:
        What was written. A stage is null where the block cannot be built with so many channels.

    Raises:
        ValueError: for a layer that the demo does not know.
        RuntimeError: when the layers do not come to what Keras counts.
    """
    with keras.StatelessScope(initialize_variables=False):
        around = [_around(build, width) for width in widths]
        stages = [[_stages(block, shapes) for _, shapes in around] for block in blocks]
        by_keras = [
            _counted(build, block, depth, width, sections, stage)
            for block, of_block in zip(blocks, stages, strict=True)
            for width, (sections, _), stage in zip(widths, around, of_block, strict=True)
            for depth in counted
            if stage is not None
        ]
    content = {
        "format": BLOCKS_FORMAT,
        "depths": list(depths),
        "widths": list(widths),
        "around": [_as_json(sections) for sections, _ in around],
        "blocks": [
            {
                "name": _name(block),
                "says": (block.__doc__ or "").strip().partition("\n")[0],
                "stages": [None if stage is None else _as_json(stage) for stage in of_block],
            }
            for block, of_block in zip(blocks, stages, strict=True)
        ],
        "by_keras": by_keras,
    }
    return exports.write(path, content)


def _around(build: Builder, width: int) -> tuple[list[list[Part]], list[tuple[int, ...]]]:
    """What stands before, between and behind the stages; and the shapes that the stages get."""
    shapes = []

    def mark(x: Any, n: int) -> Any:
        shapes.append(tuple(x.shape[1:]))
        return keras.layers.Identity()(x)

    sections: list[list[Part]] = [[]]
    for part in parts(build(mark, 1, width)):
        if part.kind == "mark":
            sections.append([dataclasses.replace(part, kind="input", inputs=[])])
        else:
            here = sections[-1]
            here.append(dataclasses.replace(part, inputs=[len(here) - 1] if here else []))
    return sections, shapes


def _stages(block: Block, shapes: Iterable[tuple[int, ...]]) -> list[list[Part]] | None:
    """The parts of a block in each stage, or None where it cannot have so many channels."""
    found = []
    for shape in shapes:
        inputs = keras.Input(shape)
        try:
            outputs = block(inputs, shape[-1])
        except ValueError:  # channels that do not divide into its groups
            return None
        found.append(parts(keras.Model(inputs, outputs)))
    return found


def _in_a_row(
    around: Sequence[Sequence[Part]], stages: Sequence[Sequence[Part]], depth: int
) -> list[Sequence[Part]]:
    """A network's parts: each stage so many times, and what stands around the stages."""
    row = [around[0]]
    for stage, behind in zip(stages, around[1:], strict=True):
        row += [stage] * depth + [behind]
    return row


def _counted(
    build: Builder,
    block: Block,
    depth: int,
    width: int,
    around: Sequence[Sequence[Part]],
    stages: Sequence[Sequence[Part]],
) -> dict[str, Any]:
    """What Keras counts, which is what the parts come to; and how far the network sees."""
    row = _in_a_row(around, stages, depth)
    network = build(block, depth, width)
    counted = network.count_params(), architectures.multiply_adds(network)
    every = [part for section in row for part in section]
    added_up = (
        sum(part.weights + part.others for part in every),
        sum(part.weights * part.places for part in every),
    )
    if counted != added_up:
        raise RuntimeError(
            f"{_name(block)}, {depth} a stage, {width} channels: Keras counts {counted}, and the "
            f"parts come to {added_up}"
        )
    return {
        "block": _name(block),
        "depth": depth,
        "width": width,
        "parameters": counted[0],
        "multiply_adds": counted[1],
        "field": receptive_field(row),
        "sees_all": any(part.kind == "average" for stage in stages for part in stage),
    }


def _name(block: Block) -> str:
    return block.__name__.replace("_", " ")


def _as_json(sections: Sequence[Sequence[Part]]) -> list[list[dict[str, Any]]]:
    return [[dataclasses.asdict(part) for part in section] for section in sections]


def write_attention(
    path: str | pathlib.Path,
    network: keras.Model,
    images: np.ndarray,
    labels: Sequence[int],
    *,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Write what the demo of attention reads: digits, and the shares of each of their patches.

    The demo knows sixteen levels of gray, so the images are brought to these before the network
    gets them.

    Args:
        path: the JSON file; its folder is made if need be.
        network: images from 0 to 1, shape (28, 28, 1), to logits; see
            :func:`architectures.attention`. Its places are the patches, row by row.
        images: uint8, shape (N, 28, 28), 0 is paper.
        labels: N digits.
        about: what the page says of the network: ``trained_on`` digits, ``accuracy`` on
            ``validated_on`` validation digits, and whether they are ``stand_in`` data.

    Returns:
        What was written: per digit shares of each block, head, asking patch and patch looked at,
        to three decimals.

    Raises:
        ValueError: when there is not one label for each image, the patches make no square, or a
            patch's shares do not sum to 1.
    """
    if len(labels) != len(images):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    images = demos.in_levels(images)
    X = images[..., np.newaxis].astype("float32") / 255
    shares = np.stack(architectures.attention(network, X), axis=1)
    *_, places = shares.shape
    if round(places**0.5) ** 2 != places:
        raise ValueError(f"{places} patches make no square")
    sums = shares.sum(axis=-1)
    if not np.allclose(sums, 1, atol=1e-4):
        raise ValueError(f"a patch's shares sum to {sums.min():.4f} up to {sums.max():.4f}, not 1")
    said = network.predict(X, verbose=0).argmax(axis=1)
    content = {
        "format": ATTENTION_FORMAT,
        **about,
        "digits": [
            {
                "label": int(label),
                "said": int(answer),
                "ink": demos.as_text(image),
                "shares": [
                    [[[round(float(share), 3) for share in row] for row in head] for head in block]
                    for block in of_digit
                ],
            }
            for label, answer, image, of_digit in zip(labels, said, images, shares, strict=True)
        ],
    }
    return exports.write(path, content)
