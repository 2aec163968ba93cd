"""The names of what is made: from the stack, the subscription and the group, and always the same.

They must not change from one version to the next: another name is another resource. Storage
accounts, registries and key vaults have names that all the world shares, so a part of each is a
hash. https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
"""

from __future__ import annotations

import hashlib
import re
from uuid import NAMESPACE_URL, uuid5

from kitaru_iac.clouds.names import slug

__all__ = [
    "account_name",
    "assignment_name",
    "cluster_name",
    "container_name",
    "group_id",
    "identity_name",
    "insights_name",
    "node_group_name",
    "registry_name",
    "resource_id",
    "vault_name",
    "workspace_name",
]


def _digest(stack: str, subscription: str, group: str) -> str:
    whole = f"{subscription.lower()}/{group.lower()}/{stack}"
    return hashlib.sha256(whole.encode()).hexdigest()[:10]


def _plain(stack: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", stack.lower())


def account_name(stack: str, subscription: str, group: str) -> str:
    """Give 3 to 24 lower-case letters and digits, unique in the world."""
    return f"kitaru{_plain(stack)[:8]}{_digest(stack, subscription, group)}"


def registry_name(stack: str, subscription: str, group: str) -> str:
    """Give 5 to 50 letters and digits, unique in the world."""
    return f"kitaru{_plain(stack)[:30]}{_digest(stack, subscription, group)}"


def vault_name(stack: str, subscription: str, group: str) -> str:
    """Give 3 to 24 letters, digits and `-`, unique in the world."""
    return f"kv-{_plain(stack)[:8]}-{_digest(stack, subscription, group)}"


def container_name(stack: str) -> str:
    """A container lies in its account."""
    return f"kitaru-{slug(stack)}"


def identity_name(stack: str, use: str | None = None) -> str:
    """An identity lies in its group.

    Args:
        stack: The stack's name.
        use: What it is for, with a cluster; None for a workspace's.
    """
    return f"kitaru-{slug(stack)}{f'-{use}' if use else ''}"


def cluster_name(stack: str) -> str:
    """A cluster lies in its group; its name begins that of its API server too."""
    return f"kitaru-{slug(stack)}"


def node_group_name(stack: str, subscription: str, group: str) -> str:
    """The resource group that AKS makes for a cluster's nodes: at most 80 characters.

    Azure's own choice has the names of group, cluster and region in it, and may be too long.
    """
    return f"kitaru-{slug(stack)}-nodes-{_digest(stack, subscription, group)}"


def insights_name(stack: str) -> str:
    """Application Insights and the workspace of its logs lie in their group."""
    return f"kitaru-{slug(stack)}"


def workspace_name(stack: str) -> str:
    """Give at most 33 characters; a workspace lies in its group."""
    return f"kitaru-{slug(stack)}"


def group_id(subscription: str, group: str) -> str:
    """Give the id of a resource group."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def resource_id(subscription: str, group: str, kind: str, name: str) -> str:
    """Give the id of a resource, as ``kind`` ``Microsoft.Storage/storageAccounts``."""
    return f"{group_id(subscription, group)}/providers/{kind}/{name}"


def assignment_name(scope: str, role: str, who: str) -> str:
    """Give the UUID of a role assignment, the same for the same one.

    Another name for the same assignment is refused (RoleAssignmentExists), also where its state was
    lost.

    Args:
        scope: The id of what the role is for.
        role: The UUID of the role.
        who: The id of the identity, or the object id of a principal.
    """
    return str(uuid5(NAMESPACE_URL, f"{scope}|{role}|{who}".lower()))
