"""The names that parts have for a while: set aside, or not there yet."""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.labels import ASIDE_LABEL
from kitaru_iac.patterns import compiled

__all__ = ["REPLACED", "final_name", "replaced_by_mark", "temporary_name"]

#: What an old part is called while its successor takes its name: ``NAME-replaced``.
REPLACED = "-replaced"
_TEMPORARY = compiled(r"(?P<name>.+)-new-[0-9a-f]{8}")


def temporary_name(name: str, token: str) -> str:
    """What a new connector is called until it takes its name.

    Args:
        name: Its name to be.
        token: Eight hexadecimal digits of this run.
    """
    return f"{name}-new-{token}"


def final_name(name: str) -> str | None:
    """The name to be of something that has a temporary one; None for any other."""
    found = _TEMPORARY.fullmatch(name)
    return found["name"] if found else None


def replaced_by_mark(name: str, labels: Mapping[str, object]) -> str | None:
    """The stack of which a run has set something aside, by its mark; None where none has.

    Args:
        name: What it is called now.
        labels: Its labels.
    """
    stack = labels.get(ASIDE_LABEL)
    return str(stack) if stack is not None and name == f"{stack}{REPLACED}" else None
