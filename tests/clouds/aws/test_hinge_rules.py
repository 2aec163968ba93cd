"""Which decisions of IAM's simulation hang on a condition key, on policies written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.clouds.aws.policies.requests import Context
from kitaru_iac.clouds.aws.principal_policies import PrincipalPolicies, hinges_on

GET, OBJECT = "s3:GetObject", "arn:aws:s3:::b/team/x"
SENT = Context({"aws:requestedregion": "eu-west-1", "aws:securetransport": "true"})
VPCE, ORG = "aws:SourceVpce", "aws:PrincipalOrgID"


def allow(action: Any = "s3:*", resource: Any = "*", **condition: Any) -> dict[str, Any]:
    made = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def deny(*args: Any, **condition: Any) -> dict[str, Any]:
    return {**allow(*args, **condition), "Effect": "Deny"}


def not_action(action: str, **condition: Any) -> dict[str, Any]:
    made = allow(**condition)
    del made["Action"]
    return {**made, "NotAction": action}


FROM_VPCE = {"StringEquals": {VPCE: "vpce-1"}}
NOT_VPCE = {"StringNotEquals": {VPCE: "vpce-1"}}
REGION_LOCK = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-west-2"]}}


@pytest.mark.parametrize(
    ("statements", "allowed", "keys"),
    [
        # a grant without a condition holds, whatever else is conditioned
        ([allow(), allow("sqs:*", **FROM_VPCE)], True, ()),
        ([allow(), allow(**FROM_VPCE)], True, ()),
        # an unrelated statement's key saves nobody
        ([allow("sqs:*", **FROM_VPCE)], False, ()),
        ([allow("s3:*", "arn:aws:s3:::other/*", **FROM_VPCE)], False, ()),
        ([allow("s3:Put*", **FROM_VPCE)], False, ()),
        ([not_action("s3:*", **FROM_VPCE)], False, ()),
        # the only grant hangs on it
        ([allow(**FROM_VPCE)], False, (VPCE,)),
        ([allow("s3:Get*", "arn:aws:s3:::b/*", **FROM_VPCE)], False, (VPCE,)),
        ([allow("S3:GETOBJECT", **FROM_VPCE)], False, (VPCE,)),
        ([allow(StringEqualsIfExists={VPCE: "vpce-1"})], True, (VPCE,)),
        ([allow(StringNotEquals={VPCE: "vpce-1"})], True, (VPCE,)),
        ([allow(Null={VPCE: "true"})], True, (VPCE,)),
        # a denial that may come, and one that may not be
        ([allow(), deny(**FROM_VPCE)], True, (VPCE,)),
        ([allow(), deny(**NOT_VPCE)], False, (VPCE,)),
        ([allow(), deny("s3:Put*", **NOT_VPCE)], True, ()),
        ([allow(), deny(), deny(**NOT_VPCE)], False, ()),
        ([deny(**NOT_VPCE)], False, ()),
        # a key that was sent decides before one that was not
        ([allow(), deny(**REGION_LOCK, **FROM_VPCE)], True, ()),
        ([allow(), deny(StringEquals={"aws:RequestedRegion": "eu-west-1"})], False, ()),
        ([allow(), deny(Bool={"aws:SecureTransport": "false"}, **NOT_VPCE)], True, ()),
        ([allow(Bool={"aws:SecureTransport": "True"}), allow(**FROM_VPCE)], True, ()),
        ([allow(StringEquals={"aws:RequestedRegion": "eu-*", VPCE: "vpce-1"})], False, ()),
        ([allow(StringLike={"AWS:REQUESTEDREGION": "eu-*"}, **FROM_VPCE)], False, (VPCE,)),
        ([allow(StringLike={"aws:RequestedRegion": "eu-*"})], True, ()),
        ([allow(Null={"aws:RequestedRegion": "true"}), allow(**FROM_VPCE)], False, (VPCE,)),
        ([allow(Null={"aws:RequestedRegion": "false"}), allow(**FROM_VPCE)], True, ()),
        # a variable in a resource is nobody's certainty
        ([allow("s3:*", "arn:aws:s3:::b/${aws:PrincipalTag/t}/*")], False, (VPCE,)),
        ([allow("s3:*", "arn:aws:s3:::other/${aws:PrincipalTag/t}/*")], False, ()),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/*"}], False, ()),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], True, ()),
        # operators that are not evaluated here are unclear
        ([allow(IpAddress={"aws:SourceIp": "10.0.0.0/8"})], False, (VPCE,)),
        ([], False, ()),
    ],
)
def test_only_what_is_about_the_call_matters(
    statements: list[dict[str, Any]], allowed: bool, keys: tuple[str, ...]
) -> None:
    policies = PrincipalPolicies((*statements, allow("sts:x", **FROM_VPCE)))
    assert hinges_on(policies, GET, OBJECT, SENT, [VPCE], allowed=allowed) == keys


@pytest.mark.parametrize(
    ("boundary", "allowed", "keys"),
    [
        ([allow()], True, ()),
        ([allow("sqs:*")], False, ()),
        ([allow(**FROM_VPCE)], False, (VPCE,)),
        ([allow(), deny(**FROM_VPCE)], True, (VPCE,)),
        ([], False, ()),
    ],
)
def test_a_boundary_must_allow_it_too(
    boundary: list[dict[str, Any]], allowed: bool, keys: tuple[str, ...]
) -> None:
    policies = PrincipalPolicies((allow(),), (*boundary, allow("sts:x", **FROM_VPCE)))
    assert hinges_on(policies, GET, OBJECT, SENT, [VPCE], allowed=allowed) == keys


def test_a_key_that_no_policy_here_asks_for_is_of_one_that_nobody_may_read() -> None:
    policies = PrincipalPolicies((allow(), allow("sts:x", **FROM_VPCE)))
    assert hinges_on(policies, GET, OBJECT, SENT, [VPCE, ORG], allowed=True) == (ORG,)
    assert hinges_on(policies, GET, OBJECT, SENT, [VPCE, ORG], allowed=False) == (ORG,)
    # and where the principal's own policies refuse, no other one allows
    refusing = PrincipalPolicies((allow("sqs:*"),))
    assert hinges_on(refusing, GET, OBJECT, SENT, [ORG], allowed=False) == ()


def test_a_denial_without_a_key_of_its_own_is_one_of_the_organization() -> None:
    policies = PrincipalPolicies((allow(), allow("sts:x", **FROM_VPCE)))
    assert hinges_on(policies, GET, OBJECT, SENT, [VPCE], allowed=False) == ()
