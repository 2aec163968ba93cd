"""Who a trust policy lets in: one row for each half of each condition, asked directly."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.clouds.aws.trust import (
    Trust,
    listed,
    may_assume,
    statement_list,
)
from tests.clouds.aws.assuming import principal_may_assume

SERVICE = "sagemaker.amazonaws.com"
ACCOUNT, OTHER = "123456789012", "999999999999"
REGION = "eu-west-1"
PLAIN = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": SERVICE}}
DENIAL = {**PLAIN, "Effect": "Deny"}
IN_ANY_JOB = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:*"
IN_ONE_JOB = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/mine"
OF_OTHERS = f"arn:aws:sagemaker:{REGION}:{OTHER}:*"


def trust(*statements: Any, region: str | None = REGION, partition: str = "aws") -> Trust:
    return may_assume({"Statement": list(statements)}, SERVICE, ACCOUNT, region, partition)


def under(operator: str, key: str, value: Any, **more: Any) -> dict[str, Any]:
    return {**PLAIN, "Condition": {operator: {key: value}}, **more}


def account(operator: str, value: Any) -> dict[str, Any]:
    return under(operator, "aws:SourceAccount", value)


def source(operator: str, value: Any) -> dict[str, Any]:
    return under(operator, "aws:SourceArn", value)


@pytest.mark.parametrize(
    ("operator", "value", "allowed"),
    [
        # --- equal, as it stands
        ("StringEquals", ACCOUNT, True),
        ("StringEquals", OTHER, False),
        ("StringEquals", [OTHER, ACCOUNT], True),
        ("StringEquals", [OTHER, "111111111111"], False),
        ("StringEquals", int(ACCOUNT), True),
        ("StringEquals", "*", False),
        ("StringEquals", "1234*", False),
        ("StringEquals", "12345678901?", False),
        ("StringEqualsIgnoreCase", ACCOUNT, True),
        ("StringEqualsIgnoreCase", OTHER, False),
        ("StringEqualsIgnoreCase", "*", False),
        # --- alike
        ("StringLike", ACCOUNT, True),
        ("StringLike", "*", True),
        ("StringLike", "12345678901?", True),
        ("StringLike", "12345678901??", False),
        ("StringLike", "9*", False),
        # --- the same, where the key is there: SageMaker always gives it
        ("StringEqualsIfExists", ACCOUNT, True),
        ("StringEqualsIfExists", OTHER, False),
        ("StringLikeIfExists", "1234*", True),
        ("StringLikeIfExists", "9*", False),
        ("stringequalsifexists", ACCOUNT, True),
        # --- not
        ("StringNotEquals", OTHER, True),
        ("StringNotEquals", ACCOUNT, False),
        ("StringNotEquals", [OTHER, ACCOUNT], False),
        ("StringNotEquals", [OTHER, "111111111111"], True),
        ("StringNotEquals", "*", True),
        ("StringNotEqualsIfExists", ACCOUNT, False),
        ("StringNotEqualsIfExists", OTHER, True),
        ("StringNotLike", "*", False),
        ("StringNotLike", "9*", True),
        # --- other kinds
        ("StringNotEqualsIgnoreCase", OTHER, True),
        ("ForAnyValue:StringEquals", ACCOUNT, True),
        ("ForAllValues:StringEquals", ACCOUNT, True),
        ("ForAllValues:StringNotEquals", ACCOUNT, False),
        ("NumericEquals", ACCOUNT, True),
        ("NumericEquals", OTHER, False),
        ("Null", "false", True),
        ("Null", "true", False),
        # --- what does not compare is not guessed
        ("Bool", "true", None),
        ("IpAddress", "10.0.0.0/8", None),
    ],
)
def test_a_condition_on_the_account_is_read_by_its_operator(
    operator: str, value: Any, allowed: bool | None
) -> None:
    assert trust(account(operator, value)).allowed is allowed


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "StringNotEquals", "ArnLike"])
@pytest.mark.parametrize("suffix", ["", "IfExists"])
@pytest.mark.parametrize(
    "key", ["sts:ExternalId", "aws:PrincipalOrgID", "aws:SourceOrgID", "aws:SourceIp"]
)
def test_a_key_that_nobody_knows_beforehand_is_not_guessed(
    operator: str, suffix: str, key: str
) -> None:
    allowed = trust(under(operator + suffix, key, "x"))
    assert allowed.allowed is None
    assert allowed.reasons == (f"the condition {operator}{suffix} {key} = x cannot be told",)


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (IN_ANY_JOB, True),
        (f"arn:*:*:*:{ACCOUNT}:*", True),
        (f"arn:aws:sage*:eu-*:1234*:*", True),  # noqa: F541
        (f"arn:aws:sagemaker:eu-west-?:{ACCOUNT}:*", True),
        # each part but the last decides by itself
        (f"urn:aws:sagemaker:{REGION}:{ACCOUNT}:*", False),
        (f"arn:aws-cn:sagemaker:{REGION}:{ACCOUNT}:*", False),
        (f"arn:aws:states:{REGION}:{ACCOUNT}:*", False),
        (f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:*", False),
        (OF_OTHERS, False),
        (f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/mine", False),
        # the last part: it may be the one that runs, or another
        (IN_ONE_JOB, None),
        (f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/*", None),
        (f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job:*", None),
    ],
)
@pytest.mark.parametrize("operator", ["ArnLike", "ArnEquals", "StringLike", "ArnLikeIfExists"])
def test_the_source_is_known_but_for_its_last_part(
    operator: str, pattern: str, allowed: bool | None
) -> None:
    assert trust(source(operator, pattern)).allowed is allowed


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ("*", True),
        ("arn:*", True),
        ("arn:aws:sagemaker:*", True),
        (f"arn:aws:sagemaker:{REGION}:*", True),
        ("arn:aws:states:*", False),
        ("urn:*", False),
    ],
)
def test_a_text_may_match_with_fewer_parts(pattern: str, allowed: bool) -> None:
    assert trust(source("StringLike", pattern)).allowed is allowed


@pytest.mark.parametrize("operator", ["ArnNotLike", "ArnNotEquals", "StringNotLike"])
@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        (OF_OTHERS, True),
        (IN_ANY_JOB, False),
        (IN_ONE_JOB, None),
        ([OF_OTHERS, IN_ONE_JOB], None),
        ([IN_ONE_JOB, IN_ANY_JOB], False),
        ([OF_OTHERS, IN_ANY_JOB], False),
        ([OF_OTHERS, f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:*"], True),
    ],
)
def test_a_negated_condition_is_met_where_nothing_matches(
    operator: str, values: Any, allowed: bool | None
) -> None:
    assert trust(source(operator, values)).allowed is allowed


@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        ([OF_OTHERS, IN_ANY_JOB], True),
        ([IN_ONE_JOB, IN_ANY_JOB], True),
        ([OF_OTHERS, IN_ONE_JOB], None),
        ([OF_OTHERS, f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:*"], False),
    ],
)
def test_one_value_that_matches_will_do(values: list[str], allowed: bool | None) -> None:
    assert trust(source("ArnLike", values)).allowed is allowed


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (f"arn:aws:sagemaker:*:{ACCOUNT}:*", True),
        (IN_ANY_JOB, None),
        (f"arn:aws:sagemaker:{REGION}:{OTHER}:*", False),
        (f"arn:aws:states:{REGION}:{ACCOUNT}:*", False),
        (f"arn:aws:sagemaker:*:{OTHER}:*", False),
    ],
)
def test_without_a_region_a_condition_on_it_cannot_be_told(
    pattern: str, allowed: bool | None
) -> None:
    assert trust(source("ArnLike", pattern), region=None).allowed is allowed


def test_the_source_is_of_its_own_partition() -> None:
    china = f"arn:aws-cn:sagemaker:cn-north-1:{ACCOUNT}:*"
    there = {"region": "cn-north-1", "partition": "aws-cn"}
    assert trust(source("ArnLike", china), **there).allowed is True
    assert trust(source("ArnLike", china.replace("aws-cn", "aws")), **there).allowed is False


def test_the_source_is_of_the_service_that_asks() -> None:
    service = "scheduler.amazonaws.com"
    statement = {**source("ArnLike", IN_ANY_JOB), "Principal": {"Service": service}}
    document = {"Statement": [statement]}
    assert may_assume(document, service, ACCOUNT, REGION, "aws").allowed is False
    statement["Condition"] = {"ArnLike": {"aws:SourceArn": IN_ANY_JOB.replace("sagemaker", "sch*")}}
    assert may_assume(document, service, ACCOUNT, REGION, "aws").allowed is True


# --- several conditions


MET = {"aws:SourceAccount": ACCOUNT}
UNMET = {"aws:SourceAccount": OTHER}
UNKNOWN = {"sts:ExternalId": "x"}


@pytest.mark.parametrize(
    ("condition", "allowed", "said"),
    [
        (
            {"StringEquals": MET, "StringLike": UNMET},
            False,
            f"the condition StringLike aws:SourceAccount = {OTHER} does not fit",
        ),
        (
            {"StringEquals": {**MET, **UNKNOWN}},
            None,
            "the condition StringEquals sts:ExternalId = x cannot be told",
        ),
        (
            {"StringEquals": {**UNKNOWN, **UNMET}},
            False,
            f"the condition StringEquals aws:SourceAccount = {OTHER} does not fit",
        ),
        (
            {"StringLike": UNMET, "StringEquals": {"aws:SourceAccount": ["1", "2"]}},
            False,
            (
                f"the condition StringLike aws:SourceAccount = {OTHER}; "
                "StringEquals aws:SourceAccount = 1, 2 does not fit"
            ),
        ),
        (
            {"StringLike": UNKNOWN, "Bool": {"aws:MultiFactorAuthPresent": True}},
            None,
            (
                "the condition StringLike sts:ExternalId = x; "
                "Bool aws:MultiFactorAuthPresent = True cannot be told"
            ),
        ),
        (
            {"StringLike": UNKNOWN, "Bool": {"aws:SecureTransport": True}},
            None,
            "the condition StringLike sts:ExternalId = x cannot be told",
        ),
    ],
)
def test_the_conditions_that_decide_are_named_and_no_others(
    condition: dict[str, Any], allowed: bool | None, said: str
) -> None:
    found = trust({**PLAIN, "Condition": condition})
    assert found == Trust(allowed, (said,))


@pytest.mark.parametrize(
    ("statement", "bound"),
    [
        (PLAIN, False),
        ({**PLAIN, "Condition": {}}, False),
        (account("StringEquals", ACCOUNT), True),
        (source("ArnLike", IN_ANY_JOB), True),
        (under("StringEquals", "AWS:SOURCEACCOUNT", ACCOUNT), True),
        # these are not met for sure, so nothing is bound by them
        (account("StringEquals", OTHER), False),
        (source("ArnLike", IN_ONE_JOB), False),
        ({**DENIAL, "Condition": {"StringEquals": MET}}, False),
        (
            {**account("StringEquals", ACCOUNT), "Principal": {"Service": "ec2.amazonaws.com"}},
            False,
        ),
    ],
)
def test_only_a_condition_that_lets_us_in_binds_the_source(
    statement: dict[str, Any], bound: bool
) -> None:
    assert trust(statement).bound is bound


def test_a_bound_statement_stays_bound_beside_one_that_does_not_let_us_in() -> None:
    assert trust(account("StringEquals", ACCOUNT), account("StringEquals", OTHER)).bound is True


# --- several statements


NO_MATCH = account("StringEquals", OTHER)
WORDS_OF_NO_MATCH = f"StringEquals aws:SourceAccount = {OTHER}"
NOT_TOLD = under("StringEquals", "sts:ExternalId", "x")
DENIES_ALL_BUT = {"Effect": "Deny", "Action": "sts:AssumeRole"}
DENIES_OTHERS = {**DENIAL, "Condition": {"StringNotEquals": MET}}
DENIES_MAYBE = {**DENIAL, "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}
DENIES_WITHOUT_KEY = {**DENIAL, "Condition": {"StringEqualsIfExists": {"sts:ExternalId": "x"}}}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([], False),
        ([PLAIN], True),
        ([NO_MATCH], False),
        ([NOT_TOLD], None),
        ([NO_MATCH, PLAIN], True),
        ([NOT_TOLD, PLAIN], True),
        ([NO_MATCH, NOT_TOLD], None),
        ([DENIAL], False),
        ([DENIAL, PLAIN], False),
        ([DENIAL, NOT_TOLD], False),
        ([DENIES_MAYBE], False),
        ([DENIES_MAYBE, PLAIN], None),
        ([DENIES_MAYBE, NOT_TOLD], None),
        ([DENIES_MAYBE, NO_MATCH], False),
        ([DENIES_MAYBE, DENIAL, PLAIN], False),
        # the key may be missing from the request: then this denial holds
        ([DENIES_WITHOUT_KEY, PLAIN], None),
        ([DENIES_OTHERS, PLAIN], True),
        ([{**DENIAL, "Condition": {"StringEquals": MET}}, PLAIN], False),
        ([{**DENIAL, "Condition": {"StringEqualsIfExists": UNMET}}, PLAIN], True),
        ([{**DENIAL, "Principal": {"Service": "ec2.amazonaws.com"}}, PLAIN], True),
        ([{**DENIES_MAYBE, "Principal": {"Service": "ec2.amazonaws.com"}}, PLAIN], True),
        ([{**DENIAL, "Principal": {"AWS": "*"}}, PLAIN], None),
        ([{**DENIAL, "Principal": "*"}, PLAIN], False),
        ([{**DENIES_ALL_BUT, "NotPrincipal": {"Service": SERVICE}}, PLAIN], True),
        ([{**DENIES_ALL_BUT, "NotPrincipal": {"Service": "ec2.amazonaws.com"}}, PLAIN], False),
        ([{**DENIES_ALL_BUT, "NotPrincipal": "*"}, PLAIN], True),
        ([{**DENIES_ALL_BUT, "NotPrincipal": {"AWS": "*"}}, PLAIN], None),
        ([{**DENIAL, "Action": "sts:TagSession"}, PLAIN], True),
    ],
)
def test_a_denial_beats_and_a_doubt_stays_a_doubt(
    statements: list[dict[str, Any]], allowed: bool | None
) -> None:
    assert trust(*statements).allowed is allowed


@pytest.mark.parametrize(
    ("statements", "reasons"),
    [
        ([], (f"no statement allows {SERVICE}",)),
        ([PLAIN], ()),
        ([DENIAL], ("a statement denies it", f"no statement allows {SERVICE}")),
        ([PLAIN, {**DENIAL, "Sid": "No"}], ("a statement denies it (statement No)",)),
        (
            [PLAIN, {**DENIES_MAYBE, "Sid": "Perhaps"}],
            ("a denial depends on StringNotEquals aws:PrincipalOrgID = o-1 (statement Perhaps)",),
        ),
        ([PLAIN, DENIES_OTHERS], ()),
        # What a condition lets in is no reason against it.
        ([account("StringEquals", ACCOUNT), DENIAL], ("a statement denies it",)),
        (
            [account("StringEquals", ACCOUNT), account("StringEquals", OTHER), DENIAL],
            (
                "a statement denies it",
                f"the condition StringEquals aws:SourceAccount = {OTHER} does not fit",
            ),
        ),
        (
            [{**NO_MATCH, "Sid": "Theirs"}],
            (f"the condition {WORDS_OF_NO_MATCH} does not fit (statement Theirs)",),
        ),
    ],
)
def test_every_statement_that_decides_is_named(
    statements: list[dict[str, Any]], reasons: tuple[str, ...]
) -> None:
    assert trust(*statements).reasons == reasons


def test_what_aws_does_not_document_hangs_on_no_condition_and_is_named() -> None:
    """An account alone is excepted, and whether its role is, nothing says."""
    role = f"arn:aws:iam::{ACCOUNT}:role/ci"
    others = {"Effect": "Allow", "Action": "sts:AssumeRole", "Sid": "Others"}
    statement = {**others, "NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    found = principal_may_assume({"Statement": [statement]}, role, ACCOUNT)
    doubt = "NotPrincipal names only one of the caller and its account"
    assert found.allowed is None
    assert found.reasons == (f"{doubt} cannot be told (statement Others)",)


def test_a_service_is_no_user_and_is_bound_by_whom_it_acts_for() -> None:
    assert trust(under("Null", "aws:username", "true")).allowed is True
    assert trust(under("StringEquals", "aws:PrincipalServiceName", SERVICE)).allowed is True
    assert [trust(one).bound for one in (
        PLAIN,
        account("StringEquals", ACCOUNT),
        account("StringEquals", [ACCOUNT, OTHER]),
        source("ArnLike", IN_ANY_JOB),
        under("StringEquals", "aws:ResourceAccount", ACCOUNT),
    )] == [False, True, True, True, False]  # fmt: skip
    # A second statement that lets any account in unbinds the first.
    assert trust(account("StringEquals", ACCOUNT), PLAIN).bound is False
    assert trust(account("StringEquals", OTHER)).bound is False


# --- about whom, and about what


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ({"Service": SERVICE}, True),
        ({"Service": ["ec2.amazonaws.com", SERVICE]}, True),
        ({"Service": ["ec2.amazonaws.com"]}, False),
        ({"Service": f"{SERVICE}.cn"}, False),
        ({"Federated": SERVICE}, False),
        ({"AWS": OTHER}, False),
        ({"AWS": "*"}, None),
        ({}, False),
        ("*", True),
    ],
)
def test_only_a_principal_that_names_the_service_is_about_it(
    principal: Any, allowed: bool | None
) -> None:
    assert trust({**PLAIN, "Principal": principal}).allowed is allowed


@pytest.mark.parametrize(
    ("excluded", "allowed"),
    [
        ({"Service": SERVICE}, False),
        ({"Service": ["ec2.amazonaws.com", SERVICE]}, False),
        ({"Service": "ec2.amazonaws.com"}, True),
        ({"AWS": OTHER}, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, True),
    ],
)
def test_who_is_excluded_is_all_that_a_statement_is_not_about(
    excluded: dict[str, Any], allowed: bool
) -> None:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": excluded}
    assert trust(statement).allowed is allowed


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ({"Action": "sts:AssumeRole"}, True),
        ({"Action": "STS:ASSUMEROLE"}, True),
        ({"Action": "sts:Assume*"}, True),
        ({"Action": "sts:AssumeRol?"}, True),
        ({"Action": "*"}, True),
        ({"Action": ["sts:TagSession", "sts:AssumeRole"]}, True),
        ({"Action": ["sts:TagSession", "sts:SetSourceIdentity"]}, False),
        ({"Action": "sts:AssumeRoleWithSAML"}, False),
        ({"Action": "s3:*"}, False),
        ({"Action": []}, False),
        ({"NotAction": "sts:TagSession"}, True),
        ({"NotAction": "STS:AssumeROLE"}, False),
        ({"NotAction": "sts:*"}, False),
        ({"NotAction": ["s3:*", "sts:AssumeRole"]}, False),
        ({"NotAction": ["s3:*", "sts:TagSession"]}, True),
    ],
)
def test_only_what_is_about_assuming_a_role_counts(action: dict[str, Any], allowed: bool) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": SERVICE}, **action}
    assert trust(statement).allowed is allowed


@pytest.mark.parametrize(
    ("change", "anybody"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", "*"]}}, True),
        ({"Principal": "*", "Condition": {}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": MET}}, False),
        ({"Principal": {"AWS": "*"}, "Condition": {"StringEquals": UNKNOWN}}, True),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalAccount": "*"}}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": OTHER}}}, False),
        ({"Principal": "*", "Effect": "Deny"}, False),
        ({"Principal": {"AWS": "*"}, "Effect": "Deny"}, False),
        ({"Principal": "*", "Action": "sts:TagSession"}, False),
        ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, False),
    ],
)
def test_anybody_is_who_needs_no_name_and_meets_no_condition(
    change: dict[str, Any], anybody: bool
) -> None:
    assert trust({**PLAIN, **change}).anybody is anybody


def test_a_policy_that_lets_anybody_in_says_so_beside_what_lets_us_in() -> None:
    found = trust(PLAIN, {**PLAIN, "Principal": {"AWS": "*"}})
    assert found == Trust(True, (), openings=("anybody, by statement 2",))


# --- forms


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, []), ("a", ["a"]), (["a", "b"], ["a", "b"]), (("a",), ["a"]), ([], []), (0, [0])],
)
def test_one_value_alone_is_a_list_of_one(value: Any, found: list[Any]) -> None:
    assert listed(value) == found


@pytest.mark.parametrize(
    ("document", "count"),
    [
        ({}, 0),
        ({"Statement": None}, 0),
        ({"Statement": PLAIN}, 1),
        ({"Statement": [PLAIN, DENIAL]}, 2),
        ({"Statement": [PLAIN, "nonsense", None]}, 1),
    ],
)
def test_statements_are_mappings_alone_or_in_a_list(document: dict[str, Any], count: int) -> None:
    assert len(statement_list(document)) == count
