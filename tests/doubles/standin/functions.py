"""The functions that a program calls before it makes anything: whose account, which subnets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from standin.kinds import Inputs, Missing, mapping

Client = Callable[[str], Any]


def caller_identity(client: Client, given: Inputs) -> dict[str, Any]:
    del given
    seen = client("sts").get_caller_identity()
    account = seen["Account"]
    return {"accountId": account, "arn": seen["Arn"], "id": account, "userId": seen["UserId"]}


def subnets(client: Client, given: Inputs) -> dict[str, Any]:
    filters = [{"Name": f["name"], "Values": f["values"]} for f in given.get("filters") or ()]
    found = client("ec2").describe_subnets(Filters=filters)["Subnets"]
    ids = sorted(seen["SubnetId"] for seen in found)
    return {"id": given["region"], "ids": ids, "region": given["region"], "tags": {}}


def subnet(client: Client, given: Inputs) -> dict[str, Any]:
    found = client("ec2").describe_subnets(SubnetIds=[given["id"]])["Subnets"]
    if not found:
        raise Missing(given["id"])
    seen = found[0]
    return {
        "id": seen["SubnetId"],
        "arn": seen["SubnetArn"],
        "availabilityZone": seen["AvailabilityZone"],
        "availabilityZoneId": seen["AvailabilityZoneId"],
        "cidrBlock": seen["CidrBlock"],
        "defaultForAz": seen["DefaultForAz"],
        "region": given["region"],
        "tags": mapping(seen.get("Tags", [])),
        "vpcId": seen["VpcId"],
    }


def zones(client: Client, given: Inputs) -> dict[str, Any]:
    filters = [{"Name": f["name"], "Values": f["values"]} for f in given.get("filters") or ()]
    seen = client("ec2").describe_availability_zones(Filters=filters)["AvailabilityZones"]
    found = [
        zone
        for zone in seen
        if zone["State"] == given.get("state", zone["State"])
        and zone["ZoneId"] not in (given.get("excludeZoneIds") or ())
    ]
    return {
        "id": given["region"],
        "names": [zone["ZoneName"] for zone in found],
        "zoneIds": [zone["ZoneId"] for zone in found],
        "region": given["region"],
    }


def access_entry(client: Client, given: Inputs) -> dict[str, Any]:
    """EKS says of an entry that is not there what it says of a cluster that is not."""
    named = {"clusterName": given["clusterName"], "principalArn": given["principalArn"]}
    seen = client("eks").describe_access_entry(**named)["accessEntry"]
    return {
        **named,
        "id": f"{given['clusterName']}:{given['principalArn']}",
        "accessEntryArn": seen["accessEntryArn"],
        "createdAt": str(seen.get("createdAt", "")),
        "modifiedAt": str(seen.get("modifiedAt", "")),
        "kubernetesGroups": seen.get("kubernetesGroups", []),
        "userName": seen.get("username", ""),
        "type": seen.get("type", "STANDARD"),
        "tags": seen["tags"],
        "tagsAll": seen["tags"],
        "region": given["region"],
    }


FUNCTIONS: Mapping[str, Callable[[Client, Inputs], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": caller_identity,
    "aws:ec2/getSubnets:getSubnets": subnets,
    "aws:ec2/getSubnet:getSubnet": subnet,
    "aws:eks/getAccessEntry:getAccessEntry": access_entry,
    "aws:index/getAvailabilityZones:getAvailabilityZones": zones,
}
