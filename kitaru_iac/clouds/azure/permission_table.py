"""The one table of permissions on Azure: who does what to which thing, and why.

It feeds the checks, `kitaru stack policy` and the documentation; there is no second list.

Read from ZenML 0.98 (``azure_service_connector.py``, ``azureml_orchestrator.py``), adlfs, and
Azure's lists of operations (https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations).
ZenML opens blobs with Entra's tokens alone, so that account keys are not here; and the kubeconfig
of the cluster's local administrator is what its connector opens a cluster with.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from kitaru_iac.checks.permissions import Identity, Permission, Rows
from kitaru_iac.spec.kinds import StackType

__all__ = [
    "BUILT_IN",
    "LOOKING",
    "NOT_JUDGED",
    "PERMISSIONS",
    "READER",
    "AzurePermission",
    "Resource",
    "When",
    "is_data",
]


class Resource(StrEnum):
    """What a permission is about. The value stands in the names of roles."""

    SUBSCRIPTION = "subscription"
    GROUP = "resource-group"
    ACCOUNT = "storage-account"
    CONTAINER = "container"
    REGISTRY = "registry"
    WORKSPACE = "workspace"
    CLUSTER = "cluster"


class When(StrEnum):
    """In which stacks a permission is needed at all."""

    ALWAYS = "always"
    UNNAMED = "the artifact store's URI names no storage account"
    IMPLICIT = "the connector is no service principal"
    ROLES = "the registry takes roles on the registry"
    ABAC = "the registry takes roles on repositories (ABAC)"


_EVERY = frozenset({StackType.LOCAL, StackType.KUBERNETES, StackType.AZUREML})
_REMOTE = frozenset({StackType.KUBERNETES, StackType.AZUREML})
_AKS = frozenset({StackType.KUBERNETES})
_AZUREML = frozenset({StackType.AZUREML})

AzurePermission = Permission[Resource, When]
_rows: Rows[Resource, When] = Rows(When.ALWAYS)

_C, _R, _P, _V = Identity.CONNECTOR, Identity.RUNTIME, Identity.PULL, Identity.VERIFY
_SUBSCRIPTION = "Microsoft.Resources/subscriptions/read"
_ACCOUNTS = "Microsoft.Storage/storageAccounts/read"
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers/read"
_BLOB = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_REGISTRIES = "Microsoft.ContainerRegistry/registries/read"
_ACR = "Microsoft.ContainerRegistry/registries"
_ML = "Microsoft.MachineLearningServices/workspaces"
_AKS_CLUSTERS = "Microsoft.ContainerService/managedClusters"

_BLOBS = {
    f"{_BLOB}/read": "load artifacts, code and logs",
    f"{_BLOB}/write": "save artifacts, code and logs",
    f"{_BLOB}/delete": "delete artifacts",
}

PERMISSIONS: tuple[AzurePermission, ...] = (
    # --- connector
    *_rows(_C, Resource.SUBSCRIPTION, _EVERY, {_SUBSCRIPTION: "find the subscription"}),
    *_rows(
        _C,
        Resource.SUBSCRIPTION,
        _EVERY,
        {
            _ACCOUNTS: "look for the account that has the container",
            _CONTAINERS: "list those of each account until it is found, or one refuses",
        },
        when=When.UNNAMED,
    ),
    *_rows(
        _C,
        Resource.ACCOUNT,
        _EVERY,
        {_CONTAINERS: "list the account's containers, among which ZenML looks for the store's"},
    ),
    *_rows(_C, Resource.CONTAINER, _EVERY, _BLOBS),
    *_rows(
        _C,
        Resource.SUBSCRIPTION,
        _REMOTE,
        {_REGISTRIES: "look for the registry by its name"},
        when=When.IMPLICIT,
    ),
    *_rows(
        _C,
        Resource.REGISTRY,
        _REMOTE,
        {f"{_ACR}/pull/read": "read images' manifests", f"{_ACR}/push/write": "push images"},
        when=When.ROLES,
    ),
    *_rows(
        _C,
        Resource.REGISTRY,
        _REMOTE,
        {
            f"{_ACR}/repositories/content/read": "read images' manifests",
            f"{_ACR}/repositories/content/write": "push images",
            f"{_ACR}/repositories/metadata/read": "read images' tags",
            f"{_ACR}/repositories/metadata/write": "push images' tags",
        },
        when=When.ABAC,
    ),
    # https://learn.microsoft.com/azure/machine-learning/how-to-assign-roles
    *_rows(
        _C,
        Resource.WORKSPACE,
        _AZUREML,
        {
            f"{_ML}/read": "open the workspace",
            f"{_ML}/jobs/read": "follow a run",
            f"{_ML}/jobs/write": "submit a run",
            f"{_ML}/components/versions/read": "the steps of a run",
            f"{_ML}/components/versions/write": "the steps of a run",
            f"{_ML}/environments/versions/read": "the image of a step",
            f"{_ML}/environments/versions/write": "the image of a step",
        },
    ),
    *_rows(
        _C,
        Resource.CLUSTER,
        _AKS,
        {
            f"{_AKS_CLUSTERS}/read": "find the cluster",
            f"{_AKS_CLUSTERS}/listClusterAdminCredential/action": "get its kubeconfig",
        },
    ),
    # --- runtime: without a service principal a step opens the store as what it is itself
    *_rows(_R, Resource.CONTAINER, _REMOTE, _BLOBS, when=When.IMPLICIT),
    *_rows(
        _R,
        Resource.ACCOUNT,
        _REMOTE,
        {_CONTAINERS: "list the account's containers"},
        when=When.IMPLICIT,
    ),
    # --- pull
    *_rows(
        _P,
        Resource.REGISTRY,
        _REMOTE,
        {f"{_ACR}/pull/read": "pull the image"},
        when=When.ROLES,
    ),
    *_rows(
        _P,
        Resource.REGISTRY,
        _REMOTE,
        {f"{_ACR}/repositories/content/read": "pull the image"},
        when=When.ABAC,
    ),
    # --- verify
    *_rows(
        _V,
        Resource.SUBSCRIPTION,
        _EVERY,
        {
            _SUBSCRIPTION: "azure.subscription",
            "Microsoft.Resources/subscriptions/providers/read": "azure.providers",
            "Microsoft.Authorization/permissions/read": "azure.connector.*: the caller's rights",
            "Microsoft.Authorization/roleAssignments/read": "another identity's rights, and the "
            "conditions of the caller's",
            "Microsoft.Authorization/roleDefinitions/read": "another identity's rights, and the "
            "conditions of the caller's",
            _ACCOUNTS: "azure.bucket.*",
            "Microsoft.KeyVault/vaults/read": "azure.*.encryption, azure.workspace.attached",
            "Microsoft.KeyVault/vaults/keys/read": "azure.*.encryption: the newest version",
            "Microsoft.KeyVault/vaults/keys/versions/read": "azure.*.encryption: the one in use",
        },
    ),
    *_rows(
        _V,
        Resource.ACCOUNT,
        _EVERY,
        {
            _CONTAINERS: "azure.bucket.exists, azure.bucket.reachable",
            "Microsoft.Storage/storageAccounts/blobServices/read": "azure.bucket.versioning",
        },
    ),
    # Each account that a listing shows is asked for the container.
    *_rows(
        _V,
        Resource.SUBSCRIPTION,
        _EVERY,
        {_CONTAINERS: "azure.bucket.exists"},
        when=When.UNNAMED,
    ),
    *_rows(
        _V,
        Resource.GROUP,
        _REMOTE,
        {"Microsoft.Resources/subscriptions/resourceGroups/read": "azure.resource_group"},
    ),
    *_rows(_V, Resource.SUBSCRIPTION, _REMOTE, {_REGISTRIES: "azure.registry.*"}),
    *_rows(_V, Resource.WORKSPACE, _AZUREML, {f"{_ML}/read": "azure.workspace.*"}),
    *_rows(
        _V,
        Resource.SUBSCRIPTION,
        _AZUREML,
        {"Microsoft.Insights/components/read": "azure.workspace.attached"},
    ),
    *_rows(
        _V,
        Resource.SUBSCRIPTION,
        _AKS,
        {"Microsoft.ContainerService/locations/kubernetesversions/read": "azure.cluster.version"},
    ),
    *_rows(
        _V,
        Resource.CLUSTER,
        _AKS,
        {
            f"{_AKS_CLUSTERS}/read": "azure.cluster.*",
            f"{_AKS_CLUSTERS}/listClusterUserCredential/action": "azure.cluster.rights, and what "
            "else the cluster alone tells; one without Entra has no user but administrators",
        },
    ),
)

#: The operations on data; all others are Resource Manager's. A role lists the two apart.
_DATA = frozenset(
    {
        *_BLOBS,
        f"{_ACR}/repositories/content/read",
        f"{_ACR}/repositories/content/write",
        f"{_ACR}/repositories/metadata/read",
        f"{_ACR}/repositories/metadata/write",
    }
)

#: Azure's own role that holds a resource's lines for an identity, the narrowest there is.
#: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
BUILT_IN: Mapping[tuple[Identity, Resource, When], str] = {
    (_C, Resource.SUBSCRIPTION, When.ALWAYS): "Reader",
    (_C, Resource.ACCOUNT, When.ALWAYS): "Storage Blob Data Contributor",
    (_C, Resource.CONTAINER, When.ALWAYS): "Storage Blob Data Contributor",
    (_C, Resource.REGISTRY, When.ROLES): "AcrPush",
    (_C, Resource.REGISTRY, When.ABAC): "Container Registry Repository Writer",
    (_C, Resource.WORKSPACE, When.ALWAYS): "AzureML Data Scientist",
    (_C, Resource.CLUSTER, When.ALWAYS): "Azure Kubernetes Service Cluster Admin Role",
    (_R, Resource.ACCOUNT, When.IMPLICIT): "Storage Blob Data Contributor",
    (_R, Resource.CONTAINER, When.IMPLICIT): "Storage Blob Data Contributor",
    (_P, Resource.REGISTRY, When.ROLES): "AcrPull",
    (_P, Resource.REGISTRY, When.ABAC): "Container Registry Repository Reader",
}
#: Azure's own role that may read everything but data.
READER = "Reader"
#: Its roles for what a reader may not look at, and on what.
LOOKING: Mapping[str, tuple[str, Resource]] = {
    f"{_AKS_CLUSTERS}/listClusterUserCredential/action".lower(): (
        "Azure Kubernetes Service Cluster User Role",
        Resource.CLUSTER,
    ),
}

#: What `policy` prints and no check judges, with the reason; all else is some check's.
NOT_JUDGED: Mapping[tuple[Identity, str], str] = {
    (_C, _SUBSCRIPTION): "Azure shows a subscription to whoever has a role on anything in it",
    **dict.fromkeys(
        [(_R, action) for action in (*_BLOBS, _CONTAINERS)],
        "a step's identity is a compute cluster's or its pods', which no description names",
    ),
}


def is_data(action: str) -> bool:
    """Whether an operation of the table is one on data."""
    return action in _DATA
