"""Asking IAM what a user or role may do, without doing it.

SimulatePrincipalPolicy evaluates the principal's own policies, its permissions boundary and, in an
organization, service control policies. It does not evaluate resource policies for roles (a bucket
policy, a repository policy in another account), nor session policies, nor the conditions of this
very moment: a result is what identity policies say.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kitaru_iac.checks.permissions import Conditions
from kitaru_iac.checks.probes import ProbeError, Skipped, in_parallel
from kitaru_iac.clouds.aws.permission_table import AwsPermission
from kitaru_iac.clouds.aws.permissions import arns
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["Decision", "Question", "questions", "simulate"]

#: Sent with every question, so that a policy which demands TLS is not read as a refusal.
_SECURE = {
    "ContextKeyName": "aws:SecureTransport",
    "ContextKeyType": "boolean",
    "ContextKeyValues": ["true"],
}
_NOT_TOGETHER = "require different authorization information"


@dataclass(frozen=True, slots=True)
class Question:
    """Actions on one thing, under the conditions that the real call would bring."""

    actions: tuple[str, ...]
    resource: str
    conditions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """IAM's answer for one action on one thing.

    Attributes:
        allowed: Whether it may.
        why: ``allowed``, ``explicitDeny`` or ``implicitDeny``.
        by: What decides where it is not a missing grant: ``boundary`` or ``organization``.
        missing_context: Condition keys that a policy asks for and nobody can know beforehand.
    """

    action: str
    resource: str
    allowed: bool
    why: str
    by: str | None = None
    missing_context: tuple[str, ...] = ()


def questions(
    rows: Iterable[AwsPermission], resources: AwsResources, kms_key: str | None = None
) -> tuple[Question, ...]:
    """The lines of the table as questions: one for each thing and conditions."""
    grouped: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for row in rows:
        for arn in arns(row.resource, resources, kms_key):
            # Jobs and log groups have types in their ARN, and an action fits one of them.
            if _fits(row.action, arn):
                key = (_concrete(arn), _context(row.conditions))
                grouped.setdefault(key, []).append(row.action)
    return tuple(Question(tuple(acts), arn, cond) for (arn, cond), acts in grouped.items())


def simulate(aws: AwsAccess, principal: str, asked: Sequence[Question]) -> tuple[Decision, ...]:
    """IAM's decisions, in the order of the questions; all are asked at the same time.

    Raises:
        ProbeError: A question could not be asked. None is left out silently.
    """
    jobs = [partial(_ask, aws, principal, question) for question in asked]
    return tuple(decision for found in in_parallel(jobs) for decision in found)


def _ask(aws: AwsAccess, principal: str, question: Question) -> tuple[Decision, ...]:
    try:
        results = _evaluate(aws, principal, question)
    except ProbeError as error:
        # IAM refuses to evaluate some pairs of actions in one call, and only says so when asked.
        if _NOT_TOGETHER not in error.why or len(question.actions) == 1:
            raise
        alone = [Question((a,), question.resource, question.conditions) for a in question.actions]
        results = [r for found in in_parallel([
            partial(_evaluate, aws, principal, one) for one in alone
        ]) for r in found]  # fmt: skip
    decisions = {result["EvalActionName"].lower(): result for result in results}
    missing = [action for action in question.actions if action.lower() not in decisions]
    if missing:
        raise Skipped(f"IAM's simulation says nothing about {', '.join(missing)}")
    return tuple(
        _decision(action, question.resource, decisions[action.lower()])
        for action in question.actions
    )


def _evaluate(aws: AwsAccess, principal: str, question: Question) -> list[Any]:
    context = [
        {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]}
        for key, value in question.conditions
    ]
    results: list[Any] = []
    more: dict[str, Any] = {}
    while True:  # by hand: a paginator costs as much as a call here, and one page is the rule
        answer = aws.ask(
            *("iam", "simulate_principal_policy"),
            about=principal,
            absent=("NoSuchEntity",),
            PolicySourceArn=principal,
            ActionNames=list(question.actions),
            ResourceArns=[question.resource],
            ContextEntries=[_SECURE, *context],
            **more,
        )
        results += answer["EvaluationResults"]
        if not answer.get("IsTruncated"):
            return results
        more = {"Marker": answer["Marker"]}


def _decision(action: str, resource: str, result: Mapping[str, Any]) -> Decision:
    by = None
    if not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
        by = "organization"
    boundary = result.get("PermissionsBoundaryDecisionDetail", {})
    if not boundary.get("AllowedByPermissionsBoundary", True):
        by = "boundary"
    why = str(result["EvalDecision"])
    return Decision(
        action,
        resource,
        why == "allowed",
        why,
        by,
        tuple(result.get("MissingContextValues", ())),
    )


def _context(conditions: Conditions) -> tuple[tuple[str, str], ...]:
    """The conditions as the real call brings them; a pattern stands for one that it matches."""
    return tuple(
        (key, value.replace("*", "TrainingJobs"))
        for keys in conditions.values()
        for key, value in keys.items()
    )


def _fits(action: str, arn: str) -> bool:
    for kind in ("processing-job", "training-job"):
        if f":{kind}/" in arn and "Job" in action:
            return kind.replace("-job", "job") in action.lower()
    return True


def _concrete(arn: str) -> str:
    """A thing that a wildcard stands for: IAM matches policies against names, not patterns."""
    if arn == "*" or not arn.endswith("*"):
        return arn
    return arn[:-1] + "kitaru-check"
