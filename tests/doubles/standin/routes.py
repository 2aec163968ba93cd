"""EC2: the ways out of a network: route tables, routes, whose table is which, endpoints."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from typing import Any, ClassVar

from standin.ec2 import Tagged
from standin.kinds import Inputs, Kind, Missing, gone


class RouteTable(Tagged):
    token = "aws:ec2/routeTable:RouteTable"
    forces = frozenset({"vpcId"})
    computed = ("arn", "ownerId", "tagsAll")
    noun, operation = "route-table", "describe_route_tables"
    argument, key = "RouteTableIds", "RouteTables"
    none = frozenset({"InvalidRouteTableID.NotFound"})

    def create(self, inputs: Inputs) -> str:
        call = self.client("ec2").create_route_table
        made = call(VpcId=inputs["vpcId"], TagSpecifications=self.tags(inputs))["RouteTable"]
        return str(made["RouteTableId"])

    def read(self, id: str) -> dict[str, Any]:
        seen = self.look(id)
        return {"vpcId": seen["VpcId"], "ownerId": seen["OwnerId"], **self.common(id, seen)}

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(set(self.none), self.client("ec2").delete_route_table, RouteTableId=id)


class Route(Kind):
    """Its id is made of the table's and of where it leads, since EC2 has none for it."""

    token = "aws:ec2/route:Route"
    forces = frozenset({"routeTableId", "destinationCidrBlock"})
    computed = ("origin", "state")
    _WAYS: ClassVar = {"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId"}

    def create(self, inputs: Inputs) -> str:
        table, to = str(inputs["routeTableId"]), str(inputs["destinationCidrBlock"])
        self.client("ec2").create_route(
            RouteTableId=table, DestinationCidrBlock=to, **self._way(inputs)
        )
        return _route_id(table, to)

    def _way(self, inputs: Inputs) -> dict[str, str]:
        return {theirs: inputs[ours] for ours, theirs in self._WAYS.items() if inputs.get(ours)}

    def read(self, id: str) -> dict[str, Any]:
        for table in self.client("ec2").describe_route_tables()["RouteTables"]:
            for route in table["Routes"]:
                to = route.get("DestinationCidrBlock")
                if to and _route_id(table["RouteTableId"], to) == id:
                    ways = {ours: route.get(theirs) for ours, theirs in self._WAYS.items()}
                    where = {"routeTableId": table["RouteTableId"], "destinationCidrBlock": to}
                    return {**where, **ways, "origin": route["Origin"], "state": route["State"]}
        raise Missing(id)

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del id, old
        table, to = new["routeTableId"], new["destinationCidrBlock"]
        call = self.client("ec2").replace_route
        call(RouteTableId=table, DestinationCidrBlock=to, **self._way(new))

    def delete(self, id: str, state: Inputs) -> None:
        del id
        none = {"InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"}
        table, to = state["routeTableId"], state["destinationCidrBlock"]
        gone(none, self.client("ec2").delete_route, RouteTableId=table, DestinationCidrBlock=to)


def _route_id(table: str, to: str) -> str:
    return f"r-{table}{zlib.crc32(to.encode())}"


class RouteTableAssociation(Kind):
    """EC2 refuses a second one of a subnet; moto gives the first one again."""

    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    forces = frozenset({"subnetId"})

    def create(self, inputs: Inputs) -> str:
        subnet, call = str(inputs["subnetId"]), self.client("ec2").associate_route_table
        if any(link.get("SubnetId") == subnet for link in self._links()):
            raise RuntimeError(f"Resource.AlreadyAssociated: {subnet} has a route table")
        made = call(RouteTableId=inputs["routeTableId"], SubnetId=subnet)
        return str(made["AssociationId"])

    def _links(self) -> Iterator[dict[str, Any]]:
        for table in self.client("ec2").describe_route_tables()["RouteTables"]:
            yield from table["Associations"]

    def read(self, id: str) -> dict[str, Any]:
        for link in self._links():
            if link["RouteTableAssociationId"] == id:
                return {"routeTableId": link["RouteTableId"], "subnetId": link["SubnetId"]}
        raise Missing(id)

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del old
        call = self.client("ec2").replace_route_table_association
        call(AssociationId=id, RouteTableId=new["routeTableId"])

    def delete(self, id: str, state: Inputs) -> None:
        del state
        none = {"InvalidAssociationID.NotFound"}
        gone(none, self.client("ec2").disassociate_route_table, AssociationId=id)


class VpcEndpoint(Tagged):
    token = "aws:ec2/vpcEndpoint:VpcEndpoint"
    forces = frozenset({"vpcId", "serviceName", "vpcEndpointType"})
    computed = ("arn", "state", "tagsAll")
    noun, operation = "vpc-endpoint", "describe_vpc_endpoints"
    argument, key = "VpcEndpointIds", "VpcEndpoints"
    none = frozenset({"InvalidVpcEndpointId.NotFound"})

    def create(self, inputs: Inputs) -> str:
        made = self.client("ec2").create_vpc_endpoint(
            VpcId=inputs["vpcId"],
            ServiceName=inputs["serviceName"],
            VpcEndpointType=inputs["vpcEndpointType"],
            RouteTableIds=inputs["routeTableIds"],
            TagSpecifications=self.tags(inputs),
        )["VpcEndpoint"]
        return str(made["VpcEndpointId"])

    def read(self, id: str) -> dict[str, Any]:
        seen = self.look(id)
        return {
            "vpcId": seen["VpcId"],
            "serviceName": seen["ServiceName"],
            "vpcEndpointType": seen["VpcEndpointType"],
            "routeTableIds": seen["RouteTableIds"],
            "state": seen["State"],
            **self.common(id, seen),
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        super().update(id, old, new)
        before, after = set(self.read(id)["routeTableIds"]), set(new["routeTableIds"])
        self.client("ec2").modify_vpc_endpoint(
            VpcEndpointId=id,
            AddRouteTableIds=sorted(after - before),
            RemoveRouteTableIds=sorted(before - after),
        )

    def delete(self, id: str, state: Inputs) -> None:
        del state
        with contextlib.suppress(Missing):
            self.look(id)
            self.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[id])


KINDS = (RouteTable, Route, RouteTableAssociation, VpcEndpoint)
