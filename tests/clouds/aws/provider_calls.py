"""Which of AWS's actions Pulumi's AWS provider calls for a resource, as its program describes it.

The provider is Terraform's (`internal/service` of https://github.com/hashicorp/terraform-provider-aws):
what it calls to make, read and delete each kind, and to change each property in place. A kind or a
property that is not here is an error, so a new one in the program shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["CALLS", "Call", "Calls", "calls_of"]

#: Where a call is made, if not on the thing itself: to the new thing, or on nothing in particular.
_NEW, _ANYWHERE = "new", "anywhere"


class Call(NamedTuple):
    """One action.

    Attributes:
        action: As ``iam:CreateRole``.
        on: The ARN of the thing; a star for an action that knows none.
        is_new: Whether the thing is made by it, and carries what it is given.
    """

    action: str
    on: str
    is_new: bool = False


class Calls(NamedTuple):
    """What a kind of resource needs.

    Attributes:
        service: The prefix of its actions.
        things: Its ARNs behind the service, as forms over its inputs.
        made: To make, read and delete it. ``ACTION@new`` is on the new thing, ``ACTION@anywhere``
            on nothing in particular.
        changed: To change each property in place; nothing where a change makes a new thing.
    """

    service: str
    things: tuple[str, ...]
    made: str
    changed: Mapping[str, str]


def _settings(made: str, *properties: str) -> Calls:
    """A setting of a bucket: it is written again as it was written first."""
    return Calls("s3", ("{bucket}",), made, dict.fromkeys(("bucket", *properties), ""))


def _part(kind: str, made: str, **changed: str) -> Calls:
    """A part of a cluster: some actions are on the cluster, others on the part."""
    things = ("cluster/{clusterName}", f"{kind}/{{clusterName}}/id")
    return Calls("eks", things, made, {"clusterName": "", **changed})


def _network(made: str, **changed: str) -> Calls:
    return Calls("ec2", ("any/id",), made, changed)


_EKS_TAGS, _EC2_TAGS = "TagResource UntagResource", "CreateTags DeleteTags"

CALLS: Mapping[str, Calls] = {
    "s3/bucket:Bucket": Calls(
        "s3",
        ("{bucket}",),
        "CreateBucket DeleteBucket GetAccelerateConfiguration GetBucketAcl GetBucketCORS "
        "GetBucketLocation GetBucketLogging GetBucketObjectLockConfiguration GetBucketPolicy "
        "GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite "
        "GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration "
        "ListBucket ListTagsForResource TagResource",
        {"bucket": "", "forceDestroy": "", "tags": "PutBucketTagging TagResource UntagResource"},
    ),
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _settings(
        "GetBucketPublicAccessBlock PutBucketPublicAccessBlock",
        *("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"),
    ),
    "s3/bucketOwnershipControls:BucketOwnershipControls": _settings(
        "GetBucketOwnershipControls PutBucketOwnershipControls", "rule"
    ),
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _settings("GetEncryptionConfiguration PutEncryptionConfiguration", "rules")
    ),
    "s3/bucketVersioning:BucketVersioning": _settings(
        "GetBucketVersioning PutBucketVersioning", "versioningConfiguration"
    ),
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _settings(
        "GetLifecycleConfiguration PutLifecycleConfiguration", "rules"
    ),
    "s3/bucketPolicy:BucketPolicy": _settings(
        "DeleteBucketPolicy GetBucketPolicy PutBucketPolicy", "policy"
    ),
    "ecr/repository:Repository": Calls(
        "ecr",
        ("repository/{name}",),
        "CreateRepository DeleteRepository DescribeRepositories ListTagsForResource TagResource",
        {
            **dict.fromkeys(("name", "encryptionConfigurations", "forceDelete"), ""),
            "imageScanningConfiguration": "PutImageScanningConfiguration",
            "imageTagMutability": "PutImageTagMutability",
            "tags": "TagResource UntagResource",
        },
    ),
    "ecr/lifecyclePolicy:LifecyclePolicy": Calls(
        "ecr",
        ("repository/{repository}",),
        "DeleteLifecyclePolicy GetLifecyclePolicy PutLifecyclePolicy",
        {"repository": "", "policy": ""},
    ),
    "iam/role:Role": Calls(
        "iam",
        ("role/{name}",),
        "CreateRole DeleteRole GetRole GetRolePolicy ListAttachedRolePolicies "
        "ListInstanceProfilesForRole ListRolePolicies TagRole",
        {
            "name": "",
            "assumeRolePolicy": "UpdateAssumeRolePolicy",
            "description": "UpdateRole UpdateRoleDescription",
            # To take it away, DeleteRolePermissionsBoundary: not granted, see `own_policy`.
            "permissionsBoundary": "PutRolePermissionsBoundary",
            "tags": "TagRole UntagRole",
        },
    ),
    "iam/rolePolicy:RolePolicy": Calls(
        "iam",
        ("role/{role}",),
        "DeleteRolePolicy GetRolePolicy PutRolePolicy",
        dict.fromkeys(("role", "name", "policy"), ""),
    ),
    "iam/rolePolicyAttachment:RolePolicyAttachment": Calls(
        "iam",
        ("role/{role}",),
        "AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies",
        dict.fromkeys(("role", "policyArn"), ""),
    ),
    "cloudwatch/logGroup:LogGroup": Calls(
        "logs",
        ("log-group:{name}", "log-group:{name}:*"),
        "CreateLogGroup DeleteLogGroup DescribeLogGroups@anywhere ListTagsForResource "
        "PutRetentionPolicy TagResource",
        {"name": "", "retentionInDays": "PutRetentionPolicy", "tags": _EKS_TAGS},
    ),
    "eks/cluster:Cluster": Calls(
        "eks",
        ("cluster/{name}",),
        "CreateCluster DeleteCluster DescribeCluster TagResource",
        {
            **dict.fromkeys(("name", "roleArn", "bootstrapSelfManagedAddons"), ""),
            **dict.fromkeys(
                (
                    "accessConfig",
                    "deletionProtection",
                    "enabledClusterLogTypes",
                    "upgradePolicy",
                    "vpcConfig",
                ),
                "UpdateClusterConfig DescribeUpdate",
            ),
            "version": "UpdateClusterVersion DescribeUpdate",
            "tags": _EKS_TAGS,
        },
    ),
    "eks/nodeGroup:NodeGroup": _part(
        "nodegroup",
        "CreateNodegroup DeleteNodegroup DescribeNodegroup TagResource",
        **dict.fromkeys(
            ("nodeGroupName", "nodeRoleArn", "subnetIds", "instanceTypes", "amiType", "diskSize"),
            "",
        ),
        scalingConfig="UpdateNodegroupConfig DescribeUpdate",
        tags=_EKS_TAGS,
    ),
    "eks/addon:Addon": _part(
        "addon",
        "CreateAddon DeleteAddon DescribeAddon TagResource",
        **dict.fromkeys(("addonName", "resolveConflictsOnCreate"), ""),
        resolveConflictsOnUpdate="UpdateAddon DescribeUpdate",
        tags=_EKS_TAGS,
    ),
    "eks/accessEntry:AccessEntry": _part(
        "access-entry",
        "CreateAccessEntry DeleteAccessEntry DescribeAccessEntry TagResource",
        principalArn="",
        tags=_EKS_TAGS,
    ),
    "eks/accessPolicyAssociation:AccessPolicyAssociation": _part(
        "access-entry",
        "AssociateAccessPolicy DisassociateAccessPolicy ListAssociatedAccessPolicies",
        **dict.fromkeys(("principalArn", "policyArn", "accessScope"), ""),
    ),
    "eks/podIdentityAssociation:PodIdentityAssociation": _part(
        "podidentityassociation",
        "CreatePodIdentityAssociation DeletePodIdentityAssociation "
        "DescribePodIdentityAssociation TagResource",
        **dict.fromkeys(("namespace", "serviceAccount"), ""),
        roleArn="UpdatePodIdentityAssociation",
        tags=_EKS_TAGS,
    ),
    "ec2/vpc:Vpc": _network(
        "CreateVpc@new DeleteVpc DescribeNetworkAcls@anywhere DescribeRouteTables@anywhere "
        "DescribeSecurityGroups@anywhere DescribeVpcAttribute@anywhere DescribeVpcs@anywhere "
        "ModifyVpcAttribute",
        cidrBlock="",
        **dict.fromkeys(("enableDnsSupport", "enableDnsHostnames"), "ModifyVpcAttribute"),
        tags=_EC2_TAGS,
    ),
    "ec2/defaultSecurityGroup:DefaultSecurityGroup": _network(
        "DescribeSecurityGroupRules@anywhere DescribeSecurityGroups@anywhere "
        "RevokeSecurityGroupEgress RevokeSecurityGroupIngress",
        vpcId="",
        tags=_EC2_TAGS,
    ),
    "ec2/subnet:Subnet": _network(
        "CreateSubnet CreateSubnet@new DeleteSubnet DescribeNetworkInterfaces@anywhere "
        "DescribeSubnets@anywhere ModifySubnetAttribute",
        **dict.fromkeys(("vpcId", "availabilityZone", "cidrBlock"), ""),
        mapPublicIpOnLaunch="ModifySubnetAttribute",
        tags=_EC2_TAGS,
    ),
    "ec2/internetGateway:InternetGateway": _network(
        "AttachInternetGateway CreateInternetGateway@new DeleteInternetGateway "
        "DescribeInternetGateways@anywhere DetachInternetGateway",
        vpcId="AttachInternetGateway DetachInternetGateway",
        tags=_EC2_TAGS,
    ),
    "ec2/eip:Eip": _network(
        "AllocateAddress@new DescribeAddresses@anywhere DescribeAddressesAttribute@anywhere "
        "DisassociateAddress ReleaseAddress",
        domain="",
        tags=_EC2_TAGS,
    ),
    "ec2/natGateway:NatGateway": _network(
        "CreateNatGateway CreateNatGateway@new DeleteNatGateway DescribeNatGateways@anywhere",
        **dict.fromkeys(("allocationId", "subnetId"), ""),
        tags=_EC2_TAGS,
    ),
    "ec2/routeTable:RouteTable": _network(
        "CreateRouteTable CreateRouteTable@new DeleteRouteTable DescribeRouteTables@anywhere "
        "DisassociateRouteTable",
        vpcId="",
        tags=_EC2_TAGS,
    ),
    "ec2/route:Route": _network(
        "CreateRoute DeleteRoute DescribeRouteTables@anywhere",
        **dict.fromkeys(("routeTableId", "destinationCidrBlock"), ""),
        **dict.fromkeys(("gatewayId", "natGatewayId"), "ReplaceRoute"),
    ),
    "ec2/routeTableAssociation:RouteTableAssociation": _network(
        "AssociateRouteTable DescribeRouteTables@anywhere DisassociateRouteTable",
        subnetId="",
        routeTableId="ReplaceRouteTableAssociation",
    ),
    "ec2/vpcEndpoint:VpcEndpoint": _network(
        "CreateVpcEndpoint CreateVpcEndpoint@new DeleteVpcEndpoints DescribePrefixLists@anywhere "
        "DescribeVpcEndpoints@anywhere",
        **dict.fromkeys(("vpcId", "serviceName", "vpcEndpointType"), ""),
        routeTableIds="ModifyVpcEndpoint",
        tags=_EC2_TAGS,
    ),
}
#: Properties of all: where it is cannot be changed.
_OF_ALL = {"region"}


def calls_of(kind: str, inputs: Mapping[str, Any], account: str, region: str) -> Iterator[Call]:
    """The calls for a resource with these inputs.

    Raises:
        KeyError: The kind, or one of the properties, is not known here.
    """
    found = CALLS[kind]
    where = {"s3": ":", "iam": f":{account}"}.get(found.service, f"{region}:{account}")
    things = [f"arn:aws:{found.service}:{where}:{form.format(**inputs)}" for form in found.things]
    for word in found.made.split():
        action, _, on = word.partition("@")
        for thing in ["*"] if on == _ANYWHERE else things:
            yield Call(f"{found.service}:{action}", thing, on == _NEW)
    for name in inputs.keys() - _OF_ALL:
        for action in found.changed[name].split():
            for thing in things:
                yield Call(f"{found.service}:{action}", thing)
