"""A fixture for pytest: ``pytest_plugins = ["kitaru_iac.testing.plugin"]``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kitaru_iac.testing.store import LocalStore, local_store

__all__ = ["kitaru_store"]


@pytest.fixture
def kitaru_store(tmp_path: Path) -> Iterator[LocalStore]:
    """Give a test an empty local store of its own, in its temporary directory."""
    with local_store(tmp_path / "kitaru-store") as store:
        yield store
