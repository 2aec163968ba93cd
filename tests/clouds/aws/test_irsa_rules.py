"""Roles that service accounts name by an annotation (IRSA): row by row, and beside the judge."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.checks.probes import Denied, NotFound, Skipped, Unavailable
from kitaru_iac.clouds.aws.observations import CallerIdentity, PodIdentity, WebIdentity
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.trust import web_identity_may_assume
from kitaru_iac.clouds.aws.verify_irsa import audiences, evaluate_web_identity
from kitaru_iac.clouds.aws.verify_pods import Pods, evaluate_pod_identity
from tests.clouds.aws import cli
from tests.clouds.aws.judge.node import ask
from tests.clouds.aws.nobody import Nobody
from tests.clouds.aws.test_pod_rules import ACCOUNT, ACCOUNTS, MAY, MAY_NOT, REGION, ROLE, R

OK, WARN, FAIL, UNKNOWN = CheckStatus
ISSUER = f"oidc.eks.{REGION}.amazonaws.com/id/0123ABCD"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
SUBJECT = "system:serviceaccount:ml:default"
STS = "sts.amazonaws.com"
AUD, SUB = {f"{ISSUER}:aud": STS}, {f"{ISSUER}:sub": SUBJECT}
KNOWN: dict[str, Any] = {"ClientIDList": [STS]}
ALLOW: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Federated": PROVIDER},
    "Action": "sts:AssumeRoleWithWebIdentity",
}


def under(**condition: Any) -> dict[str, Any]:
    return {**ALLOW, "Condition": condition}


OURS = under(StringEquals={**AUD, **SUB})


def annotated(*statements: dict[str, Any], **more: Any) -> WebIdentity:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    role = {"Arn": ROLE, "AssumeRolePolicyDocument": document}
    return replace(WebIdentity("default", ROLE, role, [STS], PROVIDER, KNOWN), **more)


#: What trust policies are like, and whether the account's token is let in.
TRUSTS: list[tuple[list[dict[str, Any]], bool | None]] = [
    ([OURS], True),
    ([under(StringEquals=SUB)], True),
    ([under(StringLike={f"{ISSUER}:sub": "system:serviceaccount:ml:*"}, StringEquals=AUD)], True),
    ([under(StringLike={f"{ISSUER}:sub": "system:serviceaccount:prod:*"})], False),
    # A star is no wildcard here.
    ([under(StringEquals={f"{ISSUER}:sub": "system:serviceaccount:ml:*"})], False),
    ([under(StringEquals={f"{ISSUER}:sub": SUBJECT + "s"})], False),
    ([under(StringEquals={f"{ISSUER}:sub": [SUBJECT + "s", SUBJECT]})], True),
    ([under(StringEquals={**SUB, f"{ISSUER}:aud": "sts.example.org"})], False),
    ([under(StringEquals={f"{ISSUER}0:sub": SUBJECT})], False),
    ([under(StringEquals=SUB, Null={f"{ISSUER}:aud": "true"})], False),
    ([under(StringEquals=SUB, StringNotEquals=AUD)], False),
    ([{**OURS, "Action": "sts:AssumeRole"}], False),
    ([{**OURS, "Action": "sts:AssumeRole*"}], True),
    ([{**OURS, "Principal": {"Federated": PROVIDER + "0"}}], False),
    ([{**OURS, "Principal": {"Service": "pods.eks.amazonaws.com"}}], False),
    ([OURS, {**OURS, "Effect": "Deny"}], False),
    ([OURS, {**OURS, "Effect": "Deny", "Condition": {"StringEquals": {
        f"{ISSUER}:sub": "system:serviceaccount:ml:other"}}}], True),
    ([OURS, {**ALLOW, "Effect": "Deny", "Principal": "*", "Condition": {"StringNotLike": {
        f"{ISSUER}:sub": "system:serviceaccount:ml:*"}}}], True),
    ([], False),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "allowed"), TRUSTS)
def test_the_trust_of_the_role(statements: list[dict[str, Any]], allowed: bool) -> None:
    found = evaluate_web_identity(annotated(*statements), R)
    assert (found is None) is allowed, found
    if found is not None:
        assert found.status is WARN
        assert f"{SUBJECT} may not assume {ROLE} by its token" in found.why
        cli.understands(str(found.remedy))


def test_an_evaluator_that_others_keep_says_the_same_of_each_trust() -> None:
    """With the keys that EKS's tokens bring, the condition keys of each are all known."""
    names = ({}, {"Version": "2012-10-17"})
    documents = [{**more, "Statement": list(said)} for said, _ in TRUSTS for more in names if said]
    answers = ask(
        [
            {
                "principal": PROVIDER,
                "action": "sts:AssumeRoleWithWebIdentity",
                "resource": ROLE,
                "account": ACCOUNT,
                "context": {**AUD, **SUB},
                "policy": document,
                "identity": None,
            }
            for document in documents
        ]
    )
    ours = [web_identity_may_assume(d, PROVIDER, SUBJECT, [STS], REGION) for d in documents]
    assert [answer == "Allowed" for answer in answers] == [trust.allowed for trust in ours]
    assert {trust.allowed for trust in ours} == {True, False}


@pytest.mark.parametrize(
    ("one", "status", "why"),
    [
        (annotated(under(StringEquals={**SUB, "aws:PrincipalOrgID": "o-1"})), UNKNOWN, "be told"),
        (annotated(under(StringEquals={**SUB, "aws:RequestedRegion": REGION})), UNKNOWN, "be told"),
        (annotated(under(StringEquals=AUD)), WARN, "is open to"),
        (annotated(ALLOW), WARN, "is open to"),
        (annotated(OURS, role=NotFound("gone")), WARN, f"{ROLE}, which it is annotated with"),
        (annotated(OURS, role=Skipped("of account 9")), UNKNOWN, "(IRSA): of account 9"),
        (annotated(OURS, provider=NotFound("gone")), WARN, f"for the cluster, {PROVIDER}"),
        (annotated(OURS, provider={"ClientIDList": ["x"]}), WARN, f"takes no tokens for {STS}"),
        (annotated(OURS, provider={}), WARN, "takes no tokens"),
        (annotated(OURS, provider=Unavailable("silence")), UNKNOWN, "was not seen: silence"),
        (annotated(OURS, provider=None, provider_arn=None), UNKNOWN, "EKS names no issuer"),
        # Tokens may be for somebody else than STS.
        (annotated(under(StringEquals=SUB), audiences=["x"]), WARN, "takes no tokens for x"),
        (annotated(OURS, audiences=["x"], provider={"ClientIDList": ["x"]}), WARN, "may not"),
    ],
)
def test_what_leads_to_the_role(one: WebIdentity, status: CheckStatus, why: str) -> None:
    found = evaluate_web_identity(one, R)
    assert found is not None
    assert (found.status, why in found.why) == (status, True), found
    cli.understands(str(found.remedy).partition("  # ")[0])


def test_the_permission_that_is_missing_is_named() -> None:
    for denied in (
        {"role": Denied("no", permission="p")},
        {"provider": Denied("no", permission="p")},
    ):
        found = evaluate_web_identity(annotated(OURS, **denied), R)
        assert found is not None
        assert (found.status, found.missing_permission) == (UNKNOWN, "p")


def test_a_trust_is_mended_without_losing_what_is_there() -> None:
    other = {**OURS, "Principal": {"Service": "ec2.amazonaws.com"}}
    found = evaluate_web_identity(annotated(other), R)
    document = json.loads(shlex.split(str(found and found.remedy))[-1])
    assert document == {"Version": "2012-10-17", "Statement": [other, OURS]}
    assert evaluate_web_identity(annotated(*document["Statement"]), R) is None
    # What denies is not mended by one more statement.
    denied = evaluate_web_identity(annotated(OURS, {**OURS, "Effect": "Deny"}), R)
    assert str(denied and denied.remedy).startswith("aws iam get-role ")


def test_its_rights_are_asked_and_an_association_goes_before() -> None:
    def of(*roles: PodIdentity, decisions: Any = MAY, one: WebIdentity | None = None) -> Any:
        seen = () if one is None else (one,)
        rights = {ROLE: (decisions, None)}
        return evaluate_pod_identity(Pods(roles, ACCOUNTS, rights, (), (), {}, seen), R)

    fit = of(one=annotated(OURS))  # for which no agent is needed
    assert (fit.status, fit.why) == (OK, "pods can become pods; IAM Access Analyzer was not asked")
    refused = of(decisions=MAY_NOT, one=annotated(OURS))
    assert (refused.status, "refused to the code of steps" in refused.why) == (WARN, True)
    associated = PodIdentity("default", ROLE, NotFound("gone"))
    beaten = of(associated, one=annotated(OURS, role=Unavailable("silence")))
    assert (beaten.status, "(IRSA)" in beaten.why) == (WARN, False)


CALLER = CallerIdentity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/me")
CLUSTER = {"identity": {"oidc": {"issuer": f"https://{ISSUER}"}}}


class Iam(Nobody):
    """IAM with one role and the cluster's provider."""

    def ask(self, _service: str, operation: str, **given: Any) -> Any:  # type: ignore[override]
        if operation == "get_role":
            assert given["RoleName"] == "pods"
            return {"Role": {"Arn": ROLE}}
        assert given["OpenIDConnectProviderArn"] == PROVIDER
        return KNOWN


def account(role: str, **more: str) -> dict[str, Any]:
    names = {"role-arn": role, **more}
    given = {f"eks.amazonaws.com/{name}": value for name, value in names.items()}
    return {"metadata": {"annotations": given}}


@pytest.mark.parametrize(
    ("role", "cluster", "expected"),
    [
        (ROLE, CLUSTER, ({"Arn": ROLE}, PROVIDER, KNOWN)),
        (ROLE, {}, ({"Arn": ROLE}, None, None)),
        # IAM finds a role by its name alone.
        (ROLE.replace("/team", ""), CLUSTER, (NotFound, PROVIDER, KNOWN)),
        ("pods", CLUSTER, (Skipped, None, None)),
        (ROLE.replace(":role/", ":user/"), CLUSTER, (Skipped, PROVIDER, KNOWN)),
        (ROLE.replace(ACCOUNT, "999999999999"), CLUSTER, (Skipped, None, None)),
    ],
)
def test_what_is_asked_of_iam(role: str, cluster: Any, expected: tuple[Any, ...]) -> None:
    seen = {"a": account(role), "b": {"metadata": {}}, "c": Unavailable("silence")}
    (one,) = AwsProbes(Iam(), R).web_identities.run(cluster, seen, CALLER)
    assert (one.account, one.arn, one.audiences) == ("a", role, [STS])
    kind, *rest = expected
    assert isinstance(one.role, kind) if isinstance(kind, type) else one.role == kind
    assert [one.provider_arn, one.provider] == rest


def test_whom_tokens_are_for() -> None:
    assert audiences(account(ROLE), "aws") == [STS]
    assert audiences(account(ROLE), "aws-cn") == [STS, f"{STS}.cn"]
    assert audiences(account(ROLE, audience="x"), "aws-cn") == ["x"]
