"""A reader's own Keras settings, looked at before anything else: ResNet50 is written for one set.

Explained on the page *The Command Line*.
"""

import contextlib
import json
import os
import pathlib

WANTED = {"backend": "tensorflow", "image_data_format": "channels_last", "floatx": "float32"}

# They end training early, without a word.
LIMITS = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")


class UnusableSettings(RuntimeError):
    """Keras is set up in a way that the classifier cannot work with. The message says where."""


def require_usable() -> None:
    """Refuse settings with which the classifier would fail later, or silently do something else.

    Raises:
        UnusableSettings: when Keras cannot be imported with the present settings, its back end is
            not TensorFlow, images do not have their channels last, numbers are not float32, or an
            environment variable limits training.
    """
    _require_no_limits()
    try:
        import keras
    # An unknown setting ends the import with a ValueError, a missing back end with an ImportError;
    # a settings file that holds something else, with whatever Python makes of it.
    except Exception as error:
        backend = os.environ.get("KERAS_BACKEND")
        variable = f" and KERAS_BACKEND ({backend})" if backend else ""
        raise UnusableSettings(
            f"Keras cannot be imported: {error}. Look at {_file()}{variable}; expected TensorFlow "
            "as the back end"
        ) from error
    found = {
        "backend": keras.config.backend(),
        "image_data_format": keras.config.image_data_format(),
        "floatx": keras.config.floatx(),
    }
    _require_wanted(found)


def require_usable_as_written() -> None:
    """Refuse such settings as they are written down, without importing Keras, which takes seconds.

    For the build, whose chapters run in processes of their own. What is written nowhere is
    Keras's default, which is wanted; a file that cannot be read is left to Keras.

    Raises:
        UnusableSettings: as :func:`require_usable`.
    """
    _require_no_limits()
    written: dict[str, object] = {}
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(_file().read_text(encoding="utf-8"))
        written |= content if isinstance(content, dict) else {}
    if os.environ.get("KERAS_BACKEND"):
        written["backend"] = os.environ["KERAS_BACKEND"]
    _require_wanted({**WANTED, **{name: one for name, one in written.items() if name in WANTED}})


def _require_no_limits() -> None:
    for name in LIMITS:
        if os.environ.get(name):
            raise UnusableSettings(
                f"the environment variable {name} is {os.environ[name]}, which ends training "
                "early; remove it"
            )


def _require_wanted(found: dict[str, object]) -> None:
    for name, wanted in WANTED.items():
        if found[name] != wanted:
            raise UnusableSettings(
                f"Keras's {name} is {found[name]!r}, expected {wanted!r}: change it in "
                f"{_place(name)}"
            )


def _place(name: str) -> str:
    """Where a setting comes from."""
    if name == "backend" and os.environ.get("KERAS_BACKEND"):
        return "the environment variable KERAS_BACKEND"
    return str(_file())


def _file() -> pathlib.Path:
    """Keras's settings file."""
    return pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "keras.json"
