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
from kitaru_iac.spec.model import BaseSpec, StackSpec
from kitaru_iac.spec.uris import AcrUri, AzureBlobUri

__all__ = ["complete"]


def complete(
    given: InfrastructureArgs | StackSpec, component: pulumi.Resource
) -> InfrastructureArgs:
    """Give the arguments with what follows from the component's Azure provider.

    Args:
        given: Arguments, with or without the subscription and the tenant; or a description with
            ``infra: provision``.
        component: Whose provider is asked.

    Raises:
        DescriptionError: It cannot be made as described.
        KitaruError: The subscription cannot be looked up.
    """
    if not isinstance(given, BaseSpec):
        if given.get("subscription") and given.get("tenant"):
            return given
        subscription, tenant = _client(component)
        own = {"subscription": subscription, "tenant": tenant}
        named = {key: given.get(key) or value for key, value in own.items()}
        return {**given, **named}  # type: ignore[typeddict-item]  # the same two keys
    subscription, tenant = _client(component)
    named_by_it = getattr(given, "subscription_id", None)
    if named_by_it is not None and named_by_it.lower() != subscription.lower():
        raise KitaruError(
            f"The stack is in subscription {named_by_it}, and the Azure provider in {subscription}",
            why="What makes the infrastructure is the program's own provider.",
            remedy="Give the component a provider of that subscription.",
        )
    planned = layout(given, subscription, region_of(given), tenant=tenant)
    require_no_grants_elsewhere(given, planned)
    return planned.args()


def require_no_grants_elsewhere(spec: StackSpec, planned: Layout) -> None:
    """See that nothing has to be looked up for a grant: a program names it by its id.

    Raises:
        DescriptionError: Something that exists has to be let at what is made, or the other way.
    """
    exist = []
    if planned.new_workspace:
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
