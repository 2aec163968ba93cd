"""Keys of a description as properties of the package's schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kitaru_iac.pulumi.keys import camel
from kitaru_iac.spec.fields import FIELDS, Kind

__all__ = ["description_properties", "input_of", "property_of"]

ANY = "pulumi.json#/Any"


#: Where a program is told something else than a person.
_TEXTS = {
    "credentials": "How the stack's service connector logs in: a credential string, or env:NAME or "
    "file:PATH for where one stands. Left out, the connector is what the ZenML server itself is.",
}


def property_of(key: str, *, plain: bool = False) -> dict[str, Any]:
    """The schema of one key of a description.

    Args:
        key: As in YAML.
        plain: Its value has to be known before anything is made, and cannot be an output.
    """
    info = FIELDS[key]
    schema: dict[str, Any] = {"description": _TEXTS.get(key, info.description)}
    if info.kind is Kind.SWITCH:
        schema["type"] = "boolean"
    elif info.kind is Kind.MAPPING:
        of = {"type": "object", "additionalProperties": {"$ref": ANY}}
        schema |= {
            "type": "object",
            "additionalProperties": of if key == "extra" else {"type": "string"},
        }
    else:
        schema["type"] = "string"
        if info.choices:
            schema["description"] += f" One of {', '.join(info.choices)}."
        if info.examples:
            schema["description"] += f" For example `{info.examples[0]}`."
    if key == "credentials":
        schema["secret"] = True
    elif plain:
        schema["plain"] = True
    return schema


#: What an input stands for that is left out.
_LEFT_OUT = {"name": "The resource's name", "activate": "False", "verify": "True"}


def input_of(key: str, *, plain: bool = False) -> dict[str, Any]:
    """The schema of one key as an input of a resource, with what it is if left out."""
    schema = property_of(key, plain=plain)
    if key in _LEFT_OUT:
        schema["description"] += f" {_LEFT_OUT[key]}, if left out."
    return schema


def description_properties(keys: Iterable[str], *, plain: bool = False) -> dict[str, Any]:
    """The schema of these keys, by their names on the wire."""
    return {camel(key): property_of(key, plain=plain) for key in keys}
