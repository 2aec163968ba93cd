"""The plan: what would change, in both layers, before anything does.

Pure data. The record layer and the infrastructure layer each give their steps; `render` shows them,
and `stacks.operations` carries them out. A plan never holds the value of a secret, only that it
differs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kitaru_iac.notices import KitaruWarning

__all__ = ["Action", "Change", "Kept", "Layer", "Plan", "Step"]

#: Stands for a secret's value wherever one would be shown.
HIDDEN = "(secret)"


class Action(StrEnum):
    """What a step does to its subject."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    KEEP = "keep"
    ACTIVATE = "activate"


class Layer(StrEnum):
    """Whose thing it is: the cloud's or ZenML's."""

    INFRASTRUCTURE = "infrastructure"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs. `before` and `after` are None where the field is absent."""

    field: str
    before: Any = None
    after: Any = None

    def to_dict(self) -> dict[str, Any]:
        """``{"field", "before", "after"}``."""
        return {"field": self.field, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that would be done.

    Attributes:
        action: What is done.
        kind: What it is done to: ``stack``, ``orchestrator``, ``artifact_store``,
            ``container_registry``, ``service_connector``, or a Pulumi type token.
        name: The subject's name.
        changes: The fields that differ, for an update or a replacement.
        reason: Why, where it is not plain: what forces a replacement, why a thing is kept.
        used_by: What else in the store uses the subject, as ``stack prod``.
    """

    action: Action
    kind: str
    name: str
    layer: Layer = Layer.RECORDS
    changes: tuple[Change, ...] = ()
    reason: str | None = None
    used_by: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The step as JSON and YAML output carry it."""
        return {
            "layer": self.layer.value,
            "action": self.action.value,
            "kind": self.kind,
            "name": self.name,
            "changes": [change.to_dict() for change in self.changes],
            **({"reason": self.reason} if self.reason else {}),
            **({"used_by": list(self.used_by)} if self.used_by else {}),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps for one stack, in the order in which they are carried out."""

    stack: str
    steps: tuple[Step, ...] = ()
    warnings: tuple[KitaruWarning, ...] = ()

    @property
    def has_changes(self) -> bool:
        """Whether carrying it out would change anything."""
        return any(step.action is not Action.KEEP for step in self.steps)

    def count(self, action: Action) -> int:
        """How many steps have this action."""
        return sum(step.action is action for step in self.steps)

    def extended(self, steps: Iterable[Step] = (), warnings: Iterable[KitaruWarning] = ()) -> Plan:
        """A new plan with these steps and warnings after its own."""
        return Plan(self.stack, (*self.steps, *steps), (*self.warnings, *warnings))

    def to_dict(self) -> dict[str, Any]:
        """``{"stack", "has_changes", "summary": {action: count}, "steps", "warnings"}``."""
        counts = {action.value: self.count(action) for action in Action}
        return {
            "stack": self.stack,
            "has_changes": self.has_changes,
            "summary": {action: count for action, count in counts.items() if count},
            "steps": [step.to_dict() for step in self.steps],
            "warnings": [warning.to_dict() for warning in self.warnings],
        }


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays where the rest is deleted, and why."""

    kind: str
    name: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Give ``{"kind", "name", "reason"}``."""
        return {"kind": self.kind, "name": self.name, "reason": self.reason}
