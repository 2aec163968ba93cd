"""Policies, requests and what is known of them, at random but the same every time."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

__all__ = ["FORMS", "OURS", "VARIABLES", "Question", "question"]

OURS, OTHER = "123456789012", "999999999999"
SERVICE, PROVIDER = "sagemaker.amazonaws.com", f"arn:aws:iam::{OURS}:oidc-provider/idp.example"
ROLE = f"arn:aws:iam::{OURS}:role/app/runner"
SESSION = f"arn:aws:sts::{OURS}:assumed-role/runner/step-1"
USER = f"arn:aws:iam::{OURS}:user/ann"
STRANGER = f"arn:aws:iam::{OTHER}:role/runner"
BUCKET, OBJECT = "arn:aws:s3:::team-data", "arn:aws:s3:::team-data/kitaru/ann/model"
TARGET = f"arn:aws:iam::{OURS}:role/target"

#: Keys of one value, with what they have in requests.
TEXTS = {
    "aws:username": ["ann", "bob"],
    "aws:PrincipalAccount": [OURS, OTHER],
    "aws:PrincipalOrgID": ["o-1", "o-2"],
    "aws:RequestedRegion": ["eu-west-1", "us-east-1"],
    "aws:PrincipalTag/team": ["ml", "ML", "web*"],
    "sts:ExternalId": ["x-1", "X-1"],
    "s3:prefix": ["kitaru/", "kitaru/ann"],
}
ARNS = {
    "aws:SourceArn": [
        f"arn:aws:sagemaker:eu-west-1:{OURS}:training-job/a",
        f"arn:aws:states:us-east-1:{OTHER}:stateMachine:b:c",
        "arn:aws:s3:::team-data",
    ],
    "aws:PrincipalArn": [ROLE, USER, STRANGER],
}
NUMBERS = {"s3:max-keys": ["10", "100", "10.0"], "aws:MultiFactorAuthAge": ["60", "3600"]}
DATES = {
    "aws:CurrentTime": ["2026-01-01T00:00:00Z", "2026-06-01T12:30:00Z"],
    "aws:TokenIssueTime": ["2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"],
}
TRUTHS = {"aws:SecureTransport": ["true", "false"], "aws:MultiFactorAuthPresent": ["true", "false"]}
ADDRESSES = {"aws:SourceIp": ["203.0.113.7", "10.1.2.3", "2001:db8::1"]}
BYTES = {"kms:RecipientAttestation:PCR0": ["QUJD", "REVG"]}
SETS = {"aws:TagKeys": [["a", "b"], ["a"], ["env"]], "aws:PrincipalOrgPaths": [["o-1/r/ou-1/"]]}

_TEXT_VALUES = [
    "*", "ann", "a*", "?nn", OURS, OTHER, "1234*", "12345678901?", "o-1", "o-*", "eu-west-1",
    "eu-*", "ml", "ML", "m?", "web*", "web${*}", "x-1", "X-?", "kitaru/*",
    "kitaru/${aws:username}", "${aws:username}", "${aws:PrincipalTag/team, 'ml'}",
    "${aws:PrincipalTag/none}",
    "${$}", "${?}nn", "${aws:PrincipalAccount}", "a", "env",
]  # fmt: skip
_ARN_VALUES = [
    f"arn:aws:sagemaker:*:{OURS}:*", f"arn:aws:sagemaker:eu-west-1:{OURS}:training-job/a",
    "arn:aws:s3:::*", f"arn:aws:iam::{OURS}:role/*", ROLE, "arn:aws:iam::*:role/*/runner",
    f"arn:aws:iam::{OURS}:user/${{aws:username}}", "arn:*:*:*:*:*",
    f"arn:aws:states:*:{OTHER}:*:b:c",     f"arn:aws:*:????????????:{OURS}:*",
]  # fmt: skip
_OPERATORS: list[tuple[list[str], dict[str, list[Any]], list[Any]]] = [
    (["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
      "StringLike", "StringNotLike"], TEXTS | ARNS, [*_TEXT_VALUES, *_ARN_VALUES]),
    (["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"], ARNS, _ARN_VALUES),
    (["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
      "NumericGreaterThan", "NumericGreaterThanEquals"], NUMBERS, ["10", 100, "60", "99.5"]),
    (["DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan",
      "DateGreaterThanEquals"], DATES, ["2026-01-01T00:00:00Z", "2026-03-01T00:00:00+02:00"]),
    (["Bool"], TRUTHS, ["true", "false", True, False, "True"]),
    (["BinaryEquals"], BYTES, ["QUJD", "R0hJ"]),
    (["IpAddress", "NotIpAddress"], ADDRESSES,
     ["203.0.113.0/24", "10.0.0.0/8", "203.0.113.7/32", "2001:db8::/32", "128.0.0.0/1"]),
]  # fmt: skip
#: Every form of every operator, with the row above that it is of.
FORMS = [
    (each + operator + optional, group)
    for group, (operators, _, _) in enumerate(_OPERATORS)
    for operator in operators
    for each in ("", "ForAllValues:", "ForAnyValue:")
    for optional in ("", "IfExists")
]
#: The policy variables that documents have: by a key, with a default, without a value, of a sign.
VARIABLES = [
    *("${aws:username}", "${aws:PrincipalTag/team, 'ml'}", "${aws:PrincipalTag/none}"),
    *("${$}", "${*}", "${?}", "${aws:PrincipalAccount}"),
]
_PRINCIPALS: list[tuple[str, str]] = [
    ("AWS", OURS), ("AWS", f"arn:aws:iam::{OURS}:root"), ("AWS", OTHER), ("AWS", ROLE),
    ("AWS", USER), ("AWS", SESSION), ("AWS", f"arn:aws:sts::{OURS}:assumed-role/runner/other"),
    ("AWS", STRANGER), ("AWS", "*"), ("Service", SERVICE), ("Service", "ec2.amazonaws.com"),
    ("Federated", PROVIDER), ("Federated", "cognito-identity.amazonaws.com"),
    ("AWS", "AIDAEXAMPLEEXAMPLE123"), ("CanonicalUser", "79a59df900b949e55d96a1e698fbaced"),
]  # fmt: skip
CALLERS = [ROLE, ROLE, SESSION, SESSION, USER, USER, STRANGER, SERVICE, PROVIDER, None]


@dataclass(frozen=True, slots=True)
class Question:
    """A document, who asks for what, and the request's keys with those that are hidden from us."""

    document: dict[str, Any]
    principal: str | None
    action: str
    resource: str
    context: dict[str, str | list[str]]
    hidden: frozenset[str]
    trust: bool


def question(seed: int) -> Question:
    """The question of this number."""
    random = Random(seed)
    trust = random.random() < 0.4
    action = "sts:AssumeRole" if trust else random.choice(["s3:GetObject", "s3:ListBucket"])
    resource = TARGET if trust else OBJECT if action == "s3:GetObject" else BUCKET
    count = random.choice([1, 2, 2, 3, 4])
    # Each form of each operator has its turn; chance alone would never come to some.
    chosen = random.randrange(count)
    statements = [
        _statement(random, trust, FORMS[seed % len(FORMS)] if number == chosen else None)
        for number in range(count)
    ]
    document = {"Version": "2012-10-17", "Statement": statements}
    if len(statements) == 1 and random.random() < 0.5:
        document["Statement"] = statements[0]
    context = _context(random)
    used = {key for s in statements for keys in s.get("Condition", {}).values() for key in keys}
    hidden = frozenset(key for key in sorted(used | context.keys()) if random.random() < 0.5)
    principal = random.choice(CALLERS)
    return Question(document, principal, action, resource, context, hidden, trust)


def _context(random: Random) -> dict[str, str | list[str]]:
    every: dict[str, list[Any]] = (
        TEXTS | ARNS | NUMBERS | DATES | TRUTHS | ADDRESSES | BYTES | SETS  # type: ignore[assignment]
    )
    return {key: random.choice(values) for key, values in every.items() if random.random() < 0.7}


def _statement(random: Random, trust: bool, form: tuple[str, int] | None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": random.choice(["Allow", "Allow", "Allow", "Deny"])}
    negated = random.random() < 0.1
    statement["NotPrincipal" if negated else "Principal"] = _principal(random)
    actions = ["sts:AssumeRole", "sts:*", "STS:assumerole", "*"]
    if not trust:
        actions = ["s3:*", "S3:getobject", "s3:Get*", "s3:ListBucket", "*", "s3:?etObject", "sts:*"]
    key = "NotAction" if random.random() < 0.08 else "Action"
    statement[key] = _one_or_more(random, actions)
    if not trust:
        resources = [
            "*", BUCKET, f"{BUCKET}/*", f"{BUCKET}*", OBJECT,
            f"{BUCKET}/kitaru/${{aws:username}}/*",
            f"{BUCKET}/kitaru/*/model", f"{BUCKET}/other/*", "arn:aws:s3:::*", "arn:aws:s3:*",
        ]  # fmt: skip
        key = "NotResource" if random.random() < 0.1 else "Resource"
        statement[key] = _one_or_more(random, resources)
    conditions = _conditions(random, form)
    if conditions:
        statement["Condition"] = conditions
    return statement


def _principal(random: Random) -> Any:
    if random.random() < 0.15:
        return "*"
    chosen: dict[str, list[str]] = {}
    for kind, name in random.sample(_PRINCIPALS, random.choice([1, 1, 2, 3])):
        chosen.setdefault(kind, []).append(name)
    return {k: v[0] if len(v) == 1 and random.random() < 0.7 else v for k, v in chosen.items()}


def _conditions(random: Random, form: tuple[str, int] | None) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    if form is not None:
        operator, group = form
        _, keys, values = _OPERATORS[group]
        each = operator.startswith("For") and "String" in operator and random.random() < 0.7
        key = random.choice(sorted(SETS if each else keys))
        made[operator] = {key: _values(random, operator, keys, key, values)}
    for _ in range(random.choice([0, 0, 1, 1, 1, 2, 3])):
        if random.random() < 0.08:
            key = random.choice(sorted(TEXTS | TRUTHS | SETS))
            made.setdefault("Null", {})[key] = random.choice(["true", "false", True])
            continue
        operators, keys, values = random.choices(_OPERATORS, [6, 3, 1, 1, 1, 1, 1])[0]
        operator, key = random.choice(operators), random.choice(sorted(keys))
        if operator.startswith("String") and random.random() < 0.25:
            key = random.choice(sorted(SETS))
            operator = random.choice(["ForAllValues:", "ForAnyValue:"]) + operator
        elif random.random() < 0.1:
            operator = random.choice(["ForAllValues:", "ForAnyValue:"]) + operator
        if random.random() < 0.2:
            operator += "IfExists"
        made.setdefault(operator, {})[key] = _values(random, operator, keys, key, values)
    return made


def _values(
    random: Random, operator: str, keys: dict[str, list[Any]], key: str, values: list[Any]
) -> Any:
    pool = list(values)
    if "IpAddress" not in operator:  # of a single address, the judge is wrong
        pool += [value for value in keys.get(key, []) if isinstance(value, str)]
    if "Like" not in operator:  # and of ${*} where * is itself
        pool = [value for value in pool if "${*}" not in str(value)]
    return _one_or_more(random, pool)


def _one_or_more(random: Random, values: list[Any]) -> Any:
    chosen = random.sample(values, random.choice([1, 1, 1, 2, 3][: 3 + len(values) // 3]) or 1)
    return chosen[0] if len(chosen) == 1 and random.random() < 0.7 else chosen
