"""The repository that images are pushed to: scanned, encrypted, cleared of what nobody names."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
from pulumi_aws import ecr

__all__ = ["Repository"]

#: Days after which an image without a tag goes: the one that a push of the same tag replaced.
_UNTAGGED = 14


class Repository:
    """An ECR repository with its lifecycle policy. It is not deleted while it holds images.

    Tags stay mutable: ZenML pushes a pipeline's image under its tag again when it changed.

    Args:
        prefix: Of the Pulumi names.
        name: The repository's.
        region: Where it is, whatever the provider's region.
        tags: On the repository.
        parent: The component.
    """

    def __init__(
        self,
        prefix: str,
        name: str,
        *,
        region: str,
        tags: Mapping[str, str],
        parent: pulumi.Resource,
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
        ecr.LifecyclePolicy(
            f"{prefix}-repository-lifecycle",
            repository=self.repository.name,
            region=region,
            policy=json.dumps(_lifecycle()),
            opts=pulumi.ResourceOptions(parent=self.repository),
        )


def _lifecycle() -> dict[str, object]:
    return {
        "rules": [
            {
                "rulePriority": 1,
                "description": f"Images without a tag go after {_UNTAGGED} days",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": _UNTAGGED,
                },
                "action": {"type": "expire"},
            }
        ]
    }
