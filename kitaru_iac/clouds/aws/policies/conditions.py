"""The conditions of a statement, against what is known of a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
and, for several values and operators,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from kitaru_iac.clouds.aws.policies.answers import NO, YES, Answer, doubt, hangs_on
from kitaru_iac.clouds.aws.policies.comparisons import (
    Single,
    compare_arn,
    compare_plain,
    compare_text,
)
from kitaru_iac.clouds.aws.policies.requests import ABSENT, Absent, Context, Possible
from kitaru_iac.clouds.aws.policies.variables import UNRESOLVED, Unresolved, resolve

__all__ = ["Condition", "Operator", "met", "operator_of"]


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator, taken apart.

    Attributes:
        kind: ``string``, ``arn``, ``numeric``, ``date``, ``ip``, ``bool``, ``binary``, ``null``.
        how: ``equals``, ``like``, ``equalsignorecase``, ``lessthan`` and its siblings.
        negated: Whether it is met where no value matches.
        if_exists: Whether it is met where the key is missing.
        each: ``forallvalues``, ``foranyvalue`` or nothing.
    """

    kind: str
    how: str
    negated: bool = False
    if_exists: bool = False
    each: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of one operator, with the values that the policy gives."""

    operator: Operator
    key: str
    values: tuple[str, ...]
    said: str


_ORDERS = ("equals", "lessthan", "lessthanequals", "greaterthan", "greaterthanequals")
_BASES: dict[str, Operator] = {
    **{f"string{how}": Operator("string", how) for how in ("equals", "like", "equalsignorecase")},
    **{
        f"stringnot{how}": Operator("string", how, negated=True)
        for how in ("equals", "like", "equalsignorecase")
    },
    **{f"arn{how}": Operator("arn", "like") for how in ("equals", "like")},
    **{f"arnnot{how}": Operator("arn", "like", negated=True) for how in ("equals", "like")},
    **{f"{kind}{how}": Operator(kind, how) for kind in ("numeric", "date") for how in _ORDERS},
    "numericnotequals": Operator("numeric", "equals", negated=True),
    "datenotequals": Operator("date", "equals", negated=True),
    "bool": Operator("bool", "equals"),
    "binaryequals": Operator("binary", "equals"),
    "ipaddress": Operator("ip", "equals"),
    "notipaddress": Operator("ip", "equals", negated=True),
    "null": Operator("null", "equals"),
}


def operator_of(name: str) -> Operator | None:
    """Read an operator's name; None where AWS has none of this name."""
    each, colon, rest = name.lower().rpartition(":")
    if each not in ({"forallvalues", "foranyvalue"} if colon else {""}):
        return None
    base = _BASES.get(rest.removesuffix("ifexists"))
    if base is None or (base.kind == "null" and rest != "null"):
        return None
    return Operator(base.kind, base.how, base.negated, rest.endswith("ifexists"), each)


def met(condition: Condition, context: Context, *, variables: bool) -> Answer:
    """Whether a condition is met, whatever the key may be."""
    possible = context.find(condition.key)
    judge = partial(_met_by, condition, context=context, variables=variables)
    if possible:
        return Answer.same((judge(value) for value in possible), condition.key)
    # Unknown, but some conditions are the same whether the key is there or not.
    missing = judge(ABSENT)
    if missing.value is True and not condition.operator.negated and _any_value(condition):
        return YES
    return hangs_on(condition.key)


def _any_value(condition: Condition) -> bool:
    """Whether the condition is met by every value: ``StringLike`` and its only value ``*``."""
    return (
        condition.operator.kind == "string"
        and condition.operator.how == "like"
        and "*" in condition.values
    )


def _met_by(condition: Condition, value: Possible, *, context: Context, variables: bool) -> Answer:
    operator = condition.operator
    if operator.kind == "null":
        wanted = "true" if value is ABSENT or value == () else "false"
        return Answer(any(given.lower() == wanted for given in condition.values))
    if isinstance(value, Absent):
        return _met_by_none(operator)
    matches = partial(_one_matches, condition, context=context, variables=variables)
    if operator.each:
        values = value if isinstance(value, tuple) else (value,)
        found = [matches(one) for one in values]
        return Answer.all(found) if operator.each == "forallvalues" else Answer.any(found)
    if isinstance(value, tuple):
        # A key with several values needs ForAllValues or ForAnyValue; without, AWS says nothing:
        # .../reference_policies_condition-single-vs-multi-valued-context-keys.html
        return doubt(f"{condition.said}: the key has several values")
    return matches(value)


def _met_by_none(operator: Operator) -> Answer:
    """The condition where the request does not have the key."""
    if operator.each == "forallvalues":
        return YES
    if operator.each == "foranyvalue":
        if operator.if_exists:
            return doubt("IfExists with ForAnyValue, where the key is missing")
        return NO
    return Answer(operator.if_exists or operator.negated)


def _one_matches(
    condition: Condition, value: Single, *, context: Context, variables: bool
) -> Answer:
    """One value of the request against all of the policy: any matches, or for negations none."""
    operator = condition.operator
    found, missing = _matches(condition, value, context, variables)
    answer = Answer.any(found)
    if missing and (operator.negated or answer.value is True):
        return doubt(f"{condition.said}: {UNRESOLVED}")
    answer = ~answer if operator.negated else answer
    if answer.value is None and not answer.keys and not answer.doubts:
        return hangs_on(condition.key)
    return answer


def _matches(
    condition: Condition, value: Single, context: Context, variables: bool
) -> tuple[Sequence[Answer], bool]:
    operator = condition.operator
    found: list[Answer] = []
    missing = False
    for wanted in condition.values:
        if operator.kind not in {"string", "arn"}:
            found.append(compare_plain(operator.kind, wanted, value, operator.how))
            continue
        wild = operator.how == "like"
        try:
            text = resolve(wanted, context, wild=wild, variables=variables)
        except Unresolved as unresolved:
            missing = missing or unresolved.answer is None
            found.append(unresolved.answer or NO)
            continue
        if operator.kind == "arn":
            found.append(compare_arn(text, value))
        else:
            ignore_case = operator.how == "equalsignorecase"
            found.append(compare_text(text, value, ignore_case=ignore_case))
    return found, missing
