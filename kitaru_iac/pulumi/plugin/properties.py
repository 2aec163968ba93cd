"""Keys of a description as properties of the package's schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kitaru_iac.pulumi.keys import camel
from kitaru_iac.pulumi.plugin import enums
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.rows import FieldInfo, Kind

__all__ = ["ANY", "description_properties", "input_of", "property_of"]

ANY = "pulumi.json#/Any"


def property_of(key: str, *, plain: bool = False) -> dict[str, Any]:
    """The schema of one key of a description.

    Args:
        key: As in YAML.
        plain: Its value has to be known before anything is made, and cannot be an output.
    """
    info = FIELDS[key]
    schema: dict[str, Any] = {"description": info.program.description or info.description}
    if info.kind is Kind.SWITCH:
        schema["type"] = "boolean"
    elif info.kind is Kind.MAPPING:
        of: dict[str, Any] = {"$ref": ANY}
        if key == "extra":
            of = {"type": "object", "additionalProperties": of}
        schema |= {
            "type": "object",
            "additionalProperties": enums.reference(_class_of(info)) if info.choices else of,
        }
    else:
        schema |= enums.reference(_class_of(info)) if info.choices else {"type": "string"}
        if info.choices:
            schema["description"] += f" One of {', '.join(info.choices)}."
        if info.examples:
            schema["description"] += f" For example `{info.examples[0]}`."
    if info.secret:
        schema["secret"] = True
    elif plain:
        schema["plain"] = True
    return schema


def _class_of(info: FieldInfo) -> str:
    return (info.value or "").partition(":")[2]


def input_of(key: str, *, plain: bool = False) -> dict[str, Any]:
    """The schema of one key as an input of a resource, with what it is if left out."""
    schema = property_of(key, plain=plain)
    if left_out := FIELDS[key].program.left_out:
        schema["description"] += f" {left_out}, if left out."
    return schema


def description_properties(keys: Iterable[str], *, plain: bool = False) -> dict[str, Any]:
    """The schema of these keys, by their names on the wire."""
    return {camel(key): property_of(key, plain=plain) for key in keys}
