"""flower_photos: 3,670 photographs of five kinds of flowers, split by content.

The photographs are other people's (Flickr, CC BY 2.0): they are fetched, shown and never
redistributed. Two editions serve the same photographs under the same names: the original archive,
and one of 3,000 photographs whose shorter side is at most 240 pixels.

Explained in chapter 8, *A Flower Classifier*; the near-duplicates in chapter 1, *Pixels, Labels,
Splits*.
"""

import dataclasses
import json
import pathlib
from collections.abc import Sequence

from seeing import profiles
from seeing.datasets import archives, drawn_flowers, sources
from seeing.photos import folders, near_duplicates, splits

ASSET = "flower_photos"

ARCHIVE_URL = (
    "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"
)
ARCHIVE_BYTES = 228_813_984
ORIGINAL = {"flower_photos.tgz": "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c"}
REDUCED = {
    "flower_photos_240px.tar": "ebda87fd49e56cdc7c84cf066c1aaea399a9b517f557e850e5676c406d37a159"
}
EDITIONS = {"original": ORIGINAL, "240 px": REDUCED}

PHOTOGRAPHS = "flower_photos"  # the folder inside either archive
NEAR_DUPLICATES = "near_duplicates.json"

# Enough that the quick profile has 1,000 pictures to train on.
DRAWN_COUNT = 1500
DRAWN_SIZE = 96
STAND_IN = f"{DRAWN_COUNT:,} flowers of five species drawn by code"


@dataclasses.dataclass(frozen=True)
class Flowers(splits.SplitPhotographs):
    """The five classes' photographs, sorted by class and then by name.

    The edition is ``"original"`` (3,670 photographs), ``"240 px"`` (3,000 of them, reduced) or
    ``"drawn"`` (the stand-in).

    Attributes:
        near_duplicates: ``(i, j, distance)``, pairs of indices into ``paths`` that show nearly
            the same picture, nearest first; ``distance`` counts differing bits out of 256.
    """

    near_duplicates: tuple[tuple[int, int, int], ...]


def load(*, allow_stand_in: bool | None = None, download: bool = True) -> Flowers:
    """Load the flower photographs through the fetch chain: cache, mirror, canonical address.

    Args:
        allow_stand_in: whether drawn flowers may take the photographs' place when every source
            fails. Default: only in the quick profile.
        download: whether the canonical address may be asked. False leaves it out: the cache and a
            mirror folder still serve.

    Returns:
        The photographs' paths, labels and split; every file's SHA-256 has been checked.

    Raises:
        sources.DataUnavailable: when every source fails and no stand-in is allowed.
    """
    if allow_stand_in is None:
        allow_stand_in = profiles.choose(quick=True, full=False)
    allowed = STAND_IN if allow_stand_in else None
    resolved = sources.resolve_unless_stand_in(ASSET, chain(download=download), verify, allowed)
    if resolved is None:
        return stand_in(DRAWN_COUNT)
    edition = archives.edition(resolved.folder, EDITIONS)
    record = sources.DataRecord(
        name=ASSET,
        origin=resolved.origin,
        sha256=archives.combined_sha256(EDITIONS[edition]),
        download_bytes=ARCHIVE_BYTES,
    )
    return from_folder(resolved.folder / PHOTOGRAPHS, edition=edition, record=record)


def load_if_here() -> Flowers | None:
    """The photographs from the cache or a mirror folder; None where neither holds them.

    For chapters that show photographs and can do without: nothing is downloaded for them.

    Returns:
        As :func:`load` does; the record counts no download, since there was none.
    """
    try:
        found = load(allow_stand_in=False, download=False)
    except sources.DataUnavailable:
        return None
    # What a chapter costs a reader does not include photographs that it never fetches.
    return dataclasses.replace(found, record=dataclasses.replace(found.record, download_bytes=0))


def chain(*, download: bool = True) -> list[sources.Source]:
    """The sources, in order: a mirror's reduced edition, a mirror's original, the canonical one.

    Args:
        download: False leaves out the canonical address.
    """
    served = [
        (sources.mirror(name), edition) for edition in (REDUCED, ORIGINAL) for name in edition
    ]
    name, known = next(iter(ORIGINAL.items()))
    if download:
        served.append((sources.download(ARCHIVE_URL, name, known), ORIGINAL))
    return [
        archives.unpacked(source, edition, prepare=_note_near_duplicates)
        for source, edition in served
    ]


def verify(folder: pathlib.Path) -> None:
    """Check every unpacked file's SHA-256 against the manifest of a verified archive.

    Raises:
        sources.SourceFailed: naming the file that is missing, new or changed.
    """
    archives.verify(folder, EDITIONS)


def stand_in(count: int = DRAWN_COUNT) -> Flowers:
    """Drawn flowers as PNG files in the cache, labeled as the stand-in that they are.

    Args:
        count: number of pictures; the five species take turns.

    Returns:
        The same kind of table as :func:`load`, of five species drawn by code. Results on them
        say nothing about photographs.
    """
    made_from = {"drawn_flowers": f"version {drawn_flowers.VERSION}, {count} of {DRAWN_SIZE} px"}
    editions = {"drawn": made_from}

    def fetch(folder: pathlib.Path) -> None:
        drawn_flowers.write_folder(folder / PHOTOGRAPHS, count, size=DRAWN_SIZE)
        _note_near_duplicates(folder)
        archives.write_manifest(folder, made_from)

    resolved = sources.resolve(
        f"drawn_flowers_{count}",
        [sources.Source(name="seeing.datasets.drawn_flowers", fetch=fetch)],
        lambda folder: archives.verify(folder, editions),
    )
    record = sources.DataRecord(
        # The name of what it stands in for: a metric keeps its data set, whatever took its place.
        name=ASSET,
        origin=f"stand-in: {count:,} flowers of five species drawn by code",
        sha256=sources.sha256(resolved.folder / archives.MANIFEST),
        is_stand_in=True,
    )
    return from_folder(resolved.folder / PHOTOGRAPHS, edition="drawn", record=record)


def from_folder(root: pathlib.Path, *, edition: str, record: sources.DataRecord) -> Flowers:
    """The table of a folder whose files a hash has vouched for.

    Each group of near-duplicates is in one part: the one where its smallest file name belongs.

    Args:
        root: the folder that holds the class folders.
        edition: what ``Flowers.edition`` shall say.
        record: what ``Flowers.record`` shall say.
    """
    listed = folders.scan(root, decode=False)
    pairs = _near_duplicates(root, listed.paths)
    groups = near_duplicates.groups(len(listed.paths), pairs)
    return Flowers(
        class_names=listed.class_names,
        paths=listed.paths,
        y=listed.y,
        split=splits.split(listed.paths, groups),
        near_duplicates=tuple(pairs),
        edition=edition,
        record=record,
    )


def _note_near_duplicates(folder: pathlib.Path) -> None:
    """Find the near-duplicates once, when the photographs are unpacked: it takes seconds."""
    root = folder / PHOTOGRAPHS
    paths = folders.scan(root, decode=False).paths
    names = [path.relative_to(root).as_posix() for path in paths]
    pairs = [(names[i], names[j], distance) for i, j, distance in near_duplicates.search(paths)]
    note = {"method": near_duplicates.METHOD, "pairs": pairs}
    (folder / NEAR_DUPLICATES).write_text(
        json.dumps(note, indent=0, ensure_ascii=False), encoding="utf-8"
    )


def _near_duplicates(
    root: pathlib.Path, paths: Sequence[pathlib.Path]
) -> list[tuple[int, int, int]]:
    """The pairs that were noted at unpacking; found anew where another method noted them."""
    note_path = root.parent / NEAR_DUPLICATES
    if note_path.is_file():
        note = json.loads(note_path.read_text(encoding="utf-8"))
        if note["method"] == near_duplicates.METHOD:
            index = {path.relative_to(root).as_posix(): i for i, path in enumerate(paths)}
            return [(index[a], index[b], distance) for a, b, distance in note["pairs"]]
    return near_duplicates.search(paths)
