"""Fixtures for tests that let the real engine work on Azure on loopback, through the stand-in."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.clouds.azure.provision.grants import Role
from tests.clouds.azure.world import World
from tests.doubles.azure import AzureLoopback
from tests.doubles.standin_azure.install import install
from tests.homes import Home

__all__ = ["GROUP", "AzureRoom", "azure_room", "define_roles"]

GROUP = "ml"
#: What Azure's own roles allow, as far as it is asked for.
_ROLES = {
    Role.CONTRIBUTOR: {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]},
    Role.ACR_PULL: {"actions": ["Microsoft.ContainerRegistry/registries/pull/read"]},
    Role.REPOSITORY_READER: {
        "dataActions": ["Microsoft.ContainerRegistry/registries/repositories/content/read"]
    },
    Role.BLOB_DATA_CONTRIBUTOR: {"dataActions": ["Microsoft.Storage/storageAccounts/*"]},
    Role.FILE_DATA_CONTRIBUTOR: {},
    Role.MANAGED_IDENTITY_OPERATOR: {
        "actions": ["Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"]
    },
    Role.KEY_VAULT_ADMINISTRATOR: {"dataActions": ["Microsoft.KeyVault/vaults/*"]},
}


@dataclass(frozen=True, slots=True)
class AzureRoom:
    """What an engine under test works with.

    Attributes:
        world: The subscription.
        home: The configuration home.
        faults_file: Read by the stand-in at every operation.
    """

    world: World
    home: Path
    faults_file: Path

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

    def there(self) -> set[str]:
        """The names of what has a place of its own in Azure."""
        found = self.world.azure.resources.resources.values()
        return {one["name"] for one in found if "location" in one}


def define_roles(azure: AzureLoopback) -> None:
    """Let Azure's own roles be there."""
    for role, permissions in _ROLES.items():
        azure.resources.put(
            *(f"/subscriptions/{azure.subscription_id}", "Microsoft.Authorization/roleDefinitions"),
            *(role.value, None),
            properties={"permissions": [permissions]},
        )


@pytest.fixture
def azure_room(
    home: Home, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AzureRoom]:
    """The real engine, with the stand-in as its only plugin and homes of its own."""
    if not shutil.which("pulumi"):
        pytest.fail("no Pulumi engine on PATH", pytrace=False)
    room = AzureRoom(world, home.config, tmp_path / "faults.json")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    monkeypatch.setenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
    monkeypatch.setenv("STANDIN_FAULTS", str(room.faults_file))
    install(Path(os.environ["PULUMI_HOME"]))
    world.azure.group(GROUP)
    define_roles(world.azure)
    yield room
    world.azure.resources.writes.clear()
