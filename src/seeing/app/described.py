"""What a classifier's network says of a photograph before it names it: its features.

They are what the network's last dense layer takes: numbers that describe the photograph, 2,048 of
them where the network is ResNet50. Drift of what comes can be seen in them.

Explained on the page *The Command Line*.
"""

import keras


def with_features(network: keras.Model) -> keras.Model | None:
    """The same network, its layers shared, that also gives the features.

    Where the last dense layer is used several times, as for a photograph and its mirror image,
    the features are the mean over all uses.

    Args:
        network: images to probabilities, (n, K).

    Returns:
        Images to probabilities and features in one row, (n, K + d); or None where the network
        has no dense layer, or is put together in a way that cannot be looked into.
    """
    dense = _last_dense(network)
    if dense is None or not _can_be_entered(network):
        return None
    inside = _with_input_of(network, dense)
    if inside is None:
        return None
    answers, features = inside.outputs
    if len(features.shape) != 2 or features.shape[-1] is None:
        return None
    row = keras.layers.Concatenate(name="answers_and_features")([answers, features])
    return keras.Model(inside.inputs[0], row, name="described")


def _can_be_entered(layer: object) -> bool:
    """Whether it is a network whose graph is known: one of a class of its own may say nothing."""
    return isinstance(layer, keras.Model) and len(getattr(layer, "inputs", None) or ()) == 1


def _last_dense(network: keras.Model) -> keras.layers.Dense | None:
    """The last dense layer, in networks within the network, too."""
    for layer in reversed(getattr(network, "layers", [])):
        found = layer if isinstance(layer, keras.layers.Dense) else _last_dense(layer)
        if found is not None:
            return found
    return None


def _with_input_of(network: keras.Model, dense: keras.layers.Dense) -> keras.Model | None:
    """A network that gives its output, and the mean of what reaches a layer of it."""
    reached: list[keras.KerasTensor] = []

    def call(operation: keras.Operation, *values: object, **options: object) -> object:
        if operation is dense:
            reached.append(values[0])
        elif _can_be_entered(operation) and _holds(operation, dense):
            inside = _with_input_of(operation, dense)
            if inside is not None:
                answers, features = inside(values[0], training=False)
                reached.append(features)
                return answers
        return operation(*values, **options)

    if isinstance(network, keras.Sequential):
        inputs = keras.Input(network.inputs[0].shape[1:], dtype=network.inputs[0].dtype)
        output = inputs
        for layer in network.layers:
            output = call(layer, output)
    else:
        same = keras.models.clone_model(
            network, clone_function=lambda layer: layer, call_function=call
        )
        inputs, output = same.inputs[0], same.outputs[0]
    if not reached:
        return None
    mean = keras.layers.Average()(reached) if len(reached) > 1 else reached[0]
    return keras.Model(inputs, [output, mean])


def _holds(network: keras.Model, dense: keras.layers.Dense) -> bool:
    return any(
        layer is dense or (_can_be_entered(layer) and _holds(layer, dense))
        for layer in network.layers
    )
