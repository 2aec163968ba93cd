"""A stack's properties → what is wrong with them, all at once; and the description they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.pulumi.keys import STACK_KEYS, camel, snake
from kitaru_iac.pulumi.plugin.wire import Properties
from kitaru_iac.spec import StackSpec, from_mapping
from kitaru_iac.spec.fields import FIELDS

__all__ = ["description", "problems", "stack_spec"]

_ELSEWHERE = {
    camel(key): info.program.elsewhere for key, info in FIELDS.items() if info.program.elsewhere
}


def problems(properties: Properties, name: str, keys: Iterable[str] = STACK_KEYS) -> list[Problem]:
    """Everything that is wrong with a resource's properties.

    While some are not known, only the others are looked at, each by itself; the engine asks again
    when all are known, before anything is made.

    Args:
        properties: Those of the resource.
        name: The stack's name, where they have none.
        keys: The keys of a description that the resource takes.
    """
    accepted = {camel(key): key for key in keys}
    found = [_stranger(given, accepted) for given in sorted(properties.names - set(accepted))]
    given = description(properties.values, name if "name" not in properties.unknown else None)
    given = {key: value for key, value in given.items() if camel(key) in accepted}
    try:
        if properties.unknown:
            from kitaru_iac.spec.rules import check_singly

            check_singly(given, {snake(name) for name in properties.unknown})
        else:
            from kitaru_iac.stacks.desired import desired_records

            desired_records(from_mapping(given))
    except DescriptionError as error:
        found.extend(error.problems)
    return found


def description(values: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """The keys of ``stack.yaml`` for known properties."""
    given = {snake(key): value for key, value in values.items()}
    if name is not None and given.get("name") is None:
        given["name"] = name
    return given


def stack_spec(properties: Properties, name: str) -> StackSpec:
    """The description of a stack whose properties are all known.

    Raises:
        DescriptionError: With every problem.
    """
    given = description(properties.values, name)
    # It is made active by the provider itself, once it exists: see `stacks`.
    return from_mapping({**given, "activate": False})


def _stranger(name: str, accepted: Mapping[str, str]) -> Problem:
    from kitaru_iac.spec.rules import key_suggestion

    if name in _ELSEWHERE and name not in accepted:
        return Problem(name, "it is not a property of a stack", remedy=_ELSEWHERE[name])
    meant = key_suggestion(snake(name))
    near = camel(meant) if meant else None
    remedy = f"Did you mean `{near}`?" if near in accepted else f"They are {', '.join(accepted)}."
    return Problem(name, "it is not a property of a stack", remedy=remedy)
