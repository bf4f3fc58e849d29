"""Oxford Flowers-102: 8,189 photographs of 102 kinds of flowers, with the official split.

Source: M.-E. Nilsback and A. Zisserman, *Automated Flower Classification over a Large Number of
Classes*, Indian Conference on Computer Vision, Graphics and Image Processing (2008). The official
split has 10 training and 10 validation photographs a class, and 6,149 test photographs.

The photographs are other people's: they are fetched, shown and never redistributed. A reduced
edition of 64×64 pixels holds the same photographs, labels and split; results on it must say so.

Explained in chapter 8, *A Flower Classifier*.
"""

import pathlib
from collections.abc import Sequence

import numpy as np
from scipy import io

from seeing.datasets import archives, sources
from seeing.photos import splits

ASSET = "oxford_flowers102"

BASE_URL = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
DOWNLOAD_BYTES = 344_862_509 + 502 + 14_989  # archive, labels, split
ORIGINAL = {
    "102flowers.tgz": "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
    "imagelabels.mat": "4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d",
    "setid.mat": "46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd",
}
REDUCED = {
    "oxford_flowers102_64px.tar": "6396dac19b7500989eac095fec4f7495f3848b2ccf56350035a04772b1377a1b"
}
EDITIONS = {"original": ORIGINAL, "64 px": REDUCED}
REDUCED_FOLDER = "oxford_flowers102_64px"  # the folder inside the reduced archive

COUNT = 8189

# English names in the order of the official labels 1 to 102, as the widely used cat_to_name.json
# has them ("barbeton" and "bromelia" included; its "lotus lotus" is lotus).
CLASS_NAMES = (
    "pink primrose",
    "hard-leaved pocket orchid",
    "canterbury bells",
    "sweet pea",
    "english marigold",
    "tiger lily",
    "moon orchid",
    "bird of paradise",
    "monkshood",
    "globe thistle",
    "snapdragon",
    "colt's foot",
    "king protea",
    "spear thistle",
    "yellow iris",
    "globe-flower",
    "purple coneflower",
    "peruvian lily",
    "balloon flower",
    "giant white arum lily",
    "fire lily",
    "pincushion flower",
    "fritillary",
    "red ginger",
    "grape hyacinth",
    "corn poppy",
    "prince of wales feathers",
    "stemless gentian",
    "artichoke",
    "sweet william",
    "carnation",
    "garden phlox",
    "love in the mist",
    "mexican aster",
    "alpine sea holly",
    "ruby-lipped cattleya",
    "cape flower",
    "great masterwort",
    "siam tulip",
    "lenten rose",
    "barbeton daisy",
    "daffodil",
    "sword lily",
    "poinsettia",
    "bolero deep blue",
    "wallflower",
    "marigold",
    "buttercup",
    "oxeye daisy",
    "common dandelion",
    "petunia",
    "wild pansy",
    "primula",
    "sunflower",
    "pelargonium",
    "bishop of llandaff",
    "gaura",
    "geranium",
    "orange dahlia",
    "pink-yellow dahlia",
    "cautleya spicata",
    "japanese anemone",
    "black-eyed susan",
    "silverbush",
    "californian poppy",
    "osteospermum",
    "spring crocus",
    "bearded iris",
    "windflower",
    "tree poppy",
    "gazania",
    "azalea",
    "water lily",
    "rose",
    "thorn apple",
    "morning glory",
    "passion flower",
    "lotus",
    "toad lily",
    "anthurium",
    "frangipani",
    "clematis",
    "hibiscus",
    "columbine",
    "desert-rose",
    "tree mallow",
    "magnolia",
    "cyclamen",
    "watercress",
    "canna lily",
    "hippeastrum",
    "bee balm",
    "ball moss",
    "foxglove",
    "bougainvillea",
    "camellia",
    "mallow",
    "mexican petunia",
    "bromelia",
    "blanket flower",
    "trumpet creeper",
    "blackberry lily",
)

# The kinds that the collection of five flowers has, too: the name here, and that of its folder
# there. The "siam tulip" is no tulip.
SHARED_KINDS = {
    "oxeye daisy": "daisy",
    "common dandelion": "dandelion",
    "rose": "roses",
    "sunflower": "sunflowers",
}


class OxfordFlowers(splits.SplitPhotographs):
    """8,189 photographs of 102 classes, ``image_00001.jpg`` first, with the official split.

    Of these, 1,020 are for training, 1,020 for validation and 6,149 for testing. A label is the
    official one less 1. The edition is ``"original"``, or ``"64 px"``: 64×64 pixels each.
    """


def load(*, download: bool = True) -> OxfordFlowers:
    """Load Oxford Flowers-102 through the fetch chain: cache, mirror, canonical address.

    Args:
        download: whether the canonical address may be asked, for 345 MB. False leaves it out: the
            cache and a mirror folder still serve.

    Returns:
        The photographs' paths, labels and official split; every file's SHA-256 has been checked.

    Raises:
        sources.DataUnavailable: when every source fails. There is no stand-in.
    """
    resolved = sources.resolve(ASSET, chain(download=download), verify)
    folder = resolved.folder
    edition = archives.edition(folder, EDITIONS)
    root = folder / REDUCED_FOLDER if edition == "64 px" else folder
    y, split = read_labels(root / "imagelabels.mat", root / "setid.mat")
    record = sources.DataRecord(
        name=ASSET if edition == "original" else f"{ASSET} ({edition} edition)",
        origin=resolved.origin,
        sha256=archives.combined_sha256(EDITIONS[edition]),
        # What is never fetched costs a reader no download.
        download_bytes=DOWNLOAD_BYTES if download else 0,
    )
    return OxfordFlowers(
        class_names=CLASS_NAMES,
        paths=tuple(root / "jpg" / f"image_{i + 1:05d}.jpg" for i in range(COUNT)),
        y=y,
        split=split,
        edition=edition,
        record=record,
    )


def of_shared_kinds(
    oxford: OxfordFlowers, class_names: Sequence[str], limit: int | None = None
) -> tuple[list[pathlib.Path], np.ndarray]:
    """Photographs of kinds that the collection of five flowers has, too (``SHARED_KINDS``).

    Args:
        oxford: all photographs.
        class_names: the five flowers' names.
        limit: the largest number of each kind.

    Returns:
        The files' paths, kind by kind, and their labels: indices into ``class_names``.

    Raises:
        ValueError: when a kind has no name in one of the two.
    """
    lacking = {*SHARED_KINDS} - {*oxford.class_names}
    lacking |= {*SHARED_KINDS.values()} - {*class_names}
    if lacking:
        raise ValueError(f"no class is called {', '.join(sorted(lacking))}")
    paths: list[pathlib.Path] = []
    labels: list[int] = []
    for there, here in SHARED_KINDS.items():
        found = np.flatnonzero(oxford.y == oxford.class_names.index(there))[:limit]
        paths += [oxford.paths[i] for i in found]
        labels += [list(class_names).index(here)] * len(found)
    return paths, np.array(labels)


def of_other_kinds(oxford: OxfordFlowers, count: int, seed: int) -> list[pathlib.Path]:
    """Photographs of kinds that the collection of five flowers has not.

    Args:
        oxford: all photographs.
        count: how many, drawn from all of them.
        seed: of the draw.

    Returns:
        The files' paths.

    Raises:
        ValueError: when there are not so many.
    """
    is_shared = np.isin(np.array(oxford.class_names)[oxford.y], list(SHARED_KINDS))
    others = np.flatnonzero(~is_shared)
    if count > len(others):
        raise ValueError(f"{count} photographs of other kinds asked for; there are {len(others)}")
    chosen = np.random.default_rng(seed).choice(others, count, replace=False)
    return [oxford.paths[i] for i in chosen]


def chain(*, download: bool = True) -> list[sources.Source]:
    """The sources, in order: a mirror's original, its reduced edition, the canonical address.

    Args:
        download: False leaves out the canonical address.
    """
    mirrored = [
        archives.unpacked(sources.mirror(*ORIGINAL), ORIGINAL),
        archives.unpacked(sources.mirror(*REDUCED), REDUCED),
    ]
    if not download:
        return mirrored
    canonical = archives.together(
        BASE_URL,
        [sources.download(BASE_URL + name, name, known) for name, known in ORIGINAL.items()],
    )
    return [*mirrored, archives.unpacked(canonical, ORIGINAL)]


def verify(folder: pathlib.Path) -> None:
    """Check every unpacked file's SHA-256 against the manifest of a verified archive.

    Raises:
        sources.SourceFailed: naming the file that is missing, new or changed.
    """
    archives.verify(folder, EDITIONS)


def read_labels(
    labels_path: pathlib.Path, split_path: pathlib.Path
) -> tuple[np.ndarray, np.ndarray]:
    """Read the official labels and split, MATLAB files that count from 1.

    Args:
        labels_path: ``imagelabels.mat``; its ``labels`` are 1 to 102.
        split_path: ``setid.mat``; ``trnid``, ``valid`` and ``tstid`` number the photographs.

    Returns:
        int64 labels from 0, and str ``"training"``, ``"validation"`` or ``"test"``; shape (n,).

    Raises:
        ValueError: when the three parts are not each photograph exactly once.
    """
    y = io.loadmat(labels_path)["labels"].ravel().astype(np.int64) - 1
    identifiers = io.loadmat(split_path)
    split = np.full(len(y), "", dtype="<U10")
    for key, name in (("trnid", "training"), ("valid", "validation"), ("tstid", "test")):
        chosen = identifiers[key].ravel().astype(np.int64) - 1
        if np.any(split[chosen] != ""):
            raise ValueError(f"{split_path.name}: some photographs are in two parts of the split")
        split[chosen] = name
    if np.any(split == ""):
        raise ValueError(f"{split_path.name}: some photographs are in no part of the split")
    return y, split
