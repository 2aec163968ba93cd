"""From a description to the component's arguments, inside a running Pulumi program.

The command does the same beforehand, with boto3: see `target.py`.
"""

from __future__ import annotations

import pulumi

from kitaru_iac.clouds.aws.provision import lookups
from kitaru_iac.clouds.aws.provision.args import InfrastructureArgs
from kitaru_iac.clouds.aws.provision.layout import layout
from kitaru_iac.clouds.wanted import region_of
from kitaru_iac.spec.model import BaseSpec, StackSpec

__all__ = ["complete"]


def complete(
    given: InfrastructureArgs | StackSpec, component: pulumi.Resource
) -> InfrastructureArgs:
    """The arguments with what follows from the account of the component's AWS provider.

    Args:
        given: Arguments, with or without the account; or a description with ``infra: provision``.
        component: Whose provider is asked.

    Raises:
        DescriptionError: It cannot be made as described.
        KitaruError: The account cannot be looked up.
    """
    if isinstance(given, BaseSpec):
        region = region_of(given)
        return layout(given, lookups.account(component), region).args()
    if given.get("account"):
        return given
    return {**given, "account": lookups.account(component)}
