"""Reading a role's trust policy: may a service, or who has a token, become this role?

`policies` evaluates the document; this asks it the questions that matter here. What cannot be told
is None, and never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kitaru_iac.clouds.aws.policies.answers import Answer
from kitaru_iac.clouds.aws.policies.document import Document, read_document
from kitaru_iac.clouds.aws.policies.evaluate import Decision, Part, evaluate
from kitaru_iac.clouds.aws.policies.requests import (
    ABSENT,
    Caller,
    CallerKind,
    Context,
    Foreign,
    Pattern,
    Possible,
    Request,
)
from kitaru_iac.clouds.aws.policies.strangers import openings

__all__ = ["Trust", "listed", "may_assume", "statement_list", "trust_of", "web_identity_may_assume"]

_ASSUME = "sts:AssumeRole"
#: What a request with a token has not.
_NOT_BROUGHT = ("aws:sourcearn", "aws:sourceaccount", "aws:username", "sts:externalid")
_FOREIGN_SOURCE: Mapping[str, list[Possible]] = {
    "aws:sourceaccount": [Foreign.TEXT],
    "aws:sourcearn": [Foreign.ARN],
    "aws:sourceorgid": [ABSENT, Foreign.TEXT],
    "aws:sourceorgpaths": [ABSENT, (Foreign.TEXT,)],
}


@dataclass(frozen=True, slots=True)
class Trust:
    """What a trust policy says about one service or principal.

    Attributes:
        allowed: True, False, or None where it depends on conditions that cannot be told.
        reasons: What was read, one sentence each.
        bound: Whether a service can assume it for our account alone, by a condition on the source
            (`aws:SourceAccount`, `aws:SourceArn` or the organization's).
        openings: Whom it lets in without naming them, one sentence each.
    """

    allowed: bool | None
    reasons: tuple[str, ...] = ()
    bound: bool = False
    openings: tuple[str, ...] = ()

    @property
    def anybody(self) -> bool:
        """Whether it lets in whom it does not name."""
        return bool(self.openings)


def may_assume(
    document: Mapping[str, Any],
    service: str,
    account: str,
    region: str | None,
    partition: str,
    *,
    action: str = _ASSUME,
    sent: Mapping[str, Possible | list[Possible]] | None = None,
) -> Trust:
    """Whether `service`, acting for `account` in `region`, may assume the role by this document.

    A service sends whom it acts for (https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html);
    of the source's ARN, the last part is not known beforehand.

    Args:
        document: The trust policy.
        service: As ``sagemaker.amazonaws.com``.
        account: For which it acts.
        region: Where.
        partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
        action: What it does beside assuming, as ``sts:TagSession``.
        sent: Further keys of the request, in small letters.
    """
    source = f"arn:{partition}:{service.split('.', maxsplit=1)[0]}:{region or '*'}:{account}:*"
    known: dict[str, Possible | list[Possible]] = {
        "aws:sourceaccount": account,
        "aws:sourcearn": Pattern(source),
        "aws:principalisawsservice": "true",
        "aws:principalservicename": service,
        "aws:resourceaccount": account,
        "aws:securetransport": "true",
        **(sent or {}),
    }
    if region is not None:
        known["aws:requestedregion"] = region
    context = Context(known, absent=frozenset({"aws:username"}))
    request = Request(Caller(CallerKind.SERVICE, service), action, context=context)
    read = read_document(document)
    trust = trust_of(read, request, service, account)
    if trust.allowed is not True:
        return trust
    foreign = replace(request, context=replace(context, known={**known, **_FOREIGN_SOURCE}))
    elsewhere = evaluate(read, foreign)
    return replace(trust, bound=(elsewhere.allow & ~elsewhere.deny).value is False)


def web_identity_may_assume(
    document: Mapping[str, Any],
    provider: str,
    subject: str,
    audiences: Sequence[str],
    region: str | None,
) -> Trust:
    """Whether who has a token of an identity provider may assume the role by this document.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif

    Args:
        document: The trust policy.
        provider: The ARN of IAM's entry of the provider, in the role's account.
        subject: Whose token it is.
        audiences: Whom it may be for.
        region: From where it is sent; SDKs that are old send it to one endpoint for all.
    """
    issuer, account = provider.partition(":oidc-provider/")[2].lower(), provider.split(":")[4]
    known: dict[str, Possible | list[Possible]] = {
        f"{issuer}:sub": subject,
        f"{issuer}:aud": list(audiences),
        "aws:federatedprovider": provider,
        "aws:resourceaccount": account,
        "aws:principalisawsservice": "false",
        "aws:securetransport": "true",
    }
    if region is not None:
        known["aws:requestedregion"] = [region, "us-east-1"]
    # A token brings the keys of its own issuer, and none of another cluster's.
    absent = frozenset({*_NOT_BROUGHT, "oidc.eks.*"})
    caller = Caller(CallerKind.FEDERATED, provider)
    request = Request(caller, "sts:AssumeRoleWithWebIdentity", context=Context(known, absent))
    return trust_of(read_document(document), request, subject, account)


def trust_of(read: Document, request: Request, who: str, account: str) -> Trust:
    """Evaluate a trust policy for one request.

    Args:
        read: The trust policy.
        request: The request.
        who: Who sends it, for the reasons.
        account: The role's account.
    """
    decision = evaluate(read, request)
    if decision.problems:
        return Trust(None, tuple(f"AWS would not take it: {what}" for what in decision.problems))
    allowed = (decision.allow | decision.account) & ~decision.deny
    reasons = [_of_denial(part) for part in _denials(decision)]
    allows = [part for part in decision.parts if part.statement.allows]
    sure = decision.allow.value is True
    reasons += [
        _of_allowance(part)
        for part in allows
        if part.either.value is not True and (part.conditions or not sure)
    ]
    if not allows:
        reasons.append(f"no statement allows {who}")
    return Trust(allowed.value, tuple(reasons), openings=openings(read, _ASSUME, None, account))


def _denials(decision: Decision) -> list[Part]:
    return [
        part
        for part in decision.parts
        if not part.statement.allows and part.either.value is not False
    ]


def _of_denial(part: Part) -> str:
    if part.either.value is True:
        return f"a statement denies it{_named(part)}"
    return f"a denial depends on {_open(part)}{_named(part)}"


def _of_allowance(part: Part) -> str:
    if not part.conditions:
        return f"{_open(part)} cannot be told{_named(part)}"
    words = "does not fit" if part.either.value is False else "cannot be told"
    return f"the condition {'; '.join(part.conditions)} {words}{_named(part)}"


def _open(part: Part) -> str:
    """What an unknown part hangs on: its conditions, else what is not documented."""
    answer: Answer = part.either
    return "; ".join(part.conditions or sorted(answer.keys | answer.doubts))


def _named(part: Part) -> str:
    return f" (statement {part.statement.sid})" if part.statement.sid else ""


def statement_list(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The statements of a policy: IAM allows a single one without a list."""
    return [s for s in listed(document.get("Statement")) if isinstance(s, Mapping)]


def listed(value: object) -> list[Any]:
    """A value that IAM allows alone or in a list, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
