"""The policy of whoever runs `provision`: valid, narrow, and enough for what the program makes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest

from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.documents import DocumentKind, document_problems
from kitaru_iac.clouds.aws.permissions import tagged_connector_trust
from kitaru_iac.clouds.aws.provision.own_policy import provision_policy
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.session import iam_action
from kitaru_iac.infrastructure.verify import policy
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import StackSpec
from tests.clouds.aws.programs import ACCOUNT, made_of

REGION = "eu-west-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"


def described(**more: Any) -> StackSpec:
    keys = {"name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision"}
    return from_mapping(keys | more)


SPECS = {
    "sagemaker": described(),
    "existing": described(artifact_store="s3://team-data/k"),
    "local": described(type="local", artifact_store="s3://mine", resources={"bucket": "create"}),
    "named": described(
        container_registry=HOST,
        resources={"registry": "create"},
        infrastructure={"permissions_boundary": BOUNDARY},
    ),
    "cluster": described(
        type="kubernetes",
        container_registry=HOST,
        resources={"cluster": "create", "registry": "create"},
        infrastructure={"endpoint_access": [], "network": "create"},
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_it_is_valid_and_fits_into_a_managed_policy(name: str) -> None:
    document = provision_policy(SPECS[name])
    # The whole of a cluster with its network is more than one inline policy of a user holds.
    assert document_problems(document, DocumentKind.INLINE) == []


def test_actions_are_operations_of_the_services() -> None:
    otherwise = {  # https://docs.aws.amazon.com/service-authorization/latest/reference/
        "iam:PassRole", "s3:DeleteObjectVersion", "s3:ListBucketVersions",
        "s3:GetAccelerateConfiguration", "s3:GetBucketCORS", "s3:GetBucketObjectLockConfiguration",
        "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration",
        "s3:PutBucketPublicAccessBlock", "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
    }  # fmt: skip
    session: Any = boto3.session.Session()
    granted = {a for spec in SPECS.values() for s in provision_policy(spec)["Statement"]
               for a in s["Action"]}  # fmt: skip
    for action in granted - otherwise:
        service = action.split(":")[0]
        model = session._session.get_service_model(service)
        assert action in {iam_action(service, name) for name in model.operation_names}, action


@pytest.mark.parametrize("name", SPECS)
def test_it_speaks_of_this_stack_alone(name: str) -> None:
    """By name; what has none, only with the stack's tag; all else only looks."""
    for statement in provision_policy(SPECS[name])["Statement"]:
        things = statement["Resource"]
        things = [things] if isinstance(things, str) else things
        assert not any("*" in action for action in statement["Action"])
        for thing in things:
            if thing == "*":
                looks = {a.split(":")[1][:8] for a in statement["Action"]}
                assert looks == {"Describe"}
            elif thing.startswith("arn:aws:ec2:"):
                assert list(statement["Condition"]) == ["StringEquals"]
                (key,) = statement["Condition"]["StringEquals"]
                assert key.partition("/")[2] == "kitaru-stack"
                assert statement["Condition"]["StringEquals"][key] == "prod"
            elif "aws-service-role" in thing:
                assert statement["Condition"]["StringEquals"]["iam:AWSServiceName"]
            else:
                own = ("kitaru-prod", "kitaru/prod", "team-data", "mine", "repository/zenml")
                assert any(word in thing for word in own), thing


#: What the provider needs at least to make a resource and to delete it.
NEEDED = {
    "s3/bucket:Bucket": ("s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketTagging"),
    "s3/bucketPolicy:BucketPolicy": ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
    "ecr/repository:Repository": ("ecr:CreateRepository", "ecr:DeleteRepository"),
    "iam/role:Role": ("iam:CreateRole", "iam:DeleteRole", "iam:TagRole"),
    "iam/rolePolicy:RolePolicy": ("iam:PutRolePolicy", "iam:DeleteRolePolicy"),
    "iam/rolePolicyAttachment:RolePolicyAttachment": ("iam:AttachRolePolicy",),
    "eks/cluster:Cluster": ("eks:CreateCluster", "eks:DeleteCluster", "iam:PassRole"),
    "eks/nodeGroup:NodeGroup": ("eks:CreateNodegroup", "eks:DeleteNodegroup"),
    "eks/addon:Addon": ("eks:CreateAddon", "eks:DeleteAddon"),
    "eks/podIdentityAssociation:PodIdentityAssociation": ("eks:CreatePodIdentityAssociation",),
    "cloudwatch/logGroup:LogGroup": ("logs:CreateLogGroup", "logs:PutRetentionPolicy"),
    "ec2/vpc:Vpc": ("ec2:CreateVpc", "ec2:DeleteVpc", "ec2:CreateTags"),
    "ec2/subnet:Subnet": ("ec2:CreateSubnet", "ec2:DeleteSubnet"),
    "ec2/natGateway:NatGateway": ("ec2:CreateNatGateway", "ec2:DeleteNatGateway"),
    "ec2/eip:Eip": ("ec2:AllocateAddress", "ec2:ReleaseAddress"),
    "ec2/vpcEndpoint:VpcEndpoint": ("ec2:CreateVpcEndpoint", "ec2:DeleteVpcEndpoints"),
}


@pytest.mark.parametrize("name", ["sagemaker", "named", "cluster"])
def test_it_is_enough_for_what_the_program_makes(name: str) -> None:
    spec = SPECS[name]
    statements = provision_policy(spec)["Statement"]
    granted = {action for s in statements for action in s["Action"]}
    made = made_of(spec)
    for each in made:
        for action in NEEDED.get(each.type.removeprefix("aws:"), ()):
            assert action in granted, each.type
    # What has a name may be made under the name that the program gives it.
    for kind, action, form in (
        ("ecr/repository:Repository", "ecr:CreateRepository", "repository/{}"),
        ("iam/role:Role", "iam:CreateRole", "role/{}"),
        ("eks/cluster:Cluster", "eks:CreateCluster", "cluster/{}"),
        ("cloudwatch/logGroup:LogGroup", "logs:CreateLogGroup", "log-group:{}"),
    ):
        for each in made:
            if each.type == f"aws:{kind}":
                arns = things(statements, action)
                called = form.format(each.inputs["name"])
                assert any(fnmatchcase(f"x:{called}", f"x:{arn.split(':', 5)[5]}") for arn in arns)


def things(statements: list[dict[str, Any]], action: str) -> list[str]:
    found: list[str] = []
    for statement in statements:
        if action in statement["Action"]:
            given = statement["Resource"]
            found += [given] if isinstance(given, str) else given
    return found


def test_roles_are_made_only_within_the_boundary() -> None:
    (found,) = [s for s in provision_policy(SPECS["named"])["Statement"]
                if "iam:CreateRole" in s["Action"]]  # fmt: skip
    assert found["Action"] == ["iam:CreateRole", "iam:PutRolePolicy"]
    assert found["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}


def test_only_what_provisions_has_it_printed() -> None:
    printed: Any = policy(SPECS["sagemaker"])
    assert printed["policies"]["provision"] == provision_policy(SPECS["sagemaker"])
    verified = from_mapping(
        {
            "name": "prod", "type": "sagemaker", "region": REGION, "infra": "verify",
            "artifact_store": "s3://mine", "container_registry": HOST,
            "execution_role": f"arn:aws:iam::{ACCOUNT}:role/x",
        }
    )  # fmt: skip
    found: Any = policy(verified)
    assert "provision" not in found["policies"]
    assert set(found["trust"]) == {Identity.CONNECTOR.value, Identity.RUNTIME.value}


def test_a_tag_is_no_trust_without_an_account() -> None:
    with pytest.raises(ValueError, match="would let in anybody"):
        tagged_connector_trust(AwsResources("prod", StackType.SAGEMAKER))
