"""What a running Pulumi program asks Google Cloud for before it makes anything.

Asked through the program's own GCP provider, so that its project and its credentials count, and at
once: names follow from the answer, which a preview has to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi
import pulumi_gcp as gcp

from kitaru_iac.errors import KitaruError

__all__ = ["network_of", "project"]


def project(parent: pulumi.Resource, id: str | None) -> tuple[str, str]:
    """The id and the number of a project.

    Args:
        parent: Whose provider is asked.
        id: Which project; None for the provider's own.

    Raises:
        KitaruError: The provider cannot tell.
    """
    options = pulumi.InvokeOptions(parent=parent)
    remedy = "Give the GCP provider credentials that may look, and a project."
    with _looking_up(f"project {id or 'of the GCP provider'}", remedy):
        found = gcp.organizations.get_project(project_id=id, opts=options)
    if not found.project_id or not found.number:
        raise KitaruError(
            f"The project {id or 'of the GCP provider'} is not known yet",
            why="Its settings follow from what the program is yet to make.",
            remedy="Give the GCP provider settings that are known beforehand.",
        )
    return found.project_id, found.number


def network_of(parent: pulumi.Resource, subnet: str) -> str:
    """The network that a subnetwork is in: GKE takes the default one for whoever does not say.

    Args:
        parent: Whose provider is asked.
        subnet: As ``projects/P/regions/R/subnetworks/NAME``.

    Raises:
        KitaruError: The provider cannot tell.
    """
    _, project, _, region, _, name = subnet.split("/")
    remedy = "Name one that is there, and give the GCP provider credentials that may look."
    with _looking_up(f"subnetwork {subnet}", remedy):
        found = gcp.compute.get_subnetwork(
            name=name, project=project, region=region, opts=pulumi.InvokeOptions(parent=parent)
        )
    return found.network


@contextmanager
def _looking_up(what: str, remedy: str) -> Iterator[None]:
    """Say in our words that the provider cannot tell.

    Raises:
        KitaruError: It cannot.
    """
    try:
        yield
    except Exception as error:  # the SDK raises a bare `Exception`
        raise KitaruError(
            f"The {what} cannot be looked up",
            why=str(error).rpartition("returned an error: ")[2],
            remedy=remedy,
        ) from error
