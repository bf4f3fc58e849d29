"""One build at a time in a checkout."""

import contextlib
from collections.abc import Iterator

import filelock

from bookbuild import paths


@contextlib.contextmanager
def hold(checkout: paths.Checkout) -> Iterator[None]:
    """Hold the checkout's lock while the block runs; wait for another build that holds it.

    Not to be nested: the second would wait for the first.

    Raises:
        ValueError: when nothing can be written to the checkout.
    """
    lock = filelock.FileLock(checkout.build / ".lock")
    if not _acquire(lock, checkout, timeout_s=0):
        print("another build is running in this checkout: waiting for it", flush=True)
        _acquire(lock, checkout, timeout_s=-1)
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: filelock.BaseFileLock, checkout: paths.Checkout, timeout_s: float) -> bool:
    """Whether the lock was to be had in time; a negative time is as long as it takes."""
    try:
        checkout.build.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout_s)
    except filelock.Timeout:
        return False
    except OSError as error:
        raise ValueError(
            f"cannot write to {checkout.build} ({error.strerror or error}): build in a copy of the "
            "book in a folder of your own"
        ) from error
    return True
