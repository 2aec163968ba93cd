"""Which of a region's default subnets a new EKS cluster gets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kitaru_iac.errors import KitaruError

__all__ = ["WITHOUT_EKS", "Subnet", "one_per_zone"]

#: EKS has no control plane in these zones of us-east-1 and us-west-1:
#: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
WITHOUT_EKS = {"use1-az3", "usw1-az2"}


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet, with the name of its zone in this account and the zone's id in all of AWS."""

    id: str
    zone: str
    zone_id: str


def one_per_zone(found: Iterable[Subnet], region: str) -> tuple[str, ...]:
    """The ids of the subnets that a cluster gets, in the order of their zones.

    Raises:
        KitaruError: There are not two zones with one, which EKS asks for.
    """
    by_zone = {subnet.zone: subnet.id for subnet in found if subnet.zone_id not in WITHOUT_EKS}
    if len(by_zone) < 2:
        raise KitaruError(
            f"{region} has no default subnets in two zones for the cluster",
            why="EKS asks for subnets in at least two availability zones",
            remedy=f"aws ec2 create-default-vpc --region {region}",
        )
    return tuple(by_zone[zone] for zone in sorted(by_zone))
