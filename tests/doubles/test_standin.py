"""The stand-in plugin itself: above all that it never says "exists" of what does not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pulumi_aws as aws_sdk
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from kitaru_iac.engine.deployment import Deployment
from kitaru_iac.engine.errors import UpdateFailed
from kitaru_iac.engine.find import find_engine
from tests.doubles.aws import REGION, AwsLoopback
from tests.doubles.standin.fixtures import EngineRoom
from tests.doubles.standin.install import install


@pytest.fixture
def plugin(aws: AwsLoopback, tmp_path: Path) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    process = subprocess.Popen([install(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    process.terminate()
    process.wait()
    process.stdout.close()


ENCRYPTION = "BucketServerSideEncryptionConfiguration"
TYPES = {
    "aws:s3/bucket:Bucket": "gone",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "gone",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "gone",
    f"aws:s3/{ENCRYPTION[0].lower()}{ENCRYPTION[1:]}:{ENCRYPTION}": "gone",
    "aws:s3/bucketVersioning:BucketVersioning": "gone",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "gone",
    "aws:s3/bucketPolicy:BucketPolicy": "gone",
    "aws:ecr/repository:Repository": "gone",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "gone",
    "aws:iam/role:Role": "gone",
    "aws:iam/rolePolicy:RolePolicy": "gone:policy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "gone/arn:aws:iam::aws:policy/X",
    "aws:eks/cluster:Cluster": "gone",
    "aws:eks/nodeGroup:NodeGroup": "gone:nodes",
    "aws:eks/addon:Addon": "gone:coredns",
    "aws:eks/accessEntry:AccessEntry": "gone:arn:aws:iam::123456789012:role/x",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "gone#arn:role#arn:policy",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "gone",
    "aws:cloudwatch/logGroup:LogGroup": "gone",
    "aws:ec2/vpc:Vpc": "vpc-0123456789abcdef0",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "sg-0123456789abcdef0",
    "aws:ec2/subnet:Subnet": "subnet-0123456789abcdef0",
    "aws:ec2/internetGateway:InternetGateway": "igw-0123456789abcdef0",
    "aws:ec2/eip:Eip": "eipalloc-0123456789abcdef0",
    "aws:ec2/natGateway:NatGateway": "nat-0123456789abcdef0",
    "aws:ec2/routeTable:RouteTable": "rtb-0123456789abcdef0",
    "aws:ec2/route:Route": "r-rtb-0123456789abcdef01080289494",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "rtbassoc-0123456789abcdef0",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce-0123456789abcdef0",
}


def test_what_is_missing_reads_as_nothing_at_all(
    plugin: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    for token, name in TYPES.items():
        urn = f"urn:pulumi:s::p::{token}::x"
        answer = plugin.Read(provider_pb2.ReadRequest(urn=urn, id=name))
        assert answer == provider_pb2.ReadResponse(), token
        assert not answer.HasField("properties"), token


def test_it_refuses_a_type_that_it_does_not_know(
    plugin: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    with pytest.raises(grpc.RpcError, match="the stand-in has no aws:sqs/queue:Queue"):
        plugin.Check(provider_pb2.CheckRequest(urn="urn:pulumi:s::p::aws:sqs/queue:Queue::x"))


def test_what_is_there_reads_with_its_settings(
    plugin: provider_pb2_grpc.ResourceProviderStub, aws: AwsLoopback
) -> None:
    aws.bucket("there")
    config = struct_pb2.Struct()
    config.update({"region": REGION})
    plugin.Configure(provider_pb2.ConfigureRequest(args=config))
    urn = "urn:pulumi:s::p::aws:s3/bucket:Bucket::x"
    answer = plugin.Read(provider_pb2.ReadRequest(urn=urn, id="there"))
    assert answer.id == "there"
    assert answer.inputs["bucket"] == "there"
    assert answer.properties["bucketRegion"] == REGION


def deployment(program: Callable[[], Any]) -> Deployment:
    return Deployment("standin", "test", program, engine=find_engine())


@pytest.mark.engine
def test_getting_what_is_missing_fails_a_preview(engine_room: EngineRoom) -> None:
    def program() -> None:
        provider = aws_sdk.Provider("aws", region=REGION)
        options = pulumi.ResourceOptions(provider=provider)
        aws_sdk.s3.Bucket.get("got", "gone", opts=options)

    with deployment(program) as gone, pytest.raises(UpdateFailed, match="does not exist"):
        gone.preview()
    engine_room.aws.bucket("gone")
    with deployment(program) as there:
        assert [step.name for step in there.preview().steps()] == ["gone"]


def test_it_is_where_the_engine_looks(tmp_path: Path) -> None:
    program = install(tmp_path)
    assert program.parent.parent == tmp_path / "plugins"
    assert os.access(program, os.X_OK)
