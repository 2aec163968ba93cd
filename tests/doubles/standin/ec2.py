"""EC2: a network, and what stands in it.

Ids are AWS's own. What moto lets go although something stands in it is refused here, as EC2 does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from standin.kinds import Inputs, Kind, Missing, ask, gone, mapping, pairs

_GONE = {"deleted", "deleting"}


class Tagged(Kind):
    """A thing with an id and tags.

    Attributes:
        noun: What EC2 calls it in a tag specification.
        operation: boto3's method that describes it.
        argument: Its argument for ids.
        key: Of the answer.
        none: The error codes that say: it does not exist.
    """

    noun: ClassVar[str]
    operation: ClassVar[str]
    argument: ClassVar[str]
    key: ClassVar[str]
    none: ClassVar[frozenset[str]]

    def look(self, id: str) -> dict[str, Any]:
        call = getattr(self.client("ec2"), self.operation)
        found: list[dict[str, Any]] = ask(set(self.none), call, **{self.argument: [id]})[self.key]
        if not found or str(found[0].get("State")).lower() in _GONE:
            raise Missing(id)
        return found[0]

    def tags(self, inputs: Inputs) -> list[dict[str, Any]]:
        """In one call with the creation, as the real plugin gives them."""
        return [{"ResourceType": self.noun, "Tags": pairs(inputs.get("tags"))}]

    def arn(self, id: str, seen: Mapping[str, Any]) -> str:
        return f"arn:aws:ec2:{self.region}:{seen.get('OwnerId', '')}:{self.noun}/{id}"

    def common(self, id: str, seen: Mapping[str, Any]) -> dict[str, Any]:
        tags = mapping(seen.get("Tags", []))
        return {"arn": self.arn(id, seen), "tags": tags, "tagsAll": tags}

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        ec2, wanted = self.client("ec2"), new.get("tags") or {}
        extra = [key for key in (old.get("tags") or {}) if key not in wanted]
        if extra:
            ec2.delete_tags(Resources=[id], Tags=[{"Key": key} for key in extra])
        if wanted:
            ec2.create_tags(Resources=[id], Tags=pairs(wanted))


def nat_gateways(ec2: Any) -> Iterator[dict[str, Any]]:
    """Those that are there: EC2 shows for an hour what is gone."""
    for seen in ec2.describe_nat_gateways()["NatGateways"]:
        if seen["State"] not in _GONE:
            yield seen


def standing(client: Callable[[str], Any], where: str, id: str) -> Iterator[str]:
    """What keeps a subnet, or a network, from going: NAT gateways, endpoints and clusters."""
    field = "VpcId" if where == "vpc" else "SubnetId"
    ec2, eks = client("ec2"), client("eks")
    for gateway in nat_gateways(ec2):
        if gateway[field] == id:
            yield gateway["NatGatewayId"]
    if where == "vpc":
        for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]:
            if endpoint["VpcId"] == id and endpoint["State"].lower() not in _GONE:
                yield endpoint["VpcEndpointId"]
        for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
            if any(link["VpcId"] == id for link in gateway["Attachments"]):
                yield gateway["InternetGatewayId"]
        return
    for name in eks.list_clusters()["clusters"]:
        if id in eks.describe_cluster(name=name)["cluster"]["resourcesVpcConfig"]["subnetIds"]:
            yield name


def refuse(id: str, why: Iterator[str]) -> None:
    found = list(why)
    if found:
        what = f"{id} has dependencies and cannot be deleted: {', '.join(found)}"
        raise RuntimeError(f"DependencyViolation: {what}")


class Vpc(Tagged):
    token = "aws:ec2/vpc:Vpc"
    forces = frozenset({"cidrBlock"})
    computed = ("arn", "defaultSecurityGroupId", "ownerId", "tagsAll")
    noun, operation, argument, key = "vpc", "describe_vpcs", "VpcIds", "Vpcs"
    none = frozenset({"InvalidVpcID.NotFound"})
    _SWITCHES: ClassVar = {"enableDnsSupport": "EnableDnsSupport",
                           "enableDnsHostnames": "EnableDnsHostnames"}  # fmt: skip

    def create(self, inputs: Inputs) -> str:
        call = self.client("ec2").create_vpc
        made = call(CidrBlock=inputs["cidrBlock"], TagSpecifications=self.tags(inputs))["Vpc"]
        name = str(made["VpcId"])
        self._switch(name, inputs)
        return name

    def _switch(self, id: str, inputs: Inputs) -> None:
        for ours, theirs in self._SWITCHES.items():
            value = {"Value": bool(inputs.get(ours))}
            self.client("ec2").modify_vpc_attribute(VpcId=id, **{theirs: value})

    def read(self, id: str) -> dict[str, Any]:
        seen, ec2 = self.look(id), self.client("ec2")
        switches = {
            ours: ec2.describe_vpc_attribute(VpcId=id, Attribute=ours)[theirs]["Value"]
            for ours, theirs in self._SWITCHES.items()
        }
        groups = ec2.describe_security_groups(Filters=of_network(id, "group-name", "default"))
        return {
            "cidrBlock": seen["CidrBlock"],
            "defaultSecurityGroupId": groups["SecurityGroups"][0]["GroupId"],
            "ownerId": seen["OwnerId"],
            **switches,
            **self.common(id, seen),
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        super().update(id, old, new)
        self._switch(id, new)

    def delete(self, id: str, state: Inputs) -> None:
        del state
        refuse(id, standing(self.client, "vpc", id))
        gone(set(self.none), self.client("ec2").delete_vpc, VpcId=id)


def of_network(vpc: str, *more: str) -> list[dict[str, Any]]:
    name, value = more
    return [{"Name": "vpc-id", "Values": [vpc]}, {"Name": name, "Values": [value]}]


class DefaultSecurityGroup(Tagged):
    """There is one with each network: it is emptied, and never deleted."""

    token = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    forces = frozenset({"vpcId"})
    computed = ("arn", "description", "name", "ownerId", "tagsAll")
    noun, operation = "security-group", "describe_security_groups"
    argument, key = "GroupIds", "SecurityGroups"
    none = frozenset({"InvalidGroup.NotFound"})

    def create(self, inputs: Inputs) -> str:
        call = self.client("ec2").describe_security_groups
        found = call(Filters=of_network(inputs["vpcId"], "group-name", "default"))
        group = str(found["SecurityGroups"][0]["GroupId"])
        self.update(group, {}, inputs)
        return group

    def read(self, id: str) -> dict[str, Any]:
        seen = self.look(id)
        rules = {"ingress": len(seen["IpPermissions"]), "egress": len(seen["IpPermissionsEgress"])}
        return {
            "vpcId": seen["VpcId"],
            "name": seen["GroupName"],
            "description": seen["Description"],
            "ownerId": seen["OwnerId"],
            **{way: [{}] * count for way, count in rules.items()},
            **self.common(id, seen),
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        super().update(id, old, new)
        ec2, seen = self.client("ec2"), self.look(id)
        for way, call in (
            ("IpPermissions", ec2.revoke_security_group_ingress),
            ("IpPermissionsEgress", ec2.revoke_security_group_egress),
        ):
            if seen[way]:
                call(GroupId=id, IpPermissions=seen[way])

    def delete(self, id: str, state: Inputs) -> None:
        del id, state


class Subnet(Tagged):
    token = "aws:ec2/subnet:Subnet"
    forces = frozenset({"vpcId", "cidrBlock", "availabilityZone"})
    computed = ("arn", "availabilityZoneId", "ownerId", "tagsAll")
    noun, operation, argument, key = "subnet", "describe_subnets", "SubnetIds", "Subnets"
    none = frozenset({"InvalidSubnetID.NotFound"})

    def create(self, inputs: Inputs) -> str:
        made = self.client("ec2").create_subnet(
            VpcId=inputs["vpcId"],
            CidrBlock=inputs["cidrBlock"],
            AvailabilityZone=inputs["availabilityZone"],
            TagSpecifications=self.tags(inputs),
        )["Subnet"]
        return str(made["SubnetId"])

    def read(self, id: str) -> dict[str, Any]:
        seen = self.look(id)
        return {
            "vpcId": seen["VpcId"],
            "cidrBlock": seen["CidrBlock"],
            "availabilityZone": seen["AvailabilityZone"],
            "availabilityZoneId": seen["AvailabilityZoneId"],
            "mapPublicIpOnLaunch": seen["MapPublicIpOnLaunch"],
            "ownerId": seen["OwnerId"],
            **self.common(id, seen),
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        super().update(id, old, new)
        public = {"Value": bool(new.get("mapPublicIpOnLaunch"))}
        self.client("ec2").modify_subnet_attribute(SubnetId=id, MapPublicIpOnLaunch=public)

    def delete(self, id: str, state: Inputs) -> None:
        del state
        refuse(id, standing(self.client, "subnet", id))
        gone(set(self.none), self.client("ec2").delete_subnet, SubnetId=id)


class InternetGateway(Tagged):
    """Made first, and attached in a second call."""

    token = "aws:ec2/internetGateway:InternetGateway"
    computed = ("arn", "ownerId", "tagsAll")
    noun, operation = "internet-gateway", "describe_internet_gateways"
    argument, key = "InternetGatewayIds", "InternetGateways"
    none = frozenset({"InvalidInternetGatewayID.NotFound"})

    def create(self, inputs: Inputs) -> str:
        made = self.client("ec2").create_internet_gateway(TagSpecifications=self.tags(inputs))
        gateway = str(made["InternetGateway"]["InternetGatewayId"])
        self._attach(gateway, inputs)
        return gateway

    def _attach(self, id: str, inputs: Inputs) -> None:
        call = self.client("ec2").attach_internet_gateway
        call(InternetGatewayId=id, VpcId=inputs["vpcId"])

    def read(self, id: str) -> dict[str, Any]:
        seen = self.look(id)
        attached = [link["VpcId"] for link in seen["Attachments"]]
        return {
            "vpcId": attached[0] if attached else None,
            "ownerId": seen.get("OwnerId"),
            **self.common(id, seen),
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        super().update(id, old, new)
        if self.read(id)["vpcId"] is None:
            self._attach(id, new)

    def delete(self, id: str, state: Inputs) -> None:
        del state
        with contextlib.suppress(Missing):
            vpc, ec2 = self.read(id)["vpcId"], self.client("ec2")
            if vpc is not None:
                mapped = (o["NatGatewayId"] for o in nat_gateways(ec2) if o["VpcId"] == vpc)
                refuse(id, mapped)
                ec2.detach_internet_gateway(InternetGatewayId=id, VpcId=vpc)
            ec2.delete_internet_gateway(InternetGatewayId=id)


class Eip(Tagged):
    token = "aws:ec2/eip:Eip"
    computed = ("allocationId", "arn", "publicIp", "tagsAll")
    noun, operation, argument = "elastic-ip", "describe_addresses", "AllocationIds"
    key = "Addresses"
    none = frozenset({"InvalidAllocationID.NotFound"})

    def create(self, inputs: Inputs) -> str:
        call = self.client("ec2").allocate_address
        return str(call(Domain="vpc", TagSpecifications=self.tags(inputs))["AllocationId"])

    def read(self, id: str) -> dict[str, Any]:
        seen = self.look(id)
        return {
            "allocationId": id,
            "domain": seen["Domain"],
            "publicIp": seen["PublicIp"],
            **self.common(id, seen),
        }

    def delete(self, id: str, state: Inputs) -> None:
        del state
        ec2 = self.client("ec2")
        users = (
            one["NatGatewayId"]
            for one in nat_gateways(ec2)
            if any(address.get("AllocationId") == id for address in one["NatGatewayAddresses"])
        )
        refuse(id, users)
        gone(set(self.none), ec2.release_address, AllocationId=id)


class NatGateway(Tagged):
    token = "aws:ec2/natGateway:NatGateway"
    forces = frozenset({"allocationId", "subnetId"})
    computed = ("arn", "publicIp", "tagsAll")
    noun, operation, argument = "natgateway", "describe_nat_gateways", "NatGatewayIds"
    key, none = "NatGateways", frozenset({"NatGatewayNotFound"})

    def create(self, inputs: Inputs) -> str:
        made = self.client("ec2").create_nat_gateway(
            SubnetId=inputs["subnetId"],
            AllocationId=inputs["allocationId"],
            TagSpecifications=self.tags(inputs),
        )["NatGateway"]
        return str(made["NatGatewayId"])

    def read(self, id: str) -> dict[str, Any]:
        seen = self.look(id)
        address = seen["NatGatewayAddresses"][0]
        return {
            "allocationId": address["AllocationId"],
            "publicIp": address["PublicIp"],
            "subnetId": seen["SubnetId"],
            **self.common(id, seen),
        }

    def delete(self, id: str, state: Inputs) -> None:
        del state
        with contextlib.suppress(Missing):
            self.look(id)
            self.client("ec2").delete_nat_gateway(NatGatewayId=id)


KINDS = (Vpc, DefaultSecurityGroup, Subnet, InternetGateway, Eip, NatGateway)
