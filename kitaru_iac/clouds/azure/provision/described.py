"""From a description to the component's arguments, inside a running Pulumi program.

The command does the same beforehand, over REST: see `target.py`.
"""

from __future__ import annotations

import pulumi
from pulumi_azure_native import authorization

from kitaru_iac.clouds.azure.provision.args import InfrastructureArgs
from kitaru_iac.clouds.azure.provision.layout import Layout, layout
from kitaru_iac.clouds.wanted import region_of
from kitaru_iac.errors import DescriptionError, KitaruError, Problem
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import AcrUri, AzureBlobUri

__all__ = ["arguments", "located"]


def arguments(spec: StackSpec, component: pulumi.Resource) -> InfrastructureArgs:
    """Give the arguments that follow from a description with ``infra: provision``.

    Args:
        spec: The description.
        component: Whose Azure provider is asked for its subscription and tenant.

    Raises:
        DescriptionError: It cannot be made as described.
        KitaruError: The subscription cannot be looked up, or is not the description's.
    """
    subscription, tenant = _client(component)
    named = getattr(spec, "subscription_id", None)
    if named is not None and named.lower() != subscription.lower():
        raise KitaruError(
            f"The stack is in subscription {named}, and the Azure provider in {subscription}",
            why="What makes the infrastructure is the program's own provider.",
            remedy="Give the component a provider of that subscription.",
        )
    planned = layout(spec, subscription, region_of(spec), tenant=tenant)
    require_no_grants_elsewhere(spec, planned)
    return planned.args()


def located(args: InfrastructureArgs, component: pulumi.Resource) -> InfrastructureArgs:
    """Give the arguments with subscription and tenant of the Azure provider, where they lack them.

    Raises:
        KitaruError: The subscription cannot be looked up.
    """
    if args.get("subscription") and args.get("tenant"):
        return args
    subscription, tenant = _client(component)
    return {
        **args,
        "subscription": args.get("subscription") or subscription,
        "tenant": args.get("tenant") or tenant,
    }


def require_no_grants_elsewhere(spec: StackSpec, planned: Layout) -> None:
    """See that nothing has to be looked up for a grant: a program names it by its id.

    Raises:
        DescriptionError: Something that exists has to be let at what is made, or the other way.
    """
    exist = []
    if planned.new_workspace or planned.new_cluster:
        store, registry = spec.artifact_store, spec.container_registry
        if isinstance(store, AzureBlobUri) and planned.new_container is None:
            exist.append(("artifact_store", "store_id"))
        if isinstance(registry, AcrUri) and planned.new_registry is None:
            exist.append(("container_registry", "images_id"))
    elif planned.makes_anything and (planned.workspace or planned.cluster):
        exist.append(("workspace" if planned.workspace else "cluster", "principal"))
    if exist:
        raise DescriptionError(
            [
                Problem(
                    key,
                    f"in a program, the id of the {key.replace('_', ' ')} that exists is needed "
                    "for its roles",
                    "nobody looks it up there",
                    f"Use `kitaru:azure:Infrastructure` with `{argument}`, and a `Stack`; "
                    "or let all be made.",
                )
                for key, argument in exist
            ]
        )


def _client(parent: pulumi.Resource) -> tuple[str, str]:
    """The subscription and the tenant that a resource's Azure provider works in.

    Raises:
        KitaruError: The provider cannot tell.
    """
    what = "The subscription of the Azure provider cannot be looked up"
    try:
        found = authorization.get_client_config(opts=pulumi.InvokeOptions(parent=parent))
    except Exception as error:  # the SDK raises nothing narrower
        why = str(error).rpartition("returned an error: ")[2]
        raise KitaruError(what, why=why) from error
    if not found.subscription_id or not found.tenant_id:
        raise KitaruError(
            what,
            why="Its settings follow from what the program is yet to make, or it has none.",
            remedy="Give the Azure provider a subscriptionId that is known beforehand.",
        )
    return found.subscription_id, found.tenant_id
