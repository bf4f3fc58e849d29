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
    try:
        checkout.build.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(checkout.build / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            print("another build is running in this checkout: waiting for it", flush=True)
            lock.acquire()
    except OSError as error:
        raise ValueError(
            f"cannot write to {checkout.build} ({error.strerror or error}): build in a copy of the "
            "book in a folder of your own"
        ) from error
    try:
        yield
    finally:
        lock.release()
