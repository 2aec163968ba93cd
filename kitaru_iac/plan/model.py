"""The plan: what would change, in both layers, before anything does.

Pure data. The record layer and the infrastructure layer each give their steps; `render` shows them,
and `stacks.operations` carries them out. A plan never holds the value of a secret, only that it
differs.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from kitaru_iac import values
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.values import dataclass

__all__ = ["HIDDEN", "Action", "Change", "Kept", "Layer", "Plan", "Reason", "Step"]

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


class Reason(StrEnum):
    """Why a step is taken, or a thing kept: the code of what `Step.reason` says in words."""

    ADDED_BY_HAND = "added_by_hand"
    EXISTING = "existing"
    FLAVOR = "flavor_fixed"
    FORCED = "forced_by_properties"
    IGNORED = "ignored_changes"
    IMPORTED = "imported"
    IN_CLUSTER = "in_cluster"
    LEFT_BY_DEAD_RUN = "left_by_dead_run"
    MAKES_ROOM = "makes_room"
    NOT_DESCRIBED = "not_described"
    PROTECTED = "protected"
    PRUNED = "pruned"
    RECORD = "record_of_applied"
    RENAMED = "renamed"
    SHARED = "used_by_others"
    STACK_REPLACED = "stack_replaced"
    TAKEN_OVER = "taken_over"
    UNKNOWN_OPERATION = "unknown_operation"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs. `before` and `after` are None where the field is absent.

    Attributes:
        sensitive: Whether its values are secret; `HIDDEN` stands for each that there is.
        undigested: Whether logins that may read less do not see that it differs. So it is no part
            of a plan's digest, by which what one of them reviewed is compared with another's plan.
    """

    field: str
    before: Any = None
    after: Any = None
    sensitive: bool = values.field(default=False, compare=False)
    undigested: bool = values.field(default=False, compare=False)

    @property
    def unknown(self) -> bool:
        """Whether it is known only that the field differs, as of what the engine tells."""
        return not self.sensitive and self.before is None and self.after is None

    def to_dict(self) -> dict[str, Any]:
        """``{"path", "op", "before", "after"}``; no value where it is secret or unknown."""
        op = "change"
        if not self.unknown:
            op = "add" if self.before is None else "remove" if self.after is None else "change"
        shown = not self.sensitive
        return {
            "path": self.field,
            "op": op,
            "before": self.before if shown else None,
            "after": self.after if shown else None,
        }


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
        code: The code of `reason`.
        key: What the subject is called in its program, where `name` is the cloud's name for it.
        deletes_first: Of a replacement, whether the old one goes before the new one comes.
        previous: ``TYPE/NAME`` by which the program knew it before, if it has been renamed there.
    """

    action: Action
    kind: str
    name: str
    layer: Layer = Layer.RECORDS
    changes: tuple[Change, ...] = ()
    reason: str | None = None
    used_by: tuple[str, ...] = ()
    code: Reason | None = values.field(default=None, compare=False)
    key: str | None = values.field(default=None, compare=False)
    deletes_first: bool = values.field(default=False, compare=False)
    previous: str | None = values.field(default=None, compare=False)


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


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays where the rest is deleted, and why."""

    kind: str
    name: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Give ``{"kind", "name", "reason"}``."""
        return {"kind": self.kind, "name": self.name, "reason": self.reason}
