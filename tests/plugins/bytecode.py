"""What pytest makes of the test modules is written beside them, also where Python may not write.

Where PYTHONDONTWRITEBYTECODE is set, each worker of each run would make it anew: two thirds of what
the collection takes. `scripts/_wheel` keeps it for other clones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        return (yield)
    finally:
        sys.dont_write_bytecode = before
