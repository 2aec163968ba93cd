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
from kitaru_iac.clouds.aws.provision.names import network_part_name
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.owned import lacking
from kitaru_iac.clouds.provider import Claim, Inputs, Sighting

__all__ = ["KINDS", "claim_of", "claims", "sight"]

ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
#: EC2 refuses to make either of them a second time.
ROUTE = "aws:ec2/route:Route"
LINK = "aws:ec2/routeTableAssociation:RouteTableAssociation"


@dataclass(frozen=True, slots=True)
class _Tagged:
    """A kind that EC2 finds by tags.

    Attributes:
        noun: What it is called.
        arn: What its ARN calls it, before its id.
        operation: boto3's method.
        key: Of the answer.
        id: Of each item.
        state: The field that says whether it is gone already.
    """

    noun: str
    arn: str
    operation: str
    key: str
    id: str
    state: str | None = None


_VPC, _ADDRESS = "aws:ec2/vpc:Vpc", "aws:ec2/eip:Eip"
_TAGGED = {
    _VPC: _Tagged("network", "vpc", "describe_vpcs", "Vpcs", "VpcId"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _Tagged(
        "security group", "security-group", "describe_security_groups", "SecurityGroups", "GroupId"
    ),
    "aws:ec2/subnet:Subnet": _Tagged("subnet", "subnet", "describe_subnets", "Subnets", "SubnetId"),
    "aws:ec2/internetGateway:InternetGateway": _Tagged(
        "internet gateway", "internet-gateway", "describe_internet_gateways", "InternetGateways",
        "InternetGatewayId",
    ),
    "aws:ec2/natGateway:NatGateway": _Tagged(
        "NAT gateway", "natgateway", "describe_nat_gateways", "NatGateways", "NatGatewayId",
        "State",
    ),
    _ADDRESS: _Tagged("address", "elastic-ip", "describe_addresses", "Addresses", "AllocationId"),
    "aws:ec2/routeTable:RouteTable": _Tagged(
        "route table", "route-table", "describe_route_tables", "RouteTables", "RouteTableId"
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _Tagged(
        "VPC endpoint", "vpc-endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId",
        "State",
    ),
}  # fmt: skip
#: EC2 shows these for an hour. One that failed was never usable, and goes by itself:
#: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
_GOING = {"deleted", "deleting", "failed"}
#: The kinds that `sight` looks up.
KINDS = frozenset({ASSOCIATION, ROUTE, LINK, *_TAGGED})


def claims(stack: str) -> tuple[Claim, ...]:
    """What a network of ours is known by: where it is there and in no state, that one was lost.

    An address costs money though its network is gone.
    """
    return tuple(
        Claim(token, {"tags": {"Name": network_part_name(stack, use)}})
        for token, use in ((_VPC, "network"), (_ADDRESS, "nat"))
    )


def claim_of(kind: str, id: str) -> Claim | None:
    """What the end of an ARN of EC2 means, as ``natgateway`` and its id; None for other kinds."""
    for token, found in _TAGGED.items():
        if found.arn == kind:
            return Claim(token, {"id": id})
    return None


def sight(
    access: AwsAccess, type: str, inputs: Inputs, marks: Mapping[str, str]
) -> Sighting | None:
    """What AWS has of a resource; None if there is nothing of ours.

    Args:
        access: Asks.
        type: One of `KINDS`.
        inputs: Its inputs, of which the tag ``Name`` counts, what the pods run as, or the table. Of
            what has tags, ``id`` alone will do.
        marks: The tags that say it is the deployment's.

    Raises:
        ProbeError: It cannot be told.
    """
    if type == ASSOCIATION:
        return _association(access, inputs, marks)
    if type in {ROUTE, LINK}:
        return _of_table(access, type, inputs, marks)
    kind = _TAGGED[type]
    tags, known_as = inputs.get("tags"), inputs.get("id")
    name = tags.get("Name") if isinstance(tags, Mapping) else None
    if name is None and known_as is None:
        return None
    wanted = {**marks} if name is None else {**marks, "Name": str(name)}
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]
    ask = partial(access.ask, "ec2", kind.operation, about=f"{kind.noun} {name or known_as}")
    # One of all calls of EC2 calls its argument otherwise.
    is_nat = kind.operation == "describe_nat_gateways"
    answer = ask(Filter=filters) if is_nat else ask(Filters=filters)
    for item in answer[kind.key]:
        carried = {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}
        is_going = kind.state is not None and str(item.get(kind.state)).lower() in _GOING
        found = str(item[kind.id])
        if is_going or not wanted.items() <= carried.items() or known_as not in {None, found}:
            continue
        called = [kind.noun, carried.get("Name"), f"({found})"]
        return Sighting(found, " ".join(filter(None, called)))
    return None


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
