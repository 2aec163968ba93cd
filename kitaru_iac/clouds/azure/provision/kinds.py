"""The kinds of resources that are made: Pulumi's types, and where each is in Resource Manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kitaru_iac.clouds.azure.provision.names import group_id

__all__ = [
    "ACCOUNT",
    "ASSIGNMENT",
    "CLUSTER",
    "CONTAINER",
    "FEDERATION",
    "GROUP",
    "IDENTITY",
    "INSIGHTS",
    "KINDS",
    "LIFECYCLE",
    "LOGS",
    "REGISTRY",
    "VAULT",
    "WORKSPACE",
    "Kind",
    "kind_of",
]

GROUP = "azure-native:resources:ResourceGroup"
ACCOUNT = "azure-native:storage:StorageAccount"
CONTAINER = "azure-native:storage:BlobContainer"
LIFECYCLE = "azure-native:storage:ManagementPolicy"
REGISTRY = "azure-native:containerregistry:Registry"
IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
VAULT = "azure-native:keyvault:Vault"
LOGS = "azure-native:operationalinsights:Workspace"
INSIGHTS = "azure-native:applicationinsights:Component"
WORKSPACE = "azure-native:machinelearningservices:Workspace"
CLUSTER = "azure-native:containerservice:ManagedCluster"
FEDERATION = "azure-native:managedidentity:FederatedIdentityCredential"
ASSIGNMENT = "azure-native:authorization:RoleAssignment"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource that carries tags.

    Attributes:
        noun: What it is called.
        arm: Its type in Resource Manager; empty for a resource group.
        name: The input that names it.
        version: The API version that it is looked up with.
    """

    noun: str
    arm: str
    name: str
    version: str

    def id_of(self, subscription: str, inputs: Mapping[str, object]) -> str:
        """Give its id, from its inputs in a program."""
        group = group_id(subscription, str(inputs["resourceGroupName"]))
        return f"{group}/providers/{self.arm}/{inputs[self.name]}" if self.arm else group


KINDS: Mapping[str, Kind] = {
    GROUP: Kind("resource group", "", "resourceGroupName", "2022-09-01"),
    ACCOUNT: Kind(
        "storage account", "Microsoft.Storage/storageAccounts", "accountName", "2023-05-01"
    ),
    REGISTRY: Kind(
        "container registry",
        "Microsoft.ContainerRegistry/registries",
        "registryName",
        "2025-11-01",
    ),
    IDENTITY: Kind(
        "identity",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "resourceName",
        "2023-01-31",
    ),
    VAULT: Kind("key vault", "Microsoft.KeyVault/vaults", "vaultName", "2023-07-01"),
    LOGS: Kind(
        "workspace of logs",
        "Microsoft.OperationalInsights/workspaces",
        "workspaceName",
        "2023-09-01",
    ),
    INSIGHTS: Kind(
        "Application Insights", "Microsoft.Insights/components", "resourceName", "2020-02-02"
    ),
    WORKSPACE: Kind(
        "AzureML workspace",
        "Microsoft.MachineLearningServices/workspaces",
        "workspaceName",
        "2024-10-01",
    ),
    CLUSTER: Kind(
        "AKS cluster",
        "Microsoft.ContainerService/managedClusters",
        "resourceName",
        "2024-09-01",
    ),
}


def kind_of(arm: str) -> str | None:
    """Give Pulumi's type for a type of Resource Manager, however it is spelled; None for others."""
    return next((token for token, kind in KINDS.items() if kind.arm.lower() == arm.lower()), None)
