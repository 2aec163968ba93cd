"""What a description on Azure becomes, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.errors import DescriptionError
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.spec.model import AzuremlSpec, KubernetesSpec, LocalSpec
from kitaru_iac.stacks.desired import desired_records

SUBSCRIPTION = "00000000-0000-0000-0000-000000000123"
TENANT, CLIENT = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
MANAGED = {"kitaru.managed": "true"}

AZUREML = {
    "name": "prod-azureml",
    "artifact_store": "az://my-container/kitaru",
    "container_registry": "demo1.azurecr.io/my-team/my-image",
    "subscription_id": SUBSCRIPTION,
    "resource_group": "ml-platform",
    "workspace": "team-ml",
    "region": "westeurope",
}


def azureml(**changes: Any) -> Records:
    given = {**AZUREML, **changes}
    return desired_records(AzuremlSpec(**{k: v for k, v in given.items() if v is not None}))


def own(kind: str, id: str | None) -> dict[str, Any]:
    return {"labels": MANAGED, "uses_connector": True, "resource_type": kind, "resource_id": id}


def test_azureml() -> None:
    name = "prod-azureml"
    records = azureml()
    assert records.components == (
        ComponentRecord(
            "orchestrator",
            name,
            "azureml",
            {
                "subscription_id": SUBSCRIPTION,
                "resource_group": "ml-platform",
                "workspace": "team-ml",
                "location": "westeurope",
            },
            **own("azure-generic", None),
        ),
        ComponentRecord(
            "artifact_store",
            name,
            "azure",
            {"path": "az://my-container/kitaru"},
            **own("blob-container", "az://my-container"),
        ),
        ComponentRecord(
            "container_registry",
            name,
            "azure",
            {"uri": "demo1.azurecr.io/my-team/my-image"},
            **own("docker-registry", "demo1.azurecr.io"),
        ),
    )
    assert records.connector == ConnectorRecord(
        name, "azure", "implicit", {"subscription_id": SUBSCRIPTION}, labels=MANAGED
    )
    assert records.labels == MANAGED


def test_an_unused_location_is_said() -> None:
    assert "serverless" in str(azureml().notes[0])
    assert not azureml(extra={"orchestrator": {"mode": "compute-cluster"}}).notes
    without = azureml(region=None)
    assert not without.notes
    assert "location" not in without.components[0].configuration


def test_aks() -> None:
    records = desired_records(
        KubernetesSpec(
            name="prod-aks",
            artifact_store="az://my-container",
            container_registry="demo1.azurecr.io",
            cluster="prod-cluster",
            subscription_id=SUBSCRIPTION,
            resource_group="ml-platform",
        )
    )
    runner = records.components[0]
    assert (runner.flavor, runner.configuration) == (
        "kubernetes",
        {"kubernetes_namespace": "default"},
    )
    assert (runner.resource_type, runner.resource_id) == (
        "kubernetes-cluster",
        "ml-platform/prod-cluster",
    )
    assert records.connector is not None
    assert records.connector.configuration == {"subscription_id": SUBSCRIPTION}


def test_a_storage_account_in_the_uri_goes_to_the_connector() -> None:
    uri = "abfss://my-container@myaccount.dfs.core.windows.net/kitaru"
    records = azureml(artifact_store=uri)
    store = records.component("artifact_store")
    assert store is not None
    assert store.configuration["path"].startswith(("az://my-container", "abfs://my-container"))
    assert store.resource_id == "az://my-container"
    assert records.connector is not None
    assert records.connector.configuration["storage_account"] == "myaccount"


def test_credentials() -> None:
    text = f"azure-service-principal:{TENANT}:{CLIENT}:s3cret~value"
    connector = azureml(credentials=text).connector
    assert connector is not None
    assert connector.auth_method == "service-principal"
    assert connector.configuration == {
        "subscription_id": SUBSCRIPTION,
        "tenant_id": TENANT,
        "client_id": CLIENT,
    }
    assert connector.secrets == {"client_secret": "s3cret~value"}
    identity = azureml(credentials="azure-managed-identity").connector
    assert identity is not None
    assert (identity.auth_method, dict(identity.secrets)) == ("implicit", {})


def test_an_access_token_is_refused_with_the_reason() -> None:
    with pytest.raises(DescriptionError, match="does not open blob storage") as caught:
        azureml(credentials="azure-access-token:MARKED-token")
    assert "MARKED" not in str(caught.value)


def test_a_local_runner_with_a_container() -> None:
    records = desired_records(
        LocalSpec(
            name="dev",
            artifact_store="az://my-container",
            credentials=f"azure-service-principal:{TENANT}:{CLIENT}:s3cret~value",
            subscription_id=SUBSCRIPTION,
        )
    )
    assert records.components[1].flavor == "azure"
    assert records.connector is not None
    assert records.connector.configuration["subscription_id"] == SUBSCRIPTION
