from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.clouds.azure.world import World
from tests.doubles.azure import CLUSTER_TOKEN, AzureLoopback
from tests.doubles.entra import AKS
from tests.doubles.kubernetes import KubernetesLoopback


@pytest.fixture(scope="session")
def loopback_azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureLoopback]:
    with AzureLoopback(tmp_path_factory.mktemp("azure")) as azure:
        yield azure


@pytest.fixture(scope="session")
def cluster_api(loopback_azure: AzureLoopback) -> Iterator[KubernetesLoopback]:
    """The API of the cluster, which knows its own users, and who has a token of Entra for it."""

    def knows(token: str | None) -> bool:
        return token == CLUSTER_TOKEN or loopback_azure.entra.knows(token, AKS)

    api = KubernetesLoopback(loopback_azure._ca, knows)
    api.start()
    loopback_azure.cluster_server = f"https://{api.endpoint}"
    yield api
    api.stop()


@pytest.fixture
def world(
    loopback_azure: AzureLoopback,
    cluster_api: KubernetesLoopback,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    for name, value in loopback_azure.env().items():
        monkeypatch.setenv(name, value)
    loopback_azure.reset()
    yield World(loopback_azure, cluster_api)
    loopback_azure.reset()
