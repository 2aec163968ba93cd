"""Compare what should be stored with what is: the record layer's steps, in the order of writing.

Pure: two `Records` in, steps out. What forces a replacement follows the ZenML provider for
Terraform: another stack type, another connector type or authentication method. Everything else is
changed in place, and the stack keeps its id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kitaru_iac.gateway.masking import masked
from kitaru_iac.labels import APPLIED_LABEL, MANAGED_LABEL, OUR_LABELS
from kitaru_iac.plan.model import HIDDEN, Action, Change, Reason, Step
from kitaru_iac.records.annotations import copied_labels, description_after, labels_after
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.model import (
    DESCRIBED,
    REMOVED_WITH_STACK,
    ComponentRecord,
    ConnectorRecord,
    Records,
)
from kitaru_iac.values import replace

__all__ = [
    "IGNORED_CONNECTOR_FIELDS",
    "diff",
    "goes_with_stack",
    "hidden",
    "is_equal",
    "is_own_component",
    "is_own_connector",
    "label_changes",
    "mapping_changes",
    "replacement_reason",
]

#: ZenML adds this to each connector that comes with a stack; it means nothing to most of them.
IGNORED_CONNECTOR_FIELDS = frozenset({"generate_temporary_tokens"})

#: What local stacks are made with, by ours or the other `kitaru`.
_OF_LOCAL_STACKS = frozenset({"orchestrator", "artifact_store", "sandbox"})


def diff(desired: Records, current: Records | None, orphans: Records | None = None) -> list[Step]:
    """The steps that turn `current` into `desired`.

    Args:
        desired: What the description asks for.
        current: What is stored under that stack name; None where there is no such stack.
        orphans: Managed parts of that name in no stack, which are taken over.

    Returns:
        Steps in the order of writing: connector, components, stack, then deletions. A part that is
        already right is a ``keep`` step, so that a plan shows all of the stack.
    """
    spare = orphans or Records(desired.stack, "custom", ())
    if current is None:
        return _creation(desired, spare)
    reason = replacement_reason(desired, current)
    if reason is not None:
        return _replacement(desired, current, spare, reason)
    steps = [*_connector_steps(desired, current, spare)]
    linked_differently = _connector_moves(desired, current)
    membership: list[Change] = []
    for component in desired.components:
        step, change = _component_step(component, current, spare, linked_differently)
        steps.append(step)
        if change is not None:
            membership.append(change)
    removals = _removals(desired, current)
    membership.extend(Change(step.kind, step.name, None) for step in removals)
    steps.append(_stack_step(desired, current, membership))
    steps = [_with_ignored(step, desired) for step in steps]
    return [*steps, *_foreign(desired, current), *removals, *_old_connector(desired, current)]


def replacement_reason(desired: Records, current: Records) -> str | None:
    """Why the stack cannot be changed in place, or None if it can."""
    if desired.stack_type != current.stack_type:
        return f"its type changes from {current.stack_type} to {desired.stack_type}"
    new, old = desired.connector, current.connector
    if new is None or old is None or new.existing or not is_own_connector(old, current):
        return None
    if new.type != old.type:
        return f"its connector changes from {old.type} to {new.type}"
    if new.auth_method != old.auth_method:
        return f"its connector's method changes from {old.auth_method} to {new.auth_method}"
    return None


def is_own_connector(connector: ConnectorRecord, records: Records) -> bool:
    """Whether a stored connector came with this stack, and may be changed and deleted with it."""
    return (
        not connector.existing
        and connector.name == records.stack
        and connector.labels.get(MANAGED_LABEL) == "true"
    )


def is_own_component(component: ComponentRecord, records: Records) -> bool:
    """Whether a stored component came with this stack.

    Components of a remote stack carry the label. Those of a local stack do not (the other `kitaru`
    does not label them either): there the managed stack's own name tells, on a part that was
    applied, of the flavor that was, or, where no record of that is kept, on one that local stacks
    are made with.
    """
    return component.type in DESCRIBED and _came_with(component, records)


def goes_with_stack(component: ComponentRecord, records: Records) -> bool:
    """Whether a stored component goes when the stack is deleted with its parts.

    So do the sandboxes that the other `kitaru` makes with a stack. No description of ours speaks of
    them, so that `apply` leaves them alone. An unlabelled one stays where ours applied the stack:
    it may be the user's.
    """
    return component.type in REMOVED_WITH_STACK and _came_with(component, records)


def _came_with(component: ComponentRecord, records: Records) -> bool:
    if component.name != records.stack:
        return False
    if component.labels.get(MANAGED_LABEL) == "true":
        return True
    if records.labels.get(MANAGED_LABEL) != "true":
        return False
    applied = applied_records(records.labels)
    if applied is None:
        return records.stack_type == "local" and component.type in _OF_LOCAL_STACKS
    # As it was applied: with a runner of the user's own a stack is of another type meanwhile.
    part = applied.component(component.type)  # of a remote stack's, the label would tell
    return part is not None and applied.stack_type == "local" and part.flavor == component.flavor


def _creation(desired: Records, spare: Records) -> list[Step]:
    return [*_new_parts(desired, spare), Step(Action.CREATE, "stack", desired.stack)]


def _new_parts(desired: Records, spare: Records) -> list[Step]:
    steps: list[Step] = []
    if desired.connector is not None:
        steps.append(_new_connector(desired.connector, spare.connector))
    for component in desired.components:
        old = spare.component(component.type)
        if old is None:
            steps.append(Step(Action.CREATE, component.type, component.name))
        else:
            steps.append(_taken_over(component, old, spare))
    return steps


def _taken_over(new: ComponentRecord, old: ComponentRecord, spare: Records) -> Step:
    if old.flavor != new.flavor:
        return _flavor_change(new, old)
    return Step(
        Action.UPDATE,
        new.type,
        new.name,
        changes=_component_changes(new, old, spare, relink=True),
        reason="left by an earlier stack of this name, and taken over",
        code=Reason.TAKEN_OVER,
    )


def _replacement(desired: Records, current: Records, spare: Records, reason: str) -> list[Step]:
    steps = [
        Step(
            Action.REPLACE,
            "stack",
            desired.stack,
            reason=f"{reason}; it gets a new id",
            code=Reason.STACK_REPLACED,
        )
    ]
    steps.extend(_new_parts(desired, spare))
    steps.extend(
        Step(Action.DELETE, component.type, component.name)
        for component in current.components
        if is_own_component(component, current)
    )
    steps.extend(_foreign(desired, current))
    steps.extend(_old_connector(desired, current, replaced=True))
    return steps


def _new_connector(new: ConnectorRecord, spare: ConnectorRecord | None) -> Step:
    if new.existing:
        return Step(
            Action.KEEP,
            "service_connector",
            new.name,
            reason="existing, used as it is",
            code=Reason.EXISTING,
        )
    if spare is not None and (spare.type, spare.auth_method) != (new.type, new.auth_method):
        reason = "one left by an earlier stack of this name makes room"
        return Step(
            Action.REPLACE, "service_connector", new.name, reason=reason, code=Reason.MAKES_ROOM
        )
    if spare is not None:
        return Step(
            Action.UPDATE,
            "service_connector",
            new.name,
            changes=_connector_changes(new, spare),
            reason="left by an earlier stack of this name, and taken over",
            code=Reason.TAKEN_OVER,
        )
    return Step(Action.CREATE, "service_connector", new.name)


def _connector_steps(desired: Records, current: Records, spare: Records) -> list[Step]:
    new, old = desired.connector, current.connector
    if new is None:
        return []
    if new.existing or old is None or not is_own_connector(old, current):
        return [_new_connector(new, spare.connector)]
    changes = _connector_changes(new, old)
    action = Action.UPDATE if changes else Action.KEEP
    return [Step(action, "service_connector", new.name, changes=changes)]


def _connector_moves(desired: Records, current: Records) -> bool:
    """Whether the components have to be linked to another connector than now."""
    new, old = desired.connector, current.connector
    if new is None or old is None:
        return (new is None) != (old is None)
    if new.existing:
        return new.id != old.id
    return not is_own_connector(old, current)


def _connector_changes(new: ConnectorRecord, old: ConnectorRecord) -> tuple[Change, ...]:
    changes: list[Change] = []
    if new.auth_method != old.auth_method:
        changes.append(Change("auth_method", old.auth_method, new.auth_method))
    before = {k: v for k, v in old.configuration.items() if k not in IGNORED_CONNECTOR_FIELDS}
    changes.extend(hidden(mapping_changes("configuration", before, new.configuration)))
    changes.extend(
        Change(
            f"configuration.{key}",
            HIDDEN if key in old.secrets else None,
            HIDDEN if key in new.secrets else None,
            sensitive=True,
            undigested=True,
        )
        for key in sorted({*old.secrets, *new.secrets})
        if not old.secrets_hidden and _plain(old.secrets.get(key)) != _plain(new.secrets.get(key))
    )
    changes.extend(label_changes(new.labels, old.labels))
    return tuple(changes)


def _component_step(
    new: ComponentRecord, current: Records, spare: Records, relink: bool
) -> tuple[Step, Change | None]:
    """The component's own step, and the change of the stack's membership that goes with it."""
    member = current.component(new.type)
    if member is not None and is_own_component(member, current):
        if member.flavor != new.flavor:
            return _flavor_change(new, member), Change(new.type, member.name, new.name)
        link = None if current.connector is None else current.connector.id
        strays = link is not None and member.connector_id not in {None, link}
        changes = _component_changes(new, member, current, relink=relink or strays)
        action = Action.UPDATE if changes else Action.KEEP
        return Step(action, new.type, new.name, changes=changes), None
    change = Change(new.type, member.name if member else None, new.name)
    old = spare.component(new.type)
    if old is None:
        return Step(Action.CREATE, new.type, new.name), change
    return _taken_over(new, old, spare), change


def _flavor_change(new: ComponentRecord, old: ComponentRecord) -> Step:
    return Step(
        Action.REPLACE,
        new.type,
        new.name,
        changes=(Change("flavor", old.flavor, new.flavor),),
        reason="a component's flavor cannot be changed in place",
        code=Reason.FLAVOR,
    )


def _component_changes(
    new: ComponentRecord, old: ComponentRecord, of: Records, *, relink: bool
) -> tuple[Change, ...]:
    before = new.without_filled(old.configuration)
    changes = hidden(mapping_changes("configuration", before, new.configuration))
    if new.uses_connector != old.uses_connector:
        changes.append(Change("uses_connector", old.uses_connector, new.uses_connector))
    elif relink and new.uses_connector:
        changes.append(Change("connector", None, "the stack's"))
    if new.resource_id != old.resource_id:
        changes.append(Change("resource_id", old.resource_id, new.resource_id))
    changes.extend(label_changes(new.labels, old.labels))
    copied = sorted(copied_labels(old, of))
    changes.extend(Change(f"labels.{key}", old.labels[key], None) for key in copied)
    return tuple(changes)


def _stack_step(desired: Records, current: Records, membership: list[Change]) -> Step:
    labels = {**labels_after(desired, current), APPLIED_LABEL: None}  # which `applied` compares
    before = {**current.labels, APPLIED_LABEL: None}
    changes = (*membership, *hidden(mapping_changes("labels", before, labels)))
    description = description_after(desired, current)
    if description != current.description:
        changes = (*changes, *hidden([Change("description", current.description, description)]))
    action = Action.UPDATE if changes else Action.KEEP
    return Step(action, "stack", desired.stack, changes=changes)


def _with_ignored(step: Step, desired: Records) -> Step:
    """A step that says which differing fields it leaves to somebody else."""
    fields = desired.ignored.get(step.kind)
    if not fields or step.action not in {Action.KEEP, Action.UPDATE} or step.reason:
        return step
    return replace(
        step,
        reason=f"{', '.join(fields)} differs and is left as it is: ignore_changes",
        code=Reason.IGNORED,
    )


def _removals(desired: Records, current: Records) -> list[Step]:
    wanted = {component.type for component in desired.components}
    return [
        Step(
            Action.DELETE,
            component.type,
            component.name,
            reason="not described any more",
            code=Reason.NOT_DESCRIBED,
        )
        for component in current.components
        if component.type not in wanted and is_own_component(component, current)
    ]


def _foreign(desired: Records, current: Records) -> list[Step]:
    """Members of the stack that the description does not speak of: the user's own additions."""
    wanted = {component.type for component in desired.components}
    return [
        Step(
            Action.KEEP,
            component.type,
            component.name,
            reason="added to the stack by hand",
            code=Reason.ADDED_BY_HAND,
        )
        for component in current.components
        if component.type not in wanted and not is_own_component(component, current)
    ]


def _old_connector(desired: Records, current: Records, *, replaced: bool = False) -> list[Step]:
    old, new = current.connector, desired.connector
    if old is None or not is_own_connector(old, current):
        return []
    if replaced or new is None or (new.existing and new.id != old.id):
        return [Step(Action.DELETE, "service_connector", old.name)]
    return []


def mapping_changes(prefix: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Give the keys whose values differ, as ``PREFIX.KEY``."""
    return [
        Change(f"{prefix}.{key}", old.get(key), new.get(key))
        for key in sorted({*old, *new})
        if _plain(old.get(key)) != _plain(new.get(key))
    ]


def hidden(changes: list[Change]) -> list[Change]:
    """Give the changes of a configuration, without the passwords it may hold as plain text."""

    def shown(change: Change) -> Change:
        key = change.field.rpartition(".")[2]
        both = {"before": change.before, "after": change.after}
        if all(masked({key: value}) == {key: value} for value in both.values()):
            return change
        marks = {at: None if value is None else HIDDEN for at, value in both.items()}
        return Change(change.field, marks["before"], marks["after"], sensitive=True)

    return [shown(change) for change in changes]


def label_changes(new: Mapping[str, str], old: Mapping[str, str]) -> list[Change]:
    """Give the labels of ours that differ, but for the record of what was applied."""
    return [
        Change(f"labels.{key}", old.get(key), new.get(key))
        for key in sorted({*old, *new})
        if key.startswith(OUR_LABELS) and key != APPLIED_LABEL and old.get(key) != new.get(key)
    ]


def is_equal(one: object, other: object) -> bool:
    """Whether two values of a field are the same to a store."""
    return bool(_plain(one) == _plain(other))


def _plain(value: object) -> object:
    """A value as JSON knows it, so that a tuple and a list, or an enum and its text, are equal."""
    if isinstance(value, str):
        return str(value)
    return json.loads(json.dumps(value, default=str, sort_keys=True))
