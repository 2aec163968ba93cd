"""Every check on Azure: id, title, what it is about. Data alone, for checks and for the docs."""

from __future__ import annotations

from kitaru_iac.checks.model import CheckInfo, CheckStatus

__all__ = ["CATALOG"]

_OK, _WARN, _FAIL, _UNKNOWN = CheckStatus
_LEARN = "https://learn.microsoft.com/azure/"
_STORAGE = _LEARN + "storage/"
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
        "is open to everybody: its artifacts can be read by anybody.",
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
        "so a role on the container alone is not enough. What the looking identity may do is told "
        "by Azure; for another one its role assignments are read, with its groups'. Unknown "
        "where a condition decides, or where the connector's identity is not told. Not looked at: "
        "deny assignments.",
        _STORAGE + "blobs/assign-azure-role-data-access",
        _CANNOT_WARN,
    ),
)

#: By id, in the order in which they are shown.
CATALOG = {info.id: info for info in _CHECKS}
