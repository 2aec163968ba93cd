"""The judgements about the execution role and the connector, on answers written by hand."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.model import Check, CheckStatus, Verdict, ok
from kitaru_iac.checks.probes import Denied, NoCredentials, NotFound, Probe, Skipped, Unavailable
from kitaru_iac.clouds.aws.explain import checklist
from kitaru_iac.clouds.aws.observations import BucketHead, BucketKey, CallerIdentity, Principal
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.simulate import Decision, Question
from kitaru_iac.clouds.aws.verify_connector import (
    connector_checks,
    evaluate_connector,
    key_and_place,
    simulated_as,
)
from kitaru_iac.clouds.aws.verify_identity import (
    create_role,
    credential_checks,
    evaluate_account,
    evaluate_identity,
    evaluate_role,
    evaluate_runtime,
    evaluate_trust,
    role_checks,
)
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.uris import EcrUri
from tests.clouds.aws.nobody import everything_listed, everything_read

OK, WARN, FAIL, UNKNOWN = CheckStatus
ACCOUNT, OTHER = "123456789012", "999999999999"
HOST = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com"
SERVICE = "sagemaker.amazonaws.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Exec"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
R = AwsResources(
    "prod",
    StackType.SAGEMAKER,
    region="eu-west-1",
    account=ACCOUNT,
    bucket="b",
    registry=EcrUri(ACCOUNT, "eu-central-1", HOST),
    repository="team/images",
    role=ROLE,
)
WHO = "aws sts get-caller-identity"
USER = Principal(f"arn:aws:iam::{ACCOUNT}:user/me", "user", "me")
RUNNER = Principal(f"arn:aws:iam::{ACCOUNT}:role/team/runner", "role", "runner")
ROOT = Principal(f"arn:aws:iam::{ACCOUNT}:root", "root", "root")
ME_TOO: Probe[Principal] = Probe("who", lambda: USER)
LIMITS = (
    "as IAM simulates identity policies; policies of the resources, of sessions and of endpoints "
    "are not part of it"
)


class Iam:
    """An `AwsAccess` that allows everything that is simulated, and remembers what it was."""

    described_as = "nobody"

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...], str, tuple[str, ...]]] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def ask(self, service: str, operation: str, **given: Any) -> Any:
        assert service == "iam"
        read = everything_read(operation)
        if read is not None:
            return read
        assert operation == "simulate_principal_policy"
        names, (thing,) = given["ActionNames"], given["ResourceArns"]
        context = tuple(
            f"{entry['ContextKeyName']}={entry['ContextKeyValues'][0]}"
            for entry in given["ContextEntries"]
            if not entry["ContextKeyName"].startswith(("aws:", "s3:"))
        )
        self.asked.append((given["PolicySourceArn"], tuple(names), thing, context))
        results = [{"EvalActionName": name, "EvalDecision": "allowed"} for name in names]
        return {"EvaluationResults": results}

    def ask_all(self, service: str, operation: str, _: str, **given: Any) -> Any:
        return everything_listed(operation)


def words(verdict: Verdict) -> list[str]:
    return shlex.split(str(verdict.remedy), comments=True)


# --- who the credentials are


def test_the_account_is_checked_only_where_the_description_names_one() -> None:
    def ids(r: AwsResources) -> list[str]:
        probes = AwsProbes(Iam(), r)
        return [c.info.id for c in credential_checks(checklist(probes, r), probes, r, "me", ME_TOO)]

    assert ids(R) == ["aws.credentials", "aws.account"]
    assert ids(replace(R, account=None)) == ["aws.credentials"]


def test_the_checks_of_the_credentials_are_about_them_and_about_the_account() -> None:
    probes = AwsProbes(Iam(), R)
    first, second = credential_checks(checklist(probes, R), probes, R, "aws-profile:x", ME_TOO)
    assert (first.subject, second.subject) == ("aws-profile:x", ACCOUNT)
    assert first.evaluate(CallerIdentity(ACCOUNT, "arn:x")) == ok("they are arn:x")
    assert second.evaluate((CallerIdentity(OTHER, "arn:x"), USER)).status is FAIL


@pytest.mark.parametrize(
    ("error", "status", "remedy"),
    [
        (NoCredentials("expired", "aws sso login"), FAIL, "aws sso login"),
        (NoCredentials("expired"), FAIL, WHO),
        (Unavailable("expired"), UNKNOWN, WHO),
        (Denied("expired", permission="x:Y"), UNKNOWN, f"{WHO}  # and grant it x:Y"),
    ],
)
def test_only_credentials_that_aws_refuses_are_a_failure(
    error: Any, status: CheckStatus, remedy: str
) -> None:
    probes = AwsProbes(Iam(), R)
    first, second = credential_checks(checklist(probes, R), probes, R, "me", ME_TOO)
    found: Any = first.on_error(error, ROOT)  # type: ignore[misc]
    assert (found.status, found.remedy) == (status, remedy)
    assert "expired" in found.why
    other: Any = second.on_error(error, ROOT)  # type: ignore[misc]
    assert other.status is UNKNOWN


@pytest.mark.parametrize(
    ("arn", "status"),
    [
        (f"arn:aws:iam::{ACCOUNT}:root", WARN),
        (f"arn:aws:iam::{ACCOUNT}:user/root", OK),
        (f"arn:aws:iam::{ACCOUNT}:user/:root/x", OK),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/x/y", OK),
    ],
)
def test_the_root_user_is_not_for_work(arn: str, status: CheckStatus) -> None:
    found = evaluate_identity(CallerIdentity(ACCOUNT, arn))
    if status is OK:
        assert found == ok(f"they are {arn}")
    else:
        assert found == Verdict(
            WARN,
            f"they are the root user of {ACCOUNT}, who must not be used for work",
            "aws iam create-role --generate-cli-skeleton input  # make a role instead",
        )


def test_the_account_is_that_of_the_description_or_another() -> None:
    assert evaluate_account((CallerIdentity(ACCOUNT, "x"), USER), R) == ok(f"account {ACCOUNT}")
    assert evaluate_account((CallerIdentity(OTHER, "x"), USER), R) == Verdict(
        FAIL,
        f"the credentials are of account {OTHER}, and the description names things of account "
        f"{ACCOUNT}",
        f"{WHO}  # give credentials of account {ACCOUNT} with --credentials",
    )


def test_an_account_that_is_not_the_connector_s_says_nothing_of_it() -> None:
    elsewhere = Skipped("it is the server's", "x")
    found = evaluate_account((CallerIdentity(ACCOUNT, "x"), elsewhere), R)
    assert (found.status, found.remedy) == (UNKNOWN, "x")
    assert "it is the server's" in found.why
    assert evaluate_account((CallerIdentity(OTHER, "x"), elsewhere), R).status is FAIL


# --- which checks of the role there are, and what each asks


def role_checks_of(r: AwsResources, iam: Iam, who: Principal = USER) -> dict[str, Check]:
    probes = AwsProbes(iam, r)
    connector: Probe[Principal] = Probe("who", lambda: who)
    found = role_checks(checklist(probes, r), probes, r, iam, connector)
    assert found[-1].probe.requires == (connector,)
    return {check.info.id: check for check in found}


def test_access_is_checked_to_what_the_description_names() -> None:
    every = role_checks_of(R, Iam())
    assert list(every) == [
        "aws.role.exists",
        "aws.role.trust",
        "aws.role.bucket_access",
        "aws.role.repository_access",
        "aws.role.permissions",
        "aws.role.pass",
    ]
    assert {check.subject for check in every.values()} == {ROLE}
    without_bucket = set(every) - set(role_checks_of(replace(R, bucket=None), Iam()))
    assert without_bucket == {"aws.role.bucket_access"}
    without = set(every) - set(role_checks_of(replace(R, repository=None), Iam()))
    assert without == {"aws.role.repository_access"}


def test_a_simulation_needs_credentials_and_is_told_the_bucket_s_key() -> None:
    probes = AwsProbes(Iam(), R)
    made_by = checklist(probes, R)
    who: Probe[Principal] = Probe("who", lambda: USER)
    found = [c.probe for c in role_checks(made_by, probes, R, Iam(), who)[2:5]]
    assert {probe.requires for probe in found} == {(probes.session,)}
    bucket = (probes.identity, probes.bucket_key, probes.head)
    assert [probe.after for probe in found] == [bucket, (probes.identity,), (probes.identity,)]


CREATE = (
    "aws iam create-role --role-name Exec --assume-role-policy-document "
    '\'{"Version":"2012-10-17","Statement":[{"Sid":"SageMaker","Effect":"Allow",'
    '"Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole",'
    '"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}]}\''
)


@pytest.mark.parametrize(
    ("id", "status", "why"),
    [
        ("aws.role.exists", FAIL, "there is no such role"),
        ("aws.role.trust", UNKNOWN, "not looked at: gone"),
        ("aws.role.bucket_access", UNKNOWN, "not looked at: gone"),
        ("aws.role.repository_access", UNKNOWN, "not looked at: gone"),
        ("aws.role.pass", UNKNOWN, "not looked at: gone"),
    ],
)
def test_an_absent_role_is_one_failure_and_one_command(
    id: str, status: CheckStatus, why: str
) -> None:
    on_error: Any = role_checks_of(R, Iam())[id].on_error
    assert on_error(NotFound("gone"), USER) == Verdict(status, why, CREATE)


@pytest.mark.parametrize("error", [Denied("no", permission="iam:GetRole"), Unavailable("silence")])
def test_a_role_that_could_not_be_looked_at_is_not_absent(error: Any) -> None:
    on_error: Any = role_checks_of(R, Iam())["aws.role.exists"].on_error
    assert on_error(error, USER).status is UNKNOWN


@pytest.mark.parametrize(
    ("arn", "path"),
    [
        (ROLE, None),
        (f"arn:aws:iam::{ACCOUNT}:role/service-role/Exec", "/service-role/"),
        (f"arn:aws:iam::{ACCOUNT}:role/a/b/Exec", "/a/b/"),
    ],
)
def test_a_role_is_made_under_its_path(arn: str, path: str | None) -> None:
    made = shlex.split(create_role(replace(R, role=arn)))
    assert made[:5] == ["aws", "iam", "create-role", "--role-name", "Exec"]
    assert made[5:-2] == (["--path", path] if path else [])


OBJECT_ACTIONS = {
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
}
IN_BUCKET = {("s3:ListBucket", "arn:aws:s3:::b")} | {
    (action, "arn:aws:s3:::b/kitaru-check") for action in OBJECT_ACTIONS
}
WITH_KEY = {("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)}


def pairs(iam: Iam) -> set[tuple[str, str]]:
    return {(action, thing) for _, actions, thing, _ in iam.asked for action in actions}


HEAD = BucketHead("eu-west-1", allowed=True)
ME = CallerIdentity(ACCOUNT, USER.arn)
UNSEEN = Denied("not you", permission="s3:GetEncryptionConfiguration")


@pytest.mark.parametrize(
    ("of_bucket", "key", "asked"),
    [
        (BucketKey(), None, IN_BUCKET),
        (BucketKey(KEY, "alias/x", "Enabled"), KEY, IN_BUCKET | WITH_KEY),
    ],
)
def test_the_role_is_asked_about_the_bucket_and_its_key(
    of_bucket: BucketKey, key: str | None, asked: set[tuple[str, str]]
) -> None:
    iam = Iam()
    check = role_checks_of(R, iam)["aws.role.bucket_access"]
    decisions, found = check.probe.run(None, ME, of_bucket, HEAD)
    assert found == key
    assert pairs(iam) == asked
    assert {principal for principal, *_ in iam.asked} == {ROLE}
    assert check.evaluate((decisions, found)) == ok("it may use the bucket", LIMITS)


def test_the_role_is_asked_about_pulling_the_image_from_the_registry_s_region() -> None:
    iam = Iam()
    check = role_checks_of(R, iam)["aws.role.repository_access"]
    seen = check.probe.run(None, ME)
    images = f"arn:aws:ecr:eu-central-1:{ACCOUNT}:repository/team/images"
    assert pairs(iam) == {
        ("ecr:GetAuthorizationToken", "*"),
        ("ecr:BatchGetImage", images),
        ("ecr:GetDownloadUrlForLayer", images),
        ("ecr:BatchCheckLayerAvailability", images),
    }
    assert {principal for principal, *_ in iam.asked} == {ROLE}
    assert check.evaluate(seen) == ok("it may use the repository", LIMITS)


SCHEDULER = f"arn:aws:iam::{ACCOUNT}:role/Scheduler"
PASSED = (USER.arn, ("iam:PassRole",), ROLE, ("iam:PassedToService=sagemaker.amazonaws.com",))
PASSED_ON = (
    USER.arn,
    ("iam:PassRole",),
    SCHEDULER,
    ("iam:PassedToService=scheduler.amazonaws.com",),
)


@pytest.mark.parametrize(
    ("scheduler", "asked"), [(None, [PASSED]), (SCHEDULER, [PASSED, PASSED_ON])]
)
def test_the_connector_is_asked_about_passing_the_role_to_its_service_and_nothing_else(
    scheduler: str | None, asked: list[Any]
) -> None:
    iam = Iam()
    check = role_checks_of(replace(R, scheduler_role=scheduler), iam)["aws.role.pass"]
    seen = check.probe.run(USER)
    assert sorted(iam.asked) == sorted(asked)
    assert check.evaluate(seen) == ok(f"{USER.arn} may do all of it", LIMITS)


def connector_check(r: AwsResources, iam: Iam) -> tuple[Check, AwsProbes]:
    probes = AwsProbes(iam, r)
    connector: Probe[Principal] = Probe("who", lambda: USER)
    (check,) = connector_checks(checklist(probes, r), probes, r, iam, connector, "it")
    assert check.subject == "it"
    assert check.probe.requires == (connector,)
    return check, probes


@pytest.mark.parametrize("key", [None, KEY])
def test_the_connector_is_asked_about_all_but_passing(key: str | None) -> None:
    iam = Iam()
    check, probes = connector_check(R, iam)
    assert check.probe.after == (probes.bucket_key, probes.head)
    who, decisions, found = check.probe.run(USER, BucketKey(key, key), HEAD)
    assert (who, found) == (USER, key)
    actions = {decision.action for decision in decisions}
    assert {"s3:GetObject", "ecr:PutImage", "sagemaker:CreatePipeline"} <= actions
    assert "iam:PassRole" not in actions
    assert ("kms:Decrypt" in actions) is (key is not None)
    assert {principal for principal, *_ in iam.asked} == {USER.arn}
    assert check.evaluate((who, decisions, found)).status is OK


def test_a_key_that_could_not_be_seen_is_no_ok() -> None:
    check, _ = connector_check(R, Iam())
    who, decisions, found = check.probe.run(USER, UNSEEN, HEAD)
    assert found is UNSEEN
    assert not any(decision.action.startswith("kms:") for decision in decisions)
    verdict = check.evaluate((who, decisions, found))
    assert (verdict.status, verdict.missing_permission) == (UNKNOWN, UNSEEN.permission)
    assert "KMS key of the bucket" in verdict.why
    # and hides no certain refusal
    assert check.evaluate((who, (LACKS,), found)).status is FAIL


def test_without_a_bucket_no_encryption_is_asked_for() -> None:
    iam = Iam()
    check, _ = connector_check(replace(R, bucket=None), iam)
    assert check.probe.after == ()
    _, decisions, found = check.probe.run(USER)
    assert found is None
    assert not any(decision.action.startswith("s3:") for decision in decisions)


def test_the_root_user_is_not_simulated() -> None:
    iam = Iam()
    check, _ = connector_check(R, iam)
    seen = check.probe.run(ROOT, BucketKey(KEY), HEAD)
    assert seen == (ROOT, None, KEY)
    assert iam.asked == []
    assert check.evaluate(seen) == Verdict(
        UNKNOWN, "the identity is the account's root user, whom IAM does not simulate", WHO
    )


# --- the role itself


def test_a_role_of_this_name_under_another_path_is_another_one() -> None:
    assert evaluate_role({"Arn": ROLE}, R) == ok("it exists")
    there = f"arn:aws:iam::{ACCOUNT}:role/service-role/Exec"
    assert evaluate_role({"Arn": there}, R) == Verdict(
        FAIL,
        f"the role of this name is {there}, not the described one",
        f"aws iam get-role --role-name Exec --query Role.Arn  # take {there} as the execution role",
    )


OURS = {
    "Sid": "SageMaker",
    "Effect": "Allow",
    "Principal": {"Service": SERVICE},
    "Action": "sts:AssumeRole",
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
}
PLAIN = {key: value for key, value in OURS.items() if key not in {"Sid", "Condition"}}
FOR_OTHERS = {**PLAIN, "Condition": {"StringEquals": {"aws:SourceAccount": OTHER}}}
UNCLEAR = {**PLAIN, "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}
EC2 = {**PLAIN, "Sid": "Ec2", "Principal": {"Service": "ec2.amazonaws.com"}}
ANYBODY = {**PLAIN, "Principal": {"AWS": "*"}}
SHOW = "aws iam get-role --role-name Exec --query Role.AssumeRolePolicyDocument"


def judged_trust(*statements: Any, r: AwsResources = R, **around: Any) -> Verdict:
    document = {"Version": "2012-10-17", **around, "Statement": list(statements)}
    return evaluate_trust({"Arn": ROLE, "AssumeRolePolicyDocument": document}, r)


def updated(verdict: Verdict) -> Any:
    found = words(verdict)
    assert found[:-1] == [
        *("aws", "iam", "update-assume-role-policy", "--role-name", "Exec"),
        "--policy-document",
    ]
    return json.loads(found[-1])


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ([OURS], f"{SERVICE} may assume it"),
        ([EC2, OURS], f"{SERVICE} may assume it"),
        (
            [PLAIN],
            f"{SERVICE} may assume it (for any account: it has no aws:SourceAccount condition)",
        ),
    ],
)
def test_a_role_that_sagemaker_may_assume_says_for_whom(statements: list[Any], why: str) -> None:
    assert judged_trust(*statements) == ok(why)


@pytest.mark.parametrize(
    ("statements", "kept", "why"),
    [
        ([], [], f"no statement allows {SERVICE}"),
        ([EC2], [EC2], f"no statement allows {SERVICE}"),
        ([FOR_OTHERS], [FOR_OTHERS], "does not fit"),
        # ours is put in place of the one of that name, and what others are let in for stays
        ([EC2, {**FOR_OTHERS, "Sid": "SageMaker"}], [EC2], "does not fit (statement SageMaker)"),
    ],
)
def test_sagemaker_is_let_in_beside_those_who_are(
    statements: list[Any], kept: list[Any], why: str
) -> None:
    found = judged_trust(*statements, Id="x", Version="2008-10-17")
    assert found.status is FAIL
    assert found.why.startswith(f"{SERVICE} may not assume it: ")
    assert why in found.why
    assert updated(found) == {"Version": "2012-10-17", "Id": "x", "Statement": [*kept, OURS]}


def test_what_a_statement_denies_is_shown_and_not_written_over() -> None:
    found = judged_trust(OURS, {**PLAIN, "Effect": "Deny", "Sid": "No"})
    why = f"{SERVICE} may not assume it: a statement denies it (statement No)"
    assert found == Verdict(FAIL, why, SHOW)


@pytest.mark.parametrize("statements", [[UNCLEAR], [OURS, {**UNCLEAR, "Effect": "Deny"}]])
def test_what_cannot_be_told_is_shown(statements: list[Any]) -> None:
    found = judged_trust(*statements)
    assert (found.status, found.remedy) == (UNKNOWN, SHOW)
    assert found.why.startswith(f"whether {SERVICE} may assume it cannot be told: ")
    assert "sts:ExternalId = x" in found.why


def test_of_a_role_that_lets_anybody_in_what_lets_in_others_stays() -> None:
    found = judged_trust(EC2, OURS, ANYBODY)
    assert (found.status, found.why) == (
        WARN,
        "its trust policy is open to anybody, by statement 3",
    )
    # who is named may use the role too
    assert updated(found) == {"Version": "2012-10-17", "Statement": [EC2, OURS]}
    narrowed = {**ANYBODY, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}
    found = judged_trust(narrowed, OURS, ANYBODY)
    assert updated(found)["Statement"] == [narrowed, OURS]
    # and while it is not sure that sagemaker itself is let in, that comes first, with both said
    for unsure in (judged_trust(ANYBODY), judged_trust(UNCLEAR, ANYBODY)):
        assert unsure.status is UNKNOWN
        assert "it is open to anybody, by statement" in unsure.why


def test_every_reason_is_told() -> None:
    found = judged_trust(FOR_OTHERS, {**FOR_OTHERS, "Sid": "More"})
    words_of_it = f"the condition StringEquals aws:SourceAccount = {OTHER} does not fit"
    assert found.why == (
        f"{SERVICE} may not assume it: {words_of_it}; {words_of_it} (statement More)"
    )


def test_a_role_without_a_document_lets_nobody_in() -> None:
    assert evaluate_trust({"Arn": ROLE}, R).status is FAIL


@pytest.mark.parametrize(
    ("account", "arn", "status"),
    [
        (ACCOUNT, f"arn:aws:iam::{OTHER}:role/Exec", OK),
        (None, ROLE, OK),
        (None, f"arn:aws:iam::{OTHER}:role/Exec", FAIL),
        (OTHER, ROLE, FAIL),
    ],
)
def test_sagemaker_acts_for_the_stack_s_account_else_for_the_role_s(
    account: str | None, arn: str, status: CheckStatus
) -> None:
    role = {"Arn": arn, "AssumeRolePolicyDocument": {"Statement": [OURS]}}
    assert evaluate_trust(role, replace(R, account=account)).status is status


@pytest.mark.parametrize(
    ("region", "partition", "status"),
    [
        ("cn-north-1", "aws-cn", OK),
        ("cn-northwest-1", "aws-cn", FAIL),
        ("cn-north-1", "aws", FAIL),
        (None, "aws-cn", UNKNOWN),
    ],
)
def test_sagemaker_acts_in_the_stack_s_region_and_partition(
    region: str | None, partition: str, status: CheckStatus
) -> None:
    source = f"arn:aws-cn:sagemaker:cn-north-1:{ACCOUNT}:*"
    statement = {**PLAIN, "Condition": {"ArnLike": {"aws:SourceArn": source}}}
    r = replace(R, region=region, partition=partition)
    assert judged_trust(statement, r=r).status is status


# --- decisions


THING, OTHER_THING = "arn:aws:s3:::b/x", "arn:aws:s3:::b"


def decision(action: str, why: str = "implicitDeny", **more: Any) -> Decision:
    return Decision(action, more.pop("on", THING), why == "allowed", why, **more)


ALLOWED = decision("s3:PutObject", "allowed")
LACKS = decision("s3:GetObject")
DEPENDS = decision("s3:ListBucket", missing_context=("b:Key", "a:Key"))
EXPLICIT = decision("s3:DeleteObject", "explicitDeny")
MAYBE_EXPLICIT = decision("s3:DeleteObject", "explicitDeny", missing_context=("a:Key",))
MAYBE_ALLOWED = decision("s3:PutObject", "allowed", missing_context=("a:Key",))
BOUNDED = decision("s3:Bounded", by="boundary")
ORGANIZED = decision("s3:Organized", "explicitDeny", by="organization")
MAYBE_BOUNDED = decision("s3:Bounded", by="boundary", missing_context=("a:Key",))


def shows(principal: str, found: Decision) -> str:
    return (
        f"aws iam simulate-principal-policy --policy-source-arn {principal} "
        f"--action-names {found.action} --resource-arns {found.resource}"
    )


def both(*decisions: Decision) -> list[tuple[str, str, Verdict]]:
    """The same decisions about the execution role and about the connector."""
    return [
        (ROLE, "it may use the bucket", evaluate_runtime((decisions, None), R, "the bucket")),
        (
            USER.arn,
            f"{USER.arn} may do all of it",
            evaluate_connector((USER, decisions, None), R),
        ),
    ]


def test_no_decision_is_no_answer() -> None:
    for _, _, found in both():
        assert found == Verdict(UNKNOWN, "nothing was asked of IAM", None)


def test_everything_allowed_is_fine() -> None:
    for _, fine, found in both(ALLOWED, decision("s3:GetObject", "allowed")):
        assert found == ok(fine, LIMITS)


@pytest.mark.parametrize(
    ("decisions", "named"),
    [
        ([DEPENDS], "s3:ListBucket on arn:aws:s3:::b/x"),
        ([ALLOWED, DEPENDS], "s3:ListBucket on arn:aws:s3:::b/x"),
        ([MAYBE_BOUNDED], "s3:Bounded on arn:aws:s3:::b/x"),
        # neither an explicit denial nor an allowance that hangs on a key is a verdict
        ([MAYBE_EXPLICIT], "s3:DeleteObject on arn:aws:s3:::b/x"),
        ([ALLOWED, MAYBE_ALLOWED], "s3:PutObject on arn:aws:s3:::b/x"),
    ],
)
def test_what_depends_on_a_key_that_nobody_knows_is_unknown(
    decisions: list[Decision], named: str
) -> None:
    denied = decisions[-1]
    keys = ", ".join(sorted(denied.missing_context))
    for principal, _, found in both(*decisions):
        assert found == Verdict(
            UNKNOWN, f"{named}: depends on the condition keys {keys}", shows(principal, denied)
        )


def test_where_nobody_could_read_which_keys_matter_the_permission_is_named() -> None:
    denied = Denied("iam:GetPolicy is denied", permission="iam:GetPolicy")
    for _, _, found in both(replace(MAYBE_ALLOWED, unread=denied)):
        assert (found.status, found.missing_permission) == (UNKNOWN, "iam:GetPolicy")
        assert "the policies that tell could not be read: iam:GetPolicy is denied" in found.why


def test_all_keys_are_named_once_and_the_first_denial_is_shown() -> None:
    second = decision("s3:Other", on=OTHER_THING, missing_context=("c:Key", "a:Key"))
    for principal, _, found in both(DEPENDS, second):
        assert found == Verdict(
            UNKNOWN,
            "s3:ListBucket on arn:aws:s3:::b/x; s3:Other on arn:aws:s3:::b: depends on the "
            "condition keys a:Key, b:Key, c:Key",
            shows(principal, DEPENDS),
        )


@pytest.mark.parametrize(
    ("decisions", "named", "above", "what"),
    [
        ([EXPLICIT], "s3:DeleteObject", EXPLICIT, "an explicit denial"),
        ([BOUNDED], "s3:Bounded", BOUNDED, "the permissions boundary"),
        ([ORGANIZED], "s3:Organized", ORGANIZED, "a policy of the organization"),
        ([LACKS, BOUNDED], "s3:GetObject, s3:Bounded", BOUNDED, "the permissions boundary"),
        ([EXPLICIT, BOUNDED], "s3:DeleteObject, s3:Bounded", EXPLICIT, "an explicit denial"),
        ([DEPENDS, EXPLICIT, ALLOWED], "s3:DeleteObject", EXPLICIT, "an explicit denial"),
        ([MAYBE_BOUNDED, EXPLICIT], "s3:DeleteObject", EXPLICIT, "an explicit denial"),
    ],
)
def test_what_is_denied_from_above_is_shown_and_not_granted(
    decisions: list[Decision], named: str, above: Decision, what: str
) -> None:
    for principal, _, found in both(*decisions):
        assert found == Verdict(
            FAIL,
            f"{principal} may not {named} on {THING}: {what} denies {above.action}",
            shows(principal, above),
        )


@pytest.mark.parametrize("beside", [[], [ALLOWED], [DEPENDS], [MAYBE_BOUNDED]])
def test_what_is_only_not_granted_is_granted(beside: list[Decision]) -> None:
    (_, _, role), (_, _, user) = both(*beside, LACKS)
    assert (role.status, role.why) == (FAIL, f"{ROLE} may not s3:GetObject on {THING}")
    assert (user.status, user.why) == (FAIL, f"{USER.arn} may not s3:GetObject on {THING}")
    assert words(role)[:-1] == [
        *("aws", "iam", "put-role-policy", "--role-name", "Exec"),
        *("--policy-name", "kitaru-prod", "--policy-document"),
    ]
    assert words(user)[:-1] == [
        *("aws", "iam", "put-user-policy", "--user-name", "me"),
        *("--policy-name", "kitaru-prod-connector", "--policy-document"),
    ]


def test_what_is_lacking_is_named_by_thing() -> None:
    found = evaluate_runtime(
        ((LACKS, decision("s3:X", on=OTHER_THING), decision("s3:Y")), None), R, "it"
    )
    assert found.why == (
        f"{ROLE} may not s3:GetObject, s3:Y on arn:aws:s3:::b/x; s3:X on arn:aws:s3:::b"
    )


def grants(verdict: Verdict) -> set[tuple[str, str]]:
    document = json.loads(words(verdict)[-1])
    assert document["Version"] == "2012-10-17"
    found = set()
    for statement in document["Statement"]:
        things = statement["Resource"]
        for thing in [things] if isinstance(things, str) else things:
            found |= {(action, thing) for action in statement["Action"]}
    return found


IMAGES = f"arn:aws:ecr:eu-central-1:{ACCOUNT}:repository/team/images"
ON_KEY = {("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)}


@pytest.mark.parametrize(
    ("verdict", "has", "has_not"),
    [
        (
            evaluate_runtime(((LACKS,), None), R, "it"),
            {
                ("s3:GetObject", "arn:aws:s3:::b/*"),
                ("ecr:BatchGetImage", IMAGES),
                ("iam:PassRole", ROLE),
                (
                    "logs:PutLogEvents",
                    f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/sagemaker/*",
                ),
            },
            {*ON_KEY, ("ecr:PutImage", IMAGES)},
        ),
        (
            evaluate_runtime(((LACKS,), KEY), R, "it"),
            {("s3:GetObject", "arn:aws:s3:::b/*"), *ON_KEY},
            {("ecr:PutImage", IMAGES)},
        ),
        (
            evaluate_connector((USER, (LACKS,), None), R),
            {
                ("s3:GetObject", "arn:aws:s3:::b/*"),
                ("ecr:PutImage", IMAGES),
                ("iam:PassRole", ROLE),
            },
            {*ON_KEY, ("logs:PutLogEvents", "*")},
        ),
        (
            evaluate_connector((USER, (LACKS,), KEY), R),
            {("s3:GetObject", "arn:aws:s3:::b/*"), *ON_KEY},
            set(),
        ),
    ],
)
def test_the_policy_that_is_given_is_that_of_the_identity_with_the_key(
    verdict: Verdict, has: set[tuple[str, str]], has_not: set[tuple[str, str]]
) -> None:
    assert has <= grants(verdict)
    assert not has_not & grants(verdict)


def test_a_connector_that_is_a_role_is_given_its_policy_by_name() -> None:
    found = evaluate_connector((RUNNER, (LACKS,), None), R)
    assert words(found)[:5] == ["aws", "iam", "put-role-policy", "--role-name", "runner"]
    assert found.why.startswith(f"{RUNNER.arn} may not ")


@pytest.mark.parametrize("account", [ACCOUNT, None])
def test_where_no_account_is_described_a_role_is_in_its_own(account: str | None) -> None:
    r = replace(R, account=account)
    on_error: Any = role_checks_of(r, Iam())["aws.role.exists"].on_error
    assert on_error(NotFound("gone"), USER).why == "there is no such role"
    assert evaluate_role({"Arn": ROLE}, r) == ok("it exists")
    other = replace(r, role=f"arn:aws:iam::{OTHER}:role/Exec")
    elsewhere: Any = role_checks_of(other, Iam())["aws.role.exists"].on_error
    for error in (NotFound("gone"), Unavailable("503")):
        found = elsewhere(error, USER)
        is_elsewhere = found.why.startswith(f"it is of account {OTHER}, and the registry")
        assert is_elsewhere is (account is not None)


# --- who the connector is, where the store is, and what is asked then


ELSEWHERE = replace(R, s3_endpoint="https://minio.example.org")
AT = "the artifact store is at https://minio.example.org, not at AWS"


def asked_of_connector(r: AwsResources, *seen: Any) -> tuple[Any, set[str]]:
    iam = Iam()
    probes = AwsProbes(iam, r)  # type: ignore[arg-type]
    (check,) = connector_checks(checklist(probes, r), probes, r, iam, ME_TOO, "me")  # type: ignore[arg-type]
    assert (check.subject, check.probe.requires) == ("me", (ME_TOO,))
    assert check.probe.after == ((probes.bucket_key, probes.head) if r.bucket else ())
    found: Any = check.probe.run(USER, *seen)
    return found, {action for _, actions, _, _ in iam.asked for action in actions}


@pytest.mark.parametrize(
    ("r", "key", "of_bucket", "of_key"),
    [
        (R, BucketKey(), True, False),
        (R, BucketKey(KEY, KEY, "Enabled"), True, True),
        (R, Unavailable("503"), True, False),
        # What IAM says of a bucket of that name says nothing about one that is elsewhere.
        (ELSEWHERE, Skipped("elsewhere"), False, False),
    ],
)
def test_the_connector_is_asked_about_what_is_at_aws(
    r: AwsResources, key: Any, *, of_bucket: bool, of_key: bool
) -> None:
    (who, _, told), actions = asked_of_connector(r, key, BucketHead("eu-west-1", allowed=True))
    assert ("s3:GetObject" in actions, "kms:Decrypt" in actions) == (of_bucket, of_key)
    assert ("ecr:PutImage" in actions, "iam:PassRole" in actions) == (True, False)
    expected = None if not of_bucket else key if isinstance(key, Unavailable) else key.arn
    assert (who, told) == (USER, expected)


def test_the_permissions_of_a_connector_without_the_store_are_never_all_of_it() -> None:
    fine = evaluate_connector((USER, (ALLOWED,), None), ELSEWHERE)
    assert fine == ok(f"{USER.arn} may do all of it", f"{LIMITS}; nor is the store: {AT}")
    assert evaluate_connector((USER, (), None), ELSEWHERE) == Verdict(
        UNKNOWN, f"{AT}, and nothing else is asked of AWS", None
    )
    assert evaluate_connector((USER, (LACKS,), None), ELSEWHERE).status is FAIL
    assert evaluate_connector((ROOT, None, None), ELSEWHERE) == Verdict(
        UNKNOWN, "the identity is the account's root user, whom IAM does not simulate", WHO
    )


class Knows(Iam):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def ask(self, service: str, operation: str, **given: Any) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "certain", "kind", "permission"),
    [
        (NotFound("gone"), True, NotFound, None),
        # Its path may be what is wrong.
        (NotFound("gone"), False, Skipped, "iam:GetRole"),
        (Denied("no", permission="iam:S"), True, Denied, "iam:S"),
        (Denied("no", permission="iam:S"), False, Denied, "iam:S"),
        (Unavailable("503"), False, Unavailable, None),
    ],
)
def test_an_identity_that_iam_does_not_know_is_absent_only_under_its_whole_name(
    error: Exception, kind: type[Exception], permission: str | None, *, certain: bool
) -> None:
    iam: Any = Knows(error)
    question = Question(("s3:GetObject",), "arn:aws:s3:::b/x")
    with pytest.raises(kind) as caught:
        simulated_as(AwsProbes(iam, R), iam, replace(RUNNER, certain=certain), [question])
    assert caught.value.permission == permission  # type: ignore[attr-defined]
    assert simulated_as(AwsProbes(iam, R), iam, ROOT, [question]) is None


@pytest.mark.parametrize(
    ("key", "head", "arn", "region"),
    [
        (BucketKey(KEY), BucketHead("eu-north-1", allowed=True), KEY, "eu-north-1"),
        (BucketKey(), BucketHead(None, allowed=False), None, None),
        (BucketKey(KEY), Unavailable("503"), KEY, None),
    ],
)
def test_the_bucket_s_own_region_is_what_a_call_names(
    key: BucketKey, head: Any, arn: str | None, region: str | None
) -> None:
    assert key_and_place(R, key, head) == (arn, replace(R, bucket_region=region))
    silence = Unavailable("503")
    assert key_and_place(R, silence, head)[0] is silence
