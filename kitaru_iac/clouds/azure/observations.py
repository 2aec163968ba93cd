"""What the probes of Azure see: Resource Manager's JSON, read with its types checked.

A property that is there and of another type than Azure documents makes the whole answer unusable
(`Unavailable`): nothing is concluded from half of it. One that is missing is None, and each
evaluation says what that means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kitaru_iac.checks.probes import ProbeError, Unavailable

__all__ = [
    "Account",
    "Attached",
    "Caller",
    "Container",
    "CustomerKey",
    "Found",
    "Principal",
    "Raw",
    "Registry",
    "Rights",
    "Role",
    "VaultKey",
    "customer_key",
    "flag",
    "group_of",
    "known_text",
    "moment",
    "pairs",
    "raws",
    "roles_in",
    "subscription_of",
    "text",
    "texts",
    "within",
]

Raw = Mapping[str, object]


# -- reading ---------------------------------------------------------------------------------------


def within(raw: Raw, *path: str) -> object:
    """Follow the keys; None where one is missing.

    Raises:
        Unavailable: Something on the way is no object.
    """
    found: object = raw
    for key in path:
        if found is None:
            return None
        if not isinstance(found, Mapping):
            raise _unusable(".".join(path), "an object")
        found = found.get(key)
    return found


def text(raw: Raw, *path: str) -> str | None:
    """Read a string; None where it is missing. Raises `Unavailable` for anything else."""
    found = within(raw, *path)
    if found is None or isinstance(found, str):
        return found
    raise _unusable(".".join(path), "a string")


def known_text(raw: Raw, *path: str) -> str:
    """Read a string that Azure always gives. Raises `Unavailable` where it is missing."""
    found = text(raw, *path)
    if not found:
        raise _unusable(".".join(path), "there")
    return found


def flag(raw: Raw, *path: str) -> bool | None:
    """Read a boolean; None where it is missing. Raises `Unavailable` for anything else."""
    found = within(raw, *path)
    if found is None or isinstance(found, bool):
        return found
    raise _unusable(".".join(path), "true or false")


def raws(raw: Raw, *path: str) -> tuple[Raw, ...]:
    """Read a list of objects that Azure always gives. Raises `Unavailable` for anything else."""
    found = within(raw, *path)
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise _unusable(".".join(path), "a list of objects")
    return tuple(found)


def texts(raw: Raw, *path: str) -> tuple[str, ...]:
    """Read a list of strings; empty where it is missing. Raises `Unavailable` for anything else."""
    found = within(raw, *path)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise _unusable(".".join(path), "a list of strings")
    return tuple(found)


def pairs(raw: Raw, *path: str) -> Mapping[str, str]:
    """Read strings by their names; empty where there is none. Raises `Unavailable` otherwise."""
    found = within(raw, *path)
    if found is None:
        return {}
    if not isinstance(found, Mapping) or not all(isinstance(one, str) for one in found.values()):
        raise _unusable(".".join(path), "strings by their names")
    return found


def moment(raw: Raw, *path: str) -> float | None:
    """Read a time in seconds; None where it is missing. Raises `Unavailable` for anything else."""
    found = within(raw, *path)
    if found is None or (isinstance(found, int | float) and not isinstance(found, bool)):
        return found
    raise _unusable(".".join(path), "a time in seconds")


def _unusable(what: str, wanted: str) -> Unavailable:
    return Unavailable(f"an answer that nobody understands: {what} is not {wanted}")


def subscription_of(id: str) -> str | None:
    """The subscription in a resource's id."""
    parts = id.split("/")
    return parts[2] if len(parts) > 2 and parts[1].lower() == "subscriptions" else None


def group_of(id: str) -> str | None:
    """The resource group in a resource's id."""
    parts = id.split("/")
    return parts[4] if len(parts) > 4 and parts[3].lower() == "resourcegroups" else None


# -- identities and roles --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the credentials are, as their token says.

    Attributes:
        object_id: Of the user, service principal or managed identity: what roles are assigned to.
        tenant: Whose it is.
        name: A user's name, else the application's id.
        kind: ``User`` or ``ServicePrincipal``, as role assignments call it.
    """

    object_id: str | None
    tenant: str | None = None
    name: str | None = None
    kind: str = "ServicePrincipal"

    @property
    def shown(self) -> str:
        """In words."""
        who = self.name or self.object_id or "somebody whose token does not say who"
        return f"{who} in the tenant {self.tenant}" if self.tenant else who


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose rights count.

    Attributes:
        object_id: Its object id, not that of its application; None where a token does not say.
        name: In words.
        is_caller: Whether it is the identity that looks, whose rights Azure tells by itself.
        kind: As role assignments call it.
    """

    object_id: str | None
    name: str
    is_caller: bool = False
    kind: str = "ServicePrincipal"


@dataclass(frozen=True, slots=True)
class Role:
    """What one role allows somewhere: patterns of operations, ``*`` standing for anything.

    Attributes:
        actions: Of Resource Manager.
        not_actions: What the role leaves out of them.
        data_actions: On the data itself.
        not_data_actions: What the role leaves out of them.
        condition: Under which its assignment holds; None for always.
    """

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """Every role that somebody has at a scope.

    Attributes:
        principal: Who.
        scope: The id of the resource.
        roles: Those at the scope and above.
        is_managed: Whether another tenant manages the subscription, whose people and applications
            have roles there that are no assignments (Azure Lighthouse); None if it was not seen.
        assigned: Of who looks, whose roles Azure tells without the conditions of their assignments:
            those of the assignments, if one has a condition; None if they were not seen.
    """

    principal: Principal
    scope: str
    roles: tuple[Role, ...]
    is_managed: bool | None = False
    assigned: tuple[Role, ...] | None = ()


def roles_in(answer: Raw, *path: str, condition: str | None = None) -> tuple[Role, ...]:
    """Read the permissions of a role definition, or of ``…/permissions``, which may hold one too.

    https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
    """
    return tuple(
        Role(
            texts(one, "actions"),
            texts(one, "notActions"),
            texts(one, "dataActions"),
            texts(one, "notDataActions"),
            condition or text(one, "condition"),
        )
        for one in raws(answer, *path)
    )


# -- storage ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """A storage account: its id, name, and what Resource Manager says of it."""

    id: str
    name: str
    raw: Raw

    @property
    def group(self) -> str | None:
        """Its resource group."""
        return group_of(self.id)


@dataclass(frozen=True, slots=True)
class Container:
    """A blob container and the account that it was found in."""

    account: Account
    raw: Raw

    @property
    def id(self) -> str:
        """Its id, at which data roles are assigned."""
        return known_text(self.raw, "id")


@dataclass(frozen=True, slots=True)
class Found:
    """Where a container is.

    Attributes:
        containers: The accounts of the subscription that have one of this name.
        accounts: How many accounts were looked through.
        unseen: Why some of them could not be looked at.
    """

    containers: tuple[Container, ...]
    accounts: int
    unseen: tuple[ProbeError, ...] = ()


# -- keys ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """A key that somebody keeps in a key vault, and that encrypts a thing.

    Attributes:
        vault: The vault's address, in lower case: ``https://team.vault.azure.net``.
        name: Its name there.
        version: The one in use; None where the newest is.
    """

    vault: str
    name: str
    version: str | None = None

    def __str__(self) -> str:
        return "/".join(filter(None, (self.vault, "keys", self.name, self.version)))


def customer_key(identifier: str) -> CustomerKey:
    """Read a key's address. Raises `Unavailable` where it is none of a key vault."""
    scheme, _, rest = identifier.partition("://")
    host, *parts = rest.strip("/").split("/")
    if scheme != "https" or not host or parts[:1] != ["keys"] or len(parts) not in {2, 3}:
        raise Unavailable(f"an answer that nobody understands: {identifier} is no key of a vault")
    return CustomerKey(f"https://{host.lower()}", parts[1], parts[2] if parts[2:] else None)


@dataclass(frozen=True, slots=True)
class VaultKey:
    """What Key Vault says of a key.

    Attributes:
        enabled: None where it does not say.
        untimely: Why it is not valid now, in words; empty where it is.
    """

    enabled: bool | None
    untimely: str = ""


# -- registry --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Registry:
    """A container registry: its id, name, and what Resource Manager says of it."""

    id: str
    name: str
    raw: Raw

    @property
    def group(self) -> str | None:
        """Its resource group."""
        return group_of(self.id)

    @property
    def abac(self) -> bool | None:
        """Whether it takes roles on repositories instead of AcrPull and AcrPush.

        None where it does not say.
        https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions
        """
        mode = text(self.raw, "properties", "roleAssignmentMode")
        return {"AbacRepositoryPermissions": True, "LegacyRegistryPermissions": False}.get(
            mode or ""
        )


# -- workspace -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attached:
    """What a workspace stands on: the property that names it, its id, and why it was not seen.

    Attributes:
        name: As ``keyVault``.
        id: None where the workspace has none.
        error: Why it could not be read; None if it could.
    """

    name: str
    id: str | None
    error: ProbeError | None = None
