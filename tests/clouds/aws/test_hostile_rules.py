"""More worlds in which a stack cannot run although all looks fit, or can although it does not.

Each row is one world and the word that is true of it, decided by what AWS documents.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, ok
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import NoCredentials, Skipped
from kitaru_iac.clouds.aws.failures import failure
from kitaru_iac.clouds.aws.observations import KeyPolicy, Principal
from kitaru_iac.clouds.aws.permissions import permissions_for, service_trust, statements
from kitaru_iac.clouds.aws.probes_bucket import require_aws_bucket
from kitaru_iac.clouds.aws.regions import has_to_be_switched_on
from kitaru_iac.clouds.aws.resources import AwsResources, aws_resources
from kitaru_iac.clouds.aws.verify_bucket import evaluate_bucket_policy
from kitaru_iac.clouds.aws.verify_cluster import (
    evaluate_access_entry,
    evaluate_active,
)
from kitaru_iac.clouds.aws.verify_connector import evaluate_connector
from kitaru_iac.clouds.aws.verify_endpoint import evaluate_endpoint
from kitaru_iac.clouds.aws.verify_identity import evaluate_role, evaluate_trust
from kitaru_iac.clouds.aws.verify_key import with_key_policy
from kitaru_iac.clouds.aws.verify_pull import evaluate_node_trust
from kitaru_iac.clouds.aws.verify_registry import evaluate_mutability, evaluate_repository_policy
from kitaru_iac.clouds.aws.verify_runs import evaluate_quota, evaluate_scheduler_trust
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.uris import EcrUri
from tests.clouds.aws.simulating import judged_by_iam

OK, WARN, FAIL, UNKNOWN = CheckStatus
OURS, OTHER, REGION = "123456789012", "999999999999", "eu-west-1"
ROLE = f"arn:aws:iam::{OURS}:role/exec"
WHO = Principal(f"arn:aws:iam::{OURS}:role/connector", "role", "connector")
KEY = f"arn:aws:kms:{REGION}:{OURS}:key/1"
B = "arn:aws:s3:::b"
R = AwsResources(
    "prod", StackType.SAGEMAKER, region=REGION, account=OURS, bucket="b", prefix="team", role=ROLE,
    registry=EcrUri(OURS, REGION, f"{OURS}.dkr.ecr.{REGION}.amazonaws.com"), repository="zenml",
)  # fmt: skip
TOLD = replace(R, plain_uploads=False)
SSE, SSE_KEY = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"


# --- what uploads say of themselves: nothing, unless the store's settings make them


def no_upload(condition: Any, effect: str = "Deny") -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:PutObject", "Resource": "*", "Condition": condition}


HEADERS: dict[str, tuple[Any, CheckStatus]] = {
    "must be encrypted with KMS": ({"StringNotEquals": {SSE: "aws:kms"}}, FAIL),
    "must say how it is encrypted": ({"Null": {SSE: "true"}}, FAIL),
    "must be encrypted by our key": ({"StringNotEquals": {SSE_KEY: KEY}}, FAIL),
    "must name a key": ({"Null": {SSE_KEY: "true"}}, FAIL),
    "may be encrypted with KMS alone": ({"StringNotEqualsIfExists": {SSE: "aws:kms"}}, FAIL),
    "must not be encrypted with AES256": ({"StringEquals": {SSE: "AES256"}}, OK),
    "must not name a key": ({"Null": {SSE_KEY: "false"}}, OK),
    "must not name another key": (
        {"StringNotEquals": {SSE_KEY: KEY}, "Null": {SSE_KEY: "false"}}, OK),
    "must not bring a key of its own": (
        {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}, OK),
    "must be given to the owner": (
        {"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}, FAIL),
    "must not be public": ({"StringEquals": {"s3:x-amz-acl": ["public-read"]}}, OK),
    "must not be granted to anybody": ({"Null": {"s3:x-amz-grant-read": "false"}}, OK),
    "must be in a class of its own": ({"StringNotEquals": {"s3:x-amz-storage-class": "x"}}, FAIL),
}  # fmt: skip


@pytest.mark.parametrize(("condition", "status"), HEADERS.values(), ids=HEADERS)
def test_a_denial_of_uploads_in_the_identity_s_own_policy(
    condition: Any, status: CheckStatus
) -> None:
    grants = statements(permissions_for(R, Identity.RUNTIME), R)
    given = [*grants, no_upload(condition)]
    of_bucket: Any = {"principal": ROLE, "services": ("s3",)}
    found = judged_by_iam(R, Identity.RUNTIME, given, **of_bucket)
    assert found.status is status, found
    # Where the store's settings say something, what they say is not known here.
    told = judged_by_iam(TOLD, Identity.RUNTIME, given, **of_bucket)
    assert told.status is UNKNOWN, told


@pytest.mark.parametrize(("condition", "status"), HEADERS.values(), ids=HEADERS)
def test_a_denial_of_uploads_in_the_bucket_s_policy(condition: Any, status: CheckStatus) -> None:
    document = {"Version": "2012-10-17", "Statement": [{**no_upload(condition), "Principal": "*"}]}
    found = evaluate_bucket_policy(document, WHO, OURS, R)
    assert found.status is status, found
    assert evaluate_bucket_policy(document, WHO, OURS, TOLD).status is UNKNOWN


def test_other_calls_than_uploads_are_not_about_such_keys() -> None:
    denial = no_upload({"Null": {SSE: "true"}}) | {"Action": "s3:GetObject"}
    given = [*statements(permissions_for(R, Identity.RUNTIME), R), denial]
    found = judged_by_iam(R, Identity.RUNTIME, given, principal=ROLE, services=("s3",))
    assert found.status is not OK, "GetObject has no such header: the denial holds, or is unknown"


# --- grants of the bucket's key


def key_lets_in(*grants: dict[str, Any]) -> CheckStatus:
    connector = {"Effect": "Allow", "Principal": {"AWS": WHO.arn}, "Resource": "*",
                 "Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [connector]})
    return with_key_policy(ok("so"), KeyPolicy(KEY, document, grants), WHO, R).status


def grant(context: Any = None, kind: str = "EncryptionContextSubset", to: str = ROLE) -> Any:
    made = {"GranteePrincipal": to, "Operations": ["Decrypt", "GenerateDataKey"]}
    return made | ({"Constraints": {kind: context}} if context is not None else {})


@pytest.mark.parametrize(
    ("grants", "status"),
    [
        ([grant()], OK),
        ([grant(to=f"{ROLE}-2")], FAIL),
        ([grant({"aws:s3:arn": B})], UNKNOWN),
        ([grant({"aws:s3:arn": B}, "EncryptionContextEquals")], UNKNOWN),
        ([grant({"aws:s3:arn": f"{B}/team/x"})], UNKNOWN),
        ([grant({"aws:s3:arn": f"{B}-2"})], FAIL),
        ([grant({"aws:s3:arn": B, "team": "ml"})], FAIL),
        ([grant({"aws:ebs:id": "vol-1"})], FAIL),
        ([grant({"aws:s3:arn": B}, to=OTHER)], FAIL),
        ([grant({"aws:s3:arn": f"{B}-2"}), grant()], OK),
        ([grant({"aws:s3:arn": B}), grant(to=f"{ROLE}-2")], UNKNOWN),
    ],
)
def test_a_grant_for_some_contexts_is_neither_yes_nor_no(
    grants: list[Any], status: CheckStatus
) -> None:
    assert key_lets_in(*grants) is status


# --- stores that are no buckets


@pytest.mark.parametrize(
    ("bucket", "is_one"),
    [
        ("team-data", True),
        ("s3alias", True),
        ("team-s3alias-data", True),
        ("my-point-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias", False),
        ("my-lambda-point-a1b2c3--ol-s3", False),
        ("mfzwi23gnjvgw.mrap", False),
        ("team--euw1-az1--x-s3", False),
        ("team--table-s3", False),
    ],
)
def test_what_is_no_bucket_is_not_judged_as_one(bucket: str, *, is_one: bool) -> None:
    r = replace(R, bucket=bucket)
    if is_one:
        require_aws_bucket(r)
        return
    with pytest.raises(Skipped, match="rights and policies of its own"):
        require_aws_bucket(r)
    nothing = evaluate_connector((WHO, (), None), r)
    assert (nothing.status, bucket in nothing.why) == (UNKNOWN, True)


# --- other partitions

CN = replace(R, region="cn-north-1", partition="aws-cn")
CN_NODE = f"arn:aws-cn:iam::{OURS}:role/node"


def assumable_by(*services: str, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)},
                 "Action": "sts:AssumeRole", **more}  # fmt: skip
    return {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


@pytest.mark.parametrize(
    ("r", "service", "trust", "status"),
    [
        (R, "ec2.amazonaws.com", assumable_by("ec2.amazonaws.com"), OK),
        (R, "ec2.amazonaws.com", assumable_by("ec2.amazonaws.com.cn"), FAIL),
        (CN, "ec2.amazonaws.com", assumable_by("ec2.amazonaws.com"), OK),
        (CN, "ec2.amazonaws.com", assumable_by("ec2.amazonaws.com.cn"), OK),
        (CN, "ec2.amazonaws.com", assumable_by("eks.amazonaws.com"), FAIL),
        (CN, "eks-fargate-pods.amazonaws.com", assumable_by("eks-fargate-pods.amazonaws.com"), OK),
        (CN, "eks-fargate-pods.amazonaws.com", assumable_by("ec2.amazonaws.com.cn"), FAIL),
        (CN, "ec2.amazonaws.com", assumable_by("ec2.amazonaws.com.cn", Effect="Deny"), FAIL),
    ],
)
def test_ec2_has_two_names_in_china(
    r: AwsResources, service: str, trust: dict[str, Any], status: CheckStatus
) -> None:
    assert evaluate_node_trust([(CN_NODE, service, trust)], {}, r).status is status


def test_a_role_of_another_partition_is_another_role() -> None:
    gov = replace(R, region="us-gov-west-1", partition="aws-us-gov",
                  role=f"arn:aws-us-gov:iam::{OURS}:role/exec")  # fmt: skip
    assert evaluate_role({"Arn": gov.role}, gov).status is OK
    assert evaluate_role({"Arn": ROLE}, gov).status is FAIL


# --- regions that are switched off, and other refusals of right keys


@pytest.mark.parametrize(
    ("region", "off"),
    [("eu-west-1", False), ("us-east-1", False), ("eu-south-2", True), ("af-south-1", True),
     ("me-central-1", True), ("cn-north-1", False), ("us-gov-west-1", False), (None, False)],
)  # fmt: skip
def test_a_region_that_is_off_is_told_beside_the_keys(region: str | None, *, off: bool) -> None:
    assert has_to_be_switched_on(region) is off
    for code in ("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"):
        error = type("ClientError", (Exception,), {"response": {"Error": {"Code": code}}})()
        found = failure(error, "s3", "list_objects_v2", "it", (), region)
        assert isinstance(found, NoCredentials)
        assert ("switched on" in found.why) is off
        assert ("get-region-opt-status" in str(found.remedy)) is off


@pytest.mark.parametrize(
    ("code", "words"),
    [("ExpiredToken", "ExpiredToken"), ("RequestTimeTooSkewed", "clock"), ("RequestExpired", "")],
)
def test_a_token_that_expired_and_a_clock_that_is_off_are_no_regions(code: str, words: str) -> None:
    error = type("ClientError", (Exception,), {"response": {"Error": {"Code": code}}})()
    found = failure(error, "s3", "list_objects_v2", "it", (), "af-south-1")
    assert isinstance(found, NoCredentials)
    assert words in f"{found.why} {found.remedy}"
    assert "switched on" not in found.why


# --- what is above an identity, and beside it

FROM_ABOVE: dict[str, tuple[Any, Any, CheckStatus]] = {
    "the organization denies a service": (
        None, [{"Effect": "Deny", "Action": "sagemaker:*", "Resource": "*"}], FAIL),
    "the organization denies other regions": (
        None, [{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": [REGION]}}}], OK),
    "the organization denies our region": (
        None, [{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}}}], FAIL),
    "the organization denies whom it does not know": (
        None, [{"Effect": "Deny", "Action": "*", "Resource": "*",
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x-*"}}}],
        FAIL),
    "the organization denies other networks": (
        None, [{"Effect": "Deny", "Action": "s3:*", "Resource": "*",
                "Condition": {"StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}}], UNKNOWN),
    "the organization denies what is not encrypted on its way": (
        None, [{"Effect": "Deny", "Action": "s3:*", "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}}}], OK),
    "the boundary allows storage alone": (
        [{"Effect": "Allow", "Action": ["s3:*", "ecr:*"], "Resource": "*"}], None, FAIL),
    "the boundary allows all": ([{"Effect": "Allow", "Action": "*", "Resource": "*"}], None, OK),
    "the boundary allows another bucket": (
        [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
         {"Effect": "Allow", "Action": "s3:*", "Resource": [f"{B}-2", f"{B}-2/*"]}], None, FAIL),
    "the boundary allows runs without a second factor": (
        [{"Effect": "Allow", "Action": "*", "Resource": "*",
          "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}], None, UNKNOWN),
    "the boundary denies passing roles": (
        [{"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"}], None, FAIL),
}  # fmt: skip


@pytest.mark.parametrize(
    ("boundary", "organization", "status"), FROM_ABOVE.values(), ids=FROM_ABOVE
)
def test_what_stands_above_an_identity_decides(
    boundary: Any, organization: Any, status: CheckStatus
) -> None:
    given = statements(permissions_for(R, Identity.RUNTIME), R)
    found = judged_by_iam(
        R,
        Identity.RUNTIME,
        given,
        principal=ROLE,
        boundary=boundary,
        # FullAWSAccess, which an organization attaches by itself.
        hidden=organization
        and [*organization, {"Effect": "Allow", "Action": "*", "Resource": "*"}],
    )
    assert found.status is status, found


# --- the repository, and the cluster


@pytest.mark.parametrize(
    ("mode", "status"),
    [("MUTABLE", OK), ("IMMUTABLE", WARN), ("IMMUTABLE_WITH_EXCLUSION", WARN),
     ("MUTABLE_WITH_EXCLUSION", WARN)],
)  # fmt: skip
def test_tags_that_cannot_be_pushed_again(mode: str, status: CheckStatus) -> None:
    assert evaluate_mutability({"imageTagMutability": mode}, R).status is status


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ({"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "ecr:*"}, OK),
        ({"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "ecr:BatchGetImage"}, FAIL),
        ({"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "ecr:PutImage"}, FAIL),
        ({"Effect": "Deny", "Principal": "*", "Action": "ecr:*",
          "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}, UNKNOWN),
        ({"Effect": "Deny", "Principal": "*", "Action": "ecr:DeleteRepository"}, OK),
        ({"Effect": "Deny", "Principal": {"AWS": "AROAEXAMPLE"}, "Action": "ecr:*"}, UNKNOWN),
    ],
)  # fmt: skip
def test_what_the_repository_s_policy_does_to_the_stack(
    statement: dict[str, Any], status: CheckStatus
) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    found = evaluate_repository_policy({"policyText": text}, WHO, R)
    assert found.status is status, found


@pytest.mark.parametrize(
    ("status", "ends"),
    [("ACTIVE", OK), ("UPDATING", WARN), ("CREATING", FAIL), ("PENDING", FAIL),
     ("DELETING", FAIL), ("FAILED", FAIL), ("SOMETHING_NEW", FAIL)],
)  # fmt: skip
def test_the_states_of_a_cluster(status: str, ends: CheckStatus) -> None:
    assert evaluate_active({"status": status}, replace(R, cluster="c")).status is ends


@pytest.mark.parametrize(
    ("network", "reached", "status"),
    [
        ({"endpointPublicAccess": False, "endpointPrivateAccess": True}, True, OK),
        ({"endpointPublicAccess": False, "endpointPrivateAccess": True}, False, WARN),
        ({"endpointPublicAccess": True, "publicAccessCidrs": ["::/0"]}, True, WARN),
        ({"endpointPublicAccess": True, "publicAccessCidrs": ["2001:db8::/48"]}, True, OK),
        ({"endpointPublicAccess": True, "publicAccessCidrs": ["::/1", "8000::/1"]}, True, WARN),
        ({}, True, UNKNOWN),
    ],
)  # fmt: skip
def test_who_reaches_a_cluster(network: Any, *, reached: bool, status: CheckStatus) -> None:
    found = evaluate_endpoint({"resourcesVpcConfig": network}, replace(R, cluster="c"), reached)
    assert found.status is status, found


@pytest.mark.parametrize(
    ("entry", "certain", "status"),
    [
        ({"mode": "API"}, True, FAIL),
        ({"mode": "API"}, False, UNKNOWN),
        ({"mode": "API_AND_CONFIG_MAP"}, True, UNKNOWN),
        ({"mode": "API", "principalArn": "x", "type": "EC2_LINUX"}, True, FAIL),
        ({"mode": "API", "principalArn": "x", "kubernetesGroups": ["ml"]}, True, UNKNOWN),
    ],
)
def test_entries_of_a_cluster(entry: Any, *, certain: bool, status: CheckStatus) -> None:
    who = replace(WHO, certain=certain)
    assert evaluate_access_entry((entry, who), replace(R, cluster="c")).status is status


# --- what begins runs

SCHEDULER = f"arn:aws:iam::{OURS}:role/scheduler"
SCHEDULED = replace(R, scheduler_role=SCHEDULER)


@pytest.mark.parametrize(
    ("r", "role", "status", "words"),
    [
        (SCHEDULED, {"Arn": SCHEDULER, **assumable_by("scheduler.amazonaws.com")}, OK, "may"),
        (SCHEDULED, {"Arn": SCHEDULER, **assumable_by("events.amazonaws.com")}, FAIL, "may not"),
        (SCHEDULED, {"Arn": SCHEDULER, **assumable_by("sagemaker.amazonaws.com")}, FAIL, "may not"),
        (SCHEDULED, {"Arn": f"arn:aws:iam::{OURS}:role/p/scheduler", "RoleName": "scheduler"},
         FAIL, "not the described one"),
        (replace(R, scheduler_role=f"arn:aws:iam::{OTHER}:role/scheduler"), {}, FAIL, "another"),
        (replace(R, scheduler_role=f"arn:aws:iam::{OURS}:user/me"), {}, FAIL, "is no role"),
        (
            SCHEDULED,
            {"Arn": SCHEDULER, **assumable_by(
                "scheduler.amazonaws.com",
                Condition={"StringEquals": {"aws:SourceAccount": OTHER}})},
            FAIL, "does not fit",
        ),
        (
            SCHEDULED,
            {"Arn": SCHEDULER, **assumable_by(
                "scheduler.amazonaws.com",
                Condition={"ArnLike": {"aws:SourceArn":
                           f"arn:aws:scheduler:{REGION}:{OURS}:schedule-group/default"}})},
            UNKNOWN, "cannot be told",
        ),
    ],
)  # fmt: skip
def test_who_may_start_schedules(
    r: AwsResources, role: Any, status: CheckStatus, words: str
) -> None:
    found = evaluate_scheduler_trust(role, r)
    assert (found.status, words in found.why) == (status, True), found


def test_each_service_has_a_trust_of_its_own() -> None:
    for identity, service in ((Identity.SCHEDULER, "scheduler"), (Identity.RUNTIME, "sagemaker")):
        role = {"Arn": ROLE, "AssumeRolePolicyDocument": service_trust(SCHEDULED, identity)}
        assert evaluate_trust(role, SCHEDULED, identity).status is OK
        (statement,) = service_trust(SCHEDULED, identity)["Statement"]
        assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": OURS}}


@pytest.mark.parametrize(
    ("value", "status"),
    [(0, FAIL), (0.0, FAIL), (1, WARN), (2, OK), (20.0, OK), (None, UNKNOWN), ("4", UNKNOWN)],
)
def test_how_many_instances_may_run(value: Any, status: CheckStatus) -> None:
    assert evaluate_quota({"Value": value, "QuotaCode": "L-1"}, R).status is status


def test_uploads_are_plain_unless_the_store_s_settings_say_more() -> None:
    given: dict[str, Any] = {
        "name": "s", "type": "sagemaker", "artifact_store": "s3://bucket", "region": REGION,
        "execution_role": ROLE, "container_registry": f"{OURS}.dkr.ecr.{REGION}.amazonaws.com",
    }  # fmt: skip
    told = {"artifact_store": {"s3_additional_kwargs": {"ServerSideEncryption": "aws:kms"}}}
    assert aws_resources(from_mapping(given)).plain_uploads
    assert not aws_resources(from_mapping({**given, "extra": told})).plain_uploads
