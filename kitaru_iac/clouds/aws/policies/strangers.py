"""Whom a policy lets in that it does not name: anybody, or whoever an identity provider sends.

A statement for everybody is narrowed by a condition that a stranger cannot meet, and by no other. A
stranger chooses what it can: its own names and tags, the session's name, headers, addresses, and an
external id, which is no secret. What S3 takes for a fixed value is taken for one here.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from kitaru_iac.clouds.aws.policies.conditions import Condition
from kitaru_iac.clouds.aws.policies.document import Document, NamedPrincipal, Statement
from kitaru_iac.clouds.aws.policies.evaluate import Decision, evaluate
from kitaru_iac.clouds.aws.policies.requests import (
    ABSENT,
    Caller,
    CallerKind,
    Context,
    Foreign,
    Possible,
    Request,
)

__all__ = ["openings"]

_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
#: Claims about the application that a token is for, which say nothing about who holds it.
_AUDIENCES = {"aud", "amr", "azp", "oaud"}
#: How subjects begin, each before the owner: of GitHub, GitLab, HCP Terraform, a cluster, CircleCI.
_OWNER_BEHIND = ("repo:", "project_path:", "organization:", "system:serviceaccount:", "org/")


def openings(
    document: Document, action: str, resource: str | None, account: str | None
) -> tuple[str, ...]:
    """The statements that let a stranger do something, in words.

    Args:
        document: A policy of a bucket or repository, or a trust policy.
        action: What a stranger would do.
        resource: On which thing; None in a trust policy.
        account: The account that the thing is in.
    """
    found: dict[str, tuple[str, str]] = {}
    for caller in (Caller(CallerKind.STRANGER), Caller(CallerKind.ANONYMOUS)):
        if resource is None and caller.kind is CallerKind.ANONYMOUS:
            continue  # nobody assumes a role without signing
        context = _context(caller.kind, account)
        decision = evaluate(document, Request(caller, action, resource, context))
        for statement in _letting(decision):
            found.setdefault(statement.title, ("anybody", _though(statement.conditions)))
    if resource is None:
        for statement in document.statements:
            whose = _federated(statement)
            if whose is not None and statement.title not in found:
                found[statement.title] = whose
    return tuple(f"{whom}, by {title}{though}" for title, (whom, though) in found.items())


def _letting(decision: Decision) -> list[Statement]:
    """The statements that may let a stranger in, where no denial surely stops it."""
    if decision.problems or decision.deny.value is True:
        return []
    return [
        part.statement
        for part in decision.parts
        if part.statement.allows and part.either.value is not False
    ]


def _context(kind: CallerKind, account: str | None) -> Context:
    """What a stranger's request says. What is not here, a stranger may choose."""
    maybe: list[Possible] = [ABSENT, Foreign.TEXT]
    signed: Possible | list[Possible] = ABSENT if kind is CallerKind.ANONYMOUS else Foreign.TEXT
    arn: Possible | list[Possible] = ABSENT if kind is CallerKind.ANONYMOUS else Foreign.ARN
    known: dict[str, Possible | list[Possible]] = {
        "aws:principalaccount": signed,
        "aws:principalarn": arn,
        "aws:userid": signed,
        "aws:principalorgid": maybe,
        "aws:principalorgpaths": [ABSENT, (Foreign.TEXT,)],
        # Whoever comes by a VPC endpoint, its own, sends no address:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        "aws:sourceip": [ABSENT, Foreign.ADDRESS],
        "aws:sourcevpc": maybe,
        "aws:sourcevpce": maybe,
        "aws:vpcsourceip": [ABSENT, Foreign.ADDRESS],
        "aws:sourcearn": [ABSENT, Foreign.ARN],
        "aws:sourceaccount": maybe,
        "aws:sourceowner": maybe,
        "aws:sourceorgid": maybe,
        "aws:sourceorgpaths": [ABSENT, (Foreign.TEXT,)],
        "aws:federatedprovider": [ABSENT, Foreign.ARN],
        "s3:dataaccesspointaccount": maybe,
        "s3:dataaccesspointarn": [ABSENT, Foreign.ARN],
        "aws:principalisawsservice": "false",
    }
    if account is not None:
        known["aws:resourceaccount"] = account
    return Context(known)


def _though(conditions: Sequence[Condition]) -> str:
    """The conditions that do not narrow it."""
    said = "; ".join(condition.said for condition in conditions)
    return f" ({said} keeps nobody out)" if said else ""


# --- identity providers


def _federated(statement: Statement) -> tuple[str, str] | None:
    """Whom a statement for a provider of web identities lets in without naming anybody.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
    """
    providers = [
        principal.name
        for principal in statement.principals or ()
        if principal.kind == "Federated" and ":saml-provider/" not in principal.name
    ]
    if not statement.allows or statement.negated_principals or not providers:
        return None
    if not _may_be_web_identity(statement):
        return None
    if any(_names_somebody(condition) for condition in statement.conditions):
        return None
    claims = "; ".join(condition.said for condition in statement.conditions)
    though = f" ({claims} names nobody)" if claims else ""
    return f"everybody with a token of {', '.join(map(_short, providers))}", though


def _may_be_web_identity(statement: Statement) -> bool:
    request = Request(Caller(CallerKind.STRANGER), _WEB_IDENTITY)
    everybody = replace(statement, principals=(NamedPrincipal("", "*"),), conditions=())
    return evaluate(Document((everybody,), True), request).allow.value is True


def _short(provider: str) -> str:
    return provider.rsplit("oidc-provider/", 1)[-1]


def _names_somebody(condition: Condition) -> bool:
    """Whether a condition on a claim says who: not the audience, and more than a wildcard.

    A token always has a subject; other claims may be missing, and ForAllValues and IfExists are met
    without them.
    """
    operator = condition.operator
    issuer, _, claim = condition.key.rpartition(":")
    if operator.negated or operator.kind not in {"string", "arn"}:
        return False
    if claim.lower() in _AUDIENCES or issuer.lower() in {"aws", "sts"}:
        return False
    if claim.lower() != "sub" and (operator.if_exists or operator.each == "forallvalues"):
        return False
    if not condition.values:
        return False
    wild = operator.how == "like"
    return all(_fixed(value, wild=wild) for value in condition.values)


def _fixed(value: str, *, wild: bool) -> bool:
    """Whether a value leaves open nothing that decides whose it is.

    Providers for many write the owner behind a label, as ``repo:OWNER/``: it must end before the
    first wildcard, since anybody may make an owner whose name begins alike.
    """
    if not wild:
        return True
    begin = re.split(r"[*?]", value, maxsplit=1)[0]
    if begin == value:
        return True
    for label in _OWNER_BEHIND:
        if value.startswith(label) or label.startswith(begin):
            return re.match(re.escape(label) + "[^*?/:]+[/:]", value) is not None
    return bool(begin)
