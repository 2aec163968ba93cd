"""The roles: what steps run as, and what a new cluster and its nodes run as.

What steps may do is the table in `kitaru_iac.clouds.aws.permissions`, and nothing else:
it is given inline, so that it goes with the role.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_aws import iam

from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.permissions import (
    permissions_for,
    service_trust,
    statements,
)
from kitaru_iac.clouds.aws.resources import AwsResources

__all__ = ["managed_role", "runtime_role"]


def runtime_role(
    prefix: str,
    name: str,
    resources: AwsResources,
    *,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
    boundary: str | None = None,
    use: str = "execution",
) -> iam.Role:
    """What steps run as, with an inline policy from the table of permissions.

    On SageMaker it is the execution role, on EKS the role of the pods.

    Args:
        prefix: Of the Pulumi names.
        name: The role's.
        resources: What it may use.
        tags: On the role.
        parent: The component.
        boundary: The ARN of a permissions boundary, where the account demands one.
        use: ``execution`` or ``pods``, in the Pulumi names.
    """
    role = iam.Role(
        f"{prefix}-{use}-role",
        name=name,
        description=f"What the steps of Kitaru stack {resources.stack} run as",
        assume_role_policy=_document(service_trust(resources, Identity.RUNTIME)),
        permissions_boundary=boundary,
        tags=dict(tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    rows = permissions_for(resources, Identity.RUNTIME)
    policy = {"Version": "2012-10-17", "Statement": statements(rows, resources)}
    iam.RolePolicy(
        f"{prefix}-{use}-policy",
        role=role.name,
        name="kitaru",
        policy=_document(policy),
        opts=pulumi.ResourceOptions(parent=role),
    )
    return role


def managed_role(
    prefix: str,
    use: str,
    name: str,
    service: str,
    policies: tuple[str, ...],
    *,
    partition: str,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
    boundary: str | None = None,
) -> tuple[iam.Role, list[iam.RolePolicyAttachment]]:
    """A role of a service, with AWS's own managed policies.

    Args:
        prefix: Of the Pulumi names.
        use: What it is for, as ``nodes``.
        name: The role's.
        service: Who may assume it, as ``ec2.amazonaws.com``.
        policies: The names of AWS's policies.
        partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
        tags: On the role.
        parent: The component.
        boundary: The ARN of a permissions boundary, where the account demands one.

    Returns:
        The role, and what has to be there before it can be used.
    """
    actions = ["sts:AssumeRole", "sts:TagSession"] if service.startswith("eks.") else None
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": actions or "sts:AssumeRole",
            }
        ],
    }
    role = iam.Role(
        f"{prefix}-{use}-role",
        name=name,
        assume_role_policy=_document(trust),
        permissions_boundary=boundary,
        tags=dict(tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    attached = [
        iam.RolePolicyAttachment(
            f"{prefix}-{use}-{policy}",
            role=role.name,
            policy_arn=f"arn:{partition}:iam::aws:policy/{policy}",
            opts=pulumi.ResourceOptions(parent=role),
        )
        for policy in policies
    ]
    return role, attached


def _document(policy: Mapping[str, Any]) -> str:
    return json.dumps(policy)
