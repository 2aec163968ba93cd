"""What exists in AWS under the names of a deployment, and whether it is the deployment's own.

It is where it is in the account that we work in *and* carries the deployment's marks, tags that
whatever we make has from its first moment on. Nothing else is taken over, changed or deleted.
S3 is told on every call whose bucket is meant: names are the world's, and a bucket policy may let a
stranger's bucket be looked at
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from kitaru_iac.checks.probes import Denied, NotFound
from kitaru_iac.clouds.aws.provision import ownership_parts as parts
from kitaru_iac.clouds.aws.provision import unmarked
from kitaru_iac.clouds.aws.provision.layout import Layout
from kitaru_iac.clouds.aws.provision.names import (
    CLUSTER_ROLES,
    NODE_GROUP,
    log_group_name,
    role_name,
)
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.owned import lacking
from kitaru_iac.clouds.provider import Claim, Inputs, Sighting

__all__ = [
    "BUCKET",
    "CLUSTER",
    "GONE",
    "NODES",
    "REPOSITORY",
    "ROLE",
    "claims",
    "mapping",
    "sight",
]

BUCKET = "aws:s3/bucket:Bucket"
REPOSITORY = "aws:ecr/repository:Repository"
ROLE = "aws:iam/role:Role"
CLUSTER = "aws:eks/cluster:Cluster"
NODES = "aws:eks/nodeGroup:NodeGroup"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
ADDON = "aws:eks/addon:Addon"
ENTRY = "aws:eks/accessEntry:AccessEntry"

#: What belongs to a role, and its id in Pulumi's state.
_OF_ROLES = {
    "aws:iam/rolePolicy:RolePolicy": "{role}:{name}",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "{role}/{policyArn}",
}
#: The error codes that say: it does not exist.
GONE = {
    BUCKET: {"404", "NoSuchBucket"},
    REPOSITORY: {"RepositoryNotFoundException"},
    ROLE: {"NoSuchEntity"},
    CLUSTER: {"ResourceNotFoundException"},
    NODES: {"ResourceNotFoundException"},
    LOGS: {"ResourceNotFoundException"},
    ADDON: {"ResourceNotFoundException"},
    ENTRY: {"ResourceNotFoundException"},
}


class _Found(NamedTuple):
    """A thing as AWS describes it: its ARN, if it has one, its tags, and what locks it."""

    arn: str | None
    tags: Mapping[str, str]
    locked: str | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of resource is looked up, from its inputs in a program.

    Attributes:
        noun: What it is called.
        id: Its id in Pulumi's state, as a form over its inputs.
        find: Looks it up. Raises a `ProbeError`.
    """

    noun: str
    id: str
    find: Callable[[AwsAccess, str, Inputs], _Found]


def sight(
    access: AwsAccess,
    account: str,
    type: str,
    inputs: Inputs,
    marks: Mapping[str, str],
) -> Sighting | None:
    """What AWS has under the name of a resource; None if there is nothing.

    Args:
        access: Asks.
        account: The account that we work in, twelve digits.
        type: The resource's type in Pulumi. Those that are not known here are settings of another
            resource, and not looked up: AWS lets them be written again, and they go with it.
        inputs: Its inputs, of which the name counts.
        marks: The tags that say it is the deployment's.

    Raises:
        ProbeError: It cannot be told, because AWS refuses or does not answer.
    """
    if type in _OF_ROLES:
        # A role that still has policies cannot be deleted, so one that a run which was cut off may
        # have attached has to be known. Where it did not, a refresh says so.
        role = sight(access, account, ROLE, {"name": inputs["role"]}, marks)
        return replace(role, id=_OF_ROLES[type].format(**inputs)) if role else None
    if type in parts.KINDS:
        return parts.sight(access, type, inputs, marks)
    kind = _KINDS.get(type)
    if kind is None:
        return None
    found = kind.id.format(**inputs)
    name = f"{kind.noun} {found}"
    try:
        seen = kind.find(access, account, inputs)
    except NotFound:
        return None
    except Denied as denied:
        if type != BUCKET:
            raise
        # S3 answers the same to whoever names another owner and to whoever may not look.
        why = f"it is another account's, or may not be seen: {denied.why}"
        return Sighting(found, name, why, hidden=True)
    if seen.arn is not None and seen.arn.split(":")[4] != account:
        return Sighting(found, name, f"it is in account {seen.arn.split(':')[4]}")
    sighting = Sighting(found, name, lacking(seen.tags, marks), locked=seen.locked)
    if type == BUCKET and not seen.tags and (removal := unmarked.removal(access, account, found)):
        origin = unmarked.origin(found, access.region)
        return replace(sighting, removal=removal, origin=origin)
    return sighting


def claims(layout: Layout) -> tuple[Claim, ...]:
    """The names that a layout takes, of everything that is not a setting of something else."""
    found: list[Claim] = []
    if layout.new_bucket:
        found.append(Claim(BUCKET, {"bucket": layout.new_bucket}))
    if layout.new_repository:
        found.append(Claim(REPOSITORY, {"name": layout.new_repository}))
    if layout.new_role:
        found.append(Claim(ROLE, {"name": layout.new_role}))
    if layout.new_cluster:
        found.append(Claim(CLUSTER, {"name": layout.new_cluster}))
        found += [
            Claim(ROLE, {"name": role_name(layout.stack, use, layout.region)})
            for use in CLUSTER_ROLES
        ]
        found.append(Claim(LOGS, {"name": log_group_name(layout.new_cluster)}))
        group = {"clusterName": layout.new_cluster, "nodeGroupName": NODE_GROUP}
        found.append(Claim(NODES, group))
        if layout.options.network is not None:
            found += parts.claims(layout.stack)
    return tuple(found)


def _bucket(access: AwsAccess, account: str, inputs: Inputs) -> _Found:
    name = str(inputs["bucket"])
    whose = {"Bucket": name, "ExpectedBucketOwner": account}
    about = f"s3://{name}"
    access.ask("s3", "head_bucket", about=about, absent=GONE[BUCKET], **whose)
    found = access.ask(
        "s3",
        "get_bucket_tagging",
        about=about,
        absent=GONE[BUCKET],
        none={"NoSuchTagSet"},
        **whose,
    )
    return _Found(None, mapping(found.get("TagSet", ())))


def _repository(access: AwsAccess, account: str, inputs: Inputs) -> _Found:
    name = str(inputs["name"])
    about = f"repository {name}"
    found = access.ask(
        "ecr",
        "describe_repositories",
        about=about,
        absent=GONE[REPOSITORY],
        registryId=account,
        repositoryNames=[name],
    )["repositories"][0]
    arn = str(found["repositoryArn"])
    tags = access.ask(
        "ecr", "list_tags_for_resource", about=about, absent=GONE[REPOSITORY], resourceArn=arn
    )
    return _Found(arn, mapping(tags.get("tags", ())))


def _role(access: AwsAccess, account: str, inputs: Inputs) -> _Found:
    del account
    name = str(inputs["name"])
    found = access.ask("iam", "get_role", about=f"role {name}", absent=GONE[ROLE], RoleName=name)
    role = found["Role"]
    return _Found(str(role["Arn"]), mapping(role.get("Tags", ())))


def _cluster(access: AwsAccess, account: str, inputs: Inputs) -> _Found:
    del account
    name = str(inputs["name"])
    found = access.ask(
        "eks", "describe_cluster", about=f"cluster {name}", absent=GONE[CLUSTER], name=name
    )["cluster"]
    locked = "deletion_protection" if found.get("deletionProtection") else None
    return _Found(str(found["arn"]), found.get("tags") or {}, locked)


def _logs(access: AwsAccess, account: str, inputs: Inputs) -> _Found:
    del account
    name = str(inputs["name"])
    about = f"log group {name}"
    found = access.ask(
        "logs", "describe_log_groups", about=about, absent=GONE[LOGS], logGroupNamePrefix=name
    )["logGroups"]
    arns = [str(group["arn"]) for group in found if group["logGroupName"] == name]
    if not arns:
        raise NotFound(f"there is no {about}")
    arn = arns[0].removesuffix(":*")
    tags = access.ask(
        "logs", "list_tags_for_resource", about=about, absent=GONE[LOGS], resourceArn=arn
    )
    return _Found(arn, tags.get("tags") or {})


@dataclass(frozen=True, slots=True)
class _ClusterPart:
    """A part of a cluster, which EKS describes by the cluster's name and its own.

    Attributes:
        noun: What it is called, as a form over the inputs of the resource.
        operation: boto3's method.
        name: The input that names it.
        answer: Where the answer describes it; with ``Arn``, its field for the ARN.
    """

    noun: str
    operation: str
    name: str
    answer: str

    def find(self, access: AwsAccess, account: str, inputs: Inputs) -> _Found:
        del account
        # boto3 writes ``nodegroupName`` where Pulumi writes ``nodeGroupName``.
        argument = "nodegroupName" if self.name == "nodeGroupName" else self.name
        found = access.ask(
            "eks",
            self.operation,
            about=self.noun.format(**inputs),
            absent=GONE[CLUSTER],
            clusterName=str(inputs["clusterName"]),
            **{argument: str(inputs[self.name])},
        )[self.answer]
        return _Found(str(found[f"{self.answer}Arn"]), found.get("tags") or {})


_NODES = _ClusterPart(
    "node group {nodeGroupName} of cluster {clusterName}",
    "describe_nodegroup",
    "nodeGroupName",
    "nodegroup",
)
_ADDON = _ClusterPart(
    "add-on {addonName} of cluster {clusterName}", "describe_addon", "addonName", "addon"
)
_ENTRY = _ClusterPart(
    "access entry of {principalArn} in cluster {clusterName}",
    "describe_access_entry",
    "principalArn",
    "accessEntry",
)


def mapping(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """AWS's tags, which some services write in small letters."""
    return {
        str(tag.get("Key", tag.get("key"))): str(tag.get("Value", tag.get("value"))) for tag in tags
    }


_KINDS = {
    BUCKET: _Kind("bucket", "{bucket}", _bucket),
    REPOSITORY: _Kind("ECR repository", "{name}", _repository),
    ROLE: _Kind("IAM role", "{name}", _role),
    CLUSTER: _Kind("EKS cluster", "{name}", _cluster),
    NODES: _Kind("node group", "{clusterName}:{nodeGroupName}", _NODES.find),
    LOGS: _Kind("log group", "{name}", _logs),
    ADDON: _Kind("add-on", "{clusterName}:{addonName}", _ADDON.find),
    ENTRY: _Kind("access entry", "{clusterName}:{principalArn}", _ENTRY.find),
}
