"""Whether what the options of `infrastructure` name is there, and fits: asked before all is made.

AWS refuses such an option only when its turn comes, with a bucket and roles made by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from kitaru_iac.checks.probes import NotFound
from kitaru_iac.clouds import wanted
from kitaru_iac.clouds.aws.provision.subnets import WITHOUT_EKS
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.errors import Problem
from kitaru_iac.spec.infrastructure import Infrastructure

__all__ = ["unfit"]

_FIELD = "infrastructure."


def unfit(
    access: AwsAccess, account: str, region: str, options: Infrastructure, *, cluster: bool
) -> list[Problem]:
    """Everything that is wrong with the options in this account and region.

    Args:
        access: Asks.
        account: The account that is provisioned in, twelve digits.
        region: The stack's.
        options: As they were given.
        cluster: Whether a cluster is made; its options are not looked at otherwise.
    """
    looks: list[Callable[[], Iterator[Problem]]] = []
    if boundary := options.permissions_boundary:
        looks.append(partial(_boundary, access, account, boundary))
    if key := options.kms_key:
        looks.append(partial(_key, access, key))
    if cluster and options.subnets:
        looks.append(partial(_subnets, access, region, options.subnets))
    if cluster and options.kubernetes_version:
        looks.append(partial(_version, access, options.kubernetes_version))
    return wanted.unfit(looks)


def _boundary(access: AwsAccess, account: str, arn: str) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html."""
    field, owner = f"{_FIELD}permissions_boundary", arn.split(":")[4]
    if owner not in {account, "aws"}:
        yield Problem(
            field,
            f"the policy is of account {owner}, and roles are made in {account}",
            "a boundary is a policy of the role's own account, or one of AWS's",
            "Name one that is there, or use credentials of the other account.",
        )
        return
    try:
        access.ask("iam", "get_policy", about=arn, absent={"NoSuchEntity"}, PolicyArn=arn)
    except NotFound:
        yield Problem(
            field,
            f"there is no policy {arn}",
            "no role can be made within it",
            "Correct the ARN, or make the policy first.",
        )


def _key(access: AwsAccess, arn: str) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html."""
    field, remedy = f"{_FIELD}kms_key", "Name a key for encryption that is enabled."
    try:
        answer = access.ask(
            "kms", "describe_key", about=arn, absent={"NotFoundException"}, KeyId=arn
        )
    except NotFound:
        yield Problem(field, f"there is no key {arn}", "the bucket could not be used", remedy)
        return
    found = answer["KeyMetadata"]
    state, kind = found.get("KeyState", "Enabled"), found.get("KeySpec", "SYMMETRIC_DEFAULT")
    if state != "Enabled":
        yield Problem(field, f"the key is {state}", "nothing can be encrypted with it", remedy)
    if kind != "SYMMETRIC_DEFAULT":
        yield Problem(field, f"the key is {kind}", "S3 takes symmetric keys alone", remedy)


def _subnets(access: AwsAccess, region: str, ids: tuple[str, ...]) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html."""
    field = f"{_FIELD}subnets"
    # By a filter, since asking for ids tells of the first alone that is not there.
    found = {
        str(seen["SubnetId"]): seen
        for seen in access.ask_all(
            "ec2",
            "describe_subnets",
            "Subnets",
            about="the subnets",
            Filters=[{"Name": "subnet-id", "Values": list(ids)}],
        )
    }
    for number, subnet in enumerate(ids):
        at = f"{field}[{number}]"
        if subnet not in found:
            what = f"there is no subnet {subnet} in {region}"
            yield Problem(at, what, remedy="Name one of the account and region of the stack.")
        elif found[subnet].get("AvailabilityZoneId") in WITHOUT_EKS:
            what = f"{subnet} is in {found[subnet]['AvailabilityZone']}"
            yield Problem(at, what, "EKS does not work in this zone", "Name one of another zone.")
    networks = sorted({str(seen["VpcId"]) for seen in found.values()})
    if len(networks) > 1:
        what = f"the subnets are of different networks: {', '.join(networks)}"
        yield Problem(field, what, "a cluster is in one", "Name subnets of one VPC.")
    zones = sorted({str(seen["AvailabilityZone"]) for seen in found.values()})
    if len(zones) < 2 and len(found) == len(ids):
        what = f"all subnets are in {zones[0]}"
        why = "EKS asks for subnets in at least two availability zones"
        yield Problem(field, what, why, "Name one of another zone too.")


def _version(access: AwsAccess, version: str) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/eks/latest/userguide/view-support-policy.html."""
    seen = access.ask_all(
        "eks",
        "describe_cluster_versions",
        "clusterVersions",
        about="the versions of Kubernetes",
    )
    offered = sorted(
        str(one["clusterVersion"])
        for one in seen
        if str(one.get("versionStatus", "")).upper() == "STANDARD_SUPPORT"
    )
    if offered and version not in offered:
        yield Problem(
            f"{_FIELD}kubernetes_version",
            f"EKS makes no cluster of Kubernetes {version} with standard support",
            f"it offers {', '.join(offered)}",
            f'Write `kubernetes_version: "{offered[-1]}"`, or leave it out.',
        )
