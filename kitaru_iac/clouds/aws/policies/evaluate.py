"""Evaluating a trust policy, or the policy of a bucket or repository, for one request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kitaru_iac.clouds.aws.policies.answers import NO, YES, Answer, doubt, hangs_on
from kitaru_iac.clouds.aws.policies.comparisons import arn_matches
from kitaru_iac.clouds.aws.policies.conditions import met
from kitaru_iac.clouds.aws.policies.document import Document, Statement, read_document
from kitaru_iac.clouds.aws.policies.patterns import glob, relation
from kitaru_iac.clouds.aws.policies.principals import about
from kitaru_iac.clouds.aws.policies.requests import Request
from kitaru_iac.clouds.aws.policies.variables import UNRESOLVED, Unresolved, any_value, resolve

__all__ = ["RESOURCE", "Decision", "Effect", "Part", "evaluate", "may"]

#: The name of what a statement about some of the things asked for hangs on.
RESOURCE = "which of the objects"


class Effect(StrEnum):
    """What a document says about a request."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """What one statement says about the request, where it says something.

    Attributes:
        statement: The statement.
        itself: Whether it holds for the caller itself.
        account: Whether it holds for the caller's whole account.
        conditions: Its conditions that are not met, or not known to be.
    """

    statement: Statement
    itself: Answer
    account: Answer
    conditions: tuple[str, ...] = ()

    @property
    def either(self) -> Answer:
        """Whether it holds for the caller at all."""
        return self.itself | self.account


@dataclass(frozen=True, slots=True)
class Decision:
    """What a document says about one request.

    Attributes:
        allow: Whether it allows the caller itself.
        account: Whether it allows the caller's account, whose own policies must then allow too.
        deny: Whether it denies.
        parts: The statements about the caller and the action.
        problems: What is wrong with the document, whose effect is then unknown.
    """

    allow: Answer
    account: Answer
    deny: Answer
    parts: tuple[Part, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def effect(self) -> Effect:
        """The effect of this document alone."""
        if self.problems:
            return Effect.UNKNOWN
        if self.deny.value is True:
            return Effect.EXPLICIT_DENY
        allowed = self.allow | self.account
        if self.deny.value is None or allowed.value is None:
            return Effect.UNKNOWN
        return Effect.ALLOW if allowed.value else Effect.IMPLICIT_DENY

    @property
    def hangs_on(self) -> tuple[str, ...]:
        """The condition keys that an unknown hangs on."""
        unknown = [a for a in (self.deny, self.allow | self.account) if a.value is None]
        return tuple(sorted(frozenset().union(*(answer.keys for answer in unknown))))

    @property
    def doubts(self) -> tuple[str, ...]:
        """What AWS's documentation leaves open, where an unknown hangs on that."""
        unknown = [a for a in (self.deny, self.allow | self.account) if a.value is None]
        return tuple(sorted(frozenset().union(*(answer.doubts for answer in unknown))))


def evaluate(document: object, request: Request) -> Decision:
    """Evaluate a document for a request. Never raises: what is malformed is unknown.

    Args:
        document: As parsed from JSON, or read before.
        request: The question.
    """
    read = document if isinstance(document, Document) else read_document(document)
    if read.problems:
        unknown = Answer(None)
        return Decision(unknown, unknown, unknown, problems=read.problems)
    parts = [part for s in read.statements if (part := _part(s, request, read.variables))]
    allows = [part for part in parts if part.statement.allows]
    return Decision(
        allow=Answer.any(part.itself for part in allows),
        account=Answer.any(part.account for part in allows),
        deny=Answer.any(part.either for part in parts if not part.statement.allows),
        parts=tuple(parts),
    )


def _part(statement: Statement, request: Request, variables: bool) -> Part | None:
    """A statement's say; None where it is about another caller, action or thing."""
    if not _acts(statement, request.action):
        return None
    who = about(statement, request.caller)
    thing = _names(statement, request, variables)
    if who.either.value is False or thing.value is False:
        return None
    found = [(c, met(c, request.context, variables=variables)) for c in statement.conditions]
    holds = thing & Answer.all(answer for _, answer in found)
    wanted = [a for a in (False, None) if any(answer.value is a for _, answer in found)]
    deciding = tuple(c.said for c, answer in found if wanted and answer.value is wanted[0])
    return Part(statement, who.itself & holds, who.account & holds, deciding)


def _acts(statement: Statement, action: str) -> bool:
    """Actions are the same in capitals and small letters."""
    asked = glob(action.lower(), literal=True)
    named = any(relation(glob(one.lower()), asked) for one in statement.actions)
    return named is not statement.negated_actions


def _names(statement: Statement, request: Request, variables: bool) -> Answer:
    """Whether the statement is about the thing. One that names none is about its own."""
    if statement.resources is None or request.resource is None:
        return YES
    given = glob(request.resource, value=True)
    found: list[Answer] = []
    missing = False
    for one in statement.resources:
        try:
            wanted = resolve(one, request.context, wild=True, variables=variables)
        except Unresolved as unresolved:
            missing = missing or unresolved.answer is None
            # Whatever the variable stands for, what is written around it may not fit.
            fits = statement.negated_resources or relation(glob(any_value(one)), given) is not False
            found.append((unresolved.answer or NO) if fits else NO)
            continue
        found.append(arn_matches(wanted, given))
    named = Answer.any(found)
    if missing and (statement.negated_resources or named.value is True):
        return doubt(f"{statement.title}: {UNRESOLVED}")
    if named.value is None and not named.keys and not named.doubts:
        return hangs_on(RESOURCE)
    return ~named if statement.negated_resources else named


def may(decision: Decision, identity: Effect, *, same_account: bool, trust: bool = False) -> Answer:
    """Whether a caller may, by its own policies and the thing's together.

    Within one account, either may allow; from another account, both must. A role's trust policy
    must allow in any case.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html

    Args:
        decision: What the thing's policy says.
        identity: What the caller's own policies say.
        same_account: Whether the caller and the thing are in one account.
        trust: Whether the thing is a role, and the document its trust policy.
    """
    if decision.problems:
        return Answer(None)
    by_itself = {Effect.ALLOW: YES, Effect.UNKNOWN: Answer(None)}.get(identity, NO)
    if same_account and not trust:
        allowed = decision.allow | by_itself
    elif same_account:
        allowed = decision.allow | (decision.account & by_itself)
    else:
        allowed = (decision.allow | decision.account) & by_itself
    denied = decision.deny | (YES if identity is Effect.EXPLICIT_DENY else NO)
    return allowed & ~denied
