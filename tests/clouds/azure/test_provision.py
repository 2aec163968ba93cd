"""Provisioning on Azure: the real engine and the real SDK, over the stand-in, on loopback."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.clouds.azure.provision import names
from kitaru_iac.infrastructure import destroy as d
from kitaru_iac.infrastructure import provision as p
from kitaru_iac.infrastructure.verify import verify
from kitaru_iac.plan.model import Action, Step
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import InfraMode
from kitaru_iac.spec.model import StackSpec
from tests.clouds.azure.engine import GROUP, AzureRoom, azure_room

__all__ = ["azure_room"]

pytestmark = pytest.mark.engine


def azureml(room: AzureRoom, **more: Any) -> StackSpec:
    azure = room.world.azure
    given = {
        "name": "prod", "type": "azureml", "region": "westeurope", "infra": "provision",
        "subscription_id": azure.subscription_id, "resource_group": GROUP,
        "credentials": f"azure-service-principal:{azure.tenant_id}:{azure.client_id}:"
        f"{azure.client_secret}",
    }  # fmt: skip
    return from_mapping({**given, **more})


def changes(steps: tuple[Step, ...]) -> set[tuple[str, str]]:
    return {
        (step.action.value, step.kind.rsplit(":", 1)[1])
        for step in steps
        if step.action is not Action.KEEP
    }


def test_a_whole_life(azure_room: AzureRoom) -> None:
    azure, spec = azure_room.world.azure, azureml(azure_room)
    place = ("prod", azure.subscription_id, GROUP)
    account, registry = names.account_name(*place), names.registry_name(*place)

    seen = p.preview_infrastructure(spec)
    assert azure_room.there() == set()
    assert ("create", "Workspace") in changes(seen.steps)

    said: list[str] = []
    made = p.provision(spec, progress=said.append)
    assert changes(made.steps) == changes(seen.steps)
    assert made.spec == seen.spec
    assert f"storage account {account}" in "\n".join(said) or account in "\n".join(said)
    assert any("keeps its name for 14 days" in line for line in said)
    described = made.spec
    assert str(described.artifact_store) == f"abfs://kitaru-prod@{account}.dfs.core.windows.net"
    assert str(described.container_registry) == f"{registry}.azurecr.io"
    assert described.workspace == "kitaru-prod"  # type: ignore[union-attr]

    report = verify(described.model_copy(update={"infra": InfraMode.VERIFY}))
    ended = {result.id: result.status.value for result in report.results}
    assert {id_: status for id_, status in ended.items() if status != "ok"} == {}
    assert ended["azure.workspace.pull"] == "ok"

    assert not p.preview_infrastructure(spec).has_changes
    again = p.provision(described)
    assert not again.has_changes
    assert again.spec == described
    assert p.drift(made.labels) == ()

    resources = azure.resources.resources
    stored = resources[f"{azure_room.world.subscription}/resourcegroups/{GROUP}/providers/"
                       f"microsoft.storage/storageaccounts/{account}"]  # fmt: skip
    stored["properties"]["allowBlobPublicAccess"] = True
    drifted = list(p.drift(made.labels))
    assert changes(tuple(drifted)) == {("update", "StorageAccount")}
    assert [c.field for step in drifted for c in step.changes] == ["allowBlobPublicAccess"]
    p.provision(spec)
    assert p.drift(made.labels) == ()

    ahead = d.preview_destroy(made.labels, credentials=spec.credentials)
    gone = d.destroy_infrastructure(made.labels, credentials=spec.credentials)
    assert changes(ahead.steps) == changes(gone.steps)
    assert [(k.reason) for k in gone.kept] == ["protected"]
    assert azure_room.there() == {account}
    azure.blobs.accounts[account]["kitaru-prod"]["artifact"] = b"1"
    kept = d.destroy_infrastructure(
        made.labels, credentials=spec.credentials, include_protected=True
    ).kept
    assert [k.reason for k in kept] == ["its container kitaru-prod holds blobs"]
    last = d.destroy_infrastructure(
        made.labels, credentials=spec.credentials, include_protected=True, delete_data=True
    )
    assert last.kept == ()
    assert azure_room.there() == set()
