"""The Azure double, seen by Azure's SDKs and by ZenML's own verification."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.resource import ResourceManagementClient
from azure.mgmt.storage import StorageManagementClient
from azure.storage.blob import BlobServiceClient

from tests.doubles import AzureLoopback, LoopbackClouds
from tests.doubles.verification import verify
from tests.servers.zenml import ZenMLServer

pytest_plugins = ["tests.servers.fixtures"]

_ARM = "https://management.azure.com"
_LATER = "2099-01-01T00:00:00"


@pytest.fixture
def azure(empty_clouds: LoopbackClouds) -> AzureLoopback:
    return empty_clouds.azure


@pytest.fixture
def credential(azure: AzureLoopback, cloud_env: dict[str, str]) -> Any:
    return DefaultAzureCredential()


def connector(azure: AzureLoopback, **fields: Any) -> Any:
    configuration = {
        "subscription_id": azure.subscription_id,
        "tenant_id": azure.tenant_id,
        "client_id": azure.client_id,
        "client_secret": azure.client_secret,
        **fields,
    }
    return "azure", "service-principal", configuration


def test_storage_and_blobs(azure: AzureLoopback, credential: Any) -> None:
    azure.container("account", "artifacts")
    client = StorageManagementClient(credential, azure.subscription_id)
    blobs = BlobServiceClient("https://account.blob.core.windows.net", credential=credential)

    account = client.storage_accounts.get_properties("rg", "account")
    service = client.blob_services.get_service_properties("rg", "account")
    assert [found.name for found in client.storage_accounts.list()] == ["account"]
    assert account.allow_blob_public_access is False
    assert account.minimum_tls_version == "TLS1_2"
    assert service.is_versioning_enabled
    assert client.blob_containers.get("rg", "account", "artifacts").public_access == "None"
    assert [found.name for found in blobs.list_containers()] == ["artifacts"]
    container = blobs.get_container_client("artifacts")
    container.upload_blob("a/b.txt", b"hello")
    assert container.download_blob("a/b.txt").readall() == b"hello"
    assert [found.name for found in container.list_blobs()] == ["a/b.txt"]
    assert not blobs.get_container_client("nowhere").exists()
    with pytest.raises(ResourceNotFoundError, match="ResourceNotFound"):
        client.storage_accounts.get_properties("rg", "nowhere")
    with pytest.raises(ResourceNotFoundError, match="ResourceGroupNotFound"):
        client.storage_accounts.get_properties("nowhere", "account")


def test_denied_is_not_absent(azure: AzureLoopback, credential: Any) -> None:
    azure.container("account", "artifacts")
    azure.deny("Microsoft.Storage/storageAccounts/read")
    azure.deny("Microsoft.Storage/storageAccounts/blobServices/containers/read")
    client = StorageManagementClient(credential, azure.subscription_id)
    blobs = BlobServiceClient("https://account.blob.core.windows.net", credential=credential)
    for name in ("account", "nowhere"):
        with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
            client.storage_accounts.get_properties("rg", name)
    with pytest.raises(HttpResponseError) as denied:
        blobs.get_container_client("artifacts").get_container_properties()
    assert "AuthorizationPermissionMismatch" in str(denied.value)


def test_registries_and_clusters(azure: AzureLoopback, credential: Any) -> None:
    host = azure.registry("images", adminUserEnabled=True)
    azure.cluster("prod")
    azure.cluster("closed", disableLocalAccounts=True, power_state="Stopped")
    registries = ContainerRegistryManagementClient(credential, azure.subscription_id).registries
    clusters = ContainerServiceClient(credential, azure.subscription_id).managed_clusters

    assert registries.get("rg", "images").login_server == host
    assert registries.list_credentials("rg", "images").username == "images"
    assert clusters.get("rg", "closed").power_state.code == "Stopped"
    found: Any = clusters.list_cluster_admin_credentials("rg", "prod").kubeconfigs
    assert json.loads(found[0].value)["current-context"] == "prod"
    with pytest.raises(HttpResponseError, match="disable local accounts"):
        clusters.list_cluster_admin_credentials("rg", "closed")


def test_groups_workspaces_and_role_assignments(azure: AzureLoopback, credential: Any) -> None:
    workspace = azure.workspace("ml")
    azure.role_assignment(workspace, "f6c7c914-8db3-469d-8ca1-694a8f32e121", "principal")
    groups = ResourceManagementClient(credential, azure.subscription_id).resource_groups
    token = credential.get_token("https://management.azure.com/.default").token

    def read(path: str) -> Any:
        url = f"{_ARM}{path}?api-version=2024-04-01"
        return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).json()

    assert groups.check_existence("rg")
    assert not groups.check_existence("nowhere")
    assert read(workspace)["properties"]["provisioningState"] == "Succeeded"
    kind = "providers/Microsoft.MachineLearningServices/workspaces"
    assert [found["name"] for found in read(f"{groups.get('rg').id}/{kind}")["value"]] == ["ml"]
    assigned = read(f"{workspace}/providers/Microsoft.Authorization/roleAssignments")["value"]
    assert assigned[0]["properties"]["principalId"] == "principal"


def test_entra_knows_tenants_applications_and_secrets(
    azure: AzureLoopback, cloud_env: dict[str, str]
) -> None:
    def log_in(tenant: str, client: str, secret: str) -> None:
        ClientSecretCredential(tenant, client, secret).get_token(f"{_ARM}/.default")

    other = azure.application("another-secret")
    log_in(azure.tenant_id, other, "another-secret")
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        log_in(azure.tenant_id, other, "wrong")
    with pytest.raises(ClientAuthenticationError, match="AADSTS700016"):
        log_in(azure.tenant_id, "00000000-0000-0000-0000-0000000000ff", "wrong")


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "names"),
    [
        ("blob-container", "az://artifacts", ["az://artifacts"]),
        ("blob-container", "abfs://artifacts", ["az://artifacts"]),
        ("docker-registry", "images.azurecr.io", ["images.azurecr.io"]),
        ("kubernetes-cluster", "rg/prod", ["rg/prod"]),
        ("kubernetes-cluster", "prod", ["prod"]),
        ("azure-generic", None, ["Loopback"]),
    ],
)
def test_zenml_verifies_what_exists(
    azure: AzureLoopback,
    zenml_server: ZenMLServer,
    resource_type: str,
    resource_id: str | None,
    names: list[str],
) -> None:
    azure.container("account", "artifacts")
    azure.registry("images")
    azure.cluster("prod")
    verdict = verify(zenml_server, connector(azure), resource_type, resource_id)
    assert verdict.ok, verdict.error
    assert verdict.resource_ids == names


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "reason"),
    [
        ("blob-container", "az://nowhere", "the 'nowhere' container was not found"),
        ("docker-registry", "nowhere.azurecr.io", "the 'nowhere' registry was not found"),
        ("kubernetes-cluster", "rg/nowhere", "ResourceNotFound"),
        ("kubernetes-cluster", "nowhere/prod", "ResourceGroupNotFound"),
    ],
)
def test_zenml_refuses_what_is_missing(
    azure: AzureLoopback,
    zenml_server: ZenMLServer,
    resource_type: str,
    resource_id: str,
    reason: str,
) -> None:
    azure.container("account", "artifacts")
    azure.registry("images")
    azure.cluster("prod")
    assert reason in verify(zenml_server, connector(azure), resource_type, resource_id).error


def test_zenml_hears_of_denied_permissions(azure: AzureLoopback, zenml_server: ZenMLServer) -> None:
    azure.container("account", "artifacts")
    azure.deny("Microsoft.Storage/storageAccounts/blobServices/containers/read")
    verdict = verify(zenml_server, connector(azure), "blob-container", "az://artifacts")
    assert "not authorized to perform this operation" in verdict.error


@pytest.mark.parametrize("resource_type", ["azure-generic", "blob-container"])
def test_a_wrong_secret_is_refused(
    azure: AzureLoopback, zenml_server: ZenMLServer, resource_type: str
) -> None:
    wrong = connector(azure, client_secret="wrong")
    assert "AADSTS7000215" in verify(zenml_server, wrong, resource_type).error


def test_an_access_token_opens_all_but_blobs(
    azure: AzureLoopback, zenml_server: ZenMLServer
) -> None:
    azure.container("account", "artifacts")
    host = azure.registry("images")
    token = {"subscription_id": azure.subscription_id, "token": azure.access_token()}
    given = ("azure", "access-token", token)
    assert verify(zenml_server, given, "docker-registry", host, expires_at=_LATER).ok
    blob = verify(zenml_server, given, "blob-container", "az://artifacts", expires_at=_LATER)
    assert "not supported for blob storage" in blob.error


def test_implicit_needs_the_servers_leave(
    azure: AzureLoopback, zenml_server: ZenMLServer, zenml_server_implicit: ZenMLServer
) -> None:
    azure.container("account", "artifacts")
    implicit = ("azure", "implicit", {"subscription_id": azure.subscription_id})
    refused = verify(zenml_server, implicit, "blob-container", "az://artifacts")
    allowed = verify(zenml_server_implicit, implicit, "blob-container", "az://artifacts")
    assert "ZENML_ENABLE_IMPLICIT_AUTH_METHODS" in refused.error
    assert allowed.ok, allowed.error
