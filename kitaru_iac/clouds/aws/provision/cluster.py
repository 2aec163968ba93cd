"""An EKS cluster with its add-ons and one managed node group.

It costs money by the hour, so it is made only where it is asked for.

Secrets are encrypted without being asked: EKS encrypts all data of the Kubernetes API with a key of
its own (https://docs.aws.amazon.com/eks/latest/userguide/envelope-encryption.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, eks, iam

from kitaru_iac.clouds.aws.provision.args import InfrastructureArgs
from kitaru_iac.clouds.aws.provision.cluster_access import AFTER_NODES, BEFORE_NODES, addons
from kitaru_iac.clouds.aws.provision.names import NODE_GROUP, log_group_name, role_name
from kitaru_iac.clouds.aws.provision.roles import managed_role
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.infrastructure import Infrastructure

__all__ = ["LOG_RETENTION", "Cluster", "Nodes", "Setting", "ami_type", "nodes_of"]

#: Days for which the control plane's logs stay.
LOG_RETENTION = 90
_LOGS = ["api", "audit", "authenticator"]
#: https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
_NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryPullOnly",
)


#: Families with a processor of ARM: `a1`, and a `g` behind the generation, as in `m7g` and `c7gn`.
_ARM = compiled(r"a1|p[0-9]+e-gb[0-9]+|[a-z]+[0-9]+[a-z]*g[a-z]*")
#: Families with an NVIDIA GPU, as `gr6` and `p6-b200`; the GPU of a `g4ad` is AMD's.
_NVIDIA = compiled(r"(?!g4ad$)(?:g|gr|p)[0-9]+[a-z]*(?:-g?b[0-9]+)?")


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
    processor = "ARM_64" if _ARM.fullmatch(family) else "x86_64"
    return f"AL2023_{processor}_{'NVIDIA' if _NVIDIA.fullmatch(family) else 'STANDARD'}"


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a cluster and its parts are, and what they all have.

    Attributes:
        prefix: Of the Pulumi names.
        stack: The stack's name, for the names of the roles.
        region: Where they are, whatever the provider's region.
        partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
        tags: On everything.
        boundary: The ARN of a permissions boundary, where the account demands one.
    """

    prefix: str
    stack: str
    region: str
    partition: str
    tags: Mapping[str, str]
    boundary: str | None = None


class Cluster:
    """The cluster, its log group, its add-ons, its node group and their roles.

    Whoever makes it is its administrator, through an access entry that AWS makes.

    Args:
        setting: Where it is, and what its parts have.
        name: The cluster's.
        subnets: Of at least two zones. In public ones the nodes must get public addresses.
        parent: The component.
        nodes: What they are, and how many.
        endpoint_access: The networks that may reach the public endpoint; none for no such endpoint.
        version: Of Kubernetes; None for the newest that EKS offers.
        log_retention: How many days the control plane's logs stay.
        deletion_protection: Whether AWS refuses to delete the cluster.
        after: What nodes need beside the cluster, as routes.
    """

    def __init__(
        self,
        setting: Setting,
        name: str,
        *,
        subnets: Sequence[pulumi.Input[str]],
        parent: pulumi.Resource,
        nodes: Nodes,
        endpoint_access: Sequence[str] = (),
        version: str | None = None,
        log_retention: int = LOG_RETENTION,
        deletion_protection: bool = False,
        after: Sequence[pulumi.Resource] = (),
    ) -> None:
        self._setting = setting
        role, attached = self._role(
            "cluster", "eks.amazonaws.com", ("AmazonEKSClusterPolicy",), parent
        )
        # Made before, or EKS makes one that keeps everything for ever and outlives the cluster.
        logs = cloudwatch.LogGroup(
            f"{setting.prefix}-cluster-logs",
            name=log_group_name(name),
            region=setting.region,
            retention_in_days=log_retention,
            tags=dict(setting.tags),
            opts=pulumi.ResourceOptions(parent=parent),
        )
        self.cluster = eks.Cluster(
            f"{setting.prefix}-cluster",
            name=name,
            region=setting.region,
            role_arn=role.arn,
            access_config={
                "authentication_mode": "API",
                "bootstrap_cluster_creator_admin_permissions": True,
            },
            # The managed add-ons below come in their place.
            bootstrap_self_managed_addons=False,
            enabled_cluster_log_types=_LOGS,
            vpc_config={
                "subnet_ids": list(subnets),
                "endpoint_private_access": True,
                "endpoint_public_access": bool(endpoint_access),
                "public_access_cidrs": list(endpoint_access) or None,
            },
            version=version,
            # Extended support costs six times as much by the hour, and begins by itself.
            upgrade_policy={"support_type": "STANDARD"},
            deletion_protection=deletion_protection,
            tags=dict(setting.tags),
            # Without its policies the cluster could not clean up after itself when it goes.
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[*attached, logs]),
        )
        self.name = self.cluster.name
        first = self._addons(BEFORE_NODES)
        group = self._nodes(nodes, subnets, parent, [*first, *after])
        self._addons(AFTER_NODES, [group])

    def _addons(
        self, names: Sequence[str], after: Sequence[pulumi.Resource] = ()
    ) -> list[pulumi.Resource]:
        setting = self._setting
        return addons(
            setting.prefix,
            self.cluster,
            names,
            region=setting.region,
            tags=setting.tags,
            after=after,
        )

    def _nodes(
        self,
        nodes: Nodes,
        subnets: Sequence[pulumi.Input[str]],
        parent: pulumi.Resource,
        after: Sequence[pulumi.Resource],
    ) -> eks.NodeGroup:
        setting = self._setting
        role, attached = self._role("nodes", "ec2.amazonaws.com", _NODE_POLICIES, parent)
        return eks.NodeGroup(
            f"{setting.prefix}-nodes",
            cluster_name=self.cluster.name,
            region=setting.region,
            node_group_name=NODE_GROUP,
            node_role_arn=role.arn,
            subnet_ids=list(subnets),
            instance_types=[nodes.instance_type],
            ami_type=ami_type(nodes.instance_type),
            disk_size=nodes.disk,
            scaling_config={
                "min_size": nodes.least,
                "desired_size": nodes.first,
                "max_size": nodes.most,
            },
            tags=dict(setting.tags),
            opts=pulumi.ResourceOptions(
                parent=self.cluster,
                depends_on=[*attached, *after],
                # An autoscaler's to change.
                ignore_changes=["scalingConfig.desiredSize"],
            ),
        )

    def _role(
        self, use: str, service: str, policies: tuple[str, ...], parent: pulumi.Resource
    ) -> tuple[iam.Role, list[iam.RolePolicyAttachment]]:
        setting = self._setting
        return managed_role(
            setting.prefix,
            use,
            role_name(setting.stack, use, setting.region),
            service,
            policies,
            partition=setting.partition,
            tags=setting.tags,
            parent=parent,
            boundary=setting.boundary,
        )
