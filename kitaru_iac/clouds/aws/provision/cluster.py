"""An EKS cluster with one managed node group. It costs money by the hour: only where asked for.

Secrets are encrypted without being asked: EKS encrypts all data of the Kubernetes API with a key of
its own (https://docs.aws.amazon.com/eks/latest/userguide/envelope-encryption.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import eks

from kitaru_iac.clouds.aws.provision.args import InfrastructureArgs
from kitaru_iac.clouds.aws.provision.names import NODE_GROUP, role_name
from kitaru_iac.clouds.aws.provision.roles import managed_role
from kitaru_iac.spec.infrastructure import Infrastructure

__all__ = ["Cluster", "Nodes", "ami_type", "nodes_of"]

_LOGS = ["api", "audit", "authenticator"]
#: https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
_NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryPullOnly",
)


#: Families with a processor of ARM: `a1`, and a `g` behind the generation, as in `m7g` and `c7gn`.
_ARM = re.compile(r"a1|[a-z]+[0-9]+[a-z]*g[a-z]*")
#: Families with an NVIDIA GPU.
_NVIDIA = re.compile(r"(?:g|p)[0-9]+[a-z]*")


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a cluster: their instance type, disk in GiB, and how many there are.

    Attributes:
        least: At any time.
        first: To begin with.
        most: At any time.
    """

    instance_type: str = "t3.large"
    disk: int = 100
    least: int = 1
    first: int = 2
    most: int = 3


def nodes_of(args: InfrastructureArgs) -> Nodes:
    """The nodes that the component's arguments ask for; numbers from a program are floats."""
    given = Infrastructure(
        min_nodes=_whole(args.get("min_nodes")),
        nodes=_whole(args.get("nodes")),
        max_nodes=_whole(args.get("max_nodes")),
    )
    disk = _whole(args.get("node_disk")) or 100
    return Nodes(args.get("instance_type") or "t3.large", disk, *given.node_counts)


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def ami_type(instance_type: str) -> str:
    """The image of EKS that fits an instance type.

    Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html, amiType.
    """
    family = instance_type.partition(".")[0]
    if _ARM.fullmatch(family):
        return "AL2023_ARM_64_STANDARD"
    return "AL2023_x86_64_NVIDIA" if _NVIDIA.fullmatch(family) else "AL2023_x86_64_STANDARD"


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
        nodes: What they are, and how many.
        endpoint_access: The networks that may reach the public endpoint; none for no such endpoint.
        version: Of Kubernetes; None for the newest that EKS offers.
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
        nodes: Nodes,
        endpoint_access: Sequence[str] = (),
        version: str | None = None,
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
                "endpoint_public_access": bool(endpoint_access),
                "public_access_cidrs": list(endpoint_access) or None,
            },
            version=version,
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
        eks.NodeGroup(
            f"{prefix}-nodes",
            cluster_name=self.cluster.name,
            region=region,
            node_group_name=NODE_GROUP,
            node_role_arn=node_role.arn,
            subnet_ids=list(subnets),
            instance_types=[nodes.instance_type],
            ami_type=ami_type(nodes.instance_type),
            disk_size=nodes.disk,
            scaling_config={
                "min_size": nodes.least,
                "desired_size": nodes.first,
                "max_size": nodes.most,
            },
            tags=dict(tags),
            opts=pulumi.ResourceOptions(
                parent=self.cluster,
                depends_on=node_attached,
                # An autoscaler's to change.
                ignore_changes=["scalingConfig.desiredSize"],
            ),
        )
