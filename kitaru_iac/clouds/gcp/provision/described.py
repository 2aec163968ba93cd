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
from kitaru_iac.spec.model import BaseSpec, StackSpec

__all__ = ["complete"]


def complete(
    given: InfrastructureArgs | StackSpec, component: pulumi.Resource
) -> InfrastructureArgs:
    """The arguments with what follows from the project of the component's GCP provider.

    Args:
        given: Arguments, with or without the project; or a description with ``infra: provision``.
        component: Whose provider is asked.

    Raises:
        DescriptionError: It cannot be made as described.
        KitaruError: The project cannot be looked up.
    """
    if isinstance(given, BaseSpec):
        region = region_of(given)
        project, number = lookups.project(component, gcp_resources(given).project)
        return layout(given, project, number, region).args()
    if given.get("project") and given.get("project_number"):
        return given
    project, number = lookups.project(component, given.get("project"))
    return {**given, "project": project, "project_number": number}
