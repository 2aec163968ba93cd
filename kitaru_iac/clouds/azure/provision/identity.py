"""The identities of workspace and cluster, and the roles that identities get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, managedidentity

from kitaru_iac.clouds.azure.provision.grants import Grant, Scope, role_id
from kitaru_iac.clouds.azure.provision.names import assignment_name

__all__ = ["Place", "assign", "identity"]


@dataclass(frozen=True, slots=True)
class Place:
    """What a role is for.

    Attributes:
        path: Its id, known beforehand.
        scope: The same from the resource, so that it is waited for.
    """

    path: str
    scope: pulumi.Input[str]


def identity(
    prefix: str,
    name: str,
    *,
    group: pulumi.Input[str],
    region: str,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
    use: str = "identity",
) -> managedidentity.UserAssignedIdentity:
    """Make an identity; arguments as of `registry.registry`, and what it is for."""
    return managedidentity.UserAssignedIdentity(
        f"{prefix}-{use}",
        resource_name_=name,
        resource_group_name=group,
        location=region,
        tags=dict(tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def assign(
    prefix: str,
    grants: Iterable[Grant],
    places: Mapping[Scope, Place],
    *,
    subscription: str,
    who: str,
    principal: pulumi.Input[str],
    parent: pulumi.Resource,
) -> list[authorization.RoleAssignment]:
    """Assign roles.

    Args:
        prefix: Of the Pulumi names.
        grants: Which, and on what.
        places: What each scope is.
        subscription: Whose role definitions.
        who: The identity's id or the principal's object id, in the names of the assignments.
        principal: The object id.
        parent: What they go with.
    """
    return [
        authorization.RoleAssignment(
            f"{prefix}-{grant.name}",
            role_assignment_name=assignment_name(places[grant.scope].path, grant.role.value, who),
            scope=places[grant.scope].scope,
            role_definition_id=role_id(subscription, grant.role),
            principal_id=principal,
            # Without it Azure looks the principal up, and does not find one that is seconds old.
            # https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
            principal_type="ServicePrincipal",
            opts=pulumi.ResourceOptions(
                parent=parent,
                custom_timeouts=pulumi.CustomTimeouts(create="10m"),
            ),
        )
        for grant in grants
        if grant.scope in places
    ]
