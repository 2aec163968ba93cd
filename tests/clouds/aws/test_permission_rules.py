"""What each identity is granted, against what is written here by hand and not against the table."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest

from kitaru_iac.checks.cluster_rights import rights_for
from kitaru_iac.checks.permissions import Identity, Permission
from kitaru_iac.checks.pods import POD_ACCOUNTS
from kitaru_iac.checks.probes import Probe
from kitaru_iac.checks.pull_secrets import ForeignPull, Puller
from kitaru_iac.clouds.aws.catalog import CATALOG
from kitaru_iac.clouds.aws.explain import checklist
from kitaru_iac.clouds.aws.observations import Principal
from kitaru_iac.clouds.aws.permission_table import PERMISSIONS, Resource, When
from kitaru_iac.clouds.aws.permissions import (
    arns,
    connector_trust,
    permissions_for,
    policies,
    policy,
    service_trust,
    statements,
    trust_policy,
    trusts,
)
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources, aws_resources, existing, role_name
from kitaru_iac.clouds.aws.verify_connector import connector_checks, evaluate_connector
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import BaseSpec
from kitaru_iac.spec.uris import EcrUri

CONNECTOR, RUNTIME, PULL, SCHEDULES_RUNS, VERIFY = Identity
ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/Exec"
SCHEDULER = f"arn:aws:iam::{ACCOUNT}:role/Scheduler"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
COMMON = {"name": "prod", "artifact_store": "s3://my-bucket/kitaru", "region": "eu-west-1"}
ON_SAGEMAKER = {
    **COMMON,
    "type": "sagemaker",
    "container_registry": f"{HOST}/team/images",
    "execution_role": ROLE,
}
SPECS: dict[str, BaseSpec] = {
    "sagemaker": from_mapping(ON_SAGEMAKER),
    "scheduled": from_mapping(
        {**ON_SAGEMAKER, "extra": {"orchestrator": {"scheduler_role": SCHEDULER}}}
    ),
    "kubernetes": from_mapping(
        {
            **COMMON,
            "type": "kubernetes",
            "container_registry": f"{HOST}/team/images",
            "cluster": "prod-cluster",
        }
    ),
    "local": from_mapping({**COMMON, "type": "local", "credentials": "implicit"}),
}


def regional(service: str, rest: str) -> str:
    return f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{rest}"


def allow(sid: str, things: Any, actions: str, **condition: Any) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions.split(), "Resource": things}
    return {**statement, "Condition": condition} if condition else statement


BUCKET, OBJECTS = "arn:aws:s3:::my-bucket", "arn:aws:s3:::my-bucket/kitaru/*"
IN_PREFIX = {"StringLikeIfExists": {"s3:prefix": ["kitaru", "kitaru/*"]}}
IMAGES = regional("ecr", "repository/team/images")
IN_BUCKET = allow("Bucket", BUCKET, "s3:GetBucketVersioning")
LISTING = allow("Listing", BUCKET, "s3:ListBucket s3:ListBucketVersions", **IN_PREFIX)
ALL_OBJECTS = allow(
    "Objects",
    OBJECTS,
    "s3:AbortMultipartUpload s3:DeleteObject s3:DeleteObjectVersion s3:GetObject s3:PutObject",
)
DEFINITIONS = allow("PipelineDefinitions", "arn:aws:s3:::my-bucket/*", "s3:GetObject s3:PutObject")
JOB_OUTPUT = allow(
    "JobOutput",
    [f"{BUCKET}/*/{folder}/*" for folder in ("output", "debug-output", "profiler-output")],
    "s3:AbortMultipartUpload s3:PutObject",
)
TOKEN = allow("Account", "*", "ecr:GetAuthorizationToken")
LISTED = allow("AllRepositories", regional("ecr", "repository/*"), "ecr:DescribeRepositories")
PUSHED = allow(
    "Repository",
    IMAGES,
    "ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:CompleteLayerUpload "
    "ecr:GetDownloadUrlForLayer ecr:InitiateLayerUpload ecr:PutImage ecr:UploadLayerPart",
)
PULLED = allow("Repository", IMAGES, "ecr:BatchGetImage ecr:GetDownloadUrlForLayer")
CLUSTER = allow("Cluster", regional("eks", "cluster/prod-cluster"), "eks:DescribeCluster")
PIPELINES = allow(
    "Pipelines",
    regional("sagemaker", "pipeline/*"),
    "sagemaker:AddTags sagemaker:CreatePipeline sagemaker:DescribePipeline "
    "sagemaker:DescribePipelineExecution sagemaker:StartPipelineExecution",
)
JOBS = allow(
    "Jobs",
    [regional("sagemaker", "processing-job/*"), regional("sagemaker", "training-job/*")],
    "sagemaker:AddTags sagemaker:CreateProcessingJob sagemaker:CreateTrainingJob "
    "sagemaker:DescribeProcessingJob sagemaker:DescribeTrainingJob "
    "sagemaker:StopProcessingJob sagemaker:StopTrainingJob",
)
LOG_GROUPS = regional("logs", "log-group:/aws/sagemaker/*")
READ_LOGS = allow("Logs", LOG_GROUPS, "logs:DescribeLogStreams logs:GetLogEvents")
WRITE_LOGS = allow(
    "Logs",
    LOG_GROUPS,
    "logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents",
)
METRICS = allow(
    "Metrics",
    "*",
    "cloudwatch:PutMetricData",
    StringLike={"cloudwatch:namespace": "/aws/sagemaker/*"},
)
PASS = allow(
    "ExecutionRole",
    ROLE,
    "iam:PassRole",
    StringEquals={"iam:PassedToService": "sagemaker.amazonaws.com"},
)
SCHEDULES = allow(
    "Schedules",
    regional("scheduler", "schedule/*"),
    "scheduler:CreateSchedule scheduler:UpdateSchedule",
)
PASS_ON = allow(
    "SchedulerRole",
    SCHEDULER,
    "iam:PassRole",
    StringEquals={"iam:PassedToService": "scheduler.amazonaws.com"},
)
RUN_BUCKET = allow("Listing", BUCKET, "s3:ListBucket", **IN_PREFIX)
RUN_OBJECTS = allow(
    "Objects", OBJECTS, "s3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:PutObject"
)
RUN_IMAGES = allow(
    "Repository",
    IMAGES,
    "ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer",
)
ON_KEY = allow("BucketKey", KEY, "kms:Decrypt kms:GenerateDataKey")
SEE_BUCKET = allow(
    "Bucket",
    BUCKET,
    "s3:GetBucketAcl s3:GetBucketPolicy s3:GetBucketPolicyStatus s3:GetBucketPublicAccessBlock "
    "s3:GetBucketVersioning s3:GetEncryptionConfiguration s3:GetLifecycleConfiguration "
    "s3:ListBucket",
)
SEE_IMAGES = allow(
    "Repository",
    IMAGES,
    "ecr:DescribeRepositories ecr:GetLifecyclePolicy ecr:GetRepositoryPolicy",
)
ANALYZER = "access-analyzer:CheckNoPublicAccess access-analyzer:ValidatePolicy"
SEE_CLUSTER = allow(
    "Cluster",
    regional("eks", "cluster/prod-cluster"),
    "eks:DescribeCluster eks:ListAddons eks:ListFargateProfiles eks:ListNodegroups "
    "eks:ListPodIdentityAssociations",
)
SEE_PARTS = allow(
    "ClusterParts",
    [
        regional("eks", "nodegroup/prod-cluster/*"),
        regional("eks", "fargateprofile/prod-cluster/*"),
        regional("eks", "access-entry/prod-cluster/*"),
        regional("eks", "addon/prod-cluster/*"),
        regional("eks", "podidentityassociation/prod-cluster/*"),
    ],
    "eks:DescribeAccessEntry eks:DescribeAddon eks:DescribeFargateProfile eks:DescribeNodegroup "
    "eks:DescribePodIdentityAssociation eks:ListAssociatedAccessPolicies",
)


def account(actions: str) -> dict[str, Any]:
    return allow("Account", "*", actions)


#: What everybody who verifies may read: it tells whether a decision hangs on a condition key.
_POLICIES = (
    "iam:GetGroupPolicy iam:GetPolicy iam:GetPolicyVersion iam:GetRolePolicy iam:GetUser "
    "iam:GetUserPolicy iam:ListAttachedGroupPolicies iam:ListAttachedRolePolicies "
    "iam:ListAttachedUserPolicies iam:ListGroupPolicies iam:ListGroupsForUser "
    "iam:ListRolePolicies iam:ListUserPolicies kms:DescribeKey "
    "kms:GetKeyPolicy kms:ListGrants"
)


def looks(actions: str) -> dict[str, Any]:
    return account(" ".join(sorted(f"{actions} {_POLICIES}".split())))


def roles(actions: str, of: str = ACCOUNT) -> dict[str, Any]:
    return allow("Roles", f"arn:aws:iam::{of}:role/*", actions)


def simulates(of: str = ACCOUNT) -> dict[str, Any]:
    people = [f"arn:aws:iam::{of}:role/*", f"arn:aws:iam::{of}:user/*"]
    return allow("RolesAndUsers", people, "iam:SimulatePrincipalPolicy")


_RUNS_ON_SAGEMAKER = [
    *(RUN_BUCKET, RUN_OBJECTS, JOB_OUTPUT, WRITE_LOGS, METRICS, JOBS, PASS, RUN_IMAGES, TOKEN),
]
_CONNECTS_SAGEMAKER = [
    *(IN_BUCKET, LISTING, ALL_OBJECTS, DEFINITIONS, TOKEN, LISTED, PUSHED, PIPELINES, JOBS),
    *(READ_LOGS, PASS),
]
_SEES_SAGEMAKER = [
    SEE_BUCKET,
    looks(
        f"{ANALYZER} ecr:DescribeRepositoryCreationTemplates ecr:GetRegistryScanningConfiguration "
        "s3:GetAccountPublicAccessBlock servicequotas:ListServiceQuotas"
    ),
    *(SEE_IMAGES, roles("iam:GetRole"), simulates()),
]
GRANTS: dict[tuple[str, Identity], list[dict[str, Any]]] = {
    ("sagemaker", CONNECTOR): _CONNECTS_SAGEMAKER,
    ("sagemaker", RUNTIME): _RUNS_ON_SAGEMAKER,
    ("sagemaker", PULL): [TOKEN, PULLED],
    ("sagemaker", VERIFY): _SEES_SAGEMAKER,
    ("scheduled", CONNECTOR): [*_CONNECTS_SAGEMAKER, SCHEDULES, PASS_ON],
    ("scheduled", RUNTIME): _RUNS_ON_SAGEMAKER,
    ("scheduled", PULL): [TOKEN, PULLED],
    ("scheduled", SCHEDULES_RUNS): [
        allow("Pipelines", regional("sagemaker", "pipeline/*"), "sagemaker:StartPipelineExecution")
    ],
    ("scheduled", VERIFY): _SEES_SAGEMAKER,
    ("kubernetes", CONNECTOR): [IN_BUCKET, LISTING, ALL_OBJECTS, TOKEN, LISTED, PUSHED, CLUSTER],
    ("kubernetes", RUNTIME): [RUN_BUCKET, RUN_OBJECTS],
    ("kubernetes", PULL): [TOKEN, PULLED],
    ("kubernetes", VERIFY): [
        SEE_BUCKET,
        looks(
            f"{ANALYZER} ec2:DescribeInstances ec2:DescribeSubnets "
            "ecr:DescribeRepositoryCreationTemplates ecr:GetRegistryScanningConfiguration "
            "eks:DescribeClusterVersions iam:GetOpenIDConnectProvider "
            "s3:GetAccountPublicAccessBlock"
        ),
        *(SEE_IMAGES, SEE_CLUSTER, SEE_PARTS),
        *(roles("iam:GetRole"), simulates()),
    ],
    ("local", CONNECTOR): [IN_BUCKET, LISTING, ALL_OBJECTS],
    ("local", RUNTIME): [],
    ("local", PULL): [],
    ("local", VERIFY): [
        *(SEE_BUCKET, looks(f"{ANALYZER} s3:GetAccountPublicAccessBlock")),
        *(roles("iam:GetRole", "*"), simulates("*")),
    ],
}
WITH_KEY = {
    ("local", CONNECTOR),
    *((name, who) for name in ("sagemaker", "scheduled", "kubernetes") for who in Identity),
} - {(name, who) for name in SPECS for who in (PULL, SCHEDULES_RUNS, VERIFY)}


@pytest.mark.parametrize(("name", "identity"), GRANTS)
def test_an_identity_is_granted_this_and_no_more(name: str, identity: Identity) -> None:
    expected = {"Version": "2012-10-17", "Statement": GRANTS[name, identity]}
    assert policy(SPECS[name], identity) == expected


@pytest.mark.parametrize(("name", "identity"), GRANTS)
def test_the_key_is_granted_to_who_reads_and_writes(name: str, identity: Identity) -> None:
    granted = policy(SPECS[name], identity, KEY)["Statement"]
    assert [s for s in granted if s["Sid"] != "BucketKey"] == GRANTS[name, identity]
    keys = [s for s in granted if s["Sid"] == "BucketKey"]
    assert keys == ([ON_KEY] if (name, identity) in WITH_KEY else [])


@pytest.mark.parametrize("name", SPECS)
def test_an_identity_that_needs_nothing_has_no_policy(name: str) -> None:
    found = policies(SPECS[name])
    expected = {who.value for (of, who), granted in GRANTS.items() if of == name and granted}
    assert set(found) == expected
    for identity, document in found.items():
        assert document["Statement"] == GRANTS[name, Identity(identity)]


# --- what is not named is not granted


FULL = AwsResources(
    "prod",
    StackType.SAGEMAKER,
    region="eu-west-1",
    account=ACCOUNT,
    bucket="b",
    registry=EcrUri(ACCOUNT, "eu-central-1", "host"),
    repository="team/images",
    cluster="c",
    role=ROLE,
    scheduler_role=SCHEDULER,
)
BARE = AwsResources("dev", StackType.LOCAL)


def of(service: str, rest: str, region: str = "eu-west-1") -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{rest}"


@pytest.mark.parametrize(
    ("resource", "named", "bare"),
    [
        (Resource.ANYTHING, ["*"], ["*"]),
        (Resource.METRICS, ["*"], ["*"]),
        (Resource.BUCKET, ["arn:aws:s3:::b"], []),
        (Resource.LISTING, ["arn:aws:s3:::b"], []),
        (Resource.OBJECTS, ["arn:aws:s3:::b/*"], []),
        # without a prefix they are among the objects
        (Resource.JOB_OUTPUT, [], []),
        (Resource.DEFINITIONS, [], []),
        (Resource.KEY, [], []),
        # a registry is in a region of its own
        (Resource.REPOSITORY, [of("ecr", "repository/team/images", "eu-central-1")], []),
        (Resource.REPOSITORIES, [of("ecr", "repository/*", "eu-central-1")], []),
        (Resource.CLUSTER, [of("eks", "cluster/c")], []),
        (
            Resource.CLUSTER_PARTS,
            [
                of("eks", "nodegroup/c/*"),
                of("eks", "fargateprofile/c/*"),
                of("eks", "access-entry/c/*"),
                of("eks", "addon/c/*"),
                of("eks", "podidentityassociation/c/*"),
            ],
            [],
        ),
        (Resource.PIPELINES, [of("sagemaker", "pipeline/*")], ["arn:aws:sagemaker:*:*:pipeline/*"]),
        (
            Resource.JOBS,
            [of("sagemaker", "processing-job/*"), of("sagemaker", "training-job/*")],
            ["arn:aws:sagemaker:*:*:processing-job/*", "arn:aws:sagemaker:*:*:training-job/*"],
        ),
        (
            Resource.LOGS,
            [of("logs", "log-group:/aws/sagemaker/*")],
            ["arn:aws:logs:*:*:log-group:/aws/sagemaker/*"],
        ),
        (Resource.ROLE, [ROLE], []),
        (Resource.ROLES, [f"arn:aws:iam::{ACCOUNT}:role/*"], ["arn:aws:iam::*:role/*"]),
        (
            Resource.PRINCIPALS,
            [f"arn:aws:iam::{ACCOUNT}:role/*", f"arn:aws:iam::{ACCOUNT}:user/*"],
            ["arn:aws:iam::*:role/*", "arn:aws:iam::*:user/*"],
        ),
        (Resource.SCHEDULES, [of("scheduler", "schedule/*")], ["arn:aws:scheduler:*:*:schedule/*"]),
        (Resource.SCHEDULER_ROLE, [SCHEDULER], []),
    ],
)
def test_the_arns_of_each_kind_of_thing(
    resource: Resource, named: list[str], bare: list[str]
) -> None:
    assert list(arns(resource, FULL)) == named
    assert list(arns(resource, BARE)) == bare
    gov = replace(FULL, partition="aws-us-gov")
    ours = [arn for arn in named if arn not in {"*", ROLE, SCHEDULER}]
    theirs = [arn for arn in arns(resource, gov) if arn not in {"*", ROLE, SCHEDULER}]
    assert theirs == [arn.replace("arn:aws:", "arn:aws-us-gov:") for arn in ours]


def test_a_repository_needs_a_registry_and_a_name() -> None:
    assert arns(Resource.REPOSITORY, replace(FULL, repository=None)) == ()
    assert arns(Resource.REPOSITORY, replace(FULL, registry=None)) == ()
    assert arns(Resource.REPOSITORIES, replace(FULL, registry=None)) == ()
    every = (of("ecr", "repository/*", "eu-central-1"),)
    assert arns(Resource.REPOSITORIES, replace(FULL, repository=None)) == every
    assert arns(Resource.KEY, FULL, KEY) == (KEY,)


@pytest.mark.parametrize(
    ("change", "identity", "gone"),
    [
        ({"bucket": None}, CONNECTOR, {"Bucket", "Listing", "Objects"}),
        ({"repository": None}, CONNECTOR, {"Repository"}),
        ({"registry": None}, CONNECTOR, {"Repository", "AllRepositories"}),
        ({"role": None}, CONNECTOR, {"ExecutionRole"}),
        ({"scheduler_role": None}, CONNECTOR, {"Schedules", "SchedulerRole"}),
        ({"bucket": None}, RUNTIME, {"Listing", "Objects"}),
        ({"role": None}, RUNTIME, {"ExecutionRole"}),
        ({"registry": None}, PULL, {"Repository"}),
        ({"cluster": None}, VERIFY, set()),
    ],
)
def test_what_a_stack_has_not_is_left_out(
    change: dict[str, None], identity: Identity, gone: set[str]
) -> None:
    def sids(r: AwsResources) -> set[str]:
        return {row.resource.value for row in permissions_for(r, identity)}

    assert sids(FULL) - sids(replace(FULL, **change)) == gone


def test_only_on_sagemaker_the_runtime_pulls() -> None:
    pulls = {row.action for row in permissions_for(FULL, PULL)}
    assert pulls <= {row.action for row in permissions_for(FULL, RUNTIME)}
    on_eks = replace(FULL, type=StackType.KUBERNETES)
    assert not pulls & {row.action for row in permissions_for(on_eks, RUNTIME)}
    assert {row.action for row in permissions_for(on_eks, PULL)} == pulls
    assert not any(row.identity is PULL for row in permissions_for(FULL, CONNECTOR))


@pytest.mark.parametrize("row_", PERMISSIONS, ids=lambda row: f"{row.identity}-{row.action}")
def test_who_looks_says_for_which_checks_and_they_exist(row_: Permission) -> None:
    named = re.findall(r"aws\.[\w.*]*[\w*]", row_.used_by)
    assert bool(named) is (row_.identity is VERIFY)
    for pattern in named:
        assert any(fnmatchcase(known, pattern) for known in CATALOG), pattern


# --- what a description names


REGISTRY = EcrUri(ACCOUNT, "eu-west-1", HOST, "team/images")


def described(base: str, **more: Any) -> BaseSpec:
    given = {
        "sagemaker": ON_SAGEMAKER,
        "kubernetes": {
            **COMMON,
            "type": "kubernetes",
            "container_registry": f"{HOST}/team/images",
            "cluster": "prod-cluster",
        },
        "local": {**COMMON, "type": "local"},
    }[base]
    wanted = {key: value for key, value in {**given, **more}.items() if value is not None}
    return from_mapping(wanted)


def in_extra(component: str, **fields: str) -> dict[str, Any]:
    return {component: fields}


OF_SAGEMAKER = AwsResources(
    "prod",
    StackType.SAGEMAKER,
    region="eu-west-1",
    account=ACCOUNT,
    bucket="my-bucket",
    prefix="kitaru",
    registry=REGISTRY,
    repository="team/images",
    role=ROLE,
    quota="ml.m5.xlarge for training job usage",
)
OF_KUBERNETES = replace(
    OF_SAGEMAKER,
    type=StackType.KUBERNETES,
    role=None,
    cluster="prod-cluster",
    quota=None,
    rights=rights_for({}),
)
OF_LOCAL = AwsResources(
    "prod", StackType.LOCAL, region="eu-west-1", bucket="my-bucket", prefix="kitaru"
)
PLAIN_HOST = EcrUri(ACCOUNT, "eu-west-1", HOST)


@pytest.mark.parametrize(
    ("spec", "resources"),
    [
        (described("sagemaker"), OF_SAGEMAKER),
        (described("kubernetes"), OF_KUBERNETES),
        (described("local"), OF_LOCAL),
        (described("local", region=None), replace(OF_LOCAL, region=None)),
        (
            described("local", artifact_store="/data", region=None),
            AwsResources("prod", StackType.LOCAL),
        ),
        # the repository: what is asked for, else what the URI names, else ZenML's own
        (
            described("kubernetes", container_registry=HOST),
            replace(OF_KUBERNETES, registry=PLAIN_HOST, repository="zenml"),
        ),
        (
            described(
                "kubernetes",
                container_registry=HOST,
                extra=in_extra("container_registry", default_repository="agents"),
            ),
            replace(OF_KUBERNETES, registry=PLAIN_HOST, repository="agents"),
        ),
        (
            described("kubernetes", container_registry="ghcr.io/me"),
            replace(
                OF_KUBERNETES,
                registry=None,
                repository=None,
                account=None,
                foreign=ForeignPull(
                    "ghcr.io/me",
                    (
                        Puller("the orchestrator's pod", POD_ACCOUNTS[0]),
                        Puller("the steps' pods", POD_ACCOUNTS[1]),
                    ),
                ),
            ),
        ),
        # where pods run, and as whom
        (described("kubernetes", namespace="ml"), replace(OF_KUBERNETES, namespace="ml")),
        (
            described(
                "kubernetes",
                namespace="ml",
                extra=in_extra("orchestrator", kubernetes_namespace="ml"),
            ),
            replace(OF_KUBERNETES, namespace="ml"),
        ),
        (
            described("kubernetes", extra=in_extra("orchestrator", service_account_name="runner")),
            replace(
                OF_KUBERNETES,
                service_account=True,
                pod_accounts=("runner",),
                rights=rights_for({"service_account_name": "runner"}),
            ),
        ),
        # what the instances of steps count against
        *(
            (
                described("sagemaker", extra={"orchestrator": asked}),
                replace(OF_SAGEMAKER, quota=quota),
            )
            for asked, quota in (
                ({"instance_type": "ml.g5.xlarge"}, "ml.g5.xlarge for training job usage"),
                ({"use_training_step": False}, "ml.t3.medium for processing job usage"),
                (
                    {"use_training_step": False, "instance_type": "ml.m5.large"},
                    "ml.m5.large for processing job usage",
                ),
                (
                    {"estimator_args": {"instance_type": "ml.p3.2xlarge"}},
                    "ml.p3.2xlarge for training job usage",
                ),
                (
                    {"processor_args": {"instance_type": "ml.p3.2xlarge"}},
                    "ml.m5.xlarge for training job usage",
                ),
                (
                    {"estimator_args": {"use_spot_instances": True}},
                    "ml.m5.xlarge for spot training job usage",
                ),
            )
        ),
        # without a registry, the role tells the account
        (
            described("sagemaker", container_registry=None, infra="provision"),
            replace(OF_SAGEMAKER, registry=None, repository=None, bucket_made=True),
        ),
        (
            described("sagemaker", container_registry=None, execution_role=None, infra="provision"),
            replace(
                OF_SAGEMAKER,
                registry=None,
                repository=None,
                account=None,
                role=None,
                bucket_made=True,
            ),
        ),
        (
            described(
                "sagemaker",
                region="us-gov-west-1",
                container_registry=None,
                execution_role=None,
                infra="provision",
            ),
            replace(
                OF_SAGEMAKER,
                region="us-gov-west-1",
                partition="aws-us-gov",
                registry=None,
                repository=None,
                account=None,
                role=None,
                bucket_made=True,
            ),
        ),
    ],
)
def test_what_a_description_names(spec: BaseSpec, resources: AwsResources) -> None:
    assert aws_resources(spec) == resources
    assert existing(spec) == resources


@pytest.mark.parametrize("mode", ["create", "skip"])
@pytest.mark.parametrize(
    ("base", "resource", "gone"),
    [
        ("sagemaker", "bucket", "bucket"),
        ("sagemaker", "registry", "repository"),
        ("sagemaker", "role", "role"),
        ("kubernetes", "cluster", "cluster"),
        ("kubernetes", "bucket", "bucket"),
    ],
)
def test_what_is_to_be_made_or_skipped_is_not_there_and_is_granted_all_the_same(
    base: str, resource: str, gone: str, mode: str
) -> None:
    made = {"endpoint_access": []} if (resource, mode) == ("cluster", "create") else None
    spec = described(base, infra="provision", resources={resource: mode}, infrastructure=made)
    whole = {"sagemaker": OF_SAGEMAKER, "kubernetes": OF_KUBERNETES}[base]
    # Of a bucket that the user named, `resources` alone tells whether it is one that is used.
    begun = replace(whole, bucket_made=resource != "bucket")
    assert aws_resources(spec) == begun
    assert existing(spec) == replace(begun, **{gone: None})
    kept = described(base, infra="verify", resources={resource: "existing"})
    assert existing(kept) == whole


@pytest.mark.parametrize(
    ("arn", "name"),
    [(ROLE, "Exec"), (f"arn:aws:iam::{ACCOUNT}:role/a/b/X", "X"), ("X", "X")],
)
def test_the_name_of_a_role_is_without_its_path(arn: str, name: str) -> None:
    assert role_name(arn) == name


# --- statements


def row(action: str, resource: Resource, **conditions: Any) -> Permission:
    return Permission(
        CONNECTOR, action, resource, "it", frozenset(StackType), When.ALWAYS, conditions=conditions
    )


TO_A, TO_B = {"StringEquals": {"k": "a"}}, {"StringEquals": {"k": "b"}}


@pytest.mark.parametrize(
    ("rows", "made"),
    [
        ([], []),
        # sorted, and each once
        (
            [
                row("s3:B", Resource.BUCKET),
                row("s3:A", Resource.BUCKET),
                row("s3:B", Resource.BUCKET),
            ],
            [allow("Bucket", "arn:aws:s3:::b", "s3:A s3:B")],
        ),
        # in the order of the things
        (
            [
                row("s3:A", Resource.OBJECTS),
                row("s3:A", Resource.BUCKET),
                row("s3:B", Resource.OBJECTS),
            ],
            [
                allow("Objects", "arn:aws:s3:::b/*", "s3:A s3:B"),
                allow("Bucket", "arn:aws:s3:::b", "s3:A"),
            ],
        ),
        # other conditions are another statement
        (
            [
                row("s3:A", Resource.BUCKET, **TO_A),
                row("s3:A", Resource.BUCKET, **TO_B),
                row("s3:C", Resource.BUCKET),
                row("s3:B", Resource.BUCKET, **TO_A),
            ],
            [
                allow("Bucket", "arn:aws:s3:::b", "s3:A s3:B", **TO_A),
                allow("Bucket", "arn:aws:s3:::b", "s3:A", **TO_B),
                allow("Bucket", "arn:aws:s3:::b", "s3:C"),
            ],
        ),
    ],
)
def test_lines_become_one_statement_for_each_thing_and_condition(
    rows: list[Permission], made: list[dict[str, Any]]
) -> None:
    assert statements(rows, FULL) == made


# --- who may become a role


def letting(sid: str, service: str, action: Any, **condition: Any) -> dict[str, Any]:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
    }
    made = {**statement, "Condition": condition} if condition else statement
    return {"Version": "2012-10-17", "Statement": [made]}


OF_ACCOUNT = {"aws:SourceAccount": ACCOUNT}
OF_ROLE_S_OWN = {"aws:SourceAccount": "${aws:ResourceAccount}"}
POD_ACTIONS = ["sts:AssumeRole", "sts:TagSession"]
SAGEMAKER_MAY = letting(
    "SageMaker", "sagemaker.amazonaws.com", "sts:AssumeRole", StringEquals=OF_ACCOUNT
)
PODS_MAY = letting(
    "Pods",
    "pods.eks.amazonaws.com",
    POD_ACTIONS,
    ArnEquals={"aws:SourceArn": regional("eks", "cluster/prod-cluster")},
    StringEquals=OF_ACCOUNT,
)
TAGGED_MAY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Server",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:PrincipalTag/kitaru-stack": "prod"}},
        }
    ],
}
NODES_MAY = letting("Nodes", "ec2.amazonaws.com", "sts:AssumeRole")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sagemaker", {"connector": TAGGED_MAY, "runtime": SAGEMAKER_MAY}),
        ("kubernetes", {"connector": TAGGED_MAY, "runtime": PODS_MAY, "pull": NODES_MAY}),
        ("local", {}),
    ],
)
def test_the_roles_of_a_stack_are_their_services_alone(name: str, expected: dict[str, Any]) -> None:
    assert trusts(SPECS[name]) == expected
    for identity, document in expected.items():
        if identity != "connector":
            assert trust_policy(SPECS[name], Identity(identity)) == document
    if "runtime" in expected:
        assert trust_policy(SPECS[name]) == expected["runtime"]


ON_EKS = aws_resources(SPECS["kubernetes"])


@pytest.mark.parametrize(
    ("r", "identity", "expected"),
    [
        # without a cluster's name the account binds, without an account the role's own one does
        (
            replace(ON_EKS, cluster=None),
            RUNTIME,
            letting("Pods", "pods.eks.amazonaws.com", POD_ACTIONS, StringEquals=OF_ACCOUNT),
        ),
        (
            replace(ON_EKS, account=None),
            RUNTIME,
            letting(
                "Pods",
                "pods.eks.amazonaws.com",
                POD_ACTIONS,
                ArnEquals={"aws:SourceArn": "arn:aws:eks:eu-west-1:*:cluster/prod-cluster"},
                StringEquals=OF_ROLE_S_OWN,
            ),
        ),
        (
            replace(ON_EKS, partition="aws-cn", region="cn-north-1"),
            RUNTIME,
            letting(
                "Pods",
                "pods.eks.amazonaws.com",
                POD_ACTIONS,
                ArnEquals={
                    "aws:SourceArn": f"arn:aws-cn:eks:cn-north-1:{ACCOUNT}:cluster/prod-cluster"
                },
                StringEquals=OF_ACCOUNT,
            ),
        ),
        # EC2 gives neither the account nor a source
        (replace(ON_EKS, account=None), PULL, NODES_MAY),
        (FULL, RUNTIME, SAGEMAKER_MAY),
        (FULL, PULL, SAGEMAKER_MAY),
        (
            replace(FULL, account=None),
            RUNTIME,
            letting(
                "SageMaker",
                "sagemaker.amazonaws.com",
                "sts:AssumeRole",
                StringEquals=OF_ROLE_S_OWN,
            ),
        ),
    ],
)
def test_a_service_acts_for_this_account_and_a_pod_for_this_cluster(
    r: AwsResources, identity: Identity, expected: dict[str, Any]
) -> None:
    assert service_trust(r, identity) == expected


@pytest.mark.parametrize(
    ("r", "identity", "words"),
    [
        (FULL, CONNECTOR, "the connector of a sagemaker stack is no service"),
        (FULL, VERIFY, "the verify of a sagemaker stack is no service"),
        (ON_EKS, CONNECTOR, "the connector of a kubernetes stack is no service"),
        (BARE, RUNTIME, "the runtime of a local stack is no service"),
        (BARE, PULL, "the pull of a local stack is no service"),
    ],
)
def test_who_is_no_service_has_no_such_trust(
    r: AwsResources, identity: Identity, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        service_trust(r, identity)


SERVER = f"arn:aws:iam::{ACCOUNT}:role/server"
SERVER_MAY = {
    "Sid": "Server",
    "Effect": "Allow",
    "Principal": {"AWS": SERVER},
    "Action": "sts:AssumeRole",
}


@pytest.mark.parametrize(
    ("external_id", "statement"),
    [
        (None, SERVER_MAY),
        ("", SERVER_MAY),
        ("an-id", {**SERVER_MAY, "Condition": {"StringEquals": {"sts:ExternalId": "an-id"}}}),
    ],
)
def test_a_connector_s_role_is_one_principal_s_with_its_external_id_if_it_has_one(
    external_id: str | None, statement: dict[str, Any]
) -> None:
    expected = {"Version": "2012-10-17", "Statement": [statement]}
    assert connector_trust(SERVER, external_id) == expected


def test_where_nothing_tells_the_account_it_is_that_of_whom_iam_is_asked_about() -> None:
    """A right to the exact ARN of the cluster says nothing about an ARN with a star in it."""
    elsewhere = {"container_registry": "ghcr.io/me", "type": "kubernetes", "cluster": "c"}
    r = existing(from_mapping({**COMMON, **elsewhere}))
    assert r.account is None
    asked: list[str] = []

    class Iam:
        def open(self) -> None: ...

        def close(self) -> None: ...

        def ask(self, *_: str, **given: Any) -> dict[str, Any]:
            asked.extend(given["ResourceArns"])
            names = given["ActionNames"]
            said = [{"EvalActionName": n, "EvalDecision": "implicitDeny"} for n in names]
            return {"EvaluationResults": said}

    iam: Any = Iam()
    who = Principal(ROLE, "role", "Exec")
    known: Probe[Principal] = Probe("who", lambda: who)
    probes = AwsProbes(iam, replace(r, bucket=None))
    checks = connector_checks(
        checklist(probes, r), probes, replace(r, bucket=None), iam, known, "x"
    )
    seen = checks[0].probe.run(who)
    assert regional("eks", "cluster/c") in asked
    assert not any(":*:" in arn for arn in asked)
    assert regional("eks", "cluster/c") in str(evaluate_connector(seen, r).remedy)
