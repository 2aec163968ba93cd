"""Whether somebody else writes to a stack at the same time: looked at before writing, and after.

A server takes every write, whatever was there before it, so that two changes at once can both
succeed and leave a mixture. A local store has one writer for a name (`machine.locks`) and is not
asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from kitaru_iac.errors import StackChanged
from kitaru_iac.gateway.documents import ComponentDoc, StackDoc, Where
from kitaru_iac.labels import APPLIED_LABEL
from kitaru_iac.plan.model import Action, Step
from kitaru_iac.records.diff import diff
from kitaru_iac.records.from_documents import component_record, connector_record, records_from
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records, stored_id
from kitaru_iac.records.stored import Store
from kitaru_iac.records.together import answers

__all__ = ["differences", "differences_of_new", "new_since", "require_as_read"]


def require_as_read(store: Store, current: Records, *, connector: bool) -> None:
    """Refuse to write over what somebody else wrote since a stack was read.

    Args:
        store: The open store.
        current: The stack as it was read, with the connector's secrets.
        connector: Whether the connector is to be written too.

    Raises:
        StackChanged: Its components, or its connector, are not as they were read.
    """
    docs = store.gateway.components(Where(in_stack=stored_id(current)))
    found = _changed(current, docs)
    link = current.connector
    if connector and link is not None:
        doc = store.gateway.connector_with_secrets(stored_id(link))
        if doc is None or connector_record(doc, reused=link.existing) != link:
            found.append(_named(link))
    if found:
        raise StackChanged(
            f"Stack '{current.stack}' was changed by somebody else meanwhile", differs=found
        )


def new_since(records: Records, stored: dict[str, ComponentRecord]) -> list[str]:
    """Which parts in no stack, that are to be taken over, are not as they were read."""
    return [_named(part) for part in records.components if stored.get(part.type) != part]


def differences(store: Store, desired: Records, id: str, connector: str | None) -> list[str]:
    """How a stack differs from what was asked for, now that it was changed in place.

    Args:
        store: The open store.
        desired: What was asked for.
        id: The stack's id.
        connector: The id of the connector that its components should be linked to.

    Returns:
        A line for each field that differs; empty where none does.
    """
    gateway = store.gateway
    own = desired.connector is not None and not desired.connector.existing
    link = connector if own else None
    stacks, parts, doc = answers(
        lambda: gateway.stacks(Where(ids=(id,))),
        lambda: gateway.components(Where(in_stack=id)),
        lambda: gateway.connector_with_secrets(link) if link else None,
    )
    stack = next(iter(stacks), None)
    if stack is None:
        return [f"stack {desired.stack}: it is gone"]
    if stack.name != desired.stack:
        return [f"stack {desired.stack}: it is called {stack.name}"]
    stored = desired.connector
    if link:
        stored = None if doc is None else connector_record(doc)
    found = _differences(desired, stack, parts, stored, connector)
    kept = desired.labels.get(APPLIED_LABEL)
    if not found and kept is not None and stack.labels.get(APPLIED_LABEL) != kept:
        # All is as this run wrote it, and the stack says that somebody else's was applied.
        found = [f"stack {desired.stack}: labels.{APPLIED_LABEL}"]
    return found


def differences_of_new(
    store: Store, desired: Records, stack: StackDoc, connector: str | None
) -> list[str]:
    """How a stack that was registered just now differs from what was asked for.

    Its own call has answered with the stack itself, and nobody else knew its connector.
    """
    docs = store.gateway.components(Where(in_stack=stack.id))
    return _differences(desired, stack, docs, desired.connector, connector)


def _differences(
    desired: Records,
    stack: StackDoc,
    docs: Sequence[ComponentDoc],
    link: ConnectorRecord | None,
    connector: str | None,
) -> list[str]:
    known = {doc.id: doc for doc in docs}
    now = records_from(stack, known, link)
    lines = [line for step in diff(desired, now) for line in _lines(step)]
    described = {component.type for component in desired.components if component.uses_connector}
    lines += [
        f"{doc.type} {doc.name}: its connector"
        for doc in docs
        if doc.type in described and doc.connector_id not in {None, connector}
    ]
    return list(dict.fromkeys(lines))


def _lines(step: Step) -> list[str]:
    """What differs, without values: a component may hold what its user keeps secret."""
    if step.action is Action.KEEP:
        return []
    subject = f"{step.kind.replace('_', ' ')} {step.name}"
    if step.changes:
        return [f"{subject}: {change.field}" for change in step.changes]
    if step.action is Action.CREATE:
        return [f"{subject}: it is not in the stack"]
    return [f"{subject}: {step.reason or 'it should not be in the stack'}"]


def _changed(current: Records, docs: Sequence[ComponentDoc]) -> list[str]:
    now = {doc.id: component_record(doc) for doc in docs}
    gone = [_named(part) for part in current.components if now.get(stored_id(part)) != part]
    known = {part.id for part in current.components}
    return [*gone, *(_named(part) for uuid, part in now.items() if uuid not in known)]


def _named(part: ComponentRecord | ConnectorRecord) -> str:
    kind = part.type.replace("_", " ") if isinstance(part, ComponentRecord) else "service connector"
    return f"{kind} {part.name}"
