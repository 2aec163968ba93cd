"""Every check on Azure: id, title, what it is about. Data alone, for checks and for the docs."""

from __future__ import annotations

from kitaru_iac.checks.model import CheckInfo, CheckStatus, catalog
from kitaru_iac.checks.pull_secrets import ABOUT

__all__ = ["CATALOG"]

_OK, _WARN, _FAIL, _UNKNOWN = CheckStatus
_LEARN = "https://learn.microsoft.com/azure/"
_STORAGE = _LEARN + "storage/"
_AKS = _LEARN + "aks/"
_ML = _LEARN + "machine-learning/"
_ACR = _LEARN + "container-registry/"
_REVIEW = (
    "https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access"
)
_CANNOT_WARN = frozenset({_OK, _FAIL, _UNKNOWN})
_CANNOT_FAIL = frozenset({_OK, _WARN, _UNKNOWN})

_CHECKS = (
    CheckInfo(
        "azure.credentials",
        "Entra accepts the credentials",
        "Gets a token for Resource Manager as the description's service principal, else as ZenML's "
        "connector would on this machine. While this fails, nothing else can be looked at.",
        _LEARN + "developer/python/sdk/authentication/overview",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.subscription",
        "The subscription is there and in use",
        "Reads the subscription; where the description names none, those that the credentials see, "
        "since ZenML takes the only one there is. Azure answers alike about a foreign subscription "
        "and one without a role in it: that fails where the connector itself was asked, else it is "
        "unknown.",
        _LEARN + "cost-management-billing/manage/subscription-states",
    ),
    CheckInfo(
        "azure.providers",
        "The resource providers are registered",
        "The registration of each provider that the stack uses. Registering takes a right on the "
        "whole subscription, so it is told and not tried.",
        _LEARN + "azure-resource-manager/management/resource-providers-and-types",
    ),
    CheckInfo(
        "azure.resource_group",
        "The resource group exists",
        "Reads the group of the workspace or cluster. Azure refuses before it looks whether a "
        "group exists, so a refusal says nothing about that.",
        _LEARN + "azure-resource-manager/management/manage-resource-groups-portal",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.bucket.exists",
        "The container exists, in one storage account",
        "Without an account in the URI every storage account of the subscription is asked for the "
        "container, as ZenML asks them: two that have one of this name fail. Where Resource "
        "Manager refuses, an answer of Blob Storage itself shows that the container is there.",
        _STORAGE + "blobs/storage-blob-container-create",
    ),
    CheckInfo(
        "azure.bucket.region",
        "The storage account is in the stack's location",
        "The account's primary location. Elsewhere it is slower and its traffic costs money.",
        _STORAGE + "common/storage-account-overview",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.bucket.public_access",
        "The container cannot become public",
        "The account's switch for anonymous access. Fails when the switch is on and the container "
        "is open to everybody: its artifacts can be read by anybody. Unknown where the container "
        "cannot be seen and the switch does not forbid it.",
        _STORAGE + "blobs/anonymous-read-access-prevent",
    ),
    CheckInfo(
        "azure.bucket.tls",
        "The storage account refuses unencrypted and outdated connections",
        "HTTPS only, and TLS 1.2 at least.",
        _STORAGE + "common/transport-layer-security-configure-minimum-version",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.bucket.encryption",
        "The storage account's key works",
        "Azure encrypts everything. A customer's key is looked up in Key Vault by Resource "
        "Manager: a disabled one stops every run; unknown is one that has expired, one in a vault "
        "that is not seen in the subscription, and that of a container's own encryption scope. "
        "Not looked at is whether the account's identity may use it.",
        _STORAGE + "common/customer-managed-keys-overview",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.bucket.shared_keys",
        "The storage account's keys open nothing",
        "Whoever has a key has the whole account, whatever the roles say. ZenML needs no key.",
        _STORAGE + "common/shared-key-authorization-prevent",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.bucket.network",
        "The storage account is open to the networks of its users",
        "Public network access and the firewall. Whether the steps, ZenML's server and its clients "
        "are in a network that is let in is not seen: then it is unknown.",
        _STORAGE + "common/storage-network-security",
        frozenset({_OK, _UNKNOWN}),
    ),
    CheckInfo(
        "azure.bucket.versioning",
        "Deleted blobs and containers can be brought back",
        "Soft delete of blobs and of containers.",
        _STORAGE + "blobs/data-protection-overview",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.bucket.reachable",
        "Blob Storage itself answers about the container",
        "One read of the container's properties from this machine, with the credentials that look. "
        "A missing data role fails where the connector is who looks; a firewall is unknown, since "
        "others may be let in.",
        _STORAGE + "blobs/authorize-access-azure-active-directory",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.connector.bucket_access",
        "The connector may list the account's containers and use the store's blobs",
        "Data roles: Owner and Contributor have none. ZenML lists the containers of the account, "
        "so a role on the container alone is not enough; where the URI names no account, it lists "
        "those of the subscription too. What the looking identity may do is told "
        "by Azure; for another one its role assignments are read, with its groups'. Unknown "
        "where a condition decides, or where the connector's identity is not told. Not looked at: "
        "deny assignments, and, where the looking identity may not list its own role assignments, "
        "their conditions.",
        _STORAGE + "blobs/assign-azure-role-data-access",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.registry.exists",
        "The registry exists",
        "Finds the registry by its login server among those of the subscription. A repository is "
        "made at the first push.",
        _ACR + "container-registry-get-started-portal",
    ),
    CheckInfo(
        "azure.registry.admin_user",
        "The registry has no admin user",
        "Whoever knows the admin user's password may push, whatever the roles say.",
        _ACR + "container-registry-authentication",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.registry.network",
        "The registry is open to the networks of its users, and to nobody without credentials",
        "Public network access, the network rules, and pulls without credentials. Whether the "
        "steps, and whoever builds images, are in a network that is let in is not seen: then it is "
        "unknown.",
        _ACR + "container-registry-access-selected-networks",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.registry.roles",
        "AcrPull and AcrPush count at the registry",
        "The registry's role assignment mode. In the mode for repositories (ABAC), which becomes "
        "the default, only the roles Container Registry Repository Reader and Writer count; the "
        "checks of who may pull and push then ask for those.",
        _ACR + "container-registry-rbac-abac-repository-permissions",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.registry.encryption",
        "The registry's key works",
        "As `azure.bucket.encryption`, for the key that encrypts the registry's images: without "
        "it nothing is pushed or pulled.",
        _ACR + "tutorial-customer-managed-keys",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.connector.registry_access",
        "The connector may push images",
        "The roles of the connector at the registry, of the kind that its mode takes; but for a "
        "service principal it has to be shown the registry too, which it finds in a listing. Not "
        "looked at: deny assignments, conditions of role assignments that the looking identity may "
        "not list, and whether the admin user would let it in.",
        _ACR + "container-registry-rbac-built-in-roles-overview",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.workspace.exists",
        "The workspace exists",
        "Reads the workspace and its state. Azure refuses before it looks whether it exists.",
        _ML + "concept-workspace",
    ),
    CheckInfo(
        "azure.workspace.kind",
        "The workspace is one for jobs",
        "Hubs and projects of AI Foundry, and feature stores, are workspaces too, and run no "
        "pipelines; nor does one that takes AzureML's API v1 alone.",
        _ML + "concept-workspace",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.workspace.region",
        "The workspace is where the description says",
        "Runs are where the workspace is.",
        _ML + "concept-workspace",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.workspace.attached",
        "What the workspace stands on exists",
        "Reads its storage account, key vault, Application Insights and registry, each by its id: "
        "a workspace whose vault was deleted looks healthy until a run starts. A registry may be "
        "missing, since AzureML makes it late.",
        _ML + "concept-workspace#associated-resources",
    ),
    CheckInfo(
        "azure.workspace.identity",
        "The workspace has an identity",
        "The identity with which it pulls images, and whether the one that is chosen is its own.",
        _ML + "how-to-setup-authentication",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.workspace.network",
        "The workspace is reached, and its jobs reach what they need",
        "Public network access, also from selected addresses alone where Azure tells that, and the "
        "isolation of its managed network. Whether those who submit "
        "runs are let in, and ZenML's server is let out to, is not seen: then it is unknown.",
        _ML + "how-to-managed-network",
        frozenset({_OK, _UNKNOWN}),
    ),
    CheckInfo(
        "azure.workspace.pull",
        "The workspace's identity may pull the stack's images",
        "Its role assignments at the stack's registry, with those above and of its groups, of the "
        "kind that the registry's mode takes. Not looked at: deny assignments, and a compute "
        "cluster's own identity.",
        _ML + "how-to-identity-based-service-authentication",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.connector.workspace_access",
        "The connector may submit runs",
        "Its roles at the workspace: jobs, components and environments.",
        _ML + "how-to-assign-roles",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.cluster.exists",
        "The cluster exists and runs",
        "Reads the cluster, its state and whether it is stopped. Azure refuses before it looks "
        "whether it exists.",
        _AKS + "core-aks-concepts",
    ),
    CheckInfo(
        "azure.cluster.local_accounts",
        "The cluster has local accounts",
        "ZenML's connector opens a cluster with the local administrator's kubeconfig alone, so a "
        "cluster without local accounts cannot be used with it. Decided from the setting: the "
        "administrator's kubeconfig is a credential, and is not asked for.",
        _AKS + "manage-local-accounts-managed-azure-ad",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.cluster.region",
        "The cluster is where the description says",
        "The cluster's location.",
        _AKS + "core-aks-concepts",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.cluster.version",
        "AKS supports the cluster's version of Kubernetes",
        "The control plane's minor version against those that AKS offers in the cluster's "
        "location: long-term support costs more, a preview is not supported, and what is older "
        "than all that are offered is supported no more.",
        _AKS + "supported-kubernetes-versions",
    ),
    CheckInfo(
        "azure.cluster.compute",
        "Something runs the cluster's pods",
        "Automatic provisioning, or a node pool that takes the orchestrator's pod and the steps': "
        "Linux, with nodes or growing, in a state that keeps them, with the labels that "
        "`extra.orchestrator` asks for, and no taint that its tolerations leave out. ARM alone, or "
        "trouble that AKS tells of, is a warning. Unknown where pods ask for extended resources "
        "(`nvidia.com/gpu`): device plugins stand in the cluster. Not looked at: the pods' "
        "affinity, whether nodes are ready and have room, and quotas.",
        _AKS + "create-node-pools",
    ),
    CheckInfo(
        "azure.cluster.namespace",
        "The namespace of the runs exists",
        "ZenML makes none. Asks the cluster itself, with the kubeconfig that Azure gives to users "
        "of the cluster (`listClusterUserCredential`) and, where Entra guards it, Entra's token "
        "for AKS; where the credentials are not let in, or the cluster is not reached, it is "
        "unknown. One that is being deleted is a failure. `default` is in every cluster.",
        _AKS + "control-kubeconfig-access",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.cluster.rights",
        "The connector may do in the namespace what ZenML does there",
        "Asks the cluster, as `azure.cluster.namespace` does, by one access review for each verb "
        "that ZenML's Kubernetes orchestrator uses. Only where the looking identity is the "
        "connector. ZenML comes as the local administrator, whose kubeconfig a check does not "
        "take: where Entra guards the cluster, the looking identity is asked as itself, and what "
        "is denied to it is unknown of the administrator. Without those for cron jobs, schedules "
        "fail: a warning.",
        _REVIEW,
    ),
    CheckInfo(
        "azure.cluster.service_accounts",
        "The service accounts that pods run as are there",
        "Only where `extra.orchestrator` names some (`service_account_name`, "
        "`step_pod_service_account_name`): ZenML makes its own. Asks the cluster, as "
        "`azure.cluster.namespace` does, for each, and by access reviews whether the "
        "orchestrator's may make jobs and see pods, as ZenML's own may. One in a secret of ZenML's "
        "is unknown, and so is what the looking identity may not ask.",
        "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
        _CANNOT_WARN,
    ),
    CheckInfo("azure.cluster.pull_secret", *ABOUT, _CANNOT_WARN),
    CheckInfo(
        "azure.cluster.reachable",
        "The cluster's API is not open to everybody",
        "Private cluster, and the authorized address ranges together; and whether a connection is "
        "taken from here, at the address that ZenML takes. Not looked at is whether ZenML's server "
        "reaches it.",
        _AKS + "api-server-authorized-ip-ranges",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.cluster.workload_identity",
        "Pods can have an identity of their own",
        "The OIDC issuer and workload identity.",
        _AKS + "workload-identity-overview",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "azure.cluster.pull",
        "The cluster's nodes may pull the stack's images",
        "The role assignments of the kubelet's identity at the stack's registry, with those above "
        "and of its groups, of the kind that the registry's mode takes. Not looked at: deny "
        "assignments, and image pull secrets.",
        _AKS + "cluster-container-registry-integration",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "azure.connector.cluster_access",
        "The connector may get the cluster's kubeconfig",
        "Its roles at the cluster: reading it, and `listClusterAdminCredential`, the local "
        "administrator's. What who looks may do inside, `azure.cluster.rights` asks.",
        _AKS + "control-kubeconfig-access",
        _CANNOT_WARN,
    ),
)

#: By id, in the order in which they are shown.
#: What a check looks at, and the key of stack.yaml that says which.
_KEYS = {
    "bucket": "artifact_store",
    "cluster": "cluster",
    "connector": "credentials",
    "credentials": "credentials",
    "providers": "subscription_id",
    "registry": "container_registry",
    "resource_group": "resource_group",
    "subscription": "subscription_id",
    "workspace": "workspace",
}

CATALOG = catalog(_CHECKS, _KEYS)
