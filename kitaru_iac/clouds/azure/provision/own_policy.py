"""The role of whoever runs `provision`: its operations, and where they are assigned.

Made from the layout, so that it speaks of what is made and of nothing else. What is made lies in
one resource group, so nearly all is assigned there; names are asked for in the subscription.
Assigning roles is the widest of it: a condition narrows it to the roles that are assigned, and to
identities.
https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview
"""

from __future__ import annotations

from typing import Any

from kitaru_iac.checks.kubernetes_api import IN_EVERY_CLUSTER
from kitaru_iac.clouds.azure.provision import grants
from kitaru_iac.clouds.azure.provision.layout import Layout, layout
from kitaru_iac.clouds.wanted import region_of
from kitaru_iac.spec.model import StackSpec

__all__ = ["provision_policy"]

_ANYWHERE = (
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Resources/subscriptions/providers/read",
    "Microsoft.Resources/subscriptions/resources/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
)
_ROLES = (
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/delete",
)
_GROUP = ("Microsoft.Resources/subscriptions/resourceGroups/resources/read",)
_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_STORAGE = "Microsoft.Storage/storageAccounts"
_ACR = "Microsoft.ContainerRegistry/registries"


def provision_policy(spec: StackSpec) -> dict[str, Any]:
    """Give the role definitions of whoever makes a stack's infrastructure, and deletes it.

    Args:
        spec: A description with ``infra: provision``.

    Returns:
        As `permissions.policy`: two definitions, one for the group and one for the subscription.

    Raises:
        DescriptionError: It cannot be made as described.
    """
    subscription = getattr(spec, "subscription_id", None) or "<subscription>"
    planned = layout(spec, subscription, region_of(spec))
    whole = f"/subscriptions/{subscription}"
    here = _actions(planned)
    data = [f"{_STORAGE}/blobServices/containers/blobs/read"] if planned.new_account else []
    # A group that is made cannot have an assignment before; what makes it holds in it.
    at = whole if planned.new_group else planned.group_id
    definitions = [
        _definition(planned, "names", "looks up names and what is there", [*_anywhere(planned)]),
        _definition(planned, "group", "makes, changes and deletes it", here, data),
    ]
    assignments: list[dict[str, Any]] = [
        {"role": definitions[0]["Name"], "scope": whole, "builtInRoles": []},
        {"role": definitions[1]["Name"], "scope": at, "builtInRoles": []},
    ]
    if condition := _condition(planned):
        assignments[1] |= {"condition": condition, "conditionVersion": "2.0"}
    return {"roleDefinitions": definitions, "roleAssignments": assignments}


def _definition(
    planned: Layout, part: str, what: str, actions: list[str], data: list[str] | None = None
) -> dict[str, Any]:
    return {
        "Name": f"kitaru-{planned.stack}-provision-{part}",
        "IsCustom": True,
        "Description": f"Who provisions {planned.stack}: {what}.",
        "Actions": sorted(actions),
        "NotActions": [],
        "DataActions": data or [],
        "NotDataActions": [],
        "AssignableScopes": [f"/subscriptions/{planned.subscription}"],
    }


def _anywhere(planned: Layout) -> list[str]:
    """What is asked of the whole subscription: what carries tags, and whose names are free."""
    found = list(_ANYWHERE)
    if planned.new_account:
        found.append("Microsoft.Storage/checknameavailability/read")
    if planned.new_registry:
        found.append("Microsoft.ContainerRegistry/checkNameAvailability/read")
    if planned.new_workspace:
        found += [
            "Microsoft.KeyVault/checkNameAvailability/read",
            "Microsoft.KeyVault/deletedVaults/read",
        ]
    if planned.new_workspace or planned.new_cluster:
        if planned.known.store_id or planned.new_container is None:
            found.append(f"{_STORAGE}/read")
        if planned.new_registry is None:
            found.append(f"{_ACR}/read")
    return found


def _actions(planned: Layout) -> list[str]:
    found = list(_GROUP)
    if planned.new_group:
        found += [
            "Microsoft.Resources/subscriptions/resourceGroups/write",
            "Microsoft.Resources/subscriptions/resourceGroups/delete",
            # Azure deletes a group with what one may not see of it, so all of it has to be seen.
            "*/read",
        ]
    if planned.new_account:
        found += _all_of(_STORAGE)
        found += _all_of(f"{_STORAGE}/blobServices", delete=False)
        found += _all_of(f"{_STORAGE}/blobServices/containers")
        found += _all_of(f"{_STORAGE}/managementPolicies")
        found.append(f"{_STORAGE}/fileServices/shares/read")
    if planned.new_registry:
        found += [*_all_of(_ACR), f"{_ACR}/listUsages/read"]
    if planned.new_workspace:
        for kind in (
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            "Microsoft.KeyVault/vaults",
            "Microsoft.OperationalInsights/workspaces",
            "Microsoft.Insights/components",
            "Microsoft.MachineLearningServices/workspaces",
        ):
            found += _all_of(kind)
        found.append("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action")
        found.append("Microsoft.OperationalInsights/workspaces/sharedKeys/action")
    elif planned.new_cluster:
        found += [
            *(*_all_of(_IDENTITIES), f"{_IDENTITIES}/assign/action"),
            *_all_of(f"{_IDENTITIES}/federatedIdentityCredentials"),
            *_all_of(_CLUSTERS),
        ]
        if planned.namespace not in IN_EVERY_CLUSTER:
            # Its kubeconfig is an administrator's of the cluster, which Entra does not guard.
            found.append(f"{_CLUSTERS}/listClusterUserCredential/action")
    elif planned.workspace and planned.makes_anything:
        found.append("Microsoft.MachineLearningServices/workspaces/read")
    elif planned.cluster and planned.makes_anything:
        found.append(f"{_CLUSTERS}/read")
    return [*found, *(_ROLES if _granted(planned) else ())]


def _all_of(kind: str, *, delete: bool = True) -> list[str]:
    return [f"{kind}/read", f"{kind}/write", *([f"{kind}/delete"] if delete else [])]


def _granted(planned: Layout) -> tuple[grants.Grant, ...]:
    if planned.new_workspace:
        made = planned.new_registry is not None
        return grants.for_identity(
            registry=made, store=planned.new_container is None, images=not made
        )
    if planned.new_cluster:
        made = planned.new_registry is not None
        container = planned.new_container is not None
        wanted = grants.for_cluster(
            account=container, registry=made, store=not container, images=not made
        )
        return tuple(grant for granted in wanted.values() for grant in granted)
    if planned.workspace or planned.cluster:
        return grants.for_principal(
            account=planned.new_account is not None, registry=planned.new_registry is not None
        )
    return ()


def _condition(planned: Layout) -> str | None:
    """Which roles may be assigned, and to whom: identities, never users."""
    roles = sorted({grant.role.value for grant in _granted(planned)})
    if not roles:
        return None
    rules = []
    for operation, source in (("write", "Request"), ("delete", "Resource")):
        attribute = f"@{source}[Microsoft.Authorization/roleAssignments"
        rules.append(
            f"((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{operation}'}})) OR "
            f"({attribute}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{', '.join(roles)}}} "
            f"AND {attribute}:PrincipalType] StringEqualsIgnoreCase 'ServicePrincipal'))"
        )
    return " AND ".join(rules)
