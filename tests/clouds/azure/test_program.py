"""A stack on Azure in a program of any language: through our plugin and the stand-in's."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pulumi
import pulumi_azure_native as azure_sdk
import pytest

import kitaru_iac.pulumi as kitaru
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.records.stored import Store
from tests.clouds.azure.engine import GROUP, AzureRoom, azure_room
from tests.doubles.azure import LOCATION
from tests.pulumi.aws_site import Remote
from tests.pulumi.room import Room, install_plugin

__all__ = ["azure_room"]

pytestmark = pytest.mark.engine

OUTPUTS = ("name", "type", "artifactStore", "containerRegistry", "workspace", "region", "stackId")


@pytest.fixture
def site(azure_room: AzureRoom, tmp_path_factory: pytest.TempPathFactory) -> Room:
    """A platform team's project; the fixture `azure_room` is its account and its store."""
    del azure_room
    install_plugin(Path(os.environ["PULUMI_HOME"]))
    return Room(tmp_path_factory.mktemp("site"))


def login(room: AzureRoom) -> str:
    azure = room.world.azure
    words = (azure.tenant_id, azure.client_id, azure.client_secret)
    return ":".join(("azure-service-principal", *words))


def test_the_components_are_built_by_the_plugin(site: Room, azure_room: AzureRoom) -> None:
    azure = azure_room.world.azure
    place = {"region": LOCATION, "resourceGroup": GROUP}

    def both() -> None:
        provider = azure_sdk.Provider("mine", subscription_id=azure.subscription_id)
        options = pulumi.ResourceOptions(providers=[provider])
        inputs: dict[str, Any] = {**place, "type": "azureml"}
        inputs["subscriptionId"] = azure.subscription_id
        inputs["credentials"] = pulumi.Output.secret(login(azure_room))
        prod = Remote("kitaru:index:ProvisionedStack", "prod", inputs, OUTPUTS, options)
        named = {**place, "stack": "data", "type": "local", "newAccount": "teamdata1",
                 "newContainer": "kitaru", "tags": {"team": "ml"}}  # fmt: skip
        data = Remote("kitaru:azure:Infrastructure", "data", named, ("artifactStore",), options)
        for name in OUTPUTS:
            pulumi.export(name, getattr(prod, name))
        pulumi.export("data", data.artifactStore)  # type: ignore[attr-defined]

    before = azure_room.there()
    assert {"prod", "data"} <= set(site.preview(both).ops)
    assert azure_room.there() == before

    made = site.up(both)
    with quiet():
        stored = Store.open().read("prod")
    assert stored is not None
    found = {name: str(made.outputs.get(name)) for name in OUTPUTS}
    assert (found["name"], found["type"], found["region"]) == ("prod", "azureml", LOCATION)
    assert found["stackId"] == str(stored.id)
    account = found["artifactStore"].partition("@")[2].partition(".")[0]
    registry = found["containerRegistry"].partition(".")[0]
    assert {account, registry, found["workspace"], "teamdata1"} <= azure_room.there()
    assert "teamdata1" in str(made.outputs["data"])
    tagged = [one for one in azure.resources.resources.values() if one["name"] == "teamdata1"]
    assert [one["tags"]["team"] for one in tagged] == ["ml"]
    assert azure.client_secret not in json.dumps(site.resources())

    again = site.up(both)
    assert set(again.ops.values()) == {"same"}, again.text


def test_the_plugin_looks_at_what_is_there(site: Room, azure_room: AzureRoom) -> None:
    world = azure_room.world
    world.fit_workspace()
    spec: Any = world.azureml()

    def run() -> None:
        report = kitaru.verify(
            name="prod",
            type="azureml",
            region=LOCATION,
            subscription_id=world.azure.subscription_id,
            resource_group=spec.resource_group,
            workspace="nowhere",
            artifact_store=str(spec.artifact_store),
            container_registry=str(spec.container_registry),
            credentials=login(azure_room),
            allow_failures=True,
        )
        pulumi.export("statuses", {result.id: result.status for result in report.results})

    statuses = site.up(run).outputs["statuses"]
    assert statuses["azure.bucket.exists"] == statuses["azure.registry.exists"] == "ok"
    assert statuses["azure.workspace.exists"] == "fail"
