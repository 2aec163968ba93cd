"""An EKS cluster with one managed node group. It costs money by the hour: only where asked for.

Secrets are encrypted without being asked: EKS encrypts all data of the Kubernetes API with a key of
its own (https://docs.aws.amazon.com/eks/latest/userguide/envelope-encryption.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_aws import eks

from kitaru_iac.clouds.aws.provision.names import NODE_GROUP, role_name
from kitaru_iac.clouds.aws.provision.roles import managed_role

__all__ = ["Cluster"]

_LOGS = ["api", "audit", "authenticator"]
#: https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
_NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryPullOnly",
)


class Cluster:
    """The cluster, its node group and their roles.

    Whoever makes it is its administrator, through an access entry; nobody else is.

    Args:
        prefix: Of the Pulumi names.
        name: The cluster's.
        stack: The stack's name, for the names of the roles.
        region: Where it is, whatever the provider's region.
        partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
        subnets: Of at least two zones. In public ones the nodes must get public addresses.
        tags: On everything.
        parent: The component.
        instance_type: Of the nodes.
        nodes: How many there are at least, to begin with, and at most.
        public_access: The networks that may reach the endpoint; None for all.
        boundary: The ARN of a permissions boundary, where the account demands one.
    """

    def __init__(
        self,
        prefix: str,
        name: str,
        *,
        stack: str,
        region: str,
        partition: str,
        subnets: Sequence[str],
        tags: Mapping[str, str],
        parent: pulumi.Resource,
        instance_type: str = "t3.large",
        nodes: tuple[int, int, int] = (1, 2, 3),
        public_access: Sequence[str] | None = None,
        boundary: str | None = None,
    ) -> None:
        role, attached = managed_role(
            *(prefix, "cluster", role_name(stack, "cluster", region), "eks.amazonaws.com"),
            ("AmazonEKSClusterPolicy",),
            partition=partition,
            tags=tags,
            parent=parent,
            boundary=boundary,
        )
        self.cluster = eks.Cluster(
            f"{prefix}-cluster",
            name=name,
            region=region,
            role_arn=role.arn,
            access_config={
                "authentication_mode": "API",
                "bootstrap_cluster_creator_admin_permissions": True,
            },
            enabled_cluster_log_types=_LOGS,
            vpc_config={
                "subnet_ids": list(subnets),
                "endpoint_private_access": True,
                "endpoint_public_access": True,
                "public_access_cidrs": list(public_access or ["0.0.0.0/0"]),
            },
            tags=dict(tags),
            # Without its policies the cluster could not clean up after itself when it goes.
            opts=pulumi.ResourceOptions(parent=parent, depends_on=attached),
        )
        self.name = self.cluster.name
        node_role, node_attached = managed_role(
            *(prefix, "nodes", role_name(stack, "nodes", region), "ec2.amazonaws.com"),
            _NODE_POLICIES,
            partition=partition,
            tags=tags,
            parent=parent,
            boundary=boundary,
        )
        least, first, most = nodes
        eks.NodeGroup(
            f"{prefix}-nodes",
            cluster_name=self.cluster.name,
            region=region,
            node_group_name=NODE_GROUP,
            node_role_arn=node_role.arn,
            subnet_ids=list(subnets),
            instance_types=[instance_type],
            ami_type="AL2023_x86_64_STANDARD",
            scaling_config={"min_size": least, "desired_size": first, "max_size": most},
            tags=dict(tags),
            opts=pulumi.ResourceOptions(
                parent=self.cluster,
                depends_on=node_attached,
                # An autoscaler's to change.
                ignore_changes=["scalingConfig.desiredSize"],
            ),
        )
