"""What the policies of the bucket and of the repository say about the stack's identities.

IAM's simulation sees none of them: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html.
Within one account, either policy may allow; from another account, both must; a denial decides
anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kitaru_iac.checks.model import Verdict, fail, ok, unknown
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Outcome, ProbeError
from kitaru_iac.clouds.aws.known_keys import (
    NEVER,
    known_context,
    principal_keys,
    service_keys,
    ways_of_asking,
)
from kitaru_iac.clouds.aws.observations import Principal
from kitaru_iac.clouds.aws.permission_table import AwsPermission, Resource
from kitaru_iac.clouds.aws.permissions import arns, permissions_for, reach
from kitaru_iac.clouds.aws.policies.answers import Answer
from kitaru_iac.clouds.aws.policies.document import Document, read_document
from kitaru_iac.clouds.aws.policies.evaluate import Decision, Effect, evaluate, may
from kitaru_iac.clouds.aws.policies.requests import (
    Caller,
    CallerKind,
    Context,
    Pattern,
    Possible,
    Request,
    caller_of,
)
from kitaru_iac.clouds.aws.resources import AwsResources

__all__ = ["Thing", "evaluate_policy", "lets_do"]

Raw = Mapping[str, Any]
#: What is in the bucket outside the store's prefix.
_OUTSIDE = {
    Resource.DEFINITIONS: "definitions of large pipelines, at the top of the bucket",
    Resource.JOB_OUTPUT: "outputs of jobs, at the top of the bucket",
}
#: What a request says of who sends it, beside the account.
_OF_ONE = {"aws:principalarn", "aws:principaltype", "aws:tokenissuetime", "aws:username"}


@dataclass(frozen=True, slots=True)
class Thing:
    """What a policy is attached to.

    Attributes:
        name: In words, as ``the bucket``.
        parts: The lines of the table that are about it.
        account: Whose it is; None where that is not known.
        region: Where it is.
        show: The command that shows its policy.
        service: Whose policy it is: ``s3`` or ``ecr``.
        named: Whether the statements of its policy name resources.
        must_allow: Whether its policy must allow within one account too, as a KMS key's.
        grants: Who may do what beside the policy, as an ARN and an action.
        perhaps: Who may do it in some calls, which may be ours.
        via: The service that asks in a caller's name.
    """

    name: str
    parts: tuple[Resource, ...]
    account: str | None
    region: str | None
    show: str
    service: str
    named: bool = True
    must_allow: bool = False
    grants: frozenset[tuple[str, str]] = frozenset()
    perhaps: frozenset[tuple[str, str]] = frozenset()
    via: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One line of the table, asked of the policy for one identity."""

    who: str
    action: str
    resource: Resource
    decision: Decision
    same_account: bool | None
    perhaps: bool = False


def evaluate_policy(
    policy: Raw, thing: Thing, connector: Outcome[Principal], r: AwsResources
) -> Verdict:
    """Whether the policy lets the stack's identities do what the table says they need.

    Args:
        policy: The document, parsed; empty where there is none.
        thing: What it is attached to.
        connector: The identity that the connector is, or why it is not known.
        r: What the description names.
    """
    document = read_document(policy)
    if document.problems:
        return unknown(f"its policy cannot be read: {'; '.join(document.problems)}", thing.show)
    asked = _asked(document, thing, _callers(connector, r), r)
    return (
        _judged(asked, thing)
        or _unless_it_decides(document, thing, connector, r)
        or ok(_fine(asked, bool(policy)))
    )


def lets_do(policy: Raw, thing: Thing, arn: str, identity: Identity, r: AwsResources) -> Verdict:
    """Whether the policy lets one user or role do what the table says that this identity needs.

    Args:
        policy: The document, parsed; empty where there is none.
        thing: What it is attached to.
        arn: The user or role.
        identity: What it is to the stack.
        r: What the description names.
    """
    document = read_document(policy)
    if document.problems:
        return unknown(f"its policy cannot be read: {'; '.join(document.problems)}", thing.show)
    asked = _asked(document, thing, [(arn, caller_of(arn), identity)], r)
    return _judged(asked, thing) or ok(_fine(asked, bool(policy)))


def _judged(asked: Sequence[_Asked], thing: Thing) -> Verdict | None:
    """What keeps it from being fine, worst first."""
    for judge in (_denied, _not_let_in, _unclear):
        verdict = judge(asked, thing)
        if verdict is not None:
            return verdict
    return None


def _unless_it_decides(
    document: Document, thing: Thing, connector: Outcome[Principal], r: AwsResources
) -> Verdict | None:
    """Unknown where the policy decides about a connector that is not known; None where not."""
    if isinstance(connector, ProbeError):
        who, remedy = connector.why, connector.remedy
    elif _caller(connector) is None:
        who, remedy = f"{connector.arn} is no user or role", None
    else:
        return None
    whose = thing.account if thing.account and thing.account.isdigit() else None
    is_told = not thing.must_allow or (r.account is not None and _lets_in(document, thing, r))
    if not is_told or whose is None or whose != (r.account or whose):
        verb = "lets it in"
    elif any(not statement.allows for statement in document.statements):
        verb = "denies it"
    else:
        return None
    why = f"who the connector is, and whether {thing.name}'s policy {verb}, is not known: {who}"
    return unknown(why, remedy or thing.show)


def _lets_in(document: Document, thing: Thing, r: AwsResources) -> bool:
    """Whether it lets in anybody of its account whom it does not name, as a key's first policy."""
    somebody = Caller(CallerKind.ROLE, account=thing.account)
    # An Allow with NotPrincipal may except just the one who is not known.
    said = tuple(one for one in document.statements if not (one.allows and one.negated_principals))
    callers = [("the connector", somebody, Identity.CONNECTOR)]
    asked = _asked(replace(document, statements=said), thing, callers, r)
    return _judged(asked, thing) is None


def _fine(asked: Sequence[_Asked], has_policy: bool) -> str:
    if not has_policy:
        return "it has no policy: what identities may do, their own policies decide"
    who = " and ".join(dict.fromkeys(one.who for one in asked))
    abroad = any(one.same_account is False for one in asked)
    what = "allows all that is needed" if abroad else "denies nothing that is needed"
    limits = "; organization, endpoint and session policies are not looked at"
    return f"its policy {what} by {who or 'anybody'}{limits}"


def _callers(connector: Outcome[Principal], r: AwsResources) -> list[tuple[str, Caller, Identity]]:
    callers: list[tuple[str, Caller, Identity]] = []
    if r.role is not None:
        callers.append(("the execution role", caller_of(r.role), Identity.RUNTIME))
    if not isinstance(connector, ProbeError):
        caller = _caller(connector)
        if caller is not None:
            callers.append(("the connector", caller, Identity.CONNECTOR))
    return callers


def _asked(
    document: Document,
    thing: Thing,
    callers: Sequence[tuple[str, Caller, Identity]],
    r: AwsResources,
) -> list[_Asked]:
    made: list[_Asked] = []
    for who, caller, identity in callers:
        context = _context(caller, thing)
        same = None if thing.account is None else caller.account == thing.account
        for row in _rows(r, identity, thing):
            for arn in arns(row.resource, r):
                about = reach(row.resource, arn, r)
                for one in (*about.places, about.pattern) if thing.named else (None,):
                    for call in _calls(row.action, context, r):
                        decision = evaluate(document, Request(caller, row.action, one, call))
                        is_granted = (caller.name, row.action) in thing.grants
                        if not (is_granted and decision.deny.value is False):
                            perhaps = (caller.name, row.action) in thing.perhaps
                            made.append(
                                _Asked(who, row.action, row.resource, decision, same, perhaps)
                            )
    return made


def _calls(action: str, context: Context, r: AwsResources) -> list[Context]:
    """What is known of each way in which a run makes a call."""
    known = dict(context.known)
    if r.prefix:
        known["s3:prefix"] = [f"{r.prefix}/", Pattern(f"{r.prefix}/*")]
    found = []
    for absent in ways_of_asking(action, plain=r.plain_uploads):
        there = {key: value for key, value in known.items() if key not in absent}
        found.append(replace(context, known=there, absent=context.absent | frozenset(absent)))
    return found


def _rows(r: AwsResources, identity: Identity, thing: Thing) -> list[AwsPermission]:
    return [row for row in permissions_for(r, identity) if row.resource in thing.parts]


def _caller(who: Principal) -> Caller | None:
    try:
        caller = caller_of(who.arn)
    except ValueError:
        return None
    return caller if who.certain else Caller(caller.kind, caller.name, caller.account, None, False)


def _context(caller: Caller, thing: Thing) -> Context:
    """What is known of every such request. Where it comes from (network, address) is not."""
    known: dict[str, Possible | list[Possible]] = {
        **known_context(principal_keys(caller.name) | service_keys(thing.service)).known,
        "aws:principalaccount": str(caller.account),
        "aws:principalarn": caller.name if caller.path_known else Pattern(_any_path(caller.name)),
    }
    if not caller.name:
        known = {key: value for key, value in known.items() if key not in _OF_ONE}
    if thing.via is not None:
        known |= {"kms:viaservice": thing.via, "kms:calleraccount": str(caller.account)}
    if thing.region is not None:
        known["aws:requestedregion"] = thing.region
    if thing.account is not None:
        known["aws:resourceaccount"] = thing.account
    return Context(known, NEVER)


def _any_path(arn: str) -> str:
    head, _, name = arn.partition(":role/")
    return f"{head}:role/*{name}"


def _denied(asked: Sequence[_Asked], thing: Thing) -> Verdict | None:
    denied = [one for one in asked if one.decision.effect is Effect.EXPLICIT_DENY]
    if not denied:
        return None
    by = dict.fromkeys(
        part.statement.title
        for part in denied[0].decision.parts
        if not part.statement.allows and part.either.value is True
    )
    return fail(f"its policy denies {_what(denied)} ({', '.join(by)})", thing.show)


def _not_let_in(asked: Sequence[_Asked], thing: Thing) -> Verdict | None:
    abroad = [
        one
        for one in asked
        if (one.same_account is False or thing.must_allow)
        and not one.perhaps
        and _may(one, thing).value is False
    ]
    if not abroad:
        return None
    if thing.must_allow:
        return fail(f"its policy does not allow {_what(abroad)}, and no grant does", thing.show)
    whose = f"{thing.name} is of account {thing.account}, whose policy must allow it too"
    return fail(f"its policy does not allow {_what(abroad)}: {whose}", thing.show)


def _unclear(asked: Sequence[_Asked], thing: Thing) -> Verdict | None:
    unclear = [one for one in asked if _may(one, thing).value is None]
    if unclear:
        decision = unclear[0].decision
        hangs = ", ".join((*decision.hangs_on, *decision.doubts))
        verb = "allows" if thing.must_allow else "denies"
        return unknown(f"whether its policy {verb} {_what(unclear)} hangs on {hangs}", thing.show)
    perhaps = [one for one in asked if one.perhaps and _may(one, thing).value is False]
    if perhaps:
        why = f"whether a grant lets in {_what(perhaps)} hangs on the constraints of the grant"
        return unknown(why, thing.show)
    homeless = [
        one
        for one in asked
        if one.same_account is None
        and may(one.decision, Effect.ALLOW, same_account=False).value is not True
    ]
    if homeless:
        return unknown(
            f"whose account {thing.name} is in is not known, and its policy allows "
            f"{_what(homeless)} to nobody of another one",
            thing.show,
        )
    return None


def _may(one: _Asked, thing: Thing) -> Answer:
    return may(
        one.decision,
        Effect.ALLOW,
        same_account=bool(one.same_account),
        trust=thing.must_allow,
    )


def _what(asked: Sequence[_Asked]) -> str:
    """Who what, the actions of one identity together, and where if outside the store."""
    by_who: dict[str, dict[str, None]] = {}
    for one in asked:
        where = _OUTSIDE.get(one.resource)
        by_who.setdefault(one.who, {})[f"{one.action}{f' ({where})' if where else ''}"] = None
    return "; ".join(f"{who} {', '.join(actions)}" for who, actions in by_who.items())
