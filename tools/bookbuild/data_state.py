"""What data could be had when a chapter was executed, and whether more could be had now.

None of this is in the cache's key: a chapter that had all its data does not run again because a
cable was pulled. It is noted beside each execution instead, and looked at where a data set was
replaced by a stand-in or missing, or where the cache folder now holds another edition.
"""

import dataclasses
import hashlib
import shutil
from collections.abc import Iterable

from seeing.datasets import sources
from seeing.record import reference

# A stand-in may owe to a network that was down for a moment. Asking a host whether it is back was
# tried in thought and rejected: behind a proxy a connection of our own fails while downloads work,
# a captive portal says yes to everything, and a name server that does not answer cannot be given
# a time limit. So an execution with a gap is worth another try after an hour, unless
# SEEING_OFFLINE says that there is no network; whoever has none sets it.
RETRY_AFTER_S = 3600.0


@dataclasses.dataclass(frozen=True)
class DataState:
    """Where data could come from at one moment.

    Attributes:
        mirror: a hash of the names and sizes in the mirror folder.
        cache: the cache folder's path.
        assets: the data sets in the cache folder, and which source first served each.
        offline: whether ``SEEING_OFFLINE`` was set.
        npm: whether npm, a further source, was on the PATH.
    """

    mirror: str
    cache: str
    assets: dict[str, str]
    offline: bool
    npm: bool


def now() -> DataState:
    """The state at this moment. It costs a few file names, no network."""
    return DataState(
        mirror=mirror_state(),
        cache=str(sources.cache_folder()),
        assets=cached_assets(),
        offline=sources.is_offline(),
        npm=shutil.which("npm") is not None,
    )


def mirror_state() -> str:
    """A hash of the names and sizes in the mirror folder; it changes when data may be had."""
    folder = sources.mirror_folder()
    if folder is None or not folder.is_dir():
        return "no mirror"
    listing = sorted(
        (path.name, path.stat().st_size) for path in folder.iterdir() if path.is_file()
    )
    return hashlib.sha256(repr(listing).encode()).hexdigest()


def cached_assets() -> dict[str, str]:
    """The data sets in the cache folder by name, each with the source that its note names."""
    folder = sources.cache_folder()
    notes = sorted(folder.glob(f"*/{sources.ORIGIN_FILE}")) if folder.is_dir() else []
    # A name with a dot in front is a download on its way.
    return {
        note.parent.name: note.read_text(encoding="utf-8", errors="replace").strip()
        for note in notes
        if not note.parent.name.startswith(".")
    }


def may_fill_gaps(then: DataState, today: DataState, age_s: float) -> bool:
    """Whether data that could not be had then may be had now.

    Args:
        then: the state after the execution that had to do without.
        today: the state now.
        age_s: seconds between the two.
    """
    # A data set that left the cache folder cannot fill a gap; one that is new, or another, may.
    more = not today.assets.items() <= then.assets.items()
    changed = then.mirror != today.mirror or then.cache != today.cache
    if more or changed or (today.npm and not then.npm) or (then.offline and not today.offline):
        return True
    return not today.offline and age_s > RETRY_AFTER_S


def has_other_edition(then: DataState, today: DataState, used: Iterable[str]) -> bool:
    """Whether the cache folder now holds another edition of a data set that a chapter used.

    A data set that is not in the cache folder now tells nothing: what would be fetched is likely
    what was fetched.

    Args:
        then: the state after the execution.
        today: the state now.
        used: the names of the real data sets that the chapter used, as its records give them.
    """
    assets = {reference.data_name(name) for name in used}
    return any(
        asset in then.assets and asset in today.assets and then.assets[asset] != today.assets[asset]
        for asset in assets
    )
