"""AWS for `tests.clouds.kills`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.clouds.aws.test_ownership import plant_bucket, plant_others, world
from tests.clouds.aws.test_provision import BUCKET
from tests.doubles.aws import ACCOUNT_ID, REGION, AwsLoopback
from tests.doubles.standin.install import install

#: What the run makes, which is no part of what is theirs.
_OURS = (BUCKET, "kitaru/prod", "kitaru-prod", "/aws/eks/kitaru-prod/")


class Aws:
    """An account with a stack on SageMaker, and one on EKS with all that a new cluster has."""

    described: Sequence[Mapping[str, Any]] = (
        {"name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision"},
        {
            "name": "prod",
            "type": "kubernetes",
            "region": REGION,
            "infra": "provision",
            "resources": {"cluster": "create"},
            "infrastructure": {
                "endpoint_access": ["203.0.113.7/32"],
                "cluster_access": [f"arn:aws:iam::{ACCOUNT_ID}:role/zenml-server"],
            },
        },
    )

    def begin(self, folder: Path) -> Mapping[str, str]:
        self._aws = AwsLoopback(folder, managed_policies=True)
        self._aws.__enter__()
        self._log = folder / "moto.log"
        install(Path(os.environ["PULUMI_HOME"]))
        return self._aws.env()

    def end(self) -> None:
        self._aws.__exit__()

    def plant(self) -> None:
        self._aws.reset()
        plant_bucket(self._aws)
        plant_others(self._aws)

    def theirs(self) -> Any:
        found = world(self._aws)
        return found | {
            "repositories": [
                one for one in found["repositories"] if one[0]["repositoryName"] not in _OURS
            ],
            "roles": [
                one for one in found["roles"] if not any(t["Key"] == "kitaru-stack" for t in one[1])
            ],
            "buckets": [name for name in found["buckets"] if name not in _OURS],
        }

    def asked(self) -> int:
        return self._log.read_text(errors="replace").count(" HTTP/1.1")

    def ours(self) -> list[str]:
        aws = self._aws
        there = [one["Name"] for one in aws.client("s3").list_buckets()["Buckets"]]
        repositories = aws.client("ecr").describe_repositories()["repositories"]
        there += [one["repositoryName"] for one in repositories]
        there += [one["RoleName"] for one in aws.client("iam").list_roles()["Roles"]]
        there += aws.client("eks").list_clusters()["clusters"]
        groups = aws.client("logs").describe_log_groups()["logGroups"]
        there += [one["logGroupName"] for one in groups]
        return sorted(name for name in there if name.startswith(_OURS))


def subject() -> Aws:
    """The cloud that is killed in."""
    return Aws()
