"""What every check of the catalog says, and when: one case for each status that it can have.

`arrange` makes the world so and returns the description; the check is then run through real boto3.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.permissions import policy, trust_policy
from kitaru_iac.spec.model import BaseSpec
from tests.clouds.aws.world import World
from tests.doubles.aws import ACCOUNT_ID, REGION, service_trust
from tests.doubles.web import Response

__all__ = ["CASES", "Case"]

OK, WARN, FAIL, UNKNOWN = CheckStatus
Arrange = Callable[[World], BaseSpec]


@dataclass(frozen=True)
class Case:
    """One check in one situation.

    Attributes:
        id: The check.
        status: How it must end.
        arrange: Makes the situation.
        why: Stands in the result's reason.
        permission: The missing permission that the result must name.
        mends: Whether carrying out the remedy makes the check ok.
        name: For the test's id.
    """

    id: str
    status: CheckStatus
    arrange: Arrange
    why: str
    permission: str | None = None
    mends: bool = False
    name: str = field(default="")

    def __str__(self) -> str:
        return f"{self.id}-{self.status}-{self.name or self.why}".replace(" ", "_")


def _having(spec: str, *steps: str) -> Arrange:
    """Call these methods of the world, and describe a stack of this type."""

    def arrange(world: World) -> BaseSpec:
        for step in steps:
            getattr(world, step)()
        described: BaseSpec = getattr(world, spec)()
        return described

    return arrange


def _then(first: Arrange, change: Callable[[World], Any]) -> Arrange:
    def arrange(world: World) -> BaseSpec:
        spec = first(world)
        change(world)
        return spec

    return arrange


def _denied(first: Arrange, *operations: str) -> Arrange:
    return _then(first, lambda world: world.faults.deny(*operations))


def _intercepted(first: Arrange, operation: str, status: int = 200) -> Arrange:
    page = Response(status, b"<html/>", {"Content-Type": "text/html"})
    return _then(first, lambda world: world.faults.intercept(operation, page))


def _throttled(first: Arrange, operation: str) -> Arrange:
    return _then(
        first, lambda world: world.faults.fail(operation, "ThrottlingException", status=400)
    )


def _set(world: World, name: str, value: Any) -> None:
    setattr(world, name, value)


def _described(prepare: Callable[[World], Any], spec: str, **over: Any) -> Arrange:
    def arrange(world: World) -> BaseSpec:
        prepare(world)
        described: BaseSpec = getattr(world, spec)(**over)
        return described

    return arrange


BUCKET = _having("kubernetes", "fit_bucket")
BARE_BUCKET = _having("kubernetes", "make_bucket")
NOTHING = _having("kubernetes")
REPOSITORY = _having("kubernetes", "fit_repository")
CLUSTER = _having("kubernetes", "fit_cluster")
ROLE = _having("sagemaker", "fit_bucket", "fit_role")
EXPIRED = _then(
    NOTHING, lambda w: w.faults.fail("sts:GetCallerIdentity", "ExpiredToken", "expired")
)


def _nobody(world: World) -> BaseSpec:
    world.credentials = "aws-profile:nobody"
    return world.kubernetes()


def _credentials() -> list[Case]:
    root = Response(
        200,
        (
            "<GetCallerIdentityResponse><GetCallerIdentityResult>"
            f"<Arn>arn:aws:iam::{ACCOUNT_ID}:root</Arn><UserId>1</UserId>"
            f"<Account>{ACCOUNT_ID}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        ).encode(),
        {"Content-Type": "text/xml"},
    )
    other = {"container_registry": f"999999999999.dkr.ecr.{REGION}.amazonaws.com"}

    def role_not_trusting(world: World) -> BaseSpec:
        world.credentials = f"aws-role:arn:aws:iam::{ACCOUNT_ID}:role/connector"
        world.faults.deny("sts:AssumeRole")
        return world.kubernetes()

    return [
        Case("aws.credentials", OK, NOTHING, "they are arn:aws:sts::123456789012:user/moto"),
        Case(
            "aws.credentials",
            WARN,
            _then(NOTHING, lambda w: w.faults.answer("sts:GetCallerIdentity", root)),
            "root user",
        ),
        Case("aws.credentials", FAIL, _nobody, "nobody", name="no such profile"),
        Case("aws.credentials", FAIL, EXPIRED, "ExpiredToken"),
        Case("aws.credentials", FAIL, role_not_trusting, "role/connector cannot be assumed"),
        Case("aws.credentials", UNKNOWN, _throttled(NOTHING, "sts:GetCallerIdentity"), "throttled"),
        Case("aws.account", OK, NOTHING, ACCOUNT_ID),
        Case(
            "aws.account",
            FAIL,
            _described(lambda w: None, "kubernetes", **other),
            "things of account 999999999999",
        ),
        Case("aws.account", UNKNOWN, EXPIRED, "aws.credentials"),
    ]


def _bucket() -> list[Case]:
    elsewhere = lambda w: w.make_bucket("us-west-2")  # noqa: E731
    public = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::*",
    }
    unblocked = _then(BUCKET, lambda w: w.s3().delete_public_access_block(Bucket=w.bucket))
    kept = lambda w: w.bucket_policy(  # noqa: E731
        {
            "Sid": "Theirs",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{w.bucket}/*",
        }
    )
    half = _then(BARE_BUCKET, lambda w: w.bucket_policy({
        "Effect": "Deny", "Principal": "*", "Action": "S3:*",
        "Resource": f"arn:aws:s3:::{w.bucket}",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }))  # fmt: skip

    found = Response(200, json.dumps({"findings": [
        {"findingType": "WARNING", "findingDetails": "Add an Sid."},
        {"findingType": "ERROR", "findingDetails": "There is no such action."},
    ]}).encode())  # fmt: skip
    is_public = Response(200, b'{"result": "FAIL", "message": "It is public."}')

    def denying(condition: dict[str, Any]) -> Arrange:
        return _then(BARE_BUCKET, lambda w: w.bucket_policy({
            "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": condition,
            "Resource": [f"arn:aws:s3:::{w.bucket}", f"arn:aws:s3:::{w.bucket}/*"],
        }))  # fmt: skip

    def of_another_account(world: World) -> None:
        """S3 refuses the expected owner alone; moto does not look at it."""

        def refuse(request: Any) -> Response | None:
            expected = "x-amz-expected-bucket-owner" in request.headers
            return Response(403) if expected else None

        world.faults.answer("s3:HeadBucket", refuse)

    return [
        Case("aws.bucket.exists", OK, BUCKET, "exists"),
        Case("aws.bucket.exists", FAIL, NOTHING, "no bucket of this name", mends=True),
        Case(
            "aws.bucket.exists",
            UNKNOWN,
            _denied(BUCKET, "s3:HeadBucket"),
            "403, not 404",
            "s3:ListBucket",
        ),
        Case("aws.bucket.exists", UNKNOWN, _nobody, "aws.credentials", name="no credentials"),
        *(
            Case(
                "aws.bucket.exists",
                UNKNOWN,
                _intercepted(BUCKET, "s3:HeadBucket", status),
                "no answer of AWS's",
                name=f"a portal answers with {status}",
            )
            for status in (200, 403, 404)
        ),
        Case("aws.bucket.region", OK, BUCKET, f"it is in {REGION}"),
        Case(
            "aws.bucket.region",
            OK,
            _denied(BUCKET, "s3:HeadBucket"),
            f"it is in {REGION}",
            name="S3 tells it to those it denies",
        ),
        Case("aws.bucket.region", WARN, _described(elsewhere, "kubernetes"), "us-west-2"),
        Case("aws.bucket.region", FAIL, _described(elsewhere, "sagemaker"), "SageMaker refuses"),
        Case(
            "aws.bucket.region",
            UNKNOWN,
            _then(BUCKET, lambda w: w.faults.answer("s3:HeadBucket", Response(200))),
            "it names no region",
        ),
        Case("aws.bucket.region", UNKNOWN, NOTHING, "does not exist"),
        Case("aws.bucket.public_access", OK, BUCKET, "all four switches"),
        Case("aws.bucket.public_access", WARN, BARE_BUCKET, "RestrictPublicBuckets", mends=True),
        Case(
            "aws.bucket.public_access",
            FAIL,
            _then(unblocked, lambda w: w.bucket_policy(public)),
            "its policy makes it public",
            mends=True,
        ),
        Case(
            "aws.bucket.public_access",
            FAIL,
            _then(unblocked, lambda w: w.s3().put_bucket_acl(Bucket=w.bucket, ACL="public-read")),
            "its ACL (READ to everybody) makes it public",
            mends=True,
        ),
        Case(
            "aws.bucket.public_access",
            FAIL,
            _denied(
                _then(
                    unblocked,
                    lambda w: w.faults.answer("accessanalyzer:CheckNoPublicAccess", is_public),
                ),
                "s3:GetBucketPolicyStatus",
            ),
            "its policy makes it public",
            mends=True,
            name="by Access Analyzer",
        ),
        Case(
            "aws.bucket.public_access",
            UNKNOWN,
            _denied(BARE_BUCKET, "s3:GetBucketAcl"),
            "whether its ACL makes it public could not be looked at",
            "s3:GetBucketAcl",
        ),
        Case(
            "aws.bucket.public_access",
            UNKNOWN,
            _denied(BUCKET, "s3:GetPublicAccessBlock"),
            "not allowed to look",
            "s3:GetBucketPublicAccessBlock",
        ),
        Case(
            "aws.bucket.public_access",
            UNKNOWN,
            _denied(BARE_BUCKET, "s3control:GetPublicAccessBlock"),
            "unless its account's own block is on",
            "s3:GetAccountPublicAccessBlock",
        ),
        Case("aws.bucket.encryption", OK, BUCKET, "AES256"),
        Case("aws.bucket.encryption", OK, _then(BUCKET, lambda w: w.key()), "and the key arn:"),
        Case(
            "aws.bucket.encryption",
            FAIL,
            _then(BUCKET, lambda w: w.client("kms").disable_key(KeyId=w.key())),
            "is Disabled",
            mends=True,
        ),
        Case(
            "aws.bucket.encryption",
            FAIL,
            _then(BUCKET, lambda w: w.client("kms").schedule_key_deletion(KeyId=w.key())),
            "is PendingDeletion",
            mends=True,
        ),
        Case(
            "aws.bucket.encryption",
            UNKNOWN,
            _then(BUCKET, lambda w: (w.key(), w.faults.deny("kms:DescribeKey"))),
            "state could not be looked at",
            "kms:DescribeKey",
        ),
        Case("aws.bucket.encryption", WARN, BARE_BUCKET, "no default encryption", mends=True),
        Case(
            "aws.bucket.encryption",
            UNKNOWN,
            _denied(BUCKET, "s3:GetBucketEncryption"),
            "not allowed",
            "s3:GetEncryptionConfiguration",
        ),
        Case("aws.bucket.versioning", OK, BUCKET, "versioning is on"),
        Case("aws.bucket.versioning", WARN, BARE_BUCKET, "off", mends=True),
        Case(
            "aws.bucket.versioning",
            WARN,
            _then(
                BUCKET,
                lambda w: w.s3().put_bucket_versioning(
                    Bucket=w.bucket, VersioningConfiguration={"Status": "Suspended"}
                ),
            ),
            "suspended",
            mends=True,
        ),
        Case(
            "aws.bucket.versioning",
            UNKNOWN,
            _denied(BUCKET, "s3:GetBucketVersioning"),
            "not allowed",
            "s3:GetBucketVersioning",
        ),
        Case("aws.bucket.versioning", UNKNOWN, NOTHING, "does not exist", mends=False),
        Case(
            "aws.bucket.versioning",
            UNKNOWN,
            _intercepted(BUCKET, "s3:GetBucketVersioning"),
            "no answer of AWS's",
            name="a portal answers",
        ),
        Case("aws.bucket.policy", OK, BUCKET, "denies nothing that is needed by the connector"),
        Case("aws.bucket.policy", OK, BARE_BUCKET, "it has no policy"),
        Case(
            "aws.bucket.policy",
            OK,
            _denied(BUCKET, "accessanalyzer:ValidatePolicy"),
            "Access Analyzer was not asked",
        ),
        Case(
            "aws.bucket.policy",
            UNKNOWN,
            _then(BUCKET, lambda w: w.faults.answer("accessanalyzer:ValidatePolicy", found)),
            "finds errors in it: There is no such action.",
        ),
        Case(
            "aws.bucket.policy",
            FAIL,
            denying({}),
            "its policy denies the connector s3:GetBucketVersioning, s3:ListBucket",
        ),
        Case(
            "aws.bucket.policy",
            FAIL,
            _then(BARE_BUCKET, of_another_account),
            "its policy does not allow the connector",
        ),
        Case(
            "aws.bucket.policy",
            UNKNOWN,
            denying({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}),
            "hangs on aws:SourceVpce",
        ),
        Case(
            "aws.bucket.policy",
            UNKNOWN,
            _denied(BUCKET, "s3:GetBucketPolicy"),
            "not allowed to look",
            "s3:GetBucketPolicy",
        ),
        Case("aws.bucket.tls_only", OK, BUCKET, "denies connections without TLS"),
        Case("aws.bucket.tls_only", WARN, BARE_BUCKET, "does not deny", mends=True),
        Case(
            "aws.bucket.tls_only",
            WARN,
            half,
            "does not deny connections without TLS to its obj",
            mends=True,
        ),
        Case(
            "aws.bucket.tls_only",
            WARN,
            _then(BARE_BUCKET, kept),
            "does not deny",
            mends=True,
            name="beside another policy",
        ),
        Case(
            "aws.bucket.tls_only",
            UNKNOWN,
            _denied(BUCKET, "s3:GetBucketPolicy"),
            "not allowed",
            "s3:GetBucketPolicy",
        ),
    ]


def _repository() -> list[Case]:
    def ruled(change: dict[str, Any]) -> Arrange:
        statement = {"Effect": "Deny", "Principal": "*", "Action": "ecr:PutImage", **change}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        return _then(REPOSITORY, lambda w: w.client("ecr").set_repository_policy(
            repositoryName=w.repository, policyText=json.dumps(document)
        ))  # fmt: skip

    plain = _described(lambda w: w.aws.repository(w.repository), "kubernetes")
    rules = lambda w: w.faults.change(  # noqa: E731
        "ecr:GetRegistryScanningConfiguration",
        lambda body: body["scanningConfiguration"].update(
            rules=[
                {
                    "scanFrequency": "SCAN_ON_PUSH",
                    "repositoryFilters": [{"filter": "images-*", "filterType": "WILDCARD"}],
                }
            ]
        ),
    )
    denied = _denied(REPOSITORY, "ecr:DescribeRepositories")
    permission = "ecr:DescribeRepositories"
    return [
        Case("aws.repository.exists", OK, REPOSITORY, "it exists"),
        Case("aws.repository.exists", FAIL, NOTHING, "no creation template makes one", mends=True),
        Case(
            "aws.repository.exists",
            WARN,
            _then(NOTHING, lambda w: w.creation_templates({"prefix": "ROOT"})),
            "template ROOT makes it at the first push",
            mends=True,
        ),
        Case(
            "aws.repository.exists",
            UNKNOWN,
            _denied(NOTHING, "ecr:DescribeRepositoryCreationTemplates"),
            "not allowed to look",
            "ecr:DescribeRepositoryCreationTemplates",
            name="templates denied",
        ),
        Case("aws.repository.exists", UNKNOWN, denied, "not allowed to look", permission),
        Case(
            "aws.repository.exists",
            UNKNOWN,
            _throttled(REPOSITORY, "ecr:DescribeRepositories"),
            "throttled",
        ),
        Case("aws.repository.policy", OK, REPOSITORY, "it has no policy"),
        Case("aws.repository.policy", OK, ruled({"Effect": "Allow"}), "denies nothing that is"),
        Case("aws.repository.policy", FAIL, ruled({}), "denies the connector ecr:PutImage"),
        Case(
            "aws.repository.policy",
            UNKNOWN,
            ruled({"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}),
            "hangs on aws:SourceVpce",
        ),
        Case(
            "aws.repository.policy",
            UNKNOWN,
            _denied(REPOSITORY, "ecr:GetRepositoryPolicy"),
            "not allowed to look",
            "ecr:GetRepositoryPolicy",
        ),
        Case("aws.repository.policy", UNKNOWN, NOTHING, "does not exist"),
        *_repository_key(),
        Case("aws.repository.scan_on_push", OK, REPOSITORY, "scans on push"),
        Case("aws.repository.scan_on_push", OK, _then(plain, rules), "rule of the registry"),
        Case("aws.repository.scan_on_push", WARN, plain, "nothing scans", mends=True),
        Case(
            "aws.repository.scan_on_push",
            UNKNOWN,
            _denied(plain, "ecr:GetRegistryScanningConfiguration"),
            "rules could not be looked at",
            "ecr:GetRegistryScanningConfiguration",
        ),
        Case("aws.repository.scan_on_push", UNKNOWN, NOTHING, "does not exist"),
        Case("aws.repository.tag_mutability", OK, REPOSITORY, "pushed again"),
        Case(
            "aws.repository.tag_mutability",
            WARN,
            _described(lambda w: w.fit_repository(imageTagMutability="IMMUTABLE"), "kubernetes"),
            "IMMUTABLE",
            mends=True,
        ),
        Case("aws.repository.tag_mutability", UNKNOWN, denied, "not allowed to look", permission),
    ]


def _cluster() -> list[Case]:
    def says(**fields: Any) -> Arrange:
        return _then(CLUSTER, lambda w: w.cluster_says(**fields))

    def group_says(**fields: Any) -> Arrange:
        return _then(CLUSTER, lambda w: w.node_group_says(**fields))

    def version(status: str | None) -> Arrange:
        return _then(CLUSTER, lambda w: w.version_is(status))

    def namespace(status: int | None, *denies: str) -> Arrange:
        def arrange(world: World) -> BaseSpec:
            world.fit_cluster()
            world.cluster_answers(status, *denies)
            return world.kubernetes(namespace="ml")

        return arrange

    def foreign(*names: str) -> Arrange:
        """A registry that is not AWS's, and these image pull secrets for both kinds of pods."""

        def arrange(world: World) -> BaseSpec:
            world.fit_cluster()
            world.cluster_answers(200)
            world.cluster_has("ml/login")
            keys = ("pod_settings", "orchestrator_pod_settings")
            settings = {key: {"image_pull_secrets": list(names)} for key in keys}
            return world.kubernetes(
                namespace="ml",
                container_registry="ghcr.io/team",
                extra={"orchestrator": settings if names else {}},
            )

        return arrange

    def empty(world: World) -> None:
        world.fit_cluster(node_groups=0)

    def fargate(namespace: str) -> Arrange:
        def prepare(world: World) -> None:
            empty(world)
            world.client("eks").create_fargate_profile(
                fargateProfileName="profile",
                clusterName=world.cluster,
                podExecutionRoleArn=world.node_role,
                subnets=["subnet-1"],
                selectors=[{"namespace": namespace}],
            )

        return _described(prepare, "kubernetes")

    def self_managed(world: World) -> None:
        empty(world)
        ec2 = world.client("ec2")
        linux = [i for i in ec2.describe_images()["Images"] if i.get("Platform") != "windows"]
        image = linux[0]["ImageId"]
        tag = {"Key": f"kubernetes.io/cluster/{world.cluster}", "Value": "owned"}
        ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [tag]}],
        )

    denied = _denied(CLUSTER, "eks:DescribeCluster")
    permission = "eks:DescribeCluster"
    none = _described(empty, "kubernetes")
    network = {"endpointPublicAccess": True, "endpointPrivateAccess": False}
    return [
        Case("aws.cluster.exists", OK, CLUSTER, "it exists"),
        Case("aws.cluster.exists", FAIL, NOTHING, "no EKS cluster of this name"),
        Case("aws.cluster.exists", UNKNOWN, denied, "not allowed to look", permission),
        Case("aws.cluster.active", OK, CLUSTER, "ACTIVE"),
        Case("aws.cluster.active", WARN, says(status="UPDATING"), "usable meanwhile"),
        Case("aws.cluster.active", FAIL, says(status="CREATING"), "CREATING"),
        Case(
            "aws.cluster.active",
            FAIL,
            says(status="FAILED", health={"issues": [{"message": "no subnets"}]}),
            "no subnets",
        ),
        Case("aws.cluster.active", UNKNOWN, denied, "not allowed to look", permission),
        Case("aws.cluster.compute", OK, CLUSTER, "node groups"),
        Case(
            "aws.cluster.compute",
            OK,
            says(computeConfig={"enabled": True, "nodePools": ["general-purpose"]}),
            "Auto Mode",
        ),
        Case(
            "aws.cluster.compute",
            FAIL,
            group_says(taints=[{"key": "team", "value": "x", "effect": "NO_SCHEDULE"}]),
            "has the taint team",
        ),
        *_pods(says),
        Case("aws.cluster.namespace", OK, CLUSTER, "every cluster has"),
        Case("aws.cluster.namespace", OK, namespace(200), "has the namespace ml"),
        Case("aws.cluster.namespace", FAIL, namespace(404), "no namespace ml"),
        Case("aws.cluster.namespace", UNKNOWN, namespace(403), "answered 403"),
        Case("aws.cluster.namespace", UNKNOWN, namespace(401), "answered 401"),
        Case("aws.cluster.namespace", UNKNOWN, namespace(500), "answered 500"),
        Case("aws.cluster.namespace", UNKNOWN, namespace(None), "no usable answer"),
        Case("aws.cluster.rights", OK, CLUSTER, "what ZenML does there"),
        Case(
            "aws.cluster.rights", FAIL, namespace(200, "create jobs"), "may not create jobs in ml"
        ),
        Case("aws.cluster.rights", WARN, namespace(200, "patch cronjobs"), "schedules will fail"),
        Case("aws.cluster.rights", UNKNOWN, namespace(401), "answered 401"),
        Case("aws.cluster.rights", UNKNOWN, namespace(500), "answered 500"),
        Case("aws.cluster.pull_secret", OK, foreign("login"), "have the image pull secret login"),
        Case("aws.cluster.pull_secret", FAIL, foreign("gone"), "ml has none of this name"),
        Case("aws.cluster.pull_secret", UNKNOWN, foreign(), "no image pull secret is named"),
        Case("aws.cluster.version", OK, CLUSTER, "is supported"),
        Case("aws.cluster.version", WARN, version("EXTENDED_SUPPORT"), "costs more"),
        Case("aws.cluster.version", FAIL, version("UNSUPPORTED"), "any more"),
        Case("aws.cluster.version", UNKNOWN, version(None), "does not tell"),
        Case(
            "aws.cluster.version",
            UNKNOWN,
            _denied(CLUSTER, "eks:DescribeClusterVersions"),
            "not allowed to look",
            "eks:DescribeClusterVersions",
        ),
        Case("aws.cluster.endpoint", WARN, says(endpoint="http://127.0.0.1:9"), "not reached"),
        Case("aws.cluster.compute", OK, fargate("default"), "Fargate profiles for the namespace"),
        Case(
            "aws.cluster.compute",
            OK,
            _described(self_managed, "kubernetes"),
            "1 running instances that EKS does not manage",
        ),
        Case(
            "aws.cluster.compute",
            FAIL,
            group_says(scalingConfig={"minSize": 0, "maxSize": 3, "desiredSize": 0}),
            "scaled to zero, and nothing else is there",
        ),
        Case("aws.cluster.compute", WARN, group_says(status="DEGRADED"), "DEGRADED"),
        Case("aws.cluster.compute", FAIL, group_says(status="CREATE_FAILED"), "CREATE_FAILED"),
        Case(
            "aws.cluster.compute",
            FAIL,
            fargate("other"),
            "other namespaces than default",
            mends=True,
        ),
        Case("aws.cluster.compute", FAIL, none, "pods would wait forever"),
        Case(
            "aws.cluster.compute",
            UNKNOWN,
            _denied(none, "ec2:DescribeInstances"),
            "not allowed to look",
            "ec2:DescribeInstances",
        ),
        Case(
            "aws.cluster.compute",
            UNKNOWN,
            _denied(CLUSTER, "eks:ListNodegroups"),
            "not allowed to look",
            "eks:ListNodegroups",
        ),
        Case(
            "aws.cluster.compute",
            UNKNOWN,
            _then(
                none,
                lambda w: w.cluster_says(
                    remoteNetworkConfig={"remoteNodeNetworks": [{"cidrs": []}]}
                ),
            ),
            "hybrid",
        ),
        Case("aws.cluster.authentication_mode", OK, CLUSTER, "API"),
        Case(
            "aws.cluster.authentication_mode",
            WARN,
            says(accessConfig={"authenticationMode": "CONFIG_MAP"}),
            "takes no access entries",
        ),
        Case("aws.cluster.authentication_mode", UNKNOWN, says(accessConfig={}), "did not tell"),
        Case("aws.cluster.authentication_mode", UNKNOWN, NOTHING, "does not exist"),
        Case("aws.cluster.endpoint", OK, CLUSTER, "203.0.113.7/32 and its own network"),
        Case(
            "aws.cluster.endpoint",
            WARN,
            says(resourcesVpcConfig={**network, "publicAccessCidrs": ["0.0.0.0/0"]}),
            "every address",
        ),
        Case(
            "aws.cluster.endpoint",
            WARN,
            says(resourcesVpcConfig={"endpointPublicAccess": False}, endpoint="http://127.0.0.1:9"),
            "must be in its network",
        ),
        Case("aws.cluster.endpoint", UNKNOWN, says(resourcesVpcConfig={}), "did not tell"),
        *_entries(says),
        *_pull(says, none),
    ]


def _pods(says: Callable[..., Arrange]) -> list[Case]:
    pods = {"Service": "pods.eks.amazonaws.com"}
    both = {"Effect": "Allow", "Principal": pods, "Action": ["sts:AssumeRole", "sts:TagSession"]}

    def become(*statements: dict[str, Any]) -> Arrange:
        def change(world: World) -> None:
            world.fit_bucket()
            world.pods_become({"Version": "2012-10-17", "Statement": list(statements)})

        return _then(CLUSTER, change)

    def by_token(account: str) -> Arrange:
        def change(world: World) -> None:
            world.fit_bucket()
            world.pods_have_by_token(f"system:serviceaccount:default:{account}")

        return _then(CLUSTER, change)

    def subnets(**fields: Any) -> Arrange:
        one = {"SubnetId": "subnet-1", **fields}
        row = "".join(f"<{key[0].lower()}{key[1:]}>{value}</{key[0].lower()}{key[1:]}>"
                      for key, value in one.items())  # fmt: skip
        body = (
            "<DescribeSubnetsResponse><subnetSet>"
            f"{f'<item>{row}</item>' if fields else ''}</subnetSet></DescribeSubnetsResponse>"
        )
        answer = Response(200, body.encode(), {"Content-Type": "text/xml"})

        def change(world: World) -> None:
            world.node_group_says(subnets=["subnet-1"])
            world.faults.answer("ec2:DescribeSubnets", answer)

        return _then(CLUSTER, change)

    def named(*denied: str) -> Arrange:
        def arrange(world: World) -> BaseSpec:
            CLUSTER(world)
            world.cluster_answers(200, *denied)
            if denied:
                world.pods_have("runner")
            return world.kubernetes(extra={"orchestrator": {"service_account_name": "runner"}})

        return arrange

    def own_coredns(path: str, **status: int) -> Arrange:
        return _then(CLUSTER, lambda w: w.unmanaged("coredns", path, **status))

    nothing = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
    }
    sick = {"status": "DEGRADED", "health": {"issues": [{"code": "InsufficientNumberOfReplicas"}]}}
    check = "aws.cluster.pod_identity"
    return [
        Case("aws.cluster.subnets", OK, CLUSTER, "addresses are left in 2 subnets"),
        Case("aws.cluster.subnets", WARN, subnets(AvailableIpAddressCount=0), "no address is left"),
        Case("aws.cluster.subnets", FAIL, subnets(), "no subnets subnet-1"),
        Case("aws.cluster.subnets", UNKNOWN, _denied(CLUSTER, "ec2:DescribeSubnets"),
             "not allowed to look", "ec2:DescribeSubnets"),
        Case("aws.cluster.addons", OK, CLUSTER, "vpc-cni, kube-proxy, coredns work"),
        Case("aws.cluster.addons", WARN, _then(CLUSTER, lambda w: w.addon_says(**sick)),
             "DEGRADED (InsufficientNumberOfReplicas)"),
        Case("aws.cluster.addons", UNKNOWN, _denied(CLUSTER, "eks:ListAddons"),
             "not allowed to look", "eks:ListAddons"),
        Case("aws.cluster.addons", OK, own_coredns("deployments/coredns", readyReplicas=2),
             "vpc-cni, kube-proxy work, as EKS says; coredns run"),
        Case("aws.cluster.addons", UNKNOWN, own_coredns("deployments/other"),
             "the cluster has no deployment coredns"),
        Case(check, OK, become(both), "-pods; IAM Access Analyzer finds no error in it"),
        Case(check, WARN, become({**both, "Action": "sts:AssumeRole"}), "may not sts:TagSession",
             mends=True),
        Case(check, WARN, _then(become(both), lambda w: w.give(f"{w.cluster}-pods", nothing)),
             "refused to the code of steps"),
        Case(check, UNKNOWN, _denied(become(both), "iam:SimulatePrincipalPolicy"),
             "may do was not seen", "iam:SimulatePrincipalPolicy"),
        Case(check, OK, _then(CLUSTER, lambda w: w.pods_have("default")), "no role is given"),
        Case(check, WARN,
             _then(CLUSTER, lambda w: w.pods_have("default", "arn:aws:iam::123456789012:role/x")),
             "role/x, which it is annotated with (IRSA), does not exist"),
        Case(check, UNKNOWN, _then(CLUSTER, lambda w: w.pods_have("default", "ARN/x")),
             "ARN/x is no ARN of a role"),
        Case(check, OK, by_token("default"), "pods can become cluster-"),
        Case(check, WARN, by_token("other"), "may not assume", mends=True),
        Case(check, WARN, _then(by_token("default"),
                                lambda w: w.give(f"{w.cluster}-irsa", nothing)),
             "refused to the code of steps"),
        Case(check, UNKNOWN, _denied(by_token("default"), "iam:GetOpenIDConnectProvider"),
             "was not seen", "iam:GetOpenIDConnectProvider"),
        Case(check, UNKNOWN, _then(CLUSTER, lambda w: w.cluster_answers(403)), "answered 403"),
        Case(check, FAIL, named(), "service account runner does not exist"),
        Case(check, OK, named("create rolebindings"), "no role is given to the pods of runner"),
        Case(check, UNKNOWN, _then(named("create jobs"), World.forbid_asking_for_others),
             "may not ask what the service account runner may do"),
        Case(check, FAIL, named("create jobs"), "runner may not create jobs in default"),
        Case(check, UNKNOWN, _denied(CLUSTER, "eks:ListPodIdentityAssociations"),
             "not allowed to look", "eks:ListPodIdentityAssociations"),
    ]  # fmt: skip


def _lifecycles() -> list[Case]:
    def rule(**what: Any) -> Arrange:
        rules = [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "prefix/"}, **what}]

        def change(world: World) -> None:
            world.s3().put_bucket_lifecycle_configuration(
                Bucket=world.bucket, LifecycleConfiguration={"Rules": rules}
            )

        return _then(BUCKET, change)

    def images(kind: str, number: int, **more: Any) -> Arrange:
        chosen = {"tagStatus": "any", "countType": kind, "countNumber": number, **more}
        text = {"rules": [{"rulePriority": 1, "selection": chosen, "action": {"type": "expire"}}]}

        def change(world: World) -> None:
            world.client("ecr").put_lifecycle_policy(
                repositoryName=world.repository, lifecyclePolicyText=json.dumps(text)
            )

        return _then(REPOSITORY, change)

    bucket, repository = "aws.bucket.lifecycle", "aws.repository.lifecycle"
    return [
        Case(bucket, OK, BUCKET, "no rule deletes or archives"),
        Case(bucket, WARN, rule(Expiration={"Days": 30}), "deletes them 30 days after"),
        Case(bucket, UNKNOWN, _denied(BUCKET, "s3:GetBucketLifecycleConfiguration"),
             "not allowed to look", "s3:GetLifecycleConfiguration"),
        Case(repository, OK, images("imageCountMoreThan", 500), "keeps the last 500 images"),
        Case(repository, WARN, images("sinceImagePushed", 14, countUnit="days"),
             "removes images 14 days after their push"),
        Case(repository, UNKNOWN, _denied(REPOSITORY, "ecr:GetLifecyclePolicy"),
             "not allowed to look", "ecr:GetLifecyclePolicy"),
    ]  # fmt: skip


def _entries(says: Callable[..., Arrange]) -> list[Case]:
    check = "aws.cluster.access_entry"

    def entry(*args: Any, service_account: bool = False, mode: str = "API") -> Arrange:
        def arrange(world: World) -> BaseSpec:
            world.fit_cluster()
            world.cluster_says(accessConfig={"authenticationMode": mode})
            world.access_entry(*args)
            extra = {"orchestrator": {"service_account_name": "runner"}} if service_account else {}
            return world.kubernetes(extra=extra)

        return arrange

    edit = {"policies": ["AmazonEKSEditPolicy"]}
    other = {"type": "namespace", "namespaces": ["other"]}
    mine = {"type": "namespace", "namespaces": ["def*"]}
    return [
        Case(check, OK, CLUSTER, "AmazonEKSAdminPolicy"),
        Case(check, OK, entry({"policies": ["AmazonEKSAdminPolicy"]}, mine), "AmazonEKSAdminPolicy",
             name="in the namespace"),
        Case(check, OK, entry(edit, service_account=True), "the service account is named"),
        Case(check, FAIL, entry(edit), "makes a role binding"),
        Case(check, FAIL, entry({}), "no policy that lets it create pods"),
        Case(check, FAIL, entry({"policies": ["AmazonEKSAdminPolicy"]}, other),
             "no policy that lets it create pods", name="in another namespace"),
        Case(check, FAIL, entry(None), "has no access entry"),
        Case(check, UNKNOWN, entry(None, mode="API_AND_CONFIG_MAP"), "aws-auth ConfigMap may"),
        Case(check, UNKNOWN, entry({"groups": ["builders"]}), "groups builders"),
        Case(check, UNKNOWN, says(accessConfig={"authenticationMode": "CONFIG_MAP"}), "CONFIG_MAP"),
        Case(check, UNKNOWN, _denied(CLUSTER, "eks:DescribeAccessEntry"), "not allowed to look",
             "eks:DescribeAccessEntry"),
        Case(check, UNKNOWN, _then(CLUSTER, lambda w: w.faults.fail(
            "eks:DescribeAccessEntry", "404", status=404)), "answered 404",
            name="a 404 that AWS did not name is not absent"),
    ]  # fmt: skip


def _pull(says: Callable[..., Arrange], none: Arrange) -> list[Case]:
    check = "aws.cluster.node_role_pull"

    def attached(world: World) -> BaseSpec:
        spec = CLUSTER(world)
        world.client("iam").attach_role_policy(
            RoleName=f"{world.cluster}-node",
            PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly",
        )
        world.faults.deny("iam:SimulatePrincipalPolicy")
        return spec

    def bare(world: World) -> BaseSpec:
        spec = CLUSTER(world)
        world.client("iam").delete_role_policy(RoleName=f"{world.cluster}-node", PolicyName="given")
        return spec

    def no_role(world: World) -> BaseSpec:
        world.aws.cluster(world.cluster)
        return world.kubernetes()

    auto = {"enabled": True, "nodeRoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/gone"}
    return [
        Case(check, OK, CLUSTER, "by IAM's simulation"),
        Case(check, OK, attached, "by their managed policies, not simulated"),
        *_node_trust(none),
        Case(check, FAIL, bare, "may not ecr:GetAuthorizationToken", mends=True),
        Case(check, FAIL, no_role, "does not exist", mends=True),
        Case(check, FAIL, says(computeConfig=auto), "role/gone does not exist"),
        Case(check, UNKNOWN, _denied(CLUSTER, "iam:SimulatePrincipalPolicy"),
             "no managed pull policy is attached", "iam:SimulatePrincipalPolicy"),
        Case(check, UNKNOWN, none, "names no role of a node"),
        Case(check, UNKNOWN, _then(CLUSTER, lambda w: w.faults.answer(
            "iam:SimulatePrincipalPolicy", Response(501, b"<html>not implemented</html>"))),
            "not simulated", name="simulation unsupported"),
    ]  # fmt: skip


def _repository_key() -> list[Case]:
    check = "aws.repository.encryption"

    def keyed(change: Callable[[World, str], Any]) -> Arrange:
        def arrange(world: World) -> BaseSpec:
            key = world.client("kms").create_key()["KeyMetadata"]
            world.fit_repository(
                encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key["Arn"]}
            )
            change(world, key["KeyId"])
            return world.kubernetes()

        return arrange

    disabled = keyed(lambda w, key: w.client("kms").disable_key(KeyId=key))
    going = keyed(lambda w, key: w.client("kms").schedule_key_deletion(KeyId=key))
    unseen = keyed(lambda w, _: w.faults.deny("kms:DescribeKey"))
    return [
        Case(check, OK, REPOSITORY, "encrypts with AES256"),
        Case(check, OK, keyed(lambda *_: None), "and the key arn:"),
        Case(check, FAIL, disabled, "is Disabled", mends=True),
        Case(check, FAIL, going, "is PendingDeletion", mends=True),
        Case(check, UNKNOWN, unseen, "state could not be looked at", "kms:DescribeKey"),
        Case(check, UNKNOWN, NOTHING, "does not exist"),
    ]


def _node_trust(none: Arrange) -> list[Case]:
    check = "aws.cluster.node_role_trust"

    def trusting(world: World, document: dict[str, Any]) -> None:
        world.client("iam").update_assume_role_policy(
            RoleName=f"{world.cluster}-node", PolicyDocument=json.dumps(document)
        )

    def no_role(world: World) -> BaseSpec:
        world.aws.cluster(world.cluster)
        return world.kubernetes()

    foreign = _then(CLUSTER, lambda w: trusting(w, _document("sagemaker.amazonaws.com")))
    tagged = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    conditioned = _then(CLUSTER, lambda w: trusting(w, _document("ec2.amazonaws.com", tagged)))
    denied = [{"Effect": "Deny", "Principal": "*"}]
    return [
        Case(check, OK, CLUSTER, "can be assumed; IAM Access Analyzer finds no error in it"),
        Case(check, WARN, _then(CLUSTER, lambda w: trusting(w, _document(
            "ec2.amazonaws.com", also=[{"Effect": "Allow", "Principal": {"AWS": "*"}}]))),
            "is open to anybody"),
        Case(check, FAIL, foreign, "ec2.amazonaws.com may not assume", mends=True),
        Case(check, FAIL, no_role, "does not exist", mends=True),
        Case(check, FAIL, _then(CLUSTER, lambda w: trusting(
            w, _document("ec2.amazonaws.com", also=denied))), "a statement denies it"),
        Case(check, UNKNOWN, conditioned, "cannot be told"),
        Case(check, UNKNOWN, _denied(CLUSTER, "iam:GetRole"), "is denied", "iam:GetRole"),
        Case(check, UNKNOWN, none, "names no role of a node"),
    ]  # fmt: skip


def _role() -> list[Case]:
    def trusting(**trust: Any) -> Arrange:
        return _described(lambda w: w.fit_role(_document(**trust)), "sagemaker")

    def other_path(world: World) -> BaseSpec:
        world.client("iam").create_role(
            RoleName=world.role.rsplit("/", 1)[-1],
            Path="/service-role/",
            AssumeRolePolicyDocument="{}",
        )
        return world.sagemaker()

    missing = _having("sagemaker")
    denied = _denied(ROLE, "iam:GetRole")
    return [
        Case("aws.role.exists", OK, ROLE, "it exists"),
        Case("aws.role.exists", FAIL, missing, "no such role", mends=True),
        Case("aws.role.exists", FAIL, other_path, "service-role/exec"),
        Case("aws.role.exists", UNKNOWN, denied, "not allowed to look", "iam:GetRole"),
        Case("aws.role.trust", OK, ROLE, "sagemaker.amazonaws.com may assume it"),
        Case("aws.role.trust", OK, trusting(), "no aws:SourceAccount", name="for any account"),
        Case(
            "aws.role.trust",
            WARN,
            trusting(also=[{"Effect": "Allow", "Principal": {"AWS": "*"}}]),
            "open to anybody",
            mends=True,
        ),
        Case(
            "aws.role.trust",
            FAIL,
            trusting(service="ec2.amazonaws.com"),
            "no statement allows",
            mends=True,
        ),
        Case(
            "aws.role.trust",
            FAIL,
            trusting(condition={"StringEquals": {"aws:SourceAccount": "999999999999"}}),
            "does not fit",
            mends=True,
        ),
        Case(
            "aws.role.trust",
            FAIL,
            trusting(also=[{"Effect": "Deny", "Principal": "*"}]),
            "a statement denies it",
        ),
        Case(
            "aws.role.trust",
            UNKNOWN,
            trusting(condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
            "cannot be told",
        ),
        Case("aws.role.trust", UNKNOWN, denied, "not allowed to look", "iam:GetRole"),
        *_role_access(),
        *_passing(),
    ]


def _document(
    service: str = "sagemaker.amazonaws.com",
    condition: dict[str, Any] | None = None,
    also: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    document = service_trust(service)
    if condition:
        document["Statement"][0]["Condition"] = condition
    document["Statement"] += [{"Action": "sts:AssumeRole", **statement} for statement in also or []]
    return document


def _role_access() -> list[Case]:
    simulate = "iam:SimulatePrincipalPolicy"

    def powerless(world: World) -> BaseSpec:
        world.fit_bucket()
        world.aws.role(world.role.rsplit("/", 1)[-1], trust_policy(world.sagemaker()))
        return world.sagemaker()

    def with_key(world: World) -> BaseSpec:
        spec = ROLE(world)
        world.key()
        return spec

    def overridden(action: str, **override: Any) -> Arrange:
        return _then(ROLE, lambda w: w.simulator.overrides.update({action: override}))

    boundary = (
        "<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>false"
        "</AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail>"
    )
    bucket, repository = "aws.role.bucket_access", "aws.role.repository_access"
    rest = "aws.role.permissions"

    def storage_only(world: World) -> BaseSpec:
        spec = ROLE(world)
        document = policy(spec, Identity.RUNTIME)
        names = {"Bucket", "Objects", "Repository", "Account"}
        kept = [s for s in document["Statement"] if s["Sid"] in names]
        world.give(world.role.rsplit("/", 1)[-1], {**document, "Statement": kept})
        return spec

    return [
        Case(bucket, OK, ROLE, "it may use the bucket"),
        Case(bucket, FAIL, powerless, "s3:GetObject", mends=True),
        Case(bucket, FAIL, with_key, "kms:Decrypt", mends=True),
        Case(
            bucket,
            FAIL,
            overridden("s3:PutObject", decision="implicitDeny", extra=boundary),
            "the permissions boundary denies s3:PutObject",
        ),
        Case(
            bucket,
            FAIL,
            overridden("s3:PutObject", decision="explicitDeny"),
            "an explicit denial denies s3:PutObject",
        ),
        Case(
            bucket,
            UNKNOWN,
            overridden("s3:PutObject", decision="implicitDeny", missing=["aws:SourceVpce"]),
            "aws:SourceVpce",
        ),
        Case(bucket, UNKNOWN, _denied(ROLE, simulate), "not allowed to look", simulate),
        Case(bucket, UNKNOWN, _having("sagemaker", "fit_bucket"), "does not exist"),
        Case(
            bucket,
            UNKNOWN,
            _denied(ROLE, "s3:GetBucketEncryption"),
            "KMS key of the bucket",
            "s3:GetEncryptionConfiguration",
            name="encryption unseen",
        ),
        Case(rest, OK, ROLE, "it may use what else a run needs"),
        Case(rest, FAIL, storage_only, "sagemaker:CreateProcessingJob", mends=True),
        Case(rest, UNKNOWN, _denied(ROLE, simulate), "not allowed to look", simulate),
        Case(repository, OK, ROLE, "it may use the repository"),
        Case(repository, FAIL, powerless, "ecr:BatchGetImage", mends=True),
        Case(repository, UNKNOWN, _denied(ROLE, simulate), "not allowed to look", simulate),
        Case(
            repository,
            UNKNOWN,
            _then(ROLE, lambda w: w.faults.answer(simulate, Response(500, b"<!doctype html>"))),
            "could not be understood",
        ),
    ]


def _passing() -> list[Case]:
    simulate = "iam:SimulatePrincipalPolicy"

    def user(spec: str, identity: Identity | None) -> Arrange:
        def arrange(world: World) -> BaseSpec:
            world.fit_bucket()
            described: BaseSpec = getattr(world, spec)()
            world.log_in_as(None if identity is None else policy(described, identity))
            with_credentials: BaseSpec = getattr(world, spec)()
            return with_credentials

        return arrange

    def existing_connector(world: World) -> BaseSpec:
        return world.sagemaker(connector="theirs")

    passing, permissions = "aws.role.pass", "aws.connector.permissions"
    fit, powerless = user("sagemaker", Identity.CONNECTOR), user("sagemaker", None)
    return [
        Case(passing, OK, fit, "may do all of it"),
        Case(passing, FAIL, powerless, "may not iam:PassRole", mends=True),
        Case(passing, UNKNOWN, _denied(fit, simulate), "not allowed to look", simulate),
        Case(passing, UNKNOWN, existing_connector, "uses the connector theirs"),
        Case(permissions, OK, fit, "may do all of it", name="sagemaker"),
        Case(
            permissions, OK, user("kubernetes", Identity.CONNECTOR), "may do all", name="kubernetes"
        ),
        Case(permissions, OK, user("local", Identity.CONNECTOR), "may do all", name="local"),
        Case(permissions, FAIL, powerless, "sagemaker:CreatePipeline", mends=True),
        Case(permissions, UNKNOWN, _denied(fit, simulate), "not allowed to look", simulate),
        Case(permissions, UNKNOWN, _nobody, "aws.credentials", name="no credentials"),
        Case(permissions, UNKNOWN, existing_connector, "uses the connector theirs"),
    ]


def _runs() -> list[Case]:
    trust, may, quota = "aws.scheduler.trust", "aws.scheduler.permissions", "aws.quota.instances"
    simulate, listing = "iam:SimulatePrincipalPolicy", "service-quotas:ListServiceQuotas"
    fit, missing = _having("scheduled", "fit_scheduler"), _having("scheduled")

    def scheduler(**trust: Any) -> Arrange:
        return _described(lambda w: w.fit_scheduler(_document(**trust)), "scheduled")

    def powerless(world: World) -> BaseSpec:
        world.aws.role(world.scheduler.rsplit("/", 1)[-1], _document("scheduler.amazonaws.com"))
        return world.scheduled()

    def allows(value: float | None, *names: str) -> Arrange:
        return _described(lambda w: w.quotas(value, *names), "sagemaker")

    def slow(world: World) -> BaseSpec:
        world.quotas(8, "ml.p3.2xlarge for training job usage", page=1)
        return world.sagemaker()

    own = "scheduler.amazonaws.com"
    everybody = [{"Effect": "Allow", "Principal": {"AWS": "*"}}]
    unsure = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    finding = {"findingType": "ERROR", "findingDetails": "There is no such action."}
    wrong = Response(200, json.dumps({"findings": [finding]}).encode())
    return [
        Case(
            trust,
            UNKNOWN,
            _then(fit, lambda w: w.faults.answer("accessanalyzer:ValidatePolicy", wrong)),
            "Access Analyzer finds errors in it: There is no such action",
        ),
        Case(trust, OK, fit, "scheduler.amazonaws.com may assume it"),
        Case(trust, WARN, scheduler(service=own, also=everybody), "open to anybody", mends=True),
        Case(trust, FAIL, scheduler(), "may not assume it", mends=True),
        Case(trust, FAIL, missing, "no such role", mends=True),
        Case(trust, UNKNOWN, scheduler(service=own, condition=unsure), "cannot be told"),
        Case(trust, UNKNOWN, _denied(fit, "iam:GetRole"), "not allowed to look", "iam:GetRole"),
        Case(may, OK, fit, "it may start the stack's pipelines"),
        Case(may, FAIL, powerless, "sagemaker:StartPipelineExecution", mends=True),
        Case(may, UNKNOWN, _denied(fit, simulate), "not allowed to look", simulate),
        Case(quota, OK, _having("sagemaker"), "may run 8 of them at once"),
        Case(quota, OK, slow, "may run 8 of them", name="on the second page"),
        Case(quota, WARN, allows(1), "may run one such instance"),
        Case(quota, FAIL, allows(0), "SageMaker refuses every step"),
        Case(quota, UNKNOWN, allows(None), "tells no value"),
        Case(quota, UNKNOWN, allows(8, "ml.p3.2xlarge for training job usage"), "has no quota"),
        Case(
            *(quota, UNKNOWN, _denied(_having("sagemaker"), listing), "not allowed to look"),
            "servicequotas:ListServiceQuotas",
        ),
    ]


CASES = [
    *(*_credentials(), *_bucket(), *_repository(), *_lifecycles()),
    *(*_cluster(), *_role(), *_runs()),
]
