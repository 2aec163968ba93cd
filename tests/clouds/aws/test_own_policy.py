"""The policy of whoever runs `provision`: valid, narrow, and enough for what the program makes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest

from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.documents import DocumentKind, document_problems
from kitaru_iac.clouds.aws.failures import iam_action
from kitaru_iac.clouds.aws.permissions import tagged_connector_trust
from kitaru_iac.clouds.aws.policies.document import Document, read_document
from kitaru_iac.clouds.aws.policies.evaluate import evaluate
from kitaru_iac.clouds.aws.policies.requests import ABSENT, Caller, CallerKind, Context, Request
from kitaru_iac.clouds.aws.provision.account import Account
from kitaru_iac.clouds.aws.provision.names import role_name
from kitaru_iac.clouds.aws.provision.own_policy import provision_policy
from kitaru_iac.clouds.aws.provision.ownership import BUCKET, REPOSITORY
from kitaru_iac.clouds.aws.provision.target import target
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.provider import marks
from kitaru_iac.infrastructure.verify import policy
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import StackSpec
from tests.clouds.aws.programs import ACCOUNT, made_of
from tests.clouds.aws.provider_calls import calls_of

REGION = "eu-west-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


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
        infrastructure={"permissions_boundary": BOUNDARY, "kms_key": KEY},
    ),
    "cluster": described(
        type="kubernetes",
        container_registry=HOST,
        resources={"cluster": "create", "registry": "create"},
        infrastructure={
            "endpoint_access": [],
            "network": "create",
            "kubernetes_version": "1.34",
        },
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
        "s3:PutLifecycleConfiguration", "s3:ListTagsForResource", "s3:TagResource",
        "s3:UntagResource",
    }  # fmt: skip
    session: Any = boto3.session.Session()
    granted = {a for spec in SPECS.values() for s in provision_policy(spec)["Statement"]
               for a in s["Action"]}  # fmt: skip
    for action in granted - otherwise:
        service = action.split(":")[0]
        api = {"tag": "resourcegroupstaggingapi"}.get(service, service)
        model = session._session.get_service_model(api)
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
                looks = {a.split(":")[1][:3] for a in statement["Action"]}
                assert looks in ({"Des"}, {"Get"})
            elif thing.startswith("arn:aws:ec2:"):
                assert list(statement["Condition"]) == ["StringEquals"]
                (key,) = {*statement["Condition"]["StringEquals"]} - {"ec2:CreateAction"}
                assert key.partition("/")[2] == "kitaru-stack"
                assert statement["Condition"]["StringEquals"][key] == "prod"
            elif "aws-service-role" in thing and statement["Action"] != ["iam:GetRole"]:
                assert statement["Condition"]["StringEquals"]["iam:AWSServiceName"]
            else:
                own = (
                    "kitaru-prod",
                    "kitaru/prod",
                    "team-data",
                    "mine",
                    "repository/zenml",
                    "aws-service-role/eks",
                    "key/*",
                    BOUNDARY,
                    KEY,
                )
                assert any(word in thing for word in own), thing


STACK = "prod"
#: What a call may say of the tag, and what the thing has.
UNTAGGED = {"aws:requesttag/kitaru-stack": ABSENT, "aws:resourcetag/kitaru-stack": ABSENT}
GIVEN = UNTAGGED | {"aws:requesttag/kitaru-stack": STACK}
CARRIED = UNTAGGED | {"aws:resourcetag/kitaru-stack": STACK}
ALL_OPTIONS = described(
    type="kubernetes",
    container_registry=HOST,
    resources={"cluster": "create", "registry": "create"},
    infrastructure={
        "permissions_boundary": BOUNDARY, "kms_key": KEY, "network": "create", "keep_images": 300,
        "kubernetes_version": "1.34", "endpoint_access": ["203.0.113.7/32"],
        "cluster_access": [f"arn:aws:iam::{ACCOUNT}:role/server"], "tags": {"team": "ml"},
        "deletion_protection": True,
    },
)  # fmt: skip


def read(spec: StackSpec) -> Document:
    """The policy, as one that the evaluator of the checks reads: with a principal."""
    statements = [{**s, "Principal": "*"} for s in provision_policy(spec)["Statement"]]
    return read_document({"Version": "2012-10-17", "Statement": statements})


def allowed(document: Document, action: str, thing: str, **known: Any) -> bool | None:
    caller = Caller(CallerKind.ROLE, f"arn:aws:iam::{ACCOUNT}:role/maker", ACCOUNT)
    context = Context(known, complete=True)
    return evaluate(document, Request(caller, action, thing, context)).allow.value


@pytest.mark.parametrize("spec", [*SPECS.values(), ALL_OPTIONS], ids=[*SPECS, "all options"])
def test_every_call_of_the_provider_is_granted(spec: StackSpec) -> None:
    """Each resource that the program registers is made, read, changed in each property, deleted."""
    boundary = spec.infrastructure.permissions_boundary
    of_iam = {"iam:permissionsboundary": boundary} if boundary else {}
    document, asked = read(spec), 0
    for made in made_of(spec):
        if not made.type.startswith("aws:"):
            continue
        for call in calls_of(made.type.removeprefix("aws:"), made.inputs, ACCOUNT, REGION):
            known: dict[str, Any] = UNTAGGED
            if call.action.startswith("ec2:") and call.on != "*":
                known = GIVEN if call.is_new else CARRIED
            if call.action.startswith("iam:"):
                known = of_iam | {"iam:policyarn": made.inputs.get("policyArn", ABSENT)}
            assert allowed(document, call.action, call.on, **known), (call, made.name)
            asked += 1
            if call.is_new:  # its tags come with it, which is an action of its own
                tags = known | {"ec2:createaction": call.action.removeprefix("ec2:")}
                assert allowed(document, "ec2:CreateTags", call.on, **tags), call
    assert asked > 5


def role_of(use: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{role_name(STACK, use, REGION)}"


#: What EKS works as in an account: it makes them with the first cluster and the first node group.
OWN_ROLES = {
    "eks.amazonaws.com": "AWSServiceRoleForAmazonEKS",
    "eks-nodegroup.amazonaws.com": "AWSServiceRoleForAmazonEKSNodegroup",
}


def own_role(service: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/{OWN_ROLES[service]}"


@pytest.mark.parametrize(
    ("action", "thing", "known"),
    [
        ("iam:PassRole", role_of("cluster"), {"iam:passedtoservice": "eks.amazonaws.com"}),
        ("iam:PassRole", role_of("nodes"), {"iam:passedtoservice": "eks.amazonaws.com"}),
        ("iam:PassRole", role_of("pods"), {"iam:passedtoservice": "pods.eks.amazonaws.com"}),
        *(("iam:GetRole", own_role(service), {}) for service in OWN_ROLES),
        *(
            ("iam:CreateServiceLinkedRole", own_role(service), {"iam:awsservicename": service})
            for service in OWN_ROLES
        ),
        ("iam:GetPolicy", BOUNDARY, {}),
        ("kms:DescribeKey", KEY, {}),
        ("ec2:DescribeAvailabilityZones", "*", {}),
        ("ec2:DescribeSubnets", "*", {}),
        # The default security group is not made by us, and has no tag when it is given ours.
        ("ec2:CreateTags", f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-1", GIVEN),
        # A tag of the user's own, given later.
        ("ec2:CreateTags", f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1", CARRIED),
    ],
)
def test_what_aws_asks_beside_the_resource_is_granted(
    action: str, thing: str, known: dict[str, Any]
) -> None:
    assert allowed(read(ALL_OPTIONS), action, thing, **known)


FOREIGN_VPC = f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-of-others"


@pytest.mark.parametrize(
    ("action", "thing", "known"),
    [
        # Roles without the boundary, or with another one; and taking it away.
        *(
            (action, role_of("pods"), {"iam:permissionsboundary": boundary})
            for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary")
            for boundary in (ABSENT, f"{BOUNDARY}-of-others")
        ),
        *(
            ("iam:DeleteRolePermissionsBoundary", role_of("pods"), {"iam:permissionsboundary": it})
            for it in (ABSENT, BOUNDARY)
        ),
        # A network of others, and making it look like ours.
        ("ec2:DeleteVpc", FOREIGN_VPC, UNTAGGED),
        ("ec2:CreateTags", FOREIGN_VPC, GIVEN),
        ("ec2:CreateSubnet", FOREIGN_VPC, UNTAGGED),
        ("ec2:CreateVpc", f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/*", UNTAGGED),
    ],
)  # fmt: skip
def test_what_is_not_the_stack_s_is_not_granted(
    action: str, thing: str, known: dict[str, Any]
) -> None:
    assert allowed(read(ALL_OPTIONS), action, thing, **known) is False


class Recorder(AwsAccess):
    """An access that finds all that it is asked about, with the marks, and notes its calls."""

    def __init__(self, marks: dict[str, str]) -> None:
        super().__init__(None, REGION)
        self.calls: set[tuple[str, str]] = set()
        self._marks = marks
        self._tags = [{"Key": key, "Value": value} for key, value in marks.items()]

    def open(self) -> None: ...

    def ask(self, service: str, operation: str, **given: Any) -> Any:
        self.note(service, operation, given)
        arn = f"arn:aws:x:{REGION}:{ACCOUNT}:y"
        part = {"tags": self._marks}
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms",
                                                       "KMSMasterKeyID": "alias/x"}}  # fmt: skip
        name = given.get("logGroupNamePrefix")
        answers: dict[str, Any] = {
            "get_caller_identity": {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/me"},
            "head_bucket": {},
            "get_bucket_tagging": {"TagSet": self._tags},
            "get_bucket_encryption": {"ServerSideEncryptionConfiguration": {"Rules": [rule]}},
            "describe_key": {"KeyMetadata": {"Arn": arn}},
            "get_policy": {},
            "list_object_versions": {"Versions": [{"Key": "k", "VersionId": "v"}]},
            "delete_objects": {},
            "list_images": {"imageIds": [{"imageDigest": "x"}]},
            "batch_delete_image": {},
            "describe_repositories": {"repositories": [{"repositoryArn": arn}]},
            "list_tags_for_resource": {"tags": self._marks if name else self._tags},
            "get_role": {"Role": {"Arn": arn, "Tags": self._tags}},
            "describe_cluster": {"cluster": {"arn": arn, **part}},
            "describe_nodegroup": {"nodegroup": {"nodegroupArn": arn, **part}},
            "describe_addon": {"addon": {"addonArn": arn, **part}},
            "describe_access_entry": {"accessEntry": {"accessEntryArn": arn, **part}},
            "describe_log_groups": {"logGroups": [{"logGroupName": name, "arn": arn}]},
            "list_pod_identity_associations": {"associations": [{"associationId": "a"}]},
            "describe_pod_identity_association": {"association": {"associationId": "a", **part}},
        }
        if service == "logs" and operation == "list_tags_for_resource":
            return part
        if service == "ec2":
            return {key: [] for key in ("Vpcs", "Subnets", "InternetGateways", "NatGateways",
                                        "Addresses", "RouteTables", "VpcEndpoints",
                                        "SecurityGroups")}  # fmt: skip
        return answers[operation]

    def ask_all(self, service: str, operation: str, key: str, **given: Any) -> Any:
        self.note(service, operation, given)
        return {
            "Versions": [{"Key": "k", "VersionId": "v"}],
            "imageIds": [{"imageDigest": "x"}],
            "Subnets": [
                {"SubnetId": f"s{n}", "AvailabilityZone": f"{REGION}{z}", "AvailabilityZoneId": z}
                for n, z in enumerate("abc")
            ],
        }.get(key, [])

    def note(self, service: str, operation: str, given: dict[str, Any]) -> None:
        pascal = "".join(part.capitalize() for part in operation.split("_"))
        api = {"resourcegroupstaggingapi": "tag"}.get(service, service)
        action = iam_action(api, pascal)
        known = {  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
            "s3:ListObjectVersions": ("s3:ListBucketVersions",),
            "s3:DeleteObjects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
            "sts:GetCallerIdentity": (),  # nobody needs a permission for it
        }
        name = given.get("Bucket") or given.get("RoleName") or given.get("name")
        name = name or given.get("PolicyArn", "").rpartition("/")[2]
        repositories = given.get("repositoryNames") or [given.get("repositoryName")]
        about = str(name or repositories[0] or "")
        self.calls |= {(one, about) for one in known.get(action, (action,))}


@pytest.mark.parametrize("name", SPECS)
def test_every_call_that_is_made_is_granted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up what is taken, what is left and what it holds; emptying it; the account's things.

    Calls of Pulumi's own provider are not among them: see `provider_calls`.
    """
    spec = SPECS[name]
    own = marks("kitaru", spec.name)
    access = Recorder(own)
    account = Account(access, None, REGION, ACCOUNT, "me")
    monkeypatch.setattr(Account, "open", classmethod(lambda cls, *_: account))
    found = target(spec)
    made = made_of(spec)
    for claim in found.claims:
        account.sight(claim.type, claim.inputs, own)
    for each in made:  # taking back asks about everything
        account.sight(each.type, each.inputs, own)
    for kind, key in ((BUCKET, "bucket"), (REPOSITORY, "name")):
        for claim in found.claims:
            if claim.type == kind:
                account.holds(kind, str(claim.inputs[key]))
                account.empty(kind, str(claim.inputs[key]))
    account.marked(own)
    statements = provision_policy(spec)["Statement"]
    assert len(access.calls) > 5
    for action, about in sorted(access.calls):
        granted = things(statements, action)
        assert any(_is_about(arn, about) for arn in granted), (action, about, granted)


def _is_about(arn: str, name: str) -> bool:
    """Whether an ARN of the document is that of a thing of this name, or of its parts."""
    if arn == "*" or not name:
        return True
    kind, _, rest = arn.split(":", 5)[5].partition("/")
    return fnmatchcase(name, kind) if ":s3:::" in arn else fnmatchcase(name, rest)


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
    assert found["Action"] == [
        "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
    ]  # fmt: skip
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
