"""A client of a server that may use its own identity, with all that the page's examples need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kitaru_iac.records import recovery
from tests.cli.conftest import kitaru  # noqa: F401 - the command in this process
from tests.conftest import _enter, _forget_zenml
from tests.doubles import LoopbackClouds
from tests.doubles.standin.fixtures import EngineRoom, aws, engine_room, loopback_aws  # noqa: F401
from tests.homes import Home, empty_home
from tests.servers.zenml import ZenMLServer
from tests.stacks.page import seed


@pytest.fixture(autouse=True)
def settled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store in memory has done what it was asked for when it answers: no second look later."""
    if request.node.get_closest_marker("server") is None:
        monkeypatch.setattr(recovery, "_BETWEEN_LOOKS", 0)


@pytest.fixture
def page_home(
    zenml_server_implicit: ZenMLServer,
    empty_clouds: LoopbackClouds,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Home]:
    """This process is a client of an empty server, and everything the page names exists."""
    zenml_server_implicit.reset()
    seed(empty_clouds)
    env = zenml_server_implicit.client_env(tmp_path / "client" / "zenml")
    extra = {key: value for key, value in env.items() if key.startswith("ZENML_")}
    home = empty_home(tmp_path / "client", **extra)
    _enter(home, monkeypatch)
    yield home
    _forget_zenml()


@pytest.fixture
def workshop(
    home: Home,
    engine_room: EngineRoom,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> EngineRoom:
    """A local store beside the engine: both in one configuration home."""
    _enter(home, monkeypatch)
    monkeypatch.setenv("PULUMI_HOME", str(engine_room.home.parent / "pulumi"))
    monkeypatch.setenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
    for name, value in engine_room.aws.env().items():
        monkeypatch.setenv(name, value)
    return EngineRoom(engine_room.aws, home.config, engine_room.faults_file)
