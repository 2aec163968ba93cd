"""From a description to the component's arguments, inside a running Pulumi program.

The command does the same beforehand, with boto3: see `target.py`.
"""

from __future__ import annotations

import pulumi

from kitaru_iac.clouds.aws.provision import lookups
from kitaru_iac.clouds.aws.provision.args import InfrastructureArgs
from kitaru_iac.clouds.aws.provision.layout import layout
from kitaru_iac.clouds.wanted import region_of
from kitaru_iac.spec.model import StackSpec

__all__ = ["arguments", "located"]


def arguments(spec: StackSpec, component: pulumi.Resource) -> InfrastructureArgs:
    """Give the arguments that follow from a description with ``infra: provision``.

    Args:
        spec: The description.
        component: Whose AWS provider is asked for its account.

    Raises:
        DescriptionError: It cannot be made as described.
        KitaruError: The account cannot be looked up.
    """
    region = region_of(spec)
    return layout(spec, lookups.account(component), region).args()


def located(args: InfrastructureArgs, component: pulumi.Resource) -> InfrastructureArgs:
    """Give the arguments with the account of the component's AWS provider, where they have none.

    Raises:
        KitaruError: The account cannot be looked up.
    """
    if args.get("account"):
        return args
    return {**args, "account": lookups.account(component)}
