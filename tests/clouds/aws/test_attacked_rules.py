"""Worlds in which somebody who wants a false "ok" would set a trap, and those that only look so.

Each row is one world beside what is fit, and the word that is true of it. `UNKNOWN` is right where
nobody who looks from here can know; a row that is `OK` or `FAIL` is decided by what AWS documents.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, Verdict, ok
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.pods import PodSettings
from kitaru_iac.checks.probes import Denied, Skipped, Unavailable
from kitaru_iac.clouds.aws.observations import (
    Analysis,
    BucketKey,
    Compute,
    KeyPolicy,
    Principal,
    public_access_of,
)
from kitaru_iac.clouds.aws.permissions import permissions_for, statements
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.trust import may_assume
from kitaru_iac.clouds.aws.verify_bucket import (
    evaluate_bucket_policy,
    evaluate_encryption,
    evaluate_public_access,
    evaluate_versioning,
)
from kitaru_iac.clouds.aws.verify_cluster import evaluate_access_entry
from kitaru_iac.clouds.aws.verify_compute import evaluate_compute
from kitaru_iac.clouds.aws.verify_endpoint import evaluate_endpoint
from kitaru_iac.clouds.aws.verify_key import with_key_policy
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.uris import EcrUri
from tests.clouds.aws.simulating import judged_by_iam

OK, WARN, FAIL, UNKNOWN = CheckStatus
OURS, OTHER, REGION = "123456789012", "999999999999", "eu-west-1"
ROLE = f"arn:aws:iam::{OURS}:role/exec"
KEY = f"arn:aws:kms:{REGION}:{OURS}:key/1"
B = "arn:aws:s3:::b"
R = AwsResources(
    "prod", StackType.SAGEMAKER, region=REGION, account=OURS, bucket="b", prefix="team", role=ROLE,
    registry=EcrUri(OURS, REGION, f"{OURS}.dkr.ecr.{REGION}.amazonaws.com"), repository="zenml",
)  # fmt: skip
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


# --- what IAM decides of the execution role's own policies, and of those above it


def deny(condition: Any = None, action: Any = "*", resource: Any = "*", **more: Any) -> Any:
    made = {"Effect": "Deny", "Action": action, "Resource": resource, **more}
    made |= {"Condition": condition} if condition else {}
    return {key: value for key, value in made.items() if value is not None}


def only(*unless: tuple[str, Any], services: str = "") -> list[Any]:
    """What the table grants, some services of it exchanged for other statements."""
    rows = [
        row
        for row in permissions_for(R, Identity.RUNTIME, KEY)
        if not services or not row.action.startswith(services)
    ]
    return [*statements(rows, R, KEY), *(s for _, s in unless)]


def granted(instead: str, *actions: str, resource: Any = "*", condition: Any = None) -> list[Any]:
    """The table's grants without those of a service, and this one."""
    made = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return [
        *only(services=instead),
        made | ({"Condition": condition} if condition else {}),
    ]


def _not(key: str, value: Any, kind: str = "StringNotEquals") -> dict[str, Any]:
    return {kind: {key: value}}


IAM: dict[str, tuple[list[Any], CheckStatus]] = {
    "the table": (only(), OK),
    # --- regions
    "region lock without IAM": (
        [ALL, deny(_not("aws:RequestedRegion", REGION), None, NotAction=["iam:*", "sts:*"])], OK),
    # a role is handed over in a call of SageMaker, in the stack's region
    "region lock of IAM too": ([ALL, deny(_not("aws:RequestedRegion", REGION))], OK),
    "region lock of handing over": (
        [ALL, deny(_not("aws:RequestedRegion", "us-east-1"), "iam:PassRole")], FAIL),
    "another region's lock": ([ALL, deny(_not("aws:RequestedRegion", "us-east-1"))], FAIL),
    "this region denied": ([ALL, deny({"StringLike": {"aws:RequestedRegion": "eu-*"}})], FAIL),
    # --- networks
    "an endpoint": ([ALL, deny(_not("aws:SourceVpce", "vpce-1"), "s3:*")], UNKNOWN),
    "an endpoint, if any": (
        [ALL, deny(_not("aws:SourceVpce", "vpce-1", "StringNotEqualsIfExists"), "s3:*")], UNKNOWN),
    "no endpoint": ([ALL, deny({"Null": {"aws:SourceVpce": "true"}}, "s3:*")], UNKNOWN),
    "a network of IPv6": (
        [ALL, deny(_not("aws:SourceVpc", "vpc-1", "StringNotLike"), "ecr:*")], UNKNOWN),
    "a denial for an endpoint, of other things": (
        [ALL, deny(_not("aws:SourceVpce", "vpce-1"), "s3:*", "arn:aws:s3:::other/*")], OK),
    # --- sessions
    "a second factor": ([ALL, deny({"Bool": {"aws:MultiFactorAuthPresent": "false"}})], UNKNOWN),
    "a second factor, if told": (
        [ALL, deny({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})], UNKNOWN),
    "older sessions revoked": (
        [ALL, deny({"DateLessThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}})], OK),
    "newer sessions revoked": (
        [ALL, deny({"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}})], FAIL),
    "a session's name": ([ALL, deny(_not("aws:userid", "*:ann", "StringNotLike"))], UNKNOWN),
    "a source identity": ([ALL, deny({"Null": {"aws:SourceIdentity": "true"}})], UNKNOWN),
    "a user's name, of a role": ([ALL, deny(_not("aws:username", "ann"))], FAIL),
    "a user's name, of a role, if any": (
        [ALL, deny(_not("aws:username", "ann", "StringNotEqualsIfExists"))], FAIL),
    "a user's name denied, of a role": ([ALL, deny({"StringLike": {"aws:username": "*"}})], OK),
    # --- time
    "a grant that has ended": (
        granted("ecr:", "ecr:*", condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01"}}),
        FAIL),
    "a denial that has ended": (
        [ALL, deny({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})], OK),
    "a denial that has begun": (
        [ALL, deny({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})], FAIL),
    # --- who
    "all but this role": ([ALL, deny(_not("aws:PrincipalArn", ROLE, "ArnNotEquals"))], OK),
    "all but another role": (
        [ALL, deny(_not("aws:PrincipalArn", f"{ROLE}-2", "ArnNotLike"))], FAIL),
    "the session's ARN for the role's": (
        [ALL, deny(_not("aws:PrincipalArn", f"arn:aws:sts::{OURS}:assumed-role/exec/*",
                        "ArnNotLike"))], FAIL),
    "all but this account": ([ALL, deny(_not("aws:PrincipalAccount", OURS))], OK),
    "all but another account": ([ALL, deny(_not("aws:PrincipalAccount", OTHER))], FAIL),
    "an organization": ([ALL, deny(_not("aws:PrincipalOrgID", "o-1"))], UNKNOWN),
    "a tag of the role": ([ALL, deny(_not("aws:PrincipalTag/team", "ml"))], UNKNOWN),
    "a tag of the thing": ([ALL, deny(_not("aws:ResourceTag/team", "ml"), "ecr:*")], UNKNOWN),
    "a grant by the thing's tag": (
        granted("ecr:", "ecr:*", condition={"StringEquals": {"aws:ResourceTag/team": "ml"}}),
        UNKNOWN),
    "an account of the thing": ([ALL, deny(_not("aws:ResourceAccount", OURS), "ecr:*",
                                           f"arn:aws:ecr:{REGION}:{OURS}:repository/*")], OK),
    "another account of the thing": (
        [ALL, deny(_not("aws:ResourceAccount", OTHER), "ecr:*",
                   f"arn:aws:ecr:{REGION}:{OURS}:repository/*")], FAIL),
    "an organization of the thing": ([ALL, deny(_not("aws:ResourceOrgID", "o-1"))], UNKNOWN),
    "what services alone send": ([ALL, deny(_not("aws:SourceAccount", OURS))], FAIL),
    "what services alone send, if any": (
        [ALL, deny(_not("aws:SourceArn", "arn:aws:s3:::b", "ArnNotLikeIfExists"))], FAIL),
    "services alone": ([ALL, deny({"Bool": {"aws:PrincipalIsAWSService": "false"}})], FAIL),
    # --- transport
    "no plain text": ([ALL, deny({"Bool": {"aws:SecureTransport": "false"}})], OK),
    "no encryption": ([ALL, deny({"Bool": {"aws:SecureTransport": "true"}})], FAIL),
    "an old TLS": ([ALL, deny({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, "s3:*")], OK),
    "TLS that Python may take": (
        [ALL, deny({"NumericLessThan": {"s3:TlsVersion": "1.3"}}, "s3:*")], UNKNOWN),
    "a grant for TLS that Python may take": (
        granted("s3:", "s3:*", condition={"NumericEquals": {"s3:TlsVersion": "1.3"}}), UNKNOWN),
    "signatures of old": ([ALL, deny({"StringEquals": {"s3:signatureversion": "AWS"}})], OK),
    "no signed headers": ([ALL, deny({"StringEquals": {"s3:authType": "REST-HEADER"}})], FAIL),
    "old signatures": ([ALL, deny({"NumericGreaterThan": {"s3:signatureAge": "600000"}})], UNKNOWN),
    "by a service alone": ([ALL, deny({"Bool": {"aws:ViaAWSService": "false"}}, "s3:*")], FAIL),
    "not by a service": ([ALL, deny({"Bool": {"aws:ViaAWSService": "true"}}, "ecr:*")], OK),
    "an access point of S3 alone": (
        [ALL, deny(_not("s3:DataAccessPointAccount", OURS), "s3:*")], FAIL),
    # --- encryption
    "the key by S3 alone": (
        [ALL, deny(_not("kms:ViaService", f"s3.{REGION}.amazonaws.com"), "kms:*")], OK),
    "the key by S3 of another region": (
        [ALL, deny(_not("kms:ViaService", "s3.us-east-1.amazonaws.com"), "kms:*")], FAIL),
    "the key by Secrets Manager": (
        granted("kms:", "kms:*", condition={"StringLike": {"kms:ViaService": "secretsmanager.*"}}),
        FAIL),
    "a context of the key": (
        granted("kms:", "kms:*", condition={"StringLike": {"kms:EncryptionContext:aws:s3:arn": B}}),
        UNKNOWN),
    "another key": (granted("kms:", "kms:*", resource=f"{KEY}2"), FAIL),
    "an alias of the key": (
        granted("kms:", "kms:*", resource=f"arn:aws:kms:{REGION}:{OURS}:alias/data"), FAIL),
    "a key of another region": (
        granted("kms:", "kms:*", resource=KEY.replace(REGION, "us-east-1")), FAIL),
    "the key for reading": (granted("kms:", "kms:Decrypt", "kms:DescribeKey"), FAIL),
    "a header of encryption": (
        [ALL, deny({"Null": {"s3:x-amz-server-side-encryption": "true"}}, "s3:PutObject")],
        FAIL),
    "tags of objects": (
        [ALL, deny(_not("s3:ExistingObjectTag/team", "ml"), "s3:GetObject")], UNKNOWN),
    # --- NotAction and NotResource
    "all but S3 and logs": ([ALL, deny(None, None, NotAction=["s3:*", "logs:*"])], FAIL),
    "all but everything needed": (
        [ALL, deny(None, None, NotAction=["s3:*", "logs:*", "ecr:*", "sagemaker:*", "kms:*",
                                          "cloudwatch:*", "iam:PassRole"])], OK),
    "all but the bucket": (
        [ALL, deny(None, "s3:*", None, NotResource=[B, f"{B}/*"])], OK),
    "all but the objects": ([ALL, deny(None, "s3:*", None, NotResource=f"{B}/*")], FAIL),
    "all but the store": ([ALL, deny(None, "s3:PutObject", None, NotResource=f"{B}/team/*")], FAIL),
    "a grant of all but S3": ([deny(None, None, NotAction="s3:*", Effect="Allow")], FAIL),
    "a grant of all but secrets": ([deny(None, None, NotAction="secretsmanager:*", Effect="Allow")],
                                   OK),
    "a grant of all but another bucket": (
        [*only(services="s3:"), deny(None, "s3:*", None, NotResource="arn:aws:s3:::c*",
                                     Effect="Allow")], OK),
    # --- names
    "another case": (granted("s3:", "s3:*", resource=[B, f"{B}/Team/*", f"{B}/*output/*"]), FAIL),
    "another partition": (granted("s3:", "s3:*", resource="arn:aws-cn:s3:::*"), FAIL),
    "objects without the bucket": (granted("s3:", "s3:*", resource=f"{B}/*"), FAIL),
    "the bucket without objects": (granted("s3:", "s3:*", resource=B), FAIL),
    "names that begin so": (granted("s3:", "s3:*", resource=[f"{B}*"]), OK),
    "all actions about objects but one": (
        granted("s3:", "s3:*Object", "s3:ListBucket", resource=[B, f"{B}/*"]), FAIL),
    "another repository": (
        granted("ecr:", "ecr:*", resource=f"arn:aws:ecr:{REGION}:{OURS}:repository/zenml2"), FAIL),
    "the repository, and no login": (
        granted("ecr:", "ecr:*", resource=f"arn:aws:ecr:{REGION}:{OURS}:repository/zenml"), FAIL),
    "jobs as Pipelines call them": (
        granted("sagemaker:", "sagemaker:*",
                resource=[f"arn:aws:sagemaker:*:*:{kind}/pipelines-*"
                          for kind in ("processing-job", "training-job")]), UNKNOWN),
    "jobs of another name": (
        granted("sagemaker:", "sagemaker:*",
                resource=[f"arn:aws:sagemaker:*:*:{kind}/nightly"
                          for kind in ("processing-job", "training-job")]), UNKNOWN),
    "jobs of another account": (
        granted("sagemaker:", "sagemaker:*", resource=f"arn:aws:sagemaker:*:{OTHER}:*"), FAIL),
    "jobs of one kind": (
        granted("sagemaker:", "sagemaker:*",
                resource="arn:aws:sagemaker:*:*:training-job/*"), FAIL),
    "the logs of both kinds of jobs": (
        granted("logs:", "logs:*",
                resource=[f"arn:aws:logs:*:*:log-group:/aws/sagemaker/{kind}*"
                          for kind in ("ProcessingJobs", "TrainingJobs")]), OK),
    "the logs of one kind of jobs": (
        granted("logs:", "logs:*",
                resource="arn:aws:logs:*:*:log-group:/aws/sagemaker/TrainingJobs*"), FAIL),
    "the metrics of one kind of jobs": (
        granted("cloudwatch:", "cloudwatch:PutMetricData",
                condition={"StringEquals": {
                    "cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}}),
        FAIL),
    # --- passing the role
    "passed to EC2": (
        granted("iam:", "iam:PassRole",
                condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}), FAIL),
    "passed to whatever": (granted("iam:", "iam:PassRole", resource=ROLE), OK),
    "passed for a job": (
        granted("iam:", "iam:PassRole",
                condition={"ArnLike": {"iam:AssociatedResourceArn": "arn:aws:sagemaker:*"}}),
        UNKNOWN),
    "another role passed": (granted("iam:", "iam:PassRole", resource=f"{ROLE}2"), FAIL),
    "none but tagged roles": (
        [ALL, deny(_not("iam:ResourceTag/pass", "yes"), "iam:PassRole")], UNKNOWN),
    # --- what SageMaker is told
    "jobs in a network alone": (
        [ALL, deny({"Null": {"sagemaker:VpcSubnets": "true"}}, "sagemaker:Create*")], UNKNOWN),
    "small instances alone": (
        [ALL, deny({"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": "ml.t3.*"}},
                   "sagemaker:Create*")], UNKNOWN),
    "tagged requests alone": (
        [ALL, deny({"Null": {"aws:RequestTag/team": "true"}}, "sagemaker:Create*")], UNKNOWN),
    "tag keys of a list alone": (
        [ALL, deny({"ForAllValues:StringNotEquals": {"aws:TagKeys": "team"}}, "sagemaker:*")],
        UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize(("given", "status"), IAM.values(), ids=IAM)
def test_what_the_execution_role_may_do(given: list[Any], status: CheckStatus) -> None:
    found = judged_by_iam(R, Identity.RUNTIME, given, principal=ROLE, key=KEY)
    assert found.status is status, found


@pytest.mark.parametrize(
    ("boundary", "hidden", "status"),
    [
        ([ALL], None, OK),
        ([{**ALL, "Action": "s3:*"}], None, FAIL),
        ([{**ALL, "Action": ["s3:*", "kms:*", "ecr:*", "logs:*", "cloudwatch:*", "sagemaker:*"]}],
         None, FAIL),
        ([ALL, deny(_not("aws:SourceVpce", "vpce-1"), "s3:*")], None, UNKNOWN),
        ([{**ALL, "Condition": {"StringEquals": {"aws:PrincipalAccount": OURS}}}], None, OK),
        ([{**ALL, "Condition": {"StringEquals": {"aws:PrincipalAccount": OTHER}}}], None, FAIL),
        ([ALL, deny(None, "s3:*", f"{B}/team/secret/*")], None, UNKNOWN),
        ([ALL, deny(None, "s3:*", f"{B}/team/logs/*")], None, FAIL),
        # the organization's, which the simulation takes in and nobody may read
        (None, [ALL], OK),
        (None, [ALL, deny(None, "ecr:*")], FAIL),
        (None, [ALL, deny(_not("aws:PrincipalOrgID", "o-1"))], UNKNOWN),
        (None, [ALL, deny(_not("aws:RequestedRegion", "us-east-1"), "ecr:*")], FAIL),
        (None, [ALL, deny(_not("aws:PrincipalArn", ROLE, "ArnNotLike"))], OK),
        (None, [ALL, deny(_not("aws:PrincipalTag/team", "ml"), "s3:*")], UNKNOWN),
        (None, [ALL, deny({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, "s3:*")], UNKNOWN),
    ],
)  # fmt: skip
def test_what_stands_above_the_role(boundary: Any, hidden: Any, status: CheckStatus) -> None:
    found = judged_by_iam(
        *(R, Identity.RUNTIME, only()), principal=ROLE, key=KEY, boundary=boundary, hidden=hidden
    )
    assert found.status is status, found


def test_a_key_of_the_organization_s_is_open_though_the_role_asks_for_it_elsewhere() -> None:
    inside = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    own, org = [*only(), deny(inside, "sqs:*")], [ALL, deny(inside, "s3:*")]
    given = {"principal": ROLE, "key": KEY}
    assert judged_by_iam(R, Identity.RUNTIME, own, **given, hidden=org).status is UNKNOWN
    assert judged_by_iam(R, Identity.RUNTIME, own, **given).status is OK


# --- the bucket's policy

WHO = Principal(f"arn:aws:iam::{OURS}:role/server", "role", "server")
POLICY_DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [B, f"{B}/*"]}
POLICY_ALLOW = POLICY_DENY | {"Effect": "Allow"}


def lock(condition: Any = None, **more: Any) -> dict[str, Any]:
    made = {**POLICY_DENY, **more} | ({"Condition": condition} if condition else {})
    return {key: value for key, value in made.items() if value is not None}


def gate(condition: Any = None, **more: Any) -> dict[str, Any]:
    return lock(condition, **{"Effect": "Allow", **more})


BUCKET: dict[str, tuple[list[Any], CheckStatus]] = {
    "a prefix alone": ([lock(_not("s3:prefix", ["team", "team/*"], "StringNotLike"),
                             Action="s3:ListBucket")], FAIL),
    "a prefix alone, if any": (
        [lock(_not("s3:prefix", ["team", "team/*"], "StringNotLikeIfExists"))], FAIL),
    "another prefix denied": ([lock({"StringLike": {"s3:prefix": "other/*"}})], OK),
    "this prefix denied": ([lock({"StringLike": {"s3:prefix": "team/*"}})], FAIL),
    "a part of the prefix denied": (
        [lock({"StringLike": {"s3:prefix": "team/secret/*"}})], UNKNOWN),
    "many keys at once": ([lock({"NumericGreaterThan": {"s3:max-keys": "10"}})], UNKNOWN),
    "a header of encryption": (
        [lock(_not("s3:x-amz-server-side-encryption", "aws:kms"), Action="s3:PutObject")], FAIL),
    "no versions deleted": ([lock(Action="s3:DeleteObjectVersion")], FAIL),
    "reading alone": ([lock(Action=None, NotAction=["s3:Get*", "s3:List*"])], FAIL),
    "all but needed": ([lock(Action=None, NotAction=["s3:Get*", "s3:List*", "s3:Put*",
                                                     "s3:Delete*", "s3:Abort*"])], OK),
    "IPv6 addresses": ([lock(_not("aws:SourceIp", "2001:db8::/32", "NotIpAddress"))], UNKNOWN),
    "an access point alone": ([lock(_not("s3:DataAccessPointAccount", OURS))], FAIL),
    "a canonical user denied": ([lock(Principal={"CanonicalUser": "79a59df900b949e5"})], UNKNOWN),
    "a session denied": (
        [lock(Principal={"AWS": f"arn:aws:sts::{OURS}:assumed-role/exec/Mallory"})], UNKNOWN),
    "another role's session denied": (
        [lock(Principal={"AWS": f"arn:aws:sts::{OURS}:assumed-role/exec2/Mallory"})], OK),
    "a deleted role denied": ([lock(Principal={"AWS": "AROAEXAMPLEEXAMPLE12"})], OK),
    "sessions for roles in a condition": (
        [lock(_not("aws:PrincipalArn", f"arn:aws:sts::{OURS}:assumed-role/*", "StringNotLike"))],
        FAIL),
    "roles by their ids": ([lock(_not("aws:userId", "AROAEXAMPLE:*", "StringNotLike"))], UNKNOWN),
    "none but the role": ([lock(Principal=None, NotPrincipal={"AWS": ROLE})], FAIL),
    "a secret part": ([lock(Resource=f"{B}/team/secret/*")], UNKNOWN),
    "logs of runs": ([lock(Resource=f"{B}/team/logs/*", Action="s3:PutObject")], FAIL),
    "all but the store": ([lock(Resource=None, NotResource=[B, f"{B}/team/*"])], FAIL),
    "tags of objects": ([lock(_not("s3:ExistingObjectTag/team", "ml"))], UNKNOWN),
    "a service": ([lock(Principal={"Service": "logging.s3.amazonaws.com"})], OK),
    "services on behalf of others": (
        [lock(_not("aws:SourceOrgID", "o-1") | {"Bool": {"aws:PrincipalIsAWSService": "true"}})],
        OK),
    "all but services": ([lock({"Bool": {"aws:PrincipalIsAWSService": "false"}})], FAIL),
}  # fmt: skip


@pytest.mark.parametrize(("given", "status"), BUCKET.values(), ids=BUCKET)
def test_what_the_bucket_s_policy_denies(given: list[Any], status: CheckStatus) -> None:
    found = bucket(given)
    assert found.status is status, found


def bucket(given: list[Any], account: Any = OURS) -> Verdict:
    return evaluate_bucket_policy({"Version": "2012-10-17", "Statement": given}, WHO, account, R)


US = {"AWS": f"arn:aws:iam::{OURS}:root"}
ABROAD: dict[str, tuple[list[Any], CheckStatus]] = {
    "our account": ([gate(Principal=US)], OK),
    "our two roles": ([gate(Principal={"AWS": [ROLE, WHO.arn]})], OK),
    "one of two roles": ([gate(Principal={"AWS": ROLE})], FAIL),
    "another account": ([gate(Principal={"AWS": OTHER})], FAIL),
    "everybody of our account": ([gate({"StringEquals": {"aws:PrincipalAccount": OURS}})], OK),
    "everybody of an organization": ([gate({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})],
                                     UNKNOWN),
    "an endpoint": ([gate({"StringEquals": {"aws:SourceVpce": "vpce-1"}})], UNKNOWN),
    "reading": ([gate(Principal=US, Action=["s3:Get*", "s3:List*"])], FAIL),
    "objects alone": ([gate(Principal=US, Resource=f"{B}/*")], FAIL),
    "the store alone": (
        [gate(Principal=US, Resource=f"{B}/team/*"),
         gate(Principal=US, Resource=B, Action=["s3:List*", "s3:GetBucket*"])], FAIL),
    "a listing of the store alone": (
        [gate(Principal=US, Resource=f"{B}/*"),
         gate(Principal=US, Resource=B, Action="s3:GetBucket*"),
         gate({"StringLike": {"s3:prefix": "team/*"}}, Principal=US, Resource=B,
              Action="s3:List*")], FAIL),
    "a listing of the store, and the bucket": (
        [gate(Principal=US, Resource=f"{B}/*"),
         gate(Principal=US, Resource=B, Action="s3:GetBucket*"),
         gate({"StringLikeIfExists": {"s3:prefix": "team/*"}}, Principal=US, Resource=B,
              Action="s3:List*")], OK),
    "a canonical user": ([gate(Principal={"CanonicalUser": "79a59df900b949e5"})], UNKNOWN),
    "objects that are given to the owner": (
        [gate(Principal=US, Action=None, NotAction="s3:PutObject"),
         gate({"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}, Principal=US,
              Action="s3:PutObject")], FAIL),
}  # fmt: skip


@pytest.mark.parametrize(("given", "status"), ABROAD.values(), ids=ABROAD)
def test_what_the_policy_of_another_account_s_bucket_allows(
    given: list[Any], status: CheckStatus
) -> None:
    found = bucket(given, None)
    assert found.status is status, found


# --- what runs pods

EKS = AwsResources("prod", StackType.KUBERNETES, region=REGION, cluster="c", namespace="ml")


def asks(**settings: Any) -> AwsResources:
    return replace(EKS, pods=(PodSettings(**settings),))


def group(ami: str = "AL2023_x86_64_STANDARD", **more: Any) -> dict[str, Any]:
    return {"nodegroupName": "g", "status": "ACTIVE", "amiType": ami,
            "scalingConfig": {"desiredSize": 1}, **more}  # fmt: skip


def ill(code: str) -> dict[str, Any]:
    return {"health": {"issues": [{"code": code, "message": "m"}]}}


def fargate(*selectors: Any, status: str = "ACTIVE") -> dict[str, Any]:
    return {"fargateProfileName": "p", "status": status, "selectors": list(selectors),
            "podExecutionRoleArn": "arn:aws:iam::1:role/p"}  # fmt: skip


GPU = (("accelerator", "nvidia"),)
NODES: dict[str, tuple[AwsResources, dict[str, Any], CheckStatus]] = {
    # --- Auto Mode makes what its pool allows
    "any pod": (EKS, {"auto_mode": True}, OK),
    "a pod for x86-64": (
        asks(node_selectors=(("kubernetes.io/arch", "amd64"),)), {"auto_mode": True}, OK),
    "a pod for ARM": (
        asks(node_selectors=(("kubernetes.io/arch", "arm64"),)), {"auto_mode": True}, UNKNOWN),
    "a pod for a label of our own": (asks(node_selectors=GPU), {"auto_mode": True}, UNKNOWN),
    "a pod for Windows": (
        asks(node_selectors=(("kubernetes.io/os", "windows"),)), {"auto_mode": True}, UNKNOWN),
    "a pod for spot": (
        asks(node_selectors=(("karpenter.sh/capacity-type", "spot"),)), {"auto_mode": True},
        UNKNOWN),
    "a pod for a zone": (
        asks(node_selectors=(("topology.kubernetes.io/zone", "eu-west-1a"),)), {"auto_mode": True},
        OK),
    "the system pool alone": (EKS, {"auto_mode": True, "pools": ("system",)}, UNKNOWN),
    "a group beside, which fits": (
        asks(node_selectors=GPU),
        {"auto_mode": True, "node_groups": (group(labels={"accelerator": "nvidia"}),)}, OK),
    # --- Fargate
    "the namespace": (EKS, {"fargate_profiles": (fargate({"namespace": "ml"}),)}, OK),
    "a wildcard": (EKS, {"fargate_profiles": (fargate({"namespace": "m*"}),)}, OK),
    "one sign": (EKS, {"fargate_profiles": (fargate({"namespace": "m?"}),)}, OK),
    "one sign too many": (EKS, {"fargate_profiles": (fargate({"namespace": "ml?"}),)}, FAIL),
    "a label that pods lack": (
        EKS, {"fargate_profiles": (fargate({"namespace": "ml", "labels": {"x": "*"}}),)}, FAIL),
    "a label that pods have": (
        asks(labels=(("x", "1"),)),
        {"fargate_profiles": (fargate({"namespace": "ml", "labels": {"x": "?"}}),)}, OK),
    "no selector": (EKS, {"fargate_profiles": (fargate(),)}, FAIL),
    "a profile that goes": (
        EKS, {"fargate_profiles": (fargate({"namespace": "ml"}, status="DELETING"),)}, FAIL),
    "a GPU on Fargate": (
        asks(node_selectors=GPU), {"fargate_profiles": (fargate({"namespace": "ml"}),)}, FAIL),
    "ARM on Fargate": (
        asks(node_selectors=(("kubernetes.io/arch", "arm64"),)),
        {"fargate_profiles": (fargate({"namespace": "ml"}),)}, FAIL),
    "Fargate itself": (
        asks(node_selectors=(("eks.amazonaws.com/compute-type", "fargate"),)),
        {"fargate_profiles": (fargate({"namespace": "ml"}),)}, OK),
    # --- node groups
    "a custom image": (EKS, {"node_groups": (group("CUSTOM"),)}, OK),
    "a custom image on Graviton": (
        EKS, {"node_groups": (group("CUSTOM", instanceTypes=["m7g.large", "c6gn.xlarge"]),)}, WARN),
    "a custom image on both": (
        EKS, {"node_groups": (group("CUSTOM", instanceTypes=["m7g.large", "m7i.large"]),)}, OK),
    "a custom image on a GPU": (
        EKS, {"node_groups": (group("CUSTOM", instanceTypes=["g5.xlarge"]),)}, OK),
    "a custom image on an ARM GPU": (
        EKS, {"node_groups": (group("CUSTOM", instanceTypes=["g5g.xlarge"]),)}, WARN),
    "no addresses left": (
        EKS, {"node_groups": (group(**ill("InsufficientFreeAddresses")),)}, WARN),
    "no instances left": (
        EKS, {"node_groups": (group(**ill("InstanceLimitExceeded")),)}, WARN),
    "a subnet that is not there": (
        EKS, {"node_groups": (group(**ill("Ec2SubnetNotFound")),)}, FAIL),
    "a security group that is not there": (
        EKS, {"node_groups": (group(**ill("Ec2SecurityGroupNotFound")),)}, WARN),
    "one ill, one not": (
        EKS, {"node_groups": (group(**ill("InsufficientFreeAddresses")),
                              {**group(), "nodegroupName": "h"})}, OK),
    "Bottlerocket on ARM": (EKS, {"node_groups": (group("BOTTLEROCKET_ARM_64"),)}, WARN),
    "Windows": (EKS, {"node_groups": (group("WINDOWS_CORE_2022_x86_64"),)}, FAIL),
    "a taint, tolerated by its key": (
        asks(tolerations=(("gpu", "Exists", "", ""),)),
        {"node_groups": (group(taints=[{"key": "gpu", "value": "1", "effect": "NO_SCHEDULE"}]),)},
        OK),
    "a taint, tolerated with another effect": (
        asks(tolerations=(("gpu", "Exists", "", "NoExecute"),)),
        {"node_groups": (group(taints=[{"key": "gpu", "value": "1", "effect": "NO_SCHEDULE"}]),)},
        FAIL),
    "a taint, tolerated with another value": (
        asks(tolerations=(("gpu", "Equal", "2", ""),)),
        {"node_groups": (group(taints=[{"key": "gpu", "value": "1", "effect": "NO_EXECUTE"}]),)},
        FAIL),
    # --- extended resources: what is asked for is tolerated, and device plugins are not seen
    "a group tainted for the GPU that pods ask for": (
        asks(resources=("nvidia.com/gpu",)),
        {"node_groups": (group(taints=[
            {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]),)},
        UNKNOWN),
    "a group tainted for another resource": (
        asks(resources=("nvidia.com/gpu",)),
        {"node_groups": (group(taints=[
            {"key": "aws.amazon.com/neuron", "value": "1", "effect": "NO_SCHEDULE"}]),)},
        FAIL),
    "any group, and a GPU": (
        asks(resources=("nvidia.com/gpu",)), {"node_groups": (group(),)}, UNKNOWN),
    "Auto Mode, and a GPU": (asks(resources=("nvidia.com/gpu",)), {"auto_mode": True}, UNKNOWN),
    "a GPU on Fargate, as a resource": (
        asks(resources=("nvidia.com/gpu",)),
        {"fargate_profiles": (fargate({"namespace": "ml"}),)}, FAIL),
    "instances of one's own, and a GPU": (
        asks(resources=("nvidia.com/gpu",)), {"unmanaged": 2}, UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize(("r", "seen", "status"), NODES.values(), ids=NODES)
def test_what_runs_the_pods(r: AwsResources, seen: dict[str, Any], status: CheckStatus) -> None:
    given: dict[str, Any] = {
        "node_groups": (), "fargate_profiles": (), "auto_mode": False, "hybrid": False, **seen
    }  # fmt: skip
    found = evaluate_compute(Compute(**given), r)
    assert found.status is status, found


# --- who may enter the cluster, and who reaches it


def entry(*policies: tuple[str, Any], **more: Any) -> dict[str, Any]:
    return {"principalArn": WHO.arn, "mode": "API", "type": "STANDARD", "policies": [
        {"policyArn": arn, "accessScope": scope} for arn, scope in policies], **more}  # fmt: skip


AWS_OWN = "arn:aws:eks::aws:cluster-access-policy/"
EVERYWHERE = {"type": "cluster", "namespaces": []}


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (entry((f"{AWS_OWN}AmazonEKSClusterAdminPolicy", EVERYWHERE)), OK),
        (entry((f"{AWS_OWN}AmazonEKSAdminPolicy", {"type": "namespace", "namespaces": ["ml"]})),
         OK),
        (entry((f"{AWS_OWN}AmazonEKSAdminPolicy", {"type": "namespace", "namespaces": ["ml2"]})),
         FAIL),
        (entry((f"{AWS_OWN}AmazonEKSAdminPolicy", {"type": "namespace", "namespaces": ["m*"]})),
         OK),
        (entry((f"{AWS_OWN}AmazonEKSAdminPolicy", {})), FAIL),
        (entry((f"{AWS_OWN}AmazonEKSAdminViewPolicy", EVERYWHERE)), FAIL),
        (entry((f"{AWS_OWN}AmazonEKSViewPolicy", EVERYWHERE)), FAIL),
        (entry((f"{AWS_OWN}AmazonEKSEditPolicy", EVERYWHERE)), FAIL),
        (entry((f"arn:aws:eks::{OTHER}:cluster-access-policy/AmazonEKSAdminPolicy", EVERYWHERE)),
         FAIL),
        (entry(type="EC2_LINUX", kubernetesGroups=["system:nodes"]), FAIL),
        (entry(type="FARGATE_LINUX"), FAIL),
        (entry(kubernetesGroups=["builders"]), UNKNOWN),
    ],
)  # fmt: skip
def test_who_may_enter_the_cluster(seen: dict[str, Any], status: CheckStatus) -> None:
    found = evaluate_access_entry((seen, WHO), EKS)
    assert found.status is status, found


ODD = [f"{first}.0.0.0/8" for first in range(1, 224, 2)]
#: Half of the internet, in blocks that do not touch.
HALF = [f"{first}.{second}.0.0/9" for first in range(1, 224) for second in (0,)]


@pytest.mark.parametrize(
    ("cidrs", "status"),
    [
        (["203.0.113.7/32"], OK),
        (["203.0.113.0/24", "198.51.100.0/24"], OK),
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], OK),
        (["0.0.0.0/0"], WARN),
        (["::/0"], WARN),
        (["0.0.0.0/1", "128.0.0.0/1"], WARN),
        (ODD, WARN),
        (HALF, WARN),
        (["2000::/3"], WARN),
        (["2001:db8::/32"], OK),
        (["::/1", "8000::/1"], WARN),
        ([f"2{n:03x}::/16" for n in range(0, 512, 2)], WARN),
        ([], WARN),
    ],
    ids=lambda value: str(value)[:60],
)
def test_to_whom_the_endpoint_is_open(cidrs: list[str], status: CheckStatus) -> None:
    network = {"endpointPublicAccess": True, "publicAccessCidrs": cidrs}
    assert evaluate_endpoint({"resourcesVpcConfig": network}, EKS, True).status is status


# --- who may become the role


def trusting(condition: Any = None, principal: Any = None, **more: Any) -> dict[str, Any]:
    made = {"Effect": "Allow", "Principal": principal or {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole", **more}  # fmt: skip
    return made | ({"Condition": condition} if condition else {})


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ([trusting()], True),
        ([trusting({"StringEquals": {"aws:SourceAccount": OURS}})], True),
        ([trusting({"StringEquals": {"aws:SourceAccount": OTHER}})], False),
        ([trusting({"ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:*:{OURS}:*"}})], True),
        ([trusting({"ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:us-east-1:{OURS}:*"}})],
         False),
        ([trusting({"ArnLike": {"aws:SourceArn": f"arn:aws:ec2:*:{OURS}:*"}})], False),
        ([trusting({"StringEquals": {"aws:SourceArn": f"arn:aws:sagemaker:*:{OURS}:*"}})], False),
        ([trusting({"ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:*:{OURS}:pipeline/x"}})],
         None),
        ([trusting({"StringEquals": {"aws:SourceOrgID": "o-1"}})], None),
        ([trusting(principal={"Service": "ec2.amazonaws.com"})], False),
        ([trusting(principal={"Service": f"sagemaker.{REGION}.amazonaws.com"})], False),
        ([trusting(principal={"AWS": OURS})], False),
        ([trusting(Action="sts:TagSession")], False),
        ([trusting(Action=["sts:AssumeRole", "sts:SetSourceIdentity"])], True),
        ([trusting(Action="sts:*")], True),
        ([trusting({"Bool": {"aws:MultiFactorAuthPresent": "true"}})], None),
        ([trusting({"StringEquals": {"sts:ExternalId": "x"}})], None),
        ([trusting(), trusting(Effect="Deny")], False),
        ([trusting(), trusting({"StringNotEquals": {"aws:SourceAccount": OURS}}, Effect="Deny")],
         True),
        ([trusting(), trusting({"StringNotEquals": {"aws:SourceAccount": OTHER}}, Effect="Deny")],
         False),
        ([trusting(), trusting({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, "*",
                               Effect="Deny")], None),
    ],
)  # fmt: skip
def test_whether_sagemaker_may_become_the_role(given: list[Any], allowed: bool | None) -> None:
    document = {"Version": "2012-10-17", "Statement": given}
    trust = may_assume(document, "sagemaker.amazonaws.com", OURS, REGION, "aws")
    assert trust.allowed is allowed, trust


# --- the bucket's settings


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        ({"Status": "Enabled"}, OK),
        ({"Status": "Enabled", "MFADelete": "Disabled"}, OK),
        ({"Status": "Enabled", "MFADelete": "Enabled"}, WARN),
        ({"Status": "Suspended", "MFADelete": "Enabled"}, WARN),
        ({}, WARN),
    ],
)
def test_versions_that_only_a_second_factor_deletes(
    seen: dict[str, str], status: CheckStatus
) -> None:
    assert evaluate_versioning(seen, R).status is status


# --- the bucket's key, and whose the bucket is

CONNECTOR = {"AWS": WHO.arn}
BOTH = {"AWS": [WHO.arn, ROLE]}
USE = ["kms:Decrypt", "kms:GenerateDataKey*"]


def grant(principal: str, *operations: str, **more: Any) -> dict[str, Any]:
    return {"GranteePrincipal": principal, "Operations": list(operations), **more}


def key_says(principal: Any, action: Any = "kms:*", condition: Any = None, **more: Any) -> Any:
    made = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}
    return made | ({"Condition": condition} if condition else {})


KEYS: dict[str, tuple[list[Any], list[Any], CheckStatus]] = {
    "handed to the account": ([key_says(US)], [], OK),
    "both by name": ([key_says(BOTH, USE)], [], OK),
    "one of both": ([key_says(CONNECTOR, USE)], [], FAIL),
    "nobody": ([key_says({"AWS": f"arn:aws:iam::{OURS}:role/admin"})], [], FAIL),
    "another account": ([key_says({"AWS": OTHER})], [], FAIL),
    "administrators alone": (
        [key_says(US, ["kms:Create*", "kms:Put*", "kms:Describe*"])], [], FAIL),
    "reading alone": ([key_says(US, "kms:Decrypt")], [], FAIL),
    "by S3 alone": ([key_says(US, "kms:*", {"StringEquals": {
        "kms:ViaService": f"s3.{REGION}.amazonaws.com"}})], [], OK),
    "by S3 of the account": ([key_says("*", USE, {"StringEquals": {
        "kms:ViaService": f"s3.{REGION}.amazonaws.com", "kms:CallerAccount": OURS}})], [], OK),
    "by another service": ([key_says(US, "kms:*", {"StringEquals": {
        "kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}})], [], FAIL),
    "a context": ([key_says(US, "kms:*", {"StringLike": {
        "kms:EncryptionContext:aws:s3:arn": f"{B}*"}})], [], UNKNOWN),
    "an organization": ([key_says("*", USE, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}})], [],
                        UNKNOWN),
    "denied": ([key_says(US), key_says(CONNECTOR, "kms:Decrypt", Effect="Deny")], [], FAIL),
    "denied without a factor": (
        [key_says(US), key_says("*", "kms:*", {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
                                Effect="Deny")], [], UNKNOWN),
    "a grant for the other": (
        [key_says(CONNECTOR, USE)], [grant(ROLE, "Decrypt", "GenerateDataKey")], OK),
    "a grant for half of it": ([key_says(CONNECTOR, USE)], [grant(ROLE, "Decrypt")], FAIL),
    "a grant for another": (
        [key_says(CONNECTOR, USE)], [grant(f"{ROLE}2", "Decrypt", "GenerateDataKey")], FAIL),
    "a grant for one context": (
        [key_says(CONNECTOR, USE)],
        [grant(ROLE, "Decrypt", "GenerateDataKey",
               Constraints={"EncryptionContextEquals": {"x": "y"}})], FAIL),
    "a grant beside a denial": (
        [key_says(US), key_says({"AWS": ROLE}, Effect="Deny")],
        [grant(ROLE, "Decrypt", "GenerateDataKey")], FAIL),
}  # fmt: skip


@pytest.mark.parametrize(("given", "grants", "status"), KEYS.values(), ids=KEYS)
def test_whom_the_key_lets_in(given: list[Any], grants: list[Any], status: CheckStatus) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": given})
    found = with_key_policy(ok("it encrypts"), KeyPolicy(KEY, document, tuple(grants)), WHO, R)
    assert found.status is status, found
    assert found.why.startswith("it encrypts")


def test_who_is_not_known_may_not_be_whom_the_key_lets_in() -> None:
    """A key's policy lets in whom it names, or hands the decision to its account."""
    r = replace(R, type=StackType.KUBERNETES, role=None)
    hidden = Skipped("its identity is not told")

    def status(*said: Any, r: AwsResources = r) -> CheckStatus:
        document = json.dumps({"Version": "2012-10-17", "Statement": said})
        found = with_key_policy(ok("it encrypts"), KeyPolicy(KEY, document), hidden, r)
        assert ("who the connector is" in found.why) is (found.status is UNKNOWN)
        return found.status

    via = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
    called = {"StringEquals": {"kms:CallerAccount": OURS}}
    for said in (key_says(US), key_says(US, USE, via), key_says("*", USE, called)):
        assert status(said) is OK
        # Whose connector it is has to be known for that.
        assert status(said, r=replace(r, account=None)) is UNKNOWN
        assert status(said, r=replace(r, account=OTHER)) is UNKNOWN
    named = key_says({"AWS": ROLE})
    assert status(named) is UNKNOWN
    assert status(key_says(US), {**named, "Effect": "Deny"}) is UNKNOWN
    assert status(key_says(US, "kms:Decrypt")) is UNKNOWN
    for operator, arn in (("ArnLike", f"arn:aws:iam::{OURS}:role/*"), ("ArnNotEquals", ROLE)):
        assert status(key_says(US, "kms:*", {operator: {"aws:PrincipalArn": arn}})) is UNKNOWN
    assert status(key_says(US, "kms:*", {"Null": {"aws:username": "true"}})) is UNKNOWN
    del named["Principal"]
    assert status({**named, "NotPrincipal": {"AWS": ROLE}}) is UNKNOWN


def test_a_key_whose_policy_may_not_be_read_is_no_ok() -> None:
    denied = Denied("may not", permission="kms:GetKeyPolicy")
    found = with_key_policy(ok("it encrypts"), denied, WHO, R)
    assert (found.status, found.missing_permission) == (UNKNOWN, "kms:GetKeyPolicy")
    assert with_key_policy(ok("it encrypts"), None, WHO, R) == ok("it encrypts")


def encrypting(kind: str) -> Any:
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": kind}}
    return {"ServerSideEncryptionConfiguration": {"Rules": [default]}}


@pytest.mark.parametrize(
    ("kind", "key", "owner", "status"),
    [
        ("aws:kms", BucketKey(), OURS, OK),
        ("aws:kms", BucketKey(), None, FAIL),
        ("aws:kms:dsse", BucketKey(), None, FAIL),
        ("aws:kms", BucketKey(None, "alias/aws/s3", "Enabled"), None, FAIL),
        ("aws:kms", BucketKey(KEY, KEY, "Enabled"), None, OK),
        ("AES256", BucketKey(), None, OK),
        ("aws:kms", BucketKey(), Unavailable("silence"), OK),
    ],
)
def test_aws_s_own_key_of_another_account_lets_nobody_in(
    kind: str, key: BucketKey, owner: Any, status: CheckStatus
) -> None:
    assert evaluate_encryption((encrypting(kind), key), R, owner).status is status


SWITCHES = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
ON = {"PublicAccessBlockConfiguration": SWITCHES}
PUBLIC = {"PolicyStatus": {"IsPublic": True}}
MINE = {"Owner": {"ID": "me"}, "Grants": [{"Grantee": {"ID": "me"}, "Permission": "FULL_CONTROL"}]}
SHARED = {**MINE, "Grants": [*MINE["Grants"], {"Grantee": {"ID": "x"}, "Permission": "WRITE"}]}
NOT_OURS = Skipped("of another account")


@pytest.mark.parametrize(
    ("block", "account", "status", "acl", "owner", "expected"),
    [
        (ON, {}, PUBLIC, MINE, None, OK),
        ({}, ON, PUBLIC, MINE, None, OK),
        ({}, {}, PUBLIC, MINE, None, FAIL),
        # our account's block says nothing of another account's bucket
        ({}, ON, PUBLIC, MINE, NOT_OURS, UNKNOWN),
        ({}, ON, {}, MINE, NOT_OURS, UNKNOWN),
        (ON, ON, PUBLIC, MINE, NOT_OURS, OK),
        # and no switch takes a grant to an account back
        (ON, {}, {}, SHARED, None, WARN),
        ({}, ON, {}, SHARED, None, WARN),
        (ON, {}, {}, {"Grants": SHARED["Grants"]}, None, OK),
    ],
)
def test_who_else_gets_into_the_bucket(
    block: Any, account: Any, status: Any, acl: Any, owner: Any, expected: CheckStatus
) -> None:
    seen = public_access_of(block, account, status, acl, Analysis(), owner=owner)
    assert evaluate_public_access(seen, R).status is expected
