from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clouds.gcp.world import World
from tests.doubles import LoopbackClouds
from tests.doubles.gcp_state import RELEASE, Unauthenticated
from tests.doubles.kubernetes import KubernetesLoopback


@pytest.fixture(scope="session")
def cluster_api(clouds: LoopbackClouds) -> Iterator[KubernetesLoopback]:
    def knows(token: str | None) -> bool:
        try:
            clouds.gcp.state.caller(token)
        except Unauthenticated:
            return False
        return True

    api = KubernetesLoopback(clouds._ca, knows)
    api.start()
    yield api
    api.stop()


@pytest.fixture
def world(
    clouds: LoopbackClouds, cloud_env: dict[str, str], cluster_api: KubernetesLoopback
) -> Iterator[World]:
    RELEASE.clear()
    yield World(clouds.gcp, cluster_api)
    RELEASE.set()
    clouds.gcp.reset()
