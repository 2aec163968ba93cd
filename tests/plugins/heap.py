"""What stands for the whole run is never looked through for garbage again.

That is all modules and ten thousand tests, and later ZenML: a full collection took a fifth of a
second, every few tests.
"""

from __future__ import annotations

import gc
import sys

import pytest

_ZENML = "zenml.zen_stores.base_zen_store"
_frozen: set[str] = set()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    _freeze("collected")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart() -> None:
    # Between two tests, when nothing is there that only one of them needs.
    if _ZENML in sys.modules and _ZENML not in _frozen:
        _freeze(_ZENML)


def _freeze(after: str) -> None:
    _frozen.add(after)
    gc.collect()
    gc.freeze()
