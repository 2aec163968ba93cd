"""What is looked up of things that exist, since what is made is let at them, or they at it."""

from __future__ import annotations

from kitaru_iac.checks.probes import NotFound, ProbeError
from kitaru_iac.clouds.azure.observations import known_text, text, within
from kitaru_iac.clouds.azure.provision import names
from kitaru_iac.clouds.azure.provision.grants import Use
from kitaru_iac.clouds.azure.provision.kinds import (
    ACCOUNT,
    CLUSTER,
    IDENTITY,
    KINDS,
    REGISTRY,
    WORKSPACE,
)
from kitaru_iac.clouds.azure.provision.layout import Known, Layout
from kitaru_iac.clouds.azure.session import AzureAccess
from kitaru_iac.errors import KitaruError
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import AcrUri, AzureBlobUri

__all__ = ["known"]


def known(access: AzureAccess, spec: StackSpec, planned: Layout) -> Known:
    """Look up what the grants of a layout need.

    Args:
        access: Asks.
        spec: The description.
        planned: Its layout, without it.

    Raises:
        KitaruError: It cannot be told, or there is nothing of the name.
    """
    store, registry = spec.artifact_store, spec.container_registry
    try:
        if planned.new_workspace or planned.new_cluster:
            images: tuple[str | None, bool | None] = (None, None)
            if planned.new_registry is None and isinstance(registry, AcrUri):
                images = _registry(access, planned, registry.host)
            account = None
            if planned.new_container is None and isinstance(store, AzureBlobUri) and store.account:
                account = _account(access, planned, store.account)
            if planned.new_cluster:
                return Known(account, *images, principals=_identities(access, planned))
            return Known(account, *images, principal=_identity(access, planned))
        if planned.new_account or planned.new_registry:
            return Known(principal=_principal(access, planned))
    except ProbeError as error:
        raise KitaruError(
            "What the stack uses cannot be looked up, and nothing is granted on a guess",
            where=planned.group_id,
            why=error.why,
            remedy="Correct the description, or run it again as somebody who may look.",
        ) from error
    return Known()


def _identities(access: AzureAccess, planned: Layout) -> dict[str, str]:
    """The same of the identities of a cluster, by their use."""
    found = {
        use.value: _identity(access, planned, names.identity_name(planned.stack, use))
        for use in Use
    }
    return {use: principal for use, principal in found.items() if principal is not None}


def _identity(access: AzureAccess, planned: Layout, name: str | None = None) -> str | None:
    """The object id of the workspace's identity, where an earlier run has made it.

    With it the roles of a lost state are known again: each is told by whom it is for.
    """
    kind = KINDS[IDENTITY]
    name = name or planned.new_identity
    inputs = {"resourceGroupName": planned.resource_group, kind.name: name}
    path = kind.id_of(planned.subscription, inputs)
    try:
        found = access.resource(path, kind.version, about=f"the identity {name}")
    except NotFound:
        return None
    return text(found, "properties", "principalId")


def _account(access: AzureAccess, planned: Layout, name: str) -> str:
    listed = access.list(
        f"/subscriptions/{planned.subscription}/providers/{KINDS[ACCOUNT].arm}",
        KINDS[ACCOUNT].version,
        about="the storage accounts of the subscription",
    )
    for one in listed:
        if known_text(one, "name").lower() == name:
            return known_text(one, "id")
    raise NotFound(f"the subscription shows no storage account {name}")


def _registry(access: AzureAccess, planned: Layout, host: str) -> tuple[str, bool | None]:
    listed = access.list(
        f"/subscriptions/{planned.subscription}/providers/{KINDS[REGISTRY].arm}",
        KINDS[REGISTRY].version,
        about="the registries of the subscription",
    )
    modes = {"AbacRepositoryPermissions": True, "LegacyRegistryPermissions": False}
    for one in listed:
        if (text(one, "properties", "loginServer") or "").lower() == host:
            mode = text(one, "properties", "roleAssignmentMode")
            return known_text(one, "id"), modes.get(mode or "")
    raise NotFound(f"the subscription shows no registry {host}")


def _principal(access: AzureAccess, planned: Layout) -> str | None:
    """Who runs the steps: the workspace's identity, or what the cluster's nodes pull with."""
    if planned.workspace:
        kind = KINDS[WORKSPACE]
        found = access.resource(
            f"{planned.group_id}/providers/{kind.arm}/{planned.workspace}",
            kind.version,
            about=f"the workspace {planned.workspace}",
        )
        primary = text(found, "properties", "primaryUserAssignedIdentity")
        users = within(found, "identity", "userAssignedIdentities")
        if primary and isinstance(users, dict):
            for path, one in users.items():
                if str(path).lower() == primary.lower() and isinstance(one, dict):
                    return known_text(one, "principalId")
        return text(found, "identity", "principalId")
    if planned.cluster:
        kind = KINDS[CLUSTER]
        found = access.resource(
            f"{planned.group_id}/providers/{kind.arm}/{planned.cluster}",
            kind.version,
            about=f"the cluster {planned.cluster}",
        )
        return text(found, "properties", "identityProfile", "kubeletidentity", "objectId")
    return None
