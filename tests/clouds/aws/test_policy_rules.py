"""What the policies of the bucket and the repository let the stack's identities do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, Verdict
from kitaru_iac.checks.probes import Denied, Skipped
from kitaru_iac.clouds.aws.observations import Principal
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.verify_bucket import evaluate_bucket_policy
from kitaru_iac.clouds.aws.verify_registry import evaluate_repository_policy
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.uris import EcrUri

OK, WARN, FAIL, UNKNOWN = CheckStatus
ACCOUNT, OTHER, REGION = "123456789012", "999999999999", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/exec"
WHO = Principal(f"arn:aws:iam::{ACCOUNT}:role/app/server", "role", "server")
SESSION = Principal(f"arn:aws:iam::{ACCOUNT}:role/server", "role", "server", certain=False)
#: CloudFront's own user, in no account.
OAI = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE"
USER = Principal(f"arn:aws:iam::{ACCOUNT}:user/ann", "user", "ann")
ABROAD = Principal(f"arn:aws:iam::{OTHER}:role/server", "role", "server")


def ecr(account: str) -> EcrUri:
    return EcrUri(account, REGION, f"{account}.dkr.ecr.{REGION}.amazonaws.com")


R = AwsResources(
    "prod", StackType.SAGEMAKER, region=REGION, account=ACCOUNT, bucket="b", role=ROLE,
    registry=ecr(ACCOUNT), repository="zenml",
)  # fmt: skip
BUCKET, OBJECTS = "arn:aws:s3:::b", "arn:aws:s3:::b/*"
DENY = {"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [BUCKET, OBJECTS]}  # fmt: skip
ALLOW = {**DENY, "Sid": "Yes", "Effect": "Allow"}


def bucket(
    *statements: Any, who: Any = WHO, account: Any = ACCOUNT, r: AwsResources = R
) -> Verdict:
    policy = {"Version": "2012-10-17", "Statement": list(statements)} if statements else {}
    return evaluate_bucket_policy(policy, who, account, r)


def repository(*statements: Any, who: Any = WHO, r: AwsResources = R) -> Verdict:
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    answer = {"policyText": json.dumps(policy)} if statements else {}
    return evaluate_repository_policy(answer, who, r)


def unless(operator: str, key: str, value: Any, **more: Any) -> dict[str, Any]:
    return {**DENY, "Condition": {operator: {key: value}}, **more}


@pytest.mark.parametrize(
    "statement",
    [
        ALLOW,
        {**DENY, "Resource": "arn:aws:s3:::other/*"},
        {**DENY, "Action": "s3:DeleteBucket"},
        {**DENY, "NotAction": "s3:*", "Action": None},
        {**DENY, "Principal": {"AWS": OTHER}},
        {**DENY, "Principal": {"Service": "ec2.amazonaws.com"}},
        {**DENY, "Principal": {"AWS": OAI}},
        {**ALLOW, "Principal": {"AWS": [OAI, ROLE]}},
        {**DENY, "NotPrincipal": {"AWS": [ACCOUNT, ROLE, WHO.arn]}, "Principal": None},
        unless("Bool", "aws:SecureTransport", "false"),
        unless("StringNotEquals", "aws:RequestedRegion", REGION),
        unless("StringNotEquals", "aws:PrincipalAccount", ACCOUNT),
        unless("StringNotEqualsIfExists", "aws:PrincipalAccount", [OTHER, ACCOUNT]),
        unless("ArnNotLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*"),
        unless("StringNotLike", "aws:PrincipalArn", [ROLE, "arn:aws:iam::*:role/app/*"]),
        unless("StringNotEquals", "aws:ResourceAccount", ACCOUNT),
        unless("NumericLessThan", "s3:TlsVersion", "1.2", Action="s3:DeleteBucket"),
    ],
)
def test_what_denies_others_or_other_things_is_fine(statement: dict[str, Any]) -> None:
    found = bucket({key: value for key, value in statement.items() if value is not None})
    assert found.status is OK, found
    assert found.why == (
        "its policy denies nothing that is needed by the execution role and the connector; "
        "organization, endpoint and session policies are not looked at"
    )


def test_no_policy_denies_nothing() -> None:
    assert bucket().why == "it has no policy: what identities may do, their own policies decide"
    assert bucket(who=Skipped("hidden")).status is OK


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (DENY, "the execution role s3:ListBucket, s3:"),
        ({**DENY, "Action": "S3:PUTOBJECT"}, "role s3:PutObject; the connector s3:PutObject ("),
        ({**DENY, "Resource": OBJECTS, "Action": "*"}, "s3:GetObject"),
        ({**DENY, "NotAction": "s3:Get*", "Action": None}, "the execution role s3:ListBucket"),
        ({**DENY, "NotResource": BUCKET, "Resource": None}, "s3:GetObject"),
        ({**DENY, "Principal": {"AWS": ROLE}}, "its policy denies the execution role"),
        ({**DENY, "Principal": {"AWS": ACCOUNT}}, "the connector"),
        ({**DENY, "Principal": {"AWS": WHO.arn}}, "its policy denies the connector"),
        ({**DENY, "NotPrincipal": {"AWS": f"arn:aws:iam::{OTHER}:root"}, "Principal": None},
         "denies the execution role"),
        (unless("StringNotEquals", "aws:RequestedRegion", "us-east-1"), "s3:ListBucket"),
        (unless("StringNotEquals", "aws:PrincipalAccount", OTHER), "s3:ListBucket"),
        (unless("Bool", "aws:SecureTransport", "true"), "s3:ListBucket"),
        (unless("ArnNotEquals", "aws:PrincipalArn", WHO.arn), "denies the execution role"),
        (unless("StringNotLike", "aws:username", "a*"), "s3:ListBucket"),
        # no upload of a run says how it is encrypted
        (unless("Null", "s3:x-amz-server-side-encryption", "true", Action="s3:PutObject"),
         "s3:PutObject"),
    ],
)  # fmt: skip
def test_a_denial_of_what_is_needed_fails_with_its_statement(
    statement: dict[str, Any], why: str
) -> None:
    found = bucket(ALLOW, {key: value for key, value in statement.items() if value is not None})
    assert found.status is FAIL, found
    assert why in found.why
    assert "(statement No)" in found.why
    assert found.remedy == "aws s3api get-bucket-policy --bucket b --region eu-west-1"


@pytest.mark.parametrize(
    ("statement", "key"),
    [
        (unless("StringNotEquals", "aws:SourceVpce", "vpce-1"), "aws:SourceVpce"),
        (unless("StringNotEqualsIfExists", "aws:SourceVpc", "vpc-1"), "aws:SourceVpc"),
        (unless("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"), "aws:SourceIp"),
        (unless("StringNotEquals", "aws:PrincipalOrgID", "o-1"), "aws:PrincipalOrgID"),
        (unless("StringNotEquals", "aws:PrincipalTag/team", "ml"), "aws:PrincipalTag/team"),
        (unless("StringNotLike", "aws:userid", "AROAEXAMPLE:*"), "aws:userid"),
        ({**DENY, "Resource": "arn:aws:s3:::b/private/*"}, "which of the objects"),
        ({**DENY, "Principal": {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/exec/a"}},
         "the role session's name"),
        ({**DENY, "Principal": {"CanonicalUser": "79a59df900b949e55d96a1e698fbaced"}},
         "the account's canonical user id"),
    ],
)  # fmt: skip
def test_a_denial_that_hangs_on_what_nobody_knows_is_unknown_and_names_it(
    statement: dict[str, Any], key: str
) -> None:
    found = bucket(ALLOW, statement)
    assert found.status is UNKNOWN, found
    assert key in found.why


def test_a_user_is_known_by_its_name_and_a_session_whatever_its_path() -> None:
    named = unless("StringNotEquals", "aws:username", "ann", Principal={"AWS": USER.arn})
    assert bucket(named, who=USER).status is OK
    assert bucket(named, who=replace(USER, arn=f"{USER.arn}a")).status is OK
    theirs = {**DENY, "Principal": {"AWS": WHO.arn}}
    assert bucket(theirs, who=SESSION).status is FAIL
    other = {**DENY, "Principal": {"AWS": f"{WHO.arn}-2"}}
    assert bucket(other, who=SESSION).status is OK
    by_path = unless("ArnLike", "aws:PrincipalArn", WHO.arn, Resource=[BUCKET, OBJECTS])
    assert bucket(by_path, who=SESSION).status is UNKNOWN


@pytest.mark.parametrize("account", [None, "888888888888"])
def test_a_bucket_of_another_account_must_allow(account: str | None) -> None:
    assert bucket(account=account).status is FAIL
    assert (
        "its policy does not allow the execution role s3:ListBucket" in bucket(account=account).why
    )
    for principal in ("*", {"AWS": ACCOUNT}, {"AWS": [ROLE, WHO.arn]}):
        found = bucket({**ALLOW, "Principal": principal}, account=account)
        assert (found.status, found.why[:36]) == (OK, "its policy allows all that is needed")
    half = {**ALLOW, "Resource": OBJECTS}
    assert "s3:ListBucket" in bucket(half, account=account).why
    assert bucket({**ALLOW, "Principal": {"AWS": ROLE}}, account=account).status is FAIL
    hung = unless("StringEquals", "aws:PrincipalOrgID", "o-1", Effect="Allow")
    assert bucket(hung, account=account).status is UNKNOWN


def test_a_connector_of_another_account_must_be_allowed() -> None:
    found = bucket(who=ABROAD)
    assert found.status is FAIL
    assert "does not allow the connector" in found.why
    assert "execution role" not in found.why
    assert bucket({**ALLOW, "Principal": {"AWS": OTHER}}, who=ABROAD).status is OK


def test_where_the_bucket_s_account_is_not_known_neither_is_the_verdict() -> None:
    unseen = Denied("no", permission="s3:ListBucket")
    assert bucket(account=unseen).status is UNKNOWN
    assert bucket(ALLOW, account=unseen).status is OK
    assert bucket(DENY, account=unseen).status is FAIL


def test_who_is_not_known_may_be_whom_it_denies() -> None:
    hidden = Skipped("its identity is not told", "aws sts get-caller-identity")
    found = bucket({**DENY, "Principal": {"AWS": OTHER}}, who=hidden)
    assert (found.status, found.remedy) == (UNKNOWN, "aws sts get-caller-identity")
    assert "its identity is not told" in found.why
    assert bucket(ALLOW, who=hidden).status is OK
    assert bucket(DENY, who=hidden).status is FAIL
    odd = Principal(f"arn:aws:sts::{ACCOUNT}:federated-user/ann", "user", "ann")
    assert bucket({**DENY, "Principal": {"AWS": OTHER}}, who=odd).status is UNKNOWN
    silent = bucket({**DENY, "Principal": {"AWS": OTHER}}, who=Skipped("hidden"))
    assert silent.remedy == "aws s3api get-bucket-policy --bucket b --region eu-west-1"


@pytest.mark.parametrize("statements", [(), ({**ALLOW, "Principal": {"AWS": ROLE}},)])
@pytest.mark.parametrize("account", [None, OTHER])
def test_who_is_not_known_may_not_be_whom_another_account_lets_in(
    account: str | None, statements: tuple[Any, ...]
) -> None:
    """Without an execution role nobody else is asked about."""
    r = replace(R, type=StackType.KUBERNETES, role=None)
    hidden = Skipped("its identity is not told", "aws sts get-caller-identity")
    found = bucket(*statements, who=hidden, account=account, r=r)
    assert (found.status, found.remedy) == (UNKNOWN, "aws sts get-caller-identity")
    assert "who the connector is, and whether the bucket's policy lets it in" in found.why
    assert bucket(*statements, who=hidden, r=r).status is OK
    there = ecr(OTHER)
    answer = repository(*statements, who=hidden, r=replace(r, registry=there))
    assert answer.status is UNKNOWN


def test_without_an_execution_role_the_connector_alone_is_asked_about() -> None:
    r = replace(R, type=StackType.KUBERNETES, role=None)
    assert bucket(ALLOW, r=r).why.startswith(
        "its policy denies nothing that is needed by the connector; "
    )
    assert "the execution role" not in bucket(DENY, r=r).why
    assert bucket(ALLOW, who=Skipped("hidden"), r=r).why.startswith(
        "its policy denies nothing that is needed by anybody; "
    )


def test_a_call_without_a_prefix_is_not_in_the_store_s() -> None:
    r = replace(R, prefix="team")
    listing = {"Action": "s3:ListBucket", "Resource": BUCKET}
    of_others = unless("StringLike", "s3:prefix", "other/*", **listing)
    assert bucket(of_others, r=r).status is OK
    # HeadBucket, which a run calls too, names no prefix.
    but_ours = unless("StringNotLike", "s3:prefix", "team/*", **listing)
    assert bucket(but_ours, r=r).status is FAIL
    assert bucket(unless("Null", "s3:prefix", "true", **listing), r=r).status is FAIL


@pytest.mark.parametrize(
    "statement", ["nonsense", {**DENY, "Effect": "deny"}, {**ALLOW, "Principal": {"AWS": "me"}}]
)
def test_a_policy_that_cannot_be_read_is_unknown(statement: Any) -> None:
    found = bucket(ALLOW, statement)
    assert found.status is UNKNOWN
    assert found.why.startswith("its policy cannot be read: statement 2: ")


PULL = {"Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage"}


def test_the_repository_is_asked_for_what_pushes_and_pulls() -> None:
    assert repository().status is OK
    assert repository({**PULL, "Principal": {"AWS": OTHER}}).status is OK
    found = repository(PULL)
    assert found.status is FAIL
    assert "the execution role ecr:BatchGetImage; the connector ecr:BatchGetImage" in found.why
    push = {**PULL, "Action": "ecr:PutImage"}
    assert "denies the connector ecr:PutImage (statement 1)" in repository(push).why
    vpce = {**PULL, "Condition": {"StringNotEquals": {"aws:sourceVpce": "vpce-1"}}}
    assert "hangs on aws:sourceVpce" in repository(vpce).why


def test_a_repository_of_another_account_must_allow() -> None:
    theirs = replace(R, registry=ecr(OTHER), account=OTHER)
    assert repository(r=theirs).status is FAIL
    everything = {"Effect": "Allow", "Action": "ecr:*", "Principal": {"AWS": ACCOUNT}}
    assert repository(everything, r=theirs).status is OK
    pull = {**everything, "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}
    assert "does not allow" in repository(pull, r=theirs).why


# --- what is outside the store's prefix, and what is a part of it

IN_PREFIX = replace(R, prefix="team")


@pytest.mark.parametrize(
    ("statement", "status", "why"),
    [
        # SageMaker's outputs and the SDK's definitions are not under the prefix
        ({"NotResource": [BUCKET, "arn:aws:s3:::b/team/*"]}, FAIL, "outputs of jobs, at the top"),
        ({"NotResource": [BUCKET, "arn:aws:s3:::b/team/*"]}, FAIL, "definitions of large"),
        ({"Resource": "arn:aws:s3:::b/*/output/*"}, FAIL, "outputs of jobs"),
        ({"Resource": "arn:aws:s3:::b/pipelines-*"}, FAIL, "outputs of jobs"),
        ({"Resource": "arn:aws:s3:::b/*/profiler-output/*"}, FAIL, "outputs of jobs"),
        # another team's folder in the same bucket has nothing to do with it
        ({"Resource": "arn:aws:s3:::b/others/*"}, OK, "denies nothing"),
        ({"Resource": "arn:aws:s3:::b/other-team/*"}, OK, "denies nothing"),
        ({"Resource": "arn:aws:s3:::b/prod-*/output/*"}, UNKNOWN, "outputs of jobs"),
        ({"Resource": "arn:aws:s3:::b/others/data/*"}, OK, "denies nothing"),
        # places to which every run comes
        ({"Resource": "arn:aws:s3:::b/team/logs/*"}, FAIL, "s3:PutObject"),
        ({"Resource": "arn:aws:s3:::b/team/code_uploads/*"}, FAIL, "s3:PutObject"),
        ({"Resource": "arn:aws:s3:::b/*/logs/*"}, FAIL, "s3:PutObject"),
        # parts to which a run may come
        ({"Resource": "arn:aws:s3:::b/team/secret/*"}, UNKNOWN, "which of the objects"),
        ({"Resource": "arn:aws:s3:::b/team/*.pkl"}, UNKNOWN, "which of the objects"),
        ({"Resource": "arn:aws:s3:::b/prod-*"}, UNKNOWN, "definitions of large pipelines"),
        ({"Resource": "arn:aws:s3:::b/other/a", "Action": "s3:*Version"}, OK, "denies nothing"),
    ],
)
def test_every_place_that_is_written_to_is_asked_about(
    statement: dict[str, Any], status: CheckStatus, why: str
) -> None:
    denial = {"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "s3:*", **statement}
    found = bucket(denial, r=IN_PREFIX)
    assert found.status is status, found
    assert why in found.why
    assert "\0" not in found.why


@pytest.mark.parametrize(
    ("operator", "key", "value", "status"),
    [
        ("NumericLessThan", "s3:TlsVersion", "1.2", OK),
        ("NumericLessThan", "s3:TlsVersion", "1.3", UNKNOWN),
        ("NumericGreaterThan", "s3:TlsVersion", "1.1", FAIL),
        ("DateGreaterThan", "aws:CurrentTime", "2199-01-01T00:00:00Z", OK),
        ("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", FAIL),
        ("DateLessThan", "aws:EpochTime", "1577836800", OK),
        ("NumericGreaterThan", "aws:EpochTime", "1577836800", FAIL),
        ("StringEquals", "aws:PrincipalType", "Anonymous", OK),
        ("StringNotEquals", "aws:PrincipalType", "AssumedRole", OK),
        ("DateLessThan", "aws:TokenIssueTime", "2020-01-01T00:00:00Z", OK),
        ("Bool", "aws:PrincipalIsAWSService", "true", OK),
        ("Bool", "aws:ViaAWSService", "true", OK),
        ("StringLike", "aws:PrincipalServiceName", "*", OK),
        ("StringLike", "aws:Referer", "https://x/*", OK),
        ("StringLike", "s3:DataAccessPointArn", "*", OK),
        ("StringNotLike", "s3:DataAccessPointArn", "*", FAIL),
        ("Null", "aws:username", "false", OK),
        ("StringNotEquals", "s3:authType", "REST-HEADER", OK),
        # these nobody knows beforehand
        ("Bool", "aws:MultiFactorAuthPresent", "false", UNKNOWN),
        ("StringNotEquals", "aws:SourceVpce", "vpce-1", UNKNOWN),
        ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", UNKNOWN),
        ("StringNotEquals", "aws:PrincipalOrgID", "o-1", UNKNOWN),
        ("StringNotEquals", "aws:PrincipalTag/team", "ml", UNKNOWN),
    ],
)
def test_what_is_known_while_one_asks_is_taken_into_account(
    operator: str, key: str, value: str, status: CheckStatus
) -> None:
    found = bucket(unless(operator, key, value))
    assert found.status is status, found
