"""From a description to the component's arguments, inside a running Pulumi program.

The command does the same beforehand, with Google's SDKs: see `target.py`.
"""

from __future__ import annotations

import pulumi

from kitaru_iac.clouds.gcp.provision import lookups
from kitaru_iac.clouds.gcp.provision.args import InfrastructureArgs
from kitaru_iac.clouds.gcp.provision.layout import layout
from kitaru_iac.clouds.gcp.resources import gcp_resources
from kitaru_iac.clouds.wanted import region_of
from kitaru_iac.spec.model import StackSpec

__all__ = ["arguments", "located"]


def arguments(spec: StackSpec, component: pulumi.Resource) -> InfrastructureArgs:
    """Give the arguments that follow from a description with ``infra: provision``.

    Args:
        spec: The description.
        component: Whose GCP provider is asked for the project, where the description names none.

    Raises:
        DescriptionError: It cannot be made as described.
        KitaruError: The project cannot be looked up.
    """
    region = region_of(spec)
    project, number = lookups.project(component, gcp_resources(spec).project)
    return layout(spec, project, number, region).args()


def located(args: InfrastructureArgs, component: pulumi.Resource) -> InfrastructureArgs:
    """Give the arguments with the project of the component's GCP provider, where they lack it.

    Raises:
        KitaruError: The project cannot be looked up.
    """
    if args.get("project") and args.get("project_number"):
        return args
    project, number = lookups.project(component, args.get("project"))
    return {**args, "project": project, "project_number": number}
