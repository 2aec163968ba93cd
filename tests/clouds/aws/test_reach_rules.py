"""How far an allowance reaches that IAM simulated for one name, on policies written by hand."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Denied, Once
from kitaru_iac.clouds.aws.decisions import evaluated
from kitaru_iac.clouds.aws.permission_table import Resource
from kitaru_iac.clouds.aws.permissions import arns, permissions_for, reach
from kitaru_iac.clouds.aws.permissions import statements as granted
from kitaru_iac.clouds.aws.policies.requests import Context
from kitaru_iac.clouds.aws.principal_policies import (
    Pieces,
    PrincipalPolicies,
    pieces,
    read_policies,
)
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.simulate import Decision, questions, simulate
from kitaru_iac.spec.kinds import StackType
from tests.clouds.aws.nobody import everything_listed, everything_read
from tests.clouds.aws.simulating import judged_by_iam

OK, WARN, FAIL, UNKNOWN = CheckStatus
ROLE = "arn:aws:iam::123456789012:role/exec"
USER = "arn:aws:iam::123456789012:user/ann"
R = AwsResources(
    "prod", StackType.SAGEMAKER, region="eu-west-1", account="123456789012", bucket="b",
    prefix="team", role=ROLE,
)  # fmt: skip
B = "arn:aws:s3:::b"
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


class Allowing:
    """An `AwsAccess` whose IAM allows what it is asked, which is one name of many."""

    def __init__(self, decision: str = "allowed", missing: tuple[str, ...] = ()) -> None:
        self._decision = decision
        self._missing = missing

    def ask(self, service: str, operation: str, **given: Any) -> Any:
        assert (service, operation) == ("iam", "simulate_principal_policy")
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": name,
                    "EvalDecision": self._decision,
                    "MissingContextValues": list(self._missing),
                }
                for name in given["ActionNames"]
            ]
        }


def judged(
    *statements: Any, boundary: Any = None, who: Identity = Identity.RUNTIME,
    r: AwsResources = R, iam: Any = None, principal: str = ROLE, services: str = "s3",
) -> Any:  # fmt: skip
    rows = [row for row in permissions_for(r, who) if row.action.startswith(services)]
    policies = PrincipalPolicies(tuple(statements), boundary)
    found = simulate(iam or Allowing(), principal, questions(rows, r), lambda _: policies)
    return evaluated(found, principal, "it may", "remedy")


def deny(resource: Any, action: Any = "s3:*", **condition: Any) -> dict[str, Any]:
    made = {"Effect": "Deny", "Action": action, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def grant(*resources: str, action: str = "s3:*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources)}


@pytest.mark.parametrize(
    ("statements", "status", "why"),
    [
        ([ALL], OK, ""),
        ([grant(B, f"{B}/*")], OK, ""),
        ([grant("arn:aws:s3:::*")], OK, ""),
        ([grant(B, f"{B}/team/*", f"{B}/*output/*")], OK, ""),
        ([{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::other*"}], OK, ""),
        # a part is denied, to which a run may come
        ([ALL, deny(f"{B}/team/secret/*")], UNKNOWN, f"{B}/team/secret/* is denied"),
        ([ALL, deny(f"{B}/*.pkl", "s3:PutObject")], UNKNOWN, f"{B}/*.pkl is denied"),
        ([ALL, deny(f"{B}/team/a"), deny(f"{B}/team/b")], UNKNOWN, "team/a is denied; "),
        ([ALL, deny(f"{B}/team/secret/*", Bool={"aws:SecureTransport": "true"})], UNKNOWN, "deni"),
        # or not at all
        ([ALL, deny(f"{B}/team/secret/*", Bool={"aws:SecureTransport": "false"})], OK, ""),
        ([ALL, deny(f"{B}/team/secret/*", "s3:PutBucketAcl")], OK, ""),
        ([ALL, deny(f"{B}/other/data/*")], OK, ""),
        ([ALL, deny("arn:aws:s3:::c/*")], OK, ""),
        # a part is granted, and the simulated name is in it by accident
        ([grant(B, f"{B}/team/k*")], FAIL, "code_uploads"),
        ([grant(B, f"{B}/team/*e*"), grant(f"{B}/*/*output/*")], UNKNOWN, "alone is granted"),
        # a place to which every run comes
        ([ALL, deny(f"{B}/team/logs/*")], FAIL, f"on {B}/team/logs/*: an explicit denial denies"),
        ([ALL, deny(f"{B}/*/code_uploads/*")], FAIL, "team/code_uploads/*"),
        ([ALL, deny(f"{B}/*/output/*", "s3:PutObject")], FAIL, f"{B}/pipelines-*/output/*"),
        ([ALL, {"Effect": "Deny", "Action": "s3:PutObject", "NotResource": f"{B}/team/*"}], FAIL,
         "pipelines-*/output/*"),
    ],
)  # fmt: skip
def test_an_allowance_of_one_name_is_none_of_all(
    statements: list[Any], status: CheckStatus, why: str
) -> None:
    found = judged(*statements)
    assert found.status is status, found
    assert why in found.why
    assert "\0" not in found.why


def test_a_boundary_reaches_as_far_as_it_says() -> None:
    assert judged(ALL, boundary=(ALL,)).status is OK
    assert judged(ALL, boundary=(ALL, deny(f"{B}/team/x/*"))).status is UNKNOWN
    assert judged(ALL, boundary=(ALL, deny(f"{B}/team/logs/*"))).status is FAIL


@pytest.mark.parametrize(
    ("denied", "status"),
    [("prod-*", UNKNOWN), ("other/data/*", OK), ("*", FAIL), ("team/x/*", UNKNOWN)],
)
def test_definitions_are_at_the_top_of_the_bucket(denied: str, status: CheckStatus) -> None:
    iam = Allowing("explicitDeny") if denied == "*" else None
    assert judged(ALL, deny(f"{B}/{denied}"), who=Identity.CONNECTOR, iam=iam).status is status


@pytest.mark.parametrize(("services", "status"), [("sagemaker", UNKNOWN), ("logs", FAIL)])
def test_jobs_are_many_things_too_and_their_logs_have_names(
    services: str, status: CheckStatus
) -> None:
    job = "arn:aws:sagemaker:eu-west-1:123456789012:*-job/prod-*"
    group = "arn:aws:logs:*:*:log-group:/aws/sagemaker/TrainingJobs*"
    for given, expected in (([ALL], OK), ([ALL, deny([job, group], "*")], status)):
        found = judged_by_iam(R, Identity.RUNTIME, given, principal=ROLE, services=(services,))
        assert found.status is expected, found


def test_policies_that_could_not_be_read_are_no_ok() -> None:
    def refused(_: str) -> PrincipalPolicies:
        raise Denied("not allowed to look", permission="iam:ListRolePolicies")

    rows = [row for row in permissions_for(R, Identity.RUNTIME) if row.action.startswith("s3:")]
    found = evaluated(simulate(Allowing(), ROLE, questions(rows, R), refused), ROLE, "it may", "r")
    assert (found.status, found.missing_permission) == (UNKNOWN, "iam:ListRolePolicies")
    # what is denied for one name is denied, whatever they say
    asked = simulate(Allowing("implicitDeny"), ROLE, questions(rows, R), refused)
    assert evaluated(asked, ROLE, "it may", "r").status is FAIL
    # and about one thing, one name tells all
    one = [row for row in rows if row.resource is Resource.LISTING]
    alone = simulate(Allowing(), ROLE, questions(one, R), refused)
    assert evaluated(alone, ROLE, "it may", "r").status is OK


@pytest.mark.parametrize(
    ("condition", "principal", "status"),
    [
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, ROLE, OK),
        ({"NumericLessThan": {"s3:TlsVersion": "1.3"}}, ROLE, UNKNOWN),
        ({"DateGreaterThan": {"aws:CurrentTime": "2199-01-01T00:00:00Z"}}, ROLE, OK),
        # sessions before a revocation are refused; a run begins a new one
        ({"DateLessThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}}, ROLE, OK),
        ({"StringNotEquals": {"aws:username": "x"}, "Null": {"aws:username": "false"}}, ROLE, OK),
        ({"StringEquals": {"aws:username": "bob"}}, USER, OK),
        ({"Bool": {"aws:ViaAWSService": "true"}}, ROLE, OK),
        ({"ArnLike": {"aws:SourceArn": "*"}}, ROLE, OK),
        ({"StringNotEquals": {"aws:SourceVpce": "v"}}, ROLE, UNKNOWN),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, USER, UNKNOWN),
    ],
)
def test_a_condition_that_is_known_decides(
    condition: Any, principal: str, status: CheckStatus
) -> None:
    """IAM names each key that it was not sent; which are absent, we know."""
    keys = {key for one in condition.values() for key in one}
    sent = {"s3:TlsVersion", "aws:CurrentTime", "aws:TokenIssueTime", "aws:ViaAWSService"}
    sent |= {"aws:username"} if principal == USER else set()
    found = judged(
        *(ALL, deny([B, f"{B}/*"], **condition)),
        principal=principal,
        iam=Allowing(missing=tuple(keys - sent)),
    )
    assert found.status is status, found


def test_the_policies_of_one_principal_are_read_once_by_all_who_ask() -> None:
    asked: list[str] = []

    class Slow:
        def ask(self, service: str, operation: str, **_: Any) -> Any:
            asked.append(operation)
            return everything_read(operation)

        def ask_all(self, service: str, operation: str, *_: Any, **__: Any) -> Any:
            return everything_listed(operation)

    read: Any = Once(partial(read_policies, Slow()))  # type: ignore[arg-type]
    threads = [threading.Thread(target=read, args=(ROLE,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == ["get_role", "get_role_policy"]
    assert read(ROLE) is read(ROLE)


def test_a_failure_to_read_is_told_to_all_who_ask() -> None:
    class Refusing:
        def ask(self, *_: Any, **__: Any) -> Any:
            raise Denied("no", permission="iam:GetRole")

    read = Once(partial(read_policies, Refusing()))  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(Denied, match="no"):
            read(ROLE)


def test_what_is_granted_holds_all_that_is_reached() -> None:
    """Each line's own grant covers what is asked of policies for it."""
    for r in (R, replace(R, prefix=None)):
        for who in (Identity.RUNTIME, Identity.CONNECTOR):
            for row in permissions_for(r, who):
                for arn in arns(row.resource, r):
                    about = reach(row.resource, arn, r)
                    own = PrincipalPolicies((grant(arn, action=row.action),))
                    assert pieces(own, row.action, about, Context()) == Pieces()


def test_an_unclear_decision_is_shown_with_its_thing() -> None:
    made = Decision("s3:GetObject", f"{B}/team/kitaru-check", True, "allowed", unclear=("x",))
    found = evaluated([made], ROLE, "it may", "remedy")
    assert (found.status, found.why) == (
        UNKNOWN,
        f"{ROLE} may s3:GetObject on {B}/team/kitaru-check, but not of all that it may come to: x",
    )


# --- HeadBucket: the same permission as a listing, in a call that names no prefix

_PREFIXED = {"StringLike": {"s3:prefix": ["team", "team/*"]}}


def _listing(condition: Any, effect: str = "Allow") -> dict[str, Any]:
    made = {"Effect": effect, "Action": "s3:ListBucket*", "Resource": B}
    return {**made, "Condition": condition}


_OBJECTS = grant(f"{B}/*")
_REST = {"Effect": "Allow", "Action": "s3:GetBucketVersioning", "Resource": B}


@pytest.mark.parametrize(
    ("statements", "status", "why"),
    [
        # what provisioning grants
        ([_listing({"StringLikeIfExists": {"s3:prefix": ["team", "team/*"]}})], OK, ""),
        ([_listing({})], OK, ""),
        # the grants of many a guide: a listing is allowed, and the look at the bucket is not
        ([_listing(_PREFIXED)], FAIL, f"s3:ListBucket on {B} without a prefix (HeadBucket)"),
        ([_listing({"StringEquals": {"s3:prefix": ["", "team/"]}})], FAIL, "HeadBucket"),
        ([_listing({"StringLike": {"s3:prefix": "*"}})], FAIL, "HeadBucket"),
        ([_listing({"Null": {"s3:prefix": "false"}})], FAIL, "HeadBucket"),
        # and the other way round
        ([_listing({"Null": {"s3:prefix": "true"}})], FAIL, "s3:ListBucketVersions"),
        ([_listing(_PREFIXED), _listing({"Null": {"s3:prefix": "true"}})], OK, ""),
        ([_listing({}), _listing({"StringNotLike": {"s3:prefix": "team/*"}}, "Deny")], FAIL,
         "HeadBucket"),
        ([_listing({}), _listing({"StringNotLikeIfExists": {"s3:prefix": "team/*"}}, "Deny")], FAIL,
         "HeadBucket"),
        ([_listing({}), _listing({"StringLike": {"s3:prefix": "other/*"}}, "Deny")], OK, ""),
        ([_listing({}), _listing({"NumericGreaterThan": {"s3:max-keys": "10"}}, "Deny")],
         UNKNOWN, "s3:max-keys"),
        # a key of listings, on what is no listing
        ([{"Effect": "Allow", "Action": "s3:*", "Resource": [B, f"{B}/*"],
           "Condition": {"StringLikeIfExists": {"s3:prefix": "team/*"}}}], OK, ""),
    ],
)  # fmt: skip
def test_a_grant_for_a_prefix_is_no_grant_of_the_look_at_the_bucket(
    statements: list[Any], status: CheckStatus, why: str
) -> None:
    found = judged_by_iam(
        R, Identity.CONNECTOR, [*statements, _OBJECTS, _REST], principal=ROLE, services=("s3:",)
    )
    assert found.status is status, found
    assert why in found.why


def test_a_condition_on_listings_withholds_the_objects() -> None:
    whole = {**grant(B, f"{B}/*"), "Condition": _PREFIXED}
    found = judged_by_iam(R, Identity.CONNECTOR, [whole], principal=ROLE, services=("s3:",))
    assert found.status is FAIL
    assert "s3:GetObject" in found.why


@pytest.mark.parametrize("prefix", ["team", None])
@pytest.mark.parametrize("who", [Identity.CONNECTOR, Identity.RUNTIME])
def test_what_is_granted_from_the_table_passes_the_checks(
    who: Identity, prefix: str | None
) -> None:
    r = replace(R, prefix=prefix)
    given = granted(permissions_for(r, who), r)
    assert judged_by_iam(r, who, given, principal=ROLE).status is OK
