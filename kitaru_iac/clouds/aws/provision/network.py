"""A network for a cluster: private subnets, and one NAT gateway for all that leaves them.

Nodes have no public address. What they ask of S3 goes through a gateway endpoint, which costs
nothing; all else through the NAT gateway, which costs money by the hour and by the gigabyte. It is
one, in one zone: two would cost twice, and without it running steps end while data stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

import pulumi
from pulumi_aws import ec2

from kitaru_iac.clouds.aws.provision.names import network_part_name

__all__ = ["Network"]

#: The addresses of the network. EKS gives each pod one of its subnet.
_BLOCK = IPv4Network("10.0.0.0/16")
_EVERYWHERE = "0.0.0.0/0"


class Network:
    """The VPC of a cluster, with a private subnet in each zone.

    Args:
        prefix: Of the Pulumi names.
        stack: The stack's name, for the names that AWS's console shows.
        region: Where it is, whatever the provider's region.
        zones: Two or three availability zones, by name.
        tags: On everything.
        parent: The component.

    Attributes:
        subnets: The ids of the private subnets, in the order of the zones.
        ready: What has to be there before nodes can reach the outside.
    """

    def __init__(
        self,
        prefix: str,
        *,
        stack: str,
        region: str,
        zones: Sequence[str],
        tags: Mapping[str, str],
        parent: pulumi.Resource,
    ) -> None:
        self._prefix, self._region, self._tags, self._stack = prefix, region, tags, stack
        self.vpc = ec2.Vpc(
            f"{prefix}-network",
            region=region,
            cidr_block=str(_BLOCK),
            enable_dns_support=True,
            # EKS asks for both: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
            enable_dns_hostnames=True,
            tags=self._named("network"),
            opts=pulumi.ResourceOptions(parent=parent),
        )
        self._inside = pulumi.ResourceOptions(parent=self.vpc)
        # Whatever forgets to name a security group gets the default one: it lets nothing through.
        ec2.DefaultSecurityGroup(
            f"{prefix}-network-default",
            region=region,
            vpc_id=self.vpc.id,
            tags=self._named("default"),
            opts=self._inside,
        )
        leaving = self._leaving(zones[0])
        private = self._table("private")
        route = ec2.Route(
            f"{prefix}-network-private-out",
            region=region,
            route_table_id=private.id,
            destination_cidr_block=_EVERYWHERE,
            nat_gateway_id=leaving.id,
            opts=self._inside,
        )
        # Half of the block is the nodes' and pods'; public addresses are few.
        blocks = list(_BLOCK.subnets(new_prefix=18))
        made = [
            self._subnet(f"private-{zone}", zone, block, private, "internal-elb")
            for zone, block in zip(zones, blocks[1:], strict=False)
        ]
        endpoint = ec2.VpcEndpoint(
            f"{prefix}-network-s3",
            region=region,
            vpc_id=self.vpc.id,
            service_name=f"com.amazonaws.{region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[private.id],
            tags=self._named("s3"),
            opts=self._inside,
        )
        self.subnets = [subnet.id for subnet, _ in made]
        self.ready: list[pulumi.Resource] = [route, endpoint, *(link for _, link in made)]

    def _leaving(self, zone: str) -> ec2.NatGateway:
        """The NAT gateway, in a public subnet of its own."""
        gateway = ec2.InternetGateway(
            f"{self._prefix}-network-internet",
            region=self._region,
            vpc_id=self.vpc.id,
            tags=self._named("internet"),
            opts=self._inside,
        )
        public = self._table("public")
        ec2.Route(
            f"{self._prefix}-network-public-out",
            region=self._region,
            route_table_id=public.id,
            destination_cidr_block=_EVERYWHERE,
            gateway_id=gateway.id,
            opts=self._inside,
        )
        subnet, link = self._subnet(
            "public", zone, next(_BLOCK.subnets(new_prefix=24)), public, "elb"
        )
        address = ec2.Eip(
            f"{self._prefix}-network-address",
            region=self._region,
            domain="vpc",
            tags=self._named("nat"),
            opts=self._inside,
        )
        return ec2.NatGateway(
            f"{self._prefix}-network-nat",
            region=self._region,
            allocation_id=address.id,
            subnet_id=subnet.id,
            tags=self._named("nat"),
            opts=pulumi.ResourceOptions(parent=self.vpc, depends_on=[gateway, link]),
        )

    def _table(self, use: str) -> ec2.RouteTable:
        return ec2.RouteTable(
            f"{self._prefix}-network-{use}",
            region=self._region,
            vpc_id=self.vpc.id,
            tags=self._named(use),
            opts=self._inside,
        )

    def _subnet(
        self, use: str, zone: str, block: IPv4Network, table: ec2.RouteTable, role: str
    ) -> tuple[ec2.Subnet, ec2.RouteTableAssociation]:
        subnet = ec2.Subnet(
            f"{self._prefix}-network-{use}-subnet",
            region=self._region,
            vpc_id=self.vpc.id,
            availability_zone=zone,
            cidr_block=str(block),
            map_public_ip_on_launch=False,
            # Where EKS puts load balancers of either kind.
            tags={**self._named(use), f"kubernetes.io/role/{role}": "1"},
            opts=self._inside,
        )
        link = ec2.RouteTableAssociation(
            f"{self._prefix}-network-{use}-route",
            region=self._region,
            route_table_id=table.id,
            subnet_id=subnet.id,
            opts=self._inside,
        )
        return subnet, link

    def _named(self, use: str) -> dict[str, str]:
        return {**self._tags, "Name": network_part_name(self._stack, use)}
