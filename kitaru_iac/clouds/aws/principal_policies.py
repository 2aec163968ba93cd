"""The policies of a user or role, read to tell whether a decision of IAM's simulation is certain.

The simulation names the condition keys that it was not given, of *all* policies: also of statements
about other things (https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html).
A missing key does not match, or, under a negated operator, does. So an answer with missing keys may
be the right one, or may hang on a key that the real call brings. Which of both it is, the
statements about that action and thing tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from kitaru_iac.checks.probes import in_parallel
from kitaru_iac.clouds.aws.resources import role_name
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["PrincipalPolicies", "hinges_on", "read_policies"]

Raw = Mapping[str, Any]
Context = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PrincipalPolicies:
    """The statements of a user's or role's own policies, and of its permissions boundary if any."""

    statements: tuple[Raw, ...]
    boundary: tuple[Raw, ...] | None = None

    def keys(self) -> set[str]:
        """Every condition key that a statement asks for, in lower case."""
        return {key for s in (*self.statements, *(self.boundary or ())) for key in _keys(s)}


class _Met(Enum):
    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


# --- reading


def read_policies(aws: AwsAccess, principal: str) -> PrincipalPolicies:
    """Read the inline and attached policies of a principal, those of its groups, and its boundary.

    Args:
        aws: Who asks.
        principal: The ARN of a user or role of the asking account.

    Raises:
        ProbeError: One of them could not be read. None is left out.
    """
    kind = "user" if ":user/" in principal else "role"
    name, title = role_name(principal), kind.capitalize()
    whole = aws.ask(
        "iam", f"get_{kind}", about=principal, absent=("NoSuchEntity",), **{f"{title}Name": name}
    )
    boundary = whole[title].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    found = list(_policies_of(aws, kind, name))
    if kind == "user":
        groups = aws.ask_all(
            *("iam", "list_groups_for_user", "Groups"), about=principal, UserName=name
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
        *("iam", "get_policy_version"),
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
) -> tuple[str, ...]:
    """Name the condition keys on which a simulated decision hangs.

    Args:
        policies: What the principal has.
        action: As ``s3:GetObject``.
        resource: Its ARN.
        context: The keys that were sent, in lower case, and their values.
        missing: The keys that the simulation lacked.
        allowed: What it decided.

    Returns:
        None where the decision holds whatever their values are. Keys that no policy read here asks
        for are named too: they are of a policy that cannot be read, as one of the organization.
    """
    seen = policies.keys()
    unread = tuple(key for key in missing if key.lower() not in seen)
    sets = [s for s in (policies.statements, policies.boundary) if s is not None]
    found = [_decide(statements, action, resource, context) for statements in sets]
    if not allowed and any(decided is _Met.NO for decided, _ in found):
        return ()  # what is denied here, no other policy allows
    if all(decided is _Met.YES for decided, _ in found):
        return unread  # if it is denied, then by a policy that was not read
    unclear = {key for _, keys in found for key in keys}
    deciding = tuple(key for key in missing if key.lower() in unclear)
    return (*deciding, *unread) or tuple(missing)


def _decide(
    statements: Iterable[Raw], action: str, resource: str, context: Context
) -> tuple[_Met, set[str]]:
    """Allowed, not allowed, or unclear by these statements; and the keys of the unclear ones."""
    seen: dict[str, set[_Met]] = {"Allow": set(), "Deny": set()}
    unclear: set[str] = set()
    for statement in statements:
        met = _applies(statement, action, resource, context)
        seen.setdefault(str(statement.get("Effect")), set()).add(met)
        if met is _Met.UNCLEAR:
            unclear |= _keys(statement)
    if _Met.YES in seen["Deny"] or not seen["Allow"] & {_Met.YES, _Met.UNCLEAR}:
        return _Met.NO, unclear
    if _Met.YES in seen["Allow"] and _Met.UNCLEAR not in seen["Deny"]:
        return _Met.YES, unclear
    return _Met.UNCLEAR, unclear


def _applies(statement: Raw, action: str, resource: str, context: Context) -> _Met:
    if "NotAction" in statement:
        if _any_match(statement["NotAction"], action, ignore_case=True) is not _Met.NO:
            return _Met.NO
    elif _any_match(statement.get("Action"), action, ignore_case=True) is _Met.NO:
        return _Met.NO
    if "NotResource" in statement:
        about = _negated(_any_match(statement["NotResource"], resource))
    else:
        about = _any_match(statement.get("Resource"), resource)
    met = [about]
    for operator, keys in statement.get("Condition", {}).items():
        met += [
            _condition(operator.lower(), _listed(values), context.get(key.lower()))
            for key, values in keys.items()
        ]
    return _Met.NO if _Met.NO in met else _Met.UNCLEAR if _Met.UNCLEAR in met else _Met.YES


_POSITIVE = {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "bool"}


def _condition(operator: str, values: list[Any], actual: str | None) -> _Met:
    """Evaluate one key of a condition; one that was not sent, or an unknown operator, is unclear.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    if actual is None:
        return _Met.UNCLEAR
    operator = operator.removesuffix("ifexists").rpartition(":")[2]
    if operator == "null":
        return _Met.YES if [str(v).lower() for v in values] == ["false"] else _Met.NO
    positive = operator.replace("not", "", 1)
    if positive not in _POSITIVE:
        return _Met.UNCLEAR
    ignore_case = positive in {"stringequalsignorecase", "bool"}
    literal = positive in {"stringequals", "stringequalsignorecase", "bool"}
    found = _any_match(values, actual, ignore_case=ignore_case, literal=literal)
    return _negated(found) if positive != operator else found


def _any_match(
    patterns: object, text: str, *, ignore_case: bool = False, literal: bool = False
) -> _Met:
    """Whether one of the patterns matches; one with a policy variable is unclear at best."""
    found = _Met.NO
    for pattern in map(str, _listed(patterns)):
        if _matches(pattern, text, ignore_case=ignore_case, literal=literal):
            if "${" not in pattern:
                return _Met.YES
            found = _Met.UNCLEAR
    return found


def _matches(pattern: str, text: str, *, ignore_case: bool, literal: bool) -> bool:
    parts = re.split(r"(\$\{[^}]*\})", pattern)
    made = "".join(
        ".*" if part.startswith("${") else re.escape(part) if literal else _wildcards(part)
        for part in parts
    )
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.fullmatch(made, text, flags) is not None


def _wildcards(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def _negated(met: _Met) -> _Met:
    return {_Met.YES: _Met.NO, _Met.NO: _Met.YES}.get(met, met)


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
