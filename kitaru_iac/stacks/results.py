"""What the operations of this room return: plain data, with the JSON of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kitaru_iac.notices import KitaruWarning
from kitaru_iac.plan.document import changes
from kitaru_iac.plan.model import Kept, Plan, Step
from kitaru_iac.values import dataclass, field, replace

if TYPE_CHECKING:
    from kitaru_iac.spec.model import StackSpec

__all__ = [
    "Applied",
    "Cleaned",
    "Created",
    "Deleted",
    "Leftover",
    "Orphan",
    "Switched",
    "named_resources",
    "with_warnings",
]


@dataclass(frozen=True, slots=True)
class Created:
    """A stack that was registered.

    Attributes:
        components_created: As ``dev (orchestrator)``.
        service_connectors_created: Names; empty where none was needed or an existing one is used.
        resources: The named resources of a remote stack, as ``{"provider": "aws", "cluster": …}``.
        warnings: What the user has to know, in plain words.
        checks: How each resource of the connector was verified.
        infrastructure: What was done to the infrastructure, with ``infra: provision``.
        state: The backend that has its state, without secrets; None where there is none.
        made: The keys of `resources` whose things are new, and not only used.
        beside: What else is new, as ``role: kitaru-prod-pods``.
    """

    id: str
    name: str
    is_active: bool
    previous_active_stack: str | None
    stack_type: str
    components_created: tuple[str, ...]
    service_connectors_created: tuple[str, ...] = ()
    resources: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[KitaruWarning, ...] = ()
    checks: tuple[Any, ...] = ()
    infrastructure: tuple[Step, ...] = ()
    state: str | None = None
    made: frozenset[str] = frozenset()
    beside: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The ``item`` of ``stack.create``."""
        item: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "is_active": self.is_active,
            "previous_active_stack": self.previous_active_stack,
            "components_created": list(self.components_created),
            "stack_type": self.stack_type,
        }
        if self.resources:
            item["service_connectors_created"] = list(self.service_connectors_created)
            item["resources"] = dict(self.resources)
        if self.checks:
            item["checks"] = [check.to_dict() for check in self.checks]
        if self.infrastructure:
            item["infrastructure"] = changes(self.infrastructure)
        if self.state is not None:
            item["state"] = self.state
        if self.warnings:
            item["warnings"] = _plain(self.warnings)
        return item


@dataclass(frozen=True, slots=True)
class Applied:
    """A description that was applied. `changed` is False where there was nothing to do."""

    id: str | None
    name: str
    is_active: bool
    previous_active_stack: str | None
    plan: Plan
    changed: bool
    warnings: tuple[KitaruWarning, ...] = ()
    checks: tuple[Any, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The ``item`` of ``stack.apply``."""
        return {
            "id": self.id,
            "name": self.name,
            "is_active": self.is_active,
            "previous_active_stack": self.previous_active_stack,
            "changed": self.changed,
            "changes": changes(self.plan.steps, self.name),
            "checks": [check.to_dict() for check in self.checks],
            "warnings": _plain(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Gone:
    """What was to be deleted, and was gone already.

    Attributes:
        kind: ``stack``, the type of a component, or ``service_connector``.
        name: Its name.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        kind = "service connector" if self.kind == "service_connector" else self.kind
        return f"{kind} {self.name}"

    def to_dict(self) -> dict[str, str]:
        """As in the ``item`` of ``stack.delete``."""
        return {"kind": self.kind, "name": self.name}


@dataclass(frozen=True, slots=True)
class Deleted:
    """A stack that was deleted, with what went and what stayed.

    Attributes:
        deleted_stack: Its name, also where it was gone already.
        already_gone: What somebody else, or an earlier try, had deleted.
        infrastructure_kept: What of `kept` stays of its deployment.
        infrastructure_foreign: Those of them that are not the deployment's own.
        infrastructure_hidden: Those of them that may not be looked at.
    """

    deleted_stack: str
    components_deleted: tuple[str, ...]
    connectors_deleted: tuple[str, ...]
    kept: tuple[Kept, ...]
    new_active_stack: str | None
    recursive: bool
    infrastructure_deleted: tuple[Step, ...] = ()
    warnings: tuple[KitaruWarning, ...] = ()
    already_gone: tuple[Gone, ...] = ()
    infrastructure_kept: tuple[Kept, ...] = ()
    infrastructure_foreign: tuple[Kept, ...] = ()
    infrastructure_hidden: tuple[Kept, ...] = ()

    @property
    def stack_was_there(self) -> bool:
        """Whether the stack itself was deleted just now."""
        return all(part.kind != "stack" for part in self.already_gone)

    def to_dict(self) -> dict[str, Any]:
        """The ``item`` of ``stack.delete``."""
        gone = changes(self.infrastructure_deleted)
        return {
            **({"infrastructure_deleted": gone} if gone else {}),
            "deleted_stack": self.deleted_stack if self.stack_was_there else None,
            "components_deleted": list(self.components_deleted),
            "service_connectors_deleted": list(self.connectors_deleted),
            "already_gone": [part.to_dict() for part in self.already_gone],
            "kept": [part.to_dict() for part in self.kept],
            "new_active_stack": self.new_active_stack,
            "recursive": self.recursive,
            **({"warnings": _plain(self.warnings)} if self.warnings else {}),
        }


def with_warnings(done: Deleted, warnings: tuple[KitaruWarning, ...]) -> Deleted:
    """Give a deletion more warnings, before its own."""
    return replace(done, warnings=(*warnings, *done.warnings)) if warnings else done


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a run that ended in the middle left in the store.

    Attributes:
        stack: The stack that it was made for.
        kind: ``stack``, ``service_connector``, ``secret``, or a component type.
        name: What it is called in the store.
        reason: Why it counts as left over.
    """

    stack: str
    kind: str
    name: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """``{"stack", "kind", "name", "reason"}``."""
        return {"stack": self.stack, "kind": self.kind, "name": self.name, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Orphan:
    """A part that Kitaru made and that is in no stack: it is listed, and stays.

    So does a stack that a run of an earlier release may have set aside.

    Attributes:
        kind: ``service_connector``, a component type, or ``stack``.
        name: That of the stack that it was made for.
        updated: When it was last written.
        reason: What is known of how it came to be so.
        remedy: The command that takes it over, or deletes it; never one that reaches another stack.
    """

    kind: str
    name: str
    updated: datetime
    reason: str
    remedy: str

    def to_dict(self) -> dict[str, str]:
        """``{"kind", "name", "updated", "reason", "remedy"}``, the time in ISO 8601."""
        return {
            "kind": self.kind,
            "name": self.name,
            "updated": self.updated.isoformat(),
            "reason": self.reason,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was removed or put back, and what may be the work of a run that is alive.

    Attributes:
        removed: In the order of the stacks' names.
        restored: What has its own name again.
        declined: Whether the question was answered with no; nothing was removed then.
        orphans: What is in no stack, and is not removed unasked.
    """

    removed: tuple[Leftover, ...]
    restored: tuple[Leftover, ...]
    kept: tuple[Kept, ...]
    declined: bool
    orphans: tuple[Orphan, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The ``item`` of ``stack.clean``."""
        return {
            "removed": [leftover.to_dict() for leftover in self.removed],
            "restored": [leftover.to_dict() for leftover in self.restored],
            "kept": [part.to_dict() for part in self.kept],
            "orphans": [part.to_dict() for part in self.orphans],
        }


@dataclass(frozen=True, slots=True)
class Switched:
    """Another active stack.

    Attributes:
        previous_active_stack: The stack whose place it took; None where it was active already, or
            is not active.
        scope: Where the choice is written: ``repository`` or ``global``.
        overridden_by: The environment variable that names another stack, which runs from this
            shell use all the same.
        is_active: False where that variable, or a block or run of this process, names another one.
    """

    id: str
    name: str
    previous_active_stack: str | None
    scope: str
    overridden_by: str | None = None
    is_active: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The ``item`` of ``stack.use``."""
        item = {"id": self.id, "name": self.name, "is_active": self.is_active, "scope": self.scope}
        item["previous_active_stack"] = self.previous_active_stack
        if self.overridden_by:
            item["overridden_by"] = self.overridden_by
        return item


def _plain(warnings: tuple[KitaruWarning, ...]) -> list[dict[str, str]]:
    return [warning.to_dict() for warning in warnings]


def named_resources(spec: StackSpec) -> dict[str, Any]:
    """The named resources of a remote stack; empty for a purely local one."""
    if spec.cloud is None:
        return {}
    from kitaru_iac.spec.fields import FIELDS

    rows = [info for info in FIELDS.values() if info.names_resource]
    found = {info.key: getattr(spec, info.attribute, None) for info in rows}
    named = {key: str(value) for key, value in found.items() if value is not None}
    return {"provider": spec.cloud.value, **named}
