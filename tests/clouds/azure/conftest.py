from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.clouds.azure.world import World
from tests.doubles.azure import AzureLoopback


@pytest.fixture(scope="session")
def loopback_azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureLoopback]:
    with AzureLoopback(tmp_path_factory.mktemp("azure")) as azure:
        yield azure


@pytest.fixture
def world(loopback_azure: AzureLoopback, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    for name, value in loopback_azure.env().items():
        monkeypatch.setenv(name, value)
    loopback_azure.reset()
    yield World(loopback_azure)
    loopback_azure.reset()
