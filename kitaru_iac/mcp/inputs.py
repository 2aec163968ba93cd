"""What the tools take: a description of a stack, with the keys of stack.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from kitaru_iac.errors import DescriptionError, Problem, UsageError
from kitaru_iac.spec import StackSpec, from_mapping, json_schema

__all__ = [
    "SCHEMA_URI",
    "Description",
    "OptionalDescription",
    "OptionalStack",
    "StackRef",
    "described",
]

SCHEMA_URI = "kitaru://schemas/stack.json"
#: What a key's schema says to a model; the rest is for editors, and long.
_SAID = ("type", "enum", "description", "default", "examples")


@cache
def _schema() -> dict[str, Any]:
    """The schema of stack.yaml in short, for four tools have it in their lists."""
    whole = json_schema(variables=False)
    properties: dict[str, Any] = {}
    for key, full in whole["properties"].items():
        said = {name: full[name] for name in _SAID if name in full}
        said["examples"] = said.pop("examples", [])[:3]
        if said.get("type") == "array":  # some models take no array without
            said["items"] = {"type": full["items"]["type"]}
        properties[key] = {name: value for name, value in said.items() if value != []}
    return {
        "type": "object",
        "description": f"The keys of stack.yaml. The whole schema is the resource {SCHEMA_URI}.",
        "properties": properties,
        "required": ["name"],
        "additionalProperties": False,
    }


def _keys() -> dict[str, Any]:
    """The same without words, for tools that mostly take the name of a stack."""
    whole = _schema()
    short = {
        key: {name: said[name] for name in ("type", "enum", "items") if name in said}
        for key, said in whole["properties"].items()
    }
    return {**whole, "description": "As for stack_preview.", "properties": short}


Description = Annotated[dict[str, Any], WithJsonSchema(_schema())]
OptionalDescription = Annotated[dict[str, Any], WithJsonSchema(_keys())] | None
OptionalStack = Annotated[
    str | None, Field(min_length=1, description="A stack that exists: its name or id.")
]
StackRef = Annotated[
    str,
    Field(min_length=1, description="The stack's name, its id, or the beginning of its id."),
]


def described(
    description: Mapping[str, object] | None, stack: str | None, *, with_infra: bool = False
) -> StackSpec:
    """The description that was given, or that of an existing stack.

    `with_infra` is as in `stacks.export.described`.

    Raises:
        UsageError: Both or none is given.
        DescriptionError: Everything that is wrong with the description.
    """
    if (description is None) == (stack is None):
        raise UsageError(
            "Either `stack` or `description` is needed, and not both",
            remedy="Give the name of a stack that exists, or a description.",
        )
    if stack is not None:
        from kitaru_iac.stacks import export

        return export.described(stack, with_infra=with_infra)
    assert description is not None
    if (problem := _stdin_problem(description)) is not None:
        raise DescriptionError([problem])
    return from_mapping(description)


def _stdin_problem(description: Mapping[str, object]) -> Problem | None:
    """What is wrong where credentials are to be read from stdin, which is the wire."""
    given = description.get("credentials")
    if not isinstance(given, str) or given.strip() != "-":
        return None
    return Problem(
        "credentials",
        "'-' stands for standard input, and this server has none to read from",
        remedy="Write env:NAME or file:PATH.",
    )
