from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import kitaru
from tests.clouds.gcp.world import World
from tests.conftest import _enter
from tests.doubles import LoopbackClouds
from tests.doubles.gcp_state import RELEASE, Unauthenticated
from tests.doubles.kubernetes import KubernetesLoopback
from tests.doubles.standin.install import install
from tests.homes import Home

__all__ = ["kitaru"]

_ENGINE = ("PULUMI_HOME", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "STANDIN_FAULTS")


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


@pytest.fixture
def making(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, with the real engine, the stand-in as its only plugin, and homes of its own."""
    if not shutil.which("pulumi"):
        pytest.fail("no Pulumi engine on PATH", pytrace=False)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "config"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    monkeypatch.setenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
    monkeypatch.setenv("STANDIN_FAULTS", str(tmp_path / "faults.json"))
    install(Path(os.environ["PULUMI_HOME"]), "gcp", "gcp")
    return world


@pytest.fixture
def registering(home: Home, making: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, with a local store in one configuration home with the engine's state."""
    kept = {name: os.environ[name] for name in _ENGINE}
    clouds = {name: os.environ[name] for name in making.gcp.env()}
    _enter(home, monkeypatch)
    for name, value in {**clouds, **kept}.items():
        monkeypatch.setenv(name, value)
    return making
