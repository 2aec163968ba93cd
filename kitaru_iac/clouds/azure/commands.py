"""Commands of the Azure CLI, as remedies: complete, with real names, ready to be pasted."""

from __future__ import annotations

from kitaru_iac.checks.commands import OptionValue, command
from kitaru_iac.clouds.azure.observations import group_of, subscription_of

__all__ = ["assign", "az", "of", "show"]


def az(*words: str, subscription: str | None = None, **options: OptionValue) -> str:
    """Write ``az WORD … --option VALUE …``; the subscription comes last."""
    return command("az", *words, **options, subscription=subscription)


def of(id: str, name: str = "name") -> dict[str, str | None]:
    """Give the options that name a resource, by its id: the CLI's default may be another place.

    Args:
        id: In Resource Manager.
        name: The option that takes its name.
    """
    place = {"resource_group": group_of(id), "subscription": subscription_of(id)}
    return {name: id.rsplit("/", 1)[-1], **place}


def show(id: str) -> str:
    """Write the command that shows a resource by its id."""
    return az("resource", "show", ids=id)


def assign(object_id: str | None, role: str, scope: str, kind: str | None = None) -> str:
    """Write the command that gives a principal a role at a scope.

    The kind is always said: for an identity that is a minute old Azure answers PrincipalNotFound
    without it (https://learn.microsoft.com/azure/role-based-access-control/troubleshooting).
    """
    return az(
        "role",
        "assignment",
        "create",
        assignee_object_id=object_id or "OBJECT_ID",
        assignee_principal_type=kind or "ServicePrincipal",
        role=role,
        scope=scope,
    )
