"""Making what a description names, in an AWS that is thrown away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kitaru_iac.clouds.aws.resources import AwsResources, aws_resources, existing, role_name
from kitaru_iac.errors import UsageError

if TYPE_CHECKING:
    from boto3.session import Session

    from kitaru_iac.spec.model import StackSpec
    from kitaru_iac.testing.aws import LocalAws

__all__ = ["create"]

#: What pulls images on a node: docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
_NODE_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "ecr:GetAuthorizationToken",
                "ecr:BatchCheckLayerAvailability",
                "ecr:GetDownloadUrlForLayer",
                "ecr:BatchGetImage",
            ],
            "Resource": "*",
        }
    ],
}


def create(aws: LocalAws, spec: StackSpec) -> None:
    """Make the bucket, repository, cluster and role that a description says are there.

    Raises:
        UsageError: They are in another account than this AWS's, or it names nothing in AWS.
    """
    named = aws_resources(spec)
    if not (named.bucket or named.registry or named.cluster or named.role):
        raise UsageError(f"Stack '{spec.name}' names nothing in AWS")
    if named.account and named.account != aws.account:
        raise UsageError(
            f"Stack '{spec.name}' is in account {named.account}, and this AWS is {aws.account}",
            remedy=f'Start it with local_aws("{named.account}"); in pytest, let a fixture '
            "`kitaru_aws_account` return that number.",
        )
    import boto3

    named = existing(spec)
    session = boto3.session.Session(region_name=named.region or aws.region)
    _bucket(session, named)
    _repository(session, named)
    if named.cluster:
        _cluster(session, named.cluster, aws.account)
        _role(session, _node_role(named.cluster, aws.account), "ec2.amazonaws.com", _NODE_POLICY)
    if named.role:
        _role(session, named.role, "sagemaker.amazonaws.com")


def _bucket(session: Session, named: AwsResources) -> None:
    s3 = session.client("s3")
    if not named.bucket or named.bucket in {b["Name"] for b in s3.list_buckets()["Buckets"]}:
        return
    region = session.region_name
    # The one region that has no name here: docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket
    where = {"LocationConstraint": region}
    options = {} if region == "us-east-1" else {"CreateBucketConfiguration": where}
    s3.create_bucket(Bucket=named.bucket, **options)


def _repository(session: Session, named: AwsResources) -> None:
    if not named.repository:
        return
    ecr = session.client("ecr", region_name=named.registry_region or session.region_name)
    try:
        ecr.create_repository(repositoryName=named.repository)
    except ecr.exceptions.RepositoryAlreadyExistsException:
        return


def _cluster(session: Session, name: str, account: str) -> None:
    eks, ec2 = session.client("eks"), session.client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    role = f"arn:aws:iam::{account}:role/{name}"
    try:
        eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": subnets})
    except eks.exceptions.ResourceInUseException:
        return
    eks.create_nodegroup(
        clusterName=name,
        nodegroupName=name,
        subnets=subnets,
        nodeRole=_node_role(name, account),
    )


def _node_role(cluster: str, account: str) -> str:
    return f"arn:aws:iam::{account}:role/{cluster}-node"


def _role(
    session: Session, arn: str, service: str, policy: Mapping[str, object] | None = None
) -> None:
    iam = session.client("iam")
    allowed = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    path = arn.partition(":role")[2].rpartition("/")[0] + "/"
    try:
        iam.create_role(RoleName=role_name(arn), Path=path, AssumeRolePolicyDocument=trust)
    except iam.exceptions.EntityAlreadyExistsException:
        return
    if policy:
        iam.put_role_policy(
            RoleName=role_name(arn), PolicyName="pull", PolicyDocument=json.dumps(policy)
        )
