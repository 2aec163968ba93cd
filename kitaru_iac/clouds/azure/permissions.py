"""Role definitions and assignments from the table of permissions, exact for one description.

`permission_table` is the table and says where its lines come from.
"""

from __future__ import annotations

from typing import Any

from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.azure.permission_table import (
    BUILT_IN,
    PERMISSIONS,
    READER,
    AzurePermission,
    Resource,
    When,
    is_data,
)
from kitaru_iac.clouds.azure.resources import AzureResources, azure_resources
from kitaru_iac.spec.model import BaseSpec

__all__ = ["built_in", "is_implicit", "permissions_for", "policies", "policy", "scope_of"]

_NAMES = {
    Resource.ACCOUNT: "Microsoft.Storage/storageAccounts",
    Resource.REGISTRY: "Microsoft.ContainerRegistry/registries",
    Resource.WORKSPACE: "Microsoft.MachineLearningServices/workspaces",
    Resource.CLUSTER: "Microsoft.ContainerService/managedClusters",
}


def permissions_for(
    resources: AzureResources,
    identity: Identity,
    resource: Resource | None = None,
    *,
    implicit: bool = True,
    abac: bool | None = None,
) -> tuple[AzurePermission, ...]:
    """The lines of the table that apply to this stack.

    Args:
        resources: What the description names.
        identity: Who.
        resource: Those about one thing; all of them unless given.
        implicit: Whether the connector may be something else than a service principal.
        abac: Whether the registry takes roles on repositories; both kinds where nobody looked.
    """
    present = {
        When.ALWAYS: True,
        When.UNNAMED: resources.container is not None and resources.account is None,
        When.IMPLICIT: implicit,
        When.ROLES: abac is not True,
        When.ABAC: abac is not False,
    }
    return tuple(
        row
        for row in PERMISSIONS
        if row.identity is identity
        and (resource is None or row.resource is resource)
        and resources.type in row.types
        and present[row.when]
        and _is_named(row.resource, resources)
        and (row.resource is not Resource.SUBSCRIPTION or _is_used(row, resources))
    )


def is_implicit(spec: BaseSpec) -> bool | None:
    """Whether the connector is no service principal; None where an existing one is used."""
    if spec.credentials is not None:
        return spec.credentials.kind != "azure-service-principal"
    return None if spec.connector is not None else True


def _is_named(resource: Resource, r: AzureResources) -> bool:
    return {
        Resource.SUBSCRIPTION: True,
        Resource.GROUP: r.group is not None,
        Resource.ACCOUNT: r.container is not None,
        Resource.CONTAINER: r.container is not None,
        Resource.REGISTRY: r.registry is not None,
        Resource.WORKSPACE: r.workspace is not None,
        Resource.CLUSTER: r.cluster is not None,
    }[resource]


def _is_used(row: AzurePermission, r: AzureResources) -> bool:
    """Whether the stack has what a line about the whole subscription looks for."""
    if row.action.startswith("Microsoft.Storage/"):
        return r.container is not None
    if row.action.startswith("Microsoft.ContainerRegistry/"):
        return r.registry is not None
    return True


def scope_of(resource: Resource, r: AzureResources) -> str:
    """The id of a thing, as far as the description tells it.

    What it does not tell stands in angle brackets, which Azure refuses: a role at a wider scope
    would grant more than is needed.
    """
    subscription = f"/subscriptions/{r.subscription or '<subscription>'}"
    if resource is Resource.SUBSCRIPTION:
        return subscription
    if resource is Resource.GROUP:
        return f"{subscription}/resourceGroups/{r.group}"
    name, group = {
        Resource.REGISTRY: ((r.registry or "").split(".")[0], f"<group of {r.registry}>"),
        Resource.WORKSPACE: (r.workspace, r.group),
        Resource.CLUSTER: (r.cluster, r.group),
    }.get(
        resource,
        (
            r.account or f"<account of {r.container}>",
            f"<group of {r.account or f'the account of {r.container}'}>",
        ),
    )
    kind = _NAMES[Resource.ACCOUNT if resource is Resource.CONTAINER else resource]
    path = f"{subscription}/resourceGroups/{group}/providers/{kind}/{name}"
    if resource is Resource.CONTAINER:
        path += f"/blobServices/default/containers/{r.container}"
    return path


def built_in(identity: Identity, resource: Resource, *, abac: bool | None = None) -> str | None:
    """Azure's own role that holds what an identity needs of a thing; None where none is narrow."""
    if identity is Identity.VERIFY:
        return READER
    ways = (When.ALWAYS, When.IMPLICIT, When.ABAC if abac else When.ROLES)
    found = (BUILT_IN.get((identity, resource, when)) for when in ways)
    return next((role for role in found if role is not None), None)


def policy(spec: BaseSpec, identity: Identity) -> dict[str, Any]:
    """The roles that this identity of the described stack needs, and where they are assigned.

    Returns:
        ``{"roleDefinitions": […], "roleAssignments": […]}``: definitions as ``az role definition
        create`` takes them, one for each kind of thing, and for each the scope at which it is
        assigned, with Azure's own role that could stand for it. Both are empty where the identity
        needs nothing. What the description does not tell stands in angle brackets.
    """
    r = azure_resources(spec)
    rows = permissions_for(r, identity, implicit=is_implicit(spec) is not False)
    definitions, assignments = [], []
    for resource in dict.fromkeys(row.resource for row in rows):
        actions = list(dict.fromkeys(row.action for row in rows if row.resource is resource))
        name = f"kitaru-{r.stack}-{identity.value}-{resource.value}"
        definitions.append(
            {
                "Name": name,
                "IsCustom": True,
                "Description": f"What the {identity.value} identity of {r.stack} needs of its "
                f"{resource.value.replace('-', ' ')}.",
                "Actions": sorted(a for a in actions if not is_data(a)),
                "NotActions": [],
                "DataActions": sorted(a for a in actions if is_data(a)),
                "NotDataActions": [],
                "AssignableScopes": [scope_of(Resource.SUBSCRIPTION, r)],
            }
        )
        assignments.append(
            {
                "role": name,
                "scope": scope_of(resource, r),
                "builtInRoles": _built_in_roles(identity, resource),
            }
        )
    return {"roleDefinitions": definitions, "roleAssignments": assignments}


def policies(spec: BaseSpec) -> dict[str, dict[str, Any]]:
    """The roles of every identity that the stack has, by its name."""
    made = {identity.value: policy(spec, identity) for identity in Identity}
    return {name: document for name, document in made.items() if document["roleDefinitions"]}


def _built_in_roles(identity: Identity, resource: Resource) -> list[str]:
    """For a registry both: which of them counts follows from its mode, which nobody asked for."""
    found = (built_in(identity, resource, abac=abac) for abac in (False, True))
    return list(dict.fromkeys(role for role in found if role is not None))
