"""The names of a description's keys in Pulumi: camelCase on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.errors import Problem
from kitaru_iac.spec.annotation_fields import NOT_OF_PROGRAMS
from kitaru_iac.spec.fields import FIELDS

__all__ = [
    "COMMAND_KEYS",
    "STACK_KEYS",
    "VERIFY_KEYS",
    "camel",
    "default_of",
    "property_path",
    "reason",
    "snake",
    "wire_names",
]

#: The keys of a description that are properties of `Stack`. What is done about the infrastructure
#: is said by the program around it.
STACK_KEYS: tuple[str, ...] = tuple(key for key, info in FIELDS.items() if info.program.of_stack)
#: Those that only the command can say, as what it is to leave alone.
COMMAND_KEYS: tuple[str, ...] = tuple(
    key for key, info in FIELDS.items() if info.program is NOT_OF_PROGRAMS
)
#: Those that `verify` takes.
VERIFY_KEYS: tuple[str, ...] = tuple(key for key in FIELDS if key not in COMMAND_KEYS)


def camel(key: str) -> str:
    """``artifact_store`` → ``artifactStore``."""
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)


def snake(name: str) -> str:
    """``artifactStore`` → ``artifact_store``."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def default_of(key: str) -> object:
    """What a key of a description means in a program where it is left out; None: nothing."""
    info = FIELDS[key]
    return info.default if info.program.default is None else info.program.default


def property_path(field: str) -> str:
    """The path of a problem's field: its key in camelCase; what stands below it, as it is.

    Below ``extra`` the names are ZenML's own: ``extra.orchestrator.synchronous``.
    """
    key, dot, below = field.partition(".")
    return camel(key) + dot + below


def wire_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Properties by their names on the wire, without those that are None."""
    return {camel(key): value for key, value in values.items() if value is not None}


def reason(problem: Problem) -> str:
    """A problem's text for a property failure; the engine writes the property before it."""
    parts = [problem.what]
    if problem.why:
        parts.append(f"({problem.why})")
    text = " ".join(parts)
    return f"{text}. {problem.remedy}" if problem.remedy else text
