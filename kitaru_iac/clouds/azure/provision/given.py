"""Whether what a description stands on is there: asked before anything is made.

Azure refuses a missing group or an unregistered provider only when its turn comes, with half of it
made by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.probes import NotFound
from kitaru_iac.clouds import wanted
from kitaru_iac.clouds.azure.commands import az
from kitaru_iac.clouds.azure.observations import subscription_of, text
from kitaru_iac.clouds.azure.session import AzureAccess
from kitaru_iac.errors import Problem

__all__ = ["NAMESPACES", "unfit"]

_VERSION = "2022-09-01"
#: The providers of what is made for a workspace, beside those of store and registry.
_OF_WORKSPACE = (
    *("Microsoft.MachineLearningServices", "Microsoft.KeyVault", "Microsoft.Insights"),
    *("Microsoft.OperationalInsights", "Microsoft.ManagedIdentity"),
)
#: The providers of what is made for a cluster, and of what AKS makes for its nodes.
_OF_CLUSTER = (
    *("Microsoft.ContainerService", "Microsoft.ManagedIdentity"),
    *("Microsoft.Compute", "Microsoft.Network"),
)
#: The resource providers that are needed: always, for a workspace, and for a cluster.
NAMESPACES = (("Microsoft.Storage", "Microsoft.ContainerRegistry"), _OF_WORKSPACE, _OF_CLUSTER)


def unfit(
    access: AzureAccess, subscription: str, group: str, region: str, *, makes_group: bool,
    workspace: bool, cluster: bool = False,
) -> list[Problem]:  # fmt: skip
    """Find everything that is wrong with the place.

    Args:
        access: Asks.
        subscription: The one that is provisioned in.
        group: The resource group.
        region: The stack's.
        makes_group: Whether the group is made.
        workspace: Whether an AzureML workspace is made.
        cluster: Whether an AKS cluster is made.
    """
    always, of_workspace, of_cluster = NAMESPACES
    needed = (
        *always,
        *(of_workspace if workspace else ()),
        *(of_cluster if cluster else ()),
    )
    where = f"/subscriptions/{subscription}"
    looks: list[Callable[[], Iterator[Problem]]] = [
        partial(_namespace, access, where, one) for one in needed
    ]
    if not makes_group:
        looks.append(partial(_group, access, where, group, region))
    return wanted.unfit(looks)


def _namespace(access: AzureAccess, where: str, namespace: str) -> Iterator[Problem]:
    """https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types."""
    found = access.get(
        f"{where}/providers/{namespace}", _VERSION, about=f"the resource provider {namespace}"
    )
    state = text(found, "registrationState")
    if state not in {"Registered", "Registering"}:
        yield Problem(
            "subscription_id",
            f"the subscription is not registered to use {namespace} ({state})",
            "nothing of it can be made before",
            note(
                az(
                    "provider",
                    "register",
                    namespace=namespace,
                    wait=True,
                    subscription=subscription_of(where),
                ),
                "it takes a right on the whole subscription",
            ),
        )


def _group(access: AzureAccess, where: str, group: str, region: str) -> Iterator[Problem]:
    try:
        access.get(f"{where}/resourceGroups/{group}", _VERSION, about=f"the group {group}")
    except NotFound:
        yield Problem(
            "resource_group",
            f"there is no resource group {group}",
            "everything on Azure is made in one",
            note(
                az(
                    "group",
                    "create",
                    name=group,
                    location=region,
                    subscription=subscription_of(where),
                ),
                "or `resources: {group: create}`",
            ),
        )
