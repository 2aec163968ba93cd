"""What a running Pulumi program asks AWS for before it makes anything.

Asked through the program's own AWS provider, so that its account and its credentials count, and at
once: the answers decide names and how many resources there are, which a preview has to know.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from kitaru_iac.clouds.aws.provision.subnets import WITHOUT_EKS, Subnet, one_per_zone
from kitaru_iac.errors import KitaruError

__all__ = ["account", "default_subnets", "has_entry", "zones"]


def account(parent: pulumi.Resource) -> str:
    """The twelve digits of the account that a resource's AWS provider works in.

    Raises:
        KitaruError: The provider cannot tell.
    """
    options = pulumi.InvokeOptions(parent=parent)
    try:
        found = aws.get_caller_identity(opts=options).account_id
    except Exception as error:
        raise _unanswered("The account of the AWS provider cannot be looked up", error) from error
    if not found:
        raise _unanswered("The account of the AWS provider is not known yet", None)
    return found


def default_subnets(parent: pulumi.Resource, region: str) -> tuple[str, ...]:
    """The default subnets of a region, one for each zone.

    Raises:
        KitaruError: There are not two zones with one, or the provider cannot tell.
    """
    options = pulumi.InvokeOptions(parent=parent)
    default = [aws.ec2.GetSubnetsFilterArgs(name="default-for-az", values=["true"])]
    try:
        ids = aws.ec2.get_subnets(filters=default, region=region, opts=options).ids
        found = [aws.ec2.get_subnet(id=one, region=region, opts=options) for one in ids or ()]
    except Exception as error:
        raise _unanswered("The subnets for the cluster cannot be looked up", error) from error
    return one_per_zone(
        (Subnet(seen.id, seen.availability_zone, seen.availability_zone_id) for seen in found),
        region,
    )


def zones(parent: pulumi.Resource, region: str) -> tuple[str, ...]:
    """Two or three availability zones of a region in which EKS works, by name.

    Raises:
        KitaruError: There are not two, or the provider cannot tell.
    """
    own = [aws.GetAvailabilityZonesFilterArgs(name="zone-type", values=["availability-zone"])]
    try:
        found = aws.get_availability_zones(
            filters=own,
            state="available",
            exclude_zone_ids=sorted(WITHOUT_EKS),
            region=region,
            opts=pulumi.InvokeOptions(parent=parent),
        ).names
    except Exception as error:
        raise _unanswered("The zones for the network cannot be looked up", error) from error
    if len(found or ()) < 2:
        raise KitaruError(
            f"{region} has no two availability zones for the cluster",
            why="EKS asks for subnets in at least two",
            remedy="Take another region.",
        )
    return tuple(sorted(found)[:3])


def has_entry(parent: pulumi.Resource, cluster: str, region: str, principal: str) -> bool:
    """Whether a role or user is seen to have an access entry; no answer is no entry.

    Args:
        parent: Whose AWS provider is asked.
        cluster: Its name; it need not be there yet.
        region: Where it is.
        principal: The ARN of the role or user.
    """
    try:
        found = aws.eks.get_access_entry(
            cluster_name=cluster,
            principal_arn=principal,
            region=region,
            opts=pulumi.InvokeOptions(parent=parent),
        )
    except Exception:  # noqa: BLE001 - what the SDK raises for all that it is told
        return False
    return found.principal_arn == principal


def _unanswered(what: str, error: Exception | None) -> KitaruError:
    """A look that failed, for which the SDK raises a bare `Exception`; or that was not made at all.

    The engine asks nobody whose settings are still to be made by the program itself.
    """
    if error is None:
        return KitaruError(
            what,
            why="Its settings follow from what the program is yet to make.",
            remedy="Give the AWS provider settings that are known beforehand.",
        )
    return KitaruError(
        what,
        why=str(error).rpartition("returned an error: ")[2],
        remedy="Give the AWS provider credentials that may look.",
    )
