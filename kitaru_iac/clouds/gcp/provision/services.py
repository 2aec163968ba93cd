"""The APIs that a stack's resources are of, and the agents that work for them.

APIs are the project's, and others use them too: they stay enabled when the stack goes.
"""

from __future__ import annotations

from collections.abc import Iterable

import pulumi
from pulumi_gcp import projects

__all__ = ["VERTEX", "agent", "enabled"]

VERTEX = "aiplatform.googleapis.com"


def enabled(
    prefix: str, services: Iterable[str], *, project: str, parent: pulumi.Resource
) -> dict[str, projects.Service]:
    """The APIs, by their names.

    Args:
        prefix: Of the Pulumi names.
        services: As ``storage.googleapis.com``.
        project: Where they are enabled.
        parent: The component.
    """
    return {
        name: projects.Service(
            f"{prefix}-api-{name.partition('.')[0]}",
            service=name,
            project=project,
            disable_on_destroy=False,
            disable_dependent_services=False,
            opts=pulumi.ResourceOptions(parent=parent),
        )
        for name in services
    }


def agent(
    prefix: str, *, project: str, parent: pulumi.Resource, after: Iterable[pulumi.Resource]
) -> projects.ServiceIdentity:
    """Vertex's first service agent, which Google makes when it is asked for.

    The one for custom code comes by itself, some time after Vertex was first used.
    ``gcp.iam.WorkloadIdentityServiceAgent`` asks for all (``generateServiceAgents``); it takes an
    API that nothing else here needs, and rights that are not documented, so it is left to the user.
    https://cloud.google.com/iam/docs/create-service-agents
    """
    return projects.ServiceIdentity(
        f"{prefix}-agent",
        service=VERTEX,
        project=project,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )
