"""The repository that images are pushed to: scanned and encrypted.

Nothing is removed from it unless asked for. ZenML keeps an image by its digest, and a push under
the same tag leaves the older digest without one; a schedule, or a build that is reused, may run it
for months. ECR counts from the *push* and does not know who uses an image, so no rule about age or
about what has no tag is safe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
from pulumi_aws import ecr

__all__ = ["Repository", "keep_last"]


class Repository:
    """An ECR repository. It is not deleted while it holds images.

    Tags stay mutable: ZenML pushes a pipeline's image under its tag again when it changed.

    Args:
        prefix: Of the Pulumi names.
        name: The repository's.
        region: Where it is, whatever the provider's region.
        tags: On the repository.
        parent: The component.
        keep_images: How many images stay, those pushed last; None for all.
    """

    def __init__(
        self,
        prefix: str,
        name: str,
        *,
        region: str,
        tags: Mapping[str, str],
        parent: pulumi.Resource,
        keep_images: int | None = None,
    ) -> None:
        self.repository = ecr.Repository(
            f"{prefix}-repository",
            name=name,
            region=region,
            image_tag_mutability="MUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "AES256"}],
            force_delete=False,
            tags=dict(tags),
            opts=pulumi.ResourceOptions(parent=parent),
        )
        self.url = self.repository.repository_url
        if keep_images is not None:
            ecr.LifecyclePolicy(
                f"{prefix}-repository-lifecycle",
                repository=self.repository.name,
                region=region,
                policy=json.dumps(keep_last(keep_images)),
                opts=pulumi.ResourceOptions(parent=self.repository),
            )


def keep_last(count: int) -> dict[str, object]:
    """The lifecycle policy that keeps so many images, those pushed last.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html.
    """
    return {
        "rules": [
            {
                "rulePriority": 1,
                "description": f"The last {count} images stay",
                "selection": {
                    "tagStatus": "any",
                    "countType": "imageCountMoreThan",
                    "countNumber": count,
                },
                "action": {"type": "expire"},
            }
        ]
    }
