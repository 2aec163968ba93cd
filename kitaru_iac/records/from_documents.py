"""What a gateway gives, as records."""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.gateway.documents import ComponentDoc, ConnectorDoc, StackDoc
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records, stack_type

__all__ = ["component_record", "connector_record", "links", "records_from"]


def records_from(
    stack: StackDoc, docs: Mapping[str, ComponentDoc], connector: ConnectorRecord | None
) -> Records:
    """A stack's documents as its records.

    Args:
        stack: The stack.
        docs: Its components by their ids; one that is missing is gone since the stack was read.
        connector: The one that they are linked to.
    """
    components = tuple(component_record(doc) for doc in _in_order(stack, docs))
    orchestrator = next((c for c in components if c.type == "orchestrator"), None)
    return Records(
        stack=stack.name,
        stack_type=stack_type(orchestrator.flavor if orchestrator else None),
        components=components,
        connector=connector,
        labels=dict(stack.labels),
        description=stack.description or None,
        id=stack.id,
    )


def _in_order(stack: StackDoc, docs: Mapping[str, ComponentDoc]) -> list[ComponentDoc]:
    return [
        docs[member.id]
        for kind in sorted(stack.members)
        for member in stack.members[kind]
        if member.id in docs
    ]


def links(stack: StackDoc, docs: Mapping[str, ComponentDoc]) -> list[str]:
    """The ids of the connectors that a stack's components are linked to, in their order."""
    found = (doc.connector_id for doc in _in_order(stack, docs))
    return list(dict.fromkeys(link for link in found if link is not None))


def component_record(doc: ComponentDoc) -> ComponentRecord:
    """A component."""
    return ComponentRecord(
        type=doc.type,
        name=doc.name,
        flavor=doc.flavor,
        configuration=dict(doc.configuration),
        uses_connector=doc.connector_id is not None,
        resource_id=doc.connector_resource_id,
        labels=dict(doc.labels),
        id=doc.id,
        connector_id=doc.connector_id,
    )


def connector_record(doc: ConnectorDoc, *, reused: bool = False) -> ConnectorRecord:
    """A service connector; `reused` where it was there before the stack that uses it."""
    return ConnectorRecord(
        name=doc.name,
        type=doc.type,
        auth_method=doc.auth_method,
        configuration=doc.configuration,
        secrets=doc.secrets,
        labels=dict(doc.labels),
        existing=reused,
        id=doc.id,
        secrets_hidden=doc.secrets_hidden,
    )
