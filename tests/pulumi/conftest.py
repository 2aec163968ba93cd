"""The real engine with our plugin, on a local store or a real ZenML server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.standin.fixtures import aws, engine_room, loopback_aws
from tests.homes import Home
from tests.pulumi.languages.building import Languages, built
from tests.pulumi.protocol import running_plugin
from tests.pulumi.room import Room, install_plugin

__all__ = ["aws", "engine_room", "loopback_aws"]


@pytest.fixture
def pulumi_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Pulumi home with our plugin."""
    if not shutil.which("pulumi"):
        pytest.fail("no Pulumi engine on PATH", pytrace=False)
    folder = Path(os.environ.get("PULUMI_HOME") or tmp_path / "pulumi-home")
    monkeypatch.setenv("PULUMI_HOME", str(folder))
    install_plugin(folder)
    return folder


@pytest.fixture
def room(any_home: Home, pulumi_home: Path, tmp_path: Path) -> Room:
    """A project whose stacks are registered in a local store, and on a server."""
    del any_home, pulumi_home
    return Room(tmp_path / "project")


@pytest.fixture
def local_room(home: Home, pulumi_home: Path, tmp_path: Path) -> Room:
    """A project whose stacks are registered in a local store."""
    del home, pulumi_home
    return Room(tmp_path / "project")


@pytest.fixture(scope="session")
def languages() -> Languages:
    """What programs in other languages need to run; waits until it is built."""
    return built()


@pytest.fixture
def plugin(home: Home) -> Iterator[Any]:
    """A running plugin on a local store, without an engine."""
    del home
    with running_plugin() as stub:
        yield stub
