"""Fixtures for pytest: ``pytest_plugins = ["kitaru_iac.testing.plugin"]``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kitaru_iac.testing.aws import ACCOUNT, LocalAws, running, seen
from kitaru_iac.testing.store import LocalStore, local_store

__all__ = ["kitaru_aws", "kitaru_aws_account", "kitaru_aws_server", "kitaru_store"]


@pytest.fixture
def kitaru_store(tmp_path: Path) -> Iterator[LocalStore]:
    """Give a test an empty local store of its own, in its temporary directory."""
    with local_store(tmp_path / "kitaru-store") as store:
        yield store


@pytest.fixture(scope="session")
def kitaru_aws_account() -> str:
    """Say which account `kitaru_aws` is; a fixture of this name in your tests takes over."""
    return ACCOUNT


@pytest.fixture(scope="session")
def kitaru_aws_server(kitaru_aws_account: str) -> Iterator[LocalAws]:
    """Start moto once for a run of pytest; nothing sees it without `kitaru_aws`."""
    with running(kitaru_aws_account) as aws:
        yield aws


@pytest.fixture
def kitaru_aws(kitaru_aws_server: LocalAws) -> Iterator[LocalAws]:
    """Give a test an empty AWS on loopback."""
    kitaru_aws_server.reset()
    with seen(kitaru_aws_server):
        yield kitaru_aws_server
