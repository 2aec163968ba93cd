"""Asking IAM what a user or role may do, without doing it.

SimulatePrincipalPolicy evaluates the principal's own policies, its permissions boundary and, in an
organization, service control policies. It does not evaluate resource policies for roles (a bucket
policy, a repository policy in another account), nor session policies, nor the conditions of this
very moment: a result is what identity policies say.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any, TypeAlias

from kitaru_iac.checks.permissions import Conditions
from kitaru_iac.checks.probes import ProbeError, Skipped, in_parallel
from kitaru_iac.clouds.aws.known_keys import (
    NEVER,
    TYPES,
    known_context,
    principal_keys,
    service_keys,
    ways_of_asking,
)
from kitaru_iac.clouds.aws.permission_table import AwsPermission
from kitaru_iac.clouds.aws.permissions import JOB_KINDS, Reach, arns, conditions, reach
from kitaru_iac.clouds.aws.principal_policies import (
    PrincipalPolicies,
    granted_parts,
    hinges_on,
    pieces,
    read_policies,
)
from kitaru_iac.clouds.aws.resources import AwsResources, account_of
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["Decision", "Question", "questions", "simulate"]

#: An ARN, a service, the conditions of the lines, and the keys that a call does not bring.
_Group: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...], tuple[str, ...]]
#: Services whose requests go to no region of the stack: which one such a call names is not told.
_GLOBAL = {"iam", "sts"}
#: A permission and no call of IAM: who hands a role over calls the service that takes it, and that
#: call's region counts. AWS tells the first
#: (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html); the second was
#: seen where a lock of us-east-2 and us-west-2 denied it to a call there, with IAM's own us-east-1
#: open (https://github.com/ministryofjustice/aws-root-account/pull/950 and .../pull/977).
_OF_THE_CALLED_SERVICE = ("iam:PassRole",)
#: Services whose condition keys come with calls of their own alone.
_WITH_OWN_KEYS = {"cloudwatch", "ecr", "eks", "iam", "kms", "logs", "s3", "sagemaker", "scheduler"}
_NOT_TOGETHER = "require different authorization information"


@dataclass(frozen=True, slots=True)
class Question:
    """Actions on one thing.

    Attributes:
        actions: Of one service.
        resource: The thing's ARN, or ``*``.
        conditions: Condition keys that the table's lines name, with the value of the real call.
        known: Other keys and values that the real call brings, whoever makes it.
        reach: All the things that `resource` is one of, where they are many.
        absent: Keys that the real call does not bring, in small letters.
    """

    actions: tuple[str, ...]
    resource: str
    conditions: tuple[tuple[str, str], ...] = ()
    known: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    reach: Reach | None = field(default=None, compare=False)
    absent: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Decision:
    """IAM's answer for one action on one thing.

    Attributes:
        allowed: Whether it may.
        why: ``allowed``, ``explicitDeny`` or ``implicitDeny``.
        by: What decides where it is not a missing grant: ``boundary`` or ``organization``.
        missing_context: Condition keys on which the decision hangs and that nobody can know
            beforehand; keys that only matter for other things are not among them.
        unread: Why the policies could not be read that tell which of the missing keys matter, and
            whether what is allowed for one name is for all of them. The missing keys are then all
            in `missing_context`.
        unclear: What of the things is denied or not granted, although one of them is allowed; or
            what alone is granted, where the one that was asked about is not.
        how: In which call, in words, where an action allows several.
        in_organization: Whether policies of an organization took part, which nobody here may read.
    """

    action: str
    resource: str
    allowed: bool
    why: str
    by: str | None = None
    missing_context: tuple[str, ...] = ()
    unread: ProbeError | None = None
    unclear: tuple[str, ...] = ()
    how: str = ""
    in_organization: bool = False


def questions(
    rows: Iterable[AwsPermission], resources: AwsResources, kms_key: str | None = None
) -> tuple[Question, ...]:
    """The lines of the table as questions: one for each thing, service and conditions.

    A question brings what is known of the real call: its region, the thing's account, TLS, for a
    KMS key the service that asks, for a listing the prefix.
    """
    grouped: dict[_Group, list[str]] = {}
    reaches: dict[str, Reach] = {}
    for row in rows:
        for arn in arns(row.resource, resources, kms_key):
            # Jobs and log groups have types in their ARN, and an action fits one of them.
            if not _fits(row.action, arn):
                continue
            service = row.action.partition(":")[0]
            about = reach(row.resource, arn, resources)
            for thing, context, absent in product(
                about.names or (arn,),
                _contexts(conditions(row, resources)),
                ways_of_asking(row.action, plain=resources.plain_uploads),
            ):
                reaches[thing] = about
                actions = grouped.setdefault((thing, service, context, absent), [])
                if row.action not in actions:
                    actions.append(row.action)
    return tuple(
        Question(
            tuple(actions),
            _concrete(arn),
            context,
            known=tuple(
                (key, value)
                for key, value in _known(actions, _concrete(arn), resources)
                if key.lower() not in absent
            ),
            reach=reaches[arn] if arn != _concrete(arn) else None,
            absent=absent,
        )
        for (arn, service, context, absent), actions in grouped.items()
    )


def simulate(
    aws: AwsAccess,
    principal: str,
    asked: Sequence[Question],
    read: Callable[[str], PrincipalPolicies] | None = None,
) -> tuple[Decision, ...]:
    """IAM's decisions, in the order of the questions; all are asked at the same time.

    Where IAM lacked the value of a condition key, the principal's policies tell whether the
    decision hangs on it; where a question is about many things, whether it holds for all of them.

    Args:
        aws: Who asks.
        principal: The ARN of a user or role.
        asked: The questions.
        read: Gives the principal's policies, and raises a `ProbeError`; asks for them unless given.

    Raises:
        ProbeError: A question could not be asked. None is left out silently.
    """
    jobs = [partial(_ask, aws, principal, question) for question in asked]
    found = [
        (question, decision)
        for question, decisions in zip(asked, in_parallel(jobs), strict=True)
        for decision in decisions
    ]
    if not any(_is_open(question, decision) for question, decision in found):
        return tuple(decision for _, decision in found)
    try:
        policies = (read or partial(read_policies, aws))(principal)
    except ProbeError as error:
        return tuple(replace(d, unread=error) if _is_open(q, d) else d for q, d in found)
    return tuple(_weighed(policies, principal, *pair) for pair in found)


def _is_open(question: Question, decision: Decision) -> bool:
    """Whether the principal's policies have a say in what a decision means."""
    if decision.missing_context:
        return True
    if decision.allowed or decision.why == "implicitDeny":
        is_one_of_many = question.reach is not None
    else:
        is_one_of_many = False
    # Which TLS the real call takes is not known, and only one was sent.
    return is_one_of_many or (not decision.allowed and "s3:TlsVersion" in dict(question.known))


def _weighed(
    policies: PrincipalPolicies, principal: str, question: Question, decision: Decision
) -> Decision:
    """The decision, with the keys that it hangs on, and with the things that it is not about."""
    context = known_context(_sent(question, principal), question.absent)
    keys = hinges_on(
        policies,
        decision.action,
        decision.resource,
        context,
        decision.missing_context,
        allowed=decision.allowed,
        hidden=decision.in_organization,
    )
    decision = replace(decision, missing_context=keys)
    if keys or question.reach is None:
        return decision
    if not decision.allowed:
        if decision.why != "implicitDeny":
            return decision
        parts = granted_parts(policies, decision.action, question.reach, context)
        where = question.reach.pattern if parts else decision.resource
        return replace(decision, resource=where, unclear=parts)
    about = pieces(policies, decision.action, question.reach, context)
    if about.refused is not None:
        why = "explicitDeny" if about.is_denied else "implicitDeny"
        return replace(decision, resource=about.refused, allowed=False, why=why)
    return replace(decision, unclear=about.unclear)


def _ask(aws: AwsAccess, principal: str, question: Question) -> tuple[Decision, ...]:
    try:
        results = _evaluate(aws, principal, question)
    except ProbeError as error:
        # IAM refuses to evaluate some pairs of actions in one call, and only says so when asked.
        if _NOT_TOGETHER not in error.why or len(question.actions) == 1:
            raise
        alone = [replace(question, actions=(action,)) for action in question.actions]
        results = [r for found in in_parallel([
            partial(_evaluate, aws, principal, one) for one in alone
        ]) for r in found]  # fmt: skip
    decisions = {result["EvalActionName"].lower(): result for result in results}
    missing = [action for action in question.actions if action.lower() not in decisions]
    if missing:
        raise Skipped(f"IAM's simulation says nothing about {', '.join(missing)}")
    return tuple(
        _decision(action, question, decisions[action.lower()]) for action in question.actions
    )


def _evaluate(aws: AwsAccess, principal: str, question: Question) -> list[Any]:
    context = [
        {
            "ContextKeyName": key,
            "ContextKeyType": TYPES.get(key, "string"),
            "ContextKeyValues": [value],
        }
        for key, value in _sent(question, principal).items()
    ]
    results: list[Any] = []
    more: dict[str, Any] = {}
    while True:  # by hand: a paginator costs as much as a call here, and one page is the rule
        answer = aws.ask(
            "iam",
            "simulate_principal_policy",
            about=principal,
            absent=("NoSuchEntity",),
            PolicySourceArn=principal,
            ActionNames=list(question.actions),
            ResourceArns=[question.resource],
            ContextEntries=context,
            **more,
        )
        results += answer["EvaluationResults"]
        if not answer.get("IsTruncated"):
            return results
        more = {"Marker": answer["Marker"]}


def _decision(action: str, question: Question, result: Mapping[str, Any]) -> Decision:
    by = None
    if not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
        by = "organization"
    boundary = result.get("PermissionsBoundaryDecisionDetail", {})
    if not boundary.get("AllowedByPermissionsBoundary", True):
        by = "boundary"
    why = str(result["EvalDecision"])
    # For a named thing IAM tells the missing keys, and what it decides, below the thing alone.
    missing = list(result.get("MissingContextValues", ()))
    for specific in result.get("ResourceSpecificResults", ()):
        missing += specific.get("MissingContextValues", ())
        if specific.get("EvalResourceDecision", "allowed") != "allowed" and why == "allowed":
            why = str(specific["EvalResourceDecision"])
    return Decision(
        action,
        question.resource,
        why == "allowed",
        why,
        by,
        tuple(
            key
            for key in dict.fromkeys(missing)
            if _may_come(key, action) and key.lower() not in question.absent
        ),
        how=_how(action, question.absent),
        # Told of accounts that are in one, and of no others:
        # https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
        in_organization="OrganizationsDecisionDetail" in result,
    )


def _how(action: str, absent: tuple[str, ...]) -> str:
    """In which call, where the action allows several; empty for the plain one."""
    several = len(ways_of_asking(action)) > 1
    return " without a prefix (HeadBucket)" if several and absent else ""


def _may_come(key: str, action: str) -> bool:
    """Whether a real call of this action may bring the key: another service's own never come.

    IAM names the keys of all statements; `iam:PassedToService` says nothing about S3.
    """
    service = key.partition(":")[0].lower()
    if key.lower() in NEVER:
        return False
    return service not in _WITH_OWN_KEYS or service == action.partition(":")[0].lower()


def _sent(question: Question, principal: str) -> dict[str, str]:
    """Every key that is sent, with its value: what the question brings, and whose it is."""
    return principal_keys(principal) | dict(question.known) | dict(question.conditions)


def _known(actions: Sequence[str], arn: str, r: AwsResources) -> tuple[tuple[str, str], ...]:
    """What the real call of these actions of one service brings, whoever makes it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    service = actions[0].partition(":")[0]
    known = service_keys(service)
    region = r.registry_region if service == "ecr" else r.region
    if service == "s3":
        region = r.bucket_region or region
    if region and (service not in _GLOBAL or set(actions) <= set(_OF_THE_CALLED_SERVICE)):
        known["aws:RequestedRegion"] = region
    account = account_of(arn)
    if account:
        known["aws:ResourceAccount"] = account
    # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html: names in China end
    # otherwise, and are left out rather than guessed.
    if service == "kms" and r.bucket and r.partition == "aws" and (r.bucket_region or r.region):
        known["kms:ViaService"] = f"s3.{r.bucket_region or r.region}.amazonaws.com"
    if service == "s3" and arn == r.bucket_arn and r.prefix:
        known["s3:prefix"] = f"{r.prefix}/"
    return tuple(known.items())


def _contexts(given: Conditions) -> list[tuple[tuple[str, str], ...]]:
    """The conditions as the real calls bring them; a pattern stands for those that it matches."""
    values = {
        key: value if isinstance(value, str) else value[-1]
        for keys in given.values()
        for key, value in keys.items()
        if key != "s3:prefix"  # `_known` says which is listed
    }
    kinds = JOB_KINDS if any("*" in value for value in values.values()) else ("",)
    return [tuple((key, v.replace("*", kind)) for key, v in values.items()) for kind in kinds]


def _fits(action: str, arn: str) -> bool:
    for kind in ("processing-job", "training-job"):
        if f":{kind}/" in arn and "Job" in action:
            return kind.replace("-job", "job") in action.lower()
    return True


def _concrete(arn: str) -> str:
    """A thing that a wildcard stands for: IAM matches policies against names, not patterns."""
    if arn == "*" or not arn.endswith("*"):
        return arn
    *head, name = arn.split(":", 5)
    return ":".join([*head, name.replace("*", "kitaru-check")])
