"""The inputs of `kitaru:aws:Infrastructure` on the wire: their schema, and what is wrong with them.

Both are read from the class that holds the arguments, with what it says of each.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from kitaru_iac.clouds.aws.provision.args import InfrastructureArgs
from kitaru_iac.errors import Problem
from kitaru_iac.pulumi.keys import camel
from kitaru_iac.pulumi.refusals import not_plain
from kitaru_iac.pulumi.values import has_output

__all__ = ["FIELDS", "problems", "schema", "typed"]

_WORDS = {str: "text", bool: "true or false", list: "a list of text", dict: "a mapping to text"}
_SCHEMAS: Mapping[type, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    list: {"type": "array", "items": {"type": "string", "plain": True}},
    dict: {"type": "object", "additionalProperties": {"type": "string", "plain": True}},
}
_TYPES = ("local", "kubernetes", "sagemaker")


def _class_of(hint: Any) -> type:
    """``list[str] | None`` → `list`."""
    if isinstance(hint, UnionType):
        hint = next(part for part in get_args(hint) if part is not NoneType)
    return cast("type", get_origin(hint) or hint)


#: By argument: the class of its value, as `str` or `list`.
FIELDS: Mapping[str, type] = {
    key: _class_of(hint) for key, hint in get_type_hints(InfrastructureArgs).items()
}


def problems(given: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with arguments whose names are right."""
    missing = sorted(InfrastructureArgs.__required_keys__ - set(given))
    found = [Problem(key, f"{camel(key)} is missing") for key in missing]
    for key, value in given.items():
        if has_output(value):
            found.append(not_plain(key))
        elif not _fits(value, FIELDS[key]):
            found.append(Problem(key, f"it has to be {_WORDS[FIELDS[key]]}"))
        elif key == "type" and value not in _TYPES:
            found.append(Problem(key, f"it has to be one of {', '.join(_TYPES)}"))
    return found


def _fits(value: Any, wanted: type) -> bool:
    if not isinstance(value, wanted):
        return False
    if isinstance(value, dict):
        value = list(value.values())
    return all(isinstance(item, str) for item in value) if isinstance(value, list) else True


def typed(given: dict[str, Any]) -> InfrastructureArgs:
    """Arguments without problems."""
    return cast("InfrastructureArgs", given)


def schema(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The component in the package's schema.

    Args:
        outputs: The schema of its properties.
    """
    inputs = {
        camel(key): {**_SCHEMAS[kind], "plain": True, "description": _texts()[key]}
        for key, kind in FIELDS.items()
    }
    return {
        "isComponent": True,
        "description": "The infrastructure of one stack on AWS, named part by part: what is "
        "called `new…` is made, the rest is used. ProvisionedStack names it all from a "
        "description, and registers the stack too. Running programs need the AWS packages beside "
        "the plugin: `pip install 'kitaru-iac[aws]'`.",
        "inputProperties": inputs,
        "requiredInputs": sorted(camel(key) for key in InfrastructureArgs.__required_keys__),
        "properties": dict(outputs),
        "required": ["region"],
    }


@cache
def _texts() -> Mapping[str, str]:
    """What the class says of each argument, in the text under it."""
    body = ast.parse(inspect.getsource(InfrastructureArgs)).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            found[field.target.id] = str(text.value.value)
    return found
