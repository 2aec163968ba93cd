"""The policy of whoever runs `provision`, narrowed by names where AWS has them, else by tags.

It is made from the layout, so that it speaks of what is made and of nothing else. The actions are
those of Pulumi's AWS provider, which is Terraform's: beside what it changes it reads every setting
of a bucket and of a role. Things without a name (a network) are made only with the stack's tag, and
only what carries it is changed or deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kitaru_iac.clouds.aws.provision import names
from kitaru_iac.clouds.aws.provision.layout import Layout, layout
from kitaru_iac.clouds.aws.resources import aws_resources
from kitaru_iac.clouds.wanted import region_of
from kitaru_iac.spec.clouds.aws import aws_partition
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import S3Uri

__all__ = ["provision_policy"]

_Statement = dict[str, Any]

_BUCKET = (
    "CreateBucket DeleteBucket DeleteBucketPolicy GetAccelerateConfiguration GetBucketAcl "
    "GetBucketCORS GetBucketLocation GetBucketLogging GetBucketObjectLockConfiguration "
    "GetBucketOwnershipControls GetBucketPolicy GetBucketPublicAccessBlock GetBucketRequestPayment "
    "GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration "
    "GetLifecycleConfiguration GetReplicationConfiguration ListBucket ListBucketVersions "
    "ListTagsForResource PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock "
    "PutBucketTagging PutBucketVersioning PutEncryptionConfiguration PutLifecycleConfiguration "
    # Without it the provider makes the bucket first, and tags it in a second call: killed between
    # them it leaves one that nothing marks as ours (hashicorp/terraform-provider-aws#45251).
    "TagResource UntagResource"
)
_EMPTIED = "DeleteObject DeleteObjectVersion"
_REPOSITORY = (
    "BatchDeleteImage CreateRepository DeleteLifecyclePolicy DeleteRepository DescribeRepositories "
    "GetLifecyclePolicy ListImages ListTagsForResource PutImageScanningConfiguration "
    "PutImageTagMutability PutLifecyclePolicy TagResource UntagResource"
)
_ROLE = (
    "DeleteRole DeleteRolePolicy DetachRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies "
    "ListInstanceProfilesForRole ListRolePolicies TagRole UntagRole UpdateAssumeRolePolicy "
    "UpdateRole UpdateRoleDescription"
)
#: What a permissions boundary must not be got round by.
_BOUNDED = "CreateRole PutRolePolicy"
#: A role that was made before the description had a boundary, or with another one, gets it. Taking
#: one away is not granted: where a boundary was set by others, a run must not lift it.
_BOUNDARY = "PutRolePermissionsBoundary"
_CLUSTER = (
    "AssociateAccessPolicy CreateAccessEntry CreateAddon CreateCluster CreateNodegroup "
    "CreatePodIdentityAssociation DeleteAccessEntry DeleteAddon DeleteCluster DeleteNodegroup "
    "DeletePodIdentityAssociation DescribeAccessEntry DescribeAddon DescribeCluster "
    "DescribeNodegroup DescribePodIdentityAssociation DescribeUpdate DisassociateAccessPolicy "
    "ListAssociatedAccessPolicies ListPodIdentityAssociations TagResource UntagResource "
    "UpdateAccessEntry UpdateAddon UpdateClusterConfig UpdateClusterVersion UpdateNodegroupConfig "
    "UpdateNodegroupVersion UpdatePodIdentityAssociation"
)
_PARTS = ("cluster", "nodegroup", "addon", "access-entry", "podidentityassociation")
_LOGS = (
    "CreateLogGroup DeleteLogGroup ListTagsForResource PutRetentionPolicy TagResource UntagResource"
)
_MANAGED = (
    *("AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy"),
    "AmazonEC2ContainerRegistryPullOnly",
)
_SEEN = "DescribeAvailabilityZones DescribeSubnets"
_NETWORK_SEEN = (
    "DescribeAddresses DescribeAddressesAttribute DescribeInternetGateways DescribeNatGateways "
    "DescribeNetworkAcls DescribeNetworkInterfaces DescribePrefixLists DescribeRouteTables "
    "DescribeSecurityGroupRules DescribeSecurityGroups DescribeVpcAttribute DescribeVpcEndpoints "
    "DescribeVpcs"
)
_NETWORK_MADE = (
    "AllocateAddress CreateInternetGateway CreateNatGateway CreateRouteTable CreateSubnet "
    "CreateVpc CreateVpcEndpoint"
)
_NETWORK_KEPT = (
    "AssociateRouteTable AttachInternetGateway CreateNatGateway CreateRoute CreateRouteTable "
    "CreateSubnet CreateTags CreateVpcEndpoint DeleteInternetGateway DeleteNatGateway DeleteRoute "
    "DeleteRouteTable DeleteSubnet DeleteTags DeleteVpc DeleteVpcEndpoints DetachInternetGateway "
    "DisassociateAddress DisassociateRouteTable ModifySubnetAttribute ModifyVpcAttribute "
    "ModifyVpcEndpoint ReleaseAddress ReplaceRoute ReplaceRouteTableAssociation "
    "RevokeSecurityGroupEgress RevokeSecurityGroupIngress"
)


def provision_policy(spec: StackSpec) -> dict[str, Any]:
    """The IAM policy of whoever makes a stack's infrastructure, keeps it up and deletes it.

    Args:
        spec: A description with ``infra: provision``. Where it does not tell the account, a star
            stands for it in names and ARNs.

    Raises:
        DescriptionError: It cannot be made as described.
    """
    region = region_of(spec)
    account = aws_resources(spec).account or "*"
    planned = layout(spec, account, region)
    statements = [*_data(spec, planned), *_roles(planned)]
    if planned.new_cluster:
        statements += [*_cluster(planned), *_network(planned)]
    statements += [*_options(planned), *_looked_for(planned)]
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(
    sid: str, service: str, actions: str, things: Iterable[str], **condition: Mapping[str, object]
) -> _Statement:
    listed = list(things)
    found: _Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"{service}:{action}" for action in sorted(actions.split())],
        "Resource": listed[0] if len(listed) == 1 else listed,
    }
    return {**found, "Condition": condition} if condition else found


def _arn(planned: Layout, service: str, rest: str, *, regional: bool = True) -> str:
    region = planned.region if regional else ""
    return f"arn:{aws_partition(planned.region)}:{service}:{region}:{planned.account}:{rest}"


def _data(spec: StackSpec, planned: Layout) -> list[_Statement]:
    """The bucket and the repository."""
    found = []
    partition = aws_partition(planned.region)
    store = spec.artifact_store
    if planned.new_bucket:
        arn = f"arn:{partition}:s3:::{planned.new_bucket}"
        found.append(_allow("Bucket", "s3", _BUCKET, [arn]))
        # Needed to delete the bucket with its data, and for nothing else.
        found.append(_allow("DataDeleted", "s3", _EMPTIED, [f"{arn}/*"]))
    elif isinstance(store, S3Uri):
        arn = f"arn:{partition}:s3:::{store.bucket}"
        found.append(_allow("BucketKey", "s3", "GetEncryptionConfiguration", [arn]))
        # A key that the bucket calls by its id or an alias: which one that is, KMS tells.
        found.append(
            _allow("KeyOfTheBucket", "kms", "DescribeKey", [_arn(planned, "kms", "key/*")])
        )
    if planned.new_repository:
        arn = _arn(planned, "ecr", f"repository/{planned.new_repository}")
        found.append(_allow("Repository", "ecr", _REPOSITORY, [arn]))
    return found


def _options(planned: Layout) -> list[_Statement]:
    """Looking whether what the options name is there, before anything is made (`given.py`)."""
    found, options = [], planned.options
    if options.permissions_boundary:
        found.append(_allow("BoundarySeen", "iam", "GetPolicy", [options.permissions_boundary]))
    if options.kms_key:
        found.append(_allow("KeySeen", "kms", "DescribeKey", [options.kms_key]))
    if planned.new_cluster and options.kubernetes_version:
        found.append(_allow("VersionsSeen", "eks", "DescribeClusterVersions", ["*"]))
    return found


def _looked_for(planned: Layout) -> list[_Statement]:
    """What `marked` asks when a stack is taken down: what carries its tags, or has our names.

    Neither the tagging API nor IAM's list of roles knows a narrower resource than all.
    """
    partition = aws_partition(planned.region)
    stack, region = planned.stack, planned.region
    bucket = names.bucket_name(stack, planned.account, region)
    cluster = names.cluster_name(stack)
    roles = [names.role_name(stack, use, region) for use in names.ROLE_USES]
    return [
        _allow("OwnByTags", "tag", "GetResources", ["*"]),
        _allow("OwnRolesByTags", "iam", "GetAccountAuthorizationDetails", ["*"]),
        _allow(
            "OwnBucketByName",
            "s3",
            "GetBucketTagging ListBucket",
            [f"arn:{partition}:s3:::{bucket}"],
        ),
        _allow(
            "OwnRepositoryByName",
            "ecr",
            "DescribeRepositories ListTagsForResource",
            [_arn(planned, "ecr", f"repository/{names.repository_name(stack)}")],
        ),
        _allow(
            "OwnRolesByName",
            "iam",
            "GetRole",
            [_arn(planned, "iam", f"role/{name}", regional=False) for name in roles],
        ),
        _allow(
            "OwnClusterByName",
            "eks",
            "DescribeCluster DescribeNodegroup",
            [
                _arn(planned, "eks", f"cluster/{cluster}"),
                _arn(planned, "eks", f"nodegroup/{cluster}/*"),
            ],
        ),
    ]


def _roles(planned: Layout) -> list[_Statement]:
    uses = names.CLUSTER_ROLES if planned.new_cluster else ()
    called = [names.role_name(planned.stack, use, planned.region) for use in uses]
    called += [planned.new_role] if planned.new_role else []
    if not called:
        return []
    arns = [_arn(planned, "iam", f"role/{name}", regional=False) for name in called]
    kept = _allow("Roles", "iam", _ROLE, arns)
    boundary = planned.options.permissions_boundary
    if not boundary:
        return [kept, _allow("RolesMade", "iam", _BOUNDED, arns)]
    bound = {"iam:PermissionsBoundary": boundary}
    within = _allow(
        "RolesWithinTheBoundary", "iam", f"{_BOUNDED} {_BOUNDARY}", arns, StringEquals=bound
    )
    return [kept, within]


def _cluster(planned: Layout) -> list[_Statement]:
    name, partition = str(planned.new_cluster), aws_partition(planned.region)
    role = {
        use: _arn(
            planned, "iam", f"role/{names.role_name(planned.stack, use, planned.region)}",
            regional=False,
        )
        for use in names.CLUSTER_ROLES
    }  # fmt: skip
    managed = [f"arn:{partition}:iam::aws:policy/{policy}" for policy in _MANAGED]
    things = [
        _arn(planned, "eks", f"{part}/{name}{'' if part == 'cluster' else '/*'}") for part in _PARTS
    ]
    logs = _arn(planned, "logs", f"log-group:{names.log_group_name(name)}")
    own = _arn(planned, "iam", "role/aws-service-role/eks*", regional=False)
    services = {"iam:AWSServiceName": ["eks.amazonaws.com", "eks-nodegroup.amazonaws.com"]}
    return [
        _allow(
            "ManagedPolicies",
            "iam",
            "AttachRolePolicy",
            [role["cluster"], role["nodes"]],
            ArnEquals={"iam:PolicyARN": managed},
        ),
        _allow(
            "RolesOfTheCluster",
            "iam",
            "PassRole",
            [role["cluster"], role["nodes"]],
            StringEquals={"iam:PassedToService": "eks.amazonaws.com"},
        ),
        _allow(
            "RoleOfThePods",
            "iam",
            "PassRole",
            [role["pods"]],
            StringEquals={"iam:PassedToService": "pods.eks.amazonaws.com"},
        ),
        _allow("OwnRolesOfEks", "iam", "CreateServiceLinkedRole", [own], StringEquals=services),
        # EKS looks, as whoever makes a node group, whether its own role is there:
        # https://github.com/terraform-aws-modules/terraform-aws-eks/issues/823
        _allow("OwnRolesOfEksSeen", "iam", "GetRole", [own]),
        _allow("Cluster", "eks", _CLUSTER, things),
        _allow("Logs", "logs", _LOGS, [logs, f"{logs}:*"]),
        _allow("LogsSeen", "logs", "DescribeLogGroups", ["*"]),
        _allow("NetworkSeen", "ec2", _SEEN, ["*"]),
    ]


def _network(planned: Layout) -> list[_Statement]:
    """What has no names: made with the stack's tag, and kept where it has it."""
    if planned.options.network is None:
        return []
    anything = [_arn(planned, "ec2", "*")]
    given: dict[str, Any] = {"aws:RequestTag/kitaru-stack": planned.stack}
    carried = {"aws:ResourceTag/kitaru-stack": planned.stack}
    # Else the tag could be put on anybody's network, which would then be one of the stack's.
    creating = {"ec2:CreateAction": sorted(_NETWORK_MADE.split())}
    # The default one is there with the network, and has no tag at first. IAM has no key for whose
    # it is: any security group of the region may be given the tag, and then lose its rules.
    groups = [_arn(planned, "ec2", "security-group/*")]
    return [
        _allow("PartsSeen", "ec2", _NETWORK_SEEN, ["*"]),
        _allow("NetworkMade", "ec2", _NETWORK_MADE, anything, StringEquals=given),
        _allow("NetworkKept", "ec2", _NETWORK_KEPT, anything, StringEquals=carried),
        _allow("TagsGiven", "ec2", "CreateTags", anything, StringEquals=given | creating),
        _allow("DefaultGroupTagged", "ec2", "CreateTags", groups, StringEquals=given),
    ]
