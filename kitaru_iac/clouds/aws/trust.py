"""Reading a role's trust policy: may a service become this role?

A small evaluator for the one question, which says "cannot tell" rather than guess: conditions that
it does not know are neither met nor unmet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

__all__ = ["Trust", "listed", "may_assume", "statement_list"]


class _Met(Enum):
    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Trust:
    """What a trust policy says about one service.

    Attributes:
        allowed: True, False, or None where it depends on conditions that cannot be told.
        reasons: What was read, one sentence each.
        anybody: A statement allows any principal, without a condition that limits it.
        bound: Whether a condition on the source (`aws:SourceAccount`, `aws:SourceArn`) is there.
    """

    allowed: bool | None
    reasons: tuple[str, ...] = ()
    anybody: bool = False
    bound: bool = field(default=False)


@dataclass(slots=True)
class _Reading:
    """What the statements said so far."""

    allows: list[_Met] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    denied: bool = False
    unclear_denial: bool = False
    anybody: bool = False
    bound: bool = False


def may_assume(
    document: Mapping[str, Any], service: str, account: str, region: str | None, partition: str
) -> Trust:
    """Whether `service`, acting for `account` in `region`, may assume the role by this document."""
    source = f"arn:{partition}:{service.split('.', maxsplit=1)[0]}:{region or '*'}:{account}:*"
    context = {"aws:sourceaccount": account, "aws:sourcearn": source}
    seen = _Reading()
    for statement in statement_list(document):
        if _acts(statement):
            _read(statement, service, context, seen)
    sure = _Met.YES in seen.allows and not seen.unclear_denial
    possible = _Met.YES in seen.allows or _Met.UNCLEAR in seen.allows
    allowed = False if seen.denied else True if sure else None if possible else False
    if not seen.allows:
        seen.reasons.append(f"no statement allows {service}")
    return Trust(allowed, tuple(seen.reasons), seen.anybody, seen.bound)


def _read(
    statement: Mapping[str, Any], service: str, context: Mapping[str, str], seen: _Reading
) -> None:
    met, said = _conditions(statement, context)
    about_us = _names_service(statement, service)
    sid = f" (statement {statement['Sid']})" if statement.get("Sid") else ""
    if statement.get("Effect") == "Deny":
        if about_us and met is _Met.YES:
            seen.denied = True
            seen.reasons.append(f"a statement denies it{sid}")
        elif about_us and met is _Met.UNCLEAR:
            seen.unclear_denial = True
            seen.reasons.append(f"a denial depends on {said}{sid}")
        return
    if _is_anybody(statement) and not statement.get("Condition"):
        seen.anybody = True
    if not about_us:
        return
    seen.allows.append(met)
    if met is _Met.YES:
        seen.bound = seen.bound or "aws:source" in said.lower()
    else:
        words = "does not fit" if met is _Met.NO else "cannot be told"
        seen.reasons.append(f"the condition {said} {words}{sid}")


def statement_list(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The statements of a policy: IAM allows a single one without a list."""
    return [s for s in listed(document.get("Statement")) if isinstance(s, Mapping)]


def listed(value: Any) -> list[Any]:
    """A value that IAM allows alone or in a list, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _acts(statement: Mapping[str, Any]) -> bool:
    wanted = "sts:assumerole"
    if "NotAction" in statement:
        return not any(fnmatchcase(wanted, str(a).lower()) for a in listed(statement["NotAction"]))
    return any(fnmatchcase(wanted, str(a).lower()) for a in listed(statement.get("Action")))


def _names_service(statement: Mapping[str, Any], service: str) -> bool:
    """Whether the statement is about this service. ``{"AWS": "*"}`` is not: it means accounts."""
    if "NotPrincipal" in statement:
        excluded = statement["NotPrincipal"]
        names = listed(excluded.get("Service")) if isinstance(excluded, Mapping) else []
        return service not in names
    principal = statement.get("Principal")
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return False
    return service in listed(principal.get("Service"))


def _is_anybody(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    return principal == "*" or (
        isinstance(principal, Mapping) and "*" in listed(principal.get("AWS"))
    )


def _conditions(statement: Mapping[str, Any], context: Mapping[str, str]) -> tuple[_Met, str]:
    """Whether all conditions are met, and those that decide, in words."""
    seen: list[tuple[_Met, str]] = []
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            met = _condition(operator.lower(), key.lower(), listed(values), context)
            seen.append((met, f"{operator} {key} = {', '.join(map(str, listed(values)))}"))
    for wanted in (_Met.NO, _Met.UNCLEAR):
        deciding = [said for met, said in seen if met is wanted]
        if deciding:
            return wanted, "; ".join(deciding)
    return _Met.YES, "; ".join(said for _, said in seen)


def _condition(operator: str, key: str, values: list[Any], context: Mapping[str, str]) -> _Met:
    operator = operator.removesuffix("ifexists")
    actual = context.get(key)
    if actual is None or operator not in {
        *("stringequals", "stringlike", "stringequalsignorecase"),
        *("arnequals", "arnlike", "stringnotequals", "stringnotlike", "arnnotequals", "arnnotlike"),
    }:
        return _Met.UNCLEAR
    matches = [_matches(actual, str(value), operator) for value in values]
    if "not" in operator:
        return _Met.YES if all(m is _Met.NO for m in matches) else (
            _Met.NO if _Met.YES in matches else _Met.UNCLEAR
        )  # fmt: skip
    if _Met.YES in matches:
        return _Met.YES
    return _Met.UNCLEAR if _Met.UNCLEAR in matches else _Met.NO


def _matches(actual: str, pattern: str, operator: str) -> _Met:
    """Compare. The source ARN is known only up to the resource: it can fit without being sure."""
    if not actual.endswith(":*"):
        wild = "like" in operator or "arn" in operator
        hit = fnmatchcase(actual, pattern) if wild else actual == pattern
        return _Met.YES if hit else _Met.NO
    ours, theirs = actual.split(":", 5), pattern.split(":", 5)
    theirs += ["*"] * (6 - len(theirs))
    for mine, wanted in zip(ours[:5], theirs[:5], strict=True):
        if mine != "*" and not fnmatchcase(mine, wanted):
            return _Met.NO
        if mine == "*" and wanted != "*":
            return _Met.UNCLEAR
    return _Met.YES if theirs[5] == "*" else _Met.UNCLEAR
