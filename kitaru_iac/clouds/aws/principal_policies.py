"""The policies of a user or role, read to tell how far an answer of IAM's simulation reaches.

The simulation names the condition keys that it was not given, of *all* policies: also of statements
about other things (https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html).
A missing key does not match, or, under a negated operator, does. So an answer with missing keys may
be the right one, or may hang on a key that the real call brings. Which of both it is, the
statements about that action and thing tell.

And it is about one name, where a run reads and writes many: what denies or grants a part of them
shows in the statements alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kitaru_iac.checks.probes import in_parallel
from kitaru_iac.clouds.aws.permissions import Reach
from kitaru_iac.clouds.aws.policies.document import Document, Statement, read_document
from kitaru_iac.clouds.aws.policies.evaluate import RESOURCE, Decision, Effect, Part, evaluate
from kitaru_iac.clouds.aws.policies.patterns import SEGMENT, glob, relation, segments
from kitaru_iac.clouds.aws.policies.requests import Caller, CallerKind, Context, Request
from kitaru_iac.clouds.aws.resources import role_name
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = [
    "Pieces",
    "PrincipalPolicies",
    "granted_parts",
    "hinges_on",
    "pieces",
    "read_policies",
]

Raw = Mapping[str, Any]
#: Whose policies these are does not matter to them: they name no principal.
_ITSELF = Caller(CallerKind.STRANGER)


@dataclass(frozen=True, slots=True)
class PrincipalPolicies:
    """The statements of a user's or role's own policies, and of its permissions boundary if any."""

    statements: tuple[Raw, ...]
    boundary: tuple[Raw, ...] | None = None

    def keys(self) -> set[str]:
        """Every condition key that a statement asks for, in lower case."""
        return {key for s in (*self.statements, *(self.boundary or ())) for key in _keys(s)}

    def documents(self) -> tuple[Document, ...]:
        """Each of both as one document that is about everybody."""
        sets = [s for s in (self.statements, self.boundary) if s is not None]
        return tuple(
            read_document(
                {"Version": "2012-10-17", "Statement": [{**s, "Principal": "*"} for s in one]}
            )
            for one in sets
        )


# --- reading


def read_policies(
    aws: AwsAccess, principal: str, role_of: Callable[[str], Raw] | None = None
) -> PrincipalPolicies:
    """Read the inline and attached policies of a principal, those of its groups, and its boundary.

    Args:
        aws: Who asks.
        principal: The ARN of a user or role of the asking account.
        role_of: Gives a role by its name, as IAM describes it; asks for it unless given.

    Raises:
        ProbeError: One of them could not be read. None is left out.
    """
    kind = "user" if ":user/" in principal else "role"
    name, title = role_name(principal), kind.capitalize()
    if kind == "role" and role_of is not None:
        whole = role_of(name)
    else:
        whole = aws.ask(
            "iam",
            f"get_{kind}",
            about=principal,
            absent=("NoSuchEntity",),
            **{f"{title}Name": name},
        )[title]
    boundary = whole.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    found = list(_policies_of(aws, kind, name))
    if kind == "user":
        groups = aws.ask_all(
            "iam", "list_groups_for_user", "Groups", about=principal, UserName=name
        )
        for group in groups:
            found += _policies_of(aws, "group", str(group["GroupName"]))
    return PrincipalPolicies(
        tuple(found), None if boundary is None else _managed(aws, str(boundary))
    )


def _policies_of(aws: AwsAccess, kind: str, name: str) -> tuple[Raw, ...]:
    title, about = kind.capitalize(), f"the policies of the {kind} {name}"
    named = {f"{title}Name": name}
    inline = aws.ask_all("iam", f"list_{kind}_policies", "PolicyNames", about=about, **named)
    attached = aws.ask_all(
        "iam", f"list_attached_{kind}_policies", "AttachedPolicies", about=about, **named
    )

    def inline_policy(policy: str) -> tuple[Raw, ...]:
        answer = aws.ask("iam", f"get_{kind}_policy", about=about, **named, PolicyName=policy)
        return _statements(answer["PolicyDocument"])

    jobs = [partial(inline_policy, str(policy)) for policy in inline]
    jobs += [partial(_managed, aws, str(policy["PolicyArn"])) for policy in attached]
    return tuple(statement for found in in_parallel(jobs) for statement in found)


def _managed(aws: AwsAccess, arn: str) -> tuple[Raw, ...]:
    policy = aws.ask("iam", "get_policy", about=arn, PolicyArn=arn)["Policy"]
    version = aws.ask(
        "iam",
        "get_policy_version",
        about=arn,
        PolicyArn=arn,
        VersionId=policy["DefaultVersionId"],
    )
    return _statements(version["PolicyVersion"]["Document"])


def _statements(document: Raw | str) -> tuple[Raw, ...]:
    whole: Raw = json.loads(document) if isinstance(document, str) else document
    return tuple(s for s in _listed(whole.get("Statement")) if isinstance(s, Mapping))


# --- evaluating


def hinges_on(
    policies: PrincipalPolicies,
    action: str,
    resource: str,
    context: Context,
    missing: Sequence[str],
    *,
    allowed: bool,
    hidden: bool = False,
) -> tuple[str, ...]:
    """Name the condition keys on which a simulated decision hangs.

    Args:
        policies: What the principal has.
        action: As ``s3:GetObject``.
        resource: Its ARN.
        context: The keys that were sent, and others that are known.
        missing: The keys that the simulation lacked.
        allowed: What it decided.
        hidden: Whether policies took part that cannot be read: those of an organization. Any key
            may then be one of theirs, whatever else asks for it.

    Returns:
        None where the decision holds whatever their values are. Keys that no policy read here asks
        for are named too: they are of a policy that cannot be read, as one of the organization.
    """
    found = _decisions(policies, action, resource, context)
    unclear = {key.lower(): key for one in found for key in one.hangs_on}
    # A key that was sent, and may have another value in the real call.
    open_keys = [key for name, key in unclear.items() if len(context.find(name)) > 1]
    seen = set() if hidden else policies.keys()
    unread = tuple(key for key in missing if key.lower() not in seen)
    if not allowed and any(_is_denied(one) for one in found):
        return ()  # what is denied here, no other policy allows
    if all(one.effect is Effect.ALLOW for one in found):
        return unread  # if it is denied, then by a policy that was not read
    deciding = (*(key for key in missing if key.lower() in unclear), *open_keys)
    return tuple(dict.fromkeys((*deciding, *unread))) or tuple(missing)


@dataclass(frozen=True, slots=True)
class Pieces:
    """How far an allowance reaches that was simulated for one name.

    Attributes:
        refused: The first known place that is not allowed, if there is one.
        is_denied: Whether a denial refuses it; else nothing grants it.
        unclear: What of the things is denied, or alone granted, in words: nobody knows whether a
            run comes there.
    """

    refused: str | None = None
    is_denied: bool = False
    unclear: tuple[str, ...] = ()


def pieces(
    policies: PrincipalPolicies,
    action: str,
    reach: Reach,
    context: Context,
) -> Pieces:
    """Tell what of many things is not allowed, though one of them is.

    Args:
        policies: What the principal has.
        action: As ``s3:GetObject``.
        reach: The things.
        context: The keys that were sent, and others that are known.
    """
    for place in reach.places:
        found = _decisions(policies, action, place, context)
        if any(_is_denied(one) for one in found):
            by_denial = any(one.deny.value is True for one in found)
            return Pieces(place.replace(SEGMENT, "*"), by_denial)
    said: dict[str, None] = {}
    for one in _decisions(policies, action, reach.pattern, context):
        denying = [p for p in one.parts if not p.statement.allows and _is_partial(p)]
        said |= {f"{_resources(p.statement)} is denied": None for p in denying}
        if one.allow.value is not True:
            granting = [p for p in one.parts if p.statement.allows and _is_partial(p)]
            said |= {f"of it, {_resources(p.statement)} alone is granted": None for p in granting}
    return Pieces(unclear=tuple(said))


def granted_parts(
    policies: PrincipalPolicies, action: str, reach: Reach, context: Context
) -> tuple[str, ...]:
    """Name what alone of many things is granted, where the one that was simulated is not.

    Args:
        policies: What the principal has.
        action: As ``sagemaker:CreateTrainingJob``.
        reach: The things. Where not all is granted to which every run comes, nothing is named.
        context: The keys that were sent, and others that are known.

    Returns:
        In words; nothing where no part is granted, or what is granted is denied.
    """
    for place in reach.places:
        if any(one.allow.value is not True for one in _decisions(policies, action, place, context)):
            return ()
    found = _decisions(policies, action, reach.pattern, context)
    if any(_is_denied(one) for one in found):
        return ()
    named = (
        f"of it, {', '.join(some)} alone is granted"
        for one in found
        for part in one.parts
        if part.statement.allows
        and part.either.value is None
        and not part.conditions
        and (some := _overlapping(part.statement, reach.pattern))
    )
    return tuple(dict.fromkeys(named))


def _overlapping(statement: Statement, pattern: str) -> list[str]:
    """The resources of a statement that are some of these things, each part of the ARN for itself.

    Of a statement about all but what it names, that is "all but" those.
    """
    if statement.negated_resources:
        return [_resources(statement)]
    theirs = segments(glob(pattern, value=True))
    return [
        one
        for one in statement.resources or ()
        if all(
            relation(part, their) is not False
            for part, their in zip(segments(glob(one)), theirs, strict=False)
        )
    ]


def _decisions(
    policies: PrincipalPolicies, action: str, resource: str, context: Context
) -> list[Decision]:
    # A call about no thing is one about "*", which is no name that a pattern could stand for.
    thing = "the account" if resource == "*" else resource
    request = Request(_ITSELF, action, thing, context)
    return [evaluate(document, request) for document in policies.documents()]


def _is_denied(decision: Decision) -> bool:
    """Whether it is not allowed, be it denied or not granted."""
    return not decision.problems and (decision.deny.value is True or decision.allow.value is False)


def _is_partial(part: Part) -> bool:
    return part.either.value is None and RESOURCE in part.either.keys


def _resources(statement: Statement) -> str:
    named = ", ".join(statement.resources or ())
    return f"all but {named}" if statement.negated_resources else named


def _keys(statement: Raw) -> set[str]:
    return {
        key.lower()
        for keys in statement.get("Condition", {}).values()
        if isinstance(keys, Mapping)
        for key in keys
    }


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
