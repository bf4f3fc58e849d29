"""For ``pytest --nbval notebooks`` with kernels of nbval's own.

There, a result outside its band must raise, or nobody would notice.
"""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, None, None]:
    """Be strict while nbval may start a kernel, and only then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEING_STRICT", os.environ.get("SEEING_STRICT", "1"))
        return (yield)
