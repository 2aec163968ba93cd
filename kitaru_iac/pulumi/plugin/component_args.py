"""The inputs of a cloud's component on the wire: their schema, and what is wrong with them.

Both are read from the class that holds the arguments, with what it says of each.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from kitaru_iac.clouds.provider import Component
from kitaru_iac.errors import Problem
from kitaru_iac.pulumi.keys import camel
from kitaru_iac.pulumi.plugin.enums import reference
from kitaru_iac.pulumi.refusals import not_plain
from kitaru_iac.pulumi.values import has_output

__all__ = ["fields", "problems", "schema"]

_WORDS = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    list: "a list of text",
    dict: "a mapping to text",
}
_SCHEMAS: Mapping[type, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    list: {"type": "array", "items": {"type": "string", "plain": True}},
    dict: {"type": "object", "additionalProperties": {"type": "string", "plain": True}},
}


def _class_of(hint: object) -> type:
    """``list[str] | None`` → `list`."""
    if isinstance(hint, UnionType):
        hint = next(part for part in get_args(hint) if part is not NoneType)
    return cast("type", get_origin(hint) or hint)


@cache
def fields(arguments: type) -> Mapping[str, type]:
    """Give the class of each argument's value, as `str` or `list`, by the argument."""
    return {key: _class_of(hint) for key, hint in get_type_hints(arguments).items()}


def _required(arguments: type) -> frozenset[str]:
    return cast("frozenset[str]", arguments.__required_keys__)  # type: ignore[attr-defined]


def problems(component: Component, given: Mapping[str, Any]) -> list[Problem]:
    """Find everything that is wrong with arguments whose names are right."""
    classes = fields(component.arguments)
    types = [type_.value for type_ in component.types]
    missing = sorted(_required(component.arguments) - set(given))
    found = [Problem(key, f"{camel(key)} is missing") for key in missing]
    for key, value in given.items():
        if has_output(value):
            found.append(not_plain(key))
        elif not _fits(value, classes[key]):
            found.append(Problem(key, f"it has to be {_WORDS[classes[key]]}"))
        elif key == "type" and value not in types:
            found.append(Problem(key, f"it has to be one of {', '.join(types)}"))
    return found


def _fits(value: object, wanted: type) -> bool:
    if wanted is int:  # on the wire, all numbers are floats
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return value == int(value)
    if not isinstance(value, wanted):
        return False
    if isinstance(value, dict):
        value = list(value.values())
    return all(isinstance(item, str) for item in value) if isinstance(value, list) else True


def schema(component: Component, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the component in the package's schema.

    Args:
        component: Which.
        outputs: The schema of its properties.
    """
    texts = _texts(component.arguments)
    inputs = {
        camel(key): {
            **(reference("StackType") if key == "type" else _SCHEMAS[kind]),
            "plain": True,
            "description": texts[key],
        }
        for key, kind in fields(component.arguments).items()
    }
    return {
        "isComponent": True,
        "description": component.text,
        "inputProperties": inputs,
        "requiredInputs": sorted(camel(key) for key in _required(component.arguments)),
        "properties": dict(outputs),
        "required": [camel(key) for key in component.always],
    }


@cache
def _texts(arguments: type) -> Mapping[str, str]:
    """What the class says of each argument, in the text under it."""
    body = ast.parse(inspect.getsource(arguments)).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found
