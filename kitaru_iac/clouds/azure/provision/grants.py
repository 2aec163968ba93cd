"""Which roles are granted to who runs the steps, and on what: pure.

A workspace that is made gets an identity of its own. What Azure asks for such a one is Contributor
on all that the workspace stands on, and the data roles of its store and its vault ("User-assigned
managed identity" in
https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication);
the role on files is for an account without shared keys
(https://learn.microsoft.com/azure/machine-learning/how-to-disable-local-auth-storage).
All scopes are single resources, never the group.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Grant",
    "Role",
    "Scope",
    "Use",
    "for_cluster",
    "for_identity",
    "for_principal",
    "role_id",
]


class Role(StrEnum):
    """Azure's own roles, by their UUIDs, which are the same in every tenant.

    https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
    """

    CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
    BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    FILE_DATA_CONTRIBUTOR = "69566ab7-960f-475b-8e7c-b3118f30c6bd"  # "… Privileged Contributor"
    KEY_VAULT_ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
    ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
    REPOSITORY_READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"
    MANAGED_IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"


class Scope(StrEnum):
    """On what. The value stands in the names of Pulumi's resources."""

    ACCOUNT = "account"
    STORE = "store"
    REGISTRY = "registry"
    IMAGES = "images"
    VAULT = "vault"
    INSIGHTS = "insights"
    WORKSPACE = "workspace"
    NODES = "nodes"


class Use(StrEnum):
    """What the identities of a cluster are for. The value stands in their names."""

    CONTROL = "control"
    NODES = "nodes"
    PODS = "pods"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role on a thing.

    Attributes:
        scope: The thing: `ACCOUNT` and `REGISTRY` are made, `STORE` and `IMAGES` exist already.
        role: The role.
    """

    scope: Scope
    role: Role

    @property
    def name(self) -> str:
        """What it is called in a program, as ``account-blob-data-contributor``."""
        return f"{self.scope}-{self.role.name.lower().replace('_', '-')}"


def role_id(subscription: str, role: Role) -> str:
    """Give the id of a role's definition."""
    definitions = "providers/Microsoft.Authorization/roleDefinitions"
    return f"/subscriptions/{subscription}/{definitions}/{role.value}"


def for_identity(
    *, registry: bool, store: bool = False, images: bool = False, abac: bool | None = None
) -> tuple[Grant, ...]:
    """Give the grants of the identity of a workspace that is made.

    Args:
        registry: Whether a registry is made.
        store: Whether the artifact store is in an account that exists.
        images: Whether the images are in a registry that exists.
        abac: Whether that one takes roles on repositories; None where it does not say.
    """
    found = [
        Grant(Scope.ACCOUNT, Role.CONTRIBUTOR),
        Grant(Scope.ACCOUNT, Role.BLOB_DATA_CONTRIBUTOR),
        Grant(Scope.ACCOUNT, Role.FILE_DATA_CONTRIBUTOR),
        Grant(Scope.VAULT, Role.CONTRIBUTOR),
        Grant(Scope.VAULT, Role.KEY_VAULT_ADMINISTRATOR),
        Grant(Scope.INSIGHTS, Role.CONTRIBUTOR),
        Grant(Scope.WORKSPACE, Role.CONTRIBUTOR),
    ]
    if registry:
        found.append(Grant(Scope.REGISTRY, Role.CONTRIBUTOR))
        found += _pulls(Scope.REGISTRY, None)
    if store:
        found.append(Grant(Scope.STORE, Role.BLOB_DATA_CONTRIBUTOR))
    if images:
        found += _pulls(Scope.IMAGES, abac)
    return tuple(found)


def for_cluster(
    *, account: bool, registry: bool, store: bool, images: bool, abac: bool | None = None
) -> dict[Use, tuple[Grant, ...]]:
    """Give the grants of the identities of a cluster that is made.

    The control plane hands the nodes their identity, which takes a role on it
    (https://learn.microsoft.com/azure/aks/use-managed-identity). The nodes pull, and nothing else:
    whatever runs on one can be it. The store is for the identity that pods get by federation.

    Args:
        account: Whether an account with the store is made.
        registry: Whether a registry is made.
        store: Whether the artifact store is in an account that exists.
        images: Whether the images are in a registry that exists.
        abac: Whether that one takes roles on repositories; None where it does not say.
    """
    pulls = (*(_pulls(Scope.REGISTRY, None) if registry else ()),
             *(_pulls(Scope.IMAGES, abac) if images else ()))  # fmt: skip
    stores = [Scope.ACCOUNT] * account + [Scope.STORE] * store
    return {
        Use.CONTROL: (Grant(Scope.NODES, Role.MANAGED_IDENTITY_OPERATOR),),
        Use.NODES: pulls,
        Use.PODS: tuple(Grant(scope, Role.BLOB_DATA_CONTRIBUTOR) for scope in stores),
    }


def for_principal(*, account: bool, registry: bool) -> tuple[Grant, ...]:
    """Give the grants of who runs the steps in a workspace or cluster that exists.

    Args:
        account: Whether an account with the store is made.
        registry: Whether a registry is made.
    """
    found = [Grant(Scope.ACCOUNT, Role.BLOB_DATA_CONTRIBUTOR)] if account else []
    return (*found, *(_pulls(Scope.REGISTRY, None) if registry else ()))


def _pulls(scope: Scope, abac: bool | None) -> tuple[Grant, ...]:
    """What lets pull: AcrPull counts in one mode, and the role on repositories in the other.

    A registry that is made here has the mode that Azure gives new ones, which is to change, and
    which the provider's version of the API cannot set: it gets both, of which one has no effect.
    https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions
    """
    roles = {True: (Role.REPOSITORY_READER,), False: (Role.ACR_PULL,)}
    both = (Role.ACR_PULL, Role.REPOSITORY_READER)
    return tuple(Grant(scope, role) for role in (both if abac is None else roles[abac]))
