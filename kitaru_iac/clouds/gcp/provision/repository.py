"""The repository that images are pushed to.

Nothing is removed from it unless asked for: a schedule, or a build that is reused, may run an image
for months by its digest, when no tag points at it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pulumi
from pulumi_gcp import artifactregistry

if TYPE_CHECKING:
    from pulumi_gcp.artifactregistry import RepositoryCleanupPolicyArgsDict

__all__ = ["keep_last", "repository"]


def repository(
    prefix: str,
    id: str,
    *,
    stack: str,
    project: str,
    location: str,
    labels: Mapping[str, str],
    parent: pulumi.Resource,
    after: Iterable[pulumi.Resource],
    keep_images: int | None = None,
    keep: bool = True,
) -> artifactregistry.Repository:
    """A repository of Artifact Registry for Docker's images.

    Tags stay mutable, as they are unless told otherwise: ZenML pushes a pipeline's image under its
    tag again when it changed. Saying so would be told as a change by the plugin in each run, since
    Google leaves out what is false.

    Args:
        prefix: Of the Pulumi names.
        id: The repository's.
        stack: Whose it is, for its description.
        project: Where it is.
        location: Where in it.
        labels: On the repository.
        parent: The component.
        after: What has to be there before.
        keep_images: How many versions of each image stay, those pushed last; None for all.
        keep: Protect it, and leave it where it is if it goes from the program: Google deletes a
            repository with its images, also where another one takes its place.
    """
    return artifactregistry.Repository(
        f"{prefix}-repository",
        repository_id=id,
        project=project,
        location=location,
        format="DOCKER",
        mode="STANDARD_REPOSITORY",
        description=f"The images of Kitaru stack {stack}",
        cleanup_policies=keep_last(keep_images) if keep_images is not None else None,
        cleanup_policy_dry_run=False if keep_images is not None else None,
        labels=dict(labels),
        opts=pulumi.ResourceOptions(
            parent=parent, protect=keep, retain_on_delete=keep, depends_on=list(after)
        ),
    )


def keep_last(count: int) -> list[RepositoryCleanupPolicyArgsDict]:
    """The policies that keep so many versions of each image, those pushed last.

    What is to be kept goes over what is to be deleted.
    https://cloud.google.com/artifact-registry/docs/repositories/cleanup-policy
    """
    return [
        {"id": "all", "action": "DELETE", "condition": {"tag_state": "ANY"}},
        {"id": "last", "action": "KEEP", "most_recent_versions": {"keep_count": count}},
    ]
