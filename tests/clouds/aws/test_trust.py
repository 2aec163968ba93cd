from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.clouds.aws.trust import Trust, may_assume

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
        {**SAGEMAKER, "Principal": {"AWS": "*"}},
        {**SAGEMAKER, "Principal": {"AWS": SERVICE}},
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
        {"DateLessThan": {"aws:SourceAccount": ACCOUNT}},
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
    assert _trust(SAGEMAKER).bound is False
    assert _trust(_with({"StringEquals": {"aws:SourceAccount": ACCOUNT}})).bound is True


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["x", "*"]}])
def test_anybody_is_noticed(principal: Any) -> None:
    assert _trust(SAGEMAKER, {**ASSUME, "Principal": principal}).anybody is True
    limited = {
        **ASSUME,
        "Principal": principal,
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
    }
    assert _trust(SAGEMAKER, limited).anybody is False


def test_a_single_statement_needs_no_list_and_an_empty_document_allows_nobody() -> None:
    assert may_assume({"Statement": SAGEMAKER}, SERVICE, ACCOUNT, None, "aws").allowed is True
    assert may_assume({}, SERVICE, ACCOUNT, None, "aws").allowed is False
