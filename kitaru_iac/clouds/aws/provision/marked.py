"""Everything in an account and region that carries a deployment's marks, whatever a state knows.

Three ways, since none sees all: the Resource Groups Tagging API, which has no roles and lists for
a while what is gone (https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/
supported-services.html); IAM's own list of roles, with their tags; and the names that we give.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from kitaru_iac.checks.probes import ProbeError
from kitaru_iac.clouds.aws.provision import names
from kitaru_iac.clouds.aws.provision import ownership_parts as parts
from kitaru_iac.clouds.aws.provision.ownership import (
    BUCKET,
    CLUSTER,
    NODES,
    REPOSITORY,
    ROLE,
    mapping,
    sight,
)
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.owned import collected
from kitaru_iac.clouds.provider import Claim, Marked

__all__ = ["claim_of", "marked"]


def marked(access: AwsAccess, account: str, region: str, marks: Mapping[str, str]) -> Marked:
    """What exists and carries the marks.

    Args:
        access: Asks.
        account: The account that we work in, twelve digits.
        region: Where in it. Roles are the account's, in all regions: those whose name says that
            they are of another one are not of this deployment, which has one region.
        marks: The tags that say it is the deployment's.
    """
    return collected(
        (partial(_tagged, access, marks), partial(_roles, access, region, marks)),
        _named(marks["kitaru-stack"], account, region),
        claim_of,
        lambda claim: sight(access, account, claim.type, claim.inputs, marks),
    )


def claim_of(arn: str) -> Claim | None:
    """What an ARN means as a resource of ours; None for kinds that are not looked up by themselves.

    Args:
        arn: As ``arn:aws:ecr:eu-west-1:123456789012:repository/team/images``.
    """
    _, _, service, _, _, rest = arn.split(":", 5)
    kind, _, name = rest.partition("/")
    if service == "s3" and not name:
        return Claim(BUCKET, {"bucket": rest})
    if (service, kind) == ("ecr", "repository"):
        return Claim(REPOSITORY, {"name": name})
    if (service, kind) == ("iam", "role"):
        return Claim(ROLE, {"name": name.rpartition("/")[2]})
    if (service, kind) == ("eks", "cluster"):
        return Claim(CLUSTER, {"name": name})
    if (service, kind) == ("eks", "nodegroup"):
        cluster, group = name.split("/")[:2]
        return Claim(NODES, {"clusterName": cluster, "nodeGroupName": group})
    return parts.claim_of(kind, name) if service == "ec2" else None


def _named(stack: str, account: str, region: str) -> tuple[Claim, ...]:
    """What we would make for a stack that names nothing itself."""
    cluster = names.cluster_name(stack)
    return (
        Claim(BUCKET, {"bucket": names.bucket_name(stack, account, region)}),
        Claim(REPOSITORY, {"name": names.repository_name(stack)}),
        *(Claim(ROLE, {"name": names.role_name(stack, use, region)}) for use in names.ROLE_USES),
        Claim(CLUSTER, {"name": cluster}),
        Claim(NODES, {"clusterName": cluster, "nodeGroupName": names.NODE_GROUP}),
    )


def _tagged(access: AwsAccess, marks: Mapping[str, str]) -> tuple[list[str], str | None]:
    filters = [{"Key": key, "Values": [value]} for key, value in marks.items()]
    try:
        found = access.ask_all(
            "resourcegroupstaggingapi",
            "get_resources",
            "ResourceTagMappingList",
            about="what carries the tags of the deployment",
            TagFilters=filters,
        )
    except ProbeError as error:
        return [], error.why
    return [str(one["ResourceARN"]) for one in found], None


def _roles(
    access: AwsAccess, region: str, marks: Mapping[str, str]
) -> tuple[list[str], str | None]:
    try:
        found = access.ask_all(
            "iam",
            "get_account_authorization_details",
            "RoleDetailList",
            about="the roles of the account",
            Filter=["Role"],
        )
    except ProbeError as error:
        return [], error.why
    ours = [role for role in found if marks.items() <= mapping(role.get("Tags", ())).items()]
    stack = marks["kitaru-stack"]
    return [str(r["Arn"]) for r in ours if names.is_role_of(r["RoleName"], stack, region)], None
