"""A network for a cluster: one subnet, and Cloud NAT for all that leaves it.

Nodes have no public address. What they ask of Google goes by Private Google Access, which costs
nothing; all else by Cloud NAT, which costs money by the hour and by the gigabyte.
"""

from __future__ import annotations

from collections.abc import Iterable

import pulumi
from pulumi_gcp import compute

from kitaru_iac.clouds.gcp.provision.names import PODS, SERVICES

__all__ = ["Network"]

#: About a thousand nodes; Autopilot gives each of them 64 addresses for its pods.
#: https://cloud.google.com/kubernetes-engine/docs/concepts/alias-ips
_NODES, _OF_PODS, _OF_SERVICES = "10.0.0.0/22", "10.64.0.0/14", "10.1.0.0/20"


class Network:
    """The network of a cluster.

    Nothing of it has labels (https://cloud.google.com/compute/docs/labeling-resources): whose it
    is stands in the descriptions.

    Args:
        prefix: Of the Pulumi names.
        name: Of the network, the subnet, the router and the NAT.
        project: Where it is.
        region: Where in it.
        description: Whose it is.
        parent: The component.
        after: What has to be there before.

    Attributes:
        network: The network.
        subnet: The subnet.
        ready: What has to be there before nodes can reach the outside.
    """

    def __init__(
        self,
        prefix: str,
        name: str,
        *,
        project: str,
        region: str,
        description: str,
        parent: pulumi.Resource,
        after: Iterable[pulumi.Resource],
    ) -> None:
        self.network = compute.Network(
            f"{prefix}-network",
            name=name,
            project=project,
            description=description,
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
        )
        inside = pulumi.ResourceOptions(parent=self.network)
        self.subnet = compute.Subnetwork(
            f"{prefix}-subnet",
            name=name,
            project=project,
            region=region,
            network=self.network.id,
            description=description,
            ip_cidr_range=_NODES,
            secondary_ip_ranges=[
                {"range_name": PODS, "ip_cidr_range": _OF_PODS},
                {"range_name": SERVICES, "ip_cidr_range": _OF_SERVICES},
            ],
            private_ip_google_access=True,
            opts=inside,
        )
        router = compute.Router(
            f"{prefix}-router",
            name=name,
            project=project,
            region=region,
            network=self.network.id,
            description=description,
            opts=inside,
        )
        leaving = compute.RouterNat(
            f"{prefix}-nat",
            name=name,
            project=project,
            region=region,
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            opts=pulumi.ResourceOptions(parent=router),
        )
        self.ready: tuple[pulumi.Resource, ...] = (leaving,)
