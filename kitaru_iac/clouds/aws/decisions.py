"""What follows from IAM's decisions about one identity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from kitaru_iac.checks.model import Verdict, fail, ok, unknown
from kitaru_iac.checks.probes import ProbeError
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.simulate import Decision

__all__ = ["LIMITS", "Key", "evaluated"]

#: The ARN of the bucket's KMS key, None where it has none of the customer's, or why nobody knows.
Key: TypeAlias = str | ProbeError | None
#: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
LIMITS = (
    "as IAM simulates identity policies; policies of the resources, of sessions and of endpoints "
    "are not part of it"
)


def evaluated(
    decisions: Sequence[Decision], principal: str, fine: str, remedy: str, key: Key = None
) -> Verdict:
    """A certain denial fails; a decision that hangs on a key that nobody knows is unknown."""
    if not decisions:
        return unknown("nothing was asked of IAM", None)
    certain = [d for d in decisions if not d.allowed and not d.missing_context and not d.unclear]
    if certain:
        return _denied(certain, principal, remedy)
    unsure = [d for d in decisions if d.missing_context]
    if unsure:
        return _hanging(unsure, principal)
    parts = [d for d in decisions if d.unclear]
    if parts:
        what = "; ".join(dict.fromkeys(part for d in parts for part in d.unclear))
        why = f"{principal} may {_named(parts)}, but not of all that it may come to: {what}"
        return unknown(why, _show(principal, parts[0]))
    unread = next((d.unread for d in decisions if d.unread is not None), None)
    if unread is not None:
        return unknown(
            f"{fine}, as far as one name of many tells; whether a part of them is denied could not "
            f"be looked at: {unread.why}",
            _show(principal, decisions[0]),
            unread.permission,
        )
    if isinstance(key, ProbeError):
        return unknown(
            f"{fine}, and the KMS key of the bucket, if it has one, could not be asked about: "
            f"{key.why}",
            key.remedy or aws("sts", "get-caller-identity"),
            key.permission,
        )
    return ok(fine, LIMITS)


def _denied(certain: Sequence[Decision], principal: str, remedy: str) -> Verdict:
    why = f"{principal} may not {_named(certain)}"
    above = next((d for d in certain if d.by or d.why == "explicitDeny"), None)
    if above is None:
        return fail(why, remedy)
    what = {
        "organization": "a policy of the organization",
        "boundary": "the permissions boundary",
    }.get(above.by or "", "an explicit denial")
    return fail(f"{why}: {what} denies {above.action}", _show(principal, above))


def _hanging(unsure: Sequence[Decision], principal: str) -> Verdict:
    keys = sorted({key for decision in unsure for key in decision.missing_context})
    why = f"{_named(unsure)}: depends on the condition keys {', '.join(keys)}"
    unread = next((d.unread for d in unsure if d.unread is not None), None)
    if unread is None:
        return unknown(why, _show(principal, unsure[0]))
    return unknown(
        f"{why}, or not: the policies that tell could not be read: {unread.why}",
        _show(principal, unsure[0]),
        unread.permission,
    )


def _named(decisions: Sequence[Decision]) -> str:
    plain = {(d.action, d.resource) for d in decisions if not d.how}
    by_thing: dict[str, list[str]] = {}
    for d in decisions:
        if not d.how or (d.action, d.resource) not in plain:
            by_thing.setdefault(f"{d.resource}{d.how}", []).append(d.action)
    return "; ".join(f"{', '.join(acts)} on {thing}" for thing, acts in by_thing.items())


def _show(principal: str, decision: Decision) -> str:
    return aws(
        "iam",
        "simulate-principal-policy",
        policy_source_arn=principal,
        action_names=decision.action,
        resource_arns=decision.resource,
    )
