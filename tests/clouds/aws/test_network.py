"""A network that is made: cut off, resumed, taken back and deleted, by the real engine.

What is not ours in EC2 stays as it is, also under our names and with some of our tags.
"""

from __future__ import annotations

from shutil import rmtree
from typing import Any

import pytest

from kitaru_iac.clouds.provider import marks
from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.infrastructure import destroy as d
from kitaru_iac.infrastructure import provision as p
from kitaru_iac.spec import from_mapping
from tests.clouds.aws.test_provision import changes, killed
from tests.doubles.aws import REGION, AwsLoopback
from tests.doubles.standin.fixtures import EngineRoom

__all__ = ["killed"]

pytestmark = pytest.mark.engine

OWN = marks("kitaru", "prod")
DESCRIBED: dict[str, Any] = {
    "name": "prod", "type": "kubernetes", "region": REGION, "infra": "provision",
    "artifact_store": "s3://team-data/k", "container_registry": "ghcr.io/team",
    "resources": {"cluster": "create"},
    "infrastructure": {"network": "create", "endpoint_access": []},
}  # fmt: skip
LINK = "aws:ec2/routeTableAssociation:RouteTableAssociation"
NAT, ROUTE = "aws:ec2/natGateway:NatGateway", "aws:ec2/route:Route"
ENDPOINT, CLUSTER = "aws:ec2/vpcEndpoint:VpcEndpoint", "aws:eks/cluster:Cluster"
#: What EC2 has, by the operation that lists it: the answer's key, and the field of the id.
KINDS = {
    "describe_vpcs": ("Vpcs", "VpcId"),
    "describe_subnets": ("Subnets", "SubnetId"),
    "describe_internet_gateways": ("InternetGateways", "InternetGatewayId"),
    "describe_nat_gateways": ("NatGateways", "NatGatewayId"),
    "describe_addresses": ("Addresses", "AllocationId"),
    "describe_route_tables": ("RouteTables", "RouteTableId"),
    "describe_vpc_endpoints": ("VpcEndpoints", "VpcEndpointId"),
    "describe_security_groups": ("SecurityGroups", "GroupId"),
}


def tagged(kind: str, tags: dict[str, str]) -> dict[str, Any]:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs}]}


def plant(aws: AwsLoopback) -> None:
    """The bucket that is used, and networks of others: of our name, with some of our tags."""
    aws.bucket("team-data")
    ec2 = aws.client("ec2")
    for tags in ({}, {**OWN, "pulumi-project": "theirs"}):
        named = {**tags, "Name": "kitaru-prod-network"}
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", **tagged("vpc", named))["Vpc"]["VpcId"]
        more = tagged("subnet", {**tags, "Name": "kitaru-prod-public"})
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", **more)
        made = ec2.create_internet_gateway(**tagged("internet-gateway", named))
        gateway = made["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.allocate_address(Domain="vpc", **tagged("elastic-ip", named))


def listed(aws: AwsLoopback) -> list[tuple[str, str, dict[str, Any], bool]]:
    """Operation, id, description, and whether it has our tags; of a network, what is in it too."""
    ec2 = aws.client("ec2")
    found = []
    for operation, (key, name) in KINDS.items():
        for one in getattr(ec2, operation)()[key]:
            tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())}
            found.append((operation, str(one[name]), one, OWN.items() <= tags.items()))
    networks = {name for operation, name, _, own in found if own and operation == "describe_vpcs"}
    return [(o, n, one, own or one.get("VpcId") in networks) for o, n, one, own in found]


def theirs(aws: AwsLoopback) -> list[dict[str, Any]]:
    return [one for _, _, one, own in listed(aws) if not own]


def ours(aws: AwsLoopback) -> dict[str, set[str]]:
    """The ids of what is there of ours, by kind; but for what comes with a network of itself."""
    found: dict[str, set[str]] = {}
    for operation, name, one, own in listed(aws):
        is_there = str(one.get("State", "available")).lower() == "available"
        if own and is_there and one.get("Tags"):
            found.setdefault(operation, set()).add(name)
    return found


def look_at_the_network(aws: AwsLoopback) -> None:
    ec2, found = aws.client("ec2"), ours(aws)
    counts = {operation: len(names) for operation, names in found.items()}
    several = {"describe_subnets": 4, "describe_route_tables": 2}
    assert counts == dict.fromkeys(KINDS, 1) | several
    subnets = ec2.describe_subnets(SubnetIds=list(found["describe_subnets"]))["Subnets"]
    uses = {one["SubnetId"]: tag["Value"].removeprefix("kitaru-prod-")
            for one in subnets for tag in one["Tags"] if tag["Key"] == "Name"}  # fmt: skip
    (nat,) = found["describe_nat_gateways"]
    (gateway,) = found["describe_internet_gateways"]
    tables = ec2.describe_route_tables(RouteTableIds=list(found["describe_route_tables"]))
    for table in tables["RouteTables"]:
        (out,) = [r for r in table["Routes"] if r.get("DestinationCidrBlock") == "0.0.0.0/0"]
        linked = {uses[link["SubnetId"]] for link in table["Associations"]}
        if linked == {"public"}:
            assert out["GatewayId"] == gateway
        else:
            assert linked == {f"private-{REGION}{zone}" for zone in "abc"}
            assert out["NatGatewayId"] == nat
    groups = ec2.describe_security_groups(GroupIds=list(found["describe_security_groups"]))
    assert groups["SecurityGroups"][0]["IpPermissionsEgress"] == []
    cluster = aws.client("eks").describe_cluster(name="kitaru-prod")["cluster"]
    private = {name for name, use in uses.items() if use.startswith("private")}
    assert set(cluster["resourcesVpcConfig"]["subnetIds"]) == private


def test_a_network_is_made_once_whatever_is_cut_off_or_lost(
    killed: Any, engine_room: EngineRoom
) -> None:
    aws, spec = engine_room.aws, from_mapping(DESCRIBED)
    plant(aws)
    before = theirs(aws)

    killed(NAT, CLUSTER, beside=(ROUTE, ENDPOINT), described=DESCRIBED)
    first = ours(aws)
    p.provision(spec)
    look_at_the_network(aws)
    network = ours(aws)
    assert {kind: network[kind] & ids for kind, ids in first.items()} == first
    assert not p.preview_infrastructure(spec).has_changes

    rmtree(engine_room.state)
    with pytest.raises(AlreadyExistsError, match=r"not in the state.*network kitaru-prod-network"):
        p.provision(spec)
    back = p.provision(spec, take_back=True)
    assert ours(aws) == network
    assert changes(back.steps) == set()
    look_at_the_network(aws)
    assert theirs(aws) == before

    assert d.destroy_infrastructure(back.labels).kept == ()
    assert ours(aws) == {}
    assert aws.client("eks").list_clusters()["clusters"] == []
    assert theirs(aws) == before


def test_a_network_that_was_cut_off_is_taken_down(killed: Any, engine_room: EngineRoom) -> None:
    """Also what the state does not know yet."""
    aws = engine_room.aws
    plant(aws)
    before = theirs(aws)
    killed(LINK, CLUSTER, beside=(ROUTE, ENDPOINT), described=DESCRIBED)
    labels = {
        "kitaru.pulumi.project": "kitaru",
        "kitaru.pulumi.stack": "prod",
        "kitaru.pulumi.backend": engine_room.state.as_uri(),
    }
    assert d.destroy_infrastructure(labels).kept == ()
    assert ours(aws) == {}
    assert theirs(aws) == before
    assert aws.client("iam").list_roles()["Roles"] == []
