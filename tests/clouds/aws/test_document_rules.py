"""Policy documents, questions to IAM's simulation, and what is said where a look failed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kitaru_iac.checks.model import Check, CheckStatus, Verdict, fail, ok, warn
from kitaru_iac.checks.permissions import Identity, Permission
from kitaru_iac.checks.probes import (
    Denied,
    NoCredentials,
    NotFound,
    Probe,
    ProbeError,
    Skipped,
    Unavailable,
)
from kitaru_iac.clouds.aws.documents import DocumentKind, document_problems
from kitaru_iac.clouds.aws.explain import checklist
from kitaru_iac.clouds.aws.observations import Principal
from kitaru_iac.clouds.aws.permission_table import Resource, When
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.simulate import Decision, Question, questions, simulate
from kitaru_iac.spec.kinds import StackType
from tests.clouds.aws.nobody import Nobody

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Exec"
FINE = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
TRUST = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "sagemaker.amazonaws.com"},
}


# --- documents: one problem each, and its opposite


def problems(*statements: Any, kind: DocumentKind = DocumentKind.MANAGED) -> list[str]:
    return document_problems({"Version": "2012-10-17", "Statement": list(statements)}, kind)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Effect": "Deny"},
        {"Sid": "Abc123"},
        {"Action": "*"},
        {"Action": ["s3:*", "s3:Get?bject", "execute-api:Invoke", "s3-object-lambda:GetObject"]},
        {"Action": ("s3:GetObject", "s3:PutObject")},
        {"Action": ["a:B", "a2c:Discover", "2a:B", "lex:V2"]},
        {"Resource": "*"},
        {"Resource": ["arn:aws:s3:::b", "*"]},
        {"Resource": f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/*"},
        {"Resource": f"arn:aws-us-gov:iam::{ACCOUNT}:role/x"},
        {"Resource": "arn:aws:ecr:*:*:repository/x"},
        {"Resource": "arn:aws:execute-api:eu-west-1::x"},
        {"Condition": {}},
        {"Condition": {"StringEquals": {"a": "b"}, "Bool": {"c": "true"}}},
    ],
)
def test_what_aws_takes_has_no_problem(change: dict[str, Any]) -> None:
    assert problems({**FINE, **change}) == []


def test_the_negated_elements_are_elements_too() -> None:
    negated = {"Effect": "Deny", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::b"}
    assert problems(negated) == []
    assert problems({**negated, "NotAction": "s3"}) == ["Statement 0: 's3' is no action"]
    assert problems({**negated, "NotResource": "b"}) == ["Statement 0: 'b' is no ARN"]
    trust = {"Effect": "Deny", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": ROLE}}
    assert problems(trust, kind=DocumentKind.TRUST) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"Effect": "allow"}, "Effect is neither Allow nor Deny"),
        ({"Effect": None}, "Effect is neither Allow nor Deny"),
        ({"Effekt": "Allow", "Zweck": ""}, "unknown keys ['Effekt', 'Zweck']"),
        ({"Sid": "a b"}, "Sid 'a b' has other signs than letters and digits"),
        ({"Sid": ""}, "Sid '' has other signs than letters and digits"),
        ({"Sid": "a-b"}, "Sid 'a-b' has other signs than letters and digits"),
        ({"Action": None}, "no Action"),
        ({"Action": []}, "no Action"),
        ({"Action": ["s3:GetObject", "GetObject"]}, "'GetObject' is no action"),
        ({"Action": "S3:GetObject"}, "'S3:GetObject' is no action"),
        ({"Action": "s3:"}, "'s3:' is no action"),
        ({"Action": ":GetObject"}, "':GetObject' is no action"),
        ({"Action": "-s3:GetObject"}, "'-s3:GetObject' is no action"),
        ({"Action": "s3:Get Object"}, "'s3:Get Object' is no action"),
        ({"Action": "s3:GetObject:x"}, "'s3:GetObject:x' is no action"),
        ({"Action": "**"}, "'**' is no action"),
        ({"Resource": None}, "no Resource"),
        ({"Resource": ()}, "no Resource"),
        ({"Resource": ["*", "b"]}, "'b' is no ARN"),
        ({"Resource": "arn:aws:s3:::"}, "'arn:aws:s3:::' is no ARN"),
        ({"Resource": "arn:aws:s3:::a b"}, "'arn:aws:s3:::a b' is no ARN"),
        ({"Resource": "arn::s3:::b"}, "'arn::s3:::b' is no ARN"),
        ({"Resource": "arn:aws::::b"}, "'arn:aws::::b' is no ARN"),
        ({"Resource": "arn:aws:iam::12345678901:role/x"}, "12345678901:role/x' is no ARN"),
        ({"Resource": "arn:aws:iam::1234567890123:role/x"}, "1234567890123:role/x' is no ARN"),
        ({"Resource": "arn:aws:s3:EU::b"}, "'arn:aws:s3:EU::b' is no ARN"),
        ({"Principal": "*"}, "an identity's policy has no Principal"),
        ({"NotPrincipal": "*"}, "an identity's policy has no Principal"),
        ({"Condition": {"StringEquals": {}}}, "Condition is not operator -> key -> value"),
        ({"Condition": {"Bool": {"a": 1}, "Null": []}}, "Condition is not operator -> key"),
        ({"Condition": {"StringEquals": "x"}}, "Condition is not operator -> key -> value"),
        ({"Condition": [{"StringEquals": {"a": "b"}}]}, "Condition is not operator -> key"),
    ],
)
def test_what_aws_refuses_in_a_statement_is_one_problem(
    change: dict[str, Any], problem: str
) -> None:
    (found,) = problems(FINE, {**FINE, **change})
    assert found.startswith("Statement 1: ")
    assert problem in found


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"Version": "2012-10-17", "Id": "x", "Statement": [FINE]}, []),
        ({"Statement": [FINE]}, ["Version is not 2012-10-17"]),
        ({"Version": "2012-10-17"}, ["Statement is no list, or empty"]),
        ({"Version": "2012-10-17", "Statement": []}, ["Statement is no list, or empty"]),
        (
            {"Version": "2012-10-17", "Statement": [FINE], "Zweck": 1, "Ende": 2},
            ["unknown keys ['Ende', 'Zweck']"],
        ),
        ({"Version": "2012-10-17", "Statement": "x"}, ["Statement is no list, or empty"]),
        (
            {"Version": "2012-10-17", "Id": "x", "Statement": [FINE], "Zweck": 1},
            ["unknown keys ['Zweck']"],
        ),
        (
            {"Version": "1", "Statements": [FINE]},
            [
                "unknown keys ['Statements']",
                "Version is not 2012-10-17",
                "Statement is no list, or empty",
            ],
        ),
    ],
)
def test_what_stands_around_the_statements(document: dict[str, Any], found: list[str]) -> None:
    assert document_problems(document, DocumentKind.MANAGED) == found


def test_a_sid_is_unique_and_may_be_left_out() -> None:
    assert problems(FINE, FINE) == []
    assert problems({**FINE, "Sid": "A"}, FINE, {**FINE, "Sid": "B"}, FINE) == []
    assert problems({**FINE, "Sid": "A"}, FINE, {**FINE, "Sid": "A"}) == ["a Sid is used twice"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"Principal": "*"}, []),
        ({"Resource": "*"}, ["Statement 0: a trust policy has no Resource"]),
        ({"NotResource": "*"}, ["Statement 0: a trust policy has no Resource"]),
        ({"Action": "AssumeRole"}, ["Statement 0: 'AssumeRole' is no action"]),
    ],
)
def test_a_trust_policy_has_a_principal_and_no_resource(
    change: dict[str, Any], found: list[str]
) -> None:
    assert problems({**TRUST, **change}, kind=DocumentKind.TRUST) == found


def test_a_trust_policy_without_a_principal_is_none() -> None:
    nobody = {key: value for key, value in TRUST.items() if key != "Principal"}
    found = ["Statement 0: a trust policy needs a Principal"]
    assert problems(nobody, kind=DocumentKind.TRUST) == found


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        (DocumentKind.MANAGED, 6144),
        (DocumentKind.INLINE, 10240),
        (DocumentKind.TRUST, 2048),
        (DocumentKind.USER_INLINE, 2048),
    ],
)
def test_the_size_is_counted_without_blanks_and_its_limit_is_allowed(
    kind: DocumentKind, most: int
) -> None:
    is_trust = kind is DocumentKind.TRUST

    def filled(count: int) -> dict[str, Any]:
        statement = {**(TRUST if is_trust else FINE), "Sid": "x" * count}
        return {"Version": "2012-10-17", "Statement": [statement]}

    around = len(json.dumps(filled(0)).replace(" ", ""))
    assert document_problems(filled(most - around), kind) == []
    assert document_problems(filled(most - around + 1), kind) == [
        f"{most + 1} characters, and at most {most} are allowed"
    ]


def test_a_users_inline_policies_are_no_trust_policy() -> None:
    assert len({*DocumentKind}) == len(DocumentKind.__members__), "none is another's alias"
    assert problems(FINE, kind=DocumentKind.USER_INLINE) == []


def test_a_statement_that_is_no_object_is_named() -> None:
    assert problems(FINE, "nonsense", None) == [
        "Statement 1 is no object",
        "Statement 2 is no object",
    ]


# --- questions


RESOURCES = AwsResources(
    "prod",
    StackType.SAGEMAKER,
    region="eu-west-1",
    account=ACCOUNT,
    bucket="b",
    role=ROLE,
)


def row(action: str, resource: Resource, conditions: Any = None) -> Permission:
    return Permission(
        Identity.RUNTIME,
        action,
        resource,
        "it",
        frozenset(StackType),
        When.ALWAYS,
        conditions=conditions or {},
    )


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{rest}"


KEY = arn("kms", "key/1")
PASSED = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        ([], []),
        # one thing, one question, in the order of the rows
        (
            [row("s3:GetObject", Resource.OBJECTS), row("s3:DeleteObject", Resource.OBJECTS)],
            [Question(("s3:GetObject", "s3:DeleteObject"), "arn:aws:s3:::b/kitaru-check")],
        ),
        # an upload could say of itself how it is encrypted, and does not
        (
            [row("s3:PutObject", Resource.OBJECTS), row("s3:GetObject", Resource.OBJECTS)],
            [
                Question(("s3:PutObject",), "arn:aws:s3:::b/kitaru-check"),
                Question(("s3:GetObject",), "arn:aws:s3:::b/kitaru-check"),
            ],
        ),
        (
            [row("s3:ListBucket", Resource.BUCKET), row("s3:GetObject", Resource.OBJECTS)],
            [
                # a listing names a prefix, and HeadBucket none
                Question(("s3:ListBucket",), "arn:aws:s3:::b"),
                Question(("s3:ListBucket",), "arn:aws:s3:::b"),
                Question(("s3:GetObject",), "arn:aws:s3:::b/kitaru-check"),
            ],
        ),
        # a star alone stays a star: there the action knows no things
        ([row("ec2:X", Resource.ANYTHING)], [Question(("ec2:X",), "*")]),
        (
            [row("iam:GetRole", Resource.PRINCIPALS)],
            [
                Question(("iam:GetRole",), f"arn:aws:iam::{ACCOUNT}:role/kitaru-check"),
                Question(("iam:GetRole",), f"arn:aws:iam::{ACCOUNT}:user/kitaru-check"),
            ],
        ),
        # other conditions are another question
        (
            [row("iam:PassRole", Resource.ROLE, PASSED), row("iam:GetRole", Resource.ROLE)],
            [
                Question(
                    ("iam:PassRole",),
                    ROLE,
                    (("iam:PassedToService", "sagemaker.amazonaws.com"),),
                ),
                Question(("iam:GetRole",), ROLE),
            ],
        ),
        (
            [row("cloudwatch:Put", Resource.METRICS, {"StringLike": {"a:b": "/aws/x/*"}})],
            [  # jobs of both kinds write them
                Question(("cloudwatch:Put",), "*", (("a:b", "/aws/x/TrainingJobs"),)),
                Question(("cloudwatch:Put",), "*", (("a:b", "/aws/x/ProcessingJobs"),)),
            ],
        ),
        (
            [row("x:Y", Resource.ROLE, {"StringEquals": {"a": "1", "b": "2"}, "Bool": {"c": "3"}})],
            [Question(("x:Y",), ROLE, (("a", "1"), ("b", "2"), ("c", "3")))],
        ),
        # what it has not is not asked about
        ([row("ecr:BatchGetImage", Resource.REPOSITORY)], []),
        ([row("kms:Decrypt", Resource.KEY)], []),
    ],
)
def test_the_lines_of_the_table_are_grouped_by_thing_and_conditions(
    rows: list[Permission], asked: list[Question]
) -> None:
    assert list(questions(rows, RESOURCES)) == asked


def test_the_key_is_asked_about_where_there_is_one() -> None:
    key = arn("kms", "key/1")
    asked = questions([row("kms:Decrypt", Resource.KEY)], RESOURCES, key)
    assert asked == (Question(("kms:Decrypt",), key),)


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("sagemaker:CreateProcessingJob", ["processing-job"]),
        ("sagemaker:StopTrainingJob", ["training-job"]),
        ("sagemaker:AddTags", ["processing-job", "training-job"]),
    ],
)
def test_an_action_on_jobs_is_asked_about_the_kind_of_job_that_it_is_for(
    action: str, kinds: list[str]
) -> None:
    asked = questions([row(action, Resource.JOBS)], RESOURCES)
    assert [q.resource for q in asked] == [arn("sagemaker", f"{k}/kitaru-check") for k in kinds]
    assert {q.actions for q in asked} == {(action,)}


def test_an_action_named_after_jobs_may_be_about_other_things() -> None:
    asked = questions([row("glue:StartJobRun", Resource.ROLE)], RESOURCES)
    assert asked == (Question(("glue:StartJobRun",), ROLE),)


# --- simulation


class Iam:
    """Answers like `AwsAccess`, from a function of the question."""

    def __init__(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answer = answer

    def ask(self, service: str, operation: str, **parameters: Any) -> Any:
        assert (service, operation) == ("iam", "simulate_principal_policy")
        self.asked.append(parameters)
        return self._answer(parameters)


def result(action: str, decision: str = "allowed", **more: Any) -> dict[str, Any]:
    return {"EvalActionName": action, "EvalDecision": decision, **more}


def decided(question: Question, *results: dict[str, Any]) -> tuple[Decision, ...]:
    iam = Iam(lambda _: {"EvaluationResults": list(results)})
    return simulate(iam, ROLE, [question])


ONE = Question(("s3:GetObject",), "arn:aws:s3:::b/x")
TWO = Question(("s3:GetObject", "s3:PutObject"), "arn:aws:s3:::b/x")


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        (result("s3:GetObject"), Decision("s3:GetObject", ONE.resource, True, "allowed")),
        # IAM may answer in its own spelling; ours is kept
        (result("S3:getobject"), Decision("s3:GetObject", ONE.resource, True, "allowed")),
        (
            result("s3:GetObject", "implicitDeny"),
            Decision("s3:GetObject", ONE.resource, False, "implicitDeny"),
        ),
        (
            result("s3:GetObject", "explicitDeny"),
            Decision("s3:GetObject", ONE.resource, False, "explicitDeny"),
        ),
        (
            result(
                "s3:GetObject",
                "explicitDeny",
                OrganizationsDecisionDetail={"AllowedByOrganizations": False},
            ),
            Decision(
                "s3:GetObject",
                ONE.resource,
                False,
                "explicitDeny",
                "organization",
                in_organization=True,
            ),
        ),
        (
            result(
                "s3:GetObject",
                "implicitDeny",
                PermissionsBoundaryDecisionDetail={"AllowedByPermissionsBoundary": False},
            ),
            Decision("s3:GetObject", ONE.resource, False, "implicitDeny", "boundary"),
        ),
        (
            result(
                "s3:GetObject",
                OrganizationsDecisionDetail={"AllowedByOrganizations": True},
                PermissionsBoundaryDecisionDetail={"AllowedByPermissionsBoundary": True},
            ),
            Decision("s3:GetObject", ONE.resource, True, "allowed", in_organization=True),
        ),
        (
            result("s3:GetObject", OrganizationsDecisionDetail={}),
            Decision("s3:GetObject", ONE.resource, True, "allowed", in_organization=True),
        ),
    ],
)
def test_a_result_of_iam_is_read(answer: dict[str, Any], decision: Decision) -> None:
    assert decided(ONE, answer) == (decision,)


@pytest.mark.parametrize(
    "answer",
    [
        result("s3:GetObject", "implicitDeny", MissingContextValues=["a:B", "c:D"]),
        # for a named thing they stand below it
        result(
            "s3:GetObject",
            "implicitDeny",
            ResourceSpecificResults=[{"MissingContextValues": ["a:B", "c:D"]}],
        ),
        result(
            "s3:GetObject",
            "implicitDeny",
            MissingContextValues=["a:B"],
            ResourceSpecificResults=[{"MissingContextValues": ["a:B", "c:D"]}],
        ),
    ],
)
def test_without_the_policies_every_missing_key_may_matter(answer: dict[str, Any]) -> None:
    denied = Denied("no", permission="iam:GetRole")

    def ask(service: str, operation: str, **_: Any) -> Any:
        if operation == "get_role":
            raise denied
        return {"EvaluationResults": [answer]}

    iam = Iam(lambda _: {})
    iam.ask = ask  # type: ignore[method-assign]
    (found,) = simulate(iam, ROLE, [ONE])
    assert (found.missing_context, found.unread) == (("a:B", "c:D"), denied)


def test_keys_of_another_service_never_come_with_the_call() -> None:
    answer = result(
        "s3:GetObject",
        "implicitDeny",
        MissingContextValues=["iam:PassedToService", "cloudwatch:namespace", "KMS:ViaService"],
    )
    assert decided(ONE, answer)[0].missing_context == ()


def test_a_refusal_of_the_thing_itself_counts() -> None:
    specific = {"EvalResourceName": ONE.resource, "EvalResourceDecision": "implicitDeny"}
    (found,) = decided(ONE, result("s3:GetObject", ResourceSpecificResults=[specific]))
    assert (found.allowed, found.why) == (False, "implicitDeny")


def known(service: str, resource: Resource, **more: Any) -> dict[str, str]:
    (asked,) = questions([row(f"{service}:X", resource)], replace(RESOURCES, **more), KEY)
    return dict(asked.known)


def listing(which: int, **more: Any) -> dict[str, str]:
    asked = questions([row("s3:ListBucket", Resource.BUCKET)], replace(RESOURCES, **more), KEY)
    return dict(asked[which].known)


DIRECT = {"aws:ViaAWSService": "false"}
OF_S3 = DIRECT | {
    "s3:TlsVersion": "1.2",
    "s3:authType": "REST-HEADER",
    "s3:signatureversion": "AWS4-HMAC-SHA256",
}
BY_S3 = {"aws:ViaAWSService": "true"}
HOME = {"aws:RequestedRegion": "eu-west-1"}
OURS = {"aws:ResourceAccount": ACCOUNT}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (known("s3", Resource.OBJECTS), OF_S3 | HOME),
        # a bucket is asked where it is
        (
            known("s3", Resource.OBJECTS, bucket_region="us-west-2"),
            OF_S3 | {"aws:RequestedRegion": "us-west-2"},
        ),
        (
            listing(0, prefix="team/a"),
            OF_S3 | HOME | {"s3:prefix": "team/a/"},
        ),
        # HeadBucket
        (
            listing(1, prefix="team/a"),
            OF_S3 | HOME,
        ),
        (known("s3", Resource.BUCKET), OF_S3 | HOME),
        (known("s3", Resource.OBJECTS, prefix="team/a"), OF_S3 | HOME),
        (
            known("kms", Resource.KEY, bucket_region="us-west-2"),
            BY_S3 | HOME | OURS | {"kms:ViaService": "s3.us-west-2.amazonaws.com"},
        ),
        (known("kms", Resource.KEY, region=None), BY_S3 | OURS),
        (
            known("kms", Resource.KEY),
            BY_S3 | HOME | OURS | {"kms:ViaService": "s3.eu-west-1.amazonaws.com"},
        ),
        # names of services in China are not guessed
        (known("kms", Resource.KEY, partition="aws-cn"), BY_S3 | HOME | OURS),
        (known("kms", Resource.KEY, bucket=None), BY_S3 | HOME | OURS),
        (known("sagemaker", Resource.PIPELINES), DIRECT | HOME | OURS),
        (known("ecr", Resource.ANYTHING), DIRECT | HOME),
        # IAM's own requests go to no region of the stack
        (known("iam", Resource.ROLE), DIRECT | OURS),
        (known("sts", Resource.ANYTHING), DIRECT),
    ],
)
def test_what_is_known_of_the_real_call_is_sent(
    found: dict[str, str], expected: dict[str, str]
) -> None:
    assert found == expected


@pytest.mark.parametrize(
    ("prefix", "thing"),
    [(None, "arn:aws:s3:::b/kitaru-check"), ("team/a", "arn:aws:s3:::b/team/a/kitaru-check")],
)
def test_objects_are_asked_about_at_the_prefix(prefix: str | None, thing: str) -> None:
    r = replace(RESOURCES, prefix=prefix)
    assert [q.resource for q in questions([row("s3:X", Resource.OBJECTS)], r)] == [thing]


def test_services_are_asked_apart_for_each_has_its_own_region() -> None:
    rows = [row("ecr:X", Resource.ANYTHING), row("cloudwatch:Y", Resource.ANYTHING)]
    assert [q.actions for q in questions(rows, RESOURCES)] == [("ecr:X",), ("cloudwatch:Y",)]


def test_decisions_come_in_the_order_of_the_questions() -> None:
    iam = Iam(
        lambda asked: {
            "EvaluationResults": [result(a) for a in reversed(asked["ActionNames"])],
        }
    )
    third = Question(("iam:GetRole",), ROLE)
    found = simulate(iam, ROLE, [TWO, third])
    assert [(d.action, d.resource) for d in found] == [
        ("s3:GetObject", TWO.resource),
        ("s3:PutObject", TWO.resource),
        ("iam:GetRole", ROLE),
    ]


def test_what_is_asked_of_iam_is_the_question_as_if_over_tls() -> None:
    iam = Iam(lambda asked: {"EvaluationResults": [result(asked["ActionNames"][0])]})
    simulate(iam, ROLE, [Question(("iam:PassRole",), "x", (("iam:PassedToService", "s"),))])
    (asked,) = iam.asked
    sent = {
        entry["ContextKeyName"]: (entry["ContextKeyType"], *entry["ContextKeyValues"])
        for entry in asked.pop("ContextEntries")
    }
    moments = [sent.pop(key) for key in ("aws:CurrentTime", "aws:TokenIssueTime", "aws:EpochTime")]
    assert [kind for kind, _ in moments] == ["date", "date", "numeric"]
    now = datetime.now(UTC)
    assert all(0 <= (now - datetime.fromisoformat(m)).total_seconds() < 60 for _, m in moments[:2])
    assert 0 <= now.timestamp() - int(moments[2][1]) < 60
    assert sent == {
        "aws:SecureTransport": ("boolean", "true"),
        "aws:PrincipalIsAWSService": ("boolean", "false"),
        "aws:PrincipalType": ("string", "AssumedRole"),
        "aws:PrincipalArn": ("string", ROLE),
        "aws:PrincipalAccount": ("string", ACCOUNT),
        "iam:PassedToService": ("string", "s"),
    }
    assert asked == {
        "about": ROLE,
        "absent": ("NoSuchEntity",),
        "PolicySourceArn": ROLE,
        "ActionNames": ["iam:PassRole"],
        "ResourceArns": ["x"],
    }


@pytest.mark.parametrize(
    ("results", "silent"),
    [
        ([], "s3:GetObject, s3:PutObject"),
        ([result("s3:GetObject")], "s3:PutObject"),
        ([result("s3:PutObject"), result("s3:ListBucket")], "s3:GetObject"),
    ],
)
def test_an_action_that_iam_says_nothing_about_is_not_judged(
    results: list[dict[str, Any]], silent: str
) -> None:
    with pytest.raises(Skipped) as caught:
        decided(TWO, *results)
    assert caught.value.why == f"IAM's simulation says nothing about {silent}"


def test_every_page_of_an_answer_is_read() -> None:
    pages = {
        None: {"EvaluationResults": [result("s3:GetObject")], "IsTruncated": True, "Marker": "2"},
        "2": {
            "EvaluationResults": [result("s3:PutObject", "implicitDeny")],
            "IsTruncated": False,
            "Marker": "not to be used",
        },
    }
    iam = Iam(lambda asked: pages[asked.get("Marker")])
    assert [d.allowed for d in simulate(iam, ROLE, [TWO])] == [True, False]
    assert len(iam.asked) == 2


APART = "Invalid Input Actions: [a, b] require different authorization information"


@pytest.mark.parametrize(
    ("question", "why", "calls"),
    [
        (TWO, APART, [2, 1, 1]),
        (TWO, "throttled", [2]),
        (ONE, APART, [1]),
        (ONE, "throttled", [1]),
    ],
)
def test_only_several_actions_that_do_not_go_together_are_asked_apart(
    question: Question, why: str, calls: list[int]
) -> None:
    def answer(asked: dict[str, Any]) -> Any:
        actions = asked["ActionNames"]
        if len(actions) == len(question.actions):
            raise Unavailable(why)
        assert asked["ResourceArns"] == [question.resource]
        return {"EvaluationResults": [result(a) for a in actions]}

    iam = Iam(answer)
    if len(calls) > 1:
        found = simulate(iam, ROLE, [question])
        assert [d.action for d in found] == list(question.actions)
    else:
        with pytest.raises(Unavailable, match=why.partition("[")[0]):
            simulate(iam, ROLE, [question])
    assert [len(asked["ActionNames"]) for asked in iam.asked] == calls


def test_actions_that_are_asked_apart_keep_their_conditions() -> None:
    def answer(asked: dict[str, Any]) -> Any:
        if len(asked["ActionNames"]) > 1:
            raise Unavailable(APART)
        return {"EvaluationResults": [result(asked["ActionNames"][0])]}

    iam = Iam(answer)
    simulate(iam, ROLE, [Question(("a:B", "c:D"), "x", (("k", "v"),))])
    assert [asked["ContextEntries"][-1]["ContextKeyName"] for asked in iam.asked] == ["k"] * 3


# --- what is said where a look failed


LOCAL = AwsResources("dev", StackType.LOCAL, region="eu-west-1", bucket="b")
WHO = "aws sts get-caller-identity"
USER = Principal(f"arn:aws:iam::{ACCOUNT}:user/me", "user", "me")
RUNNER = Principal(f"arn:aws:iam::{ACCOUNT}:role/team/runner", "role", "runner")
ROOT = Principal(f"arn:aws:iam::{ACCOUNT}:root", "root", "root")
SSO = Principal("arn:aws:iam::1:role/x", "role", "AWSReservedSSO_Dev_Team_0123456789abcdef")
DENIED = Denied("a:B on x is denied", permission="a:B", resource="x")
EXPIRED = NoCredentials("they are expired", "aws sso login")


def made(**how: Any) -> Check:
    probes = AwsProbes(Nobody(), LOCAL)
    return checklist(probes, LOCAL).check(
        "aws.bucket.exists", "s3://b", probes.bucket, lambda _: ok("fine"), **how
    )


def said(error: ProbeError, principal: Any = USER, **how: Any) -> Verdict:
    check = made(**how)
    assert check.on_error is not None
    verdict = check.on_error(error, principal)
    assert verdict is not None
    return verdict


def test_a_check_is_of_the_catalog_and_consults_who_looks() -> None:
    probes = AwsProbes(Nobody(), LOCAL)
    probe: Probe[Any] = Probe("x", lambda: 1)
    check = checklist(probes, LOCAL).check("aws.bucket.region", "it", probe, lambda _: ok("fine"))
    assert (check.info.id, check.subject, check.probe) == ("aws.bucket.region", "it", probe)
    assert check.context is probes.principal
    assert check.evaluate(1) == ok("fine")


@pytest.mark.parametrize(
    ("error", "principal", "why", "remedy"),
    [
        (Unavailable("silence"), USER, "not looked at: silence", WHO),
        (Unavailable("silence", "wait"), USER, "not looked at: silence", "wait"),
        (NotFound("it is gone"), USER, "not looked at: it is gone", WHO),
        (Skipped("cannot be seen"), USER, "cannot be seen", WHO),
        (Skipped("cannot be seen", "kubectl"), USER, "cannot be seen", "kubectl"),
        (
            EXPIRED,
            USER,
            "not looked at without valid credentials (aws.credentials): they are expired",
            "aws sso login",
        ),
        # whoever looks has no credentials: that is the reason of everything else
        (
            DENIED,
            EXPIRED,
            "not looked at without valid credentials (aws.credentials): they are expired",
            "aws sso login",
        ),
        (
            Unavailable("silence"),
            EXPIRED,
            "not looked at without valid credentials (aws.credentials): they are expired",
            "aws sso login",
        ),
        (
            NoCredentials("there are none", "aws configure"),
            EXPIRED,
            "not looked at without valid credentials (aws.credentials): there are none",
            "aws configure",
        ),
        # that the identity itself could not be seen is no lack of credentials
        (Unavailable("silence"), Unavailable("sts too"), "not looked at: silence", WHO),
    ],
)
def test_a_failed_look_is_unknown_for_its_own_reason(
    error: ProbeError, principal: Any, why: str, remedy: str
) -> None:
    assert said(error, principal) == Verdict(CheckStatus.UNKNOWN, why, remedy)


@pytest.mark.parametrize(
    ("on_error", "create", "error", "verdict"),
    [
        # what judges the failure itself comes first
        (lambda _: fail("no", "mend"), "make it", NotFound("gone"), fail("no", "mend")),
        (lambda _: warn("hm", "mend"), None, DENIED, warn("hm", "mend")),
        # then what is not there is made
        (lambda _: None, "make it", NotFound("gone"), "make it"),
        (None, "make it", NotFound("gone"), "make it"),
        (None, None, NotFound("gone"), WHO),
        # a denied look says nothing of what is there
        (None, "make it", Unavailable("silence"), WHO),
        (lambda _: None, "make it", Unavailable("silence"), WHO),
    ],
)
def test_what_is_absent_is_to_be_made_and_nothing_else(
    on_error: Any, create: str | None, error: ProbeError, verdict: Any
) -> None:
    found = said(error, on_error=on_error, create=create)
    if isinstance(verdict, str):
        verdict = Verdict(CheckStatus.UNKNOWN, f"not looked at: {error.why}", verdict)
    assert found == verdict


def test_the_look_that_failed_is_what_is_judged() -> None:
    heard: list[ProbeError] = []
    made(on_error=heard.append).on_error(DENIED, EXPIRED)  # type: ignore[misc]
    assert heard == [DENIED]


#: What whoever verifies a local stack in this bucket may do, written by hand.
READ_POLICIES = [
    *("GetGroupPolicy", "GetPolicy", "GetPolicyVersion", "GetRolePolicy", "GetUser"),
    *("GetUserPolicy", "ListAttachedGroupPolicies", "ListAttachedRolePolicies"),
    *("ListAttachedUserPolicies", "ListGroupPolicies", "ListGroupsForUser"),
    *("ListRolePolicies", "ListUserPolicies"),
]
VERIFY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Bucket",
            "Effect": "Allow",
            "Action": [
                "s3:GetBucketAcl",
                "s3:GetBucketPolicy",
                "s3:GetBucketPolicyStatus",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:ListBucket",
            ],
            "Resource": "arn:aws:s3:::b",
        },
        {
            "Sid": "Account",
            "Effect": "Allow",
            "Action": [
                "access-analyzer:CheckNoPublicAccess",
                "access-analyzer:ValidatePolicy",
                *(f"iam:{action}" for action in READ_POLICIES),
                "kms:DescribeKey",
                "kms:GetKeyPolicy",
                "kms:ListGrants",
                "s3:GetAccountPublicAccessBlock",
            ],
            "Resource": "*",
        },
        {
            "Sid": "Roles",
            "Effect": "Allow",
            "Action": ["iam:GetRole"],
            "Resource": "arn:aws:iam::*:role/*",
        },
        {
            "Sid": "RolesAndUsers",
            "Effect": "Allow",
            "Action": ["iam:SimulatePrincipalPolicy"],
            "Resource": ["arn:aws:iam::*:role/*", "arn:aws:iam::*:user/*"],
        },
    ],
}


@pytest.mark.parametrize(
    ("principal", "words"),
    [
        (USER, ["aws", "iam", "put-user-policy", "--user-name", "me"]),
        (RUNNER, ["aws", "iam", "put-role-policy", "--role-name", "runner"]),
    ],
)
def test_who_is_denied_a_look_is_given_all_looks_of_this_stack(
    principal: Principal, words: list[str]
) -> None:
    verdict = said(DENIED, principal)
    assert verdict.why == "not allowed to look: a:B on x is denied"
    assert verdict.missing_permission == "a:B"
    given = shlex.split(verdict.remedy or "")
    assert given[:-1] == [*words, "--policy-name", "kitaru-verify-dev", "--policy-document"]
    assert json.loads(given[-1]) == VERIFY


@pytest.mark.parametrize("principal", [ROOT, Unavailable("silence"), Denied("no")])
def test_where_nobody_can_be_given_a_policy_the_permission_is_named(principal: Any) -> None:
    verdict = said(DENIED, principal)
    assert verdict.remedy == f"{WHO}  # and grant it a:B"
    assert verdict.missing_permission == "a:B"


def test_a_permission_set_is_named_by_its_own_name() -> None:
    remedy = str(said(DENIED, SSO).remedy)
    head, _, text = remedy.partition("  # add to the permission set Dev_Team: ")
    assert head == "aws sso-admin list-instances"
    assert json.loads(text) == VERIFY


@pytest.mark.parametrize(
    "above",
    [
        "service control policy",
        "resource control policy",
        "permissions boundary",
        "VPC endpoint policy",
        "resource-based policy",
        "session policy",
    ],
)
@pytest.mark.parametrize("principal", [USER, ROOT])
def test_a_denial_from_above_is_not_granted_away(above: str, principal: Principal) -> None:
    verdict = said(Denied(f"x with an explicit deny in a {above}", permission="a:B"), principal)
    assert verdict.remedy == f"{WHO}  # a {above} denies it: ask whoever keeps it"


def test_an_identity_s_own_policy_is_nothing_above_it() -> None:
    denied = Denied("x with an explicit deny in an identity-based policy", permission="a:B")
    assert str(said(denied).remedy).startswith("aws iam put-user-policy")
