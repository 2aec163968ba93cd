"""What stands for the whole run is never looked through for garbage again.

That is all modules and ten thousand tests, and later ZenML: a full collection took a fifth of a
second, every few tests. What comes later is looked through when many descriptors are open: clients
of clouds that refer to themselves keep their connections until the collector comes by.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

_ZENML = "zenml.zen_stores.base_zen_store"
_frozen: set[str] = set()
#: So many more descriptors than after the last look; some calls take none above 1023.
_MORE = 200
_allowed = [_MORE]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    _freeze("collected")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart() -> None:
    # Between two tests, when nothing is there that only one of them needs.
    if _ZENML in sys.modules and _ZENML not in _frozen:
        _freeze(_ZENML)
    if _descriptors() > _allowed[0]:
        gc.collect()
        _allowed[0] = _descriptors() + _MORE


def _descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def _freeze(after: str) -> None:
    _frozen.add(after)
    gc.collect()
    gc.freeze()
