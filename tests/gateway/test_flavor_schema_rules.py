"""What a flavor's schema says against a configuration: each condition on both sides."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.gateway.documents import FieldError
from kitaru_iac.gateway.flavor_schema import field_errors, is_secret

NUMBER = {"type": "integer"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["path"],
    "properties": {
        "path": {"type": "string"},
        "count": NUMBER,
        "flag": {"type": "boolean"},
        "key": {"anyOf": [{"type": "string", "format": "password"}, {"type": "null"}]},
        "tags": {"type": "object", "additionalProperties": NUMBER},
        "list": {"type": "array", "items": NUMBER},
        "part": {"$ref": "#/$defs/Part"},
    },
    "$defs": {"Part": {"type": "object", "properties": {"size": NUMBER}, "required": ["size"]}},
}


def fields(**given: object) -> list[str]:
    return [error.field for error in field_errors(SCHEMA, {"path": "s3://b", **given})]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, []),
        ({"count": 5}, []),
        ({"count": "5"}, []),
        ({"count": 5.0}, []),
        ({"count": 5.5}, ["count"]),
        ({"count": "five"}, ["count"]),
        ({"count": True}, ["count"]),
        ({"count": "{{ team.count }}"}, []),
        ({"count": "{{ team }}"}, ["count"]),
        ({"count": ["{{ team.count }}"]}, ["count"]),
        ({"flag": True}, []),
        ({"flag": "yes"}, []),
        ({"flag": "maybe"}, ["flag"]),
        ({"flag": 1}, []),
        ({"flag": 2}, ["flag"]),
        ({"key": None}, []),
        ({"key": "text"}, []),
        ({"key": 5}, ["key"]),
        ({"tags": {"a": "1"}}, []),
        ({"tags": {"a": "x"}}, ["tags.a"]),
        ({"list": ["1", 2]}, []),
        ({"list": ["1", "x"]}, ["list.1"]),
        ({"part": {"size": 1}}, []),
        ({"part": {}}, ["part"]),
        # What the schema does not know is not its business; what follows is.
        ({"unknown": 1, "count": "five"}, ["count"]),
        ({"count": "five", "flag": "maybe"}, ["count", "flag"]),
    ],
)
def test_values(given: dict[str, object], wrong: list[str]) -> None:
    assert fields(**given) == wrong


def test_a_field_that_is_not_there_is_told_as_absent() -> None:
    assert field_errors(SCHEMA, {}) == [FieldError("path", "Field required", is_absent=True)]


def test_a_schema_that_is_none_says_nothing() -> None:
    assert field_errors({"type": "no such type"}, {"path": 5}) == []


@pytest.mark.parametrize(
    ("part", "secret"),
    [
        ({"type": "string"}, False),
        ({"writeOnly": True}, True),
        ({"format": "password"}, True),
        ({"format": "uri"}, False),
        ({"sensitive": True}, True),
        ({"anyOf": [{"type": "null"}, {"format": "password"}]}, True),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, False),
    ],
)
def test_which_fields_are_secrets(part: dict[str, Any], secret: bool) -> None:
    assert is_secret(part) is secret
    schema = {"properties": {"it": {"type": "integer", **part}}}
    (error,) = field_errors(schema, {"it": [[]]})
    assert error.is_secret is secret
