from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.clouds.aws.trust import Trust, may_assume
from tests.clouds.aws.assuming import principal_may_assume

SERVICE = "sagemaker.amazonaws.com"
ACCOUNT = "123456789012"
ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole"}
SAGEMAKER = {**ASSUME, "Principal": {"Service": SERVICE}}


def _trust(*statements: dict[str, Any]) -> Trust:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return may_assume(document, SERVICE, ACCOUNT, "eu-west-1", "aws")


def _with(condition: dict[str, Any]) -> dict[str, Any]:
    return {**SAGEMAKER, "Condition": condition}


@pytest.mark.parametrize(
    "statement",
    [
        SAGEMAKER,
        {**SAGEMAKER, "Principal": {"Service": ["ec2.amazonaws.com", SERVICE]}},
        {**SAGEMAKER, "Action": ["sts:TagSession", "sts:assumerole"]},
        {**SAGEMAKER, "Action": "sts:*"},
        {**SAGEMAKER, "Action": "*"},
        {**ASSUME, "Principal": "*"},
        _with({"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        _with({"StringEquals": {"AWS:SourceAccount": ["999999999999", ACCOUNT]}}),
        _with({"StringLike": {"aws:SourceAccount": "1234*"}}),
        _with({"ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:*:{ACCOUNT}:*"}}),
        _with({"ArnEquals": {"aws:SourceArn": f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:*"}}),
        _with({"StringNotEquals": {"aws:SourceAccount": "999999999999"}}),
    ],
)
def test_sagemaker_may(statement: dict[str, Any]) -> None:
    assert _trust(statement).allowed is True


@pytest.mark.parametrize(
    "statement",
    [
        {**SAGEMAKER, "Principal": {"Service": "ec2.amazonaws.com"}},
        {**SAGEMAKER, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}},
        {**SAGEMAKER, "Action": "sts:TagSession"},
        {**SAGEMAKER, "Effect": "Deny"},
        {"Effect": "Allow", "NotAction": "sts:*", "Principal": {"Service": SERVICE}},
        {**ASSUME, "NotPrincipal": {"Service": SERVICE}},
        _with({"StringEquals": {"aws:SourceAccount": "999999999999"}}),
        _with({"StringEquals": {"aws:SourceAccount": "1234*"}}),
        _with({"ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:*"}}),
        _with({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}),
    ],
)
def test_sagemaker_may_not(statement: dict[str, Any]) -> None:
    assert _trust(statement).allowed is False


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        {"StringEquals": {"sts:ExternalId": "x"}},
        {"DateLessThan": {"aws:SourceAccount": "soon"}},
        {"ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:*:{ACCOUNT}:pipeline/mine"}},
    ],
)
def test_a_condition_that_cannot_be_told_is_not_guessed(condition: dict[str, Any]) -> None:
    trust = _trust(_with(condition))
    assert trust.allowed is None
    assert "cannot be told" in trust.reasons[0]


def test_a_denial_beats_whatever_allows() -> None:
    trust = _trust(SAGEMAKER, {**SAGEMAKER, "Sid": "No", "Effect": "Deny"})
    assert trust.allowed is False
    assert trust.reasons == ("a statement denies it (statement No)",)


@pytest.mark.parametrize(
    "statement",
    [
        {**SAGEMAKER, "Principal": {"AWS": SERVICE}},
        {**SAGEMAKER, "Principal": SERVICE},
        {**SAGEMAKER, "Principal": {"Service": "*"}},
        {**SAGEMAKER, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}},
        {**SAGEMAKER, "Principal": None},
        {**SAGEMAKER, "Principal": {"service": SERVICE}},
        {**SAGEMAKER, "NotPrincipal": {"Service": SERVICE}},
        {**ASSUME, "Effect": "allow", "Principal": "*"},
        {**SAGEMAKER, "Action": {"sts": "AssumeRole"}},
        {**SAGEMAKER, "Action": [None]},
        {**SAGEMAKER, "Conditions": {}},
        {"Effect": "Allow", "Principal": {"Service": SERVICE}},
        ASSUME,
        _with({"StringEqual": {"aws:SourceAccount": ACCOUNT}}),
        _with({"NullIfExists": {"aws:SourceAccount": "true"}}),
        _with({"ForEachValue:StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        _with({"StringEquals": ACCOUNT}),
        _with({"StringEquals": {"aws:SourceAccount": {"is": ACCOUNT}}}),
        _with(["StringEquals"]),
        "nonsense",
        None,
    ],
)
def test_what_aws_would_not_take_is_neither_ok_nor_a_crash(statement: Any) -> None:
    trust = _trust(SAGEMAKER, statement)
    assert trust.allowed is None
    assert trust.reasons[0].startswith("AWS would not take it: statement 2: ")


@pytest.mark.parametrize("document", [None, [], "{}", 7, {"Version": "2012-10-17", "State": []}])
def test_what_is_no_document_is_not_either(document: Any) -> None:
    assert may_assume(document, SERVICE, ACCOUNT, None, "aws").allowed is None


def test_a_star_under_aws_may_mean_services_too() -> None:
    accounts = {**ASSUME, "Principal": {"AWS": "*"}}
    assert _trust(accounts).allowed is None
    assert _trust(SAGEMAKER, {**accounts, "Effect": "Deny"}).allowed is None
    assert _trust(SAGEMAKER, {**ASSUME, "Principal": "*", "Effect": "Deny"}).allowed is False
    excepted = {"Effect": "Deny", "Action": "sts:AssumeRole", "NotPrincipal": "*"}
    assert _trust(SAGEMAKER, excepted).allowed is True


def test_a_denial_under_an_unclear_condition_makes_all_unclear() -> None:
    denial = {**_with({"Bool": {"aws:MultiFactorAuthPresent": "false"}}), "Effect": "Deny"}
    assert _trust(SAGEMAKER, denial).allowed is None


def test_a_denial_for_others_is_none_for_us() -> None:
    denial = {
        **SAGEMAKER,
        "Effect": "Deny",
        "Condition": {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    assert _trust(SAGEMAKER, denial).allowed is True


def test_a_condition_on_the_source_is_noticed() -> None:
    bound = _with({"StringEquals": {"aws:SourceAccount": ACCOUNT}})
    assert _trust(SAGEMAKER).bound is False
    assert _trust(bound).bound is True
    # a second statement without it undoes it
    assert _trust(bound, SAGEMAKER).bound is False
    # and a denial of everybody else's account does the same as a condition
    others = {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}
    assert _trust(SAGEMAKER, {**_with(others), "Effect": "Deny"}).bound is True


@pytest.mark.parametrize(
    "condition",
    [
        {"StringLike": {"aws:SourceAccount": "*"}},
        {"StringLike": {"aws:SourceAccount": "1*"}},
        {"StringEqualsIfExists": {"aws:SourceOrgID": "o-1"}},
        {"Null": {"aws:SourceAccount": "false"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:eu-west-1:*:*"}},
        {"StringNotEquals": {"aws:SourceAccount": "999999999999"}},
    ],
)
def test_a_condition_that_every_source_meets_binds_nothing(condition: dict[str, Any]) -> None:
    assert _trust(_with(condition)).bound is False


def test_a_literal_star_equals_no_source() -> None:
    star = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:*"
    assert _trust(_with({"StringEquals": {"aws:SourceArn": star}})).allowed is False
    assert _trust(_with({"StringLike": {"aws:SourceArn": star}})).allowed is True


ROLE, RUNNER = f"arn:aws:iam::{ACCOUNT}:role/zenml", "arn:aws:iam::999999999999:role/app/server"


@pytest.mark.parametrize(
    ("statement", "external_id", "allowed"),
    [
        ({"Principal": {"AWS": RUNNER}}, None, True),
        ({"Principal": {"AWS": "999999999999"}}, None, True),
        ({"Principal": {"AWS": ROLE}}, None, False),
        ({"Principal": {"AWS": RUNNER}, "Condition": {"StringEquals": {"sts:ExternalId": "x"}}},
         "x", True),
        ({"Principal": {"AWS": RUNNER}, "Condition": {"StringEquals": {"sts:ExternalId": "x"}}},
         "X", False),
        ({"Principal": {"AWS": RUNNER}, "Condition": {"StringEquals": {"sts:ExternalId": "x"}}},
         None, False),
        ({"Principal": {"AWS": RUNNER}, "Condition": {"Null": {"sts:ExternalId": "true"}}},
         None, True),
        ({"Principal": {"AWS": RUNNER}, "Condition": {"StringLike": {"sts:RoleSessionName": "a*"}}},
         None, None),
        ({"Principal": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::9*:role/*"}}},
         None, True),
        ({"NotPrincipal": {"AWS": RUNNER}}, None, False),
    ],
)  # fmt: skip
def test_a_principal_is_compared_with_its_external_id(
    statement: dict[str, Any], external_id: str | None, allowed: bool | None
) -> None:
    document = {"Version": "2012-10-17", "Statement": [{**ASSUME, **statement}]}
    trust = principal_may_assume(document, RUNNER, ACCOUNT, external_id)
    assert trust.allowed is allowed, trust


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": [ACCOUNT, "*"]}])
def test_anybody_is_noticed(principal: Any) -> None:
    assert _trust(SAGEMAKER, {**ASSUME, "Principal": principal}).anybody is True
    limited = {
        **ASSUME,
        "Principal": principal,
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
    }
    assert _trust(SAGEMAKER, limited).anybody is False
    # an external id is no secret
    limited["Condition"] = {"StringEquals": {"sts:ExternalId": "x"}}
    assert _trust(SAGEMAKER, limited).anybody is True


def test_a_single_statement_needs_no_list_and_an_empty_document_allows_nobody() -> None:
    assert may_assume({"Statement": SAGEMAKER}, SERVICE, ACCOUNT, None, "aws").allowed is True
    assert may_assume({}, SERVICE, ACCOUNT, None, "aws").allowed is False
