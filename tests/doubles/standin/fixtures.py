"""Fixtures for tests that let the real engine work on AWS on loopback, through the stand-in."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.aws import AwsLoopback
from tests.doubles.standin.install import install

__all__ = ["EngineRoom", "aws", "engine_room", "loopback_aws"]


@dataclass(frozen=True, slots=True)
class EngineRoom:
    """What an engine under test works with.

    Attributes:
        aws: The cloud.
        home: The configuration home.
        faults_file: Read by the stand-in at every operation.
    """

    aws: AwsLoopback
    home: Path
    faults_file: Path

    def faults(self, **wanted: Any) -> None:
        """What goes wrong from now on: see README.md."""
        self.faults_file.write_text(json.dumps(wanted))

    def fault(self, when: str, token: str, **what: Any) -> None:
        """One thing that goes wrong: ``before``, ``after`` or ``delete`` of a type."""
        self.faults_file.write_text(json.dumps({f"{when} {token}": what}))

    def no_faults(self) -> None:
        """Nothing goes wrong any more."""
        self.faults_file.unlink(missing_ok=True)

    @property
    def state(self) -> Path:
        """The folder of our own backend."""
        return self.home / "kitaru" / "state"

    def locks(self) -> list[dict[str, Any]]:
        """The locks in the backend, as Pulumi writes them."""
        return [json.loads(path.read_text()) for path in self.state.rglob("locks/**/*.json")]


@pytest.fixture(scope="session")
def loopback_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsLoopback]:
    with AwsLoopback(tmp_path_factory.mktemp("aws"), managed_policies=True) as running:
        yield running


@pytest.fixture
def aws(loopback_aws: AwsLoopback, monkeypatch: pytest.MonkeyPatch) -> AwsLoopback:
    """An empty account, and this process's own."""
    loopback_aws.reset()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in loopback_aws.env().items():
        monkeypatch.setenv(name, value)
    return loopback_aws


@pytest.fixture
def engine_room(aws: AwsLoopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineRoom:
    """The real engine, with the stand-in as its only plugin and homes of its own."""
    if not shutil.which("pulumi"):
        pytest.fail("no Pulumi engine on PATH", pytrace=False)
    room = EngineRoom(aws, tmp_path / "config", tmp_path / "faults.json")
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(room.home))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    monkeypatch.setenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
    monkeypatch.setenv("STANDIN_FAULTS", str(room.faults_file))
    install(Path(os.environ["PULUMI_HOME"]))
    return room
