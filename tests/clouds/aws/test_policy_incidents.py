"""Documents as they stood in public incidents, advisories and the guides that warn of them."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.clouds.aws.policies.document import read_document
from kitaru_iac.clouds.aws.policies.strangers import openings
from kitaru_iac.clouds.aws.trust import may_assume
from tests.clouds.aws.assuming import principal_may_assume

OURS, VENDOR, STRANGER = "123456789012", "464622532012", "999999999999"
GITHUB = "token.actions.githubusercontent.com"
GITHUB_ARN = f"arn:aws:iam::{OURS}:oidc-provider/{GITHUB}"
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
EKS_ARN = f"arn:aws:iam::{OURS}:oidc-provider/{EKS}"
GITLAB, TERRAFORM, CIRCLE = "gitlab.com", "app.terraform.io", "oidc.circleci.com/org/1a2b"
SAML_ARN = f"arn:aws:iam::{OURS}:saml-provider/okta"
COGNITO = "cognito-identity.amazonaws.com"
WEB, ASSUME = "sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **s} for s in statements]}


def allow(principal: Any, condition: Any = None, action: Any = ASSUME, **more: Any) -> Any:
    found = {"Principal": principal, "Action": action, **more}
    return found if condition is None else {**found, "Condition": condition}


def deny(principal: Any, condition: Any = None, action: Any = ASSUME, **more: Any) -> Any:
    return {**allow(principal, condition, action), "Effect": "Deny", **more}


def oidc(issuer: str, condition: Any = None, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:iam::{OURS}:oidc-provider/{issuer}"
    return allow({"Federated": arn}, condition, WEB, **more)


def sub(issuer: str, value: Any, operator: str = "StringLike") -> dict[str, Any]:
    aud = {f"{issuer}:aud": "sts.amazonaws.com"}
    keys = {operator: {f"{issuer}:sub": value}}
    if operator == "StringEquals":
        return {"StringEquals": {**aud, f"{issuer}:sub": value}}
    return {"StringEquals": aud, **keys}


def open_to(*statements: dict[str, Any]) -> tuple[str, ...]:
    return openings(read_document(document(*statements)), ASSUME, None, OURS)


_ANY = {"AWS": "*"}
_AUD = {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}
OPEN = {
    # --- anybody with an account
    "a star": [allow("*")],
    "a star under AWS": [allow(_ANY)],
    "a star among accounts": [allow({"AWS": [OURS, "*"]})],
    "a star, of all actions": [allow(_ANY, action="*")],
    "a star, in old words": [allow(_ANY, action="STS:assumerole*")],
    "NotPrincipal": [{"NotPrincipal": {"AWS": f"arn:aws:iam::{STRANGER}:root"}, "Action": ASSUME}],
    "NotAction sts:": [{"Principal": _ANY, "NotAction": "sts:TagSession"}],
    "NotAction of another service": [{"Principal": _ANY, "NotAction": "s3:*"}],
    # --- a condition that keeps nobody out
    "like a star": [allow(_ANY, {"StringLike": {"aws:PrincipalAccount": "*"}})],
    "an account list with a star": [
        allow(_ANY, {"StringLike": {"aws:PrincipalAccount": [OURS, "*"]}})],
    "accounts that begin so": [allow(_ANY, {"StringLike": {"aws:PrincipalAccount": "12*"}})],
    "IfExists on the organization": [
        allow(_ANY, {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})],
    "ForAllValues on the organization": [
        allow(_ANY, {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}})],
    "any organization": [allow(_ANY, {"StringLike": {"aws:PrincipalOrgID": "o-*"}})],
    "some organization": [allow(_ANY, {"Null": {"aws:PrincipalOrgID": "false"}})],
    "not that organization": [allow(_ANY, {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}})],
    "roles of a name anywhere": [
        allow(_ANY, {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Admin"}})],
    "ARNs that are no whole ones": [allow(_ANY, {"ArnLike": {"aws:PrincipalArn": "*"}})],
    "the caller is itself": [
        allow(_ANY, {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}})],
    "the session's name": [allow(_ANY, {"StringLike": {"sts:RoleSessionName": "ci-*"}})],
    "the session's name is the caller's": [
        allow(_ANY, {"StringEquals": {"sts:RoleSessionName": "${aws:username}"}})],
    "an external id": [allow(_ANY, {"StringEquals": {"sts:ExternalId": "6b5c"}})],
    "a tag of the caller": [allow(_ANY, {"StringEquals": {"aws:PrincipalTag/team": "ml"}})],
    "a tag of the session": [allow(_ANY, {"StringEquals": {"aws:RequestTag/team": "ml"}})],
    "MFA": [allow(_ANY, {"Bool": {"aws:MultiFactorAuthPresent": "true"}})],
    "TLS": [allow(_ANY, {"Bool": {"aws:SecureTransport": "true"}})],
    "a user agent": [allow(_ANY, {"StringLike": {"aws:UserAgent": "*terraform*"}})],
    "a region": [allow(_ANY, {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})],
    "all addresses": [allow(_ANY, {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})],
    "all addresses, in two halves": [
        allow(_ANY, {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}})],
    "an office, or no address, by an endpoint": [
        allow(_ANY, {"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}})],
    "all but some addresses": [allow(_ANY, {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}})],
    "a denial that a stranger avoids": [
        allow(_ANY), deny(_ANY, {"Bool": {"aws:MultiFactorAuthPresent": "false"}})],
    "a denial of others": [
        allow(_ANY), deny({"AWS": STRANGER})],
    "one narrow and one wide": [
        allow(_ANY, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), allow(_ANY)],
    # --- whoever an identity provider sends
    "GitHub without a condition": [oidc(GITHUB)],
    "GitHub with an audience alone": [oidc(GITHUB, _AUD)],
    "GitHub, every repository": [oidc(GITHUB, sub(GITHUB, "repo:*"))],
    "GitHub, a star": [oidc(GITHUB, sub(GITHUB, "*"))],
    "GitHub, owners that begin so": [oidc(GITHUB, sub(GITHUB, "repo:acme*"))],
    "GitHub, owners that begin so, with a name": [oidc(GITHUB, sub(GITHUB, "repo:acme*/app:*"))],
    "GitHub, any owner's app": [oidc(GITHUB, sub(GITHUB, "repo:*/app:ref:refs/heads/main"))],
    "GitHub, one of two is wide": [
        oidc(GITHUB, sub(GITHUB, ["repo:acme/app:*", "repo:*:environment:prod"]))],
    "GitHub, not the others": [oidc(GITHUB, sub(GITHUB, "repo:evil/*", "StringNotLike"))],
    "GitHub, an owner that may be missing": [
        oidc(GITHUB, {"StringEqualsIfExists": {f"{GITHUB}:repository_owner": "acme"}})],
    "GitHub, all of no owners": [
        oidc(GITHUB, {"ForAllValues:StringEquals": {f"{GITHUB}:repository_owner": "acme"}})],
    "GitHub, all actions": [oidc(GITHUB, _AUD, Action="sts:*")],
    "GitLab, every group": [oidc(GITLAB, sub(GITLAB, "project_path:*:ref_type:branch:ref:main"))],
    "Terraform, every organization": [oidc(TERRAFORM, sub(TERRAFORM, "organization:*:project:p*"))],
    "CircleCI, every organization": [oidc(CIRCLE, sub(CIRCLE, "org/*/project/*"))],
    "EKS with an audience alone": [
        oidc(EKS, {"StringEquals": {f"{EKS}:aud": "sts.amazonaws.com"}})],
    "EKS, every namespace": [oidc(EKS, sub(EKS, "system:serviceaccount:*:runner"))],
    "Cognito, a pool and whoever": [
        allow({"Federated": COGNITO}, {"StringEquals": {f"{COGNITO}:aud": "eu-west-1:1"}}, WEB)],
    "Cognito, unauthenticated": [
        allow({"Federated": COGNITO}, {
            "StringEquals": {f"{COGNITO}:aud": "eu-west-1:1"},
            "ForAnyValue:StringLike": {f"{COGNITO}:amr": "unauthenticated"}}, WEB)],
    "Google with an audience alone": [
        allow({"Federated": "accounts.google.com"},
              {"StringEquals": {"accounts.google.com:aud": "1.apps"}}, WEB)],
}  # fmt: skip

CLOSED = {
    "an account": [allow({"AWS": OURS})],
    "a vendor with its external id": [
        allow({"AWS": VENDOR}, {"StringEquals": {"sts:ExternalId": "6b5c"}})],
    "a vendor without one": [allow({"AWS": f"arn:aws:iam::{VENDOR}:root"})],
    "a service": [allow({"Service": "sagemaker.amazonaws.com"})],
    "an organization": [allow(_ANY, {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})],
    "a part of an organization": [
        allow(_ANY, {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}})],
    "an account by condition": [allow(_ANY, {"StringEquals": {"aws:PrincipalAccount": OURS}})],
    "a signed request has an account": [
        allow(_ANY, {"StringEqualsIfExists": {"aws:PrincipalAccount": OURS}})],
    "our own account": [
        allow(_ANY, {"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}})],
    "roles of an account": [
        allow(_ANY, {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OURS}:role/*"}})],
    "roles of an account, as text": [
        allow(_ANY, {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{OURS}:role/ci-*"}})],
    "sessions of a role's id": [allow(_ANY, {"StringLike": {"aws:userid": "AROAEXAMPLEID:*"}})],
    "an endpoint": [allow(_ANY, {"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}})],
    "an office, with all else denied": [
        allow(_ANY), deny("*", {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}})],
    "an office": [allow(_ANY, {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})],
    "a literal star": [allow(_ANY, {"StringEquals": {"aws:PrincipalAccount": "*"}})],
    "everybody, and all but us denied": [
        allow(_ANY), deny("*", {"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})],
    "everybody, and all but an account denied": [
        allow(_ANY), deny("*", {"StringNotEquals": {"aws:PrincipalAccount": [OURS, VENDOR]}})],
    "everybody, all but a role denied": [
        allow(_ANY), {"Effect": "Deny", "Action": "*", "NotPrincipal": {"AWS": OURS}}],
    "everybody, for something else": [allow(_ANY, action="sts:TagSession")],
    "NotAction sts:*": [{"Principal": _ANY, "NotAction": "sts:*"}],
    "GitHub, a branch": [
        oidc(GITHUB, sub(GITHUB, "repo:acme/app:ref:refs/heads/main", "StringEquals"))],
    "GitHub, an organization": [oidc(GITHUB, sub(GITHUB, "repo:acme/*"))],
    "GitHub, a repository": [oidc(GITHUB, sub(GITHUB, ["repo:acme/app:*", "repo:acme/lib:*"]))],
    "GitHub, any value of the subject": [
        oidc(GITHUB, sub(GITHUB, "repo:acme/app:*", "ForAnyValue:StringLike"))],
    "GitHub, all values of the subject": [
        oidc(GITHUB, sub(GITHUB, "repo:acme/app:*", "ForAllValues:StringLike"))],
    "GitHub, a workflow": [
        oidc(GITHUB, {"StringLike": {f"{GITHUB}:job_workflow_ref": "acme/ci/.github/*"}})],
    "GitLab, a group": [oidc(GITLAB, sub(GITLAB, "project_path:acme/*:ref_type:branch:ref:main"))],
    "Terraform, an organization": [oidc(TERRAFORM, sub(TERRAFORM, "organization:acme:project:*"))],
    "CircleCI, an organization": [oidc(CIRCLE, sub(CIRCLE, "org/1a2b/project/*"))],
    "EKS, a service account": [
        oidc(EKS, sub(EKS, "system:serviceaccount:zenml:runner", "StringEquals"))],
    "EKS, a namespace": [oidc(EKS, sub(EKS, "system:serviceaccount:zenml:*"))],
    "SAML": [allow({"Federated": SAML_ARN},
                   {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
                   "sts:AssumeRoleWithSAML")],
    "Google, a person": [
        allow({"Federated": "accounts.google.com"},
              {"StringEquals": {"accounts.google.com:sub": "1097"}}, WEB)],
}  # fmt: skip


def test_there_are_enough_of_them() -> None:
    assert len(OPEN) + len(CLOSED) > 80


@pytest.mark.parametrize("statements", OPEN.values(), ids=OPEN)
def test_what_lets_in_whom_it_does_not_name_is_found(statements: list[Any]) -> None:
    found = open_to(*statements)
    assert len(found) == 1, found
    assert found[0].startswith(("anybody, by statement ", "everybody with a token of "))
    for condition in statements[-1].get("Condition", {}).values():
        if statements[-1].get("Effect") != "Deny" and len(statements) == 1:
            assert all(key in found[0] for key in condition)


@pytest.mark.parametrize("statements", CLOSED.values(), ids=CLOSED)
def test_what_names_somebody_is_not_open(statements: list[Any]) -> None:
    assert open_to(*statements) == ()


# --- the confused deputy


SAGEMAKER = {"Service": "sagemaker.amazonaws.com"}
JOB = f"arn:aws:sagemaker:eu-west-1:{OURS}:"


@pytest.mark.parametrize(
    ("condition", "allowed", "bound"),
    [
        (None, True, False),
        ({"StringEquals": {"aws:SourceAccount": OURS}}, True, True),
        ({"StringEquals": {"aws:SourceAccount": [OURS, VENDOR]}}, True, True),
        ({"StringEquals": {"aws:SourceAccount": "${aws:ResourceAccount}"}}, True, True),
        ({"StringEquals": {"aws:SourceAccount": STRANGER}}, False, False),
        ({"ArnLike": {"aws:SourceArn": f"{JOB}*"}}, True, True),
        ({"ArnEquals": {"aws:SourceArn": f"{JOB}*"}}, True, True),
        ({"StringEquals": {"aws:SourceArn": f"{JOB}*"}}, False, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:*:*:*"}}, True, False),
        ({"ArnLike": {"aws:SourceArn": f"{JOB}training-job/a"}}, None, False),
        ({"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}}, None, False),
        ({"Null": {"aws:SourceArn": "true"}}, False, False),
    ],
)
def test_a_service_acts_for_us_or_for_whoever_asks_it(
    condition: Any, allowed: bool | None, bound: bool
) -> None:
    trust = may_assume(
        document(allow(SAGEMAKER, condition)), SAGEMAKER["Service"], OURS, "eu-west-1", "aws"
    )
    assert (trust.allowed, trust.bound) == (allowed, bound), trust
    assert trust.openings == ()


SERVER = f"arn:aws:iam::{VENDOR}:role/zenml-server"


@pytest.mark.parametrize(
    ("statements", "external_id", "allowed"),
    [
        ([allow({"AWS": VENDOR}, {"StringEquals": {"sts:ExternalId": "6b5c"}})], "6b5c", True),
        ([allow({"AWS": VENDOR}, {"StringEquals": {"sts:ExternalId": "6b5c"}})], None, False),
        ([allow({"AWS": VENDOR}, {"StringLike": {"sts:ExternalId": "*"}})], None, False),
        ([allow({"AWS": VENDOR}, {"StringEqualsIfExists": {"sts:ExternalId": "a"}})], None, True),
        ([allow({"AWS": SERVER}), deny("*", {"StringNotEquals": {"sts:ExternalId": "a"}})],
         None, False),
        ([allow({"AWS": SERVER}), deny("*", {"StringNotEquals": {"sts:ExternalId": "a"}})],
         "a", True),
        ([allow({"AWS": f"arn:aws:sts::{VENDOR}:assumed-role/zenml-server/web"})], None, None),
        ([allow({"AWS": SERVER}, {"StringEquals": {"sts:RoleSessionName": "web"}})], None, None),
        ([allow({"AWS": SERVER}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}})], None, None),
        ([allow({"AWS": SERVER}), deny({"AWS": "*"}, {"Bool": {"aws:ViaAWSService": "false"}})],
         None, None),
        ([allow({"AWS": SERVER}), deny({"AWS": "*"})], None, False),
        ([allow({"AWS": SERVER}), {"Effect": "Deny", "Action": "*", "NotPrincipal": "*"}],
         None, True),
        ([allow({"AWS": SERVER}), {
            "Effect": "Deny", "Action": "*", "NotPrincipal": {"AWS": SERVER}}], None, None),
        ([allow({"AWS": SERVER}), {
            "Effect": "Deny", "Action": "*", "NotPrincipal": {"AWS": [SERVER, VENDOR]}}],
         None, True),
        ([allow({"AWS": "AROAEXAMPLEOFADELETED"})], None, False),
    ],
)  # fmt: skip
def test_the_server_becomes_the_connector_s_role_or_does_not(
    statements: list[Any], external_id: str | None, allowed: bool | None
) -> None:
    trust = principal_may_assume(document(*statements), SERVER, OURS, external_id)
    assert trust.allowed is allowed, trust


# --- buckets


def public(condition: Any = None, principal: Any = "*", **more: Any) -> tuple[str, ...]:
    statement = allow(principal, condition, "s3:GetObject", Resource="arn:aws:s3:::b/*", **more)
    return openings(read_document(document(statement)), "s3:GetObject", "arn:aws:s3:::b/k", OURS)


@pytest.mark.parametrize(
    ("condition", "is_open"),
    [
        (None, True),
        ({"StringLike": {"aws:Referer": "https://example.org/*"}}, True),
        ({"IpAddress": {"aws:SourceIp": "54.240.143.0/24"}}, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/7"}}, True),
        ({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}, False),
        ({"StringLike": {"aws:SourceVpc": "vpc-*"}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
        ({"StringEqualsIfExists": {"aws:PrincipalAccount": OURS}}, True),
        (
            {"ArnEquals": {"aws:SourceArn": "arn:aws:cloudfront::123456789012:d/E"}},
            False,
        ),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::ours-*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::ours"}}, False),
        ({"StringEquals": {"s3:ExistingObjectTag/public": "yes"}}, True),
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, False),
        ({"StringEquals": {"s3:DataAccessPointAccount": OURS}}, False),
    ],
)
def test_a_bucket_is_public_as_s3_means_it(condition: Any, is_open: bool) -> None:
    for principal in ("*", _ANY):
        assert bool(public(condition, principal)) is is_open, public(condition, principal)


def test_the_user_of_a_distribution_of_cloudfront_is_read_and_is_nobody_else() -> None:
    user = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE"
    read = read_document(document(allow({"AWS": user}, None, "s3:GetObject", Resource="*")))
    assert read.problems == ()
    assert not public(principal={"AWS": user})
