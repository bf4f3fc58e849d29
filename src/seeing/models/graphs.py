"""Give back the memory of networks that nobody uses any more.

Explained in chapter 7, *Architecture Workshop*, which trains some fifty of them in a row.
"""

import gc

import keras
from tensorflow.python.framework import ops

# Names under which TensorFlow registers gradients that a traced training step defines.
_TRACED = "CustomGradient-"


def release() -> None:
    """Forget the graphs of training steps that were traced so far.

    An optimizer's reduction over replicas registers a gradient with each traced step, and
    TensorFlow's registry keeps it, with the whole graph, for ever
    (https://github.com/tensorflow/tensorflow/issues/97697, which later versions mend). Networks in
    use stay usable: what is traced anew registers its own.
    """
    # There is no public way; where a version has no such registry, it has nothing to forget.
    registered = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
    for name in [name for name in registered if name.startswith(_TRACED)]:
        del registered[name]
    gc.collect()


def clear() -> None:
    """Forget Keras's global state as well, as ``keras.utils.clear_session`` does."""
    keras.utils.clear_session()
    release()
