"""What exists in AWS of the resources that have no name of their own, found by their tags.

A network and its parts get their ids from AWS. What carries the deployment's marks and the name
that the program gave is the deployment's own, and nothing else is ever looked at: there is no name
that somebody else could have taken. Routes, and which table a subnet has, carry no tags: they are
the deployment's where the table is.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from kitaru_iac.checks.probes import NotFound
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.owned import lacking
from kitaru_iac.clouds.provider import Inputs, Sighting

__all__ = ["KINDS", "sight"]

ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
#: EC2 refuses to make either of them a second time.
ROUTE = "aws:ec2/route:Route"
LINK = "aws:ec2/routeTableAssociation:RouteTableAssociation"


@dataclass(frozen=True, slots=True)
class _Tagged:
    """A kind that EC2 finds by tags.

    Attributes:
        noun: What it is called.
        operation: boto3's method.
        key: Of the answer.
        id: Of each item.
        state: The field that says whether it is gone already.
    """

    noun: str
    operation: str
    key: str
    id: str
    state: str | None = None


_TAGGED = {
    "aws:ec2/vpc:Vpc": _Tagged("network", "describe_vpcs", "Vpcs", "VpcId"),
    "aws:ec2/subnet:Subnet": _Tagged("subnet", "describe_subnets", "Subnets", "SubnetId"),
    "aws:ec2/internetGateway:InternetGateway": _Tagged(
        "internet gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    ),
    "aws:ec2/natGateway:NatGateway": _Tagged(
        "NAT gateway", "describe_nat_gateways", "NatGateways", "NatGatewayId", "State"
    ),
    "aws:ec2/eip:Eip": _Tagged("address", "describe_addresses", "Addresses", "AllocationId"),
    "aws:ec2/routeTable:RouteTable": _Tagged(
        "route table", "describe_route_tables", "RouteTables", "RouteTableId"
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _Tagged(
        "VPC endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "State"
    ),
}
_GOING = {"deleted", "deleting"}
#: The kinds that `sight` looks up.
KINDS = frozenset({ASSOCIATION, ROUTE, LINK, *_TAGGED})


def sight(
    access: AwsAccess, type: str, inputs: Inputs, marks: Mapping[str, str]
) -> Sighting | None:
    """What AWS has of a resource; None if there is nothing of ours.

    Args:
        access: Asks.
        type: One of `KINDS`.
        inputs: Its inputs, of which the tag ``Name`` counts, what the pods run as, or the table.
        marks: The tags that say it is the deployment's.

    Raises:
        ProbeError: It cannot be told.
    """
    if type == ASSOCIATION:
        return _association(access, inputs, marks)
    if type in {ROUTE, LINK}:
        return _of_table(access, type, inputs, marks)
    kind = _TAGGED[type]
    tags = inputs.get("tags")
    name = tags.get("Name") if isinstance(tags, Mapping) else None
    if name is None:
        return None
    wanted = {**marks, "Name": str(name)}
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]
    ask = partial(access.ask, "ec2", kind.operation, about=f"{kind.noun} {name}")
    # One of all calls of EC2 calls its argument otherwise.
    is_nat = kind.operation == "describe_nat_gateways"
    answer = ask(Filter=filters) if is_nat else ask(Filters=filters)
    found = [
        str(item[kind.id])
        for item in answer[kind.key]
        if wanted.items() <= {t["Key"]: t["Value"] for t in item.get("Tags", ())}.items()
        and (kind.state is None or str(item.get(kind.state)).lower() not in _GOING)
    ]
    return Sighting(found[0], f"{kind.noun} {name} ({found[0]})", None) if found else None


def _of_table(
    access: AwsAccess, type: str, inputs: Inputs, marks: Mapping[str, str]
) -> Sighting | None:
    """A route of a route table of ours, or that a subnet has that table."""
    table = str(inputs.get("routeTableId", ""))
    if not table:
        return None
    try:
        tables = access.ask(
            "ec2",
            "describe_route_tables",
            about=f"route table {table}",
            absent={"InvalidRouteTableID.NotFound", "InvalidRouteTableId.Malformed"},
            RouteTableIds=[table],
        )["RouteTables"]
    except NotFound:
        return None
    found = tables[0] if tables else {}
    if lacking({tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}, marks):
        return None
    return _route(table, found, inputs) if type == ROUTE else _link(table, found, inputs)


def _route(table: str, found: Mapping[str, Any], inputs: Inputs) -> Sighting | None:
    to = str(inputs.get("destinationCidrBlock", ""))
    if all(route.get("DestinationCidrBlock") != to for route in found.get("Routes", ())):
        return None
    # As Pulumi's provider names routes, for which EC2 has no ids.
    return Sighting(f"r-{table}{zlib.crc32(to.encode())}", f"route to {to} of {table}")


def _link(table: str, found: Mapping[str, Any], inputs: Inputs) -> Sighting | None:
    subnet = inputs.get("subnetId")
    for link in found.get("Associations", ()):
        gone = str((link.get("AssociationState") or {}).get("State")) in {
            "disassociating",
            "disassociated",
        }
        if subnet is not None and link.get("SubnetId") == subnet and not gone:
            known_as = str(link["RouteTableAssociationId"])
            return Sighting(known_as, f"route table {table} of subnet {subnet} ({known_as})")
    return None


def _association(access: AwsAccess, inputs: Inputs, marks: Mapping[str, str]) -> Sighting | None:
    """A cluster has one association at most for a service account."""
    cluster, namespace = str(inputs["clusterName"]), str(inputs["namespace"])
    account = str(inputs["serviceAccount"])
    about = f"identity of {namespace}/{account} in cluster {cluster}"
    try:
        listed = access.ask(
            "eks",
            "list_pod_identity_associations",
            about=about,
            absent={"ResourceNotFoundException"},
            clusterName=cluster,
            namespace=namespace,
            serviceAccount=account,
        )["associations"]
        if not listed:
            return None
        found = access.ask(
            "eks",
            "describe_pod_identity_association",
            about=about,
            absent={"ResourceNotFoundException"},
            clusterName=cluster,
            associationId=listed[0]["associationId"],
        )["association"]
    except NotFound:
        return None
    tags = found.get("tags") or {}
    return Sighting(str(found["associationId"]), about, lacking(tags, marks))
