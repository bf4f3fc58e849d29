"""What a classifier says of photographs that it was not trained on, kept beside its network.

What comes in use is compared with it, to find drift. Of photographs that were trained on, a
network is surer than of any others: everything would look like drift.

Explained on the page *The Command Line*.
"""

import dataclasses
import pathlib
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

FILE = "held_out.npz"
_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError)  # as zipfile has them
MOST = 1000  # photographs: more hardly sharpen the tests, and cost space


class NoHeldOut(ValueError):
    """A classifier's folder lacks what it says of held-out photographs. The message says why."""


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOut:
    """What a network says of n photographs that it was not trained on.

    Attributes:
        features: float, shape (n, d); None where the network has none to give.
        probabilities: float32, shape (n, K).
    """

    features: np.ndarray | None
    probabilities: np.ndarray

    def __len__(self) -> int:
        """How many photographs."""
        return len(self.probabilities)


def joined(parts: Sequence[HeldOut]) -> HeldOut | None:
    """Several parts as one, of at most :data:`MOST` photographs, drawn by lot; None of none."""
    if not parts:
        return None
    probabilities = np.concatenate([part.probabilities for part in parts])
    features = None
    if all(part.features is not None for part in parts):
        features = np.concatenate([part.features for part in parts])
    if len(probabilities) > MOST:
        chosen = np.random.default_rng(0).choice(len(probabilities), MOST, replace=False)
        probabilities = probabilities[chosen]
        features = None if features is None else features[chosen]
    return HeldOut(features, probabilities)


def halved(features: np.ndarray | None) -> np.ndarray | None:
    """Features in half precision, as they are kept and logged; None where they do not fit."""
    if features is None or not (np.abs(features) <= np.finfo(np.float16).max).all():
        return None
    return features.astype("<f2")


def write(folder: pathlib.Path, said: HeldOut, network_sha256: str) -> None:
    """Write the file beside a network.

    Args:
        folder: the classifier's.
        said: what it says.
        network_sha256: of the network's file, to which this belongs.

    Raises:
        OSError: when it cannot be written.
    """
    arrays = {
        "probabilities": said.probabilities.astype("<f4"),
        "network_sha256": np.array(network_sha256),
    }
    features = halved(said.features)
    if features is not None:
        arrays["features"] = features
    with (folder / FILE).open("wb") as file:
        np.savez_compressed(file, **arrays)


def read(folder: pathlib.Path, n_classes: int, network_sha256: str) -> HeldOut:
    """Read what :func:`write` wrote.

    Args:
        folder: the classifier's.
        n_classes: how many classes it has, K.
        network_sha256: of the network's file.

    Raises:
        NoHeldOut: when it is missing, damaged or another network's.
    """
    path = folder / FILE
    instead = (
        "name photographs that it was not trained on with --reference PHOTOGRAPHS, 100 or more, "
        "such as it gets in use"
    )
    if not path.is_file():
        raise NoHeldOut(
            f"{folder} holds no {FILE}: classifiers that `train` wrote before it kept one, whose "
            "training was stopped half-way, or that are your own have none. Train it anew, or "
            f"{instead}"
        )
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            digest = str(kept["network_sha256"])
            probabilities = kept["probabilities"]
            features = kept.get("features")
    except (OSError, ValueError, KeyError, EOFError, *_DAMAGE) as error:
        raise NoHeldOut(f"{path} is damaged ({error}); copy it again, or {instead}") from error
    if digest != network_sha256:
        raise NoHeldOut(f"{path} belongs to another network; copy both again, or {instead}")
    fits = probabilities.ndim == 2 and probabilities.shape[1] == n_classes
    if features is not None:
        fits = fits and features.ndim == 2 and len(features) == len(probabilities)
    if not fits:
        raise NoHeldOut(f"{path} does not fit {n_classes} classes; copy it again, or {instead}")
    return HeldOut(features, probabilities)
