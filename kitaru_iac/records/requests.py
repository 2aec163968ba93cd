"""Records as what a gateway is asked to create and change; whether a change is still there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kitaru_iac.gateway.documents import (
    UNSET,
    ComponentChange,
    ComponentDoc,
    ConnectorChange,
    ConnectorDoc,
    NewComponent,
    NewConnector,
    NewStack,
    StackChange,
    StackDoc,
)
from kitaru_iac.labels import OUR_LABELS
from kitaru_iac.records.diff import IGNORED_CONNECTOR_FIELDS, is_equal
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord
from kitaru_iac.values import replace

__all__ = [
    "component_change",
    "connector_change",
    "created_component",
    "created_stack",
    "is_as_written",
    "is_made",
    "merged",
    "new_component",
    "new_connector",
    "tuples",
]


def new_connector(connector: ConnectorRecord) -> NewConnector:
    """A connector record as one to be created, or to be verified without being stored."""
    return NewConnector(
        name=connector.name,
        type=connector.type,
        auth_method=connector.auth_method,
        configuration=connector.configuration,
        secrets=connector.secrets,
        labels=connector.labels,
    )


def new_component(component: ComponentRecord, connector: str | None) -> NewComponent:
    """A component record as one to be created, linked to a connector."""
    return NewComponent(
        type=component.type,
        name=component.name,
        flavor=component.flavor,
        configuration=component.configuration,
        labels=component.labels,
        connector_id=connector if component.uses_connector else None,
        connector_resource_id=component.resource_id,
    )


def connector_change(connector: ConnectorRecord, labels: Mapping[str, str]) -> ConnectorChange:
    """The change of a connector to a record, with these labels; its name stays."""
    return ConnectorChange(
        auth_method=connector.auth_method,
        configuration=connector.configuration,
        secrets=connector.secrets,
        labels=labels,
    )


def component_change(
    component: ComponentRecord,
    other: ComponentRecord,
    connector: str | None,
    labels: Mapping[str, str],
) -> ComponentChange:
    """The change to `component` from `other`, whose name is not written if it is the same."""
    return ComponentChange(
        name=component.name if component.name != other.name else UNSET,
        configuration=component.configuration,
        labels=labels,
        connector_id=connector if component.uses_connector else None,
        connector_resource_id=component.resource_id,
    )


def created_component(new: NewComponent, name: str, labels: Mapping[str, str]) -> ComponentChange:
    """What a component is that was just created, under a name and with labels that ZenML gave."""
    return ComponentChange(
        name=name,
        configuration=new.configuration,
        labels=labels,
        connector_id=new.connector_id,
    )


def created_stack(new: NewStack, made: StackDoc) -> StackChange:
    """What a stack is that was just created; what somebody has put into it since is left out."""
    members = {
        kind: tuple(member.id for member in made.members.get(kind, ())[: len(of_kind)])
        for kind, of_kind in new.members.items()
    }
    return StackChange(
        name=new.name,
        labels=new.labels,
        members={kind: ids for kind, ids in members.items() if ids},
        description=new.description,
    )


def tuples(members: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Members of a stack as a gateway takes them."""
    return {kind: tuple(of_kind) for kind, of_kind in members.items()}


def is_made(
    doc: StackDoc | ComponentDoc | ConnectorDoc | None,
    new: StackChange | ComponentChange | ConnectorChange,
    written: ComponentRecord | None = None,
) -> bool | None:
    """Whether something is as a change makes it.

    Args:
        doc: What is stored; None if it is gone.
        new: What was to be written.
        written: The component that was written: what ZenML filled in with it is no difference.

    Returns:
        None where nobody can tell: the login may not read the secrets that were to be written.
    """
    if doc is None or not is_as_written(doc, new, written):
        return False
    hides = isinstance(doc, ConnectorDoc) and doc.secrets_hidden
    if hides and isinstance(new, ConnectorChange) and new.secrets is not UNSET and new.secrets:
        return None
    return True


def merged(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """The new labels, and those of the old that are the user's own."""
    return {**{k: v for k, v in old.items() if not k.startswith(OUR_LABELS)}, **new}


def is_as_written(
    doc: StackDoc | ComponentDoc | ConnectorDoc,
    new: StackChange | ComponentChange | ConnectorChange,
    written: ComponentRecord | None,
) -> bool:
    """Whether something is as a change makes it; arguments as of `is_made`."""
    if _has(doc, new):
        return True
    if written is None or not isinstance(doc, ComponentDoc):
        return False
    return _has(replace(doc, configuration=written.without_filled(doc.configuration)), new)


def _has(
    doc: StackDoc | ComponentDoc | ConnectorDoc,
    change: StackChange | ComponentChange | ConnectorChange,
) -> bool:
    """Whether something is as a change makes it, in all that the change speaks of."""
    if change.name is not UNSET and doc.name != change.name:
        return False
    if change.labels is not UNSET and dict(doc.labels) != dict(change.labels):
        return False
    if isinstance(change, StackChange):
        return isinstance(doc, StackDoc) and _is_stack(doc, change)
    if isinstance(change, ComponentChange):
        return isinstance(doc, ComponentDoc) and _is_component(doc, change)
    return isinstance(doc, ConnectorDoc) and _is_connector(doc, change)


def _is_stack(doc: StackDoc, change: StackChange) -> bool:
    if change.description not in {UNSET, doc.description}:
        return False
    stored = {kind: tuple(m.id for m in of_kind) for kind, of_kind in doc.members.items()}
    return change.members is UNSET or stored == dict(change.members)


def _is_component(doc: ComponentDoc, change: ComponentChange) -> bool:
    pairs = (
        (change.connector_id, doc.connector_id),
        (change.connector_resource_id, doc.connector_resource_id),
        (change.configuration, doc.configuration),
    )
    return all(wanted is UNSET or is_equal(wanted, stored) for wanted, stored in pairs)


def _is_connector(doc: ConnectorDoc, change: ConnectorChange) -> bool:
    if change.auth_method not in {UNSET, doc.auth_method}:
        return False
    if change.configuration is UNSET:
        return True
    secrets = {} if change.secrets is UNSET else change.secrets
    wanted = {**change.configuration, **secrets}
    stored = {**doc.configuration, **doc.secrets}
    fields = {*wanted, *stored} - IGNORED_CONNECTOR_FIELDS
    if doc.secrets_hidden:  # of which nobody can tell whether they are as they were written
        fields -= set(secrets)
    return all(is_equal(wanted.get(field), stored.get(field)) for field in fields)
