"""What the component `kitaru:azure:Infrastructure` is given and gives. Imports no SDK of a cloud.

No `from __future__ import annotations` here: the schema is made from these annotations.
"""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from kitaru_iac.spec.kinds import StackType

__all__ = ["BESIDE", "NAMED", "OUTPUTS", "TOKEN", "TYPES", "InfrastructureArgs"]

#: The component's type.
TOKEN = "kitaru:azure:Infrastructure"  # noqa: S105

#: The outputs: keys of a description.
OUTPUTS = ("artifact_store", "container_registry", "cluster", "region", "workspace")

#: The stack types that it is made for.
TYPES = (StackType.LOCAL, StackType.KUBERNETES, StackType.AZUREML)

#: Which type in Pulumi a key of a description names.
NAMED: Mapping[str, str] = {
    "resource_group": "azure-native:resources:ResourceGroup",
    "artifact_store": "azure-native:storage:BlobContainer",
    "container_registry": "azure-native:containerregistry:Registry",
    "workspace": "azure-native:machinelearningservices:Workspace",
    "cluster": "azure-native:containerservice:ManagedCluster",
}

#: What else is told when it was made, with a word for it.
BESIDE: Mapping[str, str] = {
    "azure-native:managedidentity:UserAssignedIdentity": "identity",
    "azure-native:storage:StorageAccount": "storage account",
}


class InfrastructureArgs(TypedDict):
    """What is made, and what is used. The URIs and names have to be known, as text."""

    stack: str
    """The name of the stack."""
    type: str
    """The stack's type. One of local, kubernetes, azureml."""
    region: str
    """Where everything is, as `westeurope`, whatever the provider's location."""
    resource_group: str
    """The resource group in which everything is made."""
    subscription: NotRequired[str | None]
    """The subscription's id; that of the Azure provider, if left out."""
    tenant: NotRequired[str | None]
    """The id of the tenant whose vault is made; that of the Azure provider, if left out."""
    artifact_store: NotRequired[str | None]
    """The URI that the stack uses, as `abfs://container@account.dfs.core.windows.net/prefix`."""
    container_registry: NotRequired[str | None]
    """The URI that images are pushed to."""
    cluster: NotRequired[str | None]
    """The name of the AKS cluster that the stack uses."""
    workspace: NotRequired[str | None]
    """The name of an existing AzureML workspace."""
    new_group: NotRequired[bool | None]
    """Whether the resource group is made. Default: false."""
    new_account: NotRequired[str | None]
    """The name of the storage account to make; a new workspace needs one."""
    new_container: NotRequired[str | None]
    """The name of the blob container to make in it."""
    new_registry: NotRequired[str | None]
    """The name of the container registry to make."""
    new_workspace: NotRequired[str | None]
    """The name of the AzureML workspace to make."""
    new_identity: NotRequired[str | None]
    """The name of the identity of a new workspace."""
    new_vault: NotRequired[str | None]
    """The name of the key vault of a new workspace."""
    new_insights: NotRequired[str | None]
    """The name of Application Insights, and of the workspace of its logs, of a new workspace."""
    new_cluster: NotRequired[str | None]
    """The name of the AKS cluster to make."""
    node_group: NotRequired[str | None]
    """The name of the resource group that AKS makes for a new cluster's nodes."""
    namespace: NotRequired[str | None]
    """The namespace of a new cluster in which pods run. Default: default."""
    service_accounts: NotRequired[list[str] | None]
    """The service accounts that pods of a new cluster run as; ZenML's, if left out."""
    endpoint_access: NotRequired[list[str] | None]
    """The networks that may reach a new cluster's API server; it is private, if left out."""
    instance_type: NotRequired[str]
    """The size of a new cluster's nodes. Default: Standard_D4s_v5."""
    min_nodes: NotRequired[int]
    """How many nodes there are at least. Default: 1."""
    nodes: NotRequired[int]
    """How many nodes there are to begin with. Default: 2."""
    max_nodes: NotRequired[int]
    """How many nodes there are at most. Default: 3."""
    principals: NotRequired[dict[str, str]]
    """The object ids of the identities of a new cluster that are there already: those of `control`,
    `nodes` and `pods`."""
    principal: NotRequired[str | None]
    """The object id of who runs the steps in an existing workspace or cluster: it may use the new
    storage account and pull from the new registry. With a new workspace, that of its identity,
    where it is there already."""
    store_id: NotRequired[str | None]
    """The id of an existing storage account that a new workspace's identity, or the pods of a new
    cluster, may use."""
    images_id: NotRequired[str | None]
    """The id of an existing container registry that a new workspace's identity, or the nodes of a
    new cluster, may pull from."""
    images_abac: NotRequired[bool | None]
    """Whether that registry takes roles on repositories; it is granted both kinds, if left out."""
    tags: NotRequired[dict[str, str]]
    """Further tags."""
    keep_data: NotRequired[bool]
    """Protect the storage account, the registry and a new resource group, and leave them where they
    are if they go from the program. Default: true."""
