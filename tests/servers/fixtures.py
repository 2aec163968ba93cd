"""Fixtures over the loopback clouds and the real ZenML server.

Use them with `pytest_plugins = ["tests.servers.fixtures"]`. What is expensive is shared by a
session and started when a test first asks for it; `empty_clouds` and `empty_server` give a test
the shared thing as good as new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.doubles import LoopbackClouds
from tests.servers.releases import INSTALLED, RELEASES, template_of
from tests.servers.zenml import ZenMLServer


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackClouds]:
    """AWS, Google Cloud and Azure on loopback."""
    with LoopbackClouds(tmp_path_factory.mktemp("clouds")) as running:
        yield running


@pytest.fixture
def empty_clouds(clouds: LoopbackClouds) -> Iterator[LoopbackClouds]:
    """The clouds without any resource, denial or refusal."""
    clouds.reset()
    yield clouds
    clouds.reset()


@pytest.fixture
def cloud_env(clouds: LoopbackClouds, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """This process sees the loopback clouds, with their owner's credentials."""
    env = clouds.env()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SSL_CERT_DIR", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


@pytest.fixture(scope="session")
def zenml_server(
    clouds: LoopbackClouds, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ZenMLServer]:
    """A ZenML server whose connectors see the loopback clouds; implicit authentication is off."""
    directory = tmp_path_factory.mktemp("zenml")
    with ZenMLServer.of_release(INSTALLED, directory, clouds.env()) as running:
        yield running


class Releases:
    """Servers of other releases of ZenML, each started when a test first asks for it."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = env
        self._running: dict[str, ZenMLServer] = {}

    def __getitem__(self, release: str) -> ZenMLServer:
        if release not in self._running:
            server = ZenMLServer.of_release(release, self._folder / release, self._env)
            server.start()
            self._running[release] = server
        return self._running[release]

    def stop(self) -> None:
        for server in self._running.values():
            server.stop()


@pytest.fixture(scope="session")
def zenml_releases(
    clouds: LoopbackClouds, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Releases]:
    """Servers of ZenML by release, as `zenml_server` is one; not emptied."""
    running = Releases(tmp_path_factory.mktemp("zenml-releases"), clouds.env())
    yield running
    running.stop()


@pytest.fixture(params=RELEASES)
def any_release(request: pytest.FixtureRequest) -> Iterator[ZenMLServer]:
    """The same test on an empty server of the oldest supported release, two more, the newest."""
    server = release_server(request, request.param)
    yield server
    server.reset()


def release_server(request: pytest.FixtureRequest, release: str) -> ZenMLServer:
    """An empty server of one of `RELEASES`, for a fixture that has other parameters besides."""
    if release == INSTALLED:
        server: ZenMLServer = request.getfixturevalue("zenml_server")
    else:
        server = request.getfixturevalue("zenml_releases")[release]
    server.reset()
    return server


@pytest.fixture
def empty_server(zenml_server: ZenMLServer) -> Iterator[ZenMLServer]:
    """The shared server with nothing but its default stack."""
    zenml_server.reset()
    yield zenml_server
    zenml_server.reset()


@pytest.fixture(scope="session")
def zenml_server_implicit(
    clouds: LoopbackClouds, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ZenMLServer]:
    """Another one that allows implicit authentication, as the clouds' owner."""
    directory = tmp_path_factory.mktemp("zenml-implicit")
    template = template_of(INSTALLED)
    with ZenMLServer(directory, clouds.env(), implicit_auth=True, template=template) as running:
        yield running
